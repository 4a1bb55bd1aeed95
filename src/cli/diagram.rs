//! `diagram`: one picture of a design, in any form.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, Result, anyhow, bail};
use msdesign::book::config::Config;
use msdesign::book::page;
use msdesign::diag::{Severity, nearest};
use msdesign::diagram::layout::{Direction, Wish};
use msdesign::diagram::{Form, Labels, Picture, json};
use msdesign::{Chapter, Compiled, Drawn, Format, Wanted};

use super::files::{self, File, Setup};

/// What to draw, and how.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A spec (`.toml`), or a Markdown file with blocks
    #[arg(required_unless_present = "schema")]
    file: Option<PathBuf>,
    /// The block of a Markdown file that has several: its number from 1, or its title
    #[arg(long)]
    block: Option<String>,
    /// The picture: `interactions`, `overview`, `matrix`, `flow:NAME`, … (see `--list`); not given, what stands
    /// for the whole design
    #[arg(long)]
    kind: Option<String>,
    /// The service or team to show with its neighbours
    #[arg(long)]
    focus: Option<String>,
    /// The form of the picture; not given, by the name of `--out`, else svg
    #[arg(long, value_parser = form)]
    format: Option<Written>,
    /// The file to write to; not given, stdout
    #[arg(long)]
    out: Option<PathBuf>,
    /// Where the diagram grows to; not given, what suits the width of a page better
    #[arg(long, value_enum)]
    direction: Option<Towards>,
    /// What stands at the lines of the interaction diagram; not given, what the design says
    #[arg(long, value_enum)]
    labels: Option<Worded>,
    /// How many pixels a PNG has for each of the SVG
    #[arg(long, default_value_t = 2.0, value_parser = scale)]
    scale: f32,
    /// A font file to write a PNG with; not given, a font of this machine
    #[arg(long)]
    font: Vec<PathBuf>,
    /// Lists what can be drawn
    #[arg(long, conflicts_with_all = ["kind", "focus"])]
    list: bool,
    /// Prints the JSON Schema of `--format json`
    #[arg(long, exclusive = true)]
    schema: bool,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Towards {
    Right,
    Down,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Worded {
    Auto,
    Full,
    Wrapped,
    Numbers,
}

/// What is written: a form of text, or pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Written {
    Text(Form),
    Png,
}

/// Names of files and the form of text that they ask for.
const ENDINGS: [(&str, Form); 12] = [
    ("svg", Form::Svg),
    ("json", Form::Json),
    ("mmd", Form::Mermaid),
    ("mermaid", Form::Mermaid),
    ("dot", Form::Dot),
    ("gv", Form::Dot),
    ("d2", Form::D2),
    ("puml", Form::PlantUml),
    ("plantuml", Form::PlantUml),
    ("pu", Form::PlantUml),
    ("txt", Form::Text),
    ("text", Form::Text),
];

fn form(name: &str) -> Result<Written, String> {
    let names = || Form::ALL.into_iter().map(Form::name).chain([PNG]);
    if name == PNG {
        return Ok(Written::Png);
    }
    Form::ALL
        .into_iter()
        .find(|f| f.name() == name)
        .map(Written::Text)
        .ok_or_else(|| match nearest(name, names()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("the forms are {}", names().collect::<Vec<_>>().join(", ")),
        })
}

/// The name of pixels on the command line, and the ending of their files.
const PNG: &str = "png";

fn scale(text: &str) -> Result<f32, String> {
    let scale = text
        .parse::<f32>()
        .ok()
        .filter(|s| (0.25..=8.0).contains(s));
    scale.ok_or_else(|| "a number from 0.25 to 8".to_owned())
}

/// Writes the picture; 1 if the spec has errors that leave none.
///
/// # Errors
///
/// The file cannot be read or written, or there is no such block, picture or form.
pub(super) fn run(args: &Args) -> Result<u8> {
    let Some(file) = args.file.as_deref().filter(|_| !args.schema) else {
        return super::out(json::SCHEMA).map(|()| 0);
    };
    let form = chosen_form(args)?;
    let wanted = Wanted {
        kind: args.kind.clone(),
        focus: args.focus.clone(),
    };
    let Some(drawn) = draw(file, args.block.as_deref(), &wanted)? else {
        return Ok(1);
    };
    let bytes = if args.list {
        let json = form == Some(Written::Text(Form::Json));
        list(&drawn, json).into_bytes()
    } else {
        let mut picture = drawn.picture.map_err(|why| anyhow!(why))?;
        if let (Picture::Interactions(scene), Some(labels)) = (&mut picture, args.labels) {
            scene.labels = match labels {
                Worded::Auto => Labels::Auto,
                Worded::Full => Labels::Full,
                Worded::Wrapped => Labels::Wrapped,
                Worded::Numbers => Labels::Numbers,
            };
        }
        match form {
            Some(Written::Png) => png(&picture, args)?,
            Some(Written::Text(form)) => write(&picture, form, args)?.into_bytes(),
            None => write(&picture, Form::Svg, args)?.into_bytes(),
        }
    };
    match &args.out {
        None => super::out(&bytes)?,
        Some(path) => std::fs::write(path, bytes)
            .with_context(|| format!("`{}` cannot be written", super::shown(path)))?,
    }
    Ok(0)
}

#[cfg(feature = "png")]
fn png(picture: &Picture, args: &Args) -> Result<Vec<u8>> {
    let svg = picture.plain(wish(args)).map_err(|why| anyhow!("{why}"))?;
    super::png::png(&svg, args.scale, &args.font)
}

#[cfg(not(feature = "png"))]
fn png(_: &Picture, _: &Args) -> Result<Vec<u8>> {
    bail!("this build writes no PNG; one by `cargo install mdbook-msdesign --features png` does")
}

/// The form that is asked for, outright or by the name of the file to write.
fn chosen_form(args: &Args) -> Result<Option<Written>> {
    if args.format.is_some() || args.list {
        return Ok(args.format);
    }
    let Some(out) = &args.out else {
        return Ok(Some(Written::Text(Form::Svg)));
    };
    let ending = out.extension().unwrap_or_default().to_string_lossy();
    if ending.eq_ignore_ascii_case(PNG) {
        return Ok(Some(Written::Png));
    }
    let found = ENDINGS.iter().find(|(e, _)| ending.eq_ignore_ascii_case(e));
    match found {
        Some((_, form)) => Ok(Some(Written::Text(*form))),
        None => bail!(
            "the name `{}` says no form; say it with `--format`",
            super::shown(out)
        ),
    }
}

/// The picture of the one block of `file` that is meant; `None` if it has errors, which are reported.
fn draw(file: &Path, block: Option<&str>, wanted: &Wanted) -> Result<Option<Drawn>> {
    let book = files::book_around(file)?;
    let none = Config::default();
    let setup = Setup {
        config: book.as_ref().map_or(&none, |b| &b.config),
        format: Format::Markdown,
        root: match &book {
            Some(book) => book.src.clone(),
            None => super::folder_of(file),
        },
        book: book.as_ref(),
        sections: None,
        artefacts: false,
        findings_only: false,
    };
    // Blocks are compiled side by side; the scope of each, which is its own, tells the pictures apart.
    let all: Mutex<BTreeMap<String, Drawn>> = Mutex::default();
    let compiled = files::compile_with(file, &setup, &|sources, source, loader, options| {
        let (drawn, diagnostics) = msdesign::draw(sources, source, loader, options, wanted);
        let chapter = drawn.as_ref().map(|d| Chapter {
            title: d.title.clone(),
            ..Chapter::default()
        });
        if let Some(drawn) = drawn {
            let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
            all.insert(options.scope.clone(), drawn);
        }
        Compiled {
            chapter,
            diagnostics,
        }
    })?;
    let mut all = all.into_inner().unwrap_or_else(PoisonError::into_inner);
    let (drawn, findings) = match compiled {
        File::Spec(chapter, findings) => {
            if let Some(block) = block {
                bail!("a spec file is one design; `--block {block}` is for Markdown files");
            }
            let drawn = all.into_values().next().filter(|_| chapter.is_some());
            (drawn, findings)
        }
        File::Markdown(_, designs) => {
            let titles: Vec<Option<&str>> = designs
                .iter()
                .map(|d| d.chapter.as_ref().map(|c| c.title.as_str()))
                .collect();
            let at = choose(file, &titles, block)?;
            let Some(design) = designs.into_iter().nth(at) else {
                return Ok(None);
            };
            let drawn = all.remove(&design.scope);
            (drawn.filter(|_| design.chapter.is_some()), design.findings)
        }
    };
    super::err(&page::report([&findings], Severity::Warning));
    Ok(drawn)
}

/// Which of the blocks with these titles is meant; broken ones have none.
fn choose(file: &Path, titles: &[Option<&str>], block: Option<&str>) -> Result<usize> {
    let name = super::shown(file);
    let all = || {
        let list: Vec<String> = titles
            .iter()
            .enumerate()
            .map(|(i, t)| format!("{} ({})", i + 1, t.unwrap_or("with errors")))
            .collect();
        list.join(", ")
    };
    match (titles, block) {
        ([], _) => bail!("`{name}` has no `msdesign` block"),
        ([_], None) => Ok(0),
        (_, None) => bail!(
            "`{name}` has several blocks; choose one with `--block`: {}",
            all()
        ),
        (_, Some(block)) => {
            let number = block.parse::<usize>().ok().and_then(|n| n.checked_sub(1));
            let by_title = titles.iter().position(|t| *t == Some(block));
            let by_number = number.filter(|n| *n < titles.len());
            match by_title.or(by_number) {
                Some(at) => Ok(at),
                None => match nearest(block, titles.iter().copied().flatten()) {
                    Some(near) => bail!("`{name}` has no block `{block}`: did you mean `{near}`?"),
                    None => bail!("`{name}` has no block `{block}`; it has {}", all()),
                },
            }
        }
    }
}

/// What can be drawn, one a line, or as JSON.
fn list(drawn: &Drawn, json: bool) -> String {
    if json {
        let all: Vec<_> = drawn
            .kinds
            .iter()
            .map(|(kind, title)| serde_json::json!({"kind": kind, "title": title}))
            .collect();
        return format!("{:#}\n", serde_json::Value::Array(all));
    }
    let widest = drawn.kinds.iter().map(|k| k.0.chars().count()).max();
    let width = widest.unwrap_or_default().min(40);
    let mut out = String::new();
    for (kind, title) in &drawn.kinds {
        out.push_str(&format!("{kind:width$}  {title}\n"));
    }
    out.push_str("With `--focus NAME`: what is around a service or a team.\n");
    out
}

fn wish(args: &Args) -> Wish {
    Wish {
        direction: args.direction.map(|d| match d {
            Towards::Right => Direction::Right,
            Towards::Down => Direction::Down,
        }),
        ..Wish::default()
    }
}

fn write(picture: &Picture, form: Form, args: &Args) -> Result<String> {
    picture.file(form, wish(args)).map_err(|why| match picture {
        Picture::Interactions(_) => {
            anyhow!("{why}; `--kind overview`, `--kind matrix` and `--focus NAME` show parts of it")
        }
        _ => anyhow!("{why}"),
    })
}
