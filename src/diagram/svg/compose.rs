//! How an interaction diagram is worded, and where everything then stands: the more room its labels need, the
//! shorter they become.

use super::super::layout::{Arrangement, Drawing, Graph, Line, Shape, Wish};
use super::super::scene::{Edge, EdgeKind, Labels, NodeKind, Scene};
use super::super::{TooLarge, text, views};
use super::{Caption, LABEL_MAX, SMALL, SMALL_LINE};
use std::collections::BTreeMap;

/// Widest picture in pixels with whole labels if none fits into its column: the reader pans for what is said in full.
const WIDE_FULL: i64 = 1_200;
/// The same with wrapped labels. Wider ones get numbers, which cost the reader more than a line break.
const WIDE_WRAPPED: i64 = 1_400;
/// In pictures with more boxes, services have no second line.
const CROWDED: usize = 20;
/// Lines of a label before the rest is only counted.
const LABEL_LINES: usize = 3;
/// Width of a label that is wrapped, unless one of its words is longer.
const NARROW: i64 = 90;
/// Width of a box's label where labels are short, unless a part of its name is longer.
const NARROW_NAME: i64 = 96;
/// Widest title of a lane.
const TITLE_MAX: i64 = 180;

/// The texts of a canonical scene.
pub(super) struct Texts {
    pub(super) captions: Vec<Caption>,
    /// The lines at each edge.
    pub(super) labels: Vec<Vec<String>>,
    pub(super) titles: Vec<String>,
    /// Whether the labels are numbers, which a key explains.
    pub(super) numbered: bool,
}

/// A canonical scene, worded and placed.
pub(super) struct Composed {
    pub(super) texts: Texts,
    pub(super) drawing: Drawing,
    /// What the numbers stand for, from 1 on: kind and operations.
    pub(super) key: Vec<(EdgeKind, Vec<String>)>,
}

/// Words and places `scene`, which is canonical.
pub(super) fn compose(scene: &Scene, wish: Wish) -> Result<Composed, TooLarge> {
    // No size decides what stands where, so one arrangement serves all ways of wording.
    let arranged = Arrangement::new(&Texts::new(scene, Labels::Full).graph(scene))?;
    let worded = |labels: Labels| {
        let texts = Texts::new(scene, labels);
        let drawing = arranged.draw(&texts.graph(scene), wish);
        (texts, drawing)
    };
    let (mut texts, drawing) = match scene.labels {
        // Larger ones cannot be read whole anyway, and each try costs time.
        Labels::Auto if !views::is_readable(scene) => worded(Labels::Full),
        Labels::Auto => {
            let full = worded(Labels::Full);
            if full.1.width <= wish.column {
                full
            } else {
                let wrapped = worded(Labels::Wrapped);
                if wrapped.1.width <= wish.column {
                    wrapped
                } else if full.1.width <= WIDE_FULL {
                    full
                } else if wrapped.1.width <= WIDE_WRAPPED {
                    wrapped
                } else {
                    let all = [full, wrapped, worded(Labels::Numbers)];
                    let narrowest = all.into_iter().min_by_key(|w| w.1.width);
                    narrowest.unwrap_or_else(|| worded(Labels::Full))
                }
            }
        }
        one => worded(one),
    };
    let key = if texts.numbered {
        number(scene, &mut texts, &drawing)
    } else {
        Vec::new()
    };
    Ok(Composed {
        texts,
        drawing,
        key,
    })
}

/// Where everything of `scene`, which is canonical, stands in its picture, and the number at each edge that has
/// one.
pub(in super::super) fn placed(
    scene: &Scene,
    wish: Wish,
) -> Result<(Drawing, Vec<Option<u64>>), TooLarge> {
    let Composed { texts, drawing, .. } = compose(scene, wish)?;
    let number = |lines: &Vec<String>| lines.first()?.parse().ok();
    let numbers = texts.labels.iter().map(|lines| match texts.numbered {
        true => number(lines),
        false => None,
    });
    let numbers = numbers.collect();
    Ok((drawing, numbers))
}

/// Puts the final numbers in the place of those that kept the room: in reading order, one number for all edges
/// of a kind with the same operations.
fn number(scene: &Scene, texts: &mut Texts, drawing: &Drawing) -> Vec<(EdgeKind, Vec<String>)> {
    let mut placed: Vec<(i64, i64, usize)> = drawing
        .edges
        .iter()
        .enumerate()
        .filter_map(|(e, route)| route.label.map(|r| (r.y, r.x, e)))
        .collect();
    placed.sort_unstable();
    let mut numbers = BTreeMap::new();
    let mut key = Vec::new();
    for (_, _, e) in placed {
        let (Some(edge), Some(label)) = (scene.edges.get(e), texts.labels.get_mut(e)) else {
            continue;
        };
        let named = operations(edge);
        let at = numbers
            .entry((edge.kind, named.clone()))
            .or_insert_with(|| {
                key.push((edge.kind, named));
                key.len()
            });
        *label = vec![at.to_string()];
    }
    key
}

/// The operations of an edge as pictures name them.
fn operations(edge: &Edge) -> Vec<String> {
    let mut all: Vec<String> = edge.labels.iter().map(|l| text::operation(l)).collect();
    all.retain(|l| !l.is_empty());
    all.dedup();
    all
}

impl Texts {
    fn new(scene: &Scene, labels: Labels) -> Self {
        let crowded = scene.nodes.len() > CROWDED;
        let captions = scene.nodes.iter().map(|n| {
            let service = n.kind == NodeKind::Service;
            let sub = n.sub.as_deref();
            match labels {
                Labels::Auto | Labels::Full => {
                    Caption::new(&n.label, sub.filter(|_| !(service && crowded)))
                }
                Labels::Wrapped | Labels::Numbers => {
                    let sub = sub.filter(|_| !service);
                    Caption::narrow(&n.label, NARROW_NAME).with(sub, &n.label)
                }
            }
        });
        // As wide as the widest of the numbers to come.
        let room = vec!["0".repeat(scene.edges.len().to_string().len())];
        let labelled = scene.edges.iter().map(|e| match labels {
            Labels::Auto | Labels::Full => text::folded(&e.labels, SMALL, LABEL_MAX, LABEL_LINES),
            Labels::Wrapped => wrapped(e),
            Labels::Numbers if operations(e).is_empty() => Vec::new(),
            Labels::Numbers => room.clone(),
        });
        let titles = scene
            .groups
            .iter()
            .map(|g| text::fit(&g.label, SMALL + 1, TITLE_MAX));
        Self {
            captions: captions.collect(),
            labels: labelled.collect(),
            titles: titles.collect(),
            numbered: labels == Labels::Numbers,
        }
    }

    fn graph(&self, scene: &Scene) -> Graph {
        let nodes = scene.nodes.iter().zip(&self.captions).map(|(n, caption)| {
            let (width, height) = caption.size();
            let extra = match n.kind {
                NodeKind::Gateway | NodeKind::Broker => 12,
                _ => 0,
            };
            let lid = if n.kind == NodeKind::Store { 8 } else { 0 };
            Shape {
                width: width + extra,
                height: height + lid,
                group: n.group,
            }
        });
        let edges = scene.edges.iter().zip(&self.labels).map(|(e, lines)| Line {
            from: e.from,
            to: e.to,
            label: label_size(lines),
            pull: pull(e.kind, scene.nodes[e.from].kind, scene.nodes[e.to].kind),
        });
        // The title is bold, which is wider than the table says.
        let bold = |t: &String| text::width(t, SMALL + 1) * 11 / 10;
        Graph {
            nodes: nodes.collect(),
            edges: edges.collect(),
            groups: self.titles.iter().map(bold).collect(),
            story: None,
        }
    }
}

/// Two operations in narrow lines, or one and how many more there are.
fn wrapped(edge: &Edge) -> Vec<String> {
    let all = operations(edge);
    let shown = if all.len() > 2 { 1 } else { all.len() };
    let all_shown = || all.iter().take(shown);
    // What is there anyway is used.
    let room = all_shown().map(|o| text::narrowest(o, SMALL, LABEL_MAX, 2));
    let room = room.max().unwrap_or(0).max(NARROW);
    let mut out: Vec<String> = all_shown()
        .flat_map(|o| text::wrap_path(o, SMALL, room, 3))
        .collect();
    if shown < all.len() {
        out.push(format!("+{} more", all.len() - shown));
    }
    out
}

/// Calls read forwards, from the people who cause them and the gateway that lets them in, and so do the connections
/// that people open: what is pushed to them leads back. Events may lead either way.
fn pull(kind: EdgeKind, sender: NodeKind, receiver: NodeKind) -> i64 {
    match (sender, kind, receiver) {
        (_, EdgeKind::Realtime, NodeKind::Actor) => -8,
        (_, EdgeKind::Realtime, NodeKind::Gateway) => -3,
        (NodeKind::Actor, ..) | (NodeKind::Gateway, EdgeKind::Sync, _) => 8,
        (_, EdgeKind::Sync | EdgeKind::Store, _) => 3,
        (_, EdgeKind::Async | EdgeKind::Realtime, _) => 1,
    }
}

/// Room of a label's lines.
pub(super) fn label_size(lines: &[String]) -> Option<(i64, i64)> {
    let widest = lines.iter().map(|l| text::width(l, SMALL)).max()?;
    Some((widest + 8, lines.len() as i64 * SMALL_LINE + 2))
}

/// The scene's boxes and lines with whole labels, as the layout sees them; indices are those of
/// [`Scene::canonical`].
#[must_use]
pub fn graph(scene: &Scene) -> Graph {
    let scene = scene.canonical();
    Texts::new(&scene, Labels::Full).graph(&scene)
}
