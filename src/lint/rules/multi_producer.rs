//! `multi-producer`: several services publish one event.
//!
//! A fact such as `order.placed` with more than one publisher, or any other event with several of them and
//! several readers. Not telemetry and not a queue of work, which many may fill.

use super::prelude::*;
use crate::lint::words::{Says, says};

rule! {
    id: "multi-producer",
    severity: Error,
    section: Async,
    summary: "several services publish one event",
    what: "A fact such as `order.placed` with more than one publisher, or any other event with several of them and several readers. Not telemetry and not a queue of work, which many may fill.",
    why: "Nobody owns its schema and its meaning, and consumers cannot tell whose fact it is.",
    limits: "Telemetry and orders are known by their names; a channel that is named as a thing (`orders`) and has one reader is taken for a queue.",
    source: "domain heuristic",
}

fn check(facts: &Facts<'_>, report: &mut Report) {
    for id in facts.model.event_ids() {
        let e = facts.model.event(id);
        let Some((first, rest)) = e.publishers.split_first() else { continue };
        // A queue of work has one reader and belongs to it, whoever fills it; every service may
        // publish telemetry, since a library owns its format.
        let owned = match says(&e.name) {
            Says::Fact => true,
            Says::Thing => e.consumers.len() > 1,
            Says::Order | Says::Telemetry => false,
        };
        if rest.is_empty() || !e.named || !owned {
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
