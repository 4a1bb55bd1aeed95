//! NATS: streams and consumers as JetStream's API and `nats … --config` read them, and who may do what as the
//! server's configuration says it.
//!
//! JetStream has no dead letters of its own. When it gives a message up it publishes where the message stands in
//! its stream; a stream for each reader keeps those advisories, and the event's stream keeps the message.
//!
//! Where order counts and one message at a time is too slow, the stream puts the partition of a message's key into its
//! subject, and each reader has a consumer for each partition with one message in hand.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{Cx, File};
use crate::catalog::Broker;
use crate::model::units::Time;
use crate::model::{EventId, Party};
use crate::plan::{EventPlan, GroupPlan};

/// Seconds within which JetStream drops a message whose `Nats-Msg-Id` it has seen: its own default.
const DUPLICATES_S: u64 = 120;

/// What the server says of a message that it delivers no more, and of one that a reader ended.
const GIVEN_UP: [&str; 2] = ["MAX_DELIVERIES", "MSG_TERMINATED"];

/// The files of the broker `name` that carries `events`.
pub(super) fn files(cx: &Cx<'_>, name: &str, events: &[EventId]) -> Vec<File> {
    let mut out = Vec::new();
    let mut stream = |name: &str, stream: &str, value: &Value| {
        out.push(file(
            format!("broker/{name}/streams/{stream}.json"),
            value,
            format!("`nats stream add --config` reads it; one for `{stream}`."),
        ));
    };
    let mut consumers = Vec::new();
    for &id in events {
        let (p, broker) = (cx.plan.event(id), kind(cx, id));
        let mut own = stream_of(&p.store, vec![published(p)], p.kept.value);
        if p.lanes > 0 {
            own["subject_transform"] = json!({
                "src": published(p),
                "dest": format!("{}.{{{{partition({},1)}}}}.{{{{wildcard(1)}}}}", p.channel, p.lanes),
            });
        }
        stream(name, &p.store, &own);
        for group in &p.groups {
            let durables = durables(broker, group);
            let each = |what| durables.iter().map(move |d| advisory(what, p, d));
            let subjects = GIVEN_UP.into_iter().flat_map(each).collect();
            let kept = p.dead_letter_kept.value;
            let lost = group.dead_letter.as_str();
            stream(name, lost, &stream_of(lost, subjects, kept));
            for (partition, durable) in durables.iter().enumerate() {
                consumers.push(file(
                    format!("broker/{name}/consumers/{}.{durable}.json", p.store),
                    &consumer(p, durable, partition),
                    format!("`nats consumer add {} --config` reads it.", p.store),
                ));
            }
        }
    }
    out.extend(consumers);
    out.push(File {
        path: format!("broker/{name}/permissions.conf"),
        fence: "nginx",
        text: permissions(cx, events),
        checked_by: Some("nats-server"),
        notes: vec![
            "`include` in the configuration of the servers; each password comes from the environment.".to_owned(),
            "Each user's clients set their inbox prefix to `_INBOX_<user>`, so that nobody hears what others are answered.".to_owned(),
        ],
    });
    out
}

fn file(path: String, value: &Value, note: String) -> File {
    File {
        path,
        fence: "json",
        text: super::pretty(value),
        checked_by: Some("nats-server"),
        notes: vec![note],
    }
}

fn kind(cx: &Cx<'_>, id: EventId) -> &'static Broker {
    let model = cx.plan.model;
    model.broker(model.event(id).broker).kind
}

/// Where its publishers send it: a message's key is the last part of its subject where it decides the partition.
fn published(p: &EventPlan) -> String {
    match p.partitions {
        Some(_) => format!("{}.*", p.channel),
        None => p.channel.clone(),
    }
}

/// The consumers of a reader: one, or one a partition.
fn durables(broker: &Broker, group: &GroupPlan) -> Vec<String> {
    match group.lanes {
        0 => vec![group.group.clone()],
        n => (0..n).map(|at| group.lane(broker, at)).collect(),
    }
}

fn advisory(what: &str, p: &EventPlan, durable: &str) -> String {
    format!("$JS.EVENT.ADVISORY.CONSUMER.{what}.{}.{durable}", p.store)
}

/// A time as JetStream counts it.
fn nanoseconds(t: Time) -> u64 {
    t.as_ms().saturating_mul(1_000_000)
}

fn stream_of(name: &str, subjects: Vec<String>, kept: Time) -> Value {
    json!({
        "name": name,
        "subjects": subjects,
        "retention": "limits",
        "storage": "file",
        "num_replicas": 3,
        "discard": "old",
        "max_age": nanoseconds(kept),
        "max_msgs": -1,
        "max_bytes": -1,
        "max_msg_size": -1,
        "max_consumers": -1,
        "duplicate_window": nanoseconds(Time::s(DUPLICATES_S).min(kept)),
    })
}

fn consumer(p: &EventPlan, durable: &str, partition: usize) -> Value {
    let filter = match p.partitions {
        Some(_) => format!("{}.{partition}.*", p.channel),
        None => p.channel.clone(),
    };
    let mut out = json!({
        "durable_name": durable,
        "deliver_policy": "all",
        "ack_policy": "explicit",
        "replay_policy": "instant",
        "filter_subject": filter,
        "ack_wait": nanoseconds(p.ack_timeout.value),
    });
    if let Some(limit) = &p.limit {
        out["max_deliver"] = json!(limit.value);
    }
    if p.ordered {
        out["max_ack_pending"] = json!(1);
    }
    out
}

/// What a user may publish to and subscribe to.
#[derive(Default)]
struct Rights {
    publish: BTreeSet<String>,
    subscribe: BTreeSet<String>,
}

fn permissions(cx: &Cx<'_>, events: &[EventId]) -> String {
    let model = cx.plan.model;
    let mut users: BTreeMap<String, Rights> = BTreeMap::new();
    for &id in events {
        let p = cx.plan.event(id);
        for publisher in &model.event(id).publishers {
            let user = cx.plan.service(publisher.service).slug.clone();
            users.entry(user).or_default().publish.insert(published(p));
        }
        for group in &p.groups {
            let Party::Service(_) = group.consumer else {
                continue;
            };
            let (stream, lost) = (&p.store, &group.dead_letter);
            let rights = users.entry(group.group.clone()).or_default();
            for durable in durables(kind(cx, id), group) {
                rights.publish.extend([
                    format!("$JS.API.CONSUMER.INFO.{stream}.{durable}"),
                    format!("$JS.API.CONSUMER.MSG.NEXT.{stream}.{durable}"),
                    format!("$JS.ACK.{stream}.{durable}.>"),
                ]);
            }
            rights.publish.extend([
                // Its dead letters: the advisories one by one, and the message at which each points.
                format!("$JS.API.STREAM.INFO.{lost}"),
                format!("$JS.API.STREAM.MSG.GET.{lost}"),
                format!("$JS.API.STREAM.MSG.DELETE.{lost}"),
                format!("$JS.API.STREAM.MSG.GET.{stream}"),
            ]);
        }
    }
    for (user, rights) in &mut users {
        rights.subscribe.insert(format!("_INBOX_{user}.>"));
    }
    let mut out = "authorization {\n  users = [\n".to_owned();
    for (user, rights) in &users {
        let list = |of: &BTreeSet<String>| {
            let of: Vec<String> = of.iter().map(|s| format!("          \"{s}\"")).collect();
            of.join("\n")
        };
        let _ = write!(
            out,
            "    {{\n      user: \"{user}\"\n      password: $NATS_PASSWORD_{}\n      permissions {{\n        publish: [\n{}\n        ]\n        subscribe: [\n{}\n        ]\n      }}\n    }}\n",
            user.replace('-', "_").to_uppercase(),
            list(&rights.publish),
            list(&rights.subscribe),
        );
    }
    out.push_str("  ]\n}\n");
    out
}
