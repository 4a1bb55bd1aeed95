//! Which layer each box stands in, which order the lanes have, and which order the items of a layer, such that few
//! lines cross.
//!
//! All of it is first guessed by `cycles`, `rank` and `lanes`, and then improved by `improve`. In pictures too large
//! for that, several guesses are ordered to the end instead. Work is counted in steps, never in time.

use super::board::{self, Board, CROSSING, FOREIGN, LAYER};
use super::improve::Improver;
use super::lanes::{self, Passing};
use super::order::{self, Layered};
use super::{Graph, Line, MAX_ITEMS, TooLarge, bounded, cycles, rank};

/// Pictures of more boxes or lines are not improved: each try costs too much.
const IMPROVED: (usize, usize) = (300, 1_500);
/// Pictures of at most so many boxes are improved from one guess: from any, improving leads to drawings of the same
/// quality, but a small change of the graph would make another guess the best.
const ONE_GUESS: usize = 100;
/// Orders of lanes, and first orders inside the layers, that are tried for pictures that are not improved.
const TRIED: (usize, usize) = (2, 4);
/// In a picture of more items than this, the first order of lanes is taken.
const MANY: usize = 20_000;
/// Work units (visits of lines) for each order of lanes.
const BUDGET: u64 = 2_000_000;

/// A cut of the graph, ordered, and what it costs.
struct Found {
    cost: u64,
    layered: Layered,
}

/// Cuts and orders `graph`, which has boxes.
pub(super) fn arrange(graph: &Graph) -> Result<Layered, TooLarge> {
    let round = Some(cycles::turn_round(graph));
    let groups = cycles::turn_groups(graph);
    let improved = is_improved(graph);
    let one = improved && graph.nodes.len() <= ONE_GUESS;
    let mut ways = [
        (&round, false),
        (&groups, true),
        (&round, true),
        (&groups, false),
    ];
    if one {
        // Groups that stand side by side make small pictures in which few lines run through a group.
        ways.swap(0, 1);
    }
    let mut best: Option<Found> = None;
    let mut refused = None;
    for (reversed, compact) in ways {
        let Some(reversed) = reversed else { continue };
        let ranks = rank::assign(graph, reversed, compact);
        // Odd layers are kept for labels.
        let layers: Vec<usize> = ranks.iter().map(|r| 2 * r).collect();
        // Counted before there is any work with them.
        let long = |e: &Line| layers[e.from].abs_diff(layers[e.to]).saturating_sub(1);
        let bends = graph.edges.iter().map(long).sum::<usize>();
        if let Err(why) = bounded("bends", graph.nodes.len() + bends, MAX_ITEMS) {
            refused = refused.or(Some(why));
            continue;
        }
        if let Some(found) = guess(graph, &layers, bends)
            && best.as_ref().is_none_or(|b| found.cost < b.cost)
        {
            best = Some(found);
        }
        if bends > MANY || one && best.is_some() {
            break;
        }
    }
    let none = || {
        refused.unwrap_or(TooLarge {
            what: "bends",
            count: MAX_ITEMS,
            limit: MAX_ITEMS,
        })
    };
    let found = best.ok_or_else(none)?;
    Ok(if improved {
        improve(graph, &found.layered)
    } else {
        found.layered
    })
}

fn is_improved(graph: &Graph) -> bool {
    graph.nodes.len() <= IMPROVED.0 && graph.edges.len() <= IMPROVED.1
}

/// Whether each edge leads from a higher to a lower layer.
fn turned(graph: &Graph, layers: &[usize]) -> Vec<bool> {
    let back = |e: &Line| layers[e.from] > layers[e.to];
    graph.edges.iter().map(back).collect()
}

/// What the guesses of lanes give for `layers`, which have this many bends.
fn guess(graph: &Graph, layers: &[usize], bends: usize) -> Option<Found> {
    let reversed = turned(graph, layers);
    let edges = graph.edges.iter().zip(&reversed);
    let back: u64 = edges.map(|(e, back)| board::against(e, *back)).sum();
    let (orders, starts) = if is_improved(graph) {
        (1, 1)
    } else if bends <= MANY {
        TRIED
    } else {
        (1, TRIED.1)
    };
    let passing = Passing::new(graph, layers);
    let ordered = |order: Vec<usize>| {
        let nodes = lanes::of_nodes(graph, layers, &order, &passing);
        let mut layered = Layered::new(graph, layers, &reversed, (&order, &nodes), &passing);
        let crossings = order::minimise(&mut layered, starts, BUDGET);
        let bends = layered.items.len() - graph.nodes.len();
        let cost = FOREIGN * layered.foreign(graph)
            + CROSSING * crossings
            + back
            + bends as u64
            + LAYER * layered.layers.len() as u64 / 2;
        Found { cost, layered }
    };
    let guessed = lanes::arrange(graph, layers, &passing);
    let tried = guessed.into_iter().take(orders).map(ordered);
    tried.min_by_key(|f| f.cost)
}

/// An order that was found, improved.
fn improve(graph: &Graph, found: &Layered) -> Layered {
    let mut at_box = vec![Vec::new(); graph.nodes.len()];
    for (i, e) in graph.edges.iter().enumerate() {
        if e.from != e.to {
            at_box[e.from].push(i);
            at_box[e.to].push(i);
        }
    }
    let board = Improver::new(Board::new(graph, &at_box, found)).run();
    let layers = board.layers();
    let lanes: Vec<usize> = board.items[..layers.len()].iter().map(|i| i.lane).collect();
    let (reversed, passing) = (turned(graph, &layers), Passing::new(graph, &layers));
    let mut layered = Layered::new(graph, &layers, &reversed, (&board.order, &lanes), &passing);
    board.give(&mut layered);
    layered
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use super::super::insert::Inserter;
    use super::super::{Shape, tests::graphs};
    use super::*;
    use proptest::prelude::*;

    fn at_box(graph: &Graph) -> Vec<Vec<usize>> {
        let mut out = vec![Vec::new(); graph.nodes.len()];
        for (i, e) in graph
            .edges
            .iter()
            .enumerate()
            .filter(|(_, e)| e.from != e.to)
        {
            out[e.from].push(i);
            out[e.to].push(i);
        }
        out
    }

    fn guessed(graph: &Graph) -> Layered {
        let ranks = rank::assign(graph, &cycles::turn_round(graph), false);
        let layers: Vec<usize> = ranks.iter().map(|r| 2 * r).collect();
        guess(graph, &layers, 0).unwrap().layered
    }

    /// What the board would cost if nothing were known of it.
    fn fresh(board: &Board) -> u64 {
        let mut board = board.clone();
        board.all_dirty();
        board.cost()
    }

    /// Takes `v` out and puts it where it costs least.
    fn again(board: &mut Board, v: usize) {
        board.take_box(v);
        board.measure_lanes();
        let mut inserter = Inserter::default();
        inserter.reset(board);
        let without = board.cost();
        assert_eq!(without, fresh(board));
        let (row, slot, _) = inserter.find_box(board, v, |_| true).unwrap();
        inserter.put_box(board, v, row, slot);
    }

    #[test]
    fn a_crossing_is_counted_and_a_box_that_is_put_back_leaves_it() {
        let mut graph = Graph::default();
        for _ in 0..4 {
            graph.nodes.push(Shape {
                width: 80,
                height: 34,
                group: None,
            });
        }
        for (from, to) in [(0, 2), (1, 3)] {
            graph.edges.push(Line {
                from,
                to,
                label: None,
                pull: 1,
            });
        }
        let ends = at_box(&graph);
        let mut board = Board::new(&graph, &ends, &guessed(&graph));
        // Two layers of boxes, and a bend of each line in the row between them.
        let straight = 2 * LAYER + 2;
        assert_eq!(board.cost(), straight);
        board.rows[2].reverse();
        board.note_places(2);
        board.all_dirty();
        assert_eq!(board.cost(), straight + CROSSING);
        again(&mut board, 2);
        assert_eq!(board.cost(), straight);
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 160, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_is_taken_out_and_put_back_is_counted_right(graph in graphs(10, 16)) {
            let ends = at_box(&graph);
            let mut board = Board::new(&graph, &ends, &guessed(&graph));
            board.tidy();
            let mut inserter = Inserter::default();
            for e in 0..graph.edges.len() {
                if board.chains[e].is_empty() {
                    continue;
                }
                let before = board.cost();
                board.take_line(e);
                inserter.reset(&board);
                prop_assert_eq!(board.cost(), fresh(&board));
                inserter.put_line(&mut board, e);
                prop_assert_eq!(board.cost(), fresh(&board));
                prop_assert!(board.cost() <= before, "a line can stand where it stood");
            }
            for v in (0..graph.nodes.len()).filter(|&v| !ends[v].is_empty()) {
                again(&mut board, v);
                prop_assert_eq!(board.cost(), fresh(&board));
            }
        }
    }
}
