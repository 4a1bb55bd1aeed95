//! A bar chart's input: rows of bars on one scale, with lines that mark what must not be passed.

/// Bars, one below the other.
#[derive(Clone, Debug)]
pub struct Chart {
    /// Short name, read out by a screen reader.
    pub title: String,
    /// One or two sentences that say what the picture shows.
    pub description: String,
    /// Whether each step of the scale is ten times the one before, from 1; for counts that multiply.
    pub log: bool,
    /// What the numbers are: `seconds`, `minutes`, `share` or `calls`.
    pub measure: &'static str,
    /// What the scale measures, in words for readers, which stand below it.
    pub axis: &'static str,
    /// The words of a number on the scale, such as `1.5 s`.
    pub unit: fn(f64) -> String,
    /// What the kinds of parts mean; only those that occur are explained, and only if there are several.
    pub words: Vec<(PartKind, String)>,
    /// From top to bottom.
    pub bars: Vec<Bar>,
    /// Lines across all bars.
    pub marks: Vec<Mark>,
}

/// A row.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bar {
    /// What it is about.
    pub label: String,
    /// How far it is indented, for rows that belong to one above.
    pub depth: usize,
    /// The pieces of its bar; they may leave gaps.
    pub parts: Vec<Part>,
    /// What it comes to, in words.
    pub value: String,
}

/// A piece of a bar.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Part {
    /// Where it begins on the scale; at least 0.
    pub from: f64,
    /// Where it ends.
    pub to: f64,
    /// How it looks.
    pub kind: PartKind,
}

/// How a piece of a bar looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PartKind {
    /// Filled.
    Full,
    /// An outline: nothing happens meanwhile.
    Idle,
    /// Filled and hatched by its border: beyond what is allowed.
    Over,
}

/// A line across the bars.
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    /// Where on the scale.
    pub at: f64,
    /// What it is.
    pub label: String,
}

/// Most bars of a drawn chart.
pub const MAX_BARS: usize = 60;

impl PartKind {
    /// Its name for programs.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Idle => "idle",
            Self::Over => "over",
        }
    }
}

impl Chart {
    /// The kinds of parts that can be seen, with what they mean.
    pub(super) fn legend(&self) -> impl Iterator<Item = (PartKind, &str)> {
        let parts = || self.bars.iter().flat_map(|b| &b.parts);
        let occurs = move |kind| parts().any(|p| p.kind == kind && self.sees(p));
        self.words
            .iter()
            .filter(move |w| occurs(w.0))
            .map(|w| (w.0, w.1.as_str()))
    }

    /// Whether a piece has a place on the scale, which begins at 1 where it is logarithmic.
    pub(super) fn sees(&self, part: &Part) -> bool {
        part.to > part.from.max(if self.log { 1.0 } else { 0.0 })
    }

    /// The largest number on it; at least a little more than 0.
    pub(super) fn end(&self) -> f64 {
        let parts = self.bars.iter().flat_map(|b| &b.parts).map(|p| p.to);
        parts
            .chain(self.marks.iter().map(|m| m.at))
            .filter(|v| v.is_finite())
            .fold(f64::MIN_POSITIVE, f64::max)
    }
}
