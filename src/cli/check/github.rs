//! `--format github`: workflow commands that GitHub Actions shows at the lines of a pull request.

use msdesign::diag::Severity;

use super::Found;

/// One command a finding.
pub(super) fn report(found: &[Found<'_>]) -> String {
    found.iter().map(one).collect()
}

fn one(f: &Found<'_>) -> String {
    let d = f.diagnostic;
    let kind = match d.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "notice",
    };
    let mut place = format!(
        "file={},line={},endLine={}",
        property(&f.at.file),
        f.at.line,
        f.at.end_line
    );
    // Columns of several lines are refused, and an end names the last character that belongs to it.
    if f.at.line == f.at.end_line {
        let last = f.at.end_column.saturating_sub(1).max(f.at.column);
        place.push_str(&format!(",col={},endColumn={last}", f.at.column));
    }
    let help = d
        .help
        .as_ref()
        .map_or_else(String::new, |h| format!("\nhelp: {h}"));
    format!(
        "::{kind} {place},title={}::{}\n",
        property(d.rule),
        data(&format!("{}{help}", d.message))
    )
}

/// What stands after the second `::`.
fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// The value of a property.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
