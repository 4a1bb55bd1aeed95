//! What stands in a page in place of its blocks: chapters, or the report of what is wrong.

use super::config::{Config, OnError};
use super::design::{Design, Findings};
use super::splice::splice;
use crate::diag::{self, Severity, Style};
use crate::{Chapter, Format};

/// The page `text` with its blocks replaced. `place` may put something else in place of a good
/// block's chapter; it gets the number of the block and its chapter.
///
/// Blocks that fail are replaced by their report where the configuration says so, and stay as they
/// are otherwise.
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
            _ if design.findings.fail(config.warnings) => {
                (config.on_error == OnError::Render).then(|| error_box(design, format))
            }
            Some(chapter) if styled => {
                let mut bare = chapter.clone();
                bare.preamble.clear();
                Some(place(i, design, &bare))
            }
            Some(chapter) => {
                styled = true;
                Some(place(i, design, chapter))
            }
            None => None,
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
    for f in findings {
        let shown: Vec<_> = f
            .diagnostics
            .iter()
            .filter(|d| d.severity >= least)
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
