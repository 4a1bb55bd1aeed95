//! Kafka's resources are held against Strimzi's types, the stack of SNS and SQS against CloudFormation's.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::{Value, json};

use crate::Check;
use crate::chapter::{names, number, rows};
use crate::designs;
use crate::tool;

pub(crate) const STRIMZI: Check = Check {
    kind: "broker",
    tool: "types of Strimzi's API",
    version: || tool::npm_version("@kubernetes-models/strimzi-kafka-operator"),
    reads: |path| path.ends_with(".yaml"),
    run: |files| tool::typed(files, "strimzi-kafka-operator"),
    spoil: |text| text.replacen("partitions: ", "portions: ", 1),
};

pub(crate) const SCHEMAS: Check = Check {
    kind: "broker",
    tool: "schemas of Strimzi's API",
    version: || tool::npm_version("@kubernetes-models/strimzi-kafka-operator"),
    reads: |path| path.ends_with("-topics.yaml"),
    run: |files| {
        let mut list = Vec::new();
        for file in files {
            for value in documents(&file.text) {
                list.push(json!({ "at": file.design, "value": value }));
            }
        }
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("resources.json");
        std::fs::write(&path, json!(list).to_string()).unwrap();
        tool::node("strimzi.js", &[path]).map(|_| ())
    },
    // The types say that it is a number, the schema that it is at least one.
    spoil: |text| text.replacen("replicas: 3", "replicas: 0", 1),
};

fn documents(yaml: &str) -> Vec<Value> {
    serde_yaml_ng::Deserializer::from_str(yaml)
        .map(|d| serde::Deserialize::deserialize(d).unwrap())
        .collect()
}

/// Every channel that the chapter names is a topic, and every service may do what it says there and no more.
#[test]
fn topics_and_rights_are_those_of_the_chapter() {
    let designs = designs::over_brokers();
    let designs: Vec<_> = designs.iter().filter(|d| d.broker == "kafka").collect();
    assert!(designs::foreign() || designs.len() == 4);
    for design in designs {
        let name = &design.files[0].design;
        let file = design
            .files
            .iter()
            .find(|f| f.path.ends_with("-topics.yaml"));
        let (mut topics, mut rights) = (BTreeSet::new(), BTreeSet::new());
        let mut resources = BTreeSet::new();
        for d in documents(&file.unwrap().text) {
            let resource = format!("{} {}", d["kind"], d["metadata"]["name"]);
            assert!(
                resources.insert(resource.clone()),
                "{name}: {resource} twice"
            );
            if d["kind"] == "KafkaTopic" {
                topics.insert(d["spec"]["topicName"].as_str().unwrap().to_owned());
                continue;
            }
            let user = d["metadata"]["name"].as_str().unwrap();
            for acl in d["spec"]["authorization"]["acls"].as_array().unwrap() {
                assert_eq!(acl["resource"]["patternType"], "literal");
                for operation in acl["operations"].as_array().unwrap() {
                    let right = [
                        user,
                        operation.as_str().unwrap(),
                        acl["resource"]["type"].as_str().unwrap(),
                        acl["resource"]["name"].as_str().unwrap(),
                    ];
                    rights.insert(right.join(" "));
                }
            }
        }
        let (mut wanted, mut allowed) = (BTreeSet::new(), BTreeSet::new());
        let mut allow = |user: &str, operations: &[&str], kind: &str, name: &str| {
            for operation in operations {
                allowed.insert(format!("{user} {operation} {kind} {name}"));
            }
        };
        let events = rows(&design.chapter, ["Event", "Channel", "May publish"]);
        for [_, channel, publishers] in &events {
            let channel = &names(channel)[0];
            wanted.insert(channel.clone());
            for publisher in names(publishers) {
                allow(&slug(&publisher), &["Describe", "Write"], "topic", channel);
            }
        }
        for [reader, channel, group] in
            &rows(&design.chapter, ["Reader", "Channel", "Consumer group"])
        {
            let user = slug(&names(reader)[0]);
            allow(&user, &["Describe", "Read"], "topic", &names(channel)[0]);
            allow(&user, &["Describe", "Read"], "group", &names(group)[0]);
        }
        let mut ends = rows(
            &design.chapter,
            ["Reader", "Deliveries", "Waits in", "Lands in"],
        );
        if ends.is_empty() {
            // Where the order of all events counts, none waits elsewhere.
            let columns = ["Reader", "Deliveries", "Waits between", "Lands in"];
            ends = rows(&design.chapter, columns);
            ends.iter_mut().for_each(|row| row[2].clear());
        }
        for [reader, deliveries, waits, lands] in &ends {
            let user = slug(&names(reader)[0]);
            let mut own = names(lands);
            if let Some(first) = names(waits).first() {
                let stem = first.strip_suffix('1').unwrap();
                own.extend((1..number(deliveries)).map(|n| format!("{stem}{n}")));
            }
            for name in own {
                allow(&user, &["Describe", "Read", "Write"], "topic", &name);
                wanted.insert(name);
            }
        }
        assert!(!ends.is_empty(), "{name}");
        assert_eq!(topics, wanted, "{name}");
        assert_eq!(rights, allowed, "{name}");
    }
}

/// A service's name as its user is called.
fn slug(name: &str) -> String {
    msdesign::plan::slug(name)
}

pub(crate) const CLOUDFORMATION: Check = Check {
    kind: "broker",
    tool: "cfn-lint",
    version: || tool::version(Command::new("cfn-lint").arg("--version")),
    reads: |path| path.ends_with(".template.json"),
    run: |files| {
        tool::on_all(files, |paths| {
            tool::run(Command::new("cfn-lint").arg("--").args(paths))
        })
    },
    spoil: |text| text.replacen("maxReceiveCount", "mostReceiveCount", 1),
};
