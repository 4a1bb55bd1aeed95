//! Counts what makes a drawing hard to read, the same way for every engine.
//!
//! Lines are polylines; curves come sampled. Touching within [`TOUCH`] is no overlap, so that engines
//! that round are not punished for it.

use msdesign::diagram::layout::{Drawing, Graph};
use std::collections::{BTreeMap, BTreeSet};

/// A corner, x and y in pixels.
pub type Point = [f64; 2];

/// A rectangle in pixels.
#[derive(Clone, Copy, Debug, Default)]
pub struct Area {
    pub x: f64,
    pub y: f64,
    pub w: f64,
    pub h: f64,
}

/// A finished drawing of any engine; the indices are those of the [`Graph`].
#[derive(Clone, Debug, Default)]
pub struct Picture {
    pub nodes: Vec<Area>,
    pub groups: Vec<Option<Area>>,
    pub lines: Vec<Vec<Point>>,
    pub labels: Vec<Option<Area>>,
}

/// What is counted; lengths in pixels, `area` in square pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Counts {
    /// Points at which two lines cross, a meeting at a box that both end at not counted.
    pub crossings: usize,
    /// Pairs of boxes that overlap.
    pub nodes: usize,
    /// Lines inside boxes that they do not end at.
    pub through: usize,
    /// Labels over labels and boxes.
    pub labels: usize,
    /// Lines under labels of other lines.
    pub struck: usize,
    /// Pairs of lines without a common end that share a stretch.
    pub shared: usize,
    /// Lines inside groups that neither end belongs to.
    pub foreign: usize,
    /// Boxes outside their group or inside another one, and groups that overlap.
    pub strays: usize,
    pub bends: usize,
    /// Steps in the middle of a line that are so short that they look like a mistake.
    pub jogs: usize,
    /// Lines that are more than twice as long as the way from end to end.
    pub detours: usize,
    pub length: f64,
    pub width: f64,
    pub height: f64,
}

impl Counts {
    pub fn area(&self) -> f64 {
        self.width * self.height
    }

    /// What must never occur.
    pub fn faults(&self) -> usize {
        self.nodes + self.through + self.labels + self.shared + self.strays
    }
}

const TOUCH: f64 = 1.0;
/// Lines nearer than this, in parallel, look like one.
const NEAR: f64 = 1.0;
/// Shorter steps are jogs.
const JOG: f64 = 6.0;
/// A line between ends nearer than this is no detour, however it runs: it has to get round its own box.
const CLOSE: f64 = 100.0;
/// A cell of the grid in which lines are looked up.
const CELL: f64 = 120.0;

impl Area {
    fn overlaps(&self, other: &Self) -> bool {
        self.x + TOUCH < other.x + other.w
            && other.x + TOUCH < self.x + self.w
            && self.y + TOUCH < other.y + other.h
            && other.y + TOUCH < self.y + self.h
    }

    fn holds(&self, other: &Self) -> bool {
        other.x >= self.x - TOUCH
            && other.y >= self.y - TOUCH
            && other.x + other.w <= self.x + self.w + TOUCH
            && other.y + other.h <= self.y + self.h + TOUCH
    }

    fn near(&self, p: Point) -> bool {
        let m = 2.5;
        p[0] > self.x - m
            && p[0] < self.x + self.w + m
            && p[1] > self.y - m
            && p[1] < self.y + self.h + m
    }

    /// Whether the piece from `p` to `q` runs inside (Liang and Barsky 1984), `by` off the border.
    fn cut(&self, p: Point, q: Point, by: f64) -> bool {
        let (low, high) = (
            [self.x + by, self.y + by],
            [self.x + self.w - by, self.y + self.h - by],
        );
        let (mut from, mut to) = (0.0f64, 1.0f64);
        for k in 0..2 {
            if low[k] >= high[k] {
                return false;
            }
            let d = q[k] - p[k];
            if d.abs() < 1e-9 {
                if p[k] < low[k] || p[k] > high[k] {
                    return false;
                }
                continue;
            }
            let (a, b) = ((low[k] - p[k]) / d, (high[k] - p[k]) / d);
            from = from.max(a.min(b));
            to = to.min(a.max(b));
        }
        to - from > 1e-9
    }
}

impl From<&Drawing> for Picture {
    fn from(d: &Drawing) -> Self {
        let area = |r: &msdesign::diagram::layout::Rect| Area {
            x: r.x as f64,
            y: r.y as f64,
            w: r.w as f64,
            h: r.h as f64,
        };
        Self {
            nodes: d.nodes.iter().map(area).collect(),
            groups: d.groups.iter().map(|g| g.as_ref().map(area)).collect(),
            lines: d
                .edges
                .iter()
                .map(|e| e.points.iter().map(|p| [p.0 as f64, p.1 as f64]).collect())
                .collect(),
            labels: d.edges.iter().map(|e| e.label.as_ref().map(area)).collect(),
        }
    }
}

/// A straight piece of a line.
struct Piece {
    edge: usize,
    from: Point,
    to: Point,
}

/// Cells of the grid that a rectangle touches.
fn cells(low: Point, high: Point) -> impl Iterator<Item = (i64, i64)> {
    let cell = |v: f64| (v / CELL).floor() as i64;
    let (y0, y1) = (cell(low[1]), cell(high[1]));
    (cell(low[0])..=cell(high[0])).flat_map(move |x| (y0..=y1).map(move |y| (x, y)))
}

/// Counts everything in `picture` of `graph`.
pub fn count(graph: &Graph, picture: &Picture) -> Counts {
    let mut out = Counts::default();
    let mut pieces = Vec::new();
    for (edge, line) in picture.lines.iter().enumerate() {
        let mut points = line.clone();
        points.dedup_by(|a, b| (a[0] - b[0]).abs() + (a[1] - b[1]).abs() < 0.01);
        let before = out.length;
        for pair in points.windows(2) {
            out.length += apart(pair[0], pair[1]);
            pieces.push(Piece {
                edge,
                from: pair[0],
                to: pair[1],
            });
        }
        out.bends += points.windows(3).filter(|t| bent(t)).count();
        // A step is right-angled; a curve has none.
        let steps = points.windows(4).filter(|p| {
            let ways = [0, 1, 2].map(|i| [p[i + 1][0] - p[i][0], p[i + 1][1] - p[i][1]]);
            let square = |a: [f64; 2], b: [f64; 2]| (a[0] * b[0] + a[1] * b[1]).abs() < 0.01;
            square(ways[0], ways[1]) && square(ways[1], ways[2]) && apart(p[1], p[2]) < JOG
        });
        out.jogs += steps.count();
        if let [first, .., last] = points[..]
            && graph.edges[edge].from != graph.edges[edge].to
        {
            let direct = (first[0] - last[0]).abs() + (first[1] - last[1]).abs();
            out.detours += usize::from(out.length - before > 2.0 * direct.max(CLOSE));
        }
    }
    extent(picture, &mut out);
    let mut grid: BTreeMap<(i64, i64), Vec<usize>> = BTreeMap::new();
    for (i, p) in pieces.iter().enumerate() {
        let low = [p.from[0].min(p.to[0]), p.from[1].min(p.to[1])];
        let high = [p.from[0].max(p.to[0]), p.from[1].max(p.to[1])];
        for cell in cells(low, high) {
            grid.entry(cell).or_default().push(i);
        }
    }
    meetings(graph, picture, &pieces, &grid, &mut out);

    let inside = |area: &Area, by: f64, skip: &dyn Fn(usize) -> bool| -> usize {
        let mut edges = BTreeSet::new();
        for cell in cells([area.x, area.y], [area.x + area.w, area.y + area.h]) {
            for &i in grid.get(&cell).map_or(&[][..], Vec::as_slice) {
                let p = &pieces[i];
                if !skip(p.edge) && area.cut(p.from, p.to, by) {
                    edges.insert(p.edge);
                }
            }
        }
        edges.len()
    };
    for (v, area) in picture.nodes.iter().enumerate() {
        out.nodes += picture.nodes[..v]
            .iter()
            .filter(|a| a.overlaps(area))
            .count();
        let ends = |e: usize| graph.edges[e].from == v || graph.edges[e].to == v;
        out.through += inside(area, 1.0, &ends);
    }
    let labels: Vec<(usize, Area)> = picture
        .labels
        .iter()
        .enumerate()
        .filter_map(|(e, l)| l.map(|l| (e, l)))
        .collect();
    for (i, (e, label)) in labels.iter().enumerate() {
        out.labels += picture.nodes.iter().filter(|n| n.overlaps(label)).count();
        out.labels += labels[..i].iter().filter(|l| l.1.overlaps(label)).count();
        out.struck += inside(label, 1.0, &|f| f == *e);
    }
    for (k, group) in picture.groups.iter().enumerate() {
        let Some(group) = group else { continue };
        let of = |v: usize| graph.nodes[v].group == Some(k);
        out.foreign += inside(group, 2.0, &|e| {
            of(graph.edges[e].from) || of(graph.edges[e].to)
        });
        for (v, node) in picture.nodes.iter().enumerate() {
            out.strays += usize::from(if of(v) {
                !group.holds(node)
            } else {
                group.overlaps(node)
            });
        }
        let before = picture.groups[..k].iter().flatten();
        out.strays += before.filter(|g| g.overlaps(group)).count();
    }
    out
}

fn apart(p: Point, q: Point) -> f64 {
    (q[0] - p[0]).hypot(q[1] - p[1])
}

/// Whether three points are no straight line.
fn bent(points: &[Point]) -> bool {
    let a = [points[1][0] - points[0][0], points[1][1] - points[0][1]];
    let b = [points[2][0] - points[1][0], points[2][1] - points[1][1]];
    (a[0] * b[1] - a[1] * b[0]).abs() / (a[0].hypot(a[1]) * b[0].hypot(b[1])) > 0.02
}

fn extent(picture: &Picture, out: &mut Counts) {
    let areas = picture.nodes.iter().chain(picture.groups.iter().flatten());
    let areas = areas.chain(picture.labels.iter().flatten());
    let mut corners: Vec<Point> = picture.lines.iter().flatten().copied().collect();
    corners.extend(areas.flat_map(|a| [[a.x, a.y], [a.x + a.w, a.y + a.h]]));
    let span = |k: usize| {
        let low = corners.iter().map(|c| c[k]).fold(f64::INFINITY, f64::min);
        let high = corners
            .iter()
            .map(|c| c[k])
            .fold(f64::NEG_INFINITY, f64::max);
        (high - low).max(0.0)
    };
    (out.width, out.height) = (span(0), span(1));
}

/// Crossings and shared stretches.
fn meetings(
    graph: &Graph,
    picture: &Picture,
    pieces: &[Piece],
    grid: &BTreeMap<(i64, i64), Vec<usize>>,
    out: &mut Counts,
) {
    let mut crossings = BTreeSet::new();
    let mut shared = BTreeSet::new();
    for list in grid.values() {
        for (at, &i) in list.iter().enumerate() {
            for &j in &list[..at] {
                let (s, t) = (&pieces[i], &pieces[j]);
                if s.edge == t.edge {
                    continue;
                }
                let (one, two) = (&graph.edges[s.edge], &graph.edges[t.edge]);
                let common = [one.from, one.to].map(|v| v == two.from || v == two.to);
                let pair = (s.edge.min(t.edge), s.edge.max(t.edge));
                if let Some(p) = crossing(s, t) {
                    let at_box = [(one.from, common[0]), (one.to, common[1])]
                        .iter()
                        .any(|&(v, c)| c && picture.nodes[v].near(p));
                    if !at_box {
                        let half = |v: f64| (v / 2.0).round() as i64;
                        crossings.insert((pair, half(p[0]), half(p[1])));
                    }
                } else if !common[0] && !common[1] && along(s, t) {
                    shared.insert(pair);
                }
            }
        }
    }
    out.crossings = crossings.len();
    out.shared = shared.len();
}

/// Where two pieces that are not parallel meet.
fn crossing(s: &Piece, t: &Piece) -> Option<Point> {
    let (a, c) = (s.from, t.from);
    let (r, u) = (
        [s.to[0] - a[0], s.to[1] - a[1]],
        [t.to[0] - c[0], t.to[1] - c[1]],
    );
    let den = r[0] * u[1] - r[1] * u[0];
    if den.abs() < 1e-9 {
        return None;
    }
    let (dx, dy) = (c[0] - a[0], c[1] - a[1]);
    let (p, q) = ((dx * u[1] - dy * u[0]) / den, (dx * r[1] - dy * r[0]) / den);
    let within = |v: f64| v > -1e-9 && v < 1.0 + 1e-9;
    (within(p) && within(q)).then(|| [a[0] + p * r[0], a[1] + p * r[1]])
}

/// Whether two horizontal or two vertical pieces lie on one another.
fn along(s: &Piece, t: &Piece) -> bool {
    (0..2).any(|k| {
        let o = 1 - k;
        let flat = |p: &Piece| (p.from[o] - p.to[o]).abs() < 0.01;
        let low = s.from[k].min(s.to[k]).max(t.from[k].min(t.to[k]));
        let high = s.from[k].max(s.to[k]).min(t.from[k].max(t.to[k]));
        flat(s) && flat(t) && (s.from[o] - t.from[o]).abs() < NEAR && high > low
    })
}
