//! The files that commands are pointed at, read and compiled.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow, bail};
use mdbook_driver::builtin_preprocessors::LinkPreprocessor;
use mdbook_preprocessor::book::{Book as Whole, BookItem, Chapter};
use mdbook_preprocessor::{Preprocessor as _, PreprocessorContext};
use msdesign::Format;
use msdesign::book::config::{self, Config};
use msdesign::book::design::{Compile, Design, Findings, Host, Page, compile_pages, compile_spec};
use msdesign::book::loader::read_text;

/// Folders nested deeper than this are not searched.
const MAX_DEPTH: usize = 32;

/// What a file compiled to.
pub(super) enum File {
    /// A spec file.
    Spec(Option<msdesign::Chapter>, Findings),
    /// A Markdown file: its text and its blocks.
    Markdown(String, Vec<Design>),
}

/// How files are compiled.
pub(super) struct Setup<'a> {
    /// The configuration of the book they are in, or none.
    pub(super) config: &'a Config,
    /// What they are shown by.
    pub(super) format: Format,
    /// The folder that includes must stay in.
    pub(super) root: PathBuf,
    /// The book they are in; its chapters are read as mdBook reads them.
    pub(super) book: Option<&'a Book>,
    /// Sections to show.
    pub(super) sections: Option<Vec<String>>,
    /// Whether the chapters come with their files.
    pub(super) artefacts: bool,
    /// Whether only what is wrong is asked for.
    pub(super) findings_only: bool,
}

/// Reads and compiles the file at `path`; `.toml` is a spec, all else Markdown.
///
/// # Errors
///
/// The file cannot be read.
pub(super) fn compile(path: &Path, setup: &Setup<'_>) -> Result<File> {
    compile_with(path, setup, &msdesign::compile)
}

/// Like [`compile`], with something else done to each spec.
///
/// # Errors
///
/// The file cannot be read.
pub(super) fn compile_with(path: &Path, setup: &Setup<'_>, compile: &Compile<'_>) -> Result<File> {
    let name = super::shown(path);
    let text = read_text(path).map_err(|e| anyhow!("`{name}` {e}"))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned();
    let host = Host {
        compile,
        config: setup.config,
        format: setup.format,
        base: PathBuf::new(),
        root: setup.root.clone(),
        book_file: setup.book.map(|b| (super::shown(&b.file), b.file.clone())),
        sections: setup.sections.clone(),
        artefacts: setup.artefacts,
        findings_only: setup.findings_only,
    };
    // Ids must not depend on the folder that the command was run in.
    let id = path
        .strip_prefix(&setup.root)
        .unwrap_or(Path::new(path.file_name().unwrap_or_default()))
        .to_string_lossy()
        .into_owned();
    if is_spec(path) {
        let (chapter, findings) = compile_spec(&name, &id, &text, &host);
        return Ok(File::Spec(chapter, findings));
    }
    let expanded = match setup.book {
        Some(book) if text.contains("{{#") => expand(book, path, &text)?,
        _ => None,
    };
    let page = Page {
        name,
        text: expanded.as_deref().unwrap_or(&text),
        file: expanded.is_some().then(|| path.to_path_buf()),
        id,
    };
    let designs = compile_pages(std::slice::from_ref(&page), &host)
        .into_iter()
        .flatten()
        .collect();
    Ok(File::Markdown(text, designs))
}

/// The chapters of everything at `path`, with their files; `None` for a broken design. With them what
/// was found.
///
/// # Errors
///
/// A path cannot be read.
pub(super) fn designs(path: &Path) -> Result<(Vec<Option<msdesign::Chapter>>, Vec<Findings>)> {
    let targets = targets(path)?;
    let none = Config::default();
    let setup = Setup {
        config: targets.book.as_ref().map_or(&none, |b| &b.config),
        format: Format::Html,
        root: targets.root,
        book: targets.book.as_ref(),
        sections: None,
        artefacts: true,
        findings_only: false,
    };
    let (mut chapters, mut findings) = (Vec::new(), Vec::new());
    for file in &targets.files {
        match compile(file, &setup)? {
            File::Spec(chapter, found) => {
                chapters.push(chapter);
                findings.push(found);
            }
            File::Markdown(_, designs) => {
                for d in designs {
                    chapters.push(d.chapter);
                    findings.push(d.findings);
                }
            }
        }
    }
    Ok((chapters, findings))
}

/// What a path on the command line stands for.
pub(super) struct Targets {
    /// The book that the files are in, if they are in one.
    pub(super) book: Option<Book>,
    /// The folder that includes must stay in.
    pub(super) root: PathBuf,
    /// The files, sorted.
    pub(super) files: Vec<PathBuf>,
}

/// The files at `path`: itself, or every Markdown file of the book or folder.
///
/// # Errors
///
/// A folder or the book's configuration cannot be read.
pub(super) fn targets(path: &Path) -> Result<Targets> {
    if path.is_dir() {
        let book = book(path)?;
        let root = book.as_ref().map_or(path, |b| &b.src).to_path_buf();
        let files = markdown_files(&root)?;
        return Ok(Targets { book, root, files });
    }
    let book = book_around(path)?;
    let root = match &book {
        Some(book) => book.src.clone(),
        None => super::folder_of(path),
    };
    Ok(Targets {
        book,
        root,
        files: vec![path.to_path_buf()],
    })
}

/// Whether the file is a spec by its name.
pub(super) fn is_spec(path: &Path) -> bool {
    path.extension().is_some_and(|e| e == "toml")
}

/// The chapter `text` of the file at `path` with its `{{#include}}`s in place, as mdBook has it when this
/// preprocessor sees it. `None` if the file is not below the book's source folder.
fn expand(book: &Book, path: &Path, text: &str) -> Result<Option<String>> {
    let (Ok(src), Ok(path)) = (book.src.canonicalize(), path.canonicalize()) else {
        return Ok(None);
    };
    let Ok(inner) = path.strip_prefix(&src) else {
        return Ok(None);
    };
    let mut config = mdbook_preprocessor::config::Config::default();
    config.book.src = src;
    let context = PreprocessorContext::new(PathBuf::new(), config, "html".to_owned());
    let chapter = Chapter::new("", text.to_owned(), inner, Vec::new());
    let one = Whole::new_with_items(vec![BookItem::Chapter(chapter)]);
    let done = LinkPreprocessor::new()
        .run(&context, one)
        .with_context(|| format!("the includes of `{}` failed", super::shown(&path)))?;
    Ok(done.chapters().next().map(|c| c.content.clone()))
}

/// A book on disk: its source folder and its configuration.
pub(super) struct Book {
    /// `book.toml`.
    pub(super) file: PathBuf,
    /// The folder of its chapters.
    pub(super) src: PathBuf,
    /// `[preprocessor.msdesign]`.
    pub(super) config: Config,
    /// The faults of the configuration.
    pub(super) findings: Findings,
}

/// The book in the folder `dir`, if there is one.
///
/// # Errors
///
/// `book.toml` cannot be read or is not TOML.
pub(super) fn book(dir: &Path) -> Result<Option<Book>> {
    let file = dir.join("book.toml");
    if !file.is_file() {
        return Ok(None);
    }
    let name = super::shown(&file);
    let text = read_text(&file).map_err(|e| anyhow!("`{name}` {e}"))?;
    let table: serde_json::Value =
        toml::from_str(&text).with_context(|| format!("`{name}` is not valid"))?;
    let (config, faults) = config::read(table.pointer("/preprocessor/msdesign"));
    let (sources, diagnostics) = config::diagnose(&faults, &name, &text);
    let src = table
        .pointer("/book/src")
        .and_then(serde_json::Value::as_str)
        .unwrap_or("src");
    Ok(Some(Book {
        src: dir.join(src),
        file,
        config,
        findings: Findings {
            sources,
            diagnostics,
        },
    }))
}

/// The book whose source folder the file at `path` is in, if there is one.
///
/// # Errors
///
/// Its `book.toml` cannot be read or is not TOML.
pub(super) fn book_around(path: &Path) -> Result<Option<Book>> {
    let Ok(real) = path.canonicalize() else {
        return Ok(None);
    };
    // The folders as the author named them come first, so that reports do not show absolute paths.
    let named: Vec<&Path> = path.ancestors().skip(1).collect();
    for folder in real.ancestors().skip(1) {
        if !folder.join("book.toml").is_file() {
            continue;
        }
        let shown = named
            .iter()
            .map(|p| {
                if p.as_os_str().is_empty() {
                    Path::new(".")
                } else {
                    p
                }
            })
            .find(|p| p.canonicalize().is_ok_and(|p| p == folder));
        let book = book(shown.unwrap_or(folder))?;
        return Ok(book.filter(|b| b.src.canonicalize().is_ok_and(|src| real.starts_with(src))));
    }
    Ok(None)
}

/// Every Markdown file below `dir`, sorted. Hidden folders and links to folders are left out.
///
/// # Errors
///
/// A folder cannot be read.
pub(super) fn markdown_files(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    walk(dir, 0, &mut found)?;
    found.sort();
    Ok(found)
}

fn walk(dir: &Path, depth: usize, found: &mut Vec<PathBuf>) -> Result<()> {
    if depth > MAX_DEPTH {
        bail!("`{}` is nested too deeply", super::shown(dir));
    }
    let entries = std::fs::read_dir(dir)
        .with_context(|| format!("`{}` cannot be read", super::shown(dir)))?;
    for entry in entries {
        let entry = entry.with_context(|| format!("`{}` cannot be read", super::shown(dir)))?;
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        let path = entry.path();
        let kind = entry
            .file_type()
            .with_context(|| format!("`{}` cannot be read", super::shown(&path)))?;
        if kind.is_dir() {
            walk(&path, depth + 1, found)?;
        } else if path.extension().is_some_and(|e| e == "md") && path.is_file() {
            found.push(path);
        }
    }
    Ok(())
}
