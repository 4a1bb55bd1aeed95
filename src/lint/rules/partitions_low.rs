//! `partitions-low`: fewer partitions than the consumers need.
//!
//! A stated number of partitions below the stated instances of a consumer, or below what the event's stated
//! rate needs at the stated capacity of one instance.

use super::prelude::*;

rule! {
    id: "partitions-low",
    severity: Warning,
    section: Async,
    summary: "fewer partitions than the consumers need",
    what: "A stated number of partitions below the stated instances of a consumer, or below what the event's stated rate needs at the stated capacity of one instance or at the stated time of a handler.",
    why: "A partition is read by one instance of a group: the others stand idle, and adding partitions later breaks the order of keys.",
    limits: "Brokers without partitions are left out, unless `ordered = true` gives RabbitMQ a queue and NATS a consumer a partition. What one instance manages is its service's `capacity` over its `replicas`.",
    source: "Apache Kafka documentation, consumers; partitions ≥ max(t ÷ c, consumers)",
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "float to integer casts saturate"
)]
fn check(facts: &Facts<'_>, report: &mut Report) {
    for id in facts.model.event_ids() {
        let e = facts.model.event(id);
        let kind = facts.model.broker(e.broker).kind;
        let ordered = e.terms.ordered.is_some_and(|o| o.value) && !kind.lanes.is_empty();
        let Some(partitions) = e.partitions.filter(|_| kind.partitioned || ordered) else {
            continue;
        };
        // A partition has one message in hand.
        if let (Some(rate), Some(handler)) = (e.rate, e.terms.handler) {
            let needed = (rate.value.0 * handler.value.as_s() - 1e-9).ceil().max(1.0) as u64;
            if needed > partitions.value {
                slow(facts, report, id, partitions, needed);
                continue;
            }
        }
        let mut worst: Option<(u64, ServiceId, crate::diag::Span, String)> = None;
        for (consumer, _) in &e.consumers {
            let Party::Service(s) = consumer else { continue };
            let Some((replicas, span)) = facts.replicas(*s) else { continue };
            let name = facts.name(*s);
            let by_rate = match (e.rate, facts.model.service(*s).capacity) {
                (Some(rate), Some(all)) if all.value.0 > 0.0 => {
                    let one = all.value.0 / as_float(replicas.max(1));
                    Some((rate.value, one, (rate.value.0 / one - 1e-9).ceil().max(1.0) as u64))
                }
                _ => None,
            };
            let (needed, why) = match by_rate {
                Some((rate, one, n)) if n > replicas => {
                    (n, format!("{rate} ÷ {}/s an instance of `{name}`", float(one)))
                }
                _ => (replicas, format!("`{name}` has {replicas} instances")),
            };
            if needed > partitions.value && worst.as_ref().is_none_or(|w| needed > w.0) {
                worst = Some((needed, *s, span, why));
            }
        }
        let Some((needed, s, span, why)) = worst else { continue };
        let d = report
            .at(
                partitions.span,
                format!("`{}` has {}, but {needed} are needed: {why}", e.name, plural(count(partitions.value), "partition")),
            )
            .at("too few")
            .label(span, format!("instances of `{}`", facts.name(s)))
            .help(format!("make it `partitions = {needed}` or more before the first message is written"));
        let fix = Fix::new(format!("set `partitions = {needed}`"));
        report.add(facts.event(id), d.fix(fix.write(partitions.span, needed.to_string())));
    }
}

/// The stated rate and handling time need more partitions than there are.
fn slow(
    facts: &Facts<'_>,
    report: &mut Report,
    id: crate::model::EventId,
    partitions: crate::model::Set<u64>,
    needed: u64,
) {
    let e = facts.model.event(id);
    let (Some(rate), Some(handler)) = (e.rate, e.terms.handler) else {
        return;
    };
    let d = report
        .at(
            partitions.span,
            format!(
                "`{}` has {}, but {needed} are needed: {} × {} a message",
                e.name,
                plural(count(partitions.value), "partition"),
                rate.value,
                handler.value
            ),
        )
        .at("too few")
        .label(rate.span, "arrive")
        .label(handler.span, "for one of them, and a partition has one in hand")
        .help(format!("make it `partitions = {needed}` or more, with some to spare, before the first message is written"));
    let fix = Fix::new(format!("set `partitions = {needed}`"));
    report.add(facts.event(id), d.fix(fix.write(partitions.span, needed.to_string())));
}
