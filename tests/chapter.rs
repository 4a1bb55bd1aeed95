//! What the chapters of the book's designs print.

#![allow(clippy::unwrap_used, clippy::panic)]

use msdesign::diag::{SourceFile, Sources};
use msdesign::{Format, NoFiles, Options, compile};
use std::path::Path;

/// The chapter of each design of the book, without its code blocks.
fn chapters() -> Vec<(String, String)> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("book-example/src/designs");
    let mut out = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let page = std::fs::read_to_string(&path).unwrap();
        let Some((_, rest)) = page.split_once("```msdesign\n") else {
            continue;
        };
        let block = rest.split_once("\n```").unwrap().0;
        let mut sources = Sources::default();
        let id = sources.add(SourceFile::whole("design", block));
        let options = Options {
            format: Format::Markdown,
            ..Options::default()
        };
        let done = compile(&mut sources, id, &mut NoFiles, &options);
        let parts = done.chapter.unwrap().parts;
        let text: String = parts.iter().map(|p| p.markdown.as_str()).collect();
        let mut code = false;
        let prose = text.lines().filter(|line| {
            let fence = line.starts_with("```");
            code ^= fence;
            !code && !fence
        });
        out.push((
            path.display().to_string(),
            prose.collect::<Vec<_>>().join("\n"),
        ));
    }
    out
}

/// A sentence that is written as plain text shows the marks that were to set it in another face.
#[test]
fn no_sentence_prints_its_own_marks() {
    let chapters = chapters();
    assert!(chapters.len() > 7);
    for (name, text) in chapters {
        for line in text.lines() {
            assert!(
                !line.contains("\\`") && !line.contains("\\*\\*"),
                "{name}: {line}"
            );
        }
    }
}
