//! How a saga ends after each failure, what is left then, and who has to act.

use super::super::super::doc::{Doc, Inline, say};
use super::super::super::{Cx, figures};
use super::super::alerts::team;
use super::sagas::step_name;
use crate::model::{Saga, ServiceId};
use crate::plan::{SagaEnd, SagaFailure, SagaOutcome, SagaPlan, StepClass};

/// The most failures that are drawn; the tables list all.
const MAX_PICTURES: usize = 12;

pub(super) fn write(cx: &Cx<'_>, doc: &mut Doc, index: usize, saga: &Saga, plan: &SagaPlan) {
    forward(cx, doc, saga, plan);
    back(cx, doc, saga, plan);
    pictures(cx, doc, index, saga, plan);
}

/// One row a step that fails.
fn forward(cx: &Cx<'_>, doc: &mut Doc, saga: &Saga, plan: &SagaPlan) {
    let rows = plan
        .steps
        .iter()
        .enumerate()
        .map(|(i, step)| {
            let outcome = plan.outcome(saga, SagaFailure::Step(i));
            let end = match outcome.end {
                SagaEnd::Committed => {
                    say!("committed, late: repeated beyond {}", step.deadline.value)
                }
                SagaEnd::Compensated if outcome.undone.is_empty() => {
                    Inline::text("compensated: nothing was changed")
                }
                SagaEnd::Compensated => Inline::text("compensated"),
                SagaEnd::Stuck => Inline::text("**stuck**"),
            };
            let end = if outcome.end == SagaEnd::Stuck {
                say!("**stuck**: no undo for ").and(names(saga, &outcome.standing))
            } else {
                end
            };
            vec![
                Inline::text(step_name(saga, i)),
                undoes(cx, saga, &outcome.undone),
                end,
                acting(cx, &outcome),
            ]
        })
        .collect();
    doc.table(
        &[
            "Fails for good",
            "Taken back, in this order",
            "End",
            "Who has to act",
        ],
        rows,
    );
}

/// One row a compensation that fails, after the last step that can turn the saga round.
fn back(cx: &Cx<'_>, doc: &mut Doc, saga: &Saga, plan: &SagaPlan) {
    let turn = |s: &crate::plan::SagaStepPlan| s.class != StepClass::Retriable;
    let Some(step) = plan.steps.iter().rposition(turn) else {
        return;
    };
    let undos = plan.steps.get(step).map_or(&[][..], |s| &s.undoes);
    if undos.is_empty() {
        return;
    }
    let rows = undos
        .iter()
        .map(|&undo| {
            let outcome = plan.outcome(saga, SagaFailure::Undo { step, undo });
            vec![
                undoes(cx, saga, &[undo]),
                undoes(cx, saga, &outcome.undone),
                names(saga, &outcome.standing),
                acting(cx, &outcome),
            ]
        })
        .collect();
    doc.para(say!(
        "A compensation that fails for good leaves `{}` stuck: the compensations in front of it wait until it is mended. After a failure of {}:",
        saga.name,
        step_name(saga, step)
    ));
    doc.table(
        &[
            "Compensation that fails",
            "Taken back before",
            "Still done",
            "Who has to act",
        ],
        rows,
    );
}

fn names(saga: &Saga, steps: &[usize]) -> Inline {
    if steps.is_empty() {
        return Inline::text("nothing");
    }
    Inline::join(
        steps.iter().map(|j| Inline::text(step_name(saga, *j))),
        ", ",
    )
}

fn undoes(cx: &Cx<'_>, saga: &Saga, steps: &[usize]) -> Inline {
    let model = cx.plan.model;
    let said = steps.iter().filter_map(|j| {
        let step = saga.steps.get(*j)?;
        let undo = step.undo.as_deref().unwrap_or_default();
        Some(say!("{} (`{}`)", undo, model.service(step.service).name))
    });
    let said: Vec<Inline> = said.collect();
    if said.is_empty() {
        Inline::text("nothing")
    } else {
        Inline::join(said, ", then ")
    }
}

/// The owners of what has to be mended, by team where there is one.
fn acting(cx: &Cx<'_>, outcome: &SagaOutcome) -> Inline {
    if outcome.acts.is_empty() {
        return Inline::text("nobody");
    }
    Inline::join(outcome.acts.iter().map(|s| owner(cx, *s)), ", ")
}

fn owner(cx: &Cx<'_>, id: ServiceId) -> Inline {
    let service = cx.plan.model.service(id);
    match service.teams.first() {
        Some(t) => team(cx, *t).and(say!(" (`{}`)", service.name)),
        None => say!("whoever runs `{}`", service.name),
    }
}

/// The sequence of each failure after something was done, then of each compensation that fails.
fn pictures(cx: &Cx<'_>, doc: &mut Doc, index: usize, saga: &Saga, plan: &SagaPlan) {
    let can_turn = |i: &usize| plan.steps[*i].class != StepClass::Retriable;
    let failing: Vec<usize> = (1..plan.steps.len()).filter(can_turn).collect();
    let Some(&last) = failing.last() else { return };
    let undos = plan.steps[last].undoes.iter();
    let all: Vec<SagaFailure> = failing
        .iter()
        .map(|i| SagaFailure::Step(*i))
        .chain(undos.map(|&undo| SagaFailure::Undo { step: last, undo }))
        .take(MAX_PICTURES)
        .collect();
    doc.details(&format!("{}: each failure as a sequence", saga.name), |d| {
        for failure in all {
            d.para(match failure {
                SagaFailure::Step(i) => say!("When `{}` fails for good:", saga.steps[i].action),
                SagaFailure::Undo { step, undo } => say!(
                    "When `{}` fails for good, and then `{}` as well:",
                    saga.steps[step].action,
                    saga.steps[undo].undo.as_deref().unwrap_or_default()
                ),
            });
            figures::saga_failure(cx, d, index, failure);
        }
    });
}
