//! Grafana dashboards: one of the whole design and one a service, over the recorded series and the metrics
//! that the alerts read, with the plan's limits as lines.

mod overview;
mod panel;
mod service;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::super::Cx;
use super::super::sections::dashboard_link;
use super::{File, Kind};
use crate::model::ServiceId;
use crate::plan::Alert;
use panel::{Panel, laid};

pub(super) const KIND: Kind = Kind {
    id: "grafana",
    what: "a dashboard a service and one of the whole design",
    files,
};

/// The longest `uid` that Grafana takes.
const LONGEST_UID: usize = 40;

fn files(cx: &Cx<'_>) -> Vec<File> {
    let alerting = cx.plan.alerting();
    if alerting.alerts.is_empty() {
        return Vec::new();
    }
    let file = |name: &str, dashboard: &Value| File {
        path: format!("grafana/{name}.json"),
        fence: "json",
        text: lines(dashboard),
        checked_by: Some("the types of Grafana's Foundation SDK; its queries by promtool"),
        notes: Vec::new(),
    };
    let model = cx.plan.model;
    let title = |what: &str| format!("{}: {what}", panel::text(&model.title));
    let mut out = vec![file(
        "00-overview",
        &dashboard(
            cx,
            &uid(&cx.plan.choices.namespace, None),
            &title("overview"),
            &overview::panels(cx),
        ),
    )];
    for id in model.service_ids().filter(|s| !model.service(*s).external) {
        let slug = &cx.plan.service(id).slug;
        out.push(file(
            slug,
            &dashboard(
                cx,
                &uid(&cx.plan.choices.namespace, Some(slug)),
                &title(&panel::text(&model.service(id).name)),
                &service::panels(cx, id),
            ),
        ));
    }
    out
}

/// Where the dashboard of the alert's service is, for its annotation.
pub(super) fn link(cx: &Cx<'_>, alert: &Alert) -> String {
    dashboard_link(cx, &of_service(cx, alert.service))
}

/// The identity of the dashboard of `id`.
pub(super) fn of_service(cx: &Cx<'_>, id: ServiceId) -> String {
    uid(&cx.plan.choices.namespace, Some(&cx.plan.service(id).slug))
}

/// The identity of a dashboard, the same whenever it is written. No slug has two hyphens in a row, so
/// that no two dashboards have the same.
fn uid(namespace: &str, slug: Option<&str>) -> String {
    let whole = match slug {
        Some(slug) => format!("{namespace}--{slug}"),
        None => namespace.to_owned(),
    };
    if whole.len() <= LONGEST_UID {
        return whole;
    }
    let hash: String = Sha256::digest(&whole)
        .iter()
        .take(5)
        .map(|b| format!("{b:02x}"))
        .collect();
    let start: String = whole.chars().take(LONGEST_UID - hash.len() - 1).collect();
    format!("{start}-{hash}")
}

fn dashboard(cx: &Cx<'_>, uid: &str, title: &str, panels: &[Panel]) -> Value {
    let namespace = &cx.plan.choices.namespace;
    json!({
        "uid": uid,
        "title": title,
        "tags": [namespace],
        "schemaVersion": 39,
        "editable": true,
        "graphTooltip": 1,
        "refresh": "1m",
        "time": { "from": "now-6h", "to": "now" },
        "templating": { "list": [{
            "type": "datasource",
            "name": "datasource",
            "label": "Prometheus",
            "query": "prometheus",
            "hide": 0,
            "skipUrlSync": false,
        }] },
        "annotations": { "list": [] },
        "links": [{
            "type": "dashboards",
            "title": "Dashboards of this system",
            "tags": [namespace],
            "asDropdown": true,
            "includeVars": true,
            "keepTime": true,
            "targetBlank": false,
            "icon": "external link",
            "tooltip": "",
            "url": "",
        }],
        "panels": laid(panels),
    })
}

/// A line a panel and a line a setting: a page stays readable, and so does the difference of two versions.
fn lines(dashboard: &Value) -> String {
    let mut out = Vec::new();
    for (key, value) in dashboard.as_object().into_iter().flatten() {
        let value = match (key.as_str(), value) {
            ("panels", Value::Array(panels)) => {
                let panels: Vec<String> = panels.iter().map(|p| format!("    {p}")).collect();
                format!("[\n{}\n  ]", panels.join(",\n"))
            }
            _ => value.to_string(),
        };
        out.push(format!("  {}: {value}", json!(key)));
    }
    format!("{{\n{}\n}}\n", out.join(",\n"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{lines, uid};
    use serde_json::{Value, json};

    #[test]
    fn a_line_a_panel_is_still_the_same_dashboard() {
        let dashboard = json!({ "uid": "a", "panels": [{ "title": "\"}\n" }, { "id": 2 }] });
        let text = lines(&dashboard);
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), dashboard);
        assert_eq!(text.lines().count(), 7);
    }

    #[test]
    fn identities_are_short_and_apart() {
        assert_eq!(uid("shop", None), "shop");
        assert_eq!(uid("shop", Some("orders")), "shop--orders");
        let long = "a".repeat(60);
        let (a, b) = (uid(&long, Some("x")), uid(&long, Some("y")));
        assert_eq!(a.len(), 40);
        assert_ne!(a, b);
    }
}
