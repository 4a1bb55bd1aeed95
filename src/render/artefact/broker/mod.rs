//! What the broker has to have: channels, dead letters and access, in the form that the broker or its
//! operator reads. One file of this folder a broker.

mod aws;
mod eventbridge;
mod hcl;
mod kafka;
mod nats;
mod pubsub;
mod rabbitmq;
mod service_bus;
mod sns;

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::Cx;
use super::{File, Kind, documents};
use crate::model::{BrokerId, EventId};
use crate::plan::slug;

pub(super) const KIND: Kind = Kind {
    id: "broker",
    what: "topics, queues, dead letters and access: Kafka (Strimzi), RabbitMQ (definitions), NATS (JetStream), SNS, SQS and EventBridge (CloudFormation), Pub/Sub and Service Bus (Terraform)",
    files,
};

fn files(cx: &Cx<'_>) -> Vec<File> {
    let model = cx.plan.model;
    let mut carried: BTreeMap<BrokerId, Vec<EventId>> = BTreeMap::new();
    for id in model.event_ids() {
        carried.entry(model.event(id).broker).or_default().push(id);
    }
    let mut out = Vec::new();
    for (id, events) in carried {
        let broker = model.broker(id);
        let name = slug(&broker.name);
        out.extend(match broker.kind.id.as_str() {
            "kafka" => kafka::files(cx, &name, &events),
            "nats" => nats::files(cx, &name, &events),
            "rabbitmq" => rabbitmq::files(cx, &name, &events),
            "sns-sqs" => sns::files(cx, &name, &events),
            "eventbridge" => eventbridge::files(cx, &name, &events),
            "pubsub" => pubsub::files(cx, &name, &events),
            "service-bus" => service_bus::files(cx, &name, &events),
            _ => Vec::new(),
        });
    }
    out
}

/// Whether the file is that of a consumer of a partition after the first.
pub(super) fn of_another_partition(path: &str) -> bool {
    let Some((folder, file)) = path.rsplit_once('/') else {
        return false;
    };
    // No slug has a `_`.
    let number = file.trim_end_matches(".json").rsplit_once('_');
    folder.ends_with("/consumers") && number.is_some_and(|(_, n)| n != "0")
}

/// `value` as a JSON file.
pub(super) fn pretty(value: &Value) -> String {
    format!(
        "{}\n",
        serde_json::to_string_pretty(value).unwrap_or_default()
    )
}
