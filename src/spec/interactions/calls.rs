//! Synchronous calls.

use super::super::arrow::{self, Form};
use super::super::policy::{self, PolicyDecl};
use super::super::table::{Context, Table, shorten};
use super::{Spanned, Text, nothing, spoken_ends, statements};
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

const FORM: Form = Form {
    list: "sync",
    attribute: "call",
    what: "a sync call",
    example: "orders --gRPC Authorize--> payments",
    broker: false,
};

pub(in crate::spec) fn read_sync(cx: &mut Context<'_>, root: &mut Table<'_>) -> Vec<SyncDecl> {
    let mut out = Vec::new();
    for mut s in statements(cx, root, &FORM) {
        let core = s.core(
            cx,
            |arrow| {
                let (protocol, operation) = arrow::split_word(&arrow.label);
                SyncDecl {
                    from: arrow.source,
                    to: arrow.targets,
                    protocol,
                    operation,
                    ..SyncDecl::blank(arrow.span)
                }
            },
            |cx, t, span| {
                let (ends, protocol) = spoken_ends(cx, t, "grpc");
                let operation = t.text(cx, "operation");
                let ((from, to), protocol) = ends.zip(protocol)?;
                Some(SyncDecl {
                    from,
                    to,
                    protocol,
                    operation,
                    ..SyncDecl::blank(span)
                })
            },
        );
        let readable = core.is_some();
        let mut decl = core.unwrap_or_else(|| SyncDecl::blank(s.span));
        if let Some(mut t) = s.table {
            sync_attributes(cx, &mut t, &mut decl);
            t.finish(cx);
        }
        if readable {
            check_rest(cx, &decl);
            out.push(decl);
        }
    }
    out
}

impl SyncDecl {
    /// A declaration without content, to read the attributes of a broken statement into.
    fn blank(span: Span) -> Self {
        Self {
            span,
            from: nothing(span),
            to: Vec::new(),
            protocol: nothing(span),
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
