//! `export`: the files of a design in a folder, and whether those there are still the design's.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use msdesign::book::page;
use msdesign::diag::Severity;
use msdesign::{Artefact, Chapter};

use super::files;
use super::manifest::{self, Folder, Held};

/// What to write, and where.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A spec (`.toml`), a Markdown file with blocks, or a book
    #[arg(required_unless_present = "list")]
    path: Option<PathBuf>,
    /// The folder that the files go to
    #[arg(long, short, required_unless_present = "list")]
    out: Option<PathBuf>,
    /// Kinds of files to write; all if not given
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Writes over files that something else wrote or changed
    #[arg(long, conflicts_with = "check")]
    force: bool,
    /// Writes nothing: shows what differs, and exits with 1 if anything does
    #[arg(long)]
    check: bool,
    /// Lists the kinds
    #[arg(long)]
    list: bool,
}

/// Writes the files; 1 if `--check` finds a difference or a spec has errors.
///
/// # Errors
///
/// A file cannot be read or written, or would be lost.
pub(super) fn run(args: &Args) -> Result<u8> {
    let kinds = msdesign::artefact_kinds();
    if args.list {
        let width = kinds.iter().map(|(id, _)| id.len()).max().unwrap_or(0);
        let lines = kinds
            .iter()
            .map(|(id, what)| format!("{id:width$}  {what}\n"));
        super::out(&lines.collect::<String>())?;
        return Ok(0);
    }
    for word in &args.only {
        if !kinds.iter().any(|(id, _)| id == word) {
            let ids: Vec<&str> = kinds.iter().map(|(id, _)| *id).collect();
            bail!(
                "there is no kind `{word}`; the kinds are {}",
                ids.join(", ")
            );
        }
    }
    let (Some(path), Some(out)) = (&args.path, &args.out) else {
        bail!("a path and `--out` are needed");
    };
    let Some(designs) = designs(path)? else {
        return Ok(1);
    };
    let wanted = |a: &Artefact| args.only.is_empty() || args.only.iter().any(|k| k == a.kind);
    let mut files = BTreeMap::new();
    // What a narrower `--only` leaves alone is not gone from the design.
    let mut all = BTreeSet::new();
    for design in &designs {
        for a in &design.chapter.artefacts {
            let path = design.path(a);
            all.insert(path.clone());
            if wanted(a) {
                files.insert(path, a.text.as_str());
            }
        }
    }
    let folder = Folder::read(out)?;
    let gone = folder.gone(&all);
    if args.check {
        return check(&folder, &files, &gone);
    }
    let foreign: Vec<&str> = files
        .keys()
        .map(String::as_str)
        .filter(|p| matches!(folder.held(p), Held::Foreign | Held::Changed))
        .collect();
    if !foreign.is_empty() && !args.force {
        let list: Vec<String> = foreign
            .iter()
            .take(20)
            .map(|p| match folder.held(p) {
                Held::Changed => format!("  {p} (changed since it was written)"),
                _ => format!("  {p} (not written by this command)"),
            })
            .collect();
        let more = foreign.len().saturating_sub(20);
        let more = if more > 0 {
            format!("\n  and {more} more")
        } else {
            String::new()
        };
        bail!(
            "nothing was written, since it would overwrite\n{}{more}\n`--force` overwrites them",
            list.join("\n")
        );
    }
    let written = manifest::write(&folder, &files, &gone)?;
    super::err(&format!(
        "msdesign: {} files in `{}`: {} written, {} as they were, {} removed\n",
        files.len(),
        super::shown(out),
        written.changed,
        files.len() - written.changed,
        written.removed
    ));
    Ok(0)
}

/// A design and the folder of its own that its files go to, if it has one.
struct Design {
    folder: Option<String>,
    chapter: Chapter,
}

impl Design {
    /// Where the file goes.
    fn path(&self, file: &Artefact) -> String {
        match &self.folder {
            Some(folder) => format!("{folder}/{}", file.path),
            None => file.path.clone(),
        }
    }
}

/// Every design of `path`; `None`, and a report, if one is broken.
fn designs(path: &Path) -> Result<Option<Vec<Design>>> {
    let (designs, findings) = files::designs(path)?;
    let broken = designs.iter().any(Option::is_none);
    if broken {
        super::err(&page::report(&findings, Severity::Error));
        return Ok(None);
    }
    let designs: Vec<Chapter> = designs.into_iter().flatten().collect();
    if designs.is_empty() {
        bail!("`{}` holds no `msdesign` block", super::shown(path));
    }
    // One spec fills the folder itself; a book has a folder a design, however many it has today.
    if !path.is_dir() && designs.len() == 1 {
        let alone = |chapter| Design {
            folder: None,
            chapter,
        };
        return Ok(Some(designs.into_iter().map(alone).collect()));
    }
    let mut taken = BTreeMap::new();
    let named = designs.into_iter().map(|chapter| {
        let slug = msdesign::slug(&chapter.title);
        let n: &mut u32 = taken.entry(slug.clone()).or_default();
        *n += 1;
        let folder = if *n == 1 { slug } else { format!("{slug}-{n}") };
        Design {
            folder: Some(folder),
            chapter,
        }
    });
    Ok(Some(named.collect()))
}

fn check(folder: &Folder, files: &BTreeMap<String, &str>, gone: &[String]) -> Result<u8> {
    let mut report = String::new();
    let mut drifted = 0_usize;
    for (path, want) in files {
        let have = folder.text(path)?;
        if have.as_deref() == Some(*want) {
            continue;
        }
        drifted += 1;
        let (old, from) = match &have {
            Some(text) => (text.as_str(), path.as_str()),
            None => ("", "/dev/null"),
        };
        report.push_str(
            &similar::TextDiff::from_lines(old, *want)
                .unified_diff()
                .header(from, path)
                .to_string(),
        );
    }
    for path in gone {
        drifted += 1;
        report.push_str(&format!("{path} is no longer a file of the design\n"));
    }
    super::out(&report)?;
    super::err(&if drifted == 0 {
        format!("msdesign: {} files are the design's\n", files.len())
    } else {
        format!(
            "msdesign: {drifted} of {} files differ from the design\n",
            files.len() + gone.len()
        )
    });
    Ok(u8::from(drifted > 0))
}
