//! `realtime-sticky`: a client that falls back talks to instances that do not know it.
//!
//! A stream with a `fallback` transport and `sticky = false`, unless its server is one instance.

use super::prelude::*;


rule! {
    id: "realtime-sticky",
    severity: Error,
    section: Realtime,
    summary: "a client that falls back talks to instances that do not know it",
    what: "A stream with a `fallback` transport and `sticky = false`, unless its server is one instance.",
    why: "Long polling is many requests that belong to one connection; each that comes to another instance is refused, and the client connects again and again.",
    limits: "A backplane does not help: it carries messages, not connections.",
    source: "ASP.NET Core documentation, SignalR scale-out: sticky sessions",
}

fn check(facts: &Facts<'_>, report: &mut Report) {
    for id in facts.model.stream_ids() {
        let (s, plan) = (facts.model.stream(id), facts.plan.stream(id));
        let (Some(sticky), Some(fallback)) = (s.terms.sticky.filter(|s| !s.value), s.terms.fallback) else {
            continue;
        };
        let (Some(other), Some(server)) = (fallback.value, plan.server) else {
            continue;
        };
        if facts.model.service(server).replicas.is_some_and(|r| r.value == 1) {
            continue;
        }
        let d = report
            .at(
                sticky.span,
                format!(
                    "requests of one client by {other} reach different instances of `{}`",
                    facts.name(server)
                ),
            )
            .at("no affinity")
            .label(fallback.span, "many requests make one connection")
            .help(format!(
                "keep each client at one instance (affinity by cookie at the gateway), or allow {} only",
                s.transport.name()
            ));
        report.add(facts.stream(id), d);
    }
}
