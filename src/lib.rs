//! `msdesign`: a small spec of how services communicate becomes a checked design chapter.
//!
//! The front door is [`compile`]: one spec in, a chapter and diagnostics out. Everything behind it is
//! pure; files are read only through the [`Loader`] that the host hands in. `ARCHITECTURE.md` says
//! what each room does and who may import whom.

pub mod book;
pub mod catalog;
mod compile;
pub mod diag;
pub mod diagram;
pub mod lint;
pub mod model;
pub mod plan;
pub mod render;
pub mod schema;
pub mod spec;

use diag::{Diagnostic, SourceId, Sources};

pub use plan::slug;

/// What the chapter will be shown by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Format {
    /// HTML pages: figures are SVG, long parts fold, tables scroll.
    #[default]
    Html,
    /// Anything else (pandoc, EPUB, plain Markdown): no raw HTML at all.
    Markdown,
}

/// How the diagrams of a chapter are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiagramForm {
    /// Inline SVG (only where the format is HTML; text elsewhere).
    Svg,
    /// A fenced `mermaid` block.
    Mermaid,
    /// A fenced text block.
    Text,
    /// A fenced `dot` block.
    Dot,
    /// A fenced `d2` block.
    D2,
    /// A fenced `plantuml` block.
    PlantUml,
}

/// What a host decides about one block.
#[derive(Clone, Debug)]
pub struct Options {
    /// What shows the chapter.
    pub format: Format,
    /// Heading level of the block's title, from 1 to 4; sections stand one below it.
    pub depth: u8,
    /// Starts every id of the block, so that ids are unique in the whole book. Lower-case letters,
    /// digits and `-`.
    pub scope: String,
    /// The diagram's form; `None` chooses by format: SVG in HTML, Mermaid elsewhere.
    pub diagram: Option<DiagramForm>,
    /// `true` puts the page's style before the chapter; a host sets it for the first block of a page.
    pub style: bool,
    /// Whether a script comes with the style that remembers the reader's choice among tabs.
    pub remember_tabs: bool,
    /// Whether findings of the linter show in the chapter's overview.
    pub show_warnings: bool,
    /// TOML of the book's own `[defaults]`, `language` and `infrastructure`, if any; a block's own
    /// values win.
    pub book: Option<SourceId>,
    /// Section ids from the info string; they win over the block's own `sections`.
    pub sections: Option<Vec<String>>,
    /// Spec files named by the info string, relative to the chapter.
    pub include: Vec<String>,
    /// The text that names `sections` and `include`, if it is one of the sources: reports about them
    /// point there.
    pub info: Option<SourceId>,
    /// Link templates.
    pub links: Links,
    /// Whether the chapter comes with its files, [`Chapter::artefacts`].
    pub artefacts: bool,
    /// Whether only what is wrong is asked for: the chapter then has its title and no parts.
    pub findings_only: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            format: Format::Html,
            depth: 1,
            scope: "design".to_owned(),
            diagram: None,
            style: true,
            remember_tabs: false,
            show_warnings: true,
            book: None,
            sections: None,
            include: Vec::new(),
            info: None,
            links: Links::default(),
            artefacts: false,
            findings_only: false,
        }
    }
}

/// Where teams, runbooks, dashboards and rules are documented. `{name}` in a template is replaced by the name,
/// percent-encoded. Only `http`, `https`, `mailto` and relative links are taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Links {
    /// Page of a team.
    pub team: Option<String>,
    /// Runbook of an alert.
    pub runbook: Option<String>,
    /// Dashboard of a service; the name is its `uid`.
    pub dashboard: Option<String>,
    /// Page of a lint rule.
    pub rule: Option<String>,
}

/// Reads the files that a spec names. Paths come as the author wrote them.
pub trait Loader {
    /// The display name and the text of `path`, relative to the including chapter or spec file `from`.
    ///
    /// # Errors
    ///
    /// A sentence saying why the file cannot be read (outside the book, missing, not UTF-8, too large).
    fn load(&mut self, from: &str, path: &str) -> Result<(String, String), String>;
}

/// A loader for hosts without files: every include is refused.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoFiles;

impl Loader for NoFiles {
    fn load(&mut self, _from: &str, _path: &str) -> Result<(String, String), String> {
        Err("files cannot be included here".to_owned())
    }
}

/// A finished section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Section id, such as `sync`.
    pub id: &'static str,
    /// Section heading; for the overview the block's title.
    pub heading: String,
    /// The whole section as Markdown, its heading included; ends with a newline.
    pub markdown: String,
}

/// A file that another program reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artefact {
    /// Its kind, one of [`artefact_kinds`].
    pub kind: &'static str,
    /// Where a repository keeps it: relative, `/` between folders, only letters, digits, `.`, `_` and `-`
    /// in names.
    pub path: String,
    /// The whole text; ends with a newline.
    pub text: String,
}

/// The kinds of artefacts: id and what the files are.
#[must_use]
pub fn artefact_kinds() -> Vec<(&'static str, &'static str)> {
    render::KINDS.iter().map(|k| (k.id, k.what)).collect()
}

/// A finished chapter.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Chapter {
    /// The block's title.
    pub title: String,
    /// Markdown that must stand once before the parts on every page that shows any of them (style);
    /// empty if there is none.
    pub preamble: String,
    /// The sections in their order.
    pub parts: Vec<Part>,
    /// The files of the design by path, whatever sections are shown; empty unless
    /// [`Options::artefacts`] asks for them.
    pub artefacts: Vec<Artefact>,
}

impl Chapter {
    /// The whole chapter as Markdown; ends with a newline.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut out = self.preamble.clone();
        for part in &self.parts {
            if !out.is_empty() {
                out.push('\n');
            }
            out.push_str(&part.markdown);
        }
        out
    }
}

/// What [`compile`] gives back.
#[derive(Clone, Debug, Default)]
pub struct Compiled {
    /// The chapter, unless the spec has errors that leave nothing to show.
    pub chapter: Option<Chapter>,
    /// Everything found, in the order of the text.
    pub diagnostics: Vec<Diagnostic>,
}

/// Which picture of a design is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// `interactions`, `flow:NAME`, …; `None` is what stands for the whole design.
    pub kind: Option<String>,
    /// The service or team that a `neighbourhood` is of.
    pub focus: Option<String>,
}

/// A picture of a design, and what other pictures there are.
#[derive(Clone, Debug)]
pub struct Drawn {
    /// The design's title.
    pub title: String,
    /// Every kind that can be wanted, with its title. Neighbourhoods are not among them.
    pub kinds: Vec<(String, String)>,
    /// The picture; if there is no such picture, a sentence that says so and what there is.
    pub picture: Result<diagram::Picture, String>,
}

/// Draws one picture of the spec `source`: nothing if the spec has errors, which are among the diagnostics.
///
/// Never panics on any input and never reads anything but what `loader` gives.
pub fn draw(
    sources: &mut Sources,
    source: SourceId,
    loader: &mut dyn Loader,
    options: &Options,
    wanted: &Wanted,
) -> (Option<Drawn>, Vec<Diagnostic>) {
    compile::draw(sources, source, loader, options, wanted)
}

/// Turns the spec `source` into a design chapter.
///
/// Never panics on any input and never reads anything but what `loader` gives.
pub fn compile(
    sources: &mut Sources,
    source: SourceId,
    loader: &mut dyn Loader,
    options: &Options,
) -> Compiled {
    compile::run(sources, source, loader, options)
}
