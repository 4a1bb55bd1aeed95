//! Calls, events and streams: arrows, arrows with attributes, and tables, read into one form each.

use toml::de::DeValue;

use super::arrow::{self, Arrow, Form};
use super::messaging::{StreamTermsDecl, TermsDecl};
use super::policy::{self, PolicyDecl};
use super::table::{Context, Entry, Table, list_of_text, shorten, wrong_type};
use super::{Spanned, Text};
use crate::diag::{Diagnostic, Span, nearest};

/// The request methods that a REST operation may start with.
pub const HTTP_METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// Synchronous calls of one statement: one source, one operation, one or more targets.
#[derive(Clone, Debug)]
pub struct SyncDecl {
    /// The whole statement.
    pub span: Span,
    /// Who calls.
    pub from: Text,
    /// Who is called.
    pub to: Vec<Text>,
    /// The protocol as written.
    pub protocol: Text,
    /// The operation as written: `POST /orders`, `Orders/Place`, …
    pub operation: Option<Text>,
    /// Peak rate of logical calls.
    pub rate: Option<Text>,
    /// Median response time as the caller sees it.
    pub p50: Option<Text>,
    /// 99th percentile of the response time as the caller sees it.
    pub p99: Option<Text>,
    /// Of one attempt; `none` states that there is none today.
    pub timeout: Option<Text>,
    /// Attempts after the first.
    pub retries: Option<Spanned<i64>>,
    /// Of the whole logical call.
    pub deadline: Option<Text>,
    /// Whether a repeated call does no more than the first.
    pub idempotent: Option<Spanned<bool>>,
    /// A soft dependency: the caller can do without.
    pub optional: Option<Spanned<bool>>,
    /// What the caller does when the call fails.
    pub fallback: Option<Text>,
    /// How the caller proves who it is; `none` states that it does not today.
    pub auth: Option<Text>,
    /// Whose token it carries: `relay`, `exchange` or `own`.
    pub token: Option<Text>,
    /// `false` states that it carries no trace context today.
    pub traceparent: Option<Spanned<bool>>,
    /// Size of the request or answer, whichever is larger.
    pub payload: Option<Text>,
    /// A contract file.
    pub contract: Option<Text>,
    /// What the call is for.
    pub description: Option<Text>,
    /// Concurrent calls that one instance of the caller allows.
    pub bulkhead: Option<Spanned<i64>>,
    /// What the callee, or the gateway in front of it, lets through.
    pub rate_limit: Option<Text>,
    /// What it states about failure.
    pub policy: PolicyDecl,
}

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

/// A real-time stream.
#[derive(Clone, Debug)]
pub struct RealtimeDecl {
    /// The whole statement.
    pub span: Span,
    /// Who pushes.
    pub from: Text,
    /// Who listens.
    pub to: Vec<Text>,
    /// The transport as written.
    pub protocol: Text,
    /// Path or method.
    pub path: Option<Text>,
    /// Peak of concurrent connections.
    pub connections: Option<Spanned<i64>>,
    /// Messages, all connections together.
    pub rate: Option<Text>,
    /// Size of one message.
    pub size: Option<Text>,
    /// Interval between heartbeats.
    pub heartbeat: Option<Text>,
    /// Whether a client can go on where it stopped.
    pub resume: Option<Spanned<bool>>,
    /// How the client proves who it is.
    pub auth: Option<Text>,
    /// How it reaches its clients.
    pub terms: StreamTermsDecl,
    /// What it is for.
    pub description: Option<Text>,
}

const SYNC: Form = Form {
    list: "sync",
    example: "orders --gRPC Authorize--> payments",
    broker: false,
};
const ASYNC_ARROW: &str = "event";
const ASYNC: Form = Form {
    list: "async",
    example: "orders --order.placed--> shipping, email",
    broker: true,
};
const REALTIME: Form = Form {
    list: "realtime",
    example: "orders --WebSocket /orders/{id}/status--> web",
    broker: false,
};

/// One statement of a list: its table of attributes if it has one, and its arrow if it has one.
struct Statement<'t> {
    table: Option<Table<'t>>,
    arrow: Option<Arrow>,
    span: Span,
}

/// Reads the list `form.list`; statements that cannot be read are reported and left out.
fn statements<'t>(
    cx: &mut Context<'_>,
    root: &mut Table<'t>,
    form: &Form,
    attribute: &'static str,
    what: &'static str,
) -> Vec<Statement<'t>> {
    let mut out = Vec::new();
    for Entry { value, span, .. } in root.list(cx, form.list) {
        match value {
            DeValue::String(text) => {
                let text = Text::new(text.to_string(), span);
                if let Some(arrow) = arrow::parse(cx, &text, form) {
                    out.push(Statement {
                        table: None,
                        arrow: Some(arrow),
                        span,
                    });
                }
            }
            DeValue::Table(table) => {
                let mut table = Table::at(what, table, span);
                if !table.has(attribute) && ENDS.iter().all(|key| !table.has(key)) {
                    table.missing(
                        cx,
                        attribute,
                        &format!("{attribute} = \"{}\"", form.example),
                    );
                    continue;
                }
                if attribute != ASYNC_ARROW
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

/// The keys of the table form that say what interacts.
const ENDS: [&str; 5] = ["from", "to", "protocol", "operation", "path"];

/// Whether the table holds an arrow rather than the keys of the table form. An event has its name
/// under the key that may hold its arrow, so `to` tells them apart where `from` was forgotten.
fn is_arrow(table: &Table<'_>, attribute: &str) -> bool {
    table.has(attribute) && !table.has("from") && !(attribute == ASYNC_ARROW && table.has("to"))
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

pub(super) fn read_sync(cx: &mut Context<'_>, root: &mut Table<'_>) -> Vec<SyncDecl> {
    let mut out = Vec::new();
    for s in statements(cx, root, &SYNC, "call", "a sync call") {
        let Statement { table, arrow, span } = s;
        let mut table = table;
        let written_as_arrow =
            arrow.is_some() || table.as_ref().is_some_and(|t| is_arrow(t, "call"));
        let core = if let Some(arrow) = arrow {
            let (word, rest) = arrow::split_word(&arrow.label);
            Some((arrow.source, arrow.targets, word, rest, arrow.span))
        } else if written_as_arrow {
            None
        } else if let Some(t) = table.as_mut() {
            let ends = ends(cx, t, true);
            let protocol = t.text(cx, "protocol");
            if protocol.is_none() && !t.has("protocol") {
                t.missing(cx, "protocol", "protocol = \"grpc\"");
            }
            let operation = t.text(cx, "operation");
            match (ends, protocol) {
                (Some((from, to)), Some(protocol)) => Some((from, to, protocol, operation, span)),
                _ => None,
            }
        } else {
            None
        };
        let mut decl = core.map(|(from, to, protocol, operation, span)| SyncDecl {
            from,
            to,
            protocol,
            operation,
            ..SyncDecl::blank(span)
        });
        if let Some(mut t) = table {
            let mut scratch = SyncDecl::blank(span);
            sync_attributes(cx, &mut t, decl.as_mut().unwrap_or(&mut scratch));
            t.finish(cx);
        }
        if let Some(decl) = decl {
            check_rest(cx, &decl);
            out.push(decl);
        }
    }
    out
}

impl SyncDecl {
    /// A declaration without content, to read the attributes of a broken statement into.
    fn blank(span: Span) -> Self {
        let nothing = || Spanned::new(String::new(), span);
        Self {
            span,
            from: nothing(),
            to: Vec::new(),
            protocol: nothing(),
            operation: None,
            rate: None,
            p50: None,
            p99: None,
            timeout: None,
            retries: None,
            deadline: None,
            idempotent: None,
            optional: None,
            fallback: None,
            auth: None,
            token: None,
            traceparent: None,
            payload: None,
            contract: None,
            description: None,
            bulkhead: None,
            rate_limit: None,
            policy: PolicyDecl::default(),
        }
    }
}

fn sync_attributes(cx: &mut Context<'_>, t: &mut Table<'_>, d: &mut SyncDecl) {
    d.rate = t.quantity(cx, "rate", "50/s");
    d.p50 = t.quantity(cx, "p50", "20ms");
    d.p99 = t.quantity(cx, "p99", "120ms");
    d.timeout = t.quantity(cx, "timeout", "250ms");
    d.retries = t.number(cx, "retries", 0..=100);
    d.deadline = t.quantity(cx, "deadline", "800ms");
    d.idempotent = t.flag(cx, "idempotent");
    d.optional = t.flag(cx, "optional");
    d.fallback = t.text(cx, "fallback");
    d.auth = t.text(cx, "auth");
    d.token = t.text(cx, "token");
    d.traceparent = t.flag(cx, "traceparent");
    d.payload = t.quantity(cx, "payload", "2KiB");
    d.contract = t.text(cx, "contract");
    d.description = t.text(cx, "description");
    d.bulkhead = t.number(cx, "bulkhead", 1..=1_000_000);
    d.rate_limit = t.quantity(cx, "rate_limit", "100/s");
    d.policy = policy::read(cx, t);
}

/// A REST operation is a method and a path; another first word without a path is left alone, since
/// some write the name of an operation there.
fn check_rest(cx: &mut Context<'_>, decl: &SyncDecl) {
    let rest = ["rest", "http", "https"]
        .iter()
        .any(|p| decl.protocol.value.eq_ignore_ascii_case(p));
    let Some(operation) = decl.operation.as_ref().filter(|_| rest) else {
        return;
    };
    let (word, path) = arrow::split_word(operation);
    let method = HTTP_METHODS
        .iter()
        .find(|m| m.eq_ignore_ascii_case(&word.value));
    match (method, path) {
        (Some(_), Some(path)) if is_path(&path.value) => {}
        (Some(method), Some(path)) => cx.report(
            Diagnostic::error(
                "bad-arrow",
                path.span,
                format!("`{}` is not a path", shorten(&path.value)),
            )
            .at("a path starts with `/`")
            .help(format!("write `{method} /{}`", shorten(&path.value))),
        ),
        (Some(method), None) => cx.report(
            Diagnostic::error(
                "bad-arrow",
                word.span,
                format!("`{}` has no path", word.value),
            )
            .at("a path belongs after this")
            .help(format!("write `{method} /orders`, the path that is called")),
        ),
        (None, Some(path))
            if is_path(&path.value) && word.value.chars().all(|c| c.is_ascii_alphabetic()) =>
        {
            let near = nearest(&word.value, HTTP_METHODS).unwrap_or("GET");
            cx.report(
                Diagnostic::error(
                    "bad-arrow",
                    word.span,
                    format!("`{}` is not a request method", shorten(&word.value)),
                )
                .at("not a method")
                .help(format!(
                    "did you mean `{near} {}`? the methods are {}",
                    shorten(&path.value),
                    HTTP_METHODS.join(", ")
                )),
            );
        }
        _ => {}
    }
}

/// A path, the whole address of somebody else's service, or one that starts with a variable.
fn is_path(text: &str) -> bool {
    text.starts_with(['/', '{', '*']) || text.contains("://")
}

pub(super) fn read_async(cx: &mut Context<'_>, root: &mut Table<'_>) -> Vec<AsyncDecl> {
    let mut out = Vec::new();
    for s in statements(cx, root, &ASYNC, ASYNC_ARROW, "an event") {
        let Statement { table, arrow, span } = s;
        let mut table = table;
        let written_as_arrow =
            arrow.is_some() || table.as_ref().is_some_and(|t| is_arrow(t, ASYNC_ARROW));
        let core = if let Some(arrow) = arrow {
            let (word, rest) = arrow::split_word(&arrow.label);
            let event = match (word.value.eq_ignore_ascii_case("event"), rest) {
                (true, rest) => rest,
                (false, _) => Some(arrow.label),
            };
            Some((arrow.source, arrow.targets, event, arrow.broker, arrow.span))
        } else if written_as_arrow {
            None
        } else if let Some(t) = table.as_mut() {
            let ends = ends(cx, t, false);
            if !t.has("event") {
                t.missing(cx, "event", "event = \"order.placed\"");
            }
            let event = t
                .text(cx, "event")
                .filter(|e| !e.value.eq_ignore_ascii_case("event"));
            ends.map(|(from, to)| (from, to, event, None, span))
        } else {
            None
        };
        let blank = || Spanned::new(String::new(), span);
        let broken = core.is_none();
        let (from, to, event, broker, span) =
            core.unwrap_or_else(|| (blank(), Vec::new(), None, None, span));
        let mut decl = AsyncDecl {
            span,
            from,
            to,
            event,
            broker,
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
        };
        if let Some(mut t) = table {
            async_attributes(cx, &mut t, &mut decl);
            t.finish(cx);
        }
        if !broken {
            out.push(decl);
        }
    }
    out
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
                    if let Some(kind) =
                        super::table::read_text(cx, "schema field", field.value, field.span)
                    {
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
    super::table::read_text(cx, "version", entry.value, entry.span)
}

pub(super) fn read_realtime(cx: &mut Context<'_>, root: &mut Table<'_>) -> Vec<RealtimeDecl> {
    let mut out = Vec::new();
    for s in statements(cx, root, &REALTIME, "stream", "a stream") {
        let Statement { table, arrow, span } = s;
        let mut table = table;
        let written_as_arrow =
            arrow.is_some() || table.as_ref().is_some_and(|t| is_arrow(t, "stream"));
        let core = if let Some(arrow) = arrow {
            let (word, rest) = arrow::split_word(&arrow.label);
            Some((arrow.source, arrow.targets, word, rest, arrow.span))
        } else if written_as_arrow {
            None
        } else if let Some(t) = table.as_mut() {
            let ends = ends(cx, t, true);
            let protocol = t.text(cx, "protocol");
            if protocol.is_none() && !t.has("protocol") {
                t.missing(cx, "protocol", "protocol = \"WebSocket\"");
            }
            let path = t.text(cx, "path");
            let operation = t.text(cx, "operation");
            match (ends, protocol) {
                (Some((from, to)), Some(protocol)) => {
                    Some((from, to, protocol, path.or(operation), span))
                }
                _ => None,
            }
        } else {
            None
        };
        let blank = || Spanned::new(String::new(), span);
        let broken = core.is_none();
        let (from, to, protocol, path, span) =
            core.unwrap_or_else(|| (blank(), Vec::new(), blank(), None, span));
        let mut decl = RealtimeDecl {
            span,
            from,
            to,
            protocol,
            path,
            connections: None,
            rate: None,
            size: None,
            heartbeat: None,
            resume: None,
            auth: None,
            terms: StreamTermsDecl::default(),
            description: None,
        };
        if let Some(mut t) = table {
            decl.connections = t.number(cx, "connections", 1..=1_000_000_000);
            decl.rate = t.quantity(cx, "rate", "50/s");
            decl.size = t.quantity(cx, "size", "2KiB");
            decl.heartbeat = t.quantity(cx, "heartbeat", "25s");
            decl.resume = t.flag(cx, "resume");
            decl.auth = t.text(cx, "auth");
            decl.terms = StreamTermsDecl::read(cx, &mut t);
            decl.description = t.text(cx, "description");
            t.finish(cx);
        }
        if !broken {
            out.push(decl);
        }
    }
    out
}
