//! The pattern code of every language compiles without a warning with the language's own tools and
//! behaves; a missing tool fails. `tools/install.sh` installs the tools.
#![cfg(feature = "conformance")]
#![allow(clippy::unwrap_used, clippy::panic)]

mod code;
#[path = "support/table.rs"]
mod table;

use std::path::Path;
use std::process::Command;

use code::replays;
use code::tools::{inside, put, ran, ruff, run};
use msdesign::render::code::{Language, language};

/// One folder with the samples of the call that the driver knows, one a hostile name; how many files.
fn folders(language: &Language, dir: &Path) -> usize {
    code::write(language, &code::PAYMENT, &dir.join("orders"));
    let mut once = code::PAYMENT;
    once.idempotent.value = false;
    code::write(language, &once, &dir.join("once"));
    for (folder, call) in code::partial() {
        code::write(language, &call, &dir.join(folder));
    }
    for (index, name) in code::NAMES.into_iter().enumerate() {
        code::write(
            language,
            &code::hostile(name),
            &dir.join(format!("hostile{index}")),
        );
    }
    language.files.len() * (2 + code::NAMES.len()) + 12
}

#[test]
fn rust_is_formatted_and_clippy_is_content() {
    let row = table::row(
        "code rust",
        "rustfmt, clippy",
        Command::new("rustc").arg("--version"),
    );
    let dir = tempfile::tempdir().unwrap();
    let rust = language("rust").unwrap();
    code::write(rust, &code::PAYMENT, &dir.path().join("src"));
    for (folder, call) in code::partial() {
        code::write(rust, &call, &dir.path().join(folder));
    }
    let folders = code::partial().map(|(folder, _)| folder);
    let files: Vec<String> = folders
        .iter()
        .chain(&["src"])
        .flat_map(|folder| rust.files.map(|file| format!("{folder}/{file}")))
        .filter(|file| dir.path().join(file).exists())
        .collect();
    let mut format = vec!["--edition", "2024", "--check"];
    format.extend(files.iter().map(String::as_str));
    run(dir.path(), "rustfmt", &format);
    put(
        dir.path(),
        "Cargo.toml",
        "[package]\nname = \"orders\"\nedition = \"2024\"\n[workspace]\n",
    );
    put(
        dir.path(),
        "src/lib.rs",
        "pub mod bulkhead;\npub mod circuit_breaker;\npub mod guarded_call;\npub mod retry;\n",
    );
    run(
        dir.path(),
        "cargo",
        &["clippy", "--offline", "--quiet", "--", "-D", "warnings"],
    );
    row.ends(files.len(), "accepted");
}

#[test]
fn go_vets_and_passes_its_tests_under_the_race_detector() {
    let row = table::row(
        "code go",
        "go vet, gofmt, go test -race",
        Command::new("go").args(["version"]),
    );
    let dir = tempfile::tempdir().unwrap();
    let go = language("go").unwrap();
    let samples = folders(go, dir.path());
    put(
        dir.path(),
        "go.mod",
        "module example.org/design\n\ngo 1.25\n",
    );
    put(
        &dir.path().join("orders"),
        "driver_test.go",
        include_str!("code/go/driver_test.go"),
    );
    put(
        &dir.path().join("orders"),
        "replay_test.go",
        include_str!("code/go/replay_test.go"),
    );
    put(
        &dir.path().join("once"),
        "once_test.go",
        include_str!("code/go/once_test.go"),
    );
    let root = run(dir.path(), "go", &["env", "GOROOT"]);
    let unformatted = run(
        dir.path(),
        &format!("{}/bin/gofmt", root.trim()),
        &["-l", "."],
    );
    assert_eq!(unformatted, "", "gofmt would change these files");
    run(dir.path(), "go", &["vet", "./..."]);
    let orders = dir.path().join("orders");
    run(&orders, "go", &["test", "-c", "-o", "replay", "."]);
    replays(&orders.join("table.txt"), || {
        ran(&orders, "./replay", &["-test.run", "TestTable"])
    });
    run(dir.path(), "go", &["test", "-race", "-count=1", "./..."]);
    row.ends(samples, "accepted");
}

#[test]
fn java_compiles_without_a_warning_and_behaves() {
    let row = table::row(
        "code java",
        "javac -Xlint -Werror, java",
        Command::new("javac").args(["--version"]),
    );
    let dir = tempfile::tempdir().unwrap();
    let java = language("java").unwrap();
    let samples = folders(java, dir.path());
    put(
        &dir.path().join("orders"),
        "Driver.java",
        include_str!("code/java/Driver.java"),
    );
    put(
        &dir.path().join("orders"),
        "Replay.java",
        include_str!("code/java/Replay.java"),
    );
    let files = inside(dir.path(), |package, text| {
        text.replacen("import ", &format!("package {package};\nimport "), 1)
    });
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
    run(dir.path(), "java", &["-cp", "classes", "orders.Driver"]);
    replays(&dir.path().join("table.txt"), || {
        ran(
            dir.path(),
            "java",
            &["-cp", "classes", "orders.Replay", "table.txt"],
        )
    });
    row.ends(samples, "accepted");
}

/// The Kotlin compiler of npm, which that does not mark as a program. One run takes all files, because it
/// spends most of its time on starting.
#[test]
fn kotlin_compiles_without_a_warning_and_behaves() {
    let npm = std::env::var("MSDESIGN_NPM").unwrap_or_else(|_| "node_modules".to_owned());
    let row = table::row(
        "code kotlin",
        "kotlinc -Werror, java",
        (
            Path::new(&npm).join("node_modules").as_path(),
            "kotlin-compiler",
        ),
    );
    let dir = tempfile::tempdir().unwrap();
    let kotlin = language("kotlin").unwrap();
    let samples = folders(kotlin, dir.path());
    put(
        &dir.path().join("orders"),
        "Driver.kt",
        include_str!("code/kotlin/Driver.kt"),
    );
    put(
        &dir.path().join("orders"),
        "Replay.kt",
        include_str!("code/kotlin/Replay.kt"),
    );
    code::saga::write(dir.path(), ".kt");
    let mut files = inside(dir.path(), |package, text| {
        format!("package {package}\n\n{text}")
    });
    put(dir.path(), "Driver.kt", include_str!("code/saga/Driver.kt"));
    files.push("Driver.kt".to_owned());
    let compiler = format!("{npm}/node_modules/kotlin-compiler");
    let program = format!("{compiler}/bin/kotlinc");
    let coroutines = format!("{compiler}/lib/kotlinx-coroutines-core-jvm.jar");
    let mut args = vec![
        program.as_str(),
        "-Werror",
        "-cp",
        &coroutines,
        "-d",
        "classes",
    ];
    args.extend(files.iter().map(String::as_str));
    run(dir.path(), "bash", &args);
    let path = format!("classes:{compiler}/lib/kotlin-stdlib.jar:{coroutines}");
    run(dir.path(), "java", &["-cp", &path, "orders.DriverKt"]);
    let sagas = run(dir.path(), "java", &["-cp", &path, "trips.DriverKt"]);
    code::saga::hold(&sagas, code::saga::Cancelling::InAStep);
    replays(&dir.path().join("table.txt"), || {
        ran(
            dir.path(),
            "java",
            &["-cp", &path, "orders.ReplayKt", "table.txt"],
        )
    });
    row.ends(samples, "accepted");
}

/// References that may be null are checked, and every warning is an error.
#[test]
fn csharp_compiles_without_a_warning_and_behaves() {
    let row = table::row(
        "code csharp",
        "csc (Roslyn), dotnet",
        Command::new("csc").args(["--version"]),
    );
    let dir = tempfile::tempdir().unwrap();
    let csharp = language("csharp").unwrap();
    let samples = folders(csharp, dir.path());
    put(
        &dir.path().join("orders"),
        "Driver.cs",
        include_str!("code/csharp/Driver.cs"),
    );
    put(
        &dir.path().join("orders"),
        "Replay.cs",
        include_str!("code/csharp/Replay.cs"),
    );
    let files = inside(dir.path(), |namespace, text| {
        format!("namespace {namespace};\n{text}")
    });
    let mut args = vec!["driver.dll"];
    args.extend(files.iter().map(String::as_str));
    run(dir.path(), "csc", &args);
    run(dir.path(), "dotnet", &["exec", "driver.dll"]);
    replays(&dir.path().join("table.txt"), || {
        ran(dir.path(), "dotnet", &["exec", "driver.dll", "table.txt"])
    });
    row.ends(samples, "accepted");
}

#[test]
fn python_compiles_and_behaves() {
    let row = table::row(
        "code python",
        "mypy --strict, ruff, python3 -W error",
        Command::new("python3").args(["--version"]),
    );
    let dir = tempfile::tempdir().unwrap();
    let python = language("python").unwrap();
    let samples = folders(python, dir.path());
    let orders = dir.path().join("orders");
    std::fs::rename(dir.path().join("once"), orders.join("once")).unwrap();
    put(&orders, "driver.py", include_str!("code/python/driver.py"));
    run(
        dir.path(),
        "python3",
        &["-W", "error", "-m", "compileall", "-q", "."],
    );
    // ruff would set a name with a quote in it in the other kind of quotes.
    ruff(dir.path(), "driver.py,hostile6", &[]);
    let partial = code::partial();
    for folder in partial.iter().map(|(folder, _)| *folder).chain(["orders"]) {
        run(
            &dir.path().join(folder),
            "mypy",
            &["--strict", "--exclude", "once|driver", "."],
        );
    }
    run(
        &orders,
        "python3",
        &["-X", "dev", "-W", "error", "driver.py"],
    );
    put(&orders, "replay.py", include_str!("code/python/replay.py"));
    replays(&orders.join("table.txt"), || {
        ran(
            &orders,
            "python3",
            &["-W", "error", "replay.py", "table.txt"],
        )
    });
    row.ends(samples, "accepted");
}

#[test]
fn typescript_is_strict_and_behaves() {
    node("typescript", "code typescript", "tsc --strict, node");
}

/// By the same programs as TypeScript, whose types are gone after compiling.
#[test]
fn javascript_behaves_as_typescript() {
    node("javascript", "code javascript", "node");
}

fn node(id: &str, kind: &'static str, tools: &'static str) {
    let row = table::row(kind, tools, Command::new("tsc").args(["--version"]));
    let dir = tempfile::tempdir().unwrap();
    let samples = folders(language("typescript").unwrap(), dir.path());
    let orders = dir.path().join("orders");
    std::fs::rename(dir.path().join("once"), orders.join("once")).unwrap();
    put(
        &orders,
        "driver.ts",
        include_str!("code/typescript/driver.ts"),
    );
    put(
        &orders,
        "replay.ts",
        include_str!("code/typescript/replay.ts"),
    );
    code::tsc(dir.path(), |args| {
        run(dir.path(), "tsc", args);
    });
    let built = dir.path().join("built");
    if id == "javascript" {
        // In the place of what the compiler has made of TypeScript.
        folders(language(id).unwrap(), &built);
        std::fs::remove_dir_all(built.join("orders/once")).unwrap();
        std::fs::rename(built.join("once"), built.join("orders/once")).unwrap();
        for file in code::partial().map(|(folder, _)| format!("{folder}/guarded-call.js")) {
            run(&built, "node", &[&file]);
        }
    }
    run(dir.path(), "node", &["built/orders/driver.js"]);
    replays(&dir.path().join("table.txt"), || {
        ran(dir.path(), "node", &["built/orders/replay.js", "table.txt"])
    });
    row.ends(samples, "accepted");
}
