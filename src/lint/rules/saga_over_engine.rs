//! `saga-over-engine`: a saga lasts longer than what runs it.
//!
//! An orchestrated saga whose stated `deadline`, or the sum of its stated step times, is longer than
//! the longest execution of the engine of this infrastructure.

use super::prelude::*;

rule! {
    id: "saga-over-engine",
    severity: Error,
    section: Consistency,
    summary: "a saga lasts longer than what runs it",
    what: "An orchestrated saga whose stated `deadline`, or the sum of its stated step times, is longer than the longest execution of the engine of this infrastructure.",
    why: "The engine ends the execution in the middle of the saga, and the compensations do not run.",
    limits: "Engines whose documentation names no such limit never trip it.",
    source: "AWS Step Functions quotas; Google Workflows quotas",
}

fn check(facts: &Facts<'_>, report: &mut Report) {
    for (saga, plan) in facts.model.sagas.iter().zip(&facts.plan.sagas) {
        let Some(most) = plan.engine_longest else { continue };
        if plan.style.value != SagaStyle::Orchestration {
            continue;
        }
        let stated: Vec<_> = saga.steps.iter().filter_map(|s| s.timeout).collect();
        let (length, span) = match (saga.deadline, stated.first()) {
            (Some(d), _) => (d.value, d.span),
            (None, Some(first)) => {
                let sum = stated.iter().fold(Time::default(), |t, s| t.plus(s.value));
                (sum, first.span)
            }
            (None, None) => continue,
        };
        if length <= most {
            continue;
        }
        let d = report
            .at(
                span,
                format!("the saga \"{}\" may take {length}, and {} runs at most {most}", saga.name, plan.engine),
            )
            .at(length.to_string())
            .help(format!(
                "end it within {most}, or split it where it waits longest and start the second part by an event"
            ));
        report.add((saga.name.clone(), Vec::new()), d);
    }
}
