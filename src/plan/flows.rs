//! User journeys: the author's, or one for each entry point, and what each costs in time.

use super::calls::CallPlan;
use super::ceilings::{Ceiling, ceilings};
use super::choices::Choices;
use super::figure::Figure;
use super::services::Entries;
use crate::catalog::numbers;
use crate::model::units::Time;
use crate::model::{ActorId, CallId, EventId, Model, Party, ServiceId, Slo, Step};

/// The most steps of a derived flow: what is longer tells nobody anything.
const MAX_DERIVED_STEPS: usize = 30;
/// The most derived flows.
const MAX_DERIVED_FLOWS: usize = 12;

/// The steps of a flow, before the numbers.
#[derive(Clone, Debug)]
pub(super) struct Outline {
    pub(super) name: String,
    pub(super) derived: bool,
    pub(super) index: Option<usize>,
    pub(super) steps: Vec<Vec<Step>>,
}

/// One row of a budget: a call of the flow and what stands behind it.
#[derive(Clone, Debug)]
pub struct BudgetRow {
    /// The call.
    pub call: CallId,
    /// How deep it is below the entry point, from 0.
    pub depth: usize,
    /// Of one attempt.
    pub timeout: Time,
    /// The longest that the whole logical call takes: `n·t + Σ b`.
    pub total: Time,
    /// How often one request makes it, one after the other.
    pub times: u32,
    /// The longest that the callee is kept waiting by its own calls in this flow, its own work
    /// included; zero where it makes none.
    pub behind: Time,
    /// Attempt timeout minus `behind`, at least zero; `None` where the budget is broken: where one call of
    /// the callee may take as long as the attempt, or all of them together longer. The callee's own work is
    /// an assumption, so only its calls can break a budget.
    pub slack: Option<Time>,
    /// By how much the calls behind the callee exceed the attempt timeout; zero unless it is broken, and
    /// where they just reach it.
    pub over: Time,
}

/// A journey with its budget.
#[derive(Clone, Debug)]
pub struct FlowPlan {
    /// Its name.
    pub name: String,
    /// Index in the model; `None` for a derived one.
    pub index: Option<usize>,
    /// `true` where the author stated no flows and this one was derived: then nobody knows which calls
    /// happen in one request, and nothing is summed.
    pub derived: bool,
    /// Who starts it.
    pub actor: Option<ActorId>,
    /// The service it enters.
    pub entry: Option<ServiceId>,
    /// Steps in order; each inner list happens at the same time.
    pub steps: Vec<Vec<Step>>,
    /// What it promises.
    pub slo: Option<Slo>,
    /// Every call once, in the order of its first step.
    pub rows: Vec<BudgetRow>,
    /// The longest that the entry point takes to answer.
    pub total: Figure<Time>,
    /// What ends a request although nobody's timeout has run out, from the edge inward.
    pub ceilings: Vec<Ceiling>,
}

pub(super) fn stated_or_derived(model: &Model, entries: &Entries) -> Vec<Outline> {
    if !model.flows.is_empty() {
        return model
            .flows
            .iter()
            .enumerate()
            .map(|(i, f)| Outline {
                name: f.name.clone(),
                derived: false,
                index: Some(i),
                steps: f.steps.clone(),
            })
            .collect();
    }
    let mut outbound: Vec<Vec<usize>> = vec![Vec::new(); model.services.len()];
    let mut from_actor: Vec<Option<usize>> = vec![None; model.services.len()];
    for (i, c) in model.calls.iter().enumerate() {
        match c.from {
            Party::Service(s) => outbound[s.0].push(i),
            Party::Actor(_) => {
                from_actor[c.to.0].get_or_insert(i);
            }
        }
    }
    entries
        .services
        .iter()
        .filter(|s| !outbound[s.0].is_empty() || from_actor[s.0].is_some())
        .take(MAX_DERIVED_FLOWS)
        .map(|&s| derive(model, s, &outbound, from_actor[s.0]))
        .collect()
}

/// Every call that can follow from one request at `entry`, each once, in depth-first order; a service
/// publishes when its calls are done.
fn derive(
    model: &Model,
    entry: ServiceId,
    outbound: &[Vec<usize>],
    first: Option<usize>,
) -> Outline {
    let mut steps = Vec::new();
    match first {
        Some(call) => steps.push(vec![Step::Call(CallId(call))]),
        None => {
            // Who listens to its streams is who connects; else nobody is named.
            let listener = model.streams.iter().find_map(|s| match (s.from, s.to) {
                (Party::Service(x), Party::Actor(a)) if x == entry => Some(a.0),
                _ => None,
            });
            let client = listener.or_else(|| model.actors.iter().position(|a| a.name == "client"));
            steps.extend(client.map(|a| vec![Step::Enter(ActorId(a), entry)]));
        }
    }
    let mut seen = vec![false; model.services.len()];
    seen[entry.0] = true;
    let mut stack: Vec<(usize, usize)> = vec![(entry.0, 0)];
    let mut published: Vec<Vec<EventId>> = vec![Vec::new(); model.services.len()];
    for e in model.event_ids() {
        for p in &model.event(e).publishers {
            published[p.service.0].push(e);
        }
    }
    while let Some((s, i)) = stack.pop() {
        let Some(&call) = outbound[s].get(i) else {
            let left = MAX_DERIVED_STEPS.saturating_sub(steps.len());
            let events = published[s].iter().take(left);
            steps.extend(events.map(|e| vec![Step::Publish(ServiceId(s), *e)]));
            continue;
        };
        stack.push((s, i + 1));
        if steps.len() >= MAX_DERIVED_STEPS {
            break;
        }
        steps.push(vec![Step::Call(CallId(call))]);
        let to = model.calls[call].to.0;
        if !seen[to] {
            seen[to] = true;
            stack.push((to, 0));
        }
    }
    Outline {
        name: format!("Request to {}", model.service(entry).name),
        derived: true,
        index: None,
        steps,
    }
}

pub(super) fn budgets(
    model: &Model,
    choices: &Choices,
    calls: &[CallPlan],
    outlines: Vec<Outline>,
) -> Vec<FlowPlan> {
    outlines
        .into_iter()
        .map(|o| budget(model, choices, calls, o))
        .collect()
}

fn budget(model: &Model, choices: &Choices, calls: &[CallPlan], o: Outline) -> FlowPlan {
    let own = Time::ms(1).scale(numbers().own_work.value);
    // What each service waits for in this flow: sequential steps add up, parallel ones count once. And
    // what it waits for at one time.
    let mut waits = vec![Time::default(); model.services.len()];
    let mut single = vec![Time::default(); model.services.len()];
    for group in &o.steps {
        let mut longest: Vec<(usize, Time)> = Vec::new();
        for step in group {
            let Step::Call(id) = step else { continue };
            let plan = &calls[id.0];
            if let Party::Service(s) = model.call(*id).from {
                match longest.iter_mut().find(|(x, _)| *x == s.0) {
                    Some((_, t)) => *t = (*t).max(plan.of_request()),
                    None => longest.push((s.0, plan.of_request())),
                }
            }
        }
        for (s, t) in longest {
            single[s] = single[s].max(t);
            // In a derived flow the calls of one service may belong to different requests.
            waits[s] = if o.derived {
                waits[s].max(t)
            } else {
                waits[s].plus(t)
            };
        }
    }
    let behind = |s: ServiceId| {
        let wait = waits[s.0];
        if wait == Time::default() {
            wait
        } else {
            wait.plus(own)
        }
    };
    let first = o.steps.iter().flatten().next().copied();
    let (actor, entry) = match first {
        Some(Step::Enter(a, s)) => (Some(a), Some(s)),
        Some(Step::Call(id)) => match model.call(id).from {
            Party::Actor(a) => (Some(a), Some(model.call(id).to)),
            Party::Service(s) => (None, Some(s)),
        },
        Some(Step::Publish(s, _)) => (None, Some(s)),
        Some(Step::Handle(_, Party::Service(s))) => (None, Some(s)),
        _ => (None, None),
    };
    let rows = rows(model, calls, &o, (&waits, &single), &behind);
    let total = match entry {
        Some(s) if behind(s) > Time::default() => Figure::derived(
            behind(s),
            if o.derived {
                format!(
                    "own work {own} + the slowest call of `{}` {}",
                    model.service(s).name,
                    waits[s.0]
                )
            } else {
                format!(
                    "own work {own} + all calls of `{}` in this flow {}",
                    model.service(s).name,
                    waits[s.0]
                )
            },
            "derived",
        ),
        _ => Figure::derived(
            own,
            format!("own work {own}; nobody else is called"),
            "derived",
        ),
    };
    let slo = o
        .index
        .and_then(|i| model.flows[i].slo)
        .or_else(|| entry.and_then(|s| model.service(s).slo));
    let mut flow = FlowPlan {
        name: o.name,
        index: o.index,
        derived: o.derived,
        actor,
        entry,
        steps: o.steps,
        slo,
        rows,
        total,
        ceilings: Vec::new(),
    };
    flow.ceilings = ceilings(model, choices, &flow);
    flow
}

fn rows(
    model: &Model,
    calls: &[CallPlan],
    o: &Outline,
    (waits, single): (&[Time], &[Time]),
    behind: &dyn Fn(ServiceId) -> Time,
) -> Vec<BudgetRow> {
    let mut depth = vec![0_usize; model.services.len()];
    let mut rows: Vec<BudgetRow> = Vec::new();
    for step in o.steps.iter().flatten() {
        let Step::Call(id) = *step else { continue };
        if rows.iter().any(|r| r.call == id) {
            continue;
        }
        let c = model.call(id);
        let at = match c.from {
            Party::Service(s) => depth[s.0],
            Party::Actor(_) => 0,
        };
        if depth[c.to.0] == 0 {
            depth[c.to.0] = at + 1;
        }
        let plan = &calls[id.0];
        let behind = behind(c.to);
        let timeout = plan.timeout.value;
        let over = waits[c.to.0].minus(timeout);
        // An attempt that ends just when the one call behind it may still run has outlasted nothing.
        let level = single[c.to.0] >= timeout && behind > Time::default();
        let slack = (over == Time::default() && !level).then(|| timeout.minus(behind));
        rows.push(BudgetRow {
            call: id,
            depth: at,
            timeout,
            total: plan.worst_case(),
            times: plan.per_request.value,
            behind,
            slack,
            over,
        });
    }
    rows
}
