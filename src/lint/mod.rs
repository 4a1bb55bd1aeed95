//! Rules over a plan.

use crate::diag::Diagnostic;
use crate::model::Section;
use crate::plan::Plan;

/// One finding.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The report.
    pub diagnostic: Diagnostic,
    /// Where the chapter speaks of it.
    pub section: Section,
    /// What it is about.
    pub subject: String,
}

/// Runs every rule.
#[must_use]
pub fn check(_plan: &Plan<'_>) -> Vec<Finding> {
    Vec::new()
}
