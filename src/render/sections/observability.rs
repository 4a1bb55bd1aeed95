//! What is measured, where to look first, what is logged, and who is woken.

use serde_json::json;

use super::super::Cx;
use super::super::doc::{Doc, Inline, say};
use crate::catalog::numbers;
use crate::model::units::float;
use crate::model::{Auth, CallId, Party, Section, ServiceId};
use crate::plan::FlowPlan;

pub(super) fn write(cx: &Cx<'_>, doc: &mut Doc) {
    doc.heading(1, "Key metrics", "observability-metrics");
    super::metrics::write(cx, doc);
    doc.heading(1, "Distributed tracing", "observability-tracing");
    tracing(cx, doc);
    doc.heading(1, "Log aggregation", "observability-logs");
    logs(cx, doc);
    never_logged(cx, doc);
    super::alerts::within_observability(cx, doc);
}

/// The design's own services.
pub(super) fn own<'a>(cx: &Cx<'a>) -> impl Iterator<Item = ServiceId> + use<'a> {
    let model = cx.plan.model;
    model.service_ids().filter(|s| !model.service(*s).external)
}

/// The flow that can keep somebody waiting longest.
fn longest<'a>(cx: &Cx<'a>) -> Option<&'a FlowPlan> {
    let mut best: Option<&FlowPlan> = None;
    for f in &cx.plan.flows {
        if !f.rows.is_empty() && best.is_none_or(|b| f.total.value > b.total.value) {
            best = Some(f);
        }
    }
    best
}

/// The call below the entry that can take longest, or the entry itself where it calls nobody.
fn slowest(flow: &FlowPlan) -> Option<CallId> {
    let mut best: Option<&crate::plan::BudgetRow> = None;
    for r in &flow.rows {
        let better = best.is_none_or(|b| (r.depth > 0, r.total) > (b.depth > 0, b.total));
        if better {
            best = Some(r);
        }
    }
    best.map(|r| r.call)
}

fn tracing(cx: &Cx<'_>, doc: &mut Doc) {
    let (plan, model) = (cx.plan, cx.plan.model);
    let Some((flow, call)) = longest(cx).and_then(|f| Some((f, slowest(f)?))) else {
        doc.para(say!(
            "No flow of {} waits for a call, so there is no span to look at first.",
            model.title
        ));
        return;
    };
    let (c, p) = (model.call(call), plan.call(call));
    doc.para(
        say!(
            "Slowest flow: **{}**, at most {}",
            flow.name,
            flow.total.value
        )
        .and(Inline::why(&flow.total))
        .and(Inline::text(". Look in this order:")),
    );
    let whole = flow
        .rows
        .iter()
        .find(|r| r.call == call)
        .map(|r| r.total)
        .unwrap_or_default();
    let mut items = vec![
        say!(
            "The client span of `{}` towards `{}` (`{}`): the longest wait of the flow below its entry, {} with every attempt (timeout {}, attempts {}).",
            model.party(c.from),
            model.service(c.to).name,
            c.label(),
            whole,
            p.timeout.value,
            p.attempts.value
        ),
        say!(
            "The server span of `{}` inside it: if it is much shorter than the client span, the time went into the network, the queue for a connection, or a repeated attempt.",
            model.service(c.to).name
        ),
    ];
    let mut inner: Option<&crate::plan::BudgetRow> = None;
    for r in &flow.rows {
        if model.call(r.call).from == Party::Service(c.to)
            && inner.is_none_or(|i| r.total > i.total)
        {
            inner = Some(r);
        }
    }
    if let Some(row) = inner {
        items.push(say!(
            "If it is as long: its own longest call in this flow, `{}`, up to {}.",
            model.call_name(row.call),
            row.total
        ));
    }
    let tight = flow
        .rows
        .iter()
        .filter(|r| r.call != call)
        .filter_map(|r| r.slack.map(|s| (s, r)))
        .min_by_key(|(s, _)| *s);
    if let Some((slack, row)) = tight {
        items.push(say!(
            "`{}`: of the others it has the least room, {} between its attempt timeout and what its callee waits for.",
            model.call_name(row.call),
            slack
        ));
    }
    for row in flow.rows.iter().filter(|r| r.slack.is_none()) {
        items.push(say!(
            "`{}`: its budget is broken, the callee may wait {} and the caller gives up after {}.",
            model.call_name(row.call),
            row.behind,
            plan.call(row.call).timeout.value
        ));
    }
    doc.numbered(items);
    if model.sections.contains(&Section::Tracing) {
        doc.para(
            Inline::text("The whole span tree stands in ")
                .and(doc.link("Distributed Tracing", "tracing"))
                .and(Inline::text(".")),
        );
    }
}

/// One line as a service of this system writes it, and where it goes.
fn logs(cx: &Cx<'_>, doc: &mut Doc) {
    let (plan, model) = (cx.plan, cx.plan.model);
    let call = longest(cx)
        .and_then(slowest)
        .filter(|c| matches!(model.call(*c).from, Party::Service(_)))
        .or_else(|| {
            model
                .call_ids()
                .find(|c| matches!(model.call(*c).from, Party::Service(_)))
        });
    let service = match call.map(|c| model.call(c).from) {
        Some(Party::Service(s)) => Some(s),
        _ => own(cx).next(),
    };
    let Some(service) = service else {
        doc.para(say!("{} has no service that logs.", model.title));
        return;
    };
    let (body, attributes) = match call {
        Some(c) => {
            let to = model.call(c).to;
            (
                format!(
                    "{} to {} timed out after {}",
                    model.call(c).label(),
                    model.service(to).name,
                    plan.call(c).timeout.value
                ),
                json!({ "server.address": plan.service(to).address, "error.type": "timeout" }),
            )
        }
        None => ("started".to_owned(), json!({})),
    };
    // Ids are those of the W3C Trace Context examples; the instant is as good as any.
    let line = json!({
        "timestamp": "2026-01-15T09:30:00.125Z",
        "severity_text": if call.is_some() { "ERROR" } else { "INFO" },
        "body": body,
        "trace_id": "0af7651916cd43dd8448eb211c80319c",
        "span_id": "b7ad6b7169203331",
        "trace_flags": "01",
        "resource": {
            "service.name": plan.service(service).slug,
            "service.namespace": plan.choices.namespace,
            "service.version": "1.0.0",
            "service.instance.id": format!("{}-0", plan.service(service).slug),
        },
        "attributes": attributes,
    });
    doc.para(say!(
        "One line of `{}`. `{}` and `{}` join it to its trace, `{}` to the metrics above (label `{}`).",
        model.service(service).name,
        "trace_id",
        "span_id",
        "service.name",
        "job"
    ));
    doc.code("json", &line.to_string());
    let kept = &numbers().log_retention;
    doc.list(
        model
            .infrastructures
            .iter()
            .map(|i| say!("{}: to {}.", i.name, i.log_store))
            .chain([say!(
                "Kept {} {} ({}).",
                float(kept.value),
                kept.unit,
                kept.why
            )]),
    );
}

/// Personal data of the events and what proves identity.
fn never_logged(cx: &Cx<'_>, doc: &mut Doc) {
    let (plan, model) = (cx.plan, cx.plan.model);
    let mut rows = Vec::new();
    for id in model.event_ids() {
        let (e, p) = (model.event(id), plan.event(id));
        if p.pii.is_empty() {
            continue;
        }
        let mut holders: Vec<&str> = e
            .publishers
            .iter()
            .map(|p| model.service(p.service).name.as_str())
            .collect();
        holders.extend(e.consumers.iter().map(|(c, _)| model.party(*c)));
        rows.push(vec![
            Inline::names(&p.pii),
            say!("personal data in `{}`", e.name),
            Inline::names(holders),
        ]);
    }
    let mut by_auth: std::collections::BTreeMap<Auth, std::collections::BTreeSet<&str>> =
        std::collections::BTreeMap::new();
    for c in &model.calls {
        let auth = c.auth.map_or(plan.choices.auth, |a| a.value);
        let ends = by_auth.entry(auth).or_default();
        if let Party::Service(_) = c.from {
            ends.insert(model.party(c.from));
        }
        if !model.service(c.to).external {
            ends.insert(&model.service(c.to).name);
        }
    }
    for s in &model.streams {
        if let (Some(auth), Party::Service(x)) = (s.auth, s.from) {
            by_auth
                .entry(auth.value)
                .or_default()
                .insert(&model.service(x).name);
        }
    }
    for (auth, services) in by_auth {
        let (what, why): (&[&str], &str) = match auth {
            Auth::Jwt => (&["authorization"], "the JSON Web Token of a request"),
            Auth::Oauth2 => (
                &["authorization", "client_secret"],
                "access tokens and the secret that buys them",
            ),
            Auth::Iam if plan.choices.infrastructure.id == "aws" => (
                &["authorization", "x-amz-security-token"],
                "signature and session token of a signed request",
            ),
            Auth::Iam => (&["authorization"], "the platform's identity token"),
            Auth::Mtls => (
                &["x-forwarded-client-cert"],
                "the caller's certificate as the proxy hands it on",
            ),
        };
        rows.push(vec![
            Inline::names(what),
            Inline::text(why),
            Inline::names(services),
        ]);
    }
    if rows.is_empty() {
        return;
    }
    doc.table(&["Never logged", "What it is", "By"], rows);
    if model.events.iter().any(|e| !e.schema.is_empty())
        && model.events.iter().all(|e| e.pii.is_empty())
    {
        doc.para(say!("No event of {} marks a field as `pii`.", model.title));
    }
}
