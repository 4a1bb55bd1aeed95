//! Running the tools of languages on files in a folder of their own.

use std::path::Path;
use std::process::Command;

/// Runs a tool in `dir`; fails with what it printed, or if it is not there.
pub(crate) fn run(dir: &Path, program: &str, args: &[&str]) -> String {
    ran(dir, program, args).unwrap_or_else(|printed| panic!("{printed}"))
}

/// What a tool printed, an error if it failed; panics if it is not there.
pub(crate) fn ran(dir: &Path, program: &str, args: &[&str]) -> Result<String, String> {
    let output = Command::new(program)
        .args(args)
        .current_dir(dir)
        .output()
        .unwrap_or_else(|error| panic!("{program} cannot be run: {error}"));
    let printed = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    if output.status.success() {
        Ok(printed)
    } else {
        Err(format!("{program} {}\n{printed}", args.join(" ")))
    }
}

/// Formatting and lint of the Python below `dir`, but for the files `but` and the rules `without`.
pub(crate) fn ruff(dir: &Path, but: &str, without: &[&str]) {
    let shape = [
        "--no-cache",
        "--line-length",
        "100",
        "--target-version",
        "py311",
    ];
    let which = ["--exclude", but, "."];
    run(
        dir,
        "ruff",
        &[&["format", "--check"], &shape[..], &which].concat(),
    );
    let rules = "E,F,W,I,N,UP,B,A,C4,SIM,RET,ANN,ASYNC,PERF,PIE,BLE,D4";
    // Python 3.11 has no type parameters, a function may know better than its caller when to stop, and the first
    // comment is as long as the names in it.
    let ignored = [&["UP046", "UP047", "ASYNC109", "E501"], without]
        .concat()
        .join(",");
    let check = ["check", "--select", rules, "--ignore", &ignored];
    run(dir, "ruff", &[&check[..], &shape, &which].concat());
}

pub(crate) fn put(dir: &Path, file: &str, text: &str) {
    std::fs::write(dir.join(file), text).unwrap();
}

/// Rewrites each file with the name of its folder, which becomes its package, so that one run of a
/// compiler takes all of them; returns the files.
pub(crate) fn inside(dir: &Path, rewrite: impl Fn(&str, &str) -> String) -> Vec<String> {
    let mut files = Vec::new();
    for folder in std::fs::read_dir(dir).unwrap() {
        let folder = folder.unwrap();
        let package = folder.file_name().into_string().unwrap();
        for file in std::fs::read_dir(folder.path()).unwrap() {
            let path = file.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            std::fs::write(&path, rewrite(&package, &text)).unwrap();
            files.push(path.to_str().unwrap().to_owned());
        }
    }
    files
}
