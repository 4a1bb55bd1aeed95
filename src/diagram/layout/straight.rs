//! Takes bends out where a line may end a little aside at its box, or pass a little aside of its label's middle.

use super::coords::{Cross, Frame, LABEL_GAP, PAD, PORT};
use super::order::{Kind, Layered};
use super::{Direction, Graph};

/// Rounds of moving ends and lines by turns.
const ROUNDS: usize = 2;
/// A line passes its label within this many percent of the way from the middle to the border.
const ASIDE: i64 = 60;
/// Steps in a line that are shorter look like a mistake.
const JOG: i64 = 8;

/// Moves the ends of lines along the sides of their boxes, their order kept, and lines within their labels.
pub(super) fn straighten(graph: &Graph, g: &Layered, frame: &mut Frame, cross: &mut Cross) {
    for _ in 0..ROUNDS {
        ends(graph, g, frame, cross);
        labels(g, frame, cross);
    }
}

/// The end of an edge at a side of a box.
#[derive(Clone, Copy, Debug)]
struct End {
    edge: usize,
    /// Where it is, from the box's middle.
    at: i64,
    /// Where the line comes from.
    wanted: i64,
}

/// Moves ends to where their lines come from, if there is room; otherwise the line has its bend anyway.
fn ends(graph: &Graph, g: &Layered, frame: &mut Frame, cross: &Cross) {
    let mut sides: Vec<[Vec<End>; 2]> = vec![[Vec::new(), Vec::new()]; graph.nodes.len()];
    for (edge, chain) in g.chains.iter().enumerate().filter(|c| c.1.len() > 2) {
        let last = chain.len() - 1;
        let end = |v: usize, at: i64, next: usize| End {
            edge,
            at,
            wanted: cross.lines[next] - cross.items[v],
        };
        let (from, to) = frame.ports[edge];
        sides[chain[0]][1].push(end(chain[0], from, chain[1]));
        sides[chain[last]][0].push(end(chain[last], to, chain[last - 1]));
    }
    for (v, sides) in sides.iter_mut().enumerate() {
        let half = frame.boxes[v].0 / 2;
        for (side, ends) in sides.iter_mut().enumerate() {
            ends.sort_by_key(|e| (e.at, e.edge));
            let low = match under_title(graph, g, frame, v) {
                Some(k) if side == 0 => {
                    let clear = cross.borders[k].0 + PAD + graph.groups[k] + LABEL_GAP;
                    (clear - PORT - cross.items[v]).max(-half)
                }
                _ => -half,
            };
            // From one end and back, since the next one may make room.
            let all = 0..ends.len();
            for i in all.clone().chain(all.rev()) {
                let before = i.checked_sub(1).map_or(low, |i| ends[i].at);
                let next = ends.get(i + 1).map_or(half, |e| e.at);
                let End { edge, wanted, .. } = ends[i];
                if before + PORT <= wanted && wanted + PORT <= next {
                    ends[i].at = wanted;
                    match side {
                        0 => frame.ports[edge].1 = wanted,
                        _ => frame.ports[edge].0 = wanted,
                    }
                }
            }
        }
    }
}

/// The group whose title stands in the way of lines that come from above.
fn under_title(graph: &Graph, g: &Layered, frame: &Frame, v: usize) -> Option<usize> {
    let k = graph.nodes[v].group.filter(|&k| graph.groups[k] > 0)?;
    let first = frame.spans[k]?.0 == g.items[v].layer;
    (first && frame.direction == Direction::Down).then_some(k)
}

/// Lets lines pass aside of their labels' middles where that takes a bend out.
fn labels(g: &Layered, frame: &Frame, cross: &mut Cross) {
    let place = g.places();
    for (e, chain) in g.chains.iter().enumerate() {
        let label = (1..chain.len().saturating_sub(1))
            .find(|&i| matches!(g.items[chain[i]].kind, Kind::Label(_)));
        let Some(i) = label else { continue };
        let (before, x, next) = (chain[i - 1], chain[i], chain[i + 1]);
        let line = |y: usize, port: i64| match g.items[y].kind {
            Kind::Node(_) => cross.items[y] + port,
            Kind::Bend | Kind::Label(_) => cross.lines[y],
        };
        let sides = [line(before, frame.ports[e].0), line(next, frame.ports[e].1)];
        let (middle, extent) = (cross.items[x], &frame.extents[x]);
        let aside = extent.low * ASIDE / 100;
        let (mut low, mut high) = (middle - aside, middle + aside);
        // A label in the other row is beside the line itself.
        let layer = &g.layers[g.items[x].layer];
        let other = |at: Option<usize>| {
            let y = *layer.get(at?)?;
            (frame.rows[y] != frame.rows[x]).then_some(y)
        };
        if let Some(y) = other(place[x].checked_sub(1)) {
            low = low.max(cross.items[y] + frame.extents[y].high + LABEL_GAP);
        }
        if let Some(y) = other(Some(place[x] + 1)) {
            high = high.min(cross.items[y] - frame.extents[y].low - LABEL_GAP);
        }
        let cost = |at: i64| {
            let bends = sides.map(|s| match (s - at).abs() {
                0 => 0,
                1..JOG => 2,
                _ => 1,
            });
            (bends[0] + bends[1], (at - middle).abs())
        };
        let choices = [middle, sides[0], sides[1]].into_iter();
        let best = choices
            .filter(|at| *at == middle || (low..=high).contains(at))
            .min_by_key(|&at| cost(at));
        cross.lines[x] = best.unwrap_or(middle);
    }
}
