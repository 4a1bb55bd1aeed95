//! Linkerd: routes with timeouts, and who may call, a service.
//!
//! Linkerd retries nothing that no annotation names, and none does. Its routes belong to the service that is
//! called and cannot tell callers apart, so calls of one operation share the longest of their timeouts.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::super::super::Cx;
use super::super::File;
use super::super::kubernetes::ports;
use super::super::path::{Piece, pieces, regex, template};
use super::{
    GATEWAY_NAMESPACE, MONITORING_NAMESPACE, called, duration, file, meta, streaming,
    unlike_the_breaker,
};
use crate::model::units::Time;
use crate::model::{CallId, Protocol, ServiceId};

/// A route holds no more rules than this, and the last is for all else.
const MAX_RULES: usize = 15;

pub(super) fn files(cx: &Cx<'_>) -> Vec<File> {
    let streaming = streaming(cx);
    let mut out = vec![outsiders(cx)];
    out.extend(called(cx).iter().map(|(id, calls)| {
        let s = cx.plan.service(*id);
        let mut told = Vec::new();
        let mut parts = Vec::new();
        if !calls.is_empty() {
            told.push(
                "Each timeout is that of one attempt, the longest where callers differ: the callers' code \
                 retries, Linkerd does not."
                    .to_owned(),
            );
            if let Some(e) = &cx.plan.proxy(*id).ejection {
                told.extend(unlike_the_breaker(cx, e));
                told.push(
                    "The annotations stand at the Service, among the manifests of Kubernetes."
                        .to_owned(),
                );
            }
            parts.extend(http_routes(cx, *id, calls, streaming.contains(id)));
            parts.extend(grpc_routes(cx, *id, calls));
        }
        parts.extend(policies(cx, *id));
        file("linkerd", &s.slug, &told, &parts)
    }));
    for file in &mut out {
        file.notes.push(
            "This project's tests hold routes against the types of the Gateway API, and policies against the \
             fields of Linkerd's definitions; no cluster has taken them."
                .to_owned(),
        );
    }
    out
}

/// What is not a service of the design and still has to get through.
fn outsiders(cx: &Cx<'_>) -> File {
    let told = [
        "The namespace denies what no policy allows; these stand for Prometheus and the nodes' probes.".to_owned(),
        format!("Replace: {MONITORING_NAMESPACE}, and 10.0.0.0/8 by the network of the nodes."),
    ];
    let parts = [
        json!({
            "apiVersion": "policy.linkerd.io/v1alpha1",
            "kind": "MeshTLSAuthentication",
            "metadata": meta(cx, "monitoring"),
            "spec": { "identities": [format!("*.{MONITORING_NAMESPACE}.serviceaccount.identity.linkerd.cluster.local")] },
        }),
        json!({
            "apiVersion": "policy.linkerd.io/v1alpha1",
            "kind": "NetworkAuthentication",
            "metadata": meta(cx, "nodes"),
            "spec": { "networks": [{ "cidr": "10.0.0.0/8" }] },
        }),
    ];
    file("linkerd", "00-outsiders", &told, &parts)
}

/// The rule's matches and its timeout; equal matches are one rule.
fn rules_of(
    cx: &Cx<'_>,
    calls: &[CallId],
    matches: impl Fn(CallId) -> Option<Value>,
) -> Vec<(Value, Time)> {
    let mut out: BTreeMap<String, (Value, Time)> = BTreeMap::new();
    for &call in calls {
        let Some(value) = matches(call) else { continue };
        let timeout = cx.plan.call(call).timeout.value;
        let entry = out
            .entry(value.to_string())
            .or_insert((value, Time::default()));
        entry.1 = entry.1.max(timeout);
    }
    out.into_values().collect()
}

fn parent(cx: &Cx<'_>, id: ServiceId, grpc: bool) -> Option<Value> {
    let s = cx.plan.service(id);
    let name = if grpc { "grpc" } else { "http" };
    let (_, port) = ports(s).into_iter().find(|(n, _)| *n == name)?;
    Some(json!([{ "group": "", "kind": "Service", "name": s.slug, "port": port }]))
}

fn backend(parents: &Value) -> Value {
    json!([{ "name": parents[0]["name"], "port": parents[0]["port"] }])
}

/// Calls over HTTP, and all else without a limit where streams run.
fn http_routes(cx: &Cx<'_>, id: ServiceId, calls: &[CallId], streams: bool) -> Vec<Value> {
    let slug = &cx.plan.service(id).slug;
    let Some(parents) = parent(cx, id, false) else {
        return Vec::new();
    };
    let rules = rules_of(cx, calls, |call| http_match(cx, call));
    let unmatched = calls
        .iter()
        .filter(|c| {
            let protocol = &cx.plan.model.call(**c).protocol;
            *protocol != Protocol::Grpc && protocol.is_http()
        })
        .filter(|c| http_match(cx, **c).is_none())
        .map(|c| cx.plan.call(*c).timeout.value)
        .max();
    let rest = unmatched.filter(|_| !streams);
    if rules.is_empty() && rest.is_none() {
        return Vec::new();
    }
    let rule = |matches: Option<&Value>, timeout: Option<Time>| {
        let mut out = Map::new();
        if let Some(m) = matches {
            out.insert("matches".into(), json!([m]));
        }
        out.insert("backendRefs".into(), backend(&parents));
        if let Some(t) = timeout {
            out.insert("timeouts".into(), json!({ "request": duration(t) }));
        }
        Value::Object(out)
    };
    // Requests that match no rule would get 404.
    let mut all: Vec<Value> = rules.iter().map(|(m, t)| rule(Some(m), Some(*t))).collect();
    let all_else = rule(None, rest);
    if all.is_empty() {
        all.push(all_else.clone());
    }
    all.chunks(MAX_RULES)
        .enumerate()
        .map(|(i, part)| {
            let mut rules = part.to_vec();
            if i == 0 && rules[0].get("matches").is_some() {
                rules.push(all_else.clone());
            }
            json!({
                "apiVersion": "gateway.networking.k8s.io/v1",
                "kind": "HTTPRoute",
                "metadata": meta(cx, &numbered(slug, "inside", i)),
                "spec": { "parentRefs": parents, "rules": rules },
            })
        })
        .collect()
}

fn http_match(cx: &Cx<'_>, call: CallId) -> Option<Value> {
    let c = cx.plan.model.call(call);
    match &c.protocol {
        Protocol::Rest(Some(method)) => {
            let path = c.operation.split_once(' ')?.1;
            let path = pieces(path.split(['?', '#', ' ']).next()?);
            let path = if path.iter().any(|p| matches!(p, Piece::Param(_))) {
                json!({ "type": "RegularExpression", "value": regex(&path) })
            } else {
                json!({ "type": "Exact", "value": template(&path) })
            };
            Some(json!({ "path": path, "method": method.name() }))
        }
        Protocol::GraphQl => Some(json!({ "path": { "type": "Exact", "value": "/graphql" } })),
        Protocol::Grpc | Protocol::Rest(None) | Protocol::Other(_) => None,
    }
}

/// A GRPCRoute has no field for timeouts, so that there is one for each, with an annotation.
fn grpc_routes(cx: &Cx<'_>, id: ServiceId, calls: &[CallId]) -> Vec<Value> {
    let slug = &cx.plan.service(id).slug;
    let Some(parents) = parent(cx, id, true) else {
        return Vec::new();
    };
    let rules = rules_of(cx, calls, |call| {
        let rpc = cx.plan.rpc(call)?;
        let method = rpc.method.as_ref()?;
        Some(json!({ "method": { "service": rpc.full_service(), "method": method } }))
    });
    if rules.is_empty() {
        return Vec::new();
    }
    let mut by_timeout: BTreeMap<Time, Vec<Value>> = BTreeMap::new();
    for (matches, timeout) in rules {
        by_timeout.entry(timeout).or_default().push(matches);
    }
    let route = |name: String, timeout: Option<Time>, rules: Vec<Value>| {
        let mut metadata = meta(cx, &name);
        if let Some(t) = timeout {
            metadata["annotations"] = json!({ "timeout.linkerd.io/request": duration(t) });
        }
        json!({
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "GRPCRoute",
            "metadata": metadata,
            "spec": { "parentRefs": parents, "rules": rules },
        })
    };
    let mut out = Vec::new();
    for (timeout, matches) in by_timeout {
        for (i, part) in matches.chunks(MAX_RULES).enumerate() {
            let name = numbered(slug, &format!("within-{}", duration(timeout)), i);
            let rules = part
                .iter()
                .map(|m| json!({ "matches": [m], "backendRefs": backend(&parents) }))
                .collect();
            out.push(route(name, Some(timeout), rules));
        }
    }
    // Methods that match no route would get UNIMPLEMENTED: probes and streams are among them.
    let rest = vec![json!({ "backendRefs": backend(&parents) })];
    out.push(route(format!("{slug}-all-else"), None, rest));
    out
}

fn numbered(slug: &str, what: &str, i: usize) -> String {
    match i {
        0 => format!("{slug}-{what}"),
        _ => format!("{slug}-{what}-{}", i + 1),
    }
}

/// A Server denies what nothing allows: its clients by their identities, Prometheus, and probes.
fn policies(cx: &Cx<'_>, id: ServiceId) -> Vec<Value> {
    let s = cx.plan.service(id);
    let namespace = &cx.plan.choices.namespace;
    let account = |name: &str, namespace: &str| json!({ "kind": "ServiceAccount", "name": name, "namespace": namespace });
    let slugs: BTreeSet<&str> = cx
        .plan
        .clients(id)
        .iter()
        .map(|c| cx.plan.service(*c).slug.as_str())
        .collect();
    let mut refs: Vec<Value> = slugs.iter().map(|c| account(c, namespace)).collect();
    if s.behind_gateway() {
        refs.push(account("gateway", GATEWAY_NAMESPACE));
    }
    let mut out = Vec::new();
    let clients = !refs.is_empty();
    if clients {
        out.push(json!({
            "apiVersion": "policy.linkerd.io/v1alpha1",
            "kind": "MeshTLSAuthentication",
            "metadata": meta(cx, &format!("{}-clients", s.slug)),
            "spec": { "identityRefs": refs },
        }));
    }
    for (name, _) in ports(s) {
        let server = format!("{}-{name}", s.slug);
        out.push(json!({
            "apiVersion": "policy.linkerd.io/v1beta3",
            "kind": "Server",
            "metadata": meta(cx, &server),
            "spec": {
                "podSelector": { "matchLabels": { "app.kubernetes.io/name": s.slug } },
                "port": name,
                "proxyProtocol": match name { "grpc" => "gRPC", "tcp" => "opaque", _ => "HTTP/1" },
                "accessPolicy": "deny",
            },
        }));
        let mut allow = |who: &str, kind: &str, authentication: &str| {
            out.push(json!({
                "apiVersion": "policy.linkerd.io/v1alpha1",
                "kind": "AuthorizationPolicy",
                "metadata": meta(cx, &format!("{server}-from-{who}")),
                "spec": {
                    "targetRef": { "group": "policy.linkerd.io", "kind": "Server", "name": server },
                    "requiredAuthenticationRefs": [
                        { "group": "policy.linkerd.io", "kind": kind, "name": authentication },
                    ],
                },
            }));
        };
        if clients {
            let authentication = format!("{}-clients", s.slug);
            allow("clients", "MeshTLSAuthentication", &authentication);
        }
        allow("monitoring", "MeshTLSAuthentication", "monitoring");
        // Linkerd lets the nodes' probes through by itself where they are HTTP.
        if name == "grpc" && s.health.as_ref().is_some_and(|h| h.grpc) {
            allow("nodes", "NetworkAuthentication", "nodes");
        }
    }
    out
}

/// Annotations of a Service by which its callers' proxies leave out instances that fail.
pub(in crate::render::artefact) fn failure_accrual(
    cx: &Cx<'_>,
    id: ServiceId,
) -> Option<Map<String, Value>> {
    if cx.plan.choices.mesh.id != "linkerd" {
        return None;
    }
    let e = cx.plan.proxy(id).ejection?;
    let mut out = Map::new();
    let key = |name: &str| format!("balancer.linkerd.io/failure-accrual{name}");
    out.insert(key(""), json!("consecutive"));
    let failures = e.failures.value.to_string();
    out.insert(key("-consecutive-max-failures"), json!(failures));
    let (least, most) = (duration(e.time.value), duration(e.time_max.value));
    out.insert(key("-consecutive-min-penalty"), json!(least));
    out.insert(key("-consecutive-max-penalty"), json!(most));
    Some(out)
}
