//! The linter: what is wrong with a design that can be understood.
//!
//! A [`Rule`] is one file in `rules`; it reads the plan and never computes a number that the plan has.
//! Only what the author wrote trips a rule: a value that the tool derived is the tool's own affair.

mod facts;
mod report;
mod rules;
mod words;

use std::cmp::Reverse;

use crate::diag::{Diagnostic, Severity, nearest};
use crate::model::{Allow, Section};
use crate::plan::Plan;

pub use facts::Facts;
pub use report::Report;

/// One rule with its documentation.
#[derive(Debug)]
pub struct Rule {
    /// Stable id, such as `sync-cycle`.
    pub id: &'static str,
    /// How bad its findings are, unless one says otherwise or the author asks for more or less.
    pub severity: Severity,
    /// Where the chapter speaks of it.
    pub section: Section,
    /// One line.
    pub summary: &'static str,
    /// What it looks for, with its thresholds.
    pub what: &'static str,
    /// Why that is a problem.
    pub why: &'static str,
    /// What it cannot see.
    pub limits: &'static str,
    /// Where the judgement comes from.
    pub source: &'static str,
    /// The fixture that trips it.
    fires: &'static str,
    /// The fixture that nearly does.
    quiet: &'static str,
    /// Looks for it.
    check: fn(&Facts<'_>, &mut Report),
}

impl Rule {
    /// TOML of a design that trips the rule. A test proves that it does.
    #[must_use]
    pub fn example(&self) -> String {
        without_marks(self.fires)
    }

    /// TOML of the same design without the fault. A test proves that the rule is silent about it.
    #[must_use]
    pub fn instead(&self) -> String {
        without_marks(self.quiet)
    }
}

/// The fixture without the `#!` lines that tell the test what to expect.
fn without_marks(fixture: &str) -> String {
    let lines: Vec<&str> = fixture.lines().filter(|l| !l.starts_with("#!")).collect();
    format!("{}\n", lines.join("\n").trim())
}

/// A finding about a design.
#[derive(Clone, Debug)]
pub struct Finding {
    /// What is wrong, where, and what to do.
    pub diagnostic: Diagnostic,
    /// Where the chapter speaks of it.
    pub section: Section,
    /// What it is about: `orders -> payments: gRPC Authorize`. `allow = [{ at = … }]` matches this.
    pub subject: String,
    /// The parts of the subject that `at` matches as well: services, `a -> b`, events.
    pub places: Vec<String>,
}

/// Every rule, in the order in which findings of the same severity are told.
#[must_use]
pub fn rules() -> &'static [&'static Rule] {
    rules::ALL
}

/// The rule called `id`.
#[must_use]
pub fn rule(id: &str) -> Option<&'static Rule> {
    rules::ALL.iter().find(|r| r.id == id).copied()
}

/// Everything that the rules find, worst first, then by rule and subject; `[lint]` is obeyed.
///
/// The order does not depend on where in the spec something stands.
#[must_use]
pub fn check(plan: &Plan<'_>) -> Vec<Finding> {
    let facts = Facts::new(plan);
    let lint = &plan.model.lint;
    let mut used = vec![false; lint.allow.len()];
    let mut found: Vec<(usize, Finding)> = Vec::new();
    for (order, rule) in rules::ALL.iter().enumerate() {
        let mut report = Report::new(rule);
        (rule.check)(&facts, &mut report);
        for mut finding in report.into_findings() {
            let mut allowed = false;
            for (i, allow) in lint.allow.iter().enumerate() {
                if allow.rule.value == rule.id && matches(allow, &finding) {
                    used[i] = true;
                    allowed = true;
                }
            }
            if allowed {
                continue;
            }
            if lint.deny.iter().any(|d| d.value == rule.id) {
                finding.diagnostic.severity = Severity::Error;
            } else if lint.warn.iter().any(|w| w.value == rule.id) {
                finding.diagnostic.severity = Severity::Warning;
            }
            found.push((order, finding));
        }
    }
    for finding in about_lint(plan, &used) {
        found.push((usize::MAX, finding));
    }
    found.sort_by(|(a, x), (b, y)| {
        (
            Reverse(x.diagnostic.severity),
            a,
            &x.subject,
            &x.diagnostic.message,
        )
            .cmp(&(
                Reverse(y.diagnostic.severity),
                b,
                &y.subject,
                &y.diagnostic.message,
            ))
    });
    found.into_iter().map(|(_, f)| f).collect()
}

fn matches(allow: &Allow, finding: &Finding) -> bool {
    allow.at.as_ref().is_none_or(|at| {
        let at = at.value.trim();
        at == finding.subject || finding.places.iter().any(|p| p == at)
    })
}

/// What is wrong with `[lint]` itself.
fn about_lint(plan: &Plan<'_>, used: &[bool]) -> Vec<Finding> {
    let lint = &plan.model.lint;
    let mut out = Vec::new();
    let mut add = |subject: &str, diagnostic: Diagnostic| {
        out.push(Finding {
            diagnostic,
            section: Section::Overview,
            subject: subject.to_owned(),
            places: Vec::new(),
        });
    };
    let named = lint.allow.iter().map(|a| &a.rule);
    for word in named.chain(&lint.deny).chain(&lint.warn) {
        if rule(&word.value).is_some() {
            continue;
        }
        let short: String = word.value.chars().take(60).collect();
        let near = nearest(&word.value, rules::ALL.iter().map(|r| r.id));
        add(
            &word.value,
            Diagnostic::error(
                "unknown-rule",
                word.span,
                format!("there is no rule `{short}`"),
            )
            .at("not a rule")
            .maybe_help(near.map(|n| format!("did you mean `{n}`?"))),
        );
    }
    for (allow, _) in lint.allow.iter().zip(used).filter(|(_, used)| !**used) {
        if rule(&allow.rule.value).is_none() {
            continue;
        }
        let at = allow.at.as_ref().map(|at| at.value.as_str());
        let place = at.map_or_else(String::new, |at| format!(" at `{at}`"));
        add(
            &format!("{} {}", allow.rule.value, at.unwrap_or_default()),
            Diagnostic::warning(
                "unused-allow",
                allow.span,
                format!("`{}` finds nothing{place} that could be allowed", allow.rule.value),
            )
            .at("allows nothing")
            .help("remove this entry, or correct `at`: it matches a service, `caller -> callee`, an event or the whole subject of a finding"),
        );
    }
    out
}
