//! gRPC service configuration: what a client is told about timeouts, retries and balancing.
//!
//! `timeout` of a method is of the whole logical call, so it is the deadline; gRPC has no limit for one
//! attempt. `maxAttempts` counts the first; gRPC itself caps it at five.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::super::Cx;
use super::{File, Kind};
use crate::model::units::Time;
use crate::model::{CallId, Party, ServiceId};

pub(super) const KIND: Kind = Kind {
    id: "grpc",
    what: "a gRPC service configuration a client and callee",
    files,
};

/// What gRPC makes of more attempts (proposal A6).
const MOST_ATTEMPTS: u32 = 5;

fn files(cx: &Cx<'_>) -> Vec<File> {
    let model = cx.plan.model;
    let mut pairs: BTreeMap<(ServiceId, ServiceId), Vec<CallId>> = BTreeMap::new();
    for id in model.call_ids() {
        let c = model.call(id);
        if let (Party::Service(from), Some(_)) = (c.from, cx.plan.rpc(id)) {
            pairs.entry((from, c.to)).or_default().push(id);
        }
    }
    pairs
        .into_iter()
        .map(|((from, to), calls)| {
            let [from, to] = [from, to].map(|s| &cx.plan.service(s).slug);
            let value = config(cx, &calls);
            File {
                path: format!("grpc/{from}/{to}.service-config.json"),
                fence: "json",
                text: format!(
                    "{}\n",
                    serde_json::to_string_pretty(&value).unwrap_or_default()
                ),
                checked_by: Some("grpc-js"),
                notes: Vec::new(),
            }
        })
        .collect()
}

fn config(cx: &Cx<'_>, calls: &[CallId]) -> Value {
    let mut methods = Vec::new();
    let mut budget: Option<f64> = None;
    for &id in calls {
        let Some(rpc) = cx.plan.rpc(id) else { continue };
        let p = cx.plan.call(id);
        let mut name = Map::new();
        name.insert("service".into(), json!(rpc.full_service()));
        if let Some(method) = &rpc.method {
            name.insert("method".into(), json!(method));
        }
        let mut method = Map::new();
        method.insert("name".into(), json!([name]));
        method.insert("timeout".into(), json!(seconds(p.worst_case())));
        if p.attempts.value > 1 {
            budget = Some(budget.map_or(p.retry_budget.value.0, |b| b.min(p.retry_budget.value.0)));
            method.insert(
                "retryPolicy".into(),
                json!({
                    "maxAttempts": p.attempts.value.min(MOST_ATTEMPTS),
                    "initialBackoff": seconds(p.backoff_base.value),
                    "maxBackoff": seconds(p.backoff_cap.value),
                    "backoffMultiplier": 2,
                    "retryableStatusCodes": ["UNAVAILABLE"],
                }),
            );
        }
        methods.push(Value::Object(method));
    }
    let mut out = Map::new();
    out.insert("loadBalancingConfig".into(), json!([{ "round_robin": {} }]));
    if let Some(ratio) = budget {
        // No retries at or below half of the tokens; a failure costs one, a success earns the ratio.
        out.insert(
            "retryThrottling".into(),
            json!({ "maxTokens": 10, "tokenRatio": ratio }),
        );
    }
    out.insert("methodConfig".into(), json!(methods));
    Value::Object(out)
}

/// `0.4s`: JSON's form of a protobuf duration.
fn seconds(time: Time) -> String {
    let text = format!("{}.{:06}", time.0 / 1_000_000, time.0 % 1_000_000);
    format!("{}s", text.trim_end_matches('0').trim_end_matches('.'))
}
