//! The schema of the spec language in a real editor's language server: every sound spec passes, and what is wrong in the
//! shape of a spec is marked in its line.
#![cfg(feature = "conformance")]
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "support/table.rs"]
mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use msdesign::book::fences;
use serde_json::Value;

/// Faults that a shape shows; whether a name is declared, a schema cannot know.
const SHAPE: [&str; 6] = [
    "unknown-key",
    "missing-key",
    "wrong-type",
    "invalid-value",
    "bad-arrow",
    "unknown-section",
];

/// Cases of which a schema sees nothing, or not all: what is written inside an arrow, numbers beside their units, names,
/// what a whole design has to have, and what stands in another block or in the info string.
const UNSEEN: [&str; 18] = [
    "arrow-beside-table",
    "arrow-rest-method",
    "arrow-rest-path",
    "arrow-rest-without-path",
    "arrow-target-list-ends-with-comma",
    "availability-above-hundred",
    "capacity-and-zones",
    "missing-services",
    "missing-services-with-calls",
    "missing-step-action",
    "missing-table-source",
    "three-blocks-middle-is-sound",
    "unknown-broker-of-event",
    "unknown-broker-on-the-way",
    "unknown-platform-words",
    "unknown-section-info-string",
    "unknown-transport",
    "unknown-transport-table",
];

/// The text of the first block of a page, and the line before its first.
fn block(page: &str) -> Option<(String, usize)> {
    let block = fences::find(page).into_iter().next()?;
    let before = page[..block.range.start].lines().count() + 1;
    Some((block.content, before))
}

/// The lines of each file of `dir` that Tombi marks.
fn marked(dir: &Path) -> BTreeMap<String, BTreeSet<usize>> {
    std::fs::write(
        dir.join("schema.json"),
        msdesign::schema::json_schema().to_string(),
    )
    .unwrap();
    std::fs::write(
        dir.join("tombi.toml"),
        "toml-version = \"v1.1.0\"\n[[schemas]]\npath = \"schema.json\"\ninclude = [\"specs/*.toml\"]\n",
    )
    .unwrap();
    let report = dir.join("report.json");
    let out = Command::new("tombi")
        .current_dir(dir)
        .args(["lint", "--offline", "--diagnostics-format", "json"])
        .arg("--diagnostics-file")
        .arg(&report)
        .arg("specs")
        .output()
        .unwrap_or_else(|e| panic!("tombi must be installed: {e}"));
    let text = std::fs::read_to_string(&report)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&out.stderr)));
    let found: Vec<Value> = serde_json::from_str(&text).unwrap();
    let mut lines: BTreeMap<String, BTreeSet<usize>> = BTreeMap::new();
    for d in found {
        let file = d["path"].as_str().unwrap();
        let name = Path::new(file).file_name().unwrap().to_string_lossy();
        let line = usize::try_from(d["range"]["start"]["line"].as_u64().unwrap()).unwrap();
        lines.entry(name.into_owned()).or_default().insert(line);
    }
    lines
}

#[test]
fn an_editor_marks_what_is_wrong_and_nothing_else() {
    let row = table::row("schema", "tombi", Command::new("tombi").arg("--version"));
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let dir = tempfile::tempdir().unwrap();
    let specs = dir.path().join("specs");
    std::fs::create_dir(&specs).unwrap();
    let mut sound = BTreeSet::new();
    let mut keep = |name: String, text: String| {
        std::fs::write(specs.join(&name), text).unwrap();
        sound.insert(name);
    };
    for rule in std::fs::read_dir(root.join("tests/lints")).unwrap() {
        let rule = rule.unwrap().path();
        for case in ["fires", "quiet"] {
            if let Ok(text) = std::fs::read_to_string(rule.join(format!("{case}.toml"))) {
                let name = rule.file_name().unwrap().to_string_lossy();
                keep(format!("{name}-{case}.toml"), text);
            }
        }
    }
    for page in std::fs::read_dir(root.join("book-example/src/designs")).unwrap() {
        let page = page.unwrap().path();
        if let Some((text, _)) = std::fs::read_to_string(&page).ok().and_then(|t| block(&t)) {
            let name = page.file_stem().unwrap().to_string_lossy();
            keep(format!("book-{name}.toml"), text);
        }
    }
    let mut wrong: BTreeMap<String, BTreeSet<usize>> = BTreeMap::new();
    for case in std::fs::read_dir(root.join("tests/errors")).unwrap() {
        let case = case.unwrap().path();
        let name = format!("{}.toml", case.file_name().unwrap().to_string_lossy());
        let Ok(page) = std::fs::read_to_string(case.join("input.md")) else {
            continue;
        };
        let Some((text, before)) = block(&page) else {
            continue;
        };
        let expected: toml::Table =
            toml::from_str(&std::fs::read_to_string(case.join("expect.toml")).unwrap()).unwrap();
        let reports = expected.get("diagnostic").and_then(|d| d.as_array());
        let reports: Vec<&toml::Value> = reports.into_iter().flatten().collect();
        let errors = reports.iter().filter(|d| {
            d.get("severity")
                .is_none_or(|s| s.as_str() == Some("error"))
        });
        if errors.clone().count() == 0 {
            keep(name, text);
        } else if errors
            .clone()
            .all(|d| SHAPE.contains(&d["rule"].as_str().unwrap()))
        {
            let lines = errors
                .filter_map(|d| d.get("line")?.as_integer())
                .filter_map(|l| usize::try_from(l).ok());
            wrong.insert(
                name.clone(),
                lines.map(|l| l.saturating_sub(before)).collect(),
            );
            std::fs::write(specs.join(name), text).unwrap();
        }
    }
    assert!(sound.len() > 150 && wrong.len() > 80);
    let marked = marked(dir.path());
    let mut faults = Vec::new();
    for name in marked.keys().filter(|name| sound.contains(*name)) {
        faults.push(format!("{name} is sound, {:?}", marked[name]));
    }
    for (name, lines) in &wrong {
        let unseen = UNSEEN.contains(&name.trim_end_matches(".toml"));
        if unseen == (marked.get(name) == Some(lines)) {
            faults.push(format!("{name}: {lines:?}, but {:?}", marked.get(name)));
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
    row.ends(sound.len() + wrong.len(), "accepted");
}
