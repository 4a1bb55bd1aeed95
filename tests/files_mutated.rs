//! Every value of a file that programs act on is held against the plan: each is changed, one at a time, and some
//! check has to notice.
//!
//! What a check reads is the file, never the code that wrote it. What may change unnoticed is listed with its
//! reason, and nothing else may.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "files/kafka.rs"]
mod kafka;
#[path = "files/kubernetes.rs"]
mod kubernetes;
#[path = "files/mesh.rs"]
mod mesh;
#[path = "support/policies.rs"]
mod policies;
#[path = "files/terraform.rs"]
mod terraform;

use std::collections::BTreeMap;

use msdesign::diag::{SourceFile, Sources};
use msdesign::model::{self, Model};
use msdesign::plan::Plan;
use msdesign::{Artefact, NoFiles, Options, compile, spec};
use serde::Deserialize as _;
use serde_json::{Value, json};

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

/// A document of a file.
#[derive(Clone, Debug)]
struct Doc {
    value: Value,
}

/// The shop with these lines under `[platform]`: its model, and its files.
fn made(platform: &str) -> (Model, Vec<Artefact>) {
    let text = format!("{SHOP}[platform]\n{platform}\n");
    let mut sources = Sources::default();
    let id = sources.add(SourceFile::whole("shop", text.as_str()));
    let mut out = Vec::new();
    let model = model::resolve(&spec::parse(id, &text, &mut out), id, &mut out);
    let options = Options {
        artefacts: true,
        sections: Some(vec!["overview".to_owned()]),
        ..Options::default()
    };
    let done = compile(&mut sources, id, &mut NoFiles, &options);
    let chapter = done
        .chapter
        .unwrap_or_else(|| panic!("{:#?}", done.diagnostics));
    (model, chapter.artefacts)
}

/// The documents of the files below `folder`.
fn docs(files: &[Artefact], folder: &str) -> Vec<Doc> {
    let of = files.iter().filter(|f| f.path.starts_with(folder));
    of.flat_map(|f| {
        let parts = serde_yaml_ng::Deserializer::from_str(&f.text);
        parts.map(|d| Doc {
            value: Value::deserialize(d).unwrap(),
        })
    })
    .collect()
}

/// What is said otherwise than it should be.
#[derive(Default)]
struct Wrong(Vec<String>);

impl Wrong {
    fn want(&mut self, at: &str, is: &Value, should: impl Into<Value>) {
        let should = should.into();
        if *is != should {
            self.0.push(format!("{at}: {is}, not {should}"));
        }
    }

    fn that(&mut self, holds: bool, what: &str) {
        if !holds {
            self.0.push(what.to_owned());
        }
    }
}

/// The places of all values that hold no others.
fn leaves(value: &Value, at: &str, out: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            for (key, inner) in map {
                let key = key.replace('~', "~0").replace('/', "~1");
                leaves(inner, &format!("{at}/{key}"), out);
            }
        }
        Value::Array(list) => {
            for (i, inner) in list.iter().enumerate() {
                leaves(inner, &format!("{at}/{i}"), out);
            }
        }
        _ => out.push(at.to_owned()),
    }
}

/// Another value of the same kind.
fn other(value: &Value) -> Value {
    match value {
        Value::Bool(b) => json!(!b),
        Value::Number(n) => json!(n.as_f64().unwrap() as i64 + 1),
        Value::String(s) => match s.strip_suffix("ms").or(s.strip_suffix('s')) {
            Some(n) if n.parse::<u64>().is_ok() => json!(format!("9{s}")),
            _ => json!(format!("{s}x")),
        },
        _ => json!("x"),
    }
}

/// Changes each value of each document: places whose change nobody notices, without numbers of lists, each with
/// how often. The number is how many were changed.
fn survivors(docs: &[Doc], check: impl Fn(&[Doc]) -> Wrong) -> (usize, BTreeMap<String, usize>) {
    let base = check(docs).0;
    assert!(base.is_empty(), "{}", base.join("\n"));
    let mut docs = docs.to_vec();
    let (mut changed, mut out) = (0, BTreeMap::new());
    for i in 0..docs.len() {
        let mut places = Vec::new();
        leaves(&docs[i].value, "", &mut places);
        for place in places {
            let slot = docs[i].value.pointer_mut(&place).unwrap();
            let was = slot.clone();
            *slot = other(&was);
            changed += 1;
            if check(&docs).0.is_empty() {
                let kind = docs[i].value["kind"].as_str().unwrap_or_default();
                let parts = place.split('/').filter(|p| p.parse::<u32>().is_err());
                let place = parts.collect::<Vec<_>>().join("/");
                *out.entry(format!("{kind}{place}")).or_default() += 1;
            }
            *docs[i].value.pointer_mut(&place).unwrap() = was;
        }
    }
    (changed, out)
}

/// Nothing but `free` may change unnoticed, and no entry of `free` is there in vain.
fn only(found: &BTreeMap<String, usize>, free: &[&str]) {
    let unknown: Vec<_> = found
        .iter()
        .filter(|(p, _)| !free.contains(&p.as_str()))
        .collect();
    assert!(unknown.is_empty(), "changed and not noticed: {unknown:#?}");
    let idle: Vec<_> = free.iter().filter(|f| !found.contains_key(**f)).collect();
    assert!(idle.is_empty(), "noticed after all: {idle:?}");
}

/// The document of this kind and name.
fn named<'d>(docs: &'d [Doc], kind: &str, name: &str) -> Option<&'d Value> {
    let mut all = docs.iter().map(|d| &d.value);
    all.find(|d| d["kind"] == kind && d["metadata"]["name"] == name)
}
