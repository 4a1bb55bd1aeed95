//! `check`: reports on specs, chapters and books, and sets the exit code.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use msdesign::Format;
use msdesign::book::config::Config;
use msdesign::book::design::Findings;
use msdesign::book::page;
use msdesign::diag::{Severity, to_json};

use super::files::{self, File, Setup, Targets};

/// What to check.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Spec files, Markdown files, books, or folders of Markdown files
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// The form of the report
    #[arg(long, value_enum, default_value = "human")]
    format: Output,
    /// The least severity that makes the exit code 1
    #[arg(long, value_parser = severity, default_value = "error")]
    fail_on: Severity,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Output {
    Human,
    Json,
}

fn severity(name: &str) -> Result<Severity, String> {
    Severity::parse(name).ok_or_else(|| "the severities are error, warning and info".to_owned())
}

/// Reports; 1 if anything at or above the level asked was found.
///
/// # Errors
///
/// A path cannot be read.
pub(super) fn run(args: &Args) -> Result<u8> {
    let mut all = Vec::new();
    for path in &args.paths {
        all.extend(check(path)?);
    }
    match args.format {
        Output::Human => {
            let report = page::report(&all, Severity::Info);
            super::err(if report.is_empty() {
                "msdesign: no findings\n"
            } else {
                &report
            });
        }
        Output::Json => {
            let mut diagnostics = Vec::new();
            let mut told = page::Told::default();
            for f in &all {
                let mut news = f.diagnostics.clone();
                news.retain(|d| told.is_news(&f.sources, d));
                if let Some(found) = to_json(&f.sources, &news)["diagnostics"].as_array() {
                    diagnostics.extend_from_slice(found);
                }
            }
            let whole = serde_json::json!({ "version": 1, "diagnostics": diagnostics });
            let mut text = serde_json::to_string_pretty(&whole)
                .context("the report cannot be written as JSON")?;
            text.push('\n');
            super::out(&text)?;
        }
    }
    let worst = all.iter().filter_map(Findings::worst).max();
    Ok(u8::from(worst >= Some(args.fail_on)))
}

fn check(path: &Path) -> Result<Vec<Findings>> {
    let mut all = Vec::new();
    let Targets { book, root, files } = files::targets(path)?;
    let none = Config::default();
    let setup = Setup {
        config: book.as_ref().map_or(&none, |b| &b.config),
        format: Format::Html,
        root,
        book: book.as_ref(),
        sections: None,
        artefacts: false,
    };
    all.extend(book.as_ref().map(|b| b.findings.clone()));
    for target in files {
        all.extend(match files::compile(&target, &setup)? {
            File::Spec(_, findings) => vec![findings],
            File::Markdown(_, designs) => designs.into_iter().map(|d| d.findings).collect(),
        });
    }
    Ok(all)
}
