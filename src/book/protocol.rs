//! mdBook's preprocessor protocol, for 0.4 and 0.5 alike.
//!
//! The book is edited as JSON, in place: what this program does not know goes back as it came. A book
//! that never says `msdesign` goes back as the very bytes that were read.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow, bail};
use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use super::config::{self, Config};
use super::design::{Compile, Design, Host, Page, compile_pages};
use super::{fences, page, subchapters};
use crate::Format;
use crate::diag::{self, Style};

/// What a run leaves behind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The book to hand back; `None` if the build must stop.
    pub output: Option<Vec<u8>>,
    /// The report for stderr, with colours; may be empty.
    pub report: String,
}

/// One run of the preprocessor: `[context, book]` as mdBook writes it.
///
/// # Errors
///
/// The input is not what mdBook sends.
pub fn preprocess(input: &[u8], compile: &Compile) -> Result<Outcome> {
    let (context, book) = split(input)?;
    let run = Run::new(&context)?;
    let config = match run.config() {
        Ok(config) => config,
        Err(report) => {
            return Ok(Outcome {
                output: None,
                report,
            });
        }
    };
    if memchr::memmem::find(book, fences::WORD.as_bytes()).is_none() {
        return Ok(Outcome {
            output: Some(book.to_vec()),
            report: String::new(),
        });
    }
    let mut book: Value =
        serde_json::from_slice(book).context("the book on stdin is not valid JSON")?;
    let (ok, report) = run.edit(&config, &mut book, compile)?;
    let output = if ok {
        Some(serde_json::to_vec(&book).context("the book cannot be written as JSON")?)
    } else {
        None
    };
    Ok(Outcome { output, report })
}

/// The same for a book already read: edits `book` and gives the report; the error is the report of
/// what stops the build.
///
/// # Errors
///
/// The context or the book are not what mdBook sends.
pub fn edit(
    context: &Value,
    book: &mut Value,
    compile: &Compile,
) -> Result<std::result::Result<String, String>> {
    let run = Run::new(context)?;
    let config = match run.config() {
        Ok(config) => config,
        Err(report) => return Ok(Err(report)),
    };
    let (ok, report) = run.edit(&config, book, compile)?;
    Ok(if ok { Ok(report) } else { Err(report) })
}

/// The context, and the book's bytes, known to be JSON.
fn split(input: &[u8]) -> Result<(Value, &[u8])> {
    const EXPECTED: &str = "expected `[context, book]` as mdBook writes it";
    let input = input.trim_ascii();
    if input.is_empty() {
        bail!("nothing came on stdin; {EXPECTED}");
    }
    let rest = input
        .strip_prefix(b"[")
        .ok_or_else(|| anyhow!("the input does not start with `[`; {EXPECTED}"))?;
    let mut values = serde_json::Deserializer::from_slice(rest).into_iter::<Value>();
    let context = values
        .next()
        .ok_or_else(|| anyhow!("the input ends early; {EXPECTED}"))?
        .context("the context on stdin is not valid JSON")?;
    let rest = rest.get(values.byte_offset()..).unwrap_or_default();
    let book = rest
        .trim_ascii_start()
        .strip_prefix(b",")
        .ok_or_else(|| anyhow!("the input holds no book; {EXPECTED}"))?
        .trim_ascii_start();
    let mut values = serde_json::Deserializer::from_slice(book).into_iter::<IgnoredAny>();
    values
        .next()
        .ok_or_else(|| anyhow!("the input holds no book; {EXPECTED}"))?
        .context("the book on stdin is not valid JSON")?;
    let (book, rest) = book.split_at(values.byte_offset().min(book.len()));
    if rest.trim_ascii() != b"]" {
        bail!("the input does not end with the book; {EXPECTED}");
    }
    Ok((context, book))
}

/// What the context says.
struct Run<'a> {
    root: PathBuf,
    src: String,
    renderer: &'a str,
    table: Option<&'a Value>,
}

impl<'a> Run<'a> {
    fn new(context: &'a Value) -> Result<Self> {
        let Value::Object(context) = context else {
            bail!("the first value on stdin is not mdBook's context");
        };
        let text = |key: &str| context.get(key).and_then(Value::as_str);
        let config = context.get("config");
        Ok(Self {
            root: PathBuf::from(text("root").unwrap_or_default()),
            src: config
                .and_then(|c| c.pointer("/book/src"))
                .and_then(Value::as_str)
                .unwrap_or("src")
                .to_owned(),
            renderer: text("renderer").unwrap_or("html"),
            table: config.and_then(|c| c.pointer("/preprocessor/msdesign")),
        })
    }

    /// The configuration, or the report of its faults.
    fn config(&self) -> std::result::Result<Config, String> {
        let (config, faults) = config::read(self.table);
        if faults.is_empty() {
            return Ok(config);
        }
        let text = std::fs::read_to_string(self.root.join("book.toml")).unwrap_or_default();
        let (sources, diagnostics) = config::diagnose(&faults, "book.toml", &text);
        Err(format!(
            "{}msdesign: {} in the book's configuration\n",
            diag::render(&sources, &diagnostics, Style::Terminal),
            diag::summary(&diagnostics)
        ))
    }

    /// Replaces every block; `false` if the build must stop.
    fn edit(&self, config: &Config, book: &mut Value, compile: &Compile) -> Result<(bool, String)> {
        let Some(items) = ["items", "sections"]
            .into_iter()
            .find(|key| book.get(key).is_some_and(Value::is_array))
        else {
            bail!("the book on stdin has neither `items` (mdBook 0.5) nor `sections` (0.4)");
        };
        let mut paths = subchapters::Paths::default();
        let mut pages = Vec::new();
        let mut owners = Vec::new();
        let mut count = 0;
        each(&book[items], &mut |chapter| {
            paths.take(text(chapter, "path").unwrap_or_default());
            let content = text(chapter, "content").unwrap_or_default();
            if fences::mentions(content) {
                pages.push(self.page(chapter, content));
                owners.push(count);
            }
            count += 1;
        });
        let host = Host {
            compile,
            config,
            format: format_of(self.renderer),
            base: self.root.clone(),
            root: self.root.join(&self.src),
            book_file: Some(("book.toml".to_owned(), self.root.join("book.toml"))),
            sections: None,
            artefacts: false,
            findings_only: false,
        };
        let designs = compile_pages(&pages, &host);
        let named: Vec<(String, &[Design])> = pages
            .into_iter()
            .map(|p| p.name)
            .zip(designs.iter().map(Vec::as_slice))
            .collect();
        let report = page::build_report(&named, config);
        if designs.iter().flatten().any(|d| d.stops(config)) {
            return Ok((false, report));
        }
        let mut by_chapter: BTreeMap<usize, Vec<Design>> =
            owners.into_iter().zip(designs).collect();
        let mut at = 0;
        each_mut(&mut book[items], &mut at, &mut |index, chapter| {
            if let Some(designs) = by_chapter.remove(&index) {
                replace(chapter, &designs, config, host.format, &mut paths);
            }
        });
        Ok((true, report))
    }

    fn page<'b>(&self, chapter: &Map<String, Value>, content: &'b str) -> Page<'b> {
        let path = text(chapter, "path");
        let source = text(chapter, "source_path").or(path);
        let name = match source {
            Some(source) => Path::new(&self.src)
                .join(source)
                .to_string_lossy()
                .replace('\\', "/"),
            None => text(chapter, "name").unwrap_or("draft chapter").to_owned(),
        };
        Page {
            file: source.map(|s| self.root.join(&self.src).join(s)),
            id: path.or(source).unwrap_or(&name).to_owned(),
            name,
            text: content,
        }
    }
}

/// Only mdBook's own HTML renderer gets raw HTML: what others make of it cannot be known.
#[must_use]
pub fn format_of(renderer: &str) -> Format {
    match renderer {
        "html" => Format::Html,
        _ => Format::Markdown,
    }
}

fn text<'a>(chapter: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    chapter.get(key).and_then(Value::as_str)
}

fn replace(
    chapter: &mut Map<String, Value>,
    designs: &[Design],
    config: &Config,
    format: Format,
    paths: &mut subchapters::Paths,
) {
    let content = text(chapter, "content").unwrap_or_default();
    let mut children = Vec::new();
    let new = page::assemble(content, designs, config, format, |_, design, compiled| {
        if config.subchapters
            && let Some(split) = subchapters::split(chapter, design, compiled, designs.len(), paths)
        {
            children.extend(split.children);
            return split.overview;
        }
        compiled.markdown()
    });
    subchapters::adopt(chapter, children);
    chapter.insert("content".to_owned(), Value::String(new));
}

/// Every chapter, a parent before its children.
fn each<'a>(items: &'a Value, visit: &mut impl FnMut(&'a Map<String, Value>)) {
    for item in items.as_array().into_iter().flatten() {
        if let Some(chapter) = item.get("Chapter").and_then(Value::as_object) {
            visit(chapter);
            if let Some(sub) = chapter.get("sub_items") {
                each(sub, visit);
            }
        }
    }
}

/// The same chapters with the same numbers, but children first, so that new ones are not visited.
fn each_mut(
    items: &mut Value,
    next: &mut usize,
    visit: &mut impl FnMut(usize, &mut Map<String, Value>),
) {
    for item in items.as_array_mut().into_iter().flatten() {
        if let Some(chapter) = item.get_mut("Chapter").and_then(Value::as_object_mut) {
            let index = *next;
            *next += 1;
            if let Some(sub) = chapter.get_mut("sub_items") {
                each_mut(sub, next, visit);
            }
            visit(index, chapter);
        }
    }
}
