//! `saga-no-compensation`: a step of a saga cannot be taken back.
//!
//! A step before the pivot that has no `undo`. Steps whose action begins with a word of looking
//! (check, verify, validate, confirm, read, get, quote, …) change nothing and are left out.

use super::prelude::*;

rule! {
    id: "saga-no-compensation",
    severity: Error,
    section: Consistency,
    summary: "a step of a saga cannot be taken back",
    what: "A step before the pivot that has no `undo`. Steps whose action begins with a word of looking (check, verify, validate, confirm, read, get, quote, …) change nothing and are left out.",
    why: "When a later step fails, this one stays done: the card is charged and nothing is shipped.",
    limits: "Whether a step changes something is told by its first word only.",
    source: "Azure Architecture Center, Saga pattern",
}

fn check(facts: &Facts<'_>, report: &mut Report) {
    for (saga, plan) in facts.model.sagas.iter().zip(&facts.plan.sagas) {
        let stuck: Vec<usize> = plan
            .steps
            .iter()
            .enumerate()
            .filter(|(_, s)| s.class == StepClass::Stuck)
            .map(|(i, _)| i)
            // The last step of all has nothing behind it that could fail.
            .filter(|i| i + 1 < saga.steps.len())
            .collect();
        let Some((&first, rest)) = stuck.split_first() else { continue };
        let step = &saga.steps[first];
        let owner = facts.name(step.service);
        let next = &saga.steps[first + 1];
        let mut d = report
            .at(
                step.span,
                format!(
                    "when \"{}\" fails in the saga \"{}\", nothing takes back \"{}\" of `{owner}`",
                    next.action, saga.name, step.action
                ),
            )
            .at("no `undo`")
            .label(next.span, "may fail");
        for i in rest {
            d = d.label(saga.steps[*i].span, "no `undo` either");
        }
        if let (Some(p), true) = (plan.pivot.value, plan.pivot.is_set()) {
            d = d.label(saga.steps[p].span, "the pivot: up to here everything must be reversible");
        }
        let d = d.help(format!(
            "give \"{}\" an `undo` that is safe to repeat, or move it behind the pivot",
            step.action
        ));
        let mut places: Vec<String> =
            stuck.iter().map(|i| facts.name(saga.steps[*i].service).to_owned()).collect();
        places.push(saga.name.clone());
        report.add((saga.name.clone(), places), d);
    }
}
