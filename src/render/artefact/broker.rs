//! What the broker has to have: topics and access for Kafka, topics, queues and dead letters for SNS and SQS.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::super::Cx;
use super::{File, Kind, documents};
use crate::model::units::Time;
use crate::model::{BrokerId, EventId, Party};
use crate::plan::slug;

pub(super) const KIND: Kind = Kind {
    id: "broker",
    what: "topics, queues, dead letters and access: Kafka (Strimzi), SNS and SQS (CloudFormation)",
    files,
};

/// Strimzi's API, and the cluster that the topics belong to; the cluster is to be replaced.
const STRIMZI: &str = "kafka.strimzi.io/v1beta2";
const CLUSTER: &str = "kafka";
/// The longest that SQS keeps a message, in seconds.
const SQS_KEEPS_S: u64 = 1_209_600;

fn files(cx: &Cx<'_>) -> Vec<File> {
    let model = cx.plan.model;
    let mut events: BTreeMap<BrokerId, Vec<EventId>> = BTreeMap::new();
    for id in model.event_ids() {
        events.entry(model.event(id).broker).or_default().push(id);
    }
    let mut out = Vec::new();
    for (id, events) in events {
        let broker = model.broker(id);
        let name = slug(&broker.name);
        match broker.kind.id.as_str() {
            "kafka" => out.push(File {
                path: format!("broker/{name}-topics.yaml"),
                fence: "yaml",
                text: documents(&kafka(cx, &events)),
                checked_by: Some("the types of Strimzi's API"),
                notes: vec![format!(
                    "`{CLUSTER}` is the name of the cluster: replace it."
                )],
            }),
            "sns-sqs" => out.push(File {
                path: format!("broker/{name}.template.json"),
                fence: "json",
                text: format!(
                    "{}\n",
                    serde_json::to_string_pretty(&sns_sqs(cx, &events)).unwrap_or_default()
                ),
                checked_by: Some("cfn-lint"),
                notes: Vec::new(),
            }),
            _ => {}
        }
    }
    out
}

/// A topic an event, one for the dead letters of each group, and for every service what it may do.
fn kafka(cx: &Cx<'_>, events: &[EventId]) -> Vec<Value> {
    let model = cx.plan.model;
    let mut out = Vec::new();
    let mut access: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for &id in events {
        let p = cx.plan.event(id);
        let partitions = p.partitions.as_ref().map_or(1, |n| n.value);
        out.push(topic(cx, &p.channel, partitions, p.retention.value));
        for publisher in &model.event(id).publishers {
            let user = cx.plan.service(publisher.service).slug.clone();
            let acl = acl("topic", &p.channel, &["Describe", "Write"]);
            access.entry(user).or_default().push(acl);
        }
        for group in &p.groups {
            out.push(topic(
                cx,
                &group.dead_letter,
                partitions,
                p.dead_letter_retention.value,
            ));
            let Party::Service(reader) = group.consumer else {
                continue;
            };
            let user = cx.plan.service(reader).slug.clone();
            access.entry(user).or_default().extend([
                acl("topic", &p.channel, &["Describe", "Read"]),
                acl("group", &group.group, &["Read"]),
                acl("topic", &group.dead_letter, &["Describe", "Write"]),
            ]);
        }
    }
    out.extend(access.into_iter().map(|(user, acls)| {
        let mut seen = BTreeSet::new();
        let acls: Vec<Value> = acls
            .into_iter()
            .filter(|a| seen.insert(a.to_string()))
            .collect();
        json!({
            "apiVersion": STRIMZI,
            "kind": "KafkaUser",
            "metadata": meta(cx, &user),
            "spec": {
                "authentication": { "type": "tls" },
                "authorization": { "type": "simple", "acls": acls },
            },
        })
    }));
    out
}

fn meta(cx: &Cx<'_>, name: &str) -> Value {
    json!({
        "name": name,
        "namespace": cx.plan.choices.namespace,
        "labels": { "strimzi.io/cluster": CLUSTER },
    })
}

/// Three copies of which two must be written: the choice that the chapter gives for Kafka.
fn topic(cx: &Cx<'_>, name: &str, partitions: u64, retention: Time) -> Value {
    json!({
        "apiVersion": STRIMZI,
        "kind": "KafkaTopic",
        "metadata": meta(cx, &slug(name)),
        "spec": {
            "topicName": name,
            "partitions": partitions,
            "replicas": 3,
            "config": {
                "min.insync.replicas": 2,
                "retention.ms": retention.as_ms(),
            },
        },
    })
}

fn acl(kind: &str, name: &str, operations: &[&str]) -> Value {
    json!({
        "resource": { "type": kind, "name": name, "patternType": "literal" },
        "operations": operations,
    })
}

/// A topic an event; for each reader a queue with its dead letters, subscribed to it.
fn sns_sqs(cx: &Cx<'_>, events: &[EventId]) -> Value {
    let mut out = Map::new();
    for &id in events {
        let p = cx.plan.event(id);
        let topic = unique(&out, "Topic", &p.channel);
        out.insert(
            topic.clone(),
            json!({ "Type": "AWS::SNS::Topic", "Properties": {
                "TopicName": p.channel,
                "KmsMasterKeyId": "alias/aws/sns",
            } }),
        );
        for group in &p.groups {
            let queue = unique(&out, "Queue", &group.queue);
            let dead = unique(&out, "DeadLetters", &group.queue);
            out.insert(
                dead.clone(),
                queue_of(
                    &group.dead_letter,
                    p.dead_letter_retention.value,
                    Map::new(),
                ),
            );
            let mut more = Map::new();
            more.insert(
                "VisibilityTimeout".into(),
                json!(p.ack_timeout.value.as_ms().div_ceil(1000)),
            );
            more.insert(
                "RedrivePolicy".into(),
                json!({
                    "deadLetterTargetArn": { "Fn::GetAtt": [dead, "Arn"] },
                    "maxReceiveCount": p.attempts.value,
                }),
            );
            out.insert(
                queue.clone(),
                queue_of(&group.queue, p.retention.value, more),
            );
            let arn = json!({ "Fn::GetAtt": [queue, "Arn"] });
            let policy = unique(&out, "Policy", &group.queue);
            out.insert(
                policy,
                json!({ "Type": "AWS::SQS::QueuePolicy", "Properties": {
                    "Queues": [{ "Ref": queue }],
                    "PolicyDocument": { "Version": "2012-10-17", "Statement": [{
                        "Effect": "Allow",
                        "Principal": { "Service": "sns.amazonaws.com" },
                        "Action": "sqs:SendMessage",
                        "Resource": arn,
                        "Condition": { "ArnEquals": { "aws:SourceArn": { "Ref": topic } } },
                    }] },
                } }),
            );
            let subscription = unique(&out, "Subscription", &group.queue);
            out.insert(
                subscription,
                json!({ "Type": "AWS::SNS::Subscription", "Properties": {
                    "TopicArn": { "Ref": topic },
                    "Protocol": "sqs",
                    "Endpoint": arn,
                    "RawMessageDelivery": true,
                } }),
            );
        }
    }
    json!({
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "Topics, queues and dead letters",
        "Resources": out,
    })
}

/// A queue that is encrypted with its own key and keeps messages as long as the plan says and SQS can.
fn queue_of(name: &str, keeps: Time, more: Map<String, Value>) -> Value {
    let seconds = keeps.as_ms().div_ceil(1000).clamp(60, SQS_KEEPS_S);
    let mut properties = Map::new();
    properties.insert("QueueName".into(), json!(name));
    properties.insert("MessageRetentionPeriod".into(), json!(seconds));
    properties.insert("SqsManagedSseEnabled".into(), json!(true));
    properties.extend(more);
    json!({
        "Type": "AWS::SQS::Queue",
        "DeletionPolicy": "Retain",
        "UpdateReplacePolicy": "Retain",
        "Properties": properties,
    })
}

/// `order-placed-v1` as a name inside the template: letters and digits, not taken yet.
fn unique(taken: &Map<String, Value>, what: &str, name: &str) -> String {
    let mut stem = String::new();
    for part in slug(name).split('-').filter(|p| !p.is_empty()) {
        let (first, rest) = part.split_at(1);
        stem.push_str(&first.to_ascii_uppercase());
        stem.push_str(rest);
    }
    let base = format!("{stem}{what}");
    let mut name = base.clone();
    let mut n = 2;
    while taken.contains_key(&name) {
        name = format!("{base}{n}");
        n += 1;
    }
    name
}
