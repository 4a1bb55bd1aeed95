//! `schema-copy-drift`: publisher and reader hold different copies of a schema.
//!
//! Two statements about an event that give it schemas which disagree: a field with another type, or a field that the publisher does not send.

use super::prelude::*;
use std::collections::BTreeMap;

rule! {
    id: "schema-copy-drift",
    severity: Error,
    section: Async,
    summary: "publisher and reader hold different copies of a schema",
    what: "Two statements about an event that give it schemas which disagree: a field with another type, or a field that the publisher does not send.",
    why: "The reader was built against a message that nobody sends; it fails, or takes a default for the truth.",
    limits: "A copy that only leaves fields out is a tolerant reader and no fault. The schema of the event is that of its publisher's own statement, or the one with the most fields.",
    source: "Martin Fowler, Tolerant Reader; Confluent documentation, schema evolution",
}

fn check(facts: &Facts<'_>, report: &mut Report) {
    for id in facts.model.event_ids() {
        let e = facts.model.event(id);
        let sent: BTreeMap<&str, &str> = e
            .schema
            .iter()
            .map(|f| (f.name.as_str(), f.kind.as_str()))
            .collect();
        for copy in &e.copies {
            let mut drift: Vec<String> = Vec::new();
            for f in &copy.fields {
                match sent.get(f.name.as_str()) {
                    None => drift.push(format!("`{}` is not sent", f.name)),
                    Some(kind) if *kind != f.kind => {
                        drift.push(format!("`{}` is {} and sent as {kind}", f.name, f.kind));
                    }
                    Some(_) => {}
                }
            }
            let Some(first) = drift.first() else { continue };
            let more = match drift.len() {
                1 => String::new(),
                n => format!(", and {} more", plural(n - 1, "difference")),
            };
            let readers: Vec<&str> = copy.readers.iter().map(|p| facts.model.party(*p)).collect();
            let who = if readers.is_empty() {
                "another statement".to_owned()
            } else {
                list(&readers)
            };
            let mut d = report
                .at(
                    copy.span,
                    format!("the copy of `{}` at {who} differs: {first}{more}", e.name),
                )
                .at("another schema");
            if let Some(span) = e.schema_span {
                d = d.label(span, "what is sent");
            }
            let d = d.help(
                "keep one schema in a registry and generate the types of publisher and readers from it; a field of another type is a new version of the event",
            );
            report.add(facts.event(id), d);
        }
    }
}
