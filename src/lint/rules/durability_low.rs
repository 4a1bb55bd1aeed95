//! `durability-low`: the broker may lose an event.
//!
//! An event of which the author says `durable = false`.

use super::prelude::*;

rule! {
    id: "durability-low",
    severity: Warning,
    section: Async,
    summary: "the broker may lose an event",
    what: "An event of which the author says `durable = false`.",
    why: "A restart of the broker loses what is waiting.",
    limits: "Replication of a broker that says nothing here is planned by the design.",
    source: "Apache Kafka, broker defaults; RabbitMQ documentation, quorum queues",
}

fn check(facts: &Facts<'_>, report: &mut Report) {
    for id in facts.model.event_ids() {
        let e = facts.model.event(id);
        let Some(span) = e.lacks_durability else { continue };
        let broker = facts.model.broker(e.broker).kind;
        let d = report
            .at(span, format!("a restart of {} loses the messages of `{}` that wait there", broker.name, e.name))
            .at("not durable today")
            .help(format!("make it durable: {}", broker.replication));
        report.add(facts.event(id), d);
    }
}
