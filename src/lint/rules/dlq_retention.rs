//! `dlq-retention`: a dead letter is gone before anybody has looked at it.
//!
//! A stated retention of the dead letters that is shorter than the stated retention of the event; on SQS one that is not longer.

use super::prelude::*;


rule! {
    id: "dlq-retention",
    severity: Error,
    section: Async,
    summary: "a dead letter is gone before anybody has looked at it",
    what: "A stated retention of the dead letters that is shorter than the stated retention of the event; on SQS one that is not longer.",
    why: "Whoever mends the cause finds nothing left to replay. On SQS the age counts from when the message was first sent, so it has spent much of it before it comes there.",
    limits: "Compared only where both are stated.",
    source: "Amazon SQS documentation, dead-letter queues",
}

fn check(facts: &Facts<'_>, report: &mut Report) {
    for id in facts.model.event_ids() {
        let e = facts.model.event(id);
        let source = e.retention.or(facts.model.defaults.retention);
        let (Some(kept), Some(source)) = (e.terms.dead_letter_retention, source) else {
            continue;
        };
        let broker = facts.model.broker(e.broker).kind;
        let from_first = matches!(broker.id.as_str(), "sns-sqs" | "eventbridge");
        if kept.value > source.value || (kept.value == source.value && !from_first) {
            continue;
        }
        let why = if from_first {
            " counted from when it was first sent"
        } else {
            ""
        };
        let d = report
            .at(
                kept.span,
                format!(
                    "a dead letter of `{}` is kept for {}{why}, the event itself for {}",
                    e.name, kept.value, source.value
                ),
            )
            .at("too short")
            .label(source.span, "how long the event is kept")
            .help(format!(
                "keep dead letters for at least {}, a day longer than the event",
                source.value.plus(Time::s(86_400))
            ));
        report.add(facts.event(id), d);
    }
}
