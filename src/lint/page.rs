//! The page of a rule, for `explain` and for the reference: everything on it comes from the rule itself.

use std::fmt::Write as _;

use super::{Fault, Rule, fault, rule};
use crate::model::units;

/// The page of the rule or fault `id` as Markdown, from its title on; `None` if there is none.
#[must_use]
pub fn page(id: &str) -> Option<String> {
    match rule(id) {
        Some(rule) => Some(of_rule(rule)),
        None => fault(id).map(of_fault),
    }
}

fn of_rule(rule: &Rule) -> String {
    let mut out = format!(
        "# {}\n\n{}.\n\n| Property | Value |\n|---|---|\n| severity | {} |\n| section of the chapter | {} |\n",
        rule.id,
        capital(rule.summary),
        rule.severity.name(),
        rule.section.info().heading,
    );
    for t in rule.thresholds {
        let _ = writeln!(
            out,
            "| threshold `{}` | {} {} |",
            t.name,
            units::float(t.default),
            t.unit
        );
    }
    part(&mut out, "What it does", rule.what);
    part(&mut out, "Why it is a problem", rule.why);
    part(&mut out, "Example", &code(&rule.example()));
    part(&mut out, "Instead", &code(&rule.instead()));
    part(&mut out, "Limits", rule.limits);
    let set = match rule.thresholds {
        [] => format!("{} = \"off\"", rule.id),
        [t, ..] => format!(
            "{} = {{ severity = \"info\", {} = {} }}",
            rule.id,
            t.name,
            units::float(t.default)
        ),
    };
    part(
        &mut out,
        "Settings",
        &format!(
            "{}\nThe severity is `error`, `warning`, `info` or `off`. A single finding is let pass with a reason:\n\n{}",
            code(&format!("[lint.rules]\n{set}\n")),
            code(&format!(
                "[lint]\nallow = [{{ rule = \"{}\", at = \"…\", reason = \"…\" }}]\n",
                rule.id
            ))
        ),
    );
    part(
        &mut out,
        "Source",
        &format!("{}.", capital(rule.source).trim_end_matches('.')),
    );
    out
}

fn of_fault(fault: &Fault) -> String {
    let mut out = format!("# {}\n\n{}.\n", fault.id, capital(fault.summary));
    part(&mut out, "What it means", fault.what);
    if !fault.example.is_empty() {
        part(&mut out, "Example", &code(fault.example));
    }
    part(&mut out, "Instead", fault.instead);
    out
}

fn part(out: &mut String, heading: &str, text: &str) {
    let _ = write!(out, "\n## {heading}\n\n{}\n", text.trim_end());
}

fn code(toml: &str) -> String {
    format!("```toml\n{toml}```\n")
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => String::new(),
    }
}
