//! SNS and SQS: topics, queues and dead letters as a CloudFormation template.

use serde_json::{Map, Value, json};

use super::super::cloudformation::unique;
use super::{Cx, File};
use crate::model::EventId;
use crate::model::units::Time;

/// The longest that SQS keeps a message, in seconds.
const SQS_KEEPS_S: u64 = 1_209_600;

/// The files of the broker `name` that carries `events`.
pub(super) fn files(cx: &Cx<'_>, name: &str, events: &[EventId]) -> Vec<File> {
    vec![File {
        path: format!("broker/{name}.template.json"),
        fence: "json",
        text: super::pretty(&sns_sqs(cx, events)),
        checked_by: Some("cfn-lint"),
        notes: Vec::new(),
    }]
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
