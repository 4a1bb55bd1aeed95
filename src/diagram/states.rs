//! The state diagram's input: sagas and circuit breakers.

/// States and the transitions between them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct States {
    /// Short name, read out by a screen reader.
    pub title: String,
    /// One or two sentences that say what the picture shows.
    pub description: String,
    /// All states, in the order of the story.
    pub states: Vec<State>,
    /// All transitions.
    pub transitions: Vec<Transition>,
}

/// A state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// What the reader sees.
    pub label: String,
    /// Decides the shape.
    pub kind: StateKind,
}

/// What is special about a state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StateKind {
    /// Where it begins.
    Start,
    /// Nothing.
    #[default]
    Normal,
    /// It ends well here.
    End,
    /// It ends badly, or needs attention.
    Failed,
}

/// An arrow between two states.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Transition {
    /// Index of the state that is left.
    pub from: usize,
    /// Index of the state that is entered; may equal `from`.
    pub to: usize,
    /// What causes it; may be empty.
    pub label: String,
}

impl States {
    /// The transitions between states that exist, in order, those with the same ends folded into one
    /// list of labels.
    pub(super) fn folded(&self) -> Vec<(usize, usize, Vec<String>)> {
        let known = self.states.len();
        let mut all: Vec<&Transition> = self
            .transitions
            .iter()
            .filter(|t| t.from < known && t.to < known)
            .collect();
        all.sort();
        let mut out: Vec<(usize, usize, Vec<String>)> = Vec::new();
        for t in all {
            let label = (!t.label.trim().is_empty()).then(|| t.label.clone());
            match out.last_mut() {
                Some((from, to, labels)) if (*from, *to) == (t.from, t.to) => {
                    if label.is_some() && labels.last() != label.as_ref() {
                        labels.extend(label);
                    }
                }
                _ => out.push((t.from, t.to, label.into_iter().collect())),
            }
        }
        out
    }
}
