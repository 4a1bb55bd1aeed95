//! `init` and `new`: a book that uses the preprocessor, and a first spec.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use toml_edit::{DocumentMut, Item, Table};

use super::files::markdown_files;

/// The book to change.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The book's folder
    #[arg(default_value = ".")]
    dir: PathBuf,
}

/// Adds what is missing and says what it did.
///
/// # Errors
///
/// There is no book, or its files cannot be read or written.
pub(super) fn run(args: &Args) -> Result<u8> {
    let file = args.dir.join("book.toml");
    let name = super::shown(&file);
    if !file.is_file() {
        bail!("there is no `{name}`; `mdbook init` makes a book");
    }
    let text =
        std::fs::read_to_string(&file).with_context(|| format!("`{name}` cannot be read"))?;
    let mut document: DocumentMut = text
        .parse()
        .with_context(|| format!("`{name}` is not valid"))?;
    let src = document
        .get("book")
        .and_then(|b| b.get("src"))
        .and_then(Item::as_str)
        .unwrap_or("src")
        .to_owned();
    let mut said = String::new();
    if add_preprocessor(&mut document, &name)? {
        std::fs::write(&file, document.to_string())
            .with_context(|| format!("`{name}` cannot be written"))?;
        said.push_str(&format!("added [preprocessor.msdesign] to {name}\n"));
    } else {
        said.push_str(&format!(
            "{name} has [preprocessor.msdesign] already; it stays as it is\n"
        ));
    }
    said.push_str(&add_design(&args.dir.join(src))?);
    super::err(&said);
    Ok(0)
}

/// `false` if the table is there.
fn add_preprocessor(document: &mut DocumentMut, name: &str) -> Result<bool> {
    let preprocessors = document.entry("preprocessor").or_insert_with(|| {
        let mut table = Table::new();
        table.set_implicit(true);
        Item::Table(table)
    });
    let Some(preprocessors) = preprocessors.as_table_like_mut() else {
        bail!("`preprocessor` in `{name}` is not a table");
    };
    if preprocessors.contains_key("msdesign") {
        return Ok(false);
    }
    preprocessors.insert("msdesign", Item::Table(Table::new()));
    Ok(true)
}

/// Adds a chapter with a first design, unless a chapter has one.
fn add_design(src: &Path) -> Result<String> {
    for path in markdown_files(src)? {
        let text = std::fs::read(&path).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        if !msdesign::book::fences::find(&text).is_empty() {
            return Ok(format!("{} has a design already\n", super::shown(&path)));
        }
    }
    let summary = src.join("SUMMARY.md");
    let shown = super::shown(&summary);
    let Ok(mut list) = std::fs::read_to_string(&summary) else {
        return Ok(format!("{shown} cannot be read, so no design was added\n"));
    };
    let chapter = src.join("design.md");
    if chapter.exists() {
        return Ok(format!(
            "{} is there already, so no design was added\n",
            super::shown(&chapter)
        ));
    }
    let text = format!("# Design\n\n```msdesign\n{}```\n", starter("Web shop"));
    std::fs::write(&chapter, text)
        .with_context(|| format!("`{}` cannot be written", super::shown(&chapter)))?;
    if !list.is_empty() && !list.ends_with('\n') {
        list.push('\n');
    }
    list.push_str("- [Design](design.md)\n");
    std::fs::write(&summary, list).with_context(|| format!("`{shown}` cannot be written"))?;
    Ok(format!(
        "added a first design: {} (listed in {shown})\n",
        super::shown(&chapter)
    ))
}

/// A starter spec called `name`.
pub(super) fn starter(name: &str) -> String {
    let title = toml_edit::Value::from(name.to_owned()).to_string();
    format!(
        r#"title = {title}
architecture = "microservices"   # or "monolith": what exists today
infrastructure = "kubernetes"    # aws, gcp, azure or kubernetes
language = "go"                  # of the code examples
services = ["web", "orders", "payments", "shipping", "email"]

# Who calls whom and waits for the answer.
sync = [
  "client --REST GET /--> web",
  "web --REST POST /orders--> orders",
  {{ call = "orders --gRPC Authorize--> payments", p99 = "120ms", idempotent = true }},
]

# Which events are published, and who listens.
async = ["orders --order.placed--> shipping, email"]

# What is pushed while it happens.
realtime = ["orders --WebSocket /orders/{{id}}/status--> web"]

# Who owns what.
[teams]
checkout = ["web", "orders"]
money = ["payments"]
logistics = ["shipping", "email"]
"#
    )
}
