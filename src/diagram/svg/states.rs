//! The state diagram, on the same layout as the interactions.

use super::super::layout::{self, Direction, Graph, Line, Rect, Shape, Wish};
use super::super::states::{StateKind, States};
use super::super::{TooLarge, text};
use super::compose::label_size;
use super::interactions::lines;
use super::writer::{CORNER, Svg, Tip, polyline, tip};
use super::{Caption, LABEL_MAX, Options, SMALL};

/// Diameter of the dot where it begins.
const DOT: i64 = 16;
/// Lines of a label before the rest is only counted.
const LABEL_LINES: usize = 4;

/// Draws `states`; one line without a line break.
///
/// # Errors
///
/// [`TooLarge`] if there is more than the limits of the [module](super::super) allow.
pub fn states(states: &States, options: &Options<'_>) -> Result<String, TooLarge> {
    let captions: Vec<Caption> = states
        .states
        .iter()
        .map(|s| Caption::new(&s.label, None))
        .collect();
    let mut graph = Graph::default();
    for caption in &captions {
        let (width, height) = caption.size();
        graph.nodes.push(Shape {
            width,
            height,
            group: None,
        });
    }
    let folded = states.folded();
    let labels: Vec<Vec<String>> = folded
        .iter()
        .map(|(_, _, all)| {
            // A single long cause is wrapped; several stand one a line.
            match all.as_slice() {
                [one] => text::balance(one, SMALL, LABEL_MAX, LABEL_LINES),
                _ => text::folded(all, SMALL, LABEL_MAX, LABEL_LINES),
            }
        })
        .collect();
    for ((from, to, _), label) in folded.iter().zip(&labels) {
        graph.edges.push(Line {
            from: *from,
            to: *to,
            label: label_size(label),
            pull: 1,
        });
    }
    for (i, _) in states
        .states
        .iter()
        .enumerate()
        .filter(|(_, s)| s.kind == StateKind::Start)
    {
        graph.edges.push(Line {
            from: graph.nodes.len(),
            to: i,
            label: None,
            pull: 1,
        });
        graph.nodes.push(Shape {
            width: DOT,
            height: DOT,
            group: None,
        });
    }
    // The story's order decides which arrows lead back; the dots come before it.
    let story = 1..=states.states.len();
    graph.story = Some(
        story
            .chain(std::iter::repeat(0))
            .take(graph.nodes.len())
            .collect(),
    );
    // Downwards it is narrow enough for a phone, and all of one design's look alike, however long their labels.
    let wish = Wish {
        direction: options.wish.direction.or(Some(Direction::Down)),
        ..options.wish
    };
    let drawing = layout::draw(&graph, wish)?;
    let names = (states.title.as_str(), states.description.as_str());
    let mut svg = Svg::new(options, names, (drawing.width, drawing.height), false);
    for (e, route) in drawing.edges.iter().enumerate() {
        let [.., from, at] = route.points.as_slice() else {
            continue;
        };
        svg.path("e", &polyline(&route.points, route.label, CORNER));
        svg.path("t", &tip(*from, *at, Tip::Full));
        if let (Some(r), Some(label)) = (route.label, labels.get(e)) {
            lines(&mut svg, "", r, label);
        }
    }
    for (v, r) in drawing.nodes.iter().enumerate() {
        let Some(state) = states.states.get(v) else {
            svg.circle("dot", (r.x + r.w / 2, r.y + r.h / 2), DOT / 2);
            continue;
        };
        svg.open("g");
        if let Some(full) = &captions[v].full {
            svg.leaf("title", full);
        }
        let colour = if state.kind == StateKind::Failed {
            "c"
        } else {
            ""
        };
        svg.rect(colour, *r, 10);
        if matches!(state.kind, StateKind::End | StateKind::Failed) {
            // A second border: nothing follows, or somebody has to look.
            let inner = Rect {
                x: r.x + 3,
                y: r.y + 3,
                w: r.w - 6,
                h: r.h - 6,
            };
            svg.rect(colour, inner, 8);
        }
        captions[v].draw(&mut svg, *r, false);
        svg.close();
    }
    Ok(svg.finish())
}
