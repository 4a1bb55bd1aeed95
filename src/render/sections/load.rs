//! Load: what arrives at peak and at worst, what is in flight, and how much is left.

use super::super::doc::{Doc, Inline, say};
use super::super::{Cx, figures};
use super::column::Column;
use super::sync::ends;
use crate::model::units::{count, float};
use crate::model::{CallId, Party};
use crate::plan::{CapacityPlan, ServiceLoad};

/// The most rows of a table.
const MOST_ROWS: usize = 200;

/// Below the bulkheads: calls, services and stores.
pub(super) fn write(cx: &Cx<'_>, doc: &mut Doc, calls: &[CallId]) {
    doc.heading(2, "Load", "reliability-load");
    let load = cx.plan.capacity();
    doc.para("Little's law: in flight is the rate times the time that a call takes, here its 99th percentile, or that a handler takes for a message. At worst everything behind fails and each layer tries as often as it may; retry budgets keep the design below that.");
    services(cx, doc, &load);
    figures::capacity(cx, doc, &load);
    let mut refused = Column::default();
    let rows = calls
        .iter()
        .take(MOST_ROWS)
        .map(|id| {
            let (p, l) = (cx.plan.call(*id), &load.calls[id.0]);
            let [from, to] = ends(cx, *id);
            vec![
                from,
                to,
                Inline::code(cx.plan.model.call(*id).label()),
                Inline::text(p.rate.value.to_string()),
                Inline::text(l.worst.value.to_string()).and(Inline::why(&l.worst)),
                say!("{} = {}", l.in_flight.why, float(l.in_flight.value)),
                match &l.refused {
                    Some(share) if share.value.0 < 1e-6 => {
                        Inline::text("under 0.0001%").and(refused.why(share))
                    }
                    Some(share) => refused.cell(share),
                    None => Inline::text("–"),
                },
            ]
        })
        .collect();
    doc.details("Load of each call", |d| {
        d.table(
            &[
                "From",
                "To",
                "Operation",
                "Peak",
                "At worst",
                "In flight",
                "Refused while one instance is gone",
            ],
            rows,
        );
    });
    stores(cx, doc, &load);
}

fn services(cx: &Cx<'_>, doc: &mut Doc, load: &CapacityPlan) {
    let model = cx.plan.model;
    let (mut rates, mut used, mut fewer) =
        (Column::default(), Column::default(), Column::default());
    let rows = load
        .services
        .iter()
        .filter(|s| !model.service(s.service).external)
        .take(MOST_ROWS)
        .map(|s| {
            let p = cx.plan.service(s.service);
            let dash = || Inline::text("–");
            vec![
                Inline::code(&model.service(s.service).name),
                rates.cell(&p.rate),
                Inline::text(s.worst.value.to_string()),
                in_flight(s, p.replicas.value),
                s.used.as_ref().map_or_else(dash, |u| used.cell(u)),
                s.used_without_one
                    .as_ref()
                    .map_or_else(dash, |u| fewer.cell(u)),
            ]
        })
        .collect();
    doc.table(
        &[
            "Service",
            "Peak",
            "At worst",
            "In flight",
            "Used",
            "Used while one instance is gone",
        ],
        rows,
    );
}

/// Of a service that only has a rate, nobody knows how long its requests take.
fn in_flight(load: &ServiceLoad, instances: u64) -> Inline {
    if load.in_flight.value <= 0.0 {
        return Inline::text("–");
    }
    let all = Inline::text(float(load.in_flight.value));
    let all = if load.mixed {
        all.and(Inline::why(&load.in_flight))
    } else {
        all
    };
    match instances {
        1 => all.and(say!(" on one instance")),
        n => all.and(say!(" over {} instances: {} each", n, float(load.each))),
    }
}

fn stores(cx: &Cx<'_>, doc: &mut Doc, load: &CapacityPlan) {
    let model = cx.plan.model;
    // Where nothing arrives at its users, nothing is known of a store's load.
    let rows: Vec<_> = load
        .stores
        .iter()
        .filter(|s| s.rate.value.0 > 0.0)
        .take(MOST_ROWS)
        .map(|s| {
            vec![
                Inline::code(&model.store(s.store).name),
                Inline::figure(&s.rate),
                Inline::text(s.worst.to_string()),
            ]
        })
        .collect();
    if rows.is_empty() {
        return;
    }
    doc.details("Load of each store, every request touching it once", |d| {
        d.table(&["Store", "Peak", "At worst"], rows);
    });
}

/// What an outage of each consumer leaves, and how it catches up.
pub(super) fn backlogs(cx: &Cx<'_>, doc: &mut Doc) {
    let (plan, model) = (cx.plan, cx.plan.model);
    let load = plan.capacity();
    let mut rows = Vec::new();
    for id in model.event_ids() {
        for g in plan
            .event(id)
            .groups
            .iter()
            .filter(|g| matches!(g.consumer, Party::Service(_)))
        {
            let c = &g.catch_up;
            rows.push(vec![
                Inline::code(&model.event(id).name),
                Inline::code(model.party(g.consumer)),
                say!("{}, at worst {}", c.arrival, load.events[id.0].value),
                Inline::figure(&c.capacity),
                say!("{} messages after {}", count(c.backlog), c.outage),
                match &c.drain {
                    Some(drain) => Inline::figure(drain),
                    None => Inline::text("never: more arrives than it handles"),
                },
            ]);
        }
    }
    rows.truncate(MOST_ROWS);
    if !rows.is_empty() {
        doc.details(
            "What an outage of a reader leaves, and how long it takes to catch up",
            |d| {
                d.table(
                    &[
                        "Event",
                        "Reader",
                        "Arrives",
                        "Handles",
                        "Waiting",
                        "Caught up in",
                    ],
                    rows,
                );
            },
        );
    }
}
