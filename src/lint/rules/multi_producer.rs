//! `multi-producer`: several services publish one event.
//!
//! A named event with more than one publisher.

use super::prelude::*;

rule! {
    id: "multi-producer",
    severity: Error,
    section: Async,
    summary: "several services publish one event",
    what: "A named event with more than one publisher.",
    why: "Nobody owns its schema and its meaning, and consumers cannot tell whose fact it is.",
    limits: "None.",
    source: "domain heuristic",
}

fn check(facts: &Facts<'_>, report: &mut Report) {
    for id in facts.model.event_ids() {
        let e = facts.model.event(id);
        let Some((first, rest)) = e.publishers.split_first() else { continue };
        if rest.is_empty() || !e.named {
            continue;
        }
        let names: Vec<&str> = e.publishers.iter().map(|p| facts.name(p.service)).collect();
        let mut d = report
            .at(first.span, format!("{} all publish `{}`", list(&names), e.name))
            .at(format!("`{}` publishes it", names[0]));
        for p in rest {
            d = d.label(p.span, format!("`{}` publishes it too", facts.name(p.service)));
        }
        let d = d.help("let one service own the event, or give each publisher an event of its own");
        report.add(facts.event(id), d);
    }
}
