//! `breaker-missing`: nothing stops a caller from waiting for a callee that is down.
//!
//! A call of a service that cannot do without it, of which the author says `breaker = "none"`.

use super::prelude::*;

rule! {
    id: "breaker-missing",
    severity: Warning,
    section: Reliability,
    summary: "nothing stops a caller from waiting for a callee that is down",
    what: "A call of a service that cannot do without it, of which the author says `breaker = \"none\"`.",
    why: "While the callee is down every request waits for its timeout: threads and connections of the caller run out, and the failure spreads to what does not need the callee at all.",
    limits: "A call about whose breaker nothing is said is not reported: the design gives it one. A call that is `optional` is left out.",
    source: "Nygard, Release It!, Circuit Breaker",
}

fn check(facts: &Facts<'_>, report: &mut Report<'_>) {
    for id in facts.model.call_ids() {
        let c = facts.model.call(id);
        let (Some(none), Party::Service(_)) =
            (c.policy.breaker.filter(|b| b.value == Stated::Lacking), c.from)
        else {
            continue;
        };
        if c.soft() {
            continue;
        }
        let (caller, callee) = (facts.model.party(c.from), facts.name(c.to));
        let plan = facts.plan.call(id);
        let d = report
            .at(
                none.span,
                format!("every request of `{caller}` waits {} while `{callee}` is down", plan.worst_case()),
            )
            .at("no circuit breaker today")
            .label(c.span, "a hard dependency");
        let d = d.help(match &plan.breaker {
            Ok(b) => format!(
                "open after {} failures or slow calls of {} in {}, for {}",
                b.ratio.value, b.minimum.value, b.window.value, b.open.value
            ),
            Err(_) => format!(
                "it is made too rarely for a breaker to judge by: bound the concurrent calls to {} an instance, or make it `optional` with a `fallback`",
                plan.slots.value
            ),
        });
        report.add(facts.call(id), d);
    }
}
