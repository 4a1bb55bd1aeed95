//! Stacks of SNS, SQS and EventBridge are created in moto, an imitation of AWS; an event that is not deleted
//! lands where the chapter says, after as many deliveries as it says.

use serde_json::{Value, json};

use crate::Check;
use crate::chapter::{names, number, rows};
use crate::designs::{self, OverBroker};
use crate::tool;

pub(crate) const MOTO: Check = Check {
    kind: "broker",
    tool: "moto",
    version: || {
        let said = tool::python("cloud.py", &["version"]).unwrap_or_default();
        said.trim().to_owned()
    },
    reads: |path| path.ends_with(".template.json"),
    run: |files| {
        tool::on_all(files, |paths| {
            let mut arguments = vec!["accept".into()];
            arguments.extend(paths.iter().map(|p| p.as_os_str().to_owned()));
            tool::python("cloud.py", &arguments)
        })
    },
    spoil: |text| text.replacen("\"deadLetterTargetArn\"", "\"deadLetterTarget\"", 1),
};

/// What the chapter says of every reader.
fn readers(design: &OverBroker) -> Value {
    let queues = rows(&design.chapter, ["Reader", "Channel", "Queue"]);
    let ends = rows(
        &design.chapter,
        ["Event", "Reader", "maxReceiveCount", "Lands in"],
    );
    let events = rows(&design.chapter, ["Event", "Channel", "Kept for"]);
    let list: Vec<Value> = ends
        .iter()
        .map(|[event, reader, deliveries, lands]| {
            let of = events.iter().find(|[e, ..]| e == event).unwrap();
            let own = queues.iter().find(|[r, c, _]| r == reader && c == &of[1]);
            json!({
                "channel": names(&of[1])[0],
                "queue": names(&own.unwrap()[2])[0],
                "deliveries": number(deliveries),
                "dead_letter": names(lands)[0],
            })
        })
        .collect();
    let design = &design.files[0].design;
    assert!(!list.is_empty(), "{design} tells of no reader");
    json!(list)
}

/// Plays all events through each of `stacks`, and says what went wrong with each.
fn play(stacks: &[(String, Value)]) -> Vec<Vec<String>> {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("plays.json");
    let plays: Vec<Value> = stacks
        .iter()
        .map(|(template, readers)| json!({ "template": template, "readers": readers }))
        .collect();
    std::fs::write(&file, json!(plays).to_string()).unwrap();
    let said = tool::python("cloud.py", &["play".as_ref(), file.as_os_str()]);
    let said = said.unwrap_or_else(|e| panic!("{e}"));
    // Warnings of its packages stand behind the answer.
    serde_json::from_str(said.lines().next().unwrap()).unwrap()
}

/// Events through the stacks of the designs as they are, and through some that break one promise each,
/// which must be noticed.
#[test]
fn events_that_nobody_deletes_land_where_the_chapter_says() {
    for broker in ["sns-sqs", "eventbridge"] {
        let designs: Vec<OverBroker> = designs::over_brokers()
            .into_iter()
            .filter(|d| d.broker == broker && !d.files[0].design.starts_with("hostile"))
            .collect();
        let text = |d: &OverBroker| {
            let mut files = d.files.iter();
            let found = files.find(|f| f.path.ends_with(".template.json"));
            found.expect("a stack").text.clone()
        };
        let mut plays: Vec<(String, Value)> =
            designs.iter().map(|d| (text(d), readers(d))).collect();
        let (good, told) = (text(&designs[0]), readers(&designs[0]));
        let count = told[0]["deliveries"].as_u64().unwrap();
        let broken = [
            (
                format!("\"maxReceiveCount\": {count}"),
                format!("\"maxReceiveCount\": {}", count + 1),
            ),
            (
                format!("\"QueueName\": {}", told[0]["dead_letter"]),
                "\"QueueName\": \"elsewhere\"".to_owned(),
            ),
            (
                "\"MessageRetentionPeriod\": 1209600".to_owned(),
                "\"MessageRetentionPeriod\": 60".to_owned(),
            ),
        ];
        for (from, to) in &broken {
            let changed = good.replacen(from, to, 1);
            assert_ne!(changed, good, "{from}");
            plays.push((changed, told.clone()));
        }
        let wrong = play(&plays);
        for (design, wrong) in designs.iter().zip(&wrong) {
            assert!(wrong.is_empty(), "{}: {wrong:#?}", design.files[0].design);
        }
        for ((from, _), wrong) in broken.iter().zip(&wrong[designs.len()..]) {
            assert!(!wrong.is_empty(), "{broker}, {from}: nobody noticed");
        }
    }
}
