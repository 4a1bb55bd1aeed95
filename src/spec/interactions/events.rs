//! Events.

use toml::de::DeValue;

use super::super::arrow::{self, Form};
use super::super::messaging::TermsDecl;
use super::super::table::{Context, Table, list_of_text, read_text, wrong_type};
use super::{Spanned, Text, ends, nothing, statements};
use crate::diag::Span;

/// One field of an event's data.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// Its name.
    pub name: Text,
    /// Its type as written.
    pub kind: Text,
}

/// One statement about an event.
#[derive(Clone, Debug)]
pub struct AsyncDecl {
    /// The whole statement.
    pub span: Span,
    /// Who publishes.
    pub from: Text,
    /// Who reads; may be empty in a table.
    pub to: Vec<Text>,
    /// The event's name; `None` where the author only wrote `Event`.
    pub event: Option<Text>,
    /// The broker it passes through.
    pub broker: Option<Text>,
    /// Peak rate.
    pub rate: Option<Text>,
    /// Size of one message.
    pub size: Option<Text>,
    /// Field that orders and partitions.
    pub key: Option<Text>,
    /// Version of the event's schema.
    pub version: Option<Text>,
    /// `at-least-once`, `at-most-once` or `exactly-once`.
    pub delivery: Option<Text>,
    /// How long the broker keeps it.
    pub retention: Option<Text>,
    /// Redeliveries after the first delivery.
    pub retries: Option<Spanned<i64>>,
    /// Fields of its data.
    pub schema: Vec<Field>,
    /// Where they stand.
    pub schema_span: Option<Span>,
    /// A JSON Schema file in place of `schema` fields.
    pub schema_file: Option<Text>,
    /// Fields that hold personal data.
    pub pii: Vec<Text>,
    /// A contract file.
    pub contract: Option<Text>,
    /// What it tells.
    pub description: Option<Text>,
    /// How its messages are handled.
    pub terms: TermsDecl,
    /// `false` states that it is published without an outbox today.
    pub outbox: Option<Spanned<bool>>,
    /// `false` states that queue or topic do not survive a broker restart today.
    pub durable: Option<Spanned<bool>>,
    /// `none` states that the publisher does not wait for the broker today.
    pub acks: Option<Text>,
    /// Partitions of its topic.
    pub partitions: Option<Spanned<i64>>,
}

/// The key that holds the arrow of an event, or its name in the table form.
pub(super) const ARROW: &str = "event";

const FORM: Form = Form {
    list: "async",
    attribute: ARROW,
    what: "an event",
    example: "orders --order.placed--> shipping, email",
    broker: true,
};

pub(in crate::spec) fn read_async(cx: &mut Context<'_>, root: &mut Table<'_>) -> Vec<AsyncDecl> {
    let mut out = Vec::new();
    for mut s in statements(cx, root, &FORM) {
        let core = s.core(
            cx,
            |arrow| {
                let (word, rest) = arrow::split_word(&arrow.label);
                let event = if is_placeholder(&word) {
                    rest
                } else {
                    Some(arrow.label)
                };
                AsyncDecl {
                    from: arrow.source,
                    to: arrow.targets,
                    event,
                    broker: arrow.broker,
                    ..AsyncDecl::blank(arrow.span)
                }
            },
            |cx, t, span| {
                let ends = ends(cx, t, false);
                if !t.has(ARROW) {
                    t.missing(cx, ARROW, "event = \"order.placed\"");
                }
                let event = t.text(cx, ARROW).filter(|e| !is_placeholder(e));
                let (from, to) = ends?;
                Some(AsyncDecl {
                    from,
                    to,
                    event,
                    ..AsyncDecl::blank(span)
                })
            },
        );
        let readable = core.is_some();
        let mut decl = core.unwrap_or_else(|| AsyncDecl::blank(s.span));
        if let Some(mut t) = s.table {
            async_attributes(cx, &mut t, &mut decl);
            t.finish(cx);
        }
        if readable {
            out.push(decl);
        }
    }
    out
}

/// Whether the author wrote `Event` where the name of one belongs.
fn is_placeholder(word: &Text) -> bool {
    word.value.eq_ignore_ascii_case("event")
}

impl AsyncDecl {
    /// A declaration without content, to read the attributes of a broken statement into.
    fn blank(span: Span) -> Self {
        Self {
            span,
            from: nothing(span),
            to: Vec::new(),
            event: None,
            broker: None,
            rate: None,
            size: None,
            key: None,
            version: None,
            delivery: None,
            retention: None,
            retries: None,
            schema: Vec::new(),
            schema_span: None,
            schema_file: None,
            pii: Vec::new(),
            contract: None,
            description: None,
            terms: TermsDecl::default(),
            outbox: None,
            durable: None,
            acks: None,
            partitions: None,
        }
    }
}

fn async_attributes(cx: &mut Context<'_>, t: &mut Table<'_>, d: &mut AsyncDecl) {
    if let Some(broker) = t.text(cx, "broker") {
        d.broker.get_or_insert(broker);
    }
    d.rate = t.quantity(cx, "rate", "50/s");
    d.size = t.quantity(cx, "size", "2KiB");
    d.key = t.text(cx, "key");
    d.version = version(cx, t);
    d.delivery = t.text(cx, "delivery");
    d.retention = t.quantity(cx, "retention", "7d");
    d.retries = t.number(cx, "retries", 0..=1000);
    if let Some(entry) = t.entry(cx, "schema") {
        match entry.value {
            DeValue::String(path) => {
                d.schema_file = Some(Text::new(path.to_string(), entry.span));
            }
            DeValue::Table(fields) => {
                d.schema_span = Some(entry.span);
                let mut fields = Table::at("a schema", fields, entry.span);
                for (name, field) in fields.all(cx) {
                    if let Some(kind) = read_text(cx, "schema field", field.value, field.span) {
                        d.schema.push(Field { name, kind });
                    }
                }
            }
            other => cx.report(
                wrong_type(
                    "schema",
                    "a table of fields or the path of a JSON Schema",
                    other,
                    entry.span,
                )
                .help("write `schema = { orderId = \"uuid\", total = \"number\" }`"),
            ),
        }
    }
    if let Some(entry) = t.entry(cx, "pii") {
        match entry.value {
            DeValue::Array(items) => d.pii = list_of_text(cx, "pii", items),
            other => cx.report(wrong_type("pii", "a list of fields", other, entry.span)),
        }
    }
    d.contract = t.text(cx, "contract");
    d.description = t.text(cx, "description");
    d.terms = TermsDecl::read(cx, t);
    d.outbox = t.flag(cx, "outbox");
    d.durable = t.flag(cx, "durable");
    d.acks = t.text(cx, "acks");
    d.partitions = t.number(cx, "partitions", 1..=1_000_000);
}

/// A version may be written as a number or as a text.
fn version(cx: &mut Context<'_>, t: &mut Table<'_>) -> Option<Text> {
    let entry = t.entry(cx, "version")?;
    if let DeValue::Integer(number) = entry.value {
        return Some(Text::new(number.as_str().to_owned(), entry.span));
    }
    read_text(cx, "version", entry.value, entry.span)
}
