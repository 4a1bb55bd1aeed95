//! The pictures as text of at most 100 columns; nothing is left out, long labels are wrapped.

use super::chart::{Chart, PartKind};
use super::matrix::Matrix;
use super::scene::{EdgeKind, FOCUS, NodeKind, Scene};
use super::sequence::{Event, MessageKind, Sequence, flatten};
use super::states::{StateKind, States};
use super::text::clean;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Columns of the text form.
pub const COLUMNS: usize = 100;

/// Adds `text` after `indent` blanks, wrapped at [`COLUMNS`]; later lines stand two further in.
fn put(out: &mut String, indent: usize, text: &str) {
    let indent = indent.min(COLUMNS / 2);
    let mut line = " ".repeat(indent);
    let mut used = indent;
    let mut begun = false;
    let fresh = |out: &mut String, line: &mut String, used: &mut usize| {
        out.push_str(line.trim_end());
        out.push('\n');
        *line = " ".repeat(indent + 2);
        *used = indent + 2;
    };
    for word in clean(text).split(' ') {
        let width = word.width();
        if begun && used + 1 + width > COLUMNS {
            fresh(out, &mut line, &mut used);
        } else if begun {
            line.push(' ');
            used += 1;
        }
        begun = true;
        // A word wider than a line is broken anywhere.
        for c in word.chars() {
            let w = c.width().unwrap_or(0);
            if used + w > COLUMNS {
                fresh(out, &mut line, &mut used);
            }
            line.push(c);
            used += w;
        }
    }
    out.push_str(line.trim_end());
    out.push('\n');
}

/// The interactions: groups, their nodes, and under each what it sends to whom.
#[must_use]
pub fn interactions(scene: &Scene) -> String {
    let scene = scene.canonical();
    let mut out = String::new();
    let lanes = (0..scene.groups.len()).map(Some).chain([None]);
    for group in lanes {
        let nodes: Vec<usize> = (0..scene.nodes.len())
            .filter(|&v| scene.nodes[v].group == group)
            .collect();
        if nodes.is_empty() {
            continue;
        }
        if !out.is_empty() {
            out.push('\n');
        }
        let indent = match group {
            Some(g) => {
                put(&mut out, 0, &format!("[{}]", scene.groups[g].label));
                2
            }
            None => 0,
        };
        for v in nodes {
            let n = &scene.nodes[v];
            let kind = if n.kind == NodeKind::Service {
                None
            } else {
                Some(n.kind.word())
            };
            let about = kind.into_iter().chain(n.sub.as_deref());
            let about: Vec<&str> = about.chain(n.focus.then_some(FOCUS)).collect();
            let about = if about.is_empty() {
                String::new()
            } else {
                format!(" ({})", about.join(", "))
            };
            put(&mut out, indent, &format!("{}{about}", n.label));
            for e in scene.edges.iter().filter(|e| e.from == v) {
                let arrow = match e.kind {
                    EdgeKind::Sync => "-->",
                    EdgeKind::Async => "~~>",
                    EdgeKind::Realtime => "==>",
                    EdgeKind::Store => "-[]",
                };
                let labels = if e.labels.is_empty() {
                    String::new()
                } else {
                    format!(": {}", e.labels.join(", "))
                };
                let soft = if e.soft { " (optional)" } else { "" };
                let to = &scene.nodes[e.to].label;
                put(&mut out, indent + 2, &format!("{arrow} {to}{labels}{soft}"));
            }
        }
    }
    let used: Vec<&str> = EdgeKind::ALL
        .into_iter()
        .filter(|k| scene.edges.iter().any(|e| e.kind == *k))
        .map(|k| match k {
            EdgeKind::Sync => "--> synchronous",
            EdgeKind::Async => "~~> asynchronous",
            EdgeKind::Realtime => "==> real-time",
            EdgeKind::Store => "-[] store access",
        })
        .collect();
    if !used.is_empty() {
        out.push('\n');
        put(&mut out, 0, &used.join("   "));
    }
    out
}

/// The messages as a numbered list; frames indent it.
#[must_use]
pub fn sequence(sequence: &Sequence) -> String {
    let mut out = String::new();
    let (mut number, mut indent) = (0, 0usize);
    let name = |p: usize| {
        sequence
            .participants
            .get(p)
            .map_or("", |p| p.label.as_str())
    };
    for event in flatten(sequence) {
        match event {
            // A reply that says nothing is understood.
            Event::Message(m) if m.kind == MessageKind::Reply && m.label.is_empty() => {}
            Event::Message(m) => {
                number += 1;
                let arrow = match m.kind {
                    MessageKind::Call => "-->",
                    MessageKind::Reply => "<-- reply to",
                    MessageKind::Event => "~~>",
                    MessageKind::Stream => "==>",
                };
                let note = m
                    .note
                    .as_ref()
                    .map(|n| format!(" [{n}]"))
                    .unwrap_or_default();
                let undo = if m.compensation {
                    " (compensation)"
                } else {
                    ""
                };
                let failed = if m.failed { " (fails)" } else { "" };
                let (from, to, label) = (name(m.from), name(m.to), &m.label);
                put(
                    &mut out,
                    indent,
                    &format!("{number}. {from} {arrow} {to}: {label}{note}{undo}{failed}"),
                );
            }
            Event::Note(over, text) => {
                let over: Vec<&str> = over
                    .iter()
                    .map(|&p| name(p))
                    .filter(|n| !n.is_empty())
                    .collect();
                let over = if over.is_empty() {
                    String::new()
                } else {
                    format!(" ({})", over.join(", "))
                };
                put(&mut out, indent, &format!("* {text}{over}"));
            }
            Event::Open(kind, title) => {
                put(&mut out, indent, &format!("{} {title}", kind.word()));
                indent += 3;
            }
            Event::Divide(kind, title) => {
                put(
                    &mut out,
                    indent.saturating_sub(3),
                    &format!("{} {title}", kind.joint()),
                );
            }
            Event::Close => indent = indent.saturating_sub(3),
        }
    }
    out
}

/// The states, and under each where it leads.
#[must_use]
pub fn states(states: &States) -> String {
    let mut out = String::new();
    let folded = states.folded();
    for (i, s) in states.states.iter().enumerate() {
        let kind = match s.kind {
            StateKind::Start => " (start)",
            StateKind::Normal => "",
            StateKind::End => " (end)",
            StateKind::Failed => " (failed)",
        };
        put(&mut out, 0, &format!("{}{kind}", s.label));
        for (_, to, labels) in folded.iter().filter(|t| t.0 == i) {
            let why = if labels.is_empty() {
                String::new()
            } else {
                format!(": {}", labels.join("; "))
            };
            put(
                &mut out,
                2,
                &format!("--> {}{why}", states.states[*to].label),
            );
        }
    }
    out
}

/// The pairs that interact: under each name what it depends on.
#[must_use]
pub fn matrix(matrix: &Matrix) -> String {
    let mut out = String::new();
    let name = |i: usize| matrix.names.get(i).map_or("", String::as_str);
    let mut last = None;
    for (&(row, column), counts) in &matrix.cells {
        if last != Some(row) {
            put(&mut out, 0, name(row));
            last = Some(row);
        }
        put(
            &mut out,
            2,
            &format!("--> {}: {}", name(column), counts.words()),
        );
    }
    out
}

/// Columns of a chart's scale.
const SCALE: usize = 60;

/// Each bar below its label, on one scale; what looks and lines mean stands below.
#[must_use]
pub fn chart(chart: &Chart) -> String {
    let mut out = String::new();
    let sign = |kind| match kind {
        PartKind::Full => '#',
        PartKind::Idle => '.',
        PartKind::Over => 'x',
    };
    let end = chart.end();
    let column = |value: f64| {
        let share = if chart.log {
            value.max(1.0).log10() / end.max(10.0).log10()
        } else {
            value / end
        };
        // Not a number is nothing.
        (share.clamp(0.0, 1.0) * SCALE as f64).round() as usize
    };
    for bar in &chart.bars {
        put(
            &mut out,
            2 * bar.depth,
            &format!("{}: {}", bar.label, bar.value),
        );
        let mut cells = [' '; SCALE];
        for mark in &chart.marks {
            cells[column(mark.at).min(SCALE - 1)] = '|';
        }
        // The first part is seen, however short it is.
        for part in bar.parts.iter().rev() {
            let from = column(part.from).min(SCALE - 1);
            let to = column(part.to).clamp(from + 1, SCALE);
            cells[from..to].fill(sign(part.kind));
        }
        out.push_str(String::from_iter(cells).trim_end());
        out.push('\n');
    }
    out.push('\n');
    let scale = if chart.log {
        " on a scale of powers of ten"
    } else {
        ""
    };
    put(
        &mut out,
        0,
        &format!(
            "The right end is {}{scale}: {}.",
            (chart.unit)(end),
            chart.axis
        ),
    );
    for (kind, words) in chart.legend() {
        put(&mut out, 0, &format!("{} {words}", sign(kind)));
    }
    for mark in &chart.marks {
        put(&mut out, 0, &format!("| {}", mark.label));
    }
    out
}
