//! Diagnostics: where something is wrong, how bad it is, and what to write instead.
//!
//! This room knows nothing of specs. It owns the texts that are read ([`Sources`]), the places in
//! them ([`Span`]) and the reports about them ([`Diagnostic`]). One file, `human`, renders them for people.

mod fix;
mod human;
mod json;
mod source;
mod suggest;

pub use fix::{Edit, Fix, Fixer, Replacement, apply};
pub use human::{Style, render, summary};
pub use json::to_json;
pub use source::{Location, Segment, SourceFile, SourceId, Sources, Span};
pub use suggest::nearest;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing; nothing has to change.
    Info,
    /// Probably a fault of the design.
    Warning,
    /// The spec cannot be understood, or the design cannot work as written.
    Error,
}

impl Severity {
    /// The word that reports and configuration use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }

    /// The severity called `name`, if there is one.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Info, Self::Warning, Self::Error]
            .into_iter()
            .find(|s| s.name() == name)
    }
}

/// A place, and what is to be said about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The place that is underlined.
    pub span: Span,
    /// What stands beside the underline; may be empty for the primary label.
    pub message: String,
}

/// One finding: a primary place, any number of further places, and help.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The stable id of the rule, such as `unknown-service`.
    pub rule: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// Where it is wrong.
    pub primary: Label,
    /// The other places involved.
    pub labels: Vec<Label>,
    /// What to do instead.
    pub help: Option<String>,
    /// A change that a machine can make.
    pub fix: Option<Fix>,
}

impl Diagnostic {
    /// A finding of `rule` at `span`.
    #[must_use]
    pub fn new(
        rule: &'static str,
        severity: Severity,
        span: Span,
        message: impl Into<String>,
    ) -> Self {
        Self {
            rule,
            severity,
            message: message.into(),
            primary: Label {
                span,
                message: String::new(),
            },
            labels: Vec::new(),
            help: None,
            fix: None,
        }
    }

    /// An error of `rule` at `span`.
    #[must_use]
    pub fn error(rule: &'static str, span: Span, message: impl Into<String>) -> Self {
        Self::new(rule, Severity::Error, span, message)
    }

    /// A warning of `rule` at `span`.
    #[must_use]
    pub fn warning(rule: &'static str, span: Span, message: impl Into<String>) -> Self {
        Self::new(rule, Severity::Warning, span, message)
    }

    /// Sets the words beside the primary underline.
    #[must_use]
    pub fn at(mut self, message: impl Into<String>) -> Self {
        self.primary.message = message.into();
        self
    }

    /// Adds another place that is involved.
    #[must_use]
    pub fn label(mut self, span: Span, message: impl Into<String>) -> Self {
        self.labels.push(Label {
            span,
            message: message.into(),
        });
        self
    }

    /// Says what to do instead.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Says what to do instead, if there is anything to say.
    #[must_use]
    pub fn maybe_help(mut self, help: Option<String>) -> Self {
        if help.is_some() {
            self.help = help;
        }
        self
    }

    /// Adds a change that a machine can make.
    #[must_use]
    pub fn fix(mut self, fix: Fix) -> Self {
        self.fix = Some(fix);
        self
    }
}

/// Sorts findings by place, so that a report reads from the top of a file to its end.
pub fn sort(sources: &Sources, diagnostics: &mut [Diagnostic]) {
    diagnostics.sort_by_cached_key(|d| {
        let at = sources.locate(d.primary.span);
        (
            at.file,
            at.line,
            at.column,
            std::cmp::Reverse(d.severity),
            d.rule,
            d.message.clone(),
        )
    });
}
