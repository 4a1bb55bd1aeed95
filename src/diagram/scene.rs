//! The interaction diagram's input: who talks to whom, and how.

use std::collections::BTreeMap;

/// Services, their surroundings and their interactions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scene {
    /// Short name, read out by a screen reader.
    pub title: String,
    /// One or two sentences that say what the picture shows.
    pub description: String,
    /// Teams or domains; drawn as lanes.
    pub groups: Vec<Group>,
    /// Everything that sends or receives.
    pub nodes: Vec<Node>,
    /// Interactions. Those with the same ends, kind and softness are folded into one line.
    pub edges: Vec<Edge>,
    /// How an SVG words its lines.
    pub labels: Labels,
}

/// How much an SVG says at a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Labels {
    /// As much as leaves the picture readable.
    #[default]
    Auto,
    /// Up to three operations.
    Full,
    /// Up to two operations in narrow lines, and narrow boxes.
    Wrapped,
    /// A number that a key below the picture explains, and narrow boxes.
    Numbers,
}

/// A lane.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Group {
    /// Unique among groups.
    pub id: String,
    /// What the reader sees.
    pub label: String,
}

/// A box.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Node {
    /// Unique among nodes; the order of ids decides every tie of the layout.
    pub id: String,
    /// What the reader sees.
    pub label: String,
    /// A smaller second line, such as the language.
    pub sub: Option<String>,
    /// Decides the shape.
    pub kind: NodeKind,
    /// Index into [`Scene::groups`].
    pub group: Option<usize>,
    /// Where a click leads. Only relative, `http` and `https` addresses are kept.
    pub link: Option<String>,
    /// Whether the picture is about it, as a neighbourhood is about its centre.
    pub focus: bool,
}

/// What marks a box that the picture is about, in words.
pub(super) const FOCUS: &str = "in focus";

/// What a box stands for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum NodeKind {
    /// A service of this design.
    #[default]
    Service,
    /// All services of one team.
    Team,
    /// A system outside of it.
    External,
    /// A person or a client.
    Actor,
    /// An API gateway.
    Gateway,
    /// A broker or a topic.
    Broker,
    /// A database, cache or bucket.
    Store,
}

/// A line with an arrow.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    /// Index of the sender in [`Scene::nodes`].
    pub from: usize,
    /// Index of the receiver; may equal `from`.
    pub to: usize,
    /// Decides line and arrow.
    pub kind: EdgeKind,
    /// `true` if the sender works without the receiver; drawn thinner.
    pub soft: bool,
    /// Operations or events, one a line.
    pub labels: Vec<String>,
    /// Where a click on the label leads.
    pub link: Option<String>,
}

/// How two nodes interact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum EdgeKind {
    /// The caller waits for the answer.
    #[default]
    Sync,
    /// A message; nobody waits.
    Async,
    /// A lasting connection: WebSocket, server-sent events, a stream.
    Realtime,
    /// Reads and writes of a store.
    Store,
}

/// What edges that fold into one have in common.
type Ends = (usize, usize, EdgeKind, bool);

impl NodeKind {
    /// All kinds in the legend's order.
    pub const ALL: [Self; 7] = [
        Self::Service,
        Self::Team,
        Self::External,
        Self::Actor,
        Self::Gateway,
        Self::Broker,
        Self::Store,
    ];

    /// The word for readers.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Team => "team",
            Self::External => "external system",
            Self::Actor => "actor",
            Self::Gateway => "gateway",
            Self::Broker => "broker",
            Self::Store => "store",
        }
    }
}

impl EdgeKind {
    /// All kinds in the legend's order.
    pub const ALL: [Self; 4] = [Self::Sync, Self::Async, Self::Realtime, Self::Store];

    /// The word for readers.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Sync => "synchronous",
            Self::Async => "asynchronous",
            Self::Realtime => "real-time",
            Self::Store => "store access",
        }
    }
}

impl Scene {
    /// The same scene in the order that all outputs use: groups by id, nodes by id, edges by their
    /// ends; parallel edges folded; indices that point nowhere and groups without nodes removed.
    #[must_use]
    pub fn canonical(&self) -> Self {
        let used: Vec<bool> = (0..self.groups.len())
            .map(|g| self.nodes.iter().any(|n| n.group == Some(g)))
            .collect();
        let mut group_order: Vec<usize> = (0..self.groups.len()).filter(|&g| used[g]).collect();
        group_order.sort_by(|&a, &b| self.groups[a].cmp(&self.groups[b]));
        let group_at: BTreeMap<usize, usize> = group_order
            .iter()
            .enumerate()
            .map(|(new, &old)| (old, new))
            .collect();

        let mut nodes: Vec<(Node, usize)> = self
            .nodes
            .iter()
            .enumerate()
            .map(|(old, n)| {
                let group = n.group.and_then(|g| group_at.get(&g).copied());
                (Node { group, ..n.clone() }, old)
            })
            .collect();
        nodes.sort();
        let mut node_at = vec![0; nodes.len()];
        for (new, (_, old)) in nodes.iter().enumerate() {
            node_at[*old] = new;
        }

        let mut folded: BTreeMap<Ends, (Vec<String>, Option<String>)> = BTreeMap::new();
        for e in &self.edges {
            if e.from >= nodes.len() || e.to >= nodes.len() {
                continue;
            }
            let slot = folded
                .entry((node_at[e.from], node_at[e.to], e.kind, e.soft))
                .or_default();
            slot.0.extend(e.labels.iter().cloned());
            // One of several links has to win; the smallest does not depend on the order.
            if e.link.is_some() && (slot.1.is_none() || e.link < slot.1) {
                slot.1.clone_from(&e.link);
            }
        }
        let edges = folded
            .into_iter()
            .map(|((from, to, kind, soft), (mut labels, link))| {
                labels.sort();
                labels.dedup();
                Edge {
                    from,
                    to,
                    kind,
                    soft,
                    labels,
                    link,
                }
            })
            .collect();
        Self {
            title: self.title.clone(),
            description: self.description.clone(),
            groups: group_order
                .iter()
                .map(|&g| self.groups[g].clone())
                .collect(),
            nodes: nodes.into_iter().map(|(n, _)| n).collect(),
            edges,
            labels: self.labels,
        }
    }
}
