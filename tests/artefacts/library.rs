//! The limits of calls are compiled with the libraries that they are for, and the guards make calls with
//! them: how often, how many at a time, and when the breaker opens. What cannot be had here is compiled
//! against a stand-in of its published interface.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Check;
use crate::designs::Exported;
use crate::tool;

pub(crate) const COCKATIEL: Check = Check {
    kind: "cockatiel",
    tool: "tsc, cockatiel",
    version: || tool::npm_version("cockatiel"),
    reads: |_| true,
    run: cockatiel,
    spoil: |text| text.replacen("slots: ", "slot: ", 1),
};

pub(crate) const TENACITY: Check = Check {
    kind: "tenacity",
    tool: "mypy --strict, tenacity, circuitbreaker",
    version: || {
        let code = "from importlib.metadata import version; print(version('tenacity'))";
        tool::version(Command::new("python3").args(["-c", code]))
    },
    reads: |_| true,
    run: tenacity,
    spoil: |text| {
        text.replacen(
            "BoundedSemaphore(limits.slots)",
            "BoundedSemaphore(limits.slots + 1)",
            1,
        )
    },
};

pub(crate) const TOWER: Check = Check {
    kind: "tower",
    tool: "rustfmt, tower",
    version: || locked("tower"),
    reads: |_| true,
    run: tower,
    spoil: |text| {
        text.replacen(
            "number_of_calls(b.minimum_calls)",
            "number_of_calls(b.minimum_calls + 1)",
            1,
        )
    },
};

pub(crate) const FAILSAFE: Check = Check {
    kind: "failsafe",
    tool: "gofmt, go vet; a stand-in",
    version: || tool::version(Command::new("go").arg("version")),
    reads: |_| true,
    run: failsafe,
    spoil: |text| text.replacen("Slots: ", "Slot: ", 1),
};

pub(crate) const POLLY: Check = Check {
    kind: "polly",
    tool: "csc (Roslyn); a stand-in",
    version: || tool::version(Command::new("csc").arg("--version")),
    reads: |_| true,
    run: polly,
    spoil: |text| text.replacen("Slots = ", "Slot = ", 1),
};

/// The folders that hold files of the kind, a design each.
fn folders(paths: &[PathBuf]) -> BTreeSet<&Path> {
    paths.iter().filter_map(|p| p.parent()).collect()
}

fn cockatiel(files: &[Exported]) -> Result<(), String> {
    let packages = tool::packages();
    // Beside the packages, where imports find them.
    let dir = tempfile::tempdir_in(packages.parent().unwrap()).unwrap();
    fs::write(dir.path().join("package.json"), "{ \"type\": \"module\" }").unwrap();
    let paths = tool::lay(dir.path(), files);
    let code = paths
        .iter()
        .filter(|p| p.extension().is_some_and(|e| e == "ts"));
    let options = "--strict --noUncheckedIndexedAccess --exactOptionalPropertyTypes --noUnusedLocals \
                   --module nodenext --moduleResolution nodenext --target es2022 --skipLibCheck";
    let mut tsc = Command::new(packages.join(".bin/tsc"));
    tool::run(tsc.args(options.split_whitespace()).args(code))?;
    let driver = dir.path().join("driver.mjs");
    fs::write(&driver, include_str!("library/cockatiel.mjs")).unwrap();
    tool::run(Command::new("node").arg(driver).args(folders(&paths))).map(|_| ())
}

fn tenacity(files: &[Exported]) -> Result<(), String> {
    tool::on_all(files, |paths| {
        let folder = *folders(paths).first().unwrap(); // the guard is the same in all
        let mut mypy = Command::new("mypy");
        mypy.args([
            "--strict",
            "--cache-dir",
            "/dev/null",
            "--no-error-summary",
            ".",
        ]);
        tool::run(mypy.current_dir(folder))
    })?;
    tool::on_all(files, |paths| {
        let folders: Vec<&Path> = folders(paths).into_iter().collect();
        tool::python("library/tenacity.py", &folders)
    })
}

/// One crate with the files of all designs: they have the same guard.
fn tower(files: &[Exported]) -> Result<(), String> {
    let dir = tempfile::tempdir().unwrap();
    let from = tool::here("../tools/tower");
    for file in ["Cargo.toml", "Cargo.lock"] {
        fs::copy(from.join(file), dir.path().join(file)).unwrap();
    }
    let src = dir.path().join("src");
    fs::create_dir_all(src.join("limits")).unwrap();
    fs::write(src.join("main.rs"), include_str!("library/tower.rs")).unwrap();
    let (mut modules, mut all) = (String::new(), String::new());
    for (n, file) in files.iter().enumerate() {
        if file.path.ends_with("/guard.rs") {
            fs::write(src.join("guard.rs"), &file.text).unwrap();
            continue;
        }
        let path = format!("limits/l{n}.rs");
        writeln!(modules, "mod l{n};").unwrap();
        for line in file.text.lines() {
            if let Some((name, _)) = line
                .strip_prefix("pub const ")
                .and_then(|l| l.split_once(':'))
            {
                writeln!(all, "(\"{} {name}\", l{n}::{name}),", file.design).unwrap();
            }
        }
        fs::write(src.join(path), &file.text).unwrap();
    }
    let names = format!(
        "{modules}pub(crate) fn all() -> Vec<(&'static str, crate::guard::Limits)> {{ vec![{all}] }}"
    );
    // Before the list is there, which nobody formats.
    let written = tool::files_below(&src, "rs")
        .into_iter()
        .filter(|p| !p.ends_with("main.rs"));
    let mut rustfmt = Command::new("rustfmt");
    let rustfmt = rustfmt.args([
        "--edition",
        "2024",
        "--check",
        "--config",
        "skip_children=false",
    ]);
    tool::run(rustfmt.current_dir(&src).args(written))?;
    fs::write(src.join("limits/mod.rs"), names).unwrap();
    let mut cargo = Command::new("cargo");
    cargo
        .current_dir(dir.path())
        .env("CARGO_TARGET_DIR", target());
    tool::run(cargo.args(["run", "--quiet", "--locked", "--offline"])).map(|_| ())
}

/// Where what does not change stays built from one run to the next.
fn target() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tower")
}

/// The version of a package in the lock file of the crate.
fn locked(package: &str) -> String {
    let lock = include_str!("../tools/tower/Cargo.lock");
    let (_, rest) = lock
        .split_once(&format!("name = \"{package}\"\nversion = \""))
        .unwrap();
    rest.split('"').next().unwrap().to_owned()
}

fn failsafe(files: &[Exported]) -> Result<(), String> {
    let dir = tempfile::tempdir().unwrap();
    let stand_in = dir.path().join("stand-in");
    for part in include_str!("library/failsafe.go.txt").split("-- ").skip(1) {
        let (name, text) = part.split_once(" --\n").unwrap();
        let path = stand_in.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let module = "module example.org/design\n\ngo 1.25\n\nrequire github.com/failsafe-go/failsafe-go v0.9.0\n\n\
                  replace github.com/failsafe-go/failsafe-go => ./stand-in\n";
    fs::write(dir.path().join("go.mod"), module).unwrap();
    tool::lay(dir.path(), files);
    let root = tool::run(Command::new("go").args(["env", "GOROOT"]))?;
    let gofmt = Path::new(root.trim()).join("bin/gofmt");
    let unformatted = tool::run(Command::new(gofmt).arg("-l").arg(dir.path()))?;
    let ours = unformatted.lines().filter(|l| !l.contains("stand-in"));
    let ours: Vec<&str> = ours.collect();
    if !ours.is_empty() {
        return Err(format!("gofmt would change {}", ours.join(", ")));
    }
    let mut go = Command::new("go");
    tool::run(go.current_dir(dir.path()).args(["vet", "./..."])).map(|_| ())
}

fn polly(files: &[Exported]) -> Result<(), String> {
    let mut designs: BTreeMap<&str, Vec<Exported>> = BTreeMap::new();
    for file in files {
        designs.entry(&file.design).or_default().push(file.clone());
    }
    for files in designs.values() {
        let dir = tempfile::tempdir().unwrap();
        let paths = tool::lay(dir.path(), files);
        let mut csc = Command::new("csc");
        csc.arg("-library").arg(dir.path().join("limits.dll"));
        tool::run(csc.args(paths).arg(tool::here("library/Polly.cs")))?;
    }
    Ok(())
}
