//! How services hang together: the longest chain, circles, hubs, what everything passes through, and
//! which teams must agree to the change of a contract.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::graph::Graph;
use super::ownership::Contract;
use super::services::ServicePlan;
use crate::model::{EventId, Model, Party, ServiceId, Step, TeamId};

/// Services that wait for each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Circle {
    /// All of them.
    pub members: Vec<ServiceId>,
    /// A shortest way round from the first of them, both ends included.
    pub path: Vec<ServiceId>,
    /// Both are members of a pair, and the author's flows show each calling the other, but never in
    /// one flow.
    pub apart: bool,
}

/// A contract that crosses a team boundary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agreement {
    /// The contract.
    pub contract: Contract,
    /// The team that provides it.
    pub provider: TeamId,
    /// Other teams that rely on it, by name.
    pub teams: Vec<TeamId>,
    /// Those who rely on it and have no team.
    pub outsiders: Vec<Party>,
}

/// How often requests pass through one service.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Passage {
    /// The service.
    pub service: ServiceId,
    /// Ways from a service that nobody calls to one that calls nobody which pass through it, of all.
    pub share: f64,
}

/// Coupling of the whole design. Circles count as one place in chains and ways.
#[derive(Clone, Debug)]
pub struct CouplingPlan {
    /// The calls of the longest chain, caller and callee, in order.
    pub chain: Vec<(ServiceId, ServiceId)>,
    /// Circles of calls.
    pub circles: Vec<Circle>,
    /// The services with most callers, most first; only those with two or more.
    pub hubs: Vec<ServiceId>,
    /// What most ways pass through among services that are neither entry nor end.
    pub passage: Option<Passage>,
    /// Pairs of own services of which one calls the other.
    pub pairs: usize,
    /// Own services, which is what pairs are made of.
    pub own: usize,
    /// Events that nobody here reads.
    pub unread: Vec<EventId>,
    /// Events that nobody here publishes.
    pub unpublished: Vec<EventId>,
    /// Contracts over team boundaries, by provider.
    pub agreements: Vec<Agreement>,
}

impl CouplingPlan {
    /// Pairs that call of all pairs that could: `edges / (n·(n−1))`.
    #[must_use]
    pub fn density(&self) -> f64 {
        let possible = self.own.saturating_mul(self.own.saturating_sub(1));
        if possible == 0 {
            0.0
        } else {
            let number = |n: usize| f64::from(u32::try_from(n).unwrap_or(u32::MAX));
            number(self.pairs) / number(possible)
        }
    }
}

/// A share as people read it: `38%`.
#[must_use]
pub fn percent(share: f64) -> String {
    format!("{:.0}%", share * 100.0)
}

pub(super) fn plan(model: &Model, graph: &Graph, services: &[ServicePlan]) -> CouplingPlan {
    let own = |s: &ServiceId| !model.service(*s).external;
    let pairs = |s: ServiceId| {
        let callees = services[s.0].depends_on.iter();
        callees.filter(|c| own(c) && **c != s).count()
    };
    let mut hubs: Vec<ServiceId> = model
        .service_ids()
        .filter(|s| services[s.0].used_by.len() > 1)
        .collect();
    hubs.sort_by_key(|s| (std::cmp::Reverse(services[s.0].used_by.len()), *s));
    CouplingPlan {
        chain: graph
            .longest_chain()
            .into_iter()
            .map(|(a, b)| (ServiceId(a), ServiceId(b)))
            .collect(),
        circles: circles(model, graph),
        hubs,
        passage: passage(graph),
        pairs: model.service_ids().filter(own).map(pairs).sum(),
        own: model.service_ids().filter(own).count(),
        unread: model
            .event_ids()
            .filter(|e| model.event(*e).consumers.is_empty())
            .collect(),
        unpublished: model
            .event_ids()
            .filter(|e| model.event(*e).publishers.is_empty())
            .collect(),
        agreements: agreements(model),
    }
}

fn circles(model: &Model, graph: &Graph) -> Vec<Circle> {
    let groups = graph.cycles();
    if groups.is_empty() {
        return Vec::new();
    }
    // Which flows show which pair of callers and callees.
    let mut shown: BTreeMap<(usize, usize), BTreeSet<usize>> = BTreeMap::new();
    for (f, flow) in model.flows.iter().enumerate() {
        for step in flow.steps.iter().flatten() {
            if let Step::Call(id) = step
                && let Party::Service(from) = model.call(*id).from
            {
                let pair = (from.0, model.call(*id).to.0);
                shown.entry(pair).or_default().insert(f);
            }
        }
    }
    groups
        .into_iter()
        .map(|group| {
            let path = group
                .first()
                .map_or_else(Vec::new, |first| graph.way_back(*first));
            let apart = match group.as_slice() {
                [a, b] => match (shown.get(&(*a, *b)), shown.get(&(*b, *a))) {
                    (Some(there), Some(back)) => there.is_disjoint(back),
                    _ => false,
                },
                _ => false,
            };
            Circle {
                members: group.into_iter().map(ServiceId).collect(),
                path: path.into_iter().map(ServiceId).collect(),
                apart,
            }
        })
        .collect()
}

/// Counts ways in the graph of circles: from where nobody calls to where nobody is called.
///
/// `ways through v = ways from a start to v × ways from v to an end`; floating point, because there may
/// be more of them than any integer holds, and only their ratio counts.
fn passage(graph: &Graph) -> Option<Passage> {
    let whole = graph.condensed();
    let n = whole.members.len();
    let order = whole.graph.successors_first();
    let mut called = vec![false; n];
    for at in 0..n {
        whole.graph.next(at).iter().for_each(|c| called[*c] = true);
    }
    let (mut to_end, mut from_start) = (vec![0.0_f64; n], vec![0.0_f64; n]);
    for &at in &order {
        let next = whole.graph.next(at);
        to_end[at] = if next.is_empty() {
            1.0
        } else {
            next.iter().map(|c| to_end[*c]).sum()
        };
    }
    let mut all = 0.0;
    for &at in order.iter().rev() {
        let starts = !called[at] && !whole.graph.next(at).is_empty();
        if starts {
            from_start[at] = 1.0;
            all += to_end[at];
        }
        for &c in whole.graph.next(at) {
            from_start[c] += from_start[at];
        }
    }
    if all <= 0.0 || !all.is_finite() {
        return None;
    }
    let inner = |at: &usize| called[*at] && !whole.graph.next(*at).is_empty();
    let best = (0..n).filter(inner).map(|at| {
        let first = whole.members[at].first().copied().unwrap_or_default();
        (from_start[at] * to_end[at] / all, first)
    });
    best.max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)))
        .map(|(share, service)| Passage {
            service: ServiceId(service),
            share,
        })
}

fn agreements(model: &Model) -> Vec<Agreement> {
    let owner = |p: Party| match p {
        Party::Service(s) => model.service(s).teams.first().copied(),
        Party::Actor(_) => None,
    };
    let mut out: BTreeMap<(TeamId, Contract), (BTreeSet<TeamId>, BTreeSet<Party>)> =
        BTreeMap::new();
    let mut rely = |provider: ServiceId, contract: Contract, user: Party| {
        let Some(team) = owner(Party::Service(provider)) else {
            return;
        };
        let entry = || (BTreeSet::new(), BTreeSet::new());
        match owner(user) {
            Some(other) if other == team => {}
            Some(other) => {
                out.entry((team, contract))
                    .or_insert_with(entry)
                    .0
                    .insert(other);
            }
            None => {
                out.entry((team, contract))
                    .or_insert_with(entry)
                    .1
                    .insert(user);
            }
        }
    };
    for id in model.call_ids() {
        let c = model.call(id);
        rely(c.to, Contract::Call(id), c.from);
    }
    for id in model.event_ids() {
        let e = model.event(id);
        for p in &e.publishers {
            for (consumer, _) in &e.consumers {
                rely(p.service, Contract::Event(id), *consumer);
            }
        }
    }
    out.into_iter()
        .map(|((provider, contract), (teams, outsiders))| Agreement {
            contract,
            provider,
            teams: teams.into_iter().collect(),
            outsiders: outsiders.into_iter().collect(),
        })
        .collect()
}

/// A graph whose circles are one node each.
pub(super) struct Condensed {
    /// The members of every node, in order.
    pub(super) members: Vec<Vec<usize>>,
    /// Without circles.
    pub(super) graph: Graph,
}

impl Graph {
    /// The graph with every circle as one node.
    pub(super) fn condensed(&self) -> Condensed {
        let component = self.components();
        let nodes = component.iter().max().map_or(0, |m| m + 1);
        let mut members = vec![Vec::new(); nodes];
        let mut edges = Vec::new();
        for (node, &c) in component.iter().enumerate() {
            members[c].push(node);
            for &next in self.next(node) {
                if component[next] != c {
                    edges.push((c, component[next]));
                }
            }
        }
        Condensed {
            members,
            graph: Self::new(nodes, edges),
        }
    }

    /// The edges of a longest chain that passes through every circle at most once, in order. Where it
    /// enters a circle at one node, it may leave it at another.
    #[must_use]
    pub fn longest_chain(&self) -> Vec<(usize, usize)> {
        let component = self.components();
        let whole = self.condensed();
        let n = whole.members.len();
        // The longest chain that begins in a circle, and its first edge.
        let (mut length, mut via) = (vec![0_usize; n], vec![None; n]);
        for c in whole.graph.successors_first() {
            for &node in &whole.members[c] {
                for &next in self.next(node) {
                    let d = component[next];
                    if d != c && length[d] + 1 > length[c] {
                        length[c] = length[d] + 1;
                        via[c] = Some((node, next));
                    }
                }
            }
        }
        let first = |c: usize| whole.members[c].first().copied();
        let Some(start) = (0..n).max_by_key(|&c| (length[c], std::cmp::Reverse(first(c)))) else {
            return Vec::new();
        };
        let mut chain = Vec::new();
        let mut at = start;
        while let Some((from, to)) = via[at] {
            chain.push((from, to));
            at = component[to];
        }
        chain
    }

    /// A shortest way from `from` back to it, both ends included; empty if there is none.
    #[must_use]
    pub fn way_back(&self, from: usize) -> Vec<usize> {
        let mut before: BTreeMap<usize, usize> = BTreeMap::new();
        let mut queue = VecDeque::from([from]);
        while let Some(at) = queue.pop_front() {
            for &next in self.next(at) {
                if next == from {
                    let mut path = vec![from];
                    let mut x = at;
                    while x != from {
                        path.push(x);
                        let Some(b) = before.get(&x) else { break };
                        x = *b;
                    }
                    path.push(from);
                    path.reverse();
                    return path;
                }
                if let std::collections::btree_map::Entry::Vacant(new) = before.entry(next) {
                    new.insert(at);
                    queue.push_back(next);
                }
            }
        }
        Vec::new()
    }
}
