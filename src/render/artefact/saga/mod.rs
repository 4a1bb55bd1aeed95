//! Sagas as workflows: what leads an orchestrated saga, with its compensations in reverse order.

mod step_functions;
mod workflow;

use super::super::Cx;
use super::{File, Kind};
use crate::model::{Saga, SagaStyle};
use crate::plan::{SagaPlan, StepClass};

pub(super) const KIND: Kind = Kind {
    id: "saga",
    what: "orchestrated sagas: a Step Functions state machine with its stack, elsewhere a workflow in the language of whoever leads it",
    files,
};

fn files(cx: &Cx<'_>) -> Vec<File> {
    let model = cx.plan.model;
    let mut out = Vec::new();
    for (saga, plan) in model.sagas.iter().zip(&cx.plan.sagas) {
        if plan.style.value != SagaStyle::Orchestration || saga.steps.is_empty() {
            continue;
        }
        if cx.plan.choices.infrastructure.id == "aws" {
            out.extend(step_functions::files(cx, saga, plan));
        } else {
            out.extend(workflow::files(cx, saga, plan));
        }
    }
    out
}

/// How the deadline of the saga is kept, or that it is not.
fn in_time(plan: &SagaPlan) -> String {
    let (decided, deadline) = (&plan.decided, &plan.deadline);
    let within = format!(
        "It passes its pivot or turns back within {} ({})",
        decided.value, decided.why
    );
    if decided.value <= deadline.value {
        format!(
            "{within}, and so within its deadline of {}.",
            deadline.value
        )
    } else {
        format!(
            "{within}. Its deadline of {} ends nothing: that leaves some step less than a second.",
            deadline.value
        )
    }
}

/// What one meets on the way back from a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Back {
    /// Its compensation runs.
    Undo(usize),
    /// It has changed something, and nothing takes it back.
    Left(usize),
}

/// The way back over the steps before `end`, last first.
fn back(saga: &Saga, plan: &SagaPlan, end: usize) -> impl Iterator<Item = Back> {
    let steps = saga.steps.iter().zip(&plan.steps).enumerate();
    let mut met: Vec<Back> = steps
        .take(end)
        .filter_map(|(i, (step, numbers))| match &step.undo {
            Some(_) => Some(Back::Undo(i)),
            None => (numbers.class == StepClass::Stuck).then_some(Back::Left(i)),
        })
        .collect();
    met.reverse();
    met.into_iter()
}
