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
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use code::saga::{Cancelling, hold, write_for};
use code::tools::{put, ran, ruff, run};

const BETWEEN: Cancelling = Cancelling::BetweenSteps;

/// A server on a port of its own, in memory; gone with this. There is one at a time, for it takes ports for itself
/// besides the one that it is told, and one that was free a moment ago may be another's by then.
struct Server {
    process: Child,
    address: String,
    _alone: MutexGuard<'static, ()>,
}

static ALONE: Mutex<()> = Mutex::new(());

impl Server {
    fn start() -> Self {
        for _ in 0..5 {
            let mut server = Self::begin();
            let since = Instant::now();
            while since.elapsed() < Duration::from_secs(30) {
                if server.answers() {
                    return server;
                }
                if server.process.try_wait().unwrap().is_some() {
                    break;
                }
                std::thread::sleep(Duration::from_millis(200));
            }
        }
        panic!("no server answers");
    }

    fn begin() -> Self {
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
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
            _alone: alone,
        }
    }

    fn answers(&self) -> bool {
        let health = ["operator", "cluster", "health", "--address", &self.address];
        let asked = Command::new("temporal")
            .args(health)
            .args(["--command-timeout", "5s"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        asked.is_ok_and(|status| status.success())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What a driver prints that is told the server's address. A development server does not outlive everything, so there
/// are three; what a run did wrong is in what is printed, and is wrong on each of them.
fn played(drive: impl Fn(&str) -> Result<String, String>) -> String {
    let mut failed = String::new();
    for _ in 0..3 {
        let server = Server::start();
        match drive(&server.address) {
            Ok(printed) => return printed,
            Err(why) => failed = why,
        }
    }
    panic!("{failed}");
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
    // As it sets names with a quote in them; an activity is a method of any service.
    ruff(dir.path(), "odd_class", &["ANN401"]);
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
    let printed = played(|server| {
        let args = ["-W", "error", "driver.py", server, BETWEEN.many()];
        ran(&trips, "python3", &args)
    });
    hold(&printed, BETWEEN);
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
        let printed = played(|server| {
            let args = ["built/driver.js", server, BETWEEN.many(), path];
            ran(dir.path(), "node", &args)
        });
        hold(&printed, BETWEEN);
    }
    row.ends(8, "accepted");
}
