//! NATS: streams, consumers and what each user may do.

use std::collections::{BTreeMap, BTreeSet};

use msdesign::Artefact;
use msdesign::model::{Party, units::Time};
use serde_json::{Value, json};

use super::{Doc, Model, Plan, Wrong, made, only, survivors};

#[test]
fn each_changed_value_of_a_stream_or_a_consumer_is_noticed() {
    let (model, files) = made("broker = \"nats\"");
    let plan = Plan::new(&model);
    let (changed, found) = survivors(&read(&files), |d| wrong(&model, &plan, d));
    only(&found, &[]);
    assert!(changed > 120, "{changed}");
}

/// The files, and each user of the server's configuration.
fn read(files: &[Artefact]) -> Vec<Doc> {
    let mut out = Vec::new();
    for file in files.iter().filter(|f| f.path.starts_with("broker/nats/")) {
        let name = file.path.strip_prefix("broker/nats/").unwrap();
        if let Some(name) = name.strip_suffix(".json") {
            let value: Value = serde_json::from_str(&file.text).unwrap();
            out.push(Doc {
                value: json!({ "file": name, "is": value }),
            });
            continue;
        }
        assert_eq!(name, "permissions.conf");
        let mut users: Vec<Value> = Vec::new();
        let mut list = String::new();
        for line in file.text.lines().map(str::trim) {
            if let Some(name) = line.strip_prefix("user: ") {
                users.push(json!({ "user": name }));
            } else if let Some(word) = line.strip_prefix("password: ") {
                users.last_mut().unwrap()["password"] = json!(word);
            } else if let Some(what) = line.strip_suffix(": [") {
                list = what.to_owned();
                if list != "users" {
                    users.last_mut().unwrap()[what] = json!([]);
                }
            } else if line.starts_with('"') {
                let subjects = &mut users.last_mut().unwrap()[&list];
                subjects.as_array_mut().unwrap().push(json!(line));
            } else {
                assert!(
                    matches!(
                        line,
                        "users = [" | "authorization {" | "permissions {" | "{" | "}" | "]"
                    ),
                    "{line}"
                );
            }
        }
        out.extend(users.into_iter().map(|value| Doc { value }));
    }
    out
}

fn stream(name: &str, subjects: Value, kept: Time) -> Value {
    let ns = |t: Time| t.as_ms() * 1_000_000;
    json!({ "file": format!("streams/{name}"), "is": {
        "name": name, "subjects": subjects, "retention": "limits", "storage": "file", "num_replicas": 3,
        "discard": "old", "max_age": ns(kept), "max_msgs": -1, "max_bytes": -1, "max_msg_size": -1,
        "max_consumers": -1, "duplicate_window": ns(kept.min(Time::s(120))),
    } })
}

fn wrong(model: &Model, plan: &Plan<'_>, docs: &[Doc]) -> Wrong {
    let mut should = Vec::new();
    let mut rights: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for id in model.event_ids() {
        let (e, p) = (model.event(id), plan.event(id));
        let channel = &p.channel;
        let kind = model.broker(e.broker).kind;
        // Where there are partitions the key is the last part of the subject, and its partition stands before it.
        let sent = match &p.partitions {
            Some(_) => format!("{channel}.*"),
            None => channel.clone(),
        };
        let mut own = stream(&p.store, json!([sent]), p.kept.value);
        if let Some(n) = &p.partitions {
            let dest = format!(
                "{channel}.{{{{partition({},1)}}}}.{{{{wildcard(1)}}}}",
                n.value
            );
            own["is"]["subject_transform"] = json!({ "src": sent, "dest": dest });
        }
        should.push(own);
        for by in &e.publishers {
            let user = plan.service(by.service).slug.as_str();
            rights.entry(user).or_default().insert(sent.clone());
        }
        for g in &p.groups {
            let (store, lost) = (&p.store, &g.dead_letter);
            let readers: Vec<String> = match g.lanes {
                0 => vec![g.group.clone()],
                n => (0..n).map(|at| g.lane(kind, at)).collect(),
            };
            let mut given_up = Vec::new();
            for w in ["MAX_DELIVERIES", "MSG_TERMINATED"] {
                for reader in &readers {
                    given_up.push(format!("$JS.EVENT.ADVISORY.CONSUMER.{w}.{store}.{reader}"));
                }
            }
            should.push(stream(lost, json!(given_up), p.dead_letter_kept.value));
            for (at, reader) in readers.iter().enumerate() {
                let filter = match g.lanes {
                    0 => channel.clone(),
                    _ => format!("{channel}.{at}.*"),
                };
                let mut consumer = json!({
                    "durable_name": reader, "deliver_policy": "all", "ack_policy": "explicit",
                    "replay_policy": "instant", "filter_subject": filter,
                    "ack_wait": p.ack_timeout.value.as_ms() * 1_000_000,
                    "max_deliver": p.limit.as_ref().unwrap().value,
                });
                if p.ordered {
                    consumer["max_ack_pending"] = json!(1);
                }
                let name = format!("consumers/{store}.{reader}");
                should.push(json!({ "file": name, "is": consumer }));
            }
            let Party::Service(s) = g.consumer else {
                continue;
            };
            let may = rights.entry(plan.service(s).slug.as_str()).or_default();
            for reader in &readers {
                let consumer = ["CONSUMER.INFO", "CONSUMER.MSG.NEXT"];
                may.extend(consumer.map(|what| format!("$JS.API.{what}.{store}.{reader}")));
                may.insert(format!("$JS.ACK.{store}.{reader}.>"));
            }
            may.insert(format!("$JS.API.STREAM.MSG.GET.{store}"));
            let dead = ["INFO", "MSG.GET", "MSG.DELETE"];
            may.extend(dead.map(|what| format!("$JS.API.STREAM.{what}.{lost}")));
        }
    }
    for (user, may) in rights {
        let quoted = |s: &String| format!("\"{s}\"");
        should.push(json!({
            "user": format!("\"{user}\""),
            "password": format!("$NATS_PASSWORD_{}", user.to_uppercase()),
            "publish": may.iter().map(quoted).collect::<Vec<_>>(),
            "subscribe": [format!("\"_INBOX_{user}.>\"")],
        }));
    }
    let is: Vec<Value> = docs.iter().map(|d| d.value.clone()).collect();
    let mut w = Wrong::default();
    w.same("files", &json!(is), &json!(should));
    w
}
