//! What the lines and signs of a sequence mean; only what occurs.

use super::super::super::sequence::{Event, Message, MessageKind};
use super::super::legend::{Rows, SAMPLE};
use super::super::writer::{Svg, polyline, tip};
use super::limit;
use super::piece::{look, span};

/// Narrowest room of a row.
const LEAST: i64 = 300;

/// A line, or a sign, that is explained.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Entry {
    Message(MessageKind),
    Limit,
    Fails,
    Undo,
}

impl Entry {
    const ALL: [Self; 7] = [
        Self::Message(MessageKind::Call),
        Self::Message(MessageKind::Reply),
        Self::Message(MessageKind::Event),
        Self::Message(MessageKind::Stream),
        Self::Limit,
        Self::Fails,
        Self::Undo,
    ];

    fn word(self) -> &'static str {
        match self {
            Self::Message(MessageKind::Call) => "call",
            Self::Message(MessageKind::Reply) => "answer",
            Self::Message(MessageKind::Event) => "event",
            Self::Message(MessageKind::Stream) => "stream",
            Self::Limit => "longest wait",
            Self::Fails => "✗ fails",
            Self::Undo => "↺ takes a step back",
        }
    }

    fn occurs(self, m: &Message) -> bool {
        match self {
            Self::Message(kind) => m.kind == kind && !m.failed && !m.compensation && !m.is_silent(),
            Self::Limit => limit(m).is_some(),
            Self::Fails => m.failed,
            Self::Undo => m.compensation,
        }
    }
}

/// The legend of one sequence.
pub(super) struct Legend {
    entries: Vec<Entry>,
    rows: Rows,
}

impl Legend {
    /// The legend of `events`, below a picture that is `width` pixels wide.
    pub(super) fn new(events: &[Event<'_>], width: i64) -> Self {
        let occurs = |e: &Entry| {
            events
                .iter()
                .any(|event| matches!(event, Event::Message(m) if e.occurs(m)))
        };
        let entries: Vec<Entry> = Entry::ALL.into_iter().filter(occurs).collect();
        let rows = Rows::new(entries.iter().map(|e| e.word()), width.max(LEAST));
        Self { entries, rows }
    }

    pub(super) fn width(&self) -> i64 {
        self.rows.width
    }

    pub(super) fn height(&self) -> i64 {
        self.rows.height
    }

    /// Below the line `below`, from `left` on.
    pub(super) fn draw(&self, svg: &mut Svg, left: i64, below: i64) {
        if self.entries.is_empty() {
            return;
        }
        svg.anchored("s");
        for (entry, &(x, y)) in self.entries.iter().zip(&self.rows.places) {
            let (x, y) = (x + left, y + below);
            let ends = [(x, y + 9), (x + SAMPLE, y + 9)];
            let (class, shape) = match *entry {
                Entry::Limit => {
                    svg.path("k l", &span(x + SAMPLE / 2, y, y + 18));
                    svg.text("", x + SAMPLE + 6, y + 13, entry.word());
                    continue;
                }
                Entry::Message(kind) => look(kind, false),
                Entry::Fails | Entry::Undo => look(MessageKind::Call, true),
            };
            svg.path(&format!("e{class}"), &polyline(&ends, None, 0));
            svg.path(&format!("t{class}"), &tip(ends[0], ends[1], shape));
            svg.text("", x + SAMPLE + 6, y + 13, entry.word());
        }
        svg.close();
    }
}
