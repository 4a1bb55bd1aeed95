//! The pictures as DOT, for Graphviz.

use super::scene::{EdgeKind, NodeKind, Scene};
use super::sequence::{Event, MessageKind, Sequence, flatten};
use super::states::{StateKind, States};
use super::text::clean;
use std::fmt::Write;

/// `text` between DOT's quotes, which know `\` escapes and HTML entities.
fn quoted(text: &str) -> String {
    clean(text)
        .replace('&', "&amp;")
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
}

fn joined(labels: &[String]) -> String {
    labels
        .iter()
        .map(|l| quoted(l))
        .collect::<Vec<_>>()
        .join("\\n")
}

/// The interactions as a directed graph with clusters.
#[must_use]
pub fn interactions(scene: &Scene) -> String {
    let scene = scene.canonical();
    // Without `newrank`, Graphviz 2.43 breaks down on some graphs with clusters.
    let mut out =
        String::from("digraph interactions {\n  rankdir=LR\n  newrank=true\n  node [shape=box]\n");
    let node = |out: &mut String, v: usize| {
        let n = &scene.nodes[v];
        let style = match n.kind {
            NodeKind::Service => "",
            NodeKind::Team => ", shape=tab",
            NodeKind::External => ", style=dashed",
            NodeKind::Actor => ", style=rounded",
            NodeKind::Gateway => ", shape=hexagon",
            NodeKind::Broker => ", shape=box, peripheries=2",
            NodeKind::Store => ", shape=cylinder",
        };
        let focus = if n.focus { ", penwidth=3" } else { "" };
        let sub = n
            .sub
            .as_ref()
            .map(|s| format!("\\n{}", quoted(s)))
            .unwrap_or_default();
        let _ = writeln!(
            out,
            "  n{v} [label=\"{}{sub}\"{style}{focus}]",
            quoted(&n.label)
        );
    };
    for (k, group) in scene.groups.iter().enumerate() {
        let _ = writeln!(
            out,
            "  subgraph cluster_{k} {{\n  label=\"{}\"",
            quoted(&group.label)
        );
        for v in (0..scene.nodes.len()).filter(|&v| scene.nodes[v].group == Some(k)) {
            node(&mut out, v);
        }
        out.push_str("  }\n");
    }
    for v in (0..scene.nodes.len()).filter(|&v| scene.nodes[v].group.is_none()) {
        node(&mut out, v);
    }
    for e in &scene.edges {
        let style = match e.kind {
            EdgeKind::Sync => "style=solid",
            EdgeKind::Async => "style=dashed, arrowhead=vee",
            EdgeKind::Realtime => "style=dotted, arrowhead=veevee",
            EdgeKind::Store => "style=solid, arrowhead=empty",
        };
        let soft = if e.soft { ", penwidth=0.5" } else { "" };
        let label = joined(&e.labels);
        let _ = writeln!(
            out,
            "  n{} -> n{} [label=\"{label}\", {style}{soft}]",
            e.from, e.to
        );
    }
    out.push_str("}\n");
    out
}

/// The messages as a communication diagram: DOT has no time axis, so the messages are numbered, and what
/// frames say stands before the number.
#[must_use]
pub fn sequence(sequence: &Sequence) -> String {
    let mut out = String::from("digraph sequence {\n  rankdir=LR\n  node [shape=box]\n");
    for (i, p) in sequence.participants.iter().enumerate() {
        let style = if p.kind == NodeKind::Actor {
            ", style=rounded"
        } else {
            ""
        };
        let _ = writeln!(out, "  p{i} [label=\"{}\"{style}]", quoted(&p.label));
    }
    let (mut number, mut notes) = (0, 0);
    let mut frames: Vec<String> = Vec::new();
    for event in flatten(sequence) {
        match event {
            Event::Message(m) if m.is_silent() => {}
            // An answer that says nothing needs no number, nor the words of its frame once more.
            Event::Message(m)
                if m.kind == MessageKind::Reply
                    && m.label.trim().is_empty()
                    && m.note.is_none() =>
            {
                let _ = writeln!(out, "  p{} -> p{} [style=dotted]", m.from, m.to);
            }
            Event::Message(m) => {
                number += 1;
                let style = match m.kind {
                    MessageKind::Call => "style=solid",
                    MessageKind::Reply => "style=dotted",
                    MessageKind::Event => "style=dashed, arrowhead=vee",
                    MessageKind::Stream => "style=dotted, arrowhead=veevee",
                };
                let colour = if m.failed { ", color=red" } else { "" };
                let frame = frames
                    .last()
                    .map(|f| format!("[{}] ", quoted(f)))
                    .unwrap_or_default();
                let note = m
                    .note
                    .as_ref()
                    .map(|n| format!("\\n{}", quoted(n)))
                    .unwrap_or_default();
                let (from, to, mark) = (m.from, m.to, m.mark());
                let _ = writeln!(
                    out,
                    "  p{from} -> p{to} [label=\"{frame}{number}. {mark}{}{note}\", {style}{colour}]",
                    quoted(&m.label)
                );
            }
            Event::Note(over, text) => {
                let _ = writeln!(out, "  t{notes} [shape=note, label=\"{}\"]", quoted(text));
                let known = over.iter().filter(|&&p| p < sequence.participants.len());
                for p in known {
                    let _ = writeln!(out, "  t{notes} -> p{p} [style=dotted, arrowhead=none]");
                }
                notes += 1;
            }
            Event::Open(kind, title) => frames.push(format!("{} {title}", kind.word())),
            Event::Divide(kind, title) => {
                frames.pop();
                frames.push(format!("{} {title}", kind.joint()));
            }
            Event::Close => {
                frames.pop();
            }
        }
    }
    out.push_str("}\n");
    out
}

/// The states as a directed graph.
#[must_use]
pub fn states(states: &States) -> String {
    let mut out = String::from("digraph states {\n  node [shape=box, style=rounded]\n");
    for (i, s) in states.states.iter().enumerate() {
        let more = match s.kind {
            StateKind::Normal | StateKind::Start => "",
            StateKind::End => ", peripheries=2",
            StateKind::Failed => ", peripheries=2, color=red",
        };
        let _ = writeln!(out, "  s{i} [label=\"{}\"{more}]", quoted(&s.label));
        if s.kind == StateKind::Start {
            let _ = writeln!(out, "  i{i} [shape=point, label=\"\"]\n  i{i} -> s{i}");
        }
    }
    for (from, to, labels) in states.folded() {
        let _ = writeln!(out, "  s{from} -> s{to} [label=\"{}\"]", joined(&labels));
    }
    out.push_str("}\n");
    out
}
