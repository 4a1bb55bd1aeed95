//! Availability: how available each part is on its own, and what a service can reach with all it needs.
//!
//! A service answers while its own instances, the stores that it cannot do without, the brokers that it
//! waits for and every service that it cannot do without answer. That is a conjunction, so with
//! independent failures the product over the *set* of parts, each once, is exact: no decision diagram
//! can tell more. `tests/availability.rs` holds it against the enumeration of all states.

use super::figure::Figure;
use super::graph::Graph;
use super::reach::Reach;
use super::services::ServicePlan;
use crate::catalog::{Infrastructure, numbers};
use crate::model::units::Ratio;
use crate::model::{BrokerId, CallId, EventId, Model, Party, ServiceId, StoreId};

/// Something that a service may not be able to do without.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dependency {
    /// Another service.
    Service(ServiceId),
    /// A store.
    Store(StoreId),
    /// A broker.
    Broker(BrokerId),
}

impl Dependency {
    /// Its name in the design.
    #[must_use]
    pub fn name(self, model: &Model) -> &str {
        match self {
            Self::Service(id) => &model.service(id).name,
            Self::Store(id) => &model.store(id).name,
            Self::Broker(id) => &model.broker(id).name,
        }
    }
}

/// Minutes of 30 days, over which objectives are counted.
pub const MINUTES_30_DAYS: f64 = 43_200.0;

/// The availability of a service and of what it needs.
#[derive(Clone, Debug)]
pub struct AvailabilityPlan {
    /// Of its own instances.
    pub own: Figure<Ratio>,
    /// Every hard dependency at any depth, each once, with its own availability.
    pub needs: Vec<(Dependency, Ratio)>,
    /// `A_own · Π A_i`.
    pub reachable: Figure<Ratio>,
    /// Minutes of 30 days in which it does not answer.
    pub minutes: f64,
    /// The part whose own failures cost most of these, and how many.
    pub costliest: (Dependency, f64),
}

/// How available every part is, and who cannot do without whom.
#[derive(Clone, Debug)]
pub struct Availability {
    services: Vec<Figure<Ratio>>,
    stores: Vec<Figure<Ratio>>,
    brokers: Vec<Figure<Ratio>>,
    reach: Reach,
    /// Calls by the service that makes them.
    pub(super) calls: Vec<Vec<CallId>>,
    /// Events by the service that publishes them.
    pub(super) events: Vec<Vec<EventId>>,
}

impl Availability {
    /// Linear in the design, but for one bit for each pair of a service and a part.
    pub(super) fn new(
        model: &Model,
        main: &'static Infrastructure,
        services: &[ServicePlan],
    ) -> Self {
        let n = model.services.len();
        let (mut calls, mut events) = (vec![Vec::new(); n], vec![Vec::new(); n]);
        for id in model.call_ids() {
            if let Party::Service(s) = model.call(id).from {
                calls[s.0].push(id);
            }
        }
        for id in model.event_ids() {
            for p in &model.event(id).publishers {
                if !events[p.service.0].contains(&id) {
                    events[p.service.0].push(id);
                }
            }
        }
        let hard = Graph::new(
            n,
            model.calls.iter().filter_map(|c| match c.from {
                Party::Service(from) if !c.soft() => Some((from.0, c.to.0)),
                _ => None,
            }),
        );
        let (stores, brokers) = (model.stores.len(), model.brokers.len());
        let parts = |s: usize| {
            let own = std::iter::once(s);
            let kept = model.services[s]
                .stores
                .iter()
                .chain(&model.services[s].reads)
                .filter(|id| !model.store(**id).optional)
                .map(move |id| n + id.0);
            let awaited = events[s]
                .iter()
                .filter(|id| awaits_broker(model, **id))
                .map(move |id| n + stores + model.event(*id).broker.0);
            own.chain(kept).chain(awaited)
        };
        let reach = Reach::new(&hard, n + stores + brokers, parts);
        let broker = |b: &crate::model::Broker| match b.availability {
            Some(a) => Figure::set(a.value),
            None => assumed(&numbers().broker_availability),
        };
        let store = |s: &crate::model::Store| match s.availability {
            Some(a) => Figure::set(a.value),
            None => assumed(&numbers().store_availability),
        };
        Self {
            services: (0..n).map(|s| own(model, main, services, s)).collect(),
            stores: model.stores.iter().map(store).collect(),
            brokers: model.brokers.iter().map(broker).collect(),
            reach,
            calls,
            events,
        }
    }

    /// How available `part` is while everything that it needs is up.
    #[must_use]
    pub fn of(&self, part: Dependency) -> &Figure<Ratio> {
        match part {
            Dependency::Service(id) => &self.services[id.0],
            Dependency::Store(id) => &self.stores[id.0],
            Dependency::Broker(id) => &self.brokers[id.0],
        }
    }

    /// Every hard dependency of `service` at any depth, each once.
    pub fn needs(&self, service: ServiceId) -> impl Iterator<Item = Dependency> + '_ {
        let (n, stores) = (self.services.len(), self.stores.len());
        self.reach
            .from(service.0)
            .filter(move |i| *i != service.0)
            .map(move |i| {
                if i < n {
                    Dependency::Service(ServiceId(i))
                } else if i < n + stores {
                    Dependency::Store(StoreId(i - n))
                } else {
                    Dependency::Broker(BrokerId(i - n - stores))
                }
            })
    }

    /// Whether `service` cannot answer without `part`.
    #[must_use]
    pub fn need(&self, service: ServiceId, part: Dependency) -> bool {
        let (n, stores) = (self.services.len(), self.stores.len());
        let bit = match part {
            Dependency::Service(id) => id.0,
            Dependency::Store(id) => n + id.0,
            Dependency::Broker(id) => n + stores + id.0,
        };
        self.reach.has(service.0, bit)
    }

    /// What `service` can reach, with the formula.
    pub(super) fn plan(&self, service: ServiceId) -> AvailabilityPlan {
        let own = self.of(Dependency::Service(service)).clone();
        let needs: Vec<(Dependency, Ratio)> =
            self.needs(service).map(|d| (d, self.of(d).value)).collect();
        let product = needs.iter().map(|(_, a)| a.0).product::<f64>() * own.value.0;
        let why = if needs.is_empty() {
            "nothing else is needed".to_owned()
        } else {
            let factors = needs.iter().map(|(_, a)| *a);
            format!("own {} × {}", own.value, formula(factors))
        };
        let mut costliest = (Dependency::Service(service), minutes(own.value));
        for (d, a) in &needs {
            if minutes(*a) > costliest.1 {
                costliest = (*d, minutes(*a));
            }
        }
        AvailabilityPlan {
            minutes: minutes(Ratio(product)),
            costliest,
            reachable: Figure::derived(Ratio(product), why, "Calc"),
            own,
            needs,
        }
    }
}

/// Minutes of 30 days in which something with this availability is down.
#[must_use]
pub fn minutes(a: Ratio) -> f64 {
    (1.0 - a.0) * MINUTES_30_DAYS
}

/// Whether whoever publishes `event` has to wait for the broker: without an outbox the message is gone if
/// the broker does not take it. Who does not wait for the broker at all does not notice.
pub(super) fn awaits_broker(model: &Model, event: EventId) -> bool {
    let e = model.event(event);
    e.lacks_outbox.is_some() && e.lacks_acks.is_none()
}

/// `Π A_i` with equal factors counted together, the lowest first.
pub(super) fn formula(factors: impl Iterator<Item = Ratio>) -> String {
    let mut sorted: Vec<Ratio> = factors.collect();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut parts: Vec<(Ratio, usize)> = Vec::new();
    for a in sorted {
        match parts.last_mut() {
            Some((last, n)) if *last == a => *n += 1,
            _ => parts.push((a, 1)),
        }
    }
    let words: Vec<String> = parts
        .iter()
        .map(|(a, n)| match n {
            1 => a.to_string(),
            n => format!("({a})^{n}"),
        })
        .collect();
    words.join(" × ")
}

fn assumed(number: &'static crate::catalog::Number) -> Figure<Ratio> {
    super::choices::assumed(Ratio(number.value), number)
}

fn own(
    model: &Model,
    main: &'static Infrastructure,
    services: &[ServicePlan],
    s: usize,
) -> Figure<Ratio> {
    let n = numbers();
    let service = &model.services[s];
    if let Some(a) = service.availability {
        return Figure::set(a.value);
    }
    if service.external {
        if let Some(a) = service.slo.and_then(|s| s.availability) {
            return Figure::derived(a.value, format!("what `{}` promises", service.name), "");
        }
        return assumed(&n.external_availability);
    }
    if let Some(a) = model.defaults.availability {
        return Figure::derived(a.value, "`defaults.availability`", "");
    }
    let (one, ceiling) = (n.instance_availability.value, main.availability);
    let replicas = services[s].replicas.value;
    let together = 1.0 - (1.0 - one).powi(i32::try_from(replicas).unwrap_or(i32::MAX));
    let (why, source) = if together > ceiling {
        (
            format!(
                "1 − (1 − {})^{replicas}, at most {}: {}",
                Ratio(one),
                Ratio(ceiling),
                main.availability_why
            ),
            main.availability_source.as_str(),
        )
    } else {
        (format!("1 − (1 − {})^{replicas}", Ratio(one)), "derived")
    };
    Figure::assumed(Ratio(together.min(ceiling)), why, source)
}
