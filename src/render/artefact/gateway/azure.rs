//! Azure API Management: the policy document of the API.

use std::fmt::Write as _;

use crate::model::units::Rate;

use super::{
    AUDIENCE, Edge, EdgeRoute, File, ISSUER, REMOVED, Rule, Token, fill, new_file, per_minute,
};

const NO_STREAM: &str =
    "it is an API of its own kind there (WebSocket API), without these policies";
const NO_GRPC: &str = "it is an API of its own kind there (gRPC API, self-hosted gateway only), without these policies";

/// Text as it may stand in an attribute or an element.
fn escape(text: &str) -> String {
    text.chars().fold(String::new(), |mut out, c| {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
        out
    })
}

pub(super) fn file(edge: &Edge<'_>) -> File {
    let mut left_out = Vec::new();
    let mut served: Vec<&EdgeRoute> = Vec::new();
    for r in &edge.routes {
        match (r.grpc, r.stream) {
            (true, _) => left_out.push((r.name.clone(), NO_GRPC)),
            // Server-sent events are answers like others, as long as nothing buffers them.
            (false, Some(crate::model::Transport::WebSocket)) => {
                left_out.push((r.name.clone(), NO_STREAM))
            }
            _ => served.push(r),
        }
    }
    let mut out = format!(
        "<!-- Azure API Management, policy of the API; operation ids are the route names of the chapter. Replace: {ISSUER}, {AUDIENCE}. -->\n<policies>\n  <inbound>\n    <base />\n"
    );
    for header in REMOVED {
        let _ = writeln!(
            out,
            "    <set-header name=\"{header}\" exists-action=\"delete\" />"
        );
    }
    out.push_str("    <set-header name=\"x-request-id\" exists-action=\"override\"><value>@(context.RequestId.ToString())</value></set-header>\n");
    if served.is_empty() {
        out.push_str("    <return-response><set-status code=\"404\" reason=\"Not Found\" /></return-response>\n");
    } else {
        choose(&mut out, &served, inbound);
    }
    if edge.forwards_token() {
        out.push_str(
            "    <!-- Authorization goes on to the services, which check the token again. -->\n",
        );
    } else {
        out.push_str("    <set-header name=\"Authorization\" exists-action=\"delete\" />\n");
    }
    out.push_str("  </inbound>\n  <backend>\n");
    if served.is_empty() {
        out.push_str("    <base />\n");
    }
    let forward = |out: &mut String, r: &EdgeRoute| {
        let buffer = if r.stream.is_some() {
            " buffer-response=\"false\""
        } else {
            ""
        };
        let ms = r
            .timeout_ms()
            .unwrap_or(edge.plan.choices.gateway.idle_s * 1000);
        let _ = writeln!(
            out,
            "        <forward-request timeout-ms=\"{ms}\"{buffer} />"
        );
    };
    if !served.is_empty() {
        choose(&mut out, &served, forward);
    }
    out.push_str("  </backend>\n  <outbound>\n    <base />\n  </outbound>\n  <on-error>\n    <base />\n  </on-error>\n</policies>\n");
    let mut file = new_file(out, None);
    file.left_out = left_out;
    file.cannot(
        &[Rule::Burst],
        "`rate-limit-by-key` counts in a sliding window: what is allowed in the window may come at once.",
    );
    file.cannot(
        &[Rule::Method],
        "API Management answers another method on a path of the design with 404, not 405.",
    );
    file.notes
        .push("`rate-limit-by-key` answers 429 with `Retry-After` by itself.");
    file
}

fn choose(out: &mut String, routes: &[&EdgeRoute], body: impl Fn(&mut String, &EdgeRoute)) {
    out.push_str("    <choose>\n");
    for r in routes {
        let _ = writeln!(
            out,
            "      <when condition=\"@(context.Operation.Id == &quot;{}&quot;)\">",
            escape(&r.name)
        );
        body(out, r);
        out.push_str("      </when>\n");
    }
    // An operation that nobody wrote into the design goes nowhere.
    out.push_str("      <otherwise>\n        <return-response><set-status code=\"404\" reason=\"Not Found\" /></return-response>\n      </otherwise>\n    </choose>\n");
}

/// Whole calls in whole seconds: those of a second where they are whole, else those of a minute.
fn period(rate: Rate) -> (u64, u64) {
    match fill(rate) {
        (calls, 1000) => (calls, 1),
        _ => (per_minute(rate), 60),
    }
}

fn inbound(out: &mut String, r: &EdgeRoute) {
    let name = escape(&r.name);
    if let Some(most) = r.body {
        let _ = writeln!(
            out,
            "        <choose><when condition=\"@(context.Request.Body != null &amp;&amp; long.Parse(context.Request.Headers.GetValueOrDefault(&quot;Content-Length&quot;, &quot;0&quot;)) &gt; {})\"><return-response><set-status code=\"413\" reason=\"Content Too Large\" /></return-response></when></choose>",
            most.0
        );
    }
    for (suffix, key, rate) in [
        ("all", "", r.limit),
        ("client", " + context.Request.IpAddress", r.client_limit),
    ] {
        let (calls, seconds) = period(rate);
        let _ = writeln!(
            out,
            "        <rate-limit-by-key calls=\"{calls}\" renewal-period=\"{seconds}\" counter-key=\"@(&quot;{name} {suffix} &quot;{key})\" />"
        );
    }
    let check = format!(
        "<validate-jwt header-name=\"Authorization\" require-scheme=\"Bearer\" require-expiration-time=\"true\" failed-validation-httpcode=\"401\" output-token-variable-name=\"user\">\n          <openid-config url=\"{ISSUER}/.well-known/openid-configuration\" />\n          <audiences><audience>{AUDIENCE}</audience></audiences>\n          <issuers><issuer>{ISSUER}</issuer></issuers>\n        </validate-jwt>\n        <set-header name=\"x-user-id\" exists-action=\"override\"><value>@(((Jwt)context.Variables[\"user\"]).Subject)</value></set-header>"
    );
    if r.token == Token::Required {
        let _ = writeln!(out, "        {check}");
    } else {
        let _ = writeln!(
            out,
            "        <choose><when condition=\"@(context.Request.Headers.ContainsKey(&quot;Authorization&quot;))\">\n        {check}\n        </when></choose>"
        );
    }
    let _ = writeln!(
        out,
        "        <set-backend-service base-url=\"https://{}\" />",
        escape(&r.host)
    );
}
