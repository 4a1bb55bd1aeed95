//! The commands of `APPLY.md`: a shell reads all of them, and those whose programs need no cluster and no account are
//! run as they stand, in the folder that `export` writes.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use crate::designs::{Exported, exported};
use crate::table;
use crate::tool;

/// Programs that only read files.
const HERE: [&str; 2] = ["promtool ", "amtool "];

#[test]
fn commands_are_run_as_they_stand() {
    let row = table::row(
        "apply",
        "bash, promtool, amtool",
        Command::new("bash").arg("--version"),
    );
    let mut designs: BTreeMap<&str, Vec<Exported>> = BTreeMap::new();
    for file in exported() {
        designs.entry(&file.design).or_default().push(file.clone());
    }
    let mut read = 0;
    // The smallest design an infrastructure; `every_kind_is_read` has these programs read the files of all.
    let mut smallest: BTreeMap<&str, (&str, String)> = BTreeMap::new();
    for (design, files) in &designs {
        let Some(page) = files.iter().find(|f| f.path == "APPLY.md") else {
            continue;
        };
        let dir = tempfile::tempdir().unwrap();
        let commands = commands(&page.text);
        assert!(!commands.is_empty(), "{design}");
        let script = dir.path().join("apply.sh");
        std::fs::write(&script, &commands).unwrap();
        tool::run(Command::new("bash").arg("-n").arg(&script))
            .unwrap_or_else(|said| panic!("{design}: {said}"));
        read += 1;
        let infrastructure = design.rsplit('-').next().unwrap();
        match smallest.get(infrastructure) {
            Some((known, _)) if designs[*known].len() <= files.len() => {}
            _ => {
                smallest.insert(infrastructure, (design, commands));
            }
        }
    }
    let mut run = BTreeMap::new();
    for (infrastructure, (design, commands)) in smallest {
        let dir = tempfile::tempdir().unwrap();
        tool::lay(dir.path(), &designs[design]);
        run.insert(infrastructure, runs(&commands, &dir.path().join(design)));
    }
    assert!(run.len() >= 4 && run.values().all(|n| *n >= 3), "{run:?}");
    row.ends(read, "accepted");
}

/// The lines of all blocks for a shell.
fn commands(page: &str) -> String {
    let mut out = String::new();
    let mut inside = false;
    for line in page.lines() {
        match line {
            "```sh" => inside = true,
            "```" => inside = false,
            line if inside => out += &format!("{line}\n"),
            _ => {}
        }
    }
    out
}

/// How many of the commands were run.
fn runs(commands: &str, folder: &Path) -> usize {
    let here = |line: &&str| HERE.iter().any(|program| line.starts_with(program));
    let mut count = 0;
    for line in commands.lines().filter(here) {
        tool::run(Command::new("bash").args(["-c", line]).current_dir(folder))
            .unwrap_or_else(|said| panic!("{line}: {said}"));
        count += 1;
    }
    count
}
