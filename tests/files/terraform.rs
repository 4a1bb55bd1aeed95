//! Pub/Sub and Service Bus: topics, subscriptions, dead letters and rights, with references followed to names.

use std::collections::{BTreeMap, BTreeSet};

use msdesign::Artefact;
use msdesign::model::Party;
use serde_json::{Map, Value, json};

use super::mutated::canonical;
use super::{Doc, Model, Plan, Wrong, made, only, survivors};

#[test]
fn each_changed_value_for_pubsub_is_noticed() {
    let (model, files) = made("broker = \"pubsub\"");
    let plan = Plan::new(&model);
    let (changed, found) = survivors(&resources(&files), |d| {
        compare(&of_file(d), &pubsub(&model, &plan))
    });
    // Nothing refers to them, so their names mean nothing.
    let free = [
        "google_pubsub_subscription_iam_member/id",
        "google_pubsub_topic_iam_member/id",
    ];
    only(&found, &free);
    assert!(changed > 80, "{changed}");
}

#[test]
fn each_changed_value_for_service_bus_is_noticed() {
    let (model, files) = made("broker = \"service-bus\"");
    let plan = Plan::new(&model);
    let (changed, found) = survivors(&resources(&files), |d| {
        compare(&of_file(d), &service_bus(&model, &plan))
    });
    // Nothing refers to them, so their names mean nothing.
    only(&found, &["azurerm_role_assignment/id"]);
    assert!(changed > 40, "{changed}");
}

/// The resources of the file, with texts without quotes; blocks are tables.
fn resources(files: &[Artefact]) -> Vec<Doc> {
    let file = files.iter().find(|f| f.path.ends_with(".tf")).unwrap();
    let mut out = Vec::new();
    let mut open: Vec<(String, Map<String, Value>)> = Vec::new();
    for line in file.text.lines().map(str::trim) {
        if let Some(head) = line.strip_suffix('{') {
            let words: Vec<&str> = head
                .split_whitespace()
                .map(|w| w.trim_matches('"'))
                .collect();
            let mut block = Map::new();
            if words[0] == "resource" {
                block.insert("kind".into(), json!(words[1]));
                block.insert("id".into(), json!(words[2]));
            }
            open.push((words[0].to_owned(), block));
        } else if line == "}" {
            let (name, block) = open.pop().unwrap();
            match open.last_mut() {
                Some((_, outer)) => {
                    outer.insert(name, Value::Object(block));
                }
                None if name == "resource" => out.push(Doc {
                    value: Value::Object(block),
                }),
                None => {}
            }
        } else if let Some((key, value)) = line.split_once('=') {
            let value = value.trim();
            // A text that holds others keeps its quotes.
            let inner = value.strip_prefix('"').and_then(|v| v.strip_suffix('"'));
            let value = match inner {
                Some(text) => json!(text),
                None => serde_json::from_str(value).unwrap_or_else(|_| json!(value)),
            };
            open.last_mut()
                .unwrap()
                .1
                .insert(key.trim().to_owned(), value);
        }
    }
    assert!(open.is_empty());
    out
}

/// What the resources say, each as one text: without their ids, which only lead to each other.
fn of_file(docs: &[Doc]) -> Vec<String> {
    let mut names = BTreeMap::new();
    for d in docs {
        let v = &d.value;
        let id = format!("{}.{}", text(&v["kind"]), text(&v["id"]));
        // Of a subscription on Azure the name alone says too little.
        let topic = v.get("topic_id").map_or("", text);
        let topic = topic.rsplit('.').nth(1).unwrap_or_default();
        let of = docs.iter().find(|t| text(&t.value["id"]) == topic);
        let of = of.map_or("", |t| text(&t.value["name"]));
        let name = format!("{of} {}", text(&v["name"])).trim().to_owned();
        if names.insert(id.clone(), name).is_some() {
            return vec![format!("{id} twice")];
        }
    }
    let follow = |v: &Value| match v {
        Value::String(s) => match s.strip_suffix(".id").and_then(|id| names.get(id)) {
            Some(name) => json!(format!("-> {name}")),
            None => v.clone(),
        },
        other => other.clone(),
    };
    docs.iter()
        .map(|d| {
            let mut out = Map::new();
            for (key, value) in d
                .value
                .as_object()
                .unwrap()
                .iter()
                .filter(|(k, _)| *k != "id")
            {
                let value = match value {
                    Value::Object(inner) => {
                        Value::Object(inner.iter().map(|(k, v)| (k.clone(), follow(v))).collect())
                    }
                    other => follow(other),
                };
                out.insert(key.clone(), value);
            }
            canonical(&Value::Object(out))
        })
        .collect()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn compare(is: &[String], should: &[Value]) -> Wrong {
    let mut w = Wrong::default();
    let is: BTreeSet<String> = is.iter().cloned().collect();
    let should: BTreeSet<String> = should.iter().map(canonical).collect();
    let other: Vec<&String> = is.symmetric_difference(&should).collect();
    w.that(other.is_empty(), &format!("{other:#?}"));
    w
}

fn pubsub(model: &Model, plan: &Plan<'_>) -> Vec<Value> {
    let agent = "serviceAccount:service-${data.google_project.this.number}@gcp-sa-pubsub.iam.gserviceaccount.com";
    let account = |slug: &str| format!("serviceAccount:${{var.service_accounts[\"{slug}\"]}}");
    let s = |t: msdesign::model::units::Time| t.as_ms().div_ceil(1000);
    let send = |to: &str, who: &str| json!({ "kind": "google_pubsub_topic_iam_member", "topic": format!("-> {to}"), "role": "roles/pubsub.publisher", "member": who });
    let read = |from: &str, who: &str| json!({ "kind": "google_pubsub_subscription_iam_member", "subscription": format!("-> {from}"), "role": "roles/pubsub.subscriber", "member": who });
    let mut out = Vec::new();
    for id in model.event_ids() {
        let (e, p) = (model.event(id), plan.event(id));
        let kept = format!("{}s", s(p.kept.value));
        out.push(json!({ "kind": "google_pubsub_topic", "name": p.channel, "message_retention_duration": kept }));
        for by in &e.publishers {
            out.push(send(&p.channel, &account(&plan.service(by.service).slug)));
        }
        for g in &p.groups {
            let Party::Service(reader) = g.consumer else {
                continue;
            };
            let pause = |t: Option<&msdesign::model::units::Time>| {
                format!("{}s", t.map_or(10, |t| s(*t)).clamp(10, 600))
            };
            let mut subscription = json!({
                "kind": "google_pubsub_subscription", "name": g.queue, "topic": format!("-> {}", p.channel),
                "ack_deadline_seconds": s(p.ack_timeout.value).clamp(10, 600),
                "message_retention_duration": kept,
                "expiration_policy": { "ttl": "" },
                "dead_letter_policy": {
                    "dead_letter_topic": format!("-> {}", g.dead_letter),
                    "max_delivery_attempts": p.limit.as_ref().unwrap().value,
                },
                "retry_policy": {
                    "minimum_backoff": pause(p.backoff.first()), "maximum_backoff": pause(p.backoff.last()),
                },
            });
            if p.ordered {
                subscription["enable_message_ordering"] = json!(true);
            }
            out.push(subscription);
            out.push(json!({ "kind": "google_pubsub_topic", "name": g.dead_letter }));
            out.push(json!({
                "kind": "google_pubsub_subscription", "name": g.dead_letter, "topic": format!("-> {}", g.dead_letter),
                "message_retention_duration": format!("{}s", s(p.dead_letter_kept.value)),
                "expiration_policy": { "ttl": "" },
            }));
            let who = account(&plan.service(reader).slug);
            out.extend([
                send(&g.dead_letter, agent),
                read(&g.queue, agent),
                read(&g.queue, &who),
                read(&g.dead_letter, &who),
            ]);
        }
    }
    out
}

fn service_bus(model: &Model, plan: &Plan<'_>) -> Vec<Value> {
    let role = |scope: &str, role: &str, slug: &str| {
        json!({
            "kind": "azurerm_role_assignment", "scope": format!("-> {scope}"),
            "role_definition_name": format!("Azure Service Bus Data {role}"),
            "principal_id": format!("var.principals[\"{slug}\"]"),
        })
    };
    let mut out = vec![json!({
        "kind": "azurerm_servicebus_namespace", "name": "var.namespace", "resource_group_name": "var.resource_group",
        "location": "var.location", "sku": "Standard", "minimum_tls_version": "1.2", "local_auth_enabled": false,
    })];
    for id in model.event_ids() {
        let (e, p) = (model.event(id), plan.event(id));
        let kept = iso(p.kept.value);
        let mut topic = json!({
            "kind": "azurerm_servicebus_topic", "name": p.channel, "namespace_id": "-> var.namespace", "default_message_ttl": kept,
        });
        if p.ordered {
            topic["support_ordering"] = json!(true);
        }
        out.push(topic);
        for by in &e.publishers {
            out.push(role(&p.channel, "Sender", &plan.service(by.service).slug));
        }
        for g in &p.groups {
            let Party::Service(reader) = g.consumer else {
                continue;
            };
            let lock = msdesign::model::units::Time::s(
                p.ack_timeout.value.as_ms().div_ceil(1000).clamp(5, 300),
            );
            let mut subscription = json!({
                "kind": "azurerm_servicebus_subscription", "name": g.queue, "topic_id": format!("-> {}", p.channel),
                "max_delivery_count": p.limit.as_ref().unwrap().value, "lock_duration": iso(lock),
                "default_message_ttl": kept, "dead_lettering_on_message_expiration": true,
            });
            if p.ordered {
                subscription["requires_session"] = json!(true);
            }
            out.push(subscription);
            let scope = format!("{} {}", p.channel, g.queue);
            out.push(role(&scope, "Receiver", &plan.service(reader).slug));
        }
    }
    out
}

/// `P7D`, `PT1M30S`.
fn iso(t: msdesign::model::units::Time) -> String {
    let all = t.as_ms().div_ceil(1000);
    let units = [(86_400, "D"), (3600, "H"), (60, "M"), (1, "S")];
    let (mut rest, mut out) = (all, "P".to_owned());
    for (unit, sign) in units {
        let n = rest / unit;
        rest %= unit;
        if n > 0 {
            if unit < 86_400 && !out.contains('T') {
                out.push('T');
            }
            out.push_str(&format!("{n}{sign}"));
        }
    }
    out
}
