//! Changes that a machine can make: what a rule asks for, led to bytes of the author's file.
//!
//! A rule knows places, not the text around them. It asks to write something at a place, or to add a key
//! to a statement, whatever form that has: a bare text in a list, an inline table, or a table below a
//! header. [`Fixer`] finds out which it is and says which bytes change. Comments and layout stay.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::{SourceId, Sources, Span};

/// A mechanical change that mends a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// What the change does, in the imperative: ``set `retries = 0` ``.
    pub description: String,
    /// What changes; all of it, or nothing.
    pub edits: Vec<Edit>,
}

/// One change of a spec.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    /// Puts other text in the place of `span`.
    Write {
        /// What is replaced.
        span: Span,
        /// TOML to put there.
        text: String,
    },
    /// Adds `key = value` to a statement that does not have the key.
    Add {
        /// The statement as the model knows it: a table, or the text that stands for one.
        statement: Span,
        /// The key under which that text stands once it is a table: `call`.
        head: &'static str,
        /// The new key.
        key: &'static str,
        /// Its value as TOML.
        value: String,
    },
}

impl Fix {
    /// A change that does what `description` says; it needs edits.
    #[must_use]
    pub fn new(description: impl Into<String>) -> Self {
        Self {
            description: description.into(),
            edits: Vec::new(),
        }
    }

    /// Puts the TOML `text` in the place of `span`.
    #[must_use]
    pub fn write(mut self, span: Span, text: impl Into<String>) -> Self {
        self.edits.push(Edit::Write {
            span,
            text: text.into(),
        });
        self
    }

    /// Adds `key = value` to the call stated at `statement`.
    #[must_use]
    pub fn add_to_call(self, statement: Span, key: &'static str, value: impl Into<String>) -> Self {
        self.add(statement, "call", key, value)
    }

    /// Adds `key = value` to the event stated at `statement`.
    #[must_use]
    pub fn add_to_event(
        self,
        statement: Span,
        key: &'static str,
        value: impl Into<String>,
    ) -> Self {
        self.add(statement, "event", key, value)
    }

    /// Adds `key = value` to the stream stated at `statement`.
    #[must_use]
    pub fn add_to_stream(
        self,
        statement: Span,
        key: &'static str,
        value: impl Into<String>,
    ) -> Self {
        self.add(statement, "stream", key, value)
    }

    /// Adds `key = value` to the service declared at `statement`.
    #[must_use]
    pub fn add_to_service(
        self,
        statement: Span,
        key: &'static str,
        value: impl Into<String>,
    ) -> Self {
        self.add(statement, "name", key, value)
    }

    fn add(
        mut self,
        statement: Span,
        head: &'static str,
        key: &'static str,
        value: impl Into<String>,
    ) -> Self {
        self.edits.push(Edit::Add {
            statement,
            head,
            key,
            value: value.into(),
        });
        self
    }
}

/// A replacement of bytes of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replacement {
    /// The source whose file it is; [`Replacement::bytes`] are of the whole file.
    pub source: SourceId,
    /// The bytes that go.
    pub bytes: Range<usize>,
    /// What comes.
    pub text: String,
}

/// What stands where in one source.
#[derive(Debug, Default)]
struct Index {
    /// Every text by its first byte.
    texts: BTreeMap<usize, Home>,
    /// Every table by its first byte, and by that of its key.
    tables: BTreeMap<usize, Body>,
    /// The tables with several targets.
    several: BTreeSet<usize>,
}

/// Where a text stands.
#[derive(Clone, Copy, Debug)]
enum Home {
    /// In a list, by itself.
    List,
    /// As a value of a table.
    Table(Body),
}

/// Where a table takes another key.
#[derive(Clone, Copy, Debug)]
enum Body {
    /// In braces, behind the value that ends here, or behind the brace if there is none.
    Inline { end: usize, empty: bool },
    /// Below a header, on a line of its own after the line of this byte.
    Lines(usize),
}

/// Finds out which bytes a fix changes. Every source is read once.
#[derive(Debug)]
pub struct Fixer<'s> {
    sources: &'s Sources,
    known: BTreeMap<SourceId, Index>,
}

impl<'s> Fixer<'s> {
    /// For fixes of findings in `sources`.
    #[must_use]
    pub fn new(sources: &'s Sources) -> Self {
        Self {
            sources,
            known: BTreeMap::new(),
        }
    }

    /// The replacements that make up `fix`, by place and without overlap. `None` where the text leaves no
    /// room for it, such as a statement that speaks of several calls.
    pub fn replacements(&mut self, fix: &Fix) -> Option<Vec<Replacement>> {
        let mut out = Vec::new();
        for edit in &fix.edits {
            match edit {
                Edit::Write { span, text } => out.push(self.at(*span, text)),
                Edit::Add {
                    statement,
                    head,
                    key,
                    value,
                } => self.add(*statement, head, &format!("{key} = {value}"), &mut out)?,
            }
        }
        out.sort_by_key(|r| (r.source, r.bytes.start, r.bytes.end));
        let apart = out.windows(2).all(|w| {
            w[0].source != w[1].source
                || (w[0].bytes.end <= w[1].bytes.start && w[0].bytes != w[1].bytes)
        });
        (apart && !out.is_empty()).then_some(out)
    }

    fn add(
        &mut self,
        statement: Span,
        head: &str,
        entry: &str,
        out: &mut Vec<Replacement>,
    ) -> Option<()> {
        let source = statement.source;
        let content = self.sources.get(source).content();
        let index = self.known.entry(source).or_insert_with(|| read(content));
        let written = content.get(statement.start..statement.end)?;
        let home = match index.texts.get(&statement.start) {
            Some(home) => *home,
            None => Home::Table(*index.tables.get(&statement.start)?),
        };
        // One arrow to several targets states several calls; a key would speak of all of them.
        let several = match written.rsplit_once("-->") {
            Some((_, targets)) if written.starts_with(['"', '\'']) => targets.contains(','),
            _ => index.several.contains(&statement.start),
        };
        if head == "call" && several {
            return None;
        }
        let at = |i: usize| Span::new(source, i..i);
        match home {
            Home::List => {
                out.push(self.at(at(statement.start), &format!("{{ {head} = ")));
                out.push(self.at(at(statement.end), &format!(", {entry} }}")));
            }
            Home::Table(Body::Inline { end, empty: false }) => {
                out.push(self.at(at(end), &format!(", {entry}")));
            }
            Home::Table(Body::Inline { end, empty: true }) => {
                out.push(self.at(at(end), &format!(" {entry} ")));
            }
            Home::Table(Body::Lines(behind)) => {
                let rest = content.get(behind..)?;
                let mut end = behind + rest.find('\n').unwrap_or(rest.len());
                let mut newline = "\n";
                if content[..end].ends_with('\r') {
                    end -= 1;
                    newline = "\r\n";
                }
                let start = content[..end].rfind('\n').map_or(0, |i| i + 1);
                let line = &content[start..end];
                let indent = &line[..line.len() - line.trim_start_matches([' ', '\t']).len()];
                out.push(self.at(at(end), &format!("{newline}{indent}{entry}")));
            }
        }
        Some(())
    }

    /// `text` in the place of `span`, as bytes of the file. New lines begin as those of the block do.
    fn at(&self, span: Span, text: &str) -> Replacement {
        let file = self.sources.get(span.source);
        let bytes = self.sources.locate(span).bytes;
        let text = match file.line_prefix(span.start) {
            "" => text.to_owned(),
            prefix => text.replace('\n', &format!("\n{prefix}")),
        };
        Replacement {
            source: span.source,
            bytes,
            text,
        }
    }
}

/// Where texts and tables stand in a TOML text.
fn read(content: &str) -> Index {
    let (root, _) = DeTable::parse_recoverable(content);
    let mut index = Index::default();
    // A value, and the body of the table it is in; `None` in a list. No recursion: nesting is the author's.
    let mut queue: Vec<(&DeValue<'_>, Range<usize>, Option<usize>, Home)> = Vec::new();
    children(content, root.get_ref(), 0..0, &mut queue);
    while let Some((value, span, key, home)) = queue.pop() {
        match value {
            DeValue::String(_) => {
                index.texts.insert(span.start, home);
            }
            DeValue::Array(items) => {
                for item in items.iter() {
                    queue.push((item.get_ref(), item.span(), None, Home::List));
                }
            }
            DeValue::Table(table) => {
                let body = children(content, table, span.clone(), &mut queue);
                index.tables.insert(span.start, body);
                let to = table.get("to").and_then(|to| to.get_ref().as_array());
                if to.is_some_and(|to| to.len() > 1) {
                    index.several.insert(span.start);
                }
                if let Some(key) = key {
                    index.tables.insert(key, body);
                }
            }
            _ => {}
        }
    }
    index
}

/// Queues the values of `table`, and says where the table takes another key.
fn children<'t>(
    content: &str,
    table: &'t DeTable<'t>,
    span: Range<usize>,
    queue: &mut Vec<(&'t DeValue<'t>, Range<usize>, Option<usize>, Home)>,
) -> Body {
    let braces = content[span.start..].starts_with('{');
    let last = table
        .iter()
        .filter(|(_, v)| braces || !is_below_header(content, v))
        .map(|(_, v)| v.span().end)
        .max();
    let body = match (braces, last) {
        (true, Some(end)) => Body::Inline { end, empty: false },
        (true, None) => Body::Inline {
            end: span.start + 1,
            empty: true,
        },
        (false, last) => Body::Lines(last.unwrap_or(span.end)),
    };
    for (key, value) in table {
        queue.push((
            value.get_ref(),
            value.span(),
            Some(key.span().start),
            Home::Table(body),
        ));
    }
    body
}

/// Whether a value is a table of its own below a header, or made of dotted keys, rather than written
/// behind `=`.
fn is_below_header(content: &str, value: &toml::Spanned<DeValue<'_>>) -> bool {
    let written = content.get(value.span()).unwrap_or_default();
    match value.get_ref() {
        DeValue::Table(_) => !written.starts_with('{'),
        DeValue::Array(items) => items.iter().any(|item| {
            item.get_ref().is_table()
                && !content
                    .get(item.span())
                    .unwrap_or_default()
                    .starts_with('{')
        }),
        _ => false,
    }
}

/// `text` with the replacements made; they must lie in it by place and without overlap.
#[must_use]
pub fn apply<'r>(text: &str, replacements: impl IntoIterator<Item = &'r Replacement>) -> String {
    let mut out = String::with_capacity(text.len() + 64);
    let mut at = 0;
    for r in replacements {
        out.push_str(text.get(at..r.bytes.start).unwrap_or_default());
        out.push_str(&r.text);
        at = r.bytes.end;
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::SourceFile;

    /// `text` with `x = 1` added to the statement that starts with `anchor`.
    fn added(text: &str, anchor: &str) -> Option<String> {
        let start = text.find(anchor)?;
        let mut sources = Sources::default();
        let id = sources.add(SourceFile::whole("x.toml", text));
        let span = Span::new(id, start..start + anchor.len());
        let fix = Fix::new("add").add_to_call(span, "x", "1");
        let made = Fixer::new(&sources).replacements(&fix)?;
        Some(apply(text, &made))
    }

    #[test]
    fn a_key_goes_where_its_form_has_room() {
        for (text, anchor, want) in [
            (
                "sync = [\n  \"a --X--> b\", # why\n]\n",
                "\"a --X--> b\"",
                "sync = [\n  { call = \"a --X--> b\", x = 1 }, # why\n]\n",
            ),
            (
                "sync = [{ call = \"a --X--> b\" }]",
                "\"a --X--> b\"",
                "sync = [{ call = \"a --X--> b\", x = 1 }]",
            ),
            (
                "sync = [{ call = \"a --X--> b\", rate = 2, }]",
                "\"a --X--> b\"",
                "sync = [{ call = \"a --X--> b\", rate = 2, x = 1, }]",
            ),
            (
                "sync = [{ from = 'a', to = \"b\" # }\n }]",
                "{ from = 'a', to = \"b\" # }\n }",
                "sync = [{ from = 'a', to = \"b\", x = 1 # }\n }]",
            ),
            (
                "[[sync]]\n  call = \"a --X--> b\" # c\n\n[[sync]]\nfrom = \"c\"",
                "\"a --X--> b\"",
                "[[sync]]\n  call = \"a --X--> b\" # c\n  x = 1\n\n[[sync]]\nfrom = \"c\"",
            ),
            (
                "[[sync]]\r\nfrom = \"c\"\r\n\r\n[lint]\r\n",
                "[[sync]]",
                "[[sync]]\r\nfrom = \"c\"\r\nx = 1\r\n\r\n[lint]\r\n",
            ),
            (
                "[services.a]\n[services.a.slo]\np99 = \"1s\"\n",
                "a]",
                "[services.a]\nx = 1\n[services.a.slo]\np99 = \"1s\"\n",
            ),
        ] {
            let got = added(text, anchor);
            assert_eq!(got.as_deref(), Some(want));
            assert!(toml::from_str::<toml::Table>(want).is_ok(), "{want}");
        }
    }

    #[test]
    fn a_statement_of_several_calls_is_left_alone() {
        assert_eq!(
            added("sync = [\"a --X--> b, c\"]", "\"a --X--> b, c\""),
            None
        );
        let table = "{ from = \"a\", to = [\"b\", \"c\"] }";
        assert_eq!(added(&format!("sync = [{table}]"), table), None);
    }
}
