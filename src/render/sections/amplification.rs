//! Retry amplification: what one request becomes where a service at the end of it fails.

use super::super::doc::{Doc, Inline, say};
use super::super::{Cx, figures};
use crate::model::{CallId, Party};
use crate::plan::PathLoad;

/// Paths that are shown before the rest folds.
const SHOWN: usize = 12;

pub(super) fn write(cx: &Cx<'_>, doc: &mut Doc) {
    let plan = cx.plan;
    let model = plan.model;
    let a = &plan.amplification;
    if a.paths.is_empty() {
        return;
    }
    doc.heading(2, "Retry amplification", "reliability-amplification");
    let platform = a.mesh_retries > 0 || a.gateway_retries > 0;
    let mut text = say!(
        "Along a path attempts multiply: Π attempts calls reach its last service when that fails."
    );
    if platform {
        let mut adds: Vec<Inline> = Vec::new();
        if a.mesh_retries > 0 {
            adds.push(say!(
                "{} adds {} to every attempt inside it",
                plan.choices.mesh.name,
                retries(a.mesh_retries)
            ));
        }
        if a.gateway_retries > 0 {
            adds.push(say!(
                "{} adds {} to every request",
                plan.choices.gateway.name,
                retries(a.gateway_retries)
            ));
        }
        text = text
            .and(Inline::text(" By itself "))
            .and(Inline::join(adds, " and "))
            .and(Inline::text(
                "; the files of this chapter switch that off. “With platform retries” is what it would make of each path.",
            ));
    }
    doc.para(text);
    let mut headers = vec!["Last service", "Worst path", "Calls"];
    if platform {
        headers.push("With platform retries");
    }
    headers.push("Retry in");
    let many: Vec<&PathLoad> = a.paths.iter().filter(|p| p.with_platform > 1).collect();
    let (head, rest) = many.split_at(many.len().min(SHOWN));
    let rows = |paths: &[&PathLoad]| {
        paths
            .iter()
            .map(|p| {
                let mut row = vec![
                    Inline::code(&model.service(p.leaf).name),
                    route(cx, &p.path),
                    product(cx, p),
                ];
                if platform {
                    row.push(Inline::text(p.with_platform.to_string()));
                }
                row.push(layer(cx, p));
                row
            })
            .collect::<Vec<_>>()
    };
    doc.table(&headers, rows(head));
    figures::amplification(cx, doc, head);
    if !rest.is_empty() {
        let (headers, rows) = (headers.clone(), rows(rest));
        doc.details(&format!("{} more paths", rest.len()), |d| {
            d.table(&headers, rows);
        });
    }
    let once = a
        .paths
        .iter()
        .filter(|p| p.with_platform <= 1)
        .map(|p| Inline::code(&model.service(p.leaf).name));
    let once: Vec<Inline> = once.collect();
    if !once.is_empty() {
        doc.para(
            Inline::text("Whatever fails, one request reaches these once along a path: ")
                .and(Inline::join(once, ", "))
                .and(Inline::text(".")),
        );
    }
    flows(cx, doc, platform);
}

fn retries(n: u32) -> String {
    if n == 1 {
        "1 retry".to_owned()
    } else {
        format!("{n} retries")
    }
}

/// `web → orders → stock`, its middle left out where it is long.
fn route(cx: &Cx<'_>, path: &[CallId]) -> Inline {
    let model = cx.plan.model;
    let mut names: Vec<Inline> = Vec::new();
    if let Some(first) = path.first() {
        names.push(Inline::code(model.party(model.call(*first).from)));
    }
    for (i, id) in path.iter().enumerate() {
        if path.len() > 8 && i >= 4 && i + 3 < path.len() {
            if i == 4 {
                names.push(Inline::text("…"));
            }
            continue;
        }
        names.push(Inline::code(&model.service(model.call(*id).to).name));
    }
    Inline::join(names, " → ")
}

/// `3 × 4 = 12`, or `1`.
fn product(cx: &Cx<'_>, p: &PathLoad) -> Inline {
    if p.layers.len() < 2 {
        return Inline::text(p.product.to_string());
    }
    let factors: Vec<String> = p
        .path
        .iter()
        .map(|c| cx.plan.call(*c).attempts.value)
        .filter(|n| *n > 1)
        .map(|n| n.to_string())
        .collect();
    say!("{} = {}", factors.join(" × "), p.product)
}

fn layer(cx: &Cx<'_>, p: &PathLoad) -> Inline {
    match (p.layers.as_slice(), p.keep) {
        ([], _) => Inline::text("none: every call is tried once"),
        (_, None) => Inline::text("none: no retried call may be repeated"),
        ([_], Some(keep)) => hop(cx, keep).and(Inline::text(" alone, as it does")),
        (_, Some(keep)) => {
            hop(cx, keep).and(say!(" alone, next to the failure: then {} calls", p.after))
        }
    }
}

fn hop(cx: &Cx<'_>, id: CallId) -> Inline {
    let c = cx.plan.model.call(id);
    let from = match c.from {
        Party::Service(s) => cx.plan.model.service(s).name.as_str(),
        Party::Actor(a) => cx.plan.model.actor(a).name.as_str(),
    };
    say!("`{} -> {}`", from, cx.plan.model.service(c.to).name)
}

/// What one request of each stated flow asks of the services at its ends.
fn flows(cx: &Cx<'_>, doc: &mut Doc, platform: bool) {
    let plan = cx.plan;
    let loads = &plan.amplification.flows;
    if loads.is_empty() {
        return;
    }
    let rows = loads
        .iter()
        .map(|l| {
            let mut row = vec![
                Inline::text(plan.flows[l.flow].name.as_str()),
                Inline::code(&plan.model.service(l.leaf).name),
                Inline::text(l.usual.to_string()),
                Inline::text(l.worst.to_string()),
            ];
            if platform {
                row.push(Inline::text(l.with_platform.to_string()));
            }
            row
        })
        .collect();
    let mut headers = vec!["Flow", "Last service", "Calls a request", "If it fails"];
    if platform {
        headers.push("With platform retries");
    }
    doc.details(
        "Calls that one request of each flow makes at its last services",
        |d| d.table(&headers, rows),
    );
}
