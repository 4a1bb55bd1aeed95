//! The sequence of a flow.

use super::super::Cx;
use super::super::doc::Doc;
use super::cast::{Cast, message};
use super::show;
use crate::diagram::{Message, MessageKind, Picture, Sequence, Step};
use crate::model::{self, Party};
use crate::plan::FlowPlan;

/// One user journey, message by message.
pub(in super::super) fn flow(cx: &Cx<'_>, doc: &mut Doc, index: usize, flow: &FlowPlan) {
    let picture = Picture::Sequence(sequence(cx, flow));
    show(cx, doc, &format!("picture-flow-{index}"), &picture);
}

/// The messages of a flow.
pub(super) fn sequence(cx: &Cx<'_>, flow: &FlowPlan) -> Sequence {
    let mut cast = Cast::default();
    let mut steps = Vec::new();
    for group in &flow.steps {
        let mut branches: Vec<Vec<Step>> =
            group.iter().map(|s| messages(cx, &mut cast, *s)).collect();
        match branches.len() {
            1 => steps.append(&mut branches[0]),
            _ => steps.push(Step::par(branches)),
        }
    }
    Sequence {
        title: flow.name.clone(),
        description: format!("{} steps", flow.steps.len()),
        participants: cast.participants,
        steps,
    }
}

fn messages(cx: &Cx<'_>, cast: &mut Cast, step: model::Step) -> Vec<Step> {
    let plan = cx.plan;
    let model = plan.model;
    match step {
        model::Step::Enter(actor, service) => {
            let from = cast.party(cx, Party::Actor(actor));
            let to = cast.party(cx, Party::Service(service));
            vec![Step::Message(message(
                from,
                to,
                "request".to_owned(),
                MessageKind::Call,
            ))]
        }
        model::Step::Call(id) => {
            let c = model.call(id);
            let p = plan.call(id);
            let from = cast.party(cx, c.from);
            let to = cast.party(cx, Party::Service(c.to));
            let note = if p.attempts.value > 1 {
                format!("{} × {}", p.attempts.value, p.timeout.value)
            } else {
                format!("≤ {}", p.timeout.value)
            };
            vec![Step::Message(Message {
                note: Some(note),
                ..message(from, to, c.label(), MessageKind::Call)
            })]
        }
        model::Step::Publish(service, event) => {
            let e = model.event(event);
            let from = cast.party(cx, Party::Service(service));
            let broker = cast.broker(cx, e.broker);
            let mut out = vec![Step::Message(message(
                from,
                broker,
                e.name.clone(),
                MessageKind::Event,
            ))];
            for (consumer, _) in &e.consumers {
                let to = cast.party(cx, *consumer);
                out.push(Step::Message(message(
                    broker,
                    to,
                    e.name.clone(),
                    MessageKind::Event,
                )));
            }
            out
        }
        model::Step::Handle(event, party) => {
            let to = cast.party(cx, party);
            vec![Step::Note {
                over: vec![to],
                text: format!("handles {}", model.event(event).name),
            }]
        }
        model::Step::Push(id) => {
            let s = model.stream(id);
            let (from, to) = (cast.party(cx, s.from), cast.party(cx, s.to));
            vec![Step::Message(message(
                from,
                to,
                s.label(),
                MessageKind::Stream,
            ))]
        }
    }
}
