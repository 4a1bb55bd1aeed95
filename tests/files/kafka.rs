//! Kafka: topics with their partitions and times, and what each user may do.

use std::collections::BTreeSet;

use msdesign::model::Party;
use serde_json::{Value, json};

use super::{Doc, Model, Plan, Wrong, docs, made, only, survivors};

#[test]
fn each_changed_value_of_a_topic_or_a_user_is_noticed() {
    let (model, files) = made("broker = \"kafka\"");
    let plan = Plan::new(&model);
    let (changed, found) = survivors(&docs(&files, "broker/"), |d| wrong(&model, &plan, d));
    only(&found, &[]);
    assert!(changed > 150, "{changed}");
}

/// What stands in the files, each as one text, against what the plan has.
fn wrong(model: &Model, plan: &Plan<'_>, docs: &[Doc]) -> Wrong {
    let mut w = Wrong::default();
    let (mut topics, mut rights) = (BTreeSet::new(), BTreeSet::new());
    for d in docs {
        let (v, meta, spec) = (&d.value, &d.value["metadata"], &d.value["spec"]);
        w.want("api", &v["apiVersion"], "kafka.strimzi.io/v1");
        w.want(
            "namespace",
            &meta["namespace"],
            plan.choices.namespace.as_str(),
        );
        w.want(
            "cluster",
            &meta["labels"],
            json!({ "strimzi.io/cluster": "kafka" }),
        );
        let name = meta["name"].as_str().unwrap_or_default();
        if v["kind"] == "KafkaTopic" {
            topics.insert(spec.to_string());
            let topic = spec["topicName"].as_str().unwrap_or_default();
            w.want("resource", &meta["name"], topic.replace('.', "-"));
            continue;
        }
        w.want("kind", &v["kind"], "KafkaUser");
        w.want(name, &spec["authentication"], json!({ "type": "tls" }));
        w.want(name, &spec["authorization"]["type"], "simple");
        for acl in spec["authorization"]["acls"]
            .as_array()
            .into_iter()
            .flatten()
        {
            rights.insert(format!("{name} {acl}"));
        }
    }
    let (mut want_topics, mut want_rights) = (BTreeSet::new(), BTreeSet::new());
    for id in model.event_ids() {
        let (e, p) = (model.event(id), plan.event(id));
        let partitions = p.partitions.as_ref().map_or(1, |n| n.value);
        let mut topic = |name: &str, keeps: u64| {
            let topic = json!({
                "topicName": name, "partitions": partitions, "replicas": 3,
                "config": { "min.insync.replicas": 2, "retention.ms": keeps },
            });
            want_topics.insert(topic.to_string());
        };
        let mut right = |user: &str, kind: &str, name: &str, what: &[&str]| {
            let resource = json!({ "type": kind, "name": name, "patternType": "literal" });
            let acl: Value = json!({ "resource": resource, "operations": what });
            want_rights.insert(format!("{user} {acl}"));
        };
        topic(&p.channel, p.kept.value.as_ms());
        for by in &e.publishers {
            right(
                &plan.service(by.service).slug,
                "topic",
                &p.channel,
                &["Describe", "Write"],
            );
        }
        for g in &p.groups {
            let Party::Service(s) = g.consumer else {
                continue;
            };
            let user = &plan.service(s).slug;
            right(user, "topic", &p.channel, &["Describe", "Read"]);
            right(user, "group", &g.group, &["Describe", "Read"]);
            topic(&g.dead_letter, p.dead_letter_kept.value.as_ms());
            right(
                user,
                "topic",
                &g.dead_letter,
                &["Describe", "Read", "Write"],
            );
            for wait in &g.retries {
                topic(&wait.name, p.kept.value.as_ms());
                right(user, "topic", &wait.name, &["Describe", "Read", "Write"]);
            }
        }
    }
    for (is, should, what) in [
        (topics, want_topics, "topics"),
        (rights, want_rights, "rights"),
    ] {
        let other: Vec<&String> = is.symmetric_difference(&should).collect();
        w.that(other.is_empty(), &format!("{what}: {other:#?}"));
    }
    w
}
