//! The sequence diagram: lifelines, activations, messages, frames and notes.

use super::super::layout::Rect;
use super::super::sequence::{Event, FrameKind, Message, MessageKind, Sequence, count, flatten};
use super::super::{MAX_PARTICIPANTS, MAX_STEPS, TooLarge, bounded, text};
use super::writer::{Svg, Tip, polyline, tip};
use super::{Caption, Options, SMALL, SMALL_LINE, draw_node};
use std::fmt::Write;

/// Widest label of a message.
const LABEL: i64 = 240;
/// Widest line of a note.
const NOTE: i64 = 260;
/// Between two heads.
const GAP: i64 = 24;
/// Half the width of an activation.
const BAR: i64 = 4;
/// How far a message to oneself stands off.
const SELF: i64 = 26;
/// How far a frame reaches beyond the outermost lifeline in it.
const REACH: i64 = 44;

/// A placed piece of the picture.
enum Piece {
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
    Frame {
        r: Rect,
        kind: FrameKind,
        title: String,
    },
    Divide {
        y: i64,
        x: i64,
        to: i64,
        title: String,
    },
}

/// A frame that is still open.
struct Opened {
    at: usize,
    top: i64,
    kind: FrameKind,
    title: String,
    low: i64,
    high: i64,
    dividers: Vec<usize>,
}

/// The picture as it grows downwards.
struct Canvas {
    x: Vec<i64>,
    y: i64,
    right: i64,
    left: i64,
    pieces: Vec<Piece>,
    bars: Vec<Rect>,
    active: Vec<Vec<i64>>,
    open: Vec<Opened>,
}

/// Draws `sequence`; one line without a line break.
///
/// # Errors
///
/// [`TooLarge`] if the sequence is above the limits of the [module](super::super).
pub fn sequence(sequence: &Sequence, options: &Options<'_>) -> Result<String, TooLarge> {
    bounded(
        "participants",
        sequence.participants.len(),
        MAX_PARTICIPANTS,
    )?;
    bounded("steps", count(&sequence.steps, MAX_STEPS), MAX_STEPS)?;
    let events = flatten(sequence);
    let captions: Vec<Caption> = sequence
        .participants
        .iter()
        .map(|p| Caption::new(&p.label, None))
        .collect();
    let heads: Vec<(i64, i64)> = captions
        .iter()
        .map(|c| {
            let (w, h) = c.size();
            ((w + 13) / 2 * 2, h + 6)
        })
        .collect();
    let head = heads.iter().map(|h| h.1).max().unwrap_or(0);
    let x = columns(&heads, &events);
    let right = x.last().zip(heads.last()).map_or(0, |(x, h)| x + h.0 / 2);
    let mut canvas = Canvas {
        active: vec![Vec::new(); x.len()],
        x,
        y: head + 16,
        right,
        left: 0,
        pieces: Vec::new(),
        bars: Vec::new(),
        open: Vec::new(),
    };
    for event in &events {
        canvas.event(event);
    }
    canvas.end();

    let shift = -canvas.left;
    let bottom = canvas.y + 8;
    let linked = sequence
        .participants
        .iter()
        .any(|p| text::safe_link(p.link.as_deref()).is_some());
    let names = (sequence.title.as_str(), sequence.description.as_str());
    let mut svg = Svg::new(options, names, (canvas.right + shift, bottom), linked);
    if shift > 0 {
        svg.open("g")
            .attr("transform", &format!("translate({shift})"));
    }
    for x in &canvas.x {
        svg.path("k j", &format!("M{x} {head}V{bottom}"));
    }
    for piece in &canvas.pieces {
        if let Piece::Frame { r, .. } = piece {
            svg.rect("v", *r, 4);
        }
    }
    for bar in &canvas.bars {
        svg.rect("b", *bar, 0);
    }
    for piece in &canvas.pieces {
        piece.draw(&mut svg);
    }
    for (i, p) in sequence.participants.iter().enumerate() {
        let (w, h) = heads[i];
        let r = Rect {
            x: canvas.x[i] - w / 2,
            y: head - h,
            w,
            h,
        };
        draw_node(&mut svg, p.kind, &captions[i], p.link.as_deref(), r);
    }
    Ok(svg.finish())
}

/// The texts of a message: its label and the smaller line below.
fn texts(m: &Message) -> Vec<String> {
    let label = if m.compensation {
        format!("↺ {}", m.label)
    } else {
        m.label.clone()
    };
    let label = if m.failed {
        format!("✗ {label}")
    } else {
        label
    };
    let note = m.note.iter().map(|n| text::fit(n, SMALL, LABEL));
    let mut out = vec![text::fit(&label, SMALL, LABEL)];
    out.extend(note);
    out.retain(|l| !l.is_empty());
    out
}

fn widest(lines: &[String]) -> i64 {
    lines
        .iter()
        .map(|l| text::width(l, SMALL))
        .max()
        .unwrap_or(0)
}

/// The lifelines: no nearer than their heads and the labels between them allow.
fn columns(heads: &[(i64, i64)], events: &[Event<'_>]) -> Vec<i64> {
    let mut x: Vec<i64> = Vec::with_capacity(heads.len());
    let mut needs: Vec<Vec<(usize, i64)>> = vec![Vec::new(); heads.len()];
    for event in events {
        if let Event::Message(m) = event {
            let (low, high) = (m.from.min(m.to), m.from.max(m.to));
            let room = widest(&texts(m)) + 2 * BAR + 24;
            if low < high {
                needs[high].push((low, room));
            } else if high + 1 < heads.len() {
                needs[high + 1].push((high, room + SELF));
            }
        }
    }
    for (i, &(w, _)) in heads.iter().enumerate() {
        let mut at = if i == 0 {
            w / 2
        } else {
            x[i - 1] + (heads[i - 1].0 + w) / 2 + GAP
        };
        for &(from, room) in &needs[i] {
            at = at.max(x[from] + room);
        }
        x.push(at);
    }
    x
}

impl Canvas {
    fn event(&mut self, event: &Event<'_>) {
        match event {
            Event::Message(m) => self.message(m),
            Event::Note(over, words) => self.note(over, words),
            Event::Open(kind, title) => {
                self.y += 6;
                let title = text::fit(title, SMALL, LABEL);
                let (at, top) = (self.pieces.len(), self.y);
                let (low, high) = (i64::MAX, i64::MIN);
                self.open.push(Opened {
                    at,
                    top,
                    kind: *kind,
                    title,
                    low,
                    high,
                    dividers: Vec::new(),
                });
                self.y += 24;
            }
            Event::Divide(kind, title) => {
                self.y += 6;
                let title = match text::fit(title, SMALL, LABEL) {
                    t if t.is_empty() => kind.joint().to_owned(),
                    t => format!("{}: {t}", kind.joint()),
                };
                if let Some(open) = self.open.last_mut() {
                    open.dividers.push(self.pieces.len());
                }
                self.pieces.push(Piece::Divide {
                    y: self.y,
                    x: 0,
                    to: 0,
                    title,
                });
                self.y += 18;
            }
            Event::Close => self.close_frame(),
        }
    }

    /// Tells the open frames, and the picture, how far something reaches.
    fn reach(&mut self, low: i64, high: i64) {
        self.left = self.left.min(low);
        self.right = self.right.max(high);
        for open in &mut self.open {
            open.low = open.low.min(low);
            open.high = open.high.max(high);
        }
    }

    fn message(&mut self, m: &Message) {
        let lines = texts(m);
        let bad = m.compensation || m.failed;
        let (class, shape) = match (m.kind, bad) {
            (MessageKind::Call, false) => ("", Tip::Full),
            (MessageKind::Call, true) => (" c", Tip::Full),
            (MessageKind::Reply, false) => (" x o", Tip::Open),
            (MessageKind::Reply, true) => (" c o", Tip::Open),
            (MessageKind::Event, false) => (" y", Tip::Open),
            (MessageKind::Event, true) => (" c o", Tip::Open),
            (MessageKind::Stream, _) => (" r", Tip::Double),
        };
        let words = if bad { "o f" } else { "o" };
        let (from, to) = (self.x[m.from], self.x[m.to]);
        let ends_call = m.kind == MessageKind::Reply;
        if m.from == m.to {
            let top = self.y + 8;
            let w = widest(&lines);
            let height = (lines.len() as i64 * SMALL_LINE).max(16);
            let begin = from + BAR;
            let points = vec![
                (begin, top),
                (from + SELF, top),
                (from + SELF, top + 14),
                (begin, top + 14),
            ];
            self.pieces.push(Piece::Message {
                class,
                tip: shape,
                points,
            });
            for (i, text) in lines.into_iter().enumerate() {
                let (x, y) = (from + SELF + 6 + w / 2, top + 9 + i as i64 * SMALL_LINE);
                self.pieces.push(Piece::Label {
                    class: words,
                    x,
                    y,
                    text,
                });
            }
            self.reach(from - 20, from + SELF + 12 + w);
            self.y = top + height + 6;
            return;
        }
        for (i, text) in lines.iter().enumerate() {
            let y = self.y + 12 + i as i64 * SMALL_LINE;
            let x = i64::midpoint(from, to);
            self.pieces.push(Piece::Label {
                class: words,
                x,
                y,
                text: text.clone(),
            });
        }
        let y = self.y + lines.len() as i64 * SMALL_LINE + 6;
        let side = (to - from).signum();
        if m.kind == MessageKind::Call {
            self.active[m.to].push(y);
        }
        let bar = |active: bool| if active { BAR } else { 0 };
        let begin = from + side * bar(!self.active[m.from].is_empty());
        let end = to - side * bar(!self.active[m.to].is_empty());
        self.pieces.push(Piece::Message {
            class,
            tip: shape,
            points: vec![(begin, y), (end, y)],
        });
        if ends_call {
            self.deactivate(m.from, y);
        }
        self.reach(from.min(to) - REACH, from.max(to) + REACH);
        self.y = y + 10;
    }

    fn deactivate(&mut self, who: usize, y: i64) {
        if let Some(top) = self.active[who].pop() {
            let nested = self.active[who].len().min(3) as i64;
            let x = self.x[who] - BAR + nested * 2;
            self.bars.push(Rect {
                x,
                y: top,
                w: 2 * BAR,
                h: (y - top).max(2),
            });
        }
    }

    fn note(&mut self, over: &[usize], words: &str) {
        let known: Vec<i64> = over
            .iter()
            .filter_map(|&p| self.x.get(p))
            .copied()
            .collect();
        let span = if known.is_empty() { &self.x } else { &known };
        let low = span.iter().copied().min().unwrap_or(0);
        let high = span.iter().copied().max().unwrap_or(0);
        let room = (high - low + 80).max(NOTE);
        let lines = text::wrap(words, SMALL, room, 4);
        let w = (widest(&lines) + 16).max(high - low + 40);
        let middle = i64::midpoint(low, high);
        let h = lines.len() as i64 * SMALL_LINE + 8;
        let r = Rect {
            x: middle - w / 2,
            y: self.y + 4,
            w,
            h,
        };
        self.pieces.push(Piece::Note(r));
        for (i, text) in lines.into_iter().enumerate() {
            let y = r.y + 15 + i as i64 * SMALL_LINE;
            self.pieces.push(Piece::Label {
                class: "m",
                x: middle,
                y,
                text,
            });
        }
        self.reach(r.x - 8, r.x + r.w + 8);
        self.y += h + 12;
    }

    fn close_frame(&mut self) {
        let Some(open) = self.open.pop() else { return };
        self.y += 4;
        let header =
            text::width(open.kind.word(), SMALL) * 11 / 10 + text::width(&open.title, SMALL) + 36;
        let (mut low, mut high) = (open.low, open.high);
        if low > high {
            low = self.x.first().copied().unwrap_or(0) - REACH;
            high = self.x.last().copied().unwrap_or(0) + REACH;
        }
        for &at in &open.dividers {
            if let Piece::Divide { title, .. } = &self.pieces[at] {
                high = high.max(low + text::width(title, SMALL) + 24);
            }
        }
        high = high.max(low + header);
        for &at in &open.dividers {
            if let Piece::Divide { x, to, .. } = &mut self.pieces[at] {
                (*x, *to) = (low, high);
            }
        }
        let r = Rect {
            x: low,
            y: open.top,
            w: high - low,
            h: self.y - open.top,
        };
        self.pieces.insert(
            open.at,
            Piece::Frame {
                r,
                kind: open.kind,
                title: open.title,
            },
        );
        // What stands behind the inserted piece has moved by one.
        for outer in &mut self.open {
            for at in outer.dividers.iter_mut().filter(|at| **at >= open.at) {
                *at += 1;
            }
        }
        self.reach(low - 6, high + 6);
        self.y += 6;
    }

    /// Ends all activations.
    fn end(&mut self) {
        while !self.open.is_empty() {
            self.close_frame();
        }
        for who in 0..self.active.len() {
            while !self.active[who].is_empty() {
                self.deactivate(who, self.y);
            }
        }
        // Nested activations are pushed from the inside; the outer one has to lie below.
        self.bars.sort_by_key(|b| (b.y, b.x));
    }
}

impl Piece {
    fn draw(&self, svg: &mut Svg) {
        match self {
            Self::Message {
                class,
                tip: shape,
                points,
            } => {
                let [.., from, at] = points.as_slice() else {
                    return;
                };
                svg.path(&format!("e{class}"), &polyline(points, None));
                svg.path(&format!("t{class}"), &tip(*from, *at, *shape));
            }
            Self::Label { class, x, y, text } => svg.text(class, *x, *y, text),
            Self::Note(r) => svg.rect("b", *r, 2),
            Self::Frame { r, kind, title } => {
                let word = kind.word();
                let w = text::width(word, SMALL) * 11 / 10 + 14;
                let mut d = String::new();
                let _ = write!(d, "M{} {}h{w}v12l-6 6H{}z", r.x, r.y, r.x);
                svg.path("b", &d);
                svg.text("h", r.x + 6, r.y + 13, word);
                if !title.is_empty() {
                    svg.text("s o", r.x + w + 6, r.y + 13, title);
                }
            }
            Self::Divide { y, x, to, title } => {
                svg.path("k j", &format!("M{x} {y}H{to}"));
                svg.text("s o", x + 8, y + 13, title);
            }
        }
    }
}
