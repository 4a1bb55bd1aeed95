//! What each format says, read back from its text and held against the plan: method and path, the service
//! behind, the token, the time, the limits, the body. What a format leaves out, it must own up to.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Edge, EdgeRoute, Rule, Token, template};
use crate::compile::model_of;
use crate::plan::Plan;

/// The design whose files `tests/files/gateway.rs` changes value by value.
const SPEC: &str = include_str!("../../../../tests/files/edge.toml");

/// What was read of one route; `None` where the format says nothing.
#[derive(Clone, Debug, Default, PartialEq)]
struct Read {
    service: String,
    token: Option<bool>,
    timeout_ms: Option<u64>,
    /// Requests a minute.
    limit: Option<u64>,
    client_limit: Option<u64>,
    at_once: Option<u64>,
    burst: Option<u64>,
    body: Option<u64>,
}

/// By method and path as the plan has them.
type Routes = BTreeMap<(String, String), Read>;

fn key(method: Option<&str>, path: &str) -> (String, String) {
    (method.unwrap_or("any").to_owned(), path.to_owned())
}

/// The path of the plan that a pattern without anchors stands for.
fn path_of(pattern: &str) -> String {
    let prefix = pattern.trim_end_matches("(/.*)?");
    let path = prefix.replace("[^/]+", "{id}");
    if prefix.len() < pattern.len() {
        path + "/*"
    } else {
        path
    }
}

fn planned(edge: &Edge<'_>) -> Routes {
    let minute = |rate: crate::model::units::Rate| super::per_minute(rate);
    let read = |r: &EdgeRoute| Read {
        service: r.service.clone(),
        token: Some(r.token == Token::Required),
        timeout_ms: r.timeout_ms(),
        limit: Some(minute(r.limit)),
        client_limit: Some(minute(r.client_limit)),
        at_once: Some(r.at_once),
        burst: Some(r.burst),
        body: r.body.map(|b| b.0),
    };
    let path = |r: &EdgeRoute| template(&r.path) + if r.prefix { "/*" } else { "" };
    let routes = edge.routes.iter();
    routes.map(|r| (key(r.method, &path(r)), read(r))).collect()
}

fn first_label(host: &str) -> String {
    let host = host.trim_start_matches("https://");
    host.split(['.', ':']).next().unwrap().to_owned()
}

fn ms(text: &str) -> u64 {
    let text = text.trim_end_matches(';');
    if let Some(ms) = text.strip_suffix("ms") {
        return match ms.split_once('s') {
            Some((s, ms)) => s.parse::<u64>().unwrap() * 1000 + ms.parse::<u64>().unwrap(),
            None => ms.parse().unwrap(),
        };
    }
    (text.trim_end_matches('s').parse::<f64>().unwrap() * 1000.0).round() as u64
}

fn of_yaml(text: &str) -> Value {
    serde_yaml_ng::from_str(text).unwrap()
}

fn envoy(text: &str) -> Routes {
    let file = of_yaml(text);
    let http = &file["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0];
    let routes = &http["typed_config"]["route_config"]["virtual_hosts"][0]["routes"];
    let mut out = Routes::new();
    for r in routes
        .as_array()
        .unwrap()
        .iter()
        .filter(|r| r["route"].is_object())
    {
        let m = &r["match"];
        let path = m["path"].as_str().map(str::to_owned);
        let path = path.or_else(|| Some(format!("{}/*", m["path_separated_prefix"].as_str()?)));
        let path = path.unwrap_or_else(|| path_of(m["safe_regex"]["regex"].as_str().unwrap()));
        let own = &r["typed_per_filter_config"];
        let limit = &own["envoy.filters.http.local_ratelimit"];
        let rate = |bucket: &Value| {
            let n = bucket["tokens_per_fill"].as_u64().unwrap() as f64;
            let every = ms(bucket["fill_interval"].as_str().unwrap()) as f64;
            (
                Some((n * 60_000.0 / every - 0.06).ceil() as u64),
                bucket["max_tokens"].as_u64(),
            )
        };
        let (all, at_once) = rate(&limit["token_bucket"]);
        let (one, burst) = rate(&limit["descriptors"][0]["token_bucket"]);
        let requirement = &own["envoy.filters.http.jwt_authn"]["requirement_name"];
        out.insert(
            key(m["headers"][0]["string_match"]["exact"].as_str(), &path),
            Read {
                service: r["route"]["cluster"].as_str().unwrap().replace(".http", ""),
                token: Some(requirement == "required"),
                timeout_ms: r["route"]["timeout"].as_str().map(ms),
                limit: all,
                client_limit: one,
                at_once,
                burst,
                body: own["envoy.filters.http.buffer"]["buffer"]["max_request_bytes"].as_u64(),
            },
        );
    }
    out
}

fn nginx(text: &str) -> Routes {
    let (_, map) = text.split_once("$path\" $route {").unwrap();
    let (map, _) = map.split_once("\n  }").unwrap();
    let mut out = Routes::new();
    for line in map.lines().filter(|l| l.contains("~^")) {
        let (pattern, name) = line.trim().trim_end_matches(';').rsplit_once(' ').unwrap();
        let pattern = pattern.trim_matches('"').trim_end_matches('$');
        let parts: Vec<&str> = pattern.splitn(3, ' ').collect();
        let method = (parts[1] != "\\S+").then_some(parts[1]);
        let (_, block) = text.split_once(&format!("/_route/{name} {{")).unwrap();
        let (block, _) = block.split_once("\n    }").unwrap();
        let after = |word: &str| {
            let (_, rest) = block.split_once(word)?;
            rest.split([';', ' ']).next().map(str::to_owned)
        };
        let number = |word: &str| after(word).and_then(|n| n.parse::<u64>().ok());
        // One request more than the burst gets through at once.
        let burst = |zone: &str| {
            let line = block.lines().find(|l| l.contains(zone)).unwrap();
            let more = line
                .split_once("burst=")
                .map_or("0", |(_, b)| b.split(' ').next().unwrap());
            Some(more.parse::<u64>().unwrap() + 1)
        };
        out.insert(
            key(method, &path_of(parts[2])),
            Read {
                service: first_label(&after("set $service ").unwrap()),
                token: Some(block.contains("auth_request /_token_required")),
                timeout_ms: after("proxy_read_timeout ").map(|t| ms(&t)),
                limit: number("zone=all_"),
                client_limit: number("zone=one_"),
                at_once: burst("zone=all_"),
                burst: burst("zone=one_"),
                body: number("client_max_body_size "),
            },
        );
    }
    out
}

fn kong(text: &str) -> Routes {
    let mut out = Routes::new();
    for s in of_yaml(text)["services"].as_array().unwrap() {
        let route = &s["routes"][0];
        let plugin = |name: &str| {
            let all = route["plugins"].as_array().unwrap();
            all.iter()
                .find(|p| p["name"] == name)
                .map(|p| p["config"].clone())
        };
        let pattern = route["paths"][0].as_str().unwrap();
        let pattern = pattern.trim_start_matches('~').trim_end_matches('$');
        out.insert(
            key(route["methods"][0].as_str(), &path_of(pattern)),
            Read {
                service: first_label(s["host"].as_str().unwrap()),
                token: plugin("jwt").map(|c| c["anonymous"].is_null()),
                timeout_ms: s["read_timeout"].as_u64(),
                client_limit: plugin("rate-limiting").and_then(|c| c["minute"].as_u64()),
                body: plugin("request-size-limiting")
                    .and_then(|c| c["allowed_payload_size"].as_u64()),
                ..Read::default()
            },
        );
    }
    out
}

/// Paths and operations of OpenAPI, with the path as the plan has it.
fn operations(paths: &Value, rest: &str) -> Vec<(Option<String>, String, String, Value)> {
    let mut out = Vec::new();
    for (path, item) in paths.as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let any = method.starts_with("x-") || path.ends_with(rest);
            let method = (!any).then(|| method.to_ascii_uppercase());
            out.push((
                method,
                path.replace(rest, "/*"),
                path.clone(),
                operation.clone(),
            ));
        }
    }
    out
}

fn aws(text: &str) -> Routes {
    let file: Value = serde_json::from_str(text).unwrap();
    let body = &file["Resources"]["Api"]["Properties"]["Body"];
    let settings = &file["Resources"]["Stage"]["Properties"]["RouteSettings"];
    let mut out = Routes::new();
    for (method, path, theirs, o) in operations(&body["paths"], "/{proxy+}") {
        let to = &o["x-amazon-apigateway-integration"];
        let setting = &settings[format!("{} {theirs}", method.as_deref().unwrap_or("ANY"))];
        let service = to["uri"]["Ref"].as_str().unwrap().to_ascii_lowercase();
        out.insert(
            key(method.as_deref(), &path),
            Read {
                service: service.trim_end_matches("arn").to_owned(),
                token: Some(o["security"].is_array()),
                timeout_ms: to["timeoutInMillis"].as_u64(),
                limit: setting["ThrottlingRateLimit"]
                    .as_f64()
                    .map(|r| (r * 60.0 - 1e-6).ceil() as u64),
                at_once: setting["ThrottlingBurstLimit"].as_u64(),
                ..Read::default()
            },
        );
    }
    out
}

fn gcp(text: &str) -> Routes {
    let mut out = Routes::new();
    for (method, path, _, o) in operations(&of_yaml(text)["paths"], "/**") {
        let to = &o["x-google-backend"];
        assert!(!o.to_string().contains("\"client\""), "no key is asked for");
        out.insert(
            key(method.as_deref(), &path),
            Read {
                service: first_label(to["address"].as_str().unwrap()),
                token: Some(o["security"].is_array()),
                timeout_ms: to["deadline"].as_f64().map(|s| (s * 1000.0).round() as u64),
                ..Read::default()
            },
        );
    }
    out
}

/// Operations are told by the route's name: the policy holds no paths.
fn azure(text: &str, edge: &Edge<'_>) -> Routes {
    let mut out = Routes::new();
    for r in &edge.routes {
        let when = format!("Operation.Id == &quot;{}&quot;)", r.name);
        let parts: Vec<&str> = text.split(&when).skip(1).collect();
        let [inbound, backend] = parts[..] else {
            panic!("{}: {}", r.name, parts.len())
        };
        let inbound = inbound.split("context.Operation.Id").next().unwrap();
        let backend = backend.split("context.Operation.Id").next().unwrap();
        let after = |text: &str, word: &str| {
            let (_, rest) = text.split_once(word)?;
            let end = rest
                .find(|c: char| !c.is_ascii_digit())
                .unwrap_or(rest.len());
            rest[..end].parse::<u64>().ok()
        };
        let limit = |n: usize| {
            let text = inbound.split("<rate-limit-by-key").nth(n)?;
            let period = after(text, "renewal-period=\"")?;
            Some(after(text, "calls=\"")? * 60 / period)
        };
        let (_, host) = inbound.split_once("base-url=\"").unwrap();
        let optional = inbound.contains("ContainsKey(&quot;Authorization");
        let path = template(&r.path) + if r.prefix { "/*" } else { "" };
        out.insert(
            key(r.method, &path),
            Read {
                service: first_label(host),
                token: Some(inbound.contains("<validate-jwt") && !optional),
                timeout_ms: after(backend, "timeout-ms=\""),
                limit: limit(1),
                client_limit: limit(2),
                body: after(inbound, "&gt; "),
                ..Read::default()
            },
        );
    }
    out
}

fn gateway_api(text: &str) -> Routes {
    let mut out = Routes::new();
    for document in serde_yaml_ng::Deserializer::from_str(text) {
        let value: Value = serde::Deserialize::deserialize(document).unwrap();
        if value["kind"] == "AuthorizationPolicy" && value["spec"]["action"] == "ALLOW" {
            for rule in value["spec"]["rules"].as_array().unwrap() {
                let to = &rule["to"][0]["operation"];
                let paths = to["paths"].as_array().unwrap();
                let path = paths
                    .last()
                    .unwrap()
                    .as_str()
                    .unwrap()
                    .replace("{*}", "{id}");
                let read = out.get_mut(&key(to["methods"][0].as_str(), &path)).unwrap();
                read.token = Some(rule["from"].is_array());
            }
        }
        if value["kind"] != "HTTPRoute" {
            continue;
        }
        for rule in value["spec"]["rules"].as_array().unwrap() {
            let m = &rule["matches"][0];
            let mut path = path_of(m["path"]["value"].as_str().unwrap());
            if m["path"]["type"] == "PathPrefix" {
                path += "/*";
            }
            out.insert(
                key(m["method"].as_str(), &path),
                Read {
                    service: rule["backendRefs"][0]["name"].as_str().unwrap().to_owned(),
                    timeout_ms: rule["timeouts"]["request"].as_str().map(ms),
                    ..Read::default()
                },
            );
        }
    }
    out
}

fn read(id: &str, text: &str, edge: &Edge<'_>) -> Routes {
    match id {
        "envoy" => envoy(text),
        "nginx" => nginx(text),
        "kong" => kong(text),
        "aws-api-gateway" => aws(text),
        "gcp-api-gateway" => gcp(text),
        "azure-apim" => azure(text, edge),
        _ => gateway_api(text),
    }
}

/// Differences that the file does not own up to.
fn differences(edge: &Edge<'_>, routes: &Routes, owned: &[Rule]) -> Vec<String> {
    let mut out = Vec::new();
    for (key, want) in planned(edge) {
        let Some(have) = routes.get(&key) else {
            out.push(format!("{key:?} is not there"));
            continue;
        };
        let mut differ = |rule: Option<Rule>, is: String, should: String| {
            if is != should && !rule.is_some_and(|r| owned.contains(&r)) {
                out.push(format!("{key:?}: {is}, not {should}"));
            }
        };
        differ(None, have.service.clone(), want.service.clone());
        let mut number = |rule, what: &str, is: Option<u64>, should: Option<u64>| {
            differ(
                Some(rule),
                format!("{what} {is:?}"),
                format!("{what} {should:?}"),
            );
        };
        number(
            Rule::Token,
            "token",
            have.token.map(u64::from),
            want.token.map(u64::from),
        );
        // A timeout that is there is the plan's, whatever else is owned up to.
        if have.timeout_ms != want.timeout_ms {
            out.push(format!(
                "{key:?}: {:?}, not {:?}",
                have.timeout_ms, want.timeout_ms
            ));
        }
        let mut number = |rule, what: &str, is: Option<u64>, should: Option<u64>| {
            if is != should && !(is.is_none() && owned.contains(&rule)) {
                out.push(format!("{key:?}: {what} {is:?}, not {should:?}"));
            }
        };
        number(Rule::Limit, "limit", have.limit, want.limit);
        number(
            Rule::ClientLimit,
            "limit of a client",
            have.client_limit,
            want.client_limit,
        );
        number(Rule::Burst, "burst", have.burst, want.burst);
        let bound = if owned.contains(&Rule::Limit) {
            Rule::Limit
        } else {
            Rule::Burst
        };
        number(bound, "at once", have.at_once, want.at_once);
        number(Rule::Body, "body", have.body, want.body);
    }
    out
}

#[test]
fn every_format_says_what_the_plan_says_or_owns_up() {
    let model = model_of(SPEC);
    let mut plan = Plan::new(&model);
    for gateway in crate::catalog::gateways() {
        plan.choices.gateway = gateway;
        let edge = Edge::new(&plan);
        let file = edge.file();
        let owned: Vec<Rule> = file
            .cannot
            .iter()
            .flat_map(|(r, _)| r.iter().copied())
            .collect();
        for (_, instead) in &file.cannot {
            let text = file.text.replace("\\\"", "\"");
            assert!(
                text.contains(instead),
                "{}: the file says: {instead}",
                gateway.id
            );
        }
        let routes = read(&gateway.id, &file.text, &edge);
        let found = differences(&edge, &routes, &owned);
        assert!(
            found.is_empty(),
            "{}: {found:#?}\n{}",
            gateway.id,
            file.text
        );
        assert_eq!(
            routes.len(),
            edge.routes.len(),
            "{}: {routes:#?}",
            gateway.id
        );
        // The comparison can fail: another value of each route is found.
        let mut wrong = routes;
        for r in wrong.values_mut() {
            r.timeout_ms = Some(1);
            r.service.push('x');
        }
        let found = differences(&edge, &wrong, &owned);
        assert_eq!(found.len(), 2 * wrong.len(), "{}: {found:#?}", gateway.id);
    }
}
