//! `compat-none`: nothing checks whether a new schema breaks its readers.
//!
//! An event of which the author says `compatibility = "none"`.

use super::prelude::*;
use crate::model::Compatibility;

rule! {
    id: "compat-none",
    severity: Warning,
    section: Async,
    summary: "nothing checks whether a new schema breaks its readers",
    what: "An event of which the author says `compatibility = \"none\"`.",
    why: "A publisher may deploy a schema that no reader understands, and the first to notice are the readers.",
    limits: "Nothing said means that the design checks.",
    source: "Confluent documentation, schema evolution",
}

fn check(facts: &Facts<'_>, report: &mut Report) {
    for id in facts.model.event_ids() {
        let e = facts.model.event(id);
        let set = e.terms.compatibility;
        let Some(set) = set.filter(|c| c.value == Compatibility::Unchecked) else {
            continue;
        };
        let readers: Vec<&str> = e.consumers.iter().map(|(p, _)| facts.model.party(*p)).collect();
        let message = if readers.is_empty() {
            format!("a new schema of `{}` may break its readers unseen", e.name)
        } else {
            format!("a new schema of `{}` may break {} unseen", e.name, list(&readers))
        };
        let d = report.at(set.span, message).at("nothing is checked").help(
            "let the schema registry refuse what breaks readers: `compatibility = \"backward\"`, and a new version of the event for the rest",
        );
        report.add(facts.event(id), d);
    }
}
