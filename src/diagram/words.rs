//! The pictures in words: what a reader who cannot see them is told, one sentence a thing.

use super::chart::Chart;
use super::scene::{EdgeKind, NodeKind, Scene};
use super::sequence::{Event, Message, MessageKind, Sequence, flatten};
use super::states::{StateKind, States};
use super::text::clean;

/// Who sends what to whom, one sentence for each sender.
#[must_use]
pub fn interactions(scene: &Scene) -> Vec<String> {
    let scene = scene.canonical();
    let mut from: Vec<Vec<String>> = vec![Vec::new(); scene.nodes.len()];
    for e in &scene.edges {
        let to = clean(&scene.nodes[e.to].label);
        let what = clean(&e.labels.join(", "));
        let of = if what.is_empty() {
            String::new()
        } else {
            format!(" ({what})")
        };
        let verb = match e.kind {
            EdgeKind::Sync => "calls",
            EdgeKind::Async => "sends events to",
            EdgeKind::Realtime => "streams to",
            EdgeKind::Store => "uses",
        };
        let soft = if e.soft { ", and can do without" } else { "" };
        from[e.from].push(format!("{verb} {to}{of}{soft}"));
    }
    let mut out = Vec::new();
    for (node, does) in scene.nodes.iter().zip(from) {
        let mut about: Vec<String> = Vec::new();
        if node.kind != NodeKind::Service {
            about.push(node.kind.word().to_owned());
        }
        about.extend(node.sub.as_deref().map(clean));
        if let Some(group) = node.group.and_then(|g| scene.groups.get(g)) {
            about.push(format!("of {}", clean(&group.label)));
        }
        let about = if about.is_empty() {
            String::new()
        } else {
            format!(" ({})", about.join(", "))
        };
        let does = if does.is_empty() {
            "sends nothing".to_owned()
        } else {
            does.join("; ")
        };
        out.push(format!("{}{about} {does}.", clean(&node.label)));
    }
    out
}

/// What passes between the participants, in time. The frames that a step stands in come first.
#[must_use]
pub fn sequence(sequence: &Sequence) -> Vec<String> {
    let name = |p: usize| {
        let known = sequence.participants.get(p);
        known.map_or_else(String::new, |p| clean(&p.label))
    };
    let mut frames: Vec<String> = Vec::new();
    let mut out = Vec::new();
    for event in flatten(sequence) {
        let said = match event {
            Event::Message(m) => message(m, &name(m.from), &name(m.to)),
            Event::Note(over, text) => {
                let over: Vec<String> = over.iter().map(|&p| name(p)).collect();
                let at = if over.is_empty() {
                    String::new()
                } else {
                    format!("{}: ", over.join(", "))
                };
                Some(format!("{at}{}", clean(text)))
            }
            Event::Open(kind, title) => {
                frames.push(framed(kind.word(), title));
                None
            }
            Event::Divide(kind, title) => {
                if let Some(last) = frames.last_mut() {
                    *last = framed(kind.joint(), title);
                }
                None
            }
            Event::Close => {
                frames.pop();
                None
            }
        };
        if let Some(said) = said {
            let mut around = String::new();
            for frame in &frames {
                around.push_str(&format!("[{frame}] "));
            }
            out.push(format!("{around}{said}."));
        }
    }
    out
}

fn framed(word: &str, title: &str) -> String {
    let title = clean(title);
    if title.is_empty() {
        word.to_owned()
    } else {
        format!("{word}: {title}")
    }
}

/// A reply that says nothing is understood.
fn message(m: &Message, from: &str, to: &str) -> Option<String> {
    let label = clean(&m.label);
    let what = |verb: &str| {
        if label.is_empty() {
            format!("{from} {verb} {to}")
        } else {
            format!("{from} {verb} {to}: {label}")
        }
    };
    let mut said = match m.kind {
        MessageKind::Call if m.from == m.to && label.is_empty() => return None,
        MessageKind::Call if m.from == m.to => format!("{from}: {label}"),
        MessageKind::Call => what("calls"),
        MessageKind::Reply if label.is_empty() => return None,
        MessageKind::Reply => what("answers"),
        MessageKind::Event => what("sends an event to"),
        MessageKind::Stream => what("streams to"),
    };
    if let Some(note) = m.note.as_deref().map(clean).filter(|n| !n.is_empty()) {
        said.push_str(&format!(", {note}"));
    }
    if m.compensation {
        said.push_str(", which takes an earlier step back");
    }
    if m.failed {
        said.push_str(", which fails");
    }
    Some(said)
}

/// Each state and where it leads.
#[must_use]
pub fn states(states: &States) -> Vec<String> {
    let folded = states.folded();
    let label = |i: usize| {
        let state = states.states.get(i);
        state.map_or_else(String::new, |s| clean(&s.label))
    };
    let told = states.states.iter().enumerate().map(|(i, s)| {
        let kind = match s.kind {
            StateKind::Start => " (it begins here)",
            StateKind::Normal => "",
            StateKind::End => " (it ends here)",
            StateKind::Failed => " (it has failed)",
        };
        let ways: Vec<String> = folded
            .iter()
            .filter(|t| t.0 == i)
            .map(|(_, to, labels)| {
                let to = if *to == i {
                    "stays".to_owned()
                } else {
                    format!("becomes “{}”", label(*to))
                };
                if labels.is_empty() {
                    to
                } else {
                    format!("{to} ({})", clean(&labels.join("; or ")))
                }
            })
            .collect();
        if ways.is_empty() {
            format!("“{}”{kind}.", label(i))
        } else {
            format!("“{}”{kind} {}.", label(i), ways.join(", "))
        }
    });
    told.collect()
}

/// Each bar with what it comes to, and the lines across them.
#[must_use]
pub fn chart(chart: &Chart) -> Vec<String> {
    let bars = chart
        .bars
        .iter()
        .map(|b| format!("{}: {}.", clean(&b.label), clean(&b.value)));
    let marks = chart
        .marks
        .iter()
        .map(|m| format!("A line marks: {}.", clean(&m.label)));
    bars.chain(marks).collect()
}
