//! The finer keys of events and streams: how messages are acknowledged, ordered and remembered, and how
//! a stream reaches clients that sit on different instances.

use toml::de::DeValue;

use super::table::{Context, Table, read_text, wrong_type};
use super::{Spanned, Text};

/// How the messages of an event are handled, as written.
#[derive(Clone, Debug, Default)]
pub struct TermsDecl {
    /// Compatibility of its schema: `backward`, `forward`, `full`, each `-transitive`, or `none`.
    pub compatibility: Option<Text>,
    /// Whether its consumers need the messages of one key in order.
    pub ordered: Option<Spanned<bool>>,
    /// Whether a message that is handled twice has the effect of one.
    pub idempotent: Option<Spanned<bool>>,
    /// How long a consumer or the broker remembers what was handled.
    pub dedupe: Option<Text>,
    /// `manual`, or `auto`: taken for handled as soon as it is delivered.
    pub ack: Option<Text>,
    /// After which a message that is not acknowledged is delivered again.
    pub ack_timeout: Option<Text>,
    /// The longest that a consumer works on one message.
    pub handler: Option<Text>,
    /// Messages that a consumer takes at a time.
    pub prefetch: Option<Spanned<i64>>,
    /// `false` states that personal data travels in the clear today.
    pub encrypted: Option<Spanned<bool>>,
    /// `false` states that its messages carry no trace context today.
    pub traceparent: Option<Spanned<bool>>,
    /// `none` states that there is no dead letter today.
    pub dead_letter: Option<Text>,
    /// How long dead letters are kept today.
    pub dead_letter_retention: Option<Text>,
    /// Whether somebody is told of a dead letter today.
    pub dead_letter_alert: Option<Spanned<bool>>,
}

impl TermsDecl {
    pub(super) fn read(cx: &mut Context<'_>, t: &mut Table<'_>) -> Self {
        let mut out = Self {
            compatibility: t.text(cx, "compatibility"),
            ordered: t.flag(cx, "ordered"),
            idempotent: t.flag(cx, "idempotent"),
            dedupe: t.quantity(cx, "dedupe", "7d"),
            ack: t.text(cx, "ack"),
            ack_timeout: t.quantity(cx, "ack_timeout", "30s"),
            handler: t.quantity(cx, "handler", "5s"),
            prefetch: t.number(cx, "prefetch", 1..=100_000),
            encrypted: t.flag(cx, "encrypted"),
            traceparent: t.flag(cx, "traceparent"),
            ..Self::default()
        };
        let Some(entry) = t.entry(cx, "dead_letter") else {
            return out;
        };
        match entry.value {
            DeValue::Table(table) => {
                let mut t = Table::at("a dead letter", table, entry.span);
                out.dead_letter_retention = t.quantity(cx, "retention", "14d");
                out.dead_letter_alert = t.flag(cx, "alert");
                t.finish(cx);
            }
            text @ DeValue::String(_) => {
                out.dead_letter = read_text(cx, "dead_letter", text, entry.span);
            }
            other => cx.report(
                wrong_type("dead_letter", "`\"none\"` or a table", other, entry.span).help(
                    "write `dead_letter = \"none\"` where there is none today, or `dead_letter = { retention = \"14d\", alert = true }`",
                ),
            ),
        }
        out
    }
}

/// How a stream reaches its clients, as written.
#[derive(Clone, Debug, Default)]
pub struct StreamTermsDecl {
    /// What carries messages between instances: `redis-pubsub`, `redis-streams`, …, `none`.
    pub backplane: Option<Text>,
    /// Whether a client's requests all reach the same instance.
    pub sticky: Option<Spanned<bool>>,
    /// What a client uses where the transport does not work: `long-polling`, `sse`, `none`.
    pub fallback: Option<Text>,
    /// Whether no message may be lost.
    pub lossless: Option<Spanned<bool>>,
    /// How long a client stays connected.
    pub max_session: Option<Text>,
}

impl StreamTermsDecl {
    pub(super) fn read(cx: &mut Context<'_>, t: &mut Table<'_>) -> Self {
        Self {
            backplane: t.text(cx, "backplane"),
            sticky: t.flag(cx, "sticky"),
            fallback: t.text(cx, "fallback"),
            lossless: t.flag(cx, "lossless"),
            max_session: t.quantity(cx, "max_session", "8h"),
        }
    }
}
