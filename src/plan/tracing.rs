//! How much tracing costs: from the rates at the edge to bytes a day.

use super::calls::CallPlan;
use super::choices::Choices;
use super::events::EventPlan;
use super::figure::Figure;
use super::flows::FlowPlan;
use super::gateway::GatewayPlan;
use super::services::ServicePlan;
use crate::catalog::numbers;
use crate::model::units::{Bytes, Rate, Ratio, float};
use crate::model::{Model, Party, ServiceId};

/// Seconds of a day.
const DAY_S: f64 = 86_400.0;
/// Spans that the gateway adds to each request: its own SERVER span and the CLIENT span behind it.
const GATEWAY_SPANS: f64 = 2.0;

/// Rates of traces and spans at peak, and what of them is kept.
#[derive(Clone, Debug)]
pub struct TracingPlan {
    /// Index in the plan's flows of the one with the most steps; `None` without flows.
    pub flow: Option<usize>,
    /// The gateway begins a trace where a request brings none.
    pub gateway_starts: bool,
    /// The gateway exports spans of its own.
    pub gateway_spans: bool,
    /// Traces start with requests from outside; else with what services publish by themselves.
    pub requests: bool,
    /// Where traces start, and how many.
    pub entries: Vec<(ServiceId, Figure<Rate>)>,
    /// Traces started at peak: the sum of `entries`.
    pub traces: Figure<Rate>,
    /// Spans at peak, before sampling.
    pub spans: Figure<Rate>,
    /// Spans of one trace on average; `None` where no request comes in.
    pub spans_per_trace: Option<Figure<String>>,
    /// Share of traces that is kept: `target ÷ traces`, at most 1.
    pub ratio: Figure<Ratio>,
    /// Spans that are exported.
    pub kept: Figure<Rate>,
    /// What is stored in a day at constant peak.
    pub bytes_per_day: Figure<Bytes>,
}

pub(super) fn plan(
    model: &Model,
    choices: &Choices,
    calls: &[CallPlan],
    services: &[ServicePlan],
    events: &[EventPlan],
    gateway: &GatewayPlan,
    flows: &[FlowPlan],
) -> TracingPlan {
    let mut entries = entries(model, calls, services, gateway);
    let requests = !entries.is_empty();
    if !requests {
        entries = sources(model, events);
    }
    let total: f64 = entries.iter().map(|(_, r)| r.value.0).sum();
    let traces = Figure::derived(
        Rate(total),
        match entries.as_slice() {
            [] => "nothing comes in from outside".to_owned(),
            [(s, r)] => format!("all {} of `{}`", r.value, model.service(*s).name),
            all if requests => format!("sum over {} entry points", all.len()),
            all => format!("sum over {} publishers", all.len()),
        },
        "derived",
    );
    let (mut of_calls, mut of_events) = (0.0, 0.0);
    for (c, p) in model.calls.iter().zip(calls) {
        // A party outside of the design reports no spans: only one end of the call is seen.
        let ends = match (c.from, model.service(c.to).external) {
            (Party::Service(_), false) => 2.0,
            (Party::Actor(_), true) => 0.0,
            _ => 1.0,
        };
        of_calls += p.rate.value.0 * ends;
    }
    for (e, p) in model.events.iter().zip(events) {
        let readers = e
            .consumers
            .iter()
            .filter(|(c, _)| matches!(c, Party::Service(_)))
            .count();
        of_events += p.rate.value.0 * (1.0 + super::traffic::count(readers));
    }
    // Managed gateways and plain NGINX export nothing to an OpenTelemetry collector.
    let id = choices.gateway.id.as_str();
    let gateway_spans =
        matches!(id, "envoy" | "kong") || (id == "gateway-api" && choices.mesh.id == "istio");
    let gateway_starts = gateway_spans || id == "nginx";
    let at_gateway = if gateway_spans && requests {
        total * GATEWAY_SPANS
    } else {
        0.0
    };
    let parts: Vec<String> = [
        (of_calls, "both ends of the calls"),
        (of_events, "publishers and consumers"),
        (at_gateway, "the gateway"),
    ]
    .iter()
    .filter(|(rate, _)| *rate > 0.0)
    .map(|(rate, of)| format!("{} of {of}", Rate(*rate)))
    .collect();
    let spans = Figure::derived(
        Rate(of_calls + of_events + at_gateway),
        parts.join(" + "),
        "derived",
    );
    let target = &numbers().trace_target;
    let ratio = if total > target.value {
        Figure::derived(
            Ratio(target.value / total),
            format!("{} ÷ {}; {}", Rate(target.value), traces.value, target.why),
            &target.source,
        )
    } else {
        Figure::derived(
            Ratio(1.0),
            format!(
                "{} is not above the {} worth storing: all are kept",
                traces.value,
                Rate(target.value)
            ),
            &target.source,
        )
    };
    let kept = Figure::derived(
        Rate(spans.value.0 * ratio.value.0),
        format!("{} × {}", spans.value, ratio.value),
        "derived",
    );
    let size = &numbers().span_bytes;
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "float to integer casts saturate"
    )]
    let bytes = Bytes(significant(
        (kept.value.0 * size.value * DAY_S).round() as u64
    ));
    let bytes_per_day = Figure::derived(
        bytes,
        format!(
            "{} × {} {} × 86400 s; {}",
            kept.value, size.value, size.unit, size.why
        ),
        &size.source,
    );
    TracingPlan {
        flow: longest(flows),
        gateway_starts,
        gateway_spans,
        spans_per_trace: (total > 0.0).then(|| {
            Figure::derived(
                float(spans.value.0 / total),
                format!("{} ÷ {}", spans.value, traces.value),
                "derived",
            )
        }),
        requests,
        entries,
        traces,
        spans,
        ratio,
        kept,
        bytes_per_day,
    }
}

/// Requests at each entry point: what actors call, or all of an entry without declared operations.
fn entries(
    model: &Model,
    calls: &[CallPlan],
    services: &[ServicePlan],
    gateway: &GatewayPlan,
) -> Vec<(ServiceId, Figure<Rate>)> {
    let mut out = Vec::new();
    for s in model.service_ids() {
        let (mut sum, mut n) = (0.0, 0);
        for (c, p) in model.calls.iter().zip(calls) {
            if c.to == s && matches!(c.from, Party::Actor(_)) && !model.service(s).external {
                sum += p.rate.value.0;
                n += 1;
            }
        }
        if n > 0 {
            let why = if n == 1 {
                "its one public operation".to_owned()
            } else {
                format!("sum of its {n} public operations")
            };
            out.push((s, Figure::derived(Rate(sum), why, "derived")));
        } else if gateway
            .routes
            .iter()
            .any(|r| r.service == s && r.call.is_none() && r.stream.is_none())
        {
            out.push((s, services[s.0].rate.clone()));
        }
    }
    out
}

/// Services that publish what no message made them publish: they handle none.
fn sources(model: &Model, events: &[EventPlan]) -> Vec<(ServiceId, Figure<Rate>)> {
    let mut sums: Vec<(f64, usize)> = vec![(0.0, 0); model.services.len()];
    let mut handles = vec![false; model.services.len()];
    for (e, p) in model.events.iter().zip(events) {
        for publisher in &e.publishers {
            let sum = &mut sums[publisher.service.0];
            sum.0 += p.rate.value.0 / super::traffic::count(e.publishers.len());
            sum.1 += 1;
        }
        for (reader, _) in &e.consumers {
            if let Party::Service(s) = reader {
                handles[s.0] = true;
            }
        }
    }
    model
        .service_ids()
        .filter(|s| !handles[s.0] && sums[s.0].1 > 0)
        .map(|s| {
            let (sum, n) = sums[s.0];
            let why = if n == 1 {
                "the one event that it publishes by itself".to_owned()
            } else {
                format!("sum of the {n} events that it publishes by itself")
            };
            (s, Figure::derived(Rate(sum), why, "derived"))
        })
        .collect()
}

/// Three significant digits: an estimate claims no more.
fn significant(n: u64) -> u64 {
    let step = 10_u64.pow(n.checked_ilog10().unwrap_or(0).saturating_sub(2));
    n.saturating_add(step / 2) / step * step
}

fn longest(flows: &[FlowPlan]) -> Option<usize> {
    let mut best: Option<(usize, usize)> = None;
    for (i, f) in flows.iter().enumerate() {
        let n = f.steps.iter().map(Vec::len).sum();
        if best.is_none_or(|(_, most)| n > most) {
            best = Some((i, n));
        }
    }
    best.map(|(i, _)| i)
}
