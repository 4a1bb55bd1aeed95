//! The dependency matrix: who depends on whom, and how often, for designs that no picture can show.

use super::layout::cycles::sequence;
use super::scene::EdgeKind;
use std::collections::{BTreeMap, BTreeSet};

/// Who depends on whom. Rows depend on columns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Matrix {
    /// Short name.
    pub title: String,
    /// One or two sentences that say what is counted.
    pub description: String,
    /// What depends, and is depended on: services or teams, by name.
    pub names: Vec<String>,
    /// Runs of names that belong together, in the order of [`Matrix::names`]: label and length. Empty, or as long
    /// as the names together; who belongs to none is in a run without a label.
    pub blocks: Vec<(String, usize)>,
    /// Interactions by their ends (indices of [`Matrix::names`]); only pairs that have any.
    pub cells: BTreeMap<(usize, usize), Counts>,
}

impl Matrix {
    /// The same in an order that says something: whoever is in one block stands together, and who depends stands
    /// before what it depends on, as far as that goes. `block` is that of each name, by its label.
    #[must_use]
    pub fn ordered(mut self, block: &[Option<&str>]) -> Self {
        let of = |i: usize| block.get(i).copied().flatten();
        let labels: BTreeSet<Option<&str>> = (0..self.names.len()).map(of).collect();
        let index: BTreeMap<Option<&str>, usize> = labels.into_iter().zip(0..).collect();
        let pulls = |c: &Counts| (c.sync + c.asynchronous + c.realtime) as i64;
        let all = || {
            self.cells
                .iter()
                .map(|(&(from, to), c)| (from, to, pulls(c)))
        };
        let between = all().map(|(from, to, n)| (index[&of(from)], index[&of(to)], n));
        let outer = sequence(index.len(), between);
        let inner = sequence(self.names.len(), all().filter(|e| of(e.0) == of(e.1)));
        let mut order: Vec<usize> = (0..self.names.len()).collect();
        order.sort_by_key(|&i| (outer[index[&of(i)]], inner[i]));
        let mut place = vec![0; order.len()];
        for (at, &i) in order.iter().enumerate() {
            place[i] = at;
        }
        self.blocks.clear();
        for &i in order.iter().filter(|_| index.len() > 1) {
            let label = of(i).unwrap_or_default();
            match self.blocks.last_mut().filter(|b| b.0 == label) {
                Some(block) => block.1 += 1,
                None => self.blocks.push((label.to_owned(), 1)),
            }
        }
        self.names = order.iter().map(|&i| self.names[i].clone()).collect();
        let cells = std::mem::take(&mut self.cells).into_iter();
        self.cells = cells.map(|((a, b), c)| ((place[a], place[b]), c)).collect();
        self
    }

    /// Pairs that go against the order of the names.
    #[must_use]
    pub fn backwards(&self) -> usize {
        self.cells.keys().filter(|(from, to)| from > to).count()
    }

    /// The kinds that occur.
    pub fn kinds(&self) -> impl Iterator<Item = EdgeKind> + use<> {
        let all = self.cells.values().fold(Counts::default(), |a, c| Counts {
            sync: a.sync + c.sync,
            asynchronous: a.asynchronous + c.asynchronous,
            realtime: a.realtime + c.realtime,
        });
        all.kinds().map(|k| k.0)
    }
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
