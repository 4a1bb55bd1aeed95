//! What a call states about its retries, its breaker and its deadline.

use super::check::{self, Out};
use super::design::{Set, Stated};
use super::names::short;
use super::units::{Ratio, Time};
use crate::diag::{Diagnostic, Span};
use crate::spec::{OrNone, PolicyDecl, Text};

/// What the author says about how a call is made against failure. What is not said stays `None`.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// Waits between attempts; `Lacking` if a failed attempt is repeated at once today.
    pub backoff: Option<Set<Stated<Backoff>>>,
    /// Retries as a share of calls; `Lacking` if nothing limits them today.
    pub retry_budget: Option<Set<Stated<Ratio>>>,
    /// Failures that are tried again, in the author's words.
    pub retry_on: Vec<Set<String>>,
    /// Wait before a second copy of a request is sent while the first still runs.
    pub hedge: Option<Set<Time>>,
    /// How often one request of the caller makes the call, one after the other.
    pub per_request: Option<Set<u32>>,
    /// The breaker; `Lacking` if there is none today.
    pub breaker: Option<Set<Stated<BreakerPolicy>>>,
    /// Whether the caller's own deadline is handed on to the callee.
    pub propagate_deadline: Option<Set<bool>>,
}

/// Waits between attempts.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct Backoff {
    /// Bound of the first wait.
    pub base: Option<Set<Time>>,
    /// Bound of every wait.
    pub max: Option<Set<Time>>,
    /// Whether a wait is drawn at random below its bound.
    pub jitter: Option<Set<bool>>,
}

/// A circuit breaker.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct BreakerPolicy {
    /// What it looks back at.
    pub window: Option<Set<Time>>,
    /// Calls in the window before it judges.
    pub minimum_calls: Option<Set<u64>>,
    /// Share of failed calls that opens it.
    pub failure_rate: Option<Set<Ratio>>,
    /// A call that takes longer counts as failed.
    pub slow: Option<Set<Time>>,
    /// How long it stays open.
    pub open: Option<Set<Time>>,
    /// Calls that it lets through when half open.
    pub half_open: Option<Set<u64>>,
}

impl Policy {
    /// The stated waits, if there are any.
    #[must_use]
    pub fn waits(&self) -> Option<Backoff> {
        match self.backoff?.value {
            Stated::Value(b) => Some(b),
            Stated::Lacking => None,
        }
    }

    /// The stated breaker, if there is one.
    #[must_use]
    pub fn breaker(&self) -> Option<BreakerPolicy> {
        match self.breaker?.value {
            Stated::Value(b) => Some(b),
            Stated::Lacking => None,
        }
    }
}

pub(super) fn policy(d: &PolicyDecl, out: Out<'_>) -> Policy {
    let backoff = lacking_or(d.backoff.as_ref(), "backoff", out, |b, out| {
        (
            Backoff {
                base: check::time(b.base.as_ref(), out),
                max: check::time(b.max.as_ref(), out),
                jitter: check::flag(b.jitter.as_ref()),
            },
            b.span,
        )
    });
    if let Some(Set {
        value:
            Stated::Value(Backoff {
                base: Some(base),
                max: Some(max),
                ..
            }),
        ..
    }) = backoff
        && base.value > max.value
    {
        out.push(
            Diagnostic::error(
                "invalid-value",
                base.span,
                format!(
                    "the first wait of {} is above the largest of {}",
                    base.value, max.value
                ),
            )
            .at("the first")
            .label(max.span, "the largest")
            .help("waits grow from `base` to `max`"),
        );
    }
    let retry_budget = match d.retry_budget.as_ref() {
        Some(text) if check::is_none(text) => Some(Set {
            value: Stated::Lacking,
            span: text.span,
        }),
        text => check::share("retry_budget", text, out).map(|s| Set {
            value: Stated::Value(s.value),
            span: s.span,
        }),
    };
    Policy {
        backoff,
        retry_budget,
        retry_on: words(&d.retry_on),
        hedge: check::time(d.hedge.as_ref(), out),
        per_request: check::small(d.per_request.as_ref()),
        breaker: lacking_or(d.breaker.as_ref(), "breaker", out, |b, out| {
            (
                BreakerPolicy {
                    window: check::time(b.window.as_ref(), out),
                    minimum_calls: check::count(b.minimum_calls.as_ref()),
                    failure_rate: check::share("failure_rate", b.failure_rate.as_ref(), out),
                    slow: check::time(b.slow.as_ref(), out),
                    open: check::time(b.open.as_ref(), out),
                    half_open: check::count(b.half_open.as_ref()),
                },
                b.span,
            )
        }),
        propagate_deadline: check::flag(d.propagate_deadline.as_ref()),
    }
}

/// The words, sorted: their order means nothing.
fn words(texts: &[Text]) -> Vec<Set<String>> {
    let mut all: Vec<Set<String>> = texts
        .iter()
        .map(|t| Set {
            value: t.value.trim().to_owned(),
            span: t.span,
        })
        .collect();
    all.sort_by(|a, b| (&a.value, a.span.start).cmp(&(&b.value, b.span.start)));
    all.dedup_by(|b, a| a.value == b.value);
    all
}

/// A table as `read` takes it, or the word `none`; any other word is reported.
fn lacking_or<D, T>(
    decl: Option<&OrNone<D>>,
    key: &str,
    out: Out<'_>,
    read: impl FnOnce(&D, Out<'_>) -> (T, Span),
) -> Option<Set<Stated<T>>> {
    match decl? {
        OrNone::Word(text) if check::is_none(text) => Some(Set {
            value: Stated::Lacking,
            span: text.span,
        }),
        OrNone::Word(text) => {
            out.push(unknown_word(key, text));
            None
        }
        OrNone::Table(table) => {
            let (value, span) = read(table, out);
            Some(Set {
                value: Stated::Value(value),
                span,
            })
        }
    }
}

fn unknown_word(key: &str, text: &Text) -> Diagnostic {
    Diagnostic::error(
        "invalid-value",
        text.span,
        format!("`{}` says nothing about `{key}`", short(&text.value)),
    )
    .at("not understood")
    .help(format!(
        "write `{key} = {{ … }}` with its values, or `{key} = \"none\"` where there is none today"
    ))
}
