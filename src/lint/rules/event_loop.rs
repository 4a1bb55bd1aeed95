//! `event-loop`: an event causes itself.
//!
//! A service that publishes an event which it also reads, and a circle of events in the flows: one is
//! handled, the handler publishes the next, and so on round. Broadcasts to the own instances
//! (`…invalidated`, `…refreshed`) and telemetry do not count.

use super::prelude::*;
use crate::lint::words::{Says, says};

rule! {
    id: "event-loop",
    severity: Warning,
    section: Async,
    summary: "an event causes itself",
    what: "A service that publishes an event which it also reads, and a circle of events in the flows: one is handled, the handler publishes the next, and so on round. Broadcasts to the own instances (`…invalidated`, `…refreshed`) and telemetry do not count.",
    why: "Each round makes the next: one message keeps the consumers busy for ever, and a bug in the end condition fills the broker.",
    limits: "Which event a handler publishes is known from flows only. Two services that answer each other's events are no loop.",
    source: "Azure Architecture Center, Choreography pattern",
}

fn check(facts: &Facts<'_>, report: &mut Report) {
    let m = facts.model;
    for id in m.event_ids() {
        let e = m.event(id);
        if says(&e.name) == Says::Telemetry || broadcast(&e.name) {
            continue;
        }
        let itself = e.publishers.iter().find_map(|p| {
            let reads = |c: &&(Party, crate::diag::Span)| c.0 == Party::Service(p.service);
            e.consumers.iter().find(reads).map(|(_, span)| (p, *span))
        });
        let Some((publisher, read)) = itself else { continue };
        let name = facts.name(publisher.service);
        let mut d = report
            .at(publisher.span, format!("`{name}` publishes `{}` and reads it itself", e.name))
            .at("published");
        if read != publisher.span {
            d = d.label(read, "read");
        }
        let d = d.help(format!(
            "give what `{name}` publishes in answer a name of its own, and end the chain in a state that publishes nothing"
        ));
        report.add(facts.event(id), d);
    }
    let mut edges: Vec<(usize, usize)> = Vec::new();
    for flow in &m.flows {
        // The last event that each party has handled in this flow.
        let mut handled: std::collections::BTreeMap<Party, usize> = std::collections::BTreeMap::new();
        for step in flow.steps.iter().flatten() {
            match step {
                Step::Handle(e, party) => {
                    handled.insert(*party, e.0);
                }
                Step::Publish(s, e) => {
                    edges.extend(handled.get(&Party::Service(*s)).map(|from| (*from, e.0)));
                }
                _ => {}
            }
        }
    }
    let graph = crate::plan::Graph::new(m.events.len(), edges);
    for group in graph.cycles() {
        let Some(&first) = group.first() else { continue };
        let way = graph.way_back(first);
        let names: Vec<&str> = way.iter().map(|e| m.events[*e].name.as_str()).collect();
        let mut d = report
            .at(m.events[first].name_span, format!("in the flows `{}` causes itself: {}", names[0], names.join(" -> ")))
            .at("the loop starts here");
        for e in way.iter().skip(1).take(way.len().saturating_sub(2)) {
            d = d.label(m.events[*e].name_span, "and goes on");
        }
        let d = d.help(format!("let the handler of `{}` end in a state in which it publishes nothing", names[0]));
        report.add((names.join(" -> "), names.iter().map(|n| (*n).to_owned()).collect()), d);
    }
}

/// Whether the event tells the other instances of its publisher to look again.
fn broadcast(name: &str) -> bool {
    let name = name.to_lowercase();
    ["invalidat", "refresh", "evict", "cache"].iter().any(|w| name.contains(w))
}
