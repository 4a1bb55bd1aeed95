//! Real gateways run what is written for them, and answer the same requests as the plan says.
//!
//! `tests/tools/gateway/live.js` starts Envoy and NGINX with the files, and stubs behind them.
#![allow(clippy::unwrap_used, clippy::panic)]

use serde_json::{Value, json};

use super::super::live;
use super::{AUDIENCE, Edge, ISSUER, PUBLIC_HOST, Token, template};
use crate::compile::model_of;
use crate::model::Transport;
use crate::plan::Plan;

/// Every kind of route, and paths that mean something to NGINX.
const HOSTILE: &str = r##"
title = "Edge \"cases\"; } # $x"
actors = ["app", "partner"]
services = ["orders", "items", "web", "cart", "search", "graph"]
sync = [
  { call = "app --REST GET /orders/{id}--> orders", rate = "3/s", timeout = "700ms", retries = 0 },
  { call = "app --REST DELETE /orders/{id}--> items", rate = "1.3/s", timeout = "1400ms", retries = 0 },
  "app --REST GET /orders/open--> orders",
  { call = "app --REST POST /orders--> orders", rate = "30/s" },
  "app --REST GET /orders/{id}/items/{id}--> items",
  "app --REST PUT /orders/v{version}.json--> items",
  "app --REST GET /a\"};return/b;c$d--> items",
  "app --REST GET /files/{path}*--> items",
  "app --REST /pages*--> web",
  { call = "app --gRPC shop.Cart/Get--> cart", rate = "2/s", timeout = "900ms", retries = 0 },
  "app --gRPC--> search",
  "app --GraphQL--> graph",
]
realtime = [
  "orders --WebSocket /live--> app",
  "orders --SSE /ticks--> app",
  "cart --gRPC-stream shop.Cart/Watch--> app",
]
"##;

/// A shop whose services share mutual TLS, so that the token ends at the gateway.
const SHOP: &str = r#"
title = "Sock shop"
infrastructure = "aws"
actors = ["browser", "crawler"]
services = ["front-end", "catalogue", "carts", "orders", "user"]
sync = [
  "browser --REST GET /catalogue--> catalogue",
  { call = "browser --REST POST /orders--> orders", rate = "12/s", timeout = "2s", retries = 0 },
  "crawler --REST GET /catalogue/{id}--> catalogue",
  "orders --REST GET /carts/{id}--> carts",
  "orders --REST GET /customers/{id}--> user",
]
[platform]
auth = "mtls"
"#;

/// A front that serves every path, on Azure.
const FRONT: &str = r#"
title = "Front"
infrastructure = "azure"
actors = ["browser"]
services = ["web", "api", "live"]
sync = [
  "browser --REST--> web",
  { call = "browser --REST POST /api/orders--> api", rate = "20/s", timeout = "1s", retries = 0 },
  { call = "browser --REST GET /api/orders--> api", timeout = "500ms", retries = 0 },
  "web --REST GET /api/orders--> api",
]
realtime = ["live --SSE /api/feed--> browser"]
"#;

/// One entry point with few calls, on Google's platform, as somebody else's spec would have it.
const TRAIN: &str = r#"
title = "Train tickets"
infrastructure = "gcp"
actors = ["browser"]
services = ["ui-dashboard", "preserve", "cancel", "auth", "order"]
sync = [
  "browser --HTTP POST /api/v1/preserveservice/preserve--> ui-dashboard",
  "browser --HTTP PUT /api/v1/orderservice/order/{orderId}--> order",
  "ui-dashboard --HTTP POST /api/v1/preserveservice/preserve--> preserve",
  "ui-dashboard --HTTP POST /api/v1/cancelservice/cancel--> cancel",
  "ui-dashboard --HTTP POST /api/v1/users/login--> auth",
  { call = "preserve --HTTP POST /api/v1/orderservice/order--> order", timeout = "none" },
]
"#;

/// The plan's routes and both files, for the script.
fn table(spec: &str) -> Value {
    let model = model_of(spec);
    let mut plan = Plan::new(&model);
    let gateway = |id: &str| {
        let all = crate::catalog::gateways().iter();
        all.into_iter().find(|g| g.id == id).unwrap()
    };
    plan.choices.gateway = gateway("envoy");
    let envoy = Edge::new(&plan).file().text;
    plan.choices.gateway = gateway("nginx");
    let edge = Edge::new(&plan);
    let routes: Vec<Value> = edge
        .routes
        .iter()
        .map(|r| {
            json!({
                "name": r.name,
                "method": r.method,
                "path": template(&r.path),
                "prefix": r.prefix,
                "service": r.service,
                "host": r.host,
                "grpc": r.grpc,
                "stream": r.stream.map(|s| match s {
                    Transport::WebSocket => "websocket",
                    _ => "events",
                }),
                "timeout_ms": r.timeout.map(crate::model::units::Time::as_ms),
                "limit": r.limit.0,
                "at_once": r.at_once,
                "client_limit": r.client_limit.0,
                "burst": r.burst,
                "body": r.body.map(|b| b.0),
                "token": if r.token == Token::Required { "required" } else { "if-present" },
            })
        })
        .collect();
    json!({
        "routes": routes,
        "envoy": serde_yaml_ng::from_str::<Value>(&envoy).unwrap(),
        "nginx": edge.file().text,
        "issuer": ISSUER,
        "audience": AUDIENCE,
        "host": PUBLIC_HOST,
        "forwards_token": edge.forwards_token(),
    })
}

fn right(spec: &str) {
    live::right("gateway", &table(spec), "");
}

#[test]
fn every_kind_of_route_answers_as_planned() {
    right(HOSTILE);
}

#[test]
fn a_token_that_ends_at_the_gateway_goes_no_further() {
    right(SHOP);
}

#[test]
fn a_front_for_every_path_leaves_the_rest_alone() {
    right(FRONT);
}

#[test]
fn the_entry_of_a_large_system_answers_as_planned() {
    right(TRAIN);
}

/// Each change of the files shows in the answers, by the request that is about it.
#[test]
fn each_wrong_rule_is_found() {
    let table = table(SHOP);
    let nginx = table["nginx"].as_str().unwrap().to_owned();
    let envoy = table["envoy"].to_string();
    let swap = |text: &str, from: &str, to: &str| {
        assert!(text.contains(from), "{from} is there");
        text.replacen(from, to, 1)
    };
    let block = |name: &str| {
        let from = nginx
            .find(&format!("location = /_route/{name} {{"))
            .unwrap();
        nginx[from..].split_once("\n    }").unwrap().0.to_owned()
    };
    let (list, one) = (
        block("catalogue-get-catalogue"),
        block("catalogue-get-catalogue-id"),
    );
    let orders = block("orders-post-orders");
    let mut changed = swap(&nginx, "{ return 405; }", "{ return 404; }");
    changed = swap(&changed, "if ($odd)", "if ($never)");
    changed = swap(
        &changed,
        "map $path $odd",
        "map $path $never { default \"\"; }\n  map $path $odd",
    );
    let list_changed = swap(&list, "proxy_set_header baggage \"\";", "");
    let list_changed = swap(&list_changed, "_token_required", "_token_if_present");
    changed = swap(&changed, &list, &list_changed);
    changed = swap(
        &changed,
        &one,
        &swap(&one, "set $service catalogue", "set $service orders"),
    );
    let orders_changed = swap(
        &orders,
        "proxy_read_timeout 2000ms",
        "proxy_read_timeout 4000ms",
    );
    let orders_changed = swap(&orders_changed, "1048576", "1048577");
    let orders_changed = swap(&orders_changed, "burst=4 nodelay", "burst=9 nodelay");
    changed = swap(&changed, &orders, &orders_changed);
    let mut other = swap(&envoy, "\"status\":405", "\"status\":404");
    other = swap(
        &other,
        "{\"remove\":\"baggage\"}",
        "{\"remove\":\"x-other\"}",
    );
    other = swap(&other, "\"timeout\":\"2s\"", "\"timeout\":\"4s\"");
    other = swap(
        &other,
        "\"max_request_bytes\":1048576",
        "\"max_request_bytes\":1048577",
    );
    other = swap(
        &other,
        "\"requirement_name\":\"required\"",
        "\"requirement_name\":\"if-present\"",
    );
    other = swap(&other, "\"status\":400", "\"status\":403");
    let mut wrong = table.clone();
    wrong["nginx"] = json!(changed);
    wrong["envoy"] = serde_json::from_str(&other).unwrap();
    let found = [
        "nginx: DELETE /catalogue: [404,",
        "nginx: GET /catalogue baggage",
        "nginx: GET /catalogue without a token: 200, not 401",
        "nginx: GET /catalogue/x1 reaches: [\"orders\"",
        "nginx: GET /catalogue//z: 404, not 400",
        "nginx: POST /orders gives up",
        "nginx: POST /orders with a larger body: 200, not 413",
        "nginx: POST /orders of one client at once",
        "envoy: DELETE /",
        "envoy: GET /catalogue baggage",
        "envoy: POST /orders gives up",
        "with a larger body: 200, not 413",
        "without a token: 200, not 401",
        "//z: 403, not 400",
    ];
    live::wrong("gateway", &wrong, &found);
}
