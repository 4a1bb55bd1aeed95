//! Sagas: what each step is, and what happens when it fails.

use super::choices::{Choices, assumed};
use super::figure::Figure;
use super::slug::slug;
use crate::catalog::numbers;
use crate::model::units::Time;
use crate::model::{Model, Saga, SagaStyle, ServiceId};

/// What a step is in its saga (Azure Architecture Center, after Richardson).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepClass {
    /// Can be taken back by an opposite transaction.
    Compensatable,
    /// The go/no-go step.
    Pivot,
    /// Must succeed in the end; is repeated until it does.
    Retriable,
    /// Before the pivot, but nothing takes it back: a fault that the linter reports.
    Stuck,
}

impl StepClass {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Compensatable => "compensatable",
            Self::Pivot => "pivot",
            Self::Retriable => "retriable",
            Self::Stuck => "not compensatable",
        }
    }
}

/// One step with its numbers.
#[derive(Clone, Debug)]
pub struct SagaStepPlan {
    /// What it is.
    pub class: StepClass,
    /// How long it may take with its retries.
    pub deadline: Figure<Time>,
    /// Steps that are taken back when this one fails for good, last first: indices into the steps.
    pub undoes: Vec<usize>,
    /// Steps before this one that cannot be taken back when it fails for good.
    pub stranded: Vec<usize>,
}

/// A saga with its numbers.
#[derive(Clone, Debug)]
pub struct SagaPlan {
    /// Identifier in labels and anchors.
    pub slug: String,
    /// Who knows its state.
    pub style: Figure<SagaStyle>,
    /// Who leads it.
    pub coordinator: Option<Figure<ServiceId>>,
    /// The pivot, as an index into the steps.
    pub pivot: Figure<Option<usize>>,
    /// Steps in order.
    pub steps: Vec<SagaStepPlan>,
    /// Of the whole saga.
    pub deadline: Figure<Time>,
    /// What runs it on this infrastructure.
    pub engine: &'static str,
    /// The engine's limit.
    pub engine_limit: &'static str,
}

pub(super) fn plan(model: &Model, choices: &Choices) -> Vec<SagaPlan> {
    model.sagas.iter().map(|s| one(s, choices)).collect()
}

fn one(saga: &Saga, choices: &Choices) -> SagaPlan {
    let pivot = pivot(saga);
    let at = pivot.value;
    let classes: Vec<StepClass> = saga
        .steps
        .iter()
        .enumerate()
        .map(|(i, step)| match at {
            Some(p) if i == p => StepClass::Pivot,
            Some(p) if i > p => StepClass::Retriable,
            _ if step.undo.is_some() => StepClass::Compensatable,
            _ => StepClass::Stuck,
        })
        .collect();
    let number = &numbers().saga_step;
    let steps: Vec<SagaStepPlan> = saga
        .steps
        .iter()
        .enumerate()
        .map(|(i, step)| {
            // A retriable step never fails for good, so nothing is taken back after the pivot.
            let done: Vec<usize> = if classes[i] == StepClass::Retriable {
                Vec::new()
            } else {
                (0..i).rev().collect()
            };
            SagaStepPlan {
                class: classes[i],
                deadline: match step.timeout {
                    Some(t) => Figure::set(t.value),
                    None => assumed(Time::s(1).scale(number.value), number),
                },
                undoes: done
                    .iter()
                    .copied()
                    .filter(|&j| saga.steps[j].undo.is_some())
                    .collect(),
                stranded: done
                    .iter()
                    .copied()
                    .filter(|&j| saga.steps[j].undo.is_none())
                    .collect(),
            }
        })
        .collect();
    let deadline = match saga.deadline {
        Some(d) => Figure::set(d.value),
        None => {
            let sum = steps
                .iter()
                .fold(Time::default(), |t, s| t.plus(s.deadline.value));
            Figure::derived(
                sum,
                format!("{} steps, one after the other", steps.len()),
                "derived",
            )
        }
    };
    let style = match saga.style {
        Some(s) => Figure::set(s),
        None if saga.coordinator.is_some() => {
            Figure::derived(SagaStyle::Orchestration, "a coordinator is named", "")
        }
        None => Figure::assumed(
            SagaStyle::Orchestration,
            "more than two participants are hard to follow without one place that knows the state",
            "AzS",
        ),
    };
    let coordinator = match (saga.coordinator, style.value, saga.steps.first()) {
        (Some(c), _, _) => Some(Figure::set(c)),
        (None, SagaStyle::Orchestration, Some(first)) => Some(Figure::assumed(
            first.service,
            "it makes the first step",
            "derived",
        )),
        _ => None,
    };
    SagaPlan {
        slug: slug(&saga.name),
        style,
        coordinator,
        pivot,
        steps,
        deadline,
        engine: &choices.infrastructure.saga_engine,
        engine_limit: &choices.infrastructure.saga_limit,
    }
}

/// The stated pivot; or else the first step without an undo behind the last one with one.
fn pivot(saga: &Saga) -> Figure<Option<usize>> {
    if let Some(i) = saga.steps.iter().position(|s| s.pivot) {
        return Figure::set(Some(i));
    }
    let after = saga
        .steps
        .iter()
        .rposition(|s| s.undo.is_some())
        .map_or(0, |i| i + 1);
    let found = (after < saga.steps.len() && after > 0).then_some(after);
    Figure::assumed(
        found,
        match found {
            Some(_) => "no `pivot` is marked: the first step behind the last one with an `undo`",
            None => "no `pivot` is marked, and no step can be told to be one",
        },
        "AzS",
    )
}
