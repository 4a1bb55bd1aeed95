//! `liveness-dependency`: a liveness probe looks at something else than the process.
//!
//! A stated `liveness` probe whose `checks` name a store, a service or a broker.

use super::prelude::*;
use crate::model::Checked;

rule! {
    id: "liveness-dependency",
    severity: Error,
    section: Discovery,
    summary: "a liveness probe looks at something else than the process",
    what: "A stated `liveness` probe whose `checks` name a store, a service or a broker.",
    why: "When that is down, the platform restarts every healthy instance of the service, again and again, and the outage spreads.",
    limits: "It believes what `checks` says.",
    source: "Kubernetes documentation, liveness, readiness and startup probes",
}

fn check(facts: &Facts<'_>, report: &mut Report) {
    for id in facts.model.service_ids() {
        let s = facts.model.service(id);
        let Some((first, rest)) = s.liveness.as_ref().and_then(|p| p.checks.split_first()) else {
            continue;
        };
        let name = |c: &Checked| match c {
            Checked::Service(x) => facts.name(*x),
            Checked::Store(x) => facts.model.store(*x).name.as_str(),
            Checked::Broker(x) => facts.model.broker(*x).name.as_str(),
        };
        let names: Vec<&str> = std::iter::once(first).chain(rest).map(|c| name(&c.value)).collect();
        let mut d = report
            .at(first.span, format!("a failure of {} restarts every instance of `{}`", list(&names), s.name))
            .at("not this process");
        for other in rest.iter().take(7) {
            d = d.label(other.span, "nor is this");
        }
        let d = d.help("let `liveness` look at the process alone; what the service needs belongs into `readiness`");
        report.add(facts.service(id), d);
    }
}
