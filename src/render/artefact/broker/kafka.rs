//! Kafka: topics and access as Strimzi's operators read them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{Cx, File, documents};
use crate::model::units::{Bytes, Time};
use crate::model::{EventId, Party};
use crate::plan::slug;

/// Strimzi's API, and the cluster that the topics belong to; the cluster is to be replaced.
const STRIMZI: &str = "kafka.strimzi.io/v1";
const CLUSTER: &str = "kafka";

/// The files of the broker `name` that carries `events`.
pub(super) fn files(cx: &Cx<'_>, name: &str, events: &[EventId]) -> Vec<File> {
    vec![File {
        path: format!("broker/{name}-topics.yaml"),
        fence: "yaml",
        text: documents(&resources(cx, events)),
        checked_by: Some("the schemas of Strimzi's API"),
        notes: vec![format!(
            "`{CLUSTER}` is the name of the cluster: replace it."
        )],
    }]
}

/// A topic an event, for each group one a wait and one for its dead letters, and for every service what it
/// may do.
fn resources(cx: &Cx<'_>, events: &[EventId]) -> Vec<Value> {
    let model = cx.plan.model;
    let mut topics = Topics::default();
    let mut access: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for &id in events {
        let p = cx.plan.event(id);
        let partitions = p.partitions.as_ref().map_or(1, |n| n.value);
        let limit = p.stored.partition_limit.as_ref().map(|l| l.value);
        topics.add(cx, &p.channel, partitions, p.kept.value, limit);
        for publisher in &model.event(id).publishers {
            let user = cx.plan.service(publisher.service).slug.clone();
            let acl = acl("topic", &p.channel, &["Describe", "Write"]);
            access.entry(user).or_default().push(acl);
        }
        for group in &p.groups {
            for wait in &group.retries {
                topics.add(cx, &wait.name, partitions, p.kept.value, None);
            }
            let (lost, keeps) = (&group.dead_letter, p.dead_letter_kept.value);
            topics.add(cx, lost, partitions, keeps, None);
            let Party::Service(reader) = group.consumer else {
                continue;
            };
            let user = cx.plan.service(reader).slug.clone();
            let own = access.entry(user).or_default();
            own.push(acl("topic", &p.channel, &["Describe", "Read"]));
            own.push(acl("group", &group.group, &["Describe", "Read"]));
            // What it gives up it also reads again, once the cause is mended.
            let moved = group.retries.iter().map(|w| &w.name);
            own.extend(
                moved
                    .chain([&group.dead_letter])
                    .map(|name| acl("topic", name, &["Describe", "Read", "Write"])),
            );
        }
    }
    let mut out = topics.list;
    out.extend(access.into_iter().map(|(user, acls)| {
        let mut seen = BTreeSet::new();
        let acls: Vec<Value> = acls
            .into_iter()
            .filter(|a| seen.insert(a.to_string()))
            .collect();
        json!({
            "apiVersion": STRIMZI,
            "kind": "KafkaUser",
            "metadata": meta(cx, &user),
            "spec": {
                "authentication": { "type": "tls" },
                "authorization": { "type": "simple", "acls": acls },
            },
        })
    }));
    out
}

/// Topics, each a resource whose name nobody else has.
#[derive(Default)]
struct Topics {
    list: Vec<Value>,
    taken: BTreeSet<String>,
}

impl Topics {
    /// Three copies of which two must be written: the choice that the chapter gives for Kafka.
    fn add(&mut self, cx: &Cx<'_>, name: &str, partitions: u64, keeps: Time, limit: Option<Bytes>) {
        let wanted = slug(name);
        let mut resource = wanted.clone();
        let mut n = 2;
        while !self.taken.insert(resource.clone()) {
            resource = format!("{wanted}-{n}");
            n += 1;
        }
        let mut config = json!({
            "min.insync.replicas": 2,
            "retention.ms": keeps.as_ms(),
        });
        if let Some(limit) = limit {
            config["retention.bytes"] = json!(limit.0);
        }
        self.list.push(json!({
            "apiVersion": STRIMZI,
            "kind": "KafkaTopic",
            "metadata": meta(cx, &resource),
            "spec": {
                "topicName": name,
                "partitions": partitions,
                "replicas": 3,
                "config": config,
            },
        }));
    }
}

fn meta(cx: &Cx<'_>, name: &str) -> Value {
    json!({
        "name": name,
        "namespace": cx.plan.choices.namespace,
        "labels": { "strimzi.io/cluster": CLUSTER },
    })
}

fn acl(kind: &str, name: &str, operations: &[&str]) -> Value {
    json!({
        "resource": { "type": kind, "name": name, "patternType": "literal" },
        "operations": operations,
    })
}
