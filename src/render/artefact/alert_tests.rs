//! Unit tests of alerts for `promtool test rules`: each alert keeps quiet right below its limit and fires
//! right above it, with the labels and words that it has in production.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::super::Cx;
use super::prometheus::{annotations, labels};
use crate::plan::{Alert, ProofSeries, Shape};

/// Minutes of quiet and of noise beside the time for which an alert must hold: longer than the longest
/// window, 15 min, that an expression of a single metric reads.
const SETTLE_MIN: u64 = 16;
/// Minutes between evaluations.
const STEP_MIN: u64 = 5;

/// Alerts that are tested over one history: they hold equally long, and no two read the same series.
struct Batch<'a> {
    minutes: u64,
    alerts: Vec<&'a Alert>,
    series: BTreeMap<&'a str, &'a ProofSeries>,
}

/// The whole file; `rules` is the name of the rules file beside it.
pub(super) fn tests(cx: &Cx<'_>, rules: &str) -> Value {
    let tests: Vec<Value> = batches(&cx.plan.alerting().alerts)
        .iter()
        .map(|b| test(cx, b))
        .collect();
    json!({
        "rule_files": [rules],
        "evaluation_interval": format!("{STEP_MIN}m"),
        "tests": tests,
    })
}

/// A history costs the evaluation of every rule at each step, so as few of them as possible.
fn batches(alerts: &[Alert]) -> Vec<Batch<'_>> {
    let mut out: Vec<Batch<'_>> = Vec::new();
    for a in alerts {
        let hold = a.hold.as_ms().div_ceil(60_000);
        let minutes = (hold + SETTLE_MIN).div_ceil(STEP_MIN) * STEP_MIN;
        let series = a.proof.series.iter().map(|s| (s.series.as_str(), s));
        let free = |b: &&mut Batch<'_>| {
            b.minutes == minutes
                && a.proof
                    .series
                    .iter()
                    .all(|s| !b.series.contains_key(s.series.as_str()))
        };
        match out.iter_mut().find(free) {
            Some(batch) => {
                batch.alerts.push(a);
                batch.series.extend(series);
            }
            None => out.push(Batch {
                minutes,
                alerts: vec![a],
                series: series.collect(),
            }),
        }
    }
    out
}

fn test(cx: &Cx<'_>, batch: &Batch<'_>) -> Value {
    let minutes = batch.minutes;
    let series: Vec<Value> = batch
        .series
        .values()
        .map(|s| json!({ "series": s.series, "values": values(s, minutes) }))
        .collect();
    let quiet = batch.alerts.iter().map(
        |a| json!({ "eval_time": format!("{minutes}m"), "alertname": a.name, "exp_alerts": [] }),
    );
    let loud = batch.alerts.iter().map(|a| {
        json!({
            "eval_time": format!("{}m", 2 * minutes),
            "alertname": a.name,
            "exp_alerts": [fired(cx, a)],
        })
    });
    json!({
        "name": format!("quiet for {minutes} minutes, then loud"),
        "interval": "1m",
        "input_series": series,
        "alert_rule_test": quiet.chain(loud).collect::<Vec<Value>>(),
    })
}

/// The alert as it must arrive: labels and words.
fn fired(cx: &Cx<'_>, a: &Alert) -> Value {
    let mut carried: Map<String, Value> = a
        .proof
        .labels
        .iter()
        .map(|(name, value)| (name.clone(), json!(value)))
        .collect();
    carried.extend(
        labels(cx, a)
            .into_iter()
            .map(|(n, v)| (n.to_owned(), json!(v))),
    );
    let words: Map<String, Value> = annotations(cx, a)
        .into_iter()
        .map(|(n, v)| (n.to_owned(), json!(v)))
        .collect();
    json!({ "exp_labels": carried, "exp_annotations": words })
}

/// A sample a minute: so many quiet ones from minute 0, and as many loud ones behind them.
fn values(series: &ProofSeries, minutes: u64) -> String {
    match series.shape {
        Shape::Gauge { quiet, loud } => format!("{quiet}+0x{minutes} {loud}+0x{minutes}"),
        Shape::Counter { quiet, loud } => {
            // Each minute adds to the one before; a counter that starts with its noise grows from there.
            format!(
                "0+{quiet}x{minutes} {}+{loud}x{minutes}",
                grown(quiet, loud, minutes)
            )
        }
    }
}

/// Where a counter stands in its first loud minute.
#[allow(clippy::cast_precision_loss, reason = "minutes are few")]
fn grown(quiet: f64, loud: f64, minutes: u64) -> f64 {
    quiet.mul_add(minutes as f64, loud)
}
