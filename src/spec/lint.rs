//! `[lint]`: what the linter lets pass, what it insists on, and the thresholds of its rules.

use std::collections::BTreeSet;

use toml::de::DeValue;

use super::table::{Context, Entry, Table, read_text, wrong_type};
use super::{Spanned, Text};
use crate::diag::{Diagnostic, Span};

/// One finding that the author lets pass.
#[derive(Clone, Debug)]
pub struct Allow {
    /// The whole entry.
    pub span: Span,
    /// Id of the rule.
    pub rule: Text,
    /// Only findings about this.
    pub at: Option<Text>,
    /// Why it may stay.
    pub reason: Text,
}

/// What the linter lets pass or insists on.
#[derive(Clone, Debug, Default)]
pub struct LintDecl {
    /// Findings that may stay.
    pub allow: Vec<Allow>,
    /// Rules that count as errors.
    pub deny: Vec<Text>,
    /// Rules that count as warnings.
    pub warn: Vec<Text>,
    /// What is set for single rules.
    pub rules: Vec<RuleDecl>,
}

/// What the author sets for one rule.
#[derive(Clone, Debug)]
pub struct RuleDecl {
    /// Id of the rule.
    pub rule: Text,
    /// How bad its findings are: a word.
    pub severity: Option<Text>,
    /// Its thresholds by name.
    pub values: Vec<(Text, Spanned<Value>)>,
}

/// The value of a threshold.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A number.
    Number(f64),
    /// A quantity with its unit.
    Text(String),
}

impl LintDecl {
    /// Takes over what this one does not say itself: what it says of a rule wins.
    pub(super) fn merge_under(&mut self, other: Self) {
        let graded: BTreeSet<String> = self
            .deny
            .iter()
            .chain(&self.warn)
            .chain(
                self.rules
                    .iter()
                    .filter(|r| r.severity.is_some())
                    .map(|r| &r.rule),
            )
            .map(|t| t.value.clone())
            .collect();
        let news = |t: &Text| !graded.contains(&t.value);
        self.allow.extend(other.allow);
        self.deny.extend(other.deny.into_iter().filter(news));
        self.warn.extend(other.warn.into_iter().filter(news));
        for mut rule in other.rules {
            if !news(&rule.rule) {
                rule.severity = None;
            }
            match self
                .rules
                .iter_mut()
                .find(|r| r.rule.value == rule.rule.value)
            {
                Some(own) => {
                    own.severity = own.severity.take().or(rule.severity);
                    for (name, value) in rule.values {
                        if own.values.iter().all(|(n, _)| n.value != name.value) {
                            own.values.push((name, value));
                        }
                    }
                }
                None => self.rules.push(rule),
            }
        }
    }
}

/// What a design sets.
pub(super) fn read_lint(cx: &mut Context<'_>, root: &mut Table<'_>) -> LintDecl {
    let Some(mut t) = root.table(cx, "lint", "`[lint]`") else {
        return LintDecl::default();
    };
    let mut out = LintDecl {
        allow: read_allow(cx, &mut t),
        ..LintDecl::default()
    };
    read_levels(cx, &mut t, &mut out);
    t.finish(cx);
    out
}

/// What a book sets for all its designs. A finding is allowed where it is, so `allow` is no key here.
pub(super) fn read_book_lint(cx: &mut Context<'_>, root: &mut Table<'_>) -> LintDecl {
    let Some(mut t) = root.table(cx, "lint", "the `lint` of a book") else {
        return LintDecl::default();
    };
    let mut out = LintDecl::default();
    read_levels(cx, &mut t, &mut out);
    t.finish(cx);
    out
}

/// How bad the findings of rules are, and their thresholds.
fn read_levels(cx: &mut Context<'_>, t: &mut Table<'_>, out: &mut LintDecl) {
    out.deny = t.texts(cx, "deny").unwrap_or_default();
    out.warn = t.texts(cx, "warn").unwrap_or_default();
    let Some(mut rules) = t.table(cx, "rules", "`[lint.rules]`") else {
        return;
    };
    for (rule, entry) in rules.all(cx) {
        let mut decl = RuleDecl {
            rule,
            severity: None,
            values: Vec::new(),
        };
        match entry.value {
            DeValue::String(_) => {
                decl.severity = read_text(cx, "severity", entry.value, entry.span);
            }
            DeValue::Table(table) => {
                let mut keys = Table::at("the setting of a rule", table, entry.span);
                decl.severity = keys.text(cx, "severity");
                for (name, e) in keys.all(cx) {
                    if name.value != "severity"
                        && let Some(value) = threshold(cx, &name.value, &e)
                    {
                        decl.values.push((name, value));
                    }
                }
            }
            other => {
                let known: String = decl.rule.value.chars().take(60).collect();
                cx.report(
                    wrong_type(&known, "a severity or a table", other, entry.span).help(
                        "write `\"warning\"`, or `{ severity = \"warning\" }` with thresholds",
                    ),
                );
                continue;
            }
        }
        out.rules.push(decl);
    }
}

fn threshold(cx: &mut Context<'_>, name: &str, entry: &Entry<'_>) -> Option<Spanned<Value>> {
    let value = match entry.value {
        DeValue::Integer(raw) => i64::from_str_radix(raw.as_str(), raw.radix())
            .ok()
            .map(|n| Value::Number(n as f64)),
        DeValue::Float(raw) => raw.as_str().parse().ok().map(Value::Number),
        DeValue::String(text) => Some(Value::Text(text.to_string())),
        _ => None,
    };
    if value.is_none() {
        let name: String = name.chars().take(60).collect();
        cx.report(
            wrong_type(&name, "a number or a quantity", entry.value, entry.span)
                .help("write a number such as `5`, or a quantity such as `\"300ms\"`"),
        );
    }
    Some(Spanned::new(value?, entry.span))
}

/// The findings that the author lets pass.
fn read_allow(cx: &mut Context<'_>, t: &mut Table<'_>) -> Vec<Allow> {
    let mut out = Vec::new();
    for Entry { value, span, .. } in t.list(cx, "allow") {
        let DeValue::Table(table) = value else {
            cx.report(
                wrong_type("allow", "a list of tables", value, span)
                    .help("write `{ rule = \"…\", reason = \"…\" }`: a reason is required"),
            );
            continue;
        };
        let mut a = Table::at("an allowed finding", table, span);
        let rule = a.text(cx, "rule");
        let at = a.text(cx, "at");
        let reason = reason(cx, &mut a, span);
        if rule.is_none() && !a.has("rule") {
            a.missing(cx, "rule", "rule = \"missing-owner\"");
        }
        a.finish(cx);
        if let (Some(rule), Some(reason)) = (rule, reason) {
            out.push(Allow {
                span,
                rule,
                at,
                reason,
            });
        }
    }
    out
}

/// Why a finding may stay; leaving that out, or empty, is a fault of its own.
fn reason(cx: &mut Context<'_>, a: &mut Table<'_>, whole: Span) -> Option<Text> {
    let missing = |cx: &mut Context<'_>, span: Span, at: &str| {
        cx.report(
            Diagnostic::error(
                "missing-reason",
                span,
                "a finding may only be allowed with a `reason`",
            )
            .at(at)
            .help("write `reason = \"…\"`, so that the next reader knows why"),
        );
    };
    let Some(entry) = a.entry(cx, "reason") else {
        missing(cx, whole, "no `reason` here");
        return None;
    };
    match entry.value {
        DeValue::String(text) if text.trim().is_empty() => {
            missing(cx, entry.span, "nothing in the quotes");
            None
        }
        other => read_text(cx, "reason", other, entry.span),
    }
}
