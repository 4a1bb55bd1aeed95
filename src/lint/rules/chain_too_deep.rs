//! `chain-too-deep`: a request passes through too many services one after the other.
//!
//! The longest chain of synchronous calls between services has more calls than `max`. Circles are
//! left to `sync-cycle`.

use super::prelude::*;

rule! {
    id: "chain-too-deep",
    severity: Warning,
    section: Interactions,
    summary: "a request passes through too many services one after the other",
    what: "The longest chain of synchronous calls between services has more calls than `max`. Circles are left to `sync-cycle`.",
    why: "Every hop adds its latency and its failures to the request, and every timeout must be longer than the one behind it.",
    limits: "Only the longest chain is reported; the next one appears when it is gone. It is not known whether one request goes all the way.",
    source: "domain heuristic; Treynor et al., The Calculus of Service Availability",
    thresholds: [("max", 3.0, "calls in a row")],
}

fn check(facts: &Facts<'_>, report: &mut Report) {
    let chain = &facts.plan.coupling.chain;
    let hops = chain.len();
    let most = report.most("max");
    if hops <= most {
        return;
    }
    let calls: Vec<CallId> = chain
        .iter()
        .filter_map(|(from, to)| {
            let ids = &facts.outbound[from.0];
            ids.iter().copied().find(|id| facts.model.call(*id).to == *to)
        })
        .collect();
    let path: Vec<ServiceId> =
        chain.first().map(|c| c.0).into_iter().chain(chain.iter().map(|c| c.1)).collect();
    let Some((first, rest)) = calls.split_first() else {
        return;
    };
    let (subject, places) = facts.path(&path);
    let mut d = report
        .at(
            facts.model.call(*first).span,
            format!("a request may pass through {hops} calls one after the other: {subject}"),
        )
        .at("call 1");
    for (i, id) in rest.iter().enumerate().take(7) {
        d = d.label(facts.model.call(*id).span, format!("call {}", i + 2));
    }
    let last = facts.model.call(calls[calls.len() - 1]);
    let d = d.help(format!(
        "bring it down to {most}: answer before the work is done and hand on an event, keep a copy of what `{}` knows, or merge two of these services",
        facts.name(last.to)
    ));
    report.add((subject, places), d);
}
