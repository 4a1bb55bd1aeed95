//! Positions along the layers: each box, label and stretch as near to those before it as what overlaps it across
//! the layers allows, so that a crowded place does not push apart what is elsewhere in the same layers.

use super::coords::{Cross, Frame, PAD, TITLE};
use super::order::{Kind, Layered};
use super::simplex::{Constraint, solve};
use super::{Direction, Graph};
use std::collections::BTreeMap;

/// Between two stretches.
const TRACK: i64 = 7;
/// Between a box and a stretch or its label where an arrow has to fit.
const ARROW: i64 = 12;
/// The same where no arrow is.
const STUB: i64 = 6;
/// Half the width of an arrow, and some room.
const TIP: i64 = 6;
/// Between two boxes.
const BOXES: i64 = 12;
/// Between a label and anything but a box, and between a group's border and what is outside.
const SIDE: i64 = 5;
/// Between a group's border and a stretch inside.
const INSIDE: i64 = 8;

/// What takes room along the layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Box,
    Label,
    Stretch,
    Begin,
    Title,
    End,
}

/// Something with a place along the layers.
#[derive(Clone, Copy, Debug)]
struct Thing {
    what: What,
    /// Its variable, which stands for its middle.
    at: usize,
    /// From its variable to its begin, and to its end.
    room: (i64, i64),
    /// From where to where it reaches across the layers.
    ends: (i64, i64),
}

impl What {
    /// Kept free on either side across the layers; two things that come nearer than the sum follow one another.
    fn margin(self) -> i64 {
        match self {
            Self::Box => 6,
            _ => 2,
        }
    }

    /// Kept free between this and a following `next` that overlaps it across.
    fn before(self, next: Self) -> i64 {
        use What::{Begin, Box, End, Label, Stretch, Title};
        match (self, next) {
            (Begin, End) => 2 * PAD,
            (Title, _) => 0,
            (Begin, Stretch) | (Stretch, End) => INSIDE,
            (Begin, _) | (_, End) => PAD,
            (End, Begin) => PAD,
            (Box, Box) => BOXES,
            (Box, Stretch | Label) | (Stretch | Label, Box) => ARROW,
            (Stretch, Stretch) => TRACK,
            _ => SIDE,
        }
    }
}

/// A stretch across the layers: the gap that it is in, its track there, and from where to where it runs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stretch {
    pub(super) gap: usize,
    pub(super) track: usize,
    pub(super) ends: (i64, i64),
}

/// Where everything is along the layers.
pub(super) struct Along {
    /// Middle of each item; of no use for bends.
    pub(super) items: Vec<i64>,
    /// Place of each stretch.
    pub(super) stretches: Vec<i64>,
    /// Borders of each group.
    pub(super) borders: Vec<(i64, i64)>,
}

/// Steps of the search in a picture of up to [`MANY`] things.
const BUDGET: u64 = 20_000_000;
/// In larger pictures, which no one sees as a whole, the steps grow fewer.
const MANY: u64 = 2_000;
/// What a pixel of a group's length costs, in pixels of a line.
const GROUP: i64 = 4;
/// What it costs that two neighbouring boxes of a layer are not level.
const LEVEL: i64 = 4;
/// The same for labels.
const LEVEL_LABEL: i64 = 1;

/// `across` has the middle of each item and the borders of each group; `paths` has the stretches of each edge in
/// the order of its chain.
pub(super) fn along(
    graph: &Graph,
    g: &Layered,
    frame: &Frame,
    across: &Cross,
    (stretches, paths): (&[Stretch], &[Vec<usize>]),
) -> Along {
    let count = g.items.len();
    let groups = count + stretches.len();
    let border = |k: usize| (groups + 2 * k, groups + 2 * k + 1);
    let (top, bottom) = border(graph.groups.len());
    let mut net = Net {
        constraints: Vec::new(),
        sky: Sky::default(),
        next: bottom + 1,
        whole: (top, bottom),
        arrows: arrows(graph, g, frame, across),
    };
    let mut by_gap: Vec<Vec<usize>> = vec![Vec::new(); g.layers.len()];
    for (i, s) in stretches.iter().enumerate() {
        by_gap[s.gap].push(i);
    }
    for (layer, mut gap) in by_gap.into_iter().enumerate() {
        let spans = frame.spans.iter().enumerate();
        for (k, _) in spans
            .clone()
            .filter(|(_, s)| s.is_some_and(|s| s.0 == layer))
        {
            let at = border(k).0;
            let (low, high) = across.borders[k];
            net.put(What::Begin, at, (0, 0), (low, high));
            let title = graph.groups[k];
            let (room, high) = match frame.direction {
                Direction::Down => (TITLE, low + PAD + title),
                Direction::Right => (PAD + title + SIDE, low + PAD),
            };
            if title > 0 {
                net.put(What::Title, at, (0, room), (low, high));
            }
        }
        for row in 0..2 {
            for &x in g.layers[layer].iter().filter(|&&x| frame.rows[x] == row) {
                let what = match g.items[x].kind {
                    Kind::Bend => continue,
                    Kind::Node(_) => What::Box,
                    Kind::Label(_) => What::Label,
                };
                let e = &frame.extents[x];
                let half = (e.main + 1) / 2;
                let ends = (across.items[x] - e.low, across.items[x] + e.high);
                net.put(what, x, (half, half), ends);
            }
        }
        for (k, _) in spans.filter(|(_, s)| s.is_some_and(|s| s.1 == layer)) {
            net.put(What::End, border(k).1, (0, 0), across.borders[k]);
        }
        gap.sort_by_key(|&i| (stretches[i].track, i));
        for i in gap {
            let (a, b) = stretches[i].ends;
            net.put(What::Stretch, count + i, (0, 0), (a.min(b), a.max(b)));
        }
    }
    for k in (0..graph.groups.len()).filter(|&k| frame.spans[k].is_some()) {
        let least = match frame.direction {
            Direction::Right => graph.groups[k] + 2 * PAD,
            Direction::Down => 0,
        };
        net.apart(border(k).0, border(k).1, least, GROUP);
    }
    for (chain, path) in g.chains.iter().zip(paths) {
        let turns = path.iter().map(|&i| (2 * stretches[i].gap + 1, count + i));
        let items = chain.iter().map(|&x| (2 * g.items[x].layer, x));
        let items = items.filter(|i| !matches!(g.items[i.1].kind, Kind::Bend));
        let mut passed: Vec<(usize, usize)> = items.chain(turns).collect();
        // Stable: two stretches in one gap keep their order.
        passed.sort_by_key(|p| p.0);
        for pair in passed.windows(2) {
            net.apart(pair[0].1, pair[1].1, 0, 1);
        }
    }
    level(g, frame, &mut net);
    // A short picture is worth more than short lines.
    net.apart(top, bottom, 0, 2 * g.chains.len() as i64 + 10);
    let budget = BUDGET * MANY / MANY.max(net.next as u64);
    let at = solve(net.next, &net.constraints, budget);
    let borders = (0..graph.groups.len()).map(border);
    Along {
        items: at[..count].to_vec(),
        stretches: at[count..groups].to_vec(),
        borders: borders.map(|(begin, end)| (at[begin], at[end])).collect(),
    }
}

/// See [`Net::arrows`].
fn arrows(graph: &Graph, g: &Layered, frame: &Frame, across: &Cross) -> Vec<[Vec<i64>; 2]> {
    let mut arrows = vec![[Vec::new(), Vec::new()]; graph.nodes.len()];
    for (e, chain) in g.chains.iter().enumerate() {
        let (first, second) = frame.ports[e];
        let end = match g.reversed[e] {
            true => chain.first().map(|&v| (v, 1, first)),
            false => chain.last().map(|&v| (v, 0, second)),
        };
        if let Some((v, side, port)) = end {
            arrows[v][side].push(across.items[v] + port);
        }
    }
    arrows
}

/// Neighbours of a layer stand level if that costs little.
fn level(g: &Layered, frame: &Frame, net: &mut Net) {
    for (r, layer) in g.layers.iter().enumerate() {
        for row in 0..2 {
            let there = layer.iter().copied().filter(|&x| frame.rows[x] == row);
            let solid = there.filter(|&x| !matches!(g.items[x].kind, Kind::Bend));
            let solid: Vec<usize> = solid.collect();
            let weight = if r % 2 == 0 { LEVEL } else { LEVEL_LABEL };
            for pair in solid.windows(2) {
                let before = net.next;
                net.next += 1;
                net.apart(before, pair[0], 0, weight);
                net.apart(before, pair[1], 0, weight);
            }
        }
    }
}

/// The constraints so far, and what they were last put behind.
struct Net {
    constraints: Vec<Constraint>,
    sky: Sky,
    /// The next unused variable.
    next: usize,
    /// The picture's own borders.
    whole: (usize, usize),
    /// Where arrows end at the first and at the second side of each box, across the layers.
    arrows: Vec<[Vec<i64>; 2]>,
}

impl Net {
    fn apart(&mut self, from: usize, to: usize, length: i64, weight: i64) {
        self.constraints.push(Constraint {
            from,
            to,
            length,
            weight,
        });
    }

    /// Kept free between two things.
    fn between(&self, before: &Thing, next: &Thing) -> i64 {
        let free = before.what.before(next.what);
        let (arrows, (low, high)) = match (before.what, next.what) {
            (What::Box, What::Stretch | What::Label) => (&self.arrows[before.at][1], next.ends),
            (What::Stretch | What::Label, What::Box) => (&self.arrows[next.at][0], before.ends),
            _ => return free,
        };
        let near = |&at: &i64| at > low - TIP && at < high + TIP;
        if arrows.iter().any(near) { free } else { STUB }
    }

    /// Puts a thing behind all before it that overlap `ends` across. What was hidden by things between needs no
    /// constraint of its own: their distances sum up to more.
    fn put(&mut self, what: What, at: usize, room: (i64, i64), (low, high): (i64, i64)) {
        let thing = Thing {
            what,
            at,
            room,
            ends: (low, high),
        };
        let margin = what.margin();
        for before in self.sky.cover(low - margin, high + margin, thing) {
            // A title stands behind its own group's border.
            if before.at != at {
                let between = before.room.1 + self.between(&before, &thing) + room.0;
                self.apart(before.at, at, between, 0);
            }
        }
        self.apart(self.whole.0, at, room.0, 0);
        self.apart(at, self.whole.1, room.1, 0);
    }
}

/// The last thing at each place across the layers.
#[derive(Default)]
struct Sky {
    /// From each key on up to the next one.
    begins: BTreeMap<i64, Option<Thing>>,
}

impl Sky {
    /// Puts `thing` over all from `low` to `high`; returns what was there.
    fn cover(&mut self, low: i64, high: i64, thing: Thing) -> Vec<Thing> {
        let before = |begins: &BTreeMap<i64, Option<Thing>>, at: i64| {
            begins.range(..=at).next_back().and_then(|(_, t)| *t)
        };
        let (first, rest) = (before(&self.begins, low), before(&self.begins, high));
        let inner: Vec<i64> = self
            .begins
            .range(low + 1..high)
            .map(|(at, _)| *at)
            .collect();
        let mut found: Vec<Thing> = first.into_iter().collect();
        for at in inner {
            found.extend(self.begins.remove(&at).flatten());
        }
        self.begins.insert(low, Some(thing));
        self.begins.insert(high, rest);
        found
    }
}
