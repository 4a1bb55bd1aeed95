//! What the gateway's Envoy and the Envoy beside a service have in common.

use serde_json::{Value, json};

use super::super::Cx;
use super::gateway::COLLECTOR;
use crate::model::units::Time;

/// Before the name of every extension's type.
pub(super) const EXT: &str = "type.googleapis.com/envoy.extensions";
/// Name of the cluster that takes spans.
pub(super) const COLLECTOR_CLUSTER: &str = "otel-collector";
/// Who the services are, for SPIFFE; to be replaced by the team.
pub(super) const TRUST_DOMAIN: &str = "cluster.local";
/// Name of the cluster that hands out certificates.
const SPIRE_CLUSTER: &str = "spire-agent";
/// Where SPIRE's agent listens.
const SPIRE_SOCKET: &str = "/run/spire/sockets/agent.sock";

/// Spans of `service` for the collector.
pub(super) fn tracing(percent: f64, service: &str) -> Value {
    json!({
        "random_sampling": { "value": percent },
        "provider": {
            "name": "envoy.tracers.opentelemetry",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.config.trace.v3.OpenTelemetryConfig",
                "grpc_service": { "envoy_grpc": { "cluster_name": COLLECTOR_CLUSTER }, "timeout": "1s" },
                "service_name": service,
            },
        },
    })
}

/// The last filter, which sends requests on.
pub(super) fn router() -> Value {
    json!({
        "name": "envoy.filters.http.router",
        "typed_config": { "@type": format!("{EXT}.filters.http.router.v3.Router") },
    })
}

/// A filter that takes headers out of requests.
pub(super) fn remove_headers(names: &[&str]) -> Value {
    let removed: Vec<Value> = names.iter().map(|h| json!({ "remove": h })).collect();
    json!({
        "name": "envoy.filters.http.header_mutation",
        "typed_config": {
            "@type": format!("{EXT}.filters.http.header_mutation.v3.HeaderMutation"),
            "mutations": { "request_mutations": removed },
        },
    })
}

/// What a cluster says to speak HTTP/2.
pub(super) fn http2() -> Value {
    json!({
        "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
            "@type": format!("{EXT}.upstreams.http.v3.HttpProtocolOptions"),
            "explicit_http_config": { "http2_protocol_options": {} },
        },
    })
}

/// A cluster whose instances DNS knows.
pub(super) fn cluster(name: &str, host: &str, port: u16, connect: &str, grpc: bool) -> Value {
    let mut out = json!({
        "name": name,
        "type": "STRICT_DNS",
        "connect_timeout": connect,
        "lb_policy": "LEAST_REQUEST",
        "load_assignment": assignment(name, host, port),
    });
    if grpc {
        out["typed_extension_protocol_options"] = http2();
    }
    out
}

/// The one address of a cluster.
pub(super) fn assignment(name: &str, host: &str, port: u16) -> Value {
    json!({
        "cluster_name": name,
        "endpoints": [{ "lb_endpoints": [{ "endpoint": { "address": {
            "socket_address": { "address": host, "port_value": port },
        } } }] }],
    })
}

/// The collector of spans.
pub(super) fn collector() -> Value {
    cluster(COLLECTOR_CLUSTER, COLLECTOR, 4317, "1s", true)
}

/// The SPIFFE identity of an account, the same words as the mesh's own.
pub(super) fn identity(namespace: &str, account: &str) -> String {
    format!("spiffe://{TRUST_DOMAIN}/ns/{namespace}/sa/{account}")
}

/// The identity of the service called `slug`.
pub(super) fn identity_of(cx: &Cx<'_>, slug: &str) -> String {
    identity(&cx.plan.choices.namespace, slug)
}

/// What both ends of a connection prove and demand: the own certificate, and one whose identity `peer` names.
fn common(own: &str, peer: &Value, alpn: &[&str]) -> Value {
    let source = json!({
        "resource_api_version": "V3",
        "api_config_source": {
            "api_type": "GRPC",
            "transport_api_version": "V3",
            "grpc_services": [{ "envoy_grpc": { "cluster_name": SPIRE_CLUSTER } }],
        },
    });
    json!({
        "tls_params": { "tls_minimum_protocol_version": "TLSv1_3", "tls_maximum_protocol_version": "TLSv1_3" },
        "alpn_protocols": alpn,
        "tls_certificate_sds_secret_configs": [{ "name": own, "sds_config": source }],
        "combined_validation_context": {
            "default_validation_context": {
                "match_typed_subject_alt_names": [{ "san_type": "URI", "matcher": peer }],
            },
            "validation_context_sds_secret_config": {
                "name": format!("spiffe://{TRUST_DOMAIN}"),
                "sds_config": source,
            },
        },
    })
}

/// Mutual TLS towards the service whose identity is `peer`.
pub(super) fn towards(own: &str, peer: &str, alpn: &[&str]) -> Value {
    json!({
        "name": "envoy.transport_sockets.tls",
        "typed_config": {
            "@type": format!("{EXT}.transport_sockets.tls.v3.UpstreamTlsContext"),
            "common_tls_context": common(own, &json!({ "exact": peer }), alpn),
        },
    })
}

/// Mutual TLS for whoever has a certificate of the trust domain.
pub(super) fn from_anybody(own: &str, alpn: &[&str]) -> Value {
    let peers = json!({ "prefix": format!("spiffe://{TRUST_DOMAIN}/") });
    json!({
        "name": "envoy.transport_sockets.tls",
        "typed_config": {
            "@type": format!("{EXT}.transport_sockets.tls.v3.DownstreamTlsContext"),
            "require_client_certificate": true,
            "common_tls_context": common(own, &peers, alpn),
        },
    })
}

/// TLS towards somebody else's service, whose certificate a public authority has signed for its name.
pub(super) fn outside(host: &str) -> Value {
    json!({
        "name": "envoy.transport_sockets.tls",
        "typed_config": {
            "@type": format!("{EXT}.transport_sockets.tls.v3.UpstreamTlsContext"),
            "sni": host,
            "common_tls_context": {
                "validation_context": {
                    "trusted_ca": { "filename": "/etc/ssl/certs/ca-certificates.crt" },
                    "match_typed_subject_alt_names": [{ "san_type": "DNS", "matcher": { "exact": host } }],
                },
            },
        },
    })
}

/// The agent on the node that hands out certificates.
pub(super) fn spire() -> Value {
    json!({
        "name": SPIRE_CLUSTER,
        "type": "STATIC",
        "connect_timeout": "1s",
        "typed_extension_protocol_options": http2(),
        "load_assignment": {
            "cluster_name": SPIRE_CLUSTER,
            "endpoints": [{ "lb_endpoints": [{ "endpoint": { "address": {
                "pipe": { "path": SPIRE_SOCKET },
            } } }] }],
        },
    })
}

/// `1.5s`: a duration as protobuf's JSON has it, at least a millisecond.
pub(super) fn duration(time: Time) -> String {
    seconds(time.as_ms().max(1))
}

/// The same of milliseconds.
pub(super) fn seconds(ms: u64) -> String {
    if ms.is_multiple_of(1000) {
        format!("{}s", ms / 1000)
    } else {
        format!("{}.{:03}s", ms / 1000, ms % 1000)
    }
}
