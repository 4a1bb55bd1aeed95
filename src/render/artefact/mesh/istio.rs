//! Istio: routes, destination rules and policies a service.
//!
//! A request that Istio sees is one attempt of the caller's code, so its `timeout` is the attempt's. Istio
//! would retry by itself where a route says nothing of it, therefore every route says `attempts: 0`; then
//! `perTryTimeout` has nothing to limit.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::super::super::Cx;
use super::super::File;
use super::super::path::{Piece, pieces, regex, template};
use super::{
    GATEWAY_NAMESPACE, MONITORING_NAMESPACE, called, duration, file, meta, streaming,
    unlike_the_breaker,
};
use crate::model::{CallId, Party, Protocol, ServiceId};

pub(super) fn files(cx: &Cx<'_>) -> Vec<File> {
    let streaming = streaming(cx);
    let namespace = &cx.plan.choices.namespace;
    let mut head = vec![
        "Mutual TLS for all, and nobody may call anybody unless a service's own policy says so."
            .to_owned(),
        format!(
            "Proxies are injected by the namespace's label; pods of {MONITORING_NAMESPACE} need one to be let in."
        ),
    ];
    if cx.plan.choices.gateway.id != "gateway-api" {
        head.push(format!(
            "Without a proxy in {GATEWAY_NAMESPACE} the gateway is refused; its account is taken to be `gateway`."
        ));
    }
    let deny = [
        json!({
            "apiVersion": "security.istio.io/v1",
            "kind": "PeerAuthentication",
            "metadata": { "name": "default", "namespace": namespace },
            "spec": { "mtls": { "mode": "STRICT" } },
        }),
        json!({
            "apiVersion": "security.istio.io/v1",
            "kind": "AuthorizationPolicy",
            "metadata": { "name": "allow-nothing", "namespace": namespace },
            "spec": {},
        }),
    ];
    let mut out = vec![file("istio", "00-deny-by-default", &head, &deny)];
    out.extend(called(cx).iter().map(|(id, calls)| {
        let mut told = Vec::new();
        let mut parts = Vec::new();
        if !calls.is_empty() {
            told.push(
                "Each timeout is that of one attempt: the callers' code retries, Istio does not."
                    .to_owned(),
            );
            if let Some(e) = &cx.plan.proxy(*id).ejection {
                told.extend(unlike_the_breaker(cx, e));
            }
            parts.push(virtual_service(cx, *id, calls, streaming.contains(id)));
            parts.push(destination_rule(cx, *id));
        }
        parts.push(authorization(cx, *id));
        file("istio", &cx.plan.service(*id).slug, &told, &parts)
    }));
    for file in &mut out {
        file.checked_by = Some("the types of Istio's API");
    }
    out
}

/// One route a call, the most specific first, and one for all else.
fn virtual_service(cx: &Cx<'_>, id: ServiceId, calls: &[CallId], streams: bool) -> Value {
    let host = &cx.plan.service(id).address;
    let mut routes: Vec<((bool, bool, usize), Value)> = Vec::new();
    let mut unmatched = Vec::new();
    let http = |c: &&CallId| cx.plan.model.call(**c).protocol.is_http();
    for &call in calls.iter().filter(http) {
        let Some(matches) = matching(cx, call) else {
            unmatched.push(cx.plan.call(call).timeout.value);
            continue;
        };
        // A pattern would take the requests of a path that is written out, and a route for everybody
        // those of one caller.
        let order = (
            matches["uri"].get("regex").is_some(),
            matches.get("sourceLabels").is_none(),
            usize::MAX - matches.to_string().len(),
        );
        routes.push((order, route(cx, call, &matches, host)));
    }
    routes.sort_by_key(|(order, _)| *order);
    let mut http: Vec<Value> = routes.into_iter().map(|(_, route)| route).collect();
    let mut rest = Map::new();
    rest.insert("name".into(), json!("all-else"));
    rest.insert("route".into(), json!([{ "destination": { "host": host } }]));
    // A time limit would end a stream, however well it is.
    if let (Some(longest), false) = (unmatched.into_iter().max(), streams) {
        rest.insert("timeout".into(), json!(duration(longest)));
    }
    rest.insert("retries".into(), json!({ "attempts": 0 }));
    http.push(Value::Object(rest));
    json!({
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": meta(cx, &cx.plan.service(id).slug),
        "spec": { "hosts": [host], "http": http },
    })
}

fn route(cx: &Cx<'_>, call: CallId, matches: &Value, host: &str) -> Value {
    json!({
        "name": crate::plan::slug(&cx.plan.model.call_name(call)),
        "match": [matches],
        "route": [{ "destination": { "host": host } }],
        "timeout": duration(cx.plan.call(call).timeout.value),
        "retries": { "attempts": 0 },
    })
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

/// Balancing, limits on connections and requests under way, and the removal of instances that fail.
fn destination_rule(cx: &Cx<'_>, id: ServiceId) -> Value {
    let s = cx.plan.service(id);
    let proxy = cx.plan.proxy(id);
    let slots = s.in_flight.value;
    let mut policy = Map::new();
    policy.insert("loadBalancer".into(), json!({ "simple": "LEAST_REQUEST" }));
    policy.insert(
        "connectionPool".into(),
        json!({
            "tcp": { "connectTimeout": duration(proxy.connect.value) },
            "http": { "http2MaxRequests": slots, "http1MaxPendingRequests": slots },
        }),
    );
    if let Some(e) = &proxy.ejection {
        policy.insert(
            "outlierDetection".into(),
            json!({
                "consecutive5xxErrors": e.failures.value,
                "interval": duration(e.interval.value),
                "baseEjectionTime": duration(e.time.value),
                "maxEjectionPercent": e.share.value,
            }),
        );
    }
    json!({
        "apiVersion": "networking.istio.io/v1",
        "kind": "DestinationRule",
        "metadata": meta(cx, &s.slug),
        "spec": { "host": s.address, "trafficPolicy": policy },
    })
}

/// Only the services that have to reach this one, the gateway for those outside, and Prometheus for the
/// metrics, by their certificates.
fn authorization(cx: &Cx<'_>, id: ServiceId) -> Value {
    let s = cx.plan.service(id);
    let namespace = &cx.plan.choices.namespace;
    let account = |client: &ServiceId| {
        let client = &cx.plan.service(*client).slug;
        format!("cluster.local/ns/{namespace}/sa/{client}")
    };
    let mut principals: BTreeSet<String> = cx.plan.clients(id).iter().map(account).collect();
    if s.behind_gateway() {
        principals.insert(match cx.plan.choices.gateway.id.as_str() {
            // Istio names what it runs for a Gateway after the Gateway and its class.
            "gateway-api" => format!("cluster.local/ns/{namespace}/sa/edge-istio"),
            _ => format!("cluster.local/ns/{GATEWAY_NAMESPACE}/sa/gateway"),
        });
    }
    let mut rules = Vec::new();
    if !principals.is_empty() {
        rules.push(json!({ "from": [{ "source": { "principals": principals } }] }));
    }
    rules.push(json!({
        "from": [{ "source": { "namespaces": [MONITORING_NAMESPACE] } }],
        "to": [{ "operation": { "methods": ["GET"], "paths": ["/metrics"] } }],
    }));
    json!({
        "apiVersion": "security.istio.io/v1",
        "kind": "AuthorizationPolicy",
        "metadata": meta(cx, &s.slug),
        "spec": {
            "selector": { "matchLabels": { "app.kubernetes.io/name": s.slug } },
            "action": "ALLOW",
            "rules": rules,
        },
    })
}
