//! EventBridge: a bus with its archive, and for each reader a rule, a queue and dead letters, as a
//! CloudFormation template.

use serde_json::json;

use super::super::cloudformation::unique;
use super::aws::{self, Stack, arn};
use super::{Cx, File};
use crate::model::EventId;
use crate::model::units::Time;

/// How long and how often the bus tries to reach a queue: the most that it takes, and its default.
const MAX_AGE_S: u64 = 86_400;
const MAX_RETRIES: u64 = 185;

pub(super) fn files(cx: &Cx<'_>, name: &str, events: &[EventId]) -> Vec<File> {
    let longest = events.iter().map(|id| cx.plan.event(*id).kept.value).max();
    let stacks = aws::stacks(
        cx,
        events,
        // Rule, queue, dead letters and the policies of both.
        [0, 5],
        |n| {
            let mut stack = Stack::default();
            // The bus stands in the first stack, and the others know its name.
            if n == 0 {
                bus(&mut stack, name, longest.unwrap_or_default());
            }
            stack
        },
        |stack, n, id| add(cx, stack, (n > 0).then_some(name), id),
    );
    let mut files = aws::templates(
        cx,
        name,
        "Event bus, rules, queues and dead letters",
        stacks,
    );
    if let Some(file) = files.first_mut() {
        file.notes.push(
            "An entry has the channel of the table as its `detail-type` and the envelope as its `detail`; what cannot \
             be brought to a queue at all lands among the dead letters of its reader as well."
                .to_owned(),
        );
    }
    files
}

fn bus(stack: &mut Stack, name: &str, longest: Time) {
    stack.resources.insert(
        "Bus".into(),
        json!({ "Type": "AWS::Events::EventBus", "Properties": { "Name": name } }),
    );
    stack.resources.insert(
        "Archive".into(),
        json!({ "Type": "AWS::Events::Archive", "Properties": {
            "SourceArn": arn("Bus"),
            "RetentionDays": days(longest),
        } }),
    );
}

/// `elsewhere`: the name of the bus, where another stack has it.
fn add(cx: &Cx<'_>, stack: &mut Stack, elsewhere: Option<&str>, id: EventId) {
    let (bus_arn, bus_name) = match elsewhere {
        None => (arn("Bus"), json!({ "Fn::GetAtt": ["Bus", "Name"] })),
        Some(name) => (
            json!({ "Fn::Sub": format!(
                "arn:${{AWS::Partition}}:events:${{AWS::Region}}:${{AWS::AccountId}}:event-bus/{name}"
            ) }),
            json!(name),
        ),
    };
    let out = &mut stack.resources;
    let p = cx.plan.event(id);
    let publish = json!({ "Effect": "Allow", "Action": "events:PutEvents", "Resource": bus_arn });
    stack.rights.publish(
        cx,
        id,
        (&publish, "/Condition/StringEquals/events:detail-type"),
        (&json!(p.channel), &p.channel),
    );
    for group in &p.groups {
        let queues = aws::queues(out, p, group);
        let rule = unique(out, "Rule", &group.queue);
        out.insert(
            rule.clone(),
            json!({ "Type": "AWS::Events::Rule", "Properties": {
                "EventBusName": bus_name,
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
        aws::admit(out, group, &both, "events.amazonaws.com", &arn(&rule));
        stack.rights.read(group, &queues.queue);
    }
}

/// Whole days, as archives count.
fn days(time: Time) -> u64 {
    time.as_ms().div_ceil(86_400_000)
}
