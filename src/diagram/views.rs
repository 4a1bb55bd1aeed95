//! Smaller pictures of a scene that is too large to be read: its groups, and what is around some nodes.

use super::scene::{Edge, EdgeKind, Node, NodeKind, Scene};
use std::collections::{BTreeMap, BTreeSet};

/// Most boxes that one picture shows readably.
pub const READABLE_NODES: usize = 60;
/// Most lines, after folding, that one picture shows readably.
pub const READABLE_EDGES: usize = 120;

/// Whether the scene, in [canonical](Scene::canonical) form, is small enough to be read in one picture.
#[must_use]
pub fn is_readable(scene: &Scene) -> bool {
    scene.nodes.len() <= READABLE_NODES && scene.edges.len() <= READABLE_EDGES
}

/// The scene with one node for each group, and how much passes between them on the edges. What is in no group
/// becomes one node for each kind; brokers and stores are left out, and a message leads from its publisher's
/// node to that of its consumer. `None` if there are fewer than two groups: such a picture says nothing.
#[must_use]
pub fn overview(scene: &Scene) -> Option<Scene> {
    let used: BTreeSet<usize> = scene.nodes.iter().filter_map(|n| n.group).collect();
    if used.len() < 2 {
        return None;
    }
    let mut parts: BTreeMap<(bool, String), (Node, usize, usize)> = BTreeMap::new();
    let part_of = |n: &Node| -> Option<(bool, String)> {
        if hidden(n) {
            return None;
        }
        let group = n.group.and_then(|g| scene.groups.get(g));
        Some(match group {
            Some(g) => (true, g.id.clone()),
            None => (false, n.kind.word().to_owned()),
        })
    };
    let keys: Vec<Option<(bool, String)>> = scene.nodes.iter().map(part_of).collect();
    for (n, key) in scene.nodes.iter().zip(&keys) {
        let Some(key) = key else { continue };
        let group = n.group.and_then(|g| scene.groups.get(g));
        let part = parts.entry(key.clone()).or_insert_with(|| {
            let node = match group {
                Some(g) => Node {
                    id: g.id.clone(),
                    label: g.label.clone(),
                    kind: NodeKind::Team,
                    ..Node::default()
                },
                None => Node {
                    id: format!("every {}", n.kind.word()),
                    label: match n.kind {
                        NodeKind::Service => "in no team".to_owned(),
                        kind => format!("{}s", kind.word()),
                    },
                    kind: n.kind,
                    ..Node::default()
                },
            };
            (node, 0, 0)
        });
        part.1 += 1;
    }
    let at: BTreeMap<(bool, String), usize> = parts
        .keys()
        .cloned()
        .enumerate()
        .map(|(i, k)| (k, i))
        .collect();
    let index = |v: usize| keys.get(v)?.as_ref().and_then(|k| at.get(k)).copied();

    // What passes between two parts, by kind; a message counts once for each pair of its ends.
    let mut counts: BTreeMap<(usize, usize, EdgeKind), usize> = BTreeMap::new();
    let mut inside: BTreeMap<usize, usize> = BTreeMap::new();
    let mut count = |from: usize, to: usize, kind: EdgeKind, n: usize| {
        if from == to {
            *inside.entry(from).or_default() += n;
        } else {
            *counts.entry((from, to, kind)).or_default() += n;
        }
    };
    for e in &scene.edges {
        if let (Some(from), Some(to)) = (index(e.from), index(e.to)) {
            count(from, to, e.kind, e.labels.len().max(1));
        }
    }
    // Parts first, so that an event with many publishers and many readers is no product of the two.
    for (publishers, consumers) in topics(scene).into_values() {
        let ends = |all: &[usize]| {
            all.iter()
                .filter_map(|&v| index(v))
                .collect::<BTreeSet<_>>()
        };
        let (from, to) = (ends(&publishers), ends(&consumers));
        for &f in &from {
            for &t in &to {
                count(f, t, EdgeKind::Async, 1);
            }
        }
    }
    for (i, part) in parts.values_mut().enumerate() {
        part.2 = inside.get(&i).copied().unwrap_or_default();
    }
    let nodes = parts
        .into_iter()
        .map(|((grouped, _), (node, members, inside))| {
            // Alone in no group: the node stands for itself.
            if let (false, 1) = (grouped, members) {
                let lone = |n: &&Node| n.group.is_none() && n.kind == node.kind;
                return scene.nodes.iter().find(lone).cloned().unwrap_or(node);
            }
            let what = match node.kind {
                NodeKind::Service | NodeKind::Team => plural(members, "service"),
                _ => plural(members, "of them"),
            };
            let sub = if inside == 0 {
                what
            } else {
                format!("{what}, {inside} inside")
            };
            Node {
                sub: Some(sub),
                ..node
            }
        });
    Some(Scene {
        title: format!("{}: the teams", scene.title),
        description: "One box a team; the lines count what passes between them.".to_owned(),
        groups: Vec::new(),
        labels: scene.labels,
        nodes: nodes.collect(),
        edges: counts
            .into_iter()
            .map(|((from, to, kind), n)| Edge {
                from,
                to,
                kind,
                labels: vec![match kind {
                    EdgeKind::Sync => plural(n, "call"),
                    EdgeKind::Async => plural(n, "event"),
                    EdgeKind::Realtime => plural(n, "stream"),
                    EdgeKind::Store => plural(n, "store access"),
                }],
                ..Edge::default()
            })
            .collect(),
    })
}

fn plural(n: usize, one: &str) -> String {
    match one {
        "of them" => n.to_string(),
        _ if n == 1 => format!("1 {one}"),
        _ if one.ends_with('s') => format!("{n} {one}es"),
        _ => format!("{n} {one}s"),
    }
}

/// What an overview leaves out.
fn hidden(n: &Node) -> bool {
    matches!(n.kind, NodeKind::Broker | NodeKind::Store)
}

/// By broker and message: who sends it and who gets it.
type Topics<'s> = BTreeMap<(usize, &'s str), (Vec<usize>, Vec<usize>)>;

fn topics(scene: &Scene) -> Topics<'_> {
    let broker = |v: usize| {
        scene
            .nodes
            .get(v)
            .is_some_and(|n| n.kind == NodeKind::Broker)
    };
    let mut all = Topics::new();
    for e in &scene.edges {
        for label in &e.labels {
            if broker(e.to) {
                all.entry((e.to, label)).or_default().0.push(e.from);
            }
            if broker(e.from) {
                all.entry((e.from, label)).or_default().1.push(e.to);
            }
        }
    }
    all
}

/// The part of the scene around the nodes `centre`: what they exchange, with whom, and who shares their
/// stores. A message is followed through its broker to its other end.
#[must_use]
pub fn neighbourhood(scene: &Scene, centre: &BTreeSet<usize>, title: &str) -> Scene {
    let kind = |v: usize| scene.nodes.get(v).map(|n| n.kind);
    let inside = |v: usize| centre.contains(&v);
    let (mut sent, mut read) = (BTreeSet::new(), BTreeSet::new());
    let mut stores = BTreeSet::new();
    for e in &scene.edges {
        if inside(e.from) && kind(e.to) == Some(NodeKind::Store) {
            stores.insert(e.to);
        }
        for label in &e.labels {
            if inside(e.from) && kind(e.to) == Some(NodeKind::Broker) {
                sent.insert((e.to, label.as_str()));
            }
            if inside(e.to) && kind(e.from) == Some(NodeKind::Broker) {
                read.insert((e.from, label.as_str()));
            }
        }
    }
    let mut edges: Vec<Edge> = Vec::new();
    for e in &scene.edges {
        if inside(e.from) || inside(e.to) || stores.contains(&e.to) {
            edges.push(e.clone());
            continue;
        }
        // The far ends of messages that pass through a broker.
        let mut far = e.clone();
        far.labels
            .retain(|l| read.contains(&(e.to, l.as_str())) || sent.contains(&(e.from, l.as_str())));
        if !far.labels.is_empty() {
            edges.push(far);
        }
    }
    let mut kept: BTreeSet<usize> = centre
        .iter()
        .copied()
        .filter(|&v| v < scene.nodes.len())
        .collect();
    kept.extend(
        edges
            .iter()
            .flat_map(|e| [e.from, e.to])
            .filter(|&v| v < scene.nodes.len()),
    );
    let at: BTreeMap<usize, usize> = kept
        .iter()
        .enumerate()
        .map(|(new, &old)| (old, new))
        .collect();
    edges.retain_mut(|e| {
        let (Some(&from), Some(&to)) = (at.get(&e.from), at.get(&e.to)) else {
            return false;
        };
        (e.from, e.to) = (from, to);
        true
    });
    Scene {
        title: title.to_owned(),
        description: format!("{title} and everything that exchanges something with it."),
        groups: scene.groups.clone(),
        nodes: kept
            .iter()
            .filter_map(|&v| {
                let node = scene.nodes.get(v)?.clone();
                let focus = inside(v);
                Some(Node { focus, ..node })
            })
            .collect(),
        edges,
        labels: scene.labels,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagram::Group;

    /// Team one: a, b with a store; team two: c, d; a broker without a team.
    fn scene() -> Scene {
        let node = |id: &str, group, kind| Node {
            id: id.to_owned(),
            label: id.to_owned(),
            group,
            kind,
            ..Node::default()
        };
        let edge = |from, to, kind, label: &str| Edge {
            from,
            to,
            kind,
            labels: vec![label.to_owned()],
            ..Edge::default()
        };
        let group = |id: &str| Group {
            id: format!("team {id}"),
            label: id.to_owned(),
        };
        Scene {
            title: "t".to_owned(),
            groups: vec![group("one"), group("two")],
            nodes: vec![
                node("a", Some(0), NodeKind::Service),
                node("b", Some(0), NodeKind::Service),
                node("c", Some(1), NodeKind::Service),
                node("d", Some(1), NodeKind::Service),
                node("kafka", None, NodeKind::Broker),
                node("client", None, NodeKind::Actor),
                node("db", Some(0), NodeKind::Store),
            ],
            edges: vec![
                edge(0, 1, EdgeKind::Sync, "inner"),
                edge(0, 2, EdgeKind::Sync, "x"),
                edge(1, 2, EdgeKind::Sync, "y"),
                edge(0, 4, EdgeKind::Async, "placed"),
                edge(4, 2, EdgeKind::Async, "placed"),
                edge(4, 3, EdgeKind::Async, "placed"),
                edge(1, 4, EdgeKind::Async, "unread"),
                edge(5, 0, EdgeKind::Sync, "GET /"),
                edge(0, 6, EdgeKind::Store, "rows"),
                edge(1, 6, EdgeKind::Store, "rows"),
            ],
            ..Scene::default()
        }
    }

    #[test]
    fn teams_are_counted_and_brokers_looked_through() {
        let view = overview(&scene()).unwrap_or_default();
        let name = |v: usize| view.nodes[v].label.as_str();
        let mut lines: Vec<String> = view
            .edges
            .iter()
            .map(|e| format!("{} {} {}", name(e.from), e.labels[0], name(e.to)))
            .collect();
        lines.sort();
        assert_eq!(
            lines,
            ["client 1 call one", "one 1 event two", "one 2 calls two"]
        );
        let one = view.nodes.iter().find(|n| n.label == "one");
        assert_eq!(one.map(|n| n.kind), Some(NodeKind::Team));
        assert_eq!(
            one.and_then(|n| n.sub.as_deref()),
            Some("2 services, 1 inside")
        );
        let mut lone = scene();
        for n in &mut lone.nodes {
            n.group = n.group.map(|_| 0);
        }
        assert_eq!(overview(&lone), None);
    }

    #[test]
    fn a_neighbourhood_follows_messages_and_shared_stores() {
        let names = |centre: usize| {
            let view = neighbourhood(&scene(), &BTreeSet::from([centre]), "n");
            let mut names: Vec<String> = view.nodes.iter().map(|n| n.label.clone()).collect();
            names.sort();
            let of = view.nodes.iter().filter(|n| n.focus);
            let of: Vec<&str> = of.map(|n| n.label.as_str()).collect();
            assert_eq!(of, [scene().nodes[centre].label.as_str()]);
            (names.join(" "), view.edges.len())
        };
        // d reads what a publishes, and c reads it too but is nothing to d.
        assert_eq!(names(3), ("a d kafka".to_owned(), 2));
        // a: all but what b alone publishes.
        assert_eq!(names(0), ("a b c client d db kafka".to_owned(), 8));
    }
}
