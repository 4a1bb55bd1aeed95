//! One order of the groups for all layers, and the way of every line between them.
//!
//! A line from one lane to another has to pass the lanes between them. Where the group of such a lane
//! has boxes on both sides of a gap, passing it there means to run through the group and to cross the
//! group's own lines in that gap; elsewhere it costs nothing. Both the order of the lanes and the gaps
//! in which lines pass them follow from these costs.

use super::Graph;

/// With more groups than this, what it costs to pass one of them is taken to be the same for all.
const MAX_SEARCH: usize = 60;
/// First orders that the search begins with.
const STARTS: usize = 12;
/// Steps of each search.
const BUDGET: u64 = 20_000_000;
/// What running through a foreign group costs, in crossings.
const FOREIGN: u64 = 10;
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
    let between = |e: &super::Line| match (graph.nodes[e.from].group, graph.nodes[e.to].group) {
        (Some(a), Some(b)) if a != b => Some((a, b)),
        _ => None,
    };
    let mut talk = vec![0u64; k * k];
    for (a, b) in graph.edges.iter().filter_map(between) {
        talk[a * k + b] += 1;
        talk[b * k + a] += 1;
    }
    let talked = |i: usize, j: usize, _: usize| talk[i * k + j];
    if k > MAX_SEARCH {
        return vec![sift(by_mean(k, &talk), BUDGET, talked)];
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
    let paid = |i: usize, j: usize, m: usize| pass[(i * k + j) * k + m];
    let given: Vec<usize> = (0..k).collect();
    let mut starts = vec![sift(given.clone(), BUDGET, talked), by_mean(k, &talk)];
    for turn in 0..k.min(STARTS) {
        let mut start = given.clone();
        start.rotate_left(turn);
        if turn % 2 == 1 {
            start[k / 2..].reverse();
        }
        starts.push(start);
    }
    let mut found: Vec<(u64, Vec<usize>)> = starts
        .into_iter()
        .map(|s| sift(s, BUDGET, paid))
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

/// What all pairs of groups pay for the lanes between them.
fn cost(order: &[usize], pay: impl Fn(usize, usize, usize) -> u64) -> u64 {
    let mut sum = 0;
    for (at, &j) in order.iter().enumerate() {
        for (before, &i) in order[..at].iter().enumerate() {
            sum += order[before + 1..at]
                .iter()
                .map(|&m| pay(i, j, m))
                .sum::<u64>();
        }
    }
    sum
}

/// An order in which groups that talk stand near one another: each goes, some times over, to the mean
/// place of those it talks with.
fn by_mean(k: usize, talk: &[u64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..k).collect();
    let mut place = vec![0u64; k];
    for _round in 0..8 {
        for (at, &g) in order.iter().enumerate() {
            place[g] = 1_000 * at as u64;
        }
        let mean = |g: usize| {
            let row = &talk[g * k..][..k];
            let (sum, weight) = row
                .iter()
                .zip(&place)
                .fold((place[g], 1), |(s, w), (t, p)| (s + t * p, w + t));
            sum / weight
        };
        order.sort_by_cached_key(|&g| (mean(g), g));
    }
    order
}

/// Moves each lane to its best place, the others left in theirs, while that lowers the [`cost`]; `pay` is
/// what the lines between two groups pay for a third one between them.
fn sift(
    mut order: Vec<usize>,
    budget: u64,
    pay: impl Fn(usize, usize, usize) -> u64,
) -> Vec<usize> {
    let k = order.len();
    // What it saves to swap the lane at `at` with the next one.
    let saved = |order: &[usize], at: usize| -> i64 {
        let (a, b) = (order[at], order[at + 1]);
        let before = order[..at]
            .iter()
            .map(|&i| pay(i, b, a) as i64 - pay(i, a, b) as i64);
        let behind = order[at + 2..]
            .iter()
            .map(|&j| pay(a, j, b) as i64 - pay(b, j, a) as i64);
        before.sum::<i64>() + behind.sum::<i64>()
    };
    let mut spent = 0;
    loop {
        let mut better = false;
        for group in 0..k {
            let Some(home) = order.iter().position(|&g| g == group) else {
                continue;
            };
            let (mut sum, mut best) = (0, (0, home));
            for at in home..k - 1 {
                sum += saved(&order, at);
                order.swap(at, at + 1);
                best = best.max((sum, at + 1));
            }
            order[home..].rotate_right(1);
            sum = 0;
            for at in (0..home).rev() {
                sum += saved(&order, at);
                order.swap(at, at + 1);
                if sum > best.0 {
                    best = (sum, at);
                }
            }
            // It stands first now, unless it stood there before.
            let to = if best.0 > 0 { best.1 } else { home };
            order[..=to].rotate_left(1);
            better |= best.0 > 0;
            spent += (k * k) as u64;
        }
        if !better || spent > budget {
            return order;
        }
    }
}

/// The lane or channel of every node: that of its group; a node without a group takes the channel from
/// which its lines pass the other lanes at the least cost.
pub(super) fn of_nodes(
    graph: &Graph,
    layers: &[usize],
    order: &[usize],
    passing: &Passing,
) -> Vec<usize> {
    let mut lanes = vec![0; order.len()];
    for (lane, &group) in order.iter().enumerate() {
        lanes[group] = lane;
    }
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
