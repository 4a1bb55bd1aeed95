//! `grace-too-short`: an instance is killed before its last request is done.
//!
//! A stated `grace` below the longest timeout that the author gives to a call of the service.

use super::prelude::*;

rule! {
    id: "grace-too-short",
    severity: Warning,
    section: Discovery,
    summary: "an instance is killed before its last request is done",
    what: "A stated `grace` below the longest timeout that the author gives to a call of the service.",
    why: "Every deployment cuts off the requests that are still running.",
    limits: "What the design would add for load balancers to notice and for telemetry to be flushed is not counted.",
    source: "Kubernetes documentation, Pod lifecycle, termination",
}

fn check(facts: &Facts<'_>, report: &mut Report) {
    for id in facts.model.service_ids() {
        let s = facts.model.service(id);
        let Some(grace) = s.grace.filter(|_| !s.external) else { continue };
        let longest = facts.inbound[id.0]
            .iter()
            .filter_map(|c| Some((facts.timeout(*c)?, *c)))
            .max_by_key(|((t, _), c)| (*t, std::cmp::Reverse(*c)));
        let Some(((timeout, span), call)) = longest.filter(|((t, _), _)| *t > grace.value) else {
            continue;
        };
        let planned = facts.plan.service(id);
        let enough = timeout.plus(planned.pre_stop.value);
        let d = report
            .at(
                grace.span,
                format!(
                    "`{}` is killed after {}, but `{}` may take {timeout}",
                    s.name,
                    grace.value,
                    facts.model.call(call).label()
                ),
            )
            .at("too short")
            .label(span, format!("waits {timeout}"))
            .help(format!(
                "make it {enough} or more: {} for load balancers to notice, and {timeout} to finish",
                planned.pre_stop.value
            ));
        let wanted = format!("\"{}\"", enough.compact());
        let fix = Fix::new(format!("set `grace = {wanted}`")).write(grace.span, wanted);
        report.add(facts.service(id), d.fix(fix));
    }
}
