//! Rates, carried from the edge inward.

use super::figure::Figure;
use super::graph::Graph;
use crate::catalog;
use crate::model::units::{Rate, float};
use crate::model::{Model, Party, Step};

/// Peak rates of everything.
pub(super) struct Traffic {
    pub(super) services: Vec<Figure<Rate>>,
    pub(super) calls: Vec<Figure<Rate>>,
    pub(super) events: Vec<Figure<Rate>>,
}

/// Carries the rates that are known along calls and events. Where nothing else is said, every request
/// of a service makes each of its calls once and publishes each of its events once; calls that close a
/// cycle carry what is known by then.
pub(super) fn carry(model: &Model) -> Traffic {
    let n = model.services.len();
    let service_of = |p: Party| match p {
        Party::Service(s) => Some(s.0),
        Party::Actor(_) => None,
    };
    let sync = model
        .calls
        .iter()
        .filter_map(|c| Some((service_of(c.from)?, c.to.0)));
    let events = model.events.iter().flat_map(|e| {
        e.publishers.iter().flat_map(move |p| {
            e.consumers
                .iter()
                .filter_map(move |(c, _)| Some((p.service.0, service_of(*c)?)))
        })
    });
    let graph = Graph::new(n, sync.chain(events));
    let mut order = graph.successors_first();
    order.reverse();

    let entry = entry_rate(model);
    let mut calls: Vec<Option<Figure<Rate>>> = model
        .calls
        .iter()
        .map(|c| c.rate.map(|r| Figure::set(r.value)))
        .collect();
    let mut event_rates: Vec<Option<Figure<Rate>>> = model
        .events
        .iter()
        .map(|e| e.rate.map(|r| Figure::set(r.value)))
        .collect();
    let mut inbound: Vec<Vec<usize>> = vec![Vec::new(); n];
    let mut outbound: Vec<Vec<usize>> = vec![Vec::new(); n];
    for (i, c) in model.calls.iter().enumerate() {
        inbound[c.to.0].push(i);
        if let Some(s) = service_of(c.from) {
            outbound[s].push(i);
        }
    }
    let (mut consumed, mut published) = (vec![Vec::new(); n], vec![Vec::new(); n]);
    for (i, e) in model.events.iter().enumerate() {
        for (c, _) in &e.consumers {
            if let Some(s) = service_of(*c) {
                consumed[s].push(i);
            }
        }
        for p in &e.publishers {
            published[p.service.0].push(i);
        }
    }

    let mut services: Vec<Option<Figure<Rate>>> = vec![None; n];
    for &s in &order {
        let service = &model.services[s];
        // Actors first: what they ask of this service is its own rate, shared over its operations.
        let from_actors: Vec<usize> = inbound[s]
            .iter()
            .copied()
            .filter(|&i| service_of(model.calls[i].from).is_none())
            .collect();
        for &i in &from_actors {
            if calls[i].is_none() {
                calls[i] = Some(match (&service.rate, flow_rate(model, i)) {
                    (_, Some(rate)) => rate,
                    (Some(rate), None) => Figure::derived(
                        Rate(rate.value.0 / count(from_actors.len())),
                        format!(
                            "{} of `{}` over its {} public operations",
                            rate.value,
                            service.name,
                            from_actors.len()
                        ),
                        "derived",
                    ),
                    (None, None) => match at_least(model, s, &outbound[s], &published[s], &entry) {
                        Some(needed) if from_actors.len() == 1 => needed,
                        _ => entry.clone(),
                    },
                });
            }
        }
        let rate = match &service.rate {
            Some(rate) => Figure::set(rate.value),
            None => sum(
                model,
                s,
                &inbound[s],
                &consumed[s],
                &calls,
                &event_rates,
                &at_least(model, s, &outbound[s], &published[s], &entry)
                    .unwrap_or_else(|| entry.clone()),
            ),
        };
        for &i in &outbound[s] {
            if calls[i].is_none() {
                let times = model.calls[i].policy.per_request.map_or(1, |n| n.value);
                let often = match times {
                    1 => "once".to_owned(),
                    n => format!("{n} times"),
                };
                calls[i] = Some(Figure::derived(
                    Rate(rate.value.0 * f64::from(times)),
                    format!(
                        "each of the {} that `{}` serves makes it {often}",
                        rate.value, service.name
                    ),
                    "derived",
                ));
            }
        }
        for &i in &published[s] {
            if event_rates[i].is_none() {
                event_rates[i] = Some(Figure::derived(
                    rate.value,
                    format!(
                        "each of the {} that `{}` serves publishes one",
                        rate.value, service.name
                    ),
                    "derived",
                ));
            }
        }
        services[s] = Some(rate);
    }
    let fill = |all: Vec<Option<Figure<Rate>>>| {
        all.into_iter()
            .map(|f| f.unwrap_or_else(|| entry.clone()))
            .collect()
    };
    Traffic {
        services: fill(services),
        calls: fill(calls),
        events: fill(event_rates),
    }
}

/// The rate that a service needs, of which nothing else is said, to make the calls and publish the events whose
/// rates are stated; `None` where the rate of an entry point covers them.
fn at_least(
    model: &Model,
    s: usize,
    outbound: &[usize],
    published: &[usize],
    entry: &Figure<Rate>,
) -> Option<Figure<Rate>> {
    let calls = outbound.iter().filter_map(|&i| {
        let c = &model.calls[i];
        let times = c.policy.per_request.map_or(1, |n| n.value.max(1));
        let rate = c.rate?.value.0 / f64::from(times);
        Some((rate, format!("calls `{}`", model.service(c.to).name)))
    });
    let events = published.iter().filter_map(|&i| {
        let e = &model.events[i];
        let rate = e.rate.filter(|_| e.publishers.len() == 1)?.value.0;
        Some((rate, format!("publishes `{}`", e.name)))
    });
    let (rate, what) = calls
        .chain(events)
        .filter(|(rate, _)| *rate > entry.value.0)
        .max_by(|a, b| a.0.total_cmp(&b.0))?;
    let name = &model.services[s].name;
    Some(Figure::derived(
        Rate(rate),
        format!("no less than `{name}` {what}"),
        "derived",
    ))
}

/// The rate of an entry point of which nothing is said.
fn entry_rate(model: &Model) -> Figure<Rate> {
    match model.defaults.rate {
        Some(rate) => Figure::derived(rate.value, "`defaults.rate`", ""),
        None => {
            let number = &catalog::numbers().rate;
            Figure::assumed(Rate(number.value), number.why.clone(), "derived")
        }
    }
}

/// The summed rate of the flows that enter through the call `i`.
fn flow_rate(model: &Model, i: usize) -> Option<Figure<Rate>> {
    let mut total = 0.0;
    let mut names = Vec::new();
    for flow in &model.flows {
        let times = flow
            .steps
            .iter()
            .flatten()
            .filter(|s| matches!(s, Step::Call(id) if id.0 == i))
            .count();
        if let (Some(rate), true) = (flow.rate, times > 0) {
            total += rate.value.0 * count(times);
            names.push(format!("`{}`", flow.name));
        }
    }
    (!names.is_empty()).then(|| {
        Figure::derived(
            Rate(total),
            format!("rate of the flow {}", names.join(" and ")),
            "derived",
        )
    })
}

fn sum(
    model: &Model,
    s: usize,
    inbound: &[usize],
    consumed: &[usize],
    calls: &[Option<Figure<Rate>>],
    events: &[Option<Figure<Rate>>],
    entry: &Figure<Rate>,
) -> Figure<Rate> {
    let name = &model.services[s].name;
    let known: Vec<f64> = inbound
        .iter()
        .filter_map(|&i| calls[i].as_ref())
        .chain(consumed.iter().filter_map(|&i| events[i].as_ref()))
        .map(|f| f.value.0)
        .collect();
    let total: f64 = known.iter().sum();
    match known.as_slice() {
        [] => {
            // A flow may enter here without a declared call.
            let entered: Vec<(f64, &str)> = model
                .flows
                .iter()
                .filter(|f| {
                    f.steps
                        .iter()
                        .flatten()
                        .any(|x| matches!(x, Step::Enter(_, id) if id.0 == s))
                })
                .filter_map(|f| Some((f.rate?.value.0, f.name.as_str())))
                .collect();
            if entered.is_empty() {
                return entry.clone();
            }
            let names: Vec<String> = entered.iter().map(|(_, n)| format!("`{n}`")).collect();
            Figure::derived(
                Rate(entered.iter().map(|e| e.0).sum()),
                format!("rate of the flow {}", names.join(" and ")),
                "derived",
            )
        }
        [one] => Figure::derived(Rate(*one), format!("the one way into `{name}`"), "derived"),
        many => {
            let mut parts: Vec<String> = many.iter().take(6).map(|r| float(*r)).collect();
            if many.len() > 6 {
                parts.push(format!("… ({} in all)", many.len()));
            }
            Figure::derived(
                Rate(total),
                format!("{} /s into `{name}`", parts.join(" + ")),
                "derived",
            )
        }
    }
}

#[allow(clippy::cast_precision_loss, reason = "counts of a design are small")]
pub(super) fn count(n: usize) -> f64 {
    n as f64
}
