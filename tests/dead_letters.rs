//! Chapter, alerts, runbooks, AsyncAPI and the broker's own files say the same of what happens to a message that
//! nobody could handle, over every broker.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "artefacts/chapter.rs"]
mod chapter;

use chapter::{names, number, rows};
use msdesign::diag::{SourceFile, Sources};
use msdesign::{Artefact, Chapter, NoFiles, Options, compile};
use serde_json::Value;

const SHOP: &str = include_str!("artefacts/sock-shop.toml");

fn over(broker: &str) -> Chapter {
    let mut spec: toml_edit::DocumentMut = SHOP.parse().unwrap();
    spec["platform"]["broker"] = toml_edit::value(broker);
    let mut sources = Sources::default();
    let id = sources.add(SourceFile::whole("shop", spec.to_string()));
    let options = Options {
        artefacts: true,
        ..Options::default()
    };
    compile(&mut sources, id, &mut NoFiles, &options)
        .chapter
        .unwrap()
}

/// Seconds of `14 d` and `90 min`.
fn seconds(cell: &str) -> u64 {
    let (n, rest) = cell.split_once(' ').unwrap();
    let unit = match rest.split(' ').next().unwrap() {
        "s" => 1,
        "min" => 60,
        "h" => 3600,
        "d" => 86_400,
        other => panic!("{other}"),
    };
    n.parse::<u64>().unwrap() * unit
}

fn json(a: &Artefact) -> Value {
    serde_json::from_str(&a.text).unwrap()
}

/// How long the broker is told to keep what lands in `name`, in seconds; `None` where its file cannot say.
fn kept(broker: &str, files: &[Artefact], name: &str) -> Option<u64> {
    let mut files = files.iter().filter(|f| f.kind == "broker");
    match broker {
        "kafka" => files
            .flat_map(|f| serde_yaml_ng::Deserializer::from_str(&f.text))
            .map(|d| <Value as serde::Deserialize>::deserialize(d).unwrap())
            .find(|d| d["spec"]["topicName"] == name)
            .and_then(|d| d["spec"]["config"]["retention.ms"].as_u64())
            .map(|ms| ms / 1000),
        "rabbitmq" => {
            let file = json(files.next().unwrap());
            let escaped = name.replace('.', "\\.");
            let mut policies = file["policies"].as_array().unwrap().iter();
            let of = |p: &&Value| p["pattern"].as_str().unwrap().contains(&escaped);
            policies
                .find(of)
                .and_then(|p| p["definition"]["message-ttl"].as_u64())
                .map(|ms| ms / 1000)
        }
        "nats" => files
            .filter(|f| f.path.contains("/streams/"))
            .map(json)
            .find(|s| s["name"] == name)
            .and_then(|s| s["max_age"].as_u64())
            .map(|ns| ns / 1_000_000_000),
        "sns-sqs" | "eventbridge" => {
            let file = json(files.next().unwrap());
            let mut resources = file["Resources"].as_object().unwrap().values();
            resources
                .find(|r| r["Properties"]["QueueName"] == name)
                .and_then(|r| r["Properties"]["MessageRetentionPeriod"].as_u64())
        }
        "pubsub" => {
            let told = subscription(files.next().unwrap(), name)?;
            let keeps = value(&told, "message_retention_duration")?;
            keeps.trim_end_matches('s').parse().ok()
        }
        // What is dead in a subscription of Azure's stays until somebody takes it.
        _ => None,
    }
}

/// The subscription of Pub/Sub with this name, as it stands in Terraform's file.
fn subscription(file: &Artefact, name: &str) -> Option<String> {
    let mut blocks = file.text.split("\nresource ");
    let of = |b: &&str| {
        b.starts_with("\"google_pubsub_subscription\" ")
            && value(b, "name").as_deref() == Some(name)
    };
    blocks.find(of).map(str::to_owned)
}

/// The text behind the first `key =`.
fn value(block: &str, key: &str) -> Option<String> {
    let mut lines = block.lines().filter_map(|l| l.split_once('='));
    let (_, told) = lines.find(|(k, _)| k.trim() == key)?;
    Some(told.trim().trim_matches('"').to_owned())
}

/// The waits in seconds that the broker itself is told for a reader; `None` where it is the reader that waits.
fn waits(broker: &str, files: &[Artefact], queue: &str) -> Option<Vec<u64>> {
    let mut files = files.iter().filter(|f| f.kind == "broker");
    match broker {
        "rabbitmq" => {
            let file = json(files.next().unwrap());
            let begin = format!("{queue}.retry-");
            let mut found: Vec<(String, u64)> = file["queues"]
                .as_array()
                .unwrap()
                .iter()
                .filter(|q| q["name"].as_str().unwrap().starts_with(&begin))
                .map(|q| {
                    let wait = q["arguments"]["x-message-ttl"].as_u64().unwrap();
                    (q["name"].as_str().unwrap().to_owned(), wait / 1000)
                })
                .collect();
            found.sort();
            Some(found.into_iter().map(|(_, wait)| wait).collect())
        }
        "pubsub" => {
            let told = subscription(files.next().unwrap(), queue)?;
            let bound = |key: &str| value(&told, key)?.trim_end_matches('s').parse().ok();
            Some(vec![bound("minimum_backoff")?, bound("maximum_backoff")?])
        }
        _ => None,
    }
}

#[test]
fn everything_says_the_same_of_dead_letters() {
    let mut waited = 0;
    for broker in [
        "kafka",
        "rabbitmq",
        "nats",
        "sns-sqs",
        "eventbridge",
        "pubsub",
        "service-bus",
    ] {
        let done = over(broker);
        let (text, files) = (done.markdown(), &done.artefacts);
        let of = |kind: &'static str| files.iter().filter(move |f| f.kind == kind);
        let events = rows(&text, ["Event", "Channel", "May publish"]);
        let ends = rows(
            &text,
            [
                "Event",
                "Reader",
                "Deliveries",
                "Waits between",
                "Lands in",
                "Kept for",
            ],
        );
        assert_eq!(ends.len(), 5, "{broker}");
        for [event, reader, deliveries, between, lands, keeps] in &ends {
            let [event, reader, lands] = [event, reader, lands].map(|c| names(c)[0].clone());
            let at = format!("{broker}: {event} at {reader}");
            let [_, channel, _] = events.iter().find(|[e, ..]| names(e)[0] == event).unwrap();
            let channel = &names(channel)[0];
            // Azure counts the dead letters of a topic's subscriptions together.
            let counted = if broker == "service-bus" {
                channel
            } else {
                &lands
            };
            let quoted = format!("=\"{counted}\"");
            let watched =
                |f: &Artefact| f.path.ends_with(".rules.yaml") && f.text.contains(&quoted);
            assert!(of("prometheus").any(watched), "{at}: no alert on {counted}");
            let kept_for = keeps.split(" (").next().unwrap();
            let told = format!(
                "read the message in {lands}, mend the cause, and hand it to {reader} again"
            );
            let runbook =
                of("runbooks").find(|f| f.text.to_lowercase().contains(&told.to_lowercase()));
            let runbook = runbook.unwrap_or_else(|| panic!("{at}: no runbook says: {told}"));
            assert!(
                runbook.text.contains(&format!("within {kept_for}")),
                "{at}: {keeps}"
            );
            let document = of("asyncapi").find(|f| f.path == format!("asyncapi/{reader}.yaml"));
            let document: Value = serde_yaml_ng::from_str(&document.unwrap().text).unwrap();
            let operations = document["operations"].as_object().unwrap().values();
            let received: Vec<&Value> = operations
                .filter(|o| o["x-dead-letter"] == lands.as_str())
                .collect();
            assert_eq!(received.len(), 1, "{at}: {lands}");
            assert_eq!(received[0]["x-attempts"], number(deliveries), "{at}");
            if let Some(told) = kept(broker, files, &lands) {
                assert_eq!(told, seconds(kept_for), "{at}: {keeps}");
            } else {
                assert_eq!(broker, "service-bus", "{at}: {lands} is kept for no time");
            }
            // What the broker waits between deliveries, within what it can.
            let queue = lands
                .trim_end_matches(".dlq")
                .trim_end_matches("-dead-letter");
            let told: Vec<u64> = match between.as_str() {
                "none" => Vec::new(),
                all => all.split(", ").map(seconds).collect(),
            };
            match (broker, waits(broker, files, queue)) {
                // Where order counts no message leaves its place to wait.
                ("rabbitmq", Some(found)) if event == "order.placed" => {
                    assert!(found.is_empty(), "{at}: {found:?}");
                }
                ("rabbitmq", found) => {
                    waited += told.len();
                    assert_eq!(found, Some(told), "{at}");
                }
                ("pubsub", found) => {
                    let bound = |t: Option<&u64>| *t.unwrap_or(&10).clamp(&10, &600);
                    let should = vec![bound(told.first()), bound(told.last())];
                    waited += 1;
                    assert_eq!(found, Some(should), "{at}");
                }
                (_, found) => assert_eq!(found, None, "{at}"),
            }
        }
    }
    assert!(waited > 9, "only {waited} waits were compared");
}
