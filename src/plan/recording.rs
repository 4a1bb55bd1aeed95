//! What is recorded of every service and every pair of services: rate, errors and duration, under names
//! that say whose and over which window, so that dashboards need not work them out again for each reader.

use super::alerts::{Input, RecordingRule};
use super::metrics;
use crate::model::{CallId, Party, Protocol, ServiceId};

/// Rate, errors and duration of what `id` answers.
pub(super) fn service(input: &Input<'_>, id: ServiceId, rules: &mut Vec<RecordingRule>) {
    let plan = &input.services[id.0];
    let protocols = metrics::answered(plan);
    if protocols.is_empty() {
        return;
    }
    for (record, expr) in [
        ("service:requests:rate5m", metrics::rate(&protocols, "5m")),
        (
            "service:request_errors:ratio_rate5m",
            metrics::error_ratio(&protocols, "5m"),
        ),
        (
            "service:request_duration_seconds:p50_rate5m",
            metrics::quantile(&protocols, 0.5, "5m"),
        ),
        (
            "service:request_duration_seconds:p99_rate5m",
            metrics::quantile(&protocols, 0.99, "5m"),
        ),
    ] {
        rules.push(RecordingRule::of_service(record, &plan.slug, expr));
    }
}

/// The same of what one service asks of another, as the caller sees it.
pub(super) fn call(input: &Input<'_>, id: CallId, rules: &mut Vec<RecordingRule>) {
    let c = input.model.call(id);
    let Party::Service(from) = c.from else { return };
    let (from, to) = (&input.services[from.0], &input.services[c.to.0]);
    let Some(asked) = metrics::asked(from, to, &c.protocol) else {
        return;
    };
    for (record, expr) in [
        ("call:requests:rate5m", asked.rate("5m")),
        ("call:request_errors:ratio_rate5m", asked.error_ratio("5m")),
        (
            "call:request_duration_seconds:p99_rate5m",
            asked.quantile(0.99, "5m"),
        ),
    ] {
        rules.push(RecordingRule {
            record: record.to_owned(),
            labels: vec![
                ("service", from.slug.clone()),
                ("callee", to.slug.clone()),
                ("protocol", protocol(&c.protocol).to_owned()),
            ],
            expr,
        });
    }
}

/// The value of the label `protocol`.
#[must_use]
pub fn protocol(protocol: &Protocol) -> &'static str {
    match protocol {
        Protocol::Grpc => "grpc",
        Protocol::Rest(_) | Protocol::GraphQl | Protocol::Other(_) => "http",
    }
}
