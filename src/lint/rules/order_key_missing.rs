//! `order-key-missing`: messages that belong together may overtake each other.
//!
//! An event with `ordered = true` and no `key`, or on a broker that keeps no order; or one of which the author says `key = "none"`, unless `ordered = false`; or the only one
//! without a key where at least two others on the same broker have one, which is a warning.

use super::prelude::*;
use crate::model::EventId;


rule! {
    id: "order-key-missing",
    severity: Error,
    section: Async,
    summary: "messages that belong together may overtake each other",
    what: "An event with `ordered = true` and no `key`, or on a broker that keeps no order; or one of which the author says `key = \"none\"`, unless `ordered = false`; or the only one without a key where at least two others on the same broker have one, which is a warning.",
    why: "A broker keeps order only within one key; without one, `order.cancelled` may be read before `order.placed`.",
    limits: "Whether an order matters is for the author to say; `key = \"none\"` alone is a warning.",
    source: "Apache Kafka, message keys and partitions; broker documentation as cited in the chapter",
}

fn check(facts: &Facts<'_>, report: &mut Report) {
    let lone = lone(facts);
    for id in facts.model.event_ids() {
        let e = facts.model.event(id);
        let ordered = e.terms.ordered;
        if ordered.is_some_and(|o| !o.value) {
            continue;
        }
        let (broker, key) = (facts.model.broker(e.broker), &facts.plan.event(id).key);
        let unordered = broker.kind.id == "eventbridge";
        let keyless = e.key.is_none();
        let mut d = match (e.terms.lacks_key, ordered) {
            (Some(span), _) => {
                let mut d = report
                    .at(span, format!("messages of `{}` about one thing may be read out of order", e.name))
                    .at("no key today");
                match ordered {
                    Some(o) => d = d.label(o.span, "their order is needed"),
                    None => d.severity = Severity::Warning,
                }
                d
            }
            (None, Some(o)) if keyless || unordered => {
                let message = if unordered {
                    format!("the order of `{}` is needed, and {} keeps none", e.name, broker.kind.name)
                } else {
                    format!("the order of `{}` is needed, and it has no key to keep it by", e.name)
                };
                report.at(o.span, message).at("in order of what?")
            }
            _ if lone.contains(&Some(id)) => {
                let mut d = report
                    .at(e.name_span, format!("`{}` has no key, and all other events on {} have one", e.name, broker.kind.name))
                    .at("no key");
                d.severity = Severity::Warning;
                d
            }
            _ => continue,
        };
        if let Some(span) = broker.span.filter(|_| unordered) {
            d = d.label(span, "keeps no order");
        }
        let d = d.help(if unordered {
            format!("carry `{}` over a FIFO topic or a log that orders by `{}`", e.name, key.value)
        } else {
            format!("set `key = \"{}\"`: {} orders by {}", key.value, broker.kind.name, broker.kind.key)
        });
        report.add(facts.event(id), d);
    }
}

/// By broker: its one event of which nothing is said, where at least two others have a key.
fn lone(facts: &Facts<'_>) -> Vec<Option<EventId>> {
    let m = facts.model;
    let mut keyed = vec![0_usize; m.brokers.len()];
    let mut silent: Vec<Vec<EventId>> = vec![Vec::new(); m.brokers.len()];
    for id in m.event_ids() {
        let e = m.event(id);
        match (&e.key, e.terms.lacks_key) {
            (Some(_), _) => keyed[e.broker.0] += 1,
            (None, None) if !e.publishers.is_empty() => silent[e.broker.0].push(id),
            _ => {}
        }
    }
    keyed
        .into_iter()
        .zip(silent)
        .map(|(n, silent)| match silent.as_slice() {
            [one] if n >= 2 => Some(*one),
            _ => None,
        })
        .collect()
}
