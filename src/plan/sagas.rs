//! Sagas: what each step is, and what happens when it fails.

use super::choices::Choices;
use super::figure::Figure;
use super::saga_attempts::{self, Backoff, StepAttempts};
use super::saga_deadlines;
use super::slug::slug;
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
    /// Before the pivot, and changes nothing: it only looks, so there is nothing to take back.
    Reads,
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
            Self::Reads => "changes nothing",
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
    /// How it and its compensation are tried.
    pub attempts: StepAttempts,
    /// Steps that are taken back when this one fails for good, last first: indices into the steps.
    pub undoes: Vec<usize>,
    /// Steps before this one that changed something and that nothing takes back when it fails for good.
    pub stranded: Vec<usize>,
}

/// What goes wrong in a run of a saga; retries are used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SagaFailure {
    /// This step fails.
    Step(usize),
    /// After `step` failed, taking back step `undo` fails as well.
    Undo {
        /// The step that failed first.
        step: usize,
        /// The step that cannot be taken back.
        undo: usize,
    },
}

/// How a run of a saga ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SagaEnd {
    /// Every step is done, perhaps late.
    Committed,
    /// Everything that was changed is taken back.
    Compensated,
    /// Something is done that should not be, and nothing in the saga mends it.
    Stuck,
}

/// The state that a failure leaves behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SagaOutcome {
    /// The kind of end.
    pub end: SagaEnd,
    /// Steps that were taken back, in that order.
    pub undone: Vec<usize>,
    /// Steps whose change is still there, first one first.
    pub standing: Vec<usize>,
    /// Who has to act: services in the order of the steps; empty if nobody has to.
    pub acts: Vec<ServiceId>,
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
    /// When a run has passed its pivot or begun to turn back, at the latest: no later than the deadline, unless
    /// that leaves some step less than a second.
    pub decided: Figure<Time>,
    /// The pauses between attempts of all steps.
    pub backoff: Backoff,
    /// What runs it on this infrastructure.
    pub engine: &'static str,
    /// The engine's limit.
    pub engine_limit: &'static str,
    /// Its longest execution, where there is a limit.
    pub engine_longest: Option<Time>,
}

impl SagaPlan {
    /// Every failure that can end a run: of each step, and of each compensation that follows it.
    ///
    /// At most n + n(n−1)/2 for n steps.
    pub fn failures(&self) -> impl Iterator<Item = SagaFailure> + '_ {
        self.steps.iter().enumerate().flat_map(|(step, plan)| {
            let undo = plan.undoes.iter().copied();
            std::iter::once(SagaFailure::Step(step))
                .chain(undo.map(move |undo| SagaFailure::Undo { step, undo }))
        })
    }

    /// What `failure` leaves behind in `saga`, whose plan this is.
    ///
    /// Compensations run in reverse order, and one that fails holds up those before it: they may need
    /// what it would have taken back.
    #[must_use]
    pub fn outcome(&self, saga: &Saga, failure: SagaFailure) -> SagaOutcome {
        let (SagaFailure::Step(step) | SagaFailure::Undo { step, .. }) = failure;
        let owner = |i: &usize| saga.steps.get(*i).map(|s| s.service);
        let Some(plan) = self.steps.get(step) else {
            return SagaOutcome {
                end: SagaEnd::Committed,
                undone: Vec::new(),
                standing: Vec::new(),
                acts: Vec::new(),
            };
        };
        if plan.class == StepClass::Retriable {
            return SagaOutcome {
                end: SagaEnd::Committed,
                undone: Vec::new(),
                standing: (0..self.steps.len())
                    .filter(|i| self.steps[*i].class != StepClass::Reads)
                    .collect(),
                acts: owner(&step).into_iter().collect(),
            };
        }
        let ran = match failure {
            SagaFailure::Step(_) => plan.undoes.len(),
            SagaFailure::Undo { undo, .. } => {
                let at = plan.undoes.iter().position(|u| *u == undo);
                at.unwrap_or(plan.undoes.len())
            }
        };
        let (undone, waiting) = plan.undoes.split_at(ran);
        let mut standing: Vec<usize> = plan.stranded.iter().chain(waiting).copied().collect();
        standing.sort_unstable();
        let mut acts: Vec<ServiceId> = Vec::new();
        // One compensation holds up the others, so its owner acts first, and alone if that is all.
        let to_mend = waiting.first().into_iter().chain(&plan.stranded);
        for service in to_mend.filter_map(owner) {
            if !acts.contains(&service) {
                acts.push(service);
            }
        }
        SagaOutcome {
            end: if standing.is_empty() {
                SagaEnd::Compensated
            } else {
                SagaEnd::Stuck
            },
            undone: undone.to_vec(),
            standing,
            acts,
        }
    }
}

/// Verbs of steps that only look; a step whose action begins with one changes nothing.
const LOOKS: [&str; 17] = [
    "check",
    "verify",
    "validate",
    "confirm",
    "read",
    "get",
    "look",
    "find",
    "quote",
    "estimate",
    "screen",
    "list",
    "fetch",
    "calculate",
    "price",
    "load",
    "search",
];

/// Whether a step of this name changes nothing.
fn looks(action: &str) -> bool {
    let word = action.split_whitespace().next().unwrap_or_default();
    LOOKS.iter().any(|l| l.eq_ignore_ascii_case(word))
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
            _ if looks(&step.action) => StepClass::Reads,
            _ => StepClass::Stuck,
        })
        .collect();
    let backoff = Backoff::default();
    let most = choices
        .infrastructure
        .saga_history
        .map(|events| saga_attempts::most(events, saga, &classes));
    let steps: Vec<SagaStepPlan> = saga
        .steps
        .iter()
        .zip(saga_deadlines::steps(saga))
        .enumerate()
        .map(|(i, (step, time))| {
            // A retriable step never fails for good, so nothing is taken back after the pivot.
            let done: Vec<usize> = if classes[i] == StepClass::Retriable {
                Vec::new()
            } else {
                (0..i).rev().collect()
            };
            SagaStepPlan {
                class: classes[i],
                attempts: saga_attempts::of(
                    step,
                    classes[i],
                    (time.share, &time.cut),
                    &backoff,
                    most,
                ),
                deadline: time.deadline,
                undoes: done
                    .iter()
                    .copied()
                    .filter(|&j| saga.steps[j].undo.is_some())
                    .collect(),
                stranded: done
                    .iter()
                    .copied()
                    .filter(|&j| classes[j] == StepClass::Stuck)
                    .collect(),
            }
        })
        .collect();
    let deadline = saga_deadlines::whole(saga, steps.iter().map(|s| s.deadline.value));
    let decided = saga_deadlines::decided(steps.iter().map(|s| &s.attempts), &backoff);
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
        decided,
        backoff,
        engine: &choices.infrastructure.saga_engine,
        engine_limit: &choices.infrastructure.saga_limit,
        engine_longest: choices
            .infrastructure
            .saga_longest_d
            .map(|d| Time::h(24).times(d)),
    }
}

/// The stated pivot; or else the first step without an undo behind the last one with one; or else the
/// only step that changes anything.
fn pivot(saga: &Saga) -> Figure<Option<usize>> {
    if let Some(i) = saga.steps.iter().position(|s| s.pivot) {
        return Figure::set(Some(i));
    }
    let after = saga
        .steps
        .iter()
        .rposition(|s| s.undo.is_some())
        .map_or(0, |i| i + 1);
    let mut changing = (0..saga.steps.len()).filter(|i| !looks(&saga.steps[*i].action));
    let only = changing.next().filter(|_| changing.next().is_none());
    let found = match after {
        0 => only,
        _ => Some(after).filter(|i| *i < saga.steps.len()),
    };
    Figure::assumed(
        found,
        match found {
            Some(_) if after == 0 => "no `pivot` is marked: the only step that changes anything",
            Some(_) => "no `pivot` is marked: the first step behind the last one with an `undo`",
            None => "no `pivot` is marked, and no step can be told to be one",
        },
        "AzS",
    )
}
