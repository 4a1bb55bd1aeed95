//! The bar chart: labels on the left, bars on one scale, what each comes to on the right.

use super::super::chart::{Bar, Chart, MAX_BARS, PartKind};
use super::super::layout::Rect;
use super::super::{TooLarge, bounded, text};
use super::writer::Svg;
use super::{Options, SMALL, SMALL_LINE};
use std::fmt::Write;

/// Widest label of a bar, before it takes a second line.
const LABEL: i64 = 270;
/// Widest words of the legend.
const WORDS: i64 = 260;
/// Widest value of a bar.
const VALUE: i64 = 120;
/// Narrowest scale.
const SCALE: i64 = 240;
/// From one bar to the next.
const ROW: i64 = 22;
/// The same where the bar's label has two lines.
const TALL: i64 = 34;
/// Below the scale: its numbers, and what they measure.
const AXIS: i64 = 38;
/// Height of a bar.
const BAR: i64 = 12;
/// How far a row is indented for each level.
const INDENT: i64 = 12;
/// Around the whole picture; the rest of the column is the scale's.
const EDGES: i64 = 2 * super::MARGIN;

/// Draws `chart`; one line without a line break.
///
/// # Errors
///
/// [`TooLarge`] if there are more than [`MAX_BARS`] bars.
pub fn chart(chart: &Chart, options: &Options<'_>) -> Result<String, TooLarge> {
    bounded("bars", chart.bars.len(), MAX_BARS)?;
    let indent = |b: &Bar| b.depth.min(8) as i64 * INDENT;
    let labels: Vec<Vec<String>> = chart
        .bars
        .iter()
        .map(|b| text::wrap_path(&b.label, SMALL, LABEL - indent(b), 2))
        .collect();
    let values: Vec<String> = chart
        .bars
        .iter()
        .map(|b| text::fit(&b.value, SMALL, VALUE))
        .collect();
    let widest = |all: &[String]| all.iter().map(|t| text::width(t, SMALL)).max().unwrap_or(0);
    let left = chart
        .bars
        .iter()
        .zip(&labels)
        .map(|(b, l)| widest(l) + indent(b))
        .max()
        .unwrap_or(0)
        + 10;
    // Half of the last number on the scale stands there as well.
    let right = (widest(&values) + 10).max(40);
    let room = (options.wish.column - EDGES - left - right).max(SCALE);
    let ticks = ticks(chart, room);
    let end = ticks.last().map_or(1.0, |t| t.0);
    let x = |value: f64| {
        let (value, end) = if chart.log {
            (value.max(1.0).ln(), end.ln())
        } else {
            (value, end)
        };
        left + place(value, end, room)
    };
    let marks = marks(chart, &x, left, left + room);
    let top = marks.len() as i64 * 16 + 4;
    let mut bottom = top;
    let rows: Vec<Rect> = labels
        .iter()
        .map(|l| {
            let (y, h) = (bottom, if l.len() > 1 { TALL } else { ROW });
            bottom += h;
            let (x, w) = (left, room);
            Rect { x, y, w, h }
        })
        .collect();
    let legend = Legend::new(chart);
    let size = (left + room + right, bottom + AXIS + legend.height());

    let names = (chart.title.as_str(), chart.description.as_str());
    let mut svg = Svg::new(options, names, size, false);
    let mut grid = String::new();
    for (value, _) in &ticks {
        let _ = write!(grid, "M{} {top}V{bottom}", x(*value));
    }
    svg.path("k j", &grid);
    svg.path("k", &format!("M{left} {bottom}h{room}"));
    for (value, words) in &ticks {
        svg.text("", x(*value), bottom + 16, words);
    }
    svg.anchored("s");
    for (i, bar) in chart.bars.iter().enumerate() {
        let y = rows[i].y + (rows[i].h - BAR) / 2;
        // In the middle of the row, however many lines.
        let first = y + 10 - (labels[i].len() as i64 - 1) * SMALL_LINE / 2;
        for (line, n) in labels[i].iter().zip(0..).filter(|l| !l.0.is_empty()) {
            svg.text("", indent(bar), first + n * SMALL_LINE, line);
        }
        for part in bar.parts.iter().filter(|p| chart.sees(p)) {
            let (from, to) = (x(part.from), x(part.to));
            let r = Rect {
                x: from,
                y,
                w: (to - from).max(2),
                h: BAR,
            };
            svg.rect(class(part.kind), r, 0);
        }
        if !values[i].is_empty() {
            svg.text("", left + room + 8, y + 10, &values[i]);
        }
    }
    svg.close();
    svg.text("", left + room / 2, bottom + 32, chart.axis);
    for (i, mark) in marks.iter().enumerate() {
        let y = 12 + i as i64 * 16;
        svg.path("k m", &format!("M{} {}V{bottom}", mark.line, y + 4));
        svg.text("o", mark.middle, y, &mark.words);
    }
    legend.draw(&mut svg, bottom + AXIS + 8);
    Ok(svg.finish())
}

/// Pixels from the scale's beginning.
fn place(value: f64, end: f64, room: i64) -> i64 {
    let share = (value / end).clamp(0.0, 1.0);
    if share.is_nan() {
        return 0;
    }
    (share * room as f64).round() as i64
}

/// Round numbers from 0 to the first above everything on the chart, and their words, which do not touch.
fn ticks(chart: &Chart, room: i64) -> Vec<(f64, String)> {
    let end = chart.end();
    if chart.log {
        return powers(chart, room);
    }
    let magnitude = 10_f64.powf((end / 6.0).log10().floor());
    let mut found = Vec::new();
    let named = |s: &f64| !(chart.unit)(*s).is_empty();
    let steps = [1.0, 2.0, 5.0, 10.0, 20.0, 50.0].map(|s| s * magnitude);
    // What is counted has no halves, which have no words either.
    for step in steps.into_iter().filter(named) {
        let count = (end / step).ceil().clamp(1.0, 60.0) as usize;
        found = (0..=count)
            .map(|i| i as f64 * step)
            .map(|v| (v, (chart.unit)(v)))
            .collect();
        let widest = found.iter().map(|t| text::width(&t.1, SMALL)).max();
        if widest.unwrap_or(0) + 14 <= room / count as i64 {
            break;
        }
    }
    found
}

/// A logarithmic scale from 1 to the first of 1, 2, 5, 10, 20, … that nothing passes. It has these
/// numbers if there is room, else powers of ten.
fn powers(chart: &Chart, room: i64) -> Vec<(f64, String)> {
    let most = chart.end().clamp(2.0, 1e20);
    let mut steps = Vec::new();
    let mut ten = 1.0;
    while steps.last().is_none_or(|s| *s < most) {
        steps.extend([ten, 2.0 * ten, 5.0 * ten]);
        ten *= 10.0;
    }
    let last = steps.iter().position(|s| *s >= most).unwrap_or(0);
    steps.truncate(last + 1);
    let end = steps[last];
    let named = |v: f64| (v, (chart.unit)(v));
    for keep in [1, 3, 6, 9, 18, 36] {
        let mut found: Vec<(f64, String)> = steps.iter().step_by(keep).map(|v| named(*v)).collect();
        if found.last().is_none_or(|t| t.0 < end) {
            found.push(named(end));
        }
        let at = |t: &(f64, String)| place(t.0.ln(), end.ln(), room);
        let half = |t: &(f64, String)| text::width(&t.1, SMALL) / 2;
        let touch = |a: &(f64, String), b: &(f64, String)| at(b) - at(a) < half(a) + half(b) + 14;
        // The end is always named: whatever stands too near makes room for it.
        while let [.., before, last] = found.as_slice()
            && found.len() > 2
            && touch(before, last)
        {
            found.remove(found.len() - 2);
        }
        if found.windows(2).all(|w| !touch(&w[0], &w[1])) {
            return found;
        }
    }
    vec![named(1.0), named(end)]
}

/// A mark with its place.
struct Placed {
    line: i64,
    middle: i64,
    words: String,
}

/// One line of text a mark, from left to right, none beyond the picture.
fn marks(chart: &Chart, x: &dyn Fn(f64) -> i64, left: i64, right: i64) -> Vec<Placed> {
    let mut all: Vec<&super::super::chart::Mark> = chart.marks.iter().collect();
    all.sort_by(|a, b| a.at.total_cmp(&b.at).then_with(|| a.label.cmp(&b.label)));
    all.into_iter()
        .take(6)
        .map(|m| {
            let line = x(m.at);
            let words = text::fit(&m.label, SMALL, right - left);
            let half = text::width(&words, SMALL) / 2 + 1;
            let middle = line.min(right - half).max(left + half);
            Placed {
                line,
                middle,
                words,
            }
        })
        .collect()
}

fn class(kind: PartKind) -> &'static str {
    match kind {
        PartKind::Full => "a1",
        PartKind::Idle => "a2",
        PartKind::Over => "a3",
    }
}

/// What the looks of the parts mean.
struct Legend<'c>(Vec<(PartKind, &'c str)>);

impl<'c> Legend<'c> {
    fn new(chart: &'c Chart) -> Self {
        let all: Vec<(PartKind, &str)> = chart.legend().collect();
        Self(if all.len() > 1 { all } else { Vec::new() })
    }

    fn height(&self) -> i64 {
        if self.0.is_empty() { 0 } else { 28 }
    }

    fn draw(&self, svg: &mut Svg, y: i64) {
        if self.0.is_empty() {
            return;
        }
        svg.anchored("s");
        let mut x = 0;
        for (kind, words) in &self.0 {
            let words = text::fit(words, SMALL, WORDS);
            let r = Rect {
                x,
                y,
                w: 24,
                h: BAR,
            };
            svg.rect(class(*kind), r, 0);
            svg.text("", x + 30, y + 10, &words);
            x += 30 + text::width(&words, SMALL) + 18;
        }
        svg.close();
    }
}
