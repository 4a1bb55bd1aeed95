//! Runs the programs; one that is missing fails the test.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::designs::Exported;

/// What `command` printed, as an error where it did not end well.
pub(crate) fn run(command: &mut Command) -> Result<String, String> {
    let done = command
        .output()
        .unwrap_or_else(|e| panic!("{:?} must be installed: {e}", command.get_program()));
    let said =
        String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr);
    if done.status.success() {
        Ok(said)
    } else {
        Err(said)
    }
}

/// The first thing in what `command` prints that looks like a version.
pub(crate) fn version(command: &mut Command) -> String {
    let said = run(command).unwrap_or_else(|said| said);
    let numbers = said.split(|c: char| !c.is_ascii_digit() && c != '.');
    let found = numbers
        .map(|w| w.trim_matches('.'))
        .find(|w| w.contains('.') && w.len() > 2);
    found.unwrap_or("?").to_owned()
}

/// Writes `files` below `dir`, a folder a design, and returns where each stands.
pub(crate) fn lay(dir: &Path, files: &[Exported]) -> Vec<PathBuf> {
    files
        .iter()
        .map(|f| {
            let path = dir.join(&f.design).join(&f.path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, &f.text).unwrap();
            path
        })
        .collect()
}
