//! How a call is made against failure: waits between attempts, budget, hedge, breaker.

use toml::de::DeValue;

use super::table::{Context, Table, read_text, wrong_type};
use super::{Spanned, Text};
use crate::diag::Span;

/// A table, or `none` where there is nothing of the kind today.
#[derive(Clone, Debug)]
pub enum OrNone<T> {
    /// `none`, or another word, which the model judges.
    Word(Text),
    /// The table.
    Table(T),
}

/// What a call states about its retries, its breaker and its deadline.
#[derive(Clone, Debug, Default)]
pub struct PolicyDecl {
    /// Waits between attempts; `none` states that there are none today.
    pub backoff: Option<OrNone<BackoffDecl>>,
    /// Retries as a share of calls; `none` states that nothing limits them today.
    pub retry_budget: Option<Text>,
    /// Answers that are tried again: status codes and classes of failure.
    pub retry_on: Vec<Text>,
    /// Wait before the same request is sent a second time while the first still runs.
    pub hedge: Option<Text>,
    /// How often one request of the caller makes the call.
    pub per_request: Option<Spanned<i64>>,
    /// The breaker; `none` states that there is none today.
    pub breaker: Option<OrNone<BreakerDecl>>,
    /// `false` states that the caller's own deadline is not handed on.
    pub propagate_deadline: Option<Spanned<bool>>,
}

/// Waits between the attempts of a call.
#[derive(Clone, Debug)]
pub struct BackoffDecl {
    /// The whole table.
    pub span: Span,
    /// Bound of the first wait.
    pub base: Option<Text>,
    /// Bound of every wait.
    pub max: Option<Text>,
    /// Whether a wait is drawn at random below its bound.
    pub jitter: Option<Spanned<bool>>,
}

/// A circuit breaker.
#[derive(Clone, Debug)]
pub struct BreakerDecl {
    /// The whole table.
    pub span: Span,
    /// What it looks back at.
    pub window: Option<Text>,
    /// Calls in the window before it judges.
    pub minimum_calls: Option<Spanned<i64>>,
    /// Share of failed calls that opens it.
    pub failure_rate: Option<Text>,
    /// A call that takes longer counts as failed.
    pub slow: Option<Text>,
    /// How long it stays open.
    pub open: Option<Text>,
    /// Calls that it lets through when half open.
    pub half_open: Option<Spanned<i64>>,
}

/// Reads the keys of a call that speak of failure.
pub(super) fn read(cx: &mut Context<'_>, t: &mut Table<'_>) -> PolicyDecl {
    PolicyDecl {
        backoff: table_or_word(cx, t, "backoff", "`backoff`", |cx, t, span| BackoffDecl {
            span,
            base: t.quantity(cx, "base", "50ms"),
            max: t.quantity(cx, "max", "1s"),
            jitter: t.flag(cx, "jitter"),
        }),
        retry_budget: t.quantity(cx, "retry_budget", "10%"),
        retry_on: t.texts(cx, "retry_on").unwrap_or_default(),
        hedge: t.quantity(cx, "hedge", "80ms"),
        per_request: t.number(cx, "per_request", 1..=10_000),
        breaker: table_or_word(cx, t, "breaker", "`breaker`", |cx, t, span| BreakerDecl {
            span,
            window: t.quantity(cx, "window", "10s"),
            minimum_calls: t.number(cx, "minimum_calls", 1..=1_000_000),
            failure_rate: t.quantity(cx, "failure_rate", "50%"),
            slow: t.quantity(cx, "slow", "200ms"),
            open: t.quantity(cx, "open", "30s"),
            half_open: t.number(cx, "half_open", 1..=1000),
        }),
        propagate_deadline: t.flag(cx, "propagate_deadline"),
    }
}

/// The table under `key`, read by `fields`, or a word.
fn table_or_word<T>(
    cx: &mut Context<'_>,
    t: &mut Table<'_>,
    key: &'static str,
    what: &'static str,
    fields: impl FnOnce(&mut Context<'_>, &mut Table<'_>, Span) -> T,
) -> Option<OrNone<T>> {
    let entry = t.entry(cx, key)?;
    match entry.value {
        DeValue::String(_) => read_text(cx, key, entry.value, entry.span).map(OrNone::Word),
        DeValue::Table(table) => {
            let mut inner = Table::at(what, table, entry.span);
            let read = fields(cx, &mut inner, entry.span);
            inner.finish(cx);
            Some(OrNone::Table(read))
        }
        other => {
            cx.report(wrong_type(key, "a table", other, entry.span).help(format!(
                "write `{key} = {{ … }}`, or `{key} = \"none\"` where there is none today"
            )));
            None
        }
    }
}
