//! Real-time streams: capacity, heartbeats, reconnection, draining.

use super::choices::{Choices, assumed};
use super::figure::Figure;
use super::services::ServicePlan;
use crate::catalog::numbers;
use crate::model::units::{Bytes, Rate, Time, float};
use crate::model::{Model, Party, ServiceId, Stream, Transport};

/// Every number of one stream.
#[derive(Clone, Debug)]
pub struct StreamPlan {
    /// The service that holds the connections.
    pub server: Option<ServiceId>,
    /// Peak of concurrent connections.
    pub connections: Figure<u64>,
    /// Connections of one instance while one of the instances is gone.
    pub per_replica: Figure<u64>,
    /// Instances that the connections need.
    pub replicas_needed: Figure<u64>,
    /// Memory of the connections of one instance.
    pub memory: Figure<Bytes>,
    /// Messages a second over all connections.
    pub rate: Figure<Rate>,
    /// Between heartbeats.
    pub heartbeat: Figure<Time>,
    /// The smallest idle limit on the path, and whose it is.
    pub idle_limit: (Time, String),
    /// The longest a connection may live at this gateway; `None` without a limit.
    pub lifetime: Option<Time>,
    /// Clients come back within this time, each after a random wait.
    pub reconnect: Figure<Time>,
    /// Whether a client goes on where it stopped.
    pub resume: Figure<bool>,
    /// Whether the instances need a backplane, since a message may arise on one and its listener be
    /// connected to another.
    pub backplane: bool,
    /// Time to send clients elsewhere before an instance stops.
    pub drain: Figure<Time>,
    /// Why this transport.
    pub transport_why: &'static str,
}

pub(super) fn plan(model: &Model, choices: &Choices, services: &[ServicePlan]) -> Vec<StreamPlan> {
    model
        .streams
        .iter()
        .map(|s| one(choices, services, s))
        .collect()
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "float to integer casts saturate, counts are small"
)]
fn one(choices: &Choices, services: &[ServicePlan], s: &Stream) -> StreamPlan {
    let n = numbers();
    let server = match (s.from, s.to) {
        (Party::Service(x), _) | (Party::Actor(_), Party::Service(x)) => Some(x),
        _ => None,
    };
    let replicas = server.map_or(1, |x| services[x.0].replicas.value);
    let connections = match s.connections {
        Some(c) => Figure::set(c.value),
        None => assumed(n.connections.value as u64, &n.connections),
    };
    let serving = replicas.saturating_sub(1).max(1);
    let per_replica = Figure::derived(
        connections.value.div_ceil(serving),
        if replicas > 1 {
            format!("{} ÷ ({replicas} instances − 1)", connections.value)
        } else {
            format!("all {} on the one instance", connections.value)
        },
        "derived",
    );
    let capacity = n.connections_per_replica.value as u64;
    let needed = connections.value.div_ceil(capacity.max(1)) + 1;
    let replicas_needed = Figure::derived(
        needed,
        format!("⌈{} ÷ {capacity}⌉ + 1 that may be gone", connections.value),
        "derived",
    );
    let memory_each = n.connection_memory.value as u64;
    let memory = Figure::derived(
        Bytes(per_replica.value.saturating_mul(memory_each)),
        format!("{} × {}", per_replica.value, Bytes(memory_each)),
        "derived",
    );
    let rate = match s.rate {
        Some(r) => Figure::set(r.value),
        None => Figure::assumed(
            Rate(connections.value as f64 / 10.0),
            "a message every 10 s on each connection",
            "derived",
        ),
    };
    let gateway = choices.gateway;
    let platform = Time::s(choices.infrastructure.idle_s);
    let own = Time::s(gateway.idle_s);
    let idle_limit = if own <= platform {
        (own, gateway.name.clone())
    } else {
        (platform, choices.infrastructure.idle_what.clone())
    };
    let longest = Time::ms(1).scale(n.heartbeat_max.value);
    let heartbeat = match s.heartbeat {
        Some(h) => Figure::set(h.value),
        None => {
            let half = Time(idle_limit.0.0 / 2);
            if half < longest {
                Figure::derived(
                    half,
                    format!("½ × idle limit {} ({})", idle_limit.0, idle_limit.1),
                    "derived",
                )
            } else {
                assumed(longest, &n.heartbeat_max)
            }
        }
    };
    let accept = n.accept_rate.value * serving as f64;
    let reconnect = Figure::derived(
        Time::s(((connections.value as f64 / accept).ceil() as u64).max(1)),
        format!(
            "{} clients ÷ {}/s that {serving} {} accept",
            connections.value,
            float(accept),
            if serving == 1 {
                "instance"
            } else {
                "instances"
            }
        ),
        "derived",
    );
    let resume = match s.resume {
        Some(r) => Figure::set(r.value),
        None => Figure::assumed(
            s.transport == Transport::Sse,
            match s.transport {
                Transport::Sse => "the browser sends `Last-Event-ID` by itself",
                _ => "nothing says that a client can go on where it stopped",
            },
            "MDN",
        ),
    };
    let drain = Figure::derived(
        reconnect.value,
        "clients of one instance are told to go at the rate that the others accept".to_owned(),
        "derived",
    );
    StreamPlan {
        server,
        connections,
        per_replica,
        replicas_needed,
        memory,
        rate,
        heartbeat,
        idle_limit,
        lifetime: (gateway.stream_max_s > 0).then(|| Time::s(gateway.stream_max_s)),
        reconnect,
        resume,
        backplane: replicas > 1,
        drain,
        transport_why: match s.transport {
            Transport::WebSocket => "both ends may speak at any time over one connection",
            Transport::Sse => {
                "only the server speaks; the browser reconnects by itself over plain HTTP"
            }
            Transport::GrpcStream => {
                "both ends are services with generated clients; flow control comes with HTTP/2"
            }
        },
    }
}
