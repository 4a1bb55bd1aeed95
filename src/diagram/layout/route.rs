//! Right-angled lines in tracks between the layers, and the finished drawing.

use super::compact;
use super::coords::{Cross, Frame, LOOP};
use super::order::{Kind, Layered};
use super::{Direction, Drawing, Graph, Rect, Route};
use std::collections::BTreeSet;

/// Lines nearer than this would look like one.
const NEAR: i64 = 4;
/// With more stretches in a gap than this, their order is not weighed pair by pair.
const PAIRWISE: usize = 2_000;

/// With more of them, the order found first is taken.
const SIFTED: usize = 400;
/// Rounds of bettering the order.
const SIFTS: usize = 4;

/// A stretch across the layers within one gap.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    /// Place in the gap's list of crossings.
    line: usize,
    from: i64,
    to: i64,
}

/// The way of one edge through a gap: positions across, and the track of each stretch.
#[derive(Clone, Debug)]
struct Way {
    edge: usize,
    from: i64,
    to: i64,
    /// Where it changes track, if it had to be split.
    middle: Option<i64>,
    tracks: [usize; 2],
}

/// Assembles the drawing.
pub(super) fn finish(graph: &Graph, g: &Layered, frame: &Frame, cross: &Cross) -> Drawing {
    let mut gaps: Vec<Vec<Way>> = vec![Vec::new(); g.layers.len()];
    for (edge, chain) in g.chains.iter().enumerate() {
        let last = chain.len().saturating_sub(2);
        for (i, pair) in chain.windows(2).enumerate() {
            let from = cross.lines[pair[0]] + if i == 0 { frame.ports[edge].0 } else { 0 };
            let to = cross.lines[pair[1]] + if i == last { frame.ports[edge].1 } else { 0 };
            let way = Way {
                edge,
                from,
                to,
                middle: None,
                tracks: [0; 2],
            };
            gaps[g.items[pair[0]].layer].push(way);
        }
    }
    for ways in &mut gaps {
        tracks(ways);
    }
    let mut stretches = Vec::new();
    let mut paths: Vec<Vec<usize>> = vec![Vec::new(); graph.edges.len()];
    for (gap, ways) in gaps.iter().enumerate() {
        for way in ways.iter().filter(|w| w.from != w.to) {
            let turn = way.middle.unwrap_or(way.to);
            let mut push = |track, ends| {
                paths[way.edge].push(stretches.len());
                stretches.push(compact::Stretch { gap, track, ends });
            };
            push(way.tracks[0], (way.from, turn));
            if way.middle.is_some() {
                push(way.tracks[1], (turn, way.to));
            }
        }
    }
    let along = compact::along(graph, g, frame, cross, (&stretches, &paths));
    let mut out = Builder {
        direction: frame.direction,
        drawing: Drawing::default(),
    };
    out.drawing.direction = frame.direction;

    for (v, &(size, main)) in frame.boxes.iter().enumerate() {
        let begin = along.items[v] - main / 2;
        let rect = out.rect(begin, cross.items[v] - size / 2, main, size);
        out.drawing.nodes.push(rect);
    }
    for (k, span) in frame.spans.iter().enumerate() {
        let rect = span.map(|_| {
            let ((begin, end), (low, high)) = (along.borders[k], cross.borders[k]);
            out.rect(begin, low, end - begin, high - low)
        });
        out.drawing.groups.push(rect);
    }
    out.drawing.edges = vec![Route::default(); graph.edges.len()];
    for (e, chain) in g.chains.iter().enumerate() {
        let (Some(&first), Some(&last)) = (chain.first(), chain.last()) else {
            continue;
        };
        let mut at = cross.items[first] + frame.ports[e].0;
        let mut path = vec![(along.items[first] + frame.boxes[first].1 / 2, at)];
        for &i in &paths[e] {
            path.push((along.stretches[i], at));
            at = stretches[i].ends.1;
            path.push((along.stretches[i], at));
        }
        path.push((along.items[last] - frame.boxes[last].1 / 2, at));
        if g.reversed[e] {
            path.reverse();
        }
        out.drawing.edges[e].points = out.points(path);
        let label = chain
            .iter()
            .find(|&&x| matches!(g.items[x].kind, Kind::Label(_)));
        if let (Some(&x), Some((w, h))) = (label, graph.edges[e].label) {
            let middle = (along.items[x], cross.items[x]);
            out.drawing.edges[e].label = Some(out.centred(middle, w, h));
        }
    }
    for l in &frame.loops {
        let (size, _) = frame.boxes[l.node];
        let middle = along.items[l.node] + l.at;
        let side = cross.items[l.node] + size / 2;
        let path = vec![
            (middle + 8, side),
            (middle + 8, side + LOOP),
            (middle - 8, side + LOOP),
            (middle - 8, side),
        ];
        out.drawing.edges[l.edge].points = out.points(path);
        if let Some((w, h)) = graph.edges[l.edge].label {
            let across = if frame.direction == Direction::Right {
                h
            } else {
                w
            };
            let at = (middle, side + LOOP + 2 + (across + 1) / 2);
            out.drawing.edges[l.edge].label = Some(out.centred(at, w, h));
        }
    }
    out.normalised()
}

/// Turns main and cross into x and y.
struct Builder {
    direction: Direction,
    drawing: Drawing,
}

impl Builder {
    fn rect(&self, main: i64, cross: i64, length: i64, size: i64) -> Rect {
        match self.direction {
            Direction::Right => Rect {
                x: main,
                y: cross,
                w: length,
                h: size,
            },
            Direction::Down => Rect {
                x: cross,
                y: main,
                w: size,
                h: length,
            },
        }
    }

    fn centred(&self, (main, cross): (i64, i64), w: i64, h: i64) -> Rect {
        let (x, y) = match self.direction {
            Direction::Right => (main, cross),
            Direction::Down => (cross, main),
        };
        Rect {
            x: x - w / 2,
            y: y - h / 2,
            w,
            h,
        }
    }

    /// The path in x and y, without corners that are none.
    fn points(&self, path: Vec<(i64, i64)>) -> Vec<(i64, i64)> {
        let mut out: Vec<(i64, i64)> = Vec::with_capacity(path.len());
        for (main, cross) in path {
            let p = match self.direction {
                Direction::Right => (main, cross),
                Direction::Down => (cross, main),
            };
            if out.last() == Some(&p) {
                continue;
            }
            if let [.., a, b] = out.as_slice()
                && ((a.0 == b.0 && b.0 == p.0) || (a.1 == b.1 && b.1 == p.1))
            {
                out.pop();
            }
            out.push(p);
        }
        out
    }

    /// Moves everything so that the smallest coordinates are 0, and measures the whole.
    fn normalised(self) -> Drawing {
        let mut d = self.drawing;
        let mut corners: Vec<(i64, i64)> = Vec::new();
        let rects = d.nodes.iter().chain(d.groups.iter().flatten());
        for r in rects.chain(d.edges.iter().filter_map(|e| e.label.as_ref())) {
            corners.extend([(r.x, r.y), (r.x + r.w, r.y + r.h)]);
        }
        corners.extend(d.edges.iter().flat_map(|e| &e.points));
        let left = corners.iter().map(|c| c.0).min().unwrap_or(0);
        let top = corners.iter().map(|c| c.1).min().unwrap_or(0);
        d.width = corners.iter().map(|c| c.0).max().unwrap_or(0) - left;
        d.height = corners.iter().map(|c| c.1).max().unwrap_or(0) - top;
        let labels = d.edges.iter_mut().filter_map(|e| e.label.as_mut());
        for r in d
            .nodes
            .iter_mut()
            .chain(d.groups.iter_mut().flatten())
            .chain(labels)
        {
            r.x -= left;
            r.y -= top;
        }
        for p in d.edges.iter_mut().flat_map(|e| &mut e.points) {
            p.0 -= left;
            p.1 -= top;
        }
        d
    }
}

/// Gives every stretch of a gap its track; returns how many tracks there are.
///
/// Where one line arrives at the height at which another left, the one that left must turn first, or
/// they would share a stretch. If such demands form a circle, lines are split in two until none is
/// left. Within the demands, the order is the one that makes few lines cross.
fn tracks(ways: &mut [Way]) -> usize {
    let bent: Vec<usize> = (0..ways.len())
        .filter(|&i| ways[i].from != ways[i].to)
        .collect();
    if bent.is_empty() {
        return 0;
    }
    split_circles(ways, &bent);
    let mut stretches = Vec::with_capacity(bent.len());
    let mut follow = Vec::new();
    for &line in &bent {
        let Way {
            from, to, middle, ..
        } = ways[line];
        if let Some(middle) = middle {
            follow.push((stretches.len(), stretches.len() + 1));
            stretches.push(Stretch {
                line,
                from,
                to: middle,
            });
            stretches.push(Stretch {
                line,
                from: middle,
                to,
            });
        } else {
            stretches.push(Stretch { line, from, to });
        }
    }
    let n = stretches.len();
    let mut demands = vec![Vec::new(); n];
    let mut waiting = vec![0usize; n];
    let mut demand = |a: usize, b: usize| {
        demands[a].push(b);
        waiting[b] += 1;
    };
    for (a, b) in follow {
        demand(a, b);
    }
    // Pairs of which one order saves crossings: who should still wait for how many, and the sums.
    let mut gain = vec![Vec::new(); n];
    let mut behind = vec![0usize; n];
    let mut surplus = vec![0i64; n];
    for i in 0..n {
        for j in 0..i {
            let (a, b) = (&stretches[i], &stretches[j]);
            if a.line == b.line || !touch(a, b) {
                continue;
            }
            if must_precede(b, a) {
                demand(j, i);
            }
            if must_precede(a, b) {
                demand(i, j);
            }
            if n > PAIRWISE {
                continue;
            }
            // Positive: `a` before `b` saves crossings.
            let saved = crossings(b, a) - crossings(a, b);
            if saved != 0 {
                gain[i].push((j, saved));
                gain[j].push((i, -saved));
                behind[if saved > 0 { j } else { i }] += 1;
                surplus[i] -= saved;
                surplus[j] += saved;
            }
        }
    }
    let mut left: Vec<usize> = (0..n).collect();
    let mut sequence = Vec::with_capacity(n);
    while !left.is_empty() {
        let ready = left.iter().enumerate().filter(|&(_, &i)| waiting[i] == 0);
        let best = ready
            .min_by_key(|&(_, &i)| (behind[i] > 0, surplus[i], i))
            .map_or(0, |(at, _)| at);
        let i = left.remove(best);
        sequence.push(i);
        for &j in &demands[i] {
            waiting[j] = waiting[j].saturating_sub(1);
        }
        for &(j, saved) in &gain[i] {
            surplus[j] -= saved;
            behind[j] -= usize::from(saved > 0);
        }
    }
    if n <= SIFTED {
        sift(&mut sequence, &gain, &demands);
    }
    let mut track = vec![0; n];
    for (at, &i) in sequence.iter().enumerate() {
        for &j in &sequence[..at] {
            let same = stretches[i].line == stretches[j].line;
            if same || touch(&stretches[i], &stretches[j]) {
                track[i] = track[i].max(track[j] + 1);
            }
        }
    }
    let mut used = 0;
    for (i, s) in stretches.iter().enumerate() {
        let second = i > 0 && stretches[i - 1].line == s.line;
        ways[s.line].tracks[usize::from(second)] = track[i];
        used = used.max(track[i] + 1);
    }
    used
}

/// Moves each stretch to the place where it crosses least, the order of the others and all demands kept, while that
/// helps; `gain` has what it saves to stand before another.
fn sift(sequence: &mut Vec<usize>, gain: &[Vec<(usize, i64)>], demands: &[Vec<usize>]) {
    let n = sequence.len();
    let mut saves = vec![0; n];
    for _ in 0..SIFTS {
        let mut better = false;
        for i in 0..n {
            let Some(home) = sequence.iter().position(|&j| j == i) else {
                continue;
            };
            for &(j, saved) in &gain[i] {
                saves[j] = saved;
            }
            let (mut sum, mut best) = (0, (0, home));
            for at in (0..home).rev() {
                let j = sequence[at];
                if demands[j].contains(&i) {
                    break;
                }
                sum += saves[j];
                if sum > best.0 {
                    best = (sum, at);
                }
            }
            sum = 0;
            for (at, &j) in sequence.iter().enumerate().skip(home + 1) {
                if demands[i].contains(&j) {
                    break;
                }
                sum -= saves[j];
                if sum > best.0 {
                    best = (sum, at);
                }
            }
            if best.1 != home {
                let moved = sequence.remove(home);
                sequence.insert(best.1, moved);
                better = true;
            }
            for &(j, _) in &gain[i] {
                saves[j] = 0;
            }
        }
        if !better {
            return;
        }
    }
}

/// Whether two stretches would touch on one track.
fn touch(a: &Stretch, b: &Stretch) -> bool {
    let (al, ah) = (a.from.min(a.to), a.from.max(a.to));
    let (bl, bh) = (b.from.min(b.to), b.from.max(b.to));
    al < bh + NEAR && bl < ah + NEAR
}

/// Whether `b` arrives where `a` leaves, so that `a` has to turn first.
fn must_precede(a: &Stretch, b: &Stretch) -> bool {
    (a.from - b.to).abs() < NEAR
}

/// Crossings if `a` turns before `b`.
fn crossings(a: &Stretch, b: &Stretch) -> i64 {
    let inside = |y: i64, s: &Stretch| y > s.from.min(s.to) && y < s.from.max(s.to);
    i64::from(inside(a.to, b)) + i64::from(inside(b.from, a))
}

/// Splits lines until no circle of demands is left.
fn split_circles(ways: &mut [Way], bent: &[usize]) {
    let n = bent.len();
    let whole = |ways: &[Way], i: usize| {
        let w = &ways[bent[i]];
        Stretch {
            line: bent[i],
            from: w.from,
            to: w.to,
        }
    };
    // Lines sorted by where they leave, to find quickly who leaves where another arrives.
    let mut by_from: Vec<usize> = (0..n).collect();
    by_from.sort_by_key(|&i| (ways[bent[i]].from, i));
    let mut after = vec![Vec::new(); n];
    let mut before = vec![Vec::new(); n];
    for b in 0..n {
        let to = ways[bent[b]].to;
        let begin = by_from.partition_point(|&i| ways[bent[i]].from <= to - NEAR);
        for &a in &by_from[begin..] {
            if ways[bent[a]].from >= to + NEAR {
                break;
            }
            if a != b && must_precede(&whole(ways, a), &whole(ways, b)) {
                after[a].push(b);
                before[b].push(a);
            }
        }
    }
    let mut alive = vec![true; n];
    let mut ins: Vec<usize> = before.iter().map(Vec::len).collect();
    let mut outs: Vec<usize> = after.iter().map(Vec::len).collect();
    let mut open: Vec<usize> = (0..n).filter(|&i| ins[i] == 0 || outs[i] == 0).collect();
    let mut taken: BTreeSet<i64> = BTreeSet::new();
    loop {
        while let Some(i) = open.pop() {
            if !std::mem::replace(&mut alive[i], false) {
                continue;
            }
            for &j in &after[i] {
                ins[j] -= 1;
                if ins[j] == 0 {
                    open.push(j);
                }
            }
            for &j in &before[i] {
                outs[j] -= 1;
                if outs[j] == 0 {
                    open.push(j);
                }
            }
        }
        let Some(worst) = (0..n)
            .filter(|&i| alive[i])
            .max_by_key(|&i| (ins[i] * outs[i], i))
        else {
            return;
        };
        if taken.is_empty() {
            taken.extend(ways.iter().flat_map(|w| [w.from, w.to]));
        }
        let way = &ways[bent[worst]];
        let wanted = i64::midpoint(way.from, way.to);
        let free = |y: i64| taken.range(y - NEAR + 1..y + NEAR).next().is_none();
        let middle = (0..)
            .flat_map(|d| [wanted + d, wanted - d])
            .take(40 * taken.len())
            .find(|&y| free(y))
            .unwrap_or(wanted);
        taken.insert(middle);
        ways[bent[worst]].middle = Some(middle);
        open.push(worst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tracks_of_a_full_gap() {
        // Below and above the number of stretches that are weighed pair by pair; ends meet often.
        for lines in [300, PAIRWISE + 1] {
            let mut ways: Vec<Way> = (0..lines as i64)
                .map(|i| Way {
                    edge: 0,
                    from: 8 * i,
                    to: 8 * (i * 7_919 % lines as i64) + i % 3,
                    middle: None,
                    tracks: [0; 2],
                })
                .collect();
            tracks(&mut ways);
            let mut all = Vec::new();
            for (line, w) in ways.iter().enumerate() {
                let Way { from, to, .. } = *w;
                match w.middle {
                    _ if from == to => {}
                    None => all.push((Stretch { line, from, to }, w.tracks[0])),
                    Some(middle) => {
                        let first = Stretch {
                            line,
                            from,
                            to: middle,
                        };
                        let second = Stretch {
                            line,
                            from: middle,
                            to,
                        };
                        all.extend([(first, w.tracks[0]), (second, w.tracks[1])]);
                        assert!(w.tracks[0] < w.tracks[1]);
                    }
                }
            }
            for (i, (a, at)) in all.iter().enumerate() {
                for (b, other) in &all[..i] {
                    if a.line == b.line || !touch(a, b) {
                        continue;
                    }
                    assert_ne!(at, other, "{a:?} and {b:?} share a track");
                    assert!(
                        !must_precede(a, b) || at < other,
                        "{a:?} turns behind {b:?}"
                    );
                    assert!(
                        !must_precede(b, a) || other < at,
                        "{b:?} turns behind {a:?}"
                    );
                }
            }
        }
    }
}
