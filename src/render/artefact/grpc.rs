//! gRPC service configuration: what a client is told about timeouts, retries and balancing.
//!
//! The caller's code retries, so that for its channel each attempt is a call of its own: `timeout` is the
//! attempt's, and there is no retry policy. A second file beside it is for callers whose code does not
//! retry: there `timeout` is of the whole logical call, and the channel retries; gRPC has no limit for one
//! attempt. `maxAttempts` counts the first; gRPC itself caps it at five.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::super::Cx;
use super::{File, Kind};
use crate::model::units::Time;
use crate::model::{CallId, Party, ServiceId};
use crate::plan::GRPC_MOST_ATTEMPTS;

pub(super) const KIND: Kind = Kind {
    id: "grpc",
    what: "a gRPC service configuration a client and callee",
    files,
};

fn files(cx: &Cx<'_>) -> Vec<File> {
    let model = cx.plan.model;
    let mut pairs: BTreeMap<(ServiceId, ServiceId), Vec<CallId>> = BTreeMap::new();
    for id in model.call_ids() {
        let c = model.call(id);
        if let (Party::Service(from), Some(_)) = (c.from, cx.plan.rpc(id)) {
            pairs.entry((from, c.to)).or_default().push(id);
        }
    }
    let mut out = Vec::new();
    for ((from, to), calls) in pairs {
        let [from, to] = [from, to].map(|s| &cx.plan.service(s).slug);
        let mut add = |name: &str, retries: bool, note: Option<&str>| {
            let value = config(cx, &calls, retries);
            let text = serde_json::to_string_pretty(&value).unwrap_or_default();
            out.push(File {
                path: format!("grpc/{from}/{to}.{name}.json"),
                fence: "json",
                text: text + "\n",
                checked_by: Some("grpc-js"),
                notes: note.into_iter().map(str::to_owned).collect(),
            });
        };
        add("service-config", false, None);
        if calls.iter().any(|c| cx.plan.call(*c).attempts.value > 1) {
            add(
                "retrying.service-config",
                true,
                Some("In place of the other, where the caller's code does not retry: never both."),
            );
        }
    }
    out
}

fn config(cx: &Cx<'_>, calls: &[CallId], retries: bool) -> Value {
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
        let limit = if retries {
            p.worst_case()
        } else {
            p.timeout.value
        };
        method.insert("timeout".into(), json!(seconds(limit)));
        if retries && p.attempts.value > 1 {
            budget = Some(budget.map_or(p.retry_budget.value.0, |b| b.min(p.retry_budget.value.0)));
            method.insert(
                "retryPolicy".into(),
                json!({
                    "maxAttempts": p.attempts.value.min(GRPC_MOST_ATTEMPTS),
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
