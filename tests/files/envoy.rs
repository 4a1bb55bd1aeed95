//! Envoy at the edge: its listener, every route and every cluster of the bootstrap; and the parts that the Envoys
//! beside services have as well.

use serde_json::{Value, json};

use super::gateway::{REMOVED, closed, id, ms};
use super::proxies::{ORDER, behind, ordered};
use super::{Plan, Wrong, docs, only, survivors};

const TYPES: &str = "type.googleapis.com/envoy.";

#[test]
fn each_changed_value_for_envoy_at_the_edge_is_noticed() {
    for mesh in ["none", "envoy"] {
        let (model, files) = behind("kubernetes", "envoy", mesh);
        let plan = Plan::new(&model);
        let should = edge(&plan, mesh);
        let (changed, found) = survivors(&docs(&files, "gateway/"), |d| {
            let mut w = Wrong::default();
            w.want("file", &d[0].value, should.clone());
            w
        });
        only(&found, &[]);
        assert!(changed > 250, "{changed}");
    }
}

/// `1.5s` as protobuf's JSON has it.
fn seconds(ms: u64) -> String {
    match (ms / 1000, ms % 1000) {
        (s, 0) => format!("{s}s"),
        (s, ms) => format!("{s}.{ms:03}s"),
    }
}

pub(super) fn time(t: msdesign::model::units::Time) -> String {
    seconds(t.as_ms())
}

/// A part that names its type: an extension, whose name in the file is not that of its type.
pub(super) fn part(name: &str, kind: &str, more: Value) -> Value {
    let mut config = json!({ "@type": format!("{TYPES}extensions.{kind}") });
    for (k, v) in more.as_object().unwrap() {
        config[k] = v.clone();
    }
    json!({ "name": format!("envoy.{name}"), "typed_config": config })
}

pub(super) fn router() -> Value {
    part(
        "filters.http.router",
        "filters.http.router.v3.Router",
        json!({}),
    )
}

pub(super) fn without(headers: &[&str]) -> Value {
    let all: Vec<Value> = headers.iter().map(|h| json!({ "remove": h })).collect();
    part(
        "filters.http.header_mutation",
        "filters.http.header_mutation.v3.HeaderMutation",
        json!({ "mutations": { "request_mutations": all } }),
    )
}

pub(super) fn tracing(plan: &Plan<'_>, service: &str) -> Value {
    let kind = format!("{TYPES}config.trace.v3.OpenTelemetryConfig");
    json!({
        "random_sampling": { "value": plan.tracing.ratio.value.percent() },
        "provider": { "name": "envoy.tracers.opentelemetry", "typed_config": {
            "@type": kind, "service_name": service,
            "grpc_service": { "envoy_grpc": { "cluster_name": "otel-collector" }, "timeout": "1s" },
        } },
    })
}

pub(super) fn http2() -> Value {
    let name = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
    json!({ name: {
        "@type": format!("type.googleapis.com/{name}"),
        "explicit_http_config": { "http2_protocol_options": {} },
    } })
}

pub(super) fn at(host: &str, port: u16) -> Value {
    json!({ "socket_address": { "address": host, "port_value": port } })
}

fn endpoints(name: &str, address: Value) -> Value {
    let one = json!({ "endpoint": { "address": address } });
    json!({ "cluster_name": name, "endpoints": [{ "lb_endpoints": [one] }] })
}

pub(super) fn cluster(name: &str, kind: &str, connect: &str, address: Value) -> Value {
    let mut out = json!({
        "name": name, "type": kind, "connect_timeout": connect, "load_assignment": endpoints(name, address),
    });
    if kind != "STATIC" {
        out["lb_policy"] = json!("LEAST_REQUEST");
    }
    out
}

pub(super) fn collector() -> Value {
    let mut out = cluster(
        "otel-collector",
        "STRICT_DNS",
        "1s",
        at("otel-collector.example", 4317),
    );
    out["typed_extension_protocol_options"] = http2();
    out
}

pub(super) fn spire() -> Value {
    let socket = json!({ "pipe": { "path": "/run/spire/sockets/agent.sock" } });
    let mut out = cluster("spire-agent", "STATIC", "1s", socket);
    out["typed_extension_protocol_options"] = http2();
    out
}

pub(super) fn tls(kind: &str, more: Value) -> Value {
    part(
        "transport_sockets.tls",
        &format!("transport_sockets.tls.v3.{kind}"),
        more,
    )
}

/// The certificates that SPIRE hands out: the own one, and what the other end must show.
pub(super) fn mutual(own: &str, peer: Value, alpn: &[&str]) -> Value {
    let source = json!({ "resource_api_version": "V3", "api_config_source": {
        "api_type": "GRPC", "transport_api_version": "V3",
        "grpc_services": [{ "envoy_grpc": { "cluster_name": "spire-agent" } }],
    } });
    json!({
        "tls_params": { "tls_minimum_protocol_version": "TLSv1_3", "tls_maximum_protocol_version": "TLSv1_3" },
        "alpn_protocols": alpn,
        "tls_certificate_sds_secret_configs": [{ "name": own, "sds_config": source }],
        "combined_validation_context": {
            "default_validation_context": { "match_typed_subject_alt_names": [{ "san_type": "URI", "matcher": peer }] },
            "validation_context_sds_secret_config": { "name": "spiffe://cluster.local", "sds_config": source },
        },
    })
}

pub(super) fn towards(own: &str, peer: &str, alpn: &[&str]) -> Value {
    let common = mutual(own, json!({ "exact": peer }), alpn);
    tls(
        "UpstreamTlsContext",
        json!({ "common_tls_context": common }),
    )
}

/// TLS to a host that is somebody else's.
pub(super) fn public(host: &str) -> Value {
    tls(
        "UpstreamTlsContext",
        json!({ "sni": host, "common_tls_context": { "validation_context": {
        "trusted_ca": { "filename": "/etc/ssl/certs/ca-certificates.crt" },
        "match_typed_subject_alt_names": [{ "san_type": "DNS", "matcher": { "exact": host } }],
    } } }),
    )
}

pub(super) fn account(space: &str, name: &str) -> String {
    format!("spiffe://cluster.local/ns/{space}/sa/{name}")
}

pub(super) const GATEWAY: &str = "spiffe://cluster.local/ns/gateway-system/sa/gateway";

pub(super) fn listener(name: &str, host: &str, port: u16, chain: Value) -> Value {
    json!({ "name": name, "address": at(host, port), "filter_chains": [chain] })
}

pub(super) fn http(config: Value) -> Value {
    let name = "filters.network.http_connection_manager";
    part(name, &format!("{name}.v3.HttpConnectionManager"), config)
}

pub(super) fn is_method(method: &str) -> Value {
    json!([{ "name": ":method", "string_match": { "exact": method } }])
}

/// A pattern or path that the whole request has to fit.
pub(super) fn path(path: &str) -> Value {
    match path.contains("{id}") {
        true => json!({ "safe_regex": { "regex": path.replace("{id}", "[^/]+") } }),
        false => json!({ "path": path }),
    }
}

fn edge(plan: &Plan<'_>, mesh: &str) -> Value {
    let bucket = |most: u64, rate: f64| {
        let tokens = (rate - 1e-9).ceil();
        let every = (tokens * 1000.0 / rate).round() as u64;
        json!({ "max_tokens": most, "tokens_per_fill": tokens as u64, "fill_interval": seconds(every) })
    };
    let whole = json!({ "default_value": { "numerator": 100, "denominator": "HUNDRED" } });
    let config = |kind: &str, more: Value| {
        part("", &format!("filters.http.{kind}"), more)["typed_config"].clone()
    };
    let mut routes = vec![json!({
        "name": "odd-path", "direct_response": { "status": 400 },
        "match": { "safe_regex": { "regex": "(?i).*(//|/(\\.|%2e){1,2}(/|$)|%2f|%5c|%00|\\\\|#).*" } },
    })];
    for r in ordered(plan) {
        let to = plan.service(r.service).slug.as_str();
        let kind = if r.grpc { "grpc" } else { "http" };
        let mut matcher = match r.prefix {
            true => json!({ "path_separated_prefix": "/pages" }),
            false => path(&r.path),
        };
        if r.grpc {
            matcher["grpc"] = json!({});
        } else if let Some(method) = r.method {
            matcher["headers"] = is_method(method);
        }
        let mut action = json!({
            "cluster": format!("{to}.{kind}"), "auto_host_rewrite": true,
            "timeout": if r.stream.is_some() { "0s".to_owned() } else { seconds(ms(r)) },
            "rate_limits": [{ "actions": [{ "remote_address": {} }] }],
        });
        if r.stream.is_some() {
            let idle = plan.choices.gateway.idle_s;
            action["idle_timeout"] = json!(format!("{idle}s"));
        }
        if r.path == "/live" {
            action["upgrade_configs"] = json!([{ "upgrade_type": "websocket", "enabled": true }]);
        }
        let name = id(plan, r);
        let mut own = json!({
            "envoy.filters.http.jwt_authn": config("jwt_authn.v3.PerRouteConfig", json!({
                "requirement_name": if closed(r) { "required" } else { "if-present" },
            })),
            "envoy.filters.http.local_ratelimit": config("local_ratelimit.v3.LocalRateLimit", json!({
                "stat_prefix": name, "token_bucket": bucket(r.at_once.value, r.limit.value.0),
                "filter_enabled": whole, "filter_enforced": whole, "max_dynamic_descriptors": 20_000,
                "response_headers_to_add": [{ "header": { "key": "retry-after", "value": "1" } }],
                "descriptors": [{
                    "entries": [{ "key": "remote_address" }],
                    "token_bucket": bucket(r.burst.value, r.client_limit.value.0.max(1.0 / 60.0)),
                }],
            })),
        });
        if let Some(most) = &r.body {
            own["envoy.filters.http.buffer"] = config(
                "buffer.v3.BufferPerRoute",
                json!({ "buffer": { "max_request_bytes": most.value.0 } }),
            );
        }
        routes.push(json!({
            "name": name, "match": matcher, "route": action, "decorator": { "operation": name },
            "typed_per_filter_config": own,
        }));
    }
    for (name, place, methods) in [
        (ORDER[1], "/orders", "POST"),
        (ORDER[2], "/live", "GET"),
        (ORDER[3], "/orders/{id}/events", "GET"),
        (ORDER[4], "/orders/{id}", "DELETE, GET"),
    ] {
        routes.push(json!({
            "name": format!("{name}-other-method"), "match": path(place), "direct_response": { "status": 405 },
            "response_headers_to_add": [{ "header": { "key": "allow", "value": methods } }],
        }));
    }
    let provider = json!({
        "issuer": "https://issuer.example", "audiences": ["https://api.example"], "forward": true,
        "claim_to_headers": [{ "header_name": "x-user-id", "claim_name": "sub" }],
        "remote_jwks": { "cache_duration": "300s", "http_uri": {
            "uri": "https://issuer.example/.well-known/jwks.json", "cluster": "issuer", "timeout": "1s",
        } },
    });
    let mut buffer = part(
        "filters.http.buffer",
        "filters.http.buffer.v3.Buffer",
        json!({ "max_request_bytes": 1 }),
    );
    buffer["disabled"] = json!(true);
    let filters = json!([
        without(&REMOVED),
        part(
            "filters.http.local_ratelimit",
            "filters.http.local_ratelimit.v3.LocalRateLimit",
            json!({ "stat_prefix": "edge" })
        ),
        part(
            "filters.http.jwt_authn",
            "filters.http.jwt_authn.v3.JwtAuthentication",
            json!({
                "providers": { "users": provider },
                "requirement_map": {
                    "required": { "provider_name": "users" },
                    "if-present": { "requires_any": { "requirements": [{ "provider_name": "users" }, { "allow_missing": {} }] } },
                },
            })
        ),
        buffer,
        router(),
    ]);
    let manager = http(json!({
        "stat_prefix": "edge", "codec_type": "AUTO", "use_remote_address": true, "generate_request_id": true,
        "path_with_escaped_slashes_action": "REJECT_REQUEST",
        "upgrade_configs": [{ "upgrade_type": "websocket", "enabled": false }],
        "tracing": tracing(plan, "edge"), "http_filters": filters,
        "route_config": { "name": "edge", "virtual_hosts": [{ "name": "edge", "domains": ["*"], "routes": routes }] },
    }));
    let listeners = [listener(
        "edge",
        "0.0.0.0",
        8080,
        json!({ "filters": [manager] }),
    )];
    let mut clusters = Vec::new();
    for (to, kind) in [
        ("cart", "grpc"),
        ("items", "http"),
        ("orders", "http"),
        ("web", "http"),
    ] {
        let host = format!("{to}.shop.svc.cluster.local");
        let mut out = cluster(&format!("{to}.{kind}"), "STRICT_DNS", "1s", at(&host, 8080));
        if kind == "grpc" {
            out["typed_extension_protocol_options"] = http2();
        }
        if mesh == "envoy" {
            let alpn = if kind == "grpc" { "h2" } else { "http/1.1" };
            out["transport_socket"] = towards(GATEWAY, &account("shop", to), &[alpn]);
        }
        clusters.push(out);
    }
    let mut issuer = cluster("issuer", "STRICT_DNS", "1s", at("issuer.example", 443));
    issuer["transport_socket"] = public("issuer.example");
    clusters.extend([issuer, collector()]);
    if mesh == "envoy" {
        clusters.push(spire());
    }
    json!({ "static_resources": { "listeners": listeners, "clusters": clusters } })
}
