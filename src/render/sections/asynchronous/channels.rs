//! Topics and queues, who may use them, and where messages go that nobody could handle.

use super::super::super::Cx;
use super::super::super::doc::{Doc, Inline, say};
use super::super::column::Column;
use crate::model::units::Bytes;
use crate::model::{BrokerId, Compatibility, Event, EventId, Party, Set};
use crate::plan::GroupPlan;

/// The brokers that carry events, with what they carry.
fn carried(cx: &Cx<'_>) -> Vec<(BrokerId, Vec<EventId>)> {
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
        if kind.partitioned {
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
                if kind.partitioned {
                    row.push(
                        plan.partitions
                            .as_ref()
                            .map_or_else(|| Inline::text("–"), Inline::figure),
                    );
                }
                row.push(kept.cell(&plan.retention));
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
                    Inline::code(group.group.as_str()),
                    Inline::code(group.queue.as_str()),
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
    super::super::load::backlogs(cx, doc);
    today(cx, doc);
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

pub(super) fn dead_letters(cx: &Cx<'_>, doc: &mut Doc) {
    let model = cx.plan.model;
    doc.heading(1, "Dead letters", "async-dead-letters");
    for (broker, events) in carried(cx) {
        let kind = model.broker(broker).kind;
        let groups: Vec<(EventId, &GroupPlan)> = events
            .iter()
            .flat_map(|id| cx.plan.event(*id).groups.iter().map(|g| (*id, g)))
            .collect();
        let Some((first, group)) = groups.first() else {
            doc.para(say!(
                "No event on {} has a reader, so nothing can be given up.",
                kind.name
            ));
            continue;
        };
        doc.para(say!(
            "{}: redelivery is by {} ({}). {}",
            kind.name,
            kind.retry,
            kind.redelivery,
            tiers(&kind.id)
        ));
        let (mut attempts, mut kept) = (Column::default(), Column::default());
        let rows = groups
            .iter()
            .map(|(id, group)| {
                let (event, plan) = (model.event(*id), cx.plan.event(*id));
                let waits: Vec<String> = plan
                    .backoff
                    .iter()
                    .take(6)
                    .map(ToString::to_string)
                    .collect();
                let more = if plan.backoff.len() > 6 { ", …" } else { "" };
                vec![
                    Inline::code(event.name.as_str()),
                    Inline::code(model.party(group.consumer)),
                    attempts.cell(&plan.attempts),
                    if waits.is_empty() {
                        Inline::text("none")
                    } else {
                        Inline::text(waits.join(", ") + more)
                    },
                    Inline::code(group.dead_letter.as_str()),
                    kept.cell(&plan.dead_letter_retention),
                    told(cx, group.consumer),
                    Inline::text(dead_letter_today(event)),
                ]
            })
            .collect();
        doc.table(
            &[
                "Event",
                "Reader",
                "Deliveries",
                "Waits between",
                "Lands in",
                "Kept for",
                "Told",
                "Today",
            ],
            rows,
        );
        let name = &model.event(*first).name;
        doc.para(
            say!(
                "Replay, once the cause in `{}` is mended, with `{}` of `{}` as the example: ",
                model.party(group.consumer),
                group.dead_letter,
                name
            )
            .and(replay(&kind.id, group, &cx.plan.event(*first).channel)),
        );
    }
}

/// What the author says of dead letters today.
fn dead_letter_today(event: &Event) -> &'static str {
    let terms = &event.terms;
    match terms.dead_letter_alert.map(|a| a.value) {
        _ if terms.lacks_dead_letter.is_some() => "none; proposed",
        Some(false) => "one, of which nobody is told; proposed",
        Some(true) => "one, and somebody is told",
        None if terms.dead_letter_retention.is_some() => "one",
        None => "not said",
    }
}

/// How the waits of the table are made on this broker.
fn tiers(broker: &str) -> &'static str {
    match broker {
        "kafka" => {
            "Each wait of the table is one retry topic of that consumer group; the last failure goes to the dead letter topic."
        }
        "rabbitmq" => {
            "A quorum queue redelivers at once; each wait of the table is a queue with that message TTL whose dead-letter exchange leads back to the reader's queue."
        }
        "nats" => {
            "The waits of the table are the consumer's `BackOff` list and the deliveries its `MaxDeliver`."
        }
        "sns-sqs" | "eventbridge" => {
            "The consumer sets each wait of the table as the message's visibility timeout; the deliveries are `maxReceiveCount` of the queue."
        }
        "pubsub" => {
            "A subscription waits at least 10 s and 5 deliveries are its minimum: shorter waits of the table happen in the handler before it refuses the message, fewer deliveries are counted there."
        }
        "service-bus" => {
            "The reader sends the message again with each wait of the table as its scheduled time; the deliveries are `maxDeliveryCount`."
        }
        _ => "",
    }
}

fn replay(broker: &str, group: &GroupPlan, channel: &str) -> Inline {
    match broker {
        "kafka" => say!(
            "read `{}` and write each record, headers and key kept, to the first retry topic of group `{}`; never to `{}`, where the other groups would read it again.",
            group.dead_letter,
            group.group,
            channel
        ),
        "rabbitmq" => say!(
            "a dynamic shovel from `{}` to `{}`, which is deleted when the source is empty; the exchange is left out, so no other queue gets a copy.",
            group.dead_letter,
            group.queue
        ),
        "nats" => say!(
            "read the stream `{}`, fetch each message by its sequence and hand it to the handler of `{}`; publishing to `{}` again would reach the other consumers.",
            group.dead_letter,
            group.group,
            channel
        ),
        "sns-sqs" | "eventbridge" => say!(
            "`aws sqs start-message-move-task` with the ARN of `{}` as the source moves every message back to `{}`, with a limit on messages a second.",
            group.dead_letter,
            group.queue
        ),
        "pubsub" => say!(
            "a subscription on topic `{}` is read by the same handler of `{}`; publishing to `{}` again would reach the other subscriptions.",
            group.dead_letter,
            group.group,
            channel
        ),
        "service-bus" => say!(
            "receive from `{}` and complete each message after the handler of `{}` has taken it; sending to `{}` again would reach the other subscriptions.",
            group.dead_letter,
            group.group,
            channel
        ),
        _ => say!(
            "read `{}` with the handler of `{}`.",
            group.dead_letter,
            group.group
        ),
    }
}

/// The team that hears of a reader's dead letters.
fn told(cx: &Cx<'_>, consumer: Party) -> Inline {
    let model = cx.plan.model;
    match consumer {
        Party::Service(s) if !model.service(s).teams.is_empty() => Inline::names(
            model
                .service(s)
                .teams
                .iter()
                .map(|t| model.team(*t).name.as_str()),
        ),
        Party::Service(s) => say!("nobody: no team owns `{}`", model.service(s).name),
        Party::Actor(_) => Inline::text("outside this design"),
    }
}
