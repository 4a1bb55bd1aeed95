//! Grafana: what each panel asks, in which unit, and where its line turns red.

use std::collections::{BTreeMap, BTreeSet};

use msdesign::catalog::numbers;
use msdesign::model::{CallId, Party, ServiceId};
use msdesign::plan::{answered, asked, backlog, protocol, resources};
use serde_json::{Value, json};

use super::{Doc, Model, Plan, Wrong, docs, items, only, operations::owned, survivors};

/// How it looks; the design says nothing of it. What stands at a panel's corner is for people. Lists without entries, and
/// a first threshold without a value, are the same if they are missing.
const FREE: [&str; 9] = [
    "/panels/description",
    "/graphTooltip",
    "/refresh",
    "without /annotations",
    "without /annotations/list",
    "without /panels/fieldConfig/defaults/thresholds/steps/value",
    "without /panels/fieldConfig/overrides",
    "without /panels/options/legend/calcs",
    "without /panels/panels",
];

#[test]
fn each_changed_value_of_a_dashboard_is_noticed() {
    let (model, files) = owned();
    let plan = Plan::new(&model);
    let (mut changed, mut read) = (0, 0);
    let mut survived = BTreeMap::new();
    for file in files.iter().filter(|f| f.path.starts_with("grafana/")) {
        let (n, found) = survivors(&docs(&files, &file.path), |d| {
            wrong(&model, &plan, &file.path, d)
        });
        changed += n;
        read += 1;
        survived.extend(found.into_iter().filter(|(p, _)| !looks(p)));
    }
    only(&survived, &FREE);
    assert!(changed > 2000 && read == 6, "{changed} {read}");
}

/// Whether it is only how a panel or a page looks.
fn looks(place: &str) -> bool {
    [
        "/panels/options/",
        "/panels/fieldConfig/defaults/mappings/",
        "/links/",
        "/time/",
        "/templating/",
    ]
    .iter()
    .any(|p| place.starts_with(p))
        && ![
            "/links/tags",
            "/templating/list/name",
            "/templating/list/query",
        ]
        .contains(&place)
}

/// A panel: its title, unit, what it asks with what its lines are called, where it turns red, and whether less is
/// worse.
type Panel = (
    String,
    &'static str,
    Vec<(String, String)>,
    Option<f64>,
    bool,
);

fn wrong(model: &Model, plan: &Plan<'_>, path: &str, docs: &[Doc]) -> Wrong {
    let mut w = Wrong::default();
    let file = &docs[0].value;
    let space = &plan.choices.namespace;
    let slug = path
        .strip_prefix("grafana/")
        .unwrap()
        .strip_suffix(".json")
        .unwrap();
    let of = model.service_ids().find(|s| plan.service(*s).slug == slug);
    let (uid, title, panels) = match of {
        Some(id) => (
            format!("{space}--{slug}"),
            format!("{}: {}", model.title, model.service(id).name),
            service(model, plan, id),
        ),
        None => (
            space.clone(),
            format!("{}: overview", model.title),
            overview(model, plan),
        ),
    };
    w.want("uid", &file["uid"], uid);
    w.want("title", &file["title"], title);
    w.want("tags", &file["tags"], json!([space]));
    w.want("tags", &file["links"][0]["tags"], json!([space]));
    w.want("schema", &file["schemaVersion"], 39);
    w.want("editable", &file["editable"], true);
    let source = &file["templating"]["list"][0];
    w.want("source", &source["name"], "datasource");
    w.want("source", &source["query"], "prometheus");
    let mut is = Vec::new();
    let (mut row, mut bottom, mut taken) = (0, 0, BTreeSet::new());
    for (i, p) in items(&file["panels"]).iter().enumerate() {
        let title = p["title"].as_str().unwrap_or_default();
        w.want(title, &p["id"], i + 1);
        let at = |key: &str| p["gridPos"][key].as_u64().unwrap_or(99);
        let (x, y, wide, high) = (at("x"), at("y"), at("w"), at("h"));
        // Panels stand below their row, beside or below each other, and over no other.
        let last = p["type"] == "row";
        w.that(x + wide <= 24 && high == if last { 1 } else { 7 }, title);
        w.that(
            if last {
                (x, y, wide) == (0, bottom, 24)
            } else {
                y >= row && [6, 8, 12].contains(&wide)
            },
            title,
        );
        for cell in x..x + wide {
            w.that(taken.insert((cell, y)), title);
        }
        w.that(x == 0 || taken.contains(&(x - 1, y)), title);
        row = if last { y + 1 } else { row };
        w.that(y == bottom || x > 0 && y + high == bottom, title);
        bottom = y + high;
        if last {
            w.want(title, &p["collapsed"], false);
            is.push(json!([title]));
            continue;
        }
        let from = json!({ "type": "prometheus", "uid": "${datasource}" });
        w.want(title, &p["datasource"], from.clone());
        let mut asks = Vec::new();
        for (t, name) in p["targets"].as_array().into_iter().flatten().zip('A'..) {
            w.want(title, &t["refId"], name.to_string());
            w.want(title, &t["datasource"], from.clone());
            asks.push((t["expr"].clone(), t["legendFormat"].clone()));
        }
        let defaults = &p["fieldConfig"]["defaults"];
        let t = &defaults["thresholds"];
        w.want(title, &t["mode"], "absolute");
        w.want(title, &t["steps"][0]["value"], Value::Null);
        let limit = t["steps"].get(1).map(|s| s["value"].clone());
        let first = &t["steps"][0]["color"];
        if let Some(second) = t["steps"].get(1) {
            w.want(
                title,
                &second["color"],
                if first == "red" { "green" } else { "red" },
            );
        }
        w.that(first == "red" || first == "green", title);
        let kind = match p["type"].as_str().unwrap_or_default() {
            "timeseries" => {
                w.want(title, &defaults["min"], 0);
                let style = if limit.is_some() { "line" } else { "off" };
                w.want(
                    title,
                    &defaults["custom"],
                    json!({ "thresholdsStyle": { "mode": style } }),
                );
                "lines"
            }
            "state-timeline" => "lines",
            "stat" => "number",
            _ => "unknown",
        };
        let states = title.starts_with("Breaker towards");
        w.that(states == (p["type"] == "state-timeline"), title);
        is.push(json!([
            title,
            defaults["unit"],
            asks,
            limit,
            kind,
            first == "red"
        ]));
    }
    let should = panels.into_iter().map(|p| match p {
        (title, "row", ..) => json!([title]),
        (title, unit, asks, limit, less) => {
            json!([
                title,
                unit,
                asks,
                limit,
                if less { "number" } else { "lines" },
                less
            ])
        }
    });
    let should: Vec<Value> = should.collect();
    // In their order, and numbers whether written with a point or not.
    w.that(is.len() == should.len(), "panels");
    for (is, should) in is.iter().zip(&should) {
        let texts = |v: &Value| v.to_string().replace(".0,", ",");
        w.that(texts(is) == texts(should), &format!("{is}, not {should}"));
    }
    w
}

fn one(expr: String, legend: &str) -> Vec<(String, String)> {
    vec![(expr, legend.to_owned())]
}

fn row(title: String) -> Panel {
    (title, "row", Vec::new(), None, false)
}

fn service(model: &Model, plan: &Plan<'_>, id: ServiceId) -> Vec<Panel> {
    let (s, p) = (model.service(id), plan.service(id));
    let name = &s.name;
    let mut out = Vec::new();
    if !answered(p).is_empty() {
        let of = |record: &str| format!("service:{record}_rate5m{{service=\"{}\"}}", p.slug);
        let budget = plan.alerting().objective(id).map(|o| o.budget.0);
        let p99 = s.slo.and_then(|s| s.p99).map(|t| t.value.as_s());
        let both = [50, 99].map(|q| {
            (
                of(&format!("request_duration_seconds:p{q}")),
                format!("p{q}"),
            )
        });
        let rate = format!("service:requests:rate5m{{service=\"{}\"}}", p.slug);
        out.extend([
            row(format!("What {name} answers")),
            (
                "Requests".to_owned(),
                "reqps",
                one(rate, "all"),
                Some(p.rate.value.0),
                false,
            ),
            (
                "Failed requests".to_owned(),
                "percentunit",
                one(of("request_errors:ratio"), "all"),
                budget,
                false,
            ),
            ("Duration".to_owned(), "s", both.to_vec(), p99, false),
        ]);
        let measured = plan.callers(id).iter().any(|c| {
            let c = model.call(*c);
            matches!(c.from, Party::Service(from) if asked(plan.service(from), p, &c.protocol).is_some())
        });
        if measured {
            let seen = |record: &str| {
                one(
                    format!("call:{record}{{callee=\"{}\"}}", p.slug),
                    "{{service}} {{protocol}}",
                )
            };
            out.extend([
                row(format!("{name} as its callers see it")),
                (
                    "Requests by caller".to_owned(),
                    "reqps",
                    seen("requests:rate5m"),
                    None,
                    false,
                ),
                (
                    "Failed requests by caller".to_owned(),
                    "percentunit",
                    seen("request_errors:ratio_rate5m"),
                    None,
                    false,
                ),
                (
                    "p99 by caller".to_owned(),
                    "s",
                    seen("request_duration_seconds:p99_rate5m"),
                    None,
                    false,
                ),
            ]);
        }
    }
    let mut pairs: BTreeMap<(ServiceId, &str), Vec<CallId>> = BTreeMap::new();
    for &call in plan.callees(id) {
        let c = model.call(call);
        if asked(p, plan.service(c.to), &c.protocol).is_some() {
            pairs
                .entry((c.to, protocol(&c.protocol)))
                .or_default()
                .push(call);
        }
    }
    for ((to, protocol), calls) in pairs {
        let (slug, to) = (&plan.service(to).slug, &model.service(to).name);
        let of = |record: &str| {
            format!(
                "call:{record}{{service=\"{}\",callee=\"{slug}\",protocol=\"{protocol}\"}}",
                p.slug
            )
        };
        let asks = |expr: String| one(expr, "{{callee}}");
        let breaker = calls
            .iter()
            .find_map(|c| plan.call(*c).breaker.as_ref().ok())
            .map(|b| b.ratio.value.0);
        let shortest = calls
            .iter()
            .map(|c| plan.call(*c).timeout.value)
            .min()
            .map(|t| t.as_s());
        let errors = of("request_errors:ratio_rate5m");
        out.extend([
            row(format!("What it asks of {to} ({protocol})")),
            (
                format!("Requests to {to}"),
                "reqps",
                asks(of("requests:rate5m")),
                None,
                false,
            ),
            (
                format!("Failed requests to {to}"),
                "percentunit",
                asks(errors.clone()),
                breaker,
                false,
            ),
            (
                format!("p99 of {to}"),
                "s",
                asks(of("request_duration_seconds:p99_rate5m")),
                shortest,
                false,
            ),
        ]);
        if let Some(share) = breaker {
            out.push((
                format!("Breaker towards {to}"),
                "short",
                asks(format!("{errors} > bool {share}")),
                None,
                false,
            ));
        }
    }
    for (n, &(event, group)) in plan.groups(id).iter().enumerate() {
        if n == 0 {
            out.push(row(format!("What {name} reads")));
        }
        let (e, p) = (model.event(event), plan.event(event));
        let g = &p.groups[group];
        let b = backlog(model.broker(e.broker).kind, p, g);
        assert!(!b.age, "the shop's broker counts");
        let waits = (
            format!("{} that wait", e.name),
            "short",
            one(b.lag, &e.name),
            Some(g.lag_limit.value as f64),
            false,
        );
        let dead = one(b.dead_letters, &g.dead_letter);
        out.extend([
            waits,
            (
                format!("Dead letters of {}", e.name),
                "short",
                dead,
                Some(1.0),
                false,
            ),
        ]);
    }
    for (n, a) in plan
        .alerting()
        .about(id)
        .filter(|a| a.held.is_some())
        .enumerate()
    {
        if n == 0 {
            out.push(row("What it keeps open".to_owned()));
        }
        let held = a.held.clone().unwrap();
        let unit = if a.custom_metric { "s" } else { "short" };
        let asks = one(held.expr, "");
        out.push((held.title, unit, asks, Some(held.limit), false));
    }
    let r = resources(
        &plan.choices.infrastructure.id,
        &plan.choices.namespace,
        &p.slug,
    );
    let up = format!("sum(up{{job=\"{}\"}})", p.slug);
    let used = one(r.percent, "of what they were given");
    out.extend([
        row(format!("Instances of {name}")),
        (
            "Processor use".to_owned(),
            "percent",
            used,
            Some(numbers().cpu_saturated.value),
            false,
        ),
        (
            "Instances that answer".to_owned(),
            "short",
            one(up, "up"),
            None,
            false,
        ),
    ]);
    out.extend(
        r.errors
            .map(|e| ("Restarts".to_owned(), "short", one(e, ""), None, false)),
    );
    out
}

fn overview(model: &Model, plan: &Plan<'_>) -> Vec<Panel> {
    let at = |ids: Vec<ServiceId>| {
        let slugs: Vec<&str> = ids.iter().map(|s| plan.service(*s).slug.as_str()).collect();
        format!("{{service=~\"{}\"}}", slugs.join("|"))
    };
    let promised = at(plan
        .alerting()
        .objectives
        .iter()
        .map(|o| o.service)
        .collect());
    let own = model
        .service_ids()
        .filter(|s| !model.service(*s).external && !answered(plan.service(*s)).is_empty());
    let own = at(own.collect());
    let query = |record: &str, at: &str| one(format!("{record}{at}"), "{{service}}");
    let left = query("slo:period_error_budget_remaining:ratio", &promised);
    let burn = query("slo:current_burn_rate:ratio", &promised);
    let mut out = vec![
        row("Objectives".to_owned()),
        (
            "Error budget left of 30 days".to_owned(),
            "percentunit",
            left,
            Some(0.0),
            true,
        ),
        ("Burn rate".to_owned(), "short", burn, Some(1.0), false),
        row("Services".to_owned()),
    ];
    for (title, unit, record) in [
        ("Requests", "reqps", "service:requests:rate5m"),
        (
            "Failed requests",
            "percentunit",
            "service:request_errors:ratio_rate5m",
        ),
        ("p99", "s", "service:request_duration_seconds:p99_rate5m"),
    ] {
        out.push((title.to_owned(), unit, query(record, &own), None, false));
    }
    for flow in &plan.flows {
        let p99 = flow.slo.and_then(|s| s.p99).map(|t| t.value);
        let limit = p99.unwrap_or(flow.total.value).as_s();
        let c = model.call(flow.rows[0].call);
        let requests = &answered(plan.service(c.to))[0];
        let (method, path) = c.operation.split_once(' ').unwrap();
        let of = requests.of(&format!(
            "http_request_method=\"{method}\",http_route=~\"{path}\""
        ));
        let name = &flow.name;
        out.extend([
            row(format!("Flow: {name}")),
            (
                format!("Requests of {name}"),
                "reqps",
                one(of.rate("5m"), "entry"),
                None,
                false,
            ),
            (
                format!("Failed requests of {name}"),
                "percentunit",
                one(of.error_ratio("5m"), "entry"),
                None,
                false,
            ),
            (
                format!("p99 of {name}"),
                "s",
                one(of.quantile(0.99, "5m"), "p99"),
                Some(limit),
                false,
            ),
        ]);
    }
    let (mut waits, mut dead) = (Vec::new(), Vec::new());
    for id in model.event_ids() {
        let (e, p) = (model.event(id), plan.event(id));
        for g in &p.groups {
            let b = backlog(model.broker(e.broker).kind, p, g);
            let name = format!("{} by {}", e.name, model.party(g.consumer));
            waits.push((b.lag, name.clone()));
            dead.push((b.dead_letters, name));
        }
    }
    out.extend([
        row("Messages".to_owned()),
        ("Messages that wait".to_owned(), "short", waits, None, false),
        ("Dead letters".to_owned(), "short", dead, Some(1.0), false),
    ]);
    out
}
