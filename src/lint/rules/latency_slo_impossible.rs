//! `latency-slo-impossible`: a promise about latency that the calls behind it cannot keep.
//!
//! A flow with a stated p99 whose calls, by their stated percentiles alone, have a larger one: their
//! log-normal distributions are convolved over sequence, parallel calls and repetition. A warning where
//! a service that begins no stated flow promises a p99 below that of one call that it cannot do
//! without.

use super::prelude::*;

rule! {
    id: "latency-slo-impossible",
    severity: Error,
    section: Reliability,
    summary: "a promise about latency that the calls behind it cannot keep",
    what: "A flow with a stated p99 whose calls, by their stated percentiles alone, have a larger one: their log-normal distributions are convolved over sequence, parallel calls and repetition. A warning where a service that begins no stated flow promises a p99 below that of one call that it cannot do without.",
    why: "The promise is broken on an ordinary day, with every part working as it says; its alert fires until nobody looks any more.",
    limits: "Calls are taken to be independent; a median that is not stated is taken as a quarter of the 99th percentile. Own work and calls without a stated percentile count nothing. Without a flow it is not known whether every request makes the call.",
    source: "How the numbers are derived, Response times of flows",
}

fn check(facts: &Facts<'_>, report: &mut Report<'_>) {
    let mut begins = vec![false; facts.model.services.len()];
    for (i, flow) in facts.plan.flows.iter().enumerate().filter(|(_, f)| !f.derived) {
        if let Some(s) = flow.entry {
            begins[s.0] = true;
        }
        let Some(promise) = flow.slo.and_then(|s| s.p99) else {
            continue;
        };
        let Some(l) = facts.plan.latency_as_stated(i) else {
            continue;
        };
        // A percentile above the timeout is told by `timeout-below-p99`.
        if l.parts.iter().any(|p| facts.cut_off(p.call)) {
            continue;
        }
        let p99 = l.stated.map_or(l.p99, |s| s.max(l.p99));
        // A hair is the grid's.
        if p99 <= promise.value.scale(1.01) {
            continue;
        }
        let mut d = report
            .at(
                promise.span,
                format!(
                    "\"{}\" promises {} at the 99th percentile, but its calls alone take {p99}",
                    flow.name, promise.value
                ),
            )
            .at(format!("promises {}", promise.value));
        for part in l.parts.iter().take(8) {
            if let Some((_, span, what)) = facts.p99(part.call) {
                let times = match part.times {
                    1 => String::new(),
                    n => format!(", {n} times"),
                };
                d = d.label(span, format!("{what} is {}{times}", part.p99));
            }
        }
        let d = d.help(format!(
            "promise no less than {}, make some of these calls at the same time, or answer before they are made",
            p99.round_up()
        ));
        let mut places: Vec<String> = Vec::new();
        if let Some(s) = flow.entry {
            places.push(facts.name(s).to_owned());
        }
        report.add((flow.name.clone(), places), d);
    }
    for (s, service) in facts.model.services.iter().enumerate() {
        if let (Some(promise), false) = (service.slo.and_then(|o| o.p99), begins[s] || service.external) {
            neighbours(facts, report, s, (promise.value, promise.span));
        }
    }
}

/// The promise of a service against the slowest call that it cannot do without.
fn neighbours(facts: &Facts<'_>, report: &mut Report<'_>, s: usize, promise: (Time, Span)) {
    let service = &facts.model.services[s];
    let slowest = facts.outbound[s]
        .iter()
        .copied()
        .filter(|id| {
            let c = facts.model.call(*id);
            // A call that most requests do not make says little about all of them.
            let rare = matches!((c.rate, service.rate), (Some(c), Some(s)) if c.value.0 < 0.5 * s.value.0);
            !c.soft() && c.p99.is_some() && !rare && !facts.cut_off(*id) && !facts.in_cycle(*id)
        })
        .filter_map(|id| Some((facts.p99(id)?, id)))
        .max_by_key(|((p, _, _), id)| (*p, std::cmp::Reverse(*id)));
    let Some(((p99, span, what), id)) = slowest.filter(|((p, _, _), _)| *p > promise.0) else {
        return;
    };
    let c = facts.model.call(id);
    let mut d = report
        .at(
            promise.1,
            format!(
                "`{}` promises {} at the 99th percentile, but waits {p99} for `{}`",
                service.name,
                promise.0,
                facts.name(c.to)
            ),
        )
        .at(format!("promises {}", promise.0))
        .label(span, format!("{what} is {p99}"));
    d.severity = Severity::Warning;
    let d = d.help(format!(
        "promise no less than {p99}, make `{}` faster, or do without it (`optional` with a `fallback`)",
        facts.name(c.to)
    ));
    report.add(facts.service(ServiceId(s)), d);
}
