//! Panels and the grid that they are laid on.

use serde_json::{Map, Value, json};

/// How a panel looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// The title of a row; nothing is asked.
    Row,
    /// Lines over time.
    Lines,
    /// The last value in large.
    Number,
    /// One of two states over time.
    States,
}

/// A query and what its line is called.
#[derive(Clone, Debug)]
pub(super) struct Query {
    pub(super) expr: String,
    pub(super) legend: String,
}

impl Query {
    pub(super) fn new(expr: impl Into<String>, legend: impl Into<String>) -> Self {
        Self {
            expr: expr.into(),
            legend: legend.into(),
        }
    }
}

/// A panel before it has a place.
#[derive(Clone, Debug)]
pub(super) struct Panel {
    pub(super) look: Look,
    pub(super) title: String,
    /// Shown at the panel's corner.
    pub(super) about: String,
    /// Grafana's unit: `reqps`, `percentunit`, `s`, `short`.
    pub(super) unit: &'static str,
    pub(super) queries: Vec<Query>,
    /// The value from which a line is red.
    pub(super) limit: Option<f64>,
    /// Whether less is worse.
    pub(super) floor: bool,
    /// Columns of 24.
    pub(super) width: u64,
}

impl Panel {
    pub(super) fn row(title: &str) -> Self {
        Self {
            look: Look::Row,
            title: text(title),
            about: String::new(),
            unit: "short",
            queries: Vec::new(),
            limit: None,
            floor: false,
            width: COLUMNS,
        }
    }

    pub(super) fn lines(title: &str, unit: &'static str, queries: Vec<Query>) -> Self {
        Self {
            look: Look::Lines,
            unit,
            queries,
            width: 8,
            ..Self::row(title)
        }
    }

    pub(super) fn about(mut self, about: &str) -> Self {
        self.about = text(about);
        self
    }

    pub(super) fn limit(mut self, limit: Option<f64>) -> Self {
        self.limit = limit;
        self
    }

    pub(super) fn look(mut self, look: Look) -> Self {
        self.look = look;
        self
    }

    pub(super) fn width(mut self, width: u64) -> Self {
        self.width = width;
        self
    }
}

/// Columns of Grafana's grid.
const COLUMNS: u64 = 24;
const HEIGHT: u64 = 7;

/// The author's words as text: neither a variable of Grafana's nor Markdown nor HTML.
pub(super) fn text(words: &str) -> String {
    words
        .chars()
        .filter(|c| !matches!(c, '$' | '<' | '>' | '[' | ']' | '`' | '{' | '}'))
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

/// The panels from left to right and down, each with its place and number.
pub(super) fn laid(panels: &[Panel]) -> Vec<Value> {
    let (mut x, mut y) = (0, 0);
    let mut out = Vec::new();
    for (id, p) in (1..).zip(panels) {
        let height = if p.look == Look::Row { 1 } else { HEIGHT };
        if x + p.width > COLUMNS || (p.look == Look::Row && x > 0) {
            x = 0;
            y += HEIGHT;
        }
        out.push(panel(
            p,
            id,
            json!({ "x": x, "y": y, "w": p.width, "h": height }),
        ));
        if p.look == Look::Row {
            y += 1;
        } else {
            x += p.width;
        }
    }
    out
}

fn panel(p: &Panel, id: u64, place: Value) -> Value {
    let mut out = Map::new();
    out.insert("id".into(), json!(id));
    if p.look == Look::Row {
        out.insert("type".into(), json!("row"));
        out.insert("title".into(), json!(p.title));
        out.insert("gridPos".into(), place);
        out.insert("collapsed".into(), json!(false));
        out.insert("panels".into(), json!([]));
        return Value::Object(out);
    }
    let kind = match p.look {
        Look::Number => "stat",
        Look::States => "state-timeline",
        Look::Row | Look::Lines => "timeseries",
    };
    out.insert("type".into(), json!(kind));
    out.insert("title".into(), json!(p.title));
    if !p.about.is_empty() {
        out.insert("description".into(), json!(p.about));
    }
    out.insert("gridPos".into(), place);
    out.insert("datasource".into(), datasource());
    let targets: Vec<Value> = p
        .queries
        .iter()
        .enumerate()
        .map(|(i, q)| {
            json!({
                "refId": reference(i),
                "datasource": datasource(),
                "expr": q.expr,
                "legendFormat": q.legend,
            })
        })
        .collect();
    out.insert("targets".into(), json!(targets));
    out.insert(
        "fieldConfig".into(),
        json!({ "defaults": defaults(p), "overrides": [] }),
    );
    out.insert("options".into(), options(p.look));
    Value::Object(out)
}

/// Whichever Prometheus the reader picks.
fn datasource() -> Value {
    json!({ "type": "prometheus", "uid": "${datasource}" })
}

/// `A` to `Z`, then `Q26` and so on.
fn reference(i: usize) -> String {
    match u8::try_from(i).ok().filter(|i| *i < 26) {
        Some(i) => char::from(b'A' + i).to_string(),
        None => format!("Q{i}"),
    }
}

fn defaults(p: &Panel) -> Value {
    let (below, above) = if p.floor {
        ("red", "green")
    } else {
        ("green", "red")
    };
    let mut steps = vec![json!({ "value": null, "color": below })];
    if let Some(limit) = p.limit {
        steps.push(json!({ "value": limit, "color": above }));
    }
    let mut out = Map::new();
    out.insert("unit".into(), json!(p.unit));
    out.insert(
        "thresholds".into(),
        json!({ "mode": "absolute", "steps": steps }),
    );
    match p.look {
        Look::Lines => {
            // The line has to stand out from the axis although all values may lie far below it.
            let style = if p.limit.is_some() { "line" } else { "off" };
            out.insert("min".into(), json!(0));
            out.insert(
                "custom".into(),
                json!({ "thresholdsStyle": { "mode": style } }),
            );
        }
        Look::States => {
            out.insert(
                "mappings".into(),
                json!([{ "type": "value", "options": {
                    "0": { "text": "closed", "color": "green", "index": 0 },
                    "1": { "text": "open", "color": "red", "index": 1 },
                } }]),
            );
        }
        Look::Number | Look::Row => {}
    }
    Value::Object(out)
}

fn options(look: Look) -> Value {
    let legend = json!({
        "displayMode": "list",
        "placement": "bottom",
        "showLegend": true,
        "calcs": [],
    });
    match look {
        Look::Number => json!({
            "colorMode": "value",
            "graphMode": "area",
            "justifyMode": "auto",
            "textMode": "auto",
            "orientation": "auto",
            "wideLayout": true,
            "showPercentChange": false,
            "percentChangeColorMode": "standard",
            "reduceOptions": { "calcs": ["lastNotNull"] },
        }),
        Look::States => json!({
            "showValue": "auto",
            "rowHeight": 0.9,
            "legend": legend,
            "tooltip": { "mode": "single", "sort": "none" },
        }),
        Look::Row | Look::Lines => json!({
            "legend": legend,
            "tooltip": { "mode": "multi", "sort": "desc" },
        }),
    }
}
