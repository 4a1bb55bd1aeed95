//! Timeouts: the budget of every flow from the edge inward, what stands over it, and how fast it answers.

use super::super::doc::{Doc, Inline, say};
use super::super::{Cx, figures};
use super::column::Column;
use super::sync::ends;
use crate::model::units::float;
use crate::plan::{Ceiling, Change, FlowPlan};

pub(super) fn write(cx: &Cx<'_>, doc: &mut Doc) {
    let plan = cx.plan;
    let model = plan.model;
    doc.heading(1, "Timeouts", "sync-timeouts");
    doc.para("From the edge inward: a caller's attempt has to outlast everything that its callee waits for. Worst case of a call = attempts × timeout + backoff; slack = timeout − what is behind the callee.");
    if plan.flows.iter().any(|f| !f.derived && !f.rows.is_empty()) {
        doc.para("Response times of whole flows come from the distributions of their calls. Each is taken to be log-normal through its median and 99th percentile, σ = ln(p99 ÷ p50) ÷ 2.326, and independent of the others. One after the other they are convolved, at the same time their distribution functions are multiplied; a service's own work is a constant.");
    }
    for (i, flow) in plan.flows.iter().enumerate() {
        budget(cx, doc, i, flow);
    }
    let (mut p99s, mut timeouts) = (Column::default(), Column::default());
    let rows = model
        .call_ids()
        .map(|id| {
            let p = plan.call(id);
            let c = model.call(id);
            let [from, to] = ends(cx, id);
            let mut timeout = timeouts.cell(&p.timeout);
            if matches!(c.timeout, Some(t) if t.value == crate::model::Stated::Lacking) {
                timeout = timeout.and(Inline::text("; today there is none"));
            }
            vec![
                from,
                to,
                Inline::code(c.label()),
                p99s.cell(&p.p99),
                timeout,
                Inline::text(p.attempts.value.to_string()).and(Inline::why(&p.attempts)),
                backoff(&p.backoff),
                Inline::figure(&p.deadline),
            ]
        })
        .collect();
    doc.details(
        &format!("How each of the {} timeouts came about", model.calls.len()),
        |d| {
            d.table(
                &[
                    "From",
                    "To",
                    "Operation",
                    "p99",
                    "Timeout",
                    "Attempts",
                    "Backoff up to",
                    "Deadline",
                ],
                rows,
            );
        },
    );
}

pub(super) fn backoff(waits: &[crate::model::units::Time]) -> Inline {
    if waits.is_empty() {
        return Inline::text("–");
    }
    let mut shown: Vec<String> = waits.iter().take(5).map(ToString::to_string).collect();
    if waits.len() > 5 {
        shown.push("…".to_owned());
    }
    Inline::text(shown.join(", "))
}

fn budget(cx: &Cx<'_>, doc: &mut Doc, index: usize, flow: &FlowPlan) {
    let plan = cx.plan;
    let model = plan.model;
    if flow.rows.is_empty() {
        return;
    }
    doc.heading(2, flow.name.as_str(), &format!("sync-budget-{}", index + 1));
    let rows = flow
        .rows
        .iter()
        .map(|r| {
            let p = plan.call(r.call);
            let c = model.call(r.call);
            let [from, to] = ends(cx, r.call);
            vec![
                Inline::text("· ".repeat(r.depth.min(12))).and(from),
                to,
                Inline::code(c.label()),
                Inline::text(p.timeout.value.to_string()),
                Inline::text(p.attempts.value.to_string()),
                backoff(&p.backoff),
                match r.times {
                    1 => Inline::text(r.total.to_string()),
                    n => say!("{} × {}", n.to_string(), r.total),
                },
                if r.behind.0 == 0 {
                    Inline::text("–")
                } else {
                    Inline::text(r.behind.to_string())
                },
                match (r.behind.0, r.slack) {
                    (0, _) => Inline::text("–"),
                    (_, Some(slack)) => Inline::text(slack.to_string()),
                    (_, None) if r.over.0 == 0 => Inline::text("**broken**: nothing is left"),
                    (_, None) => say!("**broken** by {}", r.over),
                },
            ]
        })
        .collect();
    doc.table(
        &[
            "From",
            "To",
            "Operation",
            "Timeout",
            "Attempts",
            "Backoff up to",
            "Worst case",
            "Behind the callee",
            "Slack",
        ],
        rows,
    );
    figures::budget(cx, doc, index + 1, flow);
    if let Some(entry) = flow.entry {
        let name = &model.service(entry).name;
        let mut text = say!(
            "`{}` answers within {} at the latest: {}.",
            name,
            flow.total.value,
            flow.total.why
        );
        if flow.derived {
            text = text.and(Inline::text(" Which of these calls happen in one request is not stated, so nothing is summed: each hop is judged by its neighbour."));
        }
        doc.para(text);
    }
    doc.list(mended(cx, index));
    doc.list(flow.ceilings.iter().map(|c| ceiling(cx, c)));
    latency(cx, doc, index, flow);
}

/// The changes that mend the flow's budget.
fn mended(cx: &Cx<'_>, flow: usize) -> Vec<Inline> {
    let plan = cx.plan;
    plan.mends()
        .iter()
        .filter(|m| m.flow == flow)
        .map(|m| {
            let what = plan.model.call_name(m.call);
            let change = match m.change {
                Change::Timeout { from, to } => {
                    say!("`timeout` {} instead of {} on `{}`", to, from, what)
                }
                Change::Retries { from, to } => {
                    say!("`retries` {} instead of {} on `{}`", to, from, what)
                }
            };
            Inline::text("Smallest change that mends ")
                .and(Inline::code(plan.model.call_name(m.broken)))
                .and(Inline::text(": "))
                .and(change)
                .and(Inline::text(
                    "; the budgets of all flows were computed again with it, and none breaks.",
                ))
        })
        .collect()
}

/// What stands over the flow.
fn ceiling(cx: &Cx<'_>, c: &Ceiling) -> Inline {
    let mut text = match c.service {
        Some(s) => say!(
            "{} runs `{}` for at most {}",
            c.name,
            cx.plan.model.service(s).name,
            c.limit.value
        ),
        None => say!("{} waits {}", c.name, c.limit.value),
    };
    text = text
        .and(Inline::text(" ("))
        .and(Inline::text(&c.limit.why))
        .and(Inline::text("): "));
    let needs = match c.call {
        Some(id) => say!(
            "the attempt of `{}` waits {}",
            cx.plan.model.call_name(id),
            c.needs
        ),
        None => say!("the flow needs {}", c.needs),
    };
    text.and(needs).and(match c.slack {
        Some(slack) => say!(", slack {}.", slack),
        None => Inline::text(", so it **gives up first**."),
    })
}

/// Percentiles of the whole flow, and what adding those of its calls would have said.
fn latency(cx: &Cx<'_>, doc: &mut Doc, index: usize, flow: &FlowPlan) {
    let Some(l) = cx.plan.latency(index) else {
        return;
    };
    let model = cx.plan.model;
    let mut text = say!(
        "Response time: p50 {}, p95 {}, p99 {}, where no attempt fails.",
        l.p50,
        l.p95,
        l.p99
    );
    if l.parts.len() > 1 || l.parts.iter().any(|p| p.times > 1) {
        text = text.and(say!(
            " The 99th percentiles add up to {} ({}), which {} of requests beat: ",
            l.sum_of_p99.value,
            l.sum_of_p99.why,
            l.sum_is
        ));
        text = text.and(if l.sum_of_p99.value >= l.p99 {
            say!(
                "{} more than the p99, since the calls of one request are seldom slow together.",
                l.excess
            )
        } else {
            say!("less than the p99, since these calls are so uneven that there is always one that is slow.")
        });
    }
    if let Some(stated) = l.stated {
        text = text.and(say!(" Stated for the entry: p99 {}.", stated));
    }
    if let Some(p99) = flow.slo.and_then(|s| s.p99) {
        text = text.and(if l.p99 > p99.value {
            say!(
                " The flow promises {}: **these calls cannot keep it**.",
                p99.value
            )
        } else {
            say!(" The flow promises {}.", p99.value)
        });
    }
    doc.para(text);
    let rows = l
        .parts
        .iter()
        .map(|p| {
            let call = cx.plan.call(p.call);
            vec![
                Inline::code(model.call_name(p.call)),
                Inline::text(p.times.to_string()),
                Inline::figure(&call.p50),
                Inline::figure(&call.p99),
                Inline::text(float(p.sigma)),
            ]
        })
        .collect();
    doc.details("The distributions behind these percentiles", |d| {
        d.table(&["Call", "Times a request", "p50", "p99", "σ"], rows);
    });
}
