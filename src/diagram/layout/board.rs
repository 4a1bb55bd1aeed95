//! The graph cut into layers, such that single boxes and lines can be taken out and put back.
//!
//! What a drawing costs is known at any time; only gaps between layers that changed are counted again.
//! `insert` finds out where a box or a line is put best.

use super::order::Layered;
use super::{Graph, Line};

/// What a crossing costs; a bend or label costs 1.
pub(super) const CROSSING: u64 = 10;
/// What a line through a foreign group costs.
pub(super) const FOREIGN: u64 = 4 * CROSSING;
/// What a layer of boxes costs, so that a picture grows longer only for a gain.
pub(super) const LAYER: u64 = 16;
/// No item, no row.
pub(super) const NONE: usize = usize::MAX;
/// A gap that has to be counted again.
const UNKNOWN: u64 = u64::MAX;

/// What it costs that a line leads back, or that it does not: nothing if it wants to; else next to nothing for a
/// pull of 1, three crossings for one of 3, and more than a picture can save for one of 8, so that what stands at the
/// beginning of the story stays there.
pub(super) fn against(e: &Line, back: bool) -> u64 {
    if back == (e.pull < 0) {
        return 0;
    }
    let pull = e.pull.unsigned_abs().clamp(1, 16);
    (pull.pow(3) * 10 / 9).max(1)
}

/// A box (those come first) or a point of a line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Item {
    /// [`NONE`] while it is taken out.
    pub(super) row: usize,
    /// Its place in the row.
    pub(super) at: usize,
    /// Odd: a lane; even: a channel beside one.
    pub(super) lane: usize,
    /// Its neighbours, if it is a point of a line.
    up: usize,
    down: usize,
}

#[derive(Debug)]
pub(super) struct Board<'a> {
    pub(super) graph: &'a Graph,
    /// The edges at each box, self-loops left out.
    pub(super) at_box: &'a [Vec<usize>],
    pub(super) items: Vec<Item>,
    /// From left to right. Boxes stand in even rows.
    pub(super) rows: Vec<Vec<usize>>,
    /// Items of each edge from the lower to the higher row; empty if it is taken out.
    pub(super) chains: Vec<Vec<usize>>,
    /// The group of each lane, and the lane of each group.
    pub(super) order: Vec<usize>,
    pub(super) lanes: Vec<usize>,
    /// First and last row of each lane, the first behind the last if there is none.
    pub(super) spans: Vec<(usize, usize)>,
    /// The lanes that each row has.
    pub(super) present: Vec<Vec<usize>>,
    unused: Vec<usize>,
    /// What the lines cost between each row and the next.
    gaps: Vec<u64>,
    /// Visits of lines and places since the beginning.
    pub(super) spent: u64,
    tree: Vec<u32>,
    ends: Vec<usize>,
}

impl Clone for Board<'_> {
    fn clone(&self) -> Self {
        Self {
            graph: self.graph,
            at_box: self.at_box,
            items: self.items.clone(),
            rows: self.rows.clone(),
            chains: self.chains.clone(),
            order: self.order.clone(),
            lanes: self.lanes.clone(),
            spans: self.spans.clone(),
            present: self.present.clone(),
            unused: self.unused.clone(),
            gaps: self.gaps.clone(),
            spent: self.spent,
            tree: Vec::new(),
            ends: Vec::new(),
        }
    }

    /// Keeps the room that is there; the work done is that of both.
    fn clone_from(&mut self, other: &Self) {
        self.items.clone_from(&other.items);
        self.rows.clone_from(&other.rows);
        self.chains.clone_from(&other.chains);
        self.order.clone_from(&other.order);
        self.lanes.clone_from(&other.lanes);
        self.spans.clone_from(&other.spans);
        self.present.clone_from(&other.present);
        self.unused.clone_from(&other.unused);
        self.gaps.clone_from(&other.gaps);
        self.spent = self.spent.max(other.spent) + self.items.len() as u64 / 8;
    }
}

impl<'a> Board<'a> {
    pub(super) fn new(graph: &'a Graph, at_box: &'a [Vec<usize>], from: &Layered) -> Self {
        let mut order = vec![0; from.lanes.len()];
        for (group, &lane) in from.lanes.iter().enumerate() {
            order[lane] = group;
        }
        let item = |i: &super::order::Item| Item {
            row: i.layer,
            at: 0,
            lane: i.lane,
            up: NONE,
            down: NONE,
        };
        let mut board = Self {
            graph,
            at_box,
            items: from.items.iter().map(item).collect(),
            rows: from.layers.clone(),
            chains: from.chains.clone(),
            order,
            lanes: from.lanes.clone(),
            spans: Vec::new(),
            present: Vec::new(),
            unused: Vec::new(),
            gaps: vec![UNKNOWN; from.layers.len()],
            spent: 0,
            tree: Vec::new(),
            ends: Vec::new(),
        };
        for chain in &from.chains {
            for three in chain.windows(3) {
                board.items[three[1]].up = three[0];
                board.items[three[1]].down = three[2];
            }
        }
        for r in 0..board.rows.len() {
            board.note_places(r);
        }
        board.measure_lanes();
        board
    }

    /// Which rows each lane has now. What the gaps cost in which that changes is forgotten: other lines pass a lane there.
    pub(super) fn measure_lanes(&mut self) {
        let before = std::mem::take(&mut self.spans);
        self.spans.resize(self.order.len(), (NONE, 0));
        for (node, item) in self.graph.nodes.iter().zip(&self.items) {
            if let (Some(group), true) = (node.group, item.row != NONE) {
                let span = &mut self.spans[self.lanes[group]];
                *span = (span.0.min(item.row), span.1.max(item.row));
            }
        }
        self.present.resize(self.rows.len(), Vec::new());
        self.present.truncate(self.rows.len());
        for lanes in &mut self.present {
            lanes.clear();
        }
        for (old, new) in before.iter().zip(&self.spans) {
            let has = |span: &(usize, usize), r: usize| span.0 <= r && r < span.1;
            let rows = old.0.min(new.0)..old.1.max(new.1);
            for r in rows.filter(|&r| has(old, r) != has(new, r)) {
                if let Some(gap) = self.gaps.get_mut(r) {
                    *gap = UNKNOWN;
                }
            }
        }
        for (lane, span) in self.spans.iter().enumerate() {
            for lanes in self.present.iter_mut().take(span.1 + 1).skip(span.0) {
                lanes.push(lane);
            }
        }
    }

    /// The part of a row that a lane or channel is in: odd if it has the lane.
    pub(super) fn part(&self, row: usize, lane: usize) -> usize {
        let present = &self.present[row];
        let before = present.partition_point(|l| 2 * l + 1 < lane);
        let inside = present.get(before).is_some_and(|l| 2 * l + 1 == lane);
        2 * before + usize::from(inside)
    }

    /// The channels that an even part consists of: the first and the last.
    pub(super) fn channels(&self, row: usize, part: usize) -> (usize, usize) {
        let present = &self.present[row];
        let i = part / 2;
        let first = i.checked_sub(1).map_or(0, |b| 2 * (present[b] + 1));
        let last = present.get(i).map_or(2 * self.order.len(), |b| 2 * b);
        (first, last)
    }

    pub(super) fn note_places(&mut self, r: usize) {
        for (i, &x) in self.rows[r].iter().enumerate() {
            self.items[x].at = i;
        }
        self.dirty(r);
    }

    fn dirty(&mut self, r: usize) {
        self.gaps[r] = UNKNOWN;
        if r > 0 {
            self.gaps[r - 1] = UNKNOWN;
        }
    }

    /// Forgets what all gaps cost.
    pub(super) fn all_dirty(&mut self) {
        self.gaps.clear();
        self.gaps.resize(self.rows.len(), UNKNOWN);
    }

    /// The items right above or below `x` that are there.
    pub(super) fn next(&self, x: usize, below: bool) -> impl Iterator<Item = usize> + '_ {
        let item = self.items[x];
        let point = x >= self.graph.nodes.len();
        let one = if below { item.down } else { item.up };
        let edges: &[usize] = if point { &[] } else { &self.at_box[x] };
        let of_box = edges.iter().filter_map(move |&e| {
            let chain = &self.chains[e];
            if below {
                (*chain.first()? == x).then(|| chain[1])
            } else {
                (*chain.last()? == x).then(|| chain[chain.len() - 2])
            }
        });
        point.then_some(one).into_iter().chain(of_box)
    }

    /// Takes the line of an edge out.
    pub(super) fn take_line(&mut self, e: usize) {
        let chain = std::mem::take(&mut self.chains[e]);
        if let [first, inner @ .., _] = chain.as_slice() {
            let row = self.items[*first].row;
            self.dirty(row);
            for &x in inner {
                self.take(x);
                self.unused.push(x);
            }
        }
    }

    /// Takes a box out, with all its lines.
    pub(super) fn take_box(&mut self, v: usize) {
        for &e in &self.at_box[v] {
            self.take_line(e);
        }
        self.take(v);
    }

    fn take(&mut self, x: usize) {
        let Item { row, at, .. } = self.items[x];
        self.items[x].row = NONE;
        self.rows[row].remove(at);
        for i in at..self.rows[row].len() {
            let y = self.rows[row][i];
            self.items[y].at = i;
        }
        self.dirty(row);
    }

    /// Puts an item into a row, before the one that stands at `at`.
    pub(super) fn put(&mut self, x: usize, row: usize, at: usize, lane: usize) {
        self.items[x].row = row;
        self.items[x].lane = lane;
        self.rows[row].insert(at, x);
        for i in at..self.rows[row].len() {
            let y = self.rows[row][i];
            self.items[y].at = i;
        }
        self.dirty(row);
    }

    /// Puts a line in: from the box `a` to the box `b` by these places (in the row, lane) in the rows between.
    pub(super) fn put_line(&mut self, e: usize, (a, b): (usize, usize), way: &[(usize, usize)]) {
        let mut chain = std::mem::take(&mut self.chains[e]);
        chain.clear();
        chain.push(a);
        let row = self.items[a].row;
        for (i, &(at, lane)) in way.iter().enumerate() {
            let x = self.unused.pop().unwrap_or(self.items.len());
            if x == self.items.len() {
                self.items.push(Item {
                    row: NONE,
                    at: 0,
                    lane,
                    up: NONE,
                    down: NONE,
                });
            }
            self.put(x, row + 1 + i, at, lane);
            chain.push(x);
        }
        chain.push(b);
        for three in chain.windows(3) {
            self.items[three[1]].up = three[0];
            self.items[three[1]].down = three[2];
        }
        self.dirty(row);
        self.chains[e] = chain;
    }

    /// Orders a row by its parts, once lanes are another.
    pub(super) fn sort_row(&mut self, r: usize) {
        let mut row = std::mem::take(&mut self.rows[r]);
        row.sort_by_cached_key(|&x| self.part(r, self.items[x].lane));
        self.rows[r] = row;
        self.note_places(r);
    }

    /// What everything that is there costs.
    pub(super) fn cost(&mut self) -> u64 {
        let mut sum = 0;
        for r in 0..self.rows.len() {
            if self.gaps[r] == UNKNOWN {
                self.gaps[r] = self.gap(r);
            }
            sum += self.gaps[r];
            let boxes = self.rows[r].iter().any(|&x| x < self.graph.nodes.len());
            sum += LAYER * u64::from(boxes);
        }
        for (e, chain) in self.graph.edges.iter().zip(&self.chains) {
            sum += (chain.len() as u64).saturating_sub(2);
            if let Some(&first) = chain.first() {
                sum += against(e, first != e.from);
            }
        }
        sum
    }

    /// What the lines between row `r` and the next cost.
    fn gap(&mut self, r: usize) -> u64 {
        let Some(below) = self.rows.get(r + 1) else {
            return 0;
        };
        let mut tree = std::mem::take(&mut self.tree);
        let mut ends = std::mem::take(&mut self.ends);
        let size = below.len() + 1;
        tree.clear();
        tree.resize(size + 1, 0);
        let (mut crossings, mut foreign, mut lines) = (0u64, 0u64, 0u64);
        for &x in &self.rows[r] {
            ends.clear();
            for y in self.next(x, true) {
                ends.push(self.items[y].at);
                foreign += self.passes(r, self.items[x].lane, self.items[y].lane);
            }
            ends.sort_unstable();
            for &end in &ends {
                // Those before that end behind `end` (Fenwick 1994).
                let mut upto = 0;
                let mut i = end + 1;
                while i > 0 {
                    upto += u64::from(tree[i]);
                    i &= i - 1;
                }
                crossings += lines - upto;
                lines += 1;
                let mut i = end + 1;
                while i <= size {
                    tree[i] += 1;
                    i += i & i.wrapping_neg();
                }
            }
        }
        self.tree = tree;
        self.ends = ends;
        self.spent += 4 * lines + 1;
        CROSSING * crossings + FOREIGN * foreign
    }

    /// How many lanes with boxes on both sides of gap `r` a line passes between these lanes or channels.
    fn passes(&self, r: usize, a: usize, b: usize) -> u64 {
        let (low, high) = (a.min(b), a.max(b));
        // Lane `l` has number `2 l + 1`; those strictly between.
        let (first, last) = (low.div_ceil(2), high / 2);
        let spans = self.spans.get(first..last.max(first)).unwrap_or(&[]);
        let there = |s: &&(usize, usize)| s.0 <= r && r < s.1;
        spans.iter().filter(there).count() as u64
    }

    /// Leaves exactly one rank (a row of boxes and one of labels) without a box before the first and behind the
    /// last, and none between.
    pub(super) fn tidy(&mut self) {
        let n = self.graph.nodes.len();
        let full = |row: &Vec<usize>| row.iter().any(|&x| x < n);
        let mut kept = vec![false; self.rows.len()];
        for r in (0..self.rows.len()).step_by(2) {
            let yes = full(&self.rows[r]);
            kept[r] = yes;
            if let Some(next) = kept.get_mut(r + 1) {
                *next = yes;
            }
        }
        if let Some(last) = kept.iter().rposition(|&k| k) {
            // Behind the last boxes comes no label.
            kept.truncate(last / 2 * 2 + 1);
        }
        for e in 0..self.chains.len() {
            let chain = std::mem::take(&mut self.chains[e]);
            let (mut out, mut gone) = (Vec::with_capacity(chain.len()), Vec::new());
            for x in chain {
                let stays = kept.get(self.items[x].row).copied().unwrap_or(false);
                if stays { out.push(x) } else { gone.push(x) }
            }
            for three in out.windows(3) {
                self.items[three[1]].up = three[0];
                self.items[three[1]].down = three[2];
            }
            self.unused.extend(gone);
            self.chains[e] = out;
        }
        let mut rows = vec![Vec::new(), Vec::new()];
        for (r, &keep) in kept.iter().enumerate() {
            if keep {
                rows.push(std::mem::take(&mut self.rows[r]));
            }
        }
        rows.extend([Vec::new(), Vec::new()]);
        for &x in &self.unused {
            self.items[x].row = NONE;
        }
        self.rows = rows;
        for r in 0..self.rows.len() {
            for i in 0..self.rows[r].len() {
                let x = self.rows[r][i];
                self.items[x].row = r;
                self.items[x].at = i;
            }
        }
        self.all_dirty();
        self.measure_lanes();
    }

    /// The layer of each box, the layers without boxes left out at the ends.
    pub(super) fn layers(&self) -> Vec<usize> {
        let n = self.graph.nodes.len();
        let first = self.items[..n].iter().map(|i| i.row).min().unwrap_or(0);
        self.items[..n].iter().map(|i| i.row - first).collect()
    }

    /// Puts the order found into `layered`, a cut of the same graph by [`Self::layers`].
    pub(super) fn give(&self, layered: &mut Layered) {
        let n = self.graph.nodes.len();
        let key = |x: usize| self.items[x].at;
        let mut place = vec![0; layered.items.len()];
        for (v, at) in place.iter_mut().enumerate().take(n) {
            *at = key(v);
            layered.items[v].lane = self.items[v].lane;
        }
        for (theirs, ours) in layered.chains.iter().zip(&self.chains) {
            for (&t, &o) in theirs.iter().zip(ours) {
                place[t] = key(o);
                layered.items[t].lane = self.items[o].lane;
            }
        }
        for layer in &mut layered.layers {
            layer.sort_by_key(|&x| place[x]);
        }
    }
}
