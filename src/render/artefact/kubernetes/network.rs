//! Network policies: what a service takes and what it reaches, from the edges of the design.
//!
//! Both ends have to allow a connection, so that each edge stands in two policies. Stores, brokers and the
//! collector stand in namespaces of placeholder names: the spec does not say where they run.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::super::super::Cx;
use super::super::mesh::{ENVOY_METRICS, GATEWAY_NAMESPACE, MONITORING_NAMESPACE};
use super::{open_at, outside, ports, selector};
use crate::catalog;
use crate::model::{Auth, BrokerId, Party, ServiceId};
use crate::plan::ServicePlan;

/// Where stores run inside the cluster; to be replaced by the team.
const DATA_NAMESPACE: &str = "data";
/// Where brokers run; to be replaced by the team.
const MESSAGING_NAMESPACE: &str = "messaging";
/// Where the collector of traces runs; to be replaced by the team.
const COLLECTOR_NAMESPACE: &str = "observability";
/// Where Temporal runs; to be replaced by the team.
const ENGINE_NAMESPACE: &str = "temporal";
/// Of OTLP over gRPC and HTTP.
const OTLP_PORTS: [u16; 2] = [4317, 4318];
/// Where Linkerd's proxies take what other proxies send them.
const LINKERD_INBOUND: u16 = 4143;

/// What the team has to replace.
pub(super) const REPLACE: [&str; 6] = [
    GATEWAY_NAMESPACE,
    MONITORING_NAMESPACE,
    DATA_NAMESPACE,
    MESSAGING_NAMESPACE,
    COLLECTOR_NAMESPACE,
    ENGINE_NAMESPACE,
];

/// What is looked up for every service, gathered in one pass over the design.
pub(super) struct Network {
    brokers: BTreeMap<ServiceId, BTreeSet<BrokerId>>,
    leads: BTreeSet<ServiceId>,
    spreads: BTreeSet<ServiceId>,
}

impl Network {
    pub(super) fn new(cx: &Cx<'_>) -> Self {
        let model = cx.plan.model;
        let mut brokers: BTreeMap<ServiceId, BTreeSet<BrokerId>> = BTreeMap::new();
        for e in &model.events {
            let readers = e.consumers.iter().filter_map(|(p, _)| match p {
                Party::Service(s) => Some(*s),
                Party::Actor(_) => None,
            });
            for s in e.publishers.iter().map(|p| p.service).chain(readers) {
                brokers.entry(s).or_default().insert(e.broker);
            }
        }
        let streams = cx.plan.streams.iter().filter(|s| s.backplane);
        Self {
            brokers,
            leads: cx
                .plan
                .sagas
                .iter()
                .filter(|s| s.engine == "Temporal")
                .filter_map(|s| s.coordinator.as_ref().map(|c| c.value))
                .collect(),
            spreads: streams.filter_map(|s| s.server).collect(),
        }
    }

    /// The policy of one service.
    pub(super) fn policy(&self, cx: &Cx<'_>, id: ServiceId, meta: &Value) -> Value {
        json!({
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": meta,
            "spec": {
                "podSelector": { "matchLabels": selector(&cx.plan.service(id).slug) },
                "policyTypes": ["Ingress", "Egress"],
                "ingress": ingress(cx, id),
                "egress": self.egress(cx, id),
            },
        })
    }

    fn egress(&self, cx: &Cx<'_>, id: ServiceId) -> Vec<Value> {
        let model = cx.plan.model;
        let mut out = vec![
            json!({
                "to": [{
                    "namespaceSelector": { "matchLabels": { "kubernetes.io/metadata.name": "kube-system" } },
                    "podSelector": { "matchLabels": { "k8s-app": "kube-dns" } },
                }],
                "ports": [{ "protocol": "UDP", "port": 53 }, { "protocol": "TCP", "port": 53 }],
            }),
            json!({ "to": [namespace(COLLECTOR_NAMESPACE)], "ports": tcp(&OTLP_PORTS) }),
        ];
        let mut outside = self.outside(cx, id);
        // A rule a callee: its ports are its own.
        for server in cx.plan.servers(id) {
            let s = cx.plan.service(*server);
            if model.service(*server).external {
                outside = true;
                continue;
            }
            let to = json!([{ "podSelector": { "matchLabels": selector(&s.slug) } }]);
            let mut open = open_ports(cx, s);
            open.extend(proxies(cx));
            out.push(json!({ "to": to, "ports": open }));
        }
        let service = model.service(id);
        let stores = service.stores.iter().chain(&service.reads);
        let kinds: BTreeSet<&str> = stores
            .map(|s| model.store(*s).kind.as_str())
            .chain(self.spreads.contains(&id).then_some("redis"))
            .collect();
        let mut data = BTreeSet::new();
        let mut any = false;
        for kind in kinds {
            match catalog::port(kind) {
                Some(p) if p.managed => outside = true,
                Some(p) if p.port > 0 => {
                    data.insert(p.port);
                }
                Some(_) => {}
                None => any = true,
            }
        }
        if any {
            // The catalog does not know where one of them listens.
            out.push(json!({ "to": [namespace(DATA_NAMESPACE)] }));
        } else if !data.is_empty() {
            let data: Vec<u16> = data.into_iter().collect();
            out.push(json!({ "to": [namespace(DATA_NAMESPACE)], "ports": tcp(&data) }));
        }
        let mut brokers = BTreeSet::new();
        for broker in self.brokers.get(&id).into_iter().flatten() {
            match catalog::port(&model.broker(*broker).kind.id) {
                Some(p) if !p.managed => {
                    brokers.insert(p.port);
                }
                _ => outside = true,
            }
        }
        if !brokers.is_empty() {
            let brokers: Vec<u16> = brokers.into_iter().collect();
            out.push(json!({ "to": [namespace(MESSAGING_NAMESPACE)], "ports": tcp(&brokers) }));
        }
        if let (true, Some(p)) = (self.leads.contains(&id), catalog::port("temporal")) {
            out.push(json!({ "to": [namespace(ENGINE_NAMESPACE)], "ports": tcp(&[p.port]) }));
        }
        out.extend(control_plane(cx));
        if outside {
            out.push(json!({
                "to": [{ "ipBlock": {
                    "cidr": "0.0.0.0/0",
                    "except": ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16"],
                } }],
                "ports": tcp(&[443]),
            }));
        }
        out
    }

    /// Whether tokens are checked or fetched, for which the issuer has to be reached.
    fn outside(&self, cx: &Cx<'_>, id: ServiceId) -> bool {
        let tokens = matches!(cx.plan.choices.auth, Auth::Jwt | Auth::Oauth2 | Auth::Iam);
        tokens || cx.plan.model.service(id).jwt.is_some()
    }
}

/// Requests come from those that have to reach the service, from Prometheus, and from the gateway if it is
/// reached from outside.
fn ingress(cx: &Cx<'_>, id: ServiceId) -> Vec<Value> {
    let s = cx.plan.service(id);
    let mut open = open_ports(cx, s);
    open.extend(proxies(cx));
    let clients: BTreeSet<&str> = cx
        .plan
        .clients(id)
        .iter()
        .map(|c| cx.plan.service(*c).slug.as_str())
        .collect();
    let mut from: Vec<Value> = clients
        .iter()
        .map(|c| json!({ "podSelector": { "matchLabels": selector(c) } }))
        .collect();
    if s.behind_gateway() {
        from.push(namespace(GATEWAY_NAMESPACE));
        // Some implementations run the Gateway's pods beside the Gateway itself.
        from.push(json!({ "podSelector": { "matchLabels": edge() } }));
    }
    let mut out = Vec::new();
    if !from.is_empty() {
        out.push(json!({ "from": from, "ports": open }));
    }
    out.extend(outside::ingress(&outside::openings(cx, id)));
    // What cannot be scraped is taken for dead by its alerts.
    let mut scraped = open;
    match cx.plan.choices.mesh.id.as_str() {
        "istio" => scraped.extend(tcp(&[15020])),
        "linkerd" => scraped.extend(tcp(&[4191])),
        // Its other ports want a certificate.
        "envoy" => scraped = tcp(&[ENVOY_METRICS]),
        _ => {}
    }
    out.push(json!({ "from": [namespace(MONITORING_NAMESPACE)], "ports": scraped }));
    out
}

/// Nothing passes in the namespace that no other policy names.
pub(super) fn nothing_else(namespace: &str) -> Value {
    json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": { "name": "default-deny", "namespace": namespace },
        "spec": { "podSelector": {}, "policyTypes": ["Ingress", "Egress"] },
    })
}

/// The pods of a Gateway in this namespace are open to the world, and what they may reach the services say.
pub(super) fn gateway(namespace: &str) -> Value {
    json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": { "name": "edge", "namespace": namespace },
        "spec": {
            "podSelector": { "matchLabels": edge() },
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [{}],
            "egress": [{}],
        },
    })
}

fn edge() -> Value {
    json!({ "gateway.networking.k8s.io/gateway-name": "edge" })
}

fn namespace(name: &str) -> Value {
    json!({ "namespaceSelector": { "matchLabels": { "kubernetes.io/metadata.name": name } } })
}

fn tcp(ports: &[u16]) -> Vec<Value> {
    let one = |p: &u16| json!({ "protocol": "TCP", "port": p });
    ports.iter().map(one).collect()
}

fn open_ports(cx: &Cx<'_>, s: &ServicePlan) -> Vec<Value> {
    let one =
        |(name, port): &(&str, u16)| json!({ "protocol": "TCP", "port": open_at(cx, name, *port) });
    ports(s).iter().map(one).collect()
}

/// The port at which a proxy takes what another one sends.
fn proxies(cx: &Cx<'_>) -> Vec<Value> {
    if cx.plan.choices.mesh.id == "linkerd" {
        tcp(&[LINKERD_INBOUND])
    } else {
        Vec::new()
    }
}

/// Where proxies get certificates, endpoints and policies.
fn control_plane(cx: &Cx<'_>) -> Option<Value> {
    let (name, ports): (_, &[u16]) = match cx.plan.choices.mesh.id.as_str() {
        "istio" => ("istio-system", &[15012]),
        "linkerd" => ("linkerd", &[8080, 8086, 8090]),
        _ => return None,
    };
    Some(json!({ "to": [namespace(name)], "ports": tcp(ports) }))
}
