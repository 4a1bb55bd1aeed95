//! The way of one spec through the rooms: read, include, resolve, plan, check, write.

use std::collections::BTreeSet;

use crate::diag::{Diagnostic, Severity, SourceFile, SourceId, Sources};
use crate::lint::{self, Finding};
use crate::model::{self, Model};
use crate::plan::Plan;
use crate::render::{self, Cx};
use crate::spec::{self, Spec, Text};
use crate::{Chapter, Compiled, Drawn, Loader, Options, Wanted};

/// The most spec files that one block may bring together.
const MAX_INCLUDES: usize = 64;

pub(crate) fn run(
    sources: &mut Sources,
    source: SourceId,
    loader: &mut dyn Loader,
    options: &Options,
) -> Compiled {
    let mut diagnostics = Vec::new();
    let model = read(sources, source, loader, options, &mut diagnostics);
    let broken = diagnostics.iter().any(|d| d.severity == Severity::Error);
    let Some(model) = model.filter(|_| !broken) else {
        crate::diag::sort(sources, &mut diagnostics);
        return Compiled {
            chapter: None,
            diagnostics,
        };
    };
    let plan = Plan::new(&model);
    let findings: Vec<Finding> = lint::check(&plan);
    let chapter = if options.findings_only {
        Chapter {
            title: model.title.clone(),
            ..Chapter::default()
        }
    } else {
        render::chapter(&Cx {
            plan: &plan,
            findings: &findings,
            options,
        })
    };
    diagnostics.extend(findings.into_iter().map(|f| f.diagnostic));
    crate::diag::sort(sources, &mut diagnostics);
    Compiled {
        chapter: Some(chapter),
        diagnostics,
    }
}

/// One picture of a spec instead of a chapter; the linter is not asked.
pub(crate) fn draw(
    sources: &mut Sources,
    source: SourceId,
    loader: &mut dyn Loader,
    options: &Options,
    wanted: &Wanted,
) -> (Option<Drawn>, Vec<Diagnostic>) {
    let mut diagnostics = Vec::new();
    let model = read(sources, source, loader, options, &mut diagnostics);
    let broken = diagnostics.iter().any(|d| d.severity == Severity::Error);
    let drawn = model.filter(|_| !broken).map(|model| {
        let cx = Cx {
            plan: &Plan::new(&model),
            findings: &[],
            options,
        };
        render::draw(&cx, wanted)
    });
    crate::diag::sort(sources, &mut diagnostics);
    (drawn, diagnostics)
}

/// The model of a spec with everything it includes; all mistakes are in `out`.
fn read(
    sources: &mut Sources,
    source: SourceId,
    loader: &mut dyn Loader,
    options: &Options,
    out: &mut Vec<Diagnostic>,
) -> Option<Model> {
    let content = sources.get(source).content().to_owned();
    let mut spec = spec::parse(source, &content, out);
    let whole = crate::diag::Span::new(source, 0..0);
    let mut wanted: Vec<Text> = spec.include.clone();
    let named = |key: &str, words: &[String]| -> Vec<Text> {
        words
            .iter()
            .map(|w| {
                let span = options.info.and_then(|id| {
                    let at = find(sources.get(id).content(), key, w)?;
                    Some(crate::diag::Span::new(id, at))
                });
                Text::new(w.clone(), span.unwrap_or(whole))
            })
            .collect()
    };
    wanted.extend(named("include", &options.include));
    let sections = options.sections.as_ref().map(|s| named("sections", s));
    let from = sources.get(source).name().to_owned();
    include(sources, &mut spec, &from, wanted, loader, out);
    if let Some(book) = options.book {
        let content = sources.get(book).content().to_owned();
        spec.merge_under(spec::parse_book(book, &content, out));
    }
    if sections.is_some() {
        spec.sections = sections;
    }
    // What a text that is not TOML was meant to say is unknown, and so is what else is wrong with it.
    if out.iter().any(|d| d.rule == "syntax") {
        return None;
    }
    Some(model::resolve(&spec, source, out))
}

/// Where the whole word `word` stands in `text` behind `key`.
fn find(text: &str, key: &str, word: &str) -> Option<std::ops::Range<usize>> {
    let inside = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
    let from = text.find(key)? + key.len();
    text.get(from..)?
        .match_indices(word)
        .map(|(i, _)| from + i..from + i + word.len())
        .find(|at| !text[..at.start].ends_with(inside) && !text[at.end..].starts_with(inside))
}

/// Merges every included file under `spec`, breadth first, each file once.
fn include(
    sources: &mut Sources,
    spec: &mut Spec,
    from: &str,
    wanted: Vec<Text>,
    loader: &mut dyn Loader,
    out: &mut Vec<Diagnostic>,
) {
    let mut queue: std::collections::VecDeque<(String, Text)> =
        wanted.into_iter().map(|t| (from.to_owned(), t)).collect();
    let mut seen = BTreeSet::new();
    while let Some((from, path)) = queue.pop_front() {
        let (name, text) = match loader.load(&from, &path.value) {
            Ok(loaded) => loaded,
            Err(why) => {
                out.push(
                    Diagnostic::error(
                        "include-failed",
                        path.span,
                        format!("`{}` cannot be included: {why}", path.value),
                    )
                    .at("named here")
                    .help("a path is relative to the file that names it and stays inside the book"),
                );
                continue;
            }
        };
        if !seen.insert(name.clone()) {
            continue;
        }
        if seen.len() > MAX_INCLUDES {
            out.push(Diagnostic::error(
                "include-failed",
                path.span,
                format!("more than {MAX_INCLUDES} files are included"),
            ));
            return;
        }
        let id = sources.add(SourceFile::whole(name.clone(), text.clone()));
        let included = spec::parse(id, &text, out);
        queue.extend(included.include.iter().map(|t| (name.clone(), t.clone())));
        spec.merge_under(included);
    }
}

/// The model of a spec text, for the tests of rooms that start from a plan.
#[cfg(test)]
pub(crate) fn model_of(text: &str) -> Model {
    let mut sources = Sources::default();
    let id = sources.add(SourceFile::whole("test", text));
    let mut found = Vec::new();
    let spec = spec::parse(id, text, &mut found);
    model::resolve(&spec, id, &mut found)
}
