//! Real-time streams.

use super::super::arrow::{self, Form};
use super::super::messaging::StreamTermsDecl;
use super::super::table::{Context, Table};
use super::{Spanned, Text, nothing, spoken_ends, statements};
use crate::diag::Span;

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

const FORM: Form = Form {
    list: "realtime",
    attribute: "stream",
    what: "a stream",
    example: "orders --WebSocket /orders/{id}/status--> web",
    broker: false,
};

pub(in crate::spec) fn read_realtime(
    cx: &mut Context<'_>,
    root: &mut Table<'_>,
) -> Vec<RealtimeDecl> {
    let mut out = Vec::new();
    for mut s in statements(cx, root, &FORM) {
        let core = s.core(
            cx,
            |arrow| {
                let (protocol, path) = arrow::split_word(&arrow.label);
                RealtimeDecl {
                    from: arrow.source,
                    to: arrow.targets,
                    protocol,
                    path,
                    ..RealtimeDecl::blank(arrow.span)
                }
            },
            |cx, t, span| {
                let (ends, protocol) = spoken_ends(cx, t, "WebSocket");
                let path = t.text(cx, "path");
                let operation = t.text(cx, "operation");
                let ((from, to), protocol) = ends.zip(protocol)?;
                Some(RealtimeDecl {
                    from,
                    to,
                    protocol,
                    path: path.or(operation),
                    ..RealtimeDecl::blank(span)
                })
            },
        );
        let readable = core.is_some();
        let mut decl = core.unwrap_or_else(|| RealtimeDecl::blank(s.span));
        if let Some(mut t) = s.table {
            stream_attributes(cx, &mut t, &mut decl);
            t.finish(cx);
        }
        if readable {
            out.push(decl);
        }
    }
    out
}

impl RealtimeDecl {
    /// A declaration without content, to read the attributes of a broken statement into.
    fn blank(span: Span) -> Self {
        Self {
            span,
            from: nothing(span),
            to: Vec::new(),
            protocol: nothing(span),
            path: None,
            connections: None,
            rate: None,
            size: None,
            heartbeat: None,
            resume: None,
            auth: None,
            terms: StreamTermsDecl::default(),
            description: None,
        }
    }
}

fn stream_attributes(cx: &mut Context<'_>, t: &mut Table<'_>, d: &mut RealtimeDecl) {
    d.connections = t.number(cx, "connections", 1..=1_000_000_000);
    d.rate = t.quantity(cx, "rate", "50/s");
    d.size = t.quantity(cx, "size", "2KiB");
    d.heartbeat = t.quantity(cx, "heartbeat", "25s");
    d.resume = t.flag(cx, "resume");
    d.auth = t.text(cx, "auth");
    d.terms = StreamTermsDecl::read(cx, t);
    d.description = t.text(cx, "description");
}
