//! Real-time streams: capacity, heartbeats, reconnection, draining.

use super::choices::{Choices, assumed};
use super::figure::Figure;
use super::services::ServicePlan;
use crate::catalog::numbers;
use crate::model::units::{Bytes, Count, Rate, Time};
use crate::model::{Model, Party, ServiceId, Stream, Transport};
use std::fmt::Write as _;

/// Every number of one stream.
#[derive(Clone, Debug)]
pub struct StreamPlan {
    /// The service that holds the connections.
    pub server: Option<ServiceId>,
    /// Peak of concurrent connections.
    pub connections: Figure<Count>,
    /// Connections of one instance while one of the instances is gone.
    pub per_replica: Figure<Count>,
    /// The same over every stream of the server; what the server counts cannot be told apart.
    pub together: Figure<Count>,
    /// The most connections that the platform sends one instance, and whose limit it is.
    pub most: Option<(Count, String)>,
    /// Streams of the server, this one among them.
    pub siblings: usize,
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
    /// The longest a connection may live, and who ends it then; `None` without a limit.
    pub lifetime: Option<(Time, String)>,
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
    let loads = loads(model);
    model
        .streams
        .iter()
        .map(|s| one(choices, services, &loads, s))
        .collect()
}

/// The connections of a service, at their peak.
#[derive(Clone, Copy, Default)]
pub(super) struct Load {
    connections: u64,
    streams: usize,
}

/// The connections of each service, over all streams that it serves.
pub(super) fn loads(model: &Model) -> Vec<Load> {
    let mut loads = vec![Load::default(); model.services.len()];
    for s in &model.streams {
        if let Some(load) = server(s).and_then(|x| loads.get_mut(x.0)) {
            load.connections = load.connections.saturating_add(connections(s).value.0);
            load.streams += 1;
        }
    }
    loads
}

/// Instances that the connections of a service need; `None` where it holds none.
pub(super) fn instances(choices: &Choices, load: Load) -> Option<Figure<u64>> {
    if load.streams == 0 {
        return None;
    }
    let (capacity, limit) = capacity(choices);
    let mut why = format!(
        "⌈{} ÷ {}⌉ + 1 that may be gone",
        Count(load.connections),
        Count(capacity)
    );
    if load.streams > 1 {
        let _ = write!(why, "; connections of its {} streams", load.streams);
    }
    let _ = write!(why, "; {limit}");
    Some(Figure::derived(
        load.connections.div_ceil(capacity) + 1,
        why,
        "derived",
    ))
}

/// What one instance holds, and why no more.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "float to integer casts saturate"
)]
fn capacity(choices: &Choices) -> (u64, String) {
    let usual = &numbers().connections_per_replica;
    let (own, infra) = (
        choices.infrastructure.connections_per_instance,
        choices.infrastructure,
    );
    let most = (usual.value as u64).max(1);
    if own > 0 && own < most {
        return (
            own,
            format!(
                "{} sends one instance {} at most",
                infra.connections_what,
                Count(own)
            ),
        );
    }
    (most, format!("{}: {}", Count(most), usual.why))
}

/// Who holds the connections.
fn server(s: &Stream) -> Option<ServiceId> {
    match (s.from, s.to) {
        (Party::Service(x), _) | (Party::Actor(_), Party::Service(x)) => Some(x),
        _ => None,
    }
}

fn connections(s: &Stream) -> Figure<Count> {
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "float to integer casts saturate"
    )]
    match s.connections {
        Some(c) => Figure::set(Count(c.value)),
        None => {
            let n = &numbers().connections;
            assumed(Count(n.value as u64), n)
        }
    }
}

/// What one instance holds while another is gone.
fn each(connections: Count, replicas: u64) -> Figure<Count> {
    Figure::derived(
        Count(connections.0.div_ceil(replicas.saturating_sub(1).max(1))),
        if replicas > 1 {
            format!("{connections} ÷ ({replicas} instances − 1)")
        } else {
            format!("all {connections} on the one instance")
        },
        "derived",
    )
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "float to integer casts saturate, counts are small"
)]
fn one(choices: &Choices, services: &[ServicePlan], loads: &[Load], s: &Stream) -> StreamPlan {
    let n = numbers();
    let server = server(s);
    let replicas = server.map_or(1, |x| services[x.0].replicas.value);
    let connections = connections(s);
    let load = server
        .and_then(|x| loads.get(x.0))
        .copied()
        .unwrap_or(Load {
            connections: connections.value.0,
            streams: 1,
        });
    let serving = replicas.saturating_sub(1).max(1);
    let per_replica = each(connections.value, replicas);
    let together = each(Count(load.connections), replicas);
    let replicas_needed =
        instances(choices, load).unwrap_or_else(|| Figure::derived(1, "", "derived"));
    let memory_each = n.connection_memory.value as u64;
    let memory = Figure::derived(
        Bytes(per_replica.value.0.saturating_mul(memory_each)),
        format!("{} × {}", per_replica.value, Bytes(memory_each)),
        "derived",
    );
    let rate = match s.rate {
        Some(r) => Figure::set(r.value),
        None => Figure::assumed(
            Rate(connections.value.0 as f64 / 10.0),
            "a message every 10 s on each connection",
            "derived",
        ),
    };
    let platform = Time::s(choices.infrastructure.idle_s);
    let (by, own) = choices.streams_by();
    let idle_limit = if own <= platform {
        (own, by.to_owned())
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
        Time::s(((load.connections as f64 / accept).ceil() as u64).max(1)),
        format!(
            "{} clients ÷ {} that {serving} {}",
            if load.streams > 1 {
                format!(
                    "{} of its {} streams'",
                    Count(load.connections),
                    load.streams
                )
            } else {
                Count(load.connections).to_string()
            },
            Rate(accept),
            if serving == 1 {
                "instance accepts"
            } else {
                "instances accept"
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
        together,
        most: (choices.infrastructure.connections_per_instance > 0).then(|| {
            (
                Count(choices.infrastructure.connections_per_instance),
                choices.infrastructure.connections_what.clone(),
            )
        }),
        siblings: load.streams,
        replicas_needed,
        memory,
        rate,
        heartbeat,
        idle_limit,
        lifetime: (choices.infrastructure.stream_max_s > 0).then(|| {
            (
                Time::s(choices.infrastructure.stream_max_s),
                choices.infrastructure.connections_what.clone(),
            )
        }),
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
