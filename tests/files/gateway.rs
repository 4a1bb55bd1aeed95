//! Gateways that no real program runs here: Kong, Amazon's, Google's and the Gateway API, route by route.
//!
//! Real Envoys and NGINX answer requests elsewhere (`gateway/real.rs`).

use std::collections::{BTreeMap, BTreeSet};

use msdesign::plan::{Route, slug};
use serde_json::{Value, json};

use super::{Artefact, Doc, Model, Plan, Wrong, docs, entries, made_of, only, survivors};

/// What every gateway can serve.
const EDGE: &str = include_str!("edge.toml");

/// Headers that no client may send.
pub(super) const REMOVED: [&str; 5] = [
    "x-user-id",
    "x-internal-caller",
    "x-forwarded-client-cert",
    "tracestate",
    "baggage",
];

fn behind(infrastructure: &str, gateway: &str) -> (Model, Vec<Artefact>) {
    let platform =
        format!("[platform]\nauth = \"jwt\"\nmesh = \"istio\"\ngateway = \"{gateway}\"\n");
    let platform = if infrastructure == "kubernetes" {
        platform
    } else {
        platform.replace("mesh = \"istio\"\n", "")
    };
    made_of(&format!(
        "infrastructure = \"{infrastructure}\"\n{EDGE}{platform}"
    ))
}

/// Changes each value of the gateway's file; what may change unnoticed is `free`.
fn noticed(
    (infrastructure, gateway): (&str, &str),
    free: &[&str],
    least: usize,
    wrong: fn(&Plan<'_>, &[Doc]) -> Wrong,
) {
    let (model, files) = behind(infrastructure, gateway);
    let plan = Plan::new(&model);
    assert_eq!(plan.choices.gateway.id, gateway);
    let (changed, found) = survivors(&docs(&files, "gateway/"), |d| wrong(&plan, d));
    only(&found, free);
    assert!(changed > least, "{changed}");
}

/// Routes whose requests need a token: all but the pages.
pub(super) fn closed(r: &Route) -> bool {
    !r.prefix
}

pub(super) fn id(plan: &Plan<'_>, r: &Route) -> String {
    slug(&format!(
        "{} {} {}",
        plan.service(r.service).slug,
        r.method.unwrap_or("any"),
        r.path
    ))
}

pub(super) fn ms(r: &Route) -> u64 {
    r.timeout.as_ref().unwrap().value.as_ms()
}

/// A time as the Gateway API writes it.
fn short(ms: u64) -> String {
    match (ms / 1000, ms % 1000) {
        (0, ms) => format!("{ms}ms"),
        (s, 0) => format!("{s}s"),
        (s, ms) => format!("{s}s{ms}ms"),
    }
}

fn base(r: &Route) -> &str {
    r.path.trim_end_matches(['*', '/'])
}

#[test]
fn each_changed_value_for_kong_is_noticed() {
    noticed(("kubernetes", "kong"), &[], 150, kong);
}

fn kong(plan: &Plan<'_>, docs: &[Doc]) -> Wrong {
    let mut w = Wrong::default();
    let file = &docs[0].value;
    w.want("format", &file["_format_version"], "3.0");
    let services = plan.gateway.routes.iter().map(|r| {
        let pattern = r.path.replace("{id}", "[^/]+");
        let pattern = if r.prefix { format!("{}(/.*)?", base(r)) } else { pattern };
        let mut route = json!({
            "name": id(plan, r), "hosts": ["api.example"], "paths": [format!("~{pattern}$")],
            "protocols": ["http", "https"], "preserve_host": false, "strip_path": false,
        });
        if let Some(method) = r.method {
            route["methods"] = json!([method]);
        }
        let mut jwt = json!({ "claims_to_verify": ["exp"], "key_claim_name": "iss" });
        if !closed(r) {
            jwt["anonymous"] = json!("anonymous");
        }
        let minute = (r.client_limit.value.0 * 60.0 - 1e-6).ceil() as u64;
        route["plugins"] = json!([
            { "name": "jwt", "config": jwt },
            { "name": "rate-limiting", "config": {
                "minute": minute, "limit_by": "ip", "policy": "redis", "fault_tolerant": true,
                "redis": { "host": "redis.example", "port": 6379 },
            } },
            { "name": "request-transformer", "config": { "remove": { "headers": REMOVED } } },
            { "name": "request-size-limiting", "config": {
                "allowed_payload_size": r.body.as_ref().unwrap().value.0, "size_unit": "bytes",
            } },
        ]);
        json!({
            "name": id(plan, r), "protocol": "http", "host": plan.service(r.service).address, "port": 8080,
            "connect_timeout": 1000, "read_timeout": ms(r), "write_timeout": ms(r), "retries": 0,
            "routes": [route],
        })
    });
    // The more specific of two patterns is tried first.
    let mut is = file["services"].clone();
    let mut ranks = BTreeMap::new();
    for s in is.as_array_mut().into_iter().flatten() {
        let pattern = s["routes"].to_string();
        let route = s.pointer_mut("/routes/0").and_then(Value::as_object_mut);
        let rank = route.and_then(|r| r.remove("regex_priority"));
        let open = (pattern.contains(".*"), pattern.contains("[^/]"));
        ranks.insert(rank.and_then(|r| r.as_u64()), open);
    }
    let numbers: Vec<Option<u64>> = (0..ranks.len() as u64).map(Some).collect();
    w.that(
        ranks.keys().copied().eq(numbers) && ranks.len() == 4,
        "ranks",
    );
    w.that(
        ranks.values().next() == Some(&(true, false)),
        "the pages come last",
    );
    w.same("services", &is, &services.collect());
    w.same(
        "consumers",
        &file["consumers"],
        &json!([
            { "username": "users", "jwt_secrets": [{
                "key": "https://issuer.example", "algorithm": "RS256",
                "rsa_public_key": "-----BEGIN PUBLIC KEY-----\nREPLACE\n-----END PUBLIC KEY-----\n",
            }] },
            { "username": "anonymous" },
        ]),
    );
    w.same("plugins", &file["plugins"], &json!([
        { "name": "correlation-id", "config": { "header_name": "X-Request-ID", "generator": "uuid", "echo_downstream": true } },
        { "name": "opentelemetry", "config": {
            "traces_endpoint": "http://otel-collector.example:4318/v1/traces",
            "sampling_rate": plan.tracing.ratio.value.0,
            "propagation": { "extract": ["w3c"], "inject": ["w3c"], "default_format": "w3c" },
        } },
    ]));
    w
}

#[test]
fn each_changed_value_for_amazon_is_noticed() {
    // For people.
    let free = [
        "/Description",
        "/Metadata/NotHere",
        "/Metadata/Limits",
        "/Parameters/VpcLinkId/Description",
        "/Parameters/OrdersArn/Description",
        "/Parameters/ItemsArn/Description",
        "/Parameters/WebArn/Description",
    ];
    noticed(("aws", "aws-api-gateway"), &free, 90, amazon);
}

fn amazon(plan: &Plan<'_>, docs: &[Doc]) -> Wrong {
    let mut w = Wrong::default();
    let file = &docs[0].value;
    w.want("version", &file["AWSTemplateFormatVersion"], "2010-09-09");
    w.want(
        "output",
        &file["Outputs"],
        json!({ "Endpoint": { "Value": { "Fn::GetAtt": ["Api", "ApiEndpoint"] } } }),
    );
    let asked: BTreeSet<&String> = entries(&file["Parameters"]).map(|(name, _)| name).collect();
    let all = ["ItemsArn", "OrdersArn", "VpcLinkId", "WebArn"];
    w.that(asked.into_iter().eq(all.iter()), "parameters");
    for (_, parameter) in entries(&file["Parameters"]) {
        w.want("parameter", &parameter["Type"], "String");
    }
    let (api, stage) = (&file["Resources"]["Api"], &file["Resources"]["Stage"]);
    w.want("api", &api["Type"], "AWS::ApiGatewayV2::Api");
    w.want("stage", &stage["Type"], "AWS::ApiGatewayV2::Stage");
    let body = &api["Properties"]["Body"];
    w.want("openapi", &body["openapi"], "3.0.1");
    w.want(
        "info",
        &body["info"],
        json!({ "title": plan.choices.namespace, "version": "1.0" }),
    );
    w.same("token", &json!([body["components"]["securitySchemes"]["users"]]), &json!([{
        "type": "oauth2", "flows": {},
        "x-amazon-apigateway-authorizer": {
            "type": "jwt", "identitySource": "$request.header.Authorization",
            "jwtConfiguration": { "issuer": "https://issuer.example", "audience": ["https://api.example"] },
        },
    }]));
    let (mut paths, mut settings) = (BTreeMap::<String, Value>::new(), BTreeMap::new());
    for r in &plan.gateway.routes {
        let path = if r.prefix {
            format!("{}/{{proxy+}}", base(r))
        } else {
            r.path.clone()
        };
        let mut headers = json!({
            "overwrite:path": "$request.path", "overwrite:header.x-request-id": "$context.requestId",
        });
        for header in REMOVED {
            headers[format!("remove:header.{header}")] = json!("''");
        }
        let mut operation = json!({
            "operationId": id(plan, r),
            "responses": { "default": { "description": "The answer of the service behind" } },
        });
        if closed(r) {
            // Who the client is comes from its token.
            headers
                .as_object_mut()
                .unwrap()
                .remove("remove:header.x-user-id");
            headers["overwrite:header.x-user-id"] = json!("$context.authorizer.claims.sub");
            operation["security"] = json!([{ "users": [] }]);
        }
        let name = match (r.prefix, r.path.contains("{id}")) {
            (true, _) => Some("proxy"),
            (_, true) => Some("id"),
            _ => None,
        };
        if let Some(name) = name {
            operation["parameters"] = json!([{ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }]);
        }
        let mut arn = plan.service(r.service).slug.clone() + "Arn";
        arn[..1].make_ascii_uppercase();
        operation["x-amazon-apigateway-integration"] = json!({
            "type": "http_proxy", "httpMethod": r.method.unwrap_or("ANY"), "connectionType": "VPC_LINK",
            "connectionId": { "Ref": "VpcLinkId" }, "uri": { "Ref": arn }, "payloadFormatVersion": "1.0",
            "timeoutInMillis": ms(r), "requestParameters": headers,
        });
        let method = r.method.map_or(
            "x-amazon-apigateway-any-method".to_owned(),
            str::to_ascii_lowercase,
        );
        paths.entry(path.clone()).or_insert(json!({}))[method] = operation;
        settings.insert(format!("{} {path}", r.method.unwrap_or("ANY")), json!({
            "ThrottlingRateLimit": r.limit.value.0, "ThrottlingBurstLimit": r.at_once.value, "DetailedMetricsEnabled": true,
        }));
    }
    w.same("paths", &json!([body["paths"]]), &json!([paths]));
    w.same("stage", &json!([stage["Properties"]]), &json!([{
        "ApiId": { "Ref": "Api" }, "StageName": "$default", "AutoDeploy": true,
        "DefaultRouteSettings": { "ThrottlingRateLimit": 1, "ThrottlingBurstLimit": 1 }, "RouteSettings": settings,
    }]));
    w
}

#[test]
fn each_changed_value_for_google_is_noticed() {
    noticed(("gcp", "gcp-api-gateway"), &[], 60, google);
}

fn google(plan: &Plan<'_>, docs: &[Doc]) -> Wrong {
    let mut paths = BTreeMap::<String, Value>::new();
    for r in &plan.gateway.routes {
        let path = if r.prefix {
            format!("{}/**", base(r))
        } else {
            r.path.clone()
        };
        let name = id(plan, r).replace('-', "_");
        let all = ["get", "post", "put", "patch", "delete", "options"];
        let methods: Vec<String> = match r.method {
            Some(m) => vec![m.to_ascii_lowercase()],
            None => all.map(str::to_owned).to_vec(),
        };
        for method in methods {
            let mut operation = json!({
                "operationId": if r.method.is_some() { name.clone() } else { format!("{name}_{method}") },
                "responses": { "200": { "description": "The answer of the service behind" } },
                "x-google-backend": {
                    "address": format!("https://{}", plan.service(r.service).address),
                    "path_translation": "APPEND_PATH_TO_ADDRESS", "deadline": r.timeout.as_ref().unwrap().value.as_s(),
                },
            });
            if closed(r) {
                operation["security"] = json!([{ "users": [] }]);
            }
            if r.path.contains("{id}") {
                operation["parameters"] =
                    json!([{ "name": "id", "in": "path", "required": true, "type": "string" }]);
            }
            paths.entry(path.clone()).or_insert(json!({}))[method] = operation;
        }
    }
    let mut w = Wrong::default();
    w.same("file", &json!([docs[0].value]), &json!([{
        "swagger": "2.0", "info": { "title": plan.choices.namespace, "version": "1.0" },
        "host": "api.example", "schemes": ["https"], "produces": ["application/json"],
        "securityDefinitions": { "users": {
            "type": "oauth2", "authorizationUrl": "", "flow": "implicit", "x-google-issuer": "https://issuer.example",
            "x-google-jwks_uri": "https://issuer.example/.well-known/jwks.json",
            "x-google-audiences": "https://api.example",
        } },
        "paths": paths,
    }]));
    w
}

#[test]
fn each_changed_value_of_the_gateway_api_is_noticed() {
    noticed(("kubernetes", "gateway-api"), &[], 100, gateway_api);
}

fn gateway_api(plan: &Plan<'_>, docs: &[Doc]) -> Wrong {
    let space = &plan.choices.namespace;
    let meta = |name: &str| json!({ "name": name, "namespace": space });
    let of = "gateway.networking.k8s.io";
    let mut should = vec![json!({
        "apiVersion": format!("{of}/v1"), "kind": "Gateway", "metadata": meta("edge"),
        "spec": { "gatewayClassName": "istio", "listeners": [{
            "name": "https", "hostname": "api.example", "port": 443, "protocol": "HTTPS",
            "tls": { "mode": "Terminate", "certificateRefs": [{ "name": "edge-certificate" }] },
            "allowedRoutes": { "namespaces": { "from": "Same" } },
        }] },
    })];
    let (mut routes, mut rules) = (BTreeMap::<&str, Vec<Value>>::new(), Vec::new());
    for r in &plan.gateway.routes {
        let path = if r.prefix {
            json!({ "type": "PathPrefix", "value": base(r) })
        } else if r.path.contains("{id}") {
            json!({ "type": "RegularExpression", "value": r.path.replace("{id}", "[^/]+") })
        } else {
            json!({ "type": "Exact", "value": r.path })
        };
        let mut matched = json!({ "path": path });
        let paths = if r.prefix {
            json!([base(r), format!("{}/*", base(r))])
        } else {
            json!([r.path.replace("{id}", "{*}")])
        };
        let mut to = json!({ "paths": paths });
        if let Some(method) = r.method {
            matched["method"] = json!(method);
            to["methods"] = json!([method]);
        }
        let slug = plan.service(r.service).slug.as_str();
        // Istio itself writes the user into `x-user-id`.
        routes.entry(slug).or_default().push(json!({
            "matches": [matched], "backendRefs": [{ "name": slug, "port": 8080 }],
            "timeouts": { "request": short(ms(r)) },
            "filters": [{ "type": "RequestHeaderModifier", "requestHeaderModifier": { "remove": &REMOVED[1..] } }],
        }));
        let mut rule = json!({ "to": [{ "operation": to }] });
        if closed(r) {
            rule["from"] =
                json!([{ "source": { "requestPrincipals": ["https://issuer.example/*"] } }]);
        }
        rules.push(rule);
    }
    for (slug, rules) in routes {
        should.push(json!({
            "apiVersion": format!("{of}/v1"), "kind": "HTTPRoute", "metadata": meta(&format!("{slug}-http")),
            "spec": { "parentRefs": [{ "name": "edge" }], "hostnames": ["api.example"], "rules": rules },
        }));
    }
    let target = json!([{ "kind": "Gateway", "group": of, "name": "edge" }]);
    let policy = |name: &str, action: &str, rules: Value| {
        json!({
            "apiVersion": "security.istio.io/v1", "kind": "AuthorizationPolicy", "metadata": meta(name),
            "spec": { "targetRefs": target, "action": action, "rules": rules },
        })
    };
    should.push(policy("edge-users", "ALLOW", json!(rules)));
    should.push(policy(
        "edge-no-forged-user",
        "DENY",
        json!([{
            "from": [{ "source": { "notRequestPrincipals": ["*"] } }],
            "when": [{ "key": "request.headers[x-user-id]", "values": ["*"] }],
        }]),
    ));
    should.push(json!({
        "apiVersion": "security.istio.io/v1", "kind": "RequestAuthentication", "metadata": meta("edge-users"),
        "spec": { "targetRefs": target, "jwtRules": [{
            "issuer": "https://issuer.example", "jwksUri": "https://issuer.example/.well-known/jwks.json",
            "audiences": ["https://api.example"], "forwardOriginalToken": true,
            "outputClaimToHeaders": [{ "header": "x-user-id", "claim": "sub" }],
        }] },
    }));
    let mut w = Wrong::default();
    let is: Vec<Value> = docs.iter().map(|d| d.value.clone()).collect();
    w.same("documents", &json!(is), &json!(should));
    w
}
