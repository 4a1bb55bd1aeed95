//! How a message comes back that could not be handled, and where it goes in the end.

use super::super::super::Cx;
use super::super::super::doc::{Doc, Inline, say};
use super::super::column::Column;
use super::channels::carried;
use crate::catalog::Broker;
use crate::model::units::Time;
use crate::model::{Event, EventId, Party};
use crate::plan::{EventPlan, GroupPlan};

pub(super) fn write(cx: &Cx<'_>, doc: &mut Doc) {
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
        let some_wait = groups.iter().any(|(_, g)| !g.retries.is_empty());
        let all_ordered = groups.iter().all(|(id, _)| cx.plan.event(*id).ordered);
        let how = match () {
            () if some_wait => waits(kind),
            () if all_ordered && !ordered_waits(kind).is_empty() => "",
            () => no_waits(kind),
        };
        doc.para(say!(
            "{}: redelivery is by {} ({}). {}",
            kind.name,
            kind.retry,
            kind.redelivery,
            how
        ));
        let in_order = events.iter().filter(|e| cx.plan.event(**e).ordered);
        let in_order: Vec<&str> = in_order.map(|e| model.event(*e).name.as_str()).collect();
        if !in_order.is_empty() && !ordered_waits(kind).is_empty() {
            doc.para(
                say!("Order counts for ")
                    .and(Inline::names(in_order))
                    .and(say!(": {}.", ordered_waits(kind))),
            );
        }
        let mut head = vec!["Event", "Reader", "Deliveries", "Waits between"];
        if some_wait {
            head.push("Waits in");
        }
        if !kind.limit.is_empty() {
            head.push(&kind.limit);
        }
        head.extend(["Lands in", "Kept for", "Told", "Today"]);
        let (mut attempts, mut limits) = (Column::default(), Column::default());
        let mut kept = Column::default();
        let rows = groups
            .iter()
            .map(|(id, group)| {
                let (event, plan) = (model.event(*id), cx.plan.event(*id));
                let mut row = vec![
                    Inline::code(event.name.as_str()),
                    Inline::code(model.party(group.consumer)),
                    attempts.cell(&plan.attempts),
                    times(plan),
                ];
                if some_wait {
                    row.push(waiting(group));
                }
                if let Some(limit) = &plan.limit {
                    row.push(limits.cell(limit));
                }
                row.extend([
                    Inline::code(group.dead_letter.as_str()),
                    kept.cell(&plan.dead_letter_kept),
                    told(cx, group.consumer),
                    Inline::text(dead_letter_today(event)),
                ]);
                row
            })
            .collect();
        doc.table(&head, rows);
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
fn waits(broker: &Broker) -> &'static str {
    match broker.id.as_str() {
        "kafka" => {
            "A reader publishes a record that it could not handle, headers and key kept, to its next retry topic, commits the offset, and reads the retry topic once the wait of the table has passed since then; after the last one it publishes to the dead letter topic."
        }
        "rabbitmq" => {
            "A reader that could not handle a message rejects it (`basic.reject`, `requeue = false`), and the broker does the rest: the message waits in the next queue of the table, comes back to the reader's queue, and the rejection after the last wait lands it among the dead letters. So does a message that is returned more often than `x-delivery-limit` within one of its deliveries, as by a reader that crashes, and one that nobody read while it was kept."
        }
        "nats" => {
            "A reader that could not handle a message refuses it with the wait of the table as its delay (`NakWithDelay`). `BackOff` stays unset: its waits would take the place of `AckWait`, and a handler at work would lose its message."
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

/// The same where no message waits in a channel of its own.
fn no_waits(broker: &Broker) -> &'static str {
    match broker.id.as_str() {
        "kafka" => {
            "A reader publishes a record that it could not handle, headers and key kept, to its dead letter topic and commits the offset."
        }
        "rabbitmq" => {
            "A reader that could not handle a message rejects it (`basic.reject`, `requeue = false`), and the broker lands it among the dead letters."
        }
        _ => waits(broker),
    }
}

/// The same for events whose order counts, where it is done otherwise.
fn ordered_waits(broker: &Broker) -> &'static str {
    match broker.id.as_str() {
        "kafka" => {
            "its reader pauses the partition for the wait and handles the record again, and the records after it wait as well; a retry topic would let them overtake it. After the last failure it publishes the record to the dead letter topic"
        }
        "rabbitmq" => {
            "one reader at a time has a queue (`x-single-active-consumer`); it holds the message for the wait and returns it (`basic.nack`, `requeue = true`), and the queue counts up to `x-delivery-limit`"
        }
        "nats" => {
            "a consumer has one message at a time in hand (`MaxAckPending` 1), so nothing of its partition overtakes the one that waits"
        }
        _ => "",
    }
}

/// The channels in which messages wait: `a.retry-1` to `a.retry-4`.
fn waiting(group: &GroupPlan) -> Inline {
    match group.retries.as_slice() {
        [] => Inline::text("–"),
        [one] => Inline::code(one.name.as_str()),
        [first, last] => Inline::names([first.name.as_str(), last.name.as_str()]),
        [first, .., last] => say!("`{}` to `{}`", first.name, last.name),
    }
}

/// The first waits of an event.
fn times(plan: &EventPlan) -> Inline {
    let some = plan.backoff.iter().take(6).map(Time::to_string);
    let some: Vec<String> = some.collect();
    let more = if plan.backoff.len() > 6 { ", …" } else { "" };
    if some.is_empty() {
        Inline::text("none")
    } else {
        Inline::text(some.join(", ") + more)
    }
}

fn replay(broker: &str, group: &GroupPlan, channel: &str) -> Inline {
    match broker {
        "kafka" if group.retries.is_empty() => say!(
            "group `{}` reads `{}` as well, with the same handler; never through `{}`, where the other groups would read it again. Later records of the same key have been handled by then, so the handler leaves alone what they have decided.",
            group.group,
            group.dead_letter,
            channel
        ),
        "kafka" => say!(
            "read `{}` and write each record, headers and key kept, to the first retry topic of group `{}`; never to `{}`, where the other groups would read it again.",
            group.dead_letter,
            group.group,
            channel
        ),
        "rabbitmq" if group.lanes > 0 => say!(
            "read `{}` and send each message over the default exchange to the queue that its header `x-first-death-queue` names, so that it comes back to its own partition of `{}` and to no other reader.",
            group.dead_letter,
            group.group
        ),
        "rabbitmq" => say!(
            "a dynamic shovel from `{}` to `{}`, which is deleted when the source is empty; the exchange is left out, so no other queue gets a copy.{}",
            group.dead_letter,
            group.queue,
            // The broker keeps the reason of the first death with the message.
            if group.retries.is_empty() {
                ""
            } else {
                " A message that died there by too many returns or by age waits no more: its next rejection lands it among the dead letters again."
            }
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
