//! The rules file that Prometheus reads: recording rules and alerts of the plan.

use serde_json::{Map, Value, json};

use super::super::Cx;
use super::super::sections::runbook_link;
use super::{File, Kind, yaml};

pub(super) const KIND: Kind = Kind {
    id: "prometheus",
    what: "recording and alerting rules",
    files,
};

fn files(cx: &Cx<'_>) -> Vec<File> {
    let file = |text| File {
        path: format!("prometheus/{}.rules.yaml", cx.plan.choices.namespace),
        fence: "yaml",
        text,
        checked_by: Some("`promtool check rules`"),
        notes: Vec::new(),
    };
    rules(cx).map(file).into_iter().collect()
}

/// The whole file as YAML; `None` for a design that nothing is measured or promised in.
fn rules(cx: &Cx<'_>) -> Option<String> {
    let plan = cx.plan;
    let mut groups = Vec::new();
    let recording: Vec<Value> = plan
        .recording_rules
        .iter()
        .map(|r| {
            json!({
                "record": r.record,
                "expr": r.expr,
                "labels": { "service": r.service },
            })
        })
        .collect();
    // A burn-rate alert reads the recorded series, so their group stands first.
    if !recording.is_empty() {
        groups
            .push(json!({ "name": format!("{}-sli", plan.choices.namespace), "rules": recording }));
    }
    let alerts: Vec<Value> = plan.alerts.iter().map(|a| alert(cx, a)).collect();
    if !alerts.is_empty() {
        groups
            .push(json!({ "name": format!("{}-alerts", plan.choices.namespace), "rules": alerts }));
    }
    if groups.is_empty() {
        return None;
    }
    Some(yaml(&json!({ "groups": groups })))
}

fn alert(cx: &Cx<'_>, a: &crate::plan::Alert) -> Value {
    let plan = cx.plan;
    let mut labels = Map::new();
    labels.insert("severity".to_owned(), json!(a.severity.name()));
    // Alertmanager routes on one value; several owners are a fault that the linter reports.
    labels.insert(
        "team".to_owned(),
        json!(a.teams.first().map_or_else(
            || "nobody".to_owned(),
            |t| literal(&plan.model.team(*t).name)
        )),
    );
    labels.insert("service".to_owned(), json!(plan.service(a.service).slug));
    json!({
        "alert": a.name,
        "expr": a.expr,
        "for": hold(a.hold),
        "labels": labels,
        "annotations": {
            "summary": literal(&a.meaning),
            "description": literal(&format!("Threshold: {}. First: {}.", a.why, a.action)),
            "runbook": literal(&runbook_link(cx, a)),
        },
    })
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

/// Labels and annotations are Go templates; words of the author must not be one.
fn literal(text: &str) -> String {
    text.replace("{{", "{{\"{{\"}}").replace('`', "")
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
        let rules = value["groups"][1]["rules"].as_array().unwrap();
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
