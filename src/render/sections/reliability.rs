//! Circuit breaker, retry and bulkhead: which call gets which values, and the code.

use super::super::artefact;
use super::super::code::{
    BreakerValues, CallSample, Fallback, Language, Pattern, Reasoned, language, replies, sample,
};
use super::super::doc::{Doc, Inline, count, say};
use super::super::{Cx, figures};
use super::column::Column;
use super::sync::{ends, today};
use super::timeouts::backoff;
use crate::model::units::Time;
use crate::model::{CallId, Party, Protocol};
use crate::plan::CallPlan;

pub(super) fn write(cx: &Cx<'_>, doc: &mut Doc) {
    let calls: Vec<CallId> = cx
        .plan
        .model
        .call_ids()
        .filter(|id| matches!(cx.plan.model.call(*id).from, Party::Service(_)))
        .collect();
    let Some(shown) = Shown::of(cx, &calls) else {
        doc.para(say!(
            "Left out: no service of {} makes a synchronous call that could fail.",
            cx.plan.model.title
        ));
        super::whatif::write(cx, doc);
        return;
    };
    breaker(cx, doc, &calls, &shown);
    retry(cx, doc, &calls, &shown);
    bulkhead(cx, doc, &calls, &shown);
    super::load::write(cx, doc, &calls);
    libraries(cx, doc);
    super::whatif::write(cx, doc);
}

/// The calls whose values the code shows: the busiest of those that use most of what is shown.
struct Shown {
    /// One with a breaker; the busiest of all where none has one.
    breaker: CallId,
    /// One that is retried, if there is one.
    retry: CallId,
    /// The one whose patterns are put together, and its bulkhead.
    all: CallId,
}

impl Shown {
    fn of(cx: &Cx<'_>, calls: &[CallId]) -> Option<Self> {
        let busiest = |key: fn(&CallPlan) -> (bool, bool)| {
            calls.iter().copied().max_by(|a, b| {
                let [p, q] = [cx.plan.call(*a), cx.plan.call(*b)];
                key(p)
                    .cmp(&key(q))
                    .then_with(|| p.rate.value.0.total_cmp(&q.rate.value.0))
                    .then_with(|| b.cmp(a))
            })
        };
        let mut breaker = busiest(|p| (p.breaker.is_ok(), p.attempts.value > 1))?;
        let retry = busiest(|p| (p.attempts.value > 1, p.breaker.is_ok()))?;
        let all = if cx.plan.call(breaker).breaker.is_ok() {
            breaker
        } else {
            breaker = busiest(|_| (false, false))?;
            retry
        };
        Some(Self {
            breaker,
            retry,
            all,
        })
    }
}

fn code(cx: &Cx<'_>, doc: &mut Doc, shown: CallId, pattern: Pattern, what: &str) {
    let model = cx.plan.model;
    doc.para(say!(
        "For `{}`, standard library only:",
        model.call_name(shown)
    ));
    let languages: Vec<&Language> = model
        .languages
        .iter()
        .filter_map(|l| language(l.id))
        .collect();
    let tabs: Vec<(&str, &str)> = languages.iter().map(|l| (l.id, l.name)).collect();
    let names: Vec<&str> = languages.iter().map(|l| l.name).collect();
    let what = format!("{what} in {}", names.join(", "));
    if !languages.is_empty() {
        doc.details(&what, |doc| {
            doc.tabs(&format!("code-{}", pattern.id()), &what, &tabs, |d, n| {
                let text = with_sample(cx, shown, |s| sample(languages[n], pattern, s));
                d.code(languages[n].fence, &text);
            });
        });
    }
}

/// Calls `with` with the values of `id`.
fn with_sample(cx: &Cx<'_>, id: CallId, with: impl FnOnce(&CallSample<'_>) -> String) -> String {
    let model = cx.plan.model;
    let c = model.call(id);
    let p: &CallPlan = cx.plan.call(id);
    let ms = |t: Time| u32::try_from(t.as_ms()).unwrap_or(u32::MAX);
    let n = |v: u64| u32::try_from(v).unwrap_or(u32::MAX);
    let breaker = p.breaker.as_ref().ok().map(|b| BreakerValues {
        failure_ratio: Reasoned::new(b.ratio.value.0, &b.ratio.why),
        window_s: Reasoned::new(n(b.window.value.as_ms().div_ceil(1000)), &b.window.why),
        minimum_calls: Reasoned::new(n(b.minimum.value), &b.minimum.why),
        open_ms: Reasoned::new(ms(b.open.value), &b.open.why),
        half_open_calls: Reasoned::new(n(b.half_open.value), &b.half_open.why),
        slow_call_ms: Reasoned::new(ms(b.slow.value), &b.slow.why),
    });
    with(&CallSample {
        caller: model.party(c.from),
        callee: &model.service(c.to).name,
        operation: &c.operation,
        protocol: c.protocol.name(),
        attempt_timeout_ms: Reasoned::new(ms(p.timeout.value), &p.timeout.why),
        attempts: Reasoned::new(p.attempts.value, &p.attempts.why),
        backoff_base_ms: Reasoned::new(ms(p.backoff_base.value), &p.backoff_base.why),
        backoff_cap_ms: Reasoned::new(ms(p.backoff_cap.value), &p.backoff_cap.why),
        retry_budget_ratio: Reasoned::new(p.retry_budget.value.0, &p.retry_budget.why),
        deadline_ms: Reasoned::new(ms(p.deadline.value), &p.deadline.why),
        idempotent: Reasoned::new(p.idempotent.value, &p.idempotent.why),
        keyed: p.idempotent.value
            && matches!(c.protocol, Protocol::Rest(Some(method)) if !method.idempotent()),
        breaker,
        slots: Reasoned::new(n(p.slots.value), &p.slots.why),
        fallback: if p.answers {
            Fallback::Answers(&p.fallback.value)
        } else {
            Fallback::Fails(&p.fallback.value)
        },
    })
}

fn breaker(cx: &Cx<'_>, doc: &mut Doc, calls: &[CallId], shown: &Shown) {
    doc.heading(1, "Circuit Breaker", "reliability-breaker");
    let mut rows = Vec::new();
    let (mut windows, mut minimums) = (Column::default(), Column::default());
    for id in calls {
        if let Ok(b) = &cx.plan.call(*id).breaker {
            let [from, to] = ends(cx, *id);
            rows.push(vec![
                from,
                to,
                Inline::code(cx.plan.model.call(*id).label()),
                Inline::text(b.ratio.value.to_string()),
                windows.cell(&b.window),
                minimums.cell(&b.minimum),
            ]);
        }
    }
    doc.table(
        &[
            "From",
            "To",
            "Operation",
            "Opens at",
            "Window",
            "Minimum calls",
        ],
        rows,
    );
    let shown = shown.breaker;
    if let Err(why) = &cx.plan.call(shown).breaker {
        doc.para(say!(
            "No code: no call has a breaker. Of `{}`, the busiest: {}.",
            cx.plan.model.call_name(shown),
            why
        ));
        return;
    }
    figures::breakers(cx, doc, calls, shown);
    code(cx, doc, shown, Pattern::CircuitBreaker, "Circuit breaker");
}

fn retry(cx: &Cx<'_>, doc: &mut Doc, calls: &[CallId], shown: &Shown) {
    doc.heading(1, "Retry with Backoff", "reliability-retry");
    let (retried, once): (Vec<CallId>, Vec<CallId>) = calls
        .iter()
        .partition(|id| cx.plan.call(**id).attempts.value > 1);
    let rows = retried
        .iter()
        .map(|id| {
            let p = cx.plan.call(*id);
            let policy = &cx.plan.model.call(*id).policy;
            let [from, to] = ends(cx, *id);
            vec![
                from,
                to,
                Inline::code(cx.plan.model.call(*id).label()),
                Inline::text(p.attempts.value.to_string()),
                backoff(&p.backoff).and(today(policy.backoff.as_ref())),
                Inline::text(p.retry_budget.value.to_string())
                    .and(today(policy.retry_budget.as_ref())),
                Inline::quoted(&p.attempts.why),
            ]
        })
        .collect();
    doc.table(
        &[
            "From",
            "To",
            "Operation",
            "Attempts",
            "Backoff up to",
            "Budget",
            "Derivation",
        ],
        rows,
    );
    if !once.is_empty() {
        let rows = once
            .iter()
            .map(|id| {
                let [from, to] = ends(cx, *id);
                vec![
                    from,
                    to,
                    Inline::code(cx.plan.model.call(*id).label()),
                    Inline::quoted(&cx.plan.call(*id).attempts.why),
                ]
            })
            .collect();
        let are = if once.len() == 1 { "is" } else { "are" };
        let summary = format!("{} {are} tried once", count(once.len(), "call"));
        doc.details(&summary, |d| {
            d.table(&["From", "To", "Operation", "Reason"], rows);
        });
    }
    one_retrier(cx, doc);
    super::amplification::write(cx, doc);
    if retried.is_empty() {
        doc.para(say!("No code: every call is tried once."));
        return;
    }
    errors(cx, doc, shown.retry);
    code(cx, doc, shown.retry, Pattern::Retry, "Retry with backoff");
}

/// Which one layer retries, and what two would make of it.
fn one_retrier(cx: &Cx<'_>, doc: &mut Doc) {
    let Some(r) = cx.plan.retriers() else {
        return;
    };
    doc.heading(2, "Who retries", "reliability-retrier");
    let mesh = &cx.plan.choices.mesh.name;
    doc.para(say!(
        "The caller's code, and nothing below it: the code alone has the limit of an attempt, the breaker, \
         the budget and the fallback. Its {} attempts of `{}` are {} requests for what lies below.",
        r.attempts,
        cx.plan.model.call_name(r.call),
        r.attempts
    ));
    let mut items = Vec::new();
    if r.mesh > 1 {
        items.push(say!(
            "{} by itself would make {} × {} = {} of them. Its routes say `attempts: 0`, and their timeout is \
             that of one attempt.",
            mesh,
            r.attempts,
            r.mesh,
            r.with_mesh
        ));
    } else if cx.plan.choices.mesh.id == "envoy" {
        items.push(say!(
            "{} retries where a route has a policy for it. No route of `<service>.yaml` has one, and their \
             timeout is that of one attempt; `<service>.retrying.yaml` is for a service whose code does not \
             retry.",
            mesh
        ));
    } else if cx.plan.choices.mesh.id == "linkerd" {
        items.push(say!(
            "{} retries what an annotation names. No route has one, and their timeout is that of one attempt.",
            mesh
        ));
    }
    if r.channel > 1 {
        let by = if r.mesh > 1 {
            format!(", with {mesh} {}", r.all)
        } else {
            String::new()
        };
        items.push(say!(
            "A gRPC channel with the same policy would make {} × {} = {}{}. So take `service-config.json`, \
             which has no retry policy; `retrying.service-config.json` is for a caller whose code does not \
             retry.",
            r.attempts,
            r.channel,
            r.with_channel,
            by
        ));
    }
    items.push(say!(
        "The library's configuration is the code's other form, not one more: take one of the two."
    ));
    doc.list(items);
}

/// After which errors the code tries again.
fn errors(cx: &Cx<'_>, doc: &mut Doc, shown: CallId) {
    let p = cx.plan.call(shown);
    let c = cx.plan.model.call(shown);
    let [refused, failed, broken] = replies(c.protocol.name());
    let lost = format!("a timeout, a lost connection or {failed}");
    let unknown = if p.idempotent.value {
        format!("and after {lost}, since it may be repeated.")
    } else {
        format!("but not after {lost}: it may have been processed.")
    };
    doc.para(say!(
        "`{}` is tried again after a refused connection or {}, which processed nothing, {} No other error is: not {}, \
         not a reply that blames {}, not a fault of {} itself.",
        cx.plan.model.call_name(shown),
        refused,
        unknown,
        broken,
        cx.plan.model.party(c.from),
        cx.plan.model.party(c.from)
    ));
}

fn bulkhead(cx: &Cx<'_>, doc: &mut Doc, calls: &[CallId], shown: &Shown) {
    doc.heading(1, "Bulkhead", "reliability-bulkhead");
    let rows = calls
        .iter()
        .map(|id| {
            let p = cx.plan.call(*id);
            let [from, to] = ends(cx, *id);
            vec![
                from,
                to,
                Inline::code(cx.plan.model.call(*id).label()),
                Inline::text(p.slots.value.to_string()),
                say!(
                    "{}: {} in all; {}",
                    p.concurrency.value,
                    p.concurrency.why,
                    p.slots.why
                ),
            ]
        })
        .collect();
    doc.table(
        &["From", "To", "Operation", "Slots an instance", "Derivation"],
        rows,
    );
    let shown = shown.all;
    code(cx, doc, shown, Pattern::Bulkhead, "Bulkhead");
    let p = cx.plan.call(shown);
    let name = cx.plan.model.call_name(shown);
    let what = match (p.breaker.is_ok(), p.attempts.value > 1) {
        (true, true) => {
            doc.para(say!(
                "Of the calls with a breaker and retries, `{}` is the busiest. Its three patterns together: the \
                 bulkhead outside, so that a call keeps its slot while it pauses, and the breaker inside the retry, \
                 so that it sees every attempt.",
                name
            ));
            "All three"
        }
        (true, false) => {
            doc.para(say!(
                "Of the calls with a breaker, `{}` is the busiest. It is tried once, so there is no retry in it: its \
                 two patterns together, within {}.",
                name,
                p.timeout.value
            ));
            "Both"
        }
        (false, true) => {
            doc.para(say!(
                "Of the calls that are tried again, `{}` is the busiest. It has no breaker. Its two patterns \
                 together: the bulkhead outside, so that a call keeps its slot while it pauses.",
                name
            ));
            "Both"
        }
        (false, false) => return,
    };
    code(cx, doc, shown, Pattern::GuardedCall, what);
}

/// The libraries that teams take in place of the samples: kind, key of its tab, label.
const LIBRARIES: [(&str, &str, &str); 6] = [
    ("failsafe", "go", "Go: failsafe-go"),
    ("resilience4j", "java", "Java, Kotlin: Resilience4j"),
    ("polly", "csharp", "C#: Polly"),
    ("tenacity", "python", "Python: tenacity"),
    (
        "cockatiel",
        "typescript",
        "TypeScript, JavaScript: cockatiel",
    ),
    ("tower", "rust", "Rust: tower"),
];

fn libraries(cx: &Cx<'_>, doc: &mut Doc) {
    let (mut tabs, mut files) = (Vec::new(), Vec::new());
    for (kind, key, label) in LIBRARIES {
        let of_kind = artefact::of_kind(cx, kind);
        if !of_kind.is_empty() {
            tabs.push((key, label));
            files.push(of_kind);
        }
    }
    if tabs.is_empty() {
        return;
    }
    doc.heading(1, "Libraries", "reliability-libraries");
    doc.para(say!(
        "The values of these tables for the library that a team may take in place of the code above, a file a service:"
    ));
    doc.tabs(
        "libraries",
        "The library of each language",
        &tabs,
        |d, n| {
            artefact::show_files(d, &files[n]);
        },
    );
}
