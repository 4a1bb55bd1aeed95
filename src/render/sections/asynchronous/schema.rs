//! The envelope, its CloudEvents form, and an example and a JSON Schema for every event.

use std::collections::BTreeSet;

use super::super::super::Cx;
use super::super::super::artefact::events::{
    cloud_event, example, pretty, schema, schema_uri, source,
};
use super::super::super::doc::{Doc, Inline, say};
use super::super::column::Column;
use crate::model::{Compatibility, EventId};

pub(super) fn write(cx: &Cx<'_>, doc: &mut Doc) {
    doc.heading(1, "Event schema", "async-schema");
    envelope_table(cx, doc);
    versions(cx, doc);
    for id in cx.plan.model.event_ids() {
        let event = cx.plan.model.event(id);
        doc.details(
            &format!("{}: example, CloudEvents form and JSON Schema", event.name),
            |doc| one(cx, doc, id),
        );
    }
}

fn envelope_table(cx: &Cx<'_>, doc: &mut Doc) {
    let model = cx.plan.model;
    let Some(id) = model.event_ids().next() else {
        return;
    };
    let plan = cx.plan.event(id);
    doc.para(say!(
        "Every event of {} travels in one envelope; in CloudEvents 1.0 each field has the attribute beside it. `{}` stands as the example.",
        model.title,
        model.event(id).name
    ));
    let row = |field: &str, attribute: &str, held: Inline| {
        vec![Inline::code(field), Inline::code(attribute), held]
    };
    doc.table(
        &["Envelope", "CloudEvents", "What it holds here"],
        vec![
            row("eventType", "type", say!("`{}`: the event and its version", plan.event_type)),
            row(
                "eventId",
                "id",
                Inline::text("a UUID, drawn once by the publisher and the same in every redelivery; each consumer drops what it has handled by it"),
            ),
            row(
                "timestamp",
                "time",
                Inline::text("when it happened, RFC 3339 in UTC; not when it was sent"),
            ),
            row("data", "data", say!("the fields of `{}`", model.event(id).name)),
            row("metadata.source", "source", say!("`{}`: with `eventId` the key of duplicates", source(cx, id))),
            row(
                "metadata.dataSchema",
                "dataschema",
                say!("`{}`; the host stands for the schema registry of {}", schema_uri(cx, id), model.title),
            ),
            row(
                "metadata.correlationId",
                "correlationid",
                say!("the same for everything that one request to {} sets off", model.title),
            ),
            row("metadata.causationId", "causationid", say!("the `eventId` that this event answers; absent where a request of a user set it off")),
            row("metadata.partitionKey", "partitionkey", say!("the value of `{}`", plan.key.value).and(Inline::why(&plan.key))),
            row("metadata.traceparent", "traceparent", Inline::text("the publisher's span, W3C Trace Context")),
            row("metadata.dataClassification", "dataclassification", classified(cx)),
            vec![Inline::text("–"), Inline::code("specversion"), say!("`1.0`, only in the CloudEvents form")],
            vec![Inline::text("–"), Inline::code("datacontenttype"), say!("`application/json`, only in the CloudEvents form")],
        ],
    );
}

fn classified(cx: &Cx<'_>) -> Inline {
    let model = cx.plan.model;
    let marked: Vec<&str> = model
        .events
        .iter()
        .filter(|e| !e.pii.is_empty())
        .map(|e| e.name.as_str())
        .collect();
    if marked.is_empty() {
        say!(
            "absent: the spec marks no personal data in an event of {}",
            model.title
        )
    } else {
        say!("`personal` in ")
            .and(Inline::names(marked))
            .and(Inline::text("; absent elsewhere"))
    }
}

fn versions(cx: &Cx<'_>, doc: &mut Doc) {
    let model = cx.plan.model;
    let modes: BTreeSet<Compatibility> = model
        .event_ids()
        .map(|id| cx.plan.event(id).compatibility.value)
        .collect();
    for mode in modes {
        doc.para(say!("Compatibility **{}**: {}", mode, may_change(mode)));
    }
    doc.para(say!(
        "Whatever breaks that (a new required field, another type) is a new version of `eventType`, which the publisher sends beside the old one until every reader of {} has moved.",
        model.title
    ));
    let mut compatible = Column::default();
    let rows = model
        .event_ids()
        .map(|id| {
            let plan = cx.plan.event(id);
            let consumers = &model.event(id).consumers;
            let readers = if consumers.is_empty() {
                Inline::text("nobody reads it")
            } else {
                Inline::names(consumers.iter().map(|(p, _)| model.party(*p)))
            };
            let publishers = Inline::names(super::publishers(cx, id));
            let (first, last) = match plan.compatibility.value {
                Compatibility::Forward | Compatibility::ForwardTransitive => (publishers, readers),
                Compatibility::Full | Compatibility::FullTransitive => {
                    (Inline::text("any"), Inline::text("any"))
                }
                _ => (readers, publishers),
            };
            vec![
                Inline::code(model.event(id).name.as_str()),
                Inline::figure(&plan.version),
                compatible.cell(&plan.compatibility),
                first,
                last,
                say!(
                    "every version of the last {}, as old messages are still read",
                    plan.retention.value.max(plan.kept.value)
                ),
            ]
        })
        .collect();
    doc.table(
        &[
            "Event",
            "Version",
            "Compatibility",
            "Deploys first",
            "Deploys last",
            "Checked against",
        ],
        rows,
    );
}

/// What a mode of a schema registry lets a new schema change.
fn may_change(mode: Compatibility) -> &'static str {
    match mode {
        Compatibility::Backward | Compatibility::BackwardTransitive => {
            "a field may be removed, an optional one added; so the readers deploy a new schema before the publisher writes it."
        }
        Compatibility::Forward | Compatibility::ForwardTransitive => {
            "a field may be added, an optional one removed; so the publisher deploys a new schema before the readers use it."
        }
        Compatibility::Full | Compatibility::FullTransitive => {
            "only optional fields may be added or removed; publisher and readers deploy in any order."
        }
        Compatibility::Unchecked => "nothing is checked.",
    }
}

fn one(cx: &Cx<'_>, doc: &mut Doc, id: EventId) {
    let event = cx.plan.model.event(id);
    if let Some(text) = &event.description {
        doc.para(text.as_str());
    }
    if let Some(file) = &event.schema_file {
        doc.para(say!(
            "The fields of `{}` are in `{}`; the example carries only its key.",
            event.name,
            file.value
        ));
    } else if event.schema.is_empty() {
        doc.para(say!(
            "The spec gives no fields for `{}`; only its key is known, so `data` is open.",
            event.name
        ));
    }
    doc.para(say!("As the publisher sends it:"));
    doc.code("json", &pretty(&example(cx, id)));
    doc.para(say!("The same event as CloudEvents 1.0 (structured mode):"));
    doc.code("json", &pretty(&cloud_event(cx, id)));
    doc.para(say!(
        "JSON Schema 2020-12 of `{}`:",
        cx.plan.event(id).event_type
    ));
    doc.code("json", &pretty(&schema(cx, id)));
}

#[cfg(test)]
mod tests;
