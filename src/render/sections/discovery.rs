//! How services find each other, how requests are spread, what the probes may look at.

use super::super::Cx;
use super::super::artefact;
use super::super::doc::{Doc, Inline, say};
use super::overview::source;
use crate::model::ServiceId;
use crate::plan::{HealthPlan, Origin, ServicePlan};

pub(super) fn write(cx: &Cx<'_>, doc: &mut Doc) {
    mechanism(cx, doc);
    balancing(cx, doc);
    health(cx, doc);
    stopping(cx, doc);
    for kind in ["kubernetes", "mesh"] {
        artefact::show(cx, doc, kind);
    }
}

fn name<'a>(cx: &'a Cx<'_>, id: ServiceId) -> &'a str {
    &cx.plan.model.service(id).name
}

/// Services of the design itself, with their plans.
fn own<'a>(cx: &'a Cx<'_>) -> impl Iterator<Item = (ServiceId, &'a ServicePlan)> {
    let model = cx.plan.model;
    model
        .service_ids()
        .filter(|id| !model.service(*id).external)
        .map(|id| (id, cx.plan.service(id)))
}

fn mechanism(cx: &Cx<'_>, doc: &mut Doc) {
    let plan = cx.plan;
    doc.heading(1, "Addresses", "discovery-addresses");
    let main = plan.choices.infrastructure;
    let mut items = vec![say!(
        "{}: {} ({}).",
        main.name,
        main.discovery,
        main.discovery_why
    )];
    for other in plan.model.infrastructures.iter().skip(1) {
        items.push(say!(
            "{}, for the services that run there instead: {} ({}); an address there has the form `{}`.",
            other.name,
            other.discovery,
            other.discovery_why,
            other
                .address
                .replace("{namespace}", &plan.choices.namespace)
        ));
    }
    doc.list(items);
    let mut rows = Vec::new();
    for id in plan.model.service_ids() {
        let (s, p) = (plan.model.service(id), plan.service(id));
        rows.push(vec![
            Inline::code(s.name.as_str()),
            if s.external {
                Inline::text("run by others; its address is configuration of its callers")
            } else {
                Inline::code(p.address.as_str())
            },
            if s.external {
                Inline::text("–")
            } else if p.replicas.origin == Origin::Assumed {
                say!("{}, assumed", p.replicas.value)
            } else {
                Inline::figure(&p.replicas)
            },
            Inline::names(p.used_by.iter().map(|u| name(cx, *u))),
        ]);
    }
    doc.table(&["Service", "Address", "Instances", "Looked up by"], rows);
}

fn protocols(p: &ServicePlan) -> &'static str {
    match (p.serves_http, p.serves_grpc) {
        (true, true) => "HTTP and gRPC",
        (true, false) => "HTTP",
        (false, true) => "gRPC",
        (false, false) if p.serves_tcp => "neither HTTP nor gRPC",
        (false, false) => "none (consumes or pushes only)",
    }
}

fn balancing(cx: &Cx<'_>, doc: &mut Doc) {
    doc.heading(1, "Load balancing", "discovery-balancing");
    // Services with the same way of balancing share a row.
    let mut groups: Vec<(&str, &str, Vec<&str>)> = Vec::new();
    for (id, p) in own(cx).filter(|(_, p)| p.serves_http || p.serves_grpc) {
        let (kind, how) = (protocols(p), p.balancing.as_str());
        match groups.iter_mut().find(|g| g.0 == kind && g.1 == how) {
            Some(group) => group.2.push(name(cx, id)),
            None => groups.push((kind, how, vec![name(cx, id)])),
        }
    }
    if groups.is_empty() {
        doc.para("No service of this design is called over HTTP or gRPC: nothing is balanced.");
    }
    let rows = groups
        .into_iter()
        .map(|(kind, how, names)| {
            vec![
                Inline::text(kind),
                Inline::text(how.to_owned()),
                Inline::names(names),
            ]
        })
        .collect();
    doc.table(&["Protocol", "How requests are spread", "Services"], rows);
    let pinned: Vec<Inline> = own(cx)
        .filter(|(_, p)| p.pinning_risk)
        .map(|(id, p)| {
            let callers = Inline::names(p.used_by.iter().map(|u| name(cx, *u)));
            say!(
                "`{}` runs {} instances; pinned connections would come from ",
                name(cx, id),
                p.replicas.value
            )
            .and(callers)
        })
        .collect();
    if !pinned.is_empty() {
        doc.para(say!(
            "**gRPC over an L4 balancer.** With {} on {} a gRPC connection stays on the instance it was opened to, so {} of these services need what the table says:",
            cx.plan.choices.mesh.name,
            cx.plan.choices.infrastructure.name,
            pinned.len()
        ));
        doc.list(pinned);
    } else if own(cx).any(|(_, p)| p.serves_grpc) {
        let names: Vec<&str> = own(cx)
            .filter(|(_, p)| p.serves_grpc)
            .map(|(id, _)| name(cx, id))
            .collect();
        let by = if cx.plan.choices.mesh.l7 {
            &cx.plan.choices.mesh.name
        } else {
            &cx.plan.choices.infrastructure.name
        };
        doc.para(
            say!(
                "gRPC calls are balanced one by one by {}, not by connection, for ",
                by
            )
            .and(Inline::names(names))
            .and(Inline::text(".")),
        );
    }
}

fn probe(h: &HealthPlan, what: &str) -> Inline {
    if h.grpc {
        Inline::code(what).and(Inline::text(" (gRPC)"))
    } else {
        Inline::code(format!("GET {what}"))
    }
}

fn health(cx: &Cx<'_>, doc: &mut Doc) {
    let infra = cx.plan.choices.infrastructure;
    doc.heading(1, "Health checks", "discovery-health");
    // Services with the same probes share a row.
    let mut probes: Vec<(&HealthPlan, Vec<&str>)> = Vec::new();
    let mut checks = Vec::new();
    let mut lacking = Vec::new();
    for (id, p) in own(cx) {
        let Some(h) = &p.health else { continue };
        if h.lacking {
            lacking.push(name(cx, id));
        }
        let alike = |o: &HealthPlan| {
            (&o.liveness, &o.readiness, o.grpc) == (&h.liveness, &h.readiness, h.grpc)
        };
        match probes.iter_mut().find(|(o, _)| alike(o)) {
            Some((_, names)) => names.push(name(cx, id)),
            None => probes.push((h, vec![name(cx, id)])),
        }
        checks.push(vec![
            Inline::code(name(cx, id)),
            Inline::text("only that the process answers"),
            if h.may_check.is_empty() {
                Inline::text("itself: it has no store")
            } else {
                Inline::names(&h.may_check)
            },
            if h.must_not_check.is_empty() {
                Inline::text("– (calls nobody)")
            } else {
                Inline::names(h.must_not_check.iter().map(|s| name(cx, *s)))
            },
        ]);
    }
    doc.para(
        say!(
            "Checked by {}; a failing instance is out after the failures below ({}). Source: ",
            infra.health,
            infra.restart_why
        )
        .and(source(&infra.health_source))
        .and(Inline::text(".")),
    );
    let rows = probes
        .into_iter()
        .map(|(h, names)| {
            vec![
                probe(h, &h.liveness),
                probe(h, &h.readiness),
                say!("{} s, {} s", h.period_s, h.timeout_s),
                Inline::text(h.failure_threshold.to_string()),
                say!("{} ({})", h.startup_threshold, h.startup_why),
                Inline::names(names),
            ]
        })
        .collect();
    doc.table(
        &[
            "Liveness",
            "Readiness",
            "Every, timeout",
            "Failures",
            "Startup failures allowed",
            "Services",
        ],
        rows,
    );
    if !lacking.is_empty() {
        doc.para(say!("No health check today (`health = \"none\"`): ").and(
            Inline::names(lacking),
        ).and(Inline::text(
            ". The rows above are what they have to gain; until then an instance of them that hangs keeps its traffic.",
        )));
    }
    let victim = own(cx)
        .filter(|(_, p)| !p.used_by.is_empty())
        .max_by_key(|(id, p)| (p.used_by.len(), std::cmp::Reverse(id.0)));
    if let Some((id, p)) = victim {
        let callers = Inline::names(p.used_by.iter().map(|u| name(cx, *u)));
        doc.para(
            say!(
                "If a probe looked at callees, one failure of `{}` would take its callers out as well: ",
                name(cx, id)
            )
            .and(callers)
            .and(Inline::text(". Breakers and fallbacks answer for it instead.")),
        );
    }
    doc.table(
        &[
            "Service",
            "Liveness may check",
            "Readiness may check",
            "Neither may check",
        ],
        checks,
    );
}

fn stopping(cx: &Cx<'_>, doc: &mut Doc) {
    doc.heading(1, "Stopping", "discovery-stopping");
    // One catalog number stands for every service, so it is told once.
    if let Some((_, first)) = own(cx).next() {
        doc.para(
            say!("Every service of {} waits ", cx.plan.model.title)
                .and(Inline::figure(&first.pre_stop))
                .and(Inline::text(" before it is told to stop.")),
        );
    }
    let mut groups: Vec<(&ServicePlan, Vec<&str>)> = Vec::new();
    for (id, p) in own(cx) {
        match groups.iter_mut().find(|(o, _)| o.grace == p.grace) {
            Some((_, names)) => names.push(name(cx, id)),
            None => groups.push((p, vec![name(cx, id)])),
        }
    }
    let rows = groups
        .into_iter()
        .map(|(p, names)| {
            vec![
                Inline::text(p.grace.value.to_string()),
                Inline::quoted(&p.grace.why),
                Inline::names(names),
            ]
        })
        .collect();
    doc.table(&["Grace period", "Derivation", "Services"], rows);
}
