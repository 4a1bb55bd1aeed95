//! `check`: reports on specs, chapters and books, mends what a machine can mend, and sets the exit code.

mod baseline;
mod fix;
mod github;
mod junit;
mod markdown;
mod sarif;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use msdesign::Format;
use msdesign::book::config::Config;
use msdesign::book::design::Findings;
use msdesign::book::page;
use msdesign::diag::{Diagnostic, Location, Severity, Sources, to_json};
use rayon::prelude::*;
use serde_json::{Value, json};

use super::files::{self, File, Setup, Targets};
use baseline::Baseline;

/// What to check.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Spec files, Markdown files, books, or folders of Markdown files
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// The form of the report
    #[arg(long, value_enum, default_value = "human")]
    format: Output,
    /// The least severity that makes the exit code 1: error, warning or info
    #[arg(long, value_parser = severity, default_value = "error")]
    fail_on: Severity,
    /// A file of known findings, which are neither shown nor fail
    #[arg(long)]
    baseline: Option<PathBuf>,
    /// Makes what is found now the known findings of `--baseline`
    #[arg(long, requires = "baseline")]
    write_baseline: bool,
    /// Makes the changes that findings propose, in the files
    #[arg(long, conflicts_with = "write_baseline")]
    fix: bool,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Output {
    Human,
    Json,
    Sarif,
    Github,
    Junit,
    Markdown,
}

fn severity(name: &str) -> Result<Severity, String> {
    Severity::parse(name).ok_or_else(|| "the severities are error, warning and info".to_owned())
}

/// What one run has found.
#[derive(Debug, Default)]
struct Checked {
    /// The files as reports show them, sorted.
    files: Vec<String>,
    /// The findings by design; none is told twice.
    findings: Vec<Findings>,
}

/// A finding with what every format needs of it.
#[derive(Clone)]
struct Found<'a> {
    sources: &'a Sources,
    diagnostic: &'a Diagnostic,
    at: Location,
    /// The same for the same fault, wherever in its file it stands.
    fingerprint: String,
}

/// Reports; 1 if anything at or above the level asked was found.
///
/// # Errors
///
/// A path or the baseline cannot be read, or a file cannot be written.
pub(super) fn run(args: &Args) -> Result<u8> {
    let known = match &args.baseline {
        // A baseline that is about to be written need not be there.
        Some(file) if !args.write_baseline || file.exists() => Baseline::read(file)?,
        _ => Baseline::default(),
    };
    let mut checked = check(&args.paths)?;
    if args.fix {
        let mut made = Vec::new();
        // A change may make room for the next one: two keys of one arrow, or a caller of a caller.
        for _ in 0..fix::MOST_ROUNDS {
            let round = fix::round(&known.news(&checked.found()))?;
            if round.is_empty() {
                break;
            }
            made.extend(round);
            checked = check(&args.paths)?;
        }
        super::err(&fix::report(&made));
    }
    let all = checked.found();
    if let (Some(file), true) = (&args.baseline, args.write_baseline) {
        let written = known.renewed(&all, &checked.files).write(file)?;
        super::err(&format!(
            "msdesign: {written} known findings in `{}`\n",
            super::shown(file)
        ));
        return Ok(0);
    }
    let stale = known.stale(&all, &checked.files);
    let news = known.news(&all);
    let count = all.len() - news.len();
    match args.format {
        Output::Human => super::err(&human(&checked, &news)),
        Output::Json => print(&json(&news))?,
        Output::Sarif => print(&sarif::report(&news))?,
        Output::Github => super::out(&github::report(&news))?,
        Output::Junit => super::out(&junit::report(&checked.files, &news, args.fail_on))?,
        Output::Markdown => super::out(&markdown::report(&news))?,
    }
    if let (Some(file), true) = (&args.baseline, count > 0) {
        super::err(&format!(
            "msdesign: {count} known findings of `{}` are not shown\n",
            super::shown(file)
        ));
    }
    super::err(&stale);
    let worst = news.iter().map(|f| f.diagnostic.severity).max();
    Ok(u8::from(worst >= Some(args.fail_on)))
}

fn print(report: &Value) -> Result<()> {
    let mut text =
        serde_json::to_string_pretty(report).context("the report cannot be written as JSON")?;
    text.push('\n');
    super::out(&text)
}

/// The report for people: the findings in full, and a line that counts them.
fn human(checked: &Checked, news: &[Found<'_>]) -> String {
    let mut left = news.iter().peekable();
    let shown: Vec<Findings> = checked
        .findings
        .iter()
        .map(|f| {
            let mut diagnostics = Vec::new();
            while let Some(n) = left.next_if(|n| std::ptr::eq(n.sources, &raw const f.sources)) {
                diagnostics.push(n.diagnostic.clone());
            }
            Findings {
                sources: f.sources.clone(),
                diagnostics,
            }
        })
        .collect();
    let report = page::report(&shown, Severity::Info);
    if report.is_empty() {
        return "msdesign: no findings\n".to_owned();
    }
    let fixable = news.iter().filter(|f| f.diagnostic.fix.is_some()).count();
    if fixable == 0 {
        return report;
    }
    format!("{report}msdesign: {fixable} of them may be mended by `--fix`\n")
}

fn json(news: &[Found<'_>]) -> Value {
    let mut all = Vec::with_capacity(news.len());
    for group in news.chunk_by(|a, b| std::ptr::eq(a.sources, b.sources)) {
        let diagnostics: Vec<Diagnostic> = group.iter().map(|f| f.diagnostic.clone()).collect();
        if let Some(first) = group.first()
            && let Value::Array(found) = to_json(first.sources, &diagnostics)["diagnostics"].take()
        {
            all.extend(found);
        }
    }
    json!({ "version": 1, "diagnostics": all })
}

impl Checked {
    /// The findings in order, each with its place and fingerprint.
    fn found(&self) -> Vec<Found<'_>> {
        let mut prints = baseline::Fingerprints::default();
        self.findings
            .iter()
            .flat_map(|f| f.diagnostics.iter().map(move |d| (&f.sources, d)))
            .map(|(sources, diagnostic)| {
                let at = sources.locate(diagnostic.primary.span);
                Found {
                    fingerprint: prints.next(&at.file, diagnostic),
                    sources,
                    diagnostic,
                    at,
                }
            })
            .collect()
    }
}

fn check(paths: &[PathBuf]) -> Result<Checked> {
    let mut all = Checked::default();
    let mut seen = BTreeSet::new();
    for path in paths {
        let (files, findings) = check_one(path)?;
        seen.extend(files);
        all.findings.extend(findings);
    }
    all.files = seen.into_iter().collect();
    let mut told = page::Told::default();
    for f in &mut all.findings {
        let sources = &f.sources;
        f.diagnostics.retain(|d| told.is_news(sources, d));
    }
    Ok(all)
}

fn check_one(path: &Path) -> Result<(Vec<String>, Vec<Findings>)> {
    let Targets { book, root, files } = files::targets(path)?;
    let none = Config::default();
    let setup = Setup {
        config: book.as_ref().map_or(&none, |b| &b.config),
        format: Format::Html,
        root,
        book: book.as_ref(),
        sections: None,
        artefacts: false,
        findings_only: true,
    };
    let mut findings: Vec<Findings> = book.iter().map(|b| b.findings.clone()).collect();
    let compiled: Result<Vec<Vec<Findings>>> = files
        .par_iter()
        .map(|target| {
            Ok(match files::compile(target, &setup)? {
                File::Spec(_, findings) => vec![findings],
                File::Markdown(_, designs) => designs.into_iter().map(|d| d.findings).collect(),
            })
        })
        .collect();
    findings.extend(compiled?.into_iter().flatten());
    let mut names: Vec<String> = files.iter().map(|f| super::shown(f)).collect();
    names.extend(book.iter().map(|b| super::shown(&b.file)));
    Ok((names, findings))
}
