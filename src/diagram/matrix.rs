//! The dependency matrix: who depends on whom, and how often, for designs that no picture can show.

use super::scene::EdgeKind;
use std::collections::BTreeMap;

/// Who depends on whom. Rows depend on columns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Matrix {
    /// Short name.
    pub title: String,
    /// One or two sentences that say what is counted.
    pub description: String,
    /// What depends, and is depended on: services or teams, by name.
    pub names: Vec<String>,
    /// Interactions by their ends (indices of [`Matrix::names`]); only pairs that have any.
    pub cells: BTreeMap<(usize, usize), Counts>,
}

/// How many interactions of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Synchronous calls.
    pub sync: usize,
    /// Events that the row consumes from the column.
    pub asynchronous: usize,
    /// Streams that the row listens to.
    pub realtime: usize,
}

impl Counts {
    /// Each kind that occurs with its number.
    pub fn kinds(&self) -> impl Iterator<Item = (EdgeKind, usize)> + use<> {
        [
            (EdgeKind::Sync, self.sync),
            (EdgeKind::Async, self.asynchronous),
            (EdgeKind::Realtime, self.realtime),
        ]
        .into_iter()
        .filter(|k| k.1 > 0)
    }

    /// `3 synchronous, 1 asynchronous`.
    #[must_use]
    pub fn words(&self) -> String {
        let all: Vec<String> = self
            .kinds()
            .map(|(kind, n)| format!("{n} {}", kind.word()))
            .collect();
        all.join(", ")
    }

    /// `3s 1a`, for a cell of a table.
    #[must_use]
    pub fn short(&self) -> String {
        let all: Vec<String> = self
            .kinds()
            .map(|(kind, n)| format!("{n}{}", &kind.word()[..1]))
            .collect();
        all.join(" ")
    }
}
