//! Known findings: those of an old system that shall not stop a build, while new ones do.
//!
//! A fingerprint is of the rule, the file, and the message without its numbers, so that neither moved
//! lines nor another value make an old fault a new one. Equal faults are counted in the order of the text.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result, anyhow, bail};
use msdesign::book::loader::read_text;
use msdesign::diag::Diagnostic;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::Found;
use crate::cli::{manifest, shown};

/// A file of known findings.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Baseline {
    version: u32,
    findings: Vec<Entry>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    file: String,
    rule: String,
    /// For the reader of the file; the fingerprint decides.
    message: String,
    fingerprint: String,
}

const VERSION: u32 = 1;

impl Baseline {
    /// The baseline in `file`.
    ///
    /// # Errors
    ///
    /// It cannot be read, or is something else.
    pub(super) fn read(file: &Path) -> Result<Self> {
        let name = shown(file);
        let text = read_text(file).map_err(|e| anyhow!("`{name}` {e}"))?;
        let read: Self = serde_json::from_str(&text)
            .with_context(|| format!("`{name}` is no baseline; `--write-baseline` writes one"))?;
        if read.version != VERSION {
            bail!(
                "`{name}` has version {} of baselines, not {VERSION}",
                read.version
            );
        }
        Ok(read)
    }

    fn prints(&self) -> BTreeSet<&str> {
        let prints = self.findings.iter().map(|e| e.fingerprint.as_str());
        prints.collect()
    }

    /// The findings that are not known.
    pub(super) fn news<'f>(&self, all: &[Found<'f>]) -> Vec<Found<'f>> {
        let known = self.prints();
        all.iter()
            .filter(|f| !known.contains(f.fingerprint.as_str()))
            .cloned()
            .collect()
    }

    /// Whether a run over `files` would have found the entry, were its fault still there.
    fn looked_for(entry: &Entry, files: &[String]) -> bool {
        files.binary_search(&entry.file).is_ok() || !Path::new(&entry.file).exists()
    }

    /// The lines that name the entries which no longer match; empty if all do.
    pub(super) fn stale(&self, all: &[Found<'_>], files: &[String]) -> String {
        let found: BTreeSet<&str> = all.iter().map(|f| f.fingerprint.as_str()).collect();
        let stale: Vec<&Entry> = self
            .findings
            .iter()
            .filter(|e| !found.contains(e.fingerprint.as_str()) && Self::looked_for(e, files))
            .collect();
        let mut out = String::new();
        for e in &stale {
            let _ = writeln!(out, "  {} {}: {}", e.file, e.rule, e.message);
        }
        if !stale.is_empty() {
            let _ = writeln!(
                out,
                "msdesign: {} known findings above are gone; `--write-baseline` forgets them",
                stale.len()
            );
        }
        out
    }

    /// The baseline of what is found now. Entries of files that this run did not read stay.
    pub(super) fn renewed(self, all: &[Found<'_>], files: &[String]) -> Self {
        let old = self.findings.into_iter();
        let mut findings: Vec<Entry> = old.filter(|e| !Self::looked_for(e, files)).collect();
        findings.extend(all.iter().map(|f| Entry {
            file: f.at.file.clone(),
            rule: f.diagnostic.rule.to_owned(),
            message: f.diagnostic.message.clone(),
            fingerprint: f.fingerprint.clone(),
        }));
        findings.sort();
        findings.dedup_by(|a, b| a.fingerprint == b.fingerprint);
        Self {
            version: VERSION,
            findings,
        }
    }

    /// Writes it, and says how many findings are known.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub(super) fn write(&self, file: &Path) -> Result<usize> {
        let mut text =
            serde_json::to_string_pretty(self).context("the baseline cannot be written")?;
        text.push('\n');
        manifest::put(file, &text)?;
        Ok(self.findings.len())
    }
}

/// Hands out fingerprints, in the order of the text.
#[derive(Debug, Default)]
pub(super) struct Fingerprints(BTreeMap<String, usize>);

impl Fingerprints {
    /// That of the next finding in `file`.
    pub(super) fn next(&mut self, file: &str, d: &Diagnostic) -> String {
        let what = format!("{}\n{file}\n{}", d.rule, without_numbers(&d.message));
        let nth = self.0.entry(what.clone()).or_default();
        *nth += 1;
        let digest = Sha256::digest(format!("{what}\n{nth}"));
        digest
            .iter()
            .take(16)
            .fold(String::with_capacity(32), |mut out, byte| {
                let _ = write!(out, "{byte:02x}");
                out
            })
    }
}

/// The message with every number outside of `` `names` `` and quotes as `#`.
fn without_numbers(message: &str) -> String {
    let mut out = String::with_capacity(message.len());
    let mut quote = None;
    for c in message.chars() {
        match quote {
            Some(q) if q == c => quote = None,
            None if matches!(c, '`' | '"') => quote = Some(c),
            None if c.is_ascii_digit() || (c == '.' && out.ends_with('#')) => {
                if !out.ends_with('#') {
                    out.push('#');
                }
                continue;
            }
            _ => {}
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::without_numbers;

    #[test]
    fn numbers_of_the_design_do_not_make_a_fault_a_new_one() {
        assert_eq!(
            without_numbers("`s2` waits 1.5 s (3 × 500 ms) for `s3`"),
            "`s2` waits # s (# × # ms) for `s3`"
        );
    }
}
