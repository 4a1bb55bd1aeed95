//! The real binary: exit codes, reports, places, and what it refuses to read.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use pulldown_cmark::{Event, Parser};
use serde_json::{Value, json};
use tempfile::TempDir;

const SOUND: &str = "title = \"Shop\"\nservices = [\"web\", \"orders\"]\n\
    sync = [\"web --REST GET /orders--> orders\"]\n";
/// Compiles, but the linter has an error to tell: two services ask each other and wait.
const CYCLE: &str = "title = \"Loop\"\nservices = [\"a\", \"b\"]\n\
    sync = [\"a --gRPC Ask--> b\", \"b --gRPC Ask--> a\"]\n";
const BROKEN: &str =
    "title = \"Shop\"\nservices = [\"web\"]\nsync = [\"web --REST GET /x--> orders\"]\n";

fn program(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mdbook-msdesign"));
    command
        .args(args)
        .current_dir(dir)
        .env_remove("RUST_BACKTRACE");
    command
}

fn run(dir: &Path, args: &[&str], stdin: &str) -> Output {
    let mut child = program(dir, args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that reads nothing may have closed it already.
    let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
    let out = child.wait_with_output().unwrap();
    assert!(!err(&out).contains("panicked"), "{}", err(&out));
    out
}

fn code(out: &Output) -> i32 {
    out.status.code().expect("it ends by itself")
}

fn text(out: &Output) -> String {
    String::from_utf8(out.stdout.clone()).unwrap()
}

fn err(out: &Output) -> String {
    String::from_utf8(out.stderr.clone()).unwrap()
}

/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    dir
}

fn fenced(spec: &str) -> String {
    format!("# Chapter\n\n```msdesign\n{spec}```\n\nAfter.\n")
}

/// `rule line:column` of every finding at least this bad that `check` reports.
fn places(dir: &Path, path: &str) -> Vec<String> {
    let out = run(dir, &["check", "--format", "json", path], "");
    let report: Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(report["version"], 1);
    let all = report["diagnostics"].as_array().unwrap().clone();
    all.iter()
        .filter(|d| d["severity"] == "error")
        .map(|d| {
            format!(
                "{} {}:{}",
                d["rule"].as_str().unwrap(),
                d["line"],
                d["column"]
            )
        })
        .collect()
}

/// One chapter as mdBook sends it, in a book whose root is `root`.
fn book(root: &Path, content: &str, config: &Value) -> String {
    let chapter = json!({"Chapter": {
        "name": "Chapter", "content": content, "number": [1], "sub_items": [],
        "path": "chapter.md", "source_path": "chapter.md", "parent_names": [],
    }});
    json!([
        {"root": root, "renderer": "html", "mdbook_version": "0.5.4",
         "config": {"book": {"src": "src"}, "preprocessor": {"msdesign": config}}},
        {"items": [chapter]},
    ])
    .to_string()
}

fn page(out: &Output) -> String {
    let book: Value = serde_json::from_slice(&out.stdout).unwrap();
    book["items"][0]["Chapter"]["content"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[test]
fn every_renderer_is_supported() {
    let dir = folder(&[]);
    for renderer in ["html", "markdown", "epub", ""] {
        assert_eq!(code(&run(dir.path(), &["supports", renderer], "")), 0);
    }
    assert_eq!(code(&run(dir.path(), &["supports"], "")), 2);
}

#[test]
fn check_says_by_its_exit_code_what_it_found() {
    let dir = folder(&[
        ("sound.md", &fenced(SOUND)),
        ("broken.toml", BROKEN),
        ("cycle.md", &fenced(CYCLE)),
        ("prose.md", "# No design\n"),
    ]);
    let check = |args: &[&str]| code(&run(dir.path(), &[&["check"], args].concat(), ""));
    assert_eq!(check(&["prose.md"]), 0);
    assert_eq!(check(&["sound.md"]), 0);
    assert_eq!(check(&["sound.md", "--fail-on", "info"]), 1);
    assert_eq!(check(&["broken.toml"]), 1);
    assert_eq!(check(&["cycle.md"]), 1);
    assert_eq!(check(&["."]), 1);
    assert_eq!(check(&["nowhere.md"]), 2);
    assert_eq!(check(&["sound.md", "--fail-on", "never"]), 2);
    assert_eq!(check(&[]), 2);
    assert_eq!(check(&["--nonsense"]), 2);
}

#[test]
fn the_json_report_has_its_shape() {
    let dir = folder(&[("broken.toml", BROKEN), ("src/a.md", &fenced(CYCLE))]);
    let out = run(
        dir.path(),
        &["check", "--format", "json", "broken.toml", "src"],
        "",
    );
    assert_eq!(code(&out), 1);
    assert_eq!(err(&out), "");
    let report: Value = serde_json::from_slice(&out.stdout).unwrap();
    let keys = |v: &Value| v.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&report), ["version", "diagnostics"]);
    let all = report["diagnostics"].as_array().unwrap();
    assert!(
        all.iter()
            .any(|d| d["rule"] == "unknown-service" && d["file"] == "broken.toml")
    );
    assert!(
        all.iter()
            .any(|d| d["rule"] == "sync-cycle" && d["file"] == "src/a.md")
    );
    for d in all {
        let want = [
            "rule",
            "severity",
            "message",
            "file",
            "line",
            "column",
            "end_line",
            "end_column",
            "labels",
            "help",
            "fix",
        ];
        assert_eq!(keys(d), want);
        assert!(["error", "warning", "info"].contains(&d["severity"].as_str().unwrap()));
        assert!(d["line"].as_u64().unwrap() >= 1 && d["column"].as_u64().unwrap() >= 1);
        for label in d["labels"].as_array().unwrap() {
            assert_eq!(
                keys(label),
                [
                    "message",
                    "file",
                    "line",
                    "column",
                    "end_line",
                    "end_column"
                ]
            );
        }
    }
}

#[test]
fn the_human_report_shows_the_line() {
    let dir = folder(&[("broken.toml", BROKEN)]);
    let out = run(dir.path(), &["check", "broken.toml"], "");
    assert_eq!(text(&out), "");
    let report = err(&out);
    assert!(report.contains("broken.toml:3:"), "{report}");
    assert!(report.contains("web --REST GET /x--> orders"), "{report}");
    assert!(report.contains("msdesign: 1 error"), "{report}");
    assert!(!report.contains('\u{1b}'), "colours without a terminal");
}

#[test]
fn mistakes_are_placed_in_the_file_that_the_author_has_open() {
    let line = "sync = [\"web --REST GET /x--> orders\"]";
    let column = line.find("orders").unwrap() + 1;
    let nested = format!(
        "# T\n\n- outer\n  1. inner\n\n     ```msdesign\n     services = [\"web\"]\n     {line}\n     ```\n"
    );
    let quoted = format!(
        "# T\n\n> - é\n>\n>   ```msdesign\n>   services = [\"web\"]\n>   {line}\n>   ```\n"
    );
    let tabbed = format!("-\tx\n\n\t```msdesign\n\tservices = [\"web\"]\n\t{line}\n\t```\n");
    let crlf = format!("# T\r\n\r\n```msdesign\r\nservices = [\"web\"]\r\n{line}\r\n```\r\n");
    let unicode = "# T\n\n```msdesign\nservices = [\"web\"] # é漢\nsync = [\"web --é--> x\", \"web --REST GET /x--> orders\"]\n```\n";
    let dir = folder(&[
        ("nested.md", &nested),
        ("quoted.md", &quoted),
        ("tabbed.md", &tabbed),
        ("crlf.md", &crlf),
        ("unicode.md", unicode),
        (
            "info.md",
            "# T\n\n```msdesign, depht=2\ntitle = \"x\"\nservices = [\"a\"]\n```\n",
        ),
    ]);
    let unknown =
        |line: usize, indent: usize| format!("unknown-service {line}:{}", column + indent);
    assert_eq!(places(dir.path(), "nested.md"), [unknown(8, 5)]);
    assert_eq!(places(dir.path(), "quoted.md"), [unknown(7, 4)]);
    assert_eq!(places(dir.path(), "tabbed.md"), [unknown(5, 1)]);
    assert_eq!(places(dir.path(), "crlf.md"), [unknown(5, 0)]);
    assert!(
        places(dir.path(), "unicode.md").contains(&"unknown-service 5:47".to_owned()),
        "{:?}",
        places(dir.path(), "unicode.md")
    );
    assert_eq!(places(dir.path(), "info.md"), ["unknown-key 3:14"]);
}

#[test]
fn render_gives_markdown_and_html() {
    let dir = folder(&[
        ("shop.toml", SOUND),
        ("shop.md", &fenced(SOUND)),
        ("broken.toml", BROKEN),
        ("cycle.toml", CYCLE),
    ]);
    for file in ["shop.toml", "shop.md"] {
        let out = run(dir.path(), &["render", file, "--renderer", "pandoc"], "");
        assert_eq!(code(&out), 0);
        let markdown = text(&out);
        assert!(markdown.contains("Shop"));
        let html = Parser::new_ext(&markdown, msdesign::book::fences::extensions())
            .filter(|e| matches!(e, Event::Html(_) | Event::InlineHtml(_)))
            .collect::<Vec<_>>();
        assert!(html.is_empty(), "{html:?}");

        let out = run(dir.path(), &["render", file, "--format", "html"], "");
        assert_eq!(code(&out), 0);
        let html = text(&out);
        assert!(html.contains("<svg") && !html.contains("&lt;svg"), "{html}");
        assert!(!html.contains("```"));
    }
    let out = run(dir.path(), &["render", "broken.toml"], "");
    assert_eq!((code(&out), text(&out).as_str()), (1, ""));
    assert!(err(&out).contains("unknown"), "{}", err(&out));
    let out = run(dir.path(), &["render", "cycle.toml"], "");
    assert_eq!(
        code(&out),
        0,
        "a fault of the design does not keep its chapter back"
    );
    assert!(err(&out).contains("sync-cycle"));
    assert_eq!(code(&run(dir.path(), &["render", "none.toml"], "")), 2);
    let out = run(
        dir.path(),
        &["render", "shop.toml", "--sections", "nonsense"],
        "",
    );
    assert_eq!(code(&out), 1);
}

#[test]
fn new_prints_a_starter_that_is_sound() {
    let dir = folder(&[]);
    for name in ["Web shop", "a \"quoted\" name", "C:\\new\n[x]", "é 🚀"] {
        let out = run(dir.path(), &["new", name], "");
        assert_eq!(code(&out), 0);
        fs::write(dir.path().join("new.toml"), &out.stdout).unwrap();
        assert_eq!(
            places(dir.path(), "new.toml"),
            [] as [&str; 0],
            "{}",
            text(&out)
        );
        assert_eq!(code(&run(dir.path(), &["render", "new.toml"], "")), 0);
    }
}

#[test]
fn init_adds_what_is_missing_once() {
    let toml = "# The book\n[book]\ntitle = \"B\" # its title\n\n[output.html]\n";
    let dir = folder(&[
        ("book.toml", toml),
        ("src/SUMMARY.md", "# Summary\n\n- [One](one.md)"),
        ("src/one.md", "# One\n"),
    ]);
    let out = run(dir.path(), &["init"], "");
    assert_eq!(code(&out), 0, "{}", err(&out));
    let state = || {
        ["book.toml", "src/SUMMARY.md", "src/design.md"]
            .map(|f| fs::read_to_string(dir.path().join(f)).unwrap())
    };
    let first = state();
    assert!(
        first[0].starts_with(toml) && first[0].contains("[preprocessor.msdesign]"),
        "{}",
        first[0]
    );
    assert_eq!(
        first[1],
        "# Summary\n\n- [One](one.md)\n- [Design](design.md)\n"
    );
    assert_eq!(places(dir.path(), "."), [] as [&str; 0]);
    let out = run(dir.path(), &["init"], "");
    assert_eq!(code(&out), 0);
    assert!(err(&out).contains("already"));
    assert_eq!(state(), first);
    assert_eq!(code(&run(dir.path(), &["init", "src"], "")), 2);
}

#[test]
fn schema_is_printed_as_json() {
    let dir = folder(&[]);
    let out = run(dir.path(), &["schema"], "");
    assert_eq!(code(&out), 0);
    let printed: Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(printed, msdesign::schema::json_schema());
}

#[test]
fn completions_name_the_commands() {
    let dir = folder(&[]);
    let out = run(dir.path(), &["completions", "bash"], "");
    assert_eq!(code(&out), 0);
    for word in [
        "complete -F",
        "mdbook-msdesign",
        "check",
        "render",
        "supports",
    ] {
        assert!(text(&out).contains(word), "{word}");
    }
    assert_eq!(code(&run(dir.path(), &["completions", "latin"], "")), 2);
}

#[test]
fn input_that_is_no_book_is_refused() {
    let dir = folder(&[]);
    for input in [
        "",
        "{}",
        "[",
        "[{}]",
        "[{},{}]",
        "[{},{\"items\":[]}] x",
        "[1,{\"items\":[]}]",
    ] {
        let out = run(dir.path(), &[], input);
        let stops = input != "[{},{}]";
        assert!(code(&out) == 2 || !stops, "{input}: {}", err(&out));
    }
}

#[test]
fn a_block_without_a_chapter_stops_the_build_or_shows_its_report() {
    let chapter = fenced(BROKEN);
    let dir = folder(&[("src/chapter.md", &chapter)]);
    let out = run(dir.path(), &[], &book(dir.path(), &chapter, &json!({})));
    assert_eq!((code(&out), text(&out).as_str()), (1, ""));
    assert!(err(&out).contains("src/chapter.md:6:"), "{}", err(&out));

    let out = run(
        dir.path(),
        &[],
        &book(dir.path(), &chapter, &json!({"on-error": "render"})),
    );
    assert_eq!(code(&out), 0, "{}", err(&out));
    let page = page(&out);
    assert!(
        page.contains("could not be built") && page.contains("src/chapter.md:6:"),
        "{page}"
    );
    assert!(page.ends_with("\nAfter.\n") && page.starts_with("# Chapter\n\n"));
    assert!(err(&out).contains("src/chapter.md:6:"));
}

#[test]
fn what_the_linter_finds_stops_no_build_unless_asked() {
    let chapter = fenced(CYCLE);
    let dir = folder(&[("src/chapter.md", &chapter)]);
    let built = |config: Value| run(dir.path(), &[], &book(dir.path(), &chapter, &config));
    let out = built(json!({}));
    assert_eq!(code(&out), 0);
    assert!(page(&out).contains("sync-cycle"), "{}", page(&out));
    let report = err(&out);
    assert_eq!(report.lines().count(), 1, "{report}");
    assert!(
        report.starts_with("src/chapter.md: ") && report.contains("error"),
        "{report}"
    );
    assert!(
        report.contains("mdbook-msdesign check src/chapter.md"),
        "{report}"
    );

    let out = built(json!({"warnings": "hide"}));
    assert_eq!((code(&out), err(&out).as_str()), (0, ""));
    assert!(!page(&out).contains("sync-cycle"), "{}", page(&out));

    let out = built(json!({"warnings": "fail"}));
    assert_eq!((code(&out), text(&out).as_str()), (1, ""));
    assert!(
        err(&out).contains("error[sync-cycle]") && err(&out).contains("chapter.md:6:"),
        "{}",
        err(&out)
    );
}

#[test]
fn pages_hold_a_script_only_where_the_book_asks_for_it() {
    let dir = folder(&[]);
    let shown = |config: &Value| run(dir.path(), &[], &book(dir.path(), &fenced(SOUND), config));
    assert!(!page(&shown(&json!({}))).contains("<script"));
    let asked = page(&shown(&json!({"remember-tabs": true})));
    assert_eq!(asked.matches("<script>").count(), 1, "{asked}");
    let wrong = shown(&json!({"remember-tabs": "yes"}));
    assert_eq!(code(&wrong), 1);
    assert!(
        err(&wrong).contains("`remember-tabs` must be `true` or `false`"),
        "{}",
        err(&wrong)
    );
}

#[test]
fn mistakes_of_the_configuration_are_placed_in_book_toml() {
    let toml = "[book]\ntitle = \"B\"\n\n[preprocessor.msdesign]\nwarnings = \"hid\"\n";
    let dir = folder(&[("book.toml", toml), ("src/chapter.md", &fenced(SOUND))]);
    let out = run(
        dir.path(),
        &[],
        &book(dir.path(), &fenced(SOUND), &json!({"warnings": "hid"})),
    );
    assert_eq!(code(&out), 1);
    assert!(
        err(&out).contains("book.toml:5:12") && err(&out).contains("`hide`"),
        "{}",
        err(&out)
    );

    // A value that is handed on to every block is reported once, at its place.
    let toml = "[book]\ntitle = \"B\"\n\n[preprocessor.msdesign]\nsubchapters = false\n\n[preprocessor.msdesign.defaults]\n\
        retry = 3\ntimeout = \"3 parsecs\"\n";
    let dir = folder(&[
        ("book.toml", toml),
        ("src/a.md", &fenced(SOUND)),
        ("src/b.md", &fenced(SOUND)),
    ]);
    let config = json!({"defaults": {"retry": 3, "timeout": "3 parsecs"}, "subchapters": false});
    let out = run(
        dir.path(),
        &[],
        &book(
            dir.path(),
            &format!("{}\n{}", fenced(SOUND), fenced(SOUND)),
            &config,
        ),
    );
    assert_eq!(code(&out), 1);
    assert_eq!(
        err(&out).matches("book.toml:8:1").count(),
        1,
        "{}",
        err(&out)
    );
    assert_eq!(
        err(&out).matches("book.toml:9:").count(),
        1,
        "{}",
        err(&out)
    );
    let found = places(dir.path(), ".");
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(
        found[0].ends_with(" 8:1") && found[1].contains(" 9:1"),
        "{found:?}"
    );
    // A chapter on its own is checked with the book's configuration too.
    assert_eq!(places(dir.path(), "src/a.md"), found);
}

#[test]
fn check_reads_chapters_as_mdbook_does() {
    let including = "# T\n\n```msdesign\n{{#include specs/shop.toml}}\n```\n";
    let dir = folder(&[
        ("book.toml", "[book]\n"),
        ("src/a.md", including),
        ("src/specs/shop.toml", SOUND),
        ("src/SUMMARY.md", "- [A](a.md)\n"),
    ]);
    assert_eq!(places(dir.path(), "."), [] as [&str; 0]);
    assert_eq!(places(dir.path(), "src/a.md"), [] as [&str; 0]);
    fs::write(dir.path().join("src/specs/shop.toml"), BROKEN).unwrap();
    let out = run(dir.path(), &["check", "."], "");
    assert_eq!(code(&out), 1);
    assert!(
        err(&out).contains("src/a.md (after includes)"),
        "{}",
        err(&out)
    );
}

#[test]
fn the_loader_reads_nothing_outside_the_book() {
    let dir = folder(&[
        ("secret.toml", SOUND),
        ("src/inner/ok.toml", "services = [\"later\"]\n"),
        ("src/large.toml", &"# x\n".repeat(300_000)),
    ]);
    fs::write(
        dir.path().join("src/latin.toml"),
        b"title = \"x\"\n# \xe9\n",
    )
    .unwrap();
    fs::create_dir(dir.path().join("src/folder.toml")).unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(
        dir.path().join("secret.toml"),
        dir.path().join("src/link.toml"),
    )
    .unwrap();
    let absolute = dir
        .path()
        .join("secret.toml")
        .to_string_lossy()
        .into_owned();
    let mut cases = vec![
        ("../secret.toml", "outside"),
        ("inner/../../secret.toml", "outside"),
        (absolute.as_str(), "absolute"),
        ("large.toml", "larger than 1 MiB"),
        ("latin.toml", "is not UTF-8 (line 2)"),
        ("folder.toml", "not a file"),
        ("none.toml", "no such file"),
    ];
    if cfg!(unix) {
        cases.push(("link.toml", "outside"));
    }
    for (path, why) in cases {
        let spec = format!("include = [{}]\n{SOUND}", Value::from(path));
        let chapter = fenced(&spec);
        let out = run(dir.path(), &[], &book(dir.path(), &chapter, &json!({})));
        assert_eq!(code(&out), 1, "{path}");
        assert!(
            err(&out).contains("include-failed") && err(&out).contains(why),
            "{path}: {}",
            err(&out)
        );
        fs::write(dir.path().join("src/chapter.md"), &chapter).unwrap();
        assert_eq!(places(dir.path(), "src/chapter.md").len(), 1, "{path}");
    }
    let chapter = fenced(&format!("include = [\"inner/../inner/ok.toml\"]\n{SOUND}"));
    let out = run(dir.path(), &[], &book(dir.path(), &chapter, &json!({})));
    assert_eq!(code(&out), 0, "{}", err(&out));
    assert!(page(&out).contains("later"));
}

#[test]
fn a_reader_that_goes_away_is_no_fault() {
    let dir = folder(&[("shop.toml", SOUND)]);
    for args in [
        &["render", "shop.toml"][..],
        &["completions", "bash"],
        &["new", "x"],
        &["--help"],
        &["check", "--format", "json", "shop.toml"],
    ] {
        let mut child = program(dir.path(), args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let mut said = String::new();
        child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut said)
            .unwrap();
        let status = child.wait().unwrap();
        assert!(!said.contains("panicked"), "{args:?}: {said}");
        assert!(status.code().is_some_and(|c| c <= 1), "{args:?}: {status}");
    }
}

#[test]
fn build_makes_a_book_without_mdbook() {
    let dir = folder(&[
        (
            "book.toml",
            "[book]\ntitle = \"B\"\n\n[preprocessor.msdesign]\ncommand = \"no-such-program\"\n",
        ),
        ("src/SUMMARY.md", "- [A](a.md)\n"),
        ("src/a.md", &fenced(CYCLE)),
    ]);
    let out = run(dir.path(), &["build", "--dest-dir", "out"], "");
    assert_eq!(code(&out), 0, "{}", err(&out));
    assert!(
        text(&out).trim_end().ends_with("index.html"),
        "{}",
        text(&out)
    );
    assert!(err(&out).contains("src/a.md: "), "{}", err(&out));
    let page = fs::read_to_string(dir.path().join("out/a.html")).unwrap();
    assert!(page.contains("<svg") && !page.contains("language-msdesign"));

    fs::write(dir.path().join("src/a.md"), fenced(BROKEN)).unwrap();
    let out = run(dir.path(), &["build"], "");
    assert_eq!((code(&out), text(&out).as_str()), (1, ""));
    assert!(err(&out).contains("src/a.md:6:"), "{}", err(&out));
    assert_eq!(code(&run(dir.path(), &["build", "src"], "")), 2);
}

#[test]
fn a_wrong_info_string_keeps_the_chapter_back() {
    let chapter = fenced(SOUND).replace("```msdesign", "```msdesign,depht=2");
    let dir = folder(&[("src/chapter.md", &chapter)]);
    let out = run(dir.path(), &[], &book(dir.path(), &chapter, &json!({})));
    assert_eq!((code(&out), text(&out).as_str()), (1, ""));
    assert!(
        err(&out).contains("src/chapter.md:3:13") && err(&out).contains("`depth`"),
        "{}",
        err(&out)
    );
}
