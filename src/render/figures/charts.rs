//! Charts beside the tables that hold the same numbers.

use super::super::Cx;
use super::super::doc::{Doc, count};
use super::form;
use crate::diagram::layout::Wish;
use crate::diagram::svg::{self, Frame};
use crate::diagram::{Bar, Chart, Form, MAX_BARS, Mark, Part, PartKind};
use crate::model::units::{Ratio, Time, float as words};
use crate::plan::{CapacityPlan, Dependency, FlowAvailability, FlowPlan, PathLoad, ServiceLoad};

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
    if let Some(chart) = budget_of(cx, flow) {
        show(cx, doc, &format!("chart-budget-{index}"), &chart);
    }
}

/// Nothing for a derived flow: nobody knows which of its calls follow one another.
pub(super) fn budget_of(cx: &Cx<'_>, flow: &FlowPlan) -> Option<Chart> {
    if flow.derived {
        return None;
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
    some(Chart {
        title: format!("Time budget of {}", flow.name),
        description: format!(
            "{} when everything takes as long as it may; the entry point answers within {}",
            count(spans.len(), "call"),
            flow.total.value
        ),
        log: false,
        measure: "seconds",
        axis: "time since the request came, if all take as long as they may",
        unit: seconds,
        words: vec![
            (PartKind::Full, "attempt".to_owned()),
            (PartKind::Idle, "wait before the next attempt".to_owned()),
            (PartKind::Over, "its caller has given up".to_owned()),
        ],
        bars,
        marks,
    })
}

/// A chart that has bars.
fn some(chart: Chart) -> Option<Chart> {
    (!chart.bars.is_empty()).then_some(chart)
}

/// The most parts of a flow that are drawn; the table has more.
const PARTS: usize = 16;

/// What each part that a flow cannot do without costs it, one after the other, against what its objective
/// allows.
pub(in super::super) fn availability(
    cx: &Cx<'_>,
    doc: &mut Doc,
    index: usize,
    flow: &FlowAvailability,
) {
    if let Some(chart) = availability_of(cx, index, flow) {
        show(cx, doc, &format!("chart-availability-{index}"), &chart);
    }
}

/// Nothing where a flow needs no part.
pub(super) fn availability_of(cx: &Cx<'_>, index: usize, flow: &FlowAvailability) -> Option<Chart> {
    let model = cx.plan.model;
    let budget = flow.budget;
    let mut down = 0.0;
    let mut bars = Vec::new();
    for need in flow.needs.iter().take(PARTS) {
        // Downtimes are short, so that they add up as well as they multiply.
        let (from, to) = (down, down + need.minutes);
        down = to;
        let kept = budget.map_or(to, |b| b.clamp(from, to));
        let mut parts = Vec::new();
        if kept > from {
            parts.push(Part {
                from,
                to: kept,
                kind: PartKind::Full,
            });
        }
        if to > kept {
            parts.push(Part {
                from: kept,
                to,
                kind: PartKind::Over,
            });
        }
        bars.push(Bar {
            label: match need.part {
                Dependency::Service(_) => need.part.name(model).to_owned(),
                Dependency::Store(_) => format!("{} (store)", need.part.name(model)),
                Dependency::Broker(_) => format!("{} (broker)", need.part.name(model)),
            },
            depth: 0,
            parts,
            value: minutes(need.minutes),
        });
    }
    let marks = budget.map(|b| Mark {
        at: b,
        label: format!("allowed {}", minutes(b)),
    });
    some(Chart {
        title: format!(
            "Minutes without an answer in 30 days: {}",
            cx.plan.flows.get(index).map_or("", |f| f.name.as_str())
        ),
        description: format!(
            "{} that it cannot do without, the costliest first, {} in all",
            count(flow.needs.len(), "part"),
            minutes(flow.minutes)
        ),
        log: false,
        measure: "minutes",
        axis: "minutes without an answer in 30 days",
        unit: minutes,
        words: vec![
            (PartKind::Full, "within the objective".to_owned()),
            (PartKind::Over, "beyond the objective".to_owned()),
        ],
        bars,
        marks: marks.into_iter().collect(),
    })
}

fn minutes(value: f64) -> String {
    format!("{} min", words(value))
}

/// How much of each service's instances its peak uses, and how much when one of them is gone.
pub(in super::super) fn capacity(cx: &Cx<'_>, doc: &mut Doc, load: &CapacityPlan) {
    if let Some(chart) = capacity_of(cx, load) {
        show(cx, doc, "chart-capacity", &chart);
    }
}

/// Nothing where no service's capacity is known.
pub(super) fn capacity_of(cx: &Cx<'_>, load: &CapacityPlan) -> Option<Chart> {
    let model = cx.plan.model;
    let mut all: Vec<(&ServiceLoad, Ratio, Ratio)> = load
        .services
        .iter()
        .filter_map(|s| {
            let used = s.used.as_ref()?.value;
            let without = s.used_without_one.as_ref().map_or(used, |u| u.value);
            Some((s, used, without))
        })
        .collect();
    // The fullest first, by name where they are alike.
    all.sort_by(|a, b| b.2.0.total_cmp(&a.2.0).then(a.0.service.cmp(&b.0.service)));
    let bars = all.iter().take(MAX_BARS).map(|(s, used, without)| {
        let mut parts = vec![Part {
            from: 0.0,
            to: used.0,
            kind: PartKind::Full,
        }];
        if without.0 > used.0 {
            parts.push(Part {
                from: used.0,
                to: without.0,
                kind: PartKind::Idle,
            });
        }
        Bar {
            label: model.service(s.service).name.clone(),
            depth: 0,
            parts,
            value: if without.0 > used.0 {
                format!("{} → {}", percent(used.0), percent(without.0))
            } else {
                percent(used.0)
            },
        }
    });
    some(Chart {
        title: format!("Capacity used at the peak of {}", model.title),
        description: "Share of the capacity of all instances, and while one of them is gone"
            .to_owned(),
        log: false,
        measure: "share",
        axis: "share of the capacity of all instances at the peak",
        unit: percent,
        words: vec![
            (PartKind::Full, "with all instances".to_owned()),
            (PartKind::Idle, "while one instance is gone".to_owned()),
        ],
        bars: bars.collect(),
        marks: vec![Mark {
            at: 1.0,
            label: "full".to_owned(),
        }],
    })
}

fn percent(share: f64) -> String {
    format!("{}%", words(share * 100.0))
}

/// How many calls reach the last service of each path when it fails.
pub(in super::super) fn amplification(cx: &Cx<'_>, doc: &mut Doc, paths: &[&PathLoad]) {
    if let Some(chart) = amplification_of(cx, paths) {
        show(cx, doc, "chart-amplification", &chart);
    }
}

/// Nothing where there are no `paths`.
pub(super) fn amplification_of(cx: &Cx<'_>, paths: &[&PathLoad]) -> Option<Chart> {
    let model = cx.plan.model;
    let reach = |p: &PathLoad| p.with_platform.max(p.product);
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
            value: calls(float(reach(p))),
        }
    });
    some(Chart {
        title: format!("Retry amplification of {}", model.title),
        description: "Calls that reach a failing service for one request along its worst path"
            .to_owned(),
        log: paths.iter().any(|p| reach(p) > LINEAR),
        measure: "calls",
        axis: "calls that reach the failing service for one request",
        unit: calls,
        words: vec![
            (PartKind::Full, "attempts of the callers".to_owned()),
            (
                PartKind::Over,
                "retries of mesh and gateway on top".to_owned(),
            ),
        ],
        bars: bars.collect(),
        marks: vec![Mark {
            at: 1.0,
            label: "1 call without retries".to_owned(),
        }],
    })
}

/// Most calls on a scale whose steps are equal; more need one that multiplies.
const LINEAR: u64 = 30;

/// Numbers on a scale of calls; parts of one are not named.
fn calls(value: f64) -> String {
    match value {
        1.0 => "1 call".to_owned(),
        v if v.fract() == 0.0 => format!("{v} calls"),
        _ => String::new(),
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
