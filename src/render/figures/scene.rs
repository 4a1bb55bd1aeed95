//! The interaction diagram of a plan: services, actors, brokers, stores and what passes between them.

use super::super::Cx;
use super::super::doc::{Doc, count};
use super::{call_anchor, calls_anchor, section_link, service_link};
use crate::diagram::{Edge, EdgeKind, Group, Labels, Node, NodeKind, Scene};
use crate::model::{self, Party, Section, ServiceId};

/// Most calls whose labels lead to a row each.
const FEW: usize = 12;

/// The scene of the whole design. Nodes and lines link to their sections where `doc` is a page that has
/// some.
pub(super) fn scene(cx: &Cx<'_>, doc: Option<&Doc>) -> Scene {
    let plan = cx.plan;
    let model = plan.model;
    let mut scene = Scene {
        title: format!("Service interactions of {}", model.title),
        description: format!(
            "{}, {}, {}, {}",
            count(model.services.len(), "service"),
            count(model.calls.len(), "synchronous call"),
            count(model.events.len(), "event"),
            count(model.streams.len(), "stream")
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
        labels: match model.labels {
            model::Labels::Auto => Labels::Auto,
            model::Labels::Full => Labels::Full,
            model::Labels::Wrapped => Labels::Wrapped,
            model::Labels::Numbers => Labels::Numbers,
        },
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
            link: service_link(cx, doc, ServiceId(i)),
            ..Node::default()
        });
    }
    // Where there are many, one link leads to the rows of each caller, so that nobody passes through them all.
    let row = |id, caller| match model.calls.len() {
        0..=FEW => call_anchor(id),
        _ => calls_anchor(cx, caller),
    };
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
    // Whoever comes from outside comes through the gateway, if it has a route for them, or through what stands beside
    // it for what it cannot take.
    let routes = &plan.gateway.routes;
    let routed = |s: ServiceId| routes.iter().any(|r| r.service == s);
    let mut door = |id: &str, label: &str, there: bool| {
        there.then(|| {
            scene.nodes.push(Node {
                id: id.to_owned(),
                label: label.to_owned(),
                kind: NodeKind::Gateway,
                link: section_link(cx, doc, Section::Gateway, "gateway-routes"),
                ..Node::default()
            });
            scene.nodes.len() - 1
        })
    };
    let gateway = door(
        "gateway",
        &plan.choices.gateway.name,
        routes.iter().any(|r| r.past.is_none()),
    );
    let streams_by = if plan.choices.gateway.balancer.is_some() {
        door(
            "balancer",
            plan.choices.streams_by().0,
            routes.iter().any(|r| r.past.is_some()),
        )
    } else {
        gateway
    };
    for id in model.call_ids() {
        let c = model.call(id);
        let past = plan.gateway.past.binary_search(&id).is_ok();
        let mut from = node(&mut scene, c.from);
        let door = match c.protocol {
            model::Protocol::Grpc => streams_by,
            _ => gateway,
        };
        if let (Party::Actor(_), Some(gate), true) = (c.from, door, routed(c.to) && !past) {
            scene.edges.push(Edge {
                from,
                to: gate,
                kind: EdgeKind::Sync,
                ..Edge::default()
            });
            from = gate;
        }
        scene.edges.push(Edge {
            from,
            to: c.to.0,
            kind: EdgeKind::Sync,
            soft: c.optional,
            labels: vec![c.label()],
            link: section_link(cx, doc, Section::Sync, &row(id, c.from)),
        });
    }
    // An entry point that no declared call leads into is still entered by somebody.
    for f in &plan.flows {
        let Some(&model::Step::Enter(a, s)) = f.steps.first().and_then(|g| g.first()) else {
            continue;
        };
        let mut from = node(&mut scene, Party::Actor(a));
        let whole = routes.iter().any(|r| r.service == s && r.past.is_none());
        let door = if whole { gateway } else { streams_by };
        if let (Some(gate), true) = (door, routed(s)) {
            scene.edges.push(Edge {
                from,
                to: gate,
                kind: EdgeKind::Sync,
                ..Edge::default()
            });
            from = gate;
        }
        scene.edges.push(Edge {
            from,
            to: s.0,
            kind: EdgeKind::Sync,
            ..Edge::default()
        });
    }
    // A declared actor is drawn even where nothing reaches it.
    for (i, a) in model.actors.iter().enumerate() {
        if a.span.is_some() {
            node(&mut scene, Party::Actor(model::ActorId(i)));
        }
    }
    let topics = section_link(cx, doc, Section::Async, "async-topics");
    let brokers = scene.nodes.len();
    for b in &model.brokers {
        scene.nodes.push(Node {
            id: format!("broker {}", b.name),
            label: b.name.clone(),
            sub: (b.kind.name != b.name).then(|| b.kind.name.clone()),
            kind: NodeKind::Broker,
            link: topics.clone(),
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
                link: topics.clone(),
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
                link: topics.clone(),
                ..Edge::default()
            });
        }
    }
    let streams = section_link(cx, doc, Section::Realtime, "realtime");
    for s in &model.streams {
        let (mut from, to) = (node(&mut scene, s.from), node(&mut scene, s.to));
        let labels = vec![s.label()];
        if let (Party::Service(server), Party::Actor(_), Some(gate)) = (s.from, s.to, streams_by)
            && routed(server)
        {
            scene.edges.push(Edge {
                from,
                to: gate,
                kind: EdgeKind::Realtime,
                labels: labels.clone(),
                link: streams.clone(),
                ..Edge::default()
            });
            from = gate;
        }
        scene.edges.push(Edge {
            from,
            to,
            kind: EdgeKind::Realtime,
            labels,
            link: streams.clone(),
            ..Edge::default()
        });
    }
    let owned = section_link(cx, doc, Section::Consistency, "consistency-ownership");
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
            link: owned.clone(),
            ..Node::default()
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
