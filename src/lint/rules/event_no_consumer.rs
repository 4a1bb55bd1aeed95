//! `event-no-consumer`: nobody reads an event.
//!
//! An event that is published and has no consumer: a table without `to`.

use super::prelude::*;

rule! {
    id: "event-no-consumer",
    severity: Warning,
    section: Async,
    summary: "nobody reads an event",
    what: "An event that is published and has no consumer: a table without `to`.",
    why: "It costs a channel, a schema and its upkeep for nobody; or a reader exists that the design does not show.",
    limits: "Readers outside of the design are unknown: name them as services with `external = true` or as actors.",
    source: "domain heuristic",
}

fn check(facts: &Facts<'_>, report: &mut Report) {
    let idle = super::orphan_service::idle(facts);
    for id in facts.model.event_ids() {
        let e = facts.model.event(id);
        let Some(publisher) = e.publishers.first().filter(|_| e.consumers.is_empty()) else {
            continue;
        };
        let name = facts.name(publisher.service);
        let d = report
            .at(e.name_span, format!("`{name}` publishes `{}`, and nobody reads it", e.name))
            .at("no consumer");
        let d = idle.iter().take(3).fold(d, |d, s| {
            d.label(facts.model.service(*s).span, format!("`{}` takes part in nothing: its reader?", facts.name(*s)))
        });
        let d = d.help(format!(
                "name who reads `{}` in `to`, or stop publishing it until somebody needs it",
                e.name
            ));
        report.add(facts.event(id), d);
    }
}
