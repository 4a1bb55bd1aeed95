//! `consumer-not-idempotent`: a message that comes twice has its effect twice.
//!
//! An event of which the author says `idempotent = false`, unless it is delivered at most or exactly once or `dedupe` says for how long duplicates are dropped.

use super::prelude::*;
use crate::model::Delivery;

rule! {
    id: "consumer-not-idempotent",
    severity: Error,
    section: Async,
    summary: "a message that comes twice has its effect twice",
    what: "An event of which the author says `idempotent = false`, unless it is delivered at most or exactly once or `dedupe` says for how long duplicates are dropped.",
    why: "A broker that delivers at least once delivers some messages twice: after a crash, a rebalance or a late acknowledgement.",
    limits: "Nothing said means that the design gives each reader an inbox.",
    source: "microservices.io, Idempotent consumer",
}

fn check(facts: &Facts<'_>, report: &mut Report) {
    for id in facts.model.event_ids() {
        let e = facts.model.event(id);
        let Some(set) = e.terms.idempotent.filter(|i| !i.value) else {
            continue;
        };
        let plan = facts.plan.event(id);
        if plan.delivery != Delivery::AtLeastOnce || e.terms.dedupe.is_some() {
            continue;
        }
        let readers: Vec<&str> = e.consumers.iter().map(|(p, _)| facts.model.party(*p)).collect();
        let who = if readers.is_empty() { "a reader".to_owned() } else { list(&readers) };
        let mut d = report
            .at(
                set.span,
                format!(
                    "{} delivers `{}` at least once, and {who} does its work again for a duplicate",
                    facts.model.broker(e.broker).kind.name,
                    e.name
                ),
            )
            .at("not idempotent");
        if let Some(delivery) = e.delivery {
            d = d.label(delivery.span, "duplicates are possible");
        }
        let d = d.help(format!(
            "keep the id of each message for {} and drop what is known, in the transaction of the effect (inbox)",
            plan.dedupe.value
        ));
        report.add(facts.event(id), d);
    }
}
