//! EventBridge: a bus with its archive, and for each reader a rule, a queue and dead letters, as a
//! CloudFormation template.

use serde_json::{Map, json};

use super::super::cloudformation::unique;
use super::aws::{self, Rights, arn};
use super::{Cx, File};
use crate::model::EventId;
use crate::model::units::Time;

/// How long and how often the bus tries to reach a queue: the most that it takes, and its default.
const MAX_AGE_S: u64 = 86_400;
const MAX_RETRIES: u64 = 185;

pub(super) fn files(cx: &Cx<'_>, name: &str, events: &[EventId]) -> Vec<File> {
    let mut out = Map::new();
    let mut rights = Rights::new();
    out.insert(
        "Bus".into(),
        json!({ "Type": "AWS::Events::EventBus", "Properties": { "Name": name } }),
    );
    let longest = events.iter().map(|id| cx.plan.event(*id).kept.value).max();
    out.insert(
        "Archive".into(),
        json!({ "Type": "AWS::Events::Archive", "Properties": {
            "SourceArn": arn("Bus"),
            "RetentionDays": days(longest.unwrap_or_default()),
        } }),
    );
    for &id in events {
        let p = cx.plan.event(id);
        rights.publish(
            cx,
            id,
            &json!({
                "Effect": "Allow",
                "Action": "events:PutEvents",
                "Resource": arn("Bus"),
                "Condition": { "StringEquals": { "events:detail-type": p.channel } },
            }),
        );
        for group in &p.groups {
            let queues = aws::queues(&mut out, p, group);
            let rule = unique(&out, "Rule", &group.queue);
            out.insert(
                rule.clone(),
                json!({ "Type": "AWS::Events::Rule", "Properties": {
                    "EventBusName": { "Fn::GetAtt": ["Bus", "Name"] },
                    "EventPattern": { "detail-type": [p.channel] },
                    "Targets": [{
                        "Id": "queue",
                        "Arn": arn(&queues.queue),
                        "RetryPolicy": {
                            "MaximumEventAgeInSeconds": MAX_AGE_S,
                            "MaximumRetryAttempts": MAX_RETRIES,
                        },
                        "DeadLetterConfig": { "Arn": arn(&queues.dead) },
                    }],
                } }),
            );
            let both = [queues.queue.as_str(), queues.dead.as_str()];
            aws::admit(&mut out, group, &both, "events.amazonaws.com", &arn(&rule));
            rights.read(group, &queues.queue);
        }
    }
    rights.write(cx, &mut out);
    let mut file = aws::template(name, "Event bus, rules, queues and dead letters", out);
    file.notes.push(
        "An entry has the channel of the table as its `detail-type` and the envelope as its `detail`; what cannot be \
         brought to a queue at all lands among the dead letters of its reader as well."
            .to_owned(),
    );
    vec![file]
}

/// Whole days, as archives count.
fn days(time: Time) -> u64 {
    time.as_ms().div_ceil(86_400_000)
}
