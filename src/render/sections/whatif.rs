//! What if: every part and zone that can fail against every flow.

use super::super::Cx;
use super::super::doc::{Doc, Inline, count, say};
use super::availability::path;
use crate::plan::{Dependency, Effect, Failure, FailureRow, Reached, Tie};

/// Rows above this fold.
const OPEN_ROWS: usize = 12;

pub(super) fn write(cx: &Cx<'_>, doc: &mut Doc) {
    let (plan, model) = (cx.plan, cx.plan.model);
    let w = plan.what_if();
    if w.rows.is_empty() {
        return;
    }
    doc.heading(1, "What If", "reliability-what-if");
    let stops = w.rows.iter().filter(|r| r.down > 0).count();
    doc.para(say!(
        "{} of {} stop a flow, all instances of the part being gone. Down means no answer; degraded, an answer from the fallback that is named, or later. Zones: {}.",
        stops,
        count(w.rows.len() + w.more, "failure"),
        w.zones_why
    ));
    let mut head = vec!["Fails"];
    head.extend(plan.flows.iter().take(w.flows).map(|f| f.name.as_str()));
    let row = |r: &FailureRow| {
        let mut cells = vec![failure(cx, &r.failure)];
        cells.extend(r.effects.iter().map(|e| effect(cx, e)));
        cells
    };
    let (open, folded) = w.rows.split_at(w.rows.len().min(OPEN_ROWS));
    doc.table(&head, open.iter().map(row).collect());
    if !folded.is_empty() {
        doc.details(
            &format!("{} hurt no more than these", count(folded.len(), "failure")),
            |d| {
                d.table(&head, folded.iter().map(row).collect());
            },
        );
    }
    if w.more > 0 || plan.flows.len() > w.flows {
        doc.para(say!(
            "Left out for length: {} that hurt less, {}.",
            count(w.more, "failure"),
            count(plan.flows.len().saturating_sub(w.flows), "flow")
        ));
    }
    if !w.untouched.is_empty() {
        doc.para(
            Inline::text("No flow comes to ")
                .and(Inline::names(
                    w.untouched.iter().take(20).map(|p| p.name(model)),
                ))
                .and(Inline::text(".")),
        );
    }
}

fn failure(cx: &Cx<'_>, failure: &Failure) -> Inline {
    let model = cx.plan.model;
    match failure {
        Failure::Part(part) => {
            let kind = match part {
                Dependency::Service(id) if model.service(*id).external => "somebody else's",
                Dependency::Service(_) => "service",
                Dependency::Store(_) => "store",
                Dependency::Broker(_) => "broker",
            };
            say!("{} `{}`", kind, part.name(model))
        }
        Failure::Zone(parts) => Inline::text("a zone, with ")
            .and(Inline::names(parts.iter().take(8).map(|p| p.name(model)))),
    }
}

fn effect(cx: &Cx<'_>, effect: &Effect) -> Inline {
    match effect {
        Effect::Works => Inline::text("works"),
        Effect::Down(r) => say!("**down**: ").and(way(cx, r)),
        Effect::Degraded(r) => Inline::text("degraded: ")
            .and(instead(cx, r.tie))
            .and(Inline::text(" ("))
            .and(way(cx, r))
            .and(Inline::text(")")),
    }
}

/// The way from the entry to what failed.
fn way(cx: &Cx<'_>, r: &Reached) -> Inline {
    let services = path(cx, &r.path);
    match r.part {
        Dependency::Service(_) => services,
        other => services
            .and(Inline::text(" → "))
            .and(Inline::code(other.name(cx.plan.model))),
    }
}

fn instead(cx: &Cx<'_>, tie: Tie) -> Inline {
    let model = cx.plan.model;
    match tie {
        Tie::Needed => Inline::new(),
        Tie::Fallback(id) => Inline::quoted(&cx.plan.call(id).fallback.value),
        Tie::Spared(id) => say!("answers without `{}`", model.store(id).name),
        Tie::Late(id) => {
            let e = model.event(id);
            let lost = e.lacks_acks.or(e.lacks_durability).is_some();
            if lost {
                say!("`{}` may be lost", e.name)
            } else {
                say!("`{}` is handled later", e.name)
            }
        }
        Tie::Silent(id) => say!("nothing comes over {}", model.stream(id).label()),
    }
}
