//! `dedupe-short`: a duplicate comes when the first is forgotten.
//!
//! A stated `dedupe` that is shorter than what the author says about how long a message may come again: its `retention`, and the waits of its `retries`.

use super::prelude::*;


rule! {
    id: "dedupe-short",
    severity: Warning,
    section: Async,
    summary: "a duplicate comes when the first is forgotten",
    what: "A stated `dedupe` that is shorter than what the author says about how long a message may come again: its `retention`, and the waits of its `retries`.",
    why: "After an outage of the reader the broker delivers what it has kept; what was handled before and is no longer known is handled again.",
    limits: "The waits between redeliveries are those of the design. Nothing said about retention and retries means that there is nothing to compare with.",
    source: "microservices.io, Idempotent consumer; NATS JetStream, message deduplication",
}

fn check(facts: &Facts<'_>, report: &mut Report) {
    for id in facts.model.event_ids() {
        let e = facts.model.event(id);
        let Some(dedupe) = e.terms.dedupe else { continue };
        let retention = e.retention.or(facts.model.defaults.retention);
        let waits = facts.plan.event(id).backoff.iter();
        let horizon = waits.fold(Time::default(), |a, b| a.plus(*b));
        let kept = retention.map_or_else(Time::default, |r| r.value);
        let again = e.retries.map_or_else(Time::default, |_| horizon);
        let needed = kept.plus(again);
        if dedupe.value >= needed {
            continue;
        }
        let mut d = report
            .at(
                dedupe.span,
                format!(
                    "`{}` may come again {needed} after it was handled, and is forgotten after {}",
                    e.name, dedupe.value
                ),
            )
            .at("too short");
        if let Some(r) = retention {
            d = d.label(r.span, format!("the broker keeps it for {}", r.value));
        }
        if let Some(r) = e.retries {
            d = d.label(r.span, format!("redelivered over {horizon}"));
        }
        let d = d.help(format!(
            "remember what was handled for at least {needed}, in an inbox table of the reader if the broker cannot"
        ));
        report.add(facts.event(id), d);
    }
}
