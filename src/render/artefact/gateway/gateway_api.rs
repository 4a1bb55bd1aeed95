//! Kubernetes Gateway API: a Gateway, HTTPRoutes and GRPCRoutes.

use serde_json::{Value, json};

use super::{
    AUDIENCE, Edge, EdgeRoute, File, ISSUER, KEYS, PORT, PUBLIC_HOST, Piece, REMOVED, Rule, Token,
    comment, gep_duration, limits, literal, new_file, template, yaml,
};

/// An HTTPRoute holds no more rules than this.
const MAX_RULES: usize = 16;

pub(super) fn file(edge: &Edge<'_>) -> File {
    let istio = edge.plan.choices.mesh.id == "istio";
    let mut lines = vec![
        "Gateway API v1.".to_owned(),
        format!("Replace: {PUBLIC_HOST}, the certificate `edge-certificate`, port {PORT}, {ISSUER}, {AUDIENCE}."),
        "Limits for the implementation's own policy, attached to a rule by a filter of type ExtensionRef:".to_owned(),
    ];
    lines.extend(limits(edge));
    let mut documents = vec![gateway(edge, istio)];
    let mut services: Vec<&str> = edge.routes.iter().map(|r| r.service.as_str()).collect();
    services.sort_unstable();
    services.dedup();
    for service in services {
        let of = |grpc| {
            edge.routes
                .iter()
                .filter(move |r| r.service == service && r.grpc == grpc)
        };
        let http: Vec<&EdgeRoute> = of(false).collect();
        for (i, part) in http.chunks(MAX_RULES).enumerate() {
            let rules = part.iter().map(|r| http_rule(r, istio)).collect();
            documents.push(route(
                edge,
                "HTTPRoute",
                &numbered(service, "http", i),
                rules,
            ));
        }
        let grpc: Vec<&EdgeRoute> = of(true).collect();
        for (i, part) in grpc.chunks(MAX_RULES).enumerate() {
            let rules = part.iter().map(|r| grpc_rule(r, istio)).collect();
            documents.push(route(
                edge,
                "GRPCRoute",
                &numbered(service, "grpc", i),
                rules,
            ));
        }
    }
    if istio {
        documents.extend(tokens(edge));
    }
    let text: Vec<String> = documents.iter().map(yaml).collect();
    let mut file = new_file(comment(&lines) + &text.join("---\n"), None);
    file.notes.push("This project's tests hold its fields against the published schemas of the Gateway API and Istio; no cluster has taken it.");
    file.cannot(
        &[Rule::Limit, Rule::ClientLimit, Rule::Burst],
        "Gateway API has no field for limits of rates: the policy of the implementation sets them, by the list below.",
    );
    file.cannot(
        &[Rule::Body],
        "Gateway API has no field for the size of a body: the service behind refuses what is too large for it.",
    );
    file.cannot(
        &[Rule::Method],
        "The implementation answers another method on a path of the design with 404, not 405.",
    );
    if edge.routes.iter().any(|r| r.grpc && r.timeout.is_some()) {
        file.cannot(
            &[Rule::Timeout],
            "GRPCRoute has no timeouts: the deadline comes with the call, in `grpc-timeout`.",
        );
    }
    if !istio {
        file.cannot(
            &[Rule::Token],
            "Gateway API has no field for tokens: the policy of the implementation checks them.",
        );
    }
    if edge
        .routes
        .iter()
        .any(|r| !r.grpc && literal(&r.path).is_none())
    {
        file.notes.push("Paths with parameters are matched by RegularExpression, which an implementation may leave out; Istio and Envoy Gateway support it.");
    }
    file
}

fn numbered(service: &str, kind: &str, i: usize) -> String {
    if i == 0 {
        format!("{service}-{kind}")
    } else {
        format!("{service}-{kind}-{}", i + 1)
    }
}

fn gateway(edge: &Edge<'_>, istio: bool) -> Value {
    json!({
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "Gateway",
        "metadata": { "name": "edge", "namespace": edge.plan.choices.namespace },
        "spec": {
            "gatewayClassName": if istio { "istio" } else { "example-gateway-class" },
            "listeners": [{
                "name": "https",
                "hostname": PUBLIC_HOST,
                "port": 443,
                "protocol": "HTTPS",
                "tls": { "mode": "Terminate", "certificateRefs": [{ "name": "edge-certificate" }] },
                "allowedRoutes": { "namespaces": { "from": "Same" } },
            }],
        },
    })
}

fn route(edge: &Edge<'_>, kind: &str, name: &str, rules: Vec<Value>) -> Value {
    json!({
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": kind,
        "metadata": { "name": name, "namespace": edge.plan.choices.namespace },
        "spec": {
            "parentRefs": [{ "name": "edge" }],
            "hostnames": [PUBLIC_HOST],
            "rules": rules,
        },
    })
}

/// What clients must not send. Istio itself replaces `x-user-id` by the token's subject before it removes
/// headers; without it, nothing else stands between a client and a name of its choice.
fn filters(istio: bool) -> Value {
    let removed = REMOVED.iter().filter(|h| !istio || **h != "x-user-id");
    json!([{ "type": "RequestHeaderModifier", "requestHeaderModifier": {
        "remove": removed.collect::<Vec<_>>(),
    } }])
}

fn http_rule(r: &EdgeRoute, istio: bool) -> Value {
    let path = match (literal(&r.path), r.prefix) {
        (Some(path), false) => json!({ "type": "Exact", "value": path }),
        (Some(path), true) => json!({ "type": "PathPrefix", "value": path }),
        (None, _) => json!({ "type": "RegularExpression", "value": r.pattern() }),
    };
    let mut matcher = json!({ "path": path });
    if let Some(method) = r.method {
        matcher["method"] = json!(method);
    }
    json!({
        "matches": [matcher],
        "filters": filters(istio),
        "backendRefs": [{ "name": r.service, "port": PORT }],
        // Zero switches the limit off: a stream has no end.
        "timeouts": { "request": r.timeout_ms().map_or_else(|| "0s".to_owned(), gep_duration) },
    })
}

fn grpc_rule(r: &EdgeRoute, istio: bool) -> Value {
    let path = template(&r.path);
    let mut rule = json!({
        "filters": filters(istio),
        "backendRefs": [{ "name": r.service, "port": PORT }],
    });
    if let (false, Some((service, method))) =
        (r.prefix, path.trim_start_matches('/').split_once('/'))
    {
        rule["matches"] = json!([{ "method": {
            "service": identifier(service, true),
            "method": identifier(method, false),
        } }]);
    } else if !r.prefix {
        rule["matches"] = json!([{ "method": { "method": identifier(&path, false) } }]);
    }
    rule
}

/// What the schema takes as a name: a letter or `_`, then letters, digits and `_`.
fn identifier(text: &str, dots: bool) -> String {
    let clean: String = text
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || *c == '_' || (dots && *c == '.'))
        .collect();
    let clean = clean
        .trim_matches('.')
        .trim_start_matches(|c: char| c.is_ascii_digit());
    if clean.is_empty() {
        "Unnamed".to_owned()
    } else {
        clean.to_owned()
    }
}

/// Istio checks tokens at the Gateway: valid ones where there are any, and some on every closed route.
fn tokens(edge: &Edge<'_>) -> Vec<Value> {
    let target =
        json!([{ "kind": "Gateway", "group": "gateway.networking.k8s.io", "name": "edge" }]);
    let namespace = &edge.plan.choices.namespace;
    let mut rules = Vec::new();
    for r in &edge.routes {
        // `{*}` is one segment and `{**}` the rest of the path; `*` stands with plain prefixes only.
        let path: String = r
            .path
            .iter()
            .map(|p| match p {
                Piece::Text(t) => t.clone(),
                Piece::Param(_) => "{*}".to_owned(),
            })
            .collect();
        let base = path.trim_end_matches('/');
        let paths = match (r.prefix, literal(&r.path).is_some()) {
            (false, _) => json!([path]),
            (true, true) if base.is_empty() => json!(["/*"]),
            (true, true) => json!([base, format!("{base}/*")]),
            (true, false) => json!([format!("{base}/{{**}}")]),
        };
        let mut operation = json!({ "paths": paths });
        if let Some(method) = r.method {
            operation["methods"] = json!([method]);
        }
        let mut rule = json!({ "to": [{ "operation": operation }] });
        if r.token == Token::Required {
            rule["from"] = json!([{ "source": { "requestPrincipals": [format!("{ISSUER}/*")] } }]);
        }
        rules.push(rule);
    }
    vec![
        json!({
            "apiVersion": "security.istio.io/v1",
            "kind": "RequestAuthentication",
            "metadata": { "name": "edge-users", "namespace": namespace },
            "spec": {
                "targetRefs": target,
                "jwtRules": [{
                    "issuer": ISSUER,
                    "jwksUri": KEYS,
                    "audiences": [AUDIENCE],
                    "forwardOriginalToken": edge.forwards_token(),
                    "outputClaimToHeaders": [{ "header": "x-user-id", "claim": "sub" }],
                }],
            },
        }),
        json!({
            "apiVersion": "security.istio.io/v1",
            "kind": "AuthorizationPolicy",
            "metadata": { "name": "edge-users", "namespace": namespace },
            "spec": { "targetRefs": target, "action": "ALLOW", "rules": rules },
        }),
        // A valid token overwrites x-user-id; whoever brings one without a token has made it up.
        json!({
            "apiVersion": "security.istio.io/v1",
            "kind": "AuthorizationPolicy",
            "metadata": { "name": "edge-no-forged-user", "namespace": namespace },
            "spec": { "targetRefs": target, "action": "DENY", "rules": [{
                "from": [{ "source": { "notRequestPrincipals": ["*"] } }],
                "when": [{ "key": "request.headers[x-user-id]", "values": ["*"] }],
            }] },
        }),
    ]
}
