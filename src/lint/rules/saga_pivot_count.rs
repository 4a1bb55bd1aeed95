//! `saga-pivot-count`: a saga has several pivots.
//!
//! More than one step that is marked as the pivot.

use super::prelude::*;

rule! {
    id: "saga-pivot-count",
    severity: Warning,
    section: Consistency,
    summary: "a saga has several pivots",
    what: "More than one step that is marked as the pivot.",
    why: "There is one point after which the saga goes only forward. With two of them nobody can say whether a failure between them goes back or on.",
    limits: "A saga without a marked pivot is not reported: the design finds the pivot itself.",
    source: "Azure Architecture Center, Saga pattern",
}

fn check(facts: &Facts<'_>, report: &mut Report) {
    for saga in &facts.model.sagas {
        let pivots: Vec<_> = saga.steps.iter().filter(|s| s.pivot).collect();
        let [first, second, ..] = pivots.as_slice() else { continue };
        let mut d = report
            .at(
                second.span,
                format!("the saga \"{}\" has {} pivots", saga.name, pivots.len()),
            )
            .at("another pivot")
            .label(first.span, "the first pivot");
        for p in &pivots[2..] {
            d = d.label(p.span, "another pivot");
        }
        let d = d.help(format!("keep \"{}\" as the pivot, or split the saga in two", first.action));
        report.add(
            (saga.name.clone(), vec![facts.name(second.service).to_owned()]),
            d,
        );
    }
}
