//! `capacity-exceeded`: more requests arrive than a service can serve.
//!
//! A service whose stated capacity is below its stated peak rate, or, where none is stated, below the sum of
//! the stated rates of everything that calls it or publishes to it.

use super::prelude::*;
use crate::model::units::Rate;
use crate::model::{EventId, Set};

rule! {
    id: "capacity-exceeded",
    severity: Error,
    section: Reliability,
    summary: "more requests arrive than a service can serve",
    what: "A service whose stated capacity is below its stated peak rate, or, where none is stated, below the sum of the stated rates of everything that calls it or publishes to it.",
    why: "Above its capacity a queue grows without end: every request waits longer than the last until callers give up and try again.",
    limits: "Rates that the design derives are left out.",
    source: "Little 1961; queues are stable only for λ < capacity",
}

fn check(facts: &Facts<'_>, report: &mut Report) {
    let mut events: Vec<Vec<EventId>> = vec![Vec::new(); facts.model.services.len()];
    for id in facts.model.event_ids() {
        for (consumer, _) in &facts.model.event(id).consumers {
            if let Party::Service(s) = consumer {
                events[s.0].push(id);
            }
        }
    }
    for id in facts.model.service_ids() {
        let Some((capacity, rates)) = exceeded(facts, id, &events[id.0]) else {
            continue;
        };
        let name = facts.name(id);
        let arriving = Rate(rates.iter().map(|r| r.value.0).sum());
        let mut d = report
            .at(
                capacity.span,
                format!("`{name}` can serve {}, but {arriving} arrive at peak", capacity.value),
            )
            .at(format!("serves {}", capacity.value));
        for rate in rates.iter().take(8) {
            d = d.label(rate.span, format!("{} of it", rate.value));
        }
        let d = d.help(format!(
            "bring its capacity above {arriving}, or let the callers ask less often"
        ));
        report.add(facts.service(id), d);
    }
}

/// The capacity of a service and the rates that exceed it: its own, or else those of its callers and of
/// the `events` that it reads.
pub(super) fn exceeded(
    facts: &Facts<'_>,
    id: ServiceId,
    events: &[EventId],
) -> Option<(Set<Rate>, Vec<Set<Rate>>)> {
    let s = facts.model.service(id);
    let capacity = s.capacity?;
    let rates: Vec<Set<Rate>> = match s.rate {
        Some(rate) => vec![rate],
        None => (facts.inbound[id.0].iter().map(|c| facts.model.call(*c).rate))
            .chain(events.iter().map(|e| facts.model.event(*e).rate))
            .flatten()
            .collect(),
    };
    let arriving: f64 = rates.iter().map(|r| r.value.0).sum();
    (arriving > capacity.value.0 + 1e-9).then_some((capacity, rates))
}
