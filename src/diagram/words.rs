//! The pictures in words: what a reader who cannot see them is told, one sentence a thing.

use super::chart::Chart;
use super::matrix::Matrix;
use super::scene::{EdgeKind, FOCUS, NodeKind, Scene};
use super::sequence::{Event, FrameKind, Message, MessageKind, Sequence, flatten};
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
            EdgeKind::Async if scene.nodes[e.from].kind == NodeKind::Broker => "delivers events to",
            EdgeKind::Async => "sends events to",
            EdgeKind::Realtime => "streams to",
            EdgeKind::Store => "uses",
        };
        let soft = if e.soft {
            ", and can do without it"
        } else {
            ""
        };
        from[e.from].push(format!("{verb} {to}{of}{soft}"));
    }
    let mut out = Vec::new();
    for (node, does) in scene.nodes.iter().zip(from) {
        let mut about: Vec<String> = Vec::new();
        if node.kind != NodeKind::Service {
            about.push(node.kind.word().to_owned());
        }
        about.extend(node.sub.as_deref().map(clean));
        about.extend(node.focus.then(|| FOCUS.to_owned()));
        if let Some(group) = node.group.and_then(|g| scene.groups.get(g)) {
            about.push(format!("team {}", clean(&group.label)));
        }
        let about = if about.is_empty() {
            String::new()
        } else {
            format!(" ({})", about.join(", "))
        };
        let does = if does.is_empty() {
            "only receives".to_owned()
        } else {
            does.join("; ")
        };
        out.push(format!("{}{about} {does}.", clean(&node.label)));
    }
    out
}

/// Signs as a reader says them.
fn spoken(text: &str) -> String {
    clean(text)
        .replace("× ≤", "times at most")
        .replace('≤', "at most")
        .replace('≥', "at least")
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
            Event::Message(m) => {
                let sender = sequence.participants.get(m.from);
                let broker = sender.is_some_and(|p| p.kind == NodeKind::Broker);
                let said = message(m, &name(m.from), &name(m.to), broker);
                // The frame says so already.
                let told = frames.iter().any(|f| f.starts_with(TAKING_BACK));
                let undoes = m.compensation && !told;
                said.map(|s| s + &outcome(m, undoes))
            }
            Event::Note(over, text) => {
                let over: Vec<String> = over.iter().map(|&p| name(p)).collect();
                let at = if over.is_empty() {
                    String::new()
                } else {
                    format!("{}: ", over.join(", "))
                };
                Some(format!("{at}{}", spoken(text)))
            }
            Event::Open(kind, title) => {
                frames.push(framed(kind, true, title));
                None
            }
            Event::Divide(kind, title) => {
                if let Some(last) = frames.last_mut() {
                    *last = framed(kind, false, title);
                }
                None
            }
            Event::Close => {
                frames.pop();
                None
            }
        };
        if let Some(said) = said {
            let around = frames.join(", ");
            let mut letters = around.chars();
            out.push(match letters.next() {
                Some(first) => format!("{}{}: {said}.", first.to_uppercase(), letters.as_str()),
                None => format!("{said}."),
            });
        }
    }
    out
}

/// When a step in a frame happens; `first` if it stands in the frame's first branch.
fn framed(kind: FrameKind, first: bool, title: &str) -> String {
    let title = spoken(title);
    let (word, joint) = match (kind, first) {
        (FrameKind::Par, true) => ("at the same time", ", "),
        (FrameKind::Par, false) => ("at the same time as that", ", "),
        (FrameKind::Alt, true) if title.is_empty() => ("either", ""),
        (FrameKind::Alt, false) if title.is_empty() => ("or else", ""),
        (FrameKind::Alt, _) => ("if", " "),
        (FrameKind::Opt, _) if title.is_empty() => ("perhaps", ""),
        (FrameKind::Opt, _) => ("perhaps, if", " "),
        (FrameKind::Loop, _) => ("again and again", ", "),
        (FrameKind::Retry, _) => ("with retries", ", "),
        (FrameKind::Compensate, _) => (TAKING_BACK, ", "),
    };
    if title.is_empty() {
        word.to_owned()
    } else {
        format!("{word}{joint}{title}")
    }
}

/// A reply that says nothing is understood.
fn message(m: &Message, from: &str, to: &str, from_broker: bool) -> Option<String> {
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
        MessageKind::Reply if m.failed => {
            let told = if m.from == m.to {
                format!("{from} {label}")
            } else {
                format!("{from} tells {to} that it {label}")
            };
            return Some(told.trim_end().to_owned());
        }
        MessageKind::Reply => what("answers"),
        MessageKind::Event if from_broker => what("delivers an event to"),
        MessageKind::Event => what("sends an event to"),
        MessageKind::Stream => what("streams to"),
    };
    if let Some(note) = m.note.as_deref().map(clean).filter(|n| !n.is_empty()) {
        said.push_str(&format!(", {}", spoken(&note)));
    }
    Some(said)
}

/// How a frame of compensations begins.
const TAKING_BACK: &str = "taking back";

/// What else is to be said of a message.
fn outcome(m: &Message, undoes: bool) -> String {
    let mut said = String::new();
    if m.failed && m.kind == MessageKind::Reply {
        // The words of the reply are about nothing else.
        return said;
    }
    if undoes {
        said.push_str(", to take an earlier step back");
    }
    if m.failed {
        said.push_str(", and that fails");
    }
    said
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
            StateKind::Failed => " (it ends here, without success)",
        };
        let ways: Vec<String> = folded
            .iter()
            .filter(|t| t.0 == i)
            .map(|(_, to, labels)| {
                let to = if *to == i {
                    "leads back to itself".to_owned()
                } else {
                    format!("leads to “{}”", label(*to))
                };
                if labels.is_empty() {
                    to
                } else {
                    // Conditions, times and doers alike: no word but a bracket suits them all.
                    format!("{to} ({})", spoken(&labels.join("; or ")))
                }
            })
            .collect();
        if ways.is_empty() {
            format!("“{}”{kind}.", label(i))
        } else {
            format!("“{}”{kind} {}.", label(i), ways.join("; "))
        }
    });
    told.collect()
}

/// Who depends on whom, one sentence for each that depends on any, in the order of the rows.
#[must_use]
pub fn matrix(matrix: &Matrix) -> Vec<String> {
    let name = |i: usize| clean(matrix.names.get(i).map_or("", String::as_str));
    let mut out: Vec<(usize, Vec<String>)> = Vec::new();
    for (&(row, column), counts) in &matrix.cells {
        let on = format!("{} ({})", name(column), counts.words());
        match out.last_mut().filter(|o| o.0 == row) {
            Some((_, all)) => all.push(on),
            None => out.push((row, vec![on])),
        }
    }
    let told = out.into_iter();
    told.map(|(row, on)| format!("{} depends on {}.", name(row), on.join(", ")))
        .collect()
}

/// Each bar with what it comes to, and the lines across them.
#[must_use]
pub fn chart(chart: &Chart) -> Vec<String> {
    let bars = chart
        .bars
        .iter()
        .map(|b| format!("{}: {}.", clean(&b.label), spoken(&b.value)));
    let marks = chart
        .marks
        .iter()
        .map(|m| format!("A line marks: {}.", spoken(&m.label)));
    bars.chain(marks).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::diagram::{Branch, Participant, State, Step, Transition};

    #[test]
    fn signs_and_frames_are_said() {
        let call = |to, label: &str, note: &str| {
            Step::Message(Message {
                to,
                label: label.to_owned(),
                note: Some(note.to_owned()),
                ..Message::default()
            })
        };
        let branch = |title: &str, steps| Branch {
            title: title.to_owned(),
            steps,
        };
        let person = |label: &str| Participant {
            label: label.to_owned(),
            ..Participant::default()
        };
        let retry = Step::Frame {
            kind: FrameKind::Retry,
            branches: vec![branch("up to 3 attempts", vec![call(1, "Pay", "≤ 1 s")])],
        };
        let alt = Step::Frame {
            kind: FrameKind::Alt,
            branches: vec![
                branch("answered", vec![retry]),
                branch("failed", vec![call(2, "Note", "3 × ≤ 2 s")]),
            ],
        };
        let told = sequence(&Sequence {
            participants: ["shop", "bank", "log"].map(person).to_vec(),
            steps: vec![call(1, "Ask", ""), alt],
            ..Sequence::default()
        });
        assert_eq!(
            told,
            [
                "shop calls bank: Ask.",
                "If answered, with retries, up to 3 attempts: shop calls bank: Pay, at most 1 s.",
                "If failed: shop calls log: Note, 3 times at most 2 s.",
            ]
        );
    }

    #[test]
    fn failures_and_compensations_are_said_once() {
        let step = |to, kind, label: &str, failed, compensation| {
            Step::Message(Message {
                to,
                kind,
                label: label.to_owned(),
                failed,
                compensation,
                ..Message::default()
            })
        };
        let person = |label: &str| Participant {
            label: label.to_owned(),
            ..Participant::default()
        };
        let undo = || step(1, MessageKind::Call, "refund", true, true);
        let told = sequence(&Sequence {
            participants: ["shop", "bank"].map(person).to_vec(),
            steps: vec![
                step(0, MessageKind::Call, "confirm", true, false),
                step(0, MessageKind::Reply, "fails for good", true, false),
                undo(),
                Step::Frame {
                    kind: FrameKind::Compensate,
                    branches: vec![Branch {
                        title: "last first".to_owned(),
                        steps: vec![undo()],
                    }],
                },
            ],
            ..Sequence::default()
        });
        assert_eq!(
            told,
            [
                "shop: confirm, and that fails.",
                "shop fails for good.",
                "shop calls bank: refund, to take an earlier step back, and that fails.",
                "Taking back, last first: shop calls bank: refund, and that fails.",
            ]
        );
    }

    #[test]
    fn states_lead_to_others_by_any_cause() {
        let state = |label: &str, kind| State {
            label: label.to_owned(),
            kind,
        };
        let told = states(&States {
            states: vec![
                state("open", StateKind::Start),
                state("shut", StateKind::Failed),
            ],
            transitions: vec![Transition {
                from: 0,
                to: 1,
                label: "after 30 s".to_owned(),
            }],
            ..States::default()
        });
        assert_eq!(
            told,
            [
                "“open” (it begins here) leads to “shut” (after 30 s).",
                "“shut” (it ends here, without success).",
            ]
        );
    }
}
