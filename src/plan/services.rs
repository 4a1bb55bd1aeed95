//! Services: which are entry points, how many instances, how they are found, checked and drained.

use super::calls::CallPlan;
use super::choices::{Choices, assumed};
use super::figure::Figure;
use super::slug::slug;
use super::streams::{self, StreamPlan};
use super::traffic::Traffic;
use crate::catalog::{self, numbers};
use crate::model::units::{Rate, Time};
use crate::model::{Balancing, Model, Party, Probe, Protocol, ServiceId, Stated, Step, Transport};

/// The services that can be reached from outside, in ascending order.
pub(super) struct Entries {
    pub(super) services: Vec<ServiceId>,
}

/// Probes of a service.
#[derive(Clone, Debug)]
pub struct HealthPlan {
    /// `grpc` or an HTTP path.
    pub liveness: String,
    /// The same for readiness.
    pub readiness: String,
    /// Whether the probes speak gRPC.
    pub grpc: bool,
    /// Seconds between probes.
    pub period_s: u64,
    /// Seconds before a probe counts as failed.
    pub timeout_s: u64,
    /// Failed probes before something happens.
    pub failure_threshold: u64,
    /// Probes allowed during start-up.
    pub startup_threshold: u64,
    /// How the start-up allowance is counted.
    pub startup_why: String,
    /// What readiness may look at: its own stores, never other services.
    pub may_check: Vec<String>,
    /// What neither probe may look at: the services it calls.
    pub must_not_check: Vec<ServiceId>,
    /// The author says that there is no health check today.
    pub lacking: bool,
}

/// Every number of one service.
#[derive(Clone, Debug)]
pub struct ServicePlan {
    /// Identifier in host names and labels.
    pub slug: String,
    /// Reachable from outside.
    pub entry: bool,
    /// An actor calls it or listens to it.
    pub called_by_actor: bool,
    /// Peak rate of requests.
    pub rate: Figure<Rate>,
    /// Instances.
    pub replicas: Figure<u64>,
    /// The most instances that an autoscaler starts.
    pub max_replicas: Figure<u64>,
    /// Per cent of the requested processor time above which it starts more.
    pub cpu_target: Figure<u64>,
    /// Requests that all its callers together have under way at their peak.
    pub in_flight: Figure<u64>,
    /// Host name inside the platform.
    pub address: String,
    /// Serves REST, GraphQL or anything else over HTTP.
    pub serves_http: bool,
    /// Serves gRPC.
    pub serves_grpc: bool,
    /// Serves something that is not carried by HTTP, to other services.
    pub serves_tcp: bool,
    /// All that comes to it from outside goes past the gateway, since it is not HTTP.
    pub past_gateway: bool,
    /// How requests are spread over its instances.
    pub balancing: String,
    /// Whether gRPC connections would stick to one instance without what `balancing` says.
    pub pinning_risk: bool,
    /// Probes; `None` for somebody else's service.
    pub health: Option<HealthPlan>,
    /// Seconds between the signal to stop and the kill.
    pub grace: Figure<Time>,
    /// Wait before the process is told to stop.
    pub pre_stop: Figure<Time>,
    /// Services that call it.
    pub used_by: Vec<ServiceId>,
    /// Services that it calls.
    pub depends_on: Vec<ServiceId>,
}

impl ServicePlan {
    /// Whether requests come to it through the gateway.
    #[must_use]
    pub fn behind_gateway(&self) -> bool {
        self.entry && !self.past_gateway
    }
}

pub(super) fn entries(model: &Model) -> Entries {
    let n = model.services.len();
    let (mut said, mut called) = (vec![false; n], vec![false; n]);
    let (mut inbound, mut outbound) = (vec![false; n], vec![false; n]);
    for (i, s) in model.services.iter().enumerate() {
        said[i] = s.public.is_some_and(|p| p.value);
    }
    for c in &model.calls {
        match c.from {
            Party::Actor(_) => called[c.to.0] = true,
            Party::Service(s) => {
                inbound[c.to.0] = true;
                outbound[s.0] = true;
            }
        }
    }
    for s in &model.streams {
        match (s.from, s.to) {
            (Party::Service(x), Party::Actor(_)) | (Party::Actor(_), Party::Service(x)) => {
                called[x.0] = true;
            }
            _ => {}
        }
    }
    for step in model.flows.iter().flat_map(|f| f.steps.iter().flatten()) {
        if let Step::Enter(_, s) = step {
            called[s.0] = true;
        }
    }
    let any = (0..n).any(|i| said[i] || called[i]);
    let services = (0..n)
        .filter(|&i| {
            let denied = model.services[i].public.is_some_and(|p| !p.value);
            let external = model.services[i].external;
            if any {
                !denied && !external && (said[i] || called[i])
            } else {
                !denied && !external && !inbound[i] && outbound[i]
            }
        })
        .map(ServiceId)
        .collect();
    Entries { services }
}

/// The instances of each service: as set, or as many as its connections need, at least the usual number.
pub(super) fn replicas(model: &Model, choices: &Choices) -> Vec<Figure<u64>> {
    let loads = streams::loads(model);
    model
        .services
        .iter()
        .zip(loads)
        .map(|(service, load)| {
            if let Some(r) = service.replicas {
                return Figure::set(r.value);
            }
            if let Some(r) = model.defaults.replicas {
                return Figure::derived(r.value, "`defaults.replicas`", "");
            }
            let n = &numbers().replicas;
            #[allow(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a small whole number"
            )]
            let usual = n.value as u64;
            match streams::instances(choices, load) {
                Some(needed) if needed.value > usual => needed,
                _ => assumed(usual, n),
            }
        })
        .collect()
}

pub(super) fn plan(
    model: &Model,
    choices: &Choices,
    traffic: &Traffic,
    calls: &[CallPlan],
    entries: &Entries,
    replicas: &[Figure<u64>],
) -> Vec<ServicePlan> {
    let n = model.services.len();
    let mut used_by: Vec<Vec<ServiceId>> = vec![Vec::new(); n];
    let mut depends_on: Vec<Vec<ServiceId>> = vec![Vec::new(); n];
    let (mut http, mut grpc, mut tcp) = (vec![false; n], vec![false; n], vec![false; n]);
    let mut actor = vec![false; n];
    let (mut past, mut through) = (vec![false; n], vec![false; n]);
    let mut longest = vec![Time::default(); n];
    for (c, p) in model.calls.iter().zip(calls) {
        let outside = matches!(c.from, Party::Actor(_));
        let passes = outside && catalog::not_http(c.protocol.name()).is_some();
        past[c.to.0] |= passes;
        through[c.to.0] |= outside && !passes;
        match c.protocol {
            _ if passes => {}
            Protocol::Grpc => grpc[c.to.0] = true,
            Protocol::Rest(_) | Protocol::GraphQl => http[c.to.0] = true,
            Protocol::Other(_) if c.protocol.is_http() => http[c.to.0] = true,
            Protocol::Other(_) => tcp[c.to.0] = true,
        }
        longest[c.to.0] = longest[c.to.0].max(p.timeout.value);
        match c.from {
            Party::Service(s) => {
                used_by[c.to.0].push(s);
                depends_on[s.0].push(c.to);
            }
            Party::Actor(_) => actor[c.to.0] = true,
        }
    }
    for s in &model.streams {
        if let Party::Service(x) = s.from {
            match s.transport {
                Transport::GrpcStream => grpc[x.0] = true,
                _ => http[x.0] = true,
            }
            actor[x.0] |= matches!(s.to, Party::Actor(_));
            through[x.0] |= matches!(s.to, Party::Actor(_));
        }
    }
    let consumes = consumers(model);
    let mut slots = vec![Vec::new(); n];
    for id in model.call_ids() {
        slots[model.call(id).to.0].push(calls[id.0].concurrency.value);
    }
    let mut out = Vec::with_capacity(n);
    for (i, service) in model.services.iter().enumerate() {
        for list in [&mut used_by[i], &mut depends_on[i]] {
            list.sort_unstable();
            list.dedup();
        }
        let infra = choices.infrastructure;
        let replicas = replicas[i].clone();
        let slug = slug(&service.name);
        let l7 = choices.mesh.l7;
        let balancing = match (grpc[i], l7) {
            (true, true) => &infra.grpc_balancing,
            (true, false) => &infra.grpc_balancing_plain,
            (false, true) => &infra.http_balancing,
            (false, false) => &infra.http_balancing_plain,
        };
        let balancing = if let Some(set) = service.balancing {
            match set.value {
                Balancing::L4 => "a connection at a time, as set".to_owned(),
                Balancing::L7 => "a request at a time by a proxy, as set".to_owned(),
                Balancing::Client => "a request at a time by the caller, as set".to_owned(),
            }
        } else if l7 && choices.mesh.id != "istio" {
            format!("{}, by {}", choices.mesh.balancing, choices.mesh.name)
        } else {
            balancing.clone()
        };
        out.push(ServicePlan {
            address: if service.external {
                service.name.clone()
            } else {
                infra
                    .address
                    .replace("{service}", &slug)
                    .replace("{namespace}", &choices.namespace)
            },
            entry: entries.services.binary_search(&ServiceId(i)).is_ok(),
            called_by_actor: actor[i],
            rate: traffic.services[i].clone(),
            max_replicas: max_replicas(&replicas),
            replicas,
            cpu_target: cpu_target(),
            in_flight: in_flight(&slots[i]),
            serves_http: http[i],
            serves_grpc: grpc[i],
            serves_tcp: tcp[i],
            past_gateway: past[i] && !through[i],
            balancing,
            pinning_risk: grpc[i]
                && match service.balancing {
                    Some(set) => set.value == Balancing::L4,
                    None => infra.grpc_l4 && !l7,
                },
            health: (!service.external)
                .then(|| health(model, choices, i, grpc[i] && !http[i], &depends_on[i])),
            grace: match service.grace {
                Some(g) => Figure::set(g.value),
                None => grace(longest[i], consumes[i]),
            },
            pre_stop: {
                let n = &numbers().pre_stop;
                assumed(Time::s(1).scale(n.value), n)
            },
            used_by: std::mem::take(&mut used_by[i]),
            depends_on: std::mem::take(&mut depends_on[i]),
            slug,
        });
    }
    out
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "float to integer casts saturate"
)]
fn max_replicas(replicas: &Figure<u64>) -> Figure<u64> {
    let n = &numbers().scale_out;
    Figure::derived(
        replicas.value.saturating_mul(n.value as u64),
        format!("{} × {} instances: {}", n.value, replicas.value, n.why),
        "derived",
    )
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "float to integer casts saturate"
)]
fn cpu_target() -> Figure<u64> {
    let n = &numbers().cpu_target;
    Figure::assumed(n.value as u64, n.why.clone(), "derived")
}

/// The sum over the calls of a service, at least one.
fn in_flight(slots: &[u64]) -> Figure<u64> {
    let sum = slots.iter().fold(0_u64, |sum, n| sum.saturating_add(*n));
    Figure::derived(
        sum.max(1),
        format!("sum over {} calls of rate × p99 with headroom", slots.len()),
        "derived",
    )
}

/// Lengthens grace periods that are derived so that the clients of streams can be sent elsewhere.
pub(super) fn drain(services: &mut [ServicePlan], streams: &[StreamPlan]) {
    let n = numbers();
    let flush = Time::s(1).scale(n.flush.value);
    for stream in streams {
        let Some(s) = stream.server.and_then(|s| services.get_mut(s.0)) else {
            continue;
        };
        let drain = stream.drain.value;
        let exact = s.pre_stop.value.plus(drain).plus(flush);
        if !s.grace.is_set() && exact > s.grace.value {
            s.grace = Figure::derived(
                Time::s(exact.0.div_ceil(1_000_000)),
                format!(
                    "preStop {} + drain of streams {drain} + flush {flush}",
                    s.pre_stop.value
                ),
                "Pod",
            );
        }
    }
}

/// Which services handle events.
fn consumers(model: &Model) -> Vec<bool> {
    let mut out = vec![false; model.services.len()];
    for (party, _) in model.events.iter().flat_map(|e| &e.consumers) {
        if let Party::Service(s) = party {
            out[s.0] = true;
        }
    }
    out
}

fn health(
    model: &Model,
    choices: &Choices,
    s: usize,
    grpc: bool,
    depends_on: &[ServiceId],
) -> HealthPlan {
    let infra = choices.infrastructure;
    let service = &model.services[s];
    let stated = service.health.as_ref().map(|h| &h.value);
    let (grpc, path) = match stated {
        Some(Stated::Value(p)) if p.eq_ignore_ascii_case("grpc") => (true, None),
        Some(Stated::Value(p)) => (false, Some(p.clone())),
        _ => (grpc, None),
    };
    let (liveness, readiness) = match (&path, grpc) {
        (Some(p), _) => (p.clone(), p.clone()),
        (None, true) => (
            "grpc.health.v1.Health/Check".to_owned(),
            "grpc.health.v1.Health/Check".to_owned(),
        ),
        (None, false) => ("/livez".to_owned(), "/readyz".to_owned()),
    };
    let said = |probe: &Option<Probe>, planned: String| {
        let path = probe.as_ref().and_then(|p| p.path.as_ref());
        path.map_or(planned, |p| p.value.clone())
    };
    let liveness = said(&service.liveness, liveness);
    let readiness = said(&service.readiness, readiness);
    let startup_threshold = infra.startup_s.div_ceil(infra.period_s);
    HealthPlan {
        liveness,
        readiness,
        grpc,
        period_s: infra.period_s,
        timeout_s: infra.timeout_s,
        failure_threshold: infra.failure_threshold,
        startup_threshold,
        startup_why: format!(
            "{startup_threshold} × {} s = {} s to start",
            infra.period_s,
            startup_threshold * infra.period_s
        ),
        may_check: service
            .stores
            .iter()
            .map(|id| model.store(*id).name.clone())
            .collect(),
        must_not_check: depends_on.to_vec(),
        lacking: stated == Some(&Stated::Lacking),
    }
}

/// `grace ≥ preStop + max(request deadline, handler time) + flush`.
fn grace(longest: Time, consumes: bool) -> Figure<Time> {
    let n = numbers();
    let pre_stop = Time::s(1).scale(n.pre_stop.value);
    let flush = Time::s(1).scale(n.flush.value);
    let handler = Time::ms(1).scale(n.handler.value);
    let (work, what) = if consumes && handler > longest {
        (handler, "handler")
    } else {
        (longest, "longest request")
    };
    let exact = pre_stop.plus(work).plus(flush);
    let seconds = Time::s(exact.0.div_ceil(1_000_000));
    let why = format!("preStop {pre_stop} + {what} {work} + flush {flush}");
    let usual = Time::s(30);
    if seconds <= usual {
        Figure::derived(
            usual,
            format!("{why} = {exact}; the platform's 30 s suffice"),
            "Pod",
        )
    } else {
        Figure::derived(seconds, why, "Pod")
    }
}
