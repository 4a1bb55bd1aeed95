//! Schemas are schemas, examples fit theirs, and CloudEvents are CloudEvents.

use std::process::Command;

use crate::Check;
use crate::designs::Exported;
use crate::tool;

pub(crate) const SCHEMAS: Check = Check {
    kind: "events",
    tool: "check-jsonschema (schemas)",
    version,
    reads: |path| path.ends_with(".schema.json"),
    run: |files| {
        tool::on_all(files, |paths| {
            tool::run(
                Command::new("check-jsonschema")
                    .arg("--check-metaschema")
                    .args(paths),
            )
        })
    },
    spoil: |text| text.replacen("\"type\": \"object\"", "\"type\": \"thing\"", 1),
};

pub(crate) const EXAMPLES: Check = Check {
    kind: "events",
    tool: "check-jsonschema (examples)",
    version,
    reads: |path| path.ends_with(".example.json") || path.ends_with(".schema.json"),
    run: examples,
    spoil: |text| text.replacen("\"eventType\": \"", "\"eventType\": \"x", 1),
};

pub(crate) const CLOUD_EVENTS: Check = Check {
    kind: "events",
    tool: "CloudEvents SDK",
    version: || tool::npm_version("cloudevents"),
    reads: |path| path.ends_with(".cloudevent.json"),
    run: |files| tool::on_all(files, |paths| tool::node("cloudevents.js", paths)),
    spoil: |text| text.replacen("\"time\": \"2026", "\"time\": \"in 2026", 1),
};

fn version() -> String {
    tool::version(Command::new("check-jsonschema").arg("--version"))
}

/// Each example against the schema beside it, all in one process.
fn examples(files: &[Exported]) -> Result<(), String> {
    tool::on_all(files, |paths| {
        let names = paths.iter().map(|p| p.to_str().unwrap());
        let schemas = names.filter(|p| p.ends_with(".schema.json"));
        let pairs: Vec<String> = schemas
            .map(|s| format!("{s}={}", s.replace(".schema.", ".example.")))
            .collect();
        tool::python("examples.py", &pairs)
    })
}
