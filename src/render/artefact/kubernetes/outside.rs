//! What reaches a service past the gateway, since it is not HTTP: a balancer of its own, and the ports behind it.
//!
//! Clients outside have no certificate of the mesh, so these ports are the service's own and not its proxy's.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::super::Cx;
use super::selector;
use crate::catalog;
use crate::model::ServiceId;

/// Where a service listens for the first of them; the others follow.
const FIRST_PORT: u16 = 9200;

/// One protocol by which clients outside reach a service.
pub(super) struct Opening {
    /// Of the port.
    pub(super) name: String,
    /// `TCP` or `UDP`.
    transport: &'static str,
    /// Where clients find it: the registered port, or the service's own where there is none.
    public: u16,
    /// Where the service listens.
    port: u16,
}

/// The openings of the service `id`, by name.
pub(super) fn openings(cx: &Cx<'_>, id: ServiceId) -> Vec<Opening> {
    let model = cx.plan.model;
    let wires: BTreeMap<String, &'static catalog::Wire> = cx
        .plan
        .gateway
        .past
        .iter()
        .map(|call| model.call(*call))
        .filter(|c| c.to == id)
        .filter_map(|c| {
            let name = c.protocol.name();
            Some((name.to_ascii_lowercase(), catalog::not_http(name)?))
        })
        .collect();
    wires
        .into_iter()
        .zip(FIRST_PORT..)
        .map(|((name, wire), port)| Opening {
            name: format!("outside-{name}"),
            transport: &wire.transport,
            public: if wire.port == 0 { port } else { wire.port },
            port,
        })
        .collect()
}

/// The ports of the container.
pub(super) fn container(open: &[Opening]) -> impl Iterator<Item = Value> {
    open.iter()
        .map(|o| json!({ "name": o.name, "containerPort": o.port, "protocol": o.transport }))
}

/// What keeps a mesh's proxy from these ports; `None` where it takes nothing by itself.
pub(super) fn past_the_proxy(mesh: &str, open: &[Opening]) -> Option<(&'static str, String)> {
    let key = match mesh {
        "istio" => "traffic.sidecar.istio.io/excludeInboundPorts",
        "linkerd" => "config.linkerd.io/skip-inbound-ports",
        _ => return None,
    };
    // Proxies take nothing that comes by UDP.
    let tcp = open.iter().filter(|o| o.transport == "TCP");
    let ports: Vec<String> = tcp.map(|o| o.port.to_string()).collect();
    (!ports.is_empty()).then(|| (key, ports.join(",")))
}

/// The balancer. It keeps the clients' addresses, by which the service has to limit them.
pub(super) fn balancer(slug: &str, meta: &Value, open: &[Opening]) -> Option<Value> {
    if open.is_empty() {
        return None;
    }
    let mut meta = meta.clone();
    meta["name"] = json!(format!("{slug}-outside"));
    let ports: Vec<Value> = open
        .iter()
        .map(|o| json!({ "name": o.name, "protocol": o.transport, "port": o.public, "targetPort": o.port }))
        .collect();
    Some(json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": meta,
        "spec": {
            "type": "LoadBalancer",
            "externalTrafficPolicy": "Local",
            "selector": selector(slug),
            "ports": ports,
        },
    }))
}

/// What lets the clients in.
pub(super) fn ingress(open: &[Opening]) -> Option<Value> {
    let ports: Vec<Value> = open
        .iter()
        .map(|o| json!({ "protocol": o.transport, "port": o.port }))
        .collect();
    (!ports.is_empty()).then(|| {
        json!({
            "from": [{ "ipBlock": { "cidr": "0.0.0.0/0" } }, { "ipBlock": { "cidr": "::/0" } }],
            "ports": ports,
        })
    })
}
