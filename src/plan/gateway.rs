//! Routes and limits at the edge.

use super::calls::CallPlan;
use super::choices::Choices;
use super::figure::Figure;
use super::flows::FlowPlan;
use super::services::ServicePlan;
use super::wire::Rpc;
use crate::catalog::{self, Balancer, numbers};
use crate::model::units::{Bytes, Count, Rate, Time, float};
use crate::model::{CallId, Model, Party, Protocol, ServiceId, StreamId, Transport};

/// One way in.
#[derive(Clone, Debug)]
pub struct Route {
    /// The call that an actor makes; `None` for a stream or an entry without a declared operation.
    pub call: Option<CallId>,
    /// The stream that is served.
    pub stream: Option<StreamId>,
    /// Who may use it, by name.
    pub actors: Vec<String>,
    /// Request method; `None` for any.
    pub method: Option<&'static str>,
    /// Path, starting with `/`; parameters in braces. A gRPC method is its path on the wire.
    pub path: String,
    /// `true` if everything below the path belongs to it.
    pub prefix: bool,
    /// The service behind.
    pub service: ServiceId,
    /// The longest a request may take at the gateway; `None` for a stream, which has no end.
    pub timeout: Option<Figure<Time>>,
    /// Requests that the route lets through.
    pub limit: Figure<Rate>,
    /// Requests of one client.
    pub client_limit: Figure<Rate>,
    /// Requests that a client may make at once.
    pub burst: Figure<u64>,
    /// Requests that the route lets through at once.
    pub at_once: Figure<u64>,
    /// The largest body that is let in; `None` where messages follow one another without end.
    pub body: Option<Figure<Bytes>>,
    /// gRPC on the wire.
    pub grpc: bool,
    /// What takes it in where the gateway does not: streams and gRPC calls, on some gateways.
    pub past: Option<&'static Balancer>,
}

/// The gateway's part of the design.
#[derive(Clone, Debug)]
pub struct GatewayPlan {
    /// Routes by path and method.
    pub routes: Vec<Route>,
    /// Calls of actors that a gateway for HTTP cannot take, in ascending order: they go past it.
    pub past: Vec<CallId>,
    /// The gateway's own ceiling on a request; `None` if it has none.
    pub ceiling: Option<Time>,
}

pub(super) fn plan(
    model: &Model,
    choices: &Choices,
    calls: &[CallPlan],
    services: &[ServicePlan],
    flows: &[FlowPlan],
) -> GatewayPlan {
    let mut routes: Vec<Route> = Vec::new();
    let known = Clients::new(model);
    let past_it = |it: bool| choices.gateway.balancer.as_ref().filter(|_| it);
    let mut routed = vec![false; model.services.len()];
    let mut past = Vec::new();
    for id in model.call_ids() {
        let c = model.call(id);
        let Party::Actor(actor) = c.from else {
            continue;
        };
        if model.service(c.to).external {
            continue;
        }
        routed[c.to.0] = true;
        if let Protocol::Other(name) = &c.protocol
            && catalog::not_http(name).is_some()
        {
            past.push(id);
            continue;
        }
        let (method, path, prefix) = if c.protocol == Protocol::Grpc {
            let rpc = Rpc::new(model, &choices.namespace, c.to, &c.operation);
            let path = format!("/{}", rpc.full_method());
            (Some("POST"), path, rpc.method.is_none())
        } else {
            address(&c.protocol, &c.operation)
        };
        let plan = &calls[id.0];
        let actor = model.actor(actor).name.clone();
        // The same operation for two actors is one route.
        if let Some(route) = routes
            .iter_mut()
            .find(|r| r.service == c.to && r.method == method && r.path == path)
        {
            route.actors.push(actor);
            route.limit = Figure::derived(
                Rate(route.limit.value.0 + limit(plan.rate.value).value.0),
                format!(
                    "peak of {} actors × {}",
                    route.actors.len(),
                    float(1.0 + numbers().headroom.value)
                ),
                "derived",
            );
            route.client_limit =
                client_limit(route.limit.value, known.of_names(model, &route.actors));
            route.burst = client_burst(route.client_limit.value);
            route.at_once = at_once(route.limit.value, &route.burst);
            continue;
        }
        let limit = c
            .rate_limit
            .map_or_else(|| limit(plan.rate.value), |l| Figure::set(l.value));
        let client_limit = client_limit(
            limit.value,
            known.of_names(model, std::slice::from_ref(&actor)),
        );
        routes.push(Route {
            call: Some(id),
            stream: None,
            actors: vec![actor],
            method,
            path,
            prefix,
            service: c.to,
            timeout: Some(timeout(plan)),
            at_once: at_once(limit.value, &client_burst(client_limit.value)),
            burst: client_burst(client_limit.value),
            body: (c.protocol != Protocol::Grpc).then(body),
            limit,
            client_limit,
            grpc: c.protocol == Protocol::Grpc,
            past: past_it(c.protocol == Protocol::Grpc),
        });
    }
    for id in model.stream_ids() {
        let s = model.stream(id);
        let (Party::Service(service), Party::Actor(actor)) = (s.from, s.to) else {
            continue;
        };
        // As many as the reconnecting clients are told to come at, or the limit would turn them away.
        let serving = services[service.0].replicas.value.saturating_sub(1).max(1);
        let each = numbers().accept_rate.value;
        #[allow(clippy::cast_precision_loss, reason = "instances are few")]
        let rate = Rate(each * serving as f64);
        let why = if serving == 1 {
            "new connections that one instance accepts".to_owned()
        } else {
            format!(
                "{}/s new connections an instance × ({} instances − 1)",
                float(each),
                serving + 1
            )
        };
        let client_limit = Figure::derived(
            Rate(1.0),
            "a client opens one connection at a time",
            "derived",
        );
        routes.push(Route {
            call: None,
            stream: Some(id),
            actors: vec![model.actor(actor).name.clone()],
            method: Some("GET"),
            path: if s.transport == Transport::GrpcStream {
                let rpc = Rpc::new(model, &choices.namespace, service, &s.path);
                format!("/{}", rpc.full_method())
            } else if s.path.starts_with('/') {
                s.path.clone()
            } else {
                format!("/{}", s.path)
            },
            prefix: false,
            service,
            timeout: None,
            limit: Figure::assumed(rate, why, "derived"),
            burst: burst(client_limit.value),
            at_once: burst(rate),
            body: None,
            client_limit,
            grpc: false,
            past: past_it(true),
        });
        routed[service.0] = true;
    }
    // An entry point of which no operation is known takes everything below its name.
    for (i, plan) in services.iter().enumerate() {
        if !plan.entry || routed[i] {
            continue;
        }
        let total = flows
            .iter()
            .find(|f| f.entry == Some(ServiceId(i)))
            .map(|f| f.total.clone());
        let limit = limit(plan.rate.value);
        let client_limit = client_limit(limit.value, None);
        routes.push(Route {
            call: None,
            stream: None,
            actors: vec!["client".to_owned()],
            method: None,
            path: if services.iter().filter(|p| p.entry).count() == 1 {
                "/".to_owned()
            } else {
                format!("/{}", plan.slug)
            },
            prefix: true,
            service: ServiceId(i),
            timeout: Some(total.map_or_else(
                || Figure::assumed(Time::s(1), "no operation of it is known", "derived"),
                |t| {
                    let rounded = t.value.scale(numbers().timeout_padding.value).round_up();
                    Figure::derived(
                        rounded,
                        format!(
                            "{} × the {} that the entry point needs",
                            numbers().timeout_padding.value,
                            t.value
                        ),
                        "derived",
                    )
                },
            )),
            at_once: at_once(limit.value, &client_burst(client_limit.value)),
            burst: client_burst(client_limit.value),
            body: Some(body()),
            limit,
            client_limit,
            grpc: false,
            past: None,
        });
    }
    routes.sort_by(|a, b| (&a.path, a.method, a.service).cmp(&(&b.path, b.method, b.service)));
    GatewayPlan {
        routes,
        past,
        ceiling: (choices.gateway.timeout_s > 0).then(|| Time::s(choices.gateway.timeout_s)),
    }
}

/// Method, path and whether the path is a prefix; of gRPC `Rpc` knows more.
#[must_use]
pub fn address(protocol: &Protocol, operation: &str) -> (Option<&'static str>, String, bool) {
    match protocol {
        Protocol::Rest(method) => {
            let path = match method {
                Some(_) => operation.split_once(' ').map_or("/", |(_, p)| p),
                None => operation,
            };
            // What follows the path is the author's remark.
            let path = path
                .split_whitespace()
                .next()
                .filter(|p| p.starts_with('/'))
                .unwrap_or("/");
            let path = path.split(['?', '#', ',']).next().unwrap_or("/");
            let (path, wild) = match path.split_once('*') {
                Some((before, _)) => (before.trim_end_matches(['{', '/']), true),
                None => (path, false),
            };
            let path = if path.is_empty() { "/" } else { path };
            (
                method.map(crate::model::Method::name),
                path.to_owned(),
                wild || (path == "/" && method.is_none()),
            )
        }
        // gRPC is named by [`Rpc`].
        Protocol::Grpc | Protocol::GraphQl => (Some("POST"), "/graphql".to_owned(), false),
        Protocol::Other(name) => (None, format!("/{}", super::slug(name)), true),
    }
}

fn limit(rate: Rate) -> Figure<Rate> {
    let headroom = 1.0 + numbers().headroom.value;
    Figure::derived(
        Rate((rate.0 * headroom).max(1.0)),
        format!("peak {rate} × {}", float(headroom)),
        "derived",
    )
}

/// How many clients an actor stands for, where the author says how many of them hold a connection.
struct Clients(Vec<Option<u64>>);

impl Clients {
    fn new(model: &Model) -> Self {
        let mut all = vec![None; model.actors.len()];
        for s in &model.streams {
            if let (Party::Actor(a), Some(c)) = (s.to, s.connections) {
                all[a.0] = all[a.0].max(Some(c.value));
            }
        }
        Self(all)
    }

    /// Clients of all `actors` together; `None` if one of them is not known.
    fn of_names(&self, model: &Model, actors: &[String]) -> Option<u64> {
        let of = |name: &String| {
            let at = model.actors.iter().position(|a| a.name == *name)?;
            self.0[at]
        };
        let mut sum = 0_u64;
        for name in actors {
            sum = sum.saturating_add(of(name)?);
        }
        Some(sum).filter(|n| *n > 0)
    }
}

/// What one client may take: a tenth of the peak, or less where it is known how many they are.
fn client_limit(limit: Rate, clients: Option<u64>) -> Figure<Rate> {
    let n = numbers();
    let usual = limit.0 / n.edge_clients.value;
    if let Some(clients) = clients {
        #[allow(clippy::cast_precision_loss, reason = "clients are far below 2^52")]
        let share = limit.0 * n.edge_share.value / clients as f64;
        if share < usual {
            return Figure::derived(
                Rate(share.max(1.0)),
                format!(
                    "max({} even shares of {limit} among {} clients that hold connections, 1/s)",
                    float(n.edge_share.value),
                    Count(clients)
                ),
                "derived",
            );
        }
    }
    Figure::derived(
        Rate(usual.max(1.0)),
        format!(
            "max({limit} ÷ {} clients, 1/s)",
            float(n.edge_clients.value)
        ),
        "derived",
    )
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "float to integer casts saturate"
)]
fn burst(client: Rate) -> Figure<u64> {
    let seconds = numbers().edge_burst_seconds.value;
    Figure::derived(
        ((client.0 * seconds) - 1e-9).ceil().max(1.0) as u64,
        format!("{client} × {} s", float(seconds)),
        "derived",
    )
}

/// The same for one client, which asks a few things at once however seldom it comes.
fn client_burst(client: Rate) -> Figure<u64> {
    let least = &numbers().edge_burst_least;
    let figure = burst(client);
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a small whole number of the catalog"
    )]
    let few = least.value as u64;
    if figure.value >= few {
        return figure;
    }
    Figure::derived(
        few,
        format!("at least {few}, not {}: {}", figure.why, least.why),
        "derived",
    )
}

/// What all clients together may send at once: no less than one of them may.
fn at_once(limit: Rate, one: &Figure<u64>) -> Figure<u64> {
    let figure = burst(limit);
    if figure.value >= one.value {
        return figure;
    }
    Figure::derived(
        one.value,
        format!("what one client may send at once, not {}", figure.why),
        "derived",
    )
}

/// A larger body is refused.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "float to integer casts saturate"
)]
fn body() -> Figure<Bytes> {
    let number = &numbers().edge_body;
    Figure::assumed(Bytes(number.value as u64), number.why.clone(), "derived")
}

/// A gateway waits as long as the whole logical call may take.
fn timeout(plan: &CallPlan) -> Figure<Time> {
    let total = plan.worst_case();
    let why = if plan.deadline.is_set() && total == plan.deadline.value {
        "the stated deadline".to_owned()
    } else {
        format!(
            "{} × attempt timeout {}",
            plan.attempts.value, plan.timeout.value
        )
    };
    Figure::derived(total, why, "derived")
}
