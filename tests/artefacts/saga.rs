//! State machines are read by a validator of their language, their stacks by CloudFormation's.
//! `tests/saga_workflows.rs` runs them.

use std::process::Command;

use crate::Check;
use crate::tool;

pub(crate) const STATE_MACHINES: Check = Check {
    kind: "saga",
    tool: "asl-validator",
    version: || tool::npm_version("asl-validator"),
    reads: |path| path.ends_with(".asl.json"),
    run: |files| {
        tool::on_all(files, |paths| {
            let mut validator = Command::new("asl-validator");
            for path in paths {
                validator.arg("--json-path").arg(path);
            }
            tool::run(&mut validator)
        })
    },
    spoil: |text| text.replacen("\"Next\": \"2. ", "\"Next\": \"3. ", 1),
};

pub(crate) const STACKS: Check = Check {
    kind: "saga",
    tool: "cfn-lint",
    version: || tool::version(Command::new("cfn-lint").arg("--version")),
    reads: |path| path.ends_with(".template.json"),
    run: |files| {
        tool::on_all(files, |paths| {
            tool::run(Command::new("cfn-lint").arg("--").args(paths))
        })
    },
    spoil: |text| text.replacen("VisibilityTimeout", "VisibleTimeout", 1),
};
