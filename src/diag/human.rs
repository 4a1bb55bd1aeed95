//! Diagnostics as rustc prints them: the source line, the place underlined, the help below.

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::{Diagnostic, Severity, Sources};

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

fn one(renderer: &Renderer, sources: &Sources, d: &Diagnostic) -> String {
    let level = match d.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Info => Level::INFO,
    };
    let file = sources.get(d.primary.span.source);
    let primary = sources.locate(d.primary.span);
    let mut snippet = Snippet::source(file.text()).path(file.name()).annotation({
        let a = AnnotationKind::Primary.span(primary.bytes.clone());
        if d.primary.message.is_empty() {
            a
        } else {
            a.label(d.primary.message.as_str())
        }
    });
    let mut elsewhere = Vec::new();
    for label in &d.labels {
        let at = sources.locate(label.span);
        let annotation = AnnotationKind::Context
            .span(at.bytes)
            .label(label.message.as_str());
        if label.span.source == d.primary.span.source {
            snippet = snippet.annotation(annotation);
        } else {
            let other = sources.get(label.span.source);
            elsewhere.push(
                Snippet::source(other.text())
                    .path(other.name())
                    .annotation(annotation),
            );
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
