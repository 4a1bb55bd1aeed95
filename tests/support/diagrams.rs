//! Scenes, sequences and states with names that try to break every notation.

use msdesign::diagram::*;

/// Names that mean something to HTML, XML, Markdown, Mermaid, DOT, D2, PlantUML or mdBook.
pub(crate) const NAMES: &[&str] = &[
    "orders",
    "end",
    "a \"quoted\" name",
    "</svg><script>alert(1)</script>",
    "<b>&amp;&#x41;",
    "x --> y",
    "semi;colon # hash",
    "{{#include /etc/passwd}}",
    "back\\slash\\",
    "`code` *bold* _it_ [link](x)",
    "pipe | bar [a] (b) {c}",
    "line\nbreak\r\n\n\ttab",
    "日本語のサービス",
    "übergrößenträger",
    "e\u{301}\u{202E}rtl\u{0}",
    "%% comment",
    "click",
    "1. list",
    "$$x$$ ~~~mermaid",
    "",
    "style fill:#f00",
    "subgraph",
    "--- dashes -- 'smart' \"quotes\" ...",
    "an extraordinarily long name of a service that nobody would ever want to read in a box",
    "@enduml",
    "!include /etc/passwd",
    "null",
    "🚀 launch 👩‍🚀",
    "שלום עולם (מה)",
    "' comment /' x '/",
    "${HOME} $var %date()",
    "//slash// **star** __under__ ==eq== ..dot..",
    "a, b = c, $tags = \"x\")",
];

pub(crate) fn name(i: usize) -> String {
    NAMES[i % NAMES.len()].to_owned()
}

/// Every kind of node and edge, self-loops, pairs and parallels, and all names.
pub(crate) fn scene() -> Scene {
    let groups = (0..5)
        .map(|i| Group {
            id: format!("g{i}"),
            label: name(i * 5 + 1),
        })
        .collect();
    let nodes: Vec<Node> = (0..NAMES.len())
        .map(|i| Node {
            id: format!("{:02}", i),
            label: name(i),
            sub: (i % 3 == 0).then(|| name(i + 7)),
            kind: NodeKind::ALL[i % 6],
            group: (i % 6 != 5).then_some(i % 5),
            link: (i % 4 == 0).then(|| "#section-\"x".to_owned()),
            focus: i % 7 == 0,
        })
        .collect();
    let edges = (0..60)
        .map(|i| Edge {
            from: i * 7 % nodes.len(),
            to: (i * i + 3) % nodes.len(),
            kind: EdgeKind::ALL[i % 4],
            soft: i % 5 == 0,
            labels: (0..i % 6).map(|k| name(i + k)).collect(),
            link: None,
        })
        .collect();
    Scene {
        title: name(2),
        description: name(3),
        labels: Labels::Auto,
        groups,
        nodes,
        edges,
    }
}

/// A flow with every kind of step and frame.
pub(crate) fn sequence() -> Sequence {
    let participants: Vec<Participant> = (0..NAMES.len())
        .map(|i| Participant {
            label: name(i),
            kind: NodeKind::ALL[i % 6],
            link: None,
        })
        .collect();
    let kinds = [
        MessageKind::Call,
        MessageKind::Reply,
        MessageKind::Event,
        MessageKind::Stream,
    ];
    let message = |i: usize| {
        Step::Message(Message {
            from: i % NAMES.len(),
            to: (i * 5 + 2) % NAMES.len(),
            label: name(i),
            kind: kinds[i % 4],
            note: i.is_multiple_of(3).then(|| name(i + 4)),
            limit_ms: None,
            compensation: i.is_multiple_of(7),
            failed: i.is_multiple_of(11),
        })
    };
    let mut steps: Vec<Step> = (0..30).map(message).collect();
    let frames = [
        FrameKind::Par,
        FrameKind::Alt,
        FrameKind::Opt,
        FrameKind::Loop,
        FrameKind::Retry,
        FrameKind::Compensate,
    ];
    for (i, kind) in frames.into_iter().enumerate() {
        let branches = (0..2)
            .map(|b| Branch {
                title: name(i * 2 + b),
                steps: vec![message(i + b), message(i + 9)],
            })
            .collect();
        steps.push(Step::Frame { kind, branches });
    }
    for i in 0..NAMES.len() {
        steps.push(Step::Note {
            over: vec![i, (i + 2) % NAMES.len()],
            text: name(i),
        });
    }
    Sequence {
        title: name(4),
        description: name(5),
        participants,
        steps,
    }
}

/// States with all names and a transition from each to some.
pub(crate) fn states() -> States {
    let kinds = [
        StateKind::Start,
        StateKind::Normal,
        StateKind::End,
        StateKind::Failed,
    ];
    States {
        title: name(6),
        description: name(7),
        states: (0..NAMES.len())
            .map(|i| State {
                label: name(i),
                kind: kinds[i % 4],
            })
            .collect(),
        transitions: (0..50)
            .map(|i| Transition {
                from: i % NAMES.len(),
                to: i * 5 % NAMES.len(),
                label: name(i),
            })
            .collect(),
    }
}
