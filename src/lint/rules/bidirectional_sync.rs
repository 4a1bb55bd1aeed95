//! `bidirectional-sync`: two services call each other.
//!
//! Two services of which each calls the other, in different requests: the flows show both calls and
//! never in one flow. Where one of them delivers hooks to the other, it is a note only.

use super::prelude::*;

rule! {
    id: "bidirectional-sync",
    severity: Warning,
    section: Interactions,
    summary: "two services call each other",
    what: "Two services of which each calls the other, in different requests: the flows show both calls and never in one flow. Where one of them delivers hooks to the other, it is a note only.",
    why: "Neither can change its contract, be deployed or be tested without the other.",
    limits: "A circle that one request may run round is `sync-cycle`.",
    source: "Taibi and Lenarduzzi 2018: Cyclic Dependency",
}

fn check(facts: &Facts<'_>, report: &mut Report) {
    for circle in &facts.plan.coupling.circles {
        let hook = facts.delivers(circle);
        let [a, b] = circle.members.as_slice() else { continue };
        if !circle.apart && !hook {
            continue;
        }
        let first = |from: &ServiceId, to: &ServiceId| {
            let mut calls = facts.outbound[from.0].iter();
            calls.find(|id| facts.model.call(**id).to == *to).copied()
        };
        let (Some(there), Some(back)) = (first(a, b), first(b, a)) else { continue };
        let (x, y) = (facts.name(*a), facts.name(*b));
        let mut d = report
            .at(facts.model.call(there).span, format!("`{x}` and `{y}` call each other"))
            .at(format!("`{x}` calls `{y}`"))
            .label(facts.model.call(back).span, format!("`{y}` calls `{x}`"))
            .help(format!(
                "let one of them publish what the other asks for, so that only `{x}` or only `{y}` knows the other"
            ));
        if hook {
            d.severity = Severity::Info;
            d = d.help(format!(
                "keep it, if `{x}` and `{y}` work without each other: what is delivered must not be awaited by who registered for it"
            ));
        }
        let mut places = vec![x.to_owned(), y.to_owned()];
        places.push(format!("{x} -> {y}"));
        places.push(format!("{y} -> {x}"));
        report.add((format!("{x} -> {y} -> {x}"), places), d);
    }
}
