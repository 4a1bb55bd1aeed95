//! Envoy: a complete static bootstrap.

use serde_json::{Value, json};

use super::super::envoy::{
    EXT, cluster as discovered, collector, identity, outside, remove_headers, router, seconds,
    spire, towards, tracing,
};
use super::super::mesh::GATEWAY_NAMESPACE;
use super::{
    AUDIENCE, COLLECTOR, Edge, EdgeRoute, File, ISSUER, ISSUER_HOST, KEYS, ODD, PORT, PUBLIC_HOST,
    REMOVED, Token, allowed, comment, fill, new_file, upstreams, yaml,
};
use crate::model::Transport;
use crate::model::units::Rate;

pub(super) fn file(edge: &Edge<'_>) -> File {
    let head = comment(&[
        "Envoy, static bootstrap. TLS ends at the load balancer in front; services are found by DNS.".to_owned(),
        format!("Replace: {ISSUER}, {AUDIENCE}, {PUBLIC_HOST}, {COLLECTOR}, port {PORT}."),
        "Limits are those of one Envoy: divide them by the number of gateways.".to_owned(),
    ]);
    new_file(
        head + &yaml(&bootstrap(edge)),
        Some("`envoy --mode validate`"),
    )
}

fn bootstrap(edge: &Edge<'_>) -> Value {
    let mut routes = vec![odd()];
    routes.extend(edge.routes.iter().map(|r| route(edge, r)));
    routes.extend(allowed(edge).iter().map(|(r, methods)| refusal(r, methods)));
    let ratio = edge.plan.tracing.ratio.value.percent();
    let meshed = edge.plan.choices.mesh.id == "envoy";
    let own = identity(GATEWAY_NAMESPACE, "gateway");
    let mut clusters: Vec<Value> = upstreams(edge)
        .into_iter()
        .map(|(service, host, grpc)| {
            let mut out = cluster(&cluster_name(&service, grpc), &host, PORT, grpc);
            // The Envoy beside the service wants to know who calls.
            if meshed {
                let peer = identity(&edge.plan.choices.namespace, &service);
                let alpn: &[&str] = if grpc { &["h2"] } else { &["http/1.1"] };
                out["transport_socket"] = towards(&own, &peer, alpn);
            }
            out
        })
        .collect();
    clusters.push(issuer());
    clusters.push(collector());
    if meshed {
        clusters.push(spire());
    }
    json!({
        "static_resources": {
            "listeners": [{
                "name": "edge",
                "address": { "socket_address": { "address": "0.0.0.0", "port_value": 8080 } },
                "filter_chains": [{ "filters": [{
                    "name": "envoy.filters.network.http_connection_manager",
                    "typed_config": {
                        "@type": format!("{EXT}.filters.network.http_connection_manager.v3.HttpConnectionManager"),
                        "stat_prefix": "edge",
                        "codec_type": "AUTO",
                        "use_remote_address": true,
                        "generate_request_id": true,
                        "path_with_escaped_slashes_action": "REJECT_REQUEST",
                        "upgrade_configs": [{ "upgrade_type": "websocket", "enabled": false }],
                        "tracing": tracing(ratio, "edge"),
                        "http_filters": filters(edge),
                        "route_config": { "name": "edge", "virtual_hosts": [{
                            "name": "edge",
                            "domains": ["*"],
                            "routes": routes,
                        }] },
                    },
                }] }],
            }],
            "clusters": clusters,
        },
    })
}

fn filters(edge: &Edge<'_>) -> Value {
    let provider = json!({
        "issuer": ISSUER,
        "audiences": [AUDIENCE],
        "forward": edge.forwards_token(),
        "claim_to_headers": [{ "header_name": "x-user-id", "claim_name": "sub" }],
        "remote_jwks": {
            "http_uri": { "uri": KEYS, "cluster": "issuer", "timeout": "1s" },
            "cache_duration": "300s",
        },
    });
    // Identities are removed before the token is read, since the token's subject becomes one.
    json!([
        remove_headers(&REMOVED),
        {
            "name": "envoy.filters.http.local_ratelimit",
            "typed_config": {
                "@type": format!("{EXT}.filters.http.local_ratelimit.v3.LocalRateLimit"),
                "stat_prefix": "edge",
            },
        },
        {
            "name": "envoy.filters.http.jwt_authn",
            "typed_config": {
                "@type": format!("{EXT}.filters.http.jwt_authn.v3.JwtAuthentication"),
                "providers": { "users": provider },
                "requirement_map": {
                    "required": { "provider_name": "users" },
                    "if-present": { "requires_any": { "requirements": [
                        { "provider_name": "users" },
                        { "allow_missing": {} },
                    ] } },
                },
            },
        },
        {
            "name": "envoy.filters.http.buffer",
            "disabled": true,
            "typed_config": {
                "@type": format!("{EXT}.filters.http.buffer.v3.Buffer"),
                "max_request_bytes": 1,
            },
        },
        router(),
    ])
}

fn matching(r: &EdgeRoute) -> Value {
    match (r.exact(), r.prefix) {
        (Some(path), false) => json!({ "path": path }),
        (Some(path), true) if path.trim_end_matches('/').is_empty() => json!({ "prefix": "/" }),
        (Some(path), true) => {
            json!({ "path_separated_prefix": path.trim_end_matches('/') })
        }
        (None, _) => json!({ "safe_regex": { "regex": r.pattern() } }),
    }
}

/// A path that the gateway and the service behind could read in two ways is not let in.
fn odd() -> Value {
    json!({
        "name": "odd-path",
        "match": { "safe_regex": { "regex": format!("(?i).*({ODD}).*") } },
        "direct_response": { "status": 400 },
    })
}

/// Another method on a path of the design.
fn refusal(r: &EdgeRoute, methods: &str) -> Value {
    json!({
        "name": format!("{}-other-method", r.name),
        "match": matching(r),
        "direct_response": { "status": 405 },
        "response_headers_to_add": [
            { "header": { "key": "allow", "value": methods } },
        ],
    })
}

/// A bucket that holds `most` tokens and fills by `rate`, at least a second at a time.
fn bucket(most: u64, rate: Rate) -> Value {
    let (tokens, every_ms) = fill(rate);
    json!({
        "max_tokens": most,
        "tokens_per_fill": tokens,
        "fill_interval": seconds(every_ms),
    })
}

fn route(edge: &Edge<'_>, r: &EdgeRoute) -> Value {
    let mut matcher = matching(r);
    if let (Some(method), false) = (r.method, r.grpc) {
        matcher["headers"] = json!([{ "name": ":method", "string_match": { "exact": method } }]);
    }
    if r.grpc {
        matcher["grpc"] = json!({});
    }
    let mut action = json!({ "cluster": cluster_name(&r.service, r.grpc) });
    // Meshes and services choose by their own name, not by the one that clients know.
    action["auto_host_rewrite"] = json!(true);
    action["timeout"] = r
        .timeout_ms()
        .map_or_else(|| json!("0s"), |ms| json!(seconds(ms)));
    if r.stream.is_some() {
        let idle = edge.plan.choices.gateway.idle_s;
        action["idle_timeout"] = json!(format!("{idle}s"));
    }
    if r.stream == Some(Transport::WebSocket) {
        action["upgrade_configs"] = json!([{ "upgrade_type": "websocket", "enabled": true }]);
    }
    // One bucket for the route, and one for each client that is told apart by its address.
    action["rate_limits"] = json!([{ "actions": [{ "remote_address": {} }] }]);
    let requirement = match r.token {
        Token::Required => "required",
        Token::IfPresent => "if-present",
    };
    let mut out = json!({
        "name": r.name,
        "match": matcher,
        "route": action,
        "decorator": { "operation": r.name },
        "typed_per_filter_config": {
            "envoy.filters.http.jwt_authn": {
                "@type": format!("{EXT}.filters.http.jwt_authn.v3.PerRouteConfig"),
                "requirement_name": requirement,
            },
            "envoy.filters.http.local_ratelimit": {
                "@type": format!("{EXT}.filters.http.local_ratelimit.v3.LocalRateLimit"),
                "stat_prefix": r.name,
                "token_bucket": bucket(r.at_once, r.limit),
                "filter_enabled": whole(),
                "filter_enforced": whole(),
                "response_headers_to_add": [
                    { "header": { "key": "retry-after", "value": "1" } },
                ],
                "max_dynamic_descriptors": 20_000,
                "descriptors": [{
                    "entries": [{ "key": "remote_address" }],
                    "token_bucket": bucket(r.burst, r.client_limit),
                }],
            },
        },
    });
    if let Some(most) = r.body {
        out["typed_per_filter_config"]["envoy.filters.http.buffer"] = json!({
            "@type": format!("{EXT}.filters.http.buffer.v3.BufferPerRoute"),
            "buffer": { "max_request_bytes": most.0 },
        });
    }
    out
}

fn whole() -> Value {
    json!({ "default_value": { "numerator": 100, "denominator": "HUNDRED" } })
}

fn cluster_name(service: &str, grpc: bool) -> String {
    if grpc {
        format!("{service}.grpc")
    } else {
        format!("{service}.http")
    }
}

fn cluster(name: &str, host: &str, port: u16, http2: bool) -> Value {
    discovered(name, host, port, "1s", http2)
}

fn issuer() -> Value {
    let mut out = cluster("issuer", ISSUER_HOST, 443, false);
    out["transport_socket"] = outside(ISSUER_HOST);
    out
}
