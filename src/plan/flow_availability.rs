//! Availability of a flow: exact over all its entry points, what costs most, and what would help.

use super::Plan;
use super::availability::{Dependency, MINUTES_30_DAYS, formula, minutes};
use super::figure::{Figure, Origin};
use super::journey::{Journey, Tie, Variant};
use crate::model::units::Ratio;
use crate::model::{CallId, ServiceId};

/// One part of a flow and what its own failures cost.
#[derive(Clone, Debug)]
pub struct Need {
    /// The part.
    pub part: Dependency,
    /// Its own availability.
    pub availability: Ratio,
    /// Whether the author gave that, or it was derived or assumed.
    pub origin: Origin,
    /// Minutes of 30 days in which it alone is down: `(1 − A) · 43,200`.
    pub minutes: f64,
    /// How the flow depends on it.
    pub tie: Tie,
    /// The services from the entry to it, or to the service that uses it.
    pub path: Vec<ServiceId>,
}

/// What becomes of a flow when one service can do without another.
#[derive(Clone, Debug)]
pub struct Softened {
    /// Who calls.
    pub from: ServiceId,
    /// Who would no longer be needed.
    pub to: ServiceId,
    /// The calls that would have to become optional.
    pub calls: Vec<CallId>,
    /// The availability that the flow would reach.
    pub reachable: Ratio,
    /// Minutes of 30 days that this saves.
    pub minutes: f64,
    /// Whether it makes a broken objective good.
    pub mends: bool,
}

/// The availability of one flow.
#[derive(Clone, Debug)]
pub struct FlowAvailability {
    /// Where requests enter.
    pub entries: Vec<ServiceId>,
    /// Everything without which it gives no answer, the costliest first.
    pub needs: Vec<Need>,
    /// What makes the answer complete, the costliest first.
    pub extras: Vec<Need>,
    /// `Π A_i` over `needs`: the share of requests that are answered.
    pub reachable: Figure<Ratio>,
    /// The share that are answered completely.
    pub complete: Figure<Ratio>,
    /// The product of what each entry point reaches by itself, which counts shared parts more than once;
    /// `None` for one entry.
    pub naive: Option<Ratio>,
    /// The objective.
    pub goal: Option<Ratio>,
    /// Minutes of 30 days that the objective allows.
    pub budget: Option<f64>,
    /// Minutes of 30 days that the flow is down.
    pub minutes: f64,
    /// What helps most when it becomes optional, best first.
    pub softened: Vec<Softened>,
}

/// What two derived flows have in common where they differ by nothing but their entry point.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Likeness {
    goal: Option<u64>,
    /// Each part but the entry point, with its availability and what happens without it.
    parts: Vec<(Option<Dependency>, u64, u8)>,
}

impl FlowAvailability {
    /// What it has in common with flows that differ by their one entry point alone; `None` where it has several.
    #[must_use]
    pub fn likeness(&self) -> Option<Likeness> {
        let [entry] = *self.entries else {
            return None;
        };
        let mut parts: Vec<(Option<Dependency>, u64, u8)> = self
            .needs
            .iter()
            .chain(&self.extras)
            .map(|n| {
                let other = Some(n.part).filter(|p| *p != Dependency::Service(entry));
                let without = match n.tie {
                    Tie::Needed => 0,
                    Tie::Fallback(_) => 1,
                    _ => 2,
                };
                (other, n.availability.0.to_bits(), without)
            })
            .collect();
        parts.sort_unstable();
        Some(Likeness {
            goal: self.goal.map(|g| g.0.to_bits()),
            parts,
        })
    }
}

/// The most pairs that are tried; they are those nearest to the entry by name of the caller.
const MOST_PAIRS: usize = 64;

impl Plan<'_> {
    /// The availability of the flow with index `flow`, worked out when it is asked for.
    #[must_use]
    pub fn flow_availability(&self, flow: usize) -> Option<FlowAvailability> {
        let plan = self.flows.get(flow)?;
        let journey = Journey::new(self.model, &self.parts, plan, Variant::Whole);
        let all: Vec<Need> = journey
            .touched()
            .filter(|(_, tie)| matches!(tie, Tie::Needed | Tie::Fallback(_) | Tie::Spared(_)))
            .map(|(part, tie)| {
                let figure = self.parts.of(part);
                Need {
                    part,
                    availability: figure.value,
                    origin: figure.origin,
                    minutes: minutes(figure.value),
                    tie,
                    path: journey.path(part),
                }
            })
            .collect();
        let (mut needs, mut extras): (Vec<Need>, Vec<Need>) =
            all.into_iter().partition(|n| n.tie == Tie::Needed);
        let reached = Ratio(needs.iter().map(|n| n.availability.0).product());
        let whole = Ratio(reached.0 * extras.iter().map(|n| n.availability.0).product::<f64>());
        for list in [&mut needs, &mut extras] {
            list.sort_by(|a, b| b.minutes.total_cmp(&a.minutes).then(a.part.cmp(&b.part)));
        }
        let goal = plan.slo.and_then(|s| s.availability).map(|a| a.value);
        let naive = (journey.entries.len() > 1).then(|| {
            let each = journey.entries.iter().map(|s| {
                let alone = Journey::new(self.model, &self.parts, plan, Variant::From(*s));
                self.product(&alone)
            });
            Ratio(each.product())
        });
        let softened = self.softened(flow, &journey, reached, goal);
        Some(FlowAvailability {
            reachable: Figure::derived(
                reached,
                formula(needs.iter().map(|n| n.availability)),
                "Calc",
            ),
            complete: Figure::derived(
                whole,
                if extras.is_empty() {
                    "nothing in it is optional".to_owned()
                } else {
                    let factors = formula(extras.iter().map(|n| n.availability));
                    format!("{reached} × {factors} for what is optional")
                },
                "Calc",
            ),
            entries: journey.entries,
            needs,
            extras,
            naive,
            budget: goal.map(minutes),
            goal,
            minutes: minutes(reached),
            softened,
        })
    }

    /// Everything without which the flow with index `flow` gives no answer.
    #[must_use]
    pub fn flow_needs(&self, flow: usize) -> Vec<Dependency> {
        let Some(plan) = self.flows.get(flow) else {
            return Vec::new();
        };
        Journey::new(self.model, &self.parts, plan, Variant::Whole)
            .touched()
            .filter(|(_, tie)| *tie == Tie::Needed)
            .map(|(part, _)| part)
            .collect()
    }

    fn product(&self, journey: &Journey) -> f64 {
        journey
            .touched()
            .filter(|(_, tie)| *tie == Tie::Needed)
            .map(|(part, _)| self.parts.of(part).value.0)
            .product()
    }

    /// What each pair of services would bring if the first could do without the second.
    fn softened(
        &self,
        flow: usize,
        journey: &Journey,
        reached: Ratio,
        goal: Option<Ratio>,
    ) -> Vec<Softened> {
        let mut out: Vec<Softened> = Vec::new();
        for &(from, to) in journey.hard.iter().take(MOST_PAIRS) {
            let without = Journey::new(
                self.model,
                &self.parts,
                &self.flows[flow],
                Variant::Without(from, to),
            );
            let after = self.product(&without);
            if after > reached.0 + 1e-12 {
                out.push(Softened {
                    from,
                    to,
                    calls: self.parts.calls[from.0]
                        .iter()
                        .copied()
                        .filter(|id| {
                            let c = self.model.call(*id);
                            c.to == to && !c.soft()
                        })
                        .collect(),
                    reachable: Ratio(after),
                    minutes: (after - reached.0) * MINUTES_30_DAYS,
                    mends: goal.is_some_and(|g| g.0 > reached.0 && g.0 <= after + 1e-12),
                });
            }
        }
        out.sort_by(|a, b| {
            b.minutes
                .total_cmp(&a.minutes)
                .then((a.from, a.to).cmp(&(b.from, b.to)))
        });
        out
    }
}
