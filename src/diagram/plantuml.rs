//! The pictures as PlantUML; the interactions as a C4 container diagram, with the C4 macros of PlantUML's
//! own standard library, so that nothing is fetched.
//!
//! Names never stand bare: ids are `n0`, `n1`, …, and every character of a label that means something to
//! PlantUML, its preprocessor or its Creole markup becomes a `<U+…>` code of PlantUML's own.

use super::scene::{EdgeKind, FOCUS, NodeKind, Scene};
use super::sequence::{Event, FrameKind, Message, MessageKind, Sequence, Work, flatten, work};
use super::states::{StateKind, States};
use super::text::clean;
use std::fmt::Write;

/// `text` as PlantUML text: letters, digits and harmless marks stay, the rest becomes codes.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    let mut before = ' ';
    for c in clean(text).chars() {
        let plain = match c {
            // Alone these are harmless; doubled they are Creole (`--x--`, `//x//`, `__x__`) or a rule.
            '-' | '/' | '_' | '.' => c != before,
            ' ' | ',' | ':' | '(' | ')' | '+' | '?' => true,
            c => c.is_alphanumeric() || !c.is_ascii(),
        };
        // At the start of a line a mark may begin a list, a heading or a rule.
        if plain && (c.is_alphanumeric() || !out.is_empty()) {
            out.push(c);
        } else {
            let _ = write!(out, "<U+{:04X}>", c as u32);
        }
        before = c;
    }
    if out.is_empty() {
        "<U+00A0>".to_owned()
    } else {
        out
    }
}

/// The labels, one a line.
fn lines<'t>(labels: impl IntoIterator<Item = &'t str>) -> String {
    let all: Vec<String> = labels.into_iter().map(escaped).collect();
    all.join("\\n")
}

fn title(out: &mut String, title: &str) {
    if !title.trim().is_empty() {
        let _ = writeln!(out, "title {}", escaped(title));
    }
}

/// The interactions as a C4 container diagram.
#[must_use]
pub fn interactions(scene: &Scene) -> String {
    let scene = scene.canonical();
    let mut out = String::from("@startuml\n!include <C4/C4_Container>\nLAYOUT_LEFT_RIGHT()\n");
    title(&mut out, &scene.title);
    for kind in EdgeKind::ALL {
        let style = match kind {
            EdgeKind::Sync | EdgeKind::Store => continue,
            EdgeKind::Async => "DashedLine()",
            EdgeKind::Realtime => "BoldLine()",
        };
        if scene.edges.iter().any(|e| e.kind == kind) {
            let _ = writeln!(out, "AddRelTag(\"{}\", $lineStyle = {style})", kind.word());
        }
    }
    if scene.edges.iter().any(|e| e.soft) {
        out.push_str("AddRelTag(\"optional\", $lineStyle = DottedLine())\n");
    }
    if scene.nodes.iter().any(|n| n.focus) {
        let _ = writeln!(out, "AddElementTag(\"{FOCUS}\", $borderThickness = 4)");
    }
    let node = |out: &mut String, v: usize| {
        let n = &scene.nodes[v];
        let name = escaped(&n.label);
        let kind = match n.kind {
            NodeKind::Service | NodeKind::Gateway => "Container",
            NodeKind::Team => "System",
            NodeKind::External => "Container_Ext",
            NodeKind::Actor => "Person",
            NodeKind::Broker => "ContainerQueue",
            NodeKind::Store => "ContainerDb",
        };
        let about = match (n.kind, n.sub.as_deref()) {
            (NodeKind::Gateway, Some(sub)) => format!("gateway, {}", escaped(sub)),
            (NodeKind::Gateway, None) => "gateway".to_owned(),
            (_, Some(sub)) => escaped(sub),
            (_, None) => String::new(),
        };
        let about = if about.is_empty() {
            about
        } else {
            format!(", \"{about}\"")
        };
        let focus = match n.focus {
            true => format!(", $tags = \"{FOCUS}\""),
            false => String::new(),
        };
        let _ = writeln!(out, "{kind}(n{v}, \"{name}\"{about}{focus})");
    };
    for (k, group) in scene.groups.iter().enumerate() {
        let _ = writeln!(
            out,
            "Boundary(g{k}, \"{}\", \"team\") {{",
            escaped(&group.label)
        );
        for v in (0..scene.nodes.len()).filter(|&v| scene.nodes[v].group == Some(k)) {
            out.push_str("  ");
            node(&mut out, v);
        }
        out.push_str("}\n");
    }
    for v in (0..scene.nodes.len()).filter(|&v| scene.nodes[v].group.is_none()) {
        node(&mut out, v);
    }
    for e in &scene.edges {
        let label = if e.labels.is_empty() {
            "<U+00A0>".to_owned()
        } else {
            lines(e.labels.iter().map(String::as_str))
        };
        let tag = match e.kind {
            _ if e.soft => Some("optional"),
            EdgeKind::Async | EdgeKind::Realtime => Some(e.kind.word()),
            EdgeKind::Sync | EdgeKind::Store => None,
        };
        let tag = tag
            .map(|t| format!(", $tags = \"{t}\""))
            .unwrap_or_default();
        let soft = if e.soft { ", optional" } else { "" };
        let word = e.kind.word();
        let relation = if e.kind == EdgeKind::Realtime {
            "BiRel"
        } else {
            "Rel"
        };
        let _ = writeln!(
            out,
            "{relation}(n{}, n{}, \"{label}\", \"{word}{soft}\"{tag})",
            e.from, e.to
        );
    }
    out.push_str("@enduml\n");
    out
}

/// The messages as a sequence diagram.
#[must_use]
pub fn sequence(sequence: &Sequence) -> String {
    let mut out = String::from("@startuml\n");
    title(&mut out, &sequence.title);
    for (i, p) in sequence.participants.iter().enumerate() {
        let word = match p.kind {
            NodeKind::Service | NodeKind::Team | NodeKind::External | NodeKind::Gateway => {
                "participant"
            }
            NodeKind::Actor => "actor",
            NodeKind::Broker => "queue",
            NodeKind::Store => "database",
        };
        let _ = writeln!(out, "{word} \"{}\" as p{i}", escaped(&p.label));
    }
    let last = sequence.participants.len().saturating_sub(1);
    let events = flatten(sequence);
    let work = work(&events, sequence.participants.len());
    for (event, work) in events.into_iter().zip(work) {
        match event {
            Event::Message(m) => message(&mut out, m, work),
            Event::Note(over, text) => {
                let known = || over.iter().copied().filter(|&p| p <= last);
                let low = known().min().unwrap_or(0);
                let high = known().max().unwrap_or(last);
                let over = if low == high {
                    format!("p{low}")
                } else {
                    format!("p{low}, p{high}")
                };
                let _ = writeln!(out, "note over {over} : {}", escaped(text));
            }
            Event::Open(kind, title) => {
                let word = match kind {
                    FrameKind::Par => "par",
                    FrameKind::Alt => "alt",
                    FrameKind::Opt => "opt",
                    FrameKind::Loop => "loop",
                    FrameKind::Retry => "group retry",
                    FrameKind::Compensate => "group compensate",
                };
                let _ = writeln!(out, "{word} {}", escaped(title));
            }
            Event::Divide(_, title) => {
                let _ = writeln!(out, "else {}", escaped(title));
            }
            Event::Close => out.push_str("end\n"),
        }
    }
    out.push_str("@enduml\n");
    out
}

fn message(out: &mut String, m: &Message, work: Work) {
    if m.is_silent() {
        if work == Work::Ends {
            let _ = writeln!(out, "deactivate p{}", m.from);
        }
        return;
    }
    let arrow = match m.kind {
        MessageKind::Call => "->",
        MessageKind::Reply => "-->",
        MessageKind::Event => "->>",
        MessageKind::Stream => "-->>",
    };
    let mark = m.mark();
    let sign = match work {
        Work::Begins => " ++",
        Work::Ends => " --",
        Work::Nothing => "",
    };
    let label = lines([m.label.as_str()].into_iter().chain(m.remark()));
    let _ = writeln!(out, "p{} {arrow} p{}{sign} : {mark}{label}", m.from, m.to);
    if let Some(limit) = m.limit() {
        let side = if m.to > m.from { "right" } else { "left" };
        let _ = writeln!(out, "note {side} of p{} : {}", m.from, escaped(limit));
    }
}

/// The states as a state diagram.
#[must_use]
pub fn states(states: &States) -> String {
    let mut out = String::from("@startuml\nhide empty description\n");
    title(&mut out, &states.title);
    for (i, s) in states.states.iter().enumerate() {
        let colour = if s.kind == StateKind::Failed {
            " #line:red"
        } else {
            ""
        };
        let _ = writeln!(out, "state \"{}\" as s{i}{colour}", escaped(&s.label));
    }
    for (i, s) in states.states.iter().enumerate() {
        if s.kind == StateKind::Start {
            let _ = writeln!(out, "[*] --> s{i}");
        }
    }
    for (from, to, labels) in states.folded() {
        let label = if labels.is_empty() {
            String::new()
        } else {
            format!(" : {}", lines(labels.iter().map(String::as_str)))
        };
        let _ = writeln!(out, "s{from} --> s{to}{label}");
    }
    for (i, s) in states.states.iter().enumerate() {
        if matches!(s.kind, StateKind::End | StateKind::Failed) {
            let _ = writeln!(out, "s{i} --> [*]");
        }
    }
    out.push_str("@enduml\n");
    out
}
