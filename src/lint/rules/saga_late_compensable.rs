//! `saga-late-compensable`: a step after the pivot can still be taken back.
//!
//! A step with an `undo` behind the step that is marked as the pivot.

use super::prelude::*;

rule! {
    id: "saga-late-compensable",
    severity: Error,
    section: Consistency,
    summary: "a step after the pivot can still be taken back",
    what: "A step with an `undo` behind the step that is marked as the pivot.",
    why: "After the pivot the saga only goes forward. A compensation there is either never run, or it takes back half of what has been decided.",
    limits: "Only a pivot that the author marked counts.",
    source: "Azure Architecture Center, Saga pattern",
}

fn check(facts: &Facts<'_>, report: &mut Report) {
    for (saga, plan) in facts.model.sagas.iter().zip(&facts.plan.sagas) {
        let Some(pivot) = plan.pivot.value.filter(|_| plan.pivot.is_set()) else {
            continue;
        };
        let late: Vec<usize> = (pivot + 1..saga.steps.len())
            .filter(|i| saga.steps[*i].undo.is_some() && !saga.steps[*i].pivot)
            .collect();
        let Some((&first, rest)) = late.split_first() else { continue };
        let step = &saga.steps[first];
        let mut d = report
            .at(
                step.span,
                format!(
                    "\"{}\" in the saga \"{}\" has an undo, but stands behind the pivot \"{}\"",
                    step.action, saga.name, saga.steps[pivot].action
                ),
            )
            .at("never taken back here")
            .label(saga.steps[pivot].span, "the pivot");
        for i in rest {
            d = d.label(saga.steps[*i].span, "has an undo as well");
        }
        let d = d.help(format!(
            "move \"{}\" in front of the pivot, or drop its `undo` and repeat it until it succeeds",
            step.action
        ));
        report.add((saga.name.clone(), vec![facts.name(step.service).to_owned()]), d);
    }
}
