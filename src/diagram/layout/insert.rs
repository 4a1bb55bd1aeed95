//! Where a box or a line that was taken out is put back at the least cost, everything else staying where it is.
//!
//! A line's points are placed row by row: what the best way to each slot of a row costs follows from what those
//! to the slots of the row before cost. As this is known for all rows at once, one such walk from the other end
//! of each of its lines tells for all rows and slots what a box costs there.

use super::board::{Board, CROSSING, FOREIGN, LAYER, NONE, against};

/// Costs are finer here than elsewhere, so that of ways that cost the same the straightest is taken.
const FINE: i32 = 16;
/// What a line at most costs for leading from one end of a row to the other end of the next.
const SLANT: i32 = 12;
/// No way.
const NEVER: i32 = 1 << 28;

/// A place in a row: before the item at `at`, in a part of the row.
#[derive(Clone, Copy, Debug)]
struct Slot {
    at: usize,
    part: usize,
}

/// What is known of a row and the gap below it.
#[derive(Clone, Debug, Default)]
struct Known {
    slots: Vec<Slot>,
    slots_known: bool,
    /// For each slot of this row and each of the next, what a line between them costs.
    costs: Vec<i32>,
    costs_known: bool,
}

/// What was found out about the rows as they are now.
#[derive(Debug, Default)]
pub(super) struct Inserter {
    rows: Vec<Known>,
    /// Room for counting.
    line: Vec<i32>,
    totals: Vec<Vec<i32>>,
    ways: Vec<Vec<i32>>,
}

/// Where a line or box may stand in a row.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Room {
    /// In channels.
    Outside,
    /// In this lane.
    Lane(usize),
}

impl Inserter {
    /// Forgets what was known of the rows.
    pub(super) fn reset(&mut self, board: &Board) {
        self.rows.resize_with(board.rows.len(), Known::default);
        self.rows.truncate(board.rows.len());
        for row in &mut self.rows {
            row.slots_known = false;
            row.costs_known = false;
        }
    }

    /// Forgets what was known of some rows.
    fn changed(&mut self, first: usize, last: usize) {
        for r in first..=last {
            self.rows[r].slots_known = false;
            self.rows[r].costs_known = false;
        }
        if first > 0 {
            self.rows[first - 1].costs_known = false;
        }
    }

    fn know_slots(&mut self, board: &Board, r: usize) {
        if self.rows[r].slots_known {
            return;
        }
        let slots = &mut self.rows[r].slots;
        slots.clear();
        let row = &board.rows[r];
        let mut at = 0;
        for part in 0..=2 * board.present[r].len() {
            slots.push(Slot { at, part });
            while at < row.len() && board.part(r, board.items[row[at]].lane) == part {
                at += 1;
                slots.push(Slot { at, part });
            }
        }
        self.rows[r].slots_known = true;
    }

    /// What lines between the slots of row `r` and of the next cost.
    fn know_costs(&mut self, board: &mut Board, r: usize) {
        if self.rows[r].costs_known {
            return;
        }
        self.know_slots(board, r);
        self.know_slots(board, r + 1);
        let (head, tail) = self.rows.split_at_mut(r + 1);
        let (Some(upper), Some(lower)) = (head.last_mut(), tail.first()) else {
            return;
        };
        upper.costs.clear();
        let width = board.rows[r + 1].len();
        // line[j]: crossings with a line from the slot at hand to one before the item at `j`.
        let line = &mut self.line;
        line.clear();
        line.resize(width + 1, 0);
        for &x in &board.rows[r] {
            for y in board.next(x, true) {
                line[board.items[y].at + 1] += 1;
            }
        }
        for j in 0..width {
            line[j + 1] += line[j];
        }
        let both = both(board, r);
        let passed = |slots: &[Slot], row: usize| -> Vec<(i32, i32)> {
            let of = |s: &Slot| sides(board, row, s.part, &both);
            slots.iter().map(of).collect()
        };
        let lower_sides = passed(&lower.slots, r + 1);
        let slant = |at: usize, len: usize| (at * SLANT as usize / (len + 1)) as i32;
        let slants: Vec<i32> = lower.slots.iter().map(|s| slant(s.at, width)).collect();
        let length = board.rows[r].len();
        let mut work = 0;
        let mut next = 0;
        for s in &upper.slots {
            while next < s.at {
                for y in board.next(board.rows[r][next], true) {
                    let end = board.items[y].at + 1;
                    let (before, behind) = line.split_at_mut(end);
                    before.iter_mut().for_each(|c| *c += 1);
                    behind.iter_mut().for_each(|c| *c -= 1);
                    work += width as u64 / 8 + 1;
                }
                next += 1;
            }
            let mine = slant(s.at, length);
            let begin = upper.costs.len();
            upper
                .costs
                .extend(lower.slots.iter().zip(&slants).map(|(t, theirs)| {
                    CROSSING as i32 * FINE * line[t.at] + (mine - theirs).abs() + FINE
                }));
            work += lower.slots.len() as u64 / 4 + 1;
            if !both.is_empty() {
                let (before, upto) = sides(board, r, s.part, &both);
                for (cost, t) in upper.costs[begin..].iter_mut().zip(&lower_sides) {
                    let foreign = (t.0 - upto).max(0) + (before - t.1).max(0);
                    *cost += FOREIGN as i32 * FINE * foreign;
                }
            }
        }
        board.spent += work;
        upper.costs_known = true;
    }

    /// What a line from the item `x` to each slot of the row below or above costs.
    fn fan(&mut self, board: &mut Board, x: usize, below: bool, out: &mut Vec<i32>) {
        let (row, at) = (board.items[x].row, board.items[x].at);
        let other = if below { row + 1 } else { row - 1 };
        self.know_slots(board, other);
        let width = board.rows[other].len();
        // First, how many more lines are crossed before the next item than before this one.
        let line = &mut self.line;
        line.clear();
        line.resize(width + 1, 0);
        for (i, &y) in board.rows[row].iter().enumerate() {
            if i == at {
                continue;
            }
            for z in board.next(y, below) {
                if i < at {
                    line[0] += 1;
                    line[board.items[z].at + 1] -= 1;
                } else {
                    line[board.items[z].at + 1] += 1;
                }
            }
        }
        for j in 0..width {
            line[j + 1] += line[j];
        }
        let both = both(board, row.min(other));
        let part = board.part(row, board.items[x].lane);
        let (before, upto) = sides(board, row, part, &both);
        let slant = |at: usize, len: usize| (at * SLANT as usize / (len + 1)) as i32;
        let mine = slant(at, board.rows[row].len());
        out.clear();
        out.extend(self.rows[other].slots.iter().map(|t| {
            let (their_before, their_upto) = sides(board, other, t.part, &both);
            let foreign = (their_before - upto).max(0) + (before - their_upto).max(0);
            CROSSING as i32 * FINE * line[t.at]
                + FOREIGN as i32 * FINE * foreign
                + (mine - slant(t.at, width)).abs()
        }));
        board.spent += 2 * width as u64 + 8;
    }

    /// From the best ways to the slots of row `from` to those of the row beside it.
    fn step(
        &mut self,
        board: &mut Board,
        from: usize,
        below: bool,
        ways: &[i32],
        out: &mut Vec<i32>,
    ) {
        let upper = if below { from } else { from - 1 };
        self.know_costs(board, upper);
        let costs = &self.rows[upper].costs;
        let wide = self.rows[upper + 1].slots.len().max(1);
        out.clear();
        if below {
            out.resize(wide, NEVER);
            for (&way, costs) in ways.iter().zip(costs.chunks_exact(wide)) {
                if way < NEVER {
                    for (o, c) in out.iter_mut().zip(costs) {
                        *o = (*o).min(way + c);
                    }
                    board.spent += wide as u64 / 8;
                }
            }
        } else {
            out.extend(costs.chunks_exact(wide).map(|costs| {
                let sums = costs.iter().zip(ways).map(|(c, way)| c + way);
                sums.min().unwrap_or(NEVER)
            }));
            board.spent += (costs.len() / 8) as u64;
        }
    }

    /// Makes all slots of a row that are not in `room` unusable.
    fn keep(&self, board: &Board, r: usize, room: Room, ways: &mut [i32]) {
        let part = match room {
            Room::Outside => None,
            Room::Lane(lane) => Some(board.part(r, 2 * lane + 1)),
        };
        for (way, slot) in ways.iter_mut().zip(&self.rows[r].slots) {
            let allowed = part.map_or(slot.part.is_multiple_of(2), |p| p == slot.part);
            if !allowed {
                *way = NEVER;
            }
        }
    }

    /// The best row and place for the box `v`, which is taken out with its lines, and what it costs there, as far
    /// as can be told before its lane is measured anew. `may` tells for each row whether it may stand there.
    pub(super) fn find_box(
        &mut self,
        board: &mut Board,
        v: usize,
        may: impl Fn(usize) -> bool,
    ) -> Option<(usize, usize, u64)> {
        let depth = board.rows.len();
        let graph = board.graph;
        let group = graph.nodes[v].group;
        let mut totals = std::mem::take(&mut self.totals);
        let mut ways = std::mem::take(&mut self.ways);
        ways.resize_with(2, Vec::new);
        totals.resize_with(depth, Vec::new);
        let rows: Vec<usize> = (0..depth).step_by(2).filter(|&r| may(r)).collect();
        let (Some(&lowest), Some(&highest)) = (rows.first(), rows.last()) else {
            return None;
        };
        let room = |g: Option<usize>| g.map_or(Room::Outside, |g| Room::Lane(board.lanes[g]));
        let mine = room(group);
        for &r in &rows {
            self.know_slots(board, r);
            let total = &mut totals[r];
            total.clear();
            let empty = !board.rows[r].iter().any(|&x| x < graph.nodes.len());
            let extra = if empty { LAYER as i32 * FINE } else { 0 };
            total.resize(self.rows[r].slots.len(), extra);
            self.keep(board, r, mine, total);
        }
        let at_box = board.at_box;
        for &e in &at_box[v] {
            let edge = &graph.edges[e];
            let w = if edge.from == v { edge.to } else { edge.from };
            let home = board.items[w].row;
            if home == NONE {
                continue;
            }
            let inner = graph.nodes[w].group == group;
            let passing = if inner { mine } else { Room::Outside };
            if rows.contains(&home) {
                totals[home].fill(NEVER);
            }
            for below in [true, false] {
                let back = against(edge, below == (edge.from == v)) as i32;
                let back = back.saturating_mul(FINE).min(NEVER / 64);
                let end = if below { highest } else { lowest };
                let far = if below {
                    end.saturating_sub(home)
                } else {
                    home.saturating_sub(end)
                };
                let [now, next] = ways.as_mut_slice() else {
                    break;
                };
                for i in 1..=far {
                    let r = if below { home + i } else { home - i };
                    if i == 1 {
                        self.fan(board, w, below, now);
                    } else {
                        let before = if below { r - 1 } else { r + 1 };
                        self.step(board, before, below, now, next);
                        std::mem::swap(now, next);
                    }
                    if r.is_multiple_of(2) && may(r) {
                        for (t, n) in totals[r].iter_mut().zip(now.iter()) {
                            *t = (*t + (*n).min(NEVER) + back).min(NEVER);
                        }
                    }
                    self.keep(board, r, passing, now);
                }
            }
        }
        let old = board.items[v].at;
        let best = rows
            .iter()
            .flat_map(|&r| totals[r].iter().enumerate().map(move |(i, &t)| (t, r, i)))
            .filter(|b| b.0 < NEVER)
            .min_by_key(|&(t, r, i)| (t, self.rows[r].slots[i].at.abs_diff(old), r, i));
        self.totals = totals;
        self.ways = ways;
        best.map(|(t, r, i)| (r, i, u64::try_from(t / FINE).unwrap_or(0)))
    }

    /// Puts the box `v` into a slot of row `row`, and all its lines whose other end is there.
    pub(super) fn put_box(&mut self, board: &mut Board, v: usize, row: usize, slot: usize) {
        self.know_slots(board, row);
        let Slot { at, part } = self.rows[row].slots[slot];
        let group = board.graph.nodes[v].group;
        let lane = if let Some(group) = group {
            2 * board.lanes[group] + 1
        } else {
            let (first, last) = board.channels(row, part);
            board.items[v].lane.clamp(first, last)
        };
        board.put(v, row, at, lane);
        if group.is_some() && part.is_multiple_of(2) {
            // The lane gets longer: what stands beside the box stays on its side.
            for i in 0..board.rows[row].len() {
                let x = board.rows[row][i];
                let other = board.items[x].lane;
                if other.is_multiple_of(2) && board.part(row, other) == part {
                    board.items[x].lane = if i < at {
                        other.min(lane - 1)
                    } else {
                        other.max(lane + 1)
                    };
                }
            }
            board.measure_lanes();
            let (first, last) = board.spans[lane / 2];
            for r in first..=last {
                board.sort_row(r);
            }
            self.reset(board);
        } else {
            self.changed(row, row);
        }
        let at_box = board.at_box;
        for &e in &at_box[v] {
            self.put_line(board, e);
        }
    }

    /// Puts a line that was taken out back where it costs least, if both its ends are there.
    pub(super) fn put_line(&mut self, board: &mut Board, e: usize) {
        let edge = &board.graph.edges[e];
        let (from, to) = (board.items[edge.from].row, board.items[edge.to].row);
        if from == NONE || to == NONE || from == to || !board.chains[e].is_empty() {
            return;
        }
        let (a, b) = if from < to {
            (edge.from, edge.to)
        } else {
            (edge.to, edge.from)
        };
        let (first, last) = (from.min(to), from.max(to));
        let group = board.graph.nodes[a].group;
        let room = match group {
            Some(g) if board.graph.nodes[b].group == group => Room::Lane(board.lanes[g]),
            _ => Room::Outside,
        };
        let mut ways = std::mem::take(&mut self.totals);
        let inner = last - first - 1;
        if ways.len() < inner + 1 {
            ways.resize_with(inner + 1, Vec::new);
        }
        self.fan(board, a, true, &mut ways[0]);
        self.keep(board, first + 1, room, &mut ways[0]);
        for i in 1..inner {
            let [.., now, next] = &mut ways[..=i] else {
                break;
            };
            self.step(board, first + i, true, now, next);
            self.keep(board, first + 1 + i, room, next);
        }
        // The last piece, then the way back.
        let mut end = std::mem::take(&mut ways[inner]);
        self.fan(board, b, false, &mut end);
        let mut costs = end;
        let mut slots = vec![0; inner];
        for i in (0..inner).rev() {
            let sums = ways[i].iter().zip(&costs).map(|(w, c)| w + c);
            let best = sums.enumerate().min_by_key(|&(j, sum)| (sum, j));
            slots[i] = best.map_or(0, |b| b.0);
            if i > 0 {
                let row = &self.rows[first + i];
                let wide = self.rows[first + 1 + i].slots.len();
                costs.clear();
                costs.extend(row.costs.iter().skip(slots[i]).step_by(wide));
            }
        }
        ways[inner] = costs;
        self.totals = ways;
        let way = self.lanes_along(board, (a, b), room, &slots);
        board.put_line(e, (a, b), &way);
        self.changed(first, last - 1);
    }

    /// Places and lanes for a line by these slots: channels change as little as they can.
    fn lanes_along(
        &self,
        board: &Board,
        (a, b): (usize, usize),
        room: Room,
        slots: &[usize],
    ) -> Vec<(usize, usize)> {
        let row = board.items[a].row;
        let goal = board.items[b].lane;
        let mut now = board.items[a].lane;
        if !now.is_multiple_of(2) {
            now = if goal > now { now + 1 } else { now - 1 };
        }
        let mut way = Vec::with_capacity(slots.len());
        for (i, &slot) in slots.iter().enumerate() {
            let Slot { at, part } = self.rows[row + 1 + i].slots[slot];
            let lane = if let Room::Lane(lane) = room {
                2 * lane + 1
            } else {
                let (first, last) = board.channels(row + 1 + i, part);
                now = now.clamp(first, last);
                now
            };
            way.push((at, lane));
        }
        way
    }
}

/// The lanes with boxes on both sides of the gap below row `r`.
fn both(board: &Board, r: usize) -> Vec<usize> {
    let there = |&&lane: &&usize| r < board.spans[lane].1;
    board.present[r].iter().filter(there).copied().collect()
}

/// How many of the lanes `both` a part of a row lies behind, and how many of them it does not lie before.
fn sides(board: &Board, row: usize, part: usize, both: &[usize]) -> (i32, i32) {
    let present = &board.present[row];
    // The first lane that the part does not lie behind.
    let begin = present.get(part / 2).copied().unwrap_or(NONE);
    let before = both.partition_point(|&l| l < begin);
    let inside = !part.is_multiple_of(2) && both.get(before) == Some(&begin);
    (before as i32, before as i32 + i32::from(inside))
}
