//! What SNS and EventBridge have in common: the queue of each reader with its dead letters, and who may
//! publish and read.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::super::cloudformation::unique;
use super::{Cx, File};
use crate::model::units::Time;
use crate::model::{EventId, Party, ServiceId};
use crate::plan::{EventPlan, GroupPlan};

/// A template of `resources` as the file of the broker `name`.
pub(super) fn template(name: &str, description: &str, resources: Map<String, Value>) -> File {
    let template = json!({
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": description,
        "Resources": resources,
    });
    File {
        path: format!("broker/{name}.template.json"),
        fence: "json",
        text: super::pretty(&template),
        checked_by: Some("cfn-lint"),
        notes: vec![
            "In this project's tests the stack is also created in moto, an imitation of AWS: an event that its reader \
             does not delete lands among the dead letters after as many deliveries as the table says."
                .to_owned(),
        ],
    }
}

/// The queue of a reader and its dead letters, by their names in the template.
pub(super) struct Queues {
    pub(super) queue: String,
    pub(super) dead: String,
}

/// Adds the queue of `group` and the one for its dead letters.
pub(super) fn queues(out: &mut Map<String, Value>, p: &EventPlan, group: &GroupPlan) -> Queues {
    let queue = unique(out, "Queue", &group.queue);
    let dead = unique(out, "DeadLetters", &group.queue);
    let fifo = group.queue.ends_with(".fifo");
    out.insert(
        dead.clone(),
        queue_of(
            &group.dead_letter,
            p.dead_letter_kept.value,
            fifo,
            Map::new(),
        ),
    );
    let mut more = Map::new();
    more.insert(
        "VisibilityTimeout".into(),
        json!(seconds(p.ack_timeout.value)),
    );
    more.insert(
        "RedrivePolicy".into(),
        json!({
            "deadLetterTargetArn": arn(&dead),
            "maxReceiveCount": p.limit.as_ref().unwrap_or(&p.attempts).value,
        }),
    );
    if p.fast_order {
        more.insert("DeduplicationScope".into(), json!("messageGroup"));
        more.insert("FifoThroughputLimit".into(), json!("perMessageGroupId"));
    }
    out.insert(
        queue.clone(),
        queue_of(&group.queue, p.kept.value, fifo, more),
    );
    Queues { queue, dead }
}

/// Lets `service`, on behalf of `source` alone, send to the queues.
pub(super) fn admit(
    out: &mut Map<String, Value>,
    group: &GroupPlan,
    queues: &[&str],
    service: &str,
    source: &Value,
) {
    for (n, queue) in queues.iter().enumerate() {
        let what = if n == 0 {
            "Policy"
        } else {
            "DeadLettersPolicy"
        };
        let policy = unique(out, what, &group.queue);
        out.insert(
            policy,
            json!({ "Type": "AWS::SQS::QueuePolicy", "Properties": {
                "Queues": [{ "Ref": queue }],
                "PolicyDocument": { "Version": "2012-10-17", "Statement": [{
                    "Effect": "Allow",
                    "Principal": { "Service": service },
                    "Action": "sqs:SendMessage",
                    "Resource": arn(queue),
                    "Condition": { "ArnEquals": { "aws:SourceArn": source } },
                }] },
            } }),
        );
    }
}

/// What each service may do: one policy a service, to attach to its role.
pub(super) struct Rights(BTreeMap<ServiceId, Vec<Value>>);

impl Rights {
    pub(super) fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// Lets everybody who publishes `event` do so by `statement`.
    pub(super) fn publish(&mut self, cx: &Cx<'_>, event: EventId, statement: &Value) {
        for publisher in &cx.plan.model.event(event).publishers {
            let all = self.0.entry(publisher.service).or_default();
            all.push(statement.clone());
        }
    }

    /// Lets the reader of `group` read its queue.
    pub(super) fn read(&mut self, group: &GroupPlan, queue: &str) {
        if let Party::Service(reader) = group.consumer {
            self.0.entry(reader).or_default().push(json!({
                "Effect": "Allow",
                "Action": [
                    "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility",
                    "sqs:GetQueueAttributes",
                ],
                "Resource": arn(queue),
            }));
        }
    }

    pub(super) fn write(self, cx: &Cx<'_>, out: &mut Map<String, Value>) {
        for (service, statements) in self.0 {
            let slug = &cx.plan.service(service).slug;
            let id = unique(out, "Messages", slug);
            out.insert(
                id,
                json!({ "Type": "AWS::IAM::ManagedPolicy", "Properties": {
                    "Description": format!("What {slug} may publish and read"),
                    "PolicyDocument": { "Version": "2012-10-17", "Statement": statements },
                } }),
            );
        }
    }
}

/// The ARN of a resource of the template.
pub(super) fn arn(id: &str) -> Value {
    json!({ "Fn::GetAtt": [id, "Arn"] })
}

/// Whole seconds, as queues count.
fn seconds(time: Time) -> u64 {
    time.as_ms().div_ceil(1000)
}

/// A queue that is encrypted with its own key and keeps messages as long as the plan says.
fn queue_of(name: &str, keeps: Time, fifo: bool, more: Map<String, Value>) -> Value {
    let mut properties = Map::new();
    properties.insert("QueueName".into(), json!(name));
    if fifo {
        properties.insert("FifoQueue".into(), json!(true));
    }
    properties.insert("MessageRetentionPeriod".into(), json!(seconds(keeps)));
    properties.insert("SqsManagedSseEnabled".into(), json!(true));
    properties.extend(more);
    json!({
        "Type": "AWS::SQS::Queue",
        "DeletionPolicy": "Retain",
        "UpdateReplacePolicy": "Retain",
        "Properties": properties,
    })
}
