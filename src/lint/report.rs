//! What one rule says while it runs.

use super::{Finding, Rule};
use crate::diag::{Diagnostic, Span};

/// Collects the findings of one rule.
#[derive(Debug)]
pub struct Report {
    rule: &'static Rule,
    found: Vec<Finding>,
}

impl Report {
    pub(super) fn new(rule: &'static Rule) -> Self {
        Self {
            rule,
            found: Vec::new(),
        }
    }

    /// A diagnostic of this rule, with its severity.
    pub(super) fn at(&self, span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(self.rule.id, self.rule.severity, span, message)
    }

    /// Keeps a finding about `subject`, whose parts are `places`.
    pub(super) fn add(&mut self, (subject, places): (String, Vec<String>), diagnostic: Diagnostic) {
        self.found.push(Finding {
            diagnostic,
            section: self.rule.section,
            subject,
            places,
        });
    }

    pub(super) fn into_findings(self) -> Vec<Finding> {
        self.found
    }
}
