//! One effect an event: what readers remember, and how publishers write and publish as one.

use std::collections::BTreeSet;

use super::super::super::Cx;
use super::super::super::doc::{Doc, Inline, say};
use super::super::column::Column;
use super::stores::{Ability, best};
use crate::model::{Delivery, EventId, Party, Protocol, ServiceId};
use crate::plan::slug;

pub(super) fn idempotency(cx: &Cx<'_>, doc: &mut Doc) {
    let model = cx.plan.model;
    doc.heading(1, "Idempotency", "async-idempotency");
    let lossy: Vec<&str> = named(cx, Delivery::AtMostOnce);
    let exact: Vec<&str> = named(cx, Delivery::ExactlyOnce);
    doc.para(say!(
        "A reader of {} keeps the `eventId` of what it has handled and drops an event that it knows. It keeps it as long as a copy can still arrive: retention and every redelivery.",
        model.title
    ));
    if !lossy.is_empty() {
        doc.para(
            Inline::text("Delivered at most once, so a message may also be missing: ")
                .and(Inline::names(lossy)),
        );
    }
    if !exact.is_empty() {
        doc.para(
            Inline::text("Said to be delivered exactly once; a publisher that sends again after a crash still makes two: ")
                .and(Inline::names(exact)),
        );
    }
    let (mut rows, mut kept_for) = (Vec::new(), Column::default());
    let mut readings: Vec<(&str, EventId, Party)> = Vec::new();
    for id in model.event_ids() {
        for group in &cx.plan.event(id).groups {
            readings.push((model.party(group.consumer), id, group.consumer));
        }
    }
    readings.sort_unstable();
    for (name, id, reader) in readings {
        rows.push(vec![
            Inline::code(name),
            Inline::code(model.event(id).name.as_str()),
            Inline::code("eventId"),
            kept(cx, reader),
            kept_for.cell(&cx.plan.event(id).dedupe),
        ]);
    }
    doc.table(&["Reader", "Event", "Key", "Kept in", "For"], rows);
}

fn named<'a>(cx: &Cx<'a>, delivery: Delivery) -> Vec<&'a str> {
    let plan = cx.plan;
    plan.model
        .event_ids()
        .filter(|id| plan.event(*id).delivery == delivery)
        .map(|id| plan.model.event(id).name.as_str())
        .collect()
}

fn kept(cx: &Cx<'_>, reader: Party) -> Inline {
    let model = cx.plan.model;
    let Party::Service(service) = reader else {
        return say!(
            "a place of its own: `{}` is outside this design",
            model.party(reader)
        );
    };
    let name = model.service(service).name.as_str();
    let own = slug(name);
    if model.service(service).external {
        return say!("a place of its own: `{}` belongs to others", name);
    }
    match best(model, service) {
        Some((store, Ability::Transaction)) if store.users.len() > 1 => say!(
            "table `inbox` of `{}` with `{}` in its key, as others use the store too; inserted in the transaction of the effect",
            store.name,
            name
        ),
        Some((store, Ability::Transaction)) => say!(
            "table `inbox` of `{}`, inserted in the transaction of the effect",
            store.name
        ),
        Some((store, Ability::Document)) => say!(
            "a document `inbox/{}/<eventId>` of `{}`, created in the transaction of the effect",
            own,
            store.name
        ),
        Some((store, Ability::Keys)) => say!(
            "key `inbox:{}:<eventId>` of `{}`, set with its expiry in the script that writes the effect",
            own,
            store.name
        ),
        Some((store, Ability::Unknown)) => say!(
            "`{}`, if it can write the key and the effect as one; the spec does not say what it is able to do",
            store.name
        ),
        None => without_store(cx, service),
    }
}

/// A reader with no store can only pass the key on.
fn without_store(cx: &Cx<'_>, service: ServiceId) -> Inline {
    let name = cx.plan.model.service(service).name.as_str();
    let changed = changed(cx, service);
    if changed.is_empty() {
        say!(
            "nowhere yet: `{}` has no store and needs one, unless all that it does may happen twice",
            name
        )
    } else {
        say!("nowhere yet: `{}` has no store and needs one, or passes `eventId` on as the idempotency key to ", name)
            .and(Inline::names(changed))
    }
}

/// The services that `service` calls in a way that may not be repeated freely: it changes them.
fn changed<'a>(cx: &Cx<'a>, service: ServiceId) -> BTreeSet<&'a str> {
    let model = cx.plan.model;
    model
        .calls
        .iter()
        .filter(|c| c.from == Party::Service(service) && !c.soft())
        .filter(|c| match (c.idempotent, &c.protocol) {
            (Some(said), _) => !said.value,
            (None, Protocol::Rest(Some(method))) => !method.idempotent(),
            (None, _) => true,
        })
        .map(|c| model.service(c.to).name.as_str())
        .collect()
}

pub(super) fn outbox(cx: &Cx<'_>, doc: &mut Doc) {
    let model = cx.plan.model;
    doc.heading(1, "Outbox", "async-outbox");
    if let Some(id) = model.event_ids().next() {
        let plan = cx.plan.event(id);
        doc.para(say!(
            "A row of `outbox` holds, for `{}`: `id` = `eventId`, `aggregateid` = the value of `{}`, `type` = `{}`, `payload` = the envelope. Rows are only inserted and deleted after the broker has confirmed.",
            model.event(id).name,
            plan.key.value,
            plan.event_type
        ));
    }
    let mut rows = Vec::new();
    for service in model.service_ids() {
        let events: Vec<EventId> = model
            .event_ids()
            .filter(|id| {
                model
                    .event(*id)
                    .publishers
                    .iter()
                    .any(|p| p.service == service)
            })
            .collect();
        if events.is_empty() {
            continue;
        }
        let mut groups: [(&str, Vec<EventId>); 3] = [
            ("none; proposed", Vec::new()),
            ("an outbox", Vec::new()),
            ("not said; proposed", Vec::new()),
        ];
        for id in events {
            let event = model.event(id);
            let place = if event.lacks_outbox.is_some() {
                0
            } else if event.has_outbox {
                1
            } else {
                2
            };
            groups[place].1.push(id);
        }
        for (today, ids) in groups.into_iter().filter(|(_, ids)| !ids.is_empty()) {
            let exists = today == "an outbox";
            rows.push(vec![
                Inline::code(model.service(service).name.as_str()),
                Inline::names(ids.iter().map(|id| model.event(*id).name.as_str())),
                Inline::text(if exists || best(model, service).is_some() {
                    today
                } else if today == "none; proposed" {
                    "none"
                } else {
                    "not said"
                }),
                written(cx, service, exists),
            ]);
        }
    }
    doc.table(&["Publisher", "Events", "Today", "Written"], rows);
}

fn written(cx: &Cx<'_>, service: ServiceId, exists: bool) -> Inline {
    let model = cx.plan.model;
    let name = model.service(service).name.as_str();
    if model.service(service).external {
        return say!("by `{}` itself, which belongs to others", name);
    }
    match best(model, service) {
        Some((store, Ability::Transaction)) => say!(
            "to table `outbox` of `{}`, in the transaction of the change; a relay of `{}` sends it on",
            store.name,
            name
        ),
        Some((store, Ability::Document)) => say!(
            "to `outbox` of `{}`, in the transaction of the change; a relay of `{}` follows its change feed",
            store.name,
            name
        ),
        Some((store, Ability::Keys)) => say!(
            "to the Redis stream `outbox:{}` of `{}`, in the script of the change; it is as durable as the append-only file of `{}`",
            slug(name),
            store.name,
            store.name
        ),
        Some((store, Ability::Unknown)) => say!(
            "to `{}`, if it can write the change and the event as one; otherwise `{}` needs a store that can",
            store.name,
            name
        ),
        None if exists => say!(
            "the spec says that there is one, but gives `{}` no store to keep it in",
            name
        ),
        None => {
            let changed = changed(cx, service);
            if changed.is_empty() {
                say!(
                    "`{}` has no store, so it commits nothing beside the event; it confirms its own input only after the broker has confirmed the event, and a crash in between is repeated, not lost",
                    name
                )
            } else {
                say!("`{}` has no store, but publishes after calls that change ", name)
                    .and(Inline::names(changed))
                    .and(say!("; a crash in between loses the event, so `{}` needs a store for an outbox, or the caller repeats the whole", name))
            }
        }
    }
}
