//! The linter: what is wrong with a design that can be understood.
//!
//! A [`Rule`] is one file in `rules`; it reads the plan and never computes a number that the plan has.
//! Only what the author wrote trips a rule: a value that the tool derived is the tool's own affair.

mod config;
mod facts;
mod faults;
mod page;
mod report;
mod roles;
mod rules;
mod timing;
mod words;

use std::cmp::Reverse;

use crate::diag::{Diagnostic, Severity};
use crate::model::{Allow, Section};
use crate::plan::Plan;

pub use config::LEVELS;
use config::{Config, Level};
pub use facts::Facts;
pub use faults::Fault;
pub use page::page;
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
    /// The numbers that the author may set.
    pub thresholds: &'static [Threshold],
    /// The fixture that trips it.
    fires: &'static str,
    /// The fixture that nearly does.
    quiet: &'static str,
    /// Looks for it.
    check: fn(&Facts<'_>, &mut Report<'_>),
}

/// A number that decides whether a rule speaks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Threshold {
    /// The key under `[lint.rules]`.
    pub name: &'static str,
    /// What it is where the author sets nothing.
    pub default: f64,
    /// What it counts: `calls in a row`. For `ms`, `s`, `h`, `bytes`, `per second` and `%` the author may
    /// write a quantity with its unit as well.
    pub unit: &'static str,
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

/// What may be wrong before the rules run, and with `[lint]`, by id.
#[must_use]
pub fn faults() -> &'static [Fault] {
    faults::ALL
}

/// The fault called `id`.
#[must_use]
pub fn fault(id: &str) -> Option<&'static Fault> {
    faults::ALL.iter().find(|f| f.id == id)
}

/// Everything that the rules find, worst first, then by rule and subject; `[lint]` is obeyed.
///
/// The order does not depend on where in the spec something stands.
#[must_use]
pub fn check(plan: &Plan<'_>) -> Vec<Finding> {
    let lint = &plan.model.lint;
    let mut used = vec![false; lint.allow.len()];
    let mut found: Vec<(usize, Finding)> = Vec::new();
    let mut faults = Vec::new();
    let config = Config::read(lint, &mut faults);
    // Other rules are silent about what a storm says already.
    let storm = Report::new(rules::STORM, config.thresholds(rules::STORM.id)).most("most");
    let facts = Facts::new(plan, storm as u64);
    for (order, rule) in rules::ALL.iter().enumerate() {
        let level = config.level(rule.id);
        if level == Some(Level::Off) {
            continue;
        }
        let mut report = Report::new(rule, config.thresholds(rule.id));
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
            if let Some(Level::As(severity)) = level {
                finding.diagnostic.severity = severity;
            }
            found.push((order, finding));
        }
    }
    for finding in about_lint(plan, &config, faults, &used) {
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
fn about_lint(
    plan: &Plan<'_>,
    config: &Config,
    faults: Vec<(String, Diagnostic)>,
    used: &[bool],
) -> Vec<Finding> {
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
    for (subject, fault) in faults {
        add(&subject, fault);
    }
    for word in lint.allow.iter().map(|a| &a.rule) {
        if rule(&word.value).is_none() {
            add(&word.value, config::unknown_rule(word));
        }
    }
    let severity = match config.level(config::UNUSED_ALLOW) {
        Some(Level::Off) => return out,
        Some(Level::As(severity)) => severity,
        None => Severity::Warning,
    };
    for (allow, _) in lint.allow.iter().zip(used).filter(|(_, used)| !**used) {
        if rule(&allow.rule.value).is_none() {
            continue;
        }
        let at = allow.at.as_ref().map(|at| at.value.as_str());
        let place = at.map_or_else(String::new, |at| format!(" at `{at}`"));
        add(
            &format!("{} {}", allow.rule.value, at.unwrap_or_default()),
            Diagnostic::new(
                config::UNUSED_ALLOW,
                severity,
                allow.span,
                format!("`{}` finds nothing{place} that could be allowed", allow.rule.value),
            )
            .at("allows nothing")
            .help("remove this entry, or correct `at`: it matches a service, `caller -> callee`, an event or the whole subject of a finding"),
        );
    }
    out
}
