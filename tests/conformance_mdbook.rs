//! The real mdBook of both lines builds a book with this preprocessor, and its pages hold together.
//!
//! `MDBOOK_05` and `MDBOOK_04` name the programs; without them `mdbook` and `mdbook-0.4` are taken.
#![cfg(feature = "conformance")]
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "support/table.rs"]
mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

fn programs() -> [String; 2] {
    let named =
        |key: &str, default: &str| std::env::var(key).unwrap_or_else(|_| default.to_owned());
    [
        named("MDBOOK_05", "mdbook"),
        named("MDBOOK_04", "mdbook-0.4"),
    ]
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to.join(entry.file_name()));
        } else {
            fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

/// The pages of `tests/books/basic` as `mdbook` builds it with these lines added to its table.
fn build(mdbook: &str, lines: &str) -> (TempDir, BTreeMap<String, String>) {
    let dir = tempfile::tempdir().unwrap();
    copy(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/books/basic"),
        dir.path(),
    );
    let toml = dir.path().join("book.toml");
    let command = format!(
        "[preprocessor.msdesign]\ncommand = {:?}\n{lines}",
        env!("CARGO_BIN_EXE_mdbook-msdesign")
    );
    let text = fs::read_to_string(&toml)
        .unwrap()
        .replace("[preprocessor.msdesign]", &command);
    fs::write(&toml, text).unwrap();
    let out = Command::new(mdbook)
        .arg("build")
        .current_dir(dir.path())
        .output()
        .unwrap_or_else(|e| panic!("`{mdbook}` cannot be run: {e}"));
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{mdbook}: {said}");
    assert!(
        !said.contains("panicked") && !said.to_lowercase().contains("error:"),
        "{mdbook}: {said}"
    );
    let mut pages = BTreeMap::new();
    read(&dir.path().join("book"), "", &mut pages);
    (dir, pages)
}

fn read(dir: &Path, prefix: &str, pages: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(dir).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type().unwrap().is_dir() {
            read(&entry.path(), &format!("{name}/"), pages);
        } else if name.ends_with(".html") {
            pages.insert(name, fs::read_to_string(entry.path()).unwrap());
        }
    }
}

/// What stands between `<main>` and `</main>`.
fn main_of<'a>(pages: &'a BTreeMap<String, String>, name: &str) -> &'a str {
    let page = pages
        .get(name)
        .unwrap_or_else(|| panic!("{name} is not among {:?}", pages.keys()));
    let (_, rest) = page.split_once("<main>").unwrap();
    rest.split_once("</main>").unwrap().0
}

/// The values of ` id="…"` in tags.
fn ids(html: &str) -> Vec<&str> {
    html.split('<')
        .filter_map(|tag| tag.split('>').next())
        .flat_map(|tag| tag.split(" id=\"").skip(1))
        .filter_map(|rest| rest.split('"').next())
        .collect()
}

fn assert_sound(mdbook: &str, name: &str, html: &str) {
    let seen = ids(html);
    let unique: BTreeSet<_> = seen.iter().collect();
    let twice: Vec<_> = unique
        .iter()
        .filter(|id| seen.iter().filter(|i| i == *id).count() > 1)
        .collect();
    assert!(
        twice.is_empty(),
        "{mdbook} {name}: ids given twice: {twice:?}"
    );
    for wrong in [
        "&lt;svg",
        "&lt;div",
        "&lt;details",
        "<p></svg>",
        "<p></div>",
        "msdesign-error",
        "<script>alert",
    ] {
        assert!(!html.contains(wrong), "{mdbook} {name}: {wrong}");
    }
    for (open, close) in [
        ("<svg", "</svg>"),
        ("<figure", "</figure>"),
        ("<details", "</details>"),
        ("<table", "</table>"),
        ("<ol", "</ol>"),
        ("<ul", "</ul>"),
    ] {
        let opened = html
            .match_indices(open)
            .filter(|(i, _)| html[i + open.len()..].starts_with([' ', '>', '\n']))
            .count();
        assert_eq!(
            opened,
            html.matches(close).count(),
            "{mdbook} {name}: {open}"
        );
    }
    for figure in html.split("<svg").skip(1) {
        let figure = figure.split("</svg>").next().unwrap();
        assert!(
            !figure.contains("<p>") && !figure.contains("<pre") && !figure.contains("<h"),
            "{mdbook} {name}: a figure is broken up"
        );
    }
    assert!(
        !html.contains("<code class=\"language-msdesign"),
        "{mdbook} {name}: a block is left"
    );
}

/// Every link to a place in the book leads to one.
fn assert_links(mdbook: &str, pages: &BTreeMap<String, String>, names: &[&str]) {
    for name in names {
        let html = main_of(pages, name);
        for link in html
            .split(" href=\"")
            .skip(1)
            .filter_map(|r| r.split('"').next())
        {
            let Some((path, id)) = link.split_once('#') else {
                continue;
            };
            if path.contains(':') {
                continue;
            }
            let mut parts: Vec<&str> = name.split('/').collect();
            if !path.is_empty() {
                parts.pop();
                for part in path.split('/') {
                    match part {
                        ".." => drop(parts.pop()),
                        _ => parts.push(part),
                    }
                }
            }
            let target = parts.join("/");
            let page = pages
                .get(&target)
                .unwrap_or_else(|| panic!("{mdbook} {name}: {link} leads nowhere"));
            assert!(
                ids(page).contains(&id),
                "{mdbook} {name}: {link} leads to no place"
            );
        }
    }
}

#[test]
fn both_lines_of_mdbook_build_the_book() {
    for mdbook in programs() {
        let row = table::row(
            "mdbook",
            "mdbook build",
            Command::new(&mdbook).arg("--version"),
        );
        let (_dir, pages) = build(&mdbook, "");
        for name in ["shop.html", "more/places.html"] {
            let html = main_of(&pages, name);
            assert_sound(&mdbook, name, html);
            assert!(html.contains("<svg"), "{mdbook} {name}");
        }
        assert_sound(&mdbook, "print.html", main_of(&pages, "print.html"));
        assert_links(&mdbook, &pages, &["shop.html", "more/places.html"]);
        let preface = main_of(&pages, "preface.html");
        assert!(
            preface.contains("<code>msdesign</code>") && preface.contains("{{#include none.md}}"),
            "{preface}"
        );

        let shop = main_of(&pages, "shop.html");
        for heading in [
            "<h1 id=\"the-shop\"",
            "<h2 id=\"ms-shop",
            "<h2 id=\"overview\"",
            "id=\"ms-shop-2",
        ] {
            assert!(shop.contains(heading), "{mdbook}: {heading}");
        }
        assert!(
            shop.find("Before it.") < shop.find("<svg")
                && shop.find("<svg") < shop.find("After it.")
        );

        let places = main_of(&pages, "more/places.html");
        let in_list = &places[places.find("<ol>").unwrap()..places.find("LISTED-AFTER").unwrap()];
        assert!(
            in_list.contains("<svg"),
            "{mdbook}: the list holds its figure"
        );
        let rest = &places[places.find("LISTED-AFTER").unwrap()..];
        assert!(rest.find("</ol>") < rest.find("<blockquote>"), "{mdbook}");
        let quote = &rest[rest.find("<blockquote>").unwrap()..];
        assert!(quote.find("<svg") < quote.find("QUOTED-AFTER"), "{mdbook}");
        assert!(
            quote.find("QUOTED-AFTER") < quote.rfind("</blockquote>"),
            "{mdbook}"
        );
        row.ends(pages.len(), "accepted");
    }
}

#[test]
fn sections_become_chapters_of_the_sidebar() {
    for mdbook in programs() {
        let (_dir, pages) = build(&mdbook, "subchapters = true\n");
        let new: Vec<&str> = pages
            .keys()
            .map(String::as_str)
            .filter(|n| n.starts_with("shop/"))
            .collect();
        assert!(new.len() > 2, "{mdbook}: {:?}", pages.keys());
        for name in &new {
            let html = main_of(&pages, name);
            assert_sound(&mdbook, name, html);
            assert!(html.contains("<h1"), "{mdbook} {name} has a title");
        }
        assert!(new.contains(&"shop/sync.html"), "{new:?}");
        assert_sound(&mdbook, "print.html", main_of(&pages, "print.html"));
        let mut all = new.clone();
        all.push("shop.html");
        assert_links(&mdbook, &pages, &all);
        let shop = main_of(&pages, "shop.html");
        assert!(shop.contains("href=\"shop/sync.html\""), "{mdbook}");
        assert!(
            !pages.keys().any(|n| n.starts_with("more/places/")),
            "{mdbook}: a list's design stays whole"
        );
    }
}
