//! Columns of figures: a reason that many rows share is told in the first of them.

use std::collections::BTreeSet;
use std::fmt::Display;

use super::super::doc::Inline;
use crate::plan::Figure;

/// The reasons that a column has told.
#[derive(Default)]
pub(super) struct Column(BTreeSet<String>);

impl Column {
    /// The value, with its reason if no row above has told the same.
    pub(super) fn cell<T: Display>(&mut self, figure: &Figure<T>) -> Inline {
        Inline::text(figure.value.to_string()).and(self.why(figure))
    }

    /// The reason alone; nothing if a row above has the same value for the same reason. Marks as short
    /// as `set` stay in every row.
    pub(super) fn why<T: Display>(&mut self, figure: &Figure<T>) -> Inline {
        self.why_of(figure, &figure.value)
    }

    /// The same for a figure whose value `shown` stands for.
    pub(super) fn why_of<T>(&mut self, figure: &Figure<T>, shown: &dyn Display) -> Inline {
        let told = format!("{shown} {}", figure.why);
        if figure.why.len() > 12 && !self.0.insert(told) {
            Inline::new()
        } else {
            Inline::why(figure)
        }
    }
}
