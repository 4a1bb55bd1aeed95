//! What the author sets for rules: how bad their findings are, and their thresholds.

use std::collections::BTreeMap;

use super::{Rule, Threshold, rule, rules};
use crate::diag::{Diagnostic, Severity, Span, nearest};
use crate::model::{Lint, Set, Written, units};

/// Findings of this rule are about `[lint]` itself; it is no rule about designs.
pub(super) const UNUSED_ALLOW: &str = "unused-allow";

/// How bad the findings of a rule are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    /// As the author wants it.
    As(Severity),
    /// The rule does not run.
    Off,
}

/// The settings of a design, with what is wrong with them.
#[derive(Debug, Default)]
pub(super) struct Config {
    levels: BTreeMap<String, Level>,
    thresholds: BTreeMap<&'static str, BTreeMap<&'static str, f64>>,
    nothing: BTreeMap<&'static str, f64>,
}

impl Config {
    /// Reads the settings; every fault goes to `out`, with the word that is wrong.
    pub(super) fn read(lint: &Lint, out: &mut Vec<(String, Diagnostic)>) -> Self {
        let mut config = Self::default();
        // `[lint.rules]` is the most exact, `deny` comes next, `warn` last.
        let lists = [
            (&lint.warn, Severity::Warning),
            (&lint.deny, Severity::Error),
        ];
        for (words, severity) in lists {
            for word in words {
                known(word, out);
                config
                    .levels
                    .insert(word.value.clone(), Level::As(severity));
            }
        }
        for setting in &lint.rules {
            let Some(known) = known(&setting.rule, out) else {
                continue;
            };
            if let Some(word) = &setting.severity {
                match level(word) {
                    Ok(level) => {
                        config.levels.insert(setting.rule.value.clone(), level);
                    }
                    Err(d) => out.push((setting.rule.value.clone(), *d)),
                }
            }
            let declared = match known {
                Known::Rule(rule) => rule.thresholds,
                Known::About => &[],
            };
            for (name, value) in &setting.values {
                match threshold(&setting.rule.value, declared, name, value) {
                    Ok((threshold, number)) => {
                        if let Known::Rule(rule) = known {
                            let values = config.thresholds.entry(rule.id).or_default();
                            values.insert(threshold.name, number);
                        }
                    }
                    Err(d) => out.push((setting.rule.value.clone(), *d)),
                }
            }
        }
        config
    }

    /// What is set for the rule `id`.
    pub(super) fn level(&self, id: &str) -> Option<Level> {
        self.levels.get(id).copied()
    }

    /// The thresholds that the author set for the rule `id`.
    pub(super) fn thresholds(&self, id: &str) -> &BTreeMap<&'static str, f64> {
        self.thresholds.get(id).unwrap_or(&self.nothing)
    }
}

#[derive(Clone, Copy)]
enum Known {
    Rule(&'static Rule),
    /// A finding about `[lint]` itself.
    About,
}

/// The rule that `word` names; a fault if there is none.
fn known(word: &Set<String>, out: &mut Vec<(String, Diagnostic)>) -> Option<Known> {
    if word.value == UNUSED_ALLOW {
        return Some(Known::About);
    }
    if let Some(rule) = rule(&word.value) {
        return Some(Known::Rule(rule));
    }
    out.push((word.value.clone(), unknown_rule(word)));
    None
}

/// What is said of a rule that does not exist.
pub(super) fn unknown_rule(word: &Set<String>) -> Diagnostic {
    let near = nearest(&word.value, rules().iter().map(|r| r.id));
    Diagnostic::error(
        "unknown-rule",
        word.span,
        format!("there is no rule `{}`", short(&word.value)),
    )
    .at("not a rule")
    .help(near.map_or_else(
        || "`mdbook-msdesign rules` lists them".to_owned(),
        |n| format!("did you mean `{n}`?"),
    ))
}

fn short(word: &str) -> String {
    word.chars().take(60).collect()
}

/// What a rule may be set to.
pub const LEVELS: [&str; 4] = ["error", "warning", "info", "off"];

fn level(word: &Set<String>) -> Result<Level, Box<Diagnostic>> {
    if word.value == "off" {
        return Ok(Level::Off);
    }
    Severity::parse(&word.value).map(Level::As).ok_or_else(|| {
        Box::new(
            Diagnostic::error(
                "invalid-value",
                word.span,
                format!("a rule cannot be `{}`", short(&word.value)),
            )
            .at("not a severity")
            .help(match nearest(&word.value, LEVELS) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "one of `error`, `warning`, `info` and `off`".to_owned(),
            }),
        )
    })
}

fn threshold(
    id: &str,
    declared: &'static [Threshold],
    name: &Set<String>,
    value: &Set<Written>,
) -> Result<(&'static Threshold, f64), Box<Diagnostic>> {
    let Some(found) = declared.iter().find(|t| t.name == name.value) else {
        let names: Vec<String> = declared.iter().map(|t| format!("`{}`", t.name)).collect();
        let near = nearest(
            &name.value,
            declared.iter().map(|t| t.name).chain(["severity"]),
        );
        return Err(Box::new(
            Diagnostic::error(
                "unknown-threshold",
                name.span,
                format!("`{id}` has no threshold `{}`", short(&name.value)),
            )
            .at("not a threshold")
            .help(match (near, names.is_empty()) {
                (Some(near), _) => format!("did you mean `{near}`?"),
                (None, true) => "it has no thresholds; only `severity` can be set".to_owned(),
                (None, false) => format!("it has {} and `severity`", names.join(", ")),
            }),
        ));
    };
    let number = match &value.value {
        Written::Number(n) => Some(*n),
        Written::Text(text) => quantity(found.unit, text),
    };
    match number.filter(|n| n.is_finite() && *n >= 0.0) {
        Some(n) => Ok((found, n)),
        None => Err(Box::new(out_of_range(found, value.span))),
    }
}

/// The number of a quantity in the unit of a threshold.
fn quantity(unit: &str, text: &str) -> Option<f64> {
    match unit {
        "ms" => units::time(text).ok().map(|t| t.as_s() * 1000.0),
        "s" => units::time(text).ok().map(units::Time::as_s),
        "h" => units::time(text).ok().map(|t| t.as_s() / 3600.0),
        "bytes" => units::bytes(text).ok().map(|b| b.0 as f64),
        "per second" => units::rate(text).ok().map(|r| r.0),
        "%" => units::ratio(text).ok().map(|r| r.0 * 100.0),
        _ => None,
    }
}

fn out_of_range(threshold: &Threshold, span: Span) -> Diagnostic {
    let example = match threshold.unit {
        "ms" | "s" | "h" => ", or a time such as `\"300ms\"`",
        "bytes" => ", or a size such as `\"64KiB\"`",
        "per second" => ", or a rate such as `\"50/s\"`",
        "%" => ", or a share such as `\"99.9%\"`",
        _ => "",
    };
    Diagnostic::error(
        "invalid-value",
        span,
        format!(
            "`{}` must be a number of {} that is not negative",
            threshold.name, threshold.unit
        ),
    )
    .at("not such a number")
    .help(format!(
        "write a number such as `{}`{example}",
        units::float(threshold.default)
    ))
}
