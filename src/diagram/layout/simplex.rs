//! Network simplex (Gansner, Koutsofios, North, Vo 1993): integers with minimal weighted differences.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// `x[to] - x[from] >= length`, and each unit above costs `weight`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Constraint {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) length: i64,
    pub(super) weight: i64,
}

const NONE: usize = usize::MAX;
/// Negative cut values that are looked at before the worst of them leaves the tree.
const CANDIDATES: usize = 30;

/// Values for `n` variables, the smallest 0, that keep all `constraints` and make the sum of their
/// costs small: minimal if `budget` (visits of variables and constraints) is not used up.
///
/// The constraints must not form a circle; those of a circle would be ignored.
pub(super) fn solve(n: usize, constraints: &[Constraint], budget: u64) -> Vec<i64> {
    if n == 0 {
        return Vec::new();
    }
    let rooted = join_components(n, constraints);
    let mut x = longest_path(rooted.nodes, &rooted.edges);
    let mut tree = Tree::tight(&rooted, &mut x);
    tree.improve(&mut x, budget);
    x.truncate(n);
    let least = x.iter().copied().min().unwrap_or(0);
    for v in &mut x {
        *v -= least;
    }
    x
}

/// A connected graph of constraints with adjacency in two flat arrays.
struct Net {
    nodes: usize,
    edges: Vec<Constraint>,
    /// `around[start[v]..start[v + 1]]`: the edges at `v`.
    start: Vec<usize>,
    around: Vec<usize>,
}

impl Net {
    fn at(&self, v: usize) -> &[usize] {
        &self.around[self.start[v]..self.start[v + 1]]
    }

    fn other(&self, edge: usize, v: usize) -> usize {
        self.edges[edge].from ^ self.edges[edge].to ^ v
    }

    fn slack(&self, x: &[i64], edge: usize) -> i64 {
        let e = &self.edges[edge];
        x[e.to] - x[e.from] - e.length
    }
}

fn adjacency(nodes: usize, edges: &[Constraint]) -> (Vec<usize>, Vec<usize>) {
    let mut start = vec![0; nodes + 1];
    for e in edges {
        start[e.from + 1] += 1;
        start[e.to + 1] += 1;
    }
    for v in 0..nodes {
        start[v + 1] += start[v];
    }
    let mut next = start.clone();
    let mut around = vec![0; 2 * edges.len()];
    for (i, e) in edges.iter().enumerate() {
        for v in [e.from, e.to] {
            around[next[v]] = i;
            next[v] += 1;
        }
    }
    (start, around)
}

/// Adds a root before every component if there is more than one.
fn join_components(n: usize, constraints: &[Constraint]) -> Net {
    let mut edges: Vec<Constraint> = constraints
        .iter()
        .copied()
        .filter(|c| c.from != c.to)
        .collect();
    let (mut start, mut around) = adjacency(n, &edges);
    let mut seen = vec![false; n];
    let mut first = Vec::new();
    let mut open = Vec::new();
    for s in 0..n {
        if seen[s] {
            continue;
        }
        first.push(s);
        seen[s] = true;
        open.push(s);
        while let Some(v) = open.pop() {
            for &i in &around[start[v]..start[v + 1]] {
                let w = edges[i].from ^ edges[i].to ^ v;
                if !seen[w] {
                    seen[w] = true;
                    open.push(w);
                }
            }
        }
    }
    let mut nodes = n;
    if first.len() > 1 {
        edges.extend(first.iter().map(|&to| Constraint {
            from: n,
            to,
            length: 0,
            weight: 0,
        }));
        nodes += 1;
        (start, around) = adjacency(nodes, &edges);
    }
    Net {
        nodes,
        edges,
        start,
        around,
    }
}

/// The smallest values that keep all constraints.
fn longest_path(nodes: usize, edges: &[Constraint]) -> Vec<i64> {
    let mut waiting = vec![0usize; nodes];
    let mut first = vec![NONE; nodes];
    let mut next = vec![NONE; edges.len()];
    for (i, e) in edges.iter().enumerate() {
        waiting[e.to] += 1;
        next[i] = first[e.from];
        first[e.from] = i;
    }
    let mut x = vec![0i64; nodes];
    let mut ready: Vec<usize> = (0..nodes).filter(|&v| waiting[v] == 0).collect();
    while let Some(v) = ready.pop() {
        let mut i = first[v];
        while i != NONE {
            let e = &edges[i];
            x[e.to] = x[e.to].max(x[v] + e.length);
            waiting[e.to] -= 1;
            if waiting[e.to] == 0 {
                ready.push(e.to);
            }
            i = next[i];
        }
    }
    x
}

/// A spanning tree of tight constraints with the numbers that the simplex needs.
struct Tree<'a> {
    net: &'a Net,
    in_tree: Vec<bool>,
    /// Tree edges at each node.
    links: Vec<Vec<usize>>,
    edges: Vec<usize>,
    /// Tree edge towards the root.
    parent: Vec<usize>,
    /// Postorder number, and the smallest one in the subtree.
    lim: Vec<usize>,
    low: Vec<usize>,
    cut: Vec<i64>,
}

impl<'a> Tree<'a> {
    /// Grows a tree from node 0; the grown part is shifted until the nearest constraint is tight.
    /// `x` of a grown node is kept less the shift so far, so that a shift costs nothing.
    fn tight(net: &'a Net, x: &mut [i64]) -> Self {
        let mut in_tree = vec![false; net.edges.len()];
        let mut grown = vec![false; net.nodes];
        let mut edges = Vec::with_capacity(net.nodes);
        let mut shift = 0;
        // Slacks of constraints that leave the grown part (they shrink as it shifts up), and of
        // those that enter it (they grow).
        let mut leaving: BinaryHeap<Reverse<(i64, usize)>> = BinaryHeap::new();
        let mut entering: BinaryHeap<Reverse<(i64, usize)>> = BinaryHeap::new();
        let mut v = 0;
        loop {
            grown[v] = true;
            for &i in net.at(v) {
                let w = net.other(i, v);
                if !grown[w] {
                    let slack = net.slack(x, i);
                    if net.edges[i].from == v {
                        leaving.push(Reverse((slack + shift, i)));
                    } else {
                        entering.push(Reverse((slack - shift, i)));
                    }
                }
            }
            x[v] -= shift;
            let stale =
                |i: usize, grown: &[bool]| grown[net.edges[i].from] && grown[net.edges[i].to];
            while leaving
                .peek()
                .is_some_and(|&Reverse((_, i))| stale(i, &grown))
            {
                leaving.pop();
            }
            while entering
                .peek()
                .is_some_and(|&Reverse((_, i))| stale(i, &grown))
            {
                entering.pop();
            }
            let up = leaving.peek().map(|&Reverse((s, i))| (s - shift, i));
            let down = entering.peek().map(|&Reverse((s, i))| (s + shift, i));
            let (step, edge, fresh) = match (up, down) {
                (Some((s, i)), None) => (s, i, net.edges[i].to),
                (None, Some((s, i))) => (-s, i, net.edges[i].from),
                (Some((s, i)), Some((t, _))) if s <= t => (s, i, net.edges[i].to),
                (_, Some((t, i))) => (-t, i, net.edges[i].from),
                (None, None) => break,
            };
            shift += step;
            in_tree[edge] = true;
            edges.push(edge);
            v = fresh;
        }
        for (v, value) in x.iter_mut().enumerate() {
            if grown[v] {
                *value += shift;
            }
        }
        let mut tree = Self {
            net,
            in_tree,
            links: vec![Vec::new(); net.nodes],
            edges,
            parent: vec![NONE; net.nodes],
            lim: vec![0; net.nodes],
            low: vec![0; net.nodes],
            cut: vec![0; net.edges.len()],
        };
        for i in tree.edges.clone() {
            tree.links[net.edges[i].from].push(i);
            tree.links[net.edges[i].to].push(i);
        }
        tree.number(0, NONE, 1);
        tree.first_cuts();
        tree
    }

    /// Numbers the subtree below `root` in postorder from `count`; returns how many nodes it has.
    fn number(&mut self, root: usize, parent: usize, mut count: usize) -> u64 {
        let begin = count;
        self.parent[root] = parent;
        self.low[root] = count;
        let mut open = vec![(root, 0usize)];
        while let Some((v, at)) = open.last_mut() {
            let v = *v;
            if let Some(&i) = self.links[v].get(*at) {
                *at += 1;
                if i != self.parent[v] {
                    let w = self.net.other(i, v);
                    self.parent[w] = i;
                    self.low[w] = count;
                    open.push((w, 0));
                }
            } else {
                self.lim[v] = count;
                count += 1;
                open.pop();
            }
        }
        (count - begin) as u64
    }

    fn first_cuts(&mut self) {
        let mut order: Vec<usize> = (0..self.net.nodes).collect();
        order.sort_unstable_by_key(|&v| self.lim[v]);
        for v in order {
            let up = self.parent[v];
            if up == NONE {
                continue;
            }
            // What crosses from the tail's side of the tree edge to the head's side, less what
            // crosses back; children's cut values stand for all that lies below them.
            let outward = self.net.edges[up].from == v;
            let mut sum = self.net.edges[up].weight;
            for &i in self.net.at(v) {
                if i == up {
                    continue;
                }
                let e = &self.net.edges[i];
                let sign = if (e.from == v) == outward { 1 } else { -1 };
                sum += sign * e.weight;
                if self.in_tree[i] {
                    sum -= sign * self.cut[i];
                }
            }
            self.cut[up] = sum;
        }
    }

    /// The place in `edges` of a tree edge with negative cut value, searched from `from` on.
    fn leaving(&self, from: usize) -> Option<usize> {
        let mut worst = (0, NONE);
        let mut seen = 0;
        for step in 0..self.edges.len() {
            let at = (from + step) % self.edges.len();
            let cut = self.cut[self.edges[at]];
            if cut < 0 {
                if cut < worst.0 {
                    worst = (cut, at);
                }
                seen += 1;
                if seen >= CANDIDATES {
                    break;
                }
            }
        }
        (worst.1 != NONE).then_some(worst.1)
    }

    fn improve(&mut self, x: &mut [i64], budget: u64) {
        let mut spent = 0u64;
        let mut from = 0;
        let mut below = Vec::new();
        while let Some(at) = self.leaving(from) {
            spent += at.abs_diff(from).min(self.edges.len()) as u64 / 8 + 1;
            from = at;
            let out = self.edges[at];
            let (tail, head) = (self.net.edges[out].from, self.net.edges[out].to);
            let child_is_tail = self.lim[tail] < self.lim[head];
            let child = if child_is_tail { tail } else { head };
            let (low, high) = (self.low[child], self.lim[child]);

            // The tightest constraint from the head's side back to the tail's side comes in.
            let mut best = (i64::MAX, NONE);
            below.clear();
            below.push(child);
            let mut next = 0;
            while next < below.len() {
                let v = below[next];
                next += 1;
                for &i in self.net.at(v) {
                    if self.in_tree[i] {
                        continue;
                    }
                    let e = &self.net.edges[i];
                    let inbound = e.to == v;
                    if inbound != child_is_tail {
                        continue;
                    }
                    let w = self.net.other(i, v);
                    if self.lim[w] < low || self.lim[w] > high {
                        best = best.min((self.net.slack(x, i), i));
                    }
                }
                for &i in &self.links[v] {
                    if i != self.parent[v] {
                        below.push(self.net.other(i, v));
                    }
                }
                spent += self.net.at(v).len() as u64;
            }
            let (slack, enter) = best;
            if enter == NONE {
                break;
            }
            if slack != 0 {
                let step = if child_is_tail { -slack } else { slack };
                for &v in &below {
                    x[v] += step;
                }
            }
            spent += self.exchange(out, at, enter);
            if spent > budget {
                break;
            }
        }
    }

    /// Swaps tree edge `out` (at `place`) for `enter`; returns the work done.
    fn exchange(&mut self, out: usize, place: usize, enter: usize) -> u64 {
        let change = self.cut[out];
        let (f, t) = (self.net.edges[enter].from, self.net.edges[enter].to);
        let top = self.climb(f, t, change, true);
        self.climb(t, f, change, false);
        self.cut[enter] = -change;
        self.cut[out] = 0;
        self.in_tree[out] = false;
        self.in_tree[enter] = true;
        self.edges[place] = enter;
        for v in [self.net.edges[out].from, self.net.edges[out].to] {
            self.links[v].retain(|&i| i != out);
        }
        self.links[f].push(enter);
        self.links[t].push(enter);
        let (parent, low) = (self.parent[top], self.low[top]);
        self.number(top, parent, low)
    }

    /// Corrects the cut values from `v` up to the first node that also has `w` below it; returns it.
    fn climb(&mut self, mut v: usize, w: usize, change: i64, with: bool) -> usize {
        while !(self.low[v] <= self.lim[w] && self.lim[w] <= self.lim[v]) {
            let e = self.parent[v];
            if e == NONE {
                break;
            }
            let along = (self.net.edges[e].from == v) == with;
            self.cut[e] += if along { change } else { -change };
            v = self.net.other(e, v);
        }
        v
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cost(x: &[i64], constraints: &[Constraint]) -> i64 {
        constraints
            .iter()
            .map(|c| {
                let slack = x[c.to] - x[c.from] - c.length;
                assert!(slack >= 0, "{c:?} broken by {x:?}");
                slack * c.weight
            })
            .sum()
    }

    #[test]
    fn ranks_of_the_paper() {
        // a→b→c→d→h, a→e→g, a→f→g→h: everything can be tight but one side of the branches.
        let pairs = [
            (0, 1),
            (1, 2),
            (2, 3),
            (3, 7),
            (0, 4),
            (0, 5),
            (4, 6),
            (5, 6),
            (6, 7),
        ];
        let c: Vec<Constraint> = pairs
            .map(|(from, to)| Constraint {
                from,
                to,
                length: 1,
                weight: 1,
            })
            .into();
        let x = solve(8, &c, 100_000);
        assert_eq!(cost(&x, &c), 1);
    }

    #[test]
    fn a_small_optimum_is_found() {
        // Compared with trying everything.
        let mut seed = 7u64;
        let mut random = |n: u64| {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) % n
        };
        for _ in 0..200 {
            let mut c = Vec::new();
            for to in 1..5usize {
                for from in 0..to {
                    if random(3) > 0 {
                        c.push(Constraint {
                            from,
                            to,
                            length: random(3) as i64,
                            weight: random(4) as i64,
                        });
                    }
                }
            }
            let found = cost(&solve(5, &c, 100_000), &c);
            let mut best = i64::MAX;
            for code in 0..9i64.pow(5) {
                let x: Vec<i64> = (0..5).map(|i| code / 9i64.pow(i) % 9).collect();
                if c.iter().all(|c| x[c.to] - x[c.from] >= c.length) {
                    best = best.min(cost(&x, &c));
                }
            }
            assert_eq!(found, best, "{c:?}");
        }
    }
}
