//! Istio and Linkerd: hosts, ports, labels, time limits, limits of requests, ejection, and who may call.

use std::collections::BTreeSet;

use msdesign::model::{CallId, Party, Protocol, ServiceId};
use msdesign::plan::address;
use serde_json::{Value, json};

use super::policies::edges;
use super::{Doc, Model, Plan, Wrong, docs, made, named, only, survivors};

#[test]
fn each_changed_value_for_istio_is_noticed() {
    let (model, files) = made("mesh = \"istio\"");
    let plan = Plan::new(&model);
    let (changed, found) = survivors(&docs(&files, "istio/"), |d| istio(&model, &plan, d));
    // A route's name is for people; names of rules and policies are for nobody but the cluster.
    only(&found, &["VirtualService/spec/http/name"]);
    assert!(changed > 150, "{changed}");
}

#[test]
fn each_changed_value_for_linkerd_is_noticed() {
    let (model, files) = made("mesh = \"linkerd\"");
    let plan = Plan::new(&model);
    let (changed, found) = survivors(&docs(&files, "linkerd/"), |d| linkerd(&model, &plan, d));
    only(&found, &[]);
    assert!(changed > 250, "{changed}");
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn own(model: &Model) -> Vec<ServiceId> {
    model
        .service_ids()
        .filter(|s| !model.service(*s).external)
        .collect()
}

fn time(t: msdesign::model::units::Time) -> String {
    format!("{}ms", t.as_ms().max(1))
}

/// Accounts of those whom an edge leads to `to`.
fn clients(model: &Model, plan: &Plan<'_>, to: ServiceId) -> BTreeSet<String> {
    let edges = edges(model, plan);
    let from = edges.iter().filter(|(f, t)| *t == to.0 && *f != to.0);
    from.map(|(f, _)| plan.service(ServiceId(*f)).slug.clone())
        .collect()
}

/// Method and a path that are the call's, where it has any.
fn request(plan: &Plan<'_>, id: CallId) -> Option<(String, String)> {
    let c = plan.model.call(id);
    if let Some(rpc) = plan.rpc(id) {
        return Some(("POST".to_owned(), format!("/{}", rpc.full_method())));
    }
    match address(&c.protocol, &c.operation) {
        (Some(method), path, false) => Some((method.to_owned(), path.replace("{id}", "x1"))),
        _ => None,
    }
}

/// Whether our patterns, `[^/]+` for one segment, take a path.
fn fits(pattern: &str, path: &str) -> bool {
    let pattern = pattern.replace("[^/]+", "*");
    let (want, have): (Vec<_>, Vec<_>) = (pattern.split('/').collect(), path.split('/').collect());
    want.len() == have.len() && want.iter().zip(have).all(|(w, h)| *w == "*" || *w == h)
}

fn meta(w: &mut Wrong, plan: &Plan<'_>, docs: &[Doc], api: impl Fn(&str) -> Option<&'static str>) {
    for d in docs {
        let kind = d.value["kind"].as_str().unwrap_or_default();
        w.want(
            kind,
            &d.value["apiVersion"],
            api(kind).unwrap_or("no such kind"),
        );
        let space = plan.choices.namespace.as_str();
        w.want(kind, &d.value["metadata"]["namespace"], space);
    }
}

fn istio(model: &Model, plan: &Plan<'_>, docs: &[Doc]) -> Wrong {
    let mut w = Wrong::default();
    meta(&mut w, plan, docs, |kind| match kind {
        "VirtualService" | "DestinationRule" => Some("networking.istio.io/v1"),
        "PeerAuthentication" | "AuthorizationPolicy" => Some("security.istio.io/v1"),
        _ => None,
    });
    let of = |kind, name: &str| named(docs, kind, name).unwrap_or(&Value::Null);
    let strict = json!({ "mtls": { "mode": "STRICT" } });
    w.want("all", &of("PeerAuthentication", "default")["spec"], strict);
    w.want(
        "all",
        &of("AuthorizationPolicy", "allow-nothing")["spec"],
        json!({}),
    );
    let home = format!("cluster.local/ns/{}/sa/", plan.choices.namespace);
    for id in own(model) {
        let s = plan.service(id);
        let slug = s.slug.as_str();
        let policy = &of("AuthorizationPolicy", slug)["spec"];
        let mut who: BTreeSet<String> = clients(model, plan, id)
            .into_iter()
            .map(|c| format!("{home}{c}"))
            .collect();
        if s.entry {
            who.insert(format!("{home}edge-istio"));
        }
        let mut rules = Vec::new();
        if !who.is_empty() {
            rules.push(json!({ "from": [{ "source": { "principals": who } }] }));
        }
        rules.push(json!({
            "from": [{ "source": { "namespaces": ["monitoring"] } }],
            "to": [{ "operation": { "methods": ["GET"], "paths": ["/metrics"] } }],
        }));
        let label = json!({ "app.kubernetes.io/name": slug });
        let should =
            json!({ "selector": { "matchLabels": label }, "action": "ALLOW", "rules": rules });
        w.want(slug, policy, should);
        if plan.callers(id).is_empty() {
            continue;
        }
        let (virtual_service, rule) = (
            &of("VirtualService", slug)["spec"],
            &of("DestinationRule", slug)["spec"],
        );
        w.want(slug, &virtual_service["hosts"], json!([s.address]));
        w.want(slug, &rule["host"], s.address.as_str());
        let proxy = plan.proxy(id);
        let slots = s.in_flight.value;
        let mut traffic = json!({
            "loadBalancer": { "simple": "LEAST_REQUEST" },
            "connectionPool": {
                "tcp": { "connectTimeout": time(proxy.connect.value) },
                "http": { "http2MaxRequests": slots, "http1MaxPendingRequests": slots },
            },
        });
        if let Some(e) = &proxy.ejection {
            traffic["outlierDetection"] = json!({
                "consecutive5xxErrors": e.failures.value,
                "interval": time(e.interval.value),
                "baseEjectionTime": time(e.time.value),
                "maxEjectionPercent": e.share.value,
            });
        }
        w.want(slug, &rule["trafficPolicy"], traffic);
        let routes = list(&virtual_service["http"]);
        let rest = routes.last().is_some_and(|r| r["match"].is_null());
        w.that(virtual_service.is_null() || rest, "no route for all else");
        for r in routes {
            w.want(
                slug,
                &r["route"],
                json!([{ "destination": { "host": s.address } }]),
            );
            w.want(slug, &r["retries"], json!({ "attempts": 0 }));
            w.that(
                list(&r["match"]).len() < 2,
                "a route matches more than one kind of request",
            );
        }
        for &call in plan.callers(id) {
            let (Some((method, path)), c) = (request(plan, call), model.call(call)) else {
                continue;
            };
            let caller = match c.from {
                Party::Service(f) => plan.service(f).slug.as_str(),
                Party::Actor(_) => "",
            };
            let takes = |r: &&Value| {
                let m = &r["match"][0];
                let uri = &m["uri"];
                (match (uri["exact"].as_str(), uri["regex"].as_str()) {
                    (Some(p), _) => p == path,
                    (_, Some(p)) => fits(p, &path),
                    _ => m.is_null(),
                }) && m["method"]["exact"].as_str().is_none_or(|x| x == method)
                    && m["sourceLabels"].as_object().is_none_or(|l| {
                        l.len() == 1 && l.get("app.kubernetes.io/name") == Some(&json!(caller))
                    })
            };
            let route = routes.iter().find(takes).unwrap_or(&Value::Null);
            w.want(slug, &route["timeout"], time(plan.call(call).timeout.value));
            // Others than this caller, or another method, are not meant.
            let m = &route["match"][0];
            let http = c.protocol != Protocol::Grpc;
            w.that(!http || m["method"]["exact"].is_string(), "a method");
            let labels = m["sourceLabels"].is_object();
            w.that(labels != caller.is_empty(), "whose calls");
        }
    }
    w
}

fn linkerd(model: &Model, plan: &Plan<'_>, docs: &[Doc]) -> Wrong {
    let mut w = Wrong::default();
    meta(&mut w, plan, docs, |kind| match kind {
        "HTTPRoute" | "GRPCRoute" => Some("gateway.networking.k8s.io/v1"),
        "Server" => Some("policy.linkerd.io/v1beta3"),
        "AuthorizationPolicy" | "MeshTLSAuthentication" | "NetworkAuthentication" => {
            Some("policy.linkerd.io/v1alpha1")
        }
        _ => None,
    });
    let mut names = BTreeSet::new();
    for d in docs {
        let name = format!("{} {}", d.value["kind"], d.value["metadata"]["name"]);
        w.that(names.insert(name), "two of a name");
    }
    let of = |kind, name: &str| named(docs, kind, name).unwrap_or(&Value::Null);
    let scraper =
        json!({ "identities": ["*.monitoring.serviceaccount.identity.linkerd.cluster.local"] });
    w.want(
        "monitoring",
        &of("MeshTLSAuthentication", "monitoring")["spec"],
        scraper,
    );
    let nodes = json!({ "networks": [{ "cidr": "10.0.0.0/8" }] });
    w.want(
        "nodes",
        &of("NetworkAuthentication", "nodes")["spec"],
        nodes,
    );
    let mut policies = BTreeSet::new();
    for id in own(model) {
        let s = plan.service(id);
        let slug = s.slug.as_str();
        let account = |name: &str, space: &str| json!({ "kind": "ServiceAccount", "name": name, "namespace": space });
        let space = &plan.choices.namespace;
        let mut who: Vec<Value> = clients(model, plan, id)
            .iter()
            .map(|c| account(c, space))
            .collect();
        if s.entry {
            who.push(account("gateway", "gateway-system"));
        }
        let clients = of("MeshTLSAuthentication", &format!("{slug}-clients"));
        let should = if who.is_empty() {
            Value::Null
        } else {
            json!({ "identityRefs": who })
        };
        w.want(slug, &clients["spec"], should);
        let http = s.serves_http || !s.serves_grpc;
        let ports = [
            ("http", 8080, "HTTP/1", http),
            (
                "grpc",
                if http { 9090 } else { 8080 },
                "gRPC",
                s.serves_grpc,
            ),
            ("tcp", 9000, "opaque", s.serves_tcp),
        ];
        for (port, _, protocol, _) in ports.iter().filter(|p| p.3) {
            let server = format!("{slug}-{port}");
            let should = json!({
                "podSelector": { "matchLabels": { "app.kubernetes.io/name": slug } },
                "port": port, "proxyProtocol": protocol, "accessPolicy": "deny",
            });
            w.want(slug, &of("Server", &server)["spec"], should);
            let probed = *port == "grpc" && s.health.as_ref().is_some_and(|h| h.grpc);
            for (who, kind, name, there) in [
                (
                    "clients",
                    "MeshTLSAuthentication",
                    format!("{slug}-clients"),
                    !who.is_empty(),
                ),
                (
                    "monitoring",
                    "MeshTLSAuthentication",
                    "monitoring".to_owned(),
                    true,
                ),
                ("nodes", "NetworkAuthentication", "nodes".to_owned(), probed),
            ] {
                if !there {
                    continue;
                }
                let policy = format!("{server}-from-{who}");
                let should = json!({
                    "targetRef": { "group": "policy.linkerd.io", "kind": "Server", "name": server },
                    "requiredAuthenticationRefs": [{ "group": "policy.linkerd.io", "kind": kind, "name": name }],
                });
                w.want(slug, &of("AuthorizationPolicy", &policy)["spec"], should);
                policies.insert(policy);
            }
        }
        routes(&mut w, plan, docs, id, &ports);
    }
    let found = docs
        .iter()
        .filter(|d| d.value["kind"] == "AuthorizationPolicy")
        .count();
    w.that(found == policies.len(), "policies that nobody asked for");
    w
}

/// Every route of a service leads to itself, at the port of its kind, and each call has the longest time limit
/// of those who make it.
fn routes(
    w: &mut Wrong,
    plan: &Plan<'_>,
    docs: &[Doc],
    id: ServiceId,
    ports: &[(&str, u16, &str, bool)],
) {
    let s = plan.service(id);
    let mut mine = Vec::new();
    for d in docs.iter().map(|d| &d.value) {
        let kind = d["kind"].as_str().unwrap_or_default();
        let port = match kind {
            "HTTPRoute" => ports[0].1,
            "GRPCRoute" => ports[1].1,
            _ => continue,
        };
        let name = d["metadata"]["name"].as_str().unwrap_or_default();
        if !name.starts_with(&s.slug) {
            continue;
        }
        let parent = json!([{ "group": "", "kind": "Service", "name": s.slug, "port": port }]);
        w.want(name, &d["spec"]["parentRefs"], parent);
        for rule in list(&d["spec"]["rules"]) {
            w.want(
                name,
                &rule["backendRefs"],
                json!([{ "name": s.slug, "port": port }]),
            );
            w.that(
                list(&rule["matches"]).len() < 2,
                "a rule for more than one kind of request",
            );
            let limit = if kind == "HTTPRoute" {
                rule["timeouts"]["request"].clone()
            } else {
                d["metadata"]["annotations"]["timeout.linkerd.io/request"].clone()
            };
            mine.push((kind, rule["matches"][0].clone(), limit));
        }
        let ends = ["-inside", "-all-else", "-within-"];
        let rest = name.trim_start_matches(s.slug.as_str());
        w.that(
            ends.iter().any(|e| {
                rest == *e || (rest.starts_with(e) && e.ends_with('-') && rest.ends_with("ms"))
            }),
            "a route's name",
        );
    }
    let mut calls = 0;
    for &call in plan.callers(id) {
        let c = plan.model.call(call);
        let (Some((method, path)), true) = (request(plan, call), c.protocol.is_http()) else {
            continue;
        };
        let longest = plan
            .callers(id)
            .iter()
            .filter(|o| request(plan, **o) == Some((method.clone(), path.clone())))
            .map(|o| plan.call(*o).timeout.value)
            .max();
        let takes = |(kind, m, _): &&(&str, Value, Value)| {
            if *kind == "GRPCRoute" {
                let full = format!(
                    "/{}/{}",
                    m["method"]["service"].as_str().unwrap_or(""),
                    m["method"]["method"].as_str().unwrap_or("")
                );
                return c.protocol == Protocol::Grpc && full == path;
            }
            let value = m["path"]["value"].as_str().unwrap_or_default();
            let place = match m["path"]["type"].as_str() {
                Some("Exact") => value == path,
                Some("RegularExpression") => fits(value, &path),
                _ => false,
            };
            place && m["method"] == method.as_str()
        };
        let found = mine
            .iter()
            .find(takes)
            .map_or(&Value::Null, |(_, _, limit)| limit);
        w.want(&s.slug, found, time(longest.unwrap_or_default()));
        if let (Protocol::Grpc, Some(limit)) = (&c.protocol, found.as_str()) {
            let within = format!("{}-within-{limit}", s.slug);
            let named = named(docs, "GRPCRoute", &within).is_some();
            w.that(named, "a name that says another limit");
        }
        calls += 1;
    }
    let rest = mine.iter().filter(|(_, m, _)| m.is_null()).count();
    let kinds: BTreeSet<&str> = mine.iter().map(|(k, ..)| *k).collect();
    w.that(calls == 0 || rest == kinds.len(), "no route for all else");
}
