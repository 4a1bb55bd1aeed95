//! The rules file that Prometheus reads: recording rules and alerts of the plan.

use serde_json::{Map, Value, json};

use super::Cx;
use super::sections::runbook_link;

/// The whole file as YAML; `None` for a design that nothing is measured or promised in.
pub(super) fn rules(cx: &Cx<'_>) -> Option<String> {
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
    serde_yaml_ng::to_string(&json!({ "groups": groups })).ok()
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
pub(super) fn hold(time: crate::model::units::Time) -> String {
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

    /// `promtool` of Prometheus (Debian and Ubuntu: package `prometheus`) has the last word.
    #[cfg(feature = "conformance")]
    #[test]
    fn promtool_accepts_the_rules_of_every_example() {
        let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("book-example/src/designs");
        let mut specs: Vec<(String, String)> = std::fs::read_dir(dir)
            .unwrap()
            .map(|e| e.unwrap().path())
            .filter(|p| p.extension().is_some_and(|e| e == "md"))
            .map(|p| {
                (
                    p.display().to_string(),
                    std::fs::read_to_string(&p).unwrap(),
                )
            })
            .flat_map(|(name, text)| {
                text.split("```msdesign")
                    .skip(1)
                    .filter_map(|rest| rest.split_once('\n'))
                    .filter_map(|(_, body)| body.split_once("\n```"))
                    .map(|(block, _)| (name.clone(), format!("{block}\n")))
                    .collect::<Vec<_>>()
            })
            .collect();
        assert!(specs.len() >= 6, "only {} designs found", specs.len());
        specs.push(("hostile".to_owned(), HOSTILE.to_owned()));
        let mut checked = 0;
        for (name, spec) in specs {
            let Some(text) = rules_of(&spec) else {
                continue;
            };
            let file = tempfile::Builder::new().suffix(".yaml").tempfile().unwrap();
            std::fs::write(file.path(), &text).unwrap();
            let done = std::process::Command::new("promtool")
                .args(["check", "rules", "--lint=all", "--lint-fatal"])
                .arg(file.path())
                .output()
                .expect("promtool is installed");
            assert!(
                done.status.success(),
                "{name}:\n{}{}\n{text}",
                String::from_utf8_lossy(&done.stdout),
                String::from_utf8_lossy(&done.stderr)
            );
            checked += 1;
        }
        assert!(checked >= 6, "only {checked} rules files");
    }
}
