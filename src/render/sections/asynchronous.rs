//! Asynchronous communication: schemas, names, channels, dead letters, idempotency, outbox.

mod channels;
mod dead_letters;
mod effects;
mod naming;
mod order;
mod schema;
mod stored;
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
    let files = artefact::of_kind(cx, "broker");
    let (others, files): (Vec<_>, Vec<_>) = files
        .into_iter()
        .partition(|f| artefact::of_another_partition(&f.path));
    artefact::show_files(doc, &files);
    if !others.is_empty() {
        doc.para(say!(
            "`export` writes {} more files, one for each consumer of the partitions after the first: they differ in the number at the end of `durable_name` and in `filter_subject`.",
            others.len()
        ));
    }
    artefact::show(cx, doc, "asyncapi");
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
