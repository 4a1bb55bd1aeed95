//! Every broken spec of `tests/errors` is reported at its place, in its words, and nothing else is.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use msdesign::book::config::Config;
use msdesign::book::design::{Host, Page, compile_pages};
use msdesign::diag::Severity;
use msdesign::{Format, lint};

/// A report as the cases tell it.
#[derive(Debug)]
struct Found {
    rule: String,
    severity: String,
    line: usize,
    column: usize,
    message: String,
    help: String,
}

#[test]
fn every_broken_spec_is_reported_as_its_case_says() {
    let mut cases: Vec<PathBuf> = std::fs::read_dir("tests/errors")
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    cases.sort();
    assert!(cases.len() > 100, "{} cases", cases.len());
    let mut wrong = String::new();
    for case in &cases {
        let text = std::fs::read_to_string(case.join("input.md")).unwrap();
        let expected: toml::Table =
            toml::from_str(&std::fs::read_to_string(case.join("expect.toml")).unwrap()).unwrap();
        let mut left = found(case, &text);
        let mut faults = String::new();
        // A TOML parser's own words must do; all else says what to write instead.
        let helpless: Vec<String> = left
            .iter()
            .filter(|d| d.help.is_empty() && d.rule != "syntax")
            .map(|d| d.message.clone())
            .collect();
        for want in diagnostics(&expected) {
            match left.iter().position(|have| matches(want, have)) {
                Some(at) => {
                    left.remove(at);
                }
                None => writeln!(faults, "  missing {want:?}").unwrap(),
            }
        }
        for have in &helpless {
            writeln!(faults, "  no help: {have}").unwrap();
        }
        for have in left.iter().filter(|d| d.severity == "error") {
            writeln!(faults, "  unexpected {have:?}").unwrap();
        }
        if !faults.is_empty() {
            // What was not expected is told even where it is no error: it is mostly what should have been.
            for have in left.iter().filter(|d| d.severity != "error") {
                writeln!(faults, "  beside {have:?}").unwrap();
            }
            writeln!(wrong, "{}:\n{faults}", case.display()).unwrap();
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

/// What a check of the chapter `text` reports, the linter's findings left out, in the order told.
fn found(case: &Path, text: &str) -> Vec<Found> {
    let host = Host {
        compile: &msdesign::compile,
        config: &Config::default(),
        format: Format::Html,
        base: PathBuf::new(),
        root: case.to_path_buf(),
        book_file: None,
        sections: None,
        artefacts: false,
        findings_only: true,
    };
    let name = case.join("input.md").to_string_lossy().into_owned();
    let page = Page {
        name: name.clone(),
        text,
        file: None,
        id: "input.md".to_owned(),
    };
    let mut out = Vec::new();
    for design in compile_pages(std::slice::from_ref(&page), &host)
        .into_iter()
        .flatten()
    {
        let findings = &design.findings;
        for d in &findings.diagnostics {
            if lint::rule(d.rule).is_some() {
                continue;
            }
            let at = findings.sources.locate(d.primary.span);
            assert_eq!(at.file, name, "{d:?}");
            out.push(Found {
                rule: d.rule.to_owned(),
                severity: d.severity.name().to_owned(),
                line: at.line,
                column: at.column,
                message: d.message.clone(),
                help: d.help.clone().unwrap_or_default(),
            });
            if d.severity == Severity::Error {
                assert!(!d.message.is_empty(), "{name}: {}", d.rule);
            }
        }
        let places: Vec<(usize, usize)> = findings
            .diagnostics
            .iter()
            .map(|d| findings.sources.locate(d.primary.span))
            .map(|at| (at.line, at.column))
            .collect();
        assert!(places.is_sorted(), "{name}: {places:?}");
    }
    out
}

fn diagnostics(expected: &toml::Table) -> Vec<&toml::Table> {
    let all: Vec<&toml::Table> = expected
        .get("diagnostic")
        .and_then(toml::Value::as_array)
        .map(|all| all.iter().filter_map(toml::Value::as_table).collect())
        .unwrap_or_default();
    for key in all.iter().flat_map(|d| d.keys()) {
        assert!(
            [
                "rule",
                "severity",
                "line",
                "column",
                "message_contains",
                "help_contains"
            ]
            .contains(&key.as_str()),
            "a case uses the key `{key}`"
        );
    }
    all
}

fn matches(want: &toml::Table, have: &Found) -> bool {
    let text = |key: &str| want.get(key).and_then(toml::Value::as_str);
    let number = |key: &str| {
        want.get(key)
            .and_then(toml::Value::as_integer)
            .map(|n| usize::try_from(n).unwrap())
    };
    text("rule") == Some(&have.rule)
        && text("severity").unwrap_or("error") == have.severity
        && number("line").is_none_or(|n| n == have.line)
        && number("column").is_none_or(|n| n == have.column)
        && text("message_contains").is_none_or(|t| have.message.contains(t))
        && text("help_contains").is_none_or(|t| have.help.contains(t))
}
