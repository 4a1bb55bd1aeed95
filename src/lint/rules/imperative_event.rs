//! `imperative-event`: an event is named as an order to somebody.
//!
//! A name that begins or ends with a verb in the imperative, such as `SendEmail`, `create-order` or
//! `order.cancel`, or that ends in `Command`; unless the coordinator of a saga sends it to services of its steps.

use super::prelude::*;

rule! {
    id: "imperative-event",
    severity: Warning,
    section: Async,
    summary: "an event is named as an order to somebody",
    what: "A name that begins or ends with a verb in the imperative, such as `SendEmail`, `create-order` or `order.cancel`, or that ends in `Command`; unless the coordinator of a saga sends it to services of its steps.",
    why: "An event tells what has happened and leaves it to its readers what to do; a publisher that names what shall be done knows its reader, and is coupled to it as by a call.",
    limits: "English verbs only. A word that may be a noun (`order.update`) is taken for one.",
    source: "microservices.io, Event-driven architecture; CloudEvents, type attribute",
}

use crate::lint::words::{Says, says};
use crate::model::Event;

fn check(facts: &Facts<'_>, report: &mut Report) {
    for id in facts.model.event_ids() {
        let e = facts.model.event(id);
        if !e.named || says(&e.name) != Says::Order || of_a_saga(facts, e) {
            continue;
        }
        let help = match &facts.plan.event(id).suggested {
            Some(fact) => format!(
                "name what has happened, such as `{fact}`, or make it a call if the publisher needs it to be done"
            ),
            None => "name what has happened, in the past tense".to_owned(),
        };
        let readers: Vec<&str> = e.consumers.iter().map(|(p, _)| facts.model.party(*p)).collect();
        let message = if readers.is_empty() {
            format!("`{}` says what shall be done, not what has happened", e.name)
        } else {
            format!(
                "`{}` tells {} what to do, not what has happened",
                e.name,
                list(&readers)
            )
        };
        let d = report.at(e.name_span, message).at("an order, not a fact").help(help);
        report.add(facts.event(id), d);
    }
}

/// Whether a coordinator tells the services of its steps what to do, as an orchestrated saga is made.
fn of_a_saga(facts: &Facts<'_>, e: &Event) -> bool {
    facts.model.sagas.iter().any(|saga| {
        let leads = |p: &crate::model::Publisher| saga.coordinator == Some(p.service);
        let takes_part = |p: &Party| saga.steps.iter().any(|step| *p == Party::Service(step.service));
        e.publishers.iter().any(leads)
            && !e.consumers.is_empty()
            && e.consumers.iter().all(|(p, _)| takes_part(p))
    })
}
