//! The diagram, the services, and one sequence for each flow.

mod coupling;

use super::super::doc::{Doc, Inline, count, counts, say};
use super::super::{Cx, figures};
use crate::model::ServiceId;

pub(super) fn write(cx: &Cx<'_>, doc: &mut Doc) {
    let model = cx.plan.model;
    doc.para(say!(
        "{} of {} {} {}.",
        count(model.services.len(), "service"),
        model.title,
        if model.services.len() == 1 {
            "exchanges"
        } else {
            "exchange"
        },
        counts([
            (model.calls.len(), "synchronous call"),
            (model.events.len(), "event"),
            (model.streams.len(), "stream"),
        ])
    ));
    figures::interactions(cx, doc);
    services(cx, doc);
    coupling::write(cx, doc);
    flows(cx, doc);
}

fn services(cx: &Cx<'_>, doc: &mut Doc) {
    let plan = cx.plan;
    let model = plan.model;
    doc.heading(1, "Services", "services");
    let names = |ids: &[ServiceId]| Inline::names(ids.iter().map(|s| &model.service(*s).name));
    let rows = model
        .service_ids()
        .map(|id| {
            let s = model.service(id);
            let p = plan.service(id);
            let slo = s.slo.map_or_else(
                || Inline::text("–"),
                |slo| {
                    let parts: Vec<String> = [
                        slo.availability.map(|a| a.value.to_string()),
                        slo.p99.map(|t| format!("p99 {}", t.value)),
                    ]
                    .into_iter()
                    .flatten()
                    .collect();
                    Inline::text(parts.join(", "))
                },
            );
            let mut name = doc
                .anchor(&figures::service_anchor(cx, id))
                .and(Inline::code(&s.name));
            if s.external {
                name = name.and(Inline::text(" (external)"));
            }
            vec![
                name,
                s.description
                    .as_deref()
                    .map_or_else(|| Inline::text("–"), Inline::text),
                Inline::names(s.teams.iter().map(|t| &model.team(*t).name)),
                s.language
                    .as_deref()
                    .map_or_else(|| Inline::text("–"), Inline::text),
                Inline::names(s.stores.iter().map(|t| &model.store(*t).name)),
                slo,
                Inline::text(plan.availability(id).reachable.value.to_string()),
                names(&p.depends_on),
                names(&p.used_by),
            ]
        })
        .collect();
    doc.table(
        &[
            "Service",
            "Does",
            "Team",
            "Language",
            "Stores",
            "SLO",
            "Can reach",
            "Depends on",
            "Used by",
        ],
        rows,
    );
    super::availability::services(cx, doc);
}

fn flows(cx: &Cx<'_>, doc: &mut Doc) {
    if cx.plan.flows.is_empty() {
        return;
    }
    doc.heading(1, "Flows", "flows");
    if cx.plan.flows.iter().any(|f| f.derived) {
        doc.para(say!(
            "No flows are stated, so each entry point shows every call that can follow from one request to it: {}.",
            cx.plan
                .flows
                .iter()
                .filter_map(|f| f.entry)
                .map(|s| format!("`{}`", cx.plan.model.service(s).name))
                .collect::<Vec<_>>()
                .join(", ")
        ));
    }
    let alike = super::availability::alike(cx);
    for (i, flow) in cx.plan.flows.iter().enumerate() {
        doc.heading(2, flow.name.as_str(), &format!("flow-{}", i + 1));
        if let Some(description) = flow
            .index
            .and_then(|i| cx.plan.model.flows[i].description.as_deref())
        {
            doc.para(description);
        }
        figures::flow(cx, doc, i + 1, flow);
        super::availability::flow(cx, doc, i, &alike[i]);
    }
}
