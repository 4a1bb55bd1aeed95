//! The pictures of the reader book in a real browser: axe, contrast in the five themes, texts that neither
//! leave their boxes nor overlap, links that lead somewhere, full size, a phone's width and print.
//!
//! `CHROMIUM` names the browser; without it `/usr/bin/chromium` is taken.
#![cfg(feature = "conformance")]
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

#[path = "support/table.rs"]
mod table;

use std::fs;
use std::path::Path;
use std::process::Command;

/// Designs whose pictures have every shape, line, frame and chart between them.
const PAGES: [&str; 2] = [
    "designs/opentelemetry-demo.html",
    "designs/ride-hailing.html",
];

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_name() == "book" {
            continue;
        }
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to.join(entry.file_name()));
        } else {
            fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

fn succeeds(command: &mut Command) {
    let shown = format!("{command:?}");
    let out = command.output().unwrap_or_else(|e| panic!("{shown}: {e}"));
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{shown}\n{said}");
}

#[test]
fn pictures_hold_in_a_browser() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let tools = root.join("tests/tools/browser");
    if !tools.join("node_modules").is_dir() {
        succeeds(
            Command::new("npm")
                .args(["ci", "--silent"])
                .current_dir(&tools),
        );
    }
    let modules = tools.join("node_modules");
    let axe = table::row("browser", "axe-core", (&*modules, "axe-core"));
    let book = tempfile::tempdir().unwrap();
    copy(&root.join("book-example"), book.path());
    succeeds(
        Command::new(env!("CARGO_BIN_EXE_mdbook-msdesign"))
            .arg("build")
            .arg(book.path()),
    );
    let chromium = std::env::var("CHROMIUM").unwrap_or_else(|_| "/usr/bin/chromium".to_owned());
    let browser = table::row(
        "browser",
        "chromium",
        Command::new(&chromium).args(["--no-sandbox", "--version"]),
    );
    succeeds(
        Command::new("node")
            .arg(tools.join("check.mjs"))
            .arg(book.path().join("book"))
            .arg(chromium)
            .args(PAGES),
    );
    axe.ends(PAGES.len(), "accepted");
    browser.ends(PAGES.len(), "accepted");
}
