//! Every value of a file that programs act on is held against the plan: each is changed, one at a time, and some
//! check has to notice.
//!
//! What a check reads is the file, never the code that wrote it. What may change unnoticed is listed with its
//! reason, and nothing else may.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "files/aws.rs"]
mod aws;
#[path = "files/contracts.rs"]
mod contracts;
#[path = "files/envoy.rs"]
mod envoy;
#[path = "files/gateway.rs"]
mod gateway;
#[path = "files/grafana.rs"]
mod grafana;
#[path = "files/kafka.rs"]
mod kafka;
#[path = "files/kubernetes.rs"]
mod kubernetes;
#[path = "support/lost.rs"]
mod lost;
#[path = "support/made.rs"]
mod made;
#[path = "files/mesh.rs"]
mod mesh;
#[path = "support/mutated.rs"]
mod mutated;
#[path = "files/nats.rs"]
mod nats;
#[path = "files/operations.rs"]
mod operations;
#[path = "support/policies.rs"]
mod policies;
#[path = "files/proto.rs"]
mod proto;
#[path = "files/proxies.rs"]
mod proxies;
#[path = "files/rabbitmq.rs"]
mod rabbitmq;
#[path = "files/sidecar.rs"]
mod sidecar;
#[path = "files/terraform.rs"]
mod terraform;
#[path = "support/words.rs"]
mod words;

use lost::survivors;
use made::made as made_of;
use msdesign::Artefact;
use msdesign::model::Model;
use msdesign::plan::Plan;
use mutated::{Doc, Wrong, only};
use serde_json::Value;

/// A shop with every kind of edge.
const SHOP: &str = r#"
title = "Shop"
infrastructure = "kubernetes"
actors = ["app"]
services = [
  "orders",
  { name = "items", replicas = 3, stores = ["postgres:items"] },
  { name = "cart", health = "grpc", stores = ["redis:carts"] },
  "stock",
  "ledger",
  { name = "pay", external = true },
]
sync = [
  { call = "app --REST POST /orders--> orders", rate = "20/s", timeout = "2500ms" },
  { call = "orders --REST GET /items/{id}--> items", rate = "30/s", timeout = "400ms", retries = 2 },
  { call = "orders --REST POST /items--> items", rate = "12/s", timeout = "350ms", retries = 0 },
  { call = "orders --gRPC shop.Cart/Get--> cart", rate = "30/s", timeout = "500ms" },
  { call = "stock --REST GET /items/{id}--> items", timeout = "450ms", retries = 0 },
  { call = "items --Thrift book--> ledger", timeout = "300ms", retries = 0 },
  { call = "orders --REST POST /charges--> pay", timeout = "600ms", retries = 0 },
]
async = [
  { event = "orders --order.placed--> stock, ledger", key = "order_id", ordered = true, rate = "20/s" },
  { event = "items --price.changed--> orders", rate = "5/s", dead_letter = { retention = "20d" } },
]
realtime = ["orders --SSE /orders/{id}/events--> app"]
"#;

/// The shop with these lines under `[platform]`: its model, and its files.
fn made(platform: &str) -> (Model, Vec<Artefact>) {
    made_of(&format!("{SHOP}[platform]\n{platform}\n"))
}

/// The documents of the files below `folder`.
fn docs(files: &[Artefact], folder: &str) -> Vec<Doc> {
    let of = made::documents(files, folder).into_iter();
    of.map(|value| Doc { value }).collect()
}

/// The document of this kind and name.
fn named<'d>(docs: &'d [Doc], kind: &str, name: &str) -> Option<&'d Value> {
    let mut all = docs.iter().map(|d| &d.value);
    all.find(|d| d["kind"] == kind && d["metadata"]["name"] == name)
}

/// The entries of a table, none where there is no table.
fn entries(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

/// The items of a list, none where there is no list.
fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}
