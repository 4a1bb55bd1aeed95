//! Scenes, sequences and state machines as SVG.
//!
//! A picture is one line, `<figure …><svg …>…</svg></figure>`: the only form that mdBook's Markdown
//! leaves alone everywhere. It uses no `url(#…)` and no `<use>`, because mdBook renames ids when it
//! prints; its two ids begin with the scope that the caller gives.

mod chart;
mod compose;
mod interactions;
mod key;
mod legend;
mod matrix;
mod sequence;
mod states;
pub mod style;
#[cfg(test)]
mod tests;
mod writer;

pub use chart::chart;
pub use compose::graph;
pub(super) use compose::placed;
pub use interactions::interactions;
pub use matrix::matrix;
pub use sequence::{places, sequence};
pub use states::states;

use super::NodeKind;
use super::layout::{Rect, Wish};
use super::text;
use writer::Svg;

/// Whether a picture stands in a page or alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Frame {
    /// In a page that has [`style::STYLE`] once.
    #[default]
    Page,
    /// A file of its own: valid XML with its style inside.
    File,
    /// The same for programs that know neither variables nor a reader's wishes: light, without links.
    Plain,
}

/// How a picture is written.
#[derive(Clone, Debug)]
pub struct Options<'a> {
    /// Starts every id; unique in the book. Letters, digits and `-`.
    pub scope: &'a str,
    /// In a page or alone.
    pub frame: Frame,
    /// Direction and width of the column.
    pub wish: Wish,
}

/// Size of a box's label in pixels.
const NAME: i64 = 13;
/// Height of a line of a box's label.
const NAME_LINE: i64 = 16;
/// Size of everything smaller.
const SMALL: i64 = 11;
/// Height of a line of small text.
const SMALL_LINE: i64 = 14;
/// Widest label of a box.
const NAME_MAX: i64 = 190;
/// Widest label of a line.
const LABEL_MAX: i64 = 170;
/// Around the whole picture.
const MARGIN: i64 = 8;

/// The label of a box, ready to be drawn.
struct Caption {
    /// One line, or two where the name is long or the picture narrow.
    name: Vec<String>,
    sub: Option<String>,
    /// The whole name, if it had to be shortened.
    full: Option<String>,
}

impl Caption {
    fn new(label: &str, sub: Option<&str>) -> Self {
        let whole = text::clean(label);
        let alone = if text::width(&whole, NAME) > NAME_MAX {
            Self::narrow(label, NAME_MAX / 2)
        } else {
            Self {
                name: vec![whole],
                sub: None,
                full: None,
            }
        };
        alone.with(sub, label)
    }

    /// A name alone, in two lines if it is longer than `max`.
    fn narrow(label: &str, max: i64) -> Self {
        let whole = text::clean(label);
        let room = text::narrowest(&whole, NAME, NAME_MAX, 2).max(max);
        let name = text::wrap_path(&whole, NAME, room, 2);
        let full = name.iter().any(|l| l.ends_with('…')).then_some(whole);
        Self {
            name,
            sub: None,
            full,
        }
    }

    /// The same with a smaller second line, for a box called `label`.
    fn with(mut self, sub: Option<&str>, label: &str) -> Self {
        let whole = sub.map(text::clean).filter(|s| !s.is_empty());
        if let Some(whole) = whole {
            let sub = text::fit(&whole, SMALL, NAME_MAX);
            if sub != whole {
                self.full = Some(format!("{} ({whole})", text::clean(label)));
            }
            self.sub = Some(sub);
        }
        self
    }

    /// Width and height of the box.
    fn size(&self) -> (i64, i64) {
        let sub = self.sub.as_ref().map_or(0, |s| text::width(s, SMALL));
        let name = self.name.iter().map(|l| text::width(l, NAME)).max();
        let w = name.unwrap_or(0).max(sub) + 26;
        let more = (self.name.len() as i64 - 1).max(0) * NAME_LINE;
        (w.max(60), more + if self.sub.is_some() { 44 } else { 34 })
    }

    fn draw(&self, svg: &mut Svg, r: Rect, linked: bool) {
        let x = r.x + r.w / 2;
        let more = (self.name.len() as i64 - 1).max(0) * NAME_LINE;
        let mut y = r.y + (r.h - more) / 2 + if self.sub.is_some() { -3 } else { 5 };
        for (i, line) in self.name.iter().enumerate() {
            // The style knows the first line behind a linked shape.
            svg.text(if linked && i == 0 { "" } else { "n" }, x, y, line);
            y += NAME_LINE;
        }
        if let Some(sub) = &self.sub {
            svg.text("", x, y, sub);
        }
    }
}

/// A box in the shape of its kind, with its caption, as a link if it has one; `focus` if the picture is about it.
fn draw_node(
    svg: &mut Svg,
    (kind, focus): (NodeKind, bool),
    caption: &Caption,
    link: Option<&str>,
    r: Rect,
) {
    let link = text::safe_link(link);
    if let Some(link) = &link {
        svg.open("a").attr("href", link);
    } else {
        svg.open("g");
    }
    if focus {
        svg.attr("class", "b");
    }
    if let Some(full) = &caption.full {
        svg.leaf("title", full);
    }
    if link.is_some() && kind == NodeKind::Service {
        // The style rounds it: many boxes, many bytes.
        svg.rect("", r, 0);
    } else {
        shape(svg, kind, r);
    }
    let below = if kind == NodeKind::Store { LID } else { 0 };
    let room = Rect {
        y: r.y + below,
        ..r
    };
    caption.draw(svg, room, link.is_some());
    svg.close();
}

/// How far the side of a shape lies inside its box at a point of the box's border.
fn inset(kind: NodeKind, r: Rect, p: (i64, i64)) -> i64 {
    let half = r.h as f64 / 2.0;
    let dy = (p.1 as f64 - r.y as f64 - half).abs();
    let side = p.0 == r.x || p.0 == r.x + r.w;
    let found = match kind {
        NodeKind::Actor if side => {
            let radius = half.min(ROUND as f64);
            let into = (dy - (half - radius)).max(0.0);
            radius - (radius * radius - into * into).max(0.0).sqrt()
        }
        NodeKind::Gateway if side => dy / half * POINT as f64,
        NodeKind::Store if !side => {
            let a = r.w as f64 / 2.0;
            let t = (p.0 as f64 - r.x as f64 - a) / a;
            LID as f64 * (1.0 - (1.0 - t * t).max(0.0).sqrt())
        }
        _ => 0.0,
    };
    found.round() as i64
}

/// Radius of an actor's sides.
const ROUND: i64 = 17;
/// Length of a gateway's points.
const POINT: i64 = 10;
/// Half height of a store's lid.
const LID: i64 = 5;

fn shape(svg: &mut Svg, kind: NodeKind, r: Rect) {
    let Rect { x, y, w, h } = r;
    match kind {
        NodeKind::Service => svg.rect("", r, 4),
        NodeKind::Team => {
            // A second sheet behind the first: there are several in it.
            let (x, w, h) = (x + 4, w - 4, h - 4);
            svg.path("", &format!("M{x} {}v-4h{w}v{h}h-4", y + 4));
            let (x, y) = (r.x, y + 4);
            svg.rect("", Rect { x, y, w, h }, 0);
        }
        NodeKind::External => svg.rect("x", r, 0),
        NodeKind::Actor => svg.rect("u", r, ROUND.min(h / 2)),
        NodeKind::Gateway => {
            let (inner, half) = (w - 2 * POINT, h / 2);
            let d = format!(
                "M{} {y}h{inner}l{POINT} {half}-{POINT} {}h-{inner}l-{POINT}-{}z",
                x + POINT,
                h - half,
                h - half
            );
            svg.path("w", &d);
        }
        NodeKind::Broker => {
            svg.rect("q", r, 2);
            svg.path("k q", &format!("M{} {y}v{h}M{} {y}v{h}", x + 6, x + w - 6));
        }
        NodeKind::Store => {
            // The lid, then the body under it, all one way round, so that one path is filled as a whole.
            let (a, v) = (w / 2, h - 2 * LID);
            let arc = format!("a{a} {LID} 0 0 0");
            let top = y + LID;
            let d = format!("M{x} {top}{arc} {w} 0{arc}-{w} 0v{v}{arc} {w} 0v-{v}");
            svg.path("d", &d);
        }
    }
}
