//! The sequence diagram's input: messages in time, for flows and for sagas that fail.

use super::NodeKind;

/// Participants and what passes between them, in time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sequence {
    /// Short name, read out by a screen reader.
    pub title: String,
    /// One or two sentences that say what the picture shows.
    pub description: String,
    /// Columns from left to right, in this order.
    pub participants: Vec<Participant>,
    /// From top to bottom.
    pub steps: Vec<Step>,
}

/// A column.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Participant {
    /// What the reader sees.
    pub label: String,
    /// Decides the shape of its head.
    pub kind: NodeKind,
    /// Where a click on its head leads.
    pub link: Option<String>,
}

/// One thing that happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Something passes from one participant to another.
    Message(Message),
    /// Steps inside a labelled frame.
    Frame {
        /// What the frame means.
        kind: FrameKind,
        /// One for each branch; frames other than `Par` and `Alt` have one.
        branches: Vec<Branch>,
    },
    /// A remark above the lifelines.
    Note {
        /// Indices of the participants that it spans; empty means all.
        over: Vec<usize>,
        /// The remark.
        text: String,
    },
}

/// An arrow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// Index of the sender.
    pub from: usize,
    /// Index of the receiver; may equal `from`.
    pub to: usize,
    /// What passes.
    pub label: String,
    /// Decides line and arrow.
    pub kind: MessageKind,
    /// A smaller second line, such as a timeout.
    pub note: Option<String>,
    /// How long the sender waits, in milliseconds, for programs; `note` says it in words.
    pub limit_ms: Option<u64>,
    /// `true` if the message undoes an earlier step.
    pub compensation: bool,
    /// `true` if the step is where things go wrong.
    pub failed: bool,
}

/// How a message travels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MessageKind {
    /// The sender waits; the receiver is active until it replies.
    #[default]
    Call,
    /// The answer to a call.
    Reply,
    /// Nobody waits.
    Event,
    /// One of many over a lasting connection.
    Stream,
}

/// What a frame means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameKind {
    /// All branches at the same time.
    Par,
    /// One of the branches.
    Alt,
    /// Perhaps.
    Opt,
    /// Again and again.
    Loop,
    /// Again after a failure.
    Retry,
    /// Undoing, in reverse order.
    Compensate,
}

/// One part of a frame.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Branch {
    /// Its condition or name; may be empty.
    pub title: String,
    /// What happens in it.
    pub steps: Vec<Step>,
}

/// Frames deeper than this are drawn without a border.
pub(super) const MAX_DEPTH: usize = 8;

impl FrameKind {
    /// The word in the frame's corner.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Par => "par",
            Self::Alt => "alt",
            Self::Opt => "opt",
            Self::Loop => "loop",
            Self::Retry => "retry",
            Self::Compensate => "compensate",
        }
    }

    /// The word between two branches.
    pub(super) fn joint(self) -> &'static str {
        match self {
            Self::Par => "and",
            _ => "else",
        }
    }
}

impl Message {
    /// How long the sender of a call waits, in words.
    pub(super) fn limit(&self) -> Option<&str> {
        self.note
            .as_deref()
            .filter(|_| self.kind == MessageKind::Call)
    }

    /// What else is said of a message that nobody waits for.
    pub(super) fn remark(&self) -> Option<&str> {
        self.note
            .as_deref()
            .filter(|_| self.kind != MessageKind::Call)
    }

    /// The answer to a call of one's own that says nothing: only the work ends.
    pub(super) fn is_silent(&self) -> bool {
        self.kind == MessageKind::Reply
            && self.from == self.to
            && self.label.trim().is_empty()
            && self.note.is_none()
    }

    /// What notations that have no colours of ours set before the label.
    pub(super) fn mark(&self) -> &'static str {
        match (self.failed, self.compensation) {
            (true, _) => "✗ ",
            (_, true) => "↺ ",
            _ => "",
        }
    }
}

impl Step {
    /// Branches that run at the same time.
    #[must_use]
    pub fn par(branches: Vec<Vec<Self>>) -> Self {
        let branches = branches
            .into_iter()
            .map(|steps| Branch {
                title: String::new(),
                steps,
            })
            .collect();
        Self::Frame {
            kind: FrameKind::Par,
            branches,
        }
    }
}

/// Number of steps, those in frames and the branches themselves included; stops counting some way
/// above `limit`.
pub(super) fn count(steps: &[Step], limit: usize) -> usize {
    let mut total = 0;
    let mut open: Vec<&[Step]> = vec![steps];
    while let Some(list) = open.pop() {
        total += list.len();
        for step in list {
            if let Step::Frame { branches, .. } = step {
                total += branches.len();
                open.extend(branches.iter().map(|b| b.steps.as_slice()));
            }
        }
        if total > limit {
            break;
        }
    }
    total
}

/// A step as the outputs walk it: frames are opened, divided and closed in one flat list, so that
/// no output recurses.
pub(super) enum Event<'a> {
    Message(&'a Message),
    Note(&'a [usize], &'a str),
    Open(FrameKind, &'a str),
    Divide(FrameKind, &'a str),
    Close,
}

/// What an event does to the activation of a participant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Work {
    /// Its receiver begins to work; the answer follows.
    Begins,
    /// Its sender has done what it was called for.
    Ends,
    Nothing,
}

/// What each event of a [flat](flatten) sequence does. Every beginning has its end: a call that is never
/// answered begins nothing.
pub(super) fn work(events: &[Event<'_>], participants: usize) -> Vec<Work> {
    let mut out = vec![Work::Nothing; events.len()];
    let mut calls: Vec<Vec<usize>> = vec![Vec::new(); participants];
    for (i, event) in events.iter().enumerate() {
        let Event::Message(m) = event else { continue };
        match m.kind {
            MessageKind::Call => calls[m.to].push(i),
            MessageKind::Reply => {
                if let Some(call) = calls[m.from].pop() {
                    out[call] = Work::Begins;
                    out[i] = Work::Ends;
                }
            }
            MessageKind::Event | MessageKind::Stream => {}
        }
    }
    out
}

/// The sequence as a flat list. Frames nested deeper than [`MAX_DEPTH`] lose their border; messages
/// of participants that do not exist are left out.
pub(super) fn flatten(sequence: &Sequence) -> Vec<Event<'_>> {
    enum Todo<'a> {
        Step(&'a Step),
        Mark(Event<'a>),
    }
    let known = sequence.participants.len();
    let mut out = Vec::new();
    let mut depth = 0;
    let mut todo: Vec<Todo<'_>> = sequence.steps.iter().rev().map(Todo::Step).collect();
    while let Some(next) = todo.pop() {
        match next {
            Todo::Mark(event) => {
                if matches!(event, Event::Close) {
                    depth -= 1;
                }
                out.push(event);
            }
            Todo::Step(Step::Message(m)) => {
                if m.from < known && m.to < known {
                    out.push(Event::Message(m));
                }
            }
            Todo::Step(Step::Note { over, text }) => {
                if known > 0 {
                    out.push(Event::Note(over, text));
                }
            }
            Todo::Step(Step::Frame { kind, branches }) => {
                let framed = depth < MAX_DEPTH && !branches.is_empty() && known > 0;
                if framed {
                    depth += 1;
                    todo.push(Todo::Mark(Event::Close));
                }
                for (i, branch) in branches.iter().enumerate().rev() {
                    todo.extend(branch.steps.iter().rev().map(Todo::Step));
                    if framed && i > 0 {
                        todo.push(Todo::Mark(Event::Divide(*kind, &branch.title)));
                    }
                }
                if framed {
                    let title = branches.first().map_or("", |b| b.title.as_str());
                    out.push(Event::Open(*kind, title));
                }
            }
        }
    }
    out
}
