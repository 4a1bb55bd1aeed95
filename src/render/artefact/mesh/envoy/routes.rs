//! Which requests are which call: routes to a callee, and routes inside to the service itself.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::super::super::super::Cx;
use super::super::super::envoy::duration;
use super::super::super::path::{Piece, literal, pieces, regex, template};
use crate::model::units::Time;
use crate::model::{CallId, Protocol};
use crate::plan::{address, slug};

/// After this time Envoy ends a request on which nothing moves, unless its route says otherwise.
const IDLE: Time = Time(300 * 1_000_000);

/// Requests that one route takes.
pub(super) struct Operation {
    /// A word for the route: letters, digits and `-`.
    pub(super) name: String,
    matcher: Value,
    /// Carried by gRPC.
    pub(super) grpc: bool,
    /// The call whose numbers hold: of several the one that waits longest. `None` for requests of which the
    /// design says nothing but that they come.
    pub(super) call: Option<CallId>,
}

/// How specific a route is, the most specific first, and what tells it from others.
type Order = (u8, usize, Reverse<usize>, String);

/// The operations that `calls` ask for, then one for all else by each protocol that is served. A stream has
/// neither a time limit nor one of the slots of a call.
pub(super) fn operations(
    cx: &Cx<'_>,
    calls: &[CallId],
    served: &[&str],
    streams: bool,
) -> Vec<Operation> {
    let mut found: BTreeMap<Order, Operation> = BTreeMap::new();
    for (grpc, protocol) in [(true, "grpc"), (false, "http")] {
        if served.contains(&protocol) {
            let (order, matcher) = all_else(grpc);
            let name = "all-else".to_owned();
            found.insert(
                order,
                Operation {
                    name,
                    matcher,
                    grpc,
                    call: None,
                },
            );
        }
    }
    for &id in calls {
        let call = cx.plan.model.call(id);
        if !call.protocol.is_http() {
            continue;
        }
        let grpc = call.protocol == Protocol::Grpc;
        let (order, matcher) = matching(cx, id);
        let rest = order.0 >= REST;
        if rest && streams {
            continue;
        }
        let entry = found.entry(order).or_insert_with(|| Operation {
            name: slug(&call.label()),
            matcher,
            grpc,
            call: Some(id),
        });
        let slower = |other: CallId| {
            let time = |c: CallId| cx.plan.call(c).timeout.value;
            (time(id), Reverse(id)) > (time(other), Reverse(other))
        };
        if entry.call.is_none_or(slower) {
            entry.call = Some(id);
        }
    }
    found.into_values().collect()
}

/// From here on routes are for all else.
const REST: u8 = 3;

fn all_else(grpc: bool) -> (Order, Value) {
    let mut matcher = json!({ "prefix": "/" });
    if grpc {
        matcher["grpc"] = json!({});
    }
    // What is gRPC matches the other one as well.
    let rank = REST + u8::from(!grpc);
    ((rank, 0, Reverse(0), String::new()), matcher)
}

fn matching(cx: &Cx<'_>, id: CallId) -> (Order, Value) {
    let c = cx.plan.model.call(id);
    if let Some(rpc) = cx.plan.rpc(id) {
        let (rank, matcher) = match rpc.method {
            Some(_) => (
                0,
                json!({ "path": format!("/{}", rpc.full_method()), "grpc": {} }),
            ),
            None => (
                2,
                json!({ "prefix": format!("/{}/", rpc.full_service()), "grpc": {} }),
            ),
        };
        let text = matcher.to_string();
        return ((rank, 0, Reverse(text.len()), text), matcher);
    }
    if matches!(c.protocol, Protocol::Other(_)) {
        return all_else(false);
    }
    let (method, path, prefix) = address(&c.protocol, &c.operation);
    let path = pieces(&path);
    let exact = literal(&path).filter(|p| !p.contains('%'));
    let params = path.iter().filter(|p| matches!(p, Piece::Param(_))).count();
    let length = Reverse(template(&path).len());
    let (rank, mut matcher) = match (exact.as_deref().map(|p| p.trim_end_matches('/')), prefix) {
        (Some(""), true) if method.is_none() => return all_else(false),
        (Some(""), true) => (2, json!({ "prefix": "/" })),
        (Some(path), true) => (2, json!({ "path_separated_prefix": path })),
        (Some(_), false) => (0, json!({ "path": exact })),
        (None, true) => {
            let base = regex(&path);
            let pattern = format!("{}(/.*)?", base.trim_end_matches('/'));
            (2, json!({ "safe_regex": { "regex": pattern } }))
        }
        (None, false) => (1, json!({ "safe_regex": { "regex": regex(&path) } })),
    };
    if let Some(method) = method {
        matcher["headers"] = json!([{ "name": ":method", "string_match": { "exact": method } }]);
    }
    // Among prefixes the longer one is the more specific, whatever stands in it.
    let params = if prefix { 0 } else { params };
    let text = format!("{} {matcher}", u8::from(method.is_none()));
    ((rank, params, length, text), matcher)
}

/// A route to `cluster`. With `retries` Envoy makes the attempts that are the code's otherwise, and the whole
/// call has its deadline.
pub(super) fn route(cx: &Cx<'_>, o: &Operation, cluster: &str, retries: bool) -> Value {
    let mut action = Map::new();
    action.insert("cluster".into(), json!(cluster));
    let plan = o.call.map(|c| cx.plan.call(c));
    let whole = |p: &crate::plan::CallPlan| {
        if retries {
            p.worst_case()
        } else {
            p.timeout.value
        }
    };
    let timeout = plan.map(whole);
    // A time limit would end a stream, however well it is.
    let text = timeout.map_or_else(|| "0s".to_owned(), duration);
    action.insert("timeout".into(), json!(text));
    if timeout.is_some_and(|t| t >= IDLE) {
        action.insert("idle_timeout".into(), json!("0s"));
    }
    if let (Some(p), true) = (plan, retries)
        && p.attempts.value > 1
    {
        let again = p.backoff.len();
        let mut policy = json!({
            "retry_on": retry_on(p.idempotent.value, o.grpc),
            "num_retries": again,
            "per_try_timeout": duration(p.timeout.value),
            "retry_back_off": {
                "base_interval": duration(p.backoff_base.value),
                "max_interval": duration(p.backoff_cap.value),
            },
            "retry_host_predicate": [{
                "name": "envoy.retry_host_predicates.previous_hosts",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate",
                },
            }],
            // Envoy would look once more: of two instances it takes the same again in every fourth retry.
            "host_selection_retry_max_attempts": 10,
        });
        if !o.grpc {
            policy["retriable_status_codes"] = json!([429]);
        }
        action.insert("retry_policy".into(), policy);
    }
    json!({
        "name": o.name,
        "match": o.matcher,
        "route": action,
        "decorator": { "operation": o.name },
    })
}

/// The errors after which the code would try again: what processed nothing, and for calls that may be
/// repeated also what may have been processed.
fn retry_on(idempotent: bool, grpc: bool) -> &'static str {
    match (idempotent, grpc) {
        (true, true) => {
            "connect-failure,refused-stream,resource-exhausted,reset,gateway-error,unavailable"
        }
        (true, false) => {
            "connect-failure,refused-stream,retriable-status-codes,reset,gateway-error"
        }
        (false, true) => "connect-failure,refused-stream,resource-exhausted",
        (false, false) => "connect-failure,refused-stream,retriable-status-codes",
    }
}
