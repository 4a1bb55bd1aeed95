//! The pieces of a sequence, and how each is drawn.

use super::super::super::layout::Rect;
use super::super::super::sequence::{FrameKind, MessageKind};
use super::super::writer::{CORNER, Svg, Tip, polyline, tip};
use super::tab;
use std::collections::BTreeMap;

/// A placed piece of the picture.
pub(super) enum Piece {
    Message {
        class: &'static str,
        tip: Tip,
        points: Vec<(i64, i64)>,
    },
    Label {
        class: &'static str,
        x: i64,
        y: i64,
        text: String,
    },
    Note(Rect),
    /// A time limit: from here to there on a lifeline.
    Span {
        x: i64,
        y: i64,
        to: i64,
    },
    Frame {
        r: Rect,
        kind: FrameKind,
    },
    Divide {
        y: i64,
        x: i64,
        to: i64,
        joint: &'static str,
    },
}

/// Texts by class: where each stands, and what it says.
pub(super) type Labels<'p> = BTreeMap<&'static str, Vec<(i64, i64, &'p str)>>;

/// Draws texts, those of one class as one group.
pub(super) fn write(svg: &mut Svg, labels: Labels<'_>) {
    for (class, all) in labels {
        if !class.is_empty() {
            svg.anchored(class);
        }
        for (x, y, text) in all {
            svg.text("", x, y, text);
        }
        if !class.is_empty() {
            svg.close();
        }
    }
}

impl Piece {
    /// Draws all but its texts, which are added to `labels`: they stand above all lines.
    pub(super) fn draw<'p>(&'p self, svg: &mut Svg, labels: &mut Labels<'p>) {
        let mut label = |class, x, y, text| labels.entry(class).or_default().push((x, y, text));
        match self {
            Self::Message {
                class,
                tip: shape,
                points,
            } => {
                let [.., from, at] = points.as_slice() else {
                    return;
                };
                svg.path(&format!("e{class}"), &polyline(points, None, CORNER));
                svg.path(&format!("t{class}"), &tip(*from, *at, *shape));
            }
            Self::Label { class, x, y, text } => label(*class, *x, *y, text.as_str()),
            Self::Note(r) => svg.rect("", *r, 2),
            Self::Span { x, y, to } => svg.path("k l", &span(*x, *y, *to)),
            Self::Frame { r, kind } => {
                let word = kind.word();
                let w = tab(word);
                let d = format!("M{} {}h{w}v11l-6 6h-{}z", r.x, r.y, w - 6);
                svg.path("", &d);
                label("h", r.x + 6, r.y + 13, word);
            }
            Self::Divide { y, x, to, joint } => {
                svg.path("k j", &format!("M{x} {y}H{to}"));
                label("h", x + 6, y + 13, joint);
            }
        }
    }
}

/// Class and tip of a message's line; `bad` if it fails or takes back an earlier step.
pub(super) fn look(kind: MessageKind, bad: bool) -> (&'static str, Tip) {
    match (kind, bad) {
        (MessageKind::Call, false) => ("", Tip::Full),
        (MessageKind::Call, true) => (" c", Tip::Full),
        (MessageKind::Reply, false) => (" x o", Tip::Open),
        (MessageKind::Reply | MessageKind::Event, true) => (" c o", Tip::Open),
        (MessageKind::Event, false) => (" y", Tip::Open),
        (MessageKind::Stream, _) => (" r", Tip::Double),
    }
}

/// A time limit on a lifeline, from here to there.
pub(super) fn span(x: i64, from: i64, to: i64) -> String {
    let (top, length) = (from + 2, (to - from - 4).max(0));
    format!("M{} {top}h6m-3 0v{length}m-3 0h6", x - 3)
}
