//! Kong Gateway: declarative configuration.

use serde_json::{Value, json};

use super::{
    COLLECTOR, Edge, EdgeRoute, File, ISSUER, PORT, PUBLIC_HOST, REMOVED, Rule, Token, comment,
    new_file, per_minute, yaml,
};

pub(super) fn file(edge: &Edge<'_>) -> File {
    let head = comment(&[
        "Kong Gateway 3.8 or later, declarative.".to_owned(),
        format!(
            "Replace: {ISSUER} with its public key, {PUBLIC_HOST}, {COLLECTOR}, redis.example, port {PORT}."
        ),
    ]);
    let ranked = edge.routes.iter().rev().enumerate();
    let mut services: Vec<Value> = ranked.map(|(rank, r)| service(edge, r, rank)).collect();
    services.reverse();
    let value = json!({
        "_format_version": "3.0",
        "services": services,
        "consumers": [
            // Kong finds the key of a token by its issuer.
            { "username": "users", "jwt_secrets": [{
                "key": ISSUER,
                "algorithm": "RS256",
                "rsa_public_key": "-----BEGIN PUBLIC KEY-----\nREPLACE\n-----END PUBLIC KEY-----\n",
            }] },
            { "username": "anonymous" },
        ],
        "plugins": [
            { "name": "correlation-id", "config": { "header_name": "X-Request-ID", "generator": "uuid", "echo_downstream": true } },
            { "name": "opentelemetry", "config": {
                "traces_endpoint": format!("http://{COLLECTOR}:4318/v1/traces"),
                "sampling_rate": edge.plan.tracing.ratio.value.0,
                "propagation": { "extract": ["w3c"], "inject": ["w3c"], "default_format": "w3c" },
            } },
        ],
    });
    let mut file = new_file(head + &yaml(&value), None);
    file.notes.push("The `jwt` plugin checks signature, `iss` (through the consumer's key) and `exp`; it does not check `aud`, which the services behind must.");
    file.cannot(&[Rule::Limit], "Kong runs one `rate-limiting` plugin a request, so only the limit of one client is set. The limit of all clients of a route together needs `rate-limiting-advanced`, which takes two.");
    file.cannot(
        &[Rule::Burst],
        "Kong counts in fixed windows: a client may send what it has for a minute at once.",
    );
    file.cannot(
        &[Rule::Timeout],
        "Kong's timeouts count between two reads, not over the whole answer.",
    );
    file.cannot(
        &[Rule::Method],
        "Kong answers another method on a path of the design with 404, not 405.",
    );
    file
}

/// A plain prefix would match in the middle of a segment, and a pattern has to begin with the slash itself.
fn pattern(r: &EdgeRoute) -> String {
    match r.pattern().as_str() {
        "(/.*)?" => "~/.*$".to_owned(),
        other => format!("~{other}$"),
    }
}

/// `rank` is higher for the more specific of two routes: Kong tries patterns in that order.
fn service(edge: &Edge<'_>, r: &EdgeRoute, rank: usize) -> Value {
    // Kong keeps timeouts at the service, so each route has one of its own.
    let wait = r
        .timeout_ms()
        .unwrap_or(edge.plan.choices.gateway.idle_s * 1000);
    let mut route = json!({
        "name": r.name,
        "hosts": [PUBLIC_HOST],
        "paths": [pattern(r)],
        "regex_priority": rank,
        "protocols": if r.grpc { json!(["grpc", "grpcs"]) } else { json!(["http", "https"]) },
        "preserve_host": false,
    });
    if !r.grpc {
        route["strip_path"] = json!(false);
        if let Some(method) = r.method {
            route["methods"] = json!([method]);
        }
    }
    let mut jwt = json!({ "claims_to_verify": ["exp"], "key_claim_name": "iss" });
    if r.token == Token::IfPresent {
        jwt["anonymous"] = json!("anonymous");
    }
    let mut removed: Vec<&str> = REMOVED.to_vec();
    if !edge.forwards_token() {
        removed.push("authorization");
    }
    let mut plugins = vec![
        json!({ "name": "jwt", "config": jwt }),
        json!({ "name": "rate-limiting", "config": {
            "minute": per_minute(r.client_limit),
            "limit_by": "ip",
            "policy": "redis",
            "redis": { "host": "redis.example", "port": 6379 },
            "fault_tolerant": true,
        } }),
        json!({ "name": "request-transformer", "config": { "remove": { "headers": removed } } }),
    ];
    if let Some(most) = r.body {
        plugins.push(json!({ "name": "request-size-limiting", "config": {
            "allowed_payload_size": most.0,
            "size_unit": "bytes",
        } }));
    }
    route["plugins"] = json!(plugins);
    json!({
        "name": r.name,
        "protocol": if r.grpc { "grpc" } else { "http" },
        "host": r.host,
        "port": PORT,
        "connect_timeout": 1000,
        "read_timeout": wait,
        "write_timeout": wait,
        "retries": 0,
        "routes": [route],
    })
}
