//! Real systems and what is known to be wrong with them; and one good design, broken in one place at a
//! time: every fault has its finding, and nothing else has one.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::fmt::Write as _;
use std::path::PathBuf;

use msdesign::diag::{SourceFile, Sources};
use msdesign::lint::{self, Finding};
use msdesign::model;
use msdesign::plan::Plan;
use msdesign::spec;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/systems")
}

fn read(name: &str) -> String {
    std::fs::read_to_string(folder().join(name)).unwrap()
}

/// What is wrong with the design `text`, which has to be understood whole.
fn findings(name: &str, text: &str) -> Vec<Finding> {
    let mut sources = Sources::default();
    let id = sources.add(SourceFile::whole(name, text));
    let mut out = Vec::new();
    let parsed = spec::parse(id, text, &mut out);
    let model = model::resolve(&parsed, id, &mut out);
    assert!(out.is_empty(), "{name}: {out:#?}");
    lint::check(&Plan::new(&model))
}

/// The rule of a finding and the words that it underlines.
fn told(text: &str, finding: &Finding) -> (String, String) {
    let span = finding.diagnostic.primary.span;
    let rule = finding.diagnostic.rule.to_owned();
    (rule, text[span.start..span.end].to_owned())
}

/// What is changed, into what, and the findings: a rule and how the words that it underlines begin.
type Mutation = (
    &'static str,
    &'static str,
    &'static [(&'static str, &'static str)],
);

#[test]
fn a_good_design_has_no_finding() {
    let good = read("good.toml");
    let found = findings("good", &good);
    let got: Vec<_> = found
        .iter()
        .map(|f| (told(&good, f), &f.diagnostic.message))
        .collect();
    assert!(got.is_empty(), "{got:#?}");
}

#[test]
fn every_fault_has_its_finding_and_no_echo() {
    let good = read("good.toml");
    let mut wrong = String::new();
    for (from, to, want) in MUTATIONS {
        assert_eq!(
            good.matches(from).count(),
            1,
            "`{from}` has to be there once"
        );
        let broken = good.replacen(from, to, 1);
        let got: Vec<(String, String)> = findings(to, &broken)
            .iter()
            .map(|f| told(&broken, f))
            .collect();
        let fits = got.len() == want.len()
            && got
                .iter()
                .zip(*want)
                .all(|((rule, at), (r, words))| rule == r && at.starts_with(words));
        if !fits {
            writeln!(wrong, "{to}\n  want {want:?}\n  got  {got:?}").unwrap();
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
    assert!(MUTATIONS.len() >= 60, "{}", MUTATIONS.len());
}

/// What the sources of the systems are known to do wrong: system, rule, words at the place.
const OBSERVED: &[(&str, &str, &str)] = &[
    ("eshop", "dlq-missing", "\"none\""),
    ("eshop", "shared-database", "\"postgres:orderingdb\""),
    ("eshop", "dual-write", "false"),
    (
        "eshop",
        "schema-copy-drift",
        "{ OrderId = \"integer\", OrderStatus = \"string\"",
    ),
    ("eshop", "webhook-no-retry", "0"),
    ("hotel-reservation", "timeout-missing", "\"none\""),
    ("online-boutique", "timeout-missing", "\"none\""),
    ("online-boutique", "trace-break", "false"),
    (
        "online-boutique",
        "saga-no-compensation",
        "{ service = \"paymentservice\", action = \"charge card\"",
    ),
    ("opentelemetry-demo", "acks-none", "\"none\""),
    (
        "opentelemetry-demo",
        "consumer-loses-poison-message",
        "\"auto\"",
    ),
    ("opentelemetry-demo", "dlq-missing", "\"none\""),
    ("opentelemetry-demo", "dual-write", "false"),
    ("opentelemetry-demo", "order-key-missing", "\"none\""),
    (
        "opentelemetry-demo",
        "shared-database",
        "\"postgres:astronomy-db\"",
    ),
    ("opentelemetry-demo", "timeout-missing", "\"none\""),
    (
        "opentelemetry-demo",
        "saga-no-compensation",
        "{ service = \"payment\", action = \"charge card\"",
    ),
    (
        "piggymetrics",
        "single-point-of-failure",
        "\"account-service --REST GET /uaa/users/current",
    ),
    (
        "piggymetrics",
        "saga-no-compensation",
        "{ service = \"auth-service\", action = \"create user\"",
    ),
    ("piggymetrics", "fallback-loses-data", ""),
    ("piggymetrics", "health-missing", "\"none\""),
];

#[test]
fn what_is_known_to_be_wrong_is_found_where_it_is_written() {
    for (system, rule, words) in OBSERVED {
        let text = read(&format!("{system}.toml"));
        let found = findings(system, &text);
        let told: Vec<(String, String)> = found.iter().map(|f| told(&text, f)).collect();
        assert!(
            told.iter()
                .any(|(r, at)| r == rule && at.starts_with(words)),
            "{system}: no {rule} at {words}: {told:#?}"
        );
    }
}

#[test]
fn nothing_else_is_found_in_them() {
    let mut got = String::new();
    for system in [
        "eshop",
        "hotel-reservation",
        "online-boutique",
        "opentelemetry-demo",
        "piggymetrics",
    ] {
        let text = read(&format!("{system}.toml"));
        writeln!(got, "== {system}").unwrap();
        for f in findings(system, &text) {
            let d = &f.diagnostic;
            let line = text[..d.primary.span.start].matches('\n').count() + 1;
            writeln!(
                got,
                "{} {} {line}: {}",
                d.severity.name(),
                d.rule,
                f.subject
            )
            .unwrap();
        }
    }
    assert!(
        got == read("findings.txt"),
        "tests/systems/findings.txt should be\n{got}"
    );
}

include!("systems/mutations.rs");
