//! Asynchronous communication: schemas, names, channels, dead letters, idempotency, outbox.

mod channels;
mod dead_letters;
mod effects;
mod naming;
mod schema;
mod stores;

use super::super::Cx;
use super::super::artefact;
use super::super::doc::{Doc, say};

pub(super) fn write(cx: &Cx<'_>, doc: &mut Doc) {
    if cx.plan.model.events.is_empty() {
        doc.para(say!(
            "Left out: no service of {} publishes an event.",
            cx.plan.model.title
        ));
        return;
    }
    schema::write(cx, doc);
    naming::write(cx, doc);
    channels::topics(cx, doc);
    dead_letters::write(cx, doc);
    effects::idempotency(cx, doc);
    effects::outbox(cx, doc);
    for kind in ["broker", "asyncapi"] {
        artefact::show(cx, doc, kind);
    }
}

/// Names of an event's publishers.
fn publishers<'a>(cx: &Cx<'a>, event: crate::model::EventId) -> Vec<&'a str> {
    let model = cx.plan.model;
    model
        .event(event)
        .publishers
        .iter()
        .map(|p| model.service(p.service).name.as_str())
        .collect()
}
