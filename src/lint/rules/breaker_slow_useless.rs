//! `breaker-slow-useless`: a circuit breaker counts calls as slow that the timeout has ended already.
//!
//! A stated breaker whose `slow` is as long as the stated timeout of the call, or longer.

use super::prelude::*;

rule! {
    id: "breaker-slow-useless",
    severity: Warning,
    section: Reliability,
    summary: "a circuit breaker counts calls as slow that the timeout has ended already",
    what: "A stated breaker whose `slow` is as long as the stated timeout of the call, or longer.",
    why: "No call ever takes that long: the timeout ends it first, and a callee that gets slower and slower is seen only when it fails altogether.",
    limits: "Both have to be stated.",
    source: "resilience4j, slowCallDurationThreshold",
}

fn check(facts: &Facts<'_>, report: &mut Report<'_>) {
    for id in facts.model.call_ids() {
        let c = facts.model.call(id);
        let (Some(slow), Some((timeout, span))) =
            (c.policy.breaker().and_then(|b| b.slow), facts.patience(id))
        else {
            continue;
        };
        if slow.value < timeout {
            continue;
        }
        let share = crate::catalog::numbers().breaker_slow_share.value;
        let better = timeout.scale(share);
        let d = report
            .at(
                slow.span,
                format!(
                    "`{}` counts calls to `{}` as slow from {} on, but ends them after {timeout}",
                    facts.model.party(c.from),
                    facts.name(c.to),
                    slow.value
                ),
            )
            .at("never reached")
            .label(span, format!("ends after {timeout}"))
            .help(format!("set `slow = \"{}\"` ({} × the timeout)", better.compact(), float(share)))
            .fix(
                Fix::new(format!("set `slow = \"{}\"`", better.compact()))
                    .write(slow.span, format!("\"{}\"", better.compact())),
            );
        report.add(facts.call(id), d);
    }
}
