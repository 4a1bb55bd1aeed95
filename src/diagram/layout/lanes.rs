//! One order of the groups for all layers, and the way of every line between them.
//!
//! A line from one lane to another has to pass the lanes between them. Where the group of such a lane
//! has boxes on both sides of a gap, passing it there means to run through the group and to cross the
//! group's own lines in that gap; elsewhere it costs nothing. Both the order of the lanes and the gaps
//! in which lines pass them follow from these costs.

use super::Graph;

/// More groups than this are ordered by how much they talk alone; the search is of the fifth power.
const MAX_SEARCH: usize = 24;
/// Up to this many groups, a lane may move to any place in one step.
const FREE_MOVES: usize = 10;
/// What running through a foreign group costs, in crossings.
const FOREIGN: u64 = 3;
/// What a lane between two ends costs anyway, in tenths of a crossing: the line gets longer.
const LENGTH: u64 = 3;
/// Channels on either side of the mean that a node without a group may take.
const NEARBY: usize = 6;

/// The cost of passing each group in each gap between layers, in tenths of a crossing.
pub(super) struct Passing {
    cost: Vec<Vec<u64>>,
}

impl Passing {
    /// `layers` has the layer of each node.
    pub(super) fn new(graph: &Graph, layers: &[usize]) -> Self {
        let depth = layers.iter().max().map_or(0, |l| l + 1);
        let mut cost = vec![vec![0; depth]; graph.groups.len()];
        let mut spans = vec![None; graph.groups.len()];
        for (node, &layer) in graph.nodes.iter().zip(layers) {
            if let Some(group) = node.group {
                let span = spans[group].get_or_insert((layer, layer));
                *span = (span.0.min(layer), span.1.max(layer));
            }
        }
        for (span, cost) in spans.iter().zip(&mut cost) {
            if let Some((first, last)) = *span {
                for gap in &mut cost[first..last] {
                    *gap += 10 * FOREIGN;
                }
            }
        }
        for e in &graph.edges {
            if let (Some(a), Some(b)) = (graph.nodes[e.from].group, graph.nodes[e.to].group)
                && a == b
            {
                let (x, y) = (layers[e.from], layers[e.to]);
                for gap in &mut cost[a][x.min(y)..x.max(y)] {
                    *gap += 10;
                }
            }
        }
        Self { cost }
    }

    /// The least cost of passing `group` somewhere from layer `a` to layer `b`.
    fn least(&self, group: usize, a: usize, b: usize) -> u64 {
        self.cost[group][a..b].iter().copied().min().unwrap_or(0) + LENGTH
    }

    /// For a line from layer `a`, lane or channel `from`, to layer `b`, lane or channel `to`, the channel
    /// at each layer between them, such that the sum of the costs is least; and that sum. `order` has the
    /// group of each lane.
    pub(super) fn way(
        &self,
        order: &[usize],
        (a, from): (usize, usize),
        (b, to): (usize, usize),
    ) -> (Vec<usize>, u64) {
        // Lanes strictly between the ends, in the order in which they are passed.
        let (low, high) = (from.min(to), from.max(to));
        let mut lanes: Vec<usize> = (low + 1..high).filter(|l| l % 2 == 1).collect();
        if from > to {
            lanes.reverse();
        }
        let gaps = b - a;
        // cheapest[i][g]: the first `i` lanes are passed in the gaps before `g`.
        let mut cheapest = vec![vec![0u64; gaps + 1]; lanes.len() + 1];
        for (i, &lane) in lanes.iter().enumerate() {
            let cost = &self.cost[order[lane / 2]];
            cheapest[i + 1][0] = u64::MAX / 4;
            for g in 0..gaps {
                let here = cheapest[i][g + 1].min(u64::MAX / 4) + cost[a + g];
                // A lane passed with its forerunners in this gap, or in an earlier one.
                cheapest[i + 1][g + 1] = cheapest[i + 1][g].min(here);
            }
        }
        let sum = cheapest[lanes.len()][gaps];
        // Walks back; among equal ways the one that passes nearest to the middle is taken.
        let mut passed_before = vec![0usize; gaps + 1];
        passed_before[gaps] = lanes.len();
        let (mut i, mut g) = (lanes.len(), gaps);
        while g > 0 {
            let spare = g > 1 && i > 0 && cheapest[i][g - 1] == cheapest[i][g];
            if i == 0 || spare && g > gaps.div_ceil(2).max(1) {
                g -= 1;
                passed_before[g] = i;
                continue;
            }
            let cost = self.cost[order[lanes[i - 1] / 2]][a + g - 1];
            if cheapest[i - 1][g] + cost == cheapest[i][g] {
                i -= 1;
            } else {
                g -= 1;
                passed_before[g] = i;
            }
        }
        let channel = |passed: usize| {
            if from == to {
                // Both ends in one lane, of different groups never: the channel beside it.
                return from + from % 2;
            }
            let first = match (from % 2, from < to) {
                (0, _) => from,
                (_, true) => from + 1,
                (_, false) => from - 1,
            };
            if from < to {
                first + 2 * passed
            } else {
                first - 2 * passed
            }
        };
        (
            (1..gaps).map(|g| channel(passed_before[g])).collect(),
            sum + LENGTH * lanes.len() as u64,
        )
    }
}

/// Orders of the groups that are worth trying, best first: the group of each lane.
pub(super) fn arrange(graph: &Graph, layers: &[usize], passing: &Passing) -> Vec<Vec<usize>> {
    let k = graph.groups.len();
    let given: Vec<usize> = (0..k).collect();
    let between = |e: &super::Line| match (graph.nodes[e.from].group, graph.nodes[e.to].group) {
        (Some(a), Some(b)) if a != b => Some((a, b)),
        _ => None,
    };
    let mut talk = vec![0u64; k * k];
    for (a, b) in graph.edges.iter().filter_map(between) {
        talk[a * k + b] += 1;
        talk[b * k + a] += 1;
    }
    let near = |i: usize, j: usize, order: &[usize]| talk[order[i] * k + order[j]] * (j - i) as u64;
    if k > MAX_SEARCH {
        return vec![improve(given, 1, near)];
    }
    // pass[(i * k + j) * k + m]: what all lines between groups `i` and `j` pay if lane `m` is between.
    let mut pass = vec![0u64; k * k * k];
    for e in &graph.edges {
        let Some((i, j)) = between(e) else { continue };
        let (a, b) = (layers[e.from], layers[e.to]);
        for m in (0..k).filter(|&m| m != i && m != j) {
            let cost = passing.least(m, a.min(b), a.max(b));
            pass[(i * k + j) * k + m] += cost;
            pass[(j * k + i) * k + m] += cost;
        }
    }
    let paid = |i: usize, j: usize, order: &[usize]| {
        let pair = &pass[(order[i] * k + order[j]) * k..][..k];
        order[i + 1..j].iter().map(|&m| pair[m]).sum::<u64>()
    };
    let reach = if k > FREE_MOVES { 3 } else { k };
    let mut starts = vec![improve(given.clone(), reach, near)];
    for turn in 0..k.min(6) {
        let mut start = given.clone();
        start.rotate_left(turn);
        if turn % 2 == 1 {
            start[k / 2..].reverse();
        }
        starts.push(start);
    }
    let mut found: Vec<(u64, Vec<usize>)> = starts
        .into_iter()
        .map(|s| improve(s, reach, paid))
        .map(|mut order| {
            // An order and its mirror image are one; the first group stands above the last.
            if order.first() > order.last() {
                order.reverse();
            }
            (cost(&order, paid), order)
        })
        .collect();
    found.sort();
    found.dedup();
    found.into_iter().map(|f| f.1).collect()
}

fn cost(order: &[usize], pair: impl Fn(usize, usize, &[usize]) -> u64) -> u64 {
    let mut sum = 0;
    for j in 1..order.len() {
        for i in 0..j {
            sum += pair(i, j, order);
        }
    }
    sum
}

/// Moves single lanes by up to `reach` places while that lowers the sum over all pairs of places.
fn improve(
    mut order: Vec<usize>,
    reach: usize,
    pair: impl Fn(usize, usize, &[usize]) -> u64,
) -> Vec<usize> {
    let k = order.len();
    let mut best = cost(&order, &pair);
    for _round in 0..k {
        let mut better = false;
        for from in 0..k {
            for to in from.saturating_sub(reach)..(from + reach + 1).min(k) {
                if from == to {
                    continue;
                }
                let mut tried = order.clone();
                let lane = tried.remove(from);
                tried.insert(to, lane);
                let now = cost(&tried, &pair);
                if now < best {
                    best = now;
                    order = tried;
                    better = true;
                }
            }
        }
        if !better {
            break;
        }
    }
    order
}

/// The lane or channel of every node: that of its group; a node without a group takes the channel from
/// which its lines pass the other lanes at the least cost.
pub(super) fn of_nodes(
    graph: &Graph,
    layers: &[usize],
    order: &[usize],
    lanes: &[usize],
    passing: &Passing,
) -> Vec<usize> {
    let mut out: Vec<Option<usize>> = graph
        .nodes
        .iter()
        .map(|n| n.group.map(|g| 2 * lanes[g] + 1))
        .collect();
    let mut ends = vec![Vec::new(); graph.nodes.len()];
    for e in graph.edges.iter().filter(|e| e.from != e.to) {
        ends[e.from].push(e.to);
        ends[e.to].push(e.from);
    }
    for v in 0..out.len() {
        if out[v].is_some() {
            continue;
        }
        let known: Vec<(usize, usize)> = ends[v]
            .iter()
            .filter_map(|&w| Some((layers[w], out[w]?)))
            .collect();
        let mean = known.iter().map(|k| k.1).sum::<usize>() / known.len().max(1) / 2 * 2;
        let channels =
            (mean.saturating_sub(2 * NEARBY)..=(mean + 2 * NEARBY).min(2 * order.len())).step_by(2);
        let pays = |channel: usize| -> u64 {
            let cost = |&(layer, lane): &(usize, usize)| {
                let here = (layers[v], channel);
                let (low, high) = if layer < here.0 {
                    ((layer, lane), here)
                } else {
                    (here, (layer, lane))
                };
                passing.way(order, low, high).1
            };
            known.iter().map(cost).sum()
        };
        out[v] = channels.min_by_key(|&c| (pays(c), c));
    }
    out.into_iter().map(|lane| lane.unwrap_or(0)).collect()
}
