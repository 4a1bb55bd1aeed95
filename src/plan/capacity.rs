//! Capacity: what arrives at peak and at worst, how much of it is in flight, and what that leaves free.
//!
//! At peak nothing fails. At worst everything behind a caller fails, and each caller tries as often as it
//! may, so that rates multiply along a path by the attempts of each layer; what the mesh repeats counts as
//! well. A retry budget keeps the design below that.

use super::Plan;
use super::figure::Figure;
use super::graph::Graph;
use super::queue;
use crate::model::units::{Rate, Ratio, float};
use crate::model::{CallId, EventId, Model, Party, ServiceId, StoreId};

/// The load of one call.
#[derive(Clone, Debug)]
pub struct CallLoad {
    /// The call.
    pub call: CallId,
    /// Attempts a second where every attempt fails.
    pub worst: Figure<Rate>,
    /// Calls in flight over all instances of the caller, `λ · p99`.
    pub in_flight: Figure<f64>,
    /// The share of calls that an instance's bulkhead refuses at peak while one instance of the caller is
    /// gone; `None` where an actor calls.
    pub refused: Option<Figure<Ratio>>,
}

/// The load of one service.
#[derive(Clone, Debug)]
pub struct ServiceLoad {
    /// The service.
    pub service: ServiceId,
    /// Requests a second where everything behind its callers fails.
    pub worst: Figure<Rate>,
    /// Requests and messages in flight over all instances: `Σ λ · p99` of the calls into it, and `Σ λ · handler` of the
    /// events that it reads.
    pub in_flight: Figure<f64>,
    /// Both calls and messages are among them.
    pub mixed: bool,
    /// The same for one instance.
    pub each: f64,
    /// Peak rate over capacity, where the author states one.
    pub used: Option<Figure<Ratio>>,
    /// The same while one instance is gone.
    pub used_without_one: Option<Figure<Ratio>>,
}

/// The load of one store.
#[derive(Clone, Debug)]
pub struct StoreLoad {
    /// The store.
    pub store: StoreId,
    /// Requests a second that may touch it.
    pub rate: Figure<Rate>,
    /// The same at worst.
    pub worst: Rate,
}

/// What arrives where.
#[derive(Clone, Debug)]
pub struct CapacityPlan {
    /// By [`CallId`].
    pub calls: Vec<CallLoad>,
    /// By [`ServiceId`].
    pub services: Vec<ServiceLoad>,
    /// By [`StoreId`].
    pub stores: Vec<StoreLoad>,
    /// Messages a second of each event where every request is repeated as often as it may be, by
    /// [`EventId`].
    pub events: Vec<Figure<Rate>>,
}

fn of(n: u64) -> f64 {
    super::traffic::count(usize::try_from(n).unwrap_or(usize::MAX))
}

/// The events that each service reads.
fn consumed(model: &Model) -> Vec<Vec<EventId>> {
    let mut consumed = vec![Vec::new(); model.services.len()];
    for id in model.event_ids() {
        for (consumer, _) in &model.event(id).consumers {
            if let Party::Service(s) = consumer {
                consumed[s.0].push(id);
            }
        }
    }
    consumed
}

fn round(x: f64) -> f64 {
    (x * 100.0).round() / 100.0
}

impl Plan<'_> {
    /// Rates, calls in flight and free capacity, worked out when it is asked for: linear in the design.
    #[must_use]
    pub fn capacity(&self) -> CapacityPlan {
        let model = self.model;
        let factors = self.worst_factors();
        let calls: Vec<CallLoad> = model
            .call_ids()
            .map(|id| self.call_load(id, factors.of(model.call(id).from)))
            .collect();
        let mut into: Vec<Vec<usize>> = vec![Vec::new(); model.services.len()];
        for id in model.call_ids() {
            into[model.call(id).to.0].push(id.0);
        }
        let consumed = consumed(model);
        let services: Vec<ServiceLoad> = model
            .service_ids()
            .map(|id| {
                let rate = self.service(id).rate.value;
                let factor = factors.services[id.0];
                let in_calls = into[id.0].iter().map(|c| calls[*c].in_flight.value).sum();
                let read = consumed[id.0].iter().map(|e| self.event(*e));
                let handled = read.map(|e| e.rate.value.0 * e.handler.value.as_s()).sum();
                self.service_load(id, rate, factor, [in_calls, handled])
            })
            .collect();
        let stores = (0..model.stores.len())
            .map(|i| {
                let users = &model.stores[i].users;
                let rates = users.iter().map(|(s, _)| self.service(*s).rate.value.0);
                let worst = users.iter().map(|(s, _)| services[s.0].worst.value.0);
                let words: Vec<String> = users
                    .iter()
                    .take(6)
                    .map(|(s, _)| {
                        format!(
                            "{} of `{}`",
                            self.service(*s).rate.value,
                            model.service(*s).name
                        )
                    })
                    .collect();
                StoreLoad {
                    store: StoreId(i),
                    rate: Figure::derived(Rate(rates.sum()), words.join(" + "), "derived"),
                    worst: Rate(worst.sum()),
                }
            })
            .collect();
        let events = model
            .event_ids()
            .map(|id| self.event_load(id, &factors))
            .collect();
        CapacityPlan {
            calls,
            services,
            stores,
            events,
        }
    }

    /// By how much the requests of each service multiply at worst, callers first.
    fn worst_factors(&self) -> Factors {
        let model = self.model;
        let n = model.services.len();
        let service = |p: Party| match p {
            Party::Service(s) => Some(s),
            Party::Actor(_) => None,
        };
        let sync = (model.calls.iter()).filter_map(|c| Some((service(c.from)?.0, c.to.0)));
        let events = model.events.iter().flat_map(|e| {
            e.publishers.iter().flat_map(move |p| {
                let readers = e.consumers.iter().filter_map(move |(c, _)| service(*c));
                readers.map(move |c| (p.service.0, c.0))
            })
        });
        let graph = Graph::new(n, sync.chain(events));
        let mut inbound: Vec<Vec<CallId>> = vec![Vec::new(); n];
        for id in model.call_ids() {
            inbound[model.call(id).to.0].push(id);
        }
        let consumed = consumed(model);
        let mut factors = Factors {
            services: vec![1.0; n],
        };
        // A circle has no first caller: its calls see the factors that are known by then.
        for s in graph.successors_first().into_iter().rev() {
            let (mut usual, mut worst) = (0.0, 0.0);
            for id in &inbound[s] {
                let rate = self.call(*id).rate.value.0;
                usual += rate;
                worst += rate * factors.of(model.call(*id).from) * self.tries(*id);
            }
            for id in &consumed[s] {
                let rate = self.event(*id).rate.value.0;
                usual += rate;
                worst += rate * factors.event(&model.event(*id).publishers);
            }
            if usual > 0.0 {
                factors.services[s] = worst / usual;
            }
        }
        factors
    }

    /// Attempts of one call: those of its caller. The mesh is told not to add any.
    fn tries(&self, id: CallId) -> f64 {
        f64::from(self.call(id).attempts.value)
    }

    fn call_load(&self, id: CallId, factor: f64) -> CallLoad {
        let (c, plan) = (self.model.call(id), self.call(id));
        let rate = plan.rate.value;
        let tries = self.tries(id);
        let mut why = format!("{rate} × {}", float(tries));
        if (factor - 1.0).abs() > 1e-9 {
            why = format!(
                "{why} × {} that `{}` is asked",
                float(round(factor)),
                self.model.party(c.from)
            );
        }
        let refused = match c.from {
            Party::Actor(_) => None,
            Party::Service(s) => {
                let serving = self.service(s).replicas.value.saturating_sub(1).max(1);
                let mean = queue::mean(plan.p50.value.as_s(), plan.p99.value.as_s());
                let load = rate.0 * mean / of(serving);
                queue::refused(load, plan.slots.value).map(|share| {
                    Figure::derived(
                        Ratio(share),
                        format!(
                            "Erlang B of {} in flight on {} slots: {rate} ÷ {serving} × mean {} ms",
                            float(round(load)),
                            plan.slots.value,
                            float(round(mean * 1000.0))
                        ),
                        "ErlangB",
                    )
                })
            }
        };
        CallLoad {
            call: id,
            worst: Figure::derived(Rate(rate.0 * factor * tries), why, "SRE22"),
            in_flight: Figure::derived(
                rate.0 * plan.p99.value.as_s(),
                format!("{rate} × p99 {}", plan.p99.value),
                "Little",
            ),
            refused,
        }
    }

    /// `parts`: calls and messages in flight.
    fn service_load(&self, id: ServiceId, rate: Rate, factor: f64, parts: [f64; 2]) -> ServiceLoad {
        let in_flight = parts[0] + parts[1];
        let why = match parts {
            [_, 0.0] => "the calls into it together".to_owned(),
            [0.0, _] => "the messages that it handles".to_owned(),
            [calls, messages] => {
                format!(
                    "{} of calls + {} of messages",
                    float(round(calls)),
                    float(round(messages))
                )
            }
        };
        let replicas = self.service(id).replicas.value;
        let capacity = self.model.service(id).capacity.map(|c| c.value);
        let used = capacity
            .filter(|c| c.0 > 0.0)
            .map(|c| Figure::derived(Ratio(rate.0 / c.0), format!("{rate} ÷ {c}"), "derived"));
        let used_without_one = used.as_ref().filter(|_| replicas > 1).map(|u| {
            let left = of(replicas - 1) / of(replicas);
            Figure::derived(
                Ratio(u.value.0 / left),
                format!("{} with {} of {replicas} instances", u.why, replicas - 1),
                "derived",
            )
        });
        ServiceLoad {
            service: id,
            worst: Figure::derived(
                Rate(rate.0 * factor),
                format!("{rate} × {}", float(round(factor))),
                "SRE22",
            ),
            in_flight: Figure::derived(in_flight, why, "Little"),
            mixed: parts.iter().all(|p| *p > 0.0),
            each: in_flight / of(replicas.max(1)),
            used,
            used_without_one,
        }
    }

    fn event_load(&self, id: EventId, factors: &Factors) -> Figure<Rate> {
        let rate = self.event(id).rate.value;
        let factor = factors.event(&self.model.event(id).publishers);
        Figure::derived(
            Rate(rate.0 * factor),
            format!("{rate} × {}", float(round(factor))),
            "SRE22",
        )
    }
}

/// How often one request is repeated at worst until it arrives at a service.
struct Factors {
    services: Vec<f64>,
}

impl Factors {
    fn of(&self, from: Party) -> f64 {
        match from {
            Party::Service(s) => self.services[s.0],
            Party::Actor(_) => 1.0,
        }
    }

    /// Of several publishers the one that repeats most.
    fn event(&self, publishers: &[crate::model::Publisher]) -> f64 {
        let all = publishers.iter().map(|p| self.services[p.service.0]);
        all.fold(1.0, f64::max)
    }
}
