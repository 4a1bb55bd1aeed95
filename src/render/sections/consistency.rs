//! Data consistency: who owns which data, sagas, and how far behind readers of events are.

mod ends;
mod sagas;

use super::super::Cx;
use super::super::doc::{Doc, Inline, say};
use super::column::Column;
use crate::model::{Call, EventId, Method, Party, Protocol, ServiceId, StoreId};

pub(super) fn write(cx: &Cx<'_>, doc: &mut Doc) {
    owners(cx, doc);
    sagas::write(cx, doc);
    eventual(cx, doc);
}

fn owners(cx: &Cx<'_>, doc: &mut Doc) {
    let model = cx.plan.model;
    doc.heading(1, "Data ownership", "consistency-ownership");
    if model.stores.is_empty() {
        doc.para(say!(
            "The spec names no store of {}, so nothing can be said about who owns which data.",
            model.title
        ));
        return;
    }
    let rows = model
        .stores
        .iter()
        .map(|store| {
            vec![
                Inline::code(store.name.as_str()),
                Inline::text(if store.kind.is_empty() {
                    "–"
                } else {
                    store.kind.as_str()
                }),
                Inline::text(store.description.as_deref().unwrap_or("–")),
                {
                    let user = |s: &ServiceId| Inline::code(model.service(*s).name.as_str());
                    let users = store.users.iter().map(|(s, _)| user(s));
                    let readers = store
                        .readers
                        .iter()
                        .map(|(s, _)| user(s).and(" (reads)".into()));
                    Inline::join(users.chain(readers), ", ")
                },
                verdict(
                    cx,
                    &store.users.iter().map(|(s, _)| *s).collect::<Vec<_>>(),
                    !store.readers.is_empty(),
                ),
            ]
        })
        .collect();
    doc.table(&["Store", "Kind", "Keeps", "Used by", "Ownership"], rows);
    let without: Vec<&str> = model
        .services
        .iter()
        .filter(|s| !s.external && s.stores.is_empty())
        .map(|s| s.name.as_str())
        .collect();
    if !without.is_empty() {
        doc.para(Inline::text("Without a store in the spec: ").and(Inline::names(without)));
    }
}

fn verdict(cx: &Cx<'_>, users: &[ServiceId], read_by_others: bool) -> Inline {
    let model = cx.plan.model;
    let name = |s: ServiceId| model.service(s).name.as_str();
    match users {
        [] => Inline::text("nobody uses it"),
        [one] if read_by_others => say!(
            "`{}` alone writes it; whoever else reads it is bound to its tables",
            name(*one)
        ),
        [one] => say!("`{}` alone reads and writes it", name(*one)),
        many => {
            // The spec does not say who writes, so the design names what the sharers already have.
            let ways = ways(cx, many);
            let base = say!(
                "**shared**: one of them has to own it, the others ask the owner or keep a copy of what they need from its events. "
            );
            if ways.is_empty() {
                base.and(Inline::text(
                    "No call or event leads from one to another yet",
                ))
            } else {
                base.and(Inline::text("What leads from one to another already: "))
                    .and(Inline::join(ways, "; "))
            }
        }
    }
}

/// Calls and events between `services`.
fn ways(cx: &Cx<'_>, services: &[ServiceId]) -> Vec<Inline> {
    let model = cx.plan.model;
    let calls = model.call_ids().filter(|c| {
        let call = model.call(*c);
        matches!(call.from, Party::Service(s) if services.contains(&s) && s != call.to)
            && services.contains(&call.to)
    });
    let events = model.event_ids().filter(|e| {
        let event = model.event(*e);
        event.publishers.iter().any(|p| {
            services.contains(&p.service)
                && event.consumers.iter().any(
                    |(c, _)| matches!(c, Party::Service(s) if services.contains(s) && *s != p.service),
                )
        })
    });
    calls
        .map(|c| Inline::code(model.call_name(c)))
        .chain(events.map(|e| Inline::code(model.event(e).name.as_str())))
        .take(6)
        .collect()
}

fn eventual(cx: &Cx<'_>, doc: &mut Doc) {
    let model = cx.plan.model;
    doc.heading(1, "Eventual consistency", "consistency-eventual");
    if model.events.is_empty() {
        doc.para(say!(
            "Left out: no service of {} publishes an event, so no copy of data lags behind another.",
            model.title
        ));
        return;
    }
    let (mut rows, mut late) = (Vec::new(), Column::default());
    for id in model.event_ids() {
        let (event, plan) = (model.event(id), cx.plan.event(id));
        for group in &plan.groups {
            rows.push(vec![
                Inline::code(event.name.as_str()),
                truth(cx, id),
                Inline::code(model.party(group.consumer)),
                late.cell(&plan.staleness),
                seen(cx, group.consumer, &event.name),
                reconciled(cx, id, group),
            ]);
        }
    }
    if rows.is_empty() {
        doc.para(say!(
            "No event of {} has a reader, so no copy lags.",
            model.title
        ));
    }
    doc.table(
        &[
            "Event",
            "Truth",
            "Lags",
            "By at most",
            "What is seen meanwhile",
            "Reconciled",
        ],
        rows,
    );
}

fn store_names(cx: &Cx<'_>, stores: &[StoreId]) -> Inline {
    Inline::names(stores.iter().map(|s| cx.plan.model.store(*s).name.as_str()))
}

fn truth(cx: &Cx<'_>, id: EventId) -> Inline {
    let model = cx.plan.model;
    Inline::join(
        model.event(id).publishers.iter().map(|p| {
            let service = model.service(p.service);
            let base = Inline::code(service.name.as_str());
            if service.stores.is_empty() {
                base
            } else {
                base.and(Inline::text(" in "))
                    .and(store_names(cx, &service.stores))
            }
        }),
        ", ",
    )
}

fn reads(call: &Call) -> bool {
    match &call.protocol {
        Protocol::Rest(Some(m)) => *m == Method::Get,
        _ => call.idempotent.is_some_and(|i| i.value),
    }
}

fn seen(cx: &Cx<'_>, reader: Party, event: &str) -> Inline {
    let model = cx.plan.model;
    let Party::Service(service) = reader else {
        return say!("`{}` does not know of `{}` yet", model.party(reader), event);
    };
    let name = model.service(service).name.as_str();
    let stores = &model.service(service).stores;
    let asked: Vec<Inline> = model
        .call_ids()
        .filter(|c| model.call(*c).to == service && reads(model.call(*c)))
        .take(3)
        .map(|c| Inline::code(model.call_name(c)))
        .collect();
    let pushed: Vec<Inline> = model
        .stream_ids()
        .filter(|s| cx.plan.stream(*s).server == Some(service))
        .take(2)
        .map(|s| Inline::code(model.stream(s).label()))
        .collect();
    let mut out = if stores.is_empty() {
        say!(
            "`{}` keeps no copy; what it does on `{}` happens later",
            name,
            event
        )
    } else {
        say!("`{}` is as before `{}` in ", name, event).and(store_names(cx, stores))
    };
    if !asked.is_empty() && !stores.is_empty() {
        out = out
            .and(Inline::text("; answers from it: "))
            .and(Inline::join(asked, ", "));
    }
    if !pushed.is_empty() {
        out = out
            .and(Inline::text("; not yet pushed over "))
            .and(Inline::join(pushed, ", "));
    }
    out
}

fn reconciled(cx: &Cx<'_>, id: EventId, group: &crate::plan::GroupPlan) -> Inline {
    let model = cx.plan.model;
    let (event, plan) = (model.event(id), cx.plan.event(id));
    let dead = say!("dead letters of `{}` are replayed", group.dead_letter);
    let gap = match model.broker(event.broker).kind.id.as_str() {
        "kafka" => say!(
            "; a gap: offsets of group `{}` go back, at most {}",
            group.group,
            plan.kept.value
        ),
        "nats" => say!(
            "; a gap: a consumer from a start time on the stream, at most {} back",
            plan.kept.value
        ),
        "pubsub" => say!(
            "; a gap: seek `{}` to a time, at most {} back, with retention set on topic `{}`",
            group.queue,
            plan.kept.value,
            plan.channel
        ),
        "eventbridge" => say!(
            "; a gap: replay of the bus's archive to the rule of `{}`",
            group.queue
        ),
        _ => {
            let publishers: Vec<&str> = event
                .publishers
                .iter()
                .filter(|p| !model.service(p.service).stores.is_empty())
                .map(|p| model.service(p.service).name.as_str())
                .collect();
            if publishers.is_empty() {
                say!(
                    "; a gap cannot be closed: the broker keeps nothing that was read, and the publisher has no store"
                )
            } else {
                Inline::text("; a gap: published again from their stores by ")
                    .and(Inline::names(publishers))
            }
        }
    };
    dead.and(gap)
}
