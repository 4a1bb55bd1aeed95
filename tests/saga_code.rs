//! The workflows of sagas compile with the tools of their languages and are run with every activity failing in
//! turn: they do what the chapter says, in every language. Kotlin's are run by `conformance_code.rs`, together
//! with its other code, because its compiler is slow to start.
#![cfg(feature = "conformance")]
#![allow(clippy::unwrap_used, clippy::panic)]

mod code;
#[path = "support/table.rs"]
mod table;

use std::fmt::Write as _;
use std::process::Command;

use code::saga::{Cancelling, hold, write};
use code::tools::{inside, put, ruff, run};

#[test]
fn rust_takes_back_what_the_chapter_says() {
    let row = table::row(
        "saga rust",
        "rustfmt, rustc -D warnings",
        Command::new("rustc").arg("--version"),
    );
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), ".rs");
    let mut odd = "#![allow(dead_code)]\n".to_owned();
    let files = inside(dir.path(), |name, text| {
        text.to_owned() + &format!("// {name}\n")
    });
    for file in &files {
        let args = ["--edition", "2024", "--check", file];
        run(dir.path(), "rustfmt", &args);
        if !file.contains("trips") {
            let name = file.split('/').rev().nth(1).unwrap();
            writeln!(odd, "#[path = \"{file}\"]\npub mod {name};").unwrap();
        }
    }
    put(dir.path(), "odd.rs", &odd);
    put(
        &dir.path().join("trips"),
        "mod.rs",
        "mod workflow;\npub use workflow::*;\n",
    );
    put(dir.path(), "main.rs", include_str!("code/saga/driver.rs"));
    let args = ["--edition", "2024", "-D", "warnings", "main.rs"];
    run(dir.path(), "rustc", &args);
    hold(&run(dir.path(), "./main", &[]), Cancelling::Never);
    row.ends(files.len(), "accepted");
}

#[test]
fn go_takes_back_what_the_chapter_says() {
    let row = table::row(
        "saga go",
        "go vet, gofmt, go test -race",
        Command::new("go").args(["version"]),
    );
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), ".go");
    put(
        dir.path(),
        "go.mod",
        "module example.org/trips\n\ngo 1.25\n",
    );
    let driver = include_str!("code/saga/driver_test.go");
    put(&dir.path().join("trips"), "driver_test.go", driver);
    let root = run(dir.path(), "go", &["env", "GOROOT"]);
    let gofmt = format!("{}/bin/gofmt", root.trim());
    assert_eq!(run(dir.path(), &gofmt, &["-l", "."]), "");
    run(dir.path(), "go", &["vet", "./..."]);
    let args = ["test", "-race", "-v", "-count=1", "./trips"];
    hold(&run(dir.path(), "go", &args), Cancelling::InAStep);
    row.ends(4, "accepted");
}

#[test]
fn java_takes_back_what_the_chapter_says() {
    let row = table::row(
        "saga java",
        "javac -Xlint -Werror, java",
        Command::new("javac").args(["--version"]),
    );
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), ".java");
    let mut files = inside(dir.path(), |package, text| {
        text.replacen("import ", &format!("package {package};\nimport "), 1)
    });
    let row_files = files.len();
    put(
        dir.path(),
        "Driver.java",
        include_str!("code/saga/Driver.java"),
    );
    files.push("Driver.java".to_owned());
    let mut args = vec![
        "-Xlint:all",
        "-Werror",
        "--release",
        "17",
        "-encoding",
        "UTF-8",
        "-d",
        "classes",
    ];
    args.extend(files.iter().map(String::as_str));
    run(dir.path(), "javac", &args);
    hold(
        &run(dir.path(), "java", &["-cp", "classes", "trips.Driver"]),
        Cancelling::InAStep,
    );
    row.ends(row_files, "accepted");
}

#[test]
fn csharp_takes_back_what_the_chapter_says() {
    let row = table::row(
        "saga csharp",
        "csc (Roslyn), dotnet",
        Command::new("csc").args(["--version"]),
    );
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), ".cs");
    let mut files = inside(dir.path(), |namespace, text| {
        format!("namespace {namespace};\n{text}")
    });
    let row_files = files.len();
    put(dir.path(), "Driver.cs", include_str!("code/saga/Driver.cs"));
    files.push("Driver.cs".to_owned());
    let mut args = vec!["driver.dll"];
    args.extend(files.iter().map(String::as_str));
    run(dir.path(), "csc", &args);
    hold(
        &run(dir.path(), "dotnet", &["exec", "driver.dll"]),
        Cancelling::InAStep,
    );
    row.ends(row_files, "accepted");
}

#[test]
fn python_takes_back_what_the_chapter_says() {
    let row = table::row(
        "saga python",
        "mypy --strict, ruff, python3 -W error",
        Command::new("python3").args(["--version"]),
    );
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), ".py");
    let args = ["-W", "error", "-m", "compileall", "-q", "."];
    run(dir.path(), "python3", &args);
    let trips = dir.path().join("trips");
    run(&trips, "mypy", &["--strict", "workflow.py"]);
    // A step may end in any way.
    ruff(&trips, "driver.py", &["BLE"]);
    put(&trips, "driver.py", include_str!("code/saga/driver.py"));
    let args = ["-X", "dev", "-W", "error", "driver.py"];
    hold(&run(&trips, "python3", &args), Cancelling::InAStep);
    row.ends(4, "accepted");
}

#[test]
fn typescript_takes_back_what_the_chapter_says() {
    node("saga typescript", false, "tsc --strict, node");
}

/// By the same program as TypeScript, whose types are gone after compiling.
#[test]
fn javascript_takes_back_what_the_chapter_says() {
    node("saga javascript", true, "node");
}

fn node(kind: &'static str, plain: bool, tools: &'static str) {
    let row = table::row(kind, tools, Command::new("tsc").args(["--version"]));
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), ".ts");
    let driver = include_str!("code/saga/driver.ts");
    put(&dir.path().join("trips"), "driver.ts", driver);
    code::tsc(dir.path(), |args| {
        run(dir.path(), "tsc", args);
    });
    let built = dir.path().join("built");
    if plain {
        // In the place of what the compiler has made of TypeScript.
        write(&built, ".js");
        for folder in built.read_dir().unwrap() {
            let file = folder.unwrap().path().join("workflow.js");
            run(&built, "node", &["--check", file.to_str().unwrap()]);
        }
    }
    let printed = run(dir.path(), "node", &["built/trips/driver.js"]);
    hold(&printed, Cancelling::InAStep);
    row.ends(4, "accepted");
}
