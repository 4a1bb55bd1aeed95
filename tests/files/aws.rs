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

/// `value` as CloudFormation resolves it: references become the longest ARN that their resource can have.
fn resolved(value: &Value, resources: &Map<String, Value>) -> Value {
    let named = |id: &Value| {
        let id = id.as_str().unwrap();
        let resource = resources
            .get(id)
            .unwrap_or_else(|| panic!("{id} stands in another stack"));
        json!(format!(
            "arn:aws-us-gov:events:us-gov-west-1:123456789012:{}",
            name(resource)
        ))
    };
    match value {
        Value::Object(map) if map.contains_key("Ref") => named(&map["Ref"]),
        Value::Object(map) if map.contains_key("Fn::GetAtt") => named(&map["Fn::GetAtt"][0]),
        Value::Object(map) if map.contains_key("Fn::Sub") => {
            let text = map["Fn::Sub"].as_str().unwrap();
            let text = text.replace("${AWS::Partition}", "aws-us-gov");
            let text = text.replace("${AWS::Region}", "us-gov-west-1");
            json!(text.replace("${AWS::AccountId}", "123456789012"))
        }
        Value::Object(map) => {
            let map = map.iter().map(|(k, v)| (k.clone(), resolved(v, resources)));
            Value::Object(map.collect::<Map<_, _>>())
        }
        Value::Array(list) => list.iter().map(|v| resolved(v, resources)).collect(),
        other => other.clone(),
    }
}

/// A list, or the one that stands for it.
fn each(value: &Value) -> Vec<String> {
    let one = value.as_str().map(str::to_owned);
    let list = value.as_array().into_iter().flatten();
    let list = list.map(|v| v.as_str().unwrap().to_owned());
    one.into_iter().chain(list).collect()
}

/// CloudFormation takes 500 resources in a stack, IAM 6,144 characters in a policy.
#[test]
fn many_events_take_several_stacks_that_hold_everything_once() {
    for broker in ["sns-sqs", "eventbridge"] {
        // One reader of a hundred events fills a policy before they fill a stack.
        let events: Vec<String> = (0..160)
            .map(|n| {
                let readers = if n < 100 {
                    String::new()
                } else {
                    format!(", r{}", n % 11)
                };
                let by = n % 7;
                format!("\"s{by} --warehouse-{n}.stock-level-changed--> collector{readers}\"")
            })
            .collect();
        let names = (0..7)
            .map(|n| format!("\"s{n}\""))
            .chain((0..11).map(|n| format!("\"r{n}\"")));
        let services: Vec<String> = names.collect();
        let (model, files) = super::made_of(&format!(
            "title = \"Many\"\ninfrastructure = \"aws\"\nservices = [\"collector\", {}]\nasync = [{}]\n[platform]\nbroker = \"{broker}\"\n",
            services.join(", "),
            events.join(", ")
        ));
        let plan = Plan::new(&model);
        let files: Vec<_> = files
            .iter()
            .filter(|f| f.path.starts_with("broker/"))
            .collect();
        assert!(files.len() > 1, "{broker}");
        let (mut queues, mut may): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
        let mut split = false;
        for f in files {
            let template: Value = serde_json::from_str(&f.text).unwrap();
            let resources = template["Resources"].as_object().unwrap();
            assert!(resources.len() <= 500, "{}: {}", f.path, resources.len());
            assert!(f.text.len() < 1_000_000, "{}: {}", f.path, f.text.len());
            let mut who = Vec::new();
            for r in resources.values() {
                let is = resolved(&r["Properties"], resources);
                if r["Type"] == "AWS::SQS::Queue" {
                    queues.push(is["QueueName"].as_str().unwrap().to_owned());
                }
                if r["Type"] != "AWS::IAM::ManagedPolicy" {
                    continue;
                }
                let text = is["PolicyDocument"].to_string();
                assert!(text.len() <= 6144, "{}: {}", f.path, text.len());
                let name = is["Description"]
                    .as_str()
                    .unwrap()
                    .split(' ')
                    .nth(1)
                    .unwrap();
                split |= who.contains(&name.to_owned());
                who.push(name.to_owned());
                for s in is["PolicyDocument"]["Statement"].as_array().unwrap() {
                    let types = each(&s["Condition"]["StringEquals"]["events:detail-type"]);
                    for what in each(&s["Resource"]) {
                        let what = what.rsplit(':').next().unwrap();
                        if types.is_empty() {
                            may.push(format!("{name} {what}"));
                        }
                        assert!(types.is_empty() || what.ends_with("eventbridge"), "{what}");
                        may.extend(types.iter().map(|t| format!("{name} {t}")));
                    }
                }
            }
        }
        assert!(split, "no policy was full");
        let (mut all, mut should) = (Vec::new(), Vec::new());
        for id in model.event_ids() {
            let p = plan.event(id);
            for by in &model.event(id).publishers {
                should.push(format!("{} {}", plan.service(by.service).slug, p.channel));
            }
            for g in &p.groups {
                all.extend([g.queue.clone(), g.dead_letter.clone()]);
                let Party::Service(reader) = g.consumer else {
                    continue;
                };
                should.push(format!("{} {}", plan.service(reader).slug, g.queue));
            }
        }
        for list in [&mut queues, &mut may, &mut all, &mut should] {
            list.sort_unstable();
        }
        assert_eq!(queues, all, "{broker}");
        assert_eq!(may, should, "{broker}");
    }
}

/// CloudFormation takes 200 parameters in a template.
#[test]
fn many_services_behind_a_gateway_are_imported_instead_of_asked_for() {
    for many in [199, 200] {
        let calls: Vec<String> = (0..many)
            .map(|n| format!("\"user --REST GET /s{n}/{{id}}--> s{n}\""))
            .collect();
        let services: Vec<String> = (0..many).map(|n| format!("\"s{n}\"")).collect();
        let (_, files) = super::made_of(&format!(
            "title = \"Wide\"\ninfrastructure = \"aws\"\nactors = [\"user\"]\nservices = [{}]\nsync = [{}]\n",
            services.join(", "),
            calls.join(", ")
        ));
        let file = files.iter().find(|f| f.path == "gateway/api-gateway.json");
        let template: Value = serde_json::from_str(&file.unwrap().text).unwrap();
        let parameters = template["Parameters"].as_object().unwrap();
        assert_eq!(parameters.len(), if many == 199 { 200 } else { 1 });
        let api = &template["Resources"]["Api"]["Properties"]["Body"];
        for n in 0..many {
            let uri = &api["paths"][format!("/s{n}/{{id}}")]["get"]["x-amazon-apigateway-integration"]
                ["uri"];
            match uri["Ref"].as_str() {
                Some(asked) => assert!(parameters.contains_key(asked), "{asked}"),
                None => assert_eq!(uri["Fn::ImportValue"], format!("s{n}-arn")),
            }
        }
    }
}
