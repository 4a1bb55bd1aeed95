//! How the messages of one key stay in order, and what that costs.

use super::super::super::Cx;
use super::super::super::doc::{Doc, Inline, say};
use crate::catalog::Broker;
use crate::model::{BrokerId, EventId};
use crate::plan::EventPlan;

pub(super) fn write(cx: &Cx<'_>, doc: &mut Doc, broker: BrokerId, events: &[EventId]) {
    let model = cx.plan.model;
    let kind = model.broker(broker).kind;
    let ordered: Vec<EventId> = events
        .iter()
        .copied()
        .filter(|e| cx.plan.event(*e).ordered)
        .collect();
    if ordered.is_empty() {
        return;
    }
    doc.para(say!("How {} keeps the order of each key:", kind.name));
    doc.list(ordered.iter().map(|id| {
        let (event, plan) = (model.event(*id), cx.plan.event(*id));
        say!("`{}`: ", event.name)
            .and(kept(kind, plan))
            .and(hurry(plan))
    }));
}

/// What keeps the order of one event.
fn kept(kind: &Broker, plan: &EventPlan) -> Inline {
    let key = plan.key.value.as_str();
    match (kind.id.as_str(), &plan.partitions, &plan.busy_keys) {
        ("nats", Some(n), _) => say!(
            "publishers send it to `{}.<{}>`, the key's letters, digits, `-` and `_` as they are and all else percent-encoded. The stream puts the key's partition, one of {}",
            plan.channel,
            key,
            n.value
        )
        .and(say!(
            ", in front of it (`{}.0.<{}>` and on), and each reader has a consumer a partition with one message in hand (`max_ack_pending` 1). Another number of partitions moves keys: change it while nothing waits.",
            plan.channel,
            key
        )),
        ("rabbitmq", Some(n), _) => say!(
            "publishers send it with `{}` as the routing key. For each reader an exchange of the plugin `rabbitmq_consistent_hash_exchange`, which comes with RabbitMQ and has to be enabled, gives each key one of {} queues",
            key,
            n.value
        )
        .and(say!(
            ", and one instance at a time reads a queue (`x-single-active-consumer`). Another number of queues moves keys: change it while nothing waits.",
        )),
        ("kafka", Some(n), _) => say!("the record key `{}` decides between {} partitions, and one instance of a group reads a partition.", key, n.value),
        ("nats" | "rabbitmq", None, _) => say!(
            "each reader has one message in hand, whatever its `{}`: at {} a message that is enough for {}.",
            key,
            plan.handler.value,
            plan.rate.value
        ),
        ("sns-sqs", _, Some(keys)) => say!("`{}` is the `MessageGroupId`; a group has one batch in hand at a time. ", key)
            .and(busy(key, keys))
            .and(if plan.fast_order {
                say!(" {}/s are more than FIFO channels take as they are, so topic and queues count throughput by group (`FifoThroughputScope`, `FifoThroughputLimit`); the region's quota still holds.", kind.ordered_rate)
            } else {
                Inline::new()
            }),
        ("pubsub", _, Some(keys)) => {
            say!("`{}` is the ordering key. ", key).and(busy(key, keys))
        }
        ("service-bus", _, Some(keys)) => say!("`{}` is the session id; the instances of a reader accept as many sessions at once as are busy. ", key)
            .and(busy(key, keys)),
        _ => say!("{} keeps none.", kind.name),
    }
}

fn busy(key: &str, keys: &crate::plan::Figure<u64>) -> Inline {
    if keys.value <= 1 {
        return say!("Even one busy `{}` keeps up", key)
            .and(Inline::why(keys))
            .and(Inline::text("."));
    }
    say!(
        "At the peak at least {} values of `{}` have to be busy at once",
        keys.value,
        key
    )
    .and(Inline::why(keys))
    .and(Inline::text(", or messages wait."))
}

/// What the order asks of the handlers, where it asks for more than usual.
fn hurry(plan: &EventPlan) -> Inline {
    if plan.handler.is_set() || plan.handler.origin == crate::plan::Origin::Assumed {
        return Inline::new();
    }
    say!(" **A reader has {} for a message**", plan.handler.value)
        .and(Inline::why(&plan.handler))
        .and(Inline::text(
            ": it writes in batches of one partition, or it falls behind.",
        ))
}
