//! `[preprocessor.msdesign]`: what a book sets for all of its blocks.

use std::ops::Range;
use std::path::Path;

use serde_json::{Map, Value};
use toml::de::DeTable;

use crate::diag::{Diagnostic, SourceFile, SourceId, Sources, Span, nearest};
use crate::{DiagramForm, Links};

/// Whether a broken block stops the build.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum OnError {
    /// The build stops with one report of everything.
    #[default]
    Fail,
    /// The report stands in the page, in place of the block.
    Render,
}

/// What becomes of what is found in a design that can be built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Warnings {
    /// It stands in the chapter, and is counted on stderr.
    #[default]
    Show,
    /// It is not shown.
    Hide,
    /// A warning or an error stops the build.
    Fail,
}

/// The configuration of one book.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// What a broken block does.
    pub on_error: OnError,
    /// What warnings do.
    pub warnings: Warnings,
    /// `language`, `infrastructure`, `[defaults]` and `[lint]` as TOML; empty if none is set.
    pub book: String,
    /// The form of diagrams.
    pub diagram: Option<DiagramForm>,
    /// Link templates.
    pub links: Links,
    /// Whether sections become sub-chapters of the sidebar.
    pub subchapters: bool,
    /// Whether pages hold a script that remembers the reader's choice among tabs.
    pub remember_tabs: bool,
}

/// A fault of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The keys that lead to it, from `[preprocessor.msdesign]` on.
    pub path: Vec<String>,
    /// The id of the rule it breaks.
    pub rule: &'static str,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
}

const OWN: [&str; 10] = [
    "on-error",
    "warnings",
    "language",
    "infrastructure",
    "defaults",
    "diagram",
    "links",
    "subchapters",
    "remember-tabs",
    "lint",
];
/// mdBook's own keys of a preprocessor's table.
const MDBOOK: [&str; 6] = [
    "command",
    "before",
    "after",
    "renderers",
    "renderer",
    "optional",
];
const LINKS: [&str; 4] = ["team", "runbook", "dashboard", "rule"];
const DIAGRAMS: [(&str, DiagramForm); 6] = [
    ("svg", DiagramForm::Svg),
    ("mermaid", DiagramForm::Mermaid),
    ("text", DiagramForm::Text),
    ("dot", DiagramForm::Dot),
    ("d2", DiagramForm::D2),
    ("plantuml", DiagramForm::PlantUml),
];

/// The diagram form called `name`.
#[must_use]
pub fn diagram(name: &str) -> Option<DiagramForm> {
    DIAGRAMS.iter().find(|(n, _)| *n == name).map(|(_, d)| *d)
}

/// The configuration in the table `preprocessor.msdesign` of a book's configuration, with every fault
/// of it. `None` is a book that has no such table.
#[must_use]
pub fn read(table: Option<&Value>) -> (Config, Vec<Fault>) {
    let mut config = Config::default();
    let mut faults = Vec::new();
    let table = match table {
        None | Some(Value::Null) => return (config, faults),
        Some(Value::Object(table)) => table,
        Some(_) => {
            faults.push(fault(
                &[],
                "invalid-value",
                "`msdesign` must be a table",
                None,
            ));
            return (config, faults);
        }
    };
    let mut book = Map::new();
    for (key, value) in table {
        match key.as_str() {
            "on-error" => {
                let forms = [("fail", OnError::Fail), ("render", OnError::Render)];
                choose(key, value, &forms, &mut faults, |v| config.on_error = v);
            }
            "warnings" => {
                let forms = [
                    ("show", Warnings::Show),
                    ("hide", Warnings::Hide),
                    ("fail", Warnings::Fail),
                ];
                choose(key, value, &forms, &mut faults, |v| config.warnings = v);
            }
            "diagram" => choose(key, value, &DIAGRAMS, &mut faults, |v| {
                config.diagram = Some(v);
            }),
            "subchapters" => switch(key, value, &mut faults, &mut config.subchapters),
            "remember-tabs" => switch(key, value, &mut faults, &mut config.remember_tabs),
            "links" => read_links(value, &mut config.links, &mut faults),
            // What these may be is the spec language's business; it is checked with every block.
            "language" | "infrastructure" | "defaults" | "lint" => {
                book.insert(key.clone(), value.clone());
            }
            _ if MDBOOK.contains(&key.as_str()) => {}
            _ => faults.push(unknown(&[key], key, OWN)),
        }
    }
    if !book.is_empty() {
        match to_toml(book) {
            Ok(text) => config.book = text,
            Err(message) => faults.push(fault(&["defaults"], "invalid-value", &message, None)),
        }
    }
    (config, faults)
}

fn read_links(value: &Value, links: &mut Links, faults: &mut Vec<Fault>) {
    let Value::Object(table) = value else {
        faults.push(fault(
            &["links"],
            "invalid-value",
            "`links` must be a table",
            Some("for example `links = { runbook = \"https://wiki.example/{name}\" }`"),
        ));
        return;
    };
    for (key, value) in table {
        let slot = match key.as_str() {
            "team" => &mut links.team,
            "runbook" => &mut links.runbook,
            "dashboard" => &mut links.dashboard,
            "rule" => &mut links.rule,
            _ => {
                faults.push(unknown(&["links", key], key, LINKS));
                continue;
            }
        };
        match value {
            Value::String(s) if is_template(s) => *slot = Some(s.clone()),
            Value::String(s) => faults.push(fault(
                &["links", key],
                "invalid-value",
                &format!("`{s}` is not a link that a page may hold"),
                Some("`http`, `https`, `mailto` and relative links are taken"),
            )),
            _ => faults.push(fault(
                &["links", key],
                "invalid-value",
                &format!("`links.{key}` must be a string"),
                None,
            )),
        }
    }
}

/// Whether a link template has no scheme, or one that cannot run a script.
fn is_template(link: &str) -> bool {
    let head = &link[..link.find(['/', '?', '#', '{']).unwrap_or(link.len())];
    let clean = !link.is_empty() && !link.chars().any(|c| c.is_control() || c.is_whitespace());
    clean
        && match head.split_once(':') {
            Some((scheme, _)) => ["http", "https", "mailto"]
                .iter()
                .any(|s| scheme.eq_ignore_ascii_case(s)),
            None => true,
        }
}

fn switch(key: &str, value: &Value, faults: &mut Vec<Fault>, slot: &mut bool) {
    match value {
        Value::Bool(b) => *slot = *b,
        _ => faults.push(fault(
            &[key],
            "invalid-value",
            &format!("`{key}` must be `true` or `false`"),
            None,
        )),
    }
}

fn choose<T: Copy>(
    key: &str,
    value: &Value,
    forms: &[(&str, T)],
    faults: &mut Vec<Fault>,
    set: impl FnOnce(T),
) {
    let names = || forms.iter().map(|(n, _)| *n);
    if let Some(word) = value.as_str() {
        if let Some((_, v)) = forms.iter().find(|(n, _)| *n == word) {
            set(*v);
            return;
        }
        let help = match nearest(word, names()) {
            Some(known) => format!("did you mean `{known}`?"),
            None => one_of(names()),
        };
        let message = format!("`{key}` cannot be `{word}`");
        faults.push(fault(&[key], "invalid-value", &message, Some(&help)));
    } else {
        let message = format!("`{key}` must be a string");
        let help = one_of(names());
        faults.push(fault(&[key], "invalid-value", &message, Some(&help)));
    }
}

fn one_of<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.map(|n| format!("`\"{n}\"`")).collect();
    format!("one of {}", names.join(", "))
}

fn unknown<const N: usize>(path: &[&str], key: &str, known: [&str; N]) -> Fault {
    let help = match nearest(key, known) {
        Some(k) => format!("did you mean `{k}`?"),
        None => format!(
            "the keys are {}",
            known.map(|k| format!("`{k}`")).join(", ")
        ),
    };
    let table = match path {
        [_] => "preprocessor.msdesign".to_owned(),
        [outer @ .., _] => format!("preprocessor.msdesign.{}", outer.join(".")),
        [] => String::new(),
    };
    let message = format!("`[{table}]` has no key `{key}`");
    fault(path, "unknown-key", &message, Some(&help))
}

fn fault(path: &[&str], rule: &'static str, message: &str, help: Option<&str>) -> Fault {
    Fault {
        path: path.iter().map(|s| (*s).to_owned()).collect(),
        rule,
        message: message.to_owned(),
        help: help.map(str::to_owned),
    }
}

/// The table as TOML, nulls left out: mdBook 0.5 writes them for values that are not set.
fn to_toml(table: Map<String, Value>) -> Result<String, String> {
    fn without_nulls(value: Value) -> Option<Value> {
        Some(match value {
            Value::Null => return None,
            Value::Array(a) => Value::Array(a.into_iter().filter_map(without_nulls).collect()),
            Value::Object(o) => Value::Object(
                o.into_iter()
                    .filter_map(|(k, v)| Some((k, without_nulls(v)?)))
                    .collect(),
            ),
            other => other,
        })
    }
    let Some(value) = without_nulls(Value::Object(table)) else {
        return Ok(String::new());
    };
    toml::to_string(&value).map_err(|e| format!("the table cannot be written as TOML: {e}"))
}

/// The faults as findings in `book_toml`, the text of the book's configuration file called `name`. A fault that is
/// not written there (it came from the environment) stands at the table's head, or at the file's.
#[must_use]
pub fn diagnose(faults: &[Fault], name: &str, book_toml: &str) -> (Sources, Vec<Diagnostic>) {
    let mut sources = Sources::default();
    let id = sources.add(SourceFile::whole(name, book_toml));
    let (document, _) = DeTable::parse_recoverable(book_toml);
    let diagnostics = faults
        .iter()
        .map(|f| {
            let mut keys = vec!["preprocessor", "msdesign"];
            keys.extend(f.path.iter().map(String::as_str));
            let mut table = Some(document.get_ref());
            let mut range = 0..0;
            for key in keys {
                let Some((name, value)) = table.and_then(|t| t.get_key_value(key)) else {
                    break;
                };
                range = name.span();
                // A wrong value is underlined itself, an unknown key by its name.
                if f.rule == "invalid-value" && f.path.last().is_some_and(|last| last == key) {
                    range = value.span();
                }
                table = value.get_ref().as_table();
            }
            Diagnostic::error(f.rule, Span::new(id, range), f.message.clone())
                .maybe_help(f.help.clone())
        })
        .collect();
    (sources, diagnostics)
}

/// Leads findings in the source `book` (see [`Config::book`]) to the book's configuration `file`, called `name`. The
/// file is read only if there are any; what is not written there stays where it is.
pub(super) fn trace(
    sources: &mut Sources,
    book: SourceId,
    name: &str,
    file: &Path,
    diagnostics: &mut [Diagnostic],
) {
    let mut spans: Vec<&mut Span> = diagnostics
        .iter_mut()
        .flat_map(|d| std::iter::once(&mut d.primary).chain(&mut d.labels))
        .map(|label| &mut label.span)
        .filter(|span| span.source == book)
        .collect();
    if spans.is_empty() {
        return;
    }
    let Ok(written) = super::loader::read_text(file) else {
        return;
    };
    let sent = sources.get(book).content().to_owned();
    let (from, _) = DeTable::parse_recoverable(&sent);
    let (to, _) = DeTable::parse_recoverable(&written);
    let own = ["preprocessor", "msdesign"]
        .into_iter()
        .try_fold(to.get_ref(), |table, key| {
            table.get(key)?.get_ref().as_table()
        });
    let Some(own) = own else {
        return;
    };
    let id = sources.add(SourceFile::whole(name, written.as_str()));
    for span in &mut spans {
        if let Some(range) = counterpart((&sent, from.get_ref()), (&written, own), span) {
            **span = Span::new(id, range);
        }
    }
}

/// Where `span` of the first text stands in the second, which has the same keys and values in another layout.
fn counterpart(
    (sent, mut from): (&str, &DeTable<'_>),
    (written, mut to): (&str, &DeTable<'_>),
    span: &Span,
) -> Option<Range<usize>> {
    let holds = |r: &Range<usize>| r.start <= span.start && span.end <= r.end;
    let mut nearest = None;
    loop {
        // Values of dotted tables have no place of their own, so keys are looked through as well.
        let next = from.iter().find_map(|(key, value)| {
            let (other, there) = to.get_key_value(key.get_ref().as_ref())?;
            if holds(&key.span()) {
                return Some((other.span(), None));
            }
            let tables = value.get_ref().as_table().zip(there.get_ref().as_table());
            if let Some((inner, _)) = tables {
                let inside = holds(&value.span()) || contains(inner, &holds);
                return inside.then_some((other.span(), tables));
            }
            holds(&value.span()).then(|| {
                let (a, b) = (value.span(), there.span());
                // The same text: the place inside it is the same too.
                let same = sent.get(a.clone()) == written.get(b.clone());
                let range = if same {
                    b.start + (span.start - a.start)..b.start + (span.end - a.start)
                } else {
                    b
                };
                (range, None)
            })
        });
        match next {
            Some((range, None)) => return Some(range),
            Some((range, Some((inner, other)))) => {
                nearest = Some(range);
                (from, to) = (inner, other);
            }
            None => return nearest,
        }
    }
}

/// Whether a key or value of the table, however deep, is at the place that `holds` looks for.
fn contains(table: &DeTable<'_>, holds: &dyn Fn(&Range<usize>) -> bool) -> bool {
    table.iter().any(|(key, value)| {
        holds(&key.span())
            || holds(&value.span())
            || value
                .get_ref()
                .as_table()
                .is_some_and(|t| contains(t, holds))
    })
}
