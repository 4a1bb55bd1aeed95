//! NGINX: a complete `nginx.conf`.

use std::fmt::Write as _;

use super::{
    COLLECTOR, Edge, EdgeRoute, File, ISSUER, PORT, PUBLIC_HOST, REMOVED, Token, comment, new_file,
    per_minute, shape,
};
use crate::model::Transport;

/// Which resolver answers inside the platform; NGINX takes addresses only.
fn resolver(infrastructure: &str) -> &'static str {
    match infrastructure {
        "aws" => "169.254.169.253",
        "gcp" => "169.254.169.254",
        "azure" => "168.63.129.16",
        _ => "10.96.0.10",
    }
}

pub(super) fn file(edge: &Edge<'_>) -> File {
    let mut out = comment(&[
        "NGINX. TLS ends at the load balancer in front; gRPC comes in on port 8081 without TLS."
            .to_owned(),
        format!(
            "Replace: token-check.example (checks tokens of {ISSUER}), {PUBLIC_HOST}, the resolver, port {PORT}."
        ),
        "Limits are those of one NGINX: divide them by the number of gateways.".to_owned(),
    ]);
    out.push_str("worker_processes auto;\nevents { worker_connections 4096; }\nhttp {\n");
    let _ = writeln!(
        out,
        "  resolver {} valid=10s;\n  limit_req_status 429;\n  proxy_connect_timeout 1s;\n  grpc_connect_timeout 1s;\n  map_hash_bucket_size 256;\n  variables_hash_bucket_size 256;\n  variables_hash_max_size 4096;\n",
        resolver(&edge.plan.choices.infrastructure.id)
    );
    trace(edge, &mut out);
    out.push_str("  map $http_upgrade $connection_upgrade { default upgrade; \"\" \"\"; }\n\n");
    let (locations, left_out) = locations(edge);
    for (n, routes) in locations.iter().enumerate() {
        maps(&mut out, n, routes);
    }
    let grpc = edge.routes.iter().any(|r| r.grpc);
    out.push_str("  server {\n    listen 8080;\n");
    if grpc {
        out.push_str("    listen 8081 http2;\n");
    }
    let _ = writeln!(out, "    server_name {PUBLIC_HOST};");
    out.push_str(AUTH);
    for (n, routes) in locations.iter().enumerate() {
        location(edge, &mut out, n, routes);
    }
    if !edge
        .routes
        .iter()
        .any(|r| r.prefix && shape(&r.path) == "/")
    {
        out.push_str("    location / { return 404; }\n");
    }
    out.push_str("  }\n}\n");
    let mut file = new_file(out, Some("`nginx -t`"));
    file.left_out = left_out;
    file.notes.push("NGINX without its commercial modules checks no tokens: `token-check.example` does, asked by `auth_request`.");
    file.notes.push("It exports no spans either: it passes `traceparent` on or starts one, and the first span is that of the service behind.");
    file
}

/// The subrequest that checks a token, and the answer to a request above its limit.
const AUTH: &str = r#"    error_page 429 = @limited;
    location @limited { internal; add_header Retry-After 1 always; return 429; }
    location = /_token_required {
      internal;
      set $checker token-check.example;
      proxy_pass http://$checker/required;
      proxy_pass_request_body off;
      proxy_set_header Content-Length "";
    }
    location = /_token_if_present {
      internal;
      set $checker token-check.example;
      proxy_pass http://$checker/if-present;
      proxy_pass_request_body off;
      proxy_set_header Content-Length "";
    }
"#;

fn trace(edge: &Edge<'_>, out: &mut String) {
    let percent = edge.plan.tracing.ratio.value.0 * 100.0;
    // 100 % leaves no rest, which split_clients writes as `*`.
    let share = if percent < 99.995 {
        format!("{percent:.2}% \"01\"; * \"00\";")
    } else {
        "* \"01\";".to_owned()
    };
    let _ = writeln!(
        out,
        "  # A trace that a client started goes on; otherwise one starts here. Spans go to {COLLECTOR} from the services."
    );
    let _ = writeln!(out, "  split_clients $request_id $sampled {{ {share} }}");
    out.push_str(
        "  map $request_id $first_span { \"~^(?<half>[0-9a-f]{16})\" $half; }\n  map $http_traceparent $trace {\n    \"~^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$\" $http_traceparent;\n    default \"00-$request_id-$first_span-$sampled\";\n  }\n",
    );
}

/// Routes that share a location: NGINX chooses by path alone.
fn locations<'e>(edge: &'e Edge<'_>) -> (Vec<Vec<&'e EdgeRoute>>, Vec<(String, &'static str)>) {
    let mut left_out = Vec::new();
    let mut out: Vec<Vec<&EdgeRoute>> = Vec::new();
    for r in &edge.routes {
        let same = |o: &Vec<&EdgeRoute>| {
            o.first()
                .is_some_and(|o| shape(&o.path) == shape(&r.path) && o.prefix == r.prefix)
        };
        match out.iter_mut().find(|o| same(o)) {
            Some(group) if group.iter().any(|o| o.grpc != r.grpc) => {
                left_out.push((
                    r.name.clone(),
                    "NGINX chooses by path alone, and the same path carries HTTP and gRPC here",
                ));
            }
            Some(group) => group.push(r),
            None => out.push(vec![r]),
        }
    }
    (out, left_out)
}

fn id(r: &EdgeRoute) -> String {
    r.name.replace('-', "_")
}

/// Which service answers which method, and whose limits count.
fn maps(out: &mut String, n: usize, routes: &[&EdgeRoute]) {
    let _ = writeln!(out, "  map $request_method $to_{n} {{");
    for r in routes {
        let method = r.method.unwrap_or("default");
        let _ = writeln!(out, "    {method} \"{}:{PORT}\";", r.host);
    }
    if routes.iter().all(|r| r.method.is_some()) {
        out.push_str("    default \"\";\n");
    }
    out.push_str("  }\n");
    for r in routes {
        let id = id(r);
        // A request without a key is not counted.
        match r.method {
            Some(m) => {
                let _ = writeln!(
                    out,
                    "  map $request_method $all_{id} {{ {m} all; default \"\"; }}"
                );
                let _ = writeln!(
                    out,
                    "  map $request_method $one_{id} {{ {m} $binary_remote_addr; default \"\"; }}"
                );
            }
            None => {
                let others: String = routes
                    .iter()
                    .filter_map(|o| o.method)
                    .map(|m| format!("{m} \"\"; "))
                    .collect();
                let _ = writeln!(
                    out,
                    "  map $request_method $all_{id} {{ {others}default all; }}"
                );
                let _ = writeln!(
                    out,
                    "  map $request_method $one_{id} {{ {others}default $binary_remote_addr; }}"
                );
            }
        }
        let _ = writeln!(
            out,
            "  limit_req_zone $all_{id} zone=all_{id}:64k rate={}r/m;\n  limit_req_zone $one_{id} zone=one_{id}:10m rate={}r/m;",
            per_minute(r.limit),
            per_minute(r.client_limit)
        );
    }
}

fn location(edge: &Edge<'_>, out: &mut String, n: usize, routes: &[&EdgeRoute]) {
    let Some(first) = routes.first() else { return };
    if first.prefix && shape(&first.path) == "/" {
        out.push_str("    location / {\n");
    } else {
        let _ = writeln!(out, "    location ~ \"^{}$\" {{", first.pattern());
    }
    let _ = writeln!(out, "      if ($to_{n} = \"\") {{ return 405; }}");
    for r in routes {
        let id = id(r);
        // A second's share of the route may come at once; a client has its own burst.
        let second = per_minute(r.limit).div_ceil(60);
        let _ = writeln!(
            out,
            "      limit_req zone=all_{id} burst={second} nodelay;\n      limit_req zone=one_{id} burst={} nodelay;",
            r.burst
        );
    }
    let check = if routes.iter().any(|r| r.token == Token::Required) {
        "required"
    } else {
        "if_present"
    };
    let _ = writeln!(
        out,
        "      auth_request /_token_{check};\n      auth_request_set $user $upstream_http_x_user_id;"
    );
    let (pass, scheme) = if first.grpc {
        ("grpc", "grpc")
    } else {
        ("proxy", "http")
    };
    let ms = routes.iter().filter_map(|r| r.timeout_ms()).max();
    let stream = routes.iter().any(|r| r.stream.is_some());
    let wait = match (ms, stream) {
        (Some(ms), false) => format!("{ms}ms"),
        // A stream ends when it has been silent for longer than the gateway's idle limit.
        _ => format!("{}s", edge.plan.choices.gateway.idle_s),
    };
    let _ = writeln!(
        out,
        "      {pass}_read_timeout {wait};\n      {pass}_send_timeout {wait};\n      {pass}_next_upstream off;"
    );
    for header in REMOVED.iter().filter(|h| **h != "x-user-id") {
        let _ = writeln!(out, "      {pass}_set_header {header} \"\";");
    }
    let _ = writeln!(
        out,
        "      {pass}_set_header x-user-id $user;\n      {pass}_set_header x-request-id $request_id;\n      {pass}_set_header traceparent $trace;"
    );
    if !edge.forwards_token() {
        let _ = writeln!(out, "      {pass}_set_header authorization \"\";");
    }
    if !first.grpc {
        out.push_str("      proxy_http_version 1.1;\n");
        if routes
            .iter()
            .any(|r| r.stream == Some(Transport::WebSocket))
        {
            out.push_str("      proxy_set_header Upgrade $http_upgrade;\n      proxy_set_header Connection $connection_upgrade;\n");
        } else {
            out.push_str("      proxy_set_header Connection \"\";\n");
        }
        if routes.iter().any(|r| r.stream == Some(Transport::Sse)) {
            out.push_str("      proxy_buffering off;\n");
        }
    }
    let _ = writeln!(out, "      {pass}_pass {scheme}://$to_{n};\n    }}");
}
