//! The pages of the reader book under the Nu HTML checker, and in a real browser: axe, contrast in the five themes,
//! texts that neither leave their boxes nor overlap, links that lead somewhere, full size, a phone's width and print.
//!
//! `CHROMIUM` names the browser; without it `/usr/bin/chromium` is taken. `MSDESIGN_NPM` is where the checker lies.
#![cfg(feature = "conformance")]
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

#[path = "support/table.rs"]
mod table;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

/// What the checker says of each page that mdBook writes, whose button for the sidebar is a label.
const OF_MDBOOK: [&str; 2] = [
    "error: The “aria-label” attribute must not be used on any “label” element that is associated with a labelable \
     element.",
    "error: The “aria-controls” attribute must not be used on any “label” element that is associated with a labelable \
     element.",
];
/// And of how mdBook writes any element without an end.
const SLASH: &str = "info: Trailing slash on void elements has no effect and interacts badly with unquoted attribute \
                     values.";

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

/// The reader book and a page more, built once.
static BOOK: LazyLock<tempfile::TempDir> = LazyLock::new(|| {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let book = tempfile::tempdir().unwrap();
    copy(&root.join("book-example"), book.path());
    // And a page with what none of its designs shows.
    let parts = book.path().join("src/designs/parts.md");
    fs::copy(root.join("tests/pictures/parts.md"), parts).unwrap();
    let list = book.path().join("src/SUMMARY.md");
    let chapters = fs::read_to_string(&list).unwrap();
    fs::write(list, chapters + "- [In parts](designs/parts.md)\n").unwrap();
    succeeds(
        Command::new(env!("CARGO_BIN_EXE_mdbook-msdesign"))
            .arg("build")
            .arg(book.path()),
    );
    book
});

/// The pages with something of ours: each design, and all of them on one page to be printed.
fn pages() -> Vec<PathBuf> {
    let book = BOOK.path().join("book");
    let mut all: Vec<PathBuf> = fs::read_dir(book.join("designs"))
        .unwrap()
        .map(|f| f.unwrap().path())
        .filter(|p| p.extension().is_some_and(|e| e == "html"))
        .collect();
    all.sort();
    all.push(book.join("print.html"));
    assert!(all.len() > 9, "{all:?}");
    all
}

#[test]
fn pages_are_valid_html() {
    let modules = PathBuf::from(std::env::var("MSDESIGN_NPM").unwrap()).join("node_modules");
    let row = table::row("html", "Nu HTML checker", (&*modules, "vnu-jar"));
    let pages = pages();
    let out = Command::new("java")
        .args(["-Xss16m", "-jar"])
        .arg(modules.join("vnu-jar/build/dist/vnu.jar"))
        .args(["--exit-zero-always", "--format", "gnu"])
        .args(&pages)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{said}");
    let said = said.lines().filter(|l| !l.ends_with(SLASH));
    let (known, wrong): (Vec<&str>, Vec<&str>) =
        said.partition(|l| OF_MDBOOK.iter().any(|m| l.ends_with(m)));
    assert_eq!(known.len(), OF_MDBOOK.len() * pages.len(), "{known:#?}");
    assert!(wrong.is_empty(), "{wrong:#?}");
    row.ends(pages.len(), "accepted");
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
    let book = BOOK.path().join("book");
    let pages = pages();
    let chromium = std::env::var("CHROMIUM").unwrap_or_else(|_| "/usr/bin/chromium".to_owned());
    let browser = table::row(
        "browser",
        "chromium",
        Command::new(&chromium).args(["--no-sandbox", "--version"]),
    );
    succeeds(
        Command::new("node")
            .arg(tools.join("check.mjs"))
            .arg(&book)
            .arg(chromium)
            .args(pages.iter().map(|p| p.strip_prefix(&book).unwrap())),
    );
    axe.ends(pages.len(), "accepted");
    browser.ends(pages.len(), "accepted");
}
