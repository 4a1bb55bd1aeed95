//! Alertmanager: every alert goes to the team that owns its service, pages at once and tickets in batches.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::super::Cx;
use super::prometheus::{NOBODY, labels, plain};
use super::{File, Kind, yaml};
use crate::plan::slug;

pub(super) const KIND: Kind = Kind {
    id: "alertmanager",
    what: "routes of alerts to teams by severity",
    files,
};

fn files(cx: &Cx<'_>) -> Vec<File> {
    if cx.plan.alerting().alerts.is_empty() {
        return Vec::new();
    }
    vec![File {
        path: format!("alertmanager/{}.yaml", cx.plan.choices.namespace),
        fence: "yaml",
        text: yaml(&config(cx)),
        checked_by: Some("amtool, every alert's route included"),
        notes: vec![
            "The addresses below pager.example and tickets.example are to be replaced.".to_owned(),
        ],
    }]
}

fn config(cx: &Cx<'_>) -> Value {
    let teams: BTreeSet<String> = cx
        .plan
        .alerting()
        .alerts
        .iter()
        .flat_map(|a| labels(cx, a))
        .filter(|(name, _)| *name == "team")
        .map(|(_, team)| team)
        .collect();
    let mut routes = Vec::new();
    let mut receivers = vec![receiver(cx, NOBODY, "ticket")];
    for team in &teams {
        for severity in ["page", "ticket"] {
            let (wait, interval, repeat) = match severity {
                "page" => ("30s", "5m", "4h"),
                _ => ("5m", "1h", "1d"),
            };
            routes.push(json!({
                "receiver": name(team, severity),
                "matchers": [
                    format!("team={}", quoted(team)),
                    format!("severity=\"{severity}\""),
                ],
                "group_wait": wait,
                "group_interval": interval,
                "repeat_interval": repeat,
            }));
            if team != NOBODY || severity != "ticket" {
                receivers.push(receiver(cx, team, severity));
            }
        }
    }
    json!({
        "route": {
            "receiver": name(NOBODY, "ticket"),
            "group_by": ["alertname", "service"],
            "routes": routes,
        },
        // Who is paged about a service need not read the ticket about the same service meanwhile.
        // A budget that burns fast burns over the longer window, too: one page is enough.
        "inhibit_rules": [
            {
                "source_matchers": ["severity=\"page\""],
                "target_matchers": ["severity=\"ticket\""],
                "equal": ["service"],
            },
            {
                "source_matchers": ["alertname=~\".+ErrorBudgetBurnFast\""],
                "target_matchers": ["alertname=~\".+ErrorBudgetBurnMedium\""],
                "equal": ["service"],
            },
        ],
        "receivers": receivers,
    })
}

/// The receiver's name: the team and how loud.
fn name(team: &str, severity: &str) -> String {
    format!("{}-{severity}", slug(team))
}

fn receiver(cx: &Cx<'_>, team: &str, severity: &str) -> Value {
    let model = cx.plan.model;
    let rotation = model
        .teams
        .iter()
        .find(|t| plain(&t.name) == team)
        .and_then(|t| t.oncall.as_deref());
    let url = match severity {
        "page" => format!("https://pager.example/{}", slug(rotation.unwrap_or(team))),
        _ => format!("https://tickets.example/{}", slug(team)),
    };
    let mut out = Map::new();
    out.insert("name".into(), json!(name(team, severity)));
    out.insert(
        "webhook_configs".into(),
        json!([{ "url": url, "send_resolved": true }]),
    );
    Value::Object(out)
}

/// A matcher's value with what it may not hold escaped.
fn quoted(text: &str) -> String {
    format!(
        "\"{}\"",
        text.replace('\\', "\\\\")
            .replace('"', "\\\"")
            .replace('\n', "\\n")
    )
}
