//! A number of the design together with the reason for it.

/// Where a number comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The author wrote it.
    Set,
    /// It follows from other numbers of this design.
    Derived,
    /// Nothing was said and nothing implies it; the catalog's number stands in.
    Assumed,
}

/// A value, the formula with this system's numbers in it, and the formula's source.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure<T> {
    /// The value.
    pub value: T,
    /// How it came about: `2 × p99 120 ms`.
    pub why: String,
    /// A key of the catalog's sources; empty for a value that the author set.
    pub source: &'static str,
    /// Where it comes from.
    pub origin: Origin,
}

impl<T> Figure<T> {
    /// A value that the author wrote.
    #[must_use]
    pub fn set(value: T) -> Self {
        Self {
            value,
            why: "set".to_owned(),
            source: "",
            origin: Origin::Set,
        }
    }

    /// A value that follows from others.
    #[must_use]
    pub fn derived(value: T, why: impl Into<String>, source: &'static str) -> Self {
        Self {
            value,
            why: why.into(),
            source,
            origin: Origin::Derived,
        }
    }

    /// A value of the catalog.
    #[must_use]
    pub fn assumed(value: T, why: impl Into<String>, source: &'static str) -> Self {
        Self {
            value,
            why: why.into(),
            source,
            origin: Origin::Assumed,
        }
    }

    /// Whether the author wrote it.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.origin == Origin::Set
    }
}
