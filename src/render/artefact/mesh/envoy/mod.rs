//! Envoy beside each service, without a control plane: one static bootstrap a service.
//!
//! What the service calls goes through the listeners on loopback, what comes in through those on the ports
//! that its callers know. The caller's code retries, so that a route's timeout is that of one attempt; the
//! second file of a service whose code does not retry has the retries in its routes: one of the two runs.
//! SPIRE's agent hands out the certificates.

mod clusters;
mod routes;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::super::super::Cx;
use super::super::envoy::{
    EXT, TRUST_DOMAIN, collector, from_anybody, identity, identity_of, remove_headers, router,
    spire, tracing,
};
use super::super::gateway::COLLECTOR;
use super::super::kubernetes::{behind, ports};
use super::super::{File, comment_line, yaml};
use super::{GATEWAY_NAMESPACE, streaming};
use crate::model::{CallId, Party, Protocol, ServiceId, Transport};
use crate::plan::ProxyPlan;
use clusters::Target;
use routes::{Operation, operations, route};

/// Where a service sends its calls.
pub(in crate::render::artefact) const OUTBOUND: u16 = 15001;
/// From here on there is a port for each callee that is not called by HTTP.
const OUTBOUND_TCP: u16 = 15100;
/// Where Prometheus finds what the service and its Envoy count.
pub(in crate::render::artefact) const METRICS: u16 = 15090;
/// Envoy's own interface, for itself alone.
const ADMIN: u16 = 15000;
/// What callers could tell an Envoy by headers, where it takes them for its own: it listens to its file alone.
const ORDERS: [&str; 6] = [
    "x-envoy-max-retries",
    "x-envoy-retry-on",
    "x-envoy-retry-grpc-on",
    "x-envoy-hedge-on-per-try-timeout",
    "x-envoy-upstream-rq-timeout-ms",
    "x-envoy-upstream-rq-per-try-timeout-ms",
];

/// What is looked up for every service.
struct Mesh<'c, 'p> {
    cx: &'c Cx<'p>,
    proxies: Vec<ProxyPlan>,
    streaming: BTreeSet<ServiceId>,
    sockets: BTreeSet<ServiceId>,
}

pub(super) fn files(cx: &Cx<'_>) -> Vec<File> {
    let model = cx.plan.model;
    let sockets = model.streams.iter().zip(&cx.plan.streams);
    let mesh = Mesh {
        cx,
        proxies: model.service_ids().map(|id| cx.plan.proxy(id)).collect(),
        streaming: streaming(cx),
        sockets: sockets
            .filter(|(s, _)| s.transport == Transport::WebSocket)
            .filter_map(|(_, p)| p.server)
            .collect(),
    };
    let mut out = Vec::new();
    for id in model.service_ids().filter(|s| !model.service(*s).external) {
        let repeated = |c: &&CallId| {
            let http = model.call(**c).protocol.is_http();
            http && cx.plan.call(**c).attempts.value > 1
        };
        let repeats = cx.plan.callees(id).iter().any(|c| repeated(&c));
        out.push(mesh.file(id, false));
        if repeats {
            out.push(mesh.file(id, true));
        }
    }
    out
}

impl Mesh<'_, '_> {
    fn file(&self, id: ServiceId, retries: bool) -> File {
        let slug = &self.cx.plan.service(id).slug;
        let bootstrap = self.bootstrap(id, retries);
        let sends = bootstrap["static_resources"]["listeners"][0]["name"] == "outbound";
        let mut told = self.told(id, retries, sends);
        let name = if retries {
            format!("{slug}.retrying")
        } else {
            slug.clone()
        };
        told.push(format!(
            "Replace: {TRUST_DOMAIN} by the trust domain of SPIRE, {COLLECTOR}, hosts that end in .example."
        ));
        let head: String = told.iter().map(|t| comment_line("#", t)).collect();
        let note = "In place of the other, where the service's code does not retry: never both.";
        File {
            path: format!("envoy/{name}.yaml"),
            fence: "yaml",
            text: head + &yaml(&bootstrap),
            checked_by: Some("`envoy --mode validate`"),
            notes: retries.then(|| note.to_owned()).into_iter().collect(),
        }
    }

    fn told(&self, id: ServiceId, retries: bool, sends: bool) -> Vec<String> {
        let s = self.cx.plan.service(id);
        let mut out = Vec::new();
        let listens: Vec<String> = ports(s)
            .iter()
            .map(|(name, port)| format!("{name} on {}", behind(*port)))
            .collect();
        out.push(format!(
            "The service listens for {}; this Envoy has the ports that others know.",
            listens.join(" and ")
        ));
        if sends {
            out.push(format!(
                "Its calls go to 127.0.0.1:{OUTBOUND} with the callee's name as Host or :authority."
            ));
        }
        for (port, to) in self.by_tcp(id) {
            out.push(format!(
                "Calls to {} that are no HTTP go to 127.0.0.1:{port}; their time limits are the code's.",
                self.cx.plan.model.service(to).name
            ));
        }
        if sends {
            out.push(if retries {
            "For code that does not retry: each try has the limit of an attempt, each route the deadline. A budget never holds back fewer than 3 retries at once.".to_owned()
        } else {
            "Each timeout is that of one attempt: the service's code retries, Envoy does not.".to_owned()
        });
        }
        out
    }

    /// Callees of one service that are not called by HTTP, each with the port that leads to it.
    fn by_tcp(&self, id: ServiceId) -> Vec<(u16, ServiceId)> {
        let model = self.cx.plan.model;
        let calls = self.cx.plan.callees(id).iter().map(|c| model.call(*c));
        let to: BTreeSet<ServiceId> = calls
            .filter(|c| !c.protocol.is_http() && !model.service(c.to).external)
            .map(|c| c.to)
            .collect();
        (OUTBOUND_TCP..).zip(to).collect()
    }

    fn bootstrap(&self, id: ServiceId, retries: bool) -> Value {
        let cx = self.cx;
        let s = cx.plan.service(id);
        let (mut listeners, mut clusters) = (Vec::new(), Vec::new());
        let hosts = self.outbound(id, retries, &mut clusters);
        if !hosts.is_empty() {
            let servers = cx.plan.servers(id);
            let sockets = servers.iter().any(|s| self.sockets.contains(s));
            let hcm = self.connections(id, "outbound", &hosts, Vec::new(), sockets);
            listeners.push(listener("outbound", "127.0.0.1", OUTBOUND, hcm));
        }
        for (port, to) in self.by_tcp(id) {
            let name = format!("{}.tcp", cx.plan.service(to).slug);
            let call = self.longest(id, to);
            let target = self.target(to, "tcp");
            clusters.push(clusters::callee(cx, s, &name, &target, call, retries));
            let listener_name = format!("outbound-{name}");
            listeners.push(listener(&listener_name, "127.0.0.1", port, tcp(&name)));
        }
        for (protocol, port) in ports(s) {
            let own = format!("local.{protocol}");
            clusters.push(clusters::own(&own, behind(port), protocol == "grpc"));
            let alpn: &[&str] = match protocol {
                "http" => &["h2", "http/1.1"],
                "grpc" => &["h2"],
                _ => &[],
            };
            let mut inbound = if protocol == "tcp" {
                let mut chain = json!({ "filters": [self.callers(id, false)] });
                if let (Some(all), Some(last)) =
                    (chain["filters"].as_array_mut(), tcp(&own)["filters"].get(0))
                {
                    all.push(last.clone());
                }
                chain
            } else {
                self.inbound(id, protocol, &own)
            };
            inbound["transport_socket"] = from_anybody(&identity_of(cx, &s.slug), alpn);
            listeners.push(listener(
                &format!("inbound-{protocol}"),
                "0.0.0.0",
                port,
                inbound,
            ));
        }
        listeners.push(self.metrics(id));
        clusters.push(clusters::own("admin", ADMIN, false));
        clusters.push(spire());
        clusters.push(collector());
        json!({
            "node": { "id": s.slug, "cluster": cx.plan.choices.namespace },
            "admin": { "address": address("127.0.0.1", ADMIN) },
            "static_resources": { "listeners": listeners, "clusters": clusters },
        })
    }

    /// A host for each callee, and a cluster for each of its operations.
    fn outbound(&self, id: ServiceId, retries: bool, clusters: &mut Vec<Value>) -> Vec<Value> {
        let cx = self.cx;
        let model = cx.plan.model;
        let own = cx.plan.service(id);
        let mut calls: BTreeMap<ServiceId, Vec<CallId>> = BTreeMap::new();
        for c in cx.plan.callees(id) {
            calls.entry(model.call(*c).to).or_default().push(*c);
        }
        let servers: BTreeSet<ServiceId> = cx
            .plan
            .servers(id)
            .iter()
            .chain(calls.keys())
            .copied()
            .collect();
        let (mut taken, mut names) = (BTreeSet::new(), BTreeSet::new());
        let mut out = Vec::new();
        for to in servers {
            let calls = calls.get(&to).map_or(&[] as &[CallId], Vec::as_slice);
            let http = |c: &CallId| model.call(*c).protocol.is_http();
            if !calls.is_empty() && !calls.iter().any(http) && !self.streaming.contains(&to) {
                continue;
            }
            let s = cx.plan.service(to);
            let host = clusters::host(cx, to);
            let mut domains = vec![s.slug.clone(), host];
            domains.retain(|d| taken.insert(d.to_ascii_lowercase()));
            if domains.is_empty() {
                continue;
            }
            let served: Vec<&str> = ports(s).iter().map(|(name, _)| *name).collect();
            let mut routes = Vec::new();
            for o in operations(cx, calls, &served, self.streaming.contains(&to)) {
                let protocol = if o.grpc { "grpc" } else { "http" };
                let name = unique(&mut names, &s.slug, &o);
                let target = self.target(to, protocol);
                clusters.push(clusters::callee(cx, own, &name, &target, o.call, retries));
                let mut route = route(cx, &o, &name, retries);
                if model.service(to).external {
                    route["route"]["auto_host_rewrite"] = json!(true);
                }
                routes.push(route);
            }
            out.push(json!({ "name": s.slug, "domains": domains, "routes": routes }));
        }
        out
    }

    /// Requests of the callers of `id`; those who share an operation share the longest of their time limits.
    fn inbound(&self, id: ServiceId, protocol: &str, cluster: &str) -> Value {
        let cx = self.cx;
        let grpc = protocol == "grpc";
        let model = cx.plan.model;
        let calls: Vec<CallId> = cx
            .plan
            .callers(id)
            .iter()
            .copied()
            .filter(|c| (model.call(*c).protocol == Protocol::Grpc) == grpc)
            .collect();
        // What nobody calls answers all the same: probes, and steps of sagas.
        let streams = self.streaming.contains(&id);
        let routes: Vec<Value> = operations(cx, &calls, &[protocol], streams)
            .iter()
            .map(|o| route(cx, o, cluster, false))
            .collect();
        let hosts = [json!({ "name": "own", "domains": ["*"], "routes": routes })];
        let who = vec![self.callers(id, true)];
        let sockets = !grpc && self.sockets.contains(&id);
        self.connections(id, &format!("inbound-{protocol}"), &hosts, who, sockets)
    }

    /// Filters for connections that carry HTTP.
    fn connections(
        &self,
        id: ServiceId,
        name: &str,
        hosts: &[Value],
        before: Vec<Value>,
        sockets: bool,
    ) -> Value {
        let plan = self.cx.plan;
        let mut filters = before;
        filters.push(remove_headers(&ORDERS));
        filters.push(router());
        let inbound = name.starts_with("inbound");
        let mut config = json!({
            "@type": format!("{EXT}.filters.network.http_connection_manager.v3.HttpConnectionManager"),
            "stat_prefix": name,
            "codec_type": "AUTO",
            "strip_any_host_port": true,
            "server_header_transformation": "PASS_THROUGH",
            "forward_client_cert_details": if inbound { "SANITIZE_SET" } else { "SANITIZE" },
            "tracing": tracing(plan.tracing.ratio.value.percent(), &plan.service(id).slug),
            "http_filters": filters,
            "route_config": { "name": name, "virtual_hosts": hosts },
        });
        if inbound {
            config["set_current_client_cert_details"] = json!({ "uri": true });
        }
        if sockets {
            config["upgrade_configs"] = json!([{ "upgrade_type": "websocket" }]);
        }
        json!({ "filters": [{
            "name": "envoy.filters.network.http_connection_manager",
            "typed_config": config,
        }] })
    }

    /// Who may call: those whom an edge of the design leads here, and the gateway for those outside.
    fn callers(&self, id: ServiceId, http: bool) -> Value {
        let cx = self.cx;
        let clients = cx.plan.clients(id).iter();
        let mut who: BTreeSet<String> = clients
            .map(|c| identity_of(cx, &cx.plan.service(*c).slug))
            .collect();
        if cx.plan.service(id).behind_gateway() {
            who.insert(identity(GATEWAY_NAMESPACE, "gateway"));
        }
        let principals: Vec<Value> = who
            .iter()
            .map(|w| json!({ "authenticated": { "principal_name": { "exact": w } } }))
            .collect();
        let mut rules = json!({ "action": "ALLOW" });
        if !principals.is_empty() {
            rules["policies"] = json!({
                "callers": { "permissions": [{ "any": true }], "principals": principals },
            });
        }
        let (name, kind) = if http {
            ("envoy.filters.http.rbac", "filters.http.rbac.v3.RBAC")
        } else {
            ("envoy.filters.network.rbac", "filters.network.rbac.v3.RBAC")
        };
        let mut config = json!({ "@type": format!("{EXT}.{kind}"), "rules": rules });
        if !http {
            config["stat_prefix"] = json!("inbound-tcp");
        }
        json!({ "name": name, "typed_config": config })
    }

    /// What Prometheus and the platform may read without a certificate.
    fn metrics(&self, id: ServiceId) -> Value {
        let get = |path: &str, cluster: &str| {
            json!({
                "match": {
                    "path": path,
                    "headers": [{ "name": ":method", "string_match": { "exact": "GET" } }],
                },
                "route": { "cluster": cluster },
            })
        };
        let mut routes = vec![get("/stats/prometheus", "admin"), get("/ready", "admin")];
        if ports(self.cx.plan.service(id))
            .iter()
            .any(|(p, _)| *p == "http")
        {
            routes.push(get("/metrics", "local.http"));
        }
        let chain = json!({ "filters": [{
            "name": "envoy.filters.network.http_connection_manager",
            "typed_config": {
                "@type": format!("{EXT}.filters.network.http_connection_manager.v3.HttpConnectionManager"),
                "stat_prefix": "metrics",
                "http_filters": [router()],
                "route_config": { "name": "metrics", "virtual_hosts": [
                    { "name": "metrics", "domains": ["*"], "routes": routes },
                ] },
            },
        }] });
        listener("metrics", "0.0.0.0", METRICS, chain)
    }

    fn target(&self, to: ServiceId, protocol: &'static str) -> Target<'_> {
        let external = self.cx.plan.model.service(to).external;
        let found = ports(self.cx.plan.service(to))
            .into_iter()
            .find(|(name, _)| *name == protocol);
        Target {
            service: to,
            proxy: &self.proxies[to.0],
            protocol,
            port: found.filter(|_| !external).map_or(443, |(_, port)| port),
        }
    }

    /// The call from `id` to `to` without HTTP that waits longest.
    fn longest(&self, id: ServiceId, to: ServiceId) -> Option<CallId> {
        let model = self.cx.plan.model;
        let calls = self.cx.plan.callees(id).iter().copied();
        calls
            .filter(|c| {
                let c = model.call(*c);
                c.to == to && c.from == Party::Service(id) && !c.protocol.is_http()
            })
            .max_by_key(|c| (self.cx.plan.call(*c).timeout.value, std::cmp::Reverse(*c)))
    }
}

/// `orders.get-orders-id`, with a number where two are the same.
fn unique(taken: &mut BTreeSet<String>, slug: &str, o: &Operation) -> String {
    let base = match (o.name.as_str(), o.grpc) {
        ("all-else", true) => format!("{slug}.all-else-grpc"),
        (name, _) => format!("{slug}.{name}"),
    };
    let mut name = base.clone();
    let mut n = 2;
    while !taken.insert(name.clone()) {
        name = format!("{base}-{n}");
        n += 1;
    }
    name
}

fn address(host: &str, port: u16) -> Value {
    json!({ "socket_address": { "address": host, "port_value": port } })
}

fn listener(name: &str, host: &str, port: u16, chain: Value) -> Value {
    json!({ "name": name, "address": address(host, port), "filter_chains": [chain] })
}

/// Bytes that go to `cluster` as they are.
fn tcp(cluster: &str) -> Value {
    json!({ "filters": [{
        "name": "envoy.filters.network.tcp_proxy",
        "typed_config": {
            "@type": format!("{EXT}.filters.network.tcp_proxy.v3.TcpProxy"),
            "stat_prefix": cluster,
            "cluster": cluster,
        },
    }] })
}
