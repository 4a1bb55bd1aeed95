//! The metrics of a design: requests, calls, instances, stores, consumers, streams, sagas.

use super::super::Cx;
use super::super::doc::{Doc, Inline, say};
use super::column::Column;
use super::observability::own;
use crate::catalog::{self, numbers};
use crate::model::units::float;
use crate::model::{Party, Protocol, ServiceId};
use crate::plan;

/// Every metric, in the order in which trouble travels.
pub(super) fn write(cx: &Cx<'_>, doc: &mut Doc) {
    requests(cx, doc);
    calls(cx, doc);
    resources(cx, doc);
    stores(cx, doc);
    consumers(cx, doc);
    others(cx, doc);
}

/// Rate, errors and duration of what each service answers.
fn requests(cx: &Cx<'_>, doc: &mut Doc) {
    let (plan, model) = (cx.plan, cx.plan.model);
    let mut rows = Vec::new();
    let (mut silent, mut unmeasured) = (Vec::new(), Vec::new());
    let mut rates = Column::default();
    for id in own(cx) {
        let (s, p) = (model.service(id), plan.service(id));
        let answered = plan::answered(p);
        if answered.is_empty() {
            let called = p.serves_tcp || p.past_gateway;
            let list = if called { &mut unmeasured } else { &mut silent };
            list.push(s.name.as_str());
        }
        for r in answered {
            rows.push(vec![
                Inline::code(s.name.as_str()),
                Inline::code(r.series()),
                rates.cell(&p.rate),
                Inline::code(r.errors),
                match s.slo.and_then(|x| x.p99) {
                    Some(p99) => say!("p99 {} (SLO)", p99.value),
                    None => Inline::text("no p99 promised"),
                },
            ]);
        }
    }
    doc.table(
        &[
            "Service",
            "RED: histogram",
            "Peak rate",
            "Errors",
            "Duration",
        ],
        rows,
    );
    if !unmeasured.is_empty() {
        doc.para(
            Inline::names(unmeasured)
                .and(Inline::text(" answer protocols that OpenTelemetry's libraries do not count, so that no alert burns an error budget; their resources stand below.")),
        );
        uncounted(cx, doc);
    }
    if !silent.is_empty() {
        doc.para(Inline::text("Nobody calls these, so they have no request metrics; their events and resources stand below: ").and(Inline::names(silent)).and(Inline::text(".")));
    }
}

/// What to measure where an objective stands that no usual metric tells anything about.
fn uncounted(cx: &Cx<'_>, doc: &mut Doc) {
    let (plan, model) = (cx.plan, cx.plan.model);
    let objectives = &plan.alerting().uncounted;
    doc.list(objectives.iter().map(|o| {
        let id = o.service;
        let calls = plan.callers(id).iter().map(|c| &model.call(*c).protocol);
        let spoken: std::collections::BTreeSet<String> = calls
            .filter_map(|p| match p {
                Protocol::Other(name) => Some(plan::slug(name)),
                _ => None,
            })
            .collect();
        say!(
            "`{}` is held to {}: let its code record each answer in the histogram `rpc.server.call.duration`, with `rpc.system.name` = ",
            model.service(id).name,
            o.target
        )
        .and(Inline::names(spoken))
        .and(say!(
            " and `error.type` on the failed ones. `{}` must then stay below {}; until it is recorded, ask its callers how many of their calls fail.",
            plan::to_record(plan.service(id)).error_ratio("1h"),
            o.budget
        ))
    }));
}

/// The same from the caller's side, one row a pair and protocol: labels know addresses, not operations.
fn calls(cx: &Cx<'_>, doc: &mut Doc) {
    let (plan, model) = (cx.plan, cx.plan.model);
    let mut seen = std::collections::BTreeSet::new();
    let mut rows = Vec::new();
    let mut unmeasured = Vec::new();
    for id in model.call_ids() {
        let c = model.call(id);
        let Party::Service(from) = c.from else {
            continue;
        };
        let Some(asked) = plan::asked(plan.service(from), plan.service(c.to), &c.protocol) else {
            unmeasured.push(model.call_name(id));
            continue;
        };
        if !seen.insert((from, c.to, asked.metric)) {
            continue;
        }
        rows.push(vec![
            Inline::code(model.service(from).name.as_str()),
            Inline::code(model.service(c.to).name.as_str()),
            Inline::code(asked.series()),
            Inline::code(asked.errors),
        ]);
    }
    if !rows.is_empty() {
        doc.details("Calls as their callers see them", |doc| {
            doc.table(&["From", "To", "RED: histogram", "Errors"], rows);
        });
    }
    let foreign: std::collections::BTreeSet<&str> = seen
        .iter()
        .map(|(_, to, _)| model.service(*to))
        .filter(|s| s.external)
        .map(|s| s.name.as_str())
        .collect();
    if !foreign.is_empty() {
        doc.para(
            say!("Here and in the alerts, `{}` of these is their name, since the spec does not know their hosts: ", "server_address")
                .and(Inline::names(foreign))
                .and(Inline::text(".")),
        );
    }
    if !unmeasured.is_empty() {
        doc.para(
            Inline::text("OpenTelemetry defines no metric for these calls; the caller has to count them itself: ")
                .and(Inline::names(unmeasured))
                .and(Inline::text(".")),
        );
    }
}

/// Utilisation, saturation and errors of each service's instances, by the exporter of this platform.
fn resources(cx: &Cx<'_>, doc: &mut Doc) {
    let (plan, model) = (cx.plan, cx.plan.model);
    let namespace = &plan.choices.namespace;
    let infrastructure = plan.choices.infrastructure;
    let mut replicas = Column::default();
    let runtime = |id: &ServiceId| model.service(*id).runtime;
    let functions: Vec<ServiceId> = own(cx).filter(|id| runtime(id).is_some()).collect();
    if !functions.is_empty() {
        let names = functions.iter().map(|id| model.service(*id).name.as_str());
        doc.para(
            Inline::names(names)
                .and(Inline::text(" run as functions: an instance begins where one is needed, and nobody scrapes it, so that no alert watches over processors or over what is up.")),
        );
        doc.list(functions.iter().filter_map(|id| {
            let expr = plan::throttled(&runtime(id)?.value.id, &plan.service(*id).slug)?;
            Some(say!("`{}` of yet-another-cloudwatch-exporter, reading AWS/Lambda, counts the runs of `{}` that were turned away.", expr, model.service(*id).name))
        }));
    }
    let rows: Vec<_> = own(cx)
        .filter(|id| runtime(id).is_none())
        .map(|id| {
            let p = plan.service(id);
            let r = plan::resources(&infrastructure.id, namespace, &p.slug);
            vec![
                Inline::code(model.service(id).name.as_str()),
                replicas.cell(&p.replicas),
                Inline::code(r.usage),
                Inline::code(r.saturation),
                r.errors.map_or_else(|| Inline::text("–"), Inline::code),
            ]
        })
        .collect();
    if rows.is_empty() {
        return;
    }
    let exporter = plan::resources(&infrastructure.id, namespace, "").exporter;
    doc.details("Instances of each service", |doc| {
        doc.para(say!(
            "On {} these come from {}.",
            infrastructure.name,
            exporter
        ));
        doc.table(
            &[
                "Service",
                "Instances",
                "USE: utilisation",
                "Saturation",
                "Errors",
            ],
            rows,
        );
    });
}

/// Stores whose kind has an exporter with names that are known.
fn stores(cx: &Cx<'_>, doc: &mut Doc) {
    let model = cx.plan.model;
    let (mut rows, mut unknown) = (Vec::new(), Vec::new());
    for store in &model.stores {
        let Some(exporter) = catalog::exporter(&store.kind) else {
            // Nothing outside of its process can ask a file.
            if catalog::port(&store.kind).is_none_or(|p| p.port > 0) {
                unknown.push(say!("`{}` ({})", store.name, store.kind));
            }
            continue;
        };
        rows.push(vec![
            Inline::code(store.name.as_str()),
            Inline::names(
                store
                    .users
                    .iter()
                    .map(|(s, _)| model.service(*s).name.as_str()),
            ),
            Inline::code(exporter.usage.as_str()),
            Inline::code(exporter.of.as_str()),
            Inline::code(exporter.errors.as_str()),
            Inline::text(exporter.name.as_str()),
        ]);
    }
    if rows.is_empty() && unknown.is_empty() {
        return;
    }
    doc.details("Stores", |doc| {
        if !rows.is_empty() {
            doc.table(
                &[
                    "Store",
                    "Used by",
                    "USE: utilisation",
                    "of",
                    "Errors",
                    "Exporter",
                ],
                rows,
            );
        }
        if !unknown.is_empty() {
            doc.para(
                Inline::text("No exporter is known here by its names for ")
                    .and(Inline::join(unknown, ", "))
                    .and(Inline::text(": its team has to name the series by which it sees that the store is full.")),
            );
        }
    });
}

/// Lag or age of every consumer, in the broker's own metric.
fn consumers(cx: &Cx<'_>, doc: &mut Doc) {
    let (plan, model) = (cx.plan, cx.plan.model);
    let mut rows = Vec::new();
    let late = &numbers().lag_seconds;
    let mut aged = false;
    for id in model.event_ids() {
        let p = plan.event(id);
        let broker = model.broker(model.event(id).broker).kind;
        let lag = metric(&broker.lag);
        for g in &p.groups {
            rows.push(vec![
                Inline::code(model.event(id).name.as_str()),
                Inline::code(model.party(g.consumer)),
                match (broker.id.as_str(), g.lanes) {
                    ("kafka", _) => Inline::code(g.group.as_str()),
                    (_, 0) => Inline::code(g.queue.as_str()),
                    (_, n) => say!("`{}` and on, {} together", g.lane(broker, 0), n),
                },
                Inline::code(lag),
                if plan::backlog(broker, p, g).age {
                    aged = true;
                    say!("{} s", float(late.value))
                } else {
                    say!("{} waiting", g.lag_limit.value).and(Inline::why(&g.lag_limit))
                },
                Inline::code(metric(&broker.dead_letters)),
            ]);
        }
    }
    doc.table(
        &[
            "Event",
            "Consumer",
            "Group or queue",
            "Lag or age",
            "Late at",
            "Dead letters",
        ],
        rows,
    );
    if aged {
        doc.para(say!(
            "Age of the oldest message: {} s, since {}.",
            float(late.value),
            late.why
        ));
    }
}

/// The name of the metric in an expression template of the catalog.
fn metric(template: &str) -> &str {
    let head = template.split("{{").next().unwrap_or(template);
    head.rsplit('(').next().unwrap_or(head)
}

/// Streams and sagas.
fn others(cx: &Cx<'_>, doc: &mut Doc) {
    let (plan, model) = (cx.plan, cx.plan.model);
    let mut items = Vec::new();
    for id in model.stream_ids() {
        let p = plan.stream(id);
        if let Some(server) = p.server {
            items.push(
                say!(
                    "Connections of `{}` ({}): `http_server_active_requests`, planned for {} an instance",
                    model.service(server).name,
                    model.stream(id).label(),
                    p.per_replica.value
                )
                .and(Inline::why(&p.per_replica)),
            );
        }
    }
    for (saga, p) in model.sagas.iter().zip(&plan.sagas) {
        let keeper = p
            .coordinator
            .as_ref()
            .map(|c| c.value)
            .or_else(|| saga.steps.first().map(|s| s.service));
        let Some(keeper) = keeper else { continue };
        items.push(say!(
            "Saga {}: `{}`, which `{}` must export itself; late at {}",
            saga.name,
            format!("saga_oldest_pending_seconds{{saga=\"{}\"}}", p.slug),
            model.service(keeper).name,
            p.deadline.value
        ));
    }
    doc.list(items);
}
