//! The sequence diagram: lifelines, activations, messages, frames and notes.

mod columns;
mod legend;
mod piece;

use super::super::layout::Rect;
use super::super::sequence::{Event, FrameKind, Message, MessageKind, Sequence, count, flatten};
use super::super::{MAX_PARTICIPANTS, MAX_STEPS, TooLarge, bounded, text};
use super::writer::{Svg, Tip};
use super::{Options, SMALL, SMALL_LINE, draw_node};
use columns::{BESIDE, Columns, LABEL, Place, TITLE};
use legend::Legend;
use piece::{Piece, look};
use std::fmt::Write;

/// Widest line of a note.
const NOTE: i64 = 260;
/// Most lines of a note.
const NOTE_LINES: usize = 4;
/// Half the width of an activation.
const BAR: i64 = 4;
/// How far a message to oneself stands off.
const SELF: i64 = 26;
/// How far a frame reaches beyond the outermost lifeline in it.
const REACH: i64 = 18;
/// How far the span of a time limit stands off its lifeline.
const OFF: i64 = BAR + 5;
/// Taller pictures say at the bottom again who is who.
const TALL: i64 = 640;

/// Which way words grow from where they begin.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Left,
    Right,
}

impl Side {
    fn sign(self) -> i64 {
        match self {
            Self::Left => -1,
            Self::Right => 1,
        }
    }
}

/// Where an event of a [flat](flatten) sequence is drawn.
#[derive(Clone, Debug, Default)]
pub struct Drawn {
    /// A message's line.
    pub points: Vec<(i64, i64)>,
    /// A note, a frame, or what is written beside a message; none if nothing is.
    pub area: Option<Rect>,
    /// How long the receiver of a call works: its bar.
    pub work: Option<Rect>,
}

/// Where everything in a picture is.
#[derive(Clone, Debug, Default)]
pub struct Places {
    /// The picture's width and height.
    pub size: (i64, i64),
    /// The heads of the participants.
    pub heads: Vec<Rect>,
    /// Each event of the flat sequence. A frame's is where it opens.
    pub events: Vec<Drawn>,
}

/// A participant at work.
struct Active {
    top: i64,
    /// The event that called it.
    by: usize,
    /// Where the span of its caller's time limit stands, if it has one.
    span: Option<i64>,
}

/// A frame that is still open.
struct Opened {
    at: usize,
    /// The event that opens it.
    event: usize,
    top: i64,
    kind: FrameKind,
    /// Where its word has to end.
    edge: i64,
    low: i64,
    high: i64,
    dividers: Vec<usize>,
}

/// The picture as it grows downwards.
struct Canvas {
    columns: Columns,
    y: i64,
    right: i64,
    left: i64,
    pieces: Vec<Piece>,
    bars: Vec<Rect>,
    active: Vec<Vec<Active>>,
    open: Vec<Opened>,
    /// The event that is placed now.
    now: usize,
    drawn: Vec<Drawn>,
}

/// A sequence with everything at its place.
struct Placed {
    canvas: Canvas,
    /// Height of the heads.
    head: i64,
    /// Height of what says at the bottom again who is who.
    foot: i64,
    legend: Legend,
}

impl Placed {
    /// How far the canvas is moved to the right.
    fn shift(&self) -> i64 {
        -self.canvas.left
    }

    /// Where the lifelines end.
    fn bottom(&self) -> i64 {
        self.canvas.y + 8
    }

    fn size(&self) -> (i64, i64) {
        let width = (self.canvas.right + self.shift()).max(self.legend.width());
        let height = self.bottom() + self.foot + self.legend.height();
        (width, height)
    }
}

/// Everything of `sequence` at its place.
fn placed(sequence: &Sequence, column: i64) -> Result<Placed, TooLarge> {
    bounded(
        "participants",
        sequence.participants.len(),
        MAX_PARTICIPANTS,
    )?;
    bounded("steps", count(&sequence.steps, MAX_STEPS), MAX_STEPS)?;
    let events = flatten(sequence);
    let columns = Columns::new(sequence, &events, column);
    let head = columns.heads.iter().map(|h| h.1).max().unwrap_or(0);
    let mut canvas = Canvas {
        active: columns.x.iter().map(|_| Vec::new()).collect(),
        y: head + 16,
        right: columns.width(),
        columns,
        left: 0,
        pieces: Vec::new(),
        bars: Vec::new(),
        open: Vec::new(),
        now: 0,
        drawn: vec![Drawn::default(); events.len()],
    };
    for (i, event) in events.iter().enumerate() {
        let place = canvas.columns.places.get(i).copied().unwrap_or_default();
        canvas.now = i;
        canvas.event(event, place);
    }
    canvas.end();
    let legend = Legend::new(&events, canvas.right - canvas.left);
    let foot = if canvas.y > TALL { head + 8 } else { 0 };
    Ok(Placed {
        canvas,
        head,
        foot,
        legend,
    })
}

/// Where the heads and the events of `sequence` are drawn, for programs.
///
/// # Errors
///
/// As [`sequence`].
pub fn places(sequence: &Sequence, column: i64) -> Result<Places, TooLarge> {
    let placed = placed(sequence, column)?;
    let (size, shift) = (placed.size(), placed.shift());
    let Placed { canvas, head, .. } = placed;
    let columns = canvas.columns.x.iter().zip(&canvas.columns.heads);
    let heads = columns.map(|(x, &(w, h))| Rect {
        x: x - w / 2 + shift,
        y: head - h,
        w,
        h,
    });
    let moved = |r: Rect| Rect {
        x: r.x + shift,
        ..r
    };
    let events = canvas.drawn.into_iter().map(|d| Drawn {
        points: d.points.iter().map(|p| (p.0 + shift, p.1)).collect(),
        area: d.area.map(moved),
        work: d.work.map(moved),
    });
    Ok(Places {
        size,
        heads: heads.collect(),
        events: events.collect(),
    })
}

/// Draws `sequence`; one line without a line break.
///
/// # Errors
///
/// [`TooLarge`] if the sequence is above the limits of the [module](super::super).
pub fn sequence(sequence: &Sequence, options: &Options<'_>) -> Result<String, TooLarge> {
    let placed = placed(sequence, options.wish.column)?;
    let (size, shift, bottom) = (placed.size(), placed.shift(), placed.bottom());
    let Placed {
        canvas,
        head,
        foot,
        legend,
    } = placed;
    let linked = sequence
        .participants
        .iter()
        .any(|p| text::safe_link(p.link.as_deref()).is_some());
    let names = (sequence.title.as_str(), sequence.description.as_str());
    let mut svg = Svg::new(options, names, size, linked);
    let group = |svg: &mut Svg| {
        if shift > 0 {
            svg.open("g")
                .attr("transform", &format!("translate({shift})"));
        }
    };
    group(&mut svg);
    for piece in &canvas.pieces {
        if let Piece::Frame { r, .. } = piece {
            svg.rect("v", *r, 0);
        }
    }
    let mut lifelines = String::new();
    for x in &canvas.columns.x {
        let _ = write!(lifelines, "M{x} {head}V{bottom}");
    }
    svg.path("k j", &lifelines);
    for bar in &canvas.bars {
        svg.rect("", *bar, 0);
    }
    let mut labels = piece::Labels::new();
    for piece in &canvas.pieces {
        piece.draw(&mut svg, &mut labels);
    }
    piece::write(&mut svg, labels);
    legend.draw(&mut svg, -shift, bottom + foot);
    if shift > 0 {
        svg.close();
    }
    if linked {
        svg.close();
    }
    group(&mut svg);
    for (i, p) in sequence.participants.iter().enumerate() {
        let (w, h) = canvas.columns.heads[i];
        let x = canvas.columns.x[i] - w / 2;
        let caption = &canvas.columns.captions[i];
        let mut r = Rect {
            x,
            y: head - h,
            w,
            h,
        };
        draw_node(&mut svg, (p.kind, false), caption, p.link.as_deref(), r);
        if foot > 0 {
            r.y = bottom;
            draw_node(&mut svg, (p.kind, false), caption, None, r);
        }
    }
    Ok(svg.finish())
}

/// The texts above an arrow: its label and the remark below. The time limit of a call is not among
/// them; it becomes a span.
fn texts(m: &Message) -> Vec<String> {
    let mark = match (m.failed, m.compensation) {
        (true, true) => "✗ ↺ ",
        (true, false) => "✗ ",
        (false, true) => "↺ ",
        (false, false) => "",
    };
    let mut out = vec![format!("{mark}{}", text::operation(&m.label))];
    if m.kind != MessageKind::Call {
        out.extend(m.note.iter().map(|n| text::clean(n)));
    }
    out.retain(|l| !l.trim().is_empty());
    out
}

/// The time limit of a call.
fn limit(m: &Message) -> Option<String> {
    let note = m.note.as_ref().filter(|_| m.kind == MessageKind::Call)?;
    Some(text::fit(note, SMALL, LABEL)).filter(|n| !n.is_empty())
}

/// Width of the word in a frame's corner, with its border.
fn tab(word: &str) -> i64 {
    // Bold letters are wider than the table says.
    text::width(word, SMALL) * 11 / 10 + 14
}

fn widest(lines: &[String]) -> i64 {
    lines
        .iter()
        .map(|l| text::width(l, SMALL))
        .max()
        .unwrap_or(0)
}

impl Canvas {
    fn event(&mut self, event: &Event<'_>, place: Place) {
        match event {
            Event::Message(m) => self.message(m, place),
            Event::Note(over, words) => self.note(over, words, place),
            Event::Open(kind, title) => {
                self.y += 6;
                self.open.push(Opened {
                    at: self.pieces.len(),
                    event: self.now,
                    top: self.y,
                    kind: *kind,
                    edge: self.columns.x.get(place.from).map_or(0, |x| x - OFF - 4),
                    low: i64::MAX,
                    high: i64::MIN,
                    dividers: Vec::new(),
                });
                self.title(title, place);
            }
            Event::Divide(kind, title) => {
                self.y += 6;
                if let Some(open) = self.open.last_mut() {
                    open.dividers.push(self.pieces.len());
                }
                self.pieces.push(Piece::Divide {
                    y: self.y,
                    x: 0,
                    to: 0,
                    joint: kind.joint(),
                });
                self.title(title, place);
            }
            Event::Close => self.close_frame(),
        }
    }

    /// The words of a frame or a branch, beside the first lifeline in it.
    fn title(&mut self, title: &str, place: Place) {
        let x = &self.columns.x;
        let (Some(from), Some(last)) = (x.get(place.from), x.get(place.last)) else {
            return;
        };
        let begin = from + OFF + 6;
        let inside = last + REACH - 8 - begin;
        // A short title is not broken for want of room.
        let short = text::width(title, SMALL).min(columns::SHORT);
        let least = text::narrowest(title, SMALL, TITLE, self.columns.lines.max(2)).max(short);
        let room = match self.columns.room(place) {
            Some(room) => room - OFF - 6 - OFF,
            None => inside.max(least),
        };
        let lines = text::wrap_path(title, SMALL, room.min(TITLE), columns::LINES);
        let (end, height) = (begin + widest(&lines) + 8, lines.len() as i64 * SMALL_LINE);
        self.write(false, Side::Right, begin, self.y + 13, lines);
        self.reach(begin, end);
        self.y += height + 6;
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

    fn message(&mut self, m: &Message, place: Place) {
        let beside = if m.from == m.to { SELF + 12 } else { BESIDE };
        let room = self.columns.room(place).map_or(LABEL, |r| r - beside);
        let wrapped = |t: &String| text::wrap_path(t, SMALL, room.min(LABEL), columns::LINES);
        let lines: Vec<String> = texts(m).iter().flat_map(wrapped).collect();
        let bad = m.compensation || m.failed;
        let (class, shape) = look(m.kind, bad);
        let (from, to) = (self.columns.x[m.from], self.columns.x[m.to]);
        let span = limit(m);
        if m.from == m.to && m.kind == MessageKind::Reply && lines.is_empty() {
            // Nobody else hears of it: the end of the activation says enough.
            self.deactivate(m.from, self.y);
            self.y += 6;
            return;
        }
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
            self.line(class, shape, points);
            self.beside(bad, Side::Right, from + SELF + 6, top + 9, lines);
            self.reach(from - REACH, from + SELF + 12 + w);
            self.y = top + height + 6;
            match m.kind {
                MessageKind::Call => {
                    let line = span.is_some().then_some(from - OFF);
                    self.limit(Side::Left, from, top + 14, span);
                    let top = top + 14;
                    let by = self.now;
                    self.active[m.to].push(Active {
                        top,
                        by,
                        span: line,
                    });
                }
                MessageKind::Reply => self.deactivate(m.from, top),
                _ => {}
            }
            return;
        }
        let side = if to > from { Side::Right } else { Side::Left };
        let sign = side.sign();
        if m.kind == MessageKind::Call || !lines.is_empty() {
            self.y += lines.len() as i64 * SMALL_LINE + 6;
        } else {
            self.y += 4;
        }
        let y = self.y;
        let first = y + 4 - lines.len() as i64 * SMALL_LINE + 6;
        self.beside(bad, side, from + sign * (BAR + 8), first, lines);
        if m.kind == MessageKind::Call {
            let line = span.is_some().then_some(from + sign * OFF);
            let (top, by) = (y, self.now);
            self.active[m.to].push(Active {
                top,
                by,
                span: line,
            });
        }
        let bar = |active: bool| if active { BAR } else { 0 };
        let begin = from + sign * bar(!self.active[m.from].is_empty());
        let end = to - sign * bar(!self.active[m.to].is_empty());
        self.line(class, shape, vec![(begin, y), (end, y)]);
        if m.kind == MessageKind::Reply {
            self.deactivate(m.from, y);
        }
        self.reach(from.min(to) - REACH, from.max(to) + REACH);
        self.y = y + 10;
        self.limit(side, from, y, span);
    }

    fn line(&mut self, class: &'static str, tip: Tip, points: Vec<(i64, i64)>) {
        if let Some(drawn) = self.drawn.get_mut(self.now) {
            drawn.points.clone_from(&points);
        }
        self.pieces.push(Piece::Message { class, tip, points });
    }

    /// What is written beside the message that is placed now.
    fn beside(&mut self, bad: bool, side: Side, x: i64, y: i64, lines: Vec<String>) {
        let w = widest(&lines);
        let area = Rect {
            x: if side == Side::Left { x - w } else { x },
            y: y - SMALL,
            w,
            h: lines.len() as i64 * SMALL_LINE,
        };
        if let Some(drawn) = self.drawn.get_mut(self.now).filter(|_| w > 0) {
            drawn.area = Some(area);
        }
        self.write(bad, side, x, y, lines);
    }

    /// Lines of text that begin at `x` and grow to `side`.
    fn write(&mut self, bad: bool, side: Side, x: i64, y: i64, lines: Vec<String>) {
        let class = match (side, bad) {
            (Side::Right, false) => "s o",
            (Side::Right, true) => "s o f",
            (Side::Left, false) => "g o",
            (Side::Left, true) => "g o f",
        };
        for (i, text) in lines.into_iter().enumerate() {
            let y = y + i as i64 * SMALL_LINE;
            if !text.is_empty() {
                self.pieces.push(Piece::Label { class, x, y, text });
            }
        }
    }

    /// The words of a time limit below the arrow that begins at `y`; its span follows with the reply.
    fn limit(&mut self, side: Side, from: i64, y: i64, words: Option<String>) {
        let Some(words) = words else { return };
        let x = from + side.sign() * (OFF + 4);
        let end = x + side.sign() * (text::width(&words, SMALL) + 4);
        self.reach(end.min(from), end.max(from));
        self.write(false, side, x, y + 14, vec![words]);
        self.y = self.y.max(y + 20);
    }

    fn deactivate(&mut self, who: usize, y: i64) {
        let Some(active) = self.active[who].pop() else {
            return;
        };
        let nested = self.active[who].len().min(3) as i64;
        let x = self.columns.x[who] - BAR + nested * 2;
        let bar = Rect {
            x,
            y: active.top,
            w: 2 * BAR,
            h: (y - active.top).max(6),
        };
        self.bars.push(bar);
        if let Some(drawn) = self.drawn.get_mut(active.by) {
            drawn.work = Some(bar);
        }
        if let Some(x) = active.span {
            let (from, to) = (active.top, y);
            self.pieces.push(Piece::Span { x, y: from, to });
        }
    }

    fn note(&mut self, over: &[usize], words: &str, place: Place) {
        let x = &self.columns.x;
        let known: Vec<i64> = over.iter().filter_map(|&p| x.get(p)).copied().collect();
        let span = if known.is_empty() { x } else { &known };
        let low = span.iter().copied().min().unwrap_or(0);
        let high = span.iter().copied().max().unwrap_or(0);
        // Beside the lifeline of a single participant, across those of several.
        let alone = low == high;
        let room = if alone {
            let free = self.columns.room(place).map_or(NOTE, |r| r - OFF - 32);
            free.min(NOTE)
        } else {
            (high - low + 80).max(NOTE)
        };
        let lines = text::wrap_path(words, SMALL, room, NOTE_LINES);
        let spread = if alone { 0 } else { high - low + 40 };
        let w = (widest(&lines) + 16).max(spread);
        let x = if alone {
            low + OFF
        } else {
            i64::midpoint(low, high) - w / 2
        };
        let middle = x + w / 2;
        let h = lines.len() as i64 * SMALL_LINE + 8;
        let r = Rect {
            x,
            y: self.y + 4,
            w,
            h,
        };
        if let Some(drawn) = self.drawn.get_mut(self.now) {
            drawn.area = Some(r);
        }
        self.pieces.push(Piece::Note(r));
        for (i, text) in lines.into_iter().enumerate() {
            let y = r.y + 15 + i as i64 * SMALL_LINE;
            self.pieces.push(Piece::Label {
                class: "",
                x: middle,
                y,
                text,
            });
        }
        self.reach(r.x.min(low - REACH), r.x + r.w + 8);
        self.y += h + 12;
    }

    fn close_frame(&mut self) {
        let Some(open) = self.open.pop() else { return };
        self.y += 4;
        let (mut low, mut high) = (open.low, open.high);
        if low > high {
            low = self.columns.x.first().copied().unwrap_or(0) - REACH;
            high = self.columns.x.last().copied().unwrap_or(0) + REACH;
        }
        // Its word stands beside the bars, not on them.
        low = low.min(open.edge - tab(open.kind.word()));
        high = high.max(open.edge + 2 * REACH);
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
        if let Some(drawn) = self.drawn.get_mut(open.event) {
            drawn.area = Some(r);
        }
        self.pieces
            .insert(open.at, Piece::Frame { r, kind: open.kind });
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
