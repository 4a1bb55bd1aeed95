//! The pictures as D2.
//!
//! Names never stand bare: ids are `n0`, `n1`, …, and labels stand between double quotes, where only
//! `\`, `"` and `$` mean something.

use super::scene::{EdgeKind, NodeKind, Scene};
use super::sequence::{Event, FrameKind, MessageKind, Sequence, flatten};
use super::states::{StateKind, States};
use super::text::clean;
use std::fmt::Write;

/// `text` as it stands between double quotes. Nothing at all is a blank: an empty label would show the id.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in clean(text).chars() {
        if matches!(c, '\\' | '"' | '$') {
            out.push('\\');
        }
        out.push(c);
    }
    if out.is_empty() { " ".to_owned() } else { out }
}

/// The labels one a line, between double quotes.
fn quoted<'t>(labels: impl IntoIterator<Item = &'t str>) -> String {
    let lines: Vec<String> = labels.into_iter().map(escaped).collect();
    format!("\"{}\"", lines.join("\\n"))
}

/// `: "…"` for the labels, or nothing where there are none.
fn label(labels: &[String]) -> String {
    if labels.is_empty() {
        String::new()
    } else {
        format!(": {}", quoted(labels.iter().map(String::as_str)))
    }
}

/// The interactions: a container for each group.
#[must_use]
pub fn interactions(scene: &Scene) -> String {
    let scene = scene.canonical();
    let mut out = String::from("direction: right\n");
    let node = |out: &mut String, indent: &str, v: usize| {
        let n = &scene.nodes[v];
        let style = match n.kind {
            NodeKind::Service => None,
            NodeKind::Team => Some("shape: package"),
            NodeKind::External => Some("style.stroke-dash: 5"),
            NodeKind::Actor => Some("shape: person"),
            NodeKind::Gateway => Some("shape: hexagon"),
            NodeKind::Broker => Some("shape: queue"),
            NodeKind::Store => Some("shape: cylinder"),
        };
        let focus = n.focus.then_some("style.stroke-width: 4");
        let style: Vec<&str> = style.into_iter().chain(focus).collect();
        let style = match style.as_slice() {
            [] => String::new(),
            some => format!(" {{{}}}", some.join("; ")),
        };
        let name = quoted([n.label.as_str()].into_iter().chain(n.sub.as_deref()));
        let _ = writeln!(out, "{indent}n{v}: {name}{style}");
    };
    for (k, group) in scene.groups.iter().enumerate() {
        let _ = writeln!(out, "g{k}: {} {{", quoted([group.label.as_str()]));
        for v in (0..scene.nodes.len()).filter(|&v| scene.nodes[v].group == Some(k)) {
            node(&mut out, "  ", v);
        }
        out.push_str("}\n");
    }
    for v in (0..scene.nodes.len()).filter(|&v| scene.nodes[v].group.is_none()) {
        node(&mut out, "", v);
    }
    let path = |v: usize| match scene.nodes[v].group {
        Some(g) => format!("g{g}.n{v}"),
        None => format!("n{v}"),
    };
    for e in &scene.edges {
        let arrow = if e.kind == EdgeKind::Realtime {
            "<->"
        } else {
            "->"
        };
        let mut style = match e.kind {
            EdgeKind::Sync => Vec::new(),
            EdgeKind::Async => vec!["style.stroke-dash: 5"],
            EdgeKind::Realtime => vec!["style.stroke-width: 3"],
            EdgeKind::Store => vec!["target-arrowhead.shape: circle"],
        };
        if e.soft {
            style.push("style.opacity: 0.6");
        }
        let style = if style.is_empty() {
            String::new()
        } else {
            format!(" {{{}}}", style.join("; "))
        };
        // A style needs a label before it, even an empty one.
        let label = match label(&e.labels) {
            none if none.is_empty() && !style.is_empty() => ":".to_owned(),
            label => label,
        };
        let _ = writeln!(out, "{} {arrow} {}{label}{style}", path(e.from), path(e.to));
    }
    out
}

/// The messages as a sequence diagram.
#[must_use]
pub fn sequence(sequence: &Sequence) -> String {
    let mut out = String::from("shape: sequence_diagram\n");
    for (i, p) in sequence.participants.iter().enumerate() {
        let shape = match p.kind {
            NodeKind::Actor => " {shape: person}",
            NodeKind::Broker => " {shape: queue}",
            NodeKind::Store => " {shape: cylinder}",
            _ => "",
        };
        let _ = writeln!(out, "p{i}: {}{shape}", quoted([p.label.as_str()]));
    }
    // Containers: one for a frame, and inside it one for each branch of several.
    let (mut frames, mut notes) = (0, 0);
    let mut open: Vec<usize> = Vec::new();
    let indent = |open: &Vec<usize>| "  ".repeat(open.iter().sum());
    for event in flatten(sequence) {
        match event {
            // Only the work ends, which D2 does not draw.
            Event::Message(m) if m.is_silent() => {}
            Event::Message(m) => {
                let style = match m.kind {
                    MessageKind::Call => "",
                    MessageKind::Reply => "style.stroke-dash: 3",
                    MessageKind::Event => "style.stroke-dash: 6",
                    MessageKind::Stream => "style.stroke-width: 3",
                };
                let mut style: Vec<&str> =
                    (!style.is_empty()).then_some(style).into_iter().collect();
                if m.failed {
                    style.push("style.stroke: red");
                }
                let style = if style.is_empty() {
                    String::new()
                } else {
                    format!(" {{{}}}", style.join("; "))
                };
                let lines = [format!("{}{}", m.mark(), m.label)];
                let label = quoted(lines.iter().map(String::as_str).chain(m.note.as_deref()));
                let at = indent(&open);
                let _ = writeln!(out, "{at}p{} -> p{}: {label}{style}", m.from, m.to);
            }
            Event::Note(over, text) => {
                let over = over
                    .iter()
                    .copied()
                    .filter(|&p| p < sequence.participants.len())
                    .min()
                    .unwrap_or(0);
                let at = indent(&open);
                let _ = writeln!(out, "{at}p{over}.t{notes}: {}", quoted([text]));
                notes += 1;
            }
            Event::Open(kind, title) => {
                let at = indent(&open);
                let _ = writeln!(out, "{at}f{frames}: {} {{", frame(kind, title));
                frames += 1;
                open.push(1);
            }
            Event::Divide(kind, title) => {
                // D2 has no branches; the next frame follows the last one.
                if open.pop().is_some() {
                    let at = indent(&open);
                    let words = quoted([format!("{} {title}", kind.joint()).as_str()]);
                    let _ = writeln!(out, "{at}}}\n{at}f{frames}: {words} {{");
                    frames += 1;
                    open.push(1);
                }
            }
            Event::Close => {
                open.pop();
                let _ = writeln!(out, "{}}}", indent(&open));
            }
        }
    }
    out
}

fn frame(kind: FrameKind, title: &str) -> String {
    quoted([format!("{} {title}", kind.word()).as_str()])
}

/// The states as a graph.
#[must_use]
pub fn states(states: &States) -> String {
    let mut out = String::from("direction: down\n");
    for (i, s) in states.states.iter().enumerate() {
        let style = match s.kind {
            StateKind::Start | StateKind::Normal => "style.border-radius: 10",
            StateKind::End => "style: {border-radius: 10; double-border: true}",
            StateKind::Failed => "style: {border-radius: 10; double-border: true; stroke: red}",
        };
        let _ = writeln!(out, "s{i}: {} {{{style}}}", quoted([s.label.as_str()]));
        if s.kind == StateKind::Start {
            let _ = writeln!(
                out,
                "i{i}: \" \" {{shape: circle; width: 20; style.fill: black}}"
            );
            let _ = writeln!(out, "i{i} -> s{i}");
        }
    }
    for (from, to, labels) in states.folded() {
        let _ = writeln!(out, "s{from} -> s{to}{}", label(&labels));
    }
    out
}
