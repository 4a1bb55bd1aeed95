//! Prometheus, Alertmanager and CODEOWNERS: who is told of what, when, and whom they have to ask.

use std::collections::{BTreeMap, BTreeSet};

use msdesign::model::{Party, ServiceId, TeamId};
use msdesign::plan::{Alert, Shape, slug};
use serde_json::{Map, Value, json};

use super::{Artefact, Doc, Model, Plan, Wrong, docs, items, made_of, only, survivors};

/// The shop with promises, and teams for all but one service.
pub(super) fn owned() -> (Model, Vec<Artefact>) {
    let text = super::SHOP.replacen(
        "\"orders\",",
        "{ name = \"orders\", slo = { availability = \"99.9%\", p99 = \"400ms\" } },",
        1,
    );
    made_of(&format!(
        "{text}\n[teams]\ncheckout = {{ services = [\"orders\", \"cart\"], oncall = \"checkout-primary\" }}\nstore = [\"items\", \"stock\"]\n[platform]\nbroker = \"kafka\"\n"
    ))
}

fn team<'m>(model: &'m Model, alert: &Alert) -> &'m str {
    alert
        .teams
        .first()
        .map_or("nobody", |t| model.team(*t).name.as_str())
}

/// A time as Prometheus writes it.
fn hold(t: msdesign::model::units::Time) -> String {
    t.to_string().replace(" min", "m").replace(' ', "")
}

fn labels(model: &Model, plan: &Plan<'_>, a: &Alert) -> Value {
    json!({ "severity": a.severity.name(), "team": team(model, a), "service": plan.service(a.service).slug })
}

fn annotations(plan: &Plan<'_>, a: &Alert) -> Value {
    let words = |text: String| text.replace('`', "");
    // The path of a dashboard of `grafana/`, whose test holds its identity.
    let dashboard = format!(
        "/d/{}--{}",
        plan.choices.namespace,
        plan.service(a.service).slug
    );
    json!({
        "summary": words(a.meaning.clone()),
        "description": words(format!("Threshold: {}. First: {}.", a.why, a.action)),
        "runbook": format!("#design-{}", a.anchor),
        "dashboard": dashboard,
    })
}

#[test]
fn each_changed_value_of_a_rule_is_noticed() {
    let (model, files) = owned();
    let plan = Plan::new(&model);
    let file = format!("prometheus/{}.rules.yaml", plan.choices.namespace);
    let (changed, found) = survivors(&docs(&files, &file), |d| rules(&model, &plan, d));
    only(&found, &[]);
    assert!(changed > 300, "{changed}");
}

fn rules(model: &Model, plan: &Plan<'_>, docs: &[Doc]) -> Wrong {
    let all = plan.alerting();
    let name = &plan.choices.namespace;
    let recorded = |rules: &[msdesign::plan::RecordingRule]| -> Vec<Value> {
        let rule = |r: &msdesign::plan::RecordingRule| {
            let labels: Map<String, Value> = r
                .labels
                .iter()
                .map(|(k, v)| ((*k).to_owned(), json!(v)))
                .collect();
            json!({ "record": r.record, "expr": r.expr, "labels": labels })
        };
        rules.iter().map(rule).collect()
    };
    let alerts = all.alerts.iter().map(|a| {
        json!({
            "alert": a.name, "expr": a.expr, "for": hold(a.hold),
            "labels": labels(model, plan, a), "annotations": annotations(plan, a),
        })
    });
    let mut w = Wrong::default();
    // What alerts read is recorded before.
    let groups = [
        ("red", recorded(&all.red)),
        ("sli", recorded(&all.rules)),
        ("alerts", alerts.collect()),
    ];
    for (i, (what, rules)) in groups.iter().enumerate() {
        let group = &docs[0].value["groups"][i];
        w.want(what, &group["name"], format!("{name}-{what}"));
        w.same(what, &group["rules"], &json!(rules));
    }
    w
}

#[test]
fn a_function_is_asked_for_no_instances() {
    let (_, files) = made_of(
        "infrastructure = \"aws\"\nactors = [\"app\"]\nsync = [\"app --REST GET /x--> door\"]\n\
         async = [\"door --thing.done--> worker, mailer\"]\n[services]\ndoor = {}\n\
         worker = { runtime = \"lambda\" }\nmailer = { runtime = \"azure-functions\" }\n",
    );
    let text = |end: &str| &files.iter().find(|f| f.path.ends_with(end)).unwrap().text;
    let rules = text(".rules.yaml");
    assert!(rules.contains("alert: DoorSaturated") && rules.contains("alert: DoorMetricsMissing"));
    assert!(rules.contains("sum(aws_lambda_throttles_sum{dimension_FunctionName=\"worker\"}) > 0"));
    for slug in ["worker", "mailer"] {
        assert!(!rules.contains(&format!("up{{job=\"{slug}\"}}")), "{slug}");
        assert!(
            !rules.contains(&format!("dimension_ServiceName=\"{slug}\"")),
            "{slug}"
        );
        let page = text(&format!("grafana/{slug}.json"));
        assert!(
            !page.contains("sum(up") && !page.contains("aws_ecs"),
            "{slug}"
        );
        assert_eq!(page.contains("aws_lambda_throttles_sum"), slug == "worker");
    }
}

#[test]
fn each_changed_value_of_a_test_of_alerts_is_noticed() {
    let (model, files) = owned();
    let plan = Plan::new(&model);
    let file = format!("prometheus/{}.test.yaml", plan.choices.namespace);
    let (changed, found) = survivors(&docs(&files, &file), |d| tests(&model, &plan, d));
    // Only its words; and no alerts are expected where nothing is said of them.
    let free = ["/tests/name", "without /tests/alert_rule_test/exp_alerts"];
    only(&found, &free);
    assert!(changed > 300, "{changed}");
}

/// Each alert is silent at the end of the quiet minutes of its series and fires at the end of the loud ones.
fn tests(model: &Model, plan: &Plan<'_>, docs: &[Doc]) -> Wrong {
    let mut w = Wrong::default();
    let file = &docs[0].value;
    w.want(
        "rules",
        &file["rule_files"],
        json!([format!("{}.rules.yaml", plan.choices.namespace)]),
    );
    w.want("every", &file["evaluation_interval"], "5m");
    let mut tested = BTreeSet::new();
    for test in items(&file["tests"]) {
        w.want("interval", &test["interval"], "1m");
        let mut series: BTreeMap<&str, &str> = BTreeMap::new();
        for s in items(&test["input_series"]) {
            let (Some(name), Some(values)) = (s["series"].as_str(), s["values"].as_str()) else {
                w.that(false, "a series without a name or values");
                continue;
            };
            w.that(series.insert(name, values).is_none(), name);
        }
        let mut read = BTreeSet::new();
        let cases = items(&test["alert_rule_test"]);
        let first = cases.first().and_then(|c| c["eval_time"].as_str());
        let first = first.unwrap_or_default();
        let Ok(minutes) = first.trim_end_matches('m').parse::<u64>() else {
            w.that(false, first);
            continue;
        };
        for (i, case) in cases.iter().enumerate() {
            let name = case["alertname"].as_str().unwrap_or_default();
            let Some(a) = plan.alerting().alerts.iter().find(|a| a.name == name) else {
                w.that(false, &format!("no alert {name}"));
                continue;
            };
            let loud = i >= cases.len() / 2;
            w.want(
                name,
                &case["eval_time"],
                format!("{}m", if loud { 2 * minutes } else { minutes }),
            );
            w.that(minutes * 60_000 > a.hold.as_ms(), name);
            let mut carried: Map<String, Value> = a
                .proof
                .labels
                .iter()
                .map(|(k, v)| (k.clone(), json!(v)))
                .collect();
            carried.extend(labels(model, plan, a).as_object().unwrap().clone());
            let fired = json!([{ "exp_labels": carried, "exp_annotations": annotations(plan, a) }]);
            w.same(
                name,
                &case["exp_alerts"],
                &if loud { fired } else { json!([]) },
            );
            w.that(tested.insert((a.name.clone(), loud)), name);
            for s in &a.proof.series {
                read.insert(s.series.as_str());
                let should = match s.shape {
                    Shape::Gauge { quiet, loud } => {
                        format!("{quiet}+0x{minutes} {loud}+0x{minutes}")
                    }
                    Shape::Counter { quiet, loud } => {
                        let from = quiet * minutes as f64 + loud;
                        format!("0+{quiet}x{minutes} {from}+{loud}x{minutes}")
                    }
                };
                w.that(
                    series.get(s.series.as_str()) == Some(&should.as_str()),
                    &s.series,
                );
            }
        }
        w.that(
            series.keys().copied().eq(read),
            "series that no alert reads",
        );
    }
    w.that(
        tested.len() == 2 * plan.alerting().alerts.len(),
        "not every alert is tested",
    );
    w
}

#[test]
fn each_changed_value_of_a_route_is_noticed() {
    let (model, files) = owned();
    let plan = Plan::new(&model);
    let (changed, found) = survivors(&docs(&files, "alertmanager/"), |d| routes(&model, &plan, d));
    only(&found, &[]);
    assert!(changed > 40, "{changed}");
}

fn routes(model: &Model, plan: &Plan<'_>, docs: &[Doc]) -> Wrong {
    let mut w = Wrong::default();
    let file = &docs[0].value;
    let teams: BTreeSet<&str> = plan
        .alerting()
        .alerts
        .iter()
        .map(|a| team(model, a))
        .collect();
    let (mut routes, mut receivers) = (Vec::new(), BTreeSet::from(["nobody-ticket".to_owned()]));
    for team in teams {
        for (severity, [wait, interval, repeat]) in [
            ("page", ["30s", "5m", "4h"]),
            ("ticket", ["5m", "1h", "1d"]),
        ] {
            let receiver = format!("{}-{severity}", slug(team));
            routes.push(json!({
                "receiver": receiver,
                "matchers": [format!("team=\"{team}\""), format!("severity=\"{severity}\"")],
                "group_wait": wait, "group_interval": interval, "repeat_interval": repeat,
            }));
            receivers.insert(receiver);
        }
    }
    w.want("receiver", &file["route"]["receiver"], "nobody-ticket");
    w.want(
        "groups",
        &file["route"]["group_by"],
        json!(["alertname", "service"]),
    );
    w.same("routes", &file["route"]["routes"], &json!(routes));
    let receivers = receivers.iter().map(|name| {
        let (team, severity) = name.rsplit_once('-').unwrap();
        let oncall = model
            .teams
            .iter()
            .find(|t| t.name == team)
            .and_then(|t| t.oncall.as_deref());
        let url = match severity {
            "page" => format!("https://pager.example/{}", oncall.unwrap_or(team)),
            _ => format!("https://tickets.example/{team}"),
        };
        json!({ "name": name, "webhook_configs": [{ "url": url, "send_resolved": true }] })
    });
    w.same(
        "receivers",
        &file["receivers"],
        &json!(receivers.collect::<Vec<_>>()),
    );
    let quiet = |source: &str, target: &str| json!({ "source_matchers": [source], "target_matchers": [target], "equal": ["service"] });
    let rules = json!([
        quiet("severity=\"page\"", "severity=\"ticket\""),
        quiet(
            "alertname=~\".+ErrorBudgetBurnFast\"",
            "alertname=~\".+ErrorBudgetBurnMedium\""
        ),
    ]);
    w.same("inhibited", &file["inhibit_rules"], &rules);
    w
}

#[test]
fn each_changed_line_of_the_owners_is_noticed() {
    let (model, files) = owned();
    let plan = Plan::new(&model);
    let text = &files.iter().find(|f| f.path == "CODEOWNERS").unwrap().text;
    let lines: Vec<Doc> = text
        .lines()
        .filter(|l| !l.is_empty())
        .map(|l| Doc {
            value: json!(l.split(' ').collect::<Vec<_>>()),
        })
        .collect();
    let (changed, found) = survivors(&lines, |d| owners(&model, &plan, &files, d));
    // Its first two lines speak to people.
    let head = lines[..2].iter().map(|l| l.value.as_array().unwrap().len());
    assert_eq!(found.values().sum::<usize>(), head.sum::<usize>());
    assert!(changed > 60, "{changed}");
}

fn owners(model: &Model, plan: &Plan<'_>, files: &[Artefact], docs: &[Doc]) -> Wrong {
    let mut w = Wrong::default();
    let teams = |of: &BTreeSet<ServiceId>| -> BTreeSet<TeamId> {
        of.iter()
            .flat_map(|s| model.service(*s).teams.iter().copied())
            .collect()
    };
    let handles = |of: &BTreeSet<TeamId>| -> String {
        of.iter()
            .map(|t| format!(" @{}", slug(&model.team(*t).name)))
            .collect()
    };
    let callers = |of: &BTreeSet<ServiceId>| -> BTreeSet<ServiceId> {
        let calls = model.call_ids().map(|id| model.call(id));
        calls
            .filter(|c| of.contains(&c.to))
            .filter_map(|c| match c.from {
                Party::Service(s) => Some(s),
                Party::Actor(_) => None,
            })
            .collect()
    };
    let mut should = Vec::new();
    for file in files {
        let stem = |folder: &str, end: &str| {
            file.path
                .strip_prefix(folder)
                .and_then(|p| p.strip_suffix(end))
                .map(str::to_owned)
        };
        let by_slug = |name: &str| -> BTreeSet<ServiceId> {
            model
                .service_ids()
                .filter(|s| plan.service(*s).slug == name)
                .collect()
        };
        let (of, readers) = if let Some(name) = stem("openapi/", ".yaml") {
            let of = by_slug(&name);
            let readers = callers(&of);
            (of, readers)
        } else if let Some(name) = stem("asyncapi/", ".yaml").filter(|n| !n.starts_with("all-of-"))
        {
            (by_slug(&name), BTreeSet::new())
        } else if file.path == "proto/shop/cart.proto" {
            let of = by_slug("cart");
            let readers = callers(&of);
            (of, readers)
        } else if let Some(name) = stem("events/", ".schema.json") {
            let id = model
                .event_ids()
                .find(|id| slug(&plan.event(*id).event_type) == name)
                .unwrap();
            let e = model.event(id);
            let readers = e.consumers.iter().filter_map(|(p, _)| match p {
                Party::Service(s) => Some(*s),
                Party::Actor(_) => None,
            });
            (
                e.publishers.iter().map(|p| p.service).collect(),
                readers.collect(),
            )
        } else {
            continue;
        };
        let own = teams(&of);
        let agree: BTreeSet<TeamId> = &teams(&readers) - &own;
        if !agree.is_empty() {
            should.push(format!("# to agree as well:{}", handles(&agree)));
        }
        if own.is_empty() {
            let names: Vec<&str> = of.iter().map(|s| model.service(*s).name.as_str()).collect();
            should.push(format!(
                "# /{} has no owner: no team owns {}",
                file.path,
                names.join(", ")
            ));
        } else {
            should.push(format!("/{}{}", file.path, handles(&own)));
        }
    }
    let is = docs.iter().skip(2).map(|d| {
        let words = d
            .value
            .as_array()
            .unwrap()
            .iter()
            .map(|w| w.as_str().unwrap());
        words.collect::<Vec<_>>().join(" ")
    });
    w.same("lines", &json!(is.collect::<Vec<_>>()), &json!(should));
    w
}
