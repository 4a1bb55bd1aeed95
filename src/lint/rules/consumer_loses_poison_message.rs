//! `consumer-loses-poison-message`: a message that fails is lost, since it counts as handled already.
//!
//! An event of which the author says `ack = "auto"`: it is acknowledged on delivery. Or one that is `delivery = "at-most-once"` and has `retries`, which can never happen.

use super::prelude::*;
use crate::lint::words::{Says, says};
use crate::model::Delivery;

rule! {
    id: "consumer-loses-poison-message",
    severity: Error,
    section: Async,
    summary: "a message that fails is lost, since it counts as handled already",
    what: "An event of which the author says `ack = \"auto\"`: it is acknowledged on delivery. Or one that is `delivery = \"at-most-once\"` and has `retries`, which can never happen.",
    why: "A crash, an exception or a deployment while the message is worked on loses it without a trace; redelivery and dead letters never see it.",
    limits: "Telemetry, of which a reading may be missing, can be acknowledged on delivery: it is known by its name.",
    source: "RabbitMQ documentation, consumer acknowledgements; Apache Kafka, enable.auto.commit",
}

fn check(facts: &Facts<'_>, report: &mut Report) {
    for id in facts.model.event_ids() {
        let e = facts.model.event(id);
        if says(&e.name) == Says::Telemetry {
            continue;
        }
        let readers: Vec<&str> = e.consumers.iter().map(|(p, _)| facts.model.party(*p)).collect();
        let who = if readers.is_empty() { "a reader".to_owned() } else { list(&readers) };
        let plan = facts.plan.event(id);
        let auto = e.terms.auto_ack.filter(|a| a.value);
        let once = e.delivery.filter(|d| d.value == Delivery::AtMostOnce);
        let retries = e.retries.filter(|r| r.value > 0);
        let d = match (auto, once, retries) {
            (Some(auto), _, _) => report
                .at(auto.span, format!("a message of `{}` on which {who} fails is lost", e.name))
                .at("acknowledged on delivery")
                .help(format!(
                    "acknowledge it after its effect is stored, deliver it up to {} times and then move it to the dead letters",
                    plan.attempts.value
                )),
            (None, Some(once), Some(retries)) => report
                .at(
                    once.span,
                    format!("a message of `{}` on which {who} fails is not delivered again, though `retries = {}`", e.name, retries.value),
                )
                .at("at most once")
                .label(retries.span, "never happen")
                .help("deliver it at least once and let its readers drop duplicates; or remove the retries if it may be lost"),
            _ => continue,
        };
        report.add(facts.event(id), d);
    }
}
