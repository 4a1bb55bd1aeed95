//! `ordered-too-slow`: messages that keep their order come faster than they can be handled.

use super::prelude::*;

rule! {
    id: "ordered-too-slow",
    severity: Error,
    section: Async,
    summary: "messages that keep their order come faster than they can be handled",
    what: "An event with `ordered = true` on RabbitMQ or NATS whose stated rate times the stated time of a handler needs more partitions than one reader can have.",
    why: "Each partition has one message in hand, so that nothing of its keys is overtaken: what arrives beyond that waits for ever longer.",
    limits: "Brokers that tell keys apart by themselves are left out, and so is an event with stated `partitions`, of which `partitions-low` speaks.",
    source: "Little's law: messages in hand = rate × handling time",
    thresholds: [("max", 64.0, "partitions of one reader")],
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "float to integer casts saturate"
)]
fn check(facts: &Facts<'_>, report: &mut Report) {
    let most = report.threshold("max");
    for id in facts.model.event_ids() {
        let e = facts.model.event(id);
        let kind = facts.model.broker(e.broker).kind;
        let ordered = e.terms.ordered.filter(|o| o.value && !kind.lanes.is_empty());
        let (Some(ordered), Some(rate), Some(handler), None) =
            (ordered, e.rate, e.terms.handler, e.partitions)
        else {
            continue;
        };
        let needed = (rate.value.0 * handler.value.as_s() - 1e-9).ceil();
        if needed <= most {
            continue;
        }
        let fits = Time::ms(1).scale(most / rate.value.0 * 1000.0);
        let d = report
            .at(
                ordered.span,
                format!(
                    "`{}` needs {} of {} a reader to keep its order: {} × {} a message",
                    e.name,
                    float(needed),
                    plural_of(&kind.lanes),
                    rate.value,
                    handler.value
                ),
            )
            .at(format!("at most {}", float(most)))
            .label(rate.span, "arrive")
            .label(handler.span, "for one of them")
            .help(format!(
                "handle a message of `{}` in {fits} or less, alone or in batches of one key, or carry it over a log with more partitions, such as Kafka",
                e.name
            ));
        report.add(facts.event(id), d);
    }
}

/// `queue` as `queues`.
fn plural_of(lane: &str) -> String {
    format!("{lane}s")
}
