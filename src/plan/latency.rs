//! Percentiles of a whole flow from those of its calls.
//!
//! Percentiles do not add: that all calls of a request are slow together is much rarer than that one of
//! them is. So the calls' distributions are added instead ([`super::distribution`]): one after the other
//! a convolution, at the same time a product of distribution functions, `n` times a power. Calls are taken
//! to be independent, no attempt to fail, and a service's own work to take the same time always.

use super::calls::CallPlan;
use super::calltree::{CallNode, call_tree};
use super::distribution::{Grid, LogNormal};
use super::figure::Figure;
use super::flows::FlowPlan;
use crate::catalog::numbers;
use crate::model::units::{Ratio, Time};
use crate::model::{CallId, Model};

/// One call whose percentiles the sum is made of.
#[derive(Clone, Debug, PartialEq)]
pub struct LatencyPart {
    /// The call.
    pub call: CallId,
    /// How often one request makes it, one after the other.
    pub times: u32,
    /// Parts with the same number run at the same time.
    pub group: usize,
    /// Its median.
    pub p50: Time,
    /// Its 99th percentile.
    pub p99: Time,
    /// σ of the log-normal distribution through both.
    pub sigma: f64,
}

/// The response time of a flow.
#[derive(Clone, Debug, PartialEq)]
pub struct LatencyPlan {
    /// Half of the requests are faster.
    pub p50: Time,
    /// 95 of 100 requests are faster.
    pub p95: Time,
    /// 99 of 100 requests are faster.
    pub p99: Time,
    /// What adding the 99th percentiles of `parts` gives, own work included, and of parallel parts the
    /// largest.
    pub sum_of_p99: Figure<Time>,
    /// The share of requests that are faster than that sum.
    pub sum_is: Ratio,
    /// By how much the sum is too high, as a share of `p99`; negative where tails are so heavy that it is
    /// too low.
    pub excess: Ratio,
    /// The calls that the sum is made of, in the flow's order: those whose own percentiles are known, or
    /// that call nobody further.
    pub parts: Vec<LatencyPart>,
    /// The 99th percentile that is stated for the flow's entry itself, if any; it is measured, and what
    /// is computed here should not exceed it.
    pub stated: Option<Time>,
}

/// The response time of a stated flow; `None` for a derived one, where nobody knows which calls happen in
/// one request, and for one without calls that anybody waits for.
#[must_use]
pub(super) fn latency(model: &Model, calls: &[CallPlan], flow: &FlowPlan) -> Option<LatencyPlan> {
    if flow.derived {
        return None;
    }
    let own = Time::ms(1).scale(numbers().own_work.value);
    compute(model, calls, flow, own, &|_| true)
}

/// The same from what the author stated alone: no own work, and calls without a stated percentile take no
/// time. No request can be faster than this.
#[must_use]
pub(super) fn latency_as_stated(
    model: &Model,
    calls: &[CallPlan],
    flow: &FlowPlan,
) -> Option<LatencyPlan> {
    if flow.derived {
        return None;
    }
    compute(model, calls, flow, Time::default(), &|id| given(model, id))
}

/// Whether the author gave the call a percentile: its own, its callee's promise, or the default.
fn given(model: &Model, id: CallId) -> bool {
    let c = model.call(id);
    let promised = model.service(c.to).slo.is_some_and(|s| s.p99.is_some());
    c.p99.is_some() || promised || model.defaults.p99.is_some()
}

/// Whether the call's percentile was measured for it, so that it contains everything behind the callee. That
/// of a bare protocol is a mix of all operations, and a promise is no measurement.
fn own_p99(model: &Model, id: CallId) -> bool {
    let c = model.call(id);
    c.p99.is_some() && !c.operation.is_empty()
}

fn compute(
    model: &Model,
    calls: &[CallPlan],
    flow: &FlowPlan,
    own: Time,
    known: &dyn Fn(CallId) -> bool,
) -> Option<LatencyPlan> {
    let tree: Vec<CallNode> = call_tree(model, &flow.steps);
    let children = children(&tree);
    let whole = |i: usize| whole(model, &tree, &children, i);
    // Which nodes the sum is made of: below a node that is a whole of its own nothing counts.
    let mut counts = vec![false; tree.len()];
    for (i, node) in tree.iter().enumerate() {
        counts[i] = !node.detached && node.parent.is_none_or(|p| counts[p] && !whole(p));
    }
    let parts: Vec<(usize, LatencyPart)> = (0..tree.len())
        .filter(|&i| counts[i] && whole(i))
        .filter_map(|i| {
            let call = tree[i].call.filter(|id| known(*id))?;
            let p = &calls[call.0];
            let sigma = LogNormal::between(p.p50.value, p.p99.value).sigma;
            Some((
                i,
                LatencyPart {
                    call,
                    times: p.per_request.value,
                    group: tree[i].group,
                    p50: p.p50.value,
                    p99: p.p99.value,
                    sigma,
                },
            ))
        })
        .collect();
    if parts.is_empty() {
        return None;
    }
    let nodes = Nodes {
        tree: &tree,
        children: &children,
        calls,
        own,
        parts: &parts,
        composed: (0..tree.len()).map(|i| counts[i] && !whole(i)).collect(),
    };
    let all = nodes.on_a_fitting_grid();
    let time = |q: f64| Time::s(1).scale(nodes.quantile(&all, q));
    let p99 = time(0.99);
    let stated = tree
        .first()
        .and_then(|node| node.call)
        .filter(|id| own_p99(model, *id))
        .and_then(|id| model.call(id).p99)
        .map(|p| p.value);
    Some(LatencyPlan {
        p50: time(0.5),
        p95: time(0.95),
        p99,
        sum_is: Ratio(all.grid.cdf(all.sum.as_s()).clamp(0.0, 1.0)),
        excess: Ratio(if p99.0 == 0 {
            0.0
        } else {
            all.sum.as_s() / p99.as_s() - 1.0
        }),
        sum_of_p99: Figure::derived(all.sum, all.why, "derived"),
        parts: parts.into_iter().map(|(_, p)| p).collect(),
        stated,
    })
}

/// A response time: its distribution, the sum of the 99th percentiles in it, and how that is counted.
#[derive(Clone)]
struct Sum {
    grid: Grid,
    sum: Time,
    why: String,
}

/// What a flow's response time is put together from.
struct Nodes<'a> {
    tree: &'a [CallNode],
    children: &'a [Vec<usize>],
    calls: &'a [CallPlan],
    own: Time,
    parts: &'a [(usize, LatencyPart)],
    composed: Vec<bool>,
}

impl Nodes<'_> {
    /// The whole flow, on a grid whose points lie where its percentiles do.
    fn on_a_fitting_grid(&self) -> Sum {
        // By the union bound no more than 0.5 % of requests lie beyond the first grid.
        let repeats: f64 = self.parts.iter().map(|(_, p)| f64::from(p.times)).sum();
        let mut longest: f64 = self
            .parts
            .iter()
            .map(|(_, p)| f64::from(p.times) * fit(p).above(0.005 / repeats))
            .sum();
        longest += self.own.as_s()
            * self
                .composed
                .iter()
                .map(|c| f64::from(u8::from(*c)))
                .sum::<f64>();
        let mut all = self.on_grid(Grid::step_to(longest));
        // Where tails are heavy that is far too long: then again on a shorter one.
        for _ in 0..6 {
            let needed = all.grid.quantile(0.996) * 1.1;
            if !needed.is_finite() || needed > longest / 3.0 {
                break;
            }
            longest = needed.max(longest / 64.0);
            all = self.on_grid(Grid::step_to(longest));
        }
        all
    }

    /// The share `q` of requests; read off a finer grid where it lies among the first points of `all`.
    fn quantile(&self, all: &Sum, q: f64) -> f64 {
        const ENOUGH: f64 = 64.0;
        let rough = all.grid.quantile(q);
        if rough >= ENOUGH * all.grid.step() {
            return rough;
        }
        let fine = self.on_grid(Grid::step_to(2.0 * rough.max(all.grid.step())));
        let found = fine.grid.quantile(q);
        if found.is_finite() { found } else { rough }
    }

    fn on_grid(&self, step: f64) -> Sum {
        let mut sums: Vec<Option<Sum>> = vec![None; self.tree.len()];
        for (i, part) in self.parts {
            let grid = Grid::log_normal(&fit(part), step).times(part.times);
            sums[*i] = Some(Sum {
                grid,
                sum: part.p99.times(part.times.into()),
                why: times(part.times, part.p99.to_string()),
            });
        }
        // Callees come after their callers, so that from the end every callee is ready.
        for i in (0..self.tree.len()).rev() {
            if !self.composed[i] || self.children[i].is_empty() {
                continue;
            }
            let mut all = self.together(&self.children[i], &sums, step);
            if self.own > Time::default() {
                all.grid = all.grid.then(&Grid::constant(self.own.as_s(), step));
                all.sum = all.sum.plus(self.own);
                all.why = format!("own work {} + {}", self.own, all.why);
            }
            let n = self.tree[i]
                .call
                .map_or(1, |c| self.calls[c.0].per_request.value);
            sums[i] = Some(Sum {
                grid: all.grid.times(n),
                sum: all.sum.times(n.into()),
                why: times(n, all.why),
            });
        }
        let roots: Vec<usize> = (0..self.tree.len())
            .filter(|&i| self.tree[i].parent.is_none() && !self.tree[i].detached)
            .collect();
        self.together(&roots, &sums, step)
    }

    /// Groups one after the other, the members of a group at the same time.
    fn together(&self, nodes: &[usize], sums: &[Option<Sum>], step: f64) -> Sum {
        let mut all: Option<Sum> = None;
        for group in nodes.chunk_by(|a, b| self.tree[*a].group == self.tree[*b].group) {
            let members: Vec<&Sum> = group.iter().filter_map(|&i| sums[i].as_ref()).collect();
            let Some(slowest) = members.iter().copied().cloned().reduce(|a, b| Sum {
                grid: a.grid.race(&b.grid),
                sum: a.sum.max(b.sum),
                why: format!("{}, {}", a.why, b.why),
            }) else {
                continue;
            };
            let why = match members.len() {
                1 => slowest.why,
                _ => format!("max({})", slowest.why),
            };
            all = Some(match all {
                None => Sum { why, ..slowest },
                Some(a) => Sum {
                    grid: a.grid.then(&slowest.grid),
                    sum: a.sum.plus(slowest.sum),
                    why: join(a.why, &why),
                },
            });
        }
        all.unwrap_or_else(|| Sum {
            grid: Grid::constant(0.0, step),
            sum: Time::default(),
            why: String::new(),
        })
    }
}

/// `a + b`, cut where it gets too long to read.
fn join(a: String, b: &str) -> String {
    const LONGEST: usize = 120;
    if a.ends_with('…') {
        return a;
    }
    if a.len() + b.len() > LONGEST {
        return format!("{a} + …");
    }
    format!("{a} + {b}")
}

/// `3 × 20 ms`, or only `20 ms`.
fn times(n: u32, what: String) -> String {
    match n {
        1 => what,
        n if what.contains(' ') && what.contains('+') => format!("{n} × ({what})"),
        n => format!("{n} × {what}"),
    }
}

fn fit(part: &LatencyPart) -> LogNormal {
    LogNormal::between(part.p50, part.p99)
}

/// The nodes that wait for each node's answers: by parent, in the flow's order.
fn children(tree: &[CallNode]) -> Vec<Vec<usize>> {
    let mut out = vec![Vec::new(); tree.len()];
    for (i, node) in tree.iter().enumerate() {
        if let (Some(p), false) = (node.parent, node.detached) {
            out[p].push(i);
        }
    }
    out
}

/// Whether a node's response time is known as a whole: the author gave it, or its callee calls nobody in
/// this flow. At the edge what it consists of is shown rather than the whole.
fn whole(model: &Model, tree: &[CallNode], children: &[Vec<usize>], i: usize) -> bool {
    let Some(id) = tree[i].call else {
        return false;
    };
    children[i].is_empty() || (tree[i].parent.is_some() && own_p99(model, id))
}
