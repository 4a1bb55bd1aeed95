//! Istio: how each service is reached, with the same timeouts, retries and breakers as everywhere else.
//!
//! Istio's `timeout` is of the whole call with its retries, so it is the deadline; `perTryTimeout` is the
//! attempt's. Where the plan leaves retries to the callers' own code, Istio's default of two is switched
//! off: two layers that retry multiply.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::super::Cx;
use super::path::{Piece, pieces, regex, template};
use super::{File, Kind, documents};
use crate::model::units::Time;
use crate::model::{CallId, Party, Protocol, ServiceId};

pub(super) const KIND: Kind = Kind {
    id: "mesh",
    what: "Istio routes, destination rules and policies a service",
    files,
};

fn files(cx: &Cx<'_>) -> Vec<File> {
    let model = cx.plan.model;
    if cx.plan.choices.mesh.id != "istio" {
        return Vec::new();
    }
    let mut calls: BTreeMap<ServiceId, Vec<CallId>> = BTreeMap::new();
    for id in model.call_ids() {
        let c = model.call(id);
        if !model.service(c.to).external {
            calls.entry(c.to).or_default().push(id);
        }
    }
    let file = |name: &str, parts: &[Value]| File {
        path: format!("istio/{name}.yaml"),
        fence: "yaml",
        text: documents(parts),
        checked_by: Some("the types of Istio's API"),
        notes: Vec::new(),
    };
    let strict = json!({
        "apiVersion": "security.istio.io/v1",
        "kind": "PeerAuthentication",
        "metadata": { "name": "default", "namespace": cx.plan.choices.namespace },
        "spec": { "mtls": { "mode": "STRICT" } },
    });
    let mut out = vec![file("00-mutual-tls", &[strict])];
    out.extend(calls.iter().map(|(id, calls)| {
        let parts = [
            virtual_service(cx, *id, calls),
            destination_rule(cx, *id, calls),
            authorization(cx, *id, calls),
        ];
        file(&cx.plan.service(*id).slug, &parts)
    }));
    out
}

fn meta(cx: &Cx<'_>, id: ServiceId) -> Value {
    json!({
        "name": cx.plan.service(id).slug,
        "namespace": cx.plan.choices.namespace,
    })
}

/// One route a call, the most specific first, and one for all else.
fn virtual_service(cx: &Cx<'_>, id: ServiceId, calls: &[CallId]) -> Value {
    let host = &cx.plan.service(id).address;
    let mut routes: Vec<(usize, Value)> = calls
        .iter()
        .filter_map(|call| {
            let matches = matching(cx, *call)?;
            let order = usize::MAX - matches.to_string().len();
            Some((order, route(cx, *call, &matches, host)))
        })
        .collect();
    routes.sort_by_key(|(order, _)| *order);
    let mut http: Vec<Value> = routes.into_iter().map(|(_, route)| route).collect();
    // What no declared operation matches waits as long as the longest that is declared.
    let longest = calls
        .iter()
        .max_by_key(|c| (cx.plan.call(**c).worst_case(), c.0));
    let mut rest = Map::new();
    rest.insert("name".into(), json!("all-else"));
    rest.insert("route".into(), json!([{ "destination": { "host": host } }]));
    if let Some(call) = longest {
        rest.insert(
            "timeout".into(),
            json!(duration(cx.plan.call(*call).worst_case())),
        );
    }
    rest.insert("retries".into(), json!({ "attempts": 0 }));
    http.push(Value::Object(rest));
    json!({
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": meta(cx, id),
        "spec": { "hosts": [host], "http": http },
    })
}

fn route(cx: &Cx<'_>, call: CallId, matches: &Value, host: &str) -> Value {
    let p = cx.plan.call(call);
    let mut out = Map::new();
    out.insert(
        "name".into(),
        json!(crate::plan::slug(&cx.plan.model.call_name(call))),
    );
    out.insert("match".into(), json!([matches]));
    out.insert("route".into(), json!([{ "destination": { "host": host } }]));
    out.insert("timeout".into(), json!(duration(p.worst_case())));
    // The callers' code retries; a second layer would multiply their attempts.
    out.insert("retries".into(), json!({ "attempts": 0 }));
    Value::Object(out)
}

/// What tells the call from others of the same callee; `None` where nothing does.
fn matching(cx: &Cx<'_>, call: CallId) -> Option<Value> {
    let c = cx.plan.model.call(call);
    let mut out = Map::new();
    match &c.protocol {
        Protocol::Grpc => {
            let rpc = cx.plan.rpc(call)?;
            rpc.method.as_ref()?;
            out.insert(
                "uri".into(),
                json!({ "exact": format!("/{}", rpc.full_method()) }),
            );
        }
        Protocol::Rest(Some(method)) => {
            let path = c.operation.split_once(' ')?.1;
            let path = pieces(path.split(['?', '#', ' ']).next()?);
            let named = path.iter().any(|p| matches!(p, Piece::Param(_)));
            let uri = if named {
                json!({ "regex": regex(&path) })
            } else {
                json!({ "exact": template(&path) })
            };
            out.insert("uri".into(), uri);
            out.insert("method".into(), json!({ "exact": method.name() }));
        }
        Protocol::GraphQl => {
            out.insert("uri".into(), json!({ "exact": "/graphql" }));
        }
        Protocol::Rest(None) | Protocol::Other(_) => return None,
    }
    if let Party::Service(caller) = c.from {
        out.insert(
            "sourceLabels".into(),
            json!({ "app.kubernetes.io/name": cx.plan.service(caller).slug }),
        );
    }
    Some(Value::Object(out))
}

/// Balancing, the limit on requests under way, and the removal of instances that fail.
fn destination_rule(cx: &Cx<'_>, id: ServiceId, calls: &[CallId]) -> Value {
    let host = &cx.plan.service(id).address;
    let slots = cx.plan.service(id).in_flight.value;
    let breakers = calls
        .iter()
        .filter_map(|c| cx.plan.call(*c).breaker.as_ref().ok());
    let open = breakers.map(|b| b.open.value).max();
    let mut policy = Map::new();
    policy.insert("loadBalancer".into(), json!({ "simple": "LEAST_REQUEST" }));
    policy.insert(
        "connectionPool".into(),
        json!({ "http": { "http2MaxRequests": slots, "http1MaxPendingRequests": slots } }),
    );
    if let Some(open) = open {
        policy.insert(
            "outlierDetection".into(),
            json!({ "baseEjectionTime": duration(open), "maxEjectionPercent": 50 }),
        );
    }
    json!({
        "apiVersion": "networking.istio.io/v1",
        "kind": "DestinationRule",
        "metadata": meta(cx, id),
        "spec": { "host": host, "trafficPolicy": policy },
    })
}

/// Only the services that call this one, and the gateway for those outside, by their certificates.
fn authorization(cx: &Cx<'_>, id: ServiceId, calls: &[CallId]) -> Value {
    let model = cx.plan.model;
    let namespace = &cx.plan.choices.namespace;
    let mut principals: BTreeSet<String> = calls
        .iter()
        .filter_map(|call| match model.call(*call).from {
            Party::Service(s) => {
                let caller = &cx.plan.service(s).slug;
                Some(format!("cluster.local/ns/{namespace}/sa/{caller}"))
            }
            Party::Actor(_) => None,
        })
        .collect();
    if cx.plan.service(id).entry {
        principals.insert(match cx.plan.choices.gateway.id.as_str() {
            // Istio names what it runs for a Gateway after the Gateway and its class.
            "gateway-api" => format!("cluster.local/ns/{namespace}/sa/edge-istio"),
            _ => "cluster.local/ns/gateway-system/sa/gateway".to_owned(),
        });
    }
    json!({
        "apiVersion": "security.istio.io/v1",
        "kind": "AuthorizationPolicy",
        "metadata": meta(cx, id),
        "spec": {
            "selector": { "matchLabels": { "app.kubernetes.io/name": cx.plan.service(id).slug } },
            "action": "ALLOW",
            "rules": [{ "from": [{ "source": { "principals": principals } }] }],
        },
    })
}

/// `1.5s` as Istio writes durations; at least its smallest, a millisecond.
fn duration(time: Time) -> String {
    format!("{}ms", time.as_ms().max(1))
}
