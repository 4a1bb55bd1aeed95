//! The gateways' own programs read what is written for them.
#![allow(clippy::unwrap_used, clippy::panic)]

use crate::compile::model_of;
use std::process::Command;

use super::Edge;
use crate::plan::Plan;

/// A spec with every kind of route, and words that try to leave their place.
const HOSTILE: &str = r##"
title = "Edge \"cases\"; } # $x"
actors = ["app", "partner"]
services = ["orders", "items", "web", "cart", "search", "graph"]
sync = [
  "app --REST GET /orders/{id}--> orders",
  "partner --REST GET /orders/{key}--> orders",
  "app --REST POST /orders--> orders",
  "app --REST GET /orders/{id}/items/{id}--> items",
  "partner --REST POST /orders--> items",
  "app --REST GET /a\"};return/b;c$d--> items",
  "app --REST GET /files/{path}*--> items",
  "app --REST--> web",
  "app --gRPC shop.Cart/Get--> cart",
  "app --gRPC--> search",
  "app --GraphQL--> graph",
]
realtime = [
  "orders --WebSocket /live--> app",
  "orders --SSE /ticks--> app",
  "cart --gRPC-stream shop.Cart/Watch--> app",
]
"##;

fn designs() -> Vec<(String, String)> {
    let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("book-example/src/designs");
    let mut out = vec![("hostile".to_owned(), HOSTILE.to_owned())];
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        if let Some((_, rest)) = text.split_once("```msdesign") {
            let block = rest.split_once('\n').unwrap().1;
            let block = block.split("\n```").next().unwrap().to_owned();
            out.push((path.file_stem().unwrap().to_string_lossy().into(), block));
        }
    }
    out.sort();
    assert!(out.len() > 5, "the example designs are there");
    out
}

/// Every design as the gateway `id` would have it.
fn files(id: &str) -> Vec<(String, String)> {
    let gateway = crate::catalog::gateways()
        .iter()
        .find(|g| g.id == id)
        .unwrap();
    designs()
        .into_iter()
        .map(|(name, text)| {
            let model = model_of(&text);
            let mut plan = Plan::new(&model);
            assert!(!plan.gateway.routes.is_empty(), "{name} has routes");
            plan.choices.gateway = gateway;
            (name, Edge::new(&plan).file().text)
        })
        .collect()
}

fn run(tool: &str, arguments: &[&str], last: &std::path::Path) -> (bool, String) {
    let done = Command::new(tool)
        .args(arguments)
        .arg(last)
        .output()
        .unwrap_or_else(|e| panic!("{tool} must be installed: {e}"));
    let text =
        String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr);
    (done.status.success(), text)
}

fn check(gateway: &str, extension: &str, tool: &str, arguments: &[&str], bad: &str) {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files(gateway) {
        let path = dir.path().join(format!("{name}.{extension}"));
        std::fs::write(&path, &text).unwrap();
        let (good, said) = run(tool, arguments, &path);
        assert!(good, "{name}: {said}\n{text}");
    }
    let path = dir.path().join(format!("bad.{extension}"));
    std::fs::write(&path, bad).unwrap();
    assert!(!run(tool, arguments, &path).0, "{tool} refuses a bad file");
}

#[test]
fn envoy_takes_the_bootstrap() {
    check(
        "envoy",
        "yaml",
        "envoy",
        &["--mode", "validate", "-l", "error", "-c"],
        "static_resources: { listeners: [{ no_such_field: 1 }] }\n",
    );
}

#[test]
fn nginx_takes_the_configuration() {
    check(
        "nginx",
        "conf",
        "nginx",
        &["-q", "-t", "-g", "pid /dev/null;", "-c"],
        "events {}\nhttp { no_such_directive on; }\n",
    );
}

#[test]
fn cloudformation_takes_the_template() {
    check(
        "aws-api-gateway",
        "json",
        "cfn-lint",
        &["--"],
        r#"{"Resources": {"Api": {"Type": "AWS::ApiGatewayV2::Api", "Properties": {"NoSuch": 1}}}}"#,
    );
}

/// Google's extensions are unknown to it: this is the OpenAPI part only.
#[test]
fn openapi_takes_the_document_for_google() {
    check(
        "gcp-api-gateway",
        "yaml",
        "openapi-spec-validator",
        &[],
        "swagger: '2.0'\ninfo: { title: x }\npaths: {}\n",
    );
}

/// The Kubernetes and Istio schemas as TypeScript types, since the API servers cannot be had here.
/// `MSDESIGN_NPM` names a directory whose `node_modules` holds them and `typescript`.
#[test]
fn the_schemas_take_the_routes() {
    let npm = std::env::var("MSDESIGN_NPM").expect("MSDESIGN_NPM names a directory");
    let dir = tempfile::tempdir_in(&npm).unwrap();
    let compile = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        let tsc = std::path::Path::new(&npm).join("node_modules/.bin/tsc");
        let options =
            "--noEmit --strict --skipLibCheck --module nodenext --moduleResolution nodenext";
        let options: Vec<&str> = options.split(' ').collect();
        run(&tsc.to_string_lossy(), &options, &path)
    };
    let (mut code, mut n) = (String::new(), 0);
    for (_, text) in files("gateway-api") {
        for document in serde_yaml_ng::Deserializer::from_str(&text) {
            let value: serde_json::Value = serde::Deserialize::deserialize(document).unwrap();
            let (api, kind) = (value["apiVersion"].as_str(), value["kind"].as_str());
            let (api, kind) = (api.unwrap(), kind.unwrap());
            let package = if api.contains("istio") {
                "istio"
            } else {
                "gateway-api"
            };
            code.push_str(&format!(
                "import type {{ I{kind} as T{n} }} from '@kubernetes-models/{package}/{api}/{kind}';\nexport const d{n}: T{n} = {value};\n"
            ));
            n += 1;
        }
    }
    let (good, said) = compile("good.ts", &code);
    assert!(good, "{said}");
    let (bad, _) = compile("bad.ts", &code.replacen("\"matches\"", "\"matchez\"", 1));
    assert!(!bad, "a wrong field is refused");
}
