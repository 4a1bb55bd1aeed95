//! Sagas as Temporal workflows run on a Temporal server, with every activity failing in turn: they do what the
//! chapter says, and each history gives the same decisions when it is replayed.
#![cfg(feature = "conformance")]
#![allow(clippy::unwrap_used, clippy::panic)]

mod code;
#[path = "support/table.rs"]
mod table;

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use code::saga::{Cancelling, hold, write_for};
use code::tools::{put, run};

const BETWEEN: Cancelling = Cancelling::BetweenSteps;

/// A server on a port of its own, in memory; gone with this.
struct Server {
    process: Child,
    address: String,
}

impl Server {
    fn start() -> Self {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let process = Command::new("temporal")
            .args(["server", "start-dev", "--headless", "--ip", "127.0.0.1"])
            .args(["--port", &address.port().to_string()])
            .args(["--log-level", "never"])
            .stdout(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("temporal cannot be run: {error}"));
        Self {
            process,
            address: address.to_string(),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The workflow with pauses of milliseconds: what is tried again is, as often and in the same order.
fn hasten(file: &Path, pauses: [(&str, &str); 2]) {
    let mut text = std::fs::read_to_string(file).unwrap();
    for (pause, short) in pauses {
        assert!(text.contains(pause), "{pause}");
        text = text.replacen(pause, short, 1);
    }
    std::fs::write(file, text).unwrap();
}

#[test]
fn python_takes_back_what_the_chapter_says() {
    let row = table::row(
        "temporal python",
        "mypy --strict, ruff, a Temporal server",
        Command::new("temporal").arg("--version"),
    );
    let dir = tempfile::tempdir().unwrap();
    write_for(BETWEEN, dir.path(), ".py");
    let format = [
        "format",
        "--no-cache",
        "--check",
        "--line-length",
        "100",
        "--exclude",
        "odd_class",
        ".",
    ];
    run(dir.path(), "ruff", &format);
    run(
        dir.path(),
        "ruff",
        &["check", "--no-cache", "--line-length", "100", "."],
    );
    for folder in dir.path().read_dir().unwrap() {
        run(
            &folder.unwrap().path(),
            "mypy",
            &["--strict", "workflow.py"],
        );
    }
    let trips = dir.path().join("trips");
    hasten(
        &trips.join("workflow.py"),
        [
            (
                "FIRST_PAUSE = timedelta(seconds=1)",
                "FIRST_PAUSE = timedelta(milliseconds=5)",
            ),
            (
                "LONGEST_PAUSE = timedelta(seconds=100)",
                "LONGEST_PAUSE = timedelta(milliseconds=20)",
            ),
        ],
    );
    put(&trips, "driver.py", include_str!("code/temporal/driver.py"));
    let server = Server::start();
    let args = ["-W", "error", "driver.py", &server.address, BETWEEN.many()];
    hold(&run(&trips, "python3", &args), BETWEEN);
    row.ends(4, "accepted");
}

#[test]
fn typescript_and_javascript_take_back_what_the_chapter_says() {
    let row = table::row(
        "temporal typescript",
        "tsc --strict, a Temporal server",
        Command::new("temporal").arg("--version"),
    );
    let dir = tempfile::tempdir().unwrap();
    let npm = PathBuf::from(std::env::var("MSDESIGN_NPM").expect("tools/install.sh has run"));
    std::os::unix::fs::symlink(npm.join("node_modules"), dir.path().join("node_modules")).unwrap();
    write_for(BETWEEN, dir.path(), ".ts");
    put(
        dir.path(),
        "driver.ts",
        include_str!("code/temporal/driver.ts"),
    );
    code::tsc(dir.path(), |args| {
        // The SDK's own declarations are not held to our strictness.
        run(dir.path(), "tsc", &[args, &["--skipLibCheck"]].concat());
    });
    write_for(BETWEEN, &dir.path().join("plain"), ".js");
    let server = Server::start();
    for file in ["built/trips/workflow.js", "plain/trips/workflow.js"] {
        let file = dir.path().join(file);
        hasten(
            &file,
            [
                ("initialInterval: 1_000", "initialInterval: 5"),
                ("maximumInterval: 100_000", "maximumInterval: 20"),
            ],
        );
        let path = file.to_str().unwrap();
        let args = ["built/driver.js", &server.address, BETWEEN.many(), path];
        hold(&run(dir.path(), "node", &args), BETWEEN);
    }
    row.ends(8, "accepted");
}
