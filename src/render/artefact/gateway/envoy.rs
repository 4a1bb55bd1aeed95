//! Envoy: a complete static bootstrap.

use serde_json::{Value, json};

use super::{
    AUDIENCE, COLLECTOR, Edge, EdgeRoute, File, ISSUER, ISSUER_HOST, KEYS, PORT, PUBLIC_HOST,
    REMOVED, Token, comment, literal, new_file, tokens, upstreams, yaml,
};
use crate::model::Transport;

const EXT: &str = "type.googleapis.com/envoy.extensions";

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
    let routes: Vec<Value> = edge.routes.iter().map(|r| route(edge, r)).collect();
    let ratio = edge.plan.tracing.ratio.value.0 * 100.0;
    let mut clusters: Vec<Value> = upstreams(edge)
        .into_iter()
        .map(|(service, host, grpc)| cluster(&cluster_name(&service, grpc), &host, PORT, grpc))
        .collect();
    clusters.push(issuer());
    clusters.push(cluster("otel-collector", COLLECTOR, 4317, true));
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
                        "normalize_path": true,
                        "merge_slashes": true,
                        "path_with_escaped_slashes_action": "REJECT_REQUEST",
                        "upgrade_configs": [{ "upgrade_type": "websocket", "enabled": false }],
                        "tracing": {
                            "random_sampling": { "value": ratio },
                            "provider": {
                                "name": "envoy.tracers.opentelemetry",
                                "typed_config": {
                                    "@type": "type.googleapis.com/envoy.config.trace.v3.OpenTelemetryConfig",
                                    "grpc_service": { "envoy_grpc": { "cluster_name": "otel-collector" }, "timeout": "1s" },
                                    "service_name": "edge",
                                },
                            },
                        },
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
    let removed: Vec<Value> = REMOVED.iter().map(|h| json!({ "remove": h })).collect();
    json!([
        {
            "name": "envoy.filters.http.header_mutation",
            "typed_config": {
                "@type": format!("{EXT}.filters.http.header_mutation.v3.HeaderMutation"),
                "mutations": { "request_mutations": removed },
            },
        },
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
            "name": "envoy.filters.http.router",
            "typed_config": { "@type": format!("{EXT}.filters.http.router.v3.Router") },
        },
    ])
}

fn route(edge: &Edge<'_>, r: &EdgeRoute) -> Value {
    let mut matcher = match (literal(&r.path), r.prefix) {
        (Some(path), false) => json!({ "path": path }),
        (Some(path), true) if path.trim_end_matches('/').is_empty() => json!({ "prefix": "/" }),
        (Some(path), true) => {
            json!({ "path_separated_prefix": path.trim_end_matches('/') })
        }
        (None, _) => json!({ "safe_regex": { "regex": r.pattern() } }),
    };
    if let (Some(method), false) = (r.method, r.grpc) {
        matcher["headers"] = json!([{ "name": ":method", "string_match": { "exact": method } }]);
    }
    if r.grpc {
        matcher["grpc"] = json!({});
    }
    let mut action = json!({ "cluster": cluster_name(&r.service, r.grpc) });
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
    let (all, all_s) = tokens(r.limit);
    let (one, one_s) = tokens(r.client_limit);
    let requirement = match r.token {
        Token::Required => "required",
        Token::IfPresent => "if-present",
    };
    json!({
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
                "token_bucket": {
                    "max_tokens": all,
                    "tokens_per_fill": all,
                    "fill_interval": format!("{all_s}s"),
                },
                "filter_enabled": whole(),
                "filter_enforced": whole(),
                "response_headers_to_add": [
                    { "header": { "key": "retry-after", "value": one_s.to_string() } },
                ],
                "max_dynamic_descriptors": 20_000,
                "descriptors": [{
                    "entries": [{ "key": "remote_address" }],
                    "token_bucket": {
                        "max_tokens": r.burst.max(one),
                        "tokens_per_fill": one,
                        "fill_interval": format!("{one_s}s"),
                    },
                }],
            },
        },
    })
}

fn whole() -> Value {
    json!({ "default_value": { "numerator": 100, "denominator": "HUNDRED" } })
}

fn seconds(ms: u64) -> String {
    if ms.is_multiple_of(1000) {
        format!("{}s", ms / 1000)
    } else {
        format!("{}.{:03}s", ms / 1000, ms % 1000)
    }
}

fn cluster_name(service: &str, grpc: bool) -> String {
    if grpc {
        format!("{service}.grpc")
    } else {
        format!("{service}.http")
    }
}

fn cluster(name: &str, host: &str, port: u16, http2: bool) -> Value {
    let mut out = json!({
        "name": name,
        "type": "STRICT_DNS",
        "connect_timeout": "1s",
        "lb_policy": "LEAST_REQUEST",
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [{ "lb_endpoints": [{ "endpoint": { "address": {
                "socket_address": { "address": host, "port_value": port },
            } } }] }],
        },
    });
    if http2 {
        out["typed_extension_protocol_options"] = json!({
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": format!("{EXT}.upstreams.http.v3.HttpProtocolOptions"),
                "explicit_http_config": { "http2_protocol_options": {} },
            },
        });
    }
    out
}

fn issuer() -> Value {
    let mut out = cluster("issuer", ISSUER_HOST, 443, false);
    out["transport_socket"] = json!({
        "name": "envoy.transport_sockets.tls",
        "typed_config": {
            "@type": format!("{EXT}.transport_sockets.tls.v3.UpstreamTlsContext"),
            "sni": ISSUER_HOST,
        },
    });
    out
}
