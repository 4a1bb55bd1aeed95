//! What one flow needs: which parts it cannot do without, which it can, and how each is reached.
//!
//! Where a flow says which calls a service makes in it, these count and no others; where it says nothing
//! about a service, everything that the service calls does. Events are handled after the answer, so
//! their consumers can be late but cannot stop the flow. What a consumer calls counts only if the flow says so or
//! nobody calls the consumer: otherwise nothing tells its calls for a message from those for a request.

use std::collections::{BTreeMap, VecDeque};

use super::availability::{Availability, Dependency, awaits_broker};
use super::flows::FlowPlan;
use crate::model::{CallId, EventId, Model, Party, ServiceId, Step, StoreId, StreamId};

/// How a flow depends on a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tie {
    /// It gives no answer without it.
    Needed,
    /// It answers with what the call has in its place.
    Fallback(CallId),
    /// It answers without what this optional store keeps.
    Spared(StoreId),
    /// It answers; the event is handled later.
    Late(EventId),
    /// It answers; the stream is silent meanwhile.
    Silent(StreamId),
}

/// One flow with everything that it touches.
#[derive(Clone, Debug)]
pub(super) struct Journey {
    /// Where requests enter, in the order of the steps.
    pub(super) entries: Vec<ServiceId>,
    /// By service.
    ties: Vec<Option<Tie>>,
    /// The service through which each service is reached; itself for an entry.
    before: Vec<usize>,
    /// By service: reached by a message alone, and what it then calls is not known.
    silent: Vec<bool>,
    /// Stores and brokers: how tied, and through which service.
    others: BTreeMap<Dependency, (Tie, ServiceId)>,
    /// Pairs of services of which the first cannot do without the second.
    pub(super) hard: Vec<(ServiceId, ServiceId)>,
}

/// The flow as it is, or as it would be.
#[derive(Clone, Copy, Debug)]
pub(super) enum Variant {
    /// As it is.
    Whole,
    /// Only what stands behind one of its entries.
    From(ServiceId),
    /// Without what the first service calls on the second.
    Without(ServiceId, ServiceId),
}

/// The most services that a path names; a longer one loses its middle.
const LONGEST_PATH: usize = 8;

/// What the flow itself says.
#[derive(Default)]
struct Said {
    entries: Vec<ServiceId>,
    soft: Vec<(CallId, ServiceId)>,
    calls: BTreeMap<usize, Vec<CallId>>,
    publishes: BTreeMap<usize, Vec<EventId>>,
    handled: BTreeMap<EventId, Vec<Party>>,
    pushed: Vec<(StreamId, ServiceId)>,
}

fn said(model: &Model, flow: &FlowPlan) -> Said {
    let mut out = Said::default();
    let mut seen = vec![false; model.services.len()];
    let start = |out: &mut Said, seen: &mut Vec<bool>, s: ServiceId| {
        if !std::mem::replace(&mut seen[s.0], true) {
            out.entries.push(s);
        }
    };
    for step in flow.steps.iter().flatten() {
        match *step {
            Step::Enter(_, s) => start(&mut out, &mut seen, s),
            Step::Call(id) => {
                let c = model.call(id);
                match c.from {
                    Party::Actor(_) if c.soft() => out.soft.push((id, c.to)),
                    // An actor's call enters even where an earlier step has reached the service.
                    Party::Actor(_) => {
                        if !out.entries.contains(&c.to) {
                            out.entries.push(c.to);
                        }
                    }
                    Party::Service(s) => {
                        start(&mut out, &mut seen, s);
                        out.calls.entry(s.0).or_default().push(id);
                    }
                }
                seen[c.to.0] = true;
            }
            Step::Publish(s, e) => {
                start(&mut out, &mut seen, s);
                out.publishes.entry(s.0).or_default().push(e);
            }
            Step::Handle(e, consumer) => {
                out.handled.entry(e).or_default().push(consumer);
                if let Party::Service(s) = consumer {
                    seen[s.0] = true;
                }
            }
            Step::Push(id) => {
                if let Party::Service(s) = model.stream(id).from {
                    out.pushed.push((id, s));
                }
            }
        }
    }
    if out.entries.is_empty() {
        out.entries.extend(out.soft.drain(..).map(|(_, s)| s));
        out.entries.extend(out.pushed.iter().map(|(_, s)| *s));
        out.entries.sort_unstable();
        out.entries.dedup();
    }
    out
}

impl Journey {
    /// Linear in the design.
    pub(super) fn new(
        model: &Model,
        parts: &Availability,
        flow: &FlowPlan,
        variant: Variant,
    ) -> Self {
        let mut said = said(model, flow);
        if let Variant::From(entry) = variant {
            said.entries = vec![entry];
            said.soft.clear();
        }
        let n = model.services.len();
        let calls = |s: usize| {
            let spoken = said.calls.contains_key(&s) || said.publishes.contains_key(&s);
            let list = match said.calls.get(&s) {
                Some(list) => list.as_slice(),
                None if spoken => &[],
                None => parts.calls[s].as_slice(),
            };
            list.iter().copied().filter(move |id| {
                let c = model.call(*id);
                !matches!(variant, Variant::Without(a, b)
                    if (c.from, c.to) == (Party::Service(a), b))
            })
        };
        let events = |s: usize| match said.publishes.get(&s) {
            Some(list) => list.as_slice(),
            None if said.calls.contains_key(&s) => &[],
            None => parts.events[s].as_slice(),
        };
        let mut out = Self {
            entries: said.entries.clone(),
            ties: vec![None; n],
            before: vec![usize::MAX; n],
            silent: vec![false; n],
            others: BTreeMap::new(),
            hard: Vec::new(),
        };
        let mut called = vec![false; n];
        for c in model
            .calls
            .iter()
            .filter(|c| c.from != Party::Service(c.to))
        {
            called[c.to.0] = true;
        }
        let mut queue: VecDeque<usize> = VecDeque::new();
        for s in &said.entries {
            out.reach(s.0, s.0, Tie::Needed, &mut queue);
        }
        // What it cannot do without, nearest first.
        let mut needed = Vec::new();
        while let Some(s) = queue.pop_front() {
            needed.push(s);
            for id in calls(s).filter(|id| !model.call(*id).soft()) {
                let to = model.call(id).to;
                out.hard.push((ServiceId(s), to));
                out.reach(to.0, s, Tie::Needed, &mut queue);
            }
        }
        // What it can do without, and what stands behind that.
        for (id, s) in &said.soft {
            out.reach(s.0, s.0, Tie::Fallback(*id), &mut queue);
        }
        for &s in &needed {
            for id in calls(s).filter(|id| model.call(*id).soft()) {
                out.reach(model.call(id).to.0, s, Tie::Fallback(id), &mut queue);
            }
        }
        let mut touched = needed;
        out.follow(model, &calls, &mut queue, &mut touched);
        // What happens after the answer.
        let mut at = 0;
        while let Some(&s) = touched.get(at) {
            at += 1;
            for &e in events(s) {
                for (consumer, _) in &model.event(e).consumers {
                    let named = said.handled.get(&e);
                    if let Party::Service(c) = consumer
                        && named.is_none_or(|list| list.contains(consumer))
                    {
                        if out.ties[c.0].is_none() {
                            out.silent[c.0] = called[c.0] && !said.calls.contains_key(&c.0);
                        }
                        out.reach(c.0, s, Tie::Late(e), &mut queue);
                    }
                }
            }
            out.follow(model, &calls, &mut queue, &mut touched);
        }
        for (id, s) in &said.pushed {
            out.reach(s.0, s.0, Tie::Silent(*id), &mut queue);
        }
        touched.extend(queue.drain(..));
        for &s in &touched {
            out.stores_and_brokers(model, s, events(s));
        }
        out.hard.sort_unstable();
        out.hard.dedup();
        out
    }

    fn reach(&mut self, s: usize, before: usize, tie: Tie, queue: &mut VecDeque<usize>) {
        if self.ties[s].is_none() {
            self.ties[s] = Some(tie);
            self.before[s] = before;
            queue.push_back(s);
        }
    }

    /// Whatever is called behind what is in `queue` shares its tie.
    fn follow<I: Iterator<Item = CallId>>(
        &mut self,
        model: &Model,
        calls: &impl Fn(usize) -> I,
        queue: &mut VecDeque<usize>,
        touched: &mut Vec<usize>,
    ) {
        while let Some(s) = queue.pop_front() {
            touched.push(s);
            let Some(tie) = self.ties[s] else { continue };
            if self.silent[s] {
                continue;
            }
            for id in calls(s) {
                let to = model.call(id).to.0;
                // What is called does its work for the call, whatever it does for a message.
                if std::mem::take(&mut self.silent[to]) {
                    queue.push_back(to);
                }
                self.reach(to, s, tie, queue);
            }
        }
    }

    fn stores_and_brokers(&mut self, model: &Model, s: usize, events: &[EventId]) {
        let Some(tie) = self.ties[s] else { return };
        let service = &model.services[s];
        for &id in service.stores.iter().chain(&service.reads) {
            let tie = if tie == Tie::Needed && model.store(id).optional {
                Tie::Spared(id)
            } else {
                tie
            };
            self.other(Dependency::Store(id), tie, s);
        }
        for &e in events {
            let tie = if awaits_broker(model, e) {
                tie
            } else {
                Tie::Late(e)
            };
            self.other(Dependency::Broker(model.event(e).broker), tie, s);
        }
    }

    /// The strongest tie counts.
    fn other(&mut self, part: Dependency, tie: Tie, s: usize) {
        let entry = self.others.entry(part).or_insert((tie, ServiceId(s)));
        if rank(tie) < rank(entry.0) {
            *entry = (tie, ServiceId(s));
        }
    }

    /// How the flow depends on `part`; `None` where it does not touch it.
    pub(super) fn tie(&self, part: Dependency) -> Option<Tie> {
        match part {
            Dependency::Service(s) => self.ties[s.0],
            other => self.others.get(&other).map(|(tie, _)| *tie),
        }
    }

    /// Every part that the flow touches, in the order of [`Dependency`].
    pub(super) fn touched(&self) -> impl Iterator<Item = (Dependency, Tie)> + '_ {
        let services = self.ties.iter().enumerate();
        services
            .filter_map(|(i, tie)| Some((Dependency::Service(ServiceId(i)), (*tie)?)))
            .chain(self.others.iter().map(|(d, (tie, _))| (*d, *tie)))
    }

    /// The services from where the flow enters to `part`, or to the service that uses it.
    pub(super) fn path(&self, part: Dependency) -> Vec<ServiceId> {
        let mut at = match part {
            Dependency::Service(s) => s.0,
            other => match self.others.get(&other) {
                Some((_, s)) => s.0,
                None => return Vec::new(),
            },
        };
        let mut path = vec![ServiceId(at)];
        // Everything is reached from what was reached before it, so this ends at an entry.
        while self.before[at] != at && self.before[at] != usize::MAX {
            at = self.before[at];
            path.push(ServiceId(at));
        }
        path.reverse();
        if path.len() > LONGEST_PATH {
            path.drain(LONGEST_PATH / 2..path.len() - LONGEST_PATH / 2);
        }
        path
    }
}

/// How much a failure behind a tie hurts: the lower the worse.
pub(super) fn rank(tie: Tie) -> u8 {
    match tie {
        Tie::Needed => 0,
        Tie::Fallback(_) => 1,
        Tie::Spared(_) => 2,
        Tie::Late(_) => 3,
        Tie::Silent(_) => 4,
    }
}
