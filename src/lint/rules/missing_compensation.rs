//! `missing-compensation`: money is taken before a step that may fail, and nothing gives it back.
//!
//! In a flow a caller charges (`Charge`, `Capture`, `POST /charges`, …) and later makes a call to
//! another service which changes something and without which it cannot go on, and no saga has a step of
//! the service that charges.

use super::prelude::*;

rule! {
    id: "missing-compensation",
    severity: Error,
    section: Consistency,
    summary: "money is taken before a step that may fail, and nothing gives it back",
    what: "In a flow a caller charges (`Charge`, `Capture`, `POST /charges`, …) and later makes a call to another service which changes something and without which it cannot go on, and no saga has a step of the service that charges.",
    why: "When the later call fails the customer has paid for nothing, and nobody is told.",
    limits: "Known by the names of operations. An authorization that expires by itself is none. Sagas are judged by `saga-no-compensation`.",
    source: "Azure Architecture Center, Compensating Transaction pattern",
}

fn check(facts: &Facts<'_>, report: &mut Report) {
    let m = facts.model;
    let mut in_saga = vec![false; m.services.len()];
    m.sagas.iter().flat_map(|s| &s.steps).for_each(|s| in_saga[s.service.0] = true);
    let mut refunds = vec![false; m.services.len()];
    m.calls.iter().filter(|c| begins(&c.operation, &REFUNDS)).for_each(|c| refunds[c.to.0] = true);
    let mut told: std::collections::BTreeSet<CallId> = std::collections::BTreeSet::new();
    for flow in &m.flows {
        let calls: Vec<CallId> = flow
            .steps
            .iter()
            .flatten()
            .filter_map(|s| match s {
                Step::Call(id) => Some(*id),
                _ => None,
            })
            .collect();
        for (i, &charge) in calls.iter().enumerate() {
            let c = m.call(charge);
            if !begins(&c.operation, &CHARGES) || in_saga[c.to.0] || refunds[c.to.0] || c.soft() {
                continue;
            }
            let later = calls.iter().skip(i + 1).find(|id| {
                let l = m.call(**id);
                l.from == c.from && l.to != c.to && !l.soft() && begins(&l.operation, &CHANGES)
            });
            let Some(later) = later else { continue };
            if !told.insert(charge) {
                continue;
            }
            let (from, to) = (m.party(c.from), facts.name(c.to));
            let next = m.call(*later);
            let d = report
                .at(
                    c.span,
                    format!(
                        "`{from}` has `{}` done by `{to}`, and when `{}` of `{}` then fails nothing takes it back",
                        c.label(),
                        next.label(),
                        facts.name(next.to)
                    ),
                )
                .at("taken here")
                .label(next.span, "may fail")
                .help(format!(
                    "make the flow \"{}\" a saga with an `undo` for this step, or authorize first and capture after `{}`",
                    flow.name,
                    next.label()
                ));
            report.add(facts.call(charge), d);
        }
    }
}

const CHARGES: [&str; 8] = ["charge", "capture", "pay", "payout", "debit", "transfer", "charges", "payments"];
const REFUNDS: [&str; 5] = ["refund", "refunds", "reverse", "chargeback", "void"];
const CHANGES: [&str; 14] = [
    "ship", "book", "reserve", "create", "dispatch", "deliver", "allocate", "place", "make", "order",
    "shipments", "bookings", "reservations", "fulfil",
];

/// Whether the operation begins with one of `words`, or posts to a collection of that name.
fn begins(operation: &str, words: &[&str]) -> bool {
    let posted = operation.strip_prefix("POST ").or(operation.strip_prefix("PUT "));
    if operation.contains(' ') && posted.is_none() {
        return false;
    }
    let last = posted
        .unwrap_or(operation)
        .rsplit(['/', '.'])
        .find(|w| !w.is_empty() && !w.contains('{'))
        .unwrap_or_default();
    let first: String = last
        .char_indices()
        .take_while(|(i, c)| *i == 0 || c.is_lowercase())
        .map(|(_, c)| c.to_ascii_lowercase())
        .collect();
    words.contains(&first.as_str())
}
