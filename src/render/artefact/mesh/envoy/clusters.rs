//! Where requests go: a cluster for each call, since limits and ejection are a cluster's, and the service
//! itself.

use serde_json::{Map, Value, json};

use super::super::super::super::Cx;
use super::super::super::envoy::{
    assignment, cluster, duration, http2, identity_of, outside, towards,
};
use crate::model::{CallId, ServiceId};
use crate::plan::{ProxyPlan, ServicePlan};

/// So many that Envoy itself never refuses for it.
const NO_LIMIT: u32 = u32::MAX;

/// Where a cluster leads.
pub(super) struct Target<'p> {
    pub(super) service: ServiceId,
    pub(super) proxy: &'p ProxyPlan,
    /// `http`, `grpc` or `tcp`.
    pub(super) protocol: &'static str,
    pub(super) port: u16,
}

/// The instances of a callee as the caller `own` reaches them for one call; without a call, for requests of
/// which the design knows no limits.
pub(super) fn callee(
    cx: &Cx<'_>,
    own: &ServicePlan,
    name: &str,
    to: &Target<'_>,
    call: Option<CallId>,
    retries: bool,
) -> Value {
    let s = cx.plan.service(to.service);
    let external = cx.plan.model.service(to.service).external;
    let grpc = to.protocol == "grpc";
    let connect = duration(to.proxy.connect.value);
    let host = host(cx, to.service);
    let mut out = cluster(name, &host, to.port, &connect, grpc);
    if external {
        out["type"] = json!("LOGICAL_DNS");
        out["transport_socket"] = outside(&host);
    } else {
        let alpn: &[&str] = match to.protocol {
            "grpc" => &["h2"],
            "http" => &["http/1.1"],
            _ => &[],
        };
        let [own, peer] = [own, s].map(|s| identity_of(cx, &s.slug));
        out["transport_socket"] = towards(&own, &peer, alpn);
        if let Some(checks) = health(s, &host, to.protocol) {
            out["health_checks"] = checks;
        }
    }
    let Some(call) = call else {
        return out;
    };
    if to.protocol != "tcp" {
        out["circuit_breakers"] = limits(cx, call, retries);
    }
    if let (Some(e), false) = (cx.plan.ejection(call), external) {
        out["outlier_detection"] = json!({
            "consecutive_5xx": e.failures.value,
            "interval": duration(e.interval.value),
            "base_ejection_time": duration(e.time.value),
            "max_ejection_time": duration(e.time_max.value),
            "max_ejection_percent": e.share.value,
            // Envoy would compare instances with each other as well; the breaker does not.
            "enforcing_success_rate": 0,
        });
        // An instance is left out at once, not after the next second, and no matter how many are.
        out["common_lb_config"] = json!({
            "healthy_panic_threshold": { "value": 0 },
            "update_merge_window": "0s",
        });
    }
    out
}

/// The host name of a service; of somebody else's one to be replaced.
pub(super) fn host(cx: &Cx<'_>, id: ServiceId) -> String {
    let s = cx.plan.service(id);
    if cx.plan.model.service(id).external {
        format!("{}.example", s.slug)
    } else {
        s.address.clone()
    }
}

/// The bulkhead: so many requests at once and no more. Connections do not count, since a request of HTTP/1
/// that waits for one would be let through the limit.
fn limits(cx: &Cx<'_>, call: CallId, retries: bool) -> Value {
    let p = cx.plan.call(call);
    let slots = p.slots.value.min(NO_LIMIT.into());
    let mut threshold = Map::new();
    threshold.insert("max_connections".into(), json!(NO_LIMIT));
    threshold.insert("max_pending_requests".into(), json!(slots));
    threshold.insert("max_requests".into(), json!(slots));
    if retries && p.attempts.value > 1 {
        let percent = p.retry_budget.value.percent();
        threshold.insert(
            "retry_budget".into(),
            json!({ "budget_percent": { "value": percent } }),
        );
    }
    threshold.insert("track_remaining".into(), json!(true));
    json!({ "thresholds": [threshold] })
}

/// The question of the readiness probe, asked by each caller; `None` where nothing answers it.
fn health(s: &ServicePlan, host: &str, protocol: &str) -> Option<Value> {
    let health = s.health.as_ref().filter(|h| !h.lacking)?;
    let mut out = Map::new();
    out.insert("timeout".into(), json!(format!("{}s", health.timeout_s)));
    out.insert("interval".into(), json!(format!("{}s", health.period_s)));
    out.insert(
        "unhealthy_threshold".into(),
        json!(health.failure_threshold),
    );
    out.insert("healthy_threshold".into(), json!(1));
    match (health.grpc, protocol) {
        (true, "grpc") => out.insert("grpc_health_check".into(), json!({})),
        (false, "http") => out.insert(
            "http_health_check".into(),
            json!({ "host": host, "path": health.readiness }),
        ),
        (_, "tcp") => out.insert("tcp_health_check".into(), json!({})),
        // The answer comes from another port.
        _ => return None,
    };
    Some(json!([out]))
}

/// The service itself, behind its Envoy. Its callers' bulkheads are the limit of what comes in.
pub(super) fn own(name: &str, port: u16, grpc: bool) -> Value {
    let mut out = json!({
        "name": name,
        "type": "STATIC",
        "connect_timeout": "1s",
        "circuit_breakers": { "thresholds": [{
            "max_connections": NO_LIMIT,
            "max_pending_requests": NO_LIMIT,
            "max_requests": NO_LIMIT,
        }] },
        "load_assignment": assignment(name, "127.0.0.1", port),
    });
    if grpc {
        out["typed_extension_protocol_options"] = http2();
    }
    out
}
