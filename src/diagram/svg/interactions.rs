//! The interaction diagram.

use super::super::layout::{Drawing, Rect};
use super::super::scene::{Edge, EdgeKind, NodeKind, Scene};
use super::super::{TooLarge, text};
use super::compose::{Composed, Texts, compose};
use super::key::Key;
use super::legend::{Rows, SAMPLE};
use super::writer::{CORNER, Svg, Tip, outline, polyline, tip};
use super::{NAME, Options, SMALL_LINE, draw_node, inset, shape};
use std::collections::BTreeMap;

/// In pictures with more lines, corners are sharp.
const ROUNDED: usize = 40;
/// Operations named in a label's tooltip.
const NAMED: usize = 40;

/// Paths of the lines and of the tips, by kind and softness.
type Looks = BTreeMap<(EdgeKind, bool), (String, String)>;

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
    }
    for (r, title) in lanes {
        svg.text("h", r.x + 8, r.y + 17, title);
    }
    // Lines of one look are one path: a large picture is half as long so.
    let mut looks = Looks::new();
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
        let [.., from, at] = points.as_slice() else {
            continue;
        };
        let (lines, tips) = looks.entry((edge.kind, edge.soft)).or_default();
        lines.push_str(&polyline(&points, route.label, radius));
        tips.push_str(&tip(*from, *at, classes(edge.kind).1));
    }
    legend.samples(drawing.height, &mut looks);
    for ((kind, soft), (lines, tips)) in &looks {
        strokes(svg, *kind, *soft, lines, tips);
    }
    if linked {
        svg.close();
    }
    labels(svg, scene, texts, drawing);
    for (v, node) in scene.nodes.iter().enumerate() {
        draw_node(
            svg,
            node.kind,
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
        // One number may stand for several; the first of a kind is where its table begins.
        let mut kinds: BTreeMap<EdgeKind, (Option<String>, Vec<usize>)> = BTreeMap::new();
        for ((link, kind), edges) in groups {
            let all = kinds.entry(kind).or_insert_with(|| (link, Vec::new()));
            all.1.extend(edges);
        }
        let kinds = kinds.into_iter();
        groups = kinds
            .map(|(kind, (link, edges))| ((link, kind), edges))
            .collect();
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
        } else if texts.numbered {
            svg.open("g");
        }
        if texts.numbered {
            svg.attr("class", "f");
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
        if link.is_some() || texts.numbered {
            svg.close();
        }
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

/// Lines and tips of one look.
fn strokes(svg: &mut Svg, kind: EdgeKind, soft: bool, lines: &str, tips: &str) {
    let class = classes(kind).0;
    let thin = if soft { " z" } else { "" };
    svg.path(&format!("e{class}{thin}"), lines);
    if !tips.is_empty() {
        svg.path(&format!("t{class}"), tips);
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
    Edge(EdgeKind),
    Soft,
}

impl Entry {
    fn word(self) -> &'static str {
        match self {
            Self::Node(kind) => kind.word(),
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
        let all = nodes
            .map(Entry::Node)
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
            let (look, point) = match entry {
                Entry::Node(_) => continue,
                Entry::Edge(kind) => ((kind, false), Some(tip(ends[0], ends[1], classes(kind).1))),
                Entry::Soft => ((EdgeKind::Sync, true), None),
            };
            let (lines, tips) = looks.entry(look).or_default();
            lines.push_str(&polyline(&ends, None, 0));
            tips.extend(point);
        }
    }

    fn draw(&self, svg: &mut Svg, below: i64) {
        if self.entries.is_empty() {
            return;
        }
        svg.open("g").attr("class", "s");
        for &(entry, x, y) in &self.entries {
            let y = y + below;
            match entry {
                Entry::Node(kind) => shape(
                    svg,
                    kind,
                    Rect {
                        x: x + 2,
                        y,
                        w: SAMPLE - 4,
                        h: 18,
                    },
                ),
                // They are drawn among the others of their look.
                Entry::Edge(_) | Entry::Soft => {}
            }
            svg.text("", x + SAMPLE + 6, y + 13, entry.word());
        }
        svg.close();
    }
}
