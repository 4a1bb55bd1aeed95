//! The mesh: how proxies between services treat each call, and who may call whom.
//!
//! The caller's code retries (`plan::proxy` says why), so that each of its attempts is one request for the
//! mesh: a route's timeout is that of one attempt, and no route retries. A second file for Envoy is for code
//! that does not retry.

mod envoy;
mod istio;
mod linkerd;
#[cfg(all(test, feature = "conformance"))]
mod real;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::super::Cx;
use super::{File, Kind, comment_line, documents};
use crate::model::units::Time;
use crate::model::{CallId, ServiceId};
use crate::plan::Ejection;

pub(super) use envoy::METRICS as ENVOY_METRICS;
pub(super) use linkerd::failure_accrual;

pub(super) const KIND: Kind = Kind {
    id: "mesh",
    what: "routes, limits and policies of the mesh a service: Istio, Linkerd or Envoy",
    files,
};

/// Where the gateway's own pods run; to be replaced by the team.
pub(super) const GATEWAY_NAMESPACE: &str = "gateway-system";
/// Where Prometheus runs; to be replaced by the team.
pub(super) const MONITORING_NAMESPACE: &str = "monitoring";

fn files(cx: &Cx<'_>) -> Vec<File> {
    match cx.plan.choices.mesh.id.as_str() {
        "envoy" => envoy::files(cx),
        "istio" => istio::files(cx),
        "linkerd" => linkerd::files(cx),
        _ => Vec::new(),
    }
}

/// Our own services with the calls that reach each.
fn called(cx: &Cx<'_>) -> BTreeMap<ServiceId, Vec<CallId>> {
    let model = cx.plan.model;
    model
        .service_ids()
        .filter(|id| !model.service(*id).external)
        .map(|id| (id, cx.plan.callers(id).to_vec()))
        .collect()
}

/// The services that hold connections of streams.
fn streaming(cx: &Cx<'_>) -> BTreeSet<ServiceId> {
    cx.plan.streams.iter().filter_map(|s| s.server).collect()
}

fn meta(cx: &Cx<'_>, name: &str) -> Value {
    json!({ "name": name, "namespace": cx.plan.choices.namespace })
}

fn file(folder: &str, name: &str, told: &[String], parts: &[Value]) -> File {
    let head: String = told.iter().map(|t| comment_line("#", t)).collect();
    File {
        path: format!("{folder}/{name}.yaml"),
        fence: "yaml",
        text: head + &documents(parts),
        checked_by: None,
        notes: Vec::new(),
    }
}

/// What ejection cannot say of the breaker that it is taken from.
fn unlike_the_breaker(cx: &Cx<'_>, e: &Ejection) -> Vec<String> {
    vec![
        format!(
            "Ejection has its numbers from the breaker of {}: {} failures in a row ({}), out for {}.",
            cx.plan.model.call_name(e.call),
            e.failures.value,
            e.failures.why,
            e.time.value
        ),
        "It counts failures of one instance in a row, not a share in a window, sees no slow answers, and \
         ends without probes. The breaker stays in the caller's code."
            .to_owned(),
    ]
}

/// `1500ms`: at least a millisecond, the smallest that proxies read.
fn duration(time: Time) -> String {
    format!("{}ms", time.as_ms().max(1))
}
