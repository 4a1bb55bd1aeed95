//! Pictures of the plan in the form that the page takes: SVG, Mermaid, DOT or text.

use super::Cx;
use super::doc::{Doc, say};
use crate::DiagramForm;
use crate::diagram::layout::Wish;
use crate::diagram::svg::{self, Frame};
use crate::diagram::{
    Edge, EdgeKind, Group, Message, MessageKind, Node, NodeKind, Participant, Scene, Sequence,
    State, StateKind, States, Step, TooLarge, Transition, dot, mermaid, text_form,
};
use crate::model::{self, Party, ServiceId};
use crate::plan::{FlowPlan, StepClass};

/// The form of pictures on this page.
fn form(cx: &Cx<'_>, doc: &Doc) -> DiagramForm {
    match (cx.options.diagram, doc.html()) {
        (None, true) => DiagramForm::Svg,
        (None, false) => DiagramForm::Mermaid,
        (Some(DiagramForm::Svg), false) => DiagramForm::Text,
        (Some(form), _) => form,
    }
}

/// One picture in all the forms it has.
struct Forms<'p> {
    /// Ends the picture's ids.
    name: &'p str,
    title: &'p str,
    svg: &'p dyn Fn(&svg::Options<'_>) -> Result<String, TooLarge>,
    mermaid: &'p dyn Fn() -> String,
    dot: Option<&'p dyn Fn() -> String>,
    text: &'p dyn Fn() -> String,
}

fn show(cx: &Cx<'_>, doc: &mut Doc, forms: &Forms<'_>) {
    match form(cx, doc) {
        DiagramForm::Svg => {
            let scope = doc.id(forms.name);
            let options = svg::Options {
                scope: &scope,
                frame: Frame::Page,
                wish: Wish::default(),
            };
            match (forms.svg)(&options) {
                Ok(picture) => {
                    doc.figure(picture);
                    doc.details(&format!("{} as text", forms.title), |d| {
                        d.code("text", &(forms.text)());
                    });
                }
                Err(why) => {
                    doc.para(say!("The picture is left out: {}. The same as text:", why));
                    doc.code("text", &(forms.text)());
                }
            }
        }
        DiagramForm::Mermaid => doc.code("mermaid", &(forms.mermaid)()),
        DiagramForm::Text => doc.code("text", &(forms.text)()),
        DiagramForm::Dot => match forms.dot {
            Some(dot) => doc.code("dot", &dot()),
            None => doc.code("text", &(forms.text)()),
        },
    }
}

/// Who talks to whom.
pub(super) fn interactions(cx: &Cx<'_>, doc: &mut Doc) {
    let scene = scene(cx, doc);
    show(
        cx,
        doc,
        &Forms {
            name: "picture-interactions",
            title: "The diagram",
            svg: &|o| svg::interactions(&scene, o),
            mermaid: &|| mermaid::interactions(&scene),
            dot: Some(&|| dot::interactions(&scene)),
            text: &|| text_form::interactions(&scene),
        },
    );
}

/// One user journey, message by message.
pub(super) fn flow(cx: &Cx<'_>, doc: &mut Doc, index: usize, flow: &FlowPlan) {
    let sequence = flow_sequence(cx, flow);
    sequence_picture(cx, doc, &format!("picture-flow-{index}"), &sequence);
}

fn sequence_picture(cx: &Cx<'_>, doc: &mut Doc, name: &str, sequence: &Sequence) {
    show(
        cx,
        doc,
        &Forms {
            name,
            title: &sequence.title,
            svg: &|o| svg::sequence(sequence, o),
            mermaid: &|| mermaid::sequence(sequence),
            dot: None,
            text: &|| text_form::sequence(sequence),
        },
    );
}

fn states_picture(cx: &Cx<'_>, doc: &mut Doc, name: &str, states: &States) {
    show(
        cx,
        doc,
        &Forms {
            name,
            title: &states.title,
            svg: &|o| svg::states(states, o),
            mermaid: &|| mermaid::states(states),
            dot: Some(&|| dot::states(states)),
            text: &|| text_form::states(states),
        },
    );
}

fn scene(cx: &Cx<'_>, doc: &Doc) -> Scene {
    let plan = cx.plan;
    let model = plan.model;
    let mut scene = Scene {
        title: format!("Service interactions of {}", model.title),
        description: format!(
            "{} services, {} synchronous calls, {} events, {} streams",
            model.services.len(),
            model.calls.len(),
            model.events.len(),
            model.streams.len()
        ),
        groups: model
            .teams
            .iter()
            .map(|t| Group {
                id: format!("team {}", t.name),
                label: t.name.clone(),
            })
            .collect(),
        nodes: Vec::new(),
        edges: Vec::new(),
    };
    for (i, s) in model.services.iter().enumerate() {
        scene.nodes.push(Node {
            id: format!("service {}", s.name),
            label: s.name.clone(),
            sub: s.language.clone(),
            kind: if s.external {
                NodeKind::External
            } else {
                NodeKind::Service
            },
            group: s.teams.first().map(|t| t.0),
            link: doc
                .html()
                .then(|| format!("#{}", doc.id(&service_anchor(cx, ServiceId(i))))),
        });
    }
    let mut actors = vec![None; model.actors.len()];
    let mut actor = |scene: &mut Scene, id: model::ActorId| -> usize {
        *actors[id.0].get_or_insert_with(|| {
            scene.nodes.push(Node {
                id: format!("actor {}", model.actor(id).name),
                label: model.actor(id).name.clone(),
                kind: NodeKind::Actor,
                ..Node::default()
            });
            scene.nodes.len() - 1
        })
    };
    let mut node = |scene: &mut Scene, party: Party| match party {
        Party::Service(s) => s.0,
        Party::Actor(a) => actor(scene, a),
    };
    for c in &model.calls {
        let from = node(&mut scene, c.from);
        scene.edges.push(Edge {
            from,
            to: c.to.0,
            kind: EdgeKind::Sync,
            soft: c.optional,
            labels: vec![c.label()],
            link: None,
        });
    }
    // An entry point that no declared call leads into is still entered by somebody.
    for f in &plan.flows {
        if let (Some(a), Some(s)) = (f.actor, f.entry) {
            let enters = matches!(
                f.steps.first().and_then(|g| g.first()),
                Some(model::Step::Enter(..))
            );
            if enters {
                let from = node(&mut scene, Party::Actor(a));
                scene.edges.push(Edge {
                    from,
                    to: s.0,
                    kind: EdgeKind::Sync,
                    ..Edge::default()
                });
            }
        }
    }
    // A declared actor is drawn even where nothing reaches it.
    for (i, a) in model.actors.iter().enumerate() {
        if a.span.is_some() {
            node(&mut scene, Party::Actor(model::ActorId(i)));
        }
    }
    let brokers = scene.nodes.len();
    for b in &model.brokers {
        scene.nodes.push(Node {
            id: format!("broker {}", b.name),
            label: b.name.clone(),
            sub: (b.kind.name != b.name).then(|| b.kind.name.clone()),
            kind: NodeKind::Broker,
            ..Node::default()
        });
    }
    for e in &model.events {
        for p in &e.publishers {
            scene.edges.push(Edge {
                from: p.service.0,
                to: brokers + e.broker.0,
                kind: EdgeKind::Async,
                labels: vec![e.name.clone()],
                ..Edge::default()
            });
        }
        for (consumer, _) in &e.consumers {
            let to = node(&mut scene, *consumer);
            scene.edges.push(Edge {
                from: brokers + e.broker.0,
                to,
                kind: EdgeKind::Async,
                labels: vec![e.name.clone()],
                ..Edge::default()
            });
        }
    }
    for s in &model.streams {
        let (from, to) = (node(&mut scene, s.from), node(&mut scene, s.to));
        scene.edges.push(Edge {
            from,
            to,
            kind: EdgeKind::Realtime,
            labels: vec![s.label()],
            ..Edge::default()
        });
    }
    let stores = scene.nodes.len();
    for store in &model.stores {
        // A store stands with the team of its users, if they have one team.
        let mut teams: Vec<_> = store
            .users
            .iter()
            .filter_map(|(s, _)| model.service(*s).teams.first())
            .collect();
        teams.dedup();
        scene.nodes.push(Node {
            id: format!("store {}", store.name),
            label: store.name.clone(),
            sub: (!store.kind.is_empty() && store.kind != store.name).then(|| store.kind.clone()),
            kind: NodeKind::Store,
            group: if teams.len() == 1 {
                Some(teams[0].0)
            } else {
                None
            },
            link: None,
        });
    }
    for (i, store) in model.stores.iter().enumerate() {
        for (user, _) in &store.users {
            scene.edges.push(Edge {
                from: user.0,
                to: stores + i,
                kind: EdgeKind::Store,
                ..Edge::default()
            });
        }
    }
    scene
}

/// The anchor of a service in the services table.
pub(super) fn service_anchor(cx: &Cx<'_>, id: ServiceId) -> String {
    format!("service-{}", cx.plan.service(id).slug)
}

/// Participants by party or broker, in the order in which they first speak.
#[derive(Default)]
struct Cast {
    keys: Vec<String>,
    participants: Vec<Participant>,
}

impl Cast {
    fn add(&mut self, key: String, label: &str, kind: NodeKind) -> usize {
        if let Some(i) = self.keys.iter().position(|k| *k == key) {
            return i;
        }
        self.keys.push(key);
        self.participants.push(Participant {
            label: label.to_owned(),
            kind,
            link: None,
        });
        self.participants.len() - 1
    }

    fn party(&mut self, cx: &Cx<'_>, party: Party) -> usize {
        let name = cx.plan.model.party(party);
        match party {
            Party::Service(s) if cx.plan.model.service(s).external => {
                self.add(format!("s {name}"), name, NodeKind::External)
            }
            Party::Service(_) => self.add(format!("s {name}"), name, NodeKind::Service),
            Party::Actor(_) => self.add(format!("a {name}"), name, NodeKind::Actor),
        }
    }

    fn broker(&mut self, cx: &Cx<'_>, id: model::BrokerId) -> usize {
        let name = &cx.plan.model.broker(id).name;
        self.add(format!("b {name}"), name, NodeKind::Broker)
    }
}

fn flow_sequence(cx: &Cx<'_>, flow: &FlowPlan) -> Sequence {
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

fn message(from: usize, to: usize, label: String, kind: MessageKind) -> Message {
    Message {
        from,
        to,
        label,
        kind,
        ..Message::default()
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

/// The states of a saga.
pub(super) fn saga_states(cx: &Cx<'_>, doc: &mut Doc, index: usize) {
    let (Some(saga), Some(plan)) = (cx.plan.model.sagas.get(index), cx.plan.sagas.get(index))
    else {
        return;
    };
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
    states_picture(cx, doc, &format!("picture-saga-{index}"), &states);
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

/// What happens when step `failed` of a saga fails for good: the steps before it, the failure, and what
/// is taken back, last first.
pub(super) fn saga_failure(cx: &Cx<'_>, doc: &mut Doc, index: usize, failed: usize) {
    let (Some(saga), Some(plan)) = (cx.plan.model.sagas.get(index), cx.plan.sagas.get(index))
    else {
        return;
    };
    let mut cast = Cast::default();
    let lead = plan
        .coordinator
        .as_ref()
        .map(|c| cast.party(cx, Party::Service(c.value)));
    let mut steps = Vec::new();
    let mut tell = |cast: &mut Cast,
                    from: Option<usize>,
                    service: ServiceId,
                    label: &str,
                    undo: bool,
                    fails: bool| {
        let to = cast.party(cx, Party::Service(service));
        steps.push(Step::Message(Message {
            compensation: undo,
            failed: fails,
            ..message(from.unwrap_or(to), to, label.to_owned(), MessageKind::Call)
        }));
        to
    };
    let mut previous = lead;
    for (i, step) in saga.steps.iter().enumerate().take(failed + 1) {
        let to = tell(
            &mut cast,
            previous,
            step.service,
            &step.action,
            false,
            i == failed,
        );
        previous = lead.or(Some(to));
    }
    for &j in plan.steps.get(failed).map_or(&[][..], |s| &s.undoes) {
        if let Some(undo) = &saga.steps[j].undo {
            let to = tell(
                &mut cast,
                previous,
                saga.steps[j].service,
                undo,
                true,
                false,
            );
            previous = lead.or(Some(to));
        }
    }
    let sequence = Sequence {
        title: format!("{}: {} fails", saga.name, saga.steps[failed].action),
        description: format!("step {} of {}", failed + 1, saga.steps.len()),
        participants: cast.participants,
        steps,
    };
    sequence_picture(
        cx,
        doc,
        &format!("picture-saga-{index}-{failed}"),
        &sequence,
    );
}
