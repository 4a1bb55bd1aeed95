//! Charts beside the tables that hold the same numbers.

use super::super::Cx;
use super::super::doc::Doc;
use super::form;
use crate::diagram::layout::Wish;
use crate::diagram::svg::{self, Frame};
use crate::diagram::{Bar, Chart, Form, Mark, Part, PartKind};
use crate::model::units::Time;
use crate::plan::{FlowPlan, PathLoad};

/// Puts `chart` in a page that shows pictures; elsewhere its table says the same. `name` ends its ids.
fn show(cx: &Cx<'_>, doc: &mut Doc, name: &str, chart: &Chart) {
    if form(cx, doc) != Form::Svg || chart.bars.len() < 2 {
        return;
    }
    let scope = doc.id(name);
    let options = svg::Options {
        scope: &scope,
        frame: Frame::Page,
        wish: Wish::default(),
    };
    // What is too long for a picture is in the table.
    if let Ok(drawn) = svg::chart(chart, &options) {
        doc.figure(drawn);
    }
}

/// Numbers on a scale of seconds.
fn seconds(value: f64) -> String {
    Time::s(1).scale(value).to_string()
}

/// The worst case of a stated flow on a time line.
pub(in super::super) fn budget(cx: &Cx<'_>, doc: &mut Doc, index: usize, flow: &FlowPlan) {
    // In a derived flow nobody knows which calls follow one another.
    if flow.derived {
        return;
    }
    let plan = cx.plan;
    let spans = plan.waterfall(flow);
    let mut bars = Vec::new();
    for span in &spans {
        let call = plan.model.call(span.call);
        let mut parts = Vec::new();
        let mut before = None;
        for (from, to) in &span.attempts {
            if let Some(end) = before {
                parts.push(part(end, *from, PartKind::Idle));
            }
            let lost = span.until.filter(|u| u < to);
            let kept = lost.map_or(*to, |u| u.max(*from));
            if kept > *from {
                parts.push(part(*from, kept, PartKind::Full));
            }
            if kept < *to {
                parts.push(part(kept, *to, PartKind::Over));
            }
            before = Some(*to);
        }
        bars.push(Bar {
            label: format!(
                "{} → {}",
                plan.model.party(call.from),
                plan.model.service(call.to).name
            ),
            depth: span.depth,
            parts,
            value: span.end().minus(span.start()).to_string(),
        });
    }
    let mut marks = Vec::new();
    if let Some(p99) = flow.slo.and_then(|s| s.p99) {
        marks.push(Mark {
            at: p99.value.as_s(),
            label: format!("promised p99 {}", p99.value),
        });
    }
    let chart = Chart {
        title: format!("Time budget of {}", flow.name),
        description: format!(
            "{} calls when everything takes as long as it may; the entry point answers within {}",
            spans.len(),
            flow.total.value
        ),
        unit: seconds,
        words: vec![
            (PartKind::Full, "attempt".to_owned()),
            (PartKind::Idle, "wait before the next attempt".to_owned()),
            (PartKind::Over, "its caller has given up".to_owned()),
        ],
        bars,
        marks,
    };
    show(cx, doc, &format!("chart-budget-{index}"), &chart);
}

/// How many calls reach the last service of each path when it fails.
pub(in super::super) fn amplification(cx: &Cx<'_>, doc: &mut Doc, paths: &[&PathLoad]) {
    let model = cx.plan.model;
    let bars = paths.iter().map(|p| {
        let own = Part {
            from: 0.0,
            to: float(p.product),
            kind: PartKind::Full,
        };
        let platform = Part {
            from: own.to,
            to: float(p.with_platform),
            kind: PartKind::Over,
        };
        let mut parts = vec![own];
        parts.extend((p.with_platform > p.product).then_some(platform));
        Bar {
            label: model.service(p.leaf).name.clone(),
            depth: 0,
            parts,
            value: p.with_platform.max(p.product).to_string(),
        }
    });
    let chart = Chart {
        title: format!("Retry amplification of {}", model.title),
        description: "Calls that reach a failing service for one request along its worst path"
            .to_owned(),
        unit: whole,
        words: vec![
            (PartKind::Full, "attempts of the callers".to_owned()),
            (
                PartKind::Over,
                "retries of mesh and gateway on top".to_owned(),
            ),
        ],
        bars: bars.collect(),
        marks: Vec::new(),
    };
    show(cx, doc, "chart-amplification", &chart);
}

/// Numbers on a scale of things that are counted; parts of them are not named.
fn whole(value: f64) -> String {
    if value.fract() == 0.0 {
        format!("{value}")
    } else {
        String::new()
    }
}

#[allow(clippy::cast_precision_loss, reason = "a bar is drawn in pixels")]
fn float(value: u64) -> f64 {
    value as f64
}

fn part(from: Time, to: Time, kind: PartKind) -> Part {
    Part {
        from: from.as_s(),
        to: to.as_s(),
        kind,
    }
}
