//! `saga-retry-unsafe`: a step that must be repeated may not be.
//!
//! A step behind the pivot that is said not to be idempotent.

use super::prelude::*;

rule! {
    id: "saga-retry-unsafe",
    severity: Error,
    section: Consistency,
    summary: "a step that must be repeated may not be",
    what: "A step behind the pivot that is said not to be idempotent.",
    why: "Behind the pivot a step is repeated until it succeeds. After a timeout nobody knows whether it has been done, so it will be done twice.",
    limits: "Only a stated `idempotent = false` counts.",
    source: "Azure Architecture Center, Saga pattern",
}

fn check(facts: &Facts<'_>, report: &mut Report) {
    for (saga, plan) in facts.model.sagas.iter().zip(&facts.plan.sagas) {
        for (step, p) in saga.steps.iter().zip(&plan.steps) {
            let Some(said) = step.idempotent.filter(|i| !i.value) else { continue };
            if p.class != StepClass::Retriable {
                continue;
            }
            let mut d = report
                .at(
                    said.span,
                    format!(
                        "\"{}\" in the saga \"{}\" must be repeated until it succeeds, but is not safe to repeat",
                        step.action, saga.name
                    ),
                )
                .at("not idempotent");
            if let Some(i) = plan.pivot.value {
                d = d.label(saga.steps[i].span, "behind this pivot there is no way back");
            }
            let d = d.help(format!(
                "give the request to `{}` an id by which a repetition is known",
                facts.name(step.service)
            ));
            report.add(
                (format!("{}: {}", saga.name, step.action), vec![saga.name.clone(), facts.name(step.service).to_owned()]),
                d,
            );
        }
    }
}
