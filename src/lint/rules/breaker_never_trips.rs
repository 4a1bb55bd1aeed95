//! `breaker-never-trips`: a circuit breaker never sees enough calls to judge.
//!
//! A stated breaker whose window, at the stated rate of the call, holds fewer calls than its stated
//! minimum. The rate is divided by the stated instances of the caller, since each has a breaker of its
//! own.

use super::prelude::*;

rule! {
    id: "breaker-never-trips",
    severity: Warning,
    section: Reliability,
    summary: "a circuit breaker never sees enough calls to judge",
    what: "A stated breaker whose window, at the stated rate of the call, holds fewer calls than its stated minimum. The rate is divided by the stated instances of the caller, since each has a breaker of its own.",
    why: "A breaker judges only after its minimum of calls; where the window never holds so many it stays closed whatever happens, and only looks like protection.",
    limits: "Window, minimum and rate all have to be stated. Where the instances are not, they are taken as one.",
    source: "resilience4j, minimumNumberOfCalls",
}

fn check(facts: &Facts<'_>, report: &mut Report<'_>) {
    for id in facts.model.call_ids() {
        let c = facts.model.call(id);
        let Some(breaker) = c.policy.breaker() else { continue };
        let (Some(window), Some(minimum), Some(rate)) = (breaker.window, breaker.minimum_calls, c.rate)
        else {
            continue;
        };
        let replicas = match c.from {
            Party::Service(s) => facts.model.service(s).replicas.or(facts.model.defaults.replicas),
            Party::Actor(_) => None,
        };
        let instances = replicas.map_or(1, |r| r.value).max(1);
        let seen = rate.value.0 * window.value.as_s() / instances as f64;
        // A hair below the minimum is the last bit of a float.
        if seen + 1e-6 >= minimum.value as f64 {
            continue;
        }
        let mut d = report
            .at(
                minimum.span,
                format!(
                    "the breaker of `{}` for `{}` sees {} calls in {}, but waits for {}",
                    facts.model.party(c.from),
                    facts.name(c.to),
                    float(seen),
                    window.value,
                    minimum.value
                ),
            )
            .at("never reached")
            .label(rate.span, format!("{} calls", rate.value))
            .label(window.span, "within this window");
        if let Some(r) = replicas.filter(|r| r.value > 1) {
            d = d.label(r.span, format!("shared by {instances} instances"));
        }
        let needed = Time::s(1).scale((minimum.value as f64 * instances as f64 / rate.value.0.max(1e-9)).ceil());
        let d = d.help(if seen >= 10.0 {
            format!("set `minimum_calls = {}`, or a window of {needed}", float(seen.floor()))
        } else {
            format!("widen the window to {needed}; below 10 calls chance would trip it")
        });
        report.add(facts.call(id), d);
    }
}
