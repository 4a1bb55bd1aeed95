//! SNS and SQS: topics, queues and dead letters as a CloudFormation template.

use serde_json::{Map, json};

use super::super::cloudformation::unique;
use super::aws::{self, Stack, arn};
use super::{Cx, File};
use crate::model::EventId;

/// A topic an event; for each reader a queue with its dead letters, subscribed to it. Where order counts,
/// all of them are FIFO.
pub(super) fn files(cx: &Cx<'_>, name: &str, events: &[EventId]) -> Vec<File> {
    let mut ordered = Vec::new();
    let stacks = aws::stacks(
        cx,
        events,
        // A topic; queue, dead letters, policy and subscription.
        [1, 4],
        |_| Stack::default(),
        |stack, _, id| {
            add(cx, stack, id);
            if cx.plan.event(id).channel.ends_with(".fifo") {
                ordered.push(format!("`{}`", cx.plan.model.event(id).name));
            }
        },
    );
    let mut files = aws::templates(cx, name, "Topics, queues and dead letters", stacks);
    if let (Some(file), false) = (files.first_mut(), ordered.is_empty()) {
        file.notes.push(format!(
            "Whoever publishes {} sends the event's key as `MessageGroupId` and its `eventId` as \
             `MessageDeduplicationId`.",
            ordered.join(", ")
        ));
    }
    files
}

fn add(cx: &Cx<'_>, stack: &mut Stack, id: EventId) {
    let out = &mut stack.resources;
    let p = cx.plan.event(id);
    let topic = unique(out, "Topic", &p.channel);
    let mut properties = Map::new();
    properties.insert("TopicName".into(), json!(p.channel));
    if p.channel.ends_with(".fifo") {
        properties.insert("FifoTopic".into(), json!(true));
        if p.fast_order {
            properties.insert("FifoThroughputScope".into(), json!("MessageGroup"));
        }
    }
    properties.insert("KmsMasterKeyId".into(), json!("alias/aws/sns"));
    out.insert(
        topic.clone(),
        json!({ "Type": "AWS::SNS::Topic", "Properties": properties }),
    );
    let own = json!({ "Ref": topic });
    let publish = json!({ "Effect": "Allow", "Action": "sns:Publish" });
    stack
        .rights
        .publish(cx, id, (&publish, "/Resource"), (&own, &p.channel));
    for group in &p.groups {
        let queues = aws::queues(out, p, group);
        aws::admit(out, group, &[&queues.queue], "sns.amazonaws.com", &own);
        let subscription = unique(out, "Subscription", &group.queue);
        out.insert(
            subscription,
            json!({ "Type": "AWS::SNS::Subscription", "Properties": {
                "TopicArn": own,
                "Protocol": "sqs",
                "Endpoint": arn(&queues.queue),
                "RawMessageDelivery": true,
            } }),
        );
        stack.rights.read(group, &queues.queue);
    }
}
