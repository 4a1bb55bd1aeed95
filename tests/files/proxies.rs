//! NGINX and Azure API Management, word by word: what their files say is text, not a document.

use msdesign::plan::Route;

use super::gateway::{REMOVED, closed, id, ms};
use super::{
    Artefact, Doc, Model, Plan, Wrong, made_of, only, survivors,
    words::{compare, words},
};

/// The routes of the other gateways, and beside them gRPC and both kinds of stream.
const EDGE: &str = include_str!("edge.toml");
const MORE: &str = r#"
realtime = ["orders --SSE /orders/{id}/events--> app", "items --WebSocket /live--> app"]
"#;

/// The routes by name, each before those that would take its requests as well.
pub(super) const ORDER: [&str; 7] = [
    "cart-post-shop-cart-get",
    "orders-post-orders",
    "items-get-live",
    "orders-get-orders-id-events",
    "items-delete-orders-id",
    "orders-get-orders-id",
    "web-any-pages",
];

pub(super) fn behind(infrastructure: &str, gateway: &str, mesh: &str) -> (Model, Vec<Artefact>) {
    let edge = EDGE
        .replace("\"web\"]", "\"web\", \"cart\"]")
        .replace("sync = [", "sync = [\n  { call = \"app --gRPC shop.Cart/Get--> cart\", rate = \"7/s\", timeout = \"900ms\", retries = 0 },");
    made_of(&format!(
        "infrastructure = \"{infrastructure}\"\n{edge}{MORE}[platform]\nauth = \"jwt\"\ngateway = \"{gateway}\"\nmesh = \"{mesh}\"\n"
    ))
}

pub(super) fn ordered<'p>(plan: &'p Plan<'_>) -> Vec<&'p Route> {
    let routes = &plan.gateway.routes;
    assert_eq!(routes.len(), ORDER.len());
    let named = |name: &str| routes.iter().find(|r| id(plan, r) == name);
    ORDER.iter().map(|name| named(name).unwrap()).collect()
}

/// Changes each word of the gateway's file.
fn noticed(
    (infrastructure, gateway): (&str, &str),
    comment: &str,
    least: usize,
    should: fn(&Plan<'_>) -> String,
) {
    let (model, files) = behind(infrastructure, gateway, "none");
    let plan = Plan::new(&model);
    assert_eq!(plan.choices.gateway.id, gateway);
    let file = files
        .iter()
        .find(|f| f.path.starts_with("gateway/"))
        .unwrap();
    let should = words(&should(&plan), |_| false);
    let (changed, found) = survivors(
        &[words(&file.text, |l| l.starts_with(comment))],
        |d: &[Doc]| {
            let mut w = Wrong::default();
            compare(&mut w, &d[0].value, &should.value);
            w
        },
    );
    only(&found, &[]);
    assert!(changed > least, "{changed}");
}

fn per_minute(rate: f64) -> u64 {
    ((rate * 60.0 - 1e-6).ceil() as u64).max(1)
}

#[test]
fn each_changed_word_for_nginx_is_noticed() {
    noticed(("kubernetes", "nginx"), "#", 400, nginx);
}

fn nginx(plan: &Plan<'_>) -> String {
    let routes = ordered(plan);
    let mut out = r#"
worker_processes auto;
events { worker_connections 4096; }
http {
resolver 10.96.0.10 valid=10s;
limit_req_status 429;
proxy_connect_timeout 1s;
grpc_connect_timeout 1s;
map_hash_bucket_size 256;
variables_hash_bucket_size 256;
variables_hash_max_size 4096;
"#
    .to_owned();
    let percent = plan.tracing.ratio.value.0 * 100.0;
    out += &format!("split_clients $request_id $sampled {{ {percent:.2}% \"01\"; * \"00\"; }}\n");
    out += r##"
map $request_id $first_span { "~^(?<half>[0-9a-f]{16})" $half; }
map $http_traceparent $trace {
"~^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$" $http_traceparent;
default "00-$request_id-$first_span-$sampled";
}
map $http_upgrade $connection_upgrade { default upgrade; "" ""; }
map $request_uri $path { "~^(?<before_query>[^?]*)" $before_query; }
map $path $odd { default ""; "~*//|/(\.|%2e){1,2}(/|$)|%2f|%5c|%00|\\|#" 1; }
map $http_content_type $rpc { default http; "~^application/grpc([+]|$)" grpc; }
map "$rpc $request_method $path" $route {
default "";
"~^grpc POST /shop\.Cart/Get$" cart-post-shop-cart-get;
"~^\S+ POST /orders$" orders-post-orders;
"~^\S+ GET /live$" items-get-live;
"~^\S+ GET /orders/[^/]+/events$" orders-get-orders-id-events;
"~^\S+ DELETE /orders/[^/]+$" items-delete-orders-id;
"~^\S+ GET /orders/[^/]+$" orders-get-orders-id;
"~^\S+ \S+ /pages(/.*)?$" web-any-pages;
}
map $path $allowed {
default "";
"~^/orders$" "POST";
"~^/live$" "GET";
"~^/orders/[^/]+/events$" "GET";
"~^/orders/[^/]+$" "DELETE, GET";
}
"##;
    for (key, zone, size, rate) in [
        (
            "$route",
            "all",
            "1m",
            (|r| r.limit.value.0) as fn(&Route) -> f64,
        ),
        ("\"$route $binary_remote_addr\"", "one", "10m", |r| {
            r.client_limit.value.0
        }),
    ] {
        let mut rates: Vec<u64> = routes.iter().map(|r| per_minute(rate(r))).collect();
        rates.sort_unstable();
        rates.dedup();
        for n in rates {
            out += &format!("limit_req_zone {key} zone={zone}_{n}:{size} rate={n}r/m;\n");
        }
    }
    out += r#"
server {
listen 8080;
listen 8081 http2;
server_name api.example;
client_max_body_size 0;
error_page 429 = @limited;
location @limited { internal; add_header Retry-After 1 always; return 429; }
"#;
    for (name, place) in [("required", "required"), ("if_present", "if-present")] {
        out += &format!(
            "location = /_token_{name} {{\ninternal;\nset $checker token-check.example;\nproxy_pass http://$checker/{place};\nproxy_pass_request_body off;\nproxy_set_header Content-Length \"\";\n}}\n"
        );
    }
    out += r#"
location / {
add_header Allow $allowed always;
if ($odd) { return 400; }
if ($route) { rewrite ^ /_route/$route last; }
if ($allowed) { return 405; }
return 404;
}
"#;
    for r in routes {
        // The first request is not counted.
        let burst = |n: u64| match n {
            1 => String::new(),
            n => format!(" burst={} nodelay", n - 1),
        };
        let pass = if r.grpc { "grpc" } else { "proxy" };
        let wait = if r.stream.is_some() {
            format!("{}s", plan.choices.gateway.idle_s)
        } else {
            format!("{}ms", ms(r))
        };
        out += &format!("location = /_route/{} {{\ninternal;\n", id(plan, r));
        out += &format!(
            "limit_req zone=all_{}{};\n",
            per_minute(r.limit.value.0),
            burst(r.at_once.value)
        );
        out += &format!(
            "limit_req zone=one_{}{};\n",
            per_minute(r.client_limit.value.0),
            burst(r.burst.value)
        );
        out += &format!(
            "client_max_body_size {};\n",
            r.body.as_ref().map_or(0, |b| b.value.0)
        );
        out += &format!(
            "auth_request /_token_{};\n",
            if closed(r) { "required" } else { "if_present" }
        );
        out += "auth_request_set $user $upstream_http_x_user_id;\n";
        out += &format!(
            "{pass}_read_timeout {wait};\n{pass}_send_timeout {wait};\n{pass}_next_upstream off;\n"
        );
        for header in &REMOVED[1..] {
            out += &format!("{pass}_set_header {header} \"\";\n");
        }
        for (header, value) in [
            ("x-user-id", "$user"),
            ("x-request-id", "$request_id"),
            ("traceparent", "$trace"),
        ] {
            out += &format!("{pass}_set_header {header} {value};\n");
        }
        out += &format!("set $service {}:8080;\n", plan.service(r.service).address);
        if r.grpc {
            out += "rewrite ^ $path break;\ngrpc_pass grpc://$service;\n}\n";
            continue;
        }
        out += "proxy_http_version 1.1;\n";
        out += match r.path.as_str() {
            "/live" => {
                "proxy_set_header Upgrade $http_upgrade;\nproxy_set_header Connection $connection_upgrade;\n"
            }
            "/orders/{id}/events" => "proxy_set_header Connection \"\";\nproxy_buffering off;\n",
            _ => "proxy_set_header Connection \"\";\n",
        };
        out += "proxy_pass http://$service$request_uri;\n}\n";
    }
    out + "}\n}\n"
}

#[test]
fn each_changed_word_for_azure_is_noticed() {
    noticed(("azure", "azure-apim"), "<!--", 200, azure);
}

fn azure(plan: &Plan<'_>) -> String {
    // Calls by gRPC and WebSockets are other kinds of API there.
    let routes = ordered(plan).into_iter();
    let routes: Vec<&Route> = routes.filter(|r| !r.grpc && r.path != "/live").collect();
    let mut out = "<policies>\n<inbound>\n<base />\n".to_owned();
    for header in REMOVED {
        out += &format!("<set-header name=\"{header}\" exists-action=\"delete\" />\n");
    }
    out += "<set-header name=\"x-request-id\" exists-action=\"override\"><value>@(context.RequestId.ToString())</value></set-header>\n";
    let nothing = "<otherwise>\n<return-response><set-status code=\"404\" reason=\"Not Found\" /></return-response>\n</otherwise>\n</choose>\n";
    let when = |r: &Route| {
        format!(
            "<when condition=\"@(context.Operation.Id == &quot;{}&quot;)\">\n",
            id(plan, r)
        )
    };
    out += "<choose>\n";
    for r in &routes {
        out += &when(r);
        if let Some(most) = &r.body {
            out += &format!(
                "<choose><when condition=\"@(context.Request.Body != null &amp;&amp; long.Parse(context.Request.Headers.GetValueOrDefault(&quot;Content-Length&quot;, &quot;0&quot;)) &gt; {})\"><return-response><set-status code=\"413\" reason=\"Content Too Large\" /></return-response></when></choose>\n",
                most.value.0
            );
        }
        for (who, key, rate) in [
            ("all", "", r.limit.value.0),
            (
                "client",
                " + context.Request.IpAddress",
                r.client_limit.value.0,
            ),
        ] {
            let (calls, seconds) = if (rate - rate.round()).abs() < 1e-9 {
                (rate.round() as u64, 1)
            } else {
                (per_minute(rate), 60)
            };
            out += &format!(
                "<rate-limit-by-key calls=\"{calls}\" renewal-period=\"{seconds}\" counter-key=\"@(&quot;{} {who} &quot;{key})\" />\n",
                id(plan, r)
            );
        }
        let check = r#"<validate-jwt header-name="Authorization" require-scheme="Bearer" require-expiration-time="true" failed-validation-httpcode="401" output-token-variable-name="user">
<openid-config url="https://issuer.example/.well-known/openid-configuration" />
<audiences><audience>https://api.example</audience></audiences>
<issuers><issuer>https://issuer.example</issuer></issuers>
</validate-jwt>
<set-header name="x-user-id" exists-action="override"><value>@(((Jwt)context.Variables["user"]).Subject)</value></set-header>
"#;
        out += &if closed(r) {
            check.to_owned()
        } else {
            format!(
                "<choose><when condition=\"@(context.Request.Headers.ContainsKey(&quot;Authorization&quot;))\">\n{check}</when></choose>\n"
            )
        };
        out += &format!(
            "<set-backend-service base-url=\"https://{}\" />\n</when>\n",
            plan.service(r.service).address
        );
    }
    out += &format!("{nothing}</inbound>\n<backend>\n<choose>\n");
    for r in &routes {
        out += &when(r);
        out += &if r.stream.is_some() {
            let idle = plan.choices.gateway.idle_s * 1000;
            format!("<forward-request timeout-ms=\"{idle}\" buffer-response=\"false\" />\n")
        } else {
            format!("<forward-request timeout-ms=\"{}\" />\n", ms(r))
        };
        out += "</when>\n";
    }
    out + nothing
        + "</backend>\n<outbound>\n<base />\n</outbound>\n<on-error>\n<base />\n</on-error>\n</policies>\n"
}
