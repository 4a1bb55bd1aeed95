//! Compiles the blocks of pages: the one place that turns a fence into a call of the front door.

use std::collections::BTreeSet;
use std::path::PathBuf;

use rayon::prelude::*;

use super::config::{self, Config, OnError, Warnings};
use super::fences::{self, Block, WORD};
use super::loader::Guarded;
use super::{info, origin};
use crate::diag::{self, Diagnostic, Severity, SourceFile, SourceId, Sources, Span};
use crate::{Chapter, Compiled, Format, Loader, Options};

/// The front door as this room calls it; tests put their own in its place.
pub type Compile<'a> =
    dyn Fn(&mut Sources, SourceId, &mut dyn Loader, &Options) -> Compiled + Sync + 'a;

/// What is the same for every page of a run.
pub struct Host<'a> {
    /// Turns a spec into a chapter.
    pub compile: &'a Compile<'a>,
    /// The book's configuration.
    pub config: &'a Config,
    /// What shows the pages.
    pub format: Format,
    /// The folder that page names are relative to.
    pub base: PathBuf,
    /// The folder that includes must stay in.
    pub root: PathBuf,
    /// The book's configuration file as reports show it and where it is, if there is one.
    pub book_file: Option<(String, PathBuf)>,
    /// Sections to show whatever the blocks say (from the command line).
    pub sections: Option<Vec<String>>,
    /// Whether the chapters come with their files.
    pub artefacts: bool,
    /// Whether only what is wrong is asked for.
    pub findings_only: bool,
}

/// One chapter of a book, or one Markdown file.
#[derive(Clone, Debug)]
pub struct Page<'a> {
    /// The path as reports show it, relative to [`Host::base`].
    pub name: String,
    /// The text, perhaps changed by earlier preprocessors.
    pub text: &'a str,
    /// The author's file, if the text may differ from it.
    pub file: Option<PathBuf>,
    /// The path that ids are derived from.
    pub id: String,
}

/// What was found in one spec.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    /// The texts that the findings lie in.
    pub sources: Sources,
    /// The findings in the order of the text.
    pub diagnostics: Vec<Diagnostic>,
}

impl Findings {
    /// The worst severity, if there is any finding.
    #[must_use]
    pub fn worst(&self) -> Option<Severity> {
        self.diagnostics.iter().map(|d| d.severity).max()
    }
}

/// A compiled block.
#[derive(Clone, Debug)]
pub struct Design {
    /// Where it stands.
    pub block: Block,
    /// What its ids start with; its own in the book.
    pub scope: String,
    /// The heading level of its title.
    pub depth: u8,
    /// Its chapter, if there is one to show.
    pub chapter: Option<Chapter>,
    /// What was found.
    pub findings: Findings,
}

impl Design {
    /// Whether a book with this configuration cannot be built. A block without a chapter is the
    /// business of `on-error`; what was found in a chapter is the business of `warnings`.
    #[must_use]
    pub fn stops(&self, config: &Config) -> bool {
        match self.chapter {
            None => config.on_error == OnError::Fail,
            Some(_) => {
                config.warnings == Warnings::Fail
                    && self.findings.worst() >= Some(Severity::Warning)
            }
        }
    }
}

/// All blocks of all pages, in order. Blocks are compiled in parallel; the result does not depend
/// on how.
#[must_use]
pub fn compile_pages(pages: &[Page<'_>], host: &Host<'_>) -> Vec<Vec<Design>> {
    let found: Vec<Vec<Block>> = pages.par_iter().map(|p| fences::find(p.text)).collect();
    let mut scopes = Scopes::default();
    let mut jobs = Vec::new();
    for (page, blocks) in pages.iter().zip(&found) {
        for nth in 0..blocks.len() {
            jobs.push((page, blocks.as_slice(), nth, scopes.next(&page.id, nth)));
        }
    }
    let mut designs = jobs
        .into_par_iter()
        .map(|(page, blocks, nth, scope)| compile_block(page, blocks, nth, scope, host))
        .collect::<Vec<_>>()
        .into_iter();
    found
        .iter()
        .map(|blocks| designs.by_ref().take(blocks.len()).collect())
        .collect()
}

/// The chapter of a whole spec file; its ids are derived from the path `id`.
#[must_use]
pub fn compile_spec(
    name: &str,
    id: &str,
    text: &str,
    host: &Host<'_>,
) -> (Option<Chapter>, Findings) {
    let mut sources = Sources::default();
    let source = sources.add(SourceFile::whole(name, text));
    let options = options(host, &mut sources, Scopes::default().next(id, 0));
    finish(sources, source, Vec::new(), &options, host)
}

fn compile_block(
    page: &Page<'_>,
    blocks: &[Block],
    nth: usize,
    scope: String,
    host: &Host<'_>,
) -> Design {
    let block = &blocks[nth];
    let mut sources = Sources::default();
    let id = sources.add(block.source(&page.name, page.text));
    let mut options = options(host, &mut sources, scope);
    let mut faults = Vec::new();
    let mut info_id = None;
    options.depth = block.heading.map_or(1, |level| (level + 1).min(4));
    // Most blocks have no attributes, and a source is a copy of the chapter.
    if block.info.len() > WORD.len() {
        let source = sources.add(block.info_source(&page.name, page.text));
        info_id = Some(source);
        let (info, found) = info::parse(source, block.info_text(page.text));
        faults = found;
        options.depth = info.depth.unwrap_or(options.depth);
        options.include = info.include;
        options.info = Some(source);
        if options.sections.is_none() {
            options.sections = info.sections;
        }
    }
    let (chapter, mut findings) = finish(sources, id, faults, &options, host);
    if !findings.diagnostics.is_empty() {
        origin::trace(page, blocks, nth, &mut findings.sources, id, info_id);
    }
    Design {
        block: block.clone(),
        scope: options.scope,
        depth: options.depth,
        chapter,
        findings,
    }
}

fn options(host: &Host<'_>, sources: &mut Sources, scope: String) -> Options {
    let book = &host.config.book;
    Options {
        format: host.format,
        scope,
        diagram: host.config.diagram,
        // The style comes apart from the parts, as the preamble; the page decides where it stands.
        style: true,
        remember_tabs: host.config.remember_tabs,
        show_warnings: host.config.warnings != Warnings::Hide,
        book: (!book.is_empty())
            .then(|| sources.add(SourceFile::whole("book.toml", book.as_str()))),
        sections: host.sections.clone(),
        links: host.config.links.clone(),
        artefacts: host.artefacts,
        findings_only: host.findings_only,
        ..Options::default()
    }
}

fn finish(
    mut sources: Sources,
    id: SourceId,
    mut diagnostics: Vec<Diagnostic>,
    options: &Options,
    host: &Host<'_>,
) -> (Option<Chapter>, Findings) {
    let mut loader = Guarded::new(&host.base, &host.root);
    let compiled = (host.compile)(&mut sources, id, &mut loader, options);
    // A block whose info string is wrong is not what its author meant, so it is not shown either.
    let chapter = compiled.chapter.filter(|_| diagnostics.is_empty());
    diagnostics.extend(compiled.diagnostics);
    if chapter.is_none() && !diagnostics.iter().any(|d| d.severity == Severity::Error) {
        // A page must never lose a block without a word.
        diagnostics.push(Diagnostic::error(
            "no-chapter",
            Span::new(id, 0..0),
            "this spec leaves nothing to show",
        ));
    }
    if let (Some(book), Some((name, file))) = (options.book, &host.book_file) {
        config::trace(&mut sources, book, name, file, &mut diagnostics);
    }
    diag::sort(&sources, &mut diagnostics);
    let findings = Findings {
        sources,
        diagnostics,
    };
    (chapter, findings)
}

/// Hands out the words that start a block's ids, each once.
#[derive(Default)]
struct Scopes {
    taken: BTreeSet<String>,
}

impl Scopes {
    /// A scope for block `nth` (from 0) of the page at `path`.
    fn next(&mut self, path: &str, nth: usize) -> String {
        let slug = slug(path);
        let first = match nth {
            0 => slug,
            n => format!("{slug}-{}", n + 1),
        };
        let mut scope = first.clone();
        let mut n = 2;
        while !self.taken.insert(scope.clone()) {
            scope = format!("{first}-{n}");
            n += 1;
        }
        scope
    }
}

/// `ms-` and the path in lower-case letters, digits and single hyphens.
fn slug(path: &str) -> String {
    let stem = path.strip_suffix(".md").unwrap_or(path);
    let stem = stem.strip_suffix(".toml").unwrap_or(stem);
    let mut out = String::new();
    for c in stem.chars().take(120) {
        if c.is_ascii_alphanumeric() {
            out.push(c.to_ascii_lowercase());
        } else if !out.is_empty() && !out.ends_with('-') {
            out.push('-');
        }
    }
    // A heading such as "Orders" in `orders.md` has the id `orders` already.
    format!("ms-{out}").trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_unique_in_the_book() {
        let mut scopes = Scopes::default();
        assert_eq!(scopes.next("shop/Orders API.md", 0), "ms-shop-orders-api");
        assert_eq!(scopes.next("shop/Orders API.md", 1), "ms-shop-orders-api-2");
        assert_eq!(scopes.next("shop-orders/api.md", 0), "ms-shop-orders-api-3");
        assert_eq!(scopes.next("ü.md", 0), "ms");
        assert_eq!(scopes.next("2024/x.md", 0), "ms-2024-x");
    }
}
