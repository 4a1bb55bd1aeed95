//! Google Cloud API Gateway: OpenAPI 2.0 with Google's extensions.

use serde_json::{Map, Value, json};

use super::{
    AUDIENCE, Edge, EdgeRoute, File, ISSUER, KEYS, PUBLIC_HOST, Piece, Rule, Token, comment,
    limits, new_file, template, yaml,
};

const NO_STREAM: &str = "API Gateway passes no WebSocket and no endless answer on; the external Application Load Balancer serves it";
const NO_GRPC: &str = "gRPC takes a service configuration with the compiled proto files in place of OpenAPI; the external Application Load Balancer serves it";
const METHODS: [&str; 6] = ["get", "post", "put", "patch", "delete", "options"];

pub(super) fn file(edge: &Edge<'_>) -> File {
    let (mut paths, mut left_out) = (Map::new(), Vec::new());
    for r in &edge.routes {
        if r.grpc || r.stream.is_some() {
            left_out.push((r.name.clone(), if r.grpc { NO_GRPC } else { NO_STREAM }));
            continue;
        }
        let item = paths.entry(path(r)).or_insert_with(|| json!({}));
        let taken: Vec<String> = item
            .as_object()
            .map(|o| o.keys().cloned().collect())
            .unwrap_or_default();
        let methods: Vec<String> = match r.method {
            Some(m) => vec![m.to_ascii_lowercase()],
            None => METHODS
                .iter()
                .map(|m| (*m).to_owned())
                .filter(|m| !taken.contains(m))
                .collect(),
        };
        for method in methods {
            item[method.as_str()] = operation(r, &method);
        }
    }
    let value = json!({
        "swagger": "2.0",
        "info": { "title": edge.plan.choices.namespace, "version": "1.0" },
        "host": PUBLIC_HOST,
        "schemes": ["https"],
        "produces": ["application/json"],
        "securityDefinitions": {
            "users": {
                "type": "oauth2",
                "authorizationUrl": "",
                "flow": "implicit",
                "x-google-issuer": ISSUER,
                "x-google-jwks_uri": KEYS,
                "x-google-audiences": AUDIENCE,
            },
        },
        "paths": paths,
    });
    let mut lines = vec![
        "Google Cloud API Gateway, OpenAPI 2.0.".to_owned(),
        format!("Replace: {ISSUER}, {AUDIENCE}, {PUBLIC_HOST}."),
        "Limits for the throttle rules of Cloud Armor:".to_owned(),
    ];
    lines.extend(limits(edge));
    let head = comment(&lines);
    let mut file = new_file(head + &yaml(&value), None);
    file.notes.push("This project's tests have its OpenAPI part read by `openapi-spec-validator`; nothing has read Google's extensions.");
    file.left_out = left_out;
    file.cannot(
        &[Rule::Limit, Rule::ClientLimit, Rule::Burst],
        "API Gateway counts quotas for API keys only, which no client of this design has: throttle rules of Cloud Armor on the load balancer in front count instead.",
    );
    file.cannot(&[Rule::Headers], "API Gateway cannot remove headers. It overwrites `x-apigateway-api-userinfo` with the token's claims; services take the user from there and ignore `x-user-id`, `x-internal-caller`, `x-forwarded-client-cert`, `tracestate` and `baggage`.");
    file.cannot(&[Rule::Body], "API Gateway takes bodies of up to 32 MiB; the service behind refuses what is too large for it.");
    file.cannot(
        &[Rule::Method],
        "API Gateway decides how it answers another method on a path of the design.",
    );
    if edge.routes.iter().any(|r| r.token == Token::IfPresent) {
        file.cannot(&[Rule::Token], "A token cannot be optional here: routes that check one only if it is there leave the check to the service behind.");
    }
    file
}

fn path(r: &EdgeRoute) -> String {
    let whole = template(&r.path);
    if r.prefix {
        format!("{}/**", whole.trim_end_matches('/'))
    } else {
        whole
    }
}

fn operation(r: &EdgeRoute, method: &str) -> Value {
    let id = r.name.replace('-', "_");
    let mut out = json!({
        "operationId": if r.method.is_some() { id } else { format!("{id}_{method}") },
        "responses": { "200": { "description": "The answer of the service behind" } },
        "x-google-backend": {
            "address": format!("https://{}", r.host),
            "path_translation": "APPEND_PATH_TO_ADDRESS",
            "deadline": r.timeout.map(crate::model::units::Time::as_s),
        },
    });
    if r.token == Token::Required {
        out["security"] = json!([{ "users": [] }]);
    }
    let parameters: Vec<Value> = r
        .path
        .iter()
        .filter_map(|p| match p {
            Piece::Param(name) => {
                Some(json!({ "name": name, "in": "path", "required": true, "type": "string" }))
            }
            Piece::Text(_) => None,
        })
        .collect();
    if !parameters.is_empty() {
        out["parameters"] = json!(parameters);
    }
    out
}
