//! Retry amplification: how many calls one request may become where the last service fails.
//!
//! Along a path the attempts multiply, `Π n_i`; over all paths of one request they add up. Both are
//! counted in one pass over the calls in topological order, never path by path. Calls inside a circle
//! are left out: there the count has no bound, and `sync-cycle` reports the circle.

use super::calls::CallPlan;
use super::calltree::{CallNode, call_tree};
use super::choices::Choices;
use super::flows::FlowPlan;
use super::graph::Graph;
use crate::model::{CallId, Model, Party, ServiceId};

/// The worst path to one service that calls nobody further.
#[derive(Clone, Debug, PartialEq)]
pub struct PathLoad {
    /// Where the path ends.
    pub leaf: ServiceId,
    /// Its calls, the outermost first.
    pub path: Vec<CallId>,
    /// Calls that reach the leaf for one request along this path: `Π n_i`.
    pub product: u64,
    /// The same where mesh and gateway add the retries that they make unless told not to.
    pub with_platform: u64,
    /// The calls of the path that are tried more than once, the outermost first, with their attempts.
    pub layers: Vec<(CallId, u32)>,
    /// The one of `layers` that should go on retrying: the innermost that may be repeated.
    pub keep: Option<CallId>,
    /// The product when only `keep` retries.
    pub after: u64,
}

/// What one request of a flow asks of one service that calls nobody further in it.
#[derive(Clone, Debug, PartialEq)]
pub struct FlowLoad {
    /// The flow, by its place in the plan.
    pub flow: usize,
    /// The service.
    pub leaf: ServiceId,
    /// Calls where nothing fails.
    pub usual: u64,
    /// Calls where every attempt fails at this service, and every caller tries as often as it may.
    pub worst: u64,
    /// The same with the retries of mesh and gateway that nobody has switched off.
    pub with_platform: u64,
}

/// How far retries multiply.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AmplificationPlan {
    /// The worst path to each service that calls nobody, the worst first.
    pub paths: Vec<PathLoad>,
    /// What one request of each stated flow asks of its leaves, flow by flow, the worst leaf first.
    pub flows: Vec<FlowLoad>,
    /// Attempts that the mesh adds to an attempt, unless it is told not to.
    pub mesh_retries: u32,
    /// Attempts that the gateway adds to a request, unless it is told not to.
    pub gateway_retries: u32,
}

/// How often a call is tried at its callee for one attempt-free request: by the application, and with
/// what mesh and gateway add.
struct Factors {
    app: Vec<u64>,
    all: Vec<u64>,
    times: Vec<u64>,
    edge: u64,
}

pub(super) fn plan(
    model: &Model,
    choices: &Choices,
    graph: &Graph,
    calls: &[CallPlan],
    flows: &[FlowPlan],
) -> AmplificationPlan {
    let gateway_retries = model
        .platform
        .gateway_retries
        .map_or(choices.gateway.retries, |g| g.value);
    let factors = Factors {
        app: calls.iter().map(|c| c.attempts.value.into()).collect(),
        all: calls
            .iter()
            .map(|c| {
                u64::from(c.attempts.value)
                    .saturating_mul(u64::from(c.mesh_retries).saturating_add(1))
            })
            .collect(),
        times: calls.iter().map(|c| c.per_request.value.into()).collect(),
        edge: u64::from(gateway_retries).saturating_add(1),
    };
    AmplificationPlan {
        paths: paths(model, graph, calls, &factors),
        flows: loads(model, flows, &factors),
        mesh_retries: calls.iter().map(|c| c.mesh_retries).max().unwrap_or(0),
        gateway_retries,
    }
}

/// The worst path to each leaf: the largest product into every service, callers first.
fn paths(model: &Model, graph: &Graph, calls: &[CallPlan], factors: &Factors) -> Vec<PathLoad> {
    let n = model.services.len();
    let component = graph.components();
    let mut inbound: Vec<Vec<usize>> = vec![Vec::new(); n];
    let mut calls_on = vec![false; n];
    for (i, c) in model.calls.iter().enumerate() {
        let circle = matches!(c.from, Party::Service(s) if component[s.0] == component[c.to.0]);
        if !circle {
            inbound[c.to.0].push(i);
        }
        if let (Party::Service(s), false) = (c.from, circle) {
            calls_on[s.0] = true;
        }
    }
    // Into every service: the product, how many calls long the path is, and its last call. Of equal
    // products the longer path is shown, since it is the one that has more to tell.
    let mut best: Vec<(u64, usize, Option<usize>)> = vec![(1, 0, None); n];
    let mut order = graph.successors_first();
    order.reverse();
    for &s in &order {
        for &i in &inbound[s] {
            let (before, length) = match model.calls[i].from {
                Party::Service(caller) => (best[caller.0].0, best[caller.0].1),
                Party::Actor(_) => (1, 0),
            };
            let product = before.saturating_mul(factors.app[i]);
            if (product, length + 1) > (best[s].0, best[s].1) {
                best[s] = (product, length + 1, Some(i));
            }
        }
    }
    let mut out: Vec<PathLoad> = (0..n)
        .filter(|&s| !calls_on[s] && best[s].2.is_some())
        .map(|s| trace(model, calls, factors, &best, s))
        .collect();
    out.sort_by(|a, b| {
        (b.product, b.with_platform, a.leaf).cmp(&(a.product, a.with_platform, b.leaf))
    });
    out
}

/// The path that leads to `leaf`, and what is to be said about it.
fn trace(
    model: &Model,
    calls: &[CallPlan],
    factors: &Factors,
    best: &[(u64, usize, Option<usize>)],
    leaf: usize,
) -> PathLoad {
    let mut path = Vec::new();
    let mut at = leaf;
    while let Some(i) = best[at].2 {
        path.push(CallId(i));
        match model.calls[i].from {
            Party::Service(s) => at = s.0,
            Party::Actor(_) => break,
        }
    }
    path.reverse();
    let outside = path
        .first()
        .is_some_and(|c| matches!(model.call(*c).from, Party::Actor(_)));
    let start = if outside { factors.edge } else { 1 };
    let with_platform = path
        .iter()
        .fold(start, |p, c| p.saturating_mul(factors.all[c.0]));
    let layers: Vec<(CallId, u32)> = path
        .iter()
        .map(|c| (*c, calls[c.0].attempts.value))
        .filter(|(_, attempts)| *attempts > 1)
        .collect();
    let kept = layers
        .iter()
        .rev()
        .find(|(c, _)| calls[c.0].idempotent.value);
    PathLoad {
        leaf: ServiceId(leaf),
        product: best[leaf].0,
        with_platform,
        keep: kept.map(|(c, _)| *c),
        after: kept.map_or(1, |(_, attempts)| u64::from(*attempts)),
        path,
        layers,
    }
}

/// What one request of every stated flow asks of its leaves, by the tree of its calls. Which calls of a
/// derived flow happen in one request nobody knows.
fn loads(model: &Model, flows: &[FlowPlan], factors: &Factors) -> Vec<FlowLoad> {
    let mut out = Vec::new();
    for (index, flow) in flows.iter().enumerate().filter(|(_, f)| !f.derived) {
        let tree = call_tree(model, &flow.steps);
        let counts = count(&tree, model, factors);
        let mut of_leaf: std::collections::BTreeMap<ServiceId, FlowLoad> =
            std::collections::BTreeMap::new();
        let mut calls_on = vec![false; tree.len()];
        for node in &tree {
            if let Some(p) = node.parent {
                calls_on[p] = true;
            }
        }
        for (i, node) in tree.iter().enumerate() {
            let Some(id) = node.call.filter(|_| !calls_on[i]) else {
                continue;
            };
            let leaf = model.call(id).to;
            let load = of_leaf.entry(leaf).or_insert(FlowLoad {
                flow: index,
                leaf,
                usual: 0,
                worst: 0,
                with_platform: 0,
            });
            let (usual, worst, all) = counts[i];
            load.usual = load.usual.saturating_add(usual);
            load.worst = load.worst.saturating_add(worst);
            load.with_platform = load.with_platform.saturating_add(all);
        }
        let mut of_flow: Vec<FlowLoad> = of_leaf.into_values().collect();
        of_flow.sort_by_key(|l| (std::cmp::Reverse((l.worst, l.with_platform)), l.leaf));
        out.append(&mut of_flow);
    }
    out
}

/// Calls that each node stands for: where nothing fails, in the worst case, and with mesh and gateway.
fn count(tree: &[CallNode], model: &Model, factors: &Factors) -> Vec<(u64, u64, u64)> {
    let mut counts: Vec<(u64, u64, u64)> = Vec::with_capacity(tree.len());
    for node in tree {
        let before = match node.parent {
            Some(p) => counts[p],
            None => (1, 1, 1),
        };
        let own = match node.call {
            Some(CallId(i)) => {
                let edge = match model.calls[i].from {
                    Party::Actor(_) => factors.edge,
                    Party::Service(_) => 1,
                };
                let n = factors.times[i];
                (
                    n,
                    n.saturating_mul(factors.app[i]),
                    n.saturating_mul(factors.all[i]).saturating_mul(edge),
                )
            }
            // An actor that enters without a declared call still passes the gateway.
            None if !node.detached => (1, 1, factors.edge),
            None => (1, 1, 1),
        };
        counts.push((
            before.0.saturating_mul(own.0),
            before.1.saturating_mul(own.1),
            before.2.saturating_mul(own.2),
        ));
    }
    counts
}
