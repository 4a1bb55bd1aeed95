//! Orders the items of each layer so that few lines cross, lanes kept apart.
//!
//! Lanes have odd numbers, the channels between them even ones. Nodes of a group, and lines between
//! two nodes of one group, stay in its lane; everything else moves among the channels. Sweeps by
//! barycentre and median alternate with swaps of neighbours, from several starts; crossings are
//! counted with an accumulator tree (Barth, Jünger, Mutzel 2002).

use super::lanes::Passing;
use super::{Direction, Graph};

/// Something that takes room in a layer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Item {
    pub(super) layer: usize,
    /// Odd: a lane; even: a channel.
    pub(super) lane: usize,
    /// Its part of the layer: as `lane`, but counting only lanes whose group has boxes in this layer, or
    /// before and behind it. Where a lane is not there, the channels beside it are one.
    pub(super) part: usize,
    pub(super) kind: Kind,
}

/// What an item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A node.
    Node(usize),
    /// A point of a long edge.
    Bend,
    /// The label of an edge.
    Label(usize),
}

/// The graph cut into layers. Item `v` of the first `nodes.len()` is node `v`.
#[derive(Clone, Debug)]
pub(super) struct Layered {
    pub(super) items: Vec<Item>,
    pub(super) layers: Vec<Vec<usize>>,
    /// Items of each edge from the lower to the higher layer; empty for self-loops.
    pub(super) chains: Vec<Vec<usize>>,
    /// Whether a chain runs against its edge.
    pub(super) reversed: Vec<bool>,
    /// Place of each group among the lanes.
    pub(super) lanes: Vec<usize>,
    up: Vec<Vec<usize>>,
    down: Vec<Vec<usize>>,
}

const SWEEPS: usize = 32;
const PATIENCE: usize = 8;
/// A search ends after this many times its budget, even in its first start.
const ENOUGH: u64 = 4;

impl Layered {
    /// Cuts `graph`; `layers` has the layer of each node, an even one, so that every edge passes an odd
    /// one. `order` has the group of each lane, `node_lanes` the lane or channel of each node.
    pub(super) fn new(
        graph: &Graph,
        node_layers: &[usize],
        reversed: &[bool],
        (order, node_lanes): (&[usize], &[usize]),
        passing: &Passing,
    ) -> Self {
        let depth = node_layers.iter().max().map_or(0, |l| l + 1);
        let mut lanes = vec![0; order.len()];
        for (lane, &group) in order.iter().enumerate() {
            lanes[group] = lane;
        }
        let mut items: Vec<Item> = node_lanes
            .iter()
            .enumerate()
            .map(|(v, &lane)| Item {
                layer: node_layers[v],
                lane,
                part: 0,
                kind: Kind::Node(v),
            })
            .collect();
        let mut chains = vec![Vec::new(); graph.edges.len()];
        for (e, edge) in graph.edges.iter().enumerate() {
            if edge.from == edge.to {
                continue;
            }
            let (a, b) = if reversed[e] {
                (edge.to, edge.from)
            } else {
                (edge.from, edge.to)
            };
            let (first, last) = (items[a].layer, items[b].layer);
            let group = graph.nodes[a].group;
            let own = if group == graph.nodes[b].group {
                group
            } else {
                None
            };
            let way = own.map_or_else(
                || {
                    let (from, to) = (items[a].lane, items[b].lane);
                    passing.way(order, (first, from), (last, to)).0
                },
                |g| vec![2 * lanes[g] + 1; last - first - 1],
            );
            let mut chain = vec![a];
            for (layer, lane) in (first + 1..last).zip(way) {
                chain.push(items.len());
                items.push(Item {
                    layer,
                    lane,
                    part: 0,
                    kind: Kind::Bend,
                });
            }
            chain.push(b);
            chains[e] = chain;
        }
        let mut up = vec![Vec::new(); items.len()];
        let mut down = vec![Vec::new(); items.len()];
        for chain in &chains {
            for pair in chain.windows(2) {
                down[pair[0]].push(pair[1]);
                up[pair[1]].push(pair[0]);
            }
        }
        let spans = spans(graph, &lanes, &items);
        let parts: Vec<Vec<usize>> = (0..depth).map(|layer| parts(&spans, layer)).collect();
        for item in &mut items {
            item.part = parts[item.layer][item.lane];
        }
        let mut layers = vec![Vec::new(); depth];
        for (i, item) in items.iter().enumerate() {
            layers[item.layer].push(i);
        }
        Self {
            items,
            layers,
            chains,
            reversed: reversed.to_vec(),
            lanes,
            up,
            down,
        }
    }

    /// How often lines pass a lane in a gap in which its group has boxes on both sides.
    pub(super) fn foreign(&self, graph: &Graph) -> u64 {
        let spans = spans(graph, &self.lanes, &self.items);
        let mut count = 0;
        for pair in self.chains.iter().flat_map(|c| c.windows(2)) {
            let (a, b) = (self.items[pair[0]], self.items[pair[1]]);
            let (low, high) = (a.lane.min(b.lane), a.lane.max(b.lane));
            // Lane `l` has number `2 l + 1`; those strictly between.
            for span in &spans[low.div_ceil(2)..(high / 2).max(low.div_ceil(2))] {
                count += u64::from(span.0 <= a.layer && a.layer < span.1);
            }
        }
        count
    }

    /// Chooses the layer of each label. Where layers stand side by side, a label costs what it is wider than its
    /// layer; where they stand below one another, each takes room across, and the layers should be equally full.
    pub(super) fn label(&mut self, graph: &Graph, direction: Direction) {
        let mut full = vec![0i64; self.layers.len()];
        if direction == Direction::Down {
            for item in &self.items {
                full[item.layer] += match item.kind {
                    Kind::Node(v) => graph.nodes[v].width + 16,
                    Kind::Bend | Kind::Label(_) => 8,
                };
            }
        }
        let mut shortest: Vec<usize> = (0..self.chains.len()).collect();
        // Short edges have no choice where their label goes; long ones take what is left.
        shortest.sort_by_key(|&e| (self.chains[e].len(), e));
        for e in shortest {
            let (Some((width, _)), chain) = (graph.edges[e].label, &self.chains[e]) else {
                continue;
            };
            let middle = chain.len() / 2;
            let inner = (1..chain.len().saturating_sub(1)).step_by(2);
            let best = inner.min_by_key(|&i| {
                let full = full[self.items[chain[i]].layer];
                let costs = match direction {
                    Direction::Right => (width - full).max(0),
                    Direction::Down => full,
                };
                (costs, i.abs_diff(middle), i)
            });
            let Some(best) = best else { continue };
            let full = &mut full[self.items[chain[best]].layer];
            match direction {
                Direction::Right => *full = width.max(*full),
                Direction::Down => *full += width,
            }
            self.items[chain[best]].kind = Kind::Label(e);
        }
    }

    /// The place of each item in its layer.
    pub(super) fn places(&self) -> Vec<usize> {
        let mut place = vec![0; self.items.len()];
        for layer in &self.layers {
            for (i, &x) in layer.iter().enumerate() {
                place[x] = i;
            }
        }
        place
    }
}

/// First and last layer of each lane; the first behind the last if its group has no boxes.
fn spans(graph: &Graph, lanes: &[usize], items: &[Item]) -> Vec<(usize, usize)> {
    let mut spans = vec![(usize::MAX, 0); lanes.len()];
    for (node, item) in graph.nodes.iter().zip(items) {
        if let Some(group) = node.group {
            let span = &mut spans[lanes[group]];
            *span = (span.0.min(item.layer), span.1.max(item.layer));
        }
    }
    spans
}

/// The part of `layer` that each lane and channel is in; see [`Item::part`].
fn parts(spans: &[(usize, usize)], layer: usize) -> Vec<usize> {
    let mut parts = vec![0];
    let mut before = 0;
    for span in spans {
        let there = span.0 <= layer && layer <= span.1;
        parts.push(2 * before + usize::from(there));
        before += usize::from(there);
        parts.push(2 * before);
    }
    parts
}

/// Sets the order of all layers, tried from at most `starts` first orders; returns the crossings left.
pub(super) fn minimise(layered: &mut Layered, starts: usize, budget: u64) -> u64 {
    let mut search = Search::new(layered, ENOUGH * budget);
    let mut best: Option<(u64, Vec<Vec<usize>>)> = None;
    for start in 0..starts {
        search.begin(layered, start);
        let found = search.run(layered, SWEEPS);
        if best.as_ref().is_none_or(|b| found.0 < b.0) {
            best = Some(found);
        }
        let done = best.as_ref().is_some_and(|b| b.0 == 0);
        // The next start must fit into the rest of the budget.
        if done || search.spent * (start as u64 + 2) / (start as u64 + 1) > budget {
            break;
        }
    }
    best.map_or(0, |(crossings, layers)| {
        layered.layers = layers;
        crossings
    })
}

struct Search {
    place: Vec<usize>,
    key: Vec<f64>,
    tree: Vec<u64>,
    scratch: (Vec<usize>, Vec<usize>),
    spent: u64,
    limit: u64,
}

impl Search {
    fn new(g: &Layered, limit: u64) -> Self {
        Self {
            place: vec![0; g.items.len()],
            key: vec![0.0; g.items.len()],
            tree: Vec::new(),
            scratch: (Vec::new(), Vec::new()),
            spent: 0,
            limit,
        }
    }

    /// A first order: depth first or breadth first from nodes in one of several orders.
    fn begin(&mut self, g: &mut Layered, start: usize) {
        let mut roots: Vec<usize> = (0..g.items.len())
            .filter(|&i| matches!(g.items[i].kind, Kind::Node(_)))
            .collect();
        let layer = |i: usize| g.items[i].layer as i64;
        let degree = |v: &Vec<Vec<usize>>, i: usize| v[i].len() as i64;
        roots.sort_by_key(|&i| match start {
            0 => (layer(i), 0, i),
            1 => (-layer(i), 0, i),
            2 => (layer(i), -degree(&g.down, i), i),
            3 => (g.items[i].lane as i64, layer(i), i),
            4 => (-degree(&g.up, i) - degree(&g.down, i), 0, i),
            _ => (-layer(i), -degree(&g.up, i), i),
        });
        let breadth = start % 2 == 1;
        let mut seen = vec![false; g.items.len()];
        let mut layers = vec![Vec::new(); g.layers.len()];
        let mut open = std::collections::VecDeque::new();
        for root in roots {
            if seen[root] {
                continue;
            }
            seen[root] = true;
            open.push_back(root);
            while let Some(x) = if breadth {
                open.pop_front()
            } else {
                open.pop_back()
            } {
                layers[g.items[x].layer].push(x);
                for &y in g.down[x].iter().chain(&g.up[x]) {
                    if !seen[y] {
                        seen[y] = true;
                        open.push_back(y);
                    }
                }
            }
        }
        for layer in &mut layers {
            layer.sort_by_key(|&x| g.items[x].part);
        }
        g.layers = layers;
        for r in 0..g.layers.len() {
            self.note_places(g, r);
        }
    }

    fn note_places(&mut self, g: &Layered, r: usize) {
        for (i, &x) in g.layers[r].iter().enumerate() {
            self.place[x] = i;
        }
    }

    fn run(&mut self, g: &mut Layered, sweeps: usize) -> (u64, Vec<Vec<usize>>) {
        let mut best = (self.crossings(g), g.layers.clone());
        let mut stale = 0;
        for sweep in 0..sweeps {
            if best.0 == 0 && sweep > 1 || stale > PATIENCE || self.spent > self.limit {
                break;
            }
            let depth = g.layers.len();
            let downward = sweep % 2 == 0;
            for step in 1..depth {
                let r = if downward { step } else { depth - 1 - step };
                self.sort_layer(g, r, downward, sweep);
            }
            self.swap_neighbours(g);
            let now = self.crossings(g);
            if now < best.0 {
                best = (now, g.layers.clone());
                stale = 0;
            } else {
                stale += 1;
            }
        }
        best
    }

    /// Sorts one layer by where its neighbours in the fixed layer are.
    fn sort_layer(&mut self, g: &mut Layered, r: usize, downward: bool, sweep: usize) {
        let fixed = if downward { r - 1 } else { r + 1 };
        let scale = g.layers[fixed].len().max(1) as f64;
        let own = g.layers[r].len().max(1) as f64;
        for at in 0..g.layers[r].len() {
            let x = g.layers[r][at];
            let near = if downward { &g.up[x] } else { &g.down[x] };
            self.spent += near.len() as u64 + 1;
            self.key[x] = if near.is_empty() {
                self.place[x] as f64 / own
            } else if sweep % 4 < 2 {
                let sum: usize = near.iter().map(|&y| self.place[y]).sum();
                sum as f64 / near.len() as f64 / scale
            } else {
                let places = &mut self.scratch.0;
                places.clear();
                places.extend(near.iter().map(|&y| self.place[y]));
                places.sort_unstable();
                median(places) / scale
            };
        }
        let (items, key, place) = (&g.items, &self.key, &self.place);
        let forward = sweep % 8 < 4;
        g.layers[r].sort_by(|&a, &b| {
            items[a]
                .part
                .cmp(&items[b].part)
                .then(key[a].total_cmp(&key[b]))
                .then(if forward {
                    place[a].cmp(&place[b])
                } else {
                    place[b].cmp(&place[a])
                })
        });
        self.note_places(g, r);
    }

    /// Swaps neighbours in a layer while that saves crossings.
    fn swap_neighbours(&mut self, g: &mut Layered) {
        for _round in 0..6 {
            let mut better = false;
            for r in 0..g.layers.len() {
                for i in 1..g.layers[r].len() {
                    let (a, b) = (g.layers[r][i - 1], g.layers[r][i]);
                    if g.items[a].part != g.items[b].part {
                        continue;
                    }
                    let (kept, swapped) = self.both_ways(g, a, b);
                    if swapped < kept {
                        g.layers[r].swap(i - 1, i);
                        self.place[a] = i;
                        self.place[b] = i - 1;
                        better = true;
                    }
                }
            }
            if !better {
                break;
            }
        }
    }

    /// Crossings between the lines of `a` and `b` as they stand, and if they changed places.
    fn both_ways(&mut self, g: &Layered, a: usize, b: usize) -> (u64, u64) {
        let mut sum = (0, 0);
        for side in [&g.up, &g.down] {
            let (p, q) = (&mut self.scratch.0, &mut self.scratch.1);
            if let (&[x], &[y]) = (side[a].as_slice(), side[b].as_slice()) {
                self.spent += 1;
                let (x, y) = (self.place[x], self.place[y]);
                sum.0 += u64::from(x > y);
                sum.1 += u64::from(y > x);
                continue;
            }
            p.clear();
            q.clear();
            p.extend(side[a].iter().map(|&x| self.place[x]));
            q.extend(side[b].iter().map(|&x| self.place[x]));
            p.sort_unstable();
            q.sort_unstable();
            self.spent += (p.len() + q.len()) as u64;
            let (mut less, mut up_to) = (0, 0);
            for x in p.iter() {
                while less < q.len() && q[less] < *x {
                    less += 1;
                }
                while up_to < q.len() && q[up_to] <= *x {
                    up_to += 1;
                }
                sum.0 += less as u64;
                sum.1 += (q.len() - up_to) as u64;
            }
        }
        sum
    }

    fn crossings(&mut self, g: &Layered) -> u64 {
        (1..g.layers.len()).map(|r| self.between(g, r - 1)).sum()
    }

    /// Crossings between layer `r` and the next.
    fn between(&mut self, g: &Layered, r: usize) -> u64 {
        let size = g.layers[r + 1].len().next_power_of_two();
        self.tree.clear();
        self.tree.resize(2 * size, 0);
        let mut sum = 0;
        for &x in &g.layers[r] {
            let ends = &mut self.scratch.0;
            ends.clear();
            ends.extend(g.down[x].iter().map(|&y| self.place[y]));
            ends.sort_unstable();
            self.spent += ends.len() as u64;
            for &end in ends.iter() {
                let mut at = end + size;
                self.tree[at] += 1;
                while at > 1 {
                    if at.is_multiple_of(2) {
                        sum += self.tree[at + 1];
                    }
                    at /= 2;
                    self.tree[at] += 1;
                }
            }
        }
        sum
    }
}

/// The weighted median of Gansner et al.: leans to the side where neighbours are closer together.
fn median(sorted: &[usize]) -> f64 {
    let (n, m) = (sorted.len(), sorted.len() / 2);
    if n % 2 == 1 {
        return sorted[m] as f64;
    }
    if n == 2 {
        return (sorted[0] + sorted[1]) as f64 / 2.0;
    }
    let (left, right) = (
        (sorted[m - 1] - sorted[0]) as f64,
        (sorted[n - 1] - sorted[m]) as f64,
    );
    if left + right == 0.0 {
        return sorted[m] as f64;
    }
    (sorted[m - 1] as f64 * right + sorted[m] as f64 * left) / (left + right)
}
