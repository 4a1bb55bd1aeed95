//! `dual-write`: an event is published beside the change that it tells of.
//!
//! An event of which the author says `outbox = false`.

use super::prelude::*;

rule! {
    id: "dual-write",
    severity: Error,
    section: Consistency,
    summary: "an event is published beside the change that it tells of",
    what: "An event of which the author says `outbox = false`.",
    why: "Between the change and the publication the process may stop: then the change is there and nobody hears of it, or the other way round.",
    limits: "Nothing said means that the design plans an outbox.",
    source: "Debezium documentation, outbox event router",
}

fn check(facts: &Facts<'_>, report: &mut Report) {
    for id in facts.model.event_ids() {
        let e = facts.model.event(id);
        let (Some(span), Some(p)) = (e.lacks_outbox, e.publishers.first()) else {
            continue;
        };
        let publisher = facts.model.service(p.service);
        let store = publisher.stores.first().map(|s| facts.model.store(*s));
        let (message, help) = match store {
            Some(store) => (
                format!(
                    "`{}` changes `{}` and publishes `{}` without one transaction around both",
                    publisher.name, store.name, e.name
                ),
                format!(
                    "write `{}` into an outbox table of `{}` in the same transaction, and publish from there",
                    e.name, store.name
                ),
            ),
            None => (
                format!(
                    "`{}` publishes `{}` after its work is done, and loses it if it stops in between",
                    publisher.name, e.name
                ),
                format!(
                    "give `{}` a store with an outbox, or publish `{}` first and do the work in its handler",
                    publisher.name, e.name
                ),
            ),
        };
        let mut d = report.at(span, message).at("no outbox today");
        if p.span != e.span {
            d = d.label(p.span, "published here");
        }
        if let Some(store) = store {
            d = d.label(store.span, format!("the store of `{}`", publisher.name));
        }
        report.add(facts.event(id), d.help(help));
    }
}
