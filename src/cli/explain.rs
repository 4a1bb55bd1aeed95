//! `explain` and `rules`: what the linter looks for, on the terminal, as data, and as pages of a book.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow, bail};
use msdesign::book::loader::read_text;
use msdesign::diag::nearest;
use msdesign::lint;
use serde_json::{Value, json};

use super::manifest;

/// How rules are listed.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The form of the list
    #[arg(long, value_enum, default_value = "human")]
    format: Output,
    /// Writes a page for each rule below `src/rules` of this book, and its part of `SUMMARY.md`
    #[arg(long, conflicts_with = "format")]
    book: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Output {
    Human,
    Json,
    Markdown,
}

/// Prints the page of a rule.
///
/// # Errors
///
/// There is no such rule.
pub(super) fn explain(id: &str) -> Result<u8> {
    let Some(page) = lint::page(id) else {
        let known = lint::rules().iter().map(|r| r.id);
        let known = known.chain(lint::faults().iter().map(|f| f.id));
        match nearest(id, known) {
            Some(near) => bail!("there is no rule `{id}`; did you mean `{near}`?"),
            None => bail!("there is no rule `{id}`; `mdbook-msdesign rules` lists them"),
        }
    };
    super::out(&page)?;
    Ok(0)
}

/// Lists the rules, or writes their pages.
///
/// # Errors
///
/// The book cannot be read or written.
pub(super) fn rules(args: &Args) -> Result<u8> {
    if let Some(book) = &args.book {
        return write(book);
    }
    let text = match args.format {
        Output::Human => human(),
        Output::Markdown => tables("#", |id| format!("`{id}`")),
        Output::Json => {
            let mut text =
                serde_json::to_string_pretty(&data()).context("the rules cannot be written")?;
            text.push('\n');
            text
        }
    };
    super::out(&text)?;
    Ok(0)
}

fn human() -> String {
    let rules = lint::rules();
    let width = rules.iter().map(|r| r.id.len()).max().unwrap_or(0);
    let mut out = String::new();
    for r in rules {
        let _ = writeln!(
            out,
            "{:width$}  {:7}  {}",
            r.id,
            r.severity.name(),
            r.summary
        );
    }
    out
}

fn data() -> Value {
    let rules: Vec<Value> = lint::rules()
        .iter()
        .map(|r| {
            let thresholds: Vec<Value> = r
                .thresholds
                .iter()
                .map(|t| json!({ "name": t.name, "default": t.default, "unit": t.unit }))
                .collect();
            json!({
                "id": r.id,
                "severity": r.severity.name(),
                "section": r.section.info().id,
                "summary": r.summary,
                "what": r.what,
                "why": r.why,
                "limits": r.limits,
                "source": r.source,
                "thresholds": thresholds,
                "example": r.example(),
                "instead": r.instead(),
            })
        })
        .collect();
    let faults: Vec<Value> = lint::faults()
        .iter()
        .map(|f| json!({ "id": f.id, "summary": f.summary, "what": f.what, "instead": f.instead }))
        .collect();
    json!({ "version": 1, "rules": rules, "faults": faults })
}

/// A table of the rules for each section of the chapter, and one of the faults.
fn tables(heading: &str, link: impl Fn(&str) -> String) -> String {
    let mut out = String::new();
    let mut seen = BTreeSet::new();
    for section in lint::rules().iter().map(|r| r.section) {
        if !seen.insert(section.info().id) {
            continue;
        }
        let name = match section.info().id {
            "overview" => "Overview",
            _ => section.info().heading,
        };
        let _ = write!(
            out,
            "{heading} {name}\n\n| rule | severity | what is wrong | thresholds |\n|---|---|---|---|\n"
        );
        for r in lint::rules().iter().filter(|r| r.section == section) {
            let thresholds: Vec<String> = r
                .thresholds
                .iter()
                .map(|t| format!("`{}`", t.name))
                .collect();
            let _ = writeln!(
                out,
                "| {} | {} | {} | {} |",
                link(r.id),
                r.severity.name(),
                r.summary,
                thresholds.join(", ")
            );
        }
        out.push('\n');
    }
    let _ = write!(
        out,
        "{heading} The language itself\n\nThese are found before the linter runs.\n\n| id | what is wrong |\n|---|---|\n"
    );
    for f in lint::faults() {
        let _ = writeln!(out, "| {} | {} |", link(f.id), f.summary);
    }
    out
}

/// Writes `src/rules/*.md` of the book, and the entries below "Rules" of its summary.
fn write(book: &Path) -> Result<u8> {
    let src = book.join("src");
    let summary = src.join("SUMMARY.md");
    let name = super::shown(&summary);
    let text = read_text(&summary).map_err(|e| anyhow!("`{name}` {e}"))?;
    let folder = src.join("rules");
    let head = "- [Rules](rules/index.md)\n";
    let (before, after) = text.split_once(head).with_context(|| {
        format!(
            "`{name}` has no line `{}` for the pages to go below",
            head.trim_end()
        )
    })?;
    let rest: String = after
        .split_inclusive('\n')
        .skip_while(|line| line.starts_with("  - [") && line.contains("](rules/"))
        .collect();
    let ids = || {
        let rules = lint::rules().iter().map(|r| r.id);
        rules.chain(lint::faults().iter().map(|f| f.id))
    };
    let entries: String = ids()
        .map(|id| format!("  - [{id}](rules/{id}.md)\n"))
        .collect();
    manifest::put(&summary, &format!("{before}{head}{entries}{rest}"))?;
    let index = format!(
        "# Rules\n\n{} rules look at what a design says. `mdbook-msdesign explain RULE` prints a page of these.\n\n{}",
        lint::rules().len(),
        tables("##", |id| format!("[`{id}`]({id}.md)"))
    );
    let mut kept = BTreeSet::from(["index.md".to_owned()]);
    manifest::put(&folder.join("index.md"), &index)?;
    for id in ids() {
        if let Some(page) = lint::page(id) {
            let file = format!("{id}.md");
            manifest::put(&folder.join(&file), &page)?;
            kept.insert(file);
        }
    }
    // The pages of rules that are gone.
    let entries = std::fs::read_dir(&folder).context("the folder of the rules cannot be read")?;
    for entry in entries {
        let entry = entry.context("the folder of the rules cannot be read")?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.ends_with(".md") && !kept.contains(&name) {
            std::fs::remove_file(entry.path())
                .with_context(|| format!("`{}` cannot be removed", super::shown(&entry.path())))?;
        }
    }
    super::err(&format!(
        "msdesign: {} pages in `{}`\n",
        kept.len(),
        super::shown(&folder)
    ));
    Ok(0)
}
