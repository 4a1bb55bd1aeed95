//! `saga-deadline-short`: a saga has less time than its steps.
//!
//! A saga whose stated `deadline` is shorter than the sum of the `timeout`s that its steps state.

use super::prelude::*;

rule! {
    id: "saga-deadline-short",
    severity: Warning,
    section: Consistency,
    summary: "a saga has less time than its steps",
    what: "A saga whose stated `deadline` is shorter than the sum of the `timeout`s that its steps state.",
    why: "The steps run one after the other, so a run whose steps all take the time they may ends late. What leads an orchestrated saga keeps the deadline by cutting the attempts of the steps to their shares, so no step gets the time that is stated for it.",
    limits: "Steps without a `timeout` do not count: the design gives them what the others leave.",
    source: "derived",
}

fn check(facts: &Facts<'_>, report: &mut Report) {
    for saga in &facts.model.sagas {
        let Some(deadline) = saga.deadline else { continue };
        let stated: Vec<_> = saga
            .steps
            .iter()
            .filter_map(|step| Some((step, step.timeout?)))
            .collect();
        let sum = stated.iter().fold(Time::default(), |t, (_, s)| t.plus(s.value));
        if sum <= deadline.value {
            continue;
        }
        let mut d = report
            .at(
                deadline.span,
                format!(
                    "the saga \"{}\" has {}, and its steps may take {sum} one after the other",
                    saga.name, deadline.value
                ),
            )
            .at(deadline.value.to_string());
        for (step, timeout) in &stated {
            d = d.label(timeout.span, format!("{} for \"{}\"", timeout.value, step.action));
        }
        let d = d.help(format!(
            "say `deadline = \"{}\"` for the saga, or give its steps {} in all",
            sum.compact(),
            deadline.value
        ));
        let places = stated.iter().map(|(step, _)| facts.name(step.service).to_owned());
        report.add((saga.name.clone(), places.collect::<Vec<_>>()), d);
    }
}
