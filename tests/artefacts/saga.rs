//! State machines are read by a validator of their language, their stacks by CloudFormation's; `sagas.rs` runs them.

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

pub(crate) const GO: Check = Check {
    kind: "saga",
    tool: "go vet",
    version: || tool::version(Command::new("go").arg("version")),
    reads: |path| path.ends_with(".go"),
    run: |files| {
        let dir = tempfile::tempdir().unwrap();
        tool::lay(dir.path(), files);
        std::fs::write(
            dir.path().join("go.mod"),
            "module example.org/x\n\ngo 1.25\n",
        )
        .unwrap();
        let mut go = Command::new("go");
        tool::run(go.args(["vet", "./..."]).current_dir(dir.path())).map(|_| ())
    },
    spoil: |text| text.replacen("steps := ", "steps = ", 1),
};

pub(crate) const PYTHON: Check = Check {
    kind: "saga",
    tool: "mypy --strict",
    version: || tool::version(Command::new("mypy").arg("--version")),
    reads: |path| path.ends_with(".py"),
    run: |files| {
        let dir = tempfile::tempdir().unwrap();
        for path in tool::lay(&dir.path().join("files"), files) {
            // One after the other: all of them are the module `workflow`.
            let mut mypy = Command::new("mypy");
            mypy.arg("--cache-dir").arg(dir.path().join("cache"));
            tool::run(mypy.arg("--strict").arg(path))?;
        }
        Ok(())
    },
    spoil: |text| {
        let text = text.replacen("    undo: Activity | None\n", "    undo: Activity\n", 1);
        text.replacen("    timeout: float", "    timeout: str", 1)
    },
};

pub(crate) const TYPESCRIPT: Check = Check {
    kind: "saga",
    tool: "tsc",
    version: || tool::version(Command::new("tsc").arg("--version")),
    reads: |path| path.ends_with(".ts"),
    run: |files| {
        let types = std::env::var("MSDESIGN_NODE_TYPES").expect("tools/install.sh has run");
        let dir = tempfile::tempdir().unwrap();
        // Where the SDK of Temporal is found.
        let packages = std::path::absolute(tool::packages()).unwrap();
        std::os::unix::fs::symlink(packages, dir.path().join("node_modules")).unwrap();
        let paths = tool::lay(dir.path(), files);
        let mut tsc = Command::new("tsc");
        let options = "--noEmit --strict --skipLibCheck --target es2022 --module nodenext --types node --typeRoots";
        tool::run(tsc.args(options.split(' ')).arg(types).args(paths)).map(|_| ())
    },
    spoil: |text| text.replacen("const steps: Step[]", "const steps: string[]", 1),
};
