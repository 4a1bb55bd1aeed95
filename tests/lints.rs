//! Every rule fires where it should, at the place where it should, and nowhere near it.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use msdesign::diag::{Fixer, Severity, SourceFile, Sources, apply};
use msdesign::lint::{self, Finding};
use msdesign::model::{self, Model};
use msdesign::plan::Plan;
use msdesign::spec;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The design of `text`; it must have no errors before the linter.
fn design(name: &str, text: &str) -> (Sources, Model) {
    let mut sources = Sources::default();
    let id = sources.add(SourceFile::whole(name, text));
    let mut out = Vec::new();
    let parsed = spec::parse(id, text, &mut out);
    let model = model::resolve(&parsed, id, &mut out);
    let errors: Vec<_> = out
        .iter()
        .filter(|d| d.severity == Severity::Error)
        .collect();
    assert!(errors.is_empty(), "{name}: {errors:#?}");
    (sources, model)
}

/// `<rule> <line>:<column>` of every finding of `rule`, in the order of the report.
fn places(name: &str, text: &str, rule: &str) -> Vec<String> {
    let (sources, model) = design(name, text);
    let plan = Plan::new(&model);
    lint::check(&plan)
        .iter()
        .filter(|f| f.diagnostic.rule == rule)
        .map(|f| {
            assert_well_said(name, f);
            let at = sources.locate(f.diagnostic.primary.span);
            format!("{rule} {}:{}", at.line, at.column)
        })
        .collect()
}

/// One sentence without a stop, labels that underline something, help that says what to change.
fn assert_well_said(name: &str, f: &Finding) {
    let d = &f.diagnostic;
    assert!(!d.message.ends_with('.'), "{name}: {}", d.message);
    assert!(!d.message.contains("\n"), "{name}: {}", d.message);
    assert!(!d.message.to_lowercase().contains(" line "), "{name}");
    assert!(d.help.as_ref().is_some_and(|h| !h.ends_with('.')), "{name}");
    for label in std::iter::once(&d.primary).chain(&d.labels) {
        assert!(!label.message.is_empty(), "{name}: {d:#?}");
        assert!(label.span.end > label.span.start, "{name}: {d:#?}");
    }
}

fn expected(text: &str) -> Vec<String> {
    text.lines()
        .filter_map(|l| l.strip_prefix("#! "))
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_rule_fires_and_keeps_quiet_where_its_fixtures_say() {
    let mut wrong = String::new();
    for rule in lint::rules() {
        for file in ["fires", "quiet"] {
            let path = root().join(format!("tests/lints/{}/{file}.toml", rule.id));
            let text = std::fs::read_to_string(&path).unwrap();
            let (want, got) = (expected(&text), places(rule.id, &text, rule.id));
            if want != got || want.is_empty() != (file == "quiet") {
                writeln!(wrong, "{}/{file}: want {want:?}, got {got:?}", rule.id).unwrap();
            }
        }
        // What the documentation shows is what the fixtures prove.
        for (text, fires) in [(rule.example(), true), (rule.instead(), false)] {
            if places(rule.id, &text, rule.id).is_empty() == fires {
                writeln!(
                    wrong,
                    "{}: the documentation is not what was tested",
                    rule.id
                )
                .unwrap();
            }
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn rules_are_named_as_their_files_and_documented() {
    let files: BTreeSet<String> = std::fs::read_dir(root().join("src/lint/rules"))
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|p| p.file_stem().unwrap() != "mod")
        .map(|p| p.file_stem().unwrap().to_str().unwrap().replace('_', "-"))
        .collect();
    let ids: BTreeSet<String> = lint::rules().iter().map(|r| r.id.to_owned()).collect();
    assert_eq!(ids.len(), lint::rules().len(), "an id stands twice");
    assert_eq!(ids, files);
    let fixtures: BTreeSet<String> = std::fs::read_dir(root().join("tests/lints"))
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|p| p.is_dir())
        .map(|p| p.file_name().unwrap().to_str().unwrap().to_owned())
        .collect();
    assert_eq!(ids, fixtures);
    for r in lint::rules() {
        for text in [r.summary, r.what, r.why, r.limits, r.source] {
            assert!(!text.is_empty(), "{}", r.id);
        }
        assert_eq!(lint::rule(r.id).map(|x| x.id), Some(r.id));
        let path = root().join(format!("src/lint/rules/{}.rs", r.id.replace('-', "_")));
        let head = format!("//! `{}`: {}.", r.id, r.summary);
        assert!(std::fs::read_to_string(path).unwrap().starts_with(&head));
    }
}

/// The ```` ```msdesign ```` blocks of a chapter.
fn blocks(markdown: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut inside: Option<String> = None;
    for line in markdown.lines() {
        match &mut inside {
            None if line.starts_with("```msdesign") => inside = Some(String::new()),
            None => {}
            Some(block) if line.starts_with("```") => {
                out.push(std::mem::take(block));
                inside = None;
            }
            Some(block) => {
                block.push_str(line);
                block.push('\n');
            }
        }
    }
    out
}

fn chapters(dir: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(dir)
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    paths.sort();
    paths
}

#[test]
fn the_designs_of_the_book_are_judged_as_before() {
    let mut got = String::new();
    for path in chapters(&root().join("book-example/src/designs")) {
        let text = std::fs::read_to_string(&path).unwrap();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        for block in blocks(&text) {
            let (_, model) = design(&name, &block);
            writeln!(got, "== {name}").unwrap();
            for f in lint::check(&Plan::new(&model)) {
                assert_well_said(&name, &f);
                let d = &f.diagnostic;
                writeln!(got, "{} {}: {}", d.severity.name(), d.rule, f.subject).unwrap();
            }
        }
    }
    let path = root().join("tests/lints/designs.txt");
    let want = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(want == got, "tests/lints/designs.txt should be\n{got}");
}

#[test]
fn sound_specs_have_no_errors_of_structure() {
    // `sound-every-key` states lacks on purpose, so only what nobody wrote there may not appear.
    let stated = [
        "timeout-missing",
        "dlq-missing",
        "dual-write",
        "acks-none",
        "health-missing",
    ];
    for case in ["sound-crlf", "sound-every-key"] {
        let path = root().join(format!("tests/errors/{case}/input.md"));
        let text = std::fs::read_to_string(path).unwrap();
        for block in blocks(&text) {
            let (_, model) = design(case, &block);
            for f in lint::check(&Plan::new(&model)) {
                let d = &f.diagnostic;
                let known = d.severity < Severity::Error || stated.contains(&d.rule);
                assert!(known, "{case}: {} {}", d.rule, d.message);
            }
        }
    }
}

#[test]
fn forms_of_one_spec_have_the_same_findings_in_the_same_order() {
    for dir in chapters(&root().join("tests/forms")) {
        let mut first: Option<Vec<String>> = None;
        for path in chapters(&dir) {
            if path.extension().is_none_or(|e| e != "toml") {
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            let (_, model) = design(&path.display().to_string(), &text);
            let got: Vec<String> = lint::check(&Plan::new(&model))
                .iter()
                .map(|f| {
                    format!(
                        "{} {}: {}",
                        f.diagnostic.rule, f.subject, f.diagnostic.message
                    )
                })
                .collect();
            assert_eq!(
                first.get_or_insert_with(|| got.clone()),
                &got,
                "{}",
                path.display()
            );
        }
    }
}

const SHARED: &str = r#"
services = ["a", "b"]
sync = [{ call = "a --gRPC Pay/Do--> b", timeout = "none" }]
"#;

fn ids(text: &str) -> Vec<(String, Severity)> {
    let (_, model) = design("lint", text);
    lint::check(&Plan::new(&model))
        .iter()
        .map(|f| (f.diagnostic.rule.to_owned(), f.diagnostic.severity))
        .collect()
}

#[test]
fn allow_matches_the_subject_and_its_parts() {
    for at in ["a -> b: gRPC Pay/Do", "a -> b", "a", "b"] {
        let text = format!(
            "{SHARED}\n[lint]\nallow = [{{ rule = \"timeout-missing\", at = \"{at}\", reason = \"x\" }}]\n"
        );
        let found = ids(&text);
        assert!(
            !found.iter().any(|(r, _)| r == "timeout-missing"),
            "{at}: {found:?}"
        );
        assert!(
            !found.iter().any(|(r, _)| r == "unused-allow"),
            "{at}: {found:?}"
        );
    }
    let found = ids(&format!(
        "{SHARED}\n[lint]\nallow = [{{ rule = \"timeout-missing\", at = \"b -> a\", reason = \"x\" }}]\n"
    ));
    assert!(found.contains(&("timeout-missing".to_owned(), Severity::Error)));
    assert!(found.contains(&("unused-allow".to_owned(), Severity::Warning)));
}

#[test]
fn deny_and_warn_change_the_severity_and_unknown_rules_are_errors() {
    let found = ids(&format!(
        "{SHARED}\n[lint]\nwarn = [\"timeout-missing\"]\ndeny = [\"missing-owner\"]\n"
    ));
    assert!(found.contains(&("timeout-missing".to_owned(), Severity::Warning)));
    assert!(found.contains(&("missing-owner".to_owned(), Severity::Error)));
    let text = format!("{SHARED}\n[lint]\ndeny = [\"timeout-mising\"]\n");
    let (_, model) = design("lint", &text);
    let findings = lint::check(&Plan::new(&model));
    let unknown = findings
        .iter()
        .find(|f| f.diagnostic.rule == "unknown-rule")
        .unwrap();
    assert_eq!(
        unknown.diagnostic.help.as_deref(),
        Some("did you mean `timeout-missing`?")
    );
    let span = unknown.diagnostic.primary.span;
    assert_eq!(&text[span.start..span.end], "\"timeout-mising\"");
}

const CHAIN: &str = r#"
services = ["a", "b", "c", "d", "e", "f"]
sync = ["a --gRPC B/Get--> b", "b --gRPC C/Get--> c", "c --gRPC D/Get--> d", "d --gRPC E/Get--> e"]
teams = { t = ["a", "b", "c", "d", "e"] }
"#;

/// Severity of `rule` with `settings` below the chain.
fn chain(rule: &str, settings: &str) -> Option<Severity> {
    ids(&format!("{CHAIN}\n{settings}\n"))
        .into_iter()
        .find(|(r, _)| r == rule)
        .map(|(_, s)| s)
}

#[test]
fn severity_and_thresholds_are_the_authors() {
    let rule = "chain-too-deep";
    assert_eq!(chain(rule, ""), Some(Severity::Warning));
    for (settings, want) in [
        (
            "[lint.rules]\nchain-too-deep = \"error\"",
            Some(Severity::Error),
        ),
        ("[lint.rules]\nchain-too-deep = \"off\"", None),
        ("[lint.rules]\nchain-too-deep = { max = 4 }", None),
        (
            "[lint.rules]\nchain-too-deep = { severity = \"info\", max = 2.5 }",
            Some(Severity::Info),
        ),
        (
            "[lint]\ndeny = [\"chain-too-deep\"]\n[lint.rules.chain-too-deep]\nseverity = \"info\"",
            Some(Severity::Info),
        ),
    ] {
        assert_eq!(chain(rule, settings), want, "{settings}");
    }
}

#[test]
fn a_wrong_setting_says_what_was_meant() {
    for (settings, rule, marked, help) in [
        (
            "chain-to-deep = \"off\"",
            "unknown-rule",
            "chain-to-deep",
            "did you mean `chain-too-deep`?",
        ),
        (
            "chain-too-deep = { mx = 4 }",
            "unknown-threshold",
            "mx",
            "did you mean `max`?",
        ),
        (
            "shared-database = { depth = 4 }",
            "unknown-threshold",
            "depth",
            "it has no thresholds; only `severity` can be set",
        ),
        (
            "chain-too-deep = \"eror\"",
            "invalid-value",
            "\"eror\"",
            "did you mean `error`?",
        ),
        (
            "chain-too-deep = { max = -1 }",
            "invalid-value",
            "-1",
            "write a number such as `3`",
        ),
        (
            "chain-too-deep = { max = \"3s\" }",
            "invalid-value",
            "\"3s\"",
            "write a number such as `3`",
        ),
    ] {
        let text = format!("{CHAIN}\n[lint.rules]\n{settings}\n");
        let (_, model) = design("lint", &text);
        let found = lint::check(&Plan::new(&model));
        let d = &found
            .iter()
            .find(|f| f.diagnostic.rule == rule)
            .unwrap_or_else(|| panic!("{settings}: {found:#?}"))
            .diagnostic;
        assert_eq!(d.severity, Severity::Error);
        assert_eq!(&text[d.primary.span.start..d.primary.span.end], marked);
        assert_eq!(d.help.as_deref(), Some(help));
    }
}

/// Every fix of `rule` in its fixture, made by itself: valid TOML without that finding, and no other byte
/// has changed.
#[test]
fn fixes_mend_what_they_are_for_and_touch_nothing_else() {
    let mut fixed = BTreeSet::new();
    for rule in lint::rules() {
        let text = rule.example();
        let (sources, model) = design(rule.id, &text);
        let before = lint::check(&Plan::new(&model));
        for finding in before.iter().filter(|f| f.diagnostic.rule == rule.id) {
            let Some(fix) = &finding.diagnostic.fix else {
                continue;
            };
            let Some(made) = Fixer::new(&sources).replacements(fix) else {
                continue;
            };
            let after = apply(&text, &made);
            let mut kept = text.clone();
            let mut rest = after.as_str();
            for r in made.iter().rev() {
                kept.replace_range(r.bytes.clone(), "");
            }
            for r in &made {
                let (_, tail) = rest.split_once(r.text.as_str()).unwrap();
                rest = tail;
            }
            assert!(text.ends_with(rest));
            assert_eq!(
                kept.len() + made.iter().map(|r| r.text.len()).sum::<usize>(),
                after.len()
            );
            let (_, model) = design(rule.id, &after);
            let left = lint::check(&Plan::new(&model));
            let same = left.iter().find(|f| {
                f.diagnostic.rule == rule.id
                    && f.subject == finding.subject
                    && f.diagnostic.message == finding.diagnostic.message
            });
            assert!(same.is_none(), "{}: {after}", rule.id);
            fixed.insert(rule.id);
        }
    }
    for id in [
        "timeout-missing",
        "retry-nonidempotent",
        "timeout-inversion",
    ] {
        assert!(fixed.contains(id), "{id} has lost its fix");
    }
}
