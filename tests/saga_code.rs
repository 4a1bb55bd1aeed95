//! The workflow functions of sagas compile with the tools of their languages and are run with every activity
//! failing in turn: they do what the chapter says, in every language.
#![cfg(feature = "conformance")]
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "support/specs.rs"]
mod specs;

use std::path::Path;
use std::process::Command;

use msdesign::diag::{SourceFile, Sources};
use msdesign::model::Saga;
use msdesign::plan::{Plan, SagaEnd, SagaFailure, SagaPlan, StepClass};
use msdesign::{NoFiles, Options, compile};
use specs::model;

/// Every class of step: compensatable, only looking, without an undo, pivot, retriable.
const SPEC: &str = r#"
infrastructure = "kubernetes"
language = ["go", "python", "typescript"]
services = ["trips", "fares"]
[[sagas]]
name = "Book a trip"
coordinator = "trips"
steps = [
  "trips: create trip / cancel trip",
  "trips: check rider",
  "fares: lock fare / release fare",
  "fares: log entry",
  { service = "trips", action = "assign driver", pivot = true },
  "trips: confirm trip",
]
"#;

const COMMANDS: [&str; 8] = [
    "create trip",
    "check rider",
    "lock fare",
    "log entry",
    "assign driver",
    "confirm trip",
    "cancel trip",
    "release fare",
];

/// Puts the file of a language into `dir`.
fn put(dir: &Path, file: &str) {
    let mut sources = Sources::default();
    let id = sources.add(SourceFile::whole("s", SPEC));
    let options = Options {
        artefacts: true,
        ..Options::default()
    };
    let done = compile(&mut sources, id, &mut NoFiles, &options);
    let chapter = done.chapter.unwrap();
    let path = format!("saga/book-a-trip/{file}");
    let found = chapter.artefacts.iter().find(|a| a.path == path);
    std::fs::write(dir.join(file), &found.expect("a workflow").text).unwrap();
}

fn run(dir: &Path, program: &str, args: &[&str]) -> String {
    let done = Command::new(program).args(args).current_dir(dir).output();
    let done = done.unwrap_or_else(|e| panic!("{program} must be installed: {e}"));
    let out = String::from_utf8_lossy(&done.stdout).into_owned();
    let err = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{program} {args:?}\n{out}{err}");
    out
}

/// What a run does in which `failing` fail by `error`, as the plan has it.
fn told(saga: &Saga, plan: &SagaPlan, error: &str, failing: &[&str]) -> String {
    let action = |i: usize| saga.steps[i].action.as_str();
    let undo = |i: &usize| saga.steps[*i].undo.as_deref().unwrap();
    let fails = (0..saga.steps.len())
        .find(|i| plan.steps[*i].class != StepClass::Retriable && failing.contains(&action(*i)));
    let Some(at) = fails else {
        let all: Vec<&str> = (0..saga.steps.len()).map(action).collect();
        return format!("{} done", all.join(" "));
    };
    let mut order: Vec<&str> = (0..=at).map(action).collect();
    let slow = error == "timeout" && plan.steps[at].class != StepClass::Reads;
    let own = saga.steps[at].undo.as_deref().filter(|_| slow);
    if slow && own.is_none() {
        return format!("{} Unknown", order.join(" "));
    }
    let outcome = plan.outcome(saga, SagaFailure::Step(at));
    for undo in own.into_iter().chain(outcome.undone.iter().map(undo)) {
        order.push(undo);
        if error == "refused" && failing.contains(&undo) {
            return format!("{} Stuck", order.join(" "));
        }
    }
    let end = match outcome.end {
        SagaEnd::Compensated => "TakenBack",
        SagaEnd::Stuck => "Stuck",
        SagaEnd::Committed => panic!("{}", action(at)),
    };
    format!("{} {end}", order.join(" "))
}

/// All runs that a driver makes, as the plan tells them, without the marks between words.
fn expected() -> Vec<String> {
    let model = model(SPEC);
    let plan = Plan::new(&model);
    let (saga, numbers) = (&model.sagas[0], &plan.sagas[0]);
    let mut out = Vec::new();
    for error in ["refused", "unavailable", "timeout"] {
        for command in COMMANDS {
            let once = told(saga, numbers, error, &[command]);
            out.push(plain(&format!("{error} {command} 3 > {once}")));
            let twice = told(saga, numbers, error, &["assign driver", command]);
            out.push(plain(&format!(
                "{error} assign driver+{command} 1000 > {twice}"
            )));
        }
    }
    out
}

fn plain(line: &str) -> String {
    let word = |c: &char| c.is_ascii_alphanumeric() || "+>".contains(*c);
    line.to_ascii_lowercase().chars().filter(word).collect()
}

/// Holds what a driver printed against the plan.
fn hold(printed: &str) {
    let runs: Vec<String> = printed
        .lines()
        .filter(|l| l.contains(" > "))
        .map(plain)
        .collect();
    let expected = expected();
    assert_eq!(runs.len(), expected.len(), "{printed}");
    for (run, expected) in runs.iter().zip(&expected) {
        assert_eq!(run, expected);
    }
}

#[test]
fn go_takes_back_what_the_chapter_says() {
    let dir = tempfile::tempdir().unwrap();
    let at = |file: &str| dir.path().join(file);
    put(dir.path(), "workflow.go");
    std::fs::write(at("go.mod"), "module example.org/trips\n\ngo 1.25\n").unwrap();
    let driver = include_str!("code/saga/driver_test.go");
    std::fs::write(at("driver_test.go"), driver).unwrap();
    let root = run(dir.path(), "go", &["env", "GOROOT"]);
    let gofmt = format!("{}/bin/gofmt", root.trim());
    assert_eq!(run(dir.path(), &gofmt, &["-l", "workflow.go"]), "");
    run(dir.path(), "go", &["vet", "./..."]);
    hold(&run(dir.path(), "go", &["test", "-v", "-count=1", "./..."]));
}

#[test]
fn python_takes_back_what_the_chapter_says() {
    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), "workflow.py");
    let driver = include_str!("code/saga/driver.py");
    std::fs::write(dir.path().join("driver.py"), driver).unwrap();
    let args = ["-X", "dev", "-W", "error", "driver.py"];
    hold(&run(dir.path(), "python3", &args));
}

#[test]
fn typescript_takes_back_what_the_chapter_says() {
    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), "workflow.ts");
    let driver = include_str!("code/saga/driver.ts");
    std::fs::write(dir.path().join("driver.ts"), driver).unwrap();
    let types = std::env::var("MSDESIGN_NODE_TYPES").expect("tools/install.sh has run");
    let config = serde_json::json!({
        "compilerOptions": {
            "strict": true, "noUncheckedIndexedAccess": true, "exactOptionalPropertyTypes": true,
            "noUnusedLocals": true, "noUnusedParameters": true, "noImplicitReturns": true,
            "erasableSyntaxOnly": true, "target": "es2022", "module": "nodenext", "outDir": "built",
            "typeRoots": [types], "types": ["node"],
        },
        "include": ["*.ts"],
    });
    std::fs::write(dir.path().join("tsconfig.json"), config.to_string()).unwrap();
    std::fs::write(dir.path().join("package.json"), "{ \"type\": \"module\" }").unwrap();
    run(dir.path(), "tsc", &["--project", "."]);
    hold(&run(dir.path(), "node", &["built/driver.js"]));
}
