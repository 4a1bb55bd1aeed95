//! `--format junit`: a suite for each file and a case for each finding, as GitLab and Jenkins read them.

use std::fmt::Write as _;

use msdesign::diag::Severity;

use super::Found;

/// Findings at or above `fail_on` are failures; the others pass and say what they are.
pub(super) fn report(files: &[String], found: &[Found<'_>], fail_on: Severity) -> String {
    let mut names: Vec<&str> = files.iter().map(String::as_str).collect();
    names.extend(found.iter().map(|f| f.at.file.as_str()));
    names.sort_unstable();
    names.dedup();
    let failures = |of: &[&Found<'_>]| {
        let failed = of.iter().filter(|f| f.diagnostic.severity >= fail_on);
        failed.count()
    };
    let every: Vec<&Found<'_>> = found.iter().collect();
    let mut suites = String::new();
    let mut tests = 0;
    for name in names {
        let here: Vec<&Found<'_>> = found.iter().filter(|f| f.at.file == name).collect();
        tests += here.len().max(1);
        let file = escape(name);
        let _ = writeln!(
            suites,
            "  <testsuite name=\"{file}\" tests=\"{}\" failures=\"{}\" errors=\"0\" skipped=\"0\" time=\"0\">",
            here.len().max(1),
            failures(&here)
        );
        if here.is_empty() {
            let _ = writeln!(
                suites,
                "    <testcase classname=\"{file}\" name=\"no findings\" file=\"{file}\" time=\"0\"/>"
            );
        }
        for f in here {
            case(&mut suites, &file, f, fail_on);
        }
        suites.push_str("  </testsuite>\n");
    }
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <testsuites name=\"mdbook-msdesign\" tests=\"{tests}\" failures=\"{}\" errors=\"0\" time=\"0\">\n\
         {suites}</testsuites>\n",
        failures(&every)
    )
}

fn case(out: &mut String, file: &str, f: &Found<'_>, fail_on: Severity) {
    let d = f.diagnostic;
    let message = escape(&d.message);
    let place = format!("{file}:{}:{}", f.at.line, f.at.column);
    let _ = writeln!(
        out,
        "    <testcase classname=\"{file}\" name=\"{}: {message}\" file=\"{file}\" line=\"{}\" time=\"0\">",
        escape(d.rule),
        f.at.line
    );
    let mut text = format!("{place}: {}: {message}", d.severity.name());
    for label in &d.labels {
        let at = f.sources.locate(label.span);
        let _ = write!(
            text,
            "\n{}:{}:{}: {}",
            escape(&at.file),
            at.line,
            at.column,
            escape(&label.message)
        );
    }
    if let Some(help) = &d.help {
        let _ = write!(text, "\nhelp: {}", escape(help));
    }
    if d.severity >= fail_on {
        let _ = writeln!(
            out,
            "      <failure message=\"{message}\" type=\"{}\">{text}</failure>",
            d.severity.name()
        );
    } else {
        let _ = writeln!(out, "      <system-out>{text}</system-out>");
    }
    out.push_str("    </testcase>\n");
}

/// Text of XML 1.0; characters that no document may hold become U+FFFD.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push_str("&#10;"),
            '\t' | '\r' => out.push(' '),
            c if c < ' ' || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}
