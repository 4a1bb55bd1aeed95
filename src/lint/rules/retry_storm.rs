//! `retry-storm`: retries multiply along a path.
//!
//! A path of calls on which at least two layers retry and the stated attempts multiply to more than
//! four; an error above nine.

use super::prelude::*;

rule! {
    id: "retry-storm",
    severity: Warning,
    section: Reliability,
    summary: "retries multiply along a path",
    what: "A path of calls on which at least two layers retry and the stated attempts multiply to more than four; an error above nine.",
    why: "When the last service fails, each layer repeats what the layer behind it has repeated already: three layers of three attempts are 27 calls for one request.",
    limits: "Retries of a mesh are left to `mesh-double-retry`. Of all paths with the same first retry only the worst is reported.",
    source: "Site Reliability Engineering, chapter 22",
}

fn check(facts: &Facts<'_>, report: &mut Report) {
    let n = facts.model.services.len();
    // The worst product behind every service, and the call that leads there; successors first.
    let mut worst: Vec<(u64, Option<CallId>)> = vec![(1, None); n];
    let order = facts.plan.graph.successors_first();
    for &s in &order {
        for id in facts.outbound[s].iter().filter(|id| !facts.in_cycle(**id)) {
            let to = facts.model.call(*id).to.0;
            let product = worst[to].0.saturating_mul(facts.attempts(*id).0.into());
            if product > worst[s].0 {
                worst[s] = (product, Some(*id));
            }
        }
    }
    // Whether something before a service retries already: then its paths are part of a longer one.
    let mut before = vec![false; n];
    for &s in order.iter().rev() {
        before[s] = facts.inbound[s].iter().any(|id| {
            let caller = matches!(facts.model.call(*id).from, Party::Service(c) if before[c.0]);
            !facts.in_cycle(*id) && (facts.attempts(*id).0 > 1 || caller)
        });
    }
    for id in facts.model.call_ids() {
        let c = facts.model.call(id);
        let (attempts, _) = facts.attempts(id);
        let product = worst[c.to.0].0.saturating_mul(attempts.into());
        let inner = match c.from {
            // Of one caller's calls only the worst.
            Party::Service(s) => before[s.0] || worst[s.0].1 != Some(id),
            Party::Actor(_) => false,
        };
        if attempts < 2 || worst[c.to.0].0 < 2 || product <= 4 || inner || facts.in_cycle(id) {
            continue;
        }
        let mut calls = vec![id];
        let mut at = c.to;
        while let Some(next) = worst[at.0].1 {
            calls.push(next);
            at = facts.model.call(next).to;
        }
        let factors: Vec<String> = calls
            .iter()
            .map(|i| facts.attempts(*i).0)
            .filter(|a| *a > 1)
            .map(|a| a.to_string())
            .collect();
        let last = facts.name(at);
        let (_, span) = facts.attempts(id);
        let mut d = report
            .at(
                span.unwrap_or(c.span),
                format!(
                    "one request may reach `{last}` {product} times: {} attempts along the path",
                    factors.join(" × ")
                ),
            )
            .at(format!("{attempts} attempts to `{}`", facts.name(c.to)));
        if product > 9 {
            d.severity = Severity::Error;
        }
        for i in &calls[1..] {
            let (a, span) = facts.attempts(*i);
            if let (true, Some(span)) = (a > 1, span) {
                d = d.label(span, format!("{a} attempts to `{}`", facts.name(facts.model.call(*i).to)));
            }
        }
        let d = d.help(format!(
            "retry in one layer, the one next to `{last}`, and set `retries = 0` on the other calls of the path"
        ));
        let mut path: Vec<ServiceId> = calls.iter().map(|i| facts.model.call(*i).to).collect();
        if let Party::Service(s) = c.from {
            path.insert(0, s);
        }
        report.add(facts.path(&path), d);
    }
}
