//! The layout's quality: nothing that must never occur, and no measure worse than in
//! `tests/layout/baseline.txt`.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

#[path = "support/layout/mod.rs"]
mod layout;

use msdesign::diagram::layout::{Direction, Graph};

/// `cargo bench --bench layout -- --baseline > tests/layout/baseline.txt` takes over what is drawn now.
const BASELINE: &str = include_str!("layout/baseline.txt");

#[test]
fn no_drawing_is_worse_than_before() {
    let now = layout::baseline();
    assert_eq!(
        now.lines().count(),
        BASELINE.lines().count(),
        "other graphs than in the baseline"
    );
    let mut worse = Vec::new();
    for (was, is) in BASELINE.lines().zip(now.lines()) {
        let measures = |line: &str| -> Vec<u64> {
            line.split(' ')
                .skip(2)
                .map(|n| n.parse().unwrap())
                .collect()
        };
        if measures(is)
            .iter()
            .zip(measures(was))
            .any(|(is, was)| *is > was)
        {
            worse.push(format!("was {was}\nis  {is}"));
        }
    }
    assert!(worse.is_empty(), "{}", worse.join("\n"));
}

#[test]
fn what_must_never_occur_does_not() {
    let hold = |name: &str, word: &str, graph: &Graph, direction: Direction| {
        let counts = layout::ours(graph, direction);
        assert_eq!(
            counts.faults() + counts.struck,
            0,
            "{name} {word}: {counts:?}"
        );
    };
    for (name, graph) in layout::samples::seeded() {
        for (word, direction) in layout::DIRECTIONS {
            hold(&name, word, &graph, direction);
        }
    }
    let large = layout::samples::system(600, 600, 200, 12);
    hold("large", "right", &large, Direction::Right);
}
