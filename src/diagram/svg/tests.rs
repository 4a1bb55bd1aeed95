//! What every picture promises of its texts, measured by the table of widths: none leaves the picture,
//! and no two overlap.
#![allow(clippy::unwrap_used)]

use super::super::text;
use super::super::{
    Bar, Branch, Chart, Edge, EdgeKind, FrameKind, Group, Labels, Mark, Message, MessageKind, Node,
    NodeKind, Part, PartKind, Participant, Scene, Sequence, Step,
};
use super::{Frame, NAME, Options, SMALL};
use crate::diagram::{Counts, Matrix};
use proptest::prelude::*;
use std::collections::BTreeMap;

fn options() -> Options<'static> {
    Options {
        scope: "s",
        frame: Frame::Page,
        wish: crate::diagram::layout::Wish::default(),
    }
}

fn attribute<'t>(tag: &'t str, name: &str) -> Option<&'t str> {
    let from = tag.find(&format!(" {name}=\""))? + name.len() + 3;
    tag[from..].split('"').next()
}

/// The boxes of all texts: left, top, right, bottom, words.
fn texts(picture: &str) -> Vec<(i64, i64, i64, i64, String)> {
    let shift: i64 = picture
        .split("translate(")
        .nth(1)
        .and_then(|t| t.split(')').next()?.parse().ok())
        .unwrap_or(0);
    let mut out = Vec::new();
    // Of the group around a text.
    let (mut group, mut last_group) = ("", "");
    let mut before = picture.split("<text").next().unwrap();
    for part in picture.split("<text").skip(1) {
        let (tag, rest) = part.split_once('>').unwrap();
        let words = rest.split('<').next().unwrap().to_owned();
        let plain = words
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&quot;", "\"")
            .replace("&#123;", "{")
            .replace("&amp;", "&");
        let number = |name| attribute(tag, name).unwrap_or("0").parse::<i64>().unwrap();
        let class = attribute(tag, "class").unwrap_or_default();
        let has = |c: &str| class.split(' ').any(|x| x == c);
        let w = text::width(&plain, if has("n") { NAME } else { SMALL });
        let (x, y) = (number("x") + shift, number("y"));
        if before.contains("</g>") {
            (group, last_group) = ("", "");
        }
        if let Some(last) = before
            .rsplit("</g>")
            .next()
            .filter(|l| l.contains("<g class"))
        {
            last_group = last.rsplit("<g").next().unwrap();
            group = attribute(last_group, "class").unwrap();
        }
        let turned = last_group.contains("rotate(-90)");
        let grouped = |c: &str| group.split(' ').any(|x| x == c);
        let left = if has("s") || has("h") || grouped("s") || grouped("h") {
            x
        } else if has("g") || grouped("g") {
            x - w
        } else {
            x - w / 2
        };
        out.push(if turned {
            // What was right is up.
            (y - 9, -left - w, y + 2, -left, plain)
        } else {
            (left, y - 9, left + w, y + 2, plain)
        });
        before = part;
    }
    out
}

fn check(picture: &str) -> Result<(), TestCaseError> {
    let svg = picture.split("<svg").nth(1).unwrap();
    let size = |name| attribute(svg, name).unwrap().parse::<i64>().unwrap();
    let (w, h) = (size("width"), size("height"));
    let all = texts(picture);
    for (i, a) in all.iter().enumerate() {
        let inside = a.0 >= -8 && a.1 >= -8 && a.2 <= w - 8 && a.3 <= h - 8;
        prop_assert!(inside, "{a:?} leaves {w} × {h}");
        for b in &all[i + 1..] {
            let apart = a.2 <= b.0 || b.2 <= a.0 || a.3 <= b.1 || b.3 <= a.1;
            prop_assert!(apart, "{a:?} overlaps {b:?} in {picture}");
        }
    }
    Ok(())
}

fn words() -> impl Strategy<Value = String> {
    proptest::collection::vec("[a-zA-Z<&]{1,12}", 1..6).prop_map(|w| w.join(" "))
}

fn step(depth: u32) -> BoxedStrategy<Step> {
    let message = (
        0usize..5,
        0usize..5,
        words(),
        0usize..4,
        proptest::option::of(words()),
        any::<bool>(),
    )
        .prop_map(|(from, to, label, kind, note, failed)| {
            let kinds = [
                MessageKind::Call,
                MessageKind::Reply,
                MessageKind::Event,
                MessageKind::Stream,
            ];
            Step::Message(Message {
                from,
                to,
                label,
                kind: kinds[kind],
                note,
                limit_ms: None,
                compensation: false,
                failed,
            })
        });
    let note = (proptest::collection::vec(0usize..5, 0..3), words())
        .prop_map(|(over, text)| Step::Note { over, text });
    if depth == 0 {
        return prop_oneof![4 => message, 1 => note].boxed();
    }
    let branch = (words(), proptest::collection::vec(step(depth - 1), 0..4))
        .prop_map(|(title, steps)| Branch { title, steps });
    let frame =
        (0usize..6, proptest::collection::vec(branch, 1..3)).prop_map(|(kind, branches)| {
            let kinds = [
                FrameKind::Par,
                FrameKind::Alt,
                FrameKind::Opt,
                FrameKind::Loop,
                FrameKind::Retry,
                FrameKind::Compensate,
            ];
            Step::Frame {
                kind: kinds[kind],
                branches,
            }
        });
    prop_oneof![4 => message, 1 => note, 2 => frame].boxed()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn sequences_keep_their_texts_apart(
        names in proptest::collection::vec(words(), 1..6),
        steps in proptest::collection::vec(step(2), 0..8),
    ) {
        let participants = names
            .into_iter()
            .map(|label| Participant { label, ..Participant::default() })
            .collect();
        let sequence = Sequence { participants, steps, ..Sequence::default() };
        let drawn = super::sequence(&sequence, &options()).unwrap();
        check(&drawn)?;
        // Programs are told of the same picture.
        let (w, h) = super::places(&sequence, options().wish.column).unwrap().size;
        let size = format!("width=\"{}\" height=\"{}\"", w + 16, h + 16);
        prop_assert!(drawn.contains(&size), "{size} is not that of {drawn}");
    }

    #[test]
    fn interactions_keep_their_texts_apart(
        nodes in proptest::collection::vec((words(), 0usize..6, proptest::option::of(0usize..3)), 1..9),
        edges in proptest::collection::vec((0usize..9, 0usize..9, 0usize..4, words(), any::<bool>()), 0..14),
        labels in 0usize..4,
    ) {
        let labels = [Labels::Auto, Labels::Full, Labels::Wrapped, Labels::Numbers][labels];
        let n = nodes.len();
        let scene = Scene {
            groups: (0..3).map(|i| Group { id: format!("g{i}"), label: format!("team {i}") }).collect(),
            nodes: nodes
                .into_iter()
                .enumerate()
                .map(|(i, (label, kind, group))| Node {
                    id: format!("n{i}"),
                    label,
                    kind: NodeKind::ALL[kind],
                    group,
                    ..Node::default()
                })
                .collect(),
            edges: edges
                .into_iter()
                .map(|(from, to, kind, label, soft)| Edge {
                    from: from % n,
                    to: to % n,
                    kind: EdgeKind::ALL[kind],
                    soft,
                    labels: vec![label],
                    link: None,
                })
                .collect(),
            labels,
            ..Scene::default()
        };
        check(&super::interactions(&scene, &options()).unwrap())?;
    }

    #[test]
    fn every_cell_of_a_matrix_stands_where_its_names_meet(
        blocks in proptest::collection::vec((words(), 1usize..4), 0..5),
        more in 0usize..34,
        cells in proptest::collection::btree_map(
            (0usize..40, 0usize..40), (0usize..2, 0usize..150, 0usize..3), 0..30),
    ) {
        let count = blocks.iter().map(|b| b.1).sum::<usize>() + more;
        let names: Vec<String> = (0..count).map(|i| format!("s{i}{}", "x".repeat(i % 5 * 9))).collect();
        let mut blocks = blocks;
        if more > 0 && !blocks.is_empty() {
            blocks.push((String::new(), more));
        }
        let cells: BTreeMap<(usize, usize), Counts> = cells
            .into_iter()
            .filter(|(at, n)| at.0 != at.1 && at.0.max(at.1) < count && n.0 + n.1 + n.2 > 0)
            .map(|(at, (sync, asynchronous, realtime))| (at, Counts { sync, asynchronous, realtime }))
            .collect();
        let matrix = Matrix { names: names.clone(), blocks, cells: cells.clone(), ..Matrix::default() };
        let drawn = super::matrix(&matrix, &options()).unwrap();
        check(&drawn)?;
        let all = texts(&drawn);
        // A name stands at the left and, turned, at the top; again beyond the cells of a large matrix.
        let places = |name: &String| -> Vec<_> { all.iter().filter(|t| t.4 == *name).collect() };
        let sides = if count > 30 { 4 } else { 2 };
        for name in &names {
            prop_assert_eq!(places(name).len(), sides, "{}", name);
        }
        let row = |i: usize| {
            let all = places(&names[i]).into_iter().filter(|t| t.3 - t.1 == 11);
            all.min_by_key(|t| t.0).map(|t| (t.1 + t.3) / 2).unwrap()
        };
        let column = |i: usize| {
            let all = places(&names[i]).into_iter().filter(|t| t.2 - t.0 == 11);
            all.min_by_key(|t| t.1).map(|t| (t.0 + t.2) / 2).unwrap()
        };
        let numbers: Vec<_> = all.iter().filter(|t| t.4.parse::<usize>().is_ok()).collect();
        let mut found = 0;
        // The upright lines between the columns; a column's name stands in its middle.
        let grid = drawn.split("class=\"m1\" d=\"").nth(1).unwrap().split('"').next().unwrap();
        let lines = grid.split('M').filter(|l| l.contains('V'));
        let edges: Vec<i64> = lines.map(|l| l.split(' ').next().unwrap().parse().unwrap()).collect();
        let wide = |to: usize, x: i64, t: &(i64, i64, i64, i64, String)| {
            let (left, right) = (edges[to], edges[to + 1]);
            (left + right - 2 * x).abs() <= 3 && left < t.0 && t.2 < right
        };
        for ((from, to), counts) in &cells {
            let (y, x) = (row(*from), column(*to));
            let inside = numbers.iter().filter(|t| {
                (t.1 + t.3) / 2 == y && wide(*to, x, t)
            });
            let mut inside: Vec<_> = inside.collect();
            inside.sort_by_key(|t| t.0);
            let said: Vec<String> = inside.iter().map(|t| t.4.clone()).collect();
            let meant: Vec<String> = counts.kinds().map(|k| k.1.to_string()).collect();
            found += said.len();
            prop_assert_eq!(said, meant, "{} to {}", from, to);
        }
        prop_assert_eq!(found, numbers.len());
    }

    #[test]
    fn charts_keep_their_texts_apart(
        bars in proptest::collection::vec((words(), 0usize..12, 0.0..1e6f64, 0.0..1e3f64, words()), 0..12),
        marks in proptest::collection::vec((0.0..2e6f64, words()), 0..4),
        log: bool,
    ) {
        let chart = Chart {
            title: "t".to_owned(),
            description: "d".to_owned(),
            log,
            measure: "seconds",
            axis: "time",
            unit: |v| format!("{v:.1} s"),
            words: vec![(PartKind::Full, "one".to_owned()), (PartKind::Over, "two".to_owned())],
            bars: bars
                .into_iter()
                .map(|(label, depth, from, length, value)| Bar {
                    label,
                    depth,
                    parts: vec![
                        Part { from, to: from + length, kind: PartKind::Full },
                        Part { from: from + length, to: from + 2.0 * length, kind: PartKind::Over },
                    ],
                    value,
                })
                .collect(),
            marks: marks.into_iter().map(|(at, label)| Mark { at, label }).collect(),
        };
        check(&super::chart(&chart, &options()).unwrap())?;
    }
}

#[test]
fn the_largest_numbers_are_drawn() {
    for end in [0.0, 1e-300, f64::MAX, f64::INFINITY, f64::NAN] {
        let part = Part {
            from: 0.0,
            to: end,
            kind: PartKind::Idle,
        };
        let chart = Chart {
            title: String::new(),
            description: String::new(),
            log: end > 1e9,
            measure: "seconds",
            axis: "time",
            unit: |v| format!("{v}"),
            words: Vec::new(),
            bars: vec![Bar {
                parts: vec![part],
                ..Bar::default()
            }],
            marks: Vec::new(),
        };
        assert!(super::chart(&chart, &options()).unwrap().len() < 20_000);
    }
}

#[test]
fn a_logarithmic_scale_ends_at_the_next_round_number() {
    for (most, end) in [
        (27.0, 50.0),
        (50.0, 50.0),
        (3.0, 5.0),
        (1.0, 2.0),
        (6e4, 1e5),
    ] {
        let part = Part {
            from: 0.0,
            to: most,
            kind: PartKind::Full,
        };
        let chart = Chart {
            title: String::new(),
            description: String::new(),
            log: true,
            measure: "calls",
            axis: "calls",
            unit: |v| format!("{v}"),
            words: Vec::new(),
            bars: vec![Bar {
                parts: vec![part],
                ..Bar::default()
            }],
            marks: Vec::new(),
        };
        let drawn = super::chart(&chart, &options()).unwrap();
        let numbers = texts(&drawn)
            .into_iter()
            .filter_map(|t| t.4.parse::<f64>().ok());
        assert_eq!(numbers.fold(0.0, f64::max), end, "{most}");
    }
}

#[test]
fn a_legend_explains_only_what_can_be_seen() {
    let part = |from, to, kind| Part { from, to, kind };
    let chart = |log, first| Chart {
        title: String::new(),
        description: String::new(),
        log,
        measure: "calls",
        axis: "calls",
        unit: |v| format!("{v}"),
        words: vec![
            (PartKind::Full, "own".to_owned()),
            (PartKind::Over, "more".to_owned()),
        ],
        bars: vec![Bar {
            label: "a-name-that-is-far-too-long-for-one-line-and-goes-on-in-a-second-one"
                .to_owned(),
            parts: vec![
                part(0.0, first, PartKind::Full),
                part(first, 50.0, PartKind::Over),
            ],
            ..Bar::default()
        }],
        marks: Vec::new(),
    };
    let said = |log, first| -> Vec<String> {
        let drawn = super::chart(&chart(log, first), &options()).unwrap();
        texts(&drawn).into_iter().map(|t| t.4).collect()
    };
    for (log, first, both) in [
        (false, 1.0, true),
        (true, 1.0, false),
        (true, 3.0, true),
        (false, 0.0, false),
    ] {
        let said = said(log, first);
        assert_eq!(
            said.contains(&"own".to_owned()),
            both,
            "{log} {first}: {said:?}"
        );
        assert!(!said.iter().any(|t| t.contains('…')), "{said:?}");
    }
}

#[test]
fn what_is_counted_has_whole_steps() {
    for (most, expected) in [(1.0, "0 1"), (2.0, "0 1 2"), (9.0, "0 1 2 3 4 5 6 7 8 9")] {
        let part = Part {
            from: 0.0,
            to: most,
            kind: PartKind::Full,
        };
        let chart = Chart {
            title: String::new(),
            description: String::new(),
            log: false,
            measure: "calls",
            axis: "calls",
            unit: |v| {
                if v.fract() == 0.0 {
                    format!("{v}")
                } else {
                    String::new()
                }
            },
            words: Vec::new(),
            bars: vec![Bar {
                parts: vec![part],
                ..Bar::default()
            }],
            marks: Vec::new(),
        };
        let drawn = super::chart(&chart, &options()).unwrap();
        let numbers: Vec<String> = texts(&drawn).into_iter().map(|t| t.4).collect();
        // Behind them stands what they count.
        assert_eq!(numbers.join(" "), format!("{expected} calls"));
    }
}

#[test]
fn a_sequence_explains_what_occurs() {
    let message = |kind, failed, compensation, note: Option<&str>| {
        Step::Message(Message {
            to: 1,
            kind,
            failed,
            compensation,
            note: note.map(str::to_owned),
            ..Message::default()
        })
    };
    let explained = |steps| {
        let sequence = Sequence {
            participants: vec![Participant::default(), Participant::default()],
            steps,
            ..Sequence::default()
        };
        let drawn = super::sequence(&sequence, &options()).unwrap();
        let words: Vec<String> = texts(&drawn).into_iter().map(|t| t.4).collect();
        let all = [
            "call",
            "answer",
            "event",
            "stream",
            "longest wait",
            "✗ fails",
            "↺ takes a step back",
        ];
        let found = all.into_iter().filter(|a| words.iter().any(|w| w == a));
        found.collect::<Vec<_>>().join(", ")
    };
    let call = || message(MessageKind::Call, false, false, None);
    let wait = || message(MessageKind::Call, false, false, Some("≤ 1 s"));
    let fails = || message(MessageKind::Reply, true, false, None);
    let undo = || message(MessageKind::Event, false, true, None);
    assert_eq!(explained(vec![]), "");
    assert_eq!(explained(vec![call()]), "call");
    assert_eq!(
        explained(vec![wait(), fails()]),
        "call, longest wait, ✗ fails"
    );
    assert_eq!(explained(vec![undo()]), "↺ takes a step back");
    let stream = message(MessageKind::Stream, false, false, None);
    assert_eq!(explained(vec![stream, call()]), "call, stream");
}
