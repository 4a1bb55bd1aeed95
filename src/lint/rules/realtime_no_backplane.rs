//! `realtime-no-backplane`: a message reaches only the clients of one instance.
//!
//! A stream of which the author says `backplane = "none"`, and whose server has more than one instance by `replicas`.

use super::prelude::*;
use crate::model::Backplane;

rule! {
    id: "realtime-no-backplane",
    severity: Error,
    section: Realtime,
    summary: "a message reaches only the clients of one instance",
    what: "A stream of which the author says `backplane = \"none\"`, and whose server has more than one instance by `replicas`.",
    why: "A message arises on one instance, and most of its listeners are connected to others: they see it by chance.",
    limits: "Nothing said means that the design plans a backplane. Sending a client always to the same instance does not help: its message may arise on another.",
    source: "ASP.NET Core documentation, SignalR scale-out",
}

fn check(facts: &Facts<'_>, report: &mut Report) {
    for id in facts.model.stream_ids() {
        let (s, plan) = (facts.model.stream(id), facts.plan.stream(id));
        let lacks = s.terms.backplane.filter(|b| b.value == Backplane::Lacking);
        let (Some(set), Some(server)) = (lacks, plan.server) else {
            continue;
        };
        let replicas = facts.model.service(server).replicas;
        let Some(replicas) = replicas.or(facts.model.defaults.replicas).filter(|r| r.value > 1) else {
            continue;
        };
        let name = facts.name(server);
        let d = report
            .at(
                set.span,
                format!(
                    "a message that arises on one of the {} instances of `{name}` does not reach the clients of the others",
                    replicas.value
                ),
            )
            .at("no backplane today")
            .label(replicas.span, format!("{} instances", replicas.value))
            .help(format!(
                "let every instance of `{name}` publish to and read from one backplane, such as {}",
                if plan.resume.value { "Redis Streams" } else { "Redis Pub/Sub" }
            ));
        report.add(facts.stream(id), d);
    }
}
