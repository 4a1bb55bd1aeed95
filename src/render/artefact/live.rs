//! Runs the scripts that start real proxies with generated files.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::process::Command;

use serde_json::Value;

/// Whether `tests/tools/<what>/live.js` found all as `table` says, and what it said.
pub(super) fn run(what: &str, table: &Value) -> (bool, String) {
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
