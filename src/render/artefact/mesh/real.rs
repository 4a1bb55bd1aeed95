//! Real Envoys run what is written for the mesh, and treat calls as the plan says.
//!
//! `tests/tools/mesh/live.js` starts them with the files, certificates of its own, and stubs behind them.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::super::Cx;
use super::super::envoy::{TRUST_DOMAIN, identity, identity_of};
use super::super::live;
use super::GATEWAY_NAMESPACE;
use crate::compile::model_of;
use crate::model::{Party, Protocol};
use crate::plan::{Plan, address};

const SPEC: &str = r#"
title = "Shop"
infrastructure = "kubernetes"
actors = ["app"]
services = ["orders", "items", "cart", "stock", "stranger"]
sync = [
  "app --REST POST /orders--> orders",
  { call = "orders --REST GET /items/{id}--> items", rate = "30/s", timeout = "400ms", retries = 2, bulkhead = 6, breaker = { failure_rate = "50%", minimum_calls = 20, window = "10s", open = "2s" } },
  { call = "orders --REST POST /items--> items", rate = "30/s", timeout = "300ms", retries = 0, bulkhead = 3, breaker = { failure_rate = "50%", minimum_calls = 10, window = "10s", open = "1s" } },
  { call = "orders --gRPC shop.Cart/Get--> cart", rate = "30/s", timeout = "500ms", retries = 1, bulkhead = 5, breaker = { failure_rate = "30%", minimum_calls = 20, window = "10s", open = "1500ms" } },
  { call = "cart --REST GET /items/{id}--> items", timeout = "700ms", retries = 0 },
]
[platform]
mesh = "envoy"
"#;

/// The numbers of the plan and the files, for the script.
fn table() -> Value {
    let model = model_of(SPEC);
    let plan = Plan::new(&model);
    let options = crate::Options::default();
    let cx = Cx {
        plan: &plan,
        findings: &[],
        options: &options,
    };
    let files: BTreeMap<String, Value> = super::files(&cx)
        .into_iter()
        .map(|f| {
            let name = f
                .path
                .trim_start_matches("envoy/")
                .trim_end_matches(".yaml");
            (name.to_owned(), serde_yaml_ng::from_str(&f.text).unwrap())
        })
        .collect();
    let mut calls = Vec::new();
    let mut inside: BTreeMap<String, (u64, Value)> = BTreeMap::new();
    for id in model.call_ids() {
        let c = model.call(id);
        let p = plan.call(id);
        let grpc = c.protocol == Protocol::Grpc;
        let (method, path) = match plan.rpc(id) {
            Some(rpc) => (Some("POST"), format!("/{}", rpc.full_method())),
            None => {
                let (method, path, _) = address(&c.protocol, &c.operation);
                (method, path.replace("{id}", "x1"))
            }
        };
        let to = &plan.service(c.to).slug;
        let timeout = p.timeout.value.as_ms();
        let mut out = json!({
            "name": model.call_name(id), "to": to, "host": plan.service(c.to).address, "grpc": grpc,
            "method": method, "path": path, "timeout_ms": timeout,
        });
        // Of callers that share an operation the most patient one counts inside.
        let key = format!("{to} {method:?} {path}");
        if inside.get(&key).is_none_or(|(t, _)| *t < timeout) {
            inside.insert(key, (timeout, out.clone()));
        }
        let Party::Service(from) = c.from else {
            continue;
        };
        // One file is about the caller of all kinds of calls.
        if plan.service(from).slug != "orders" {
            continue;
        }
        let e = plan.ejection(id).unwrap();
        for (key, value) in [
            ("from", json!(plan.service(from).slug)),
            ("attempts", json!(p.attempts.value)),
            ("idempotent", json!(p.attempts.value > 1)),
            ("whole_ms", json!(p.worst_case().as_ms())),
            ("slots", json!(p.slots.value)),
            ("failures", json!(e.failures.value)),
            ("open_ms", json!(e.time.value.as_ms())),
            ("interval_ms", json!(e.interval.value.as_ms())),
        ] {
            out[key] = value;
        }
        calls.push(out);
    }
    let services = || model.service_ids();
    let slug = |s| plan.service(s).slug.clone();
    let identities: BTreeMap<String, String> = services()
        .map(|s| (slug(s), identity_of(&cx, &slug(s))))
        .collect();
    let mut accounts = identities.clone();
    accounts.insert("gateway".into(), identity(GATEWAY_NAMESPACE, "gateway"));
    let clients: BTreeMap<String, Vec<String>> = services()
        .map(|s| {
            let mut all: Vec<String> = plan.clients(s).iter().map(|c| slug(*c)).collect();
            all.extend(
                plan.service(s)
                    .behind_gateway()
                    .then(|| "gateway".to_owned()),
            );
            (slug(s), all)
        })
        .collect();
    let http: BTreeMap<String, bool> = services()
        .map(|s| (slug(s), !plan.service(s).serves_grpc))
        .collect();
    let inside: Vec<Value> = inside.into_values().map(|(_, v)| v).collect();
    json!({
        "files": files, "calls": calls, "inside": inside, "identities": identities,
        "accounts": accounts, "clients": clients, "http": http,
        "trust": format!("spiffe://{TRUST_DOMAIN}"),
    })
}

#[test]
fn a_sidecar_treats_calls_as_planned() {
    let counts = "\"slow\":6,\"failed\":6,\"full\":6,\"ejected\":3";
    live::right("mesh", &table(), counts);
}

/// Each change of the files shows in what happens, by the request that is about it.
#[test]
fn each_wrong_number_is_found() {
    let mut table = table();
    let mut change = |file: &str, from: &str, to: &str| {
        let text = table["files"][file].to_string();
        assert!(text.contains(from), "{from} is in {file}");
        let text = text.replacen(from, to, 1);
        table["files"][file] = serde_json::from_str(&text).unwrap();
    };
    change("orders", "\"timeout\":\"0.300s\"", "\"timeout\":\"1.300s\"");
    change("orders", "\"max_requests\":6", "\"max_requests\":7");
    change("orders", "\"consecutive_5xx\":6", "\"consecutive_5xx\":7");
    change(
        "orders",
        "\"base_ejection_time\":\"2s\"",
        "\"base_ejection_time\":\"9s\"",
    );
    change("orders.retrying", "\"num_retries\":2", "\"num_retries\":3");
    change(
        "orders.retrying",
        "\"per_try_timeout\":\"0.400s\"",
        "\"per_try_timeout\":\"0.200s\"",
    );
    change(
        "orders.retrying",
        "{\"remove\":\"x-envoy-retry-on\"}",
        "{\"remove\":\"x-other\"}",
    );
    change(
        "orders.retrying",
        "{\"remove\":\"x-envoy-max-retries\"}",
        "{\"remove\":\"x-more\"}",
    );
    change("items", "/sa/cart\"", "/sa/stranger\"");
    change("cart", "\"timeout\":\"0.500s\"", "\"timeout\":\"2s\"");
    change("orders.retrying", "/sa/cart\"", "/sa/stock\"");
    let found = [
        "orders.retrying: orders -> cart: gRPC shop.Cart/Get status: 503, not 200",
        "orders: orders -> items: POST /items gives up",
        "orders: orders -> items: GET /items/{id} at once: ",
        "orders: orders -> cart: gRPC shop.Cart/Get reaches the instance that is left out",
        "orders: orders -> items: GET /items/{id} comes back",
        "orders.retrying: orders -> items: GET /items/{id} tries of a callee that fails: 4, not 3",
        "orders.retrying: orders -> items: GET /items/{id} gives up",
        "orders.retrying: orders -> items: POST /items tries of a caller that gives orders",
        "from cart: 403, not 200",
        "from stranger: 200, not 403",
        "cart from inside: orders -> cart: gRPC shop.Cart/Get gives up",
    ];
    live::wrong("mesh", &table, &found);
}
