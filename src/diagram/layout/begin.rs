//! Has a picture that grows downwards begin near its left end, which a reader of a narrow column sees first.

use super::Graph;
use super::coords::{Cross, Frame, SEEN};
use super::order::{Kind, Layered};

/// Where a story begins: the boxes from which lines lead forwards most, and to which none does as much.
pub(super) fn first(graph: &Graph, g: &Layered) -> Vec<usize> {
    let mut pulls = vec![(i64::MIN, i64::MAX); graph.nodes.len()];
    for e in &graph.edges {
        for (v, onwards) in [(e.from, e.pull), (e.to, e.pull.saturating_neg())] {
            if let Some((most, least)) = pulls.get_mut(v) {
                (*most, *least) = ((*most).max(onwards), (*least).min(onwards));
            }
        }
    }
    let begins = |&v: &usize| {
        let (most, least) = pulls.get(v).copied().unwrap_or_default();
        matches!(g.items[v].kind, Kind::Node(_)) && most > 0 && least > most.saturating_neg()
    };
    let boxes: Vec<usize> = (0..graph.nodes.len()).filter(begins).collect();
    let most = boxes.iter().map(|&v| pulls[v].0).max();
    let first = boxes.into_iter().filter(|&v| Some(pulls[v].0) == most);
    first.collect()
}

/// Whether `first` stands in the right half of a picture that a narrow column does not show whole.
pub(super) fn is_late(cross: &Cross, first: &[usize]) -> bool {
    let low = cross.items.iter().min().copied().unwrap_or(0);
    let width = cross.items.iter().max().map_or(0, |high| high - low);
    let sum: i64 = first.iter().map(|&v| cross.items[v] - low).sum();
    let mean = sum / (first.len() as i64).max(1);
    // Not near the middle, so that a small change does not turn the picture round.
    width > SEEN && mean * 100 > width * 55
}

/// Whether a narrow column shows one of `first`.
pub(super) fn is_seen(frame: &Frame, cross: &Cross, first: &[usize]) -> bool {
    let items = cross.items.iter().zip(&frame.extents);
    let low = items.map(|(x, e)| x - e.low).min().unwrap_or(0);
    first.is_empty()
        || first
            .iter()
            .any(|&v| cross.items[v] + frame.extents[v].high - low <= SEEN)
}

/// Turns an ordered graph round, so that what was last in each layer is first.
pub(super) fn mirror(g: &mut Layered) {
    let lanes = g.lanes.len();
    for lane in &mut g.lanes {
        *lane = lanes - 1 - *lane;
    }
    for item in &mut g.items {
        item.lane = 2 * lanes - item.lane;
    }
    for layer in &mut g.layers {
        layer.reverse();
    }
}
