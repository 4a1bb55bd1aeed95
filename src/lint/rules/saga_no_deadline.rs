//! `saga-no-deadline`: a saga may wait for ever.
//!
//! A saga or a step of which the author says that it has no time limit (`deadline = \"none\"`, `timeout
//! = \"none\"`); and a step without a `timeout` in a saga without a `deadline` most of whose steps have
//! one.

use super::prelude::*;

rule! {
    id: "saga-no-deadline",
    severity: Warning,
    section: Consistency,
    summary: "a saga may wait for ever",
    what: "A saga or a step of which the author says that it has no time limit (`deadline = \"none\"`, `timeout = \"none\"`); and a step without a `timeout` in a saga without a `deadline` most of whose steps have one.",
    why: "A participant that never answers leaves the saga open: what the steps before it have changed stays locked, and nobody is told.",
    limits: "A saga that states no times at all is not reported: the design gives every step one.",
    source: "Azure Architecture Center, Saga pattern",
}

fn check(facts: &Facts<'_>, report: &mut Report) {
    for (saga, plan) in facts.model.sagas.iter().zip(&facts.plan.sagas) {
        let bounded = saga.steps.iter().filter(|s| s.timeout.is_some()).count();
        let forgotten = |i: &usize| {
            let s = &saga.steps[*i];
            s.lacks_timeout.is_some()
                || (saga.deadline.is_none() && s.timeout.is_none() && bounded * 2 > saga.steps.len())
        };
        let open: Vec<usize> = (0..saga.steps.len()).filter(forgotten).collect();
        let (span, message) = match (saga.lacks_deadline, open.first()) {
            (Some(span), _) => (span, format!("the saga \"{}\" may run for ever", saga.name)),
            (None, Some(&i)) => {
                let step = &saga.steps[i];
                let said = format!(
                    "the saga \"{}\" may wait for ever for \"{}\" of `{}`",
                    saga.name,
                    step.action,
                    facts.name(step.service)
                );
                (step.lacks_timeout.unwrap_or(step.span), said)
            }
            (None, None) => continue,
        };
        let mut d = report.at(span, message).at("no time limit");
        let rest = if saga.lacks_deadline.is_some() { 0 } else { 1 };
        for i in open.iter().skip(rest) {
            d = d.label(saga.steps[*i].span, "no time limit");
        }
        let d = d.help(format!(
            "say `deadline = \"{}\"` for the saga, after which it is taken back or goes to a person",
            short(plan.deadline.value)
        ));
        let mut places: Vec<String> =
            open.iter().map(|i| facts.name(saga.steps[*i].service).to_owned()).collect();
        places.push(saga.name.clone());
        report.add((saga.name.clone(), places), d);
    }
}

/// A time as the language writes it.
fn short(t: Time) -> String {
    t.to_string().replace(' ', "").replace("min", "m")
}
