//! What one rule says while it runs.

use std::collections::BTreeMap;

use super::{Finding, Rule};
use crate::diag::{Diagnostic, Span};

/// Collects the findings of one rule.
#[derive(Debug)]
pub struct Report<'c> {
    rule: &'static Rule,
    thresholds: &'c BTreeMap<&'static str, f64>,
    found: Vec<Finding>,
}

impl<'c> Report<'c> {
    /// For `rule`, with the thresholds that the author set; the others have their defaults.
    pub(super) fn new(rule: &'static Rule, thresholds: &'c BTreeMap<&'static str, f64>) -> Self {
        Self {
            rule,
            thresholds,
            found: Vec::new(),
        }
    }

    /// The rule's threshold `name`, in the unit that the rule declares: the author's, or the default.
    pub(super) fn threshold(&self, name: &str) -> f64 {
        let declared = self.rule.thresholds.iter().find(|t| t.name == name);
        debug_assert!(
            declared.is_some(),
            "{} has no threshold {name}",
            self.rule.id
        );
        let default = declared.map_or(0.0, |t| t.default);
        self.thresholds.get(name).copied().unwrap_or(default)
    }

    /// A threshold that counts things.
    pub(super) fn most(&self, name: &str) -> usize {
        // A count fits; a float beyond it saturates.
        self.threshold(name) as usize
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
