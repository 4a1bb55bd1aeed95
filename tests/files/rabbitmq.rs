//! RabbitMQ: exchanges, queues, bindings, policies and rights of a definitions file.

use std::collections::{BTreeMap, BTreeSet};

use msdesign::model::{Party, units::Time};
use serde_json::{Map, Value, json};

use super::{Doc, Model, Plan, Wrong, docs, made, only, survivors};

#[test]
fn each_changed_value_of_a_definition_is_noticed() {
    let (model, files) = made("broker = \"rabbitmq\"");
    let plan = Plan::new(&model);
    let (changed, found) = survivors(&docs(&files, "broker/"), |d| wrong(&model, &plan, d));
    only(&found, &[]);
    assert!(changed > 200, "{changed}");
}

fn wrong(model: &Model, plan: &Plan<'_>, docs: &[Doc]) -> Wrong {
    let mut w = Wrong::default();
    let should = definitions(model, plan);
    for (list, entries) in should.as_object().unwrap() {
        w.same(list, &docs[0].value[list], entries);
    }
    w
}

/// A regular expression for these names alone.
fn only_these(names: &BTreeSet<String>) -> String {
    let names: Vec<String> = names.iter().map(|n| n.replace('.', "\\.")).collect();
    match names.len() {
        0 => "^$".to_owned(),
        1 => format!("^{}$", names[0]),
        _ => format!("^({})$", names.join("|")),
    }
}

/// The file as it has to be.
struct Made {
    vhost: String,
    lists: BTreeMap<&'static str, Vec<Value>>,
}

impl Made {
    fn add(&mut self, list: &'static str, mut entry: Value) {
        if !matches!(list, "vhosts" | "users") {
            entry["vhost"] = json!(self.vhost);
        }
        self.lists.entry(list).or_default().push(entry);
    }

    fn exchange(&mut self, name: &str, kind: &str, arguments: Value) {
        let entry = json!({
            "name": name, "type": kind, "arguments": arguments,
            "durable": true, "auto_delete": false, "internal": false,
        });
        self.add("exchanges", entry);
    }

    /// A queue; what dies in it goes to `dead`: an exchange and, where it chooses, a key.
    fn queue(&mut self, name: &str, dead: Option<(&str, &str)>, more: Value) {
        let mut arguments = json!({ "x-queue-type": "quorum", "x-quorum-initial-group-size": 3 });
        let mut put = |key: &str, value: Value| arguments[key] = value;
        if let Some((exchange, key)) = dead {
            put("x-dead-letter-exchange", json!(exchange));
            put("x-dead-letter-strategy", json!("at-least-once"));
            put("x-overflow", json!("reject-publish"));
            if !key.is_empty() {
                put("x-dead-letter-routing-key", json!(key));
            }
        }
        for (key, value) in more.as_object().unwrap() {
            put(key, value.clone());
        }
        let entry =
            json!({ "name": name, "durable": true, "auto_delete": false, "arguments": arguments });
        self.add("queues", entry);
    }

    fn bind(&mut self, from: &str, key: &str, queue: &str, arguments: Value) {
        self.bind_to("queue", from, key, queue, arguments);
    }

    fn bind_to(&mut self, kind: &str, from: &str, key: &str, to: &str, arguments: Value) {
        let entry = json!({
            "source": from, "destination": to, "destination_type": kind, "routing_key": key,
            "arguments": arguments,
        });
        self.add("bindings", entry);
    }

    fn policy(&mut self, name: String, queues: BTreeSet<String>, definition: Value) {
        let entry = json!({
            "name": name, "pattern": only_these(&queues), "apply-to": "queues", "priority": 0,
            "definition": definition,
        });
        self.add("policies", entry);
    }
}

fn definitions(model: &Model, plan: &Plan<'_>) -> Value {
    let vhost = plan.choices.namespace.clone();
    let mut made = Made {
        vhost: vhost.clone(),
        lists: BTreeMap::new(),
    };
    made.add("vhosts", json!({ "name": vhost }));
    let mut rights: BTreeMap<&str, [BTreeSet<String>; 2]> = BTreeMap::new();
    for id in model.event_ids() {
        let (e, p) = (model.event(id), plan.event(id));
        made.exchange(&p.channel, "fanout", json!({}));
        for by in &e.publishers {
            let user = plan.service(by.service).slug.as_str();
            rights.entry(user).or_default()[0].insert(p.channel.clone());
        }
        let (mut queues, mut lost) = (BTreeSet::new(), BTreeSet::new());
        for g in &p.groups {
            let kind = model.broker(e.broker).kind;
            let read: Vec<String> = match g.lanes {
                0 => vec![g.queue.clone()],
                n => (0..n).map(|at| g.lane(kind, at)).collect(),
            };
            queues.extend(read.iter().cloned());
            lost.insert(g.dead_letter.clone());
            if let Party::Service(s) = g.consumer {
                let user = plan.service(s).slug.as_str();
                rights.entry(user).or_default()[1].extend(read.iter().cloned());
            }
            let mut told = json!({ "x-delivery-limit": p.limit.as_ref().unwrap().value });
            if p.ordered {
                told["x-single-active-consumer"] = json!(true);
            }
            if p.ack_timeout.value != Time::s(1800) {
                told["x-consumer-timeout"] = json!(p.ack_timeout.value.as_ms());
            }
            made.queue(&g.dead_letter, None, json!({}));
            if g.lanes > 0 {
                // Each key belongs to one queue, and each queue gets as many keys.
                let hash = format!("{}.hash", g.queue);
                made.exchange(&hash, "x-consistent-hash", json!({}));
                made.bind_to("exchange", &p.channel, "", &hash, json!({}));
                for queue in &read {
                    made.queue(queue, Some(("", &g.dead_letter)), told.clone());
                    made.bind(&hash, "1", queue, json!({}));
                }
                continue;
            }
            made.bind(&p.channel, "", &g.queue, json!({}));
            if g.retries.is_empty() {
                made.queue(&g.queue, Some(("", &g.dead_letter)), told);
                continue;
            }
            // Whatever dies is looked at; what died for good is a dead letter, the rest waits and comes back.
            let own = |what: &str| format!("{}.{what}", g.queue);
            made.queue(&g.queue, Some((&own("dead"), "")), told);
            made.exchange(
                &own("dead"),
                "headers",
                json!({ "alternate-exchange": own("retry") }),
            );
            made.exchange(
                &own("retry"),
                "direct",
                json!({ "alternate-exchange": own("first") }),
            );
            made.exchange(&own("first"), "fanout", json!({}));
            made.exchange(&own("return"), "fanout", json!({}));
            made.bind(&own("return"), "", &g.queue, json!({}));
            for reason in ["delivery_limit", "expired"] {
                let of = json!({
                    "x-match": "any-with-x", "x-first-death-reason": reason, "x-last-death-reason": reason,
                });
                made.bind(&own("dead"), "", &g.dead_letter, of);
            }
            for (n, wait) in g.retries.iter().enumerate() {
                let told = json!({ "x-message-ttl": wait.delay.as_ms() });
                made.queue(&wait.name, Some((&own("return"), &wait.name)), told);
                match n.checked_sub(1) {
                    None => made.bind(&own("first"), "", &wait.name, json!({})),
                    Some(before) => made.bind(
                        &own("retry"),
                        &g.retries[before].name,
                        &wait.name,
                        json!({}),
                    ),
                }
            }
            let last = &g.retries.last().unwrap().name;
            made.bind(&own("retry"), last, &g.dead_letter, json!({}));
        }
        made.policy(
            format!("{} kept", p.channel),
            queues,
            json!({ "message-ttl": p.kept.value.as_ms() }),
        );
        let told =
            json!({ "message-ttl": p.dead_letter_kept.value.as_ms(), "delivery-limit": 1_000_000 });
        made.policy(format!("{} dead letters kept", p.channel), lost, told);
    }
    for (user, [write, read]) in rights {
        let hash = "rabbit_password_hashing_sha256";
        made.add(
            "users",
            json!({ "name": user, "password_hash": "", "hashing_algorithm": hash, "tags": [] }),
        );
        let may = json!({ "user": user, "configure": "^$", "write": only_these(&write), "read": only_these(&read) });
        made.add("permissions", may);
    }
    let lists = made
        .lists
        .into_iter()
        .map(|(k, v)| (k.to_owned(), json!(v)));
    Value::Object(lists.collect::<Map<_, _>>())
}

/// What RabbitMQ from 3.13 to 4.3 takes, from its release notes 4.0.1 and 4.3.0: no mirroring by policies, no
/// queue that is neither durable nor exclusive, no `x-queue-mode`; a quorum queue gives a message up after 20
/// returns unless it is told a limit. The broker of the other tests is older.
#[test]
fn definitions_hold_on_newer_brokers() {
    let (_, files) = made("broker = \"rabbitmq\"");
    let file = &docs(&files, "broker/")[0].value;
    let list = |name: &str| file[name].as_array().unwrap().iter();
    // Arguments and settings that quorum queues know in all these series.
    let arguments = [
        "x-queue-type",
        "x-quorum-initial-group-size",
        "x-dead-letter-exchange",
        "x-dead-letter-routing-key",
        "x-dead-letter-strategy",
        "x-overflow",
        "x-delivery-limit",
        "x-single-active-consumer",
        "x-consumer-timeout",
        "x-message-ttl",
    ];
    let settings = ["message-ttl", "delivery-limit"];
    for queue in list("queues") {
        let name = queue["name"].as_str().unwrap();
        assert_eq!(
            (&queue["durable"], &queue["auto_delete"]),
            (&json!(true), &json!(false)),
            "{name}"
        );
        assert_eq!(queue["arguments"]["x-queue-type"], "quorum", "{name}");
        let told = queue["arguments"].as_object().unwrap();
        assert!(
            told.keys().all(|k| arguments.contains(&k.as_str())),
            "{name}: {told:?}"
        );
        let by_policy = list("policies").any(|p| {
            p["definition"]["delivery-limit"].is_u64()
                && p["pattern"]
                    .as_str()
                    .unwrap()
                    .contains(&name.replace('.', "\\."))
        });
        // Nobody takes a message out of a queue in which it waits, so none comes back there.
        let waits = told.contains_key("x-message-ttl");
        assert!(
            waits || by_policy || told.contains_key("x-delivery-limit"),
            "{name} drops after 20 returns"
        );
    }
    for policy in list("policies") {
        let told = policy["definition"].as_object().unwrap();
        assert!(
            told.keys().all(|k| settings.contains(&k.as_str())),
            "{told:?}"
        );
        assert_eq!(policy["apply-to"], "queues");
    }
    for exchange in list("exchanges") {
        assert_eq!(
            (&exchange["durable"], &exchange["internal"]),
            (&json!(true), &json!(false))
        );
    }
}
