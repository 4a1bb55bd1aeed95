//! The dashboard of the whole design: objectives and what is left of their budgets, every service, every
//! flow at its entry, and every consumer.

use super::super::super::Cx;
use super::super::path::{pieces, regex};
use super::panel::{Look, Panel, Query};
use crate::model::{Protocol, ServiceId};
use crate::plan::{FlowPlan, Requests, answered, backlog};

pub(super) fn panels(cx: &Cx<'_>) -> Vec<Panel> {
    let mut out = Vec::new();
    objectives(cx, &mut out);
    services(cx, &mut out);
    for flow in &cx.plan.flows {
        self::flow(cx, flow, &mut out);
    }
    messages(cx, &mut out);
    out
}

/// `service=~"a|b"`: another system may be measured by the same Prometheus.
fn of(cx: &Cx<'_>, ids: impl IntoIterator<Item = ServiceId>) -> Option<String> {
    let slugs: Vec<&str> = ids
        .into_iter()
        .map(|id| cx.plan.service(id).slug.as_str())
        .collect();
    (!slugs.is_empty()).then(|| format!("{{service=~\"{}\"}}", slugs.join("|")))
}

fn objectives(cx: &Cx<'_>, out: &mut Vec<Panel>) {
    let alerting = cx.plan.alerting();
    let Some(at) = of(cx, alerting.objectives.iter().map(|o| o.service)) else {
        return;
    };
    let list: Vec<String> = alerting
        .objectives
        .iter()
        .map(|o| {
            let name = &cx.plan.model.service(o.service).name;
            let assumed = if o.assumed { " (assumed)" } else { "" };
            format!("{name} {}{assumed}", o.target)
        })
        .collect();
    let query = |record: &str| vec![Query::new(format!("{record}{at}"), "{{service}}")];
    out.push(Panel::row("Objectives"));
    let mut left = Panel::lines(
        "Error budget left of 30 days",
        "percentunit",
        query("slo:period_error_budget_remaining:ratio"),
    )
    .look(Look::Number)
    .limit(Some(0.0))
    .about(&format!("Objectives: {}.", list.join(", ")))
    .width(12);
    left.floor = true;
    out.push(left);
    out.push(
        Panel::lines("Burn rate", "short", query("slo:current_burn_rate:ratio"))
            .limit(Some(1.0))
            .about("At 1 the budget lasts exactly 30 days.")
            .width(12),
    );
}

fn services(cx: &Cx<'_>, out: &mut Vec<Panel>) {
    let model = cx.plan.model;
    let own = model
        .service_ids()
        .filter(|s| !model.service(*s).external && !answered(cx.plan.service(*s)).is_empty());
    let Some(at) = of(cx, own) else { return };
    out.push(Panel::row("Services"));
    for (title, unit, record) in [
        ("Requests", "reqps", "service:requests:rate5m"),
        (
            "Failed requests",
            "percentunit",
            "service:request_errors:ratio_rate5m",
        ),
        ("p99", "s", "service:request_duration_seconds:p99_rate5m"),
    ] {
        let query = Query::new(format!("{record}{at}"), "{{service}}");
        out.push(Panel::lines(title, unit, vec![query]));
    }
}

/// A flow at its entry, where its users feel it.
fn flow(cx: &Cx<'_>, flow: &FlowPlan, out: &mut Vec<Panel>) {
    let Some(requests) = flow.rows.first().and_then(|r| entry(cx, r.call)) else {
        return;
    };
    let p99 = flow.slo.and_then(|s| s.p99).map(|t| t.value);
    out.push(Panel::row(&format!("Flow: {}", flow.name)));
    out.push(Panel::lines(
        &format!("Requests of {}", flow.name),
        "reqps",
        vec![Query::new(requests.rate("5m"), "entry")],
    ));
    out.push(Panel::lines(
        &format!("Failed requests of {}", flow.name),
        "percentunit",
        vec![Query::new(requests.error_ratio("5m"), "entry")],
    ));
    out.push(
        Panel::lines(
            &format!("p99 of {}", flow.name),
            "s",
            vec![Query::new(requests.quantile(0.99, "5m"), "p99")],
        )
        .limit(Some(p99.unwrap_or(flow.total.value).as_s()))
        .about(&match p99 {
            Some(t) => format!("{} promises {t}.", flow.name),
            None => format!(
                "The longest that the time limits allow: {} ({}).",
                flow.total.value, flow.total.why
            ),
        }),
    );
}

/// The requests of one operation among all that its service answers.
fn entry(cx: &Cx<'_>, call: crate::model::CallId) -> Option<Requests> {
    let c = cx.plan.model.call(call);
    if cx.plan.model.service(c.to).external {
        return None;
    }
    let all = answered(cx.plan.service(c.to));
    let http = all.iter().find(|r| r.metric.starts_with("http"));
    match &c.protocol {
        Protocol::Grpc => {
            let rpc = cx.plan.rpc(call)?;
            rpc.method.as_ref()?;
            let all = all.iter().find(|r| r.metric.starts_with("rpc"))?;
            Some(all.of(&format!("rpc_method=\"{}\"", rpc.full_method())))
        }
        Protocol::Rest(Some(method)) => {
            let path = c.operation.split_once(' ')?.1;
            // Frameworks write parameters as `{id}` or `:id`; a route has one for each.
            let route = regex(&pieces(path.split(['?', '#', ' ']).next()?));
            Some(http?.of(&format!(
                "http_request_method=\"{}\",http_route=~\"{}\"",
                method.name(),
                route.replace('\\', "\\\\")
            )))
        }
        Protocol::Rest(None) | Protocol::GraphQl => http.cloned(),
        Protocol::Other(_) => None,
    }
}

/// Every consumer's backlog and dead letters.
fn messages(cx: &Cx<'_>, out: &mut Vec<Panel>) {
    let model = cx.plan.model;
    let (mut ages, mut counts, mut dead) = (Vec::new(), Vec::new(), Vec::new());
    for id in model.event_ids() {
        let (e, p) = (model.event(id), cx.plan.event(id));
        for g in &p.groups {
            let b = backlog(model.broker(e.broker).kind, p, g);
            let name = format!("{} by {}", e.name, model.party(g.consumer));
            let lag = Query::new(b.lag, name.clone());
            if b.age { &mut ages } else { &mut counts }.push(lag);
            dead.push(Query::new(b.dead_letters, name));
        }
    }
    if dead.is_empty() {
        return;
    }
    out.push(Panel::row("Messages"));
    for (title, unit, queries) in [
        ("Oldest message that waits", "s", ages),
        ("Messages that wait", "short", counts),
    ] {
        if !queries.is_empty() {
            out.push(Panel::lines(title, unit, queries));
        }
    }
    out.push(Panel::lines("Dead letters", "short", dead).limit(Some(1.0)));
}
