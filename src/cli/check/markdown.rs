//! `--format markdown`: a table for the comment of a review.

use std::fmt::Write as _;

use msdesign::diag::{self, Diagnostic};

use super::Found;

/// What was found in one line, and a table of it.
pub(super) fn report(found: &[Found<'_>]) -> String {
    let all: Vec<Diagnostic> = found.iter().map(|f| f.diagnostic.clone()).collect();
    let mut out = format!("**msdesign: {}**\n", diag::summary(&all));
    if found.is_empty() {
        return out;
    }
    out.push_str("\n| severity | rule | place | finding | instead |\n|---|---|---|---|---|\n");
    for f in found {
        let d = f.diagnostic;
        let _ = writeln!(
            out,
            "| {} | `{}` | {}:{}:{} | {} | {} |",
            d.severity.name(),
            d.rule,
            plain(&f.at.file),
            f.at.line,
            f.at.column,
            cell(&d.message),
            cell(d.help.as_deref().unwrap_or_default())
        );
    }
    out
}

/// A sentence with its `` `names` `` as code, and nothing else as markup.
fn cell(text: &str) -> String {
    let parts: Vec<&str> = text.split('`').collect();
    if parts.len().is_multiple_of(2) {
        return plain(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for (i, part) in parts.iter().enumerate() {
        if i % 2 == 1 && !part.trim().is_empty() {
            let code: String = part.replace(['\n', '\r'], " ").replace('|', "\\|");
            let _ = write!(out, "`{code}`");
        } else {
            out.push_str(&plain(part));
        }
    }
    out
}

fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '\n' | '\r' => out.push(' '),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '>' | '#' | '~' | '!' | '@' | '$' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}
