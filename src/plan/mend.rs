//! The smallest changes that mend broken timeout budgets, each tried out before it is proposed.
//!
//! From the leaves outward, every broken row of a flow gets one change of one number: a longer timeout of
//! its own, fewer attempts behind it, or a shorter timeout behind it. The one that changes its number
//! least, in relation to what it was, is kept if the whole design, planned again with it, has that budget
//! mended and no other broken. What is proposed later builds on what was proposed before, so that all of
//! them together mend what they name.

use std::collections::BTreeSet;

use super::calls::{self, CallPlan};
use super::figure::Figure;
use super::flows::{self, BudgetRow, FlowPlan, Outline};
use super::traffic::{self, Traffic};
use super::{Choices, Graph, Plan};
use crate::catalog::numbers;
use crate::model::units::Time;
use crate::model::{CallId, Model, Party, Set, Stated};

/// The most changes that are worked out: a design with more broken budgets needs another look first.
const MOST: usize = 12;

/// The most that trying out may cost, in steps of flows looked at by services: a design of common size is
/// planned again dozens of times, a huge one a few.
const WORK: usize = 40_000_000;

/// The number that changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The timeout of one attempt.
    Timeout {
        /// Today.
        from: Time,
        /// Then.
        to: Time,
    },
    /// The attempts after the first.
    Retries {
        /// Today.
        from: u32,
        /// Then.
        to: u32,
    },
}

/// One change that mends one broken budget.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mend {
    /// The flow whose budget is broken, by its place in the plan.
    pub flow: usize,
    /// The call that gives up too early.
    pub broken: CallId,
    /// The call whose number changes.
    pub call: CallId,
    /// How.
    pub change: Change,
}

/// The design while changes are tried out.
struct Trial<'p> {
    model: Model,
    choices: &'p Choices,
    graph: &'p Graph,
    traffic: Traffic,
    replicas: Vec<Figure<u64>>,
    outlines: Vec<Outline>,
    calls: Vec<CallPlan>,
    flows: Vec<FlowPlan>,
    /// How often the design may still be planned again.
    left: usize,
}

/// What mends the broken budgets of `plan`; empty where none is broken.
pub(super) fn mends(plan: &Plan<'_>) -> Vec<Mend> {
    if !plan.flows.iter().any(|f| f.rows.iter().any(broken)) {
        return Vec::new();
    }
    let outlines = plan
        .flows
        .iter()
        .map(|f| Outline {
            name: f.name.clone(),
            derived: f.derived,
            index: f.index,
            steps: f.steps.clone(),
        })
        .collect();
    let mut trial = Trial {
        model: plan.model.clone(),
        choices: &plan.choices,
        graph: &plan.graph,
        traffic: traffic::carry(plan.model),
        replicas: plan.services.iter().map(|s| s.replicas.clone()).collect(),
        outlines,
        calls: plan.calls.clone(),
        flows: plan.flows.clone(),
        left: trials(plan),
    };
    let mut found: Vec<Mend> = Vec::new();
    let mut tried: BTreeSet<(usize, CallId)> = BTreeSet::new();
    while found.len() < MOST && tried.len() < 2 * MOST {
        let Some((flow, row)) = trial.innermost(&tried) else {
            break;
        };
        tried.insert((flow, row.call));
        found.extend(trial.mend(flow, &row));
    }
    found
}

/// How often the design may be planned again.
fn trials(plan: &Plan<'_>) -> usize {
    let steps: usize = plan.flows.iter().map(|f| f.steps.len()).sum();
    let cost = plan
        .services
        .len()
        .saturating_mul(steps + 1)
        .saturating_add(plan.calls.len());
    (WORK / cost.max(1)).clamp(3, 3 * MOST)
}

fn broken(row: &BudgetRow) -> bool {
    row.slack.is_none()
}

impl Trial<'_> {
    /// The deepest broken row that has not been tried, with its flow.
    fn innermost(&self, tried: &BTreeSet<(usize, CallId)>) -> Option<(usize, BudgetRow)> {
        self.flows
            .iter()
            .enumerate()
            .flat_map(|(f, flow)| flow.rows.iter().map(move |r| (f, r)))
            .filter(|(f, r)| broken(r) && !tried.contains(&(*f, r.call)))
            .max_by_key(|(f, r)| (r.depth, std::cmp::Reverse((*f, r.call))))
            .map(|(f, r)| (f, r.clone()))
    }

    /// Every broken budget.
    fn all_broken(flows: &[FlowPlan]) -> BTreeSet<(usize, CallId)> {
        flows
            .iter()
            .enumerate()
            .flat_map(|(f, flow)| flow.rows.iter().map(move |r| (f, r)))
            .filter(|(_, r)| broken(r))
            .map(|(f, r)| (f, r.call))
            .collect()
    }

    /// Finds the smallest change for `row` and keeps it.
    fn mend(&mut self, flow: usize, row: &BudgetRow) -> Option<Mend> {
        let before = Self::all_broken(&self.flows);
        let mut candidates = self.candidates(flow, row);
        candidates.sort_by(|a, b| a.0.total_cmp(&b.0));
        for (_, call, change) in candidates {
            if self.left == 0 {
                return None;
            }
            self.left -= 1;
            let undo = (
                self.model.calls[call.0].timeout,
                self.model.calls[call.0].retries,
            );
            self.set(call, change);
            let calls = calls::plan(
                &self.model,
                self.choices,
                self.graph,
                &self.traffic,
                &self.outlines,
                &self.replicas,
            );
            let flows = flows::budgets(&self.model, self.choices, &calls, self.outlines.clone());
            let after = Self::all_broken(&flows);
            if !after.contains(&(flow, row.call)) && after.is_subset(&before) {
                (self.calls, self.flows) = (calls, flows);
                return Some(Mend {
                    flow,
                    broken: row.call,
                    call,
                    change,
                });
            }
            let c = &mut self.model.calls[call.0];
            (c.timeout, c.retries) = undo;
        }
        None
    }

    fn set(&mut self, call: CallId, change: Change) {
        let c = &mut self.model.calls[call.0];
        let span = c.span;
        match change {
            Change::Timeout { to, .. } => {
                c.timeout = Some(Set {
                    value: Stated::Value(to),
                    span,
                });
            }
            Change::Retries { to, .. } => c.retries = Some(Set { value: to, span }),
        }
    }

    /// What could mend `row`, each with the share by which it changes its number.
    fn candidates(&self, flow: usize, row: &BudgetRow) -> Vec<(f64, CallId, Change)> {
        let mut out = Vec::new();
        let own = Time::ms(1).scale(numbers().own_work.value);
        let longer = row.behind.round_up();
        if longer > row.timeout {
            let share = longer.as_s() / row.timeout.as_s().max(1e-6) - 1.0;
            let change = Change::Timeout {
                from: row.timeout,
                to: longer,
            };
            out.push((share, row.call, change));
        }
        // The call behind the callee that takes longest.
        let callee = self.model.call(row.call).to;
        let Some(slowest) = self.flows[flow]
            .rows
            .iter()
            .filter(|r| self.model.call(r.call).from == Party::Service(callee))
            .max_by_key(|r| (r.total.times(r.times.into()), std::cmp::Reverse(r.call)))
        else {
            return out;
        };
        let plan = &self.calls[slowest.call.0];
        let whole = plan.of_request();
        let too_much = row.behind.minus(row.timeout);
        let allowed = whole.minus(too_much);
        let times = u64::from(plan.per_request.value).max(1);
        if plan.attempts.is_set() && plan.attempts.value > 1 {
            let waits = |n: u32| {
                let kept = usize::try_from(n.saturating_sub(1)).unwrap_or(usize::MAX);
                plan.backoff
                    .iter()
                    .take(kept)
                    .fold(plan.timeout.value.times(n.into()), |sum, b| sum.plus(*b))
                    .times(times)
            };
            if let Some(n) = (1..plan.attempts.value)
                .rev()
                .find(|n| waits(*n) <= allowed)
            {
                let share = 1.0 - waits(n).as_s() / whole.as_s().max(1e-6);
                let change = Change::Retries {
                    from: plan.attempts.value - 1,
                    to: n - 1,
                };
                out.push((share, slowest.call, change));
            }
        }
        let pauses = plan
            .backoff
            .iter()
            .fold(Time::default(), |sum, b| sum.plus(*b));
        let an_attempt = Time(allowed.0 / times)
            .minus(pauses)
            .0
            .checked_div(plan.attempts.value.into())
            .map_or(Time::default(), |t| round_down(Time(t)));
        // Not below what the callee needs to answer.
        if an_attempt >= plan.p99.value.max(plan.behind).max(own)
            && an_attempt < plan.timeout.value
            && plan.timeout.is_set()
        {
            let share = 1.0 - an_attempt.as_s() / plan.timeout.value.as_s().max(1e-6);
            let change = Change::Timeout {
                from: plan.timeout.value,
                to: an_attempt,
            };
            out.push((share, slowest.call, change));
        }
        out
    }
}

/// Rounded down to a number that reads well, by the steps of [`Time::round_up`].
fn round_down(t: Time) -> Time {
    let step = match t.0 {
        0..=1_000_000 => 10_000,
        1_000_001..=10_000_000 => 100_000,
        _ => 1_000_000,
    };
    Time(t.0 / step * step)
}
