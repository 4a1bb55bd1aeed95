//! `message-too-large`: a message is larger than what carries it takes.
//!
//! A stated `size` above the largest message of the broker is an error; above 64 KiB, which every
//! intermediary of CloudEvents must forward, a warning.

use super::prelude::*;

rule! {
    id: "message-too-large",
    severity: Error,
    section: Async,
    summary: "a message is larger than what carries it takes",
    what: "A stated `size` above the largest message of the broker is an error; above `kib` (64 KiB), which every intermediary of CloudEvents must forward, a warning.",
    why: "The broker refuses the message, so nobody ever gets it; a large one slows down everything that waits behind it.",
    limits: "Limits are those that the broker has unless somebody raises them.",
    source: "limits of the brokers as cited in the chapter; CloudEvents 1.0, size limits",
    thresholds: [("kib", 64.0, "KiB that every intermediary forwards")],
}

use crate::model::units::Bytes;

fn check(facts: &Facts<'_>, report: &mut Report) {
    let forwarded = Bytes(u64::try_from(report.most("kib")).map_or(u64::MAX, |kib| kib.saturating_mul(1024)));
    for id in facts.model.event_ids() {
        let e = facts.model.event(id);
        let Some(size) = e.size.filter(|s| s.value > forwarded) else {
            continue;
        };
        let broker = facts.model.broker(e.broker);
        let limit = Bytes(broker.kind.max_bytes);
        let over = size.value > limit;
        let mut d = if over {
            report.at(
                size.span,
                format!(
                    "a message of `{}` has {}, and {} takes at most {limit}",
                    e.name, size.value, broker.kind.name
                ),
            )
        } else {
            let mut d = report.at(
                size.span,
                format!(
                    "a message of `{}` has {}, more than the {forwarded} that every intermediary forwards",
                    e.name, size.value
                ),
            );
            d.severity = Severity::Warning;
            d
        };
        d = d.at(if over { "does not fit" } else { "large for an event" });
        if let Some(span) = broker.span {
            d = d.label(span, format!("{} takes up to {limit}", broker.kind.name));
        }
        let owner = e.publishers.first().map(|p| facts.name(p.service));
        let d = d.help(format!(
            "keep the payload in a store of {} and send a reference to it (claim check)",
            owner.map_or_else(|| "the publisher".to_owned(), |o| format!("`{o}`"))
        ));
        report.add(facts.event(id), d);
    }
}
