//! Runs the scripts that start real proxies with generated files.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::process::Command;

use serde_json::Value;

/// How often at most: on a busy machine a request may be late, but what is wrong in a file is wrong each time.
const TRIES: usize = 3;

/// Runs `tests/tools/<what>/live.js` with `table` until `fault` finds nothing: it is told whether all was as the table
/// says, and what the script said.
fn run(what: &str, table: &Value, fault: impl Fn(bool, &str) -> Option<String>) {
    let mut found = String::new();
    for _ in 0..TRIES {
        let (good, said) = once(what, table);
        match fault(good, &said) {
            None => return,
            Some(fault) => found += &format!("{fault}:\n{said}\n"),
        }
    }
    panic!("{found}");
}

/// All must be as the table says, and the script must have counted what `counts` says.
pub(super) fn right(what: &str, table: &Value, counts: &str) {
    run(what, table, |good, said| {
        (!good || !said.contains(counts)).then(|| "not as planned".to_owned())
    });
}

/// Each of these must be among what is not as the table says.
pub(super) fn wrong(what: &str, table: &Value, faults: &[&str]) {
    run(what, table, |good, said| {
        let missed = faults.iter().find(|f| !said.contains(**f));
        match missed {
            Some(missed) => Some(format!("{missed} is not found")),
            None => good.then(|| "all is well".to_owned()),
        }
    });
}

fn once(what: &str, table: &Value) -> (bool, String) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("plan.json");
    std::fs::write(&path, table.to_string()).unwrap();
    let root = env!("CARGO_MANIFEST_DIR");
    let done = Command::new("node")
        .arg(format!("{root}/tests/tools/{what}/live.js"))
        .arg(&path)
        .output()
        .unwrap_or_else(|e| panic!("node must be installed: {e}"));
    let said =
        String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr);
    (done.status.success(), said)
}
