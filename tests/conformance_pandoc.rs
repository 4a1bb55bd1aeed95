//! A chapter as Markdown, made into an EPUB and a PDF by pandoc: the pictures must be in all of them, and valid.
#![cfg(feature = "conformance")]
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

#[path = "support/table.rs"]
mod table;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn design() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("book-example/src/designs/ride-hailing.md")
}

/// The parts of the chapter with every kind of picture but charts of capacity, with HTML or without.
fn chapter(renderer: &str) -> String {
    let out = Command::new(env!("CARGO_BIN_EXE_mdbook-msdesign"))
        .args(["render", "--renderer", renderer, "--sections"])
        .arg("interactions,reliability,consistency")
        .arg(design())
        .output()
        .unwrap();
    let chapter = String::from_utf8(out.stdout).unwrap();
    assert!(chapter.len() > 10_000, "{chapter}");
    chapter
}

fn run(command: &mut Command) -> Output {
    let shown = format!("{command:?}");
    let out = command.output();
    out.unwrap_or_else(|e| panic!("{shown}: {e}"))
}

/// pandoc from `chapter` in `folder` to the file `to`.
fn pandoc(folder: &Path, chapter: &str, to: &str, more: &[&str]) {
    fs::write(folder.join("chapter.md"), chapter).unwrap();
    let out = run(Command::new("pandoc")
        .args(["--from", "commonmark_x", "--metadata", "lang=en"])
        .args(["--metadata", "title=Ride hailing", "chapter.md", "-o", to])
        .args(more)
        .current_dir(folder));
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{said}");
}

#[test]
fn an_epub_has_the_pictures_and_is_sound() {
    let row = table::row("epub", "pandoc", Command::new("pandoc").arg("--version"));
    let sound = table::row(
        "epub",
        "epubcheck",
        Command::new("epubcheck").arg("--version"),
    );
    let dir = tempfile::tempdir().unwrap();
    let chapter = chapter("html");
    let figures = chapter.matches("<figure class=\"msd-figure").count();
    assert!(figures > 20, "{figures}");
    pandoc(dir.path(), &chapter, "chapter.epub", &["--to", "epub3"]);
    let unzip = "import sys, zipfile; zipfile.ZipFile('chapter.epub').extractall('epub')";
    let out = run(Command::new("python3")
        .args(["-c", unzip])
        .current_dir(dir.path()));
    assert!(out.status.success());
    let texts = fs::read_dir(dir.path().join("epub/EPUB/text")).unwrap();
    let texts: String = texts
        .map(|f| fs::read_to_string(f.unwrap().path()).unwrap())
        .collect();
    // One more is of no size and holds the style.
    assert_eq!(texts.matches("<svg xmlns=").count(), figures + 1);
    row.ends(1, "accepted");
    let out = run(Command::new("epubcheck")
        .arg("chapter.epub")
        .current_dir(dir.path()));
    let said = [out.stdout, out.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    let wrong = |l: &&str| {
        ["ERROR", "FATAL", "WARNING"]
            .iter()
            .any(|w| l.starts_with(w))
    };
    let wrong: Vec<&str> = said.lines().filter(wrong).collect();
    assert!(out.status.success() && wrong.is_empty(), "{wrong:#?}");
    sound.ends(1, "accepted");
}

#[test]
fn a_pdf_has_the_pictures() {
    let row = table::row(
        "pdf",
        "weasyprint",
        Command::new("weasyprint").arg("--version"),
    );
    let dir = tempfile::tempdir().unwrap();
    let chapter = chapter("html");
    let pictures = chapter.split("<figure class=\"msd-figure").nth(1).unwrap();
    let pictures = pictures.split("</figure>").next().unwrap();
    pandoc(
        dir.path(),
        &format!("<figure class=\"msd-figure{pictures}</figure>\n"),
        "chapter.pdf",
        &["--to", "html", "--pdf-engine", "weasyprint"],
    );
    let out = run(Command::new("pdftotext")
        .args(["chapter.pdf", "-"])
        .current_dir(dir.path()));
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    for word in [
        "dispatch",
        "pricing",
        "pubsub",
        "synchronous",
        "store access",
    ] {
        assert!(text.contains(word), "{word} is not in {text}");
    }
    // No style reaches the picture here: what follows a sample of the legend still begins behind it.
    let out = run(Command::new("pdftotext")
        .args(["-bbox", "chapter.pdf", "-"])
        .current_dir(dir.path()));
    let boxes = String::from_utf8_lossy(&out.stdout).into_owned();
    let at = |word: &str| -> f64 {
        let line = boxes
            .lines()
            .rfind(|l| l.ends_with(&format!(">{word}</word>")));
        let x = line.unwrap().split("xMin=\"").nth(1).unwrap();
        x.split('"').next().unwrap().parse().unwrap()
    };
    // The words below one another stand in one column only if they begin where they are written.
    assert!((at("service") - at("asynchronous")).abs() < 1.0, "{boxes}");
    row.ends(1, "accepted");
}

#[test]
fn without_html_a_chapter_is_plain_markdown() {
    let row = table::row("epub", "pandoc", Command::new("pandoc").arg("--version"));
    let dir = tempfile::tempdir().unwrap();
    let chapter = chapter("epub");
    pandoc(dir.path(), &chapter, "chapter.json", &["--to", "json"]);
    let tree = fs::read_to_string(dir.path().join("chapter.json")).unwrap();
    assert!(!tree.contains("\"RawBlock\"") && !tree.contains("\"RawInline\""));
    assert!(tree.contains("[\"mermaid\"]"));
    row.ends(1, "accepted");
}
