//! `--fix`: makes the changes that findings propose, and touches no other byte.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::{Result, bail};
use msdesign::book::fences;
use msdesign::diag::{Fixer, Replacement, Sources, apply};
use toml::de::DeTable;

use super::Found;
use crate::cli::{files, manifest, shown};

/// After so many rounds of changes what is left stays: two rules might undo each other's changes.
pub(super) const MOST_ROUNDS: usize = 12;

/// A change that was made.
#[derive(Debug)]
pub(super) struct Made {
    place: String,
    rule: &'static str,
    description: String,
}

/// One file with the changes that go together.
struct Change {
    /// The file's text before its findings were made.
    text: String,
    replacements: Vec<Replacement>,
    made: Vec<Made>,
}

/// Makes every change that does not overlap one before it. All of a change is made, or nothing.
///
/// # Errors
///
/// A file cannot be written.
pub(super) fn round(found: &[Found<'_>]) -> Result<Vec<Made>> {
    let mut changes: BTreeMap<String, Change> = BTreeMap::new();
    for group in found.chunk_by(|a, b| std::ptr::eq(a.sources, b.sources)) {
        let Some(first) = group.first() else { continue };
        let mut fixer = Fixer::new(first.sources);
        for f in group {
            let wanted = f.diagnostic.fix.as_ref();
            let Some((fix, replacements)) =
                wanted.and_then(|fix| Some((fix, fixer.replacements(fix)?)))
            else {
                continue;
            };
            if is_moved(&changes, f) {
                continue;
            }
            take(&mut changes, first.sources, replacements, || Made {
                place: format!("{}:{}", f.at.file, f.at.line),
                rule: f.diagnostic.rule,
                description: fix.description.clone(),
            });
        }
    }
    let mut made = Vec::new();
    for (name, change) in changes {
        if write(&name, &change)? {
            made.extend(change.made);
        }
    }
    Ok(made)
}

/// Whether a change that was taken rewrites what the finding speaks of: its own change was worked out from
/// what stood there, so the finding is looked at again in the next round.
fn is_moved(changes: &BTreeMap<String, Change>, f: &Found<'_>) -> bool {
    let d = f.diagnostic;
    std::iter::once(&d.primary).chain(&d.labels).any(|label| {
        let at = f.sources.locate(label.span);
        changes.get(&at.file).is_some_and(|change| {
            let mut changed = change.replacements.iter();
            changed.any(|r| r.bytes.start < at.bytes.end && at.bytes.start < r.bytes.end)
        })
    })
}

/// Adds a change to those of its file, if it is all in one file and free of the others.
fn take(
    changes: &mut BTreeMap<String, Change>,
    sources: &Sources,
    replacements: Vec<Replacement>,
    made: impl Fn() -> Made,
) {
    let files: BTreeSet<&str> = replacements
        .iter()
        .map(|r| sources.get(r.source).name())
        .collect();
    let (Some(name), 1, Some(first)) = (files.first(), files.len(), replacements.first()) else {
        return;
    };
    let change = changes.entry((*name).to_owned()).or_insert_with(|| Change {
        text: sources.get(first.source).text().to_owned(),
        replacements: Vec::new(),
        made: Vec::new(),
    });
    // Blocks of one file are sources of their own, but of the same text.
    if change.text != sources.get(first.source).text() {
        return;
    }
    // Changes that touch are left for the next round, which sees the text between them anew.
    let (start, end) = replacements.iter().fold((usize::MAX, 0), |(a, b), r| {
        (a.min(r.bytes.start), b.max(r.bytes.end))
    });
    let mut rest = change.replacements.iter();
    if rest.any(|r| r.bytes.start <= end && start <= r.bytes.end) {
        return;
    }
    change.replacements.extend(replacements);
    change.made.push(made());
}

/// Writes the file, if it still is what was read and stays TOML. `false` if it was left alone.
fn write(name: &str, change: &Change) -> Result<bool> {
    let path = PathBuf::from(name);
    // The text of a block that was put together by includes is in no file.
    let Ok(bytes) = std::fs::read(&path) else {
        return Ok(false);
    };
    let Ok(text) = String::from_utf8(bytes) else {
        return Ok(false);
    };
    let mark = if text == change.text {
        ""
    } else if text.strip_prefix('\u{feff}') == Some(&change.text) {
        "\u{feff}"
    } else {
        return Ok(false);
    };
    let mut replacements: Vec<&Replacement> = change.replacements.iter().collect();
    replacements.sort_by_key(|r| r.bytes.start);
    let mended = apply(&change.text, replacements);
    if !is_sound(&path, &change.text, &mended) {
        bail!(
            "the changes of `{}` would break it, so nothing was written there",
            shown(&path)
        );
    }
    // Through a link the file behind it is written.
    let real = path.canonicalize().unwrap_or(path);
    manifest::replace(&real, &format!("{mark}{mended}"))?;
    Ok(true)
}

/// Whether the file has the same blocks as before, and each of them is TOML.
fn is_sound(path: &std::path::Path, before: &str, after: &str) -> bool {
    let toml = |text: &str| DeTable::parse_recoverable(text).1.is_empty();
    if files::is_spec(path) {
        return toml(after);
    }
    let (old, new) = (fences::find(before), fences::find(after));
    old.len() == new.len()
        && old
            .iter()
            .zip(&new)
            .all(|(a, b)| toml(&b.content) || !toml(&a.content))
}

/// What was done, one line a change, and a line that counts.
pub(super) fn report(made: &[Made]) -> String {
    let mut out = String::new();
    for m in made {
        let _ = writeln!(out, "{}: {} ({})", m.place, m.description, m.rule);
    }
    let _ = match made.len() {
        0 => writeln!(out, "msdesign: nothing to fix"),
        1 => writeln!(out, "msdesign: 1 change made"),
        n => writeln!(out, "msdesign: {n} changes made"),
    };
    out
}
