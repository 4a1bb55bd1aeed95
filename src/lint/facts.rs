//! What several rules look up: indexes of the design, built once, and what the author stated.

use crate::diag::Span;
use crate::model::units::{Ratio, Time};
use crate::model::{CallId, EventId, Model, Party, ServiceId, Stated, StoreId, StreamId};
use crate::plan::{Dependency, Plan};

/// A design with its indexes.
#[derive(Debug)]
pub struct Facts<'p> {
    pub(super) plan: &'p Plan<'p>,
    pub(super) model: &'p Model,
    /// Calls by caller.
    pub(super) outbound: Vec<Vec<CallId>>,
    /// Calls by callee, those of actors included.
    pub(super) inbound: Vec<Vec<CallId>>,
    /// The strongly connected component of every service in the graph of calls.
    pub(super) component: Vec<usize>,
    /// Calls for one request above which `retry-storm` speaks, by the author or by default.
    pub(super) storm: u64,
}

/// The longest that a call takes by the author's own numbers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Total {
    /// Of one attempt.
    pub(super) timeout: Time,
    /// Where that is stated.
    pub(super) span: Span,
    /// Attempts that the author asks for.
    pub(super) attempts: u32,
    /// Where the retries are stated.
    pub(super) retries: Option<Span>,
    /// How often one request makes it, one after the other.
    pub(super) times: u32,
    /// `n·t`, cut by a stated deadline, as often as one request makes it.
    pub(super) bare: Time,
    /// The same with the planned waits between the attempts.
    pub(super) waited: Time,
}

impl Total {
    /// `3 × 300 ms`, or `300 ms`.
    pub(super) fn formula(&self) -> String {
        let mut factors = Vec::new();
        if self.times > 1 {
            factors.push(self.times.to_string());
        }
        if self.attempts > 1 {
            factors.push(self.attempts.to_string());
        }
        factors.push(self.timeout.to_string());
        factors.join(" × ")
    }
}

impl<'p> Facts<'p> {
    pub(super) fn new(plan: &'p Plan<'p>, storm: u64) -> Self {
        let model = plan.model;
        let n = model.services.len();
        let (mut outbound, mut inbound) = (vec![Vec::new(); n], vec![Vec::new(); n]);
        for id in model.call_ids() {
            let c = model.call(id);
            inbound[c.to.0].push(id);
            if let Party::Service(s) = c.from {
                outbound[s.0].push(id);
            }
        }
        Self {
            plan,
            model,
            outbound,
            inbound,
            component: plan.graph.components(),
            storm,
        }
    }

    /// The attempt timeout that the author set for the call or for all.
    pub(super) fn timeout(&self, id: CallId) -> Option<(Time, Span)> {
        match self.model.call(id).timeout {
            Some(set) => match set.value {
                Stated::Value(t) => Some((t, set.span)),
                Stated::Lacking => None,
            },
            None => self.model.defaults.timeout.map(|d| (d.value, d.span)),
        }
    }

    /// The attempts that the author asks for, and where; `defaults.retries` count where they apply. Retries
    /// that may do the work twice do not count: they are to go anyway.
    pub(super) fn attempts(&self, id: CallId) -> (u32, Option<Span>) {
        if let Some(r) = self.model.call(id).retries {
            if self.unsafe_retries(id) {
                return (1, None);
            }
            return (r.value.saturating_add(1), Some(r.span));
        }
        let planned = self.plan.call(id).attempts.value;
        match self.model.defaults.retries {
            Some(d) if planned > 1 => (planned, Some(d.span)),
            _ => (1, None),
        }
    }

    /// The longest that the call takes by the author's own numbers, if a timeout is stated.
    pub(super) fn total(&self, id: CallId) -> Option<Total> {
        let (timeout, span) = self.patience(id)?;
        let (attempts, retries) = self.attempts(id);
        let bare = timeout.times(attempts.into());
        let waits = self.plan.call(id).backoff.iter();
        let waited = if attempts > 1 {
            waits.fold(bare, |sum, b| sum.plus(*b))
        } else {
            bare
        };
        let times = self.model.call(id).policy.per_request;
        let cap = |t: Time| {
            let once = self.model.call(id).deadline.map_or(t, |d| t.min(d.value));
            once.times(times.map_or(1, |n| n.value.into()))
        };
        Some(Total {
            timeout,
            span,
            attempts,
            retries,
            times: times.map_or(1, |n| n.value),
            bare: cap(bare),
            waited: cap(waited),
        })
    }

    /// The 99th percentile that the author gave: of the call, of the callee's promise, or of all.
    pub(super) fn p99(&self, id: CallId) -> Option<(Time, Span, &'static str)> {
        let c = self.model.call(id);
        if let Some(p) = c.p99 {
            return Some((p.value, p.span, "its 99th percentile"));
        }
        if let Some(p) = self.model.service(c.to).slo.and_then(|s| s.p99) {
            return Some((p.value, p.span, "the promise of the callee"));
        }
        let d = self.model.defaults.p99?;
        Some((d.value, d.span, "the default 99th percentile"))
    }

    /// Whether caller and callee wait for each other, directly or not.
    pub(super) fn in_cycle(&self, id: CallId) -> bool {
        let c = self.model.call(id);
        match c.from {
            Party::Service(s) => self.component[s.0] == self.component[c.to.0],
            Party::Actor(_) => false,
        }
    }

    /// The availability that the author gave to `d` alone, and where; `None` where it is assumed.
    pub(super) fn availability(&self, d: Dependency, with_default: bool) -> Option<(Ratio, Span)> {
        let set = match d {
            Dependency::Store(s) => self.model.store(s).availability,
            Dependency::Broker(b) => self.model.broker(b).availability,
            Dependency::Service(s) => {
                let service = self.model.service(s);
                let promised = service
                    .external
                    .then(|| service.slo.and_then(|o| o.availability))
                    .flatten();
                let default = self
                    .model
                    .defaults
                    .availability
                    .filter(|_| with_default && !service.external);
                service.availability.or(promised).or(default)
            }
        };
        set.map(|a| (a.value, a.span))
    }

    /// The product of the factors that are stated for their own parts, without `defaults`.
    pub(super) fn explicit_product(&self, factors: &[(Dependency, Ratio, Span)]) -> f64 {
        factors
            .iter()
            .filter_map(|(d, _, _)| self.availability(*d, false))
            .map(|(a, _)| a.0)
            .product()
    }

    /// The instances that the author gives a service, and where; `defaults.replicas` counts.
    pub(super) fn replicas(&self, s: ServiceId) -> Option<(u64, Span)> {
        let service = self.model.service(s);
        let default = self.model.defaults.replicas.filter(|_| !service.external);
        service.replicas.or(default).map(|r| (r.value, r.span))
    }

    /// The name of a dependency.
    pub(super) fn dependency(&self, d: Dependency) -> &str {
        d.name(self.model)
    }

    /// The name of a service.
    pub(super) fn name(&self, s: ServiceId) -> &str {
        &self.model.service(s).name
    }

    /// A call as subject.
    pub(super) fn call(&self, id: CallId) -> (String, Vec<String>) {
        let c = self.model.call(id);
        let (a, b) = (self.model.party(c.from), self.name(c.to));
        (
            self.model.call_name(id),
            vec![a.to_owned(), b.to_owned(), format!("{a} -> {b}")],
        )
    }

    /// A chain of services as subject.
    pub(super) fn path(&self, path: &[ServiceId]) -> (String, Vec<String>) {
        let names: Vec<&str> = path.iter().map(|s| self.name(*s)).collect();
        let mut places: Vec<String> = names.iter().map(|n| (*n).to_owned()).collect();
        places.extend(names.windows(2).map(|w| format!("{} -> {}", w[0], w[1])));
        (names.join(" -> "), places)
    }

    /// A service as subject.
    pub(super) fn service(&self, s: ServiceId) -> (String, Vec<String>) {
        (self.name(s).to_owned(), Vec::new())
    }

    /// An event as subject; its publishers and consumers are its parts.
    pub(super) fn event(&self, id: EventId) -> (String, Vec<String>) {
        let e = self.model.event(id);
        let mut places: Vec<String> = Vec::new();
        for p in &e.publishers {
            places.push(self.name(p.service).to_owned());
        }
        for (c, _) in &e.consumers {
            let consumer = self.model.party(*c);
            places.push(consumer.to_owned());
            for p in &e.publishers {
                places.push(format!("{} -> {consumer}", self.name(p.service)));
            }
        }
        (e.name.clone(), places)
    }

    /// A stream as subject.
    pub(super) fn stream(&self, id: StreamId) -> (String, Vec<String>) {
        let s = self.model.stream(id);
        let (a, b) = (self.model.party(s.from), self.model.party(s.to));
        (
            format!("{a} -> {b}: {}", s.label()),
            vec![a.to_owned(), b.to_owned(), format!("{a} -> {b}")],
        )
    }

    /// A store as subject; its users are its parts.
    pub(super) fn store(&self, id: StoreId) -> (String, Vec<String>) {
        let s = self.model.store(id);
        let users = s.users.iter().map(|(u, _)| self.name(*u).to_owned());
        (s.name.clone(), users.collect())
    }
}

/// A count, to reckon with.
#[allow(clippy::cast_precision_loss, reason = "counts of a design are small")]
pub(super) fn as_float(n: u64) -> f64 {
    n as f64
}

/// A count, to speak of.
pub(super) fn count(n: u64) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}

/// `1 call`, `3 calls`.
pub(super) fn plural(n: usize, word: &str) -> String {
    if n == 1 {
        format!("1 {word}")
    } else {
        format!("{n} {word}s")
    }
}

/// `` `a`, `b` and `c` ``, at most six of them.
pub(super) fn list<S: AsRef<str>>(names: &[S]) -> String {
    let quoted: Vec<String> = names
        .iter()
        .take(6)
        .map(|n| format!("`{}`", n.as_ref()))
        .collect();
    if names.len() > 6 {
        return format!("{} and {} more", quoted.join(", "), names.len() - 6);
    }
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        None => String::new(),
    }
}
