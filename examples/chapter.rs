//! Prints the chapter of a spec file: `cargo run --example chapter SPEC.toml`.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use msdesign::diag::{SourceFile, Sources, Style, render};

fn main() {
    let path = std::env::args().nth(1).unwrap_or_default();
    let mut text = std::fs::read_to_string(&path).unwrap_or_default();
    if let Some((_, rest)) = text.split_once("```msdesign") {
        let block = rest.split_once('\n').map_or("", |(_, b)| b);
        text = block.split("\n```").next().unwrap_or_default().to_owned();
    }
    let mut sources = Sources::default();
    let id = sources.add(SourceFile::whole(path, text));
    let done = msdesign::compile(
        &mut sources,
        id,
        &mut msdesign::NoFiles,
        &msdesign::Options::default(),
    );
    eprint!("{}", render(&sources, &done.diagnostics, Style::Plain));
    if let Some(chapter) = done.chapter {
        println!("{}", chapter.markdown());
    }
}
