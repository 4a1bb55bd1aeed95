//! Which end of the layers is left in a picture that grows downwards.

use super::Graph;
use super::coords::Cross;
use super::order::{Kind, Layered};

/// Pixels that a telephone shows of a page's column.
const SEEN: i64 = 340;

/// Whether who sees only the left end of a picture misses where its story begins: the boxes of the first layer from
/// which lines lead forwards most.
pub(super) fn begins_late(graph: &Graph, g: &Layered, cross: &Cross) -> bool {
    let low = cross.items.iter().min().copied().unwrap_or(0);
    let width = cross.items.iter().max().map_or(0, |high| high - low);
    let pull = |v: usize| {
        let from = graph.edges.iter().filter(|e| e.from == v);
        from.map(|e| e.pull).max().unwrap_or(0)
    };
    let boxes = g.layers.first().into_iter().flatten();
    let boxes: Vec<(i64, usize)> = boxes
        .filter(|&&x| matches!(g.items[x].kind, Kind::Node(_)))
        .map(|&v| (pull(v), v))
        .collect();
    let most = boxes.iter().map(|b| b.0).max().unwrap_or(0);
    let first = boxes.iter().filter(|b| b.0 == most);
    let at: Vec<i64> = first.map(|b| cross.items[b.1] - low).collect();
    let mean = at.iter().sum::<i64>() / (at.len() as i64).max(1);
    // Not near the middle, so that a small change does not turn the picture round.
    width > SEEN && mean * 100 > width * 55
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
