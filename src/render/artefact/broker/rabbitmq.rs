//! RabbitMQ: a definitions file. The broker alone counts, waits and gives up; a reader only accepts or
//! rejects.
//!
//! What dies in a reader's queue goes to `….dead`. There, what was returned too often or was not read in time
//! leaves for the dead letters. The rest goes on to `….retry`, which knows by the routing key how many waits
//! a message has had: the queue of each wait sets the key when the message leaves it through `….return`. A key
//! that `….retry` does not know is the publisher's own, so it was the first delivery (`….first`).
//!
//! Where order counts and one message at a time is too slow, a reader has a queue a partition. `….hash` of the plugin
//! `rabbitmq_consistent_hash_exchange` gives each routing key, which is the message's key, to one of them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{Cx, File};
use crate::catalog::Broker;
use crate::model::units::Time;
use crate::model::{EventId, Party};
use crate::plan::{EventPlan, GroupPlan};

/// From RabbitMQ 4 on, a queue drops what is returned to it 20 times, as a look at a dead letter does.
const LOOKS: u32 = 1_000_000;

/// The files of the broker `name` that carries `events`.
pub(super) fn files(cx: &Cx<'_>, name: &str, events: &[EventId]) -> Vec<File> {
    let mut notes = vec![
        "`rabbitmqctl import_definitions` or `load_definitions` of `rabbitmq.conf` reads it."
            .to_owned(),
        "Its users have no passwords and cannot log in until `rabbitmqctl change_password` or a \
         certificate gives them one."
            .to_owned(),
    ];
    let groups = || events.iter().flat_map(|id| &cx.plan.event(*id).groups);
    if groups().any(|g| g.lanes > 0) {
        notes.push(
            "`rabbitmq-plugins enable rabbitmq_consistent_hash_exchange` on every node first: the plugin comes with \
             RabbitMQ, and without it the import stops at the exchanges of its type."
                .to_owned(),
        );
    }
    if groups().any(|g| !g.retries.is_empty()) {
        notes.push(
            "Of a queue with waits, `….dead` takes what died in it, `….retry` knows by the routing key \
             which wait is next, `….first` takes what had none yet, and `….return` leads back to the queue."
                .to_owned(),
        );
    }
    vec![File {
        path: format!("broker/{name}-definitions.json"),
        fence: "json",
        text: lines(&definitions(cx, events)),
        checked_by: Some("RabbitMQ"),
        notes,
    }]
}

/// What stands in the file, all in one virtual host.
#[derive(Default)]
struct Definitions {
    vhost: String,
    exchanges: Vec<Value>,
    queues: Vec<Value>,
    bindings: Vec<Value>,
    policies: Vec<Value>,
    /// What each user may write to and read from.
    rights: BTreeMap<String, (BTreeSet<String>, BTreeSet<String>)>,
}

fn definitions(cx: &Cx<'_>, events: &[EventId]) -> Value {
    let model = cx.plan.model;
    let mut d = Definitions {
        vhost: cx.plan.choices.namespace.clone(),
        ..Definitions::default()
    };
    for &id in events {
        let (e, p) = (model.event(id), cx.plan.event(id));
        let kind = model.broker(e.broker).kind;
        d.exchange(&p.channel, "fanout", None);
        for publisher in &e.publishers {
            let user = cx.plan.service(publisher.service).slug.clone();
            d.rights
                .entry(user)
                .or_default()
                .0
                .insert(p.channel.clone());
        }
        for group in &p.groups {
            d.reader(p, group, kind);
            if let Party::Service(_) = group.consumer {
                let rights = d.rights.entry(group.group.clone()).or_default();
                rights.1.extend(queues(kind, group));
            }
        }
        let all: Vec<String> = p.groups.iter().flat_map(|g| queues(kind, g)).collect();
        let queues = all.iter();
        d.policy(
            &format!("{} kept", p.channel),
            queues,
            json!({ "message-ttl": p.kept.value.as_ms() }),
        );
        let dead = p.groups.iter().map(|g| &g.dead_letter);
        d.policy(
            &format!("{} dead letters kept", p.channel),
            dead,
            json!({ "message-ttl": p.dead_letter_kept.value.as_ms(), "delivery-limit": LOOKS }),
        );
    }
    d.file()
}

impl Definitions {
    fn exchange(&mut self, name: &str, kind: &str, unrouted: Option<&str>) {
        let mut arguments = json!({});
        if let Some(next) = unrouted {
            arguments["alternate-exchange"] = json!(next);
        }
        self.exchanges.push(json!({
            "name": name,
            "vhost": self.vhost,
            "type": kind,
            "durable": true,
            "auto_delete": false,
            "internal": false,
            "arguments": arguments,
        }));
    }

    /// A quorum queue; what dies in it goes to the exchange `dead` and is not forgotten before it has arrived
    /// there.
    fn queue(&mut self, name: &str, dead: Option<(&str, Option<&str>)>, more: &Value) {
        let mut arguments = json!({
            "x-queue-type": "quorum",
            "x-quorum-initial-group-size": 3,
        });
        if let Some((exchange, key)) = dead {
            arguments["x-dead-letter-exchange"] = json!(exchange);
            if let Some(key) = key {
                arguments["x-dead-letter-routing-key"] = json!(key);
            }
            arguments["x-dead-letter-strategy"] = json!("at-least-once");
            // What the strategy demands; no length is limited.
            arguments["x-overflow"] = json!("reject-publish");
        }
        for (key, value) in more.as_object().into_iter().flatten() {
            arguments[key] = value.clone();
        }
        self.queues.push(json!({
            "name": name,
            "vhost": self.vhost,
            "durable": true,
            "auto_delete": false,
            "arguments": arguments,
        }));
    }

    fn bind(&mut self, from: &str, key: &str, queue: &str, arguments: &Value) {
        self.bind_to("queue", from, key, queue, arguments);
    }

    fn bind_to(&mut self, kind: &str, from: &str, key: &str, to: &str, arguments: &Value) {
        self.bindings.push(json!({
            "source": from,
            "vhost": self.vhost,
            "destination": to,
            "destination_type": kind,
            "routing_key": key,
            "arguments": arguments,
        }));
    }

    /// Tells the queues of these names something that may change while they exist.
    fn policy<'a>(
        &mut self,
        name: &str,
        queues: impl Iterator<Item = &'a String>,
        definition: Value,
    ) {
        let names: BTreeSet<String> = queues.cloned().collect();
        if names.is_empty() {
            return;
        }
        self.policies.push(json!({
            "name": name,
            "vhost": self.vhost,
            "pattern": one_of(&names),
            "apply-to": "queues",
            "priority": 0,
            "definition": definition,
        }));
    }

    /// A reader's queue, or one a partition, those in which its messages wait, and that of its dead letters.
    fn reader(&mut self, p: &EventPlan, group: &GroupPlan, kind: &Broker) {
        let (queue, lost) = (group.queue.as_str(), group.dead_letter.as_str());
        let none = json!({});
        let mut told = json!({ "x-delivery-limit": p.limit.as_ref().map_or(0, |l| l.value) });
        if p.ordered {
            told["x-single-active-consumer"] = json!(true);
        }
        // How long the broker lets a reader hold a message if it is told nothing.
        if p.ack_timeout.value != Time::s(kind.ack_s) {
            // Read from RabbitMQ 3.12 on; before, it is a setting of the whole broker.
            told["x-consumer-timeout"] = json!(p.ack_timeout.value.as_ms());
        }
        self.queue(lost, None, &none);
        if group.lanes > 0 {
            let hash = format!("{queue}.hash");
            self.exchange(&hash, "x-consistent-hash", None);
            self.bind_to("exchange", &p.channel, "", &hash, &none);
            for lane in queues(kind, group) {
                self.queue(&lane, Some(("", Some(lost))), &told);
                // The weight of a queue among the others: each gets as many keys.
                self.bind(&hash, "1", &lane, &none);
            }
            return;
        }
        if group.retries.is_empty() {
            self.queue(queue, Some(("", Some(lost))), &told);
            self.bind(&p.channel, "", queue, &none);
            return;
        }
        let own = |what: &str| format!("{queue}.{what}");
        let (dead, retry, first, back) = (own("dead"), own("retry"), own("first"), own("return"));
        self.exchange(&first, "fanout", None);
        self.exchange(&retry, "direct", Some(&first));
        self.exchange(&dead, "headers", Some(&retry));
        self.exchange(&back, "fanout", None);
        self.queue(queue, Some((&dead, None)), &told);
        self.bind(&p.channel, "", queue, &none);
        self.bind(&back, "", queue, &none);
        // Before 3.13 only the reason of the first death stands in a header of its own.
        for reason in ["delivery_limit", "expired"] {
            let arguments = json!({
                "x-match": "any-with-x",
                "x-first-death-reason": reason,
                "x-last-death-reason": reason,
            });
            self.bind(&dead, "", lost, &arguments);
        }
        // The key under which a message comes back is the name of the queue in which it waited.
        let (mut from, mut key) = (first.as_str(), "");
        for wait in &group.retries {
            let told = json!({ "x-message-ttl": wait.delay.as_ms() });
            self.queue(&wait.name, Some((&back, Some(&wait.name))), &told);
            self.bind(from, key, &wait.name, &none);
            (from, key) = (&retry, &wait.name);
        }
        self.bind(from, key, lost, &none);
    }

    fn file(self) -> Value {
        let users: Vec<Value> = self
            .rights
            .keys()
            .map(|name| {
                json!({
                    "name": name,
                    "password_hash": "",
                    "hashing_algorithm": "rabbit_password_hashing_sha256",
                    "tags": [],
                })
            })
            .collect();
        let permissions: Vec<Value> = self
            .rights
            .iter()
            .map(|(user, (write, read))| {
                json!({
                    "user": user,
                    "vhost": self.vhost,
                    "configure": "^$",
                    "write": one_of(write),
                    "read": one_of(read),
                })
            })
            .collect();
        json!({
            "vhosts": [{ "name": self.vhost }],
            "users": users,
            "permissions": permissions,
            "policies": self.policies,
            "exchanges": self.exchanges,
            "queues": self.queues,
            "bindings": self.bindings,
        })
    }
}

/// The queues that a reader reads: its own, or one a partition.
fn queues(broker: &Broker, group: &GroupPlan) -> Vec<String> {
    match group.lanes {
        0 => vec![group.queue.clone()],
        n => (0..n).map(|at| group.lane(broker, at)).collect(),
    }
}

/// The file with a line for each thing it defines.
fn lines(definitions: &Value) -> String {
    let lists = definitions.as_object().into_iter().flatten();
    let lists: Vec<String> = lists
        .map(|(key, list)| {
            let entries = list.as_array().into_iter().flatten();
            let entries: Vec<String> = entries.map(|e| format!("    {e}")).collect();
            if entries.is_empty() {
                return format!("  \"{key}\": []");
            }
            format!("  \"{key}\": [\n{}\n  ]", entries.join(",\n"))
        })
        .collect();
    format!("{{\n{}\n}}\n", lists.join(",\n"))
}

/// A regular expression that matches these names and nothing else.
fn one_of(names: &BTreeSet<String>) -> String {
    let names: Vec<String> = names.iter().map(|n| n.replace('.', "\\.")).collect();
    match names.as_slice() {
        [] => "^$".to_owned(),
        [one] => format!("^{one}$"),
        _ => format!("^({})$", names.join("|")),
    }
}
