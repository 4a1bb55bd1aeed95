//! What stands in a page in place of its blocks: chapters, or the report of what is wrong.

use std::collections::BTreeSet;

use super::config::{Config, OnError, Warnings};
use super::design::{Design, Findings};
use super::splice::splice;
use crate::diag::{self, Diagnostic, Severity, Sources, Style};
use crate::{Chapter, Format};

/// The page `text` with its blocks replaced. `place` may put something else in place of a good
/// block's chapter; it gets the number of the block and its chapter.
///
/// Blocks without a chapter are replaced by their report where the configuration says so, and stay as
/// they are otherwise.
#[must_use]
pub fn assemble(
    text: &str,
    designs: &[Design],
    config: &Config,
    format: Format,
    mut place: impl FnMut(usize, &Design, &Chapter) -> String,
) -> String {
    let mut styled = false;
    let mut blocks = Vec::with_capacity(designs.len());
    let mut replacements = Vec::with_capacity(designs.len());
    for (i, design) in designs.iter().enumerate() {
        blocks.push(design.block.clone());
        replacements.push(match &design.chapter {
            Some(chapter) if styled => {
                let mut bare = chapter.clone();
                bare.preamble.clear();
                Some(place(i, design, &bare))
            }
            Some(chapter) => {
                styled = true;
                Some(place(i, design, chapter))
            }
            None => (config.on_error == OnError::Render).then(|| error_box(design, format)),
        });
    }
    splice(text, &blocks, &replacements)
}

/// A broken block as its readers see it: the report, then the source.
fn error_box(design: &Design, format: Format) -> String {
    let findings = &design.findings;
    let report = diag::render(&findings.sources, &findings.diagnostics, Style::Plain);
    let mut out = String::new();
    if format == Format::Html {
        out.push_str(
            "<div class=\"msdesign-error\" role=\"alert\" \
             style=\"border: 2px solid #c0392b; border-radius: 4px; padding: 0 1em; margin: 1em 0\">\n\n",
        );
    }
    let summary = diag::summary(&findings.diagnostics);
    out.push_str(&format!(
        "**This design could not be built: {summary}.**\n\n"
    ));
    out.push_str(&fenced("text", report.trim_end()));
    out.push_str("\nIts source:\n\n");
    out.push_str(&fenced("toml", design.block.content.trim_end()));
    if format == Format::Html {
        out.push_str("\n</div>\n");
    }
    out
}

/// `body` in a fence longer than any run of backticks in it.
fn fenced(language: &str, body: &str) -> String {
    let mut longest = 0;
    let mut run = 0;
    for c in body.chars() {
        run = if c == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}{language}\n{body}\n{fence}\n")
}

/// One report of everything worth telling, with a summary line; empty if there is nothing.
#[must_use]
pub fn report<'a>(findings: impl IntoIterator<Item = &'a Findings>, least: Severity) -> String {
    let mut out = String::new();
    let mut all = Vec::new();
    let mut specs = 0_usize;
    let mut told = Told::default();
    for f in findings {
        let shown: Vec<_> = f
            .diagnostics
            .iter()
            .filter(|d| d.severity >= least && told.is_news(&f.sources, d))
            .cloned()
            .collect();
        if shown.is_empty() {
            continue;
        }
        specs += 1;
        out.push_str(&diag::render(&f.sources, &shown, Style::Terminal));
        all.extend(shown);
    }
    if all.is_empty() {
        return out;
    }
    let place = match specs {
        1 => "1 design".to_owned(),
        n => format!("{n} designs"),
    };
    out.push_str(&format!("msdesign: {} in {place}\n", diag::summary(&all)));
    out
}

/// What was told already: designs that share a file or the book's configuration share its mistakes.
#[derive(Debug, Default)]
pub struct Told(BTreeSet<(String, usize, usize, &'static str, String)>);

impl Told {
    /// `true` the first time for a finding at a place.
    pub fn is_news(&mut self, sources: &Sources, d: &Diagnostic) -> bool {
        let at = sources.locate(d.primary.span);
        self.0.insert((
            at.file,
            at.bytes.start,
            at.bytes.end,
            d.rule,
            d.message.clone(),
        ))
    }
}

/// What a build says on stderr: in full what stops it or could not be built, and one line for each
/// page on which something else was found.
#[must_use]
pub(super) fn build_report(pages: &[(String, &[Design])], config: &Config) -> String {
    let whole = |d: &Design| d.chapter.is_none() || d.stops(config);
    let designs = || pages.iter().flat_map(|(_, designs)| *designs);
    let mut out = String::new();
    if config.warnings != Warnings::Hide {
        for (name, designs) in pages {
            let found: Vec<_> = designs
                .iter()
                .filter(|d| !whole(d))
                .flat_map(|d| &d.findings.diagnostics)
                .filter(|d| d.severity >= Severity::Warning)
                .cloned()
                .collect();
            if !found.is_empty() {
                out.push_str(&format!(
                    "{name}: {}; run `mdbook-msdesign check {name}` to see them\n",
                    diag::summary(&found)
                ));
            }
        }
    }
    out.push_str(&report(
        designs().filter(|d| whole(d)).map(|d| &d.findings),
        Severity::Warning,
    ));
    out
}
