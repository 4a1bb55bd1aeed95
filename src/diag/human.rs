//! Diagnostics as rustc prints them: the source line, the place underlined, the help below.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::{Diagnostic, Location, Severity, SourceFile, Sources};

/// How a report looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Colours, for a terminal; the caller strips them where there is none.
    Terminal,
    /// No colours, for a file or a page.
    Plain,
}

/// The whole report, one finding after the other, each followed by an empty line.
#[must_use]
pub fn render(sources: &Sources, diagnostics: &[Diagnostic], style: Style) -> String {
    let renderer = match style {
        Style::Terminal => Renderer::styled(),
        Style::Plain => Renderer::plain(),
    }
    .term_width(120);
    let mut out = String::new();
    for d in diagnostics {
        out.push_str(&one(&renderer, sources, d));
        out.push_str("\n\n");
    }
    out
}

/// The lines of a file that a report is about: the renderer reads all that it is given, and a report
/// about a large file may have thousands of findings.
struct Window<'a> {
    name: &'a str,
    text: &'a str,
    /// Its first byte and line in the file.
    start: usize,
    line: usize,
}

impl<'a> Window<'a> {
    /// The lines from the first to the last of `places`, and the one behind them.
    fn around(file: &'a SourceFile, places: &[Location]) -> Self {
        let text = file.text();
        let first = places.iter().map(|p| (p.bytes.start, p.line)).min();
        let last = places.iter().map(|p| p.bytes.end).max();
        let ((first, line), last) = (first.unwrap_or((0, 1)), last.unwrap_or_default());
        let start = text[..first].rfind('\n').map_or(0, |i| i + 1);
        let mut breaks = memchr::memchr_iter(b'\n', &text.as_bytes()[last..]);
        let end = breaks.nth(1).map_or(text.len(), |i| last + i + 1);
        Self {
            name: file.name(),
            text: &text[start..end],
            start,
            line,
        }
    }

    fn snippet<T: Clone>(&self) -> Snippet<'a, T> {
        Snippet::source(self.text)
            .path(self.name)
            .line_start(self.line)
    }

    /// A place of the file as one of the window.
    fn inside(&self, bytes: &Range<usize>) -> Range<usize> {
        bytes.start - self.start..bytes.end - self.start
    }
}

fn one(renderer: &Renderer, sources: &Sources, d: &Diagnostic) -> String {
    let level = match d.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Info => Level::INFO,
    };
    let primary = sources.locate(d.primary.span);
    let file = sources.get(d.primary.span.source);
    let mut here = vec![primary.clone()];
    here.extend(
        d.labels
            .iter()
            .filter(|l| l.span.source == d.primary.span.source)
            .map(|l| sources.locate(l.span)),
    );
    let window = Window::around(file, &here);
    let mut snippet = window.snippet().annotation({
        let a = AnnotationKind::Primary.span(window.inside(&primary.bytes));
        if d.primary.message.is_empty() {
            a
        } else {
            a.label(d.primary.message.as_str())
        }
    });
    let mut elsewhere = Vec::new();
    for label in &d.labels {
        let at = sources.locate(label.span);
        let annotate = |window: &Window<'_>| {
            AnnotationKind::Context
                .span(window.inside(&at.bytes))
                .label(label.message.as_str())
        };
        if label.span.source == d.primary.span.source {
            snippet = snippet.annotation(annotate(&window));
        } else {
            let file = sources.get(label.span.source);
            let other = Window::around(file, std::slice::from_ref(&at));
            elsewhere.push(other.snippet().annotation(annotate(&other)));
        }
    }
    let mut group: Group<'_> = level
        .primary_title(d.message.as_str())
        .id(d.rule)
        .element(snippet);
    for snippet in elsewhere {
        group = group.element(snippet);
    }
    if let Some(help) = &d.help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    renderer.render(&[group])
}

/// `2 errors, 1 warning`, or `no findings`.
#[must_use]
pub fn summary(diagnostics: &[Diagnostic]) -> String {
    let count = |s: Severity| diagnostics.iter().filter(|d| d.severity == s).count();
    let parts: Vec<String> = [
        (count(Severity::Error), "error", "errors"),
        (count(Severity::Warning), "warning", "warnings"),
        (count(Severity::Info), "note", "notes"),
    ]
    .into_iter()
    .filter(|(n, _, _)| *n > 0)
    .map(|(n, one, many)| format!("{n} {}", if n == 1 { one } else { many }))
    .collect();
    if parts.is_empty() {
        "no findings".to_owned()
    } else {
        parts.join(", ")
    }
}
