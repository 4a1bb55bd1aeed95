//! How the steps of a choreographed saga are joined where no event leads from one to the next: through services that
//! are no steps of it.

use std::collections::{BTreeSet, VecDeque};

use super::Plan;
use crate::model::{CallId, EventId, Party, Saga, ServiceId};

/// One hop on the way from one step to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hop {
    /// Who publishes or calls.
    pub from: ServiceId,
    /// What leads on.
    pub by: Lead,
    /// Who reads it or is called.
    pub to: ServiceId,
}

/// What leads from one service to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lead {
    /// An event.
    Event(EventId),
    /// A call.
    Call(CallId),
}

/// What leads away from each service.
#[derive(Debug)]
pub struct Links<'p, 'm> {
    plan: &'p Plan<'m>,
    published: Vec<Vec<EventId>>,
}

impl<'p, 'm> Links<'p, 'm> {
    /// The links of `plan`.
    #[must_use]
    pub fn new(plan: &'p Plan<'m>) -> Self {
        let mut published = vec![Vec::new(); plan.model.services.len()];
        for id in plan.model.event_ids() {
            for p in &plan.model.event(id).publishers {
                published[p.service.0].push(id);
            }
        }
        Self { plan, published }
    }

    /// The shortest way from `from` to `to` over events and calls that passes none of `steps`; events first where both
    /// are as short. Linear in the number of interactions.
    #[must_use]
    pub fn way(
        &self,
        from: ServiceId,
        to: ServiceId,
        steps: &BTreeSet<ServiceId>,
    ) -> Option<Vec<Hop>> {
        let mut came: Vec<Option<Hop>> = vec![None; self.published.len()];
        let mut queue = VecDeque::from([from]);
        while let Some(at) = queue.pop_front() {
            for hop in self.hops(at) {
                if hop.to == from || came[hop.to.0].is_some() {
                    continue;
                }
                came[hop.to.0] = Some(hop);
                if hop.to == to {
                    return Some(back(&came, from, to));
                }
                if !steps.contains(&hop.to) {
                    queue.push_back(hop.to);
                }
            }
        }
        None
    }

    /// Who leads to step `i` of a choreography, and by what: of those with a step before it the last one that publishes
    /// to it, or else calls it. `None` for the first step, for one of the service that did the last step, and where
    /// nothing is declared.
    #[must_use]
    pub fn lead(&self, saga: &Saga, i: usize) -> Option<Hop> {
        let to = saga.steps.get(i)?.service;
        let before = saga.steps.get(..i)?;
        if before.last()?.service == to {
            return None;
        }
        let mut from = before.iter().rev().map(|s| s.service).filter(|f| *f != to);
        // The hops of a service are its events, then its calls.
        from.find_map(|f| self.hops(f).find(|hop| hop.to == to))
    }

    fn hops(&self, from: ServiceId) -> impl Iterator<Item = Hop> + '_ {
        let model = self.plan.model;
        let events = self.published[from.0].iter().flat_map(move |id| {
            let readers = model.event(*id).consumers.iter();
            readers.filter_map(move |(p, _)| match p {
                Party::Service(to) => Some(Hop {
                    from,
                    by: Lead::Event(*id),
                    to: *to,
                }),
                Party::Actor(_) => None,
            })
        });
        let calls = self.plan.callees(from).iter().map(move |id| Hop {
            from,
            by: Lead::Call(*id),
            to: model.call(*id).to,
        });
        events.chain(calls)
    }
}

/// The hops that led to `to`, in their order.
fn back(came: &[Option<Hop>], from: ServiceId, to: ServiceId) -> Vec<Hop> {
    let mut hops = Vec::new();
    let mut at = to;
    while let Some(hop) = came[at.0].filter(|_| at != from) {
        hops.push(hop);
        at = hop.from;
    }
    hops.reverse();
    hops
}
