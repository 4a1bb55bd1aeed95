//! `health-missing`: a service cannot be asked whether it is well.
//!
//! A service of which the author says `health = "none"`.

use super::prelude::*;

rule! {
    id: "health-missing",
    severity: Warning,
    section: Discovery,
    summary: "a service cannot be asked whether it is well",
    what: "A service of which the author says `health = \"none\"`.",
    why: "The platform sends requests to an instance that has not started, and keeps one that hangs.",
    limits: "Nothing said means that the design plans the probes.",
    source: "Kubernetes documentation, liveness, readiness and startup probes",
}

fn check(facts: &Facts<'_>, report: &mut Report) {
    for id in facts.model.service_ids() {
        let s = facts.model.service(id);
        let Some(set) = s.health.as_ref().filter(|h| h.value == Stated::Lacking) else {
            continue;
        };
        let probes = facts.plan.service(id).health.as_ref();
        let help = probes.map_or("add a health endpoint".to_owned(), |h| {
            if h.grpc {
                "serve `grpc.health.v1.Health` and let the platform ask it".to_owned()
            } else {
                format!("serve `{}` and `{}`; neither may look at other services", h.liveness, h.readiness)
            }
        });
        let d = report
            .at(set.span, format!("nothing can tell whether an instance of `{}` works", s.name))
            .at("no health check today")
            .help(help);
        report.add(facts.service(id), d);
    }
}
