//! The states of a saga, and the sequence of each of its failures.

use super::super::Cx;
use super::super::doc::{Doc, count};
use super::cast::{Cast, message};
use super::show;
use crate::diagram::{
    Branch, FrameKind, Message, MessageKind, Picture, Sequence, State, StateKind, States, Step,
    Transition,
};
use crate::model::units::Time;
use crate::model::{Party, Saga, ServiceId};
use crate::plan::{Lead, Links, SagaFailure, StepClass};

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
        description: count(saga.steps.len(), "step"),
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
            label: match plan.steps.get(i) {
                Some(p) => format!("{}, ≤ {}", saga_actor(cx, step.service), p.deadline.value),
                None => saga_actor(cx, step.service),
            },
        });
    }
    let mut undone = None;
    for (i, step) in plan.steps.iter().enumerate() {
        match step.class {
            StepClass::Retriable => states.transitions.push(Transition {
                from: i,
                to: i,
                label: format!("{} fails: tried again until done", saga.steps[i].action),
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

/// The messages of saga `index` when all goes well, if there is such a saga.
pub(super) fn success(cx: &Cx<'_>, index: usize) -> Option<Sequence> {
    let saga = cx.plan.model.sagas.get(index)?;
    let plan = cx.plan.sagas.get(index)?;
    let mut tale = Tale {
        cast: Cast::new(cx, None),
        lead: None,
        previous: None,
        kind: MessageKind::Event,
    };
    let lead = plan.coordinator.as_ref();
    tale.lead = lead.map(|c| tale.cast.party(Party::Service(c.value)));
    let links = Links::new(cx.plan);
    let mut steps = Vec::new();
    for (i, (s, limit)) in saga.steps.iter().zip(&plan.steps).enumerate() {
        tale.come(cx, &links, saga, i);
        steps.extend(tale.step(s.service, &s.action, Some(limit.deadline.value), false));
    }
    Some(Sequence {
        title: saga.name.clone(),
        description: format!("All {} steps succeed", saga.steps.len()),
        participants: tale.cast.participants,
        steps,
    })
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
    let limits = plan.steps.get(step)?;
    let outcome = plan.outcome(saga, failed);
    let mut tale = Tale {
        cast: Cast::new(cx, doc),
        lead: None,
        previous: None,
        kind: MessageKind::Event,
    };
    let links = Links::new(cx.plan);
    let mut steps = Vec::new();
    tale.lead = plan
        .coordinator
        .as_ref()
        .map(|c| tale.cast.party(Party::Service(c.value)));
    if let Some(lead) = tale.lead {
        steps.push(Step::Message(Message {
            note: Some(format!("≤ {} in all", plan.deadline.value)),
            limit_ms: Some(plan.deadline.value.as_ms()),
            ..message(lead, lead, saga.name.clone(), MessageKind::Call)
        }));
    }
    for (i, (s, limit)) in saga.steps.iter().zip(&plan.steps).take(step).enumerate() {
        tale.come(cx, &links, saga, i);
        steps.extend(tale.step(s.service, &s.action, Some(limit.deadline.value), false));
    }
    if let Some(s) = saga.steps.get(step) {
        tale.come(cx, &links, saga, step);
        steps.extend(tale.failure(s.service, action, Some(limits.deadline.value), false));
    }
    let undo = |j: usize| {
        saga.steps
            .get(j)
            .and_then(|s| Some((s.service, s.undo.as_ref()?)))
    };
    tale.kind = MessageKind::Event;
    let mut undone = Vec::new();
    for (service, undo) in outcome.undone.iter().filter_map(|j| undo(*j)) {
        undone.extend(tale.step(service, undo, None, true));
    }
    if let Some((service, undo)) = broken.and_then(undo) {
        undone.extend(tale.failure(service, undo, None, true));
    }
    if !undone.is_empty() {
        steps.push(Step::Frame {
            kind: FrameKind::Compensate,
            branches: vec![Branch {
                title: "last first".to_owned(),
                steps: undone,
            }],
        });
    }
    for s in outcome.standing.iter().filter_map(|j| saga.steps.get(*j)) {
        let over = tale.cast.party(Party::Service(s.service));
        steps.push(Step::Note {
            over: vec![over],
            text: format!("{}: stays as it is", s.action),
        });
    }
    if let Some(lead) = tale.lead {
        let done = message(lead, lead, String::new(), MessageKind::Reply);
        steps.push(Step::Message(done));
    }
    Some(Sequence {
        title: match broken.and_then(undo) {
            Some((_, undo)) => format!("{}: {action} fails, then {undo} fails", saga.name),
            None => format!("{}: {action} fails", saga.name),
        },
        description: format!(
            "Step {} of {} fails for good; {} taken back, {} stay",
            step.saturating_add(1),
            saga.steps.len(),
            outcome.undone.len(),
            outcome.standing.len()
        ),
        participants: tale.cast.participants,
        steps,
    })
}

/// A saga as it is told: by its coordinator, or from one participant to the next.
struct Tale<'c> {
    cast: Cast<'c>,
    lead: Option<usize>,
    previous: Option<usize>,
    /// Of the next message where nobody leads.
    kind: MessageKind,
}

impl Tale<'_> {
    /// From whom the next message comes where nobody leads: step `i` follows what the step table says it is reached by.
    fn come(&mut self, cx: &Cx<'_>, links: &Links<'_, '_>, saga: &Saga, i: usize) {
        if self.lead.is_some() {
            return;
        }
        let (model, to) = (cx.plan.model, saga.steps[i].service);
        let before = i.checked_sub(1).map_or(to, |last| saga.steps[last].service);
        let (from, kind) = match links.lead(saga, i).map(|hop| (hop.from, hop.by)) {
            Some((from, Lead::Event(_))) => (from, MessageKind::Event),
            Some((from, Lead::Call(_))) => (from, MessageKind::Call),
            None => {
                // It finds in a store what the step before has left there.
                let stores = &model.service(before).stores;
                let shared = model.service(to).stores.iter().any(|s| stores.contains(s));
                (if shared { to } else { before }, MessageKind::Event)
            }
        };
        self.previous = Some(self.cast.party(Party::Service(from)));
        self.kind = kind;
    }

    /// A step to `service` without its answer: sender, receiver and message. A coordinator waits for
    /// answers, at most for `limit`; without one, everybody reacts to events.
    fn send(
        &mut self,
        service: ServiceId,
        label: &str,
        limit: Option<Time>,
        compensation: bool,
    ) -> Message {
        let to = self.cast.party(Party::Service(service));
        let from = self.lead.or(self.previous).unwrap_or(to);
        self.previous = Some(to);
        // What a service does of itself is no event.
        let kind = if self.lead.is_some() || from == to {
            MessageKind::Call
        } else {
            self.kind
        };
        let limit = limit.filter(|_| self.lead.is_some());
        Message {
            note: limit.map(|l| format!("≤ {l}")),
            limit_ms: limit.map(|l| l.as_ms()),
            compensation,
            ..message(from, to, label.to_owned(), kind)
        }
    }

    fn step(
        &mut self,
        service: ServiceId,
        label: &str,
        limit: Option<Time>,
        compensation: bool,
    ) -> Vec<Step> {
        let sent = self.send(service, label, limit, compensation);
        let reply = (sent.kind == MessageKind::Call)
            .then(|| message(sent.to, sent.from, String::new(), MessageKind::Reply));
        let all = [Some(sent), reply];
        all.into_iter().flatten().map(Step::Message).collect()
    }

    fn failure(
        &mut self,
        service: ServiceId,
        label: &str,
        limit: Option<Time>,
        compensation: bool,
    ) -> Vec<Step> {
        let sent = Message {
            failed: true,
            ..self.send(service, label, limit, compensation)
        };
        let reply = (sent.kind == MessageKind::Call).then(|| Message {
            failed: true,
            ..message(
                sent.to,
                sent.from,
                "fails for good".to_owned(),
                MessageKind::Reply,
            )
        });
        let all = [Some(sent), reply];
        all.into_iter().flatten().map(Step::Message).collect()
    }
}
