//! Changes an order while that helps: one box, one line, one group or one lane at a time.

use super::board::{Board, CROSSING, NONE};
use super::insert::Inserter;
use super::{Graph, Line};

/// Work units for all changes, for each pair of boxes; and for all, at least and at most.
const BUDGET: u64 = 500;
const LEAST: u64 = 400_000;
const MOST: u64 = 10_000_000;

/// A change that puts more than a box or a line elsewhere.
#[derive(Clone, Copy, Debug)]
enum Change {
    /// The lane at one place goes to another.
    Lane(usize, usize),
    /// A box goes to the next rank (or the one before), and pushes others on.
    Push(usize, bool),
    /// A group goes to the next rank (or the one before), and pushes others on.
    Group(usize, bool),
}

/// The best board so far, and what is needed to try another.
pub(super) struct Improver<'a> {
    board: Board<'a>,
    cost: u64,
    saved: Board<'a>,
    inserter: Inserter,
    budget: u64,
}

impl<'a> Improver<'a> {
    pub(super) fn new(mut board: Board<'a>) -> Self {
        board.tidy();
        let n = board.graph.nodes.len() as u64;
        Self {
            cost: board.cost(),
            saved: board.clone(),
            inserter: Inserter::default(),
            budget: (BUDGET * n * n).clamp(LEAST, MOST),
            board,
        }
    }

    /// The best board that was found.
    pub(super) fn run(mut self) -> Board<'a> {
        let n = self.board.graph.nodes.len();
        let lanes = self.board.order.len();
        let both = [true, false];
        let mut moves: Vec<Change> = Vec::new();
        moves.extend((0..lanes).flat_map(|from| (0..lanes).map(move |to| Change::Lane(from, to))));
        moves.extend((0..lanes).flat_map(|k| both.map(|up| Change::Group(k, up))));
        moves.extend((0..n).flat_map(|v| both.map(|up| Change::Push(v, up))));
        self.settle();
        let mut idle = 0;
        for change in moves.iter().cycle() {
            if idle >= moves.len() || self.over() {
                break;
            }
            idle += 1;
            if self.change(*change) {
                idle = 0;
                self.settle();
            }
        }
        self.board
    }

    fn over(&self) -> bool {
        self.board.spent >= self.budget
    }

    /// Moves boxes and lines until none can be put better.
    fn settle(&mut self) {
        loop {
            let mut better = false;
            for v in 0..self.board.graph.nodes.len() {
                if self.over() {
                    return;
                }
                better |= self.move_box(v);
            }
            for e in 0..self.board.graph.edges.len() {
                if self.over() {
                    return;
                }
                better |= self.move_line(e);
            }
            if !better {
                return;
            }
        }
    }

    /// Keeps the board if it saves a crossing: where many pictures are nearly as good, a small change of the
    /// graph should not lead from one to the other.
    fn decide(&mut self) -> bool {
        let cost = self.board.cost();
        if cost + CROSSING <= self.cost {
            self.board.tidy();
            self.cost = self.board.cost();
            return true;
        }
        self.restore();
        false
    }

    fn restore(&mut self) {
        std::mem::swap(&mut self.board, &mut self.saved);
        self.board.spent = self.board.spent.max(self.saved.spent);
    }

    fn move_box(&mut self, v: usize) -> bool {
        if self.board.at_box[v].is_empty() {
            return false;
        }
        self.saved.clone_from(&self.board);
        let board = &mut self.board;
        let told = may_stand(board, v);
        board.take_box(v);
        board.measure_lanes();
        self.inserter.reset(board);
        let without = board.cost();
        let may = |r: usize| told.0.is_none_or(|low| low < r) && r < told.1;
        let found = self.inserter.find_box(board, v, may);
        let Some((row, slot, _)) = found.filter(|f| without + f.2 + CROSSING <= self.cost) else {
            self.restore();
            return false;
        };
        self.inserter.put_box(board, v, row, slot);
        self.decide()
    }

    fn move_line(&mut self, e: usize) -> bool {
        if self.board.chains[e].is_empty() {
            return false;
        }
        self.saved.clone_from(&self.board);
        let board = &mut self.board;
        board.take_line(e);
        self.inserter.reset(board);
        if board.cost() + CROSSING > self.cost {
            self.restore();
            return false;
        }
        self.inserter.put_line(board, e);
        self.decide()
    }

    fn change(&mut self, change: Change) -> bool {
        self.saved.clone_from(&self.board);
        let done = match change {
            Change::Lane(from, to) => self.move_lane(from, to),
            Change::Push(v, up) => self.shift(&[v], up),
            Change::Group(k, up) => {
                let nodes = &self.board.graph.nodes;
                let of = |v: &usize| nodes[*v].group == Some(k);
                let members: Vec<usize> = (0..nodes.len()).filter(of).collect();
                self.shift(&members, up)
            }
        };
        if !done {
            self.restore();
            return false;
        }
        self.decide()
    }

    /// Moves the lane at place `from` to place `to`. Boxes without a group, and all lines between groups, then
    /// find their way anew.
    fn move_lane(&mut self, from: usize, to: usize) -> bool {
        // Neighbours change places in one of two ways.
        if from == to || from == to + 1 {
            return false;
        }
        let board = &mut self.board;
        let graph = board.graph;
        let n = graph.nodes.len();
        let mut lines = Vec::new();
        for (e, edge) in graph.edges.iter().enumerate() {
            let (a, b) = (graph.nodes[edge.from].group, graph.nodes[edge.to].group);
            if edge.from != edge.to && (a.is_none() || a != b) {
                lines.push((board.chains[e].len(), e));
                board.take_line(e);
            }
        }
        lines.sort_unstable();
        let mut loose = Vec::new();
        for v in (0..n).filter(|&v| graph.nodes[v].group.is_none()) {
            loose.push((v, board.items[v].row));
            board.take_box(v);
        }
        let lane = board.order.remove(from);
        board.order.insert(to, lane);
        let old = board.lanes.clone();
        for (lane, &group) in board.order.iter().enumerate() {
            board.lanes[group] = lane;
        }
        let mut new = vec![0; old.len()];
        for (o, n) in old.iter().zip(&board.lanes) {
            new[*o] = *n;
        }
        for item in board.items.iter_mut().filter(|i| i.row != NONE) {
            item.lane = 2 * new[item.lane / 2] + 1;
        }
        board.measure_lanes();
        for r in 0..board.rows.len() {
            board.sort_row(r);
        }
        self.inserter.reset(board);
        for (v, row) in loose {
            self.place(v, row);
        }
        for (_, e) in lines {
            self.inserter.put_line(&mut self.board, e);
        }
        true
    }

    /// Puts a box into the best slot of a row.
    fn place(&mut self, v: usize, row: usize) {
        let found = self.inserter.find_box(&mut self.board, v, |r| r == row);
        if let Some((row, slot, _)) = found {
            self.inserter.put_box(&mut self.board, v, row, slot);
        }
    }

    /// Moves boxes by one rank, and those whose lines would no longer lead forwards as well.
    fn shift(&mut self, boxes: &[usize], up: bool) -> bool {
        let board = &mut self.board;
        let graph = board.graph;
        let step = |r: usize| if up { r + 2 } else { r - 2 };
        let mut open = boxes.to_vec();
        let mut moved = vec![false; graph.nodes.len()];
        for &v in &open {
            moved[v] = true;
        }
        while let Some(v) = open.pop() {
            for &e in &board.at_box[v] {
                let edge = &graph.edges[e];
                for w in [edge.from, edge.to] {
                    if !moved[w] && board.items[w].row == step(board.items[v].row) {
                        moved[w] = true;
                        open.push(w);
                    }
                }
            }
        }
        let mut list: Vec<(usize, usize, usize)> = Vec::new();
        for v in (0..moved.len()).filter(|&v| moved[v]) {
            list.push((board.items[v].row, board.items[v].at, v));
        }
        if graph.story.is_some() || list.len() == moved.len() {
            return false;
        }
        list.sort_unstable();
        for &(_, _, v) in &list {
            board.take_box(v);
        }
        board.measure_lanes();
        self.inserter.reset(board);
        for (row, _, v) in list {
            self.place(v, step(row));
        }
        true
    }
}

/// Between which rows a box may stand: anywhere, unless a story says which lines lead back.
fn may_stand(board: &Board, v: usize) -> (Option<usize>, usize) {
    let graph: &Graph = board.graph;
    let (mut low, mut high) = (None, NONE);
    let here = board.items[v].row;
    if graph.story.is_some() {
        for &e in &board.at_box[v] {
            let Line { from, to, .. } = graph.edges[e];
            let other = board.items[if from == v { to } else { from }].row;
            if other < here {
                low = low.max(Some(other));
            } else {
                high = high.min(other);
            }
        }
    }
    (low, high)
}
