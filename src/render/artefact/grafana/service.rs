//! The dashboard of one service: what it answers, what it asks of others, what it reads, and its instances.

use std::collections::BTreeMap;

use super::super::super::Cx;
use super::panel::{Look, Panel, Query};
use crate::catalog::numbers;
use crate::model::units::float;
use crate::model::{CallId, Party, ServiceId};
use crate::plan::{answered, asked, backlog, protocol, resources, throttled};

pub(super) fn panels(cx: &Cx<'_>, id: ServiceId) -> Vec<Panel> {
    let mut out = Vec::new();
    answers(cx, id, &mut out);
    asks(cx, id, &mut out);
    reads(cx, id, &mut out);
    holds(cx, id, &mut out);
    instances(cx, id, &mut out);
    out
}

/// Rate, errors and duration of its own answers, and of the same requests as each caller sees them.
fn answers(cx: &Cx<'_>, id: ServiceId, out: &mut Vec<Panel>) {
    let (s, p) = (cx.plan.model.service(id), cx.plan.service(id));
    if answered(p).is_empty() {
        return;
    }
    let of = |record: &str| format!("{record}{{service=\"{}\"}}", p.slug);
    let objective = cx.plan.alerting().objective(id);
    out.push(Panel::row(&format!("What {} answers", s.name)));
    out.push(
        Panel::lines(
            "Requests",
            "reqps",
            vec![Query::new(of("service:requests:rate5m"), "all")],
        )
        .limit(Some(p.rate.value.0))
        .about(&format!("Planned for {} ({}).", p.rate.value, p.rate.why)),
    );
    out.push(
        Panel::lines(
            "Failed requests",
            "percentunit",
            vec![Query::new(of("service:request_errors:ratio_rate5m"), "all")],
        )
        .limit(objective.map(|o| o.budget.0))
        .about(&match objective {
            Some(o) => format!("Objective {}: at most {} may fail.", o.target, o.budget),
            None => format!("No objective is stated for {}.", s.name),
        }),
    );
    let promised = s.slo.and_then(|x| x.p99);
    out.push(
        Panel::lines(
            "Duration",
            "s",
            vec![
                Query::new(of("service:request_duration_seconds:p50_rate5m"), "p50"),
                Query::new(of("service:request_duration_seconds:p99_rate5m"), "p99"),
            ],
        )
        .limit(promised.map(|t| t.value.as_s()))
        .about(&match promised {
            Some(t) => format!("{} promises a p99 of {}.", s.name, t.value),
            None => format!("{} promises no p99.", s.name),
        }),
    );
    let model = cx.plan.model;
    let measured = cx.plan.callers(id).iter().any(|c| {
        let call = model.call(*c);
        let Party::Service(from) = call.from else {
            return false;
        };
        asked(cx.plan.service(from), p, &call.protocol).is_some()
    });
    if !measured {
        return;
    }
    let seen = |record: &str| {
        let expr = format!("{record}{{callee=\"{}\"}}", p.slug);
        vec![Query::new(expr, "{{service}} {{protocol}}")]
    };
    out.push(Panel::row(&format!("{} as its callers see it", s.name)));
    out.push(Panel::lines(
        "Requests by caller",
        "reqps",
        seen("call:requests:rate5m"),
    ));
    out.push(Panel::lines(
        "Failed requests by caller",
        "percentunit",
        seen("call:request_errors:ratio_rate5m"),
    ));
    out.push(Panel::lines(
        "p99 by caller",
        "s",
        seen("call:request_duration_seconds:p99_rate5m"),
    ));
}

/// Every service that it calls, with the limits of the calls to it.
fn asks(cx: &Cx<'_>, id: ServiceId, out: &mut Vec<Panel>) {
    let (model, p) = (cx.plan.model, cx.plan.service(id));
    let mut pairs: BTreeMap<(ServiceId, &str), Vec<CallId>> = BTreeMap::new();
    for &call in cx.plan.callees(id) {
        let c = model.call(call);
        if asked(p, cx.plan.service(c.to), &c.protocol).is_some() {
            let key = (c.to, protocol(&c.protocol));
            pairs.entry(key).or_default().push(call);
        }
    }
    for ((to, protocol), calls) in &pairs {
        let name = &model.service(*to).name;
        let of = |record: &str| {
            format!(
                "{record}{{service=\"{}\",callee=\"{}\",protocol=\"{protocol}\"}}",
                p.slug,
                cx.plan.service(*to).slug
            )
        };
        let limits: Vec<String> = calls
            .iter()
            .map(|c| {
                let plan = cx.plan.call(*c);
                format!(
                    "{}: {}, at most {} an attempt, attempts {}",
                    model.call(*c).label(),
                    plan.rate.value,
                    plan.timeout.value,
                    plan.attempts.value
                )
            })
            .collect();
        let shortest = calls.iter().map(|c| cx.plan.call(*c).timeout.value).min();
        let breaker = calls
            .iter()
            .find_map(|c| cx.plan.call(*c).breaker.as_ref().ok());
        let errors = of("call:request_errors:ratio_rate5m");
        out.push(Panel::row(&format!("What it asks of {name} ({protocol})")));
        out.push(
            Panel::lines(
                &format!("Requests to {name}"),
                "reqps",
                vec![Query::new(of("call:requests:rate5m"), "{{callee}}")],
            )
            .about(&limits.join("; "))
            .width(6),
        );
        out.push(
            Panel::lines(
                &format!("Failed requests to {name}"),
                "percentunit",
                vec![Query::new(errors.clone(), "{{callee}}")],
            )
            .limit(breaker.map(|b| b.ratio.value.0))
            .about(&match breaker {
                Some(b) => format!("The breaker opens at {} ({}).", b.ratio.value, b.ratio.why),
                None => "No breaker.".to_owned(),
            })
            .width(6),
        );
        out.push(
            Panel::lines(
                &format!("p99 of {name}"),
                "s",
                vec![Query::new(
                    of("call:request_duration_seconds:p99_rate5m"),
                    "{{callee}}",
                )],
            )
            .limit(shortest.map(|t| t.as_s()))
            .about(&format!(
                "The line is the shortest time limit of an attempt. {}",
                limits.join("; ")
            ))
            .width(6),
        );
        if let Some(b) = breaker {
            out.push(
                Panel::lines(
                    &format!("Breaker towards {name}"),
                    "short",
                    vec![Query::new(
                        format!("{errors} > bool {}", float(b.ratio.value.0)),
                        "{{callee}}",
                    )],
                )
                .look(Look::States)
                .about(&format!(
                    "Open where {} of the requests fail; closed again after {}.",
                    b.ratio.value, b.open.value
                ))
                .width(6),
            );
        }
    }
}

/// How far it is behind with each event, and what it gave up on.
fn reads(cx: &Cx<'_>, id: ServiceId, out: &mut Vec<Panel>) {
    let model = cx.plan.model;
    let mut first = true;
    for &(event, group) in cx.plan.groups(id) {
        let (e, p) = (model.event(event), cx.plan.event(event));
        let Some(g) = p.groups.get(group) else {
            continue;
        };
        let b = backlog(model.broker(e.broker).kind, p, g);
        if std::mem::take(&mut first) {
            out.push(Panel::row(&format!(
                "What {} reads",
                model.service(id).name
            )));
        }
        let late = &numbers().lag_seconds;
        let (title, unit) = if b.age {
            (format!("Oldest {} that waits", e.name), "s")
        } else {
            (format!("{} that wait", e.name), "short")
        };
        out.push(
            Panel::lines(&title, unit, vec![Query::new(b.lag, e.name.clone())])
                .limit(b.limit.parse().ok())
                .about(&if b.age {
                    format!("Late after {} s: {}.", float(late.value), late.why)
                } else {
                    format!("Late above {}: {}.", g.lag_limit.value, g.lag_limit.why)
                })
                .width(12),
        );
        out.push(
            Panel::lines(
                &format!("Dead letters of {}", e.name),
                "short",
                vec![Query::new(b.dead_letters, g.dead_letter.clone())],
            )
            .limit(Some(1.0))
            .about(&format!(
                "Given up after {} deliveries; {} keeps them for {}.",
                p.attempts.value, g.dead_letter, p.dead_letter_kept.value
            ))
            .width(12),
        );
    }
}

/// Connections and sagas that it holds: the expressions of their alerts without the limit.
fn holds(cx: &Cx<'_>, id: ServiceId, out: &mut Vec<Panel>) {
    let mut first = true;
    for a in cx.plan.alerting().about(id) {
        let Some(held) = &a.held else {
            continue;
        };
        if std::mem::take(&mut first) {
            out.push(Panel::row("What it keeps open"));
        }
        let unit = if a.custom_metric { "s" } else { "short" };
        out.push(
            Panel::lines(&held.title, unit, vec![Query::new(held.expr.clone(), "")])
                .limit(Some(held.limit))
                .about(&format!(
                    "Above the line {}: {} ({}).",
                    a.name, a.meaning, a.why
                ))
                .width(12),
        );
    }
}

/// Whether its instances have enough.
fn instances(cx: &Cx<'_>, id: ServiceId, out: &mut Vec<Panel>) {
    let (s, p) = (cx.plan.model.service(id), cx.plan.service(id));
    if let Some(runtime) = s.runtime {
        if let Some(expr) = throttled(&runtime.value.id, &p.slug) {
            out.push(Panel::row(&format!("Runs of {}", s.name)));
            let query = Query::new(expr, "turned away");
            out.push(
                Panel::lines("Throttled runs", "short", vec![query])
                    .limit(Some(1.0))
                    .about(&format!("Planned for {} ({}).", p.rate.value, p.rate.why)),
            );
        }
        return;
    }
    let choices = &cx.plan.choices;
    let r = resources(&choices.infrastructure.id, &choices.namespace, &p.slug);
    let limit = &numbers().cpu_saturated;
    out.push(Panel::row(&format!("Instances of {}", s.name)));
    out.push(
        Panel::lines(
            "Processor use",
            "percent",
            vec![Query::new(r.percent, "of what they were given")],
        )
        .limit(Some(limit.value))
        .about(&format!(
            "Planned are {} instances ({}), at most {}; more are started at {}%.",
            p.replicas.value, p.replicas.why, p.max_replicas.value, p.cpu_target.value
        )),
    );
    out.push(
        Panel::lines(
            "Instances that answer",
            "short",
            vec![Query::new(format!("sum(up{{job=\"{}\"}})", p.slug), "up")],
        )
        .about(&format!("Planned are {}.", p.replicas.value)),
    );
    if let Some(restarts) = r.errors {
        let legend = String::new();
        out.push(Panel::lines(
            "Restarts",
            "short",
            vec![Query::new(restarts, legend)],
        ));
    }
}
