//! Where the lifelines stand: as near to each other as their heads, and what is written between them,
//! allow. Words may cross the lifelines of those who do nothing meanwhile, never the bars of others.

use super::super::super::sequence::{Event, Message, MessageKind, Sequence};
use super::super::super::text;
use super::super::{Caption, NodeKind, SMALL};
use super::{BAR, NOTE, NOTE_LINES, OFF, SELF, limit, tab, texts};

/// Widest line of a label.
pub(super) const LABEL: i64 = 240;
/// Widest line of a frame's title.
pub(super) const TITLE: i64 = 420;
/// No label is broken to be narrower.
pub(super) const SHORT: i64 = 92;
/// Between two heads.
const GAP: i64 = 22;
/// Longer names of participants stand in two lines where there is little room.
const NARROW: i64 = 84;
/// What stands beside a label: half a bar, blanks and the arrow's tip.
pub(super) const BESIDE: i64 = 2 * BAR + 20;
/// Most lines of a label.
pub(super) const LINES: usize = 3;

/// Who an event is about. Its words begin at one lifeline and have to end before another.
#[derive(Clone, Copy, Default)]
pub(super) struct Place {
    /// Where its words begin: the sender, or the first participant of a frame.
    pub(super) from: usize,
    /// The lifeline before which they have to end; none if nothing is in the way.
    pub(super) stop: Option<usize>,
    /// The last participant of a frame.
    pub(super) last: usize,
    /// The nearest to the left who is at work.
    left: Option<usize>,
}

/// The lifelines and their heads.
pub(super) struct Columns {
    pub(super) x: Vec<i64>,
    pub(super) captions: Vec<Caption>,
    /// Width and height of each head.
    pub(super) heads: Vec<(i64, i64)>,
    /// One for each event.
    pub(super) places: Vec<Place>,
    /// Most lines of a label.
    pub(super) lines: usize,
}

impl Columns {
    /// In as few lines a label as fit in `column`.
    pub(super) fn new(sequence: &Sequence, events: &[Event<'_>], column: i64) -> Self {
        let places = places(sequence.participants.len(), events);
        let mut columns = Self::with(sequence, events, places, 1);
        while columns.lines < LINES && columns.width() > column {
            let lines = columns.lines + 1;
            columns = Self::with(sequence, events, columns.places, lines);
        }
        columns
    }

    pub(super) fn width(&self) -> i64 {
        let last = self.x.last().zip(self.heads.last());
        last.map_or(0, |(x, head)| x + head.0 / 2)
    }

    fn with(sequence: &Sequence, events: &[Event<'_>], places: Vec<Place>, lines: usize) -> Self {
        let captions: Vec<Caption> = sequence
            .participants
            .iter()
            .map(|p| match lines {
                1 => Caption::new(&p.label, None),
                _ => Caption::narrow(&p.label, NARROW),
            })
            .collect();
        let heads: Vec<(i64, i64)> = captions
            .iter()
            .zip(&sequence.participants)
            .map(|(c, p)| {
                let (w, h) = c.size();
                let pointed = matches!(p.kind, NodeKind::Gateway | NodeKind::Broker);
                let w = if pointed { w + 12 } else { w };
                ((w + 1) / 2 * 2, h + 6)
            })
            .collect();
        let x = solve(&heads, needs(events, &places, lines));
        Self {
            x,
            captions,
            heads,
            places,
            lines,
        }
    }

    /// Pixels between where an event's words begin and where they have to end.
    pub(super) fn room(&self, place: Place) -> Option<i64> {
        let (from, stop) = (self.x.get(place.from)?, self.x.get(place.stop?)?);
        Some((stop - from).abs())
    }
}

/// A frame that is still open.
#[derive(Default)]
struct Frame {
    /// The events that begin it and its branches, and who is at work then.
    titles: Vec<(usize, Vec<usize>)>,
    /// The first and the last participant in it.
    spans: Option<(usize, usize)>,
}

/// Who is in the way of each event's words.
fn places(participants: usize, events: &[Event<'_>]) -> Vec<Place> {
    let all = (0, participants.saturating_sub(1));
    let mut active = vec![0_usize; participants];
    let at_work = |active: &[usize]| -> Vec<usize> {
        let all = active.iter().enumerate();
        all.filter(|a| *a.1 > 0).map(|a| a.0).collect()
    };
    let mut out = vec![Place::default(); events.len()];
    let mut open: Vec<Frame> = Vec::new();
    for (i, event) in events.iter().enumerate() {
        let seen = match event {
            Event::Message(m) => {
                out[i] = beside(m, &active);
                match m.kind {
                    MessageKind::Call => active[m.to] += 1,
                    MessageKind::Reply => active[m.from] = active[m.from].saturating_sub(1),
                    MessageKind::Event | MessageKind::Stream => {}
                }
                Some((m.from.min(m.to), m.from.max(m.to)))
            }
            Event::Note(over, _) => {
                let known = || over.iter().copied().filter(|p| *p < participants);
                let (low, high) = known().min().zip(known().max()).unwrap_or(all);
                out[i].from = low;
                out[i].stop = (low == high && high + 1 < participants).then_some(high + 1);
                Some((low, high))
            }
            Event::Open(..) => {
                open.push(Frame {
                    titles: vec![(i, at_work(&active))],
                    spans: None,
                });
                None
            }
            Event::Divide(..) => {
                if let Some(frame) = open.last_mut() {
                    frame.titles.push((i, at_work(&active)));
                }
                None
            }
            Event::Close => {
                let frame = open.pop().unwrap_or_default();
                let (low, high) = frame.spans.unwrap_or(all);
                for (at, work) in frame.titles {
                    out[at] = Place {
                        from: low,
                        stop: work.iter().copied().find(|p| *p > low),
                        last: high,
                        left: work.iter().copied().rev().find(|p| *p < low),
                    };
                }
                frame.spans
            }
        };
        if let (Some((low, high)), Some(frame)) = (seen, open.last_mut()) {
            let old = frame.spans.unwrap_or((low, high));
            frame.spans = Some((old.0.min(low), old.1.max(high)));
        }
    }
    out
}

/// Words beside the sender end before the first who is at work, or at the receiver. Those of a message
/// to oneself end before the next lifeline.
fn beside(m: &Message, active: &[usize]) -> Place {
    let (from, to) = (m.from, m.to);
    let busy = |p: &usize| active[*p] > 0;
    let stop = if from < to {
        Some((from + 1..to).find(busy).unwrap_or(to))
    } else if to < from {
        Some((to + 1..from).rev().find(busy).unwrap_or(to))
    } else {
        (from + 1 < active.len()).then_some(from + 1)
    };
    Place {
        from,
        stop,
        last: to,
        left: (0..from).rev().find(busy),
    }
}

/// At least so many pixels from one lifeline to another.
struct Need {
    low: usize,
    high: usize,
    pixels: i64,
}

fn needs(events: &[Event<'_>], places: &[Place], lines: usize) -> Vec<Need> {
    let mut needs = Vec::new();
    let mut need = |a: usize, b: Option<usize>, pixels: i64| {
        if let Some(b) = b {
            let (low, high) = (a.min(b), a.max(b));
            needs.push(Need { low, high, pixels });
        }
    };
    let narrowest = |text: &str, most: i64, lines| {
        // Short words gain nothing from another line.
        let whole = text::width(&text::clean(text), SMALL).min(SHORT);
        text::narrowest(text, SMALL, most, lines).max(whole)
    };
    for (event, place) in events.iter().zip(places) {
        match event {
            Event::Message(m) => {
                let label = texts(m)
                    .iter()
                    .map(|t| narrowest(t, LABEL, lines))
                    .max()
                    .unwrap_or(0);
                let limit = limit(m).map_or(0, |l| text::width(&l, SMALL) + OFF + 10);
                if m.from == m.to {
                    need(m.from, place.stop, label + SELF + 16);
                    need(m.from, place.left, limit + BAR);
                } else {
                    let label = if label > 0 { label + BESIDE } else { 0 };
                    need(m.from, place.stop, label.max(limit + BAR).max(40));
                }
            }
            Event::Note(_, words) => {
                let words = narrowest(words, NOTE, NOTE_LINES.min(lines + 1));
                need(place.from, place.stop, words + OFF + 32);
            }
            Event::Open(kind, title) | Event::Divide(kind, title) => {
                let title = narrowest(title, TITLE, lines.max(2));
                need(place.from, place.stop, title + 2 * OFF + 16);
                need(place.from, place.left, tab(kind.word()) + 2 * OFF + 16);
            }
            Event::Close => {}
        }
    }
    needs
}

/// The lifelines from left to right, each as far to the left as the heads and `needs` allow.
fn solve(heads: &[(i64, i64)], mut needs: Vec<Need>) -> Vec<i64> {
    needs.sort_by_key(|n| n.high);
    let mut needs = needs.into_iter().peekable();
    let mut x: Vec<i64> = Vec::with_capacity(heads.len());
    for (i, &(w, _)) in heads.iter().enumerate() {
        let mut at = match i.checked_sub(1) {
            None => w / 2,
            Some(before) => x[before] + (heads[before].0 + w) / 2 + GAP,
        };
        while let Some(need) = needs.next_if(|n| n.high <= i) {
            if let Some(low) = x.get(need.low) {
                at = at.max(low + need.pixels);
            }
        }
        x.push(at);
    }
    x
}
