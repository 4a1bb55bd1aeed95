//! `render`: a chapter without mdBook.

use std::path::PathBuf;

use anyhow::Result;
use msdesign::book::config::{self, Config};
use msdesign::book::{fences, format_of, page};
use msdesign::diag::Severity;
use msdesign::{Chapter, DiagramForm, Format};

use super::files::{self, File, Setup};

/// What to render, and how.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A spec (`.toml`), or a Markdown file with blocks
    file: PathBuf,
    /// Markdown, or a fragment of HTML
    #[arg(long, value_enum, default_value = "markdown")]
    format: Output,
    /// The renderer that the Markdown is for; only `html` gets raw HTML
    #[arg(long, default_value = "html")]
    renderer: String,
    /// Ids of the sections to show
    #[arg(long, value_delimiter = ',')]
    sections: Option<Vec<String>>,
    /// The form of diagrams: svg, mermaid, text, dot, d2 or plantuml
    #[arg(long, value_parser = diagram)]
    diagram: Option<DiagramForm>,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Output {
    Markdown,
    Html,
}

fn diagram(name: &str) -> Result<DiagramForm, String> {
    config::diagram(name)
        .ok_or_else(|| "the forms are svg, mermaid, text, dot, d2 and plantuml".to_owned())
}

/// Prints the chapter; 1 if the spec has errors that leave none.
///
/// # Errors
///
/// The file cannot be read.
pub(super) fn run(args: &Args) -> Result<u8> {
    let format = match args.format {
        Output::Html => Format::Html,
        Output::Markdown => format_of(&args.renderer),
    };
    let config = Config {
        diagram: args.diagram,
        ..Config::default()
    };
    let setup = Setup {
        config: &config,
        format,
        root: super::folder_of(&args.file),
        book: None,
        sections: args.sections.clone(),
        artefacts: false,
        findings_only: false,
    };
    let (text, broken, findings) = match files::compile(&args.file, &setup)? {
        File::Spec(chapter, findings) => (
            chapter.as_ref().map(Chapter::markdown).unwrap_or_default(),
            chapter.is_none(),
            vec![findings],
        ),
        File::Markdown(text, designs) => {
            let whole = page::assemble(&text, &designs, &config, format, |_, _, c| c.markdown());
            let broken = designs.iter().any(|d| d.chapter.is_none());
            (
                whole,
                broken,
                designs.into_iter().map(|d| d.findings).collect(),
            )
        }
    };
    super::err(&page::report(&findings, Severity::Warning));
    if broken {
        return Ok(1);
    }
    match args.format {
        Output::Markdown => super::out(&text)?,
        Output::Html => {
            let mut html = String::with_capacity(text.len() * 2);
            let parser = pulldown_cmark::Parser::new_ext(&text, fences::extensions());
            pulldown_cmark::html::push_html(&mut html, parser);
            super::out(&html)?;
        }
    }
    Ok(0)
}
