//! The preprocessor: one read of stdin, one write to stdout.

use std::io::{IsTerminal as _, Read as _};

use anyhow::{Context as _, Result, bail};

/// Runs it.
///
/// # Errors
///
/// stdin is a terminal, or holds something else than what mdBook writes.
pub(super) fn run() -> Result<u8> {
    let mut stdin = std::io::stdin().lock();
    if stdin.is_terminal() {
        bail!(
            "this is an mdBook preprocessor and reads a book from stdin; \
             see `mdbook-msdesign --help` for what else it does"
        );
    }
    let mut input = Vec::new();
    stdin
        .read_to_end(&mut input)
        .context("stdin cannot be read")?;
    let outcome = msdesign::book::preprocess(&input, &msdesign::compile)?;
    super::err(&outcome.report);
    match outcome.output {
        Some(book) => super::out(&book).map(|()| 0),
        None => Ok(1),
    }
}
