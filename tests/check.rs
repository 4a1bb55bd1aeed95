//! `check`, `explain` and `rules` through the real binary: formats, baselines, fixes, settings.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

/// A charge that is repeated, a call that waits for ever, and a caller that gives up too early.
const FAULTY: &str = r#"services = ["orders", "payments", "web"]
sync = [
  { call = "orders --REST POST /charges--> payments", retries = 2 }, # keep this
  { call = "orders --REST GET /c--> payments", timeout = "none" },
  "web --gRPC Get--> orders", # é
]
teams = { shop = ["orders", "payments", "web"] }

[defaults]
timeout = "1s"
"#;

fn run(dir: &Path, args: &[&str]) -> Output {
    let out = Command::new(env!("CARGO_BIN_EXE_mdbook-msdesign"))
        .args(args)
        .current_dir(dir)
        .env_remove("RUST_BACKTRACE")
        .output()
        .unwrap();
    assert!(!err(&out).contains("panicked"), "{}", err(&out));
    out
}

fn text(out: &Output) -> String {
    String::from_utf8(out.stdout.clone()).unwrap()
}

fn err(out: &Output) -> String {
    String::from_utf8(out.stderr.clone()).unwrap()
}

fn code(out: &Output) -> i32 {
    out.status.code().unwrap()
}

fn folder(files: &[(&str, &str)]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    dir
}

fn diagnostics(dir: &Path, args: &[&str]) -> Vec<Value> {
    let out = run(dir, &[&["check", "--format", "json"], args].concat());
    let value: Value = serde_json::from_str(&text(&out)).unwrap();
    value["diagnostics"].as_array().unwrap().clone()
}

fn rules_of(found: &[Value]) -> Vec<&str> {
    found.iter().map(|d| d["rule"].as_str().unwrap()).collect()
}

/// `spec` in a fence, in a quotation, in a list.
fn quoted(spec: &str) -> String {
    let mut out = String::from("# Shop\n\n1. Item\n\n   > ```msdesign\n");
    for line in spec.lines() {
        out.push_str(format!("   > {line}").trim_end());
        out.push('\n');
    }
    out + "   > ```\n\nTail, not touched.\n"
}

#[test]
fn a_fix_is_made_in_every_kind_of_file_and_only_there() {
    let page = quoted(FAULTY);
    let crlf = FAULTY.replace('\n', "\r\n");
    let marked = format!("\u{feff}{FAULTY}");
    let dir = folder(&[
        ("a.toml", FAULTY),
        ("b.md", &page),
        ("c.toml", &crlf),
        ("d.toml", &marked),
    ]);
    let files = ["a.toml", "b.md", "c.toml", "d.toml"];
    let before = diagnostics(dir.path(), &["a.toml"]);
    assert_eq!(
        rules_of(&before),
        [
            "retry-nonidempotent",
            "timeout-missing",
            "timeout-inversion"
        ]
    );
    let out = run(
        dir.path(),
        &[&["check", "--fix"], files.as_slice()].concat(),
    );
    assert_eq!(code(&out), 0, "{}", err(&out));
    assert!(err(&out).contains("12 changes made"), "{}", err(&out));
    // With one attempt of 1 s behind it, not three, the caller needs less than it first seemed.
    let want = FAULTY
        .replace("retries = 2", "retries = 0")
        .replace("\"none\"", "\"400ms\"")
        .replace(
            "\"web --gRPC Get--> orders\"",
            "{ call = \"web --gRPC Get--> orders\", timeout = \"1100ms\" }",
        );
    let read = |name: &str| fs::read_to_string(dir.path().join(name)).unwrap();
    assert_eq!(read("a.toml"), want);
    assert_eq!(read("b.md"), quoted(&want));
    assert_eq!(read("c.toml"), want.replace('\n', "\r\n"));
    assert_eq!(read("d.toml"), format!("\u{feff}{want}"));
    // Nothing is left to do, and doing it changes nothing.
    assert!(diagnostics(dir.path(), &files).is_empty());
    let again = run(
        dir.path(),
        &[&["check", "--fix"], files.as_slice()].concat(),
    );
    assert!(err(&again).contains("nothing to fix"), "{}", err(&again));
    assert_eq!(read("b.md"), quoted(&want));
}

#[test]
fn a_new_line_of_a_table_begins_as_the_quotation_does() {
    let spec = "services = [\"a\", \"b\", \"c\"]\n\n[[sync]]\nfrom = \"a\"\nto = \"b\"\nprotocol = \"grpc\" # x\n\n[[sync]]\ncall = \"b --gRPC Get--> c\"\n\n[defaults]\ntimeout = \"1s\"\n";
    let dir = folder(&[("b.md", &quoted(spec))]);
    run(dir.path(), &["check", "--fix", "b.md"]);
    let want = spec.replace("# x\n", "# x\ntimeout = \"1100ms\"\n");
    let got = fs::read_to_string(dir.path().join("b.md")).unwrap();
    assert_eq!(got, quoted(&want));
}

#[test]
fn included_files_are_mended_and_text_put_together_by_mdbook_is_not() {
    let dir = folder(&[
        ("book.toml", "[book]\ntitle = \"T\"\n"),
        ("src/SUMMARY.md", "- [A](a.md)\n- [B](b.md)\n"),
        ("src/a.md", "```msdesign\ninclude = \"s/shop.toml\"\n```\n"),
        ("src/b.md", "```msdesign\n{{#include part.txt}}\n```\n"),
        ("src/s/shop.toml", FAULTY),
        ("src/part.txt", FAULTY),
    ]);
    let out = run(dir.path(), &["check", "--fix", "."]);
    assert_eq!(code(&out), 1, "the finding in b.md stays");
    let read = |name: &str| fs::read_to_string(dir.path().join(name)).unwrap();
    assert!(read("src/s/shop.toml").contains("retries = 0"));
    assert_eq!(read("src/part.txt"), FAULTY);
    assert!(read("src/b.md").contains("{{#include part.txt}}"));
}

#[test]
fn known_findings_do_not_fail_and_new_ones_do() {
    let dir = folder(&[("a.toml", FAULTY)]);
    let dir = dir.path();
    let base = ["check", "a.toml", "--baseline", "known.json"];
    assert_eq!(code(&run(dir, &base)), 2, "there is no such file");
    let out = run(dir, &[&base[..], &["--write-baseline"]].concat());
    assert_eq!(code(&out), 0, "{}", err(&out));
    let known: Value =
        serde_json::from_str(&fs::read_to_string(dir.join("known.json")).unwrap()).unwrap();
    assert_eq!(known["findings"].as_array().unwrap().len(), 3);
    // Lines move, and a number changes: the same faults.
    let moved = format!(
        "# A comment.\n\n{}",
        FAULTY.replace("retries = 2", "retries = 3")
    );
    fs::write(dir.join("a.toml"), &moved).unwrap();
    let out = run(dir, &base);
    assert_eq!(code(&out), 0, "{}", err(&out));
    assert!(err(&out).contains("3 known findings"), "{}", err(&out));
    assert!(err(&out).contains("no findings"), "{}", err(&out));
    // A new fault of a known rule.
    let more = moved.replace(
        "sync = [",
        "sync = [\n  { call = \"web --REST POST /pay--> payments\", retries = 1 },",
    );
    fs::write(dir.join("a.toml"), &more).unwrap();
    let out = run(dir, &[&base[..], &["--format", "json"]].concat());
    assert_eq!(code(&out), 1);
    let news: Value = serde_json::from_str(&text(&out)).unwrap();
    let news = news["diagnostics"].as_array().unwrap();
    assert_eq!(rules_of(news), ["retry-nonidempotent"]);
    assert_eq!(news[0]["line"], 5);
    // A fault that is gone is told until the baseline is written anew.
    fs::write(dir.join("a.toml"), FAULTY.replace("\"none\"", "\"400ms\"")).unwrap();
    let out = run(dir, &base);
    assert!(
        err(&out).contains("a.toml timeout-missing"),
        "{}",
        err(&out)
    );
    run(dir, &[&base[..], &["--write-baseline"]].concat());
    assert!(!err(&run(dir, &base)).contains("are gone"));
}

#[test]
fn sarif_has_rules_places_fixes_and_fingerprints() {
    let dir = folder(&[("my specs/a b.toml", FAULTY)]);
    let out = run(
        dir.path(),
        &["check", "my specs/a b.toml", "--format", "sarif"],
    );
    assert_eq!(code(&out), 1);
    let log: Value = serde_json::from_str(&text(&out)).unwrap();
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    for result in run["results"].as_array().unwrap() {
        let rule = &rules[usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap()];
        assert_eq!(rule["id"], result["ruleId"]);
        assert!(
            rule["help"]["markdown"]
                .as_str()
                .unwrap()
                .contains("## Why")
        );
        let uri = &result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
        assert_eq!(uri, "my%20specs/a%20b.toml");
        assert_eq!(
            result["partialFingerprints"]["msdesign/v1"]
                .as_str()
                .unwrap()
                .len(),
            32
        );
        assert!(result["fixes"][0]["artifactChanges"][0]["replacements"][0].is_object());
    }
    let inversion = &run["results"][2];
    assert_eq!(inversion["ruleId"], "timeout-inversion");
    assert_eq!(inversion["relatedLocations"][0]["id"], 1);
    // The bare arrow is put into a table by two insertions.
    let changes = &inversion["fixes"][0]["artifactChanges"][0]["replacements"];
    let first = &changes[0]["deletedRegion"];
    assert_eq!(changes.as_array().unwrap().len(), 2);
    assert_eq!(
        (&first["startLine"], &first["startColumn"]),
        (&5.into(), &3.into())
    );
    assert_eq!(first["startColumn"], first["endColumn"]);
}

#[test]
fn annotations_and_suites_are_escaped() {
    let spec = FAULTY.replace("/charges", "/100%/<b>&,x:y");
    let dir = folder(&[("a,b.toml", &spec), ("good.md", "# Nothing\n")]);
    let out = run(dir.path(), &["check", "a,b.toml", "--format", "github"]);
    let text_of = text(&out);
    let line = text_of.lines().next().unwrap();
    assert!(
        line.starts_with("::error file=a%2Cb.toml,line=3,endLine=3,col="),
        "{line}"
    );
    assert!(line.contains("title=retry-nonidempotent::"), "{line}");
    assert!(line.contains("/100%25/<b>&,x:y"), "{line}");
    assert!(line.contains("%0Ahelp: "), "{line}");
    assert_eq!(text_of.lines().count(), 3);
    let args = ["check", "a,b.toml", "good.md", "--format", "junit"];
    let junit = text(&run(dir.path(), &args));
    assert!(junit.contains("/100%/&lt;b&gt;&amp;,x:y"), "{junit}");
    assert!(junit.contains("<testsuite name=\"a,b.toml\" tests=\"3\" failures=\"3\""));
    assert!(junit.contains("<testsuite name=\"good.md\" tests=\"1\" failures=\"0\""));
    assert_eq!(junit.matches("<failure ").count(), 3);
    assert_eq!(junit.matches("<testcase ").count(), 4);
    let markdown = text(&run(
        dir.path(),
        &["check", "a,b.toml", "--format", "markdown"],
    ));
    assert!(
        markdown.starts_with("**msdesign: 3 errors**\n"),
        "{markdown}"
    );
    assert!(
        markdown.contains("| error | `timeout-missing` | a,b.toml:4:"),
        "{markdown}"
    );
}

#[test]
fn the_level_that_fails_is_the_callers() {
    let spec = "services = [\"a\", \"b\"]\nsync = [\"a --gRPC Get--> b\"]\n";
    let dir = folder(&[("a.toml", spec)]);
    for (level, want) in [("error", 0), ("warning", 0), ("info", 1)] {
        let out = run(dir.path(), &["check", "a.toml", "--fail-on", level]);
        assert_eq!(code(&out), want, "{level}");
    }
    for args in [
        &["check", "a.toml", "--fail-on", "never"][..],
        &["check", "a.toml", "--write-baseline"],
        &["check", "missing.toml"],
        &["explain", "no-such-rule"],
    ] {
        assert_eq!(code(&run(dir.path(), args)), 2, "{args:?}");
    }
}

#[test]
fn a_book_sets_rules_for_all_of_its_designs_and_a_design_wins() {
    let block = "```msdesign\nservices = [\"a\", \"b\"]\nsync = [\"a --gRPC Get--> b\"]\n";
    let own = format!("{block}[lint.rules]\nmissing-owner = \"error\"\n```\n");
    let dir = folder(&[
        (
            "book.toml",
            "[book]\ntitle = \"T\"\n[preprocessor.msdesign.lint.rules]\nmissing-owner = \"off\"\nmissing-ownr = \"off\"\n",
        ),
        ("src/SUMMARY.md", "- [A](a.md)\n"),
        ("src/a.md", &format!("{block}```\n")),
        ("src/b.md", &own),
    ]);
    let found = diagnostics(dir.path(), &["."]);
    let told: Vec<(&str, &str)> = found
        .iter()
        .map(|d| (d["rule"].as_str().unwrap(), d["file"].as_str().unwrap()))
        .collect();
    assert_eq!(
        told,
        [("unknown-rule", "book.toml"), ("missing-owner", "src/b.md")]
    );
    assert_eq!(found[0]["line"], 5);
    assert_eq!(found[1]["severity"], "error");
}

#[test]
fn every_rule_and_every_fault_has_a_page() {
    let dir = folder(&[]);
    let list: Value =
        serde_json::from_str(&text(&run(dir.path(), &["rules", "--format", "json"]))).unwrap();
    assert_eq!(
        list["rules"].as_array().unwrap().len(),
        msdesign::lint::rules().len()
    );
    let page = text(&run(dir.path(), &["explain", "chain-too-deep"]));
    for part in [
        "# chain-too-deep",
        "## What it does",
        "## Why it is a problem",
        "## Example",
        "## Instead",
        "## Limits",
        "## Settings",
        "## Source",
        "threshold `max` | 3 calls in a row",
    ] {
        assert!(page.contains(part), "{part}");
    }
    let slip = run(dir.path(), &["explain", "chain-to-deep"]);
    assert!(err(&slip).contains("did you mean `chain-too-deep`?"));
    assert!(text(&run(dir.path(), &["explain", "unknown-key"])).starts_with("# unknown-key\n"));
    // Whatever a broken spec of the tests is reported for can be explained.
    for case in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/errors")).unwrap() {
        let Ok(want) = fs::read_to_string(case.unwrap().path().join("expect.toml")) else {
            continue;
        };
        for id in want.lines().filter_map(|l| l.strip_prefix("rule = ")) {
            let id = id.trim_matches('"');
            assert!(msdesign::lint::page(id).is_some(), "{id} has no page");
        }
    }
}

#[test]
fn the_example_of_a_fault_has_it() {
    let dir = folder(&[]);
    for fault in msdesign::lint::faults()
        .iter()
        .filter(|f| !f.example.is_empty())
    {
        fs::write(dir.path().join("x.toml"), fault.example).unwrap();
        let found = diagnostics(dir.path(), &["x.toml"]);
        assert!(
            rules_of(&found).contains(&fault.id),
            "{}: {found:#?}",
            fault.id
        );
    }
}

#[test]
fn the_pages_of_the_book_are_those_of_the_rules() {
    let book = Path::new(env!("CARGO_MANIFEST_DIR")).join("book-example/src");
    let summary = fs::read_to_string(book.join("SUMMARY.md")).unwrap();
    let dir = folder(&[
        ("src/SUMMARY.md", &summary),
        ("src/rules/gone.md", "# Gone\n"),
    ]);
    assert_eq!(code(&run(dir.path(), &["rules", "--book", "."])), 0);
    let pages = |root: &Path| -> Vec<(String, String)> {
        let mut all: Vec<(String, String)> = fs::read_dir(root)
            .unwrap()
            .map(|e| e.unwrap().path())
            .map(|p| {
                let name = p.file_name().unwrap().to_string_lossy().into_owned();
                (name, fs::read_to_string(p).unwrap())
            })
            .collect();
        all.sort();
        all
    };
    let fresh = pages(&dir.path().join("src/rules")) == pages(&book.join("rules"))
        && fs::read_to_string(dir.path().join("src/SUMMARY.md")).unwrap() == summary;
    assert!(fresh, "run `cargo run -- rules --book book-example`");
}
