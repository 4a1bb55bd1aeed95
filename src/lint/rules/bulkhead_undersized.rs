//! `bulkhead-undersized`: a bulkhead refuses calls at normal peak.
//!
//! A stated `bulkhead` that, over all stated instances of the caller, holds fewer calls than Little's law
//! puts in flight: λ · p99 · 1.3, with stated rate and 99th percentile.

use super::prelude::*;

rule! {
    id: "bulkhead-undersized",
    severity: Error,
    section: Reliability,
    summary: "a bulkhead refuses calls at normal peak",
    what: "A stated `bulkhead` that, over all stated instances of the caller, holds fewer calls than Little's law puts in flight: λ · p99 · 1.3, with stated rate and 99th percentile.",
    why: "Calls are refused although the callee works.",
    limits: "It speaks only where rate, 99th percentile and instances are all stated.",
    source: "Little 1961: L = λ · W; 30 % of headroom as in the design's own bulkheads",
    thresholds: [("headroom", 30.0, "%")],
}

fn check(facts: &Facts<'_>, report: &mut Report) {
    let headroom = 1.0 + report.threshold("headroom") / 100.0;
    for id in facts.model.call_ids() {
        let c = facts.model.call(id);
        let (Some(slots), Some(rate), Party::Service(caller)) = (c.bulkhead, c.rate, c.from) else {
            continue;
        };
        let (Some((p99, p99_span, _)), Some((replicas, _))) = (facts.p99(id), facts.replicas(caller)) else {
            continue;
        };
        let needed = rate.value.0 * p99.as_s() * headroom;
        let all = slots.value.saturating_mul(replicas);
        if as_float(all) >= needed - 1e-9 {
            continue;
        }
        let each = (needed / as_float(replicas) - 1e-9).ceil();
        let d = report
            .at(
                slots.span,
                format!(
                    "{} of `{}` allow {all} calls to `{}` at once, but {} × {p99} × {} = {} are in flight at peak",
                    plural(count(replicas), "instance"),
                    facts.name(caller),
                    facts.name(c.to),
                    rate.value,
                    float(headroom),
                    float((needed * 100.0).round() / 100.0)
                ),
            )
            .at("too few")
            .label(rate.span, "the peak rate")
            .label(p99_span, "the 99th percentile")
            .help(format!("make it `bulkhead = {}` for each instance", float(each)));
        let fix = Fix::new(format!("set `bulkhead = {each}`")).write(slots.span, each.to_string());
        report.add(facts.call(id), d.fix(fix));
    }
}
