//! OpenAPI 3.1: one document a service with REST operations.
//!
//! Two callers of one operation are one operation. What the spec does not know, the fields of requests and
//! answers, stays an open object; errors are RFC 9457 problems, and what must not be done twice takes an
//! `Idempotency-Key`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::super::Cx;
use super::path::{Piece, pieces, shape, template};
use super::{File, Kind, gateway, yaml};
use crate::model::{Auth, CallId, Method, Protocol, ServiceId};
use crate::plan::slug;

pub(super) const KIND: Kind = Kind {
    id: "openapi",
    what: "an OpenAPI 3.1 document a service with REST calls",
    files,
};

/// One operation and everybody who calls it.
struct Operation {
    method: Method,
    path: Vec<Piece>,
    calls: Vec<CallId>,
}

/// The services that get a document, each with its REST calls.
pub(super) fn documented(cx: &Cx<'_>) -> BTreeMap<ServiceId, Vec<CallId>> {
    let model = cx.plan.model;
    let mut by_service: BTreeMap<ServiceId, Vec<CallId>> = BTreeMap::new();
    for id in model.call_ids() {
        let c = model.call(id);
        let own = c.contract.is_some() || model.service(c.to).contract.is_some();
        // Somebody else's service, and one that brings its own contract, is described by its owner.
        if matches!(c.protocol, Protocol::Rest(Some(_))) && !own && !model.service(c.to).external {
            by_service.entry(c.to).or_default().push(id);
        }
    }
    by_service
}

/// Where the document of `service` is kept.
pub(super) fn path(cx: &Cx<'_>, service: ServiceId) -> String {
    format!("openapi/{}.yaml", cx.plan.service(service).slug)
}

fn files(cx: &Cx<'_>) -> Vec<File> {
    documented(cx)
        .into_iter()
        .map(|(service, calls)| File {
            path: path(cx, service),
            fence: "yaml",
            text: yaml(&document(cx, service, &calls)),
            checked_by: Some("openapi-spec-validator and Redocly"),
            notes: Vec::new(),
        })
        .collect()
}

fn document(cx: &Cx<'_>, service: ServiceId, calls: &[CallId]) -> Value {
    let model = cx.plan.model;
    let of = model.service(service);
    let operations = operations(cx, calls);
    let mut paths: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
    let mut names = BTreeMap::new();
    for op in &operations {
        let path = template(&op.path);
        let base = operation_id(op.method, &path);
        let n: &mut u32 = names.entry(base.clone()).or_default();
        *n += 1;
        let name = if *n == 1 { base } else { format!("{base}{n}") };
        let item = paths.entry(path).or_default();
        let value = operation(cx, op, &name);
        item.insert(op.method.name().to_ascii_lowercase(), value);
    }
    let mut info = Map::new();
    info.insert("title".into(), json!(of.name));
    info.insert("version".into(), json!("1.0.0"));
    if let Some(text) = &of.description {
        info.insert("description".into(), json!(text));
    }
    let mut schemes = Map::new();
    for auth in auths(cx, calls) {
        schemes.insert(scheme_name(auth).into(), scheme(auth));
    }
    json!({
        "openapi": "3.1.0",
        "info": info,
        "servers": [{
            "url": format!("http://{}:{}", cx.plan.service(service).address, gateway::PORT),
            "description": "inside the platform",
        }],
        "paths": paths,
        "components": {
            "securitySchemes": schemes,
            "responses": { "Problem": {
                "description": "What went wrong, as RFC 9457 writes it",
                "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } },
            } },
            "schemas": { "Problem": {
                "type": "object",
                "required": ["type", "title", "status"],
                "properties": {
                    "type": { "type": "string", "format": "uri-reference" },
                    "title": { "type": "string" },
                    "status": { "type": "integer", "minimum": 400, "maximum": 599 },
                    "detail": { "type": "string" },
                    "instance": { "type": "string", "format": "uri-reference" },
                },
            } },
        },
    })
}

/// The operations in the order of their paths; what differs only in the names of its parameters is one.
fn operations(cx: &Cx<'_>, calls: &[CallId]) -> Vec<Operation> {
    let model = cx.plan.model;
    let mut spelled: BTreeMap<String, Vec<Piece>> = BTreeMap::new();
    let mut all: BTreeMap<(String, &'static str), Operation> = BTreeMap::new();
    for &id in calls {
        let c = model.call(id);
        let Protocol::Rest(Some(method)) = c.protocol else {
            continue;
        };
        let words = c.operation.split_once(' ').map_or("/", |(_, path)| path);
        let path = words.split(['?', '#', ' ']).next().unwrap_or("/");
        let path = pieces(path);
        let shape = shape(&path);
        let path = spelled.entry(shape.clone()).or_insert(path).clone();
        let key = (shape, method.name());
        let op = all.entry(key).or_insert(Operation {
            method,
            path,
            calls: Vec::new(),
        });
        op.calls.push(id);
    }
    all.into_values().collect()
}

fn operation(cx: &Cx<'_>, op: &Operation, name: &str) -> Value {
    let model = cx.plan.model;
    let mut parameters: Vec<Value> = op
        .path
        .iter()
        .filter_map(|p| match p {
            Piece::Param(name) => Some(json!({
                "name": name,
                "in": "path",
                "required": true,
                "schema": { "type": "string", "minLength": 1 },
            })),
            Piece::Text(_) => None,
        })
        .collect();
    // A repeated write is done once only if the callee knows it again.
    let keyed = !op.method.idempotent();
    if keyed {
        let required = op
            .calls
            .iter()
            .any(|id| cx.plan.call(*id).attempts.value > 1);
        parameters.push(json!({
            "name": "Idempotency-Key",
            "in": "header",
            "required": required,
            "description": "The same for every repetition of one request; the answer is stored under it",
            "schema": { "type": "string", "format": "uuid" },
        }));
    }
    let describe = |id: &CallId| {
        let c = model.call(*id);
        let p = cx.plan.call(*id);
        format!(
            "{} at most {}, waiting {} an attempt, {} in all",
            model.party(c.from),
            p.rate.value,
            p.timeout.value,
            p.deadline.value
        )
    };
    let callers: Vec<String> = op.calls.iter().map(describe).collect();
    let said = op
        .calls
        .iter()
        .find_map(|id| model.call(*id).description.clone());
    let mut out = Map::new();
    out.insert("operationId".into(), json!(name));
    out.insert(
        "summary".into(),
        json!(said.unwrap_or_else(|| format!("{} {}", op.method.name(), template(&op.path)))),
    );
    out.insert(
        "description".into(),
        json!(format!("Called by {}.", callers.join("; "))),
    );
    if !parameters.is_empty() {
        out.insert("parameters".into(), json!(parameters));
    }
    if matches!(op.method, Method::Post | Method::Put | Method::Patch) {
        out.insert(
            "requestBody".into(),
            json!({ "required": true, "content": { "application/json": { "schema": { "type": "object" } } } }),
        );
    }
    out.insert("responses".into(), responses(cx, op));
    let security: Vec<Value> = auths(cx, &op.calls)
        .into_iter()
        .map(|auth| json!({ scheme_name(auth): [] }))
        .collect();
    out.insert("security".into(), json!(security));
    Value::Object(out)
}

fn responses(cx: &Cx<'_>, op: &Operation) -> Value {
    let mut out = BTreeMap::new();
    match op.method {
        Method::Delete | Method::Head | Method::Options => {
            out.insert("204", json!({ "description": "Done; no content" }));
        }
        _ => {
            out.insert(
                "200",
                json!({ "description": "Done", "content": { "application/json": { "schema": { "type": "object" } } } }),
            );
        }
    }
    for error in op.calls.iter().flat_map(|id| cx.plan.errors(*id)) {
        out.insert(
            error.code,
            json!({ "$ref": "#/components/responses/Problem" }),
        );
    }
    json!(out)
}

/// How the callers prove who they are, each way once.
fn auths(cx: &Cx<'_>, calls: &[CallId]) -> BTreeSet<Auth> {
    calls.iter().map(|id| cx.plan.auth(*id)).collect()
}

fn scheme_name(auth: Auth) -> &'static str {
    match auth {
        Auth::Jwt => "bearer",
        Auth::Mtls => "certificate",
        Auth::Oauth2 => "clientCredentials",
        Auth::Iam => "workloadIdentity",
    }
}

fn scheme(auth: Auth) -> Value {
    match auth {
        Auth::Jwt => json!({ "type": "http", "scheme": "bearer", "bearerFormat": "JWT" }),
        Auth::Mtls => json!({ "type": "mutualTLS" }),
        Auth::Oauth2 => json!({
            "type": "oauth2",
            "flows": { "clientCredentials": {
                "tokenUrl": format!("{}/oauth/token", gateway::ISSUER),
                "scopes": {},
            } },
        }),
        Auth::Iam => json!({
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "a request signed by the platform's workload identity",
        }),
    }
}

/// `POST /orders/{id}/lines`: `postOrdersIdLines`.
fn operation_id(method: Method, path: &str) -> String {
    let mut out = method.name().to_ascii_lowercase();
    for part in slug(path).split('-').filter(|p| *p != "unnamed") {
        let (first, rest) = part.split_at(1.min(part.len()));
        out.push_str(&first.to_ascii_uppercase());
        out.push_str(rest);
    }
    out
}
