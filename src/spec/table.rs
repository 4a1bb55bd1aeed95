//! A TOML table read key by key, where every mistake is noted and reading goes on.
//!
//! The keys that a caller asks for are remembered; [`Table::finish`] reports all others, so the list of
//! known keys cannot drift from the code that reads them.

use toml::Spanned as Raw;
use toml::de::{DeArray, DeTable, DeValue};

use super::{Spanned, Text};
use crate::diag::{Diagnostic, SourceId, Span, nearest};

/// What reading a source needs everywhere: where we are and where mistakes go.
pub(super) struct Context<'d> {
    pub(super) source: SourceId,
    pub(super) content: &'d str,
    pub(super) out: &'d mut Vec<Diagnostic>,
}

impl Context<'_> {
    pub(super) fn span(&self, range: std::ops::Range<usize>) -> Span {
        Span::new(self.source, range)
    }

    /// What stands at `span`.
    pub(super) fn slice(&self, span: Span) -> &str {
        self.content.get(span.start..span.end).unwrap_or_default()
    }

    pub(super) fn report(&mut self, d: Diagnostic) {
        self.out.push(d);
    }

    /// The place of bytes `start..end` of a string's value, as far as the source shows it: a string
    /// with escapes has no such place, and the whole string stands for it.
    pub(super) fn inside(&self, text: &Text, start: usize, end: usize) -> Span {
        let raw = self
            .content
            .get(text.span.start..text.span.end)
            .unwrap_or_default();
        for quote in ["\"\"\"", "'''", "\"", "'"] {
            let Some(rest) = raw.strip_prefix(quote) else {
                continue;
            };
            let mut skip = quote.len();
            let mut inner = rest;
            if quote.len() == 3 {
                for newline in ["\r\n", "\n"] {
                    if let Some(rest) = inner.strip_prefix(newline) {
                        inner = rest;
                        skip += newline.len();
                        break;
                    }
                }
            }
            if inner.strip_suffix(quote) == Some(&text.value) {
                let at = text.span.start + skip;
                return Span::new(text.span.source, at + start..at + end);
            }
            break;
        }
        text.span
    }
}

/// One table of the source.
pub(super) struct Table<'t> {
    /// What the table describes, with its article: `a service`.
    what: &'static str,
    table: &'t DeTable<'t>,
    pub(super) span: Span,
    known: Vec<&'static str>,
}

/// The value of one key.
pub(super) struct Entry<'t> {
    pub(super) key: Span,
    pub(super) value: &'t DeValue<'t>,
    pub(super) span: Span,
}

impl<'t> Table<'t> {
    pub(super) fn new(cx: &Context<'_>, what: &'static str, table: &'t Raw<DeTable<'t>>) -> Self {
        Self::at(what, table.get_ref(), cx.span(table.span()))
    }

    pub(super) fn at(what: &'static str, table: &'t DeTable<'t>, span: Span) -> Self {
        Self {
            what,
            table,
            span,
            known: Vec::new(),
        }
    }

    /// The value of `key`, whatever its type.
    pub(super) fn entry(&mut self, cx: &Context<'_>, key: &'static str) -> Option<Entry<'t>> {
        self.known.push(key);
        let (k, v) = self.table.get_key_value(key)?;
        Some(Entry {
            key: cx.span(k.span()),
            value: v.get_ref(),
            span: cx.span(v.span()),
        })
    }

    /// Whether `key` is there; does not make it known.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// Text that is not empty.
    pub(super) fn text(&mut self, cx: &mut Context<'_>, key: &'static str) -> Option<Text> {
        let entry = self.entry(cx, key)?;
        read_text(cx, key, entry.value, entry.span)
    }

    /// A quantity with its unit, still as text. A bare number is told which unit it may have meant.
    pub(super) fn quantity(
        &mut self,
        cx: &mut Context<'_>,
        key: &'static str,
        example: &str,
    ) -> Option<Text> {
        let entry = self.entry(cx, key)?;
        let number = match entry.value {
            DeValue::Integer(_) | DeValue::Float(_) => cx.slice(entry.span),
            _ => return read_text(cx, key, entry.value, entry.span),
        };
        let number = shorten(number);
        let unit = example.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
        cx.report(
            Diagnostic::error(
                "wrong-type",
                entry.span,
                format!("`{key}` must be a text: a quantity with its unit"),
            )
            .at("a number without a unit")
            .help(format!(
                "write `{key} = \"{number}{unit}\"`, a text with the unit in it"
            )),
        );
        None
    }

    /// `true` or `false`.
    pub(super) fn flag(
        &mut self,
        cx: &mut Context<'_>,
        key: &'static str,
    ) -> Option<Spanned<bool>> {
        let entry = self.entry(cx, key)?;
        if let DeValue::Boolean(value) = entry.value {
            return Some(Spanned::new(*value, entry.span));
        }
        cx.report(wrong_type(
            key,
            "`true` or `false`",
            entry.value,
            entry.span,
        ));
        None
    }

    /// A whole number in `range`.
    pub(super) fn number(
        &mut self,
        cx: &mut Context<'_>,
        key: &'static str,
        range: std::ops::RangeInclusive<i64>,
    ) -> Option<Spanned<i64>> {
        let entry = self.entry(cx, key)?;
        let DeValue::Integer(raw) = entry.value else {
            cx.report(wrong_type(key, "a whole number", entry.value, entry.span));
            return None;
        };
        let value = i64::from_str_radix(raw.as_str(), raw.radix()).ok();
        if let Some(value) = value.filter(|v| range.contains(v)) {
            return Some(Spanned::new(value, entry.span));
        }
        cx.report(
            Diagnostic::error(
                "invalid-value",
                entry.span,
                format!(
                    "`{key}` must be from {} to {}, not {}",
                    range.start(),
                    range.end(),
                    shorten(cx.slice(entry.span))
                ),
            )
            .at("out of range")
            .help(format!(
                "write a whole number from {} to {}",
                range.start(),
                range.end()
            )),
        );
        None
    }

    /// A text, or a list of texts.
    pub(super) fn texts(&mut self, cx: &mut Context<'_>, key: &'static str) -> Option<Vec<Text>> {
        let entry = self.entry(cx, key)?;
        if let DeValue::Array(items) = entry.value {
            return Some(list_of_text(cx, key, items));
        }
        read_text(cx, key, entry.value, entry.span).map(|t| vec![t])
    }

    /// A name, or a list of names.
    pub(super) fn names(&mut self, cx: &mut Context<'_>, key: &'static str) -> Option<Vec<Text>> {
        let entry = self.entry(cx, key)?;
        if let DeValue::Array(items) = entry.value {
            return Some(list_of_names(cx, key, items));
        }
        read_name(cx, key, entry.value, entry.span).map(|t| vec![t])
    }

    /// The table under `key`.
    pub(super) fn table(
        &mut self,
        cx: &mut Context<'_>,
        key: &'static str,
        what: &'static str,
    ) -> Option<Table<'t>> {
        let entry = self.entry(cx, key)?;
        match entry.value {
            DeValue::Table(table) => Some(Table::at(what, table, entry.span)),
            other => {
                cx.report(wrong_type(key, "a table", other, entry.span));
                None
            }
        }
    }

    /// The list under `key`; anything else is reported and reads as empty.
    pub(super) fn list(&mut self, cx: &mut Context<'_>, key: &'static str) -> Vec<Entry<'t>> {
        let Some(entry) = self.entry(cx, key) else {
            return Vec::new();
        };
        if let DeValue::Array(items) = entry.value {
            return entries(cx, entry.key, items);
        }
        cx.report(wrong_type(key, "a list", entry.value, entry.span));
        Vec::new()
    }

    /// Every key with its value, in the order of the text; makes them all known.
    pub(super) fn all(&mut self, cx: &Context<'_>) -> Vec<(Text, Entry<'t>)> {
        let mut all: Vec<(Text, Entry<'t>)> = self
            .table
            .iter()
            .map(|(k, v)| {
                let key = cx.span(k.span());
                (
                    Text::new(k.get_ref().to_string(), key),
                    Entry {
                        key,
                        value: v.get_ref(),
                        span: cx.span(v.span()),
                    },
                )
            })
            .collect();
        all.sort_by_key(|(k, _)| k.span.start);
        all
    }

    /// Reports every key that nobody asked for.
    pub(super) fn finish(self, cx: &mut Context<'_>) {
        for (key, _) in self.table {
            let name: &str = key.get_ref();
            if self.known.contains(&name) {
                continue;
            }
            let span = cx.span(key.span());
            let mut d = Diagnostic::error(
                "unknown-key",
                span,
                format!("{} has no key `{}`", self.what, shorten(name)),
            )
            .at("unknown key");
            d.help = Some(match nearest(name, self.known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("it may have: {}", self.known.join(", ")),
            });
            cx.report(d);
        }
    }

    /// Reports that `key` has to be there.
    pub(super) fn missing(&self, cx: &mut Context<'_>, key: &str, example: &str) {
        cx.report(
            Diagnostic::error(
                "missing-key",
                self.span,
                format!("{} needs `{key}`", self.what),
            )
            .help(format!("add `{example}`")),
        );
    }
}

/// The entries of a list.
pub(super) fn entries<'t>(cx: &Context<'_>, key: Span, items: &'t DeArray<'t>) -> Vec<Entry<'t>> {
    items
        .iter()
        .map(|v| Entry {
            key,
            value: v.get_ref(),
            span: cx.span(v.span()),
        })
        .collect()
}

/// The texts of a list; other values are reported.
pub(super) fn list_of_text(cx: &mut Context<'_>, key: &str, items: &DeArray<'_>) -> Vec<Text> {
    items
        .iter()
        .filter_map(|item| {
            let span = cx.span(item.span());
            read_text(cx, key, item.get_ref(), span)
        })
        .collect()
}

/// The names of a list; an empty one and other types are reported.
pub(super) fn list_of_names(cx: &mut Context<'_>, key: &str, items: &DeArray<'_>) -> Vec<Text> {
    items
        .iter()
        .filter_map(|item| {
            let span = cx.span(item.span());
            read_name(cx, key, item.get_ref(), span)
        })
        .collect()
}

/// A name; an empty one and other types are reported.
pub(super) fn read_name(
    cx: &mut Context<'_>,
    key: &str,
    value: &DeValue<'_>,
    span: Span,
) -> Option<Text> {
    if let DeValue::String(text) = value
        && text.trim().is_empty()
    {
        cx.report(
            Diagnostic::error("bad-name", span, format!("a name in `{key}` is empty"))
                .at("nothing in the quotes")
                .help("write a name such as `\"orders\"`, or remove this"),
        );
        return None;
    }
    read_text(cx, key, value, span)
}

/// A text; an empty one and other types are reported.
pub(super) fn read_text(
    cx: &mut Context<'_>,
    key: &str,
    value: &DeValue<'_>,
    span: Span,
) -> Option<Text> {
    let DeValue::String(text) = value else {
        cx.report(wrong_type(key, "a text in quotes", value, span));
        return None;
    };
    if text.trim().is_empty() {
        cx.report(
            Diagnostic::error("invalid-value", span, format!("`{key}` is empty"))
                .at("nothing in the quotes")
                .help("write a value, or leave the key out"),
        );
        return None;
    }
    Some(Text::new(text.to_string(), span))
}

/// `key` holds a value of another type than it should.
pub(super) fn wrong_type(key: &str, wanted: &str, value: &DeValue<'_>, span: Span) -> Diagnostic {
    let found = match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "`true` or `false`",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    };
    let help = match (wanted, value) {
        ("`true` or `false`", DeValue::String(text)) if text.parse::<bool>().is_ok() => {
            format!("write `{key} = {text}`, without quotes")
        }
        ("`true` or `false`", _) => {
            format!("write `{key} = true` or `{key} = false`, without quotes")
        }
        ("a whole number", DeValue::String(text)) if text.parse::<i64>().is_ok() => {
            format!("write `{key} = {text}`, without quotes")
        }
        ("a whole number", DeValue::Float(text)) if whole(text.as_str()).is_some() => format!(
            "write `{key} = {}`, without fraction",
            whole(text.as_str()).unwrap_or_default()
        ),
        ("a whole number", _) => format!("write `{key} = 3`, without quotes and fraction"),
        ("a text in quotes", DeValue::Array(_)) => format!("write one text: `{key} = \"…\"`"),
        ("a text in quotes", _) => "put it in quotes: `\"…\"`".to_owned(),
        ("a table", _) => "write its keys in `{ … }`, or below a header in `[…]`".to_owned(),
        _ => format!("write {wanted} here"),
    };
    Diagnostic::error("wrong-type", span, format!("`{key}` must be {wanted}"))
        .at(format!("this is {found}"))
        .help(help)
}

/// The digits of a number whose fraction is nothing: `3` of `3.0`.
fn whole(number: &str) -> Option<&str> {
    let (digits, fraction) = number.split_once('.')?;
    let nothing = !fraction.is_empty() && fraction.bytes().all(|b| b == b'0');
    (nothing && digits.parse::<i64>().is_ok()).then_some(digits)
}

/// A name as a message shows it: never longer than a line.
pub(super) fn shorten(name: &str) -> String {
    let mut out: String = name.chars().take(60).collect();
    if out.len() < name.len() {
        out.push('…');
    }
    out
}
