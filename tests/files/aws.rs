//! SNS with SQS and EventBridge: topics, rules, queues, dead letters and rights of a stack, with references
//! followed to names.

use std::collections::BTreeMap;

use msdesign::model::{Party, ServiceId, units::Time};
use serde_json::{Map, Value, json};

use super::{Doc, Model, Plan, Wrong, docs, entries, made, only, survivors};

#[test]
fn each_changed_value_for_sns_and_sqs_is_noticed() {
    let (model, files) = made("broker = \"sns-sqs\"");
    let plan = Plan::new(&model);
    let (changed, found) = survivors(&docs(&files, "broker/"), |d| wrong(&model, &plan, d, false));
    only(&found, &["/Description"]);
    assert!(changed > 120, "{changed}");
}

#[test]
fn each_changed_value_for_eventbridge_is_noticed() {
    let (model, files) = made("broker = \"eventbridge\"");
    let plan = Plan::new(&model);
    let (changed, found) = survivors(&docs(&files, "broker/"), |d| wrong(&model, &plan, d, true));
    only(&found, &["/Description"]);
    assert!(changed > 150, "{changed}");
}

/// What a resource is called where others speak of it.
fn name(resource: &Value) -> String {
    let p = &resource["Properties"];
    let own = ["QueueName", "TopicName", "Name"];
    let own = own.iter().find_map(|k| p[*k].as_str());
    match own {
        Some(name) => name.to_owned(),
        // A rule has no name of its own: it brings a channel to a queue.
        None => format!(
            "{} to {}",
            p["EventPattern"]["detail-type"][0], p["Targets"][0]["Arn"]
        ),
    }
}

/// `value` with the names of resources in place of references.
fn followed(value: &Value, names: &BTreeMap<String, String>) -> Value {
    let to = |id: &Value| {
        json!(format!(
            "-> {}",
            names
                .get(id.as_str().unwrap_or_default())
                .map_or("?", |n| n)
        ))
    };
    match value {
        Value::Object(map) if map.contains_key("Ref") => to(&map["Ref"]),
        Value::Object(map) if map.contains_key("Fn::GetAtt") => {
            json!([to(&map["Fn::GetAtt"][0]), map["Fn::GetAtt"][1]])
        }
        Value::Object(map) => {
            let map = map.iter().map(|(k, v)| (k.clone(), followed(v, names)));
            Value::Object(map.collect::<Map<_, _>>())
        }
        Value::Array(list) => list.iter().map(|v| followed(v, names)).collect(),
        other => other.clone(),
    }
}

fn wrong(model: &Model, plan: &Plan<'_>, docs: &[Doc], bus: bool) -> Wrong {
    let template = &docs[0].value;
    let resources: BTreeMap<&String, &Value> = entries(&template["Resources"]).collect();
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    for pass in 0..2 {
        // Names of rules speak of queues.
        for (id, r) in &resources {
            let known = if pass == 0 {
                (*r).clone()
            } else {
                followed(r, &names)
            };
            names.insert((*id).clone(), name(&known));
        }
    }
    let is: Vec<Value> = resources.values().map(|r| followed(r, &names)).collect();
    let mut w = Wrong::default();
    w.want(
        "version",
        &template["AWSTemplateFormatVersion"],
        "2010-09-09",
    );
    let should = if bus {
        eventbridge(model, plan)
    } else {
        sns(model, plan)
    };
    w.same("resources", &json!(is), &json!(should));
    w
}

fn arn(name: &str) -> Value {
    json!([format!("-> {name}"), "Arn"])
}

fn s(t: Time) -> u64 {
    t.as_ms().div_ceil(1000)
}

fn allow(what: Value, on: Value) -> Value {
    json!({ "Effect": "Allow", "Action": what, "Resource": on })
}

fn document(statements: Vec<Value>) -> Value {
    json!({ "Version": "2012-10-17", "Statement": statements })
}

/// The queue of each reader and its dead letters, kept when the stack goes.
fn queues(plan: &Plan<'_>, model: &Model, out: &mut Vec<Value>) {
    for id in model.event_ids() {
        let p = plan.event(id);
        for g in &p.groups {
            let queue = |name: &str, kept: Time, more: Value| {
                let mut own = json!({ "QueueName": name, "MessageRetentionPeriod": s(kept), "SqsManagedSseEnabled": true });
                for (k, v) in more.as_object().unwrap() {
                    own[k] = v.clone();
                }
                if p.ordered && name.ends_with(".fifo") {
                    own["FifoQueue"] = json!(true);
                }
                json!({ "Type": "AWS::SQS::Queue", "DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain", "Properties": own })
            };
            out.push(queue(&g.dead_letter, p.dead_letter_kept.value, json!({})));
            let redrive = json!({
                "deadLetterTargetArn": arn(&g.dead_letter), "maxReceiveCount": p.limit.as_ref().unwrap().value,
            });
            let more =
                json!({ "VisibilityTimeout": s(p.ack_timeout.value), "RedrivePolicy": redrive });
            out.push(queue(&g.queue, p.kept.value, more));
        }
    }
}

/// Only `source` may send to `queue`.
fn admitted(queue: &str, service: &str, source: &Value) -> Value {
    let mut may = allow(json!("sqs:SendMessage"), arn(queue));
    may["Principal"] = json!({ "Service": service });
    may["Condition"] = json!({ "ArnEquals": { "aws:SourceArn": source } });
    json!({ "Type": "AWS::SQS::QueuePolicy", "Properties": {
        "Queues": [format!("-> {queue}")], "PolicyDocument": document(vec![may]),
    } })
}

/// What each service may do.
fn rights(model: &Model, plan: &Plan<'_>, publish: impl Fn(&str) -> Value, out: &mut Vec<Value>) {
    let mut all: BTreeMap<ServiceId, Vec<Value>> = BTreeMap::new();
    for id in model.event_ids() {
        let p = plan.event(id);
        for by in &model.event(id).publishers {
            all.entry(by.service).or_default().push(publish(&p.channel));
        }
        for g in &p.groups {
            if let Party::Service(reader) = g.consumer {
                let what = [
                    "ReceiveMessage",
                    "DeleteMessage",
                    "ChangeMessageVisibility",
                    "GetQueueAttributes",
                ];
                let what = what.map(|w| format!("sqs:{w}"));
                all.entry(reader)
                    .or_default()
                    .push(allow(json!(what), arn(&g.queue)));
            }
        }
    }
    for (service, statements) in all {
        let about = format!("What {} may publish and read", plan.service(service).slug);
        out.push(json!({ "Type": "AWS::IAM::ManagedPolicy", "Properties": {
            "Description": about, "PolicyDocument": document(statements),
        } }));
    }
}

fn sns(model: &Model, plan: &Plan<'_>) -> Vec<Value> {
    let mut out = Vec::new();
    queues(plan, model, &mut out);
    for id in model.event_ids() {
        let p = plan.event(id);
        let mut topic = json!({ "TopicName": p.channel, "KmsMasterKeyId": "alias/aws/sns" });
        if p.ordered {
            topic["FifoTopic"] = json!(true);
        }
        out.push(json!({ "Type": "AWS::SNS::Topic", "Properties": topic }));
        let topic = json!(format!("-> {}", p.channel));
        for g in &p.groups {
            out.push(admitted(&g.queue, "sns.amazonaws.com", &topic));
            out.push(json!({ "Type": "AWS::SNS::Subscription", "Properties": {
                "TopicArn": topic, "Protocol": "sqs", "Endpoint": arn(&g.queue), "RawMessageDelivery": true,
            } }));
        }
    }
    let publish = |channel: &str| allow(json!("sns:Publish"), json!(format!("-> {channel}")));
    rights(model, plan, publish, &mut out);
    out
}

fn eventbridge(model: &Model, plan: &Plan<'_>) -> Vec<Value> {
    let bus = "eventbridge";
    let longest = model
        .event_ids()
        .map(|id| plan.event(id).kept.value.as_ms())
        .max();
    let mut out = vec![
        json!({ "Type": "AWS::Events::EventBus", "Properties": { "Name": bus } }),
        json!({ "Type": "AWS::Events::Archive", "Properties": {
            "SourceArn": arn(bus), "RetentionDays": longest.unwrap().div_ceil(86_400_000),
        } }),
    ];
    queues(plan, model, &mut out);
    for id in model.event_ids() {
        let p = plan.event(id);
        for g in &p.groups {
            out.push(json!({ "Type": "AWS::Events::Rule", "Properties": {
                "EventBusName": [format!("-> {bus}"), "Name"],
                "EventPattern": { "detail-type": [p.channel] },
                "Targets": [{
                    "Id": "queue", "Arn": arn(&g.queue), "DeadLetterConfig": { "Arn": arn(&g.dead_letter) },
                    "RetryPolicy": { "MaximumEventAgeInSeconds": 86_400, "MaximumRetryAttempts": 185 },
                }],
            } }));
            let rule = format!("\"{}\" to {}", p.channel, arn(&g.queue));
            for queue in [&g.queue, &g.dead_letter] {
                out.push(admitted(queue, "events.amazonaws.com", &arn(&rule)));
            }
        }
    }
    let publish = |channel: &str| {
        let mut may = allow(json!("events:PutEvents"), arn(bus));
        may["Condition"] = json!({ "StringEquals": { "events:detail-type": channel } });
        may
    };
    rights(model, plan, publish, &mut out);
    out
}
