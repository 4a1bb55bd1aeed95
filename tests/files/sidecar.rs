//! Envoy beside each service: every listener, route and cluster of the bootstraps, with retries and without.

use std::collections::BTreeSet;

use msdesign::model::{CallId, Party, Protocol, ServiceId};
use msdesign::plan::slug;
use serde_json::{Value, json};

use super::envoy::{
    GATEWAY, account, at, cluster, collector, http2, is_method, listener, mutual, part, path,
    public, router, spire, time, tls, towards, tracing, without,
};
use super::policies::edges;
use super::{Doc, Model, Plan, Wrong, docs, envoy, made, only, survivors};

/// What no Envoy counts to.
const NO_LIMIT: u32 = u32::MAX;

#[test]
fn each_changed_value_for_envoy_beside_a_service_is_noticed() {
    let (model, files) = made("mesh = \"envoy\"");
    let plan = Plan::new(&model);
    let (mut changed, mut read) = (0, 0);
    for file in files.iter().filter(|f| f.path.starts_with("envoy/")) {
        let name = file
            .path
            .trim_start_matches("envoy/")
            .trim_end_matches(".yaml");
        let (slug, retries) = match name.strip_suffix(".retrying") {
            Some(slug) => (slug, true),
            None => (name, false),
        };
        let own = model.service_ids().find(|s| plan.service(*s).slug == slug);
        let side = Side {
            model: &model,
            plan: &plan,
            own: own.unwrap(),
            retries,
        };
        let (listeners, clusters) = side.made();
        let should = (json!(listeners), json!(clusters));
        let (n, found) = survivors(&docs(&files, &file.path), |d| side.wrong(d, &should));
        only(&found, &[]);
        changed += n;
        read += 1;
    }
    assert!(changed > 900 && read == 6, "{changed} {read}");
}

/// One bootstrap beside a service.
struct Side<'a> {
    model: &'a Model,
    plan: &'a Plan<'a>,
    own: ServiceId,
    retries: bool,
}

/// What a client could tell an Envoy to do.
const ORDERS: [&str; 6] = [
    "x-envoy-max-retries",
    "x-envoy-retry-on",
    "x-envoy-retry-grpc-on",
    "x-envoy-hedge-on-per-try-timeout",
    "x-envoy-upstream-rq-timeout-ms",
    "x-envoy-upstream-rq-per-try-timeout-ms",
];

impl Side<'_> {
    fn slug(&self, id: ServiceId) -> &str {
        &self.plan.service(id).slug
    }

    /// Calls of one pair or to one service, exact paths before patterns.
    fn calls(&self, from: Option<ServiceId>, to: ServiceId) -> Vec<CallId> {
        let from = |c: &CallId| from.is_none_or(|f| self.model.call(*c).from == Party::Service(f));
        let mut out: Vec<CallId> = self.plan.callers(to).iter().copied().filter(from).collect();
        out.sort_by_key(|c| self.model.call(*c).operation.contains("{id}"));
        out
    }

    fn matcher(&self, call: CallId) -> Value {
        let c = self.model.call(call);
        if c.protocol == Protocol::Grpc {
            return json!({ "path": "/shop.Cart/Get", "grpc": {} });
        }
        let (method, place) = c.operation.split_once(' ').unwrap();
        let mut out = path(place);
        out["headers"] = is_method(method);
        out
    }

    fn rest(grpc: bool) -> Value {
        let mut out = json!({ "prefix": "/" });
        if grpc {
            out["grpc"] = json!({});
        }
        out
    }

    fn route(name: &str, matcher: Value, cluster: &str, limit: &str) -> Value {
        json!({
            "name": name, "match": matcher, "decorator": { "operation": name },
            "route": { "cluster": cluster, "timeout": limit },
        })
    }

    /// What Envoy does again, and when.
    fn again(&self, call: CallId) -> Value {
        let p = self.plan.call(call);
        let grpc = self.model.call(call).protocol == Protocol::Grpc;
        assert!(p.idempotent.value, "the shop repeats reading alone");
        let same = "retry.host.previous_hosts.v3.PreviousHostsPredicate";
        let mut out = json!({
            "retry_on": if grpc {
                "connect-failure,refused-stream,resource-exhausted,reset,gateway-error,unavailable"
            } else {
                "connect-failure,refused-stream,retriable-status-codes,reset,gateway-error"
            },
            "num_retries": p.attempts.value - 1, "per_try_timeout": time(p.timeout.value),
            "retry_back_off": { "base_interval": time(p.backoff_base.value), "max_interval": time(p.backoff_cap.value) },
            "retry_host_predicate": [part("retry_host_predicates.previous_hosts", same, json!({}))],
            "host_selection_retry_max_attempts": 10,
        });
        if !grpc {
            out["retriable_status_codes"] = json!([429]);
        }
        out
    }

    /// A callee as this service reaches it for `call`; without one, for all else.
    fn callee(&self, name: &str, to: ServiceId, protocol: &str, call: Option<CallId>) -> Value {
        let (s, external) = (self.plan.service(to), self.model.service(to).external);
        let connect = time(self.plan.proxy(to).connect.value);
        let (kind, host, port) = match (external, protocol) {
            (true, _) => ("LOGICAL_DNS", format!("{}.example", s.slug), 443),
            (_, "tcp") => ("STRICT_DNS", s.address.clone(), 9000),
            _ => ("STRICT_DNS", s.address.clone(), 8080),
        };
        let mut out = cluster(name, kind, &connect, at(&host, port));
        if protocol == "grpc" {
            out["typed_extension_protocol_options"] = http2();
        }
        if external {
            out["transport_socket"] = public(&host);
        } else {
            let alpn: &[&str] = match protocol {
                "grpc" => &["h2"],
                "http" => &["http/1.1"],
                _ => &[],
            };
            let space = &self.plan.choices.namespace;
            let own = account(space, self.slug(self.own));
            out["transport_socket"] = towards(&own, &account(space, &s.slug), alpn);
            let h = s.health.as_ref().unwrap();
            let mut check = json!({
                "timeout": format!("{}s", h.timeout_s), "interval": format!("{}s", h.period_s),
                "unhealthy_threshold": h.failure_threshold, "healthy_threshold": 1,
            });
            match protocol {
                "grpc" => check["grpc_health_check"] = json!({}),
                "http" => check["http_health_check"] = json!({ "host": host, "path": h.readiness }),
                _ => check["tcp_health_check"] = json!({}),
            }
            out["health_checks"] = json!([check]);
        }
        let Some(call) = call else { return out };
        let p = self.plan.call(call);
        if protocol != "tcp" {
            let mut most = json!({
                "max_connections": NO_LIMIT, "max_pending_requests": p.slots.value,
                "max_requests": p.slots.value, "track_remaining": true,
            });
            if self.retries && p.attempts.value > 1 {
                most["retry_budget"] =
                    json!({ "budget_percent": { "value": p.retry_budget.value.percent() } });
            }
            out["circuit_breakers"] = json!({ "thresholds": [most] });
        }
        if let (Ok(b), false) = (&p.breaker, external) {
            let e = self.plan.ejection(call).unwrap();
            out["outlier_detection"] = json!({
                "consecutive_5xx": (b.ratio.value.0 * b.minimum.value as f64).ceil() as u64,
                "interval": time(e.interval.value), "base_ejection_time": time(b.open.value),
                "max_ejection_time": time(e.time_max.value), "max_ejection_percent": e.share.value,
                "enforcing_success_rate": 0,
            });
            out["common_lb_config"] =
                json!({ "healthy_panic_threshold": { "value": 0 }, "update_merge_window": "0s" });
        }
        out
    }

    fn local(name: &str, port: u16, grpc: bool) -> Value {
        let mut out = cluster(name, "STATIC", "1s", at("127.0.0.1", port));
        let most = ["max_connections", "max_pending_requests", "max_requests"];
        let most: serde_json::Map<_, _> = most
            .iter()
            .map(|k| ((*k).to_owned(), json!(NO_LIMIT)))
            .collect();
        out["circuit_breakers"] = json!({ "thresholds": [most] });
        if grpc {
            out["typed_extension_protocol_options"] = http2();
        }
        out
    }

    fn manager(&self, name: &str, hosts: &Value, first: Option<Value>) -> Value {
        let inbound = first.is_some();
        let mut filters: Vec<Value> = first.into_iter().collect();
        filters.extend([without(&ORDERS), router()]);
        let mut config = json!({
            "stat_prefix": name, "codec_type": "AUTO", "strip_any_host_port": true,
            "server_header_transformation": "PASS_THROUGH",
            "forward_client_cert_details": if inbound { "SANITIZE_SET" } else { "SANITIZE" },
            "tracing": tracing(self.plan, self.slug(self.own)), "http_filters": filters,
            "route_config": { "name": name, "virtual_hosts": hosts },
        });
        if inbound {
            config["set_current_client_cert_details"] = json!({ "uri": true });
        }
        envoy::http(config)
    }

    /// Those whom an edge leads here.
    fn admitted(&self, kind: &str) -> Value {
        let space = &self.plan.choices.namespace;
        let edges = edges(self.model, self.plan);
        let from = edges
            .iter()
            .filter(|(f, t)| *t == self.own.0 && *f != self.own.0);
        let mut who: BTreeSet<String> = from
            .map(|(f, _)| account(space, self.slug(ServiceId(*f))))
            .collect();
        if self.plan.service(self.own).entry {
            who.insert(GATEWAY.to_owned());
        }
        let mut rules = json!({ "action": "ALLOW" });
        if !who.is_empty() {
            let who = who
                .iter()
                .map(|w| json!({ "authenticated": { "principal_name": { "exact": w } } }));
            let who: Vec<Value> = who.collect();
            rules["policies"] =
                json!({ "callers": { "permissions": [{ "any": true }], "principals": who } });
        }
        let mut more = json!({ "rules": rules });
        if kind == "network" {
            more["stat_prefix"] = json!("inbound-tcp");
        }
        part(
            &format!("filters.{kind}.rbac"),
            &format!("filters.{kind}.rbac.v3.RBAC"),
            more,
        )
    }

    fn tcp(cluster: &str) -> Value {
        let name = "filters.network.tcp_proxy";
        part(
            name,
            &format!("{name}.v3.TcpProxy"),
            json!({ "stat_prefix": cluster, "cluster": cluster }),
        )
    }

    fn outbound(&self, listeners: &mut Vec<Value>, clusters: &mut Vec<Value>) {
        let mut hosts = Vec::new();
        for to in self.model.service_ids() {
            let (to_slug, external) = (self.slug(to), self.model.service(to).external);
            let calls = self.calls(Some(self.own), to);
            let http = |c: &&CallId| self.model.call(**c).protocol.is_http();
            if !calls.iter().any(|c| http(&c)) {
                continue;
            }
            let mut routes = Vec::new();
            let grpc = self.model.call(calls[0]).protocol == Protocol::Grpc;
            let protocol = if grpc { "grpc" } else { "http" };
            for &call in calls.iter().filter(http) {
                let p = self.plan.call(call);
                let name = slug(&self.model.call(call).label());
                let cluster = format!("{to_slug}.{name}");
                let limit = if self.retries {
                    p.worst_case()
                } else {
                    p.timeout.value
                };
                let mut route = Self::route(&name, self.matcher(call), &cluster, &time(limit));
                if self.retries && p.attempts.value > 1 {
                    route["route"]["retry_policy"] = self.again(call);
                }
                clusters.push(self.callee(&cluster, to, protocol, Some(call)));
                routes.push(route);
            }
            let rest = format!("{to_slug}.all-else{}", if grpc { "-grpc" } else { "" });
            clusters.push(self.callee(&rest, to, protocol, None));
            routes.push(Self::route("all-else", Self::rest(grpc), &rest, "0s"));
            let host = if external {
                for r in &mut routes {
                    r["route"]["auto_host_rewrite"] = json!(true);
                }
                format!("{to_slug}.example")
            } else {
                self.plan.service(to).address.clone()
            };
            hosts.push(json!({ "name": to_slug, "domains": [to_slug, host], "routes": routes }));
        }
        if !hosts.is_empty() {
            let manager = self.manager("outbound", &json!(hosts), None);
            listeners.push(listener(
                "outbound",
                "127.0.0.1",
                15001,
                json!({ "filters": [manager] }),
            ));
        }
        let mut port = 15100;
        for to in self.model.service_ids() {
            let other = |c: &CallId| !self.model.call(*c).protocol.is_http();
            let calls = self.calls(Some(self.own), to);
            if let Some(call) = calls.into_iter().find(other) {
                let name = format!("{}.tcp", self.slug(to));
                clusters.push(self.callee(&name, to, "tcp", Some(call)));
                let chain = json!({ "filters": [Self::tcp(&name)] });
                listeners.push(listener(
                    &format!("outbound-{name}"),
                    "127.0.0.1",
                    port,
                    chain,
                ));
                port += 1;
            }
        }
    }

    fn inbound(&self, listeners: &mut Vec<Value>, clusters: &mut Vec<Value>) {
        let s = self.plan.service(self.own);
        let http = s.serves_http || !s.serves_grpc;
        assert!(!(http && s.serves_grpc), "nobody in the shop serves both");
        let me = account(&self.plan.choices.namespace, &s.slug);
        let first = if http { "http" } else { "grpc" };
        let ports = [(first, 8080, 8081, true), ("tcp", 9000, 9001, s.serves_tcp)];
        for (protocol, port, behind, _) in ports.into_iter().filter(|p| p.3) {
            let local = format!("local.{protocol}");
            clusters.push(Self::local(&local, behind, protocol == "grpc"));
            let (filters, alpn): (Value, &[&str]) = if protocol == "tcp" {
                (json!([self.admitted("network"), Self::tcp(&local)]), &[])
            } else {
                let mut routes: Vec<Value> = Vec::new();
                for call in self.calls(None, self.own) {
                    if !self.model.call(call).protocol.is_http() {
                        continue;
                    }
                    let matcher = self.matcher(call);
                    if routes.iter().any(|r| r["match"] == matcher) {
                        continue;
                    }
                    // Two who ask the same wait as long as the more patient of them.
                    let all = self.calls(None, self.own).into_iter();
                    let limits = all.filter(|o| {
                        self.model.call(*o).operation == self.model.call(call).operation
                    });
                    let limit = limits
                        .map(|o| self.plan.call(o).timeout.value)
                        .max()
                        .unwrap();
                    let name = slug(&self.model.call(call).label());
                    routes.push(Self::route(&name, matcher, &local, &time(limit)));
                }
                routes.push(Self::route(
                    "all-else",
                    Self::rest(protocol == "grpc"),
                    &local,
                    "0s",
                ));
                let hosts = json!([{ "name": "own", "domains": ["*"], "routes": routes }]);
                let manager = self.manager(
                    &format!("inbound-{protocol}"),
                    &hosts,
                    Some(self.admitted("http")),
                );
                let alpn: &[&str] = if http { &["h2", "http/1.1"] } else { &["h2"] };
                (json!([manager]), alpn)
            };
            let common = mutual(&me, json!({ "prefix": "spiffe://cluster.local/" }), alpn);
            let secured = tls(
                "DownstreamTlsContext",
                json!({ "require_client_certificate": true, "common_tls_context": common }),
            );
            let chain = json!({ "filters": filters, "transport_socket": secured });
            listeners.push(listener(
                &format!("inbound-{protocol}"),
                "0.0.0.0",
                port,
                chain,
            ));
        }
        let get = |path: &str, cluster: &str| json!({ "match": { "path": path, "headers": is_method("GET") }, "route": { "cluster": cluster } });
        let mut routes = vec![get("/stats/prometheus", "admin"), get("/ready", "admin")];
        if http {
            routes.push(get("/metrics", "local.http"));
        }
        let hosts = json!([{ "name": "metrics", "domains": ["*"], "routes": routes }]);
        let manager = envoy::http(json!({
            "stat_prefix": "metrics", "http_filters": [router()],
            "route_config": { "name": "metrics", "virtual_hosts": hosts },
        }));
        listeners.push(listener(
            "metrics",
            "0.0.0.0",
            15090,
            json!({ "filters": [manager] }),
        ));
        clusters.push(Self::local("admin", 15000, false));
    }

    /// Its listeners and clusters, in the order in which they are written.
    fn made(&self) -> (Vec<Value>, Vec<Value>) {
        let (mut listeners, mut clusters) = (Vec::new(), Vec::new());
        self.outbound(&mut listeners, &mut clusters);
        self.inbound(&mut listeners, &mut clusters);
        clusters.extend([spire(), collector()]);
        (listeners, clusters)
    }

    fn wrong(&self, docs: &[Doc], (listeners, clusters): &(Value, Value)) -> Wrong {
        let mut w = Wrong::default();
        let file = &docs[0].value;
        let node = json!({ "id": self.slug(self.own), "cluster": self.plan.choices.namespace });
        w.want("node", &file["node"], node);
        w.want(
            "admin",
            &file["admin"],
            json!({ "address": at("127.0.0.1", 15000) }),
        );
        let is = &file["static_resources"];
        w.want("listeners", &is["listeners"], listeners.clone());
        w.want("clusters", &is["clusters"], clusters.clone());
        w
    }
}
