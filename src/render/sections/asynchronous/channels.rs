//! Topics and queues, and who may use them.

use super::super::super::Cx;
use super::super::super::doc::{Doc, Inline, say};
use super::super::column::Column;
use crate::catalog::Broker;
use crate::model::units::Bytes;
use crate::model::{BrokerId, Compatibility, EventId, Set};
use crate::plan::GroupPlan;

/// The brokers that carry events, with what they carry.
pub(super) fn carried(cx: &Cx<'_>) -> Vec<(BrokerId, Vec<EventId>)> {
    let model = cx.plan.model;
    (0..model.brokers.len())
        .map(BrokerId)
        .map(|b| {
            (
                b,
                model
                    .event_ids()
                    .filter(|e| model.event(*e).broker == b)
                    .collect::<Vec<_>>(),
            )
        })
        .filter(|(_, events)| !events.is_empty())
        .collect()
}

pub(super) fn topics(cx: &Cx<'_>, doc: &mut Doc) {
    let model = cx.plan.model;
    doc.heading(1, "Topics and queues", "async-topics");
    for (broker, events) in carried(cx) {
        let kind = model.broker(broker).kind;
        doc.para(say!(
            "**{}** carries {} of {}, each on a {}. Order is kept by {}. Replication: {} ({}). Largest message: {}. Rights are {}; every service has only those in the table.",
            kind.name,
            match events.len() {
                1 => "one event".to_owned(),
                n => format!("{n} events"),
            },
            model.title,
            kind.channel,
            kind.key,
            kind.replication,
            kind.replication_why,
            Bytes(kind.max_bytes)
        , kind.access));
        let mut head = vec!["Event", "Channel", "Peak rate", "Size", "Key"];
        let partitioned = events
            .iter()
            .any(|e| cx.plan.event(*e).partitions.is_some());
        if partitioned {
            head.push("Partitions");
        }
        head.extend(["Kept for", "May publish", "May read"]);
        let (mut kept, mut keys) = (Column::default(), Column::default());
        let (mut acks, mut drains) = (Column::default(), Column::default());
        let (mut rates, mut sizes) = (Column::default(), Column::default());
        let rows = events
            .iter()
            .map(|id| {
                let (event, plan) = (model.event(*id), cx.plan.event(*id));
                let mut row = vec![
                    Inline::code(event.name.as_str()),
                    Inline::code(plan.channel.as_str()),
                    rates.cell(&plan.rate),
                    sizes.cell(&plan.size),
                    Inline::code(plan.key.value.as_str()).and(keys.why(&plan.key)),
                ];
                if partitioned {
                    row.push(
                        plan.partitions
                            .as_ref()
                            .map_or_else(|| Inline::text("–"), Inline::figure),
                    );
                }
                row.push(kept.cell(&plan.kept));
                row.push(Inline::names(super::publishers(cx, *id)));
                row.push(Inline::names(
                    plan.groups.iter().map(|g| model.party(g.consumer)),
                ));
                row
            })
            .collect();
        doc.table(&head, rows);
        doc.para(topology(&kind.id));
        let mut rows = Vec::new();
        for id in &events {
            let plan = cx.plan.event(*id);
            for group in &plan.groups {
                rows.push(vec![
                    Inline::code(model.party(group.consumer)),
                    Inline::code(plan.channel.as_str()),
                    if kind.id == "nats" {
                        lanes(kind, group, &group.group)
                    } else {
                        Inline::code(group.group.as_str())
                    },
                    if kind.id == "nats" {
                        Inline::code(group.queue.as_str())
                    } else {
                        lanes(kind, group, &group.queue)
                    },
                    acks.cell(&plan.ack_timeout),
                    say!("{} messages wait", group.lag_limit.value)
                        .and(Inline::why(&group.lag_limit)),
                    match &group.catch_up.drain {
                        Some(drain) => drains.cell(drain),
                        None => say!(
                            "never: it handles {} and {} arrive",
                            group.catch_up.capacity.value,
                            group.catch_up.arrival
                        ),
                    },
                ]);
            }
        }
        doc.table(
            &[
                "Reader",
                "Channel",
                consumer_word(&kind.id),
                queue_word(&kind.id),
                "Delivered again after",
                "Late when",
                "Caught up after the longest outage within",
            ],
            rows,
        );
    }
    for (broker, events) in carried(cx) {
        super::order::write(cx, doc, broker, &events);
        super::stored::write(cx, doc, broker, &events);
    }
    super::super::load::backlogs(cx, doc);
    today(cx, doc);
}

/// What reads the partitions of a reader, or `only` where it has none.
fn lanes(broker: &Broker, group: &GroupPlan, only: &str) -> Inline {
    let at = |n| group.lane(broker, n);
    match group.lanes {
        0 => Inline::code(only),
        n => say!("`{}` to `{}`", at(0), at(n.saturating_sub(1))),
    }
}

/// What a reader has on this broker.
fn topology(broker: &str) -> &'static str {
    match broker {
        "kafka" => "Each reader is a consumer group of its own on the topic:",
        "rabbitmq" => {
            "Each channel is a fanout exchange of that name; each reader has a quorum queue of its own bound to it:"
        }
        "nats" => "Each reader is a durable pull consumer of its own on the stream:",
        "sns-sqs" => "Each reader has a queue of its own, subscribed to the topic:",
        "eventbridge" => "Each reader has a rule and a queue of its own on the bus:",
        _ => "Each reader has a subscription of its own on the topic:",
    }
}

fn consumer_word(broker: &str) -> &'static str {
    match broker {
        "kafka" => "Consumer group",
        "nats" => "Durable consumer",
        _ => "Consumer",
    }
}

fn queue_word(broker: &str) -> &'static str {
    match broker {
        "kafka" => "Reads from",
        "pubsub" | "service-bus" => "Subscription",
        "nats" => "Stream",
        _ => "Queue",
    }
}

/// What the author says is missing today.
fn today(cx: &Cx<'_>, doc: &mut Doc) {
    let mut items = Vec::new();
    for id in cx.plan.model.event_ids() {
        on_the_way(cx, id, &mut items);
        at_its_readers(cx, id, &mut items);
    }
    doc.list(items);
}

fn denied(set: Option<Set<bool>>) -> bool {
    set.is_some_and(|s| !s.value)
}

/// What an event lacks until the broker has it.
fn on_the_way(cx: &Cx<'_>, id: EventId, items: &mut Vec<Inline>) {
    let (event, plan) = (cx.plan.model.event(id), cx.plan.event(id));
    let (name, kind) = (&event.name, cx.plan.model.broker(event.broker).kind);
    if event.lacks_publisher.is_some() && event.publishers.is_empty() {
        items.push(say!("Nobody publishes `{}` today.", name));
    }
    if event.lacks_durability.is_some() {
        items.push(say!(
            "`{}` is not durable today: a restart of {} loses what waits. Proposed: {}.",
            name,
            kind.name,
            kind.replication
        ));
    }
    if event.lacks_acks.is_some() {
        items.push(say!(
            "The publisher of `{}` does not wait for {} today, so a message may be lost without an error. Proposed: {}; the outbox row stays until {} has confirmed.",
            name,
            kind.name,
            kind.replication,
            kind.name
        ));
    }
    if event.terms.lacks_key.is_some() {
        items.push(
            say!(
                "`{}` is published without a key today. Proposed: `{}`",
                name,
                plan.key.value
            )
            .and(Inline::why(&plan.key)),
        );
    }
    if event.terms.lacks_version.is_some() {
        items.push(say!(
            "`{}` has no version today. Proposed: what is there becomes version {}.",
            name,
            plan.version.value
        ));
    }
    if denied(event.terms.traceparent) {
        items.push(say!(
            "`{}` carries no trace context today. Proposed: `traceparent` in the headers of its messages.",
            name
        ));
    }
    if denied(event.terms.encrypted) && !event.pii.is_empty() {
        items.push(
            say!("`{}` carries personal data in the clear today: ", name)
                .and(Inline::names(event.pii.iter().map(String::as_str))),
        );
    }
}

/// What is missing where an event is read.
fn at_its_readers(cx: &Cx<'_>, id: EventId, items: &mut Vec<Inline>) {
    let (event, plan) = (cx.plan.model.event(id), cx.plan.event(id));
    let (name, terms) = (&event.name, &event.terms);
    if terms.auto_ack.is_some_and(|a| a.value) {
        items.push(say!(
            "A message of `{}` counts as handled when it is delivered today. Proposed: it is acknowledged after its effect is stored, within {}.",
            name,
            plan.ack_timeout.value
        ));
    }
    if denied(terms.idempotent) {
        items.push(say!(
            "A message of `{}` that comes twice has its effect twice today. Proposed: readers keep `eventId` for {}.",
            name,
            plan.dedupe.value
        ));
    }
    if terms
        .compatibility
        .is_some_and(|c| c.value == Compatibility::Unchecked)
    {
        items.push(say!(
            "Nothing checks a new schema of `{}` today. Proposed: {}.",
            name,
            plan.compatibility.value
        ));
    }
    for copy in &event.copies {
        let readers = copy.readers.iter().map(|p| cx.plan.model.party(*p));
        items.push(
            say!("The schema of `{}` has another copy today at ", name).and(Inline::names(readers)),
        );
    }
}
