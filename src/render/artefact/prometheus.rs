//! The rules file that Prometheus reads: recording rules and alerts of the plan.

use serde_json::{Map, Value, json};

use super::super::Cx;
use super::super::sections::runbook_link;
use super::{File, Kind, alert_tests, grafana, yaml};
use crate::plan::{Alert, RecordingRule};

pub(super) const KIND: Kind = Kind {
    id: "prometheus",
    what: "recording and alerting rules, with a test of every alert",
    files,
};

fn files(cx: &Cx<'_>) -> Vec<File> {
    let name = &cx.plan.choices.namespace;
    let file = |ending: &str, text, reader| File {
        path: format!("prometheus/{name}.{ending}.yaml"),
        fence: "yaml",
        text,
        checked_by: Some(reader),
        notes: Vec::new(),
    };
    let mut out: Vec<File> = rules(cx)
        .map(|text| file("rules", text, "promtool check rules"))
        .into_iter()
        .collect();
    if !cx.plan.alerting().alerts.is_empty() {
        let tests = alert_tests::tests(cx, &format!("{name}.rules.yaml"));
        out.push(file("test", yaml(&tests), "promtool test rules"));
    }
    out
}

/// The whole file as YAML; `None` for a design that nothing is measured or promised in.
fn rules(cx: &Cx<'_>) -> Option<String> {
    let plan = cx.plan;
    let alerting = plan.alerting();
    let mut groups = Vec::new();
    // A burn-rate alert reads the recorded series, so their groups stand first.
    for (name, rules) in [("red", &alerting.red), ("sli", &alerting.rules)] {
        let rules: Vec<Value> = rules.iter().map(recording).collect();
        if !rules.is_empty() {
            groups.push(json!({
                "name": format!("{}-{name}", plan.choices.namespace),
                "rules": rules,
            }));
        }
    }
    let alerts: Vec<Value> = alerting.alerts.iter().map(|a| alert(cx, a)).collect();
    if !alerts.is_empty() {
        groups
            .push(json!({ "name": format!("{}-alerts", plan.choices.namespace), "rules": alerts }));
    }
    if groups.is_empty() {
        return None;
    }
    Some(yaml(&json!({ "groups": groups })))
}

fn recording(rule: &RecordingRule) -> Value {
    let labels: Map<String, Value> = rule
        .labels
        .iter()
        .map(|(name, value)| ((*name).to_owned(), json!(value)))
        .collect();
    json!({ "record": rule.record, "expr": rule.expr, "labels": labels })
}

fn alert(cx: &Cx<'_>, a: &Alert) -> Value {
    let wrap = |pairs: Vec<(&str, String)>| -> Map<String, Value> {
        pairs
            .into_iter()
            .map(|(name, text)| (name.to_owned(), json!(literal(&text))))
            .collect()
    };
    json!({
        "alert": a.name,
        "expr": a.expr,
        "for": hold(a.hold),
        "labels": wrap(labels(cx, a)),
        "annotations": wrap(annotations(cx, a)),
    })
}

/// The labels of the alert, as people read them.
pub(super) fn labels(cx: &Cx<'_>, a: &Alert) -> Vec<(&'static str, String)> {
    let plan = cx.plan;
    // Alertmanager routes on one value; several owners are a fault that the linter reports.
    let team = a.teams.first().map(|t| plan.model.team(*t).name.as_str());
    vec![
        ("severity", a.severity.name().to_owned()),
        ("team", plain(team.unwrap_or(NOBODY))),
        ("service", plan.service(a.service).slug.clone()),
    ]
}

/// The `team` of an alert that no team owns.
pub(super) const NOBODY: &str = "nobody";

/// Its annotations, as people read them.
pub(super) fn annotations(cx: &Cx<'_>, a: &Alert) -> Vec<(&'static str, String)> {
    let description = format!("Threshold: {}. First: {}.", a.why, a.action);
    vec![
        ("summary", plain(&a.meaning)),
        ("description", plain(&description)),
        ("runbook", plain(&runbook_link(cx, a))),
        ("dashboard", grafana::link(cx, a)),
    ]
}

/// A duration as Prometheus writes it; every `for` is whole seconds.
pub(crate) fn hold(time: crate::model::units::Time) -> String {
    let text = time.to_string();
    match text.split_once(' ') {
        Some((n, "min")) => format!("{n}m"),
        Some((n, unit)) => format!("{n}{unit}"),
        None => text,
    }
}

/// Without the quotes of the raw strings of Go's templates.
pub(super) fn plain(text: &str) -> String {
    text.replace('`', "")
}

/// Labels and annotations are Go templates; words of the author must not be one.
fn literal(text: &str) -> String {
    text.replace("{{", "{{\"{{\"}}")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;
    use crate::plan::Plan;

    /// The rules of the spec `text`.
    fn rules_of(text: &str) -> Option<String> {
        let model = crate::compile::model_of(text);
        let plan = Plan::new(&model);
        rules(&Cx {
            plan: &plan,
            findings: &[],
            options: &crate::Options::default(),
        })
    }

    const HOSTILE: &str = "sync = [\n  { call = \"a --REST POST /x--> b\", fallback = \"says {{ .Nope }} and {{{ and `x`: # 'y'\", rate = \"100/s\" },\n]\n[services.a]\npublic = true\nrate = \"100/s\"\n[services.b]\n";

    #[test]
    fn words_of_the_author_are_not_templates() {
        let text = rules_of(HOSTILE).unwrap();
        let value: Value = serde_yaml_ng::from_str(&text).unwrap();
        let groups = value["groups"].as_array().unwrap();
        let rules = groups.last().unwrap()["rules"].as_array().unwrap();
        let failing = rules.iter().find(|r| r["alert"] == "AToBFailing").unwrap();
        let summary = failing["annotations"]["summary"].as_str().unwrap();
        assert!(summary.contains("{{\"{{\"}} .Nope }}"), "{summary}");
        assert_eq!(failing["labels"]["team"], "nobody");
        assert_eq!(failing["for"], "2m");
        assert_eq!(
            failing["annotations"]["runbook"],
            "#design-alert-atobfailing"
        );
    }

    #[test]
    fn nothing_measured_is_no_file() {
        assert_eq!(rules_of("title = \"x\"\n"), None);
    }
}
