//! Prometheus reads its rules.

use std::process::Command;

use crate::Check;
use crate::designs::Exported;
use crate::tool;

pub(crate) const RULES: Check = Check {
    kind: "prometheus",
    tool: "promtool check rules",
    version: || tool::version(Command::new("promtool").arg("--version")),
    reads: |path| path.ends_with(".rules.yaml"),
    run: rules,
    spoil: |text| text.replacen("expr: ", "expr: sum(", 1),
};

fn rules(files: &[Exported]) -> Result<(), String> {
    let dir = tempfile::tempdir().unwrap();
    let paths = tool::lay(dir.path(), files);
    let mut promtool = Command::new("promtool");
    promtool.args(["check", "rules", "--lint=all", "--lint-fatal"]);
    tool::run(promtool.args(paths)).map(|_| ())
}
