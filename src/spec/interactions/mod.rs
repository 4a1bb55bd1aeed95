//! Calls, events and streams: arrows, arrows with attributes, and tables, read into one form each.

mod calls;
mod events;
mod streams;

use toml::de::DeValue;

use super::arrow::{self, Arrow, Form};
use super::table::{Context, Entry, Table, wrong_type};
use super::{Spanned, Text};
use crate::diag::{Diagnostic, Span};

pub(super) use calls::read_sync;
pub use calls::{HTTP_METHODS, SyncDecl};
pub(super) use events::read_async;
pub use events::{AsyncDecl, Field};
pub use streams::RealtimeDecl;
pub(super) use streams::read_realtime;

/// One statement of a list: its table of attributes if it has one, and its arrow if it has one.
struct Statement<'t> {
    form: &'static Form,
    table: Option<Table<'t>>,
    arrow: Option<Arrow>,
    span: Span,
}

impl Statement<'_> {
    /// What interacts, taken from the arrow or from the keys of the table; `None` where neither could be read, which
    /// has been reported. It is read before the attributes, which then know the place of the arrow.
    fn core<T>(
        &mut self,
        cx: &mut Context<'_>,
        from_arrow: impl FnOnce(Arrow) -> T,
        from_table: impl FnOnce(&mut Context<'_>, &mut Table<'_>, Span) -> Option<T>,
    ) -> Option<T> {
        if let Some(arrow) = self.arrow.take() {
            return Some(from_arrow(arrow));
        }
        let table = self.table.as_mut()?;
        if is_arrow(table, self.form.attribute) {
            return None;
        }
        from_table(cx, table, self.span)
    }
}

/// Reads the list `form.list`; statements that cannot be read are reported and left out.
fn statements<'t>(
    cx: &mut Context<'_>,
    root: &mut Table<'t>,
    form: &'static Form,
) -> Vec<Statement<'t>> {
    let attribute = form.attribute;
    let mut out = Vec::new();
    for Entry { value, span, .. } in root.list(cx, form.list) {
        match value {
            DeValue::String(text) => {
                let text = Text::new(text.to_string(), span);
                if let Some(arrow) = arrow::parse(cx, &text, form) {
                    out.push(Statement {
                        form,
                        table: None,
                        arrow: Some(arrow),
                        span,
                    });
                }
            }
            DeValue::Table(table) => {
                let mut table = Table::at(form.what, table, span);
                if !table.has(attribute) && ENDS.iter().all(|key| !table.has(key)) {
                    if let Some(other) = ARROWS.iter().find(|key| table.has(key))
                        && let Some(entry) = table.entry(cx, other)
                    {
                        cx.report(
                            Diagnostic::error(
                                "unknown-key",
                                entry.key,
                                format!("{} has no key `{other}`", form.what),
                            )
                            .at(format!("`{attribute}` stands here in `{}`", form.list))
                            .help(format!("write `{attribute}` in place of `{other}`")),
                        );
                        continue;
                    }
                    table.missing(
                        cx,
                        attribute,
                        &format!("{attribute} = \"{}\"", form.example),
                    );
                    continue;
                }
                if attribute != events::ARROW
                    && table.has("from")
                    && let Some(arrow) = table.entry(cx, attribute)
                {
                    cx.report(
                        Diagnostic::error(
                            "unknown-key",
                            arrow.key,
                            format!("`{attribute}` cannot stand beside `from`"),
                        )
                        .at("says the same as `from` and `to`")
                        .help(format!(
                            "keep the arrow in `{attribute}`, or `from`, `to` and what stands between them"
                        )),
                    );
                }
                let arrow_text = if is_arrow(&table, attribute) {
                    table.text(cx, attribute)
                } else {
                    None
                };
                // The attributes are read even where the arrow is broken, so that their mistakes show too.
                let arrow = arrow_text
                    .as_ref()
                    .and_then(|text| arrow::parse(cx, text, form));
                out.push(Statement {
                    form,
                    table: Some(table),
                    arrow,
                    span,
                });
            }
            other => cx.report(
                wrong_type(form.list, "a list of arrows or tables", other, span)
                    .help(format!("write an arrow: `\"{}\"`", form.example)),
            ),
        }
    }
    out
}

/// The keys that hold the arrow, one for each list.
const ARROWS: [&str; 3] = ["call", events::ARROW, "stream"];

/// The keys of the table form that say what interacts.
const ENDS: [&str; 5] = ["from", "to", "protocol", "operation", "path"];

/// Whether the table holds an arrow rather than the keys of the table form. An event has its name
/// under the key that may hold its arrow, so `to` tells them apart where `from` was forgotten.
fn is_arrow(table: &Table<'_>, attribute: &str) -> bool {
    table.has(attribute) && !table.has("from") && !(attribute == events::ARROW && table.has("to"))
}

/// Source and targets of a table form.
fn ends(
    cx: &mut Context<'_>,
    table: &mut Table<'_>,
    targets_needed: bool,
) -> Option<(Text, Vec<Text>)> {
    let from = table.text(cx, "from");
    let to = table.texts(cx, "to");
    if from.is_none() && !table.has("from") {
        table.missing(cx, "from", "from = \"orders\"");
    }
    if to.is_none() && !table.has("to") && targets_needed {
        table.missing(cx, "to", "to = \"payments\"");
    }
    let to = to.unwrap_or_default();
    if targets_needed && to.is_empty() {
        return None;
    }
    Some((from?, to))
}

/// Source, targets and protocol of a table form.
fn spoken_ends(
    cx: &mut Context<'_>,
    table: &mut Table<'_>,
    example: &str,
) -> (Option<(Text, Vec<Text>)>, Option<Text>) {
    let ends = ends(cx, table, true);
    let protocol = table.text(cx, "protocol");
    if protocol.is_none() && !table.has("protocol") {
        table.missing(cx, "protocol", &format!("protocol = \"{example}\""));
    }
    (ends, protocol)
}

/// What stands in place of a word that could not be read, so that the attributes beside it are read all the same.
fn nothing(span: Span) -> Text {
    Spanned::new(String::new(), span)
}
