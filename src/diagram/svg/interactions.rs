//! The interaction diagram.

use super::super::layout::{Drawing, Rect};
use super::super::scene::{Edge, EdgeKind, FOCUS, NodeKind, Scene};
use super::super::{TooLarge, text};
use super::compose::{Composed, Texts, compose};
use super::key::Key;
use super::legend::{Rows, SAMPLE};
use super::writer::{CORNER, Svg, Tip, outline, pairs, polyline, tip};
use super::{NAME, Options, SMALL_LINE, draw_node, inset, shape};
use std::collections::BTreeMap;

/// In pictures with more lines, corners are sharp.
const ROUNDED: usize = 40;
/// Operations named in a label's tooltip.
const NAMED: usize = 40;

/// Where a tip points to, and its path.
type Pointed = ((i64, i64), String);

/// What is drawn in one stroke each: lines by kind and softness, tips by kind.
#[derive(Default)]
struct Looks {
    lines: BTreeMap<(EdgeKind, bool), String>,
    tips: BTreeMap<EdgeKind, Vec<Pointed>>,
}

impl Looks {
    /// A line of `points` that leaves out `cut`, with the tip at its end if it has one.
    fn add(
        &mut self,
        look: (EdgeKind, bool),
        points: &[(i64, i64)],
        cut: (Option<Rect>, i64),
        tipped: bool,
    ) {
        let line = polyline(points, cut.0, cut.1);
        self.lines.entry(look).or_default().push_str(&line);
        if let ([.., from, at], true) = (points, tipped) {
            let tip = tip(*from, *at, classes(look.0).1);
            self.tips.entry(look.0).or_default().push((*at, tip));
        }
    }

    fn draw(mut self, svg: &mut Svg) {
        for ((kind, soft), lines) in &self.lines {
            let thin = if *soft { " z" } else { "" };
            svg.path(&format!("e{}{thin}", classes(*kind).0), lines);
        }
        for (kind, tips) in &mut self.tips {
            tips.sort_by_key(|t| (t.0.1, t.0.0));
            let (class, shape) = classes(*kind);
            // A closed path ends where it began: the next is near, and few steps are shorter than its place.
            let closed = matches!(shape, Tip::Full | Tip::Hollow);
            let mut drawn = String::new();
            let mut pen = None;
            for ((x, y), tip) in tips {
                let begin = format!("M{}", pairs(&[(*x, *y)]));
                let near = pen.map(|(px, py)| format!("m{}", pairs(&[(*x - px, *y - py)])));
                match near.filter(|n| closed && n.len() < begin.len()) {
                    Some(near) => drawn.push_str(&tip.replacen(&begin, &near, 1)),
                    None => drawn.push_str(tip),
                }
                pen = Some((*x, *y));
            }
            svg.path(&format!("t{class}"), &drawn);
        }
    }
}

/// Draws `scene`; one line without a line break.
///
/// # Errors
///
/// [`TooLarge`] if the scene is above the limits of the [module](super::super).
pub fn interactions(scene: &Scene, options: &Options<'_>) -> Result<String, TooLarge> {
    let scene = scene.canonical();
    let Composed {
        texts,
        drawing,
        key,
    } = compose(&scene, options.wish)?;
    // As wide as the column, so that nobody has to pan for the meaning of a line.
    let column = options.wish.column;
    let room = drawing.width.min(column).max(column.min(500));
    let legend = Legend::new(&scene, room);
    let key = Key::new(&key, room);
    let linked = scene
        .nodes
        .iter()
        .map(|n| &n.link)
        .chain(scene.edges.iter().map(|e| &e.link));
    let linked = linked
        .into_iter()
        .any(|l| text::safe_link(l.as_deref()).is_some());
    let size = (
        drawing.width.max(legend.width).max(key.width),
        drawing.height + legend.height + key.height,
    );
    let mut svg = Svg::new(options, (&scene.title, &scene.description), size, linked);
    draw(&mut svg, &scene, &texts, &drawing, (&legend, linked));
    legend.draw(&mut svg, drawing.height);
    key.draw(&mut svg, drawing.height + legend.height);
    Ok(svg.finish())
}

fn draw(
    svg: &mut Svg,
    scene: &Scene,
    texts: &Texts,
    drawing: &Drawing,
    (legend, linked): (&Legend, bool),
) {
    let lanes = drawing.groups.iter().zip(&texts.titles);
    let lanes = lanes.filter_map(|(r, title)| Some(((*r)?, title)));
    let outline: String = lanes.clone().map(|(r, _)| outline(r)).collect();
    if !outline.is_empty() {
        svg.path("v", &outline);
        svg.anchored("h");
        for (r, title) in lanes {
            svg.text("", r.x + 8, r.y + 17, title);
        }
        svg.close();
    }
    // Lines of one look are one path: a large picture is half as long so.
    let mut looks = Looks::default();
    let radius = if scene.edges.len() > ROUNDED {
        0
    } else {
        CORNER
    };
    for (edge, route) in scene.edges.iter().zip(&drawing.edges) {
        let mut points = route.points.clone();
        snap(&mut points, |end| {
            let node = if end { edge.to } else { edge.from };
            (scene.nodes[node].kind, drawing.nodes[node])
        });
        looks.add((edge.kind, edge.soft), &points, (route.label, radius), true);
    }
    legend.samples(drawing.height, &mut looks);
    looks.draw(svg);
    if linked {
        svg.close();
    }
    labels(svg, scene, texts, drawing);
    for (v, node) in scene.nodes.iter().enumerate() {
        draw_node(
            svg,
            (node.kind, node.focus),
            &texts.captions[v],
            node.link.as_deref(),
            drawing.nodes[v],
        );
    }
}

/// The labels of all lines; those of one kind that lead to the same place are one link, so that a
/// reader with a keyboard does not pass through each.
fn labels(svg: &mut Svg, scene: &Scene, texts: &Texts, drawing: &Drawing) {
    let mut groups: BTreeMap<(Option<String>, EdgeKind), Vec<usize>> = BTreeMap::new();
    for (e, edge) in scene.edges.iter().enumerate() {
        let link = text::safe_link(edge.link.as_deref());
        groups.entry((link, edge.kind)).or_default().push(e);
    }
    if texts.numbered {
        svg.open("g").attr("class", "f");
    }
    for ((link, _), edges) in groups {
        let placed: Vec<(usize, Rect)> = edges
            .into_iter()
            .filter_map(|e| Some((e, drawing.edges.get(e)?.label?)))
            .collect();
        if placed.is_empty() {
            continue;
        }
        if let Some(link) = &link {
            svg.open("a").attr("href", link);
        }
        for (e, place) in placed {
            let edge = &scene.edges[e];
            // A shortened path says enough; a word cut off or left out does not.
            let cut = texts.labels[e]
                .iter()
                .any(|l| l.ends_with('…') || l.starts_with('+'));
            if cut {
                svg.open("g");
                svg.leaf("title", &all_labels(edge));
            }
            lines(svg, "", place, &texts.labels[e]);
            if cut {
                svg.close();
            }
        }
        if link.is_some() {
            svg.close();
        }
    }
    if texts.numbered {
        svg.close();
    }
}

fn all_labels(edge: &Edge) -> String {
    let mut named: Vec<String> = edge
        .labels
        .iter()
        .take(NAMED)
        .map(|l| text::fit(l, NAME, 1_000))
        .collect();
    if edge.labels.len() > NAMED {
        named.push(format!("+{} more", edge.labels.len() - NAMED));
    }
    named.join(", ")
}

/// Text centred in a label's box, one line below the other.
pub(super) fn lines(svg: &mut Svg, class: &str, r: Rect, lines: &[String]) {
    for (i, line) in lines.iter().enumerate() {
        svg.text(class, r.x + r.w / 2, r.y + 12 + i as i64 * SMALL_LINE, line);
    }
}

/// Moves the ends of a path from the box's border to the shape's.
pub(super) fn snap(points: &mut [(i64, i64)], of: impl Fn(bool) -> (NodeKind, Rect)) {
    let count = points.len();
    if count < 2 {
        return;
    }
    for (at, near, end) in [(0, 1, false), (count - 1, count - 2, true)] {
        let (kind, r) = of(end);
        let by = inset(kind, r, points[at]);
        let (p, q) = (points[at], points[near]);
        points[at] = (
            p.0 - (q.0 - p.0).signum() * by,
            p.1 - (q.1 - p.1).signum() * by,
        );
    }
}

fn classes(kind: EdgeKind) -> (&'static str, Tip) {
    match kind {
        EdgeKind::Sync => ("", Tip::Full),
        EdgeKind::Async => (" y", Tip::Open),
        EdgeKind::Realtime => (" r", Tip::Double),
        EdgeKind::Store => (" i", Tip::Hollow),
    }
}

/// What the picture's shapes and lines mean; only what occurs.
struct Legend {
    entries: Vec<(Entry, i64, i64)>,
    width: i64,
    height: i64,
}

#[derive(Clone, Copy)]
enum Entry {
    Node(NodeKind),
    Focus,
    Edge(EdgeKind),
    Soft,
}

impl Entry {
    fn word(self) -> &'static str {
        match self {
            Self::Node(kind) => kind.word(),
            Self::Focus => FOCUS,
            Self::Edge(kind) => kind.word(),
            Self::Soft => "optional",
        }
    }
}

impl Legend {
    fn new(scene: &Scene, room: i64) -> Self {
        let nodes = NodeKind::ALL
            .into_iter()
            .filter(|k| scene.nodes.iter().any(|n| n.kind == *k));
        let edges = EdgeKind::ALL
            .into_iter()
            .filter(|k| scene.edges.iter().any(|e| e.kind == *k));
        let soft = scene.edges.iter().any(|e| e.soft).then_some(Entry::Soft);
        let focus = scene.nodes.iter().any(|n| n.focus);
        let all = nodes
            .map(Entry::Node)
            .chain(focus.then_some(Entry::Focus))
            .chain(edges.map(Entry::Edge))
            .chain(soft);
        let all: Vec<Entry> = all.collect();
        let rows = Rows::new(all.iter().map(|e| e.word()), room);
        let placed = all.into_iter().zip(&rows.places);
        Self {
            entries: placed.map(|(e, &(x, y))| (e, x, y)).collect(),
            width: rows.width,
            height: rows.height,
        }
    }

    /// Adds the legend's lines to those of the picture.
    fn samples(&self, below: i64, looks: &mut Looks) {
        for &(entry, x, y) in &self.entries {
            let ends = [(x, y + below + 9), (x + SAMPLE, y + below + 9)];
            let (look, tipped) = match entry {
                Entry::Node(_) | Entry::Focus => continue,
                Entry::Edge(kind) => ((kind, false), true),
                Entry::Soft => ((EdgeKind::Sync, true), false),
            };
            looks.add(look, &ends, (None, 0), tipped);
        }
    }

    fn draw(&self, svg: &mut Svg, below: i64) {
        if self.entries.is_empty() {
            return;
        }
        svg.anchored("s");
        for &(entry, x, y) in &self.entries {
            let y = y + below;
            let (w, h) = (SAMPLE - 4, 18);
            let r = Rect { x: x + 2, y, w, h };
            match entry {
                Entry::Node(kind) => shape(svg, kind, r),
                Entry::Focus => {
                    svg.open("g").attr("class", "b");
                    svg.rect("", r, 4);
                    svg.close();
                }
                // They are drawn among the others of their look.
                Entry::Edge(_) | Entry::Soft => {}
            }
            svg.text("", x + SAMPLE + 6, y + 13, entry.word());
        }
        svg.close();
    }
}
