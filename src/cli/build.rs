//! `build`: a book with the mdBook that is inside this program.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use mdbook_driver::MDBook;
use mdbook_preprocessor::book::Book;
use mdbook_preprocessor::{Preprocessor, PreprocessorContext};
use serde_json::json;

/// What to build.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The book's folder
    #[arg(default_value = ".")]
    dir: PathBuf,
    /// Opens the first page in the browser
    #[arg(long)]
    open: bool,
    /// Where the pages go, relative to the current folder
    #[arg(long, short)]
    dest_dir: Option<PathBuf>,
}

/// This program as a preprocessor in the same process.
struct Embedded;

impl Preprocessor for Embedded {
    fn name(&self) -> &str {
        "msdesign"
    }

    fn run(&self, context: &PreprocessorContext, book: Book) -> Result<Book> {
        // The configuration as JSON, as mdBook itself would send it.
        let context = json!({
            "root": context.root,
            "config": context.config,
            "renderer": context.renderer,
        });
        let mut book = serde_json::to_value(book)?;
        match msdesign::book::edit(&context, &mut book, &msdesign::compile)? {
            Ok(report) => super::err(&report),
            Err(report) => {
                super::err(&report);
                bail!("the designs above must be mended first");
            }
        }
        Ok(serde_json::from_value(book)?)
    }
}

/// Builds the book and says where it is; 1 if a design stops it.
///
/// # Errors
///
/// There is no book, or mdBook cannot build it.
pub(super) fn run(args: &Args) -> Result<u8> {
    if !args.dir.join("book.toml").is_file() {
        bail!("there is no `book.toml` in `{}`", super::shown(&args.dir));
    }
    let mut book = MDBook::load(&args.dir)
        .with_context(|| format!("the book in `{}` cannot be loaded", super::shown(&args.dir)))?;
    if let Some(dir) = &args.dest_dir {
        let here = std::env::current_dir().context("the current folder cannot be read")?;
        book.config.build.build_dir = here.join(dir);
    }
    // It takes the place of a configured command, so that blocks are not compiled twice.
    book.with_preprocessor(Embedded);
    if let Err(e) = book.build() {
        super::err(&format!("error: {e:#}\n"));
        return Ok(1);
    }
    let page = book.build_dir_for("html").join("index.html");
    if !page.is_file() {
        super::err("msdesign: the book is built; it has no HTML pages\n");
        return Ok(0);
    }
    let page = page.canonicalize().unwrap_or(page);
    super::out(&format!("{}\n", page.display()))?;
    if args.open {
        open(&page)?;
    }
    Ok(0)
}

fn open(page: &Path) -> Result<()> {
    let program = if cfg!(target_os = "macos") {
        "open"
    } else if cfg!(windows) {
        "explorer"
    } else {
        "xdg-open"
    };
    std::process::Command::new(program)
        .arg(page)
        .stdout(std::process::Stdio::null())
        .spawn()
        .map(drop)
        .with_context(|| format!("`{program}` cannot be run to open the page"))
}
