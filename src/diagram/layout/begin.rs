//! Has a picture that grows downwards begin near its left end, which a reader of a narrow column sees first.

use super::coords::{Cross, Frame, SEEN};
use super::order::{Kind, Layered};
use super::{Graph, Line};

/// Where a story begins: the boxes of the first layer from which lines lead forwards most.
pub(super) fn first(graph: &Graph, g: &Layered) -> Vec<usize> {
    let pull = |v: usize| {
        let onwards = |e: &Line| match v {
            _ if e.from == v => e.pull,
            _ if e.to == v => e.pull.saturating_neg(),
            _ => 0,
        };
        graph.edges.iter().map(onwards).max().unwrap_or(0)
    };
    let items = g.layers.first().into_iter().flatten();
    let boxes: Vec<(i64, usize)> = items
        .filter(|&&x| matches!(g.items[x].kind, Kind::Node(_)))
        .map(|&v| (pull(v), v))
        .collect();
    let most = boxes.iter().map(|b| b.0).max().unwrap_or(0);
    let first = boxes.into_iter().filter(|b| b.0 == most);
    first.map(|b| b.1).collect()
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
