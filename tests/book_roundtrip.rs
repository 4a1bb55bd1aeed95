//! Chapters survive: every byte outside a block stays, and what stands in a block's place stays in the block's container.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

use std::path::{Path, PathBuf};

use msdesign::book::{fences, preprocess};
use msdesign::diag::{Diagnostic, SourceFile, SourceId, Sources, Span};
use msdesign::{Chapter, Compiled, Loader, NoFiles, Options, Part};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag, TagEnd};
use serde_json::{Value, json};

const CHAPTER: &str = "## MARK-START {#ms-x}\n\nText, `code` and [link](#ms-x).\n\n\
    | a | b |\n|---|---|\n| 1 | 2 |\n\n<div class=\"figure\">\n<b>html</b>\n</div>\n\n\
    ```rust\nfn main() {\n\n}\n```\n\n- item\n\n  more\n\n1. one\n\nMARK-END\n";

/// A chapter with everything that could break out of a container.
fn stub(_: &mut Sources, _: SourceId, _: &mut dyn Loader, _: &Options) -> Compiled {
    let part = Part {
        id: "overview",
        heading: "MARK-START".to_owned(),
        markdown: CHAPTER.to_owned(),
    };
    let chapter = Chapter {
        title: "MARK-START".to_owned(),
        preamble: "<style id=\"mark\">\n.a { color: red }\n</style>\n".to_owned(),
        parts: vec![part],
        artefacts: Vec::new(),
    };
    Compiled {
        chapter: Some(chapter),
        diagnostics: Vec::new(),
    }
}

/// A front door that finds every spec broken.
fn broken(_: &mut Sources, source: SourceId, _: &mut dyn Loader, _: &Options) -> Compiled {
    let error = Diagnostic::error("syntax", Span::new(source, 0..3), "MARK");
    Compiled {
        chapter: None,
        diagnostics: vec![error],
    }
}

/// The input of the preprocessor for one chapter, as mdBook 0.5 (`items`) or 0.4 (`sections`) writes it.
fn input(shape: &str, content: &str, config: &Value) -> Vec<u8> {
    let chapter = json!({"Chapter": {
        "name": "C", "content": content, "number": [1], "sub_items": [],
        "path": "c.md", "source_path": "c.md", "parent_names": [],
    }});
    let context = json!({
        "root": "/nowhere", "renderer": "html", "mdbook_version": "0.5.4",
        "config": {"book": {"src": "src"}, "preprocessor": {"msdesign": config}},
    });
    let book = match shape {
        "sections" => json!({"sections": [chapter, "Separator"], "__non_exhaustive": null}),
        _ => json!({"items": [chapter, {"PartTitle": "P"}]}),
    };
    json!([context, book]).to_string().into_bytes()
}

fn run(
    shape: &str,
    content: &str,
    config: &Value,
    compile: &msdesign::book::design::Compile,
) -> String {
    let outcome = preprocess(&input(shape, content, config), compile).unwrap();
    let book: Value = serde_json::from_slice(&outcome.output.expect("the book is built")).unwrap();
    let text = book[shape][0]["Chapter"]["content"].as_str();
    text.expect("the chapter has content").to_owned()
}

fn files(folder: &str) -> Vec<(String, String)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/corpus")
        .join(folder);
    let mut out: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|p| p.extension().is_some_and(|e| e == "md"))
        .map(|p| (stem(&p), std::fs::read_to_string(&p).unwrap()))
        .collect();
    out.sort();
    assert!(out.len() > 10);
    out
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap().to_string_lossy().into_owned()
}

/// The text without its marks, and what is outside of them.
fn outside(marked: &str) -> (String, Vec<String>) {
    let pieces: Vec<&str> = marked.split(['⟦', '⟧']).collect();
    let outer = pieces.iter().step_by(2).map(|s| (*s).to_owned()).collect();
    (pieces.concat(), outer)
}

/// That `out` is the outer pieces in their order with something between them.
fn assert_outside(case: &str, outer: &[String], out: &str) {
    let (first, rest) = outer.split_first().unwrap();
    let (last, middle) = rest.split_last().unwrap();
    assert!(
        out.starts_with(first),
        "{case}: the bytes before the block changed:\n{out}"
    );
    assert!(
        out.ends_with(last),
        "{case}: the bytes after the block changed:\n{out}"
    );
    let mut inner = &out[first.len()..out.len() - last.len()];
    for piece in middle {
        let at = inner
            .find(piece.as_str())
            .unwrap_or_else(|| panic!("{case}: {piece:?} is lost:\n{out}"));
        inner = &inner[at + piece.len()..];
    }
}

/// The document as events without paragraphs (a chapter makes a tight list loose) and with `BLOCK` for each block or what stands
/// in its place.
fn shape(text: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut skipping = false;
    let mut chapters: Vec<String> = Vec::new();
    let mut prose = String::new();
    for (event, range) in Parser::new_ext(text, fences::extensions()).into_offset_iter() {
        let piece = &text[range.clone()];
        match &event {
            Event::Start(Tag::HtmlBlock)
                if piece.trim_start().starts_with("<style id=\"mark\">") =>
            {
                skipping = true
            }
            Event::Start(Tag::Heading { .. }) if piece.contains("MARK-START") => {
                skipping = true;
                chapters.push(format!("{event:?}"));
            }
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(_))) if is_block(piece) => {
                skipping = true
            }
            Event::End(TagEnd::CodeBlock) if skipping && is_block(piece) => {
                skipping = false;
                flush(&mut out, &mut prose);
                out.push("BLOCK".to_owned());
            }
            Event::End(TagEnd::Paragraph) if skipping && piece.trim() == "MARK-END" => {
                skipping = false;
                assert_eq!(
                    chapters.pop().unwrap_or_default(),
                    inside(CHAPTER),
                    "the chapter itself changed:\n{text}"
                );
                flush(&mut out, &mut prose);
                out.push("BLOCK".to_owned());
            }
            _ if skipping => {
                if let Some(seen) = chapters.last_mut() {
                    note(seen, &event);
                }
            }
            Event::Start(Tag::Paragraph) | Event::End(TagEnd::Paragraph) => {
                flush(&mut out, &mut prose)
            }
            Event::Text(t) | Event::Html(t) => prose.push_str(t),
            _ => {
                flush(&mut out, &mut prose);
                out.push(format!("{event:?}"));
            }
        }
    }
    assert!(
        !skipping,
        "a chapter has no end where one belongs:\n{text}\n{out:#?}"
    );
    flush(&mut out, &mut prose);
    out
}

/// The events of a chapter up to its last paragraph.
fn inside(chapter: &str) -> String {
    let mut out = String::new();
    let end = chapter.rfind("MARK-END").unwrap();
    for (event, range) in Parser::new_ext(chapter, fences::extensions()).into_offset_iter() {
        if range.start == end && event == Event::End(TagEnd::Paragraph) {
            break;
        }
        if out.is_empty() {
            out = format!("{event:?}");
        } else {
            note(&mut out, &event);
        }
    }
    out
}

/// Text and HTML as they are, all else as its name; how text is cut into events does not matter.
fn note(seen: &mut String, event: &Event<'_>) {
    match event {
        Event::Text(t) | Event::Html(t) => seen.extend(t.chars().filter(|c| !c.is_whitespace())),
        other => seen.push_str(&format!(" {other:?} ")),
    }
}

fn is_block(piece: &str) -> bool {
    let info = piece
        .trim_start()
        .trim_start_matches(['`', '~'])
        .trim_start();
    info.strip_prefix("msdesign")
        .is_some_and(|rest| rest.starts_with([',', ' ', '\t', '\r', '\n']) || rest.is_empty())
}

fn flush(out: &mut Vec<String>, prose: &mut String) {
    let text = std::mem::take(prose);
    // Line ends at the end of indented code and HTML are not the point.
    if !text.trim_end().is_empty() {
        out.push(format!("Text({:?})", text.trim_end()));
    }
}

#[test]
fn every_place_between_every_two_chapters() {
    let plain = files("plain");
    let blocks = files("blocks");
    let mut cases = 0;
    for (i, (first, before)) in plain.iter().enumerate() {
        let (second, after) = &plain[(i + 1) % plain.len()];
        for (place, block) in &blocks {
            let text = format!("{before}\n## Place\n\n{block}\n## After\n\n{after}");
            for crlf in [false, true] {
                for end in [true, false] {
                    let mut text = text.clone();
                    if !end {
                        text.truncate(text.trim_end().len());
                    }
                    if crlf {
                        text = text.replace('\n', "\r\n");
                    }
                    let case = format!("{first}/{place}/{second} crlf={crlf} end={end}");
                    check(&case, &text);
                    cases += 1;
                }
            }
        }
    }
    assert!(cases > 2000, "{cases}");
}

fn check(case: &str, marked: &str) {
    let (text, outer) = outside(marked);
    let out = run("items", &text, &json!({}), &stub);
    assert_outside(case, &outer, &out);
    assert_eq!(shape(&text), shape(&out), "{case}:\n{text}\n=====\n{out}");
    if text.contains("\r\n") {
        assert_eq!(
            out.matches('\n').count(),
            out.matches("\r\n").count(),
            "{case}: line ends are mixed"
        );
    }
}

#[test]
fn a_block_may_be_the_first_and_the_last_thing() {
    for (place, block) in files("blocks") {
        check(&place, &block);
        check(&place, block.trim_end());
        check(&place, &block.replace('\n', "\r\n"));
    }
    for text in [
        "⟦```msdesign\ntitle = \"never closed\"⟧",
        "a\n\n⟦```msdesign\ntitle = \"never closed\"\n⟧",
        "- a\n\n⟦  ```msdesign\n  title = \"ends with its item\"\n⟧- b\n",
        "> a\n>\n⟦> ```msdesign\n> title = \"ends with its quotation\"\n⟧\nb\n",
        "⟦```msdesign\n```⟧",
        "⟦```msdesign⟧",
    ] {
        check(text, text);
    }
}

#[test]
fn no_line_of_a_chapter_ends_in_blanks() {
    for (place, block) in files("blocks") {
        let (text, outer) = outside(&block);
        let out = run("items", &text, &json!({}), &stub);
        let before = outer.concat();
        for line in out.lines().filter(|l| !before.lines().any(|b| b == *l)) {
            assert_eq!(line, line.trim_end(), "{place}:\n{out}");
        }
    }
}

#[test]
fn what_only_looks_like_a_block_stays() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/untouched.md");
    let text = std::fs::read_to_string(path).unwrap();
    for text in [text.clone(), text.replace('\n', "\r\n")] {
        for shape in ["items", "sections"] {
            assert_eq!(run(shape, &text, &json!({}), &stub), text);
            assert_eq!(run(shape, &text, &json!({}), &broken_never), text);
        }
    }
}

fn broken_never(_: &mut Sources, _: SourceId, _: &mut dyn Loader, _: &Options) -> Compiled {
    panic!("nothing may be compiled here");
}

#[test]
fn a_report_stays_in_its_container_too() {
    for (place, block) in files("blocks") {
        let (text, outer) = outside(&block);
        let out = run("sections", &text, &json!({"on-error": "render"}), &broken);
        assert_outside(&place, &outer, &out);
        assert!(out.contains("could not be built"), "{place}");
        assert!(out.contains("c.md:"), "{place}");
    }
}

#[test]
fn a_book_without_blocks_comes_back_byte_for_byte() {
    let book =
        r#"{ "items" : [ {"Chapter":{"name":"é","content":"text","x":1e3}} ],"unknown" : null }"#;
    let context = r#"{"root":"/nowhere","config":{},"renderer":"html","mdbook_version":"0.5.4"}"#;
    let out = preprocess(format!(" [{context} ,\n {book} ]\n").as_bytes(), &stub).unwrap();
    assert_eq!(out.output.as_deref(), Some(book.as_bytes()));
}

#[test]
fn keys_of_other_versions_stay() {
    for shape in ["items", "sections"] {
        let mut sent: Value =
            serde_json::from_slice(&input(shape, "```msdesign\n```\n", &json!({}))).unwrap();
        sent[1]["later"] = json!({"a": [1, null]});
        sent[1][shape][0]["Chapter"]["later"] = json!("x");
        let out = preprocess(sent.to_string().as_bytes(), &stub).unwrap();
        let mut book: Value = serde_json::from_slice(&out.output.unwrap()).unwrap();
        book[shape][0]["Chapter"]["content"] = sent[1][shape][0]["Chapter"]["content"].clone();
        assert_eq!(book, sent[1]);
    }
}

/// Pieces that chapters are made of, the awkward ones above all. An alert has text, as the parser takes
/// indented code right behind its marker for a fence, which CommonMark does not.
fn chapter() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "```",
        "````",
        "~~~",
        "```msdesign\n",
        "~~~msdesign\n",
        "msdesign",
        "```msdesign,depth=2 \n",
        "\n",
        "\n\n",
        "\r\n",
        " ",
        "  ",
        "    ",
        "\t",
        "> ",
        ">",
        "- ",
        "* ",
        "1. ",
        "12) ",
        ": ",
        "[^n]: ",
        "[^n]",
        "# ",
        "---\n",
        "===\n",
        "<div>\n",
        "</div>\n",
        "<!--",
        "-->",
        "<pre>\n",
        "| a |\n|---|\n",
        "title = \"x\"\n",
        "é",
        "漢",
        "\u{feff}",
        "\0",
        "`",
        "\\",
        "text",
        "[a]: b\n",
        "- [ ] ",
        "> [!NOTE]\n> x\n",
    ]);
    prop::collection::vec(pieces, 0..40).prop_map(|p| p.concat())
}

/// Pieces of specs, right ones and wrong ones.
fn spec() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "title = \"x\"\n",
        "services = [\"a\", \"b\", \"c\"]\n",
        "services = [",
        "sync = [\"a --REST GET /x--> b\"]\n",
        "sync = [\"a --gRPC--> b, c\"]\n",
        "sync = [{ call = \"a --REST--> b\", p99 = \"1ms\", retries = 9 }]\n",
        "async = [\"a --x.y--> b\"]\n",
        "async = [\"a --x--> \"]\n",
        "realtime = [\"a --WebSocket /x--> b\"]\n",
        "[[flow]]\nname = \"f\"\nsteps = [\"a -> b\"]\n",
        "[[saga]]\nname = \"s\"\nsteps = [\"a: do / undo\"]\n",
        "[teams]\nt = [\"a\"]\n",
        "[defaults]\ntimeout = \"99999999999999999999s\"\n",
        "[defaults]\nretries = -1\n",
        "[lint]\nallow = [\"x\"]\n",
        "architecture = \"microservices\"\n",
        "infrastructure = \"aws\"\n",
        "sections = [\"sync\"]\n",
        "include = [\"x.toml\"]\n",
        "language = \"go\"\n",
        "[service.a]\nreplicas = 1000000000000\n",
        "\"",
        "[",
        "]",
        "{",
        "}",
        "=",
        ",",
        "-->",
        "--",
        " ",
        "\n",
        "\r\n",
        "#",
        "'''",
        "\"\"\"",
        "é",
        "\u{202e}",
        "\0",
        "\\u0000",
        "1e999",
        "0x",
        "\t",
        "a",
        "<b>",
    ]);
    prop::collection::vec(pieces, 0..24).prop_map(|p| p.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]

    #[test]
    fn any_chapter_keeps_what_is_outside_its_blocks(text in chapter()) {
        let blocks = fences::find(&text);
        for (good, config, compile) in [
            (true, json!({"on-error": "render"}), &stub as &msdesign::book::design::Compile),
            (false, json!({"on-error": "render"}), &broken),
        ] {
            let out = run("items", &text, &config, compile);
            let mut outer = Vec::new();
            let mut at = 0;
            for block in &blocks {
                prop_assert!(block.range.start >= at && block.range.end <= text.len());
                outer.push(text[at..block.range.start].to_owned());
                at = block.range.end;
            }
            outer.push(text[at..].to_owned());
            if blocks.is_empty() {
                prop_assert_eq!(&out, &text);
            } else {
                assert_outside("any", &outer, &out);
                // A wrong info string gives a report in place of the chapter.
                if good && !text.contains('\0') && !out.contains("could not be built") {
                    assert_eq!(shape(&text), shape(&out), "{text:?}\n{out}");
                }
            }
        }
    }

    #[test]
    fn any_input_is_refused_or_taken_but_never_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), cut in 0_usize..400) {
        let _ = preprocess(&bytes, &stub);
        let mut whole = input("items", "```msdesign\n```\n", &json!({"links": 1, "on-error": [], "x": null}));
        let _ = preprocess(&whole, &stub);
        whole.truncate(cut);
        let _ = preprocess(&whole, &stub);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]

    #[test]
    fn any_spec_gives_a_chapter_or_an_error(text in spec()) {
        let mut sources = Sources::default();
        let id = sources.add(SourceFile::whole("x.toml", text));
        let done = msdesign::compile(&mut sources, id, &mut NoFiles, &Options::default());
        prop_assert!(done.chapter.is_some() || !done.diagnostics.is_empty());
        for d in &done.diagnostics {
            let at = sources.locate(d.primary.span);
            prop_assert!(at.line >= 1 && at.column >= 1);
        }
        let _ = msdesign::diag::render(&sources, &done.diagnostics, msdesign::diag::Style::Plain);
    }
}
