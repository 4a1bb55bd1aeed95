//! Positions across the layers: short, straight lines under all minimal distances.

use super::order::{Kind, Layered};
use super::simplex::{Constraint, solve};
use super::{Direction, Graph};

/// Between two boxes.
const BOX_GAP: i64 = 12;
/// Between a box and a line or label.
const LINE_GAP: i64 = 8;
/// Between two labels, or a label and a line.
pub(super) const LABEL_GAP: i64 = 4;
/// Between two lines.
const BEND_GAP: i64 = 8;
/// Between two lines that end at the same side of a box, at least.
pub(super) const PORT: i64 = 8;
/// Between a lane's border and what is inside.
pub(super) const PAD: i64 = 8;
/// The strip that holds a lane's title.
pub(super) const TITLE: i64 = 22;
/// Between a lane's border and what is outside.
const OUTSIDE: i64 = 4;
/// How far a self-loop stands off its box.
pub(super) const LOOP: i64 = 14;
/// Pixels of a picture that a telephone shows.
pub(super) const SEEN: i64 = 340;
/// What it costs that the beginning of the story is a pixel further, in pixels of a line.
const EARLY: i64 = 3;
/// Room of a self-loop without a label, along its box.
const LOOP_SLOT: i64 = 32;
/// Steps of the search in a picture of up to [`MANY`] items.
const BUDGET: u64 = 60_000_000;
/// In larger pictures, which no one sees as a whole, the steps grow fewer down to this.
const LEAST: u64 = 10_000_000;
/// See [`BUDGET`].
const MANY: u64 = 4_000;

/// The room that an item takes, seen from its middle line.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Extent {
    /// Across, towards smaller coordinates.
    pub(super) low: i64,
    /// Across, towards larger coordinates; more than `low` where self-loops hang.
    pub(super) high: i64,
    /// Along.
    pub(super) main: i64,
}

/// A self-loop's place at its box.
#[derive(Clone, Copy, Debug)]
pub(super) struct Loop {
    pub(super) edge: usize,
    pub(super) node: usize,
    /// Middle of the loop along the main axis, from the box's middle.
    pub(super) at: i64,
}

/// Where the lines at one side of a box go: place of the neighbour, edge.
type Ends = Vec<(usize, usize)>;

/// All sizes for one direction.
pub(super) struct Frame {
    pub(super) direction: Direction,
    pub(super) extents: Vec<Extent>,
    /// Size of each box across and along.
    pub(super) boxes: Vec<(i64, i64)>,
    pub(super) loops: Vec<Loop>,
    /// For each edge how far its ends are from the middle of their boxes: lower layer, higher layer.
    pub(super) ports: Vec<(i64, i64)>,
    /// First and last layer of each group.
    pub(super) spans: Vec<Option<(usize, usize)>>,
    /// The row of each item in its layer: 1 for labels that stand below their neighbours.
    pub(super) rows: Vec<usize>,
}

impl Frame {
    pub(super) fn new(graph: &Graph, g: &Layered, direction: Direction) -> Self {
        let turned = |(w, h): (i64, i64)| match direction {
            Direction::Right => (h, w),
            Direction::Down => (w, h),
        };
        let even = |x: i64| (x + 1) / 2 * 2;
        let mut boxes: Vec<(i64, i64)> = graph
            .nodes
            .iter()
            .map(|n| turned((n.width.max(2), n.height.max(2))))
            .map(|(cross, main)| (even(cross), even(main)))
            .collect();

        // Self-loops stand side by side at the box's far side.
        let mut slots: Vec<Vec<(usize, i64, i64)>> = vec![Vec::new(); graph.nodes.len()];
        for (e, edge) in graph
            .edges
            .iter()
            .enumerate()
            .filter(|(_, e)| e.from == e.to)
        {
            let (cross, main) = edge.label.map_or((0, 0), turned);
            let main = if edge.label.is_some() {
                main + LABEL_GAP
            } else {
                0
            };
            slots[edge.from].push((e, cross, even(main.max(LOOP_SLOT))));
        }
        let mut loops = Vec::new();
        let mut hanging = vec![0; graph.nodes.len()];
        let mut along = vec![0; graph.nodes.len()];
        for (node, list) in slots
            .iter()
            .enumerate()
            .filter(|(_, list)| !list.is_empty())
        {
            let total: i64 = list.iter().map(|s| s.2).sum();
            along[node] = total;
            if list.len() > 1 {
                boxes[node].1 = boxes[node].1.max(total);
            }
            boxes[node].1 = boxes[node].1.max(LOOP_SLOT);
            let mut begin = -total / 2;
            for &(edge, cross, main) in list {
                loops.push(Loop {
                    edge,
                    node,
                    at: begin + main / 2,
                });
                begin += main;
                hanging[node] = hanging[node].max(LOOP + 2 + even(cross));
            }
        }

        let place = g.places();
        let mut ends: Vec<(Ends, Ends)> = vec![(Vec::new(), Vec::new()); graph.nodes.len()];
        for (e, chain) in g.chains.iter().enumerate().filter(|(_, c)| c.len() > 1) {
            let last = chain.len() - 1;
            ends[chain[0]].1.push((place[chain[1]], e));
            ends[chain[last]].0.push((place[chain[last - 1]], e));
        }
        let mut ports = vec![(0, 0); graph.edges.len()];
        for (v, (before, after)) in ends.iter_mut().enumerate() {
            let most = before.len().max(after.len()) as i64;
            boxes[v].0 = boxes[v].0.max(even((most + 1) * PORT));
            for (list, lower) in [(before, false), (after, true)] {
                list.sort_unstable();
                let count = list.len() as i64;
                for (i, &(_, e)) in list.iter().enumerate() {
                    let at = -boxes[v].0 / 2 + boxes[v].0 * (i as i64 + 1) / (count + 1);
                    if lower {
                        ports[e].0 = at;
                    } else {
                        ports[e].1 = at;
                    }
                }
            }
        }

        let extents: Vec<Extent> = g
            .items
            .iter()
            .map(|item| match item.kind {
                Kind::Node(v) => {
                    let (cross, main) = boxes[v];
                    let low = cross / 2;
                    Extent {
                        low,
                        high: low + hanging[v],
                        main: main.max(along[v]),
                    }
                }
                Kind::Bend => Extent::default(),
                Kind::Label(e) => {
                    let (cross, main) = graph.edges[e].label.map_or((0, 0), turned);
                    let half = even(cross) / 2;
                    Extent {
                        low: half,
                        high: half,
                        main: even(main),
                    }
                }
            })
            .collect();

        let mut spans: Vec<Option<(usize, usize)>> = vec![None; graph.groups.len()];
        for (v, n) in graph.nodes.iter().enumerate() {
            if let Some(group) = n.group {
                let layer = g.items[v].layer;
                let span = spans[group].get_or_insert((layer, layer));
                *span = (span.0.min(layer), span.1.max(layer));
            }
        }
        let rows = match direction {
            Direction::Right => rows(g, &extents, HIGH),
            Direction::Down => rows(g, &extents, WIDE),
        };
        Self {
            direction,
            extents,
            boxes,
            loops,
            ports,
            spans,
            rows,
        }
    }
}

/// Downwards, a layer of labels is staggered if it is wider than this many percent of the widest layer of boxes.
const WIDE: i64 = 80;
/// The same to the right, where labels are low and a second row of them is as long as the first.
const HIGH: i64 = 150;

/// Where labels side by side would make their layer more than `wide` percent of the widest layer of boxes, every second one stands in a
/// second row: beside it is only its neighbour's line, which takes less room than a label.
fn rows(g: &Layered, extents: &[Extent], wide: i64) -> Vec<usize> {
    let mut rows = vec![0; g.items.len()];
    let width = |layer: &Vec<usize>| {
        let items = layer.iter().map(|&x| extents[x].low + extents[x].high);
        let pairs = layer.windows(2);
        let gaps = pairs.map(|p| gap(g.items[p[0]].kind, g.items[p[1]].kind));
        items.sum::<i64>() + gaps.sum::<i64>()
    };
    let boxes = g.layers.iter().step_by(2).map(width).max().unwrap_or(0);
    for layer in g.layers.iter().skip(1).step_by(2) {
        if width(layer) * 100 <= boxes * wide {
            continue;
        }
        for pair in layer.windows(2) {
            if pair
                .iter()
                .all(|&x| matches!(g.items[x].kind, Kind::Label(_)))
            {
                rows[pair[1]] = 1 - rows[pair[0]];
            }
        }
    }
    rows
}

/// Where everything is across the layers.
pub(super) struct Cross {
    /// Middle line of each item.
    pub(super) items: Vec<i64>,
    /// Where the line of each bend and label passes: not always the middle of a label.
    pub(super) lines: Vec<i64>,
    /// Borders of each group.
    pub(super) borders: Vec<(i64, i64)>,
}

/// The items of `seen` are drawn to where even a narrow column shows them.
pub(super) fn assign(graph: &Graph, g: &Layered, frame: &Frame, seen: &[usize]) -> Cross {
    let count = g.items.len();
    let mut net = Builder {
        constraints: Vec::new(),
        next: count + 2 * graph.groups.len(),
    };
    for (e, chain) in g.chains.iter().enumerate() {
        let last = chain.len().saturating_sub(2);
        for (i, pair) in chain.windows(2).enumerate() {
            let inner = [pair[0], pair[1]].map(|x| !matches!(g.items[x].kind, Kind::Node(_)));
            let weight = match inner {
                [true, true] => 8,
                [false, false] => 1,
                _ => 2,
            };
            let from = if i == 0 { frame.ports[e].0 } else { 0 };
            let to = if i == last { frame.ports[e].1 } else { 0 };
            net.near((pair[0], from), (pair[1], to), weight);
        }
    }
    for layer in &g.layers {
        for pair in layer.windows(2) {
            let gap = gap(g.items[pair[0]].kind, g.items[pair[1]].kind);
            let (a, b) = (&frame.extents[pair[0]], &frame.extents[pair[1]]);
            let room = if frame.rows[pair[0]] == frame.rows[pair[1]] {
                a.high + b.low
            } else {
                // Each has only the other's line beside it.
                a.high.max(b.low)
            };
            net.apart(pair[0], pair[1], room + gap, 0);
        }
        // In a row, labels are also neighbours if only lines with labels in the other row are between them.
        let mut last = [None; 2];
        for &x in layer {
            let row = frame.rows[x];
            if let Some(before) = last[row].replace(x) {
                let gap = gap(g.items[before].kind, g.items[x].kind);
                let room = frame.extents[before].high + frame.extents[x].low;
                net.apart(before, x, room + gap, 0);
            }
        }
    }
    borders(graph, g, frame, &mut net);
    // The drawing's own borders: a low picture is worth more than a straight line.
    let (top, bottom) = (net.next, net.next + 1);
    net.next += 2;
    for layer in &g.layers {
        if let (Some(&first), Some(&last)) = (layer.first(), layer.last()) {
            net.apart(top, first, frame.extents[first].low, 0);
            net.apart(last, bottom, frame.extents[last].high, 0);
        }
    }
    for k in 0..graph.groups.len() {
        if frame.spans[k].is_some() {
            net.apart(top, count + 2 * k, 0, 0);
            net.apart(count + 2 * k + 1, bottom, 0, 0);
        }
    }
    net.apart(top, bottom, 0, g.chains.len() as i64 / 2);
    // Free of cost up to where it is seen.
    for &x in seen {
        let end = net.next;
        net.next += 1;
        net.apart(top, end, SEEN - frame.extents[x].high, EARLY);
        net.apart(x, end, 0, 0);
    }
    let budget = BUDGET * MANY / MANY.max(count as u64);
    let x = solve(net.next, &net.constraints, budget.max(LEAST));
    Cross {
        items: x[..count].to_vec(),
        lines: x[..count].to_vec(),
        borders: (0..graph.groups.len())
            .map(|k| (x[count + 2 * k], x[count + 2 * k + 1]))
            .collect(),
    }
}

fn gap(a: Kind, b: Kind) -> i64 {
    use Kind::{Bend, Label, Node};
    match (a, b) {
        (Node(_), Node(_)) => BOX_GAP,
        (Node(_), _) | (_, Node(_)) => LINE_GAP,
        (Label(_), _) | (_, Label(_)) => LABEL_GAP,
        (Bend, Bend) => BEND_GAP,
    }
}

struct Builder {
    constraints: Vec<Constraint>,
    /// The next unused variable.
    next: usize,
}

impl Builder {
    fn apart(&mut self, from: usize, to: usize, length: i64, weight: i64) {
        self.constraints.push(Constraint {
            from,
            to,
            length,
            weight,
        });
    }

    /// Makes the distance of two points cost `weight` a pixel; each is an item and an offset.
    fn near(&mut self, a: (usize, i64), b: (usize, i64), weight: i64) {
        let base = a.1.abs() + b.1.abs();
        let below = self.next;
        self.next += 1;
        self.apart(below, a.0, base - a.1, weight);
        self.apart(below, b.0, base - b.1, weight);
    }
}

/// Keeps lanes around what is theirs, and everything else out of them.
fn borders(graph: &Graph, g: &Layered, frame: &Frame, net: &mut Builder) {
    let count = g.items.len();
    let down = frame.direction == Direction::Down;
    for (k, span) in frame.spans.iter().enumerate() {
        let (low, high) = (count + 2 * k, count + 2 * k + 1);
        let Some((first, last)) = *span else { continue };
        let title = graph.groups[k];
        net.apart(low, high, if down { title + 2 * PAD } else { 0 }, 4);
        let lane = 2 * g.lanes[k] + 1;
        let head = if down || title == 0 { PAD } else { TITLE };
        for layer in first..=last {
            let items = &g.layers[layer];
            for (i, &x) in items.iter().enumerate() {
                let (extent, at) = (&frame.extents[x], g.items[x].lane);
                if at == lane {
                    net.apart(low, x, head + extent.low, 0);
                    net.apart(x, high, extent.high + PAD, 0);
                } else if at < lane {
                    if items.get(i + 1).is_none_or(|&y| g.items[y].lane >= lane) {
                        net.apart(x, low, extent.high + OUTSIDE, 0);
                    }
                } else if i == 0 || g.items[items[i - 1]].lane <= lane {
                    net.apart(high, x, OUTSIDE + extent.low, 0);
                }
            }
        }
        // Downwards, lines enter the first layer through the title's strip; none may touch it.
        if down && title > 0 {
            for (e, chain) in g.chains.iter().enumerate() {
                if let Some(&x) = chain.last()
                    && g.items[x].layer == first
                    && g.items[x].lane == lane
                {
                    net.apart(low, x, PAD + title + LABEL_GAP - frame.ports[e].1, 0);
                }
            }
        }
    }
    // Lanes side by side, and those beyond them that look past them.
    let mut stacked: Vec<usize> = (0..frame.spans.len()).collect();
    stacked.sort_unstable_by_key(|&k| g.lanes[k]);
    for (at, &a) in stacked.iter().enumerate() {
        let Some((first, last)) = frame.spans[a] else {
            continue;
        };
        let mut open: Vec<usize> = (first.saturating_sub(1)..=last + 1).collect();
        for &b in &stacked[at + 1..] {
            let Some((begin, end)) = frame.spans[b] else {
                continue;
            };
            let seen = open.len();
            open.retain(|&layer| layer < begin || layer > end);
            if open.len() < seen {
                net.apart(count + 2 * a + 1, count + 2 * b, PAD, 0);
            }
            if open.is_empty() {
                break;
            }
        }
    }
}
