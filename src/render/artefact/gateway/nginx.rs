//! NGINX: a complete `nginx.conf`.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::{
    COLLECTOR, Edge, EdgeRoute, File, ISSUER, ODD, PORT, PUBLIC_HOST, REMOVED, Rule, Token,
    allowed, comment, new_file, per_minute,
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
        "Paths below /_route/ and /_token_ are its own; no service can have them.".to_owned(),
    ]);
    out.push_str("worker_processes auto;\nevents { worker_connections 4096; }\nhttp {\n");
    let _ = writeln!(
        out,
        "  resolver {} valid=10s;\n  limit_req_status 429;\n  proxy_connect_timeout 1s;\n  grpc_connect_timeout 1s;\n  map_hash_bucket_size 256;\n  variables_hash_bucket_size 256;\n  variables_hash_max_size 4096;\n",
        resolver(&edge.plan.choices.infrastructure.id)
    );
    trace(edge, &mut out);
    out.push_str("  map $http_upgrade $connection_upgrade { default upgrade; \"\" \"\"; }\n\n");
    routing(edge, &mut out);
    zones(edge, &mut out);
    let grpc = edge.routes.iter().any(|r| r.grpc);
    out.push_str("  server {\n    listen 8080;\n");
    if grpc {
        out.push_str("    listen 8081 http2;\n");
    }
    // The choice of a route and the check of a token see the body's length as well.
    let _ = writeln!(
        out,
        "    server_name {PUBLIC_HOST};\n    client_max_body_size 0;"
    );
    out.push_str(AUTH);
    out.push_str(CHOICE);
    for r in &edge.routes {
        location(edge, &mut out, r);
    }
    out.push_str("  }\n}\n");
    let mut file = new_file(out, Some("`nginx -t`"));
    file.cannot(
        &[Rule::Timeout],
        "NGINX counts a timeout between two reads, not over the whole answer: a service that sends a little at a time is not cut off.",
    );
    file.notes.push("NGINX without its commercial modules checks no tokens: `token-check.example` does, asked by `auth_request`.");
    file.notes.push("It exports no spans either: it passes `traceparent` on or starts one, and the first span is that of the service behind.");
    file
}

/// Hands a request to its route. An unknown path is 404; a known one with another method 405.
const CHOICE: &str = r#"    location / {
      add_header Allow $allowed always;
      if ($odd) { return 400; }
      if ($route) { rewrite ^ /_route/$route last; }
      if ($allowed) { return 405; }
      return 404;
    }
"#;

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

/// Which route a request takes, by its path as it came: NGINX's own locations see it decoded, and know no
/// methods.
fn routing(edge: &Edge<'_>, out: &mut String) {
    out.push_str("  map $request_uri $path { \"~^(?<before_query>[^?]*)\" $before_query; }\n");
    out.push_str(
        "  # A path that NGINX and the service behind could read in two ways is not let in.\n",
    );
    let _ = writeln!(out, "  map $path $odd {{ default \"\"; \"~*{ODD}\" 1; }}");
    out.push_str(
        "  map $http_content_type $rpc { default http; \"~^application/grpc([+]|$)\" grpc; }\n",
    );
    out.push_str("  map \"$rpc $request_method $path\" $route {\n    default \"\";\n");
    for r in &edge.routes {
        let rpc = if r.grpc { "grpc" } else { "\\S+" };
        let method = r.method.unwrap_or("\\S+");
        let _ = writeln!(out, "    \"~^{rpc} {method} {}$\" {};", r.pattern(), r.name);
    }
    out.push_str("  }\n  map $path $allowed {\n    default \"\";\n");
    for (r, methods) in allowed(edge) {
        let _ = writeln!(out, "    \"~^{}$\" \"{methods}\";", r.pattern());
    }
    out.push_str("  }\n\n");
}

/// One zone for each rate: the key tells routes and clients apart.
fn zones(edge: &Edge<'_>, out: &mut String) {
    let mut all: BTreeSet<u64> = BTreeSet::new();
    let mut one: BTreeSet<u64> = BTreeSet::new();
    for r in &edge.routes {
        all.insert(per_minute(r.limit));
        one.insert(per_minute(r.client_limit));
    }
    for rate in all {
        let _ = writeln!(
            out,
            "  limit_req_zone $route zone=all_{rate}:1m rate={rate}r/m;"
        );
    }
    for rate in one {
        let _ = writeln!(
            out,
            "  limit_req_zone \"$route $binary_remote_addr\" zone=one_{rate}:10m rate={rate}r/m;"
        );
    }
}

/// NGINX lets the first request through before it counts the burst.
fn burst(at_once: u64) -> String {
    match at_once.saturating_sub(1) {
        0 => String::new(),
        more => format!(" burst={more} nodelay"),
    }
}

fn location(edge: &Edge<'_>, out: &mut String, r: &EdgeRoute) {
    let _ = writeln!(
        out,
        "    location = /_route/{} {{\n      internal;\n      limit_req zone=all_{}{};\n      limit_req zone=one_{}{};\n      client_max_body_size {};",
        r.name,
        per_minute(r.limit),
        burst(r.at_once),
        per_minute(r.client_limit),
        burst(r.burst),
        r.body.map_or(0, |b| b.0)
    );
    let check = match r.token {
        Token::Required => "required",
        Token::IfPresent => "if_present",
    };
    let _ = writeln!(
        out,
        "      auth_request /_token_{check};\n      auth_request_set $user $upstream_http_x_user_id;"
    );
    let (pass, scheme) = if r.grpc {
        ("grpc", "grpc")
    } else {
        ("proxy", "http")
    };
    let wait = r.timeout_ms().map_or_else(
        // A stream ends when it has been silent for longer than the gateway's idle limit.
        || format!("{}s", edge.plan.choices.gateway.idle_s),
        |ms| format!("{ms}ms"),
    );
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
    let _ = writeln!(out, "      set $service {}:{PORT};", r.host);
    if r.grpc {
        // With a variable, the path goes on as NGINX has it; a route's name is no gRPC method.
        let _ = writeln!(
            out,
            "      rewrite ^ $path break;\n      grpc_pass {scheme}://$service;\n    }}"
        );
        return;
    }
    let _ = writeln!(out, "      proxy_http_version 1.1;");
    if r.stream == Some(Transport::WebSocket) {
        out.push_str("      proxy_set_header Upgrade $http_upgrade;\n      proxy_set_header Connection $connection_upgrade;\n");
    } else {
        out.push_str("      proxy_set_header Connection \"\";\n");
    }
    if r.stream == Some(Transport::Sse) {
        out.push_str("      proxy_buffering off;\n");
    }
    let _ = writeln!(
        out,
        "      proxy_pass {scheme}://$service$request_uri;\n    }}"
    );
}
