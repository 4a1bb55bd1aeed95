//! The states of a saga, and the sequence of each of its failures.

use super::super::Cx;
use super::super::doc::Doc;
use super::cast::{Cast, message};
use super::show;
use crate::diagram::{
    Message, MessageKind, Picture, Sequence, State, StateKind, States, Step, Transition,
};
use crate::model::{Party, ServiceId};
use crate::plan::{SagaFailure, StepClass};

/// The states of a saga.
pub(in super::super) fn saga_states(cx: &Cx<'_>, doc: &mut Doc, index: usize) {
    if let Some(states) = states(cx, index) {
        let name = format!("picture-saga-{index}");
        show(cx, doc, &name, &Picture::States(states));
    }
}

/// The states of saga `index`, if there is one.
pub(super) fn states(cx: &Cx<'_>, index: usize) -> Option<States> {
    let saga = cx.plan.model.sagas.get(index)?;
    let plan = cx.plan.sagas.get(index)?;
    let mut states = States {
        title: format!("States of {}", saga.name),
        description: format!("{} steps", saga.steps.len()),
        states: vec![state("started", StateKind::Start)],
        transitions: Vec::new(),
    };
    let last = saga.steps.len().saturating_sub(1);
    for (i, step) in saga.steps.iter().enumerate() {
        let kind = if i == last {
            StateKind::End
        } else {
            StateKind::Normal
        };
        states
            .states
            .push(state(&format!("{}. {} done", i + 1, step.action), kind));
        states.transitions.push(Transition {
            from: i,
            to: i + 1,
            label: saga_actor(cx, step.service),
        });
    }
    let mut undone = None;
    for (i, step) in plan.steps.iter().enumerate() {
        match step.class {
            StepClass::Retriable => states.transitions.push(Transition {
                from: i,
                to: i,
                label: "repeated until done".to_owned(),
            }),
            _ if i == 0 || step.stranded.is_empty() => {
                let end = *undone.get_or_insert_with(|| {
                    states.states.push(state("taken back", StateKind::Failed));
                    states.states.len() - 1
                });
                let undo: Vec<String> = step
                    .undoes
                    .iter()
                    .filter_map(|&j| saga.steps[j].undo.clone())
                    .collect();
                states.transitions.push(Transition {
                    from: i,
                    to: end,
                    label: if undo.is_empty() {
                        format!("{} fails", saga.steps[i].action)
                    } else {
                        format!("{} fails: {}", saga.steps[i].action, undo.join(", "))
                    },
                });
            }
            _ => {
                states.states.push(state(
                    &format!("stuck after {}", saga.steps[i].action),
                    StateKind::Failed,
                ));
                let to = states.states.len() - 1;
                states.transitions.push(Transition {
                    from: i,
                    to,
                    label: format!("{} fails", saga.steps[i].action),
                });
            }
        }
    }
    Some(states)
}

fn saga_actor(cx: &Cx<'_>, id: ServiceId) -> String {
    cx.plan.model.service(id).name.clone()
}

fn state(label: &str, kind: StateKind) -> State {
    State {
        label: label.to_owned(),
        kind,
    }
}

/// What happens in a failure: the steps before it, the failure, and what is taken back, last first, until
/// a compensation fails as well.
pub(in super::super) fn saga_failure(
    cx: &Cx<'_>,
    doc: &mut Doc,
    index: usize,
    failed: SagaFailure,
) {
    if let Some(sequence) = failure(cx, Some(doc), index, failed) {
        let name = match failed {
            SagaFailure::Step(i) => format!("picture-saga-{index}-{i}"),
            SagaFailure::Undo { step, undo } => format!("picture-saga-{index}-{step}-{undo}"),
        };
        show(cx, doc, &name, &Picture::Sequence(sequence));
    }
}

/// The messages of saga `index` in a failure, if there is such.
pub(super) fn failure(
    cx: &Cx<'_>,
    doc: Option<&Doc>,
    index: usize,
    failed: SagaFailure,
) -> Option<Sequence> {
    let saga = cx.plan.model.sagas.get(index)?;
    let plan = cx.plan.sagas.get(index)?;
    let (step, broken) = match failed {
        SagaFailure::Step(step) => (step, None),
        SagaFailure::Undo { step, undo } => (step, Some(undo)),
    };
    let action = &saga.steps.get(step)?.action;
    let mut cast = Cast::new(cx, doc);
    let lead = plan
        .coordinator
        .as_ref()
        .map(|c| cast.party(Party::Service(c.value)));
    let mut steps = Vec::new();
    let mut previous = lead;
    let mut tell = |i: usize, label: &str, undo: bool, fails: bool| {
        let to = cast.party(Party::Service(saga.steps[i].service));
        steps.push(Step::Message(Message {
            compensation: undo,
            failed: fails,
            ..message(
                previous.unwrap_or(to),
                to,
                label.to_owned(),
                MessageKind::Call,
            )
        }));
        previous = lead.or(Some(to));
    };
    for (i, s) in saga.steps.iter().enumerate().take(step + 1) {
        tell(i, &s.action, false, i == step);
    }
    let undone = plan.outcome(saga, failed).undone;
    for (j, fails) in undone
        .iter()
        .map(|j| (*j, false))
        .chain(broken.map(|j| (j, true)))
    {
        if let Some(undo) = &saga.steps[j].undo {
            tell(j, undo, true, fails);
        }
    }
    let undo = broken.and_then(|j| saga.steps.get(j)?.undo.as_deref());
    Some(Sequence {
        title: match undo {
            Some(undo) => format!("{}: {action} fails, then {undo} fails", saga.name),
            None => format!("{}: {action} fails", saga.name),
        },
        description: format!("step {} of {}", step + 1, saga.steps.len()),
        participants: cast.participants,
        steps,
    })
}
