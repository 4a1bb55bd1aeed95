//! `pii-in-event`: personal data travels where everybody can read it.
//!
//! An event with `pii` fields of which the author says `encrypted = false`, or whose `key` is one of them.

use super::prelude::*;


rule! {
    id: "pii-in-event",
    severity: Error,
    section: Async,
    summary: "personal data travels where everybody can read it",
    what: "An event with `pii` fields of which the author says `encrypted = false`, or whose `key` is one of them.",
    why: "A message is copied to brokers, dead letters, backups and logs, and cannot be taken back from there; a key shows in tools, metrics and partition names, whatever is done to the data.",
    limits: "Fields are personal if `pii` says so; nothing said about encryption means that the design encrypts.",
    source: "CloudEvents 1.0, privacy and security",
}

fn check(facts: &Facts<'_>, report: &mut Report) {
    for id in facts.model.event_ids() {
        let e = facts.model.event(id);
        if e.pii.is_empty() {
            continue;
        }
        let key = e.key.as_ref().filter(|k| e.pii.contains(&k.value));
        let clear = e.terms.encrypted.filter(|c| !c.value);
        let d = match (key, clear) {
            (_, Some(clear)) => {
                let fields: Vec<&str> = e.pii.iter().map(String::as_str).collect();
                let d = report
                    .at(clear.span, format!("`{}` carries {} in the clear", e.name, list(&fields)))
                    .at("not encrypted");
                let d = match key {
                    Some(key) => d.label(key.span, "and orders by it"),
                    None => d,
                };
                d.help("send a reference that only those who may know can resolve, or encrypt these fields with a key a person, which is thrown away on request")
            }
            (Some(key), None) => report
                .at(key.span, format!("`{}` is ordered by `{}`, which is personal data", e.name, key.value))
                .at("shows in every tool of the broker")
                .help("order by an identifier that says nothing of the person, such as the id of the account"),
            (None, None) => continue,
        };
        report.add(facts.event(id), d);
    }
}
