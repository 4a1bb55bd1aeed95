//! The info string: `msdesign`, then attributes such as `sections=sync+async` or `include="a.toml"`.

use std::ops::Range;

use super::fences::WORD;
use crate::diag::{Diagnostic, SourceId, Span, nearest};

/// The attributes that a block may have.
const KEYS: [&str; 3] = ["sections", "include", "depth"];

/// What the info string says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Info {
    /// Ids of the sections to show.
    pub sections: Option<Vec<String>>,
    /// Spec files to merge, relative to the chapter.
    pub include: Vec<String>,
    /// Heading level of the title.
    pub depth: Option<u8>,
}

/// Reads the info string `text`, which is the content of `source`; every fault is reported.
#[must_use]
pub fn parse(source: SourceId, text: &str) -> (Info, Vec<Diagnostic>) {
    let mut info = Info::default();
    let mut faults = Vec::new();
    let mut seen: Vec<&str> = Vec::new();
    for item in items(text) {
        let span = |r: &Range<usize>| Span::new(source, r.clone());
        let Some(value) = &item.value else {
            let word = &text[item.key.clone()];
            faults.push(
                Diagnostic::error(
                    "invalid-value",
                    span(&item.key),
                    format!("`{word}` needs a value"),
                )
                .help(format!("attributes are written as in `{}`", example(word))),
            );
            continue;
        };
        let key = &text[item.key.clone()];
        if !item.closed {
            faults.push(Diagnostic::error(
                "syntax",
                span(value),
                format!("the quotation mark of `{key}` is not closed"),
            ));
            continue;
        }
        if seen.contains(&key) {
            faults.push(Diagnostic::error(
                "duplicate-name",
                span(&item.key),
                format!("`{key}` is given twice"),
            ));
            continue;
        }
        seen.push(key);
        let written = &text[value.clone()];
        match key {
            "sections" | "include" => {
                let list = list(written);
                if list.is_empty() {
                    faults.push(
                        Diagnostic::error(
                            "invalid-value",
                            span(value),
                            format!("`{key}` is empty"),
                        )
                        .help(format!("for example `{}`", example(key))),
                    );
                } else if key == "sections" {
                    info.sections = Some(list);
                } else {
                    info.include = list;
                }
            }
            "depth" => match written.parse::<u8>() {
                Ok(depth @ 1..=4) => info.depth = Some(depth),
                _ => faults.push(
                    Diagnostic::error(
                        "invalid-value",
                        span(value),
                        format!("`{written}` is not a heading level"),
                    )
                    .help("the level of the block's title goes from 1 to 4"),
                ),
            },
            _ => {
                let help = match nearest(key, KEYS) {
                    Some(known) => format!("did you mean `{known}`?"),
                    None => format!(
                        "a block takes {}",
                        KEYS.map(|k| format!("`{k}`")).join(", ")
                    ),
                };
                faults.push(
                    Diagnostic::error(
                        "unknown-key",
                        span(&item.key),
                        format!("a block has no attribute `{key}`"),
                    )
                    .help(help),
                );
            }
        }
    }
    (info, faults)
}

fn example(word: &str) -> &'static str {
    match nearest(word, KEYS).unwrap_or(word) {
        "include" => "include=specs/shop.toml",
        "depth" => "depth=2",
        _ => "sections=interactions+alerts",
    }
}

fn list(written: &str) -> Vec<String> {
    written
        .split(['+', ' ', '\t', ','])
        .filter(|w| !w.is_empty())
        .map(str::to_owned)
        .collect()
}

/// `key`, `key=value` or `key="value"`; ranges are of the info string.
struct Item {
    key: Range<usize>,
    value: Option<Range<usize>>,
    /// Whether a quoted value has its second mark.
    closed: bool,
}

fn items(text: &str) -> Vec<Item> {
    let mut out = Vec::new();
    let is_gap = |c: char| c == ',' || c.is_whitespace();
    let mut at = WORD.len().min(text.len());
    loop {
        let rest = &text[at..];
        let skip = rest.len() - rest.trim_start_matches(is_gap).len();
        at += skip;
        let rest = &text[at..];
        if rest.is_empty() {
            return out;
        }
        let key_len = rest.find(|c| c == '=' || is_gap(c)).unwrap_or(rest.len());
        let key = at..at + key_len;
        at += key_len;
        if !text[at..].starts_with('=') {
            out.push(Item {
                key,
                value: None,
                closed: true,
            });
            continue;
        }
        at += 1;
        let rest = &text[at..];
        let (value, closed) = match rest.chars().next() {
            Some(mark @ ('"' | '\'')) => match rest[1..].find(mark) {
                Some(end) => (at + 1..at + 1 + end, true),
                None => (at..text.len(), false),
            },
            _ => (at..at + rest.find(is_gap).unwrap_or(rest.len()), true),
        };
        at = if closed && rest.starts_with(['"', '\'']) {
            value.end + 1
        } else {
            value.end
        };
        out.push(Item {
            key,
            value: Some(value),
            closed,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Info, Vec<Diagnostic>) {
        parse(SourceId::default(), text)
    }

    #[test]
    fn attributes_are_separated_by_commas_or_blanks() {
        let want = Info {
            sections: Some(vec!["interactions".into(), "alerts".into()]),
            include: vec!["a b.toml".into()],
            depth: Some(2),
        };
        let (info, faults) = read("msdesign,sections=\"interactions alerts\",depth=2");
        assert_eq!(
            (info.sections, info.depth),
            (want.sections.clone(), Some(2))
        );
        assert!(faults.is_empty());
        let (info, faults) = read("msdesign sections=interactions+alerts, depth='2'");
        assert_eq!((info.sections, info.depth), (want.sections, Some(2)));
        assert!(faults.is_empty());
        assert_eq!(read("msdesign").0, Info::default());
        assert_eq!(read("msdesign, ").1.len(), 0);
    }

    #[test]
    fn every_fault_is_reported_at_its_place() {
        let text = "msdesign,section=sync depth=9 include flavour=x depth=1 sections=\"a";
        let (_, faults) = read(text);
        let seen: Vec<(&str, &str)> = faults
            .iter()
            .map(|d| (d.rule, &text[d.primary.span.start..d.primary.span.end]))
            .collect();
        assert_eq!(
            seen,
            [
                ("unknown-key", "section"),
                ("invalid-value", "9"),
                ("invalid-value", "include"),
                ("unknown-key", "flavour"),
                ("duplicate-name", "depth"),
                ("syntax", "\"a"),
            ]
        );
        assert_eq!(faults[0].help.as_deref(), Some("did you mean `sections`?"));
    }
}
