//! `acks-none`: a publisher does not wait for the broker.
//!
//! An event of which the author says `acks = "none"`.

use super::prelude::*;

rule! {
    id: "acks-none",
    severity: Error,
    section: Async,
    summary: "a publisher does not wait for the broker",
    what: "An event of which the author says `acks = \"none\"`.",
    why: "The publisher believes that the event is out while the broker may never have had it; nothing notices the loss.",
    limits: "None.",
    source: "Apache Kafka, producer configuration",
}

fn check(facts: &Facts<'_>, report: &mut Report) {
    for id in facts.model.event_ids() {
        let e = facts.model.event(id);
        let (Some(span), Some(p)) = (e.lacks_acks, e.publishers.first()) else {
            continue;
        };
        let broker = facts.model.broker(e.broker);
        let d = report
            .at(
                span,
                format!(
                    "`{}` does not learn whether {} has taken `{}`",
                    facts.name(p.service),
                    broker.kind.name,
                    e.name
                ),
            )
            .at("no acknowledgement today")
            .help("wait for all in-sync replicas (`acks = \"all\"`) and treat a failure as a failed publication");
        report.add(facts.event(id), d);
    }
}
