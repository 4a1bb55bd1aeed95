//! What the layout promises, held against random graphs.
#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use proptest::prelude::*;

fn overlap(a: &Rect, b: &Rect) -> bool {
    a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h
}

/// The rectangle that a straight piece covers, made one pixel thick.
fn piece(p: (i64, i64), q: (i64, i64)) -> Rect {
    assert!(p.0 == q.0 || p.1 == q.1, "{p:?} {q:?} is slanted");
    let (x, y) = (p.0.min(q.0), p.1.min(q.1));
    Rect {
        x,
        y,
        w: (p.0 - q.0).abs().max(1),
        h: (p.1 - q.1).abs().max(1),
    }
}

fn on_border(r: &Rect, p: (i64, i64)) -> bool {
    let inside = p.0 >= r.x && p.0 <= r.x + r.w && p.1 >= r.y && p.1 <= r.y + r.h;
    let strictly = p.0 > r.x && p.0 < r.x + r.w && p.1 > r.y && p.1 < r.y + r.h;
    inside && !strictly
}

/// Everything the module's documentation promises.
pub(crate) fn check(graph: &Graph, d: &Drawing) {
    let whole = Rect {
        x: 0,
        y: 0,
        w: d.width,
        h: d.height,
    };
    let within = |r: &Rect| r.x >= 0 && r.y >= 0 && r.x + r.w <= whole.w && r.y + r.h <= whole.h;
    let mut solid: Vec<(String, Rect)> = Vec::new();
    for (i, r) in d.nodes.iter().enumerate() {
        solid.push((format!("node {i}"), *r));
        assert!(r.w >= graph.nodes[i].width && r.h >= graph.nodes[i].height);
    }
    for (e, route) in d.edges.iter().enumerate() {
        assert_eq!(route.label.is_some(), graph.edges[e].label.is_some());
        solid.extend(route.label.map(|r| (format!("label {e}"), r)));
    }
    for (i, (a, ra)) in solid.iter().enumerate() {
        assert!(within(ra), "{a} leaves the picture");
        for (b, rb) in &solid[..i] {
            assert!(!overlap(ra, rb), "{a} {ra:?} overlaps {b} {rb:?}");
        }
    }
    for (k, r) in d.groups.iter().enumerate() {
        let Some(r) = r else { continue };
        for (v, n) in d.nodes.iter().enumerate() {
            if graph.nodes[v].group == Some(k) {
                let inside =
                    n.x >= r.x && n.y >= r.y && n.x + n.w <= r.x + r.w && n.y + n.h <= r.y + r.h;
                assert!(inside, "node {v} leaves group {k}");
            } else {
                assert!(!overlap(r, n), "node {v} in foreign group {k}");
            }
        }
        for other in d.groups[..k].iter().flatten() {
            assert!(!overlap(r, other), "groups overlap");
        }
    }
    let mut pieces: Vec<(usize, Rect, bool)> = Vec::new();
    for (e, route) in d.edges.iter().enumerate() {
        let edge = graph.edges[e];
        let (Some(first), Some(last)) = (route.points.first(), route.points.last()) else {
            panic!("edge {e} has no points")
        };
        assert!(
            on_border(&d.nodes[edge.from], *first),
            "edge {e} begins off its node"
        );
        assert!(
            on_border(&d.nodes[edge.to], *last),
            "edge {e} ends off its node"
        );
        for pair in route.points.windows(2) {
            let r = piece(pair[0], pair[1]);
            for (v, n) in d.nodes.iter().enumerate() {
                let inner = Rect {
                    x: n.x + 1,
                    y: n.y + 1,
                    w: n.w - 2,
                    h: n.h - 2,
                };
                assert!(!overlap(&r, &inner), "edge {e} runs through node {v}");
            }
            for (f, other) in d.edges.iter().enumerate() {
                if let (true, Some(label)) = (f != e, other.label) {
                    assert!(!overlap(&r, &label), "edge {e} runs through label of {f}");
                }
            }
            for (k, g) in d.groups.iter().enumerate() {
                let Some(g) = g else { continue };
                let title = Rect {
                    x: g.x + 8,
                    y: g.y + 5,
                    w: graph.groups[k],
                    h: 15,
                };
                assert!(!overlap(&r, &title), "edge {e} runs through title of {k}");
            }
            pieces.push((e, r, pair[0].1 == pair[1].1));
        }
    }
    for (i, (e, r, flat)) in pieces.iter().enumerate() {
        for (f, s, also) in &pieces[..i] {
            if e != f && flat == also {
                let shared = if *flat {
                    (r.y - s.y).abs() < 2 && r.x < s.x + s.w && s.x < r.x + r.w
                } else {
                    (r.x - s.x).abs() < 2 && r.y < s.y + s.h && s.y < r.y + r.h
                };
                assert!(!shared, "edges {e} and {f} share a stretch: {r:?} {s:?}");
            }
        }
    }
}

pub(crate) fn graphs(nodes: usize, edges: usize) -> impl Strategy<Value = Graph> {
    let size = (
        20i64..180,
        16i64..60,
        proptest::option::weighted(0.8, 0usize..5),
    );
    let boxes = proptest::collection::vec(size, 1..nodes);
    let label = proptest::option::weighted(0.8, (6i64..140, 8i64..48));
    let lines = proptest::collection::vec((any::<u16>(), any::<u16>(), label), 0..edges);
    // A title has at least one letter.
    let titles = proptest::collection::vec(6i64..150, 5..=5);
    (boxes, lines, titles).prop_map(|(boxes, lines, groups)| Graph {
        edges: lines
            .into_iter()
            .map(|(a, b, label)| Line {
                from: a as usize % boxes.len(),
                to: b as usize % boxes.len(),
                label,
                pull: 1,
            })
            .collect(),
        nodes: boxes
            .into_iter()
            .map(|(width, height, group)| Shape {
                width,
                height,
                group,
            })
            .collect(),
        groups,
        story: None,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 160, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn promises_hold(graph in graphs(14, 30)) {
        for direction in [Direction::Right, Direction::Down] {
            let wish = Wish { direction: Some(direction), ..Wish::default() };
            check(&graph, &draw(&graph, wish).unwrap());
        }
    }
}

#[test]
fn dense_small_graphs_hold() {
    // Everybody talks to everybody, themselves included.
    for n in 1..7 {
        let nodes = (0..n)
            .map(|i| Shape {
                width: 60,
                height: 36,
                group: Some(i % 2),
            })
            .collect();
        let edges = (0..n * n)
            .map(|i| Line {
                from: i / n,
                to: i % n,
                label: Some((40, 16)),
                pull: 1,
            })
            .collect();
        let graph = Graph {
            nodes,
            edges,
            groups: vec![50, 90],
            story: None,
        };
        for direction in [Direction::Right, Direction::Down] {
            let wish = Wish {
                direction: Some(direction),
                ..Wish::default()
            };
            check(&graph, &draw(&graph, wish).unwrap());
        }
    }
}

#[test]
fn hostile_sizes_end() {
    let many = |n: usize, edges: Vec<(usize, usize)>| Graph {
        nodes: vec![
            Shape {
                width: 80,
                height: 36,
                group: None
            };
            n
        ],
        edges: edges
            .into_iter()
            .map(|(from, to)| Line {
                from,
                to,
                label: Some((30, 14)),
                pull: 1,
            })
            .collect(),
        groups: Vec::new(),
        story: None,
    };
    // A path with long jumps: every jump passes hundreds of layers.
    let path = (1..MAX_NODES)
        .map(|v| (v - 1, v))
        .chain((0..300).map(|i| (i, MAX_NODES - 1)));
    let graph = many(MAX_NODES, path.collect());
    assert_eq!(draw(&graph, Wish::default()).unwrap_err().what, "bends");
    let graph = many(MAX_NODES + 1, Vec::new());
    assert_eq!(draw(&graph, Wish::default()).unwrap_err().what, "nodes");
    let graph = many(20, (0..=MAX_EDGES).map(|i| (i % 20, 0)).collect());
    assert_eq!(draw(&graph, Wish::default()).unwrap_err().what, "edges");
    let mut graph = many(2, Vec::new());
    graph.groups = vec![0; MAX_GROUPS + 1];
    assert_eq!(draw(&graph, Wish::default()).unwrap_err().what, "groups");
    // A star and nothing at all.
    let star = many(400, (1..400).map(|v| (0, v)).collect());
    check(&star, &draw(&star, Wish::default()).unwrap());
    let apart = many(400, Vec::new());
    check(&apart, &draw(&apart, Wish::default()).unwrap());
}

#[test]
fn hubs_and_huge_labels_hold() {
    // A hub of degree 60 in a group of its own, its callers in three others or in none, one of them with
    // a label as large as a picture.
    let boxes = (0..61).map(|v| Shape {
        width: 60 + v % 7 * 20,
        height: 36,
        group: if v == 0 {
            Some(3)
        } else {
            [Some(0), Some(1), Some(2), None][v as usize % 4]
        },
    });
    let lines = (1..61).map(|v| Line {
        from: if v % 3 == 0 { 0 } else { v },
        to: if v % 3 == 0 { v } else { 0 },
        label: (v % 5 != 0).then_some(if v == 7 { (1_500, 900) } else { (60, 16) }),
        pull: 1,
    });
    let graph = Graph {
        nodes: boxes.collect(),
        edges: lines.collect(),
        groups: vec![40, 60, 0, 900],
        story: None,
    };
    for direction in [Direction::Right, Direction::Down] {
        let wish = Wish {
            direction: Some(direction),
            ..Wish::default()
        };
        check(&graph, &draw(&graph, wish).unwrap());
    }
}
