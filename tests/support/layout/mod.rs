//! Graphs to lay out, and what is counted in their drawings; shared by the test and the benchmark.
#![allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation
)]

pub mod measure;
pub mod others;
pub mod samples;

use measure::{Counts, Picture, count};
use msdesign::diagram::layout::{Direction, Graph, Wish, draw};
use std::fmt::Write as _;

pub const DIRECTIONS: [(&str, Direction); 2] =
    [("right", Direction::Right), ("down", Direction::Down)];

/// The wish for one direction.
pub fn towards(direction: Direction) -> Wish {
    Wish {
        direction: Some(direction),
        ..Wish::default()
    }
}

/// What is counted in `graph` as we draw it.
pub fn ours(graph: &Graph, direction: Direction) -> Counts {
    let drawing = draw(graph, towards(direction)).expect("the samples are within the limits");
    count(graph, &Picture::from(&drawing))
}

/// The measures that must not get worse, a line a drawing: name, direction, crossings, lines through
/// foreign groups, bends, jogs, area in thousands of square pixels.
pub fn baseline() -> String {
    let mut out = String::new();
    for (name, graph) in samples::seeded() {
        for (word, direction) in DIRECTIONS {
            let c = ours(&graph, direction);
            let area = (c.area() / 1e3).ceil() as u64;
            let _ = writeln!(
                out,
                "{name} {word} {} {} {} {} {area}",
                c.crossings, c.foreign, c.bends, c.jogs
            );
        }
    }
    out
}

/// How far the boxes of `graph` move on average when one line is taken away, as a share of the drawing's
/// diagonal; the mean over some lines, a common shift of all boxes not counted.
pub fn unrest(graph: &Graph, direction: Direction) -> f64 {
    let before = Picture::from(&draw(graph, towards(direction)).expect("within the limits"));
    let whole = count(graph, &before);
    let lines = graph.edges.len();
    let probes = lines.min(8);
    let mut sum = 0.0;
    for i in 0..probes {
        let mut less = graph.clone();
        less.edges.remove(i * lines / probes);
        let after = Picture::from(&draw(&less, towards(direction)).expect("within the limits"));
        let middle = |a: &measure::Area| [a.x + a.w / 2.0, a.y + a.h / 2.0];
        let moves: Vec<[f64; 2]> = before
            .nodes
            .iter()
            .zip(&after.nodes)
            .map(|(a, b)| [middle(b)[0] - middle(a)[0], middle(b)[1] - middle(a)[1]])
            .collect();
        let n = moves.len() as f64;
        let shift = [0, 1].map(|k| moves.iter().map(|m| m[k]).sum::<f64>() / n);
        sum += moves
            .iter()
            .map(|m| (m[0] - shift[0]).hypot(m[1] - shift[1]))
            .sum::<f64>()
            / n;
    }
    sum / probes.max(1) as f64 / whole.width.hypot(whole.height)
}
