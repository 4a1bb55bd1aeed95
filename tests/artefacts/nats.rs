//! Streams, consumers and permissions are given to real NATS servers; messages that are refused, or kept in hand
//! for too long, are found again through the dead letter stream that the chapter names, after as many deliveries as
//! it says.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::Path;

use serde_json::{Value, json};

use crate::Check;
use crate::chapter::{names, number, rows};
use crate::designs::{self, Exported, OverBroker};
use crate::tool;

pub(crate) const JETSTREAM: Check = Check {
    kind: "broker",
    tool: "nats-server",
    version: || {
        tool::python("nats_server.py", &["version"])
            .unwrap_or_default()
            .replace("nats-server: ", "")
    },
    reads: |path| path.starts_with("broker/nats/"),
    run: |files| {
        tool::on_all(files, |paths| {
            let folders: BTreeSet<&Path> = paths.iter().filter_map(|p| folder(p)).collect();
            let folders = folders.iter().map(|f| f.as_os_str().to_owned());
            let arguments: Vec<OsString> = [OsString::from("accept")]
                .into_iter()
                .chain(folders)
                .collect();
            tool::python("nats_server.py", &arguments)
        })
    },
    spoil: |text| text.replacen("\"max_deliver\"", "\"most_deliver\"", 1),
};

/// `…/broker/nats` of a file below it.
fn folder(path: &Path) -> Option<&Path> {
    path.ancestors().find(|a| a.ends_with("broker/nats"))
}

/// All names of a row of numbered ones, of which a cell names the first and the last: `a_0` to `a_2`.
pub(crate) fn numbered(ends: &[String], mark: char) -> Vec<String> {
    let [first, last] = ends else {
        return ends.to_vec();
    };
    let (stem, zero) = first.rsplit_once(mark).expect("a number at its end");
    let (same, most) = last.rsplit_once(mark).expect("a number at its end");
    assert_eq!((stem, zero), (same, "0"), "{ends:?}");
    let most: u64 = most.parse().expect("a number");
    (0..=most).map(|n| format!("{stem}{mark}{n}")).collect()
}

/// What the chapter says of every reader.
fn readers(design: &OverBroker) -> Value {
    let events = rows(&design.chapter, ["Event", "Channel", "May publish"]);
    let durables = rows(
        &design.chapter,
        ["Reader", "Channel", "Durable consumer", "Stream"],
    );
    let ends = rows(
        &design.chapter,
        ["Event", "Reader", "Deliveries", "Lands in"],
    );
    let list: Vec<Value> = ends
        .iter()
        .map(|[event, reader, deliveries, lands]| {
            let [_, channel, publishers] = events.iter().find(|[e, ..]| e == event).unwrap();
            let own = durables
                .iter()
                .find(|[r, c, ..]| r == reader && c == channel);
            let [_, _, durable, stream] = own.unwrap();
            let durables = numbered(&names(durable), '_');
            json!({
                "subject": names(channel)[0],
                "stream": names(stream)[0],
                "user": durables[0].trim_end_matches("_0"),
                "durables": durables,
                "deliveries": number(deliveries),
                "dead_letter": names(lands)[0],
                "publisher": msdesign::plan::slug(&names(publishers)[0]),
            })
        })
        .collect();
    assert!(
        !list.is_empty(),
        "{} tells of no reader",
        design.files[0].design
    );
    json!(list)
}

/// Designs as they are, and one of them with one promise broken each time, which must be noticed.
#[test]
fn messages_that_nobody_can_handle_are_found_through_the_dead_letter_stream() {
    let designs: Vec<OverBroker> = designs::over_brokers()
        .into_iter()
        .filter(|d| d.broker == "nats" && !d.files[0].design.starts_with("hostile"))
        .collect();
    assert!(designs::foreign() || designs.len() == 3);
    let shop = designs
        .iter()
        .find(|d| d.files[0].design.starts_with("sock-shop"));
    let shop = shop.unwrap();
    let broken = [
        (
            "one delivery less",
            "\"max_deliver\": 5",
            "\"max_deliver\": 4",
        ),
        (
            "advisories of somebody else",
            "MAX_DELIVERIES.payment-refused-v1.orders",
            "MAX_DELIVERIES.payment-refused-v1.nobody",
        ),
        ("one partition for all keys", "{{partition(3,1)}}", "0"),
        (
            "more in hand than one of a partition",
            "\"max_ack_pending\": 1",
            "\"max_ack_pending\": 9",
        ),
        (
            "more than its own rights",
            "$JS.API.CONSUMER.MSG.NEXT.shipping-task.queue-master",
            ">",
        ),
        (
            "less than its rights",
            "$JS.API.CONSUMER.MSG.NEXT.shipping-task.queue-master",
            "none",
        ),
    ];
    let changed = |from: &str, to: &str| -> Vec<Exported> {
        let mut files = shop.files.clone();
        for f in &mut files {
            f.text = f.text.replace(from, to);
        }
        assert!(
            files.iter().zip(&shop.files).any(|(a, b)| a.text != b.text),
            "{from}"
        );
        files
    };
    let mut plays: Vec<(Vec<Exported>, Value)> = designs
        .iter()
        .map(|d| (d.files.clone(), readers(d)))
        .collect();
    plays.extend(
        broken
            .iter()
            .map(|(_, from, to)| (changed(from, to), readers(shop))),
    );
    let dir = tempfile::tempdir().unwrap();
    let list: Vec<Value> = plays
        .iter()
        .enumerate()
        .map(|(n, (files, readers))| {
            let files: Vec<Exported> = files
                .iter()
                .filter(|f| f.kind == "broker")
                .cloned()
                .collect();
            let paths = tool::lay(&dir.path().join(n.to_string()), &files);
            json!({ "dir": folder(&paths[0]), "readers": readers })
        })
        .collect();
    let sound: Vec<&str> = designs.iter().map(|d| &*d.files[0].design).collect();
    let broken: Vec<&str> = broken.iter().map(|(what, ..)| *what).collect();
    tool::plays("nats_server.py", &json!(list), &sound, &broken);
}
