//! SNS and SQS: topics, queues and dead letters as a CloudFormation template.

use serde_json::{Map, json};

use super::super::cloudformation::unique;
use super::aws::{self, Rights, arn};
use super::{Cx, File};
use crate::model::EventId;

/// A topic an event; for each reader a queue with its dead letters, subscribed to it. Where order counts,
/// all of them are FIFO.
pub(super) fn files(cx: &Cx<'_>, name: &str, events: &[EventId]) -> Vec<File> {
    let mut out = Map::new();
    let mut rights = Rights::new();
    let mut ordered = Vec::new();
    for &id in events {
        let p = cx.plan.event(id);
        let topic = unique(&out, "Topic", &p.channel);
        let mut properties = Map::new();
        properties.insert("TopicName".into(), json!(p.channel));
        if p.channel.ends_with(".fifo") {
            properties.insert("FifoTopic".into(), json!(true));
            if p.fast_order {
                properties.insert("FifoThroughputScope".into(), json!("MessageGroup"));
            }
            ordered.push(format!("`{}`", cx.plan.model.event(id).name));
        }
        properties.insert("KmsMasterKeyId".into(), json!("alias/aws/sns"));
        out.insert(
            topic.clone(),
            json!({ "Type": "AWS::SNS::Topic", "Properties": properties }),
        );
        let own = json!({ "Ref": topic });
        let publish = json!({ "Effect": "Allow", "Action": "sns:Publish", "Resource": own });
        rights.publish(cx, id, &publish);
        for group in &p.groups {
            let queues = aws::queues(&mut out, p, group);
            aws::admit(&mut out, group, &[&queues.queue], "sns.amazonaws.com", &own);
            let subscription = unique(&out, "Subscription", &group.queue);
            out.insert(
                subscription,
                json!({ "Type": "AWS::SNS::Subscription", "Properties": {
                    "TopicArn": own,
                    "Protocol": "sqs",
                    "Endpoint": arn(&queues.queue),
                    "RawMessageDelivery": true,
                } }),
            );
            rights.read(group, &queues.queue);
        }
    }
    rights.write(cx, &mut out);
    let mut file = aws::template(name, "Topics, queues and dead letters", out);
    if !ordered.is_empty() {
        file.notes.push(format!(
            "Whoever publishes {} sends the event's key as `MessageGroupId` and its `eventId` as \
             `MessageDeduplicationId`.",
            ordered.join(", ")
        ));
    }
    vec![file]
}
