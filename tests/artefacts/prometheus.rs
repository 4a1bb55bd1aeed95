//! Prometheus reads its rules and runs their tests; Alertmanager routes every alert.

use std::process::Command;

use crate::Check;
use crate::designs::Exported;
use crate::tool;

pub(crate) const RULES: Check = Check {
    kind: "prometheus",
    tool: "promtool check rules",
    version,
    reads: |path| path.ends_with(".rules.yaml"),
    run: rules,
    spoil: |text| text.replacen("expr: ", "expr: sum(", 1),
};

pub(crate) const TESTS: Check = Check {
    kind: "prometheus",
    tool: "promtool test rules",
    version,
    reads: |_| true,
    run: tests,
    // An alert whose limit is higher than its test says is caught by the test.
    spoil: |text| text.replacen("[15m])) > 0", "[15m])) > 1e9", 1),
};

pub(crate) const ALERTMANAGER: Check = Check {
    kind: "alertmanager",
    tool: "amtool check-config, routes",
    version: || tool::version(Command::new("amtool").arg("--version")),
    reads: |_| true,
    run: alertmanager,
    spoil: |text| text.replacen("receiver: ", "receiver: un", 1),
};

fn version() -> String {
    tool::version(Command::new("promtool").arg("--version"))
}

fn rules(files: &[Exported]) -> Result<(), String> {
    tool::on_all(files, |paths| {
        let mut promtool = Command::new("promtool");
        promtool.args(["check", "rules", "--lint=all", "--lint-fatal"]);
        tool::run(promtool.args(paths))
    })
}

fn tests(files: &[Exported]) -> Result<(), String> {
    tool::on_all(files, |paths| {
        let tests = paths
            .iter()
            .filter(|p| p.to_str().unwrap().ends_with(".test.yaml"));
        tool::run(Command::new("promtool").args(["test", "rules"]).args(tests))
    })
}

/// The configuration is sound, and each team's alerts reach its own receivers by severity.
fn alertmanager(files: &[Exported]) -> Result<(), String> {
    tool::on_all(files, |paths| {
        tool::run(Command::new("amtool").arg("check-config").args(paths))?;
        for (file, path) in files.iter().zip(paths) {
            let value: serde_json::Value = serde_yaml_ng::from_str(&file.text).unwrap();
            for route in value["route"]["routes"].as_array().unwrap() {
                let labels: Vec<String> = route["matchers"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|m| m.as_str().unwrap().to_owned())
                    .collect();
                let receiver = route["receiver"].as_str().unwrap();
                let mut amtool = Command::new("amtool");
                amtool.args(["config", "routes", "test"]);
                amtool.arg(format!("--config.file={}", path.display()));
                amtool.arg(format!("--verify.receivers={receiver}"));
                tool::run(amtool.args(labels))?;
            }
        }
        Ok(String::new())
    })
}
