//! `heartbeat-late`: a quiet connection is cut before its next heartbeat.
//!
//! A stated `heartbeat` that is not below the smallest idle limit on the path.

use super::prelude::*;

rule! {
    id: "heartbeat-late",
    severity: Error,
    section: Realtime,
    summary: "a quiet connection is cut before its next heartbeat",
    what: "A stated `heartbeat` that is not below the smallest idle limit on the path.",
    why: "A proxy closes what it takes for idle; clients lose messages and reconnect all the time.",
    limits: "The limits are the defaults of gateway and platform. Half of the limit is better than just below it: then one heartbeat may be lost.",
    source: "limits of gateway and platform as cited in the chapter",
}

fn check(facts: &Facts<'_>, report: &mut Report) {
    // Where neither is said, the limit is a guess of the tool's.
    let known = facts.model.infrastructure_set || facts.model.platform.gateway.is_some();
    for id in facts.model.stream_ids() {
        let (s, plan) = (facts.model.stream(id), facts.plan.stream(id));
        let (limit, whose) = &plan.idle_limit;
        let Some(heartbeat) = s.heartbeat.filter(|h| known && h.value >= *limit) else {
            continue;
        };
        let mut d = report
            .at(
                heartbeat.span,
                format!(
                    "a heartbeat every {} comes too late: {whose} closes a quiet connection after {limit}",
                    heartbeat.value
                ),
            )
            .at(format!("not below {limit}"));
        if let Some(g) = facts.model.platform.gateway {
            d = d.label(g.span, "the gateway on the path");
        }
        let d = d.help(format!(
            "send it at least every {}, half of the limit, so that one may be lost",
            Time(limit.0 / 2)
        ));
        report.add(facts.stream(id), d);
    }
}
