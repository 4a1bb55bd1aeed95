//! The pictures as Mermaid, for hosts that draw it themselves.
//!
//! Names never stand bare: ids are `n0`, `n1`, …, and every character of a label that means
//! something to Mermaid, Markdown or HTML becomes a `#…;` entity of Mermaid's own.

use super::scene::{EdgeKind, NodeKind, Scene};
use super::sequence::{Event, FrameKind, Message, MessageKind, Sequence, Work, flatten, work};
use super::states::{StateKind, States};
use super::text::clean;
use std::fmt::Write;

/// `text` as Mermaid text: letters, digits and harmless marks stay, the rest becomes entities. A
/// blank stands for nothing at all, which Mermaid would refuse.
fn entity(text: &str) -> String {
    let text = clean(text);
    let mut out = String::new();
    // `1. x` and `- x` would be lists, and `_x_` emphasis.
    let ordinal = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let mut chars = text.char_indices().peekable();
    let mut before = ' ';
    while let Some((at, c)) = chars.next() {
        let after = chars.peek().map_or(' ', |n| n.1);
        let plain = match c {
            '_' => before.is_alphanumeric() && after.is_alphanumeric(),
            '.' | ')' => at > 0 && at + ordinal.len() != text.len(),
            '-' | '+' => at > 0,
            ' ' | ',' | '/' | '(' | '?' | '!' => true,
            c => c.is_alphanumeric() || !c.is_ascii(),
        };
        if plain {
            out.push(c);
        } else {
            let _ = write!(out, "#{};", c as u32);
        }
        before = c;
    }
    if out.is_empty() {
        "#160;".to_owned()
    } else {
        out
    }
}

/// Like [`entity`], for places without quotes, where a word such as `end` has a meaning.
fn bare(text: &str) -> String {
    let out = entity(text);
    let reserved = [
        "end", "note", "state", "loop", "alt", "else", "opt", "par", "and", "class", "click",
    ];
    let risky = out
        .split(' ')
        .any(|w| reserved.contains(&w.to_ascii_lowercase().as_str()))
        || !out.starts_with(|c: char| c.is_alphabetic());
    if risky { format!("#8203;{out}") } else { out }
}

/// The interactions as a `flowchart`.
#[must_use]
pub fn interactions(scene: &Scene) -> String {
    let scene = scene.canonical();
    let mut out = String::from("flowchart LR\n");
    let node = |out: &mut String, v: usize| {
        let n = &scene.nodes[v];
        let (open, close) = match n.kind {
            NodeKind::Service => ("[", "]"),
            NodeKind::Team => ("(", ")"),
            NodeKind::External => ("[[", "]]"),
            NodeKind::Actor => ("([", "])"),
            NodeKind::Gateway => ("{{", "}}"),
            NodeKind::Broker => ("[(", ")]"),
            NodeKind::Store => ("[(", ")]"),
        };
        let sub = n
            .sub
            .as_ref()
            .map(|s| format!("<br/>{}", entity(s)))
            .unwrap_or_default();
        let _ = writeln!(out, "    n{v}{open}\"{}{sub}\"{close}", entity(&n.label));
    };
    for (k, group) in scene.groups.iter().enumerate() {
        let _ = writeln!(out, "  subgraph g{k}[\"{}\"]", entity(&group.label));
        for v in (0..scene.nodes.len()).filter(|&v| scene.nodes[v].group == Some(k)) {
            node(&mut out, v);
        }
        out.push_str("  end\n");
    }
    for v in (0..scene.nodes.len()).filter(|&v| scene.nodes[v].group.is_none()) {
        node(&mut out, v);
    }
    for v in (0..scene.nodes.len()).filter(|&v| scene.nodes[v].focus) {
        let _ = writeln!(out, "  style n{v} stroke-width:4px");
    }
    for e in &scene.edges {
        let arrow = match (e.kind, e.soft) {
            (EdgeKind::Async, _) | (_, true) => "-.->",
            (EdgeKind::Sync | EdgeKind::Store, false) => "-->",
            (EdgeKind::Realtime, false) => "<-->",
        };
        let labels: Vec<String> = e.labels.iter().map(|l| entity(l)).collect();
        let label = if labels.is_empty() {
            String::new()
        } else {
            format!("|\"{}\"|", labels.join("<br/>"))
        };
        let _ = writeln!(out, "  n{} {arrow}{label} n{}", e.from, e.to);
    }
    out
}

/// The messages as a `sequenceDiagram`.
#[must_use]
pub fn sequence(sequence: &Sequence) -> String {
    let mut out = String::from("sequenceDiagram\n");
    for (i, p) in sequence.participants.iter().enumerate() {
        let word = if p.kind == NodeKind::Actor {
            "actor"
        } else {
            "participant"
        };
        let _ = writeln!(out, "  {word} p{i} as {}", bare(&p.label));
    }
    let events = flatten(sequence);
    let work = work(&events, sequence.participants.len());
    for (event, work) in events.into_iter().zip(work) {
        match event {
            Event::Message(m) => message(&mut out, m, work),
            Event::Note(over, text) => {
                let known = over
                    .iter()
                    .copied()
                    .filter(|&p| p < sequence.participants.len());
                let low = known.clone().min().unwrap_or(0);
                let high = known
                    .max()
                    .unwrap_or(sequence.participants.len().saturating_sub(1));
                let over = if low == high {
                    format!("p{low}")
                } else {
                    format!("p{low},p{high}")
                };
                let _ = writeln!(out, "  Note over {over}: {}", bare(text));
            }
            Event::Open(kind, title) => {
                let (word, prefix) = match kind {
                    FrameKind::Par => ("par", ""),
                    FrameKind::Alt => ("alt", ""),
                    FrameKind::Opt => ("opt", ""),
                    FrameKind::Loop => ("loop", ""),
                    FrameKind::Retry => ("loop", "retry "),
                    FrameKind::Compensate => ("opt", "compensate "),
                };
                let _ = writeln!(out, "  {word} {prefix}{}", bare(title));
            }
            Event::Divide(kind, title) => {
                let word = match kind {
                    FrameKind::Par => "and",
                    FrameKind::Alt => "else",
                    // The others have no second branch in Mermaid.
                    _ => {
                        let last = sequence.participants.len().saturating_sub(1);
                        let _ = writeln!(out, "  Note over p0,p{last}: else {}", bare(title));
                        continue;
                    }
                };
                let _ = writeln!(out, "  {word} {}", bare(title));
            }
            Event::Close => out.push_str("  end\n"),
        }
    }
    out
}

fn message(out: &mut String, m: &Message, work: Work) {
    if m.is_silent() {
        if work == Work::Ends {
            let _ = writeln!(out, "  deactivate p{}", m.from);
        }
        return;
    }
    let arrow = match m.kind {
        MessageKind::Call => "->>",
        MessageKind::Reply => "-->>",
        MessageKind::Event => "-)",
        MessageKind::Stream => "--)",
    };
    let mark = m.mark();
    let sign = match work {
        Work::Begins => "+",
        Work::Ends => "-",
        Work::Nothing => "",
    };
    let note = m
        .remark()
        .map(|n| format!("<br/>{}", entity(n)))
        .unwrap_or_default();
    let _ = writeln!(
        out,
        "  p{}{arrow}{sign}p{}: {mark}{}{note}",
        m.from,
        m.to,
        bare(&m.label)
    );
    if let Some(limit) = m.limit() {
        let side = if m.to > m.from { "right" } else { "left" };
        let _ = writeln!(out, "  Note {side} of p{}: {}", m.from, bare(limit));
    }
}

/// The states as a `stateDiagram-v2`.
#[must_use]
pub fn states(states: &States) -> String {
    let mut out = String::from("stateDiagram-v2\n");
    for (i, s) in states.states.iter().enumerate() {
        let _ = writeln!(out, "  state \"{}\" as s{i}", entity(&s.label));
    }
    for (i, s) in states.states.iter().enumerate() {
        if s.kind == StateKind::Start {
            let _ = writeln!(out, "  [*] --> s{i}");
        }
    }
    for (from, to, labels) in states.folded() {
        let labels: Vec<String> = labels.iter().map(|l| entity(l)).collect();
        let label = if labels.is_empty() {
            String::new()
        } else {
            format!(" : {}", labels.join("<br/>"))
        };
        let _ = writeln!(out, "  s{from} --> s{to}{label}");
    }
    for (i, s) in states.states.iter().enumerate() {
        if matches!(s.kind, StateKind::End | StateKind::Failed) {
            let _ = writeln!(out, "  s{i} --> [*]");
        }
    }
    out
}
