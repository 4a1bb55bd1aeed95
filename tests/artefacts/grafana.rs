//! Dashboards are held against the types of Grafana's own SDK, and their queries are read by Prometheus
//! and use metrics that the design's rules and alerts know.

use std::process::Command;

use serde_json::{Value, json};

use crate::Check;
use crate::designs::Exported;
use crate::tool;

pub(crate) const TYPES: Check = Check {
    kind: "grafana",
    tool: "types of the Foundation SDK",
    version: || tool::npm_version("@grafana/grafana-foundation-sdk"),
    reads: |_| true,
    run: types,
    spoil: |text| text.replacen("\"legendFormat\"", "\"legendformat\"", 1),
};

pub(crate) const QUERIES: Check = Check {
    kind: "grafana",
    tool: "promtool check rules (queries)",
    version: || tool::version(Command::new("promtool").arg("--version")),
    reads: |_| true,
    run: queries,
    spoil: |text| text.replacen("\"expr\":\"", "\"expr\":\"sum(", 1),
};

/// Enums as the words in JSON that they are, and no methods: what a dashboard is in a file.
const PLAIN: &str = "import type { Dashboard, Panel as AnyPanel, RowPanel } from '@grafana/grafana-foundation-sdk/dashboard';
import type { Dataquery } from '@grafana/grafana-foundation-sdk/prometheus';
import type { Options as Lines, FieldConfig } from '@grafana/grafana-foundation-sdk/timeseries';
import type { Options as Numbers } from '@grafana/grafana-foundation-sdk/stat';
import type { Options as States } from '@grafana/grafana-foundation-sdk/statetimeline';
type Plain<T> = T extends string ? `${T}` : T extends number | boolean | null | undefined ? T
  : T extends (infer U)[] ? Plain<U>[]
  : T extends object ? { [K in keyof T as K extends `_implements${string}` ? never : K]: Plain<T[K]> } : T;
type Shown<Kind, Options, Custom> = Plain<Omit<AnyPanel, 'type' | 'targets' | 'options' | 'fieldConfig'>> & {
  type: Kind;
  targets: Plain<Dataquery>[];
  options: Plain<Options>;
  fieldConfig: { defaults: Plain<Omit<NonNullable<NonNullable<AnyPanel['fieldConfig']>['defaults']>, 'custom' | 'mappings'>> & { custom?: Custom; mappings?: unknown[] }; overrides: never[] };
};
type Panels = Shown<'timeseries', Lines, Partial<Plain<FieldConfig>>> | Shown<'stat', Numbers, never> | Shown<'state-timeline', States, never> | Plain<RowPanel>;
type Written = Plain<Omit<Dashboard, 'panels'>> & { panels: Panels[] };
";

fn types(files: &[Exported]) -> Result<(), String> {
    let mut code = PLAIN.to_owned();
    for (n, file) in files.iter().enumerate() {
        code.push_str(&format!(
            "// {} {}\nexport const d{n}: Written = {};\n",
            file.design, file.path, file.text
        ));
    }
    tool::typescript(&code)
}

/// The expressions of the panels of a dashboard.
fn expressions(file: &Exported) -> Vec<String> {
    let value: Value = serde_json::from_str(&file.text).unwrap();
    let panels = value["panels"].as_array().unwrap();
    let targets = panels.iter().filter_map(|p| p["targets"].as_array());
    targets
        .flatten()
        .map(|t| t["expr"].as_str().unwrap().to_owned())
        .collect()
}

fn queries(files: &[Exported]) -> Result<(), String> {
    let rules: Vec<Exported> = files
        .iter()
        .map(|file| {
            let rules: Vec<Value> = expressions(file)
                .iter()
                .enumerate()
                .map(|(i, e)| json!({ "record": format!("panel:{i}"), "expr": e }))
                .collect();
            assert!(!rules.is_empty(), "{} asks nothing", file.path);
            Exported {
                text: json!({ "groups": [{ "name": "panels", "rules": rules }] }).to_string(),
                path: format!("{}.yaml", file.path),
                ..file.clone()
            }
        })
        .collect();
    tool::on_all(&rules, |paths| {
        tool::run(
            Command::new("promtool")
                .args(["check", "rules"])
                .args(paths),
        )
    })
}
