//! Availability: what services and flows can reach, what costs most, and what would help.

use std::collections::BTreeMap;

use super::super::doc::{Doc, Inline, count, say};
use super::super::{Cx, figures};
use super::column::Column;
use crate::model::units::float;
use crate::model::{Model, ServiceId};
use crate::plan::{Dependency, FlowAvailability, Likeness, Need, Origin, Tie};

/// The most parts and proposals that are shown.
const MOST_PARTS: usize = 40;
const MOST_PROPOSALS: usize = 5;

/// Minutes, as a table shows them.
fn min(minutes: f64) -> String {
    format!("{} min", float(minutes))
}

fn kind(d: Dependency) -> &'static str {
    match d {
        Dependency::Service(_) => "service",
        Dependency::Store(_) => "store",
        Dependency::Broker(_) => "broker",
    }
}

/// What each service that promises something, or is an entry, can reach.
pub(super) fn services(cx: &Cx<'_>, doc: &mut Doc) {
    let (plan, model) = (cx.plan, cx.plan.model);
    let goal = |id: ServiceId| model.service(id).slo.and_then(|s| s.availability);
    let shown: Vec<ServiceId> = model
        .service_ids()
        .filter(|id| !model.service(*id).external)
        .filter(|id| goal(*id).is_some() || plan.service(*id).entry)
        .collect();
    if shown.is_empty() {
        return;
    }
    doc.heading(2, "Availability", "availability");
    doc.para("What a service can reach is its own availability times that of everything that it cannot do without, at any depth, each part once. What is optional or has a fallback is left out.");
    let mut own = Column::default();
    let rows = shown
        .iter()
        .map(|id| {
            let a = plan.availability(*id);
            let (part, cost) = a.costliest;
            vec![
                Inline::code(&model.service(*id).name),
                goal(*id).map_or_else(|| Inline::text("–"), |g| Inline::text(g.value.to_string())),
                Inline::text(a.reachable.value.to_string()),
                Inline::text(min(a.minutes)),
                if part == Dependency::Service(*id) {
                    say!("its own instances, {}", min(cost))
                } else {
                    say!("{} `{}`, {}", kind(part), part.name(model), min(cost))
                },
                say!("{}, {}", a.own.value, origin(a.own.origin)).and(own.why(&a.own)),
                Inline::quoted(&a.reachable.why),
            ]
        })
        .collect();
    doc.table(
        &[
            "Service",
            "Promises",
            "Can reach",
            "Down in 30 d",
            "Most of it by",
            "Its own availability",
            "Derivation",
        ],
        rows,
    );
}

fn origin(origin: Origin) -> &'static str {
    match origin {
        Origin::Set => "stated",
        Origin::Derived => "derived",
        Origin::Assumed => "assumed",
    }
}

/// A flow's availability, and the flows that differ from it by their entry point alone.
pub(super) struct Alike {
    of: Option<FlowAvailability>,
    /// The first of them, if that is another one.
    first: Option<usize>,
    /// The others, if it is the first.
    others: Vec<ServiceId>,
}

/// The availability of each flow; what derived flows have in common is told with the first of them.
pub(super) fn alike(cx: &Cx<'_>) -> Vec<Alike> {
    let mut firsts: BTreeMap<Likeness, usize> = BTreeMap::new();
    let mut all: Vec<Alike> = Vec::new();
    for (i, flow) in cx.plan.flows.iter().enumerate() {
        let of = cx.plan.flow_availability(i);
        let likeness = of
            .as_ref()
            .filter(|_| flow.derived)
            .and_then(FlowAvailability::likeness);
        let first = likeness.map(|l| *firsts.entry(l).or_insert(i));
        let first = first.filter(|f| *f != i);
        if let Some(Some(shown)) = first.map(|f| all.get_mut(f)) {
            shown.others.extend(flow.entry);
        }
        all.push(Alike {
            of,
            first,
            others: Vec::new(),
        });
    }
    all
}

/// What the flow with index `flow` can reach.
pub(super) fn flow(cx: &Cx<'_>, doc: &mut Doc, flow: usize, alike: &Alike) {
    let (plan, model) = (cx.plan, cx.plan.model);
    let Some(a) = &alike.of else {
        return;
    };
    let name = &plan.flows[flow].name;
    let mut said = say!(
        "**Availability**: {} in 30 days without an answer, {}",
        min(a.minutes),
        a.reachable.value
    )
    .and(Inline::why(&a.reachable))
    .and(match (a.goal, a.budget) {
        (Some(goal), Some(budget)) if goal.0 > a.reachable.value.0 => say!(
            ". The objective of {} allows {}: it cannot be kept with what is stated and assumed",
            goal,
            min(budget)
        ),
        (Some(goal), Some(budget)) => {
            say!(". The objective of {} allows {}", goal, min(budget))
        }
        _ => Inline::new(),
    });
    if !a.extras.is_empty() {
        said = said
            .and(say!(
                ". Answers are complete {} of the time",
                a.complete.value
            ))
            .and(Inline::why(&a.complete));
    }
    if let Some(naive) = a.naive {
        said = said.and(say!(
            ". Multiplying what its {} reach by themselves would give {}: what they share would count more than once",
            count(a.entries.len(), "entry point"),
            naive
        ));
    }
    if let Some((first, own)) = alike
        .first
        .and_then(|f| plan.flows.get(f))
        .and_then(|f| Some((f, plan.flows[flow].entry?)))
        && let Some(theirs) = first.entry
    {
        doc.para(said.and(say!(
            ". What it cannot do without is told at **{}**; here `{}` stands in place of `{}`.",
            first.name,
            model.service(own).name,
            model.service(theirs).name
        )));
        return;
    }
    doc.para(said.and(Inline::text(".")));
    figures::availability(cx, doc, flow, a);
    if !a.needs.is_empty() {
        let others: Vec<&str> = alike
            .others
            .iter()
            .map(|s| model.service(*s).name.as_str())
            .collect();
        let summary = format!(
            "{} that {name} cannot do without{}{}{}",
            count(a.needs.len(), "part"),
            costliest(&a.needs, model),
            if others.is_empty() {
                ""
            } else {
                "; the same for "
            },
            others.join(", ")
        );
        doc.details(&summary, |d| needs(cx, d, a));
    }
    let proposals: Vec<Inline> = a
        .softened
        .iter()
        .take(MOST_PROPOSALS)
        .map(|s| {
            say!(
                "`{}` without `{}` ({}): {}, {} less in 30 days{}",
                model.service(s.from).name,
                model.service(s.to).name,
                count(s.calls.len(), "call"),
                s.reachable,
                min(s.minutes),
                if s.mends {
                    ", which keeps the objective"
                } else {
                    ""
                }
            )
        })
        .collect();
    if !proposals.is_empty() {
        doc.details("What a fallback would bring", |d| d.list(proposals));
    }
}

/// The parts that cost most, where that tells something: `; cart and payment cost most`.
fn costliest(needs: &[Need], model: &Model) -> String {
    let Some(worst) = needs.iter().map(|n| n.minutes).reduce(f64::max) else {
        return String::new();
    };
    let alike: Vec<&str> = needs
        .iter()
        .filter(|n| min(n.minutes) == min(worst))
        .map(|n| n.part.name(model))
        .collect();
    match alike.as_slice() {
        [_] if needs.len() == 1 => String::new(),
        all if all.len() == needs.len() => format!("; each costs {}", min(worst)),
        [one] => format!("; {one} costs most"),
        [one, other] => format!("; {one} and {other} cost most"),
        [one, others @ ..] => format!("; {one} and {} others cost most", others.len()),
        [] => String::new(),
    }
}

fn needs(cx: &Cx<'_>, doc: &mut Doc, a: &FlowAvailability) {
    let model = cx.plan.model;
    let row = |n: &Need| {
        vec![
            say!("{} `{}`", kind(n.part), n.part.name(model)),
            Inline::text(n.availability.to_string()),
            Inline::text(origin(n.origin)),
            Inline::text(min(n.minutes)),
            path(cx, &n.path),
            match n.tie {
                Tie::Needed => Inline::text("no answer"),
                Tie::Fallback(id) => Inline::quoted(&cx.plan.call(id).fallback.value),
                _ => Inline::text("an answer without it"),
            },
        ]
    };
    let all: Vec<Vec<Inline>> = a
        .needs
        .iter()
        .chain(&a.extras)
        .take(MOST_PARTS)
        .map(row)
        .collect();
    let left = a.needs.len() + a.extras.len();
    let more = left.checked_sub(all.len()).filter(|n| *n > 0);
    doc.table(
        &[
            "Part",
            "Availability",
            "Source",
            "Down in 30 d",
            "Reached by",
            "Without it",
        ],
        all,
    );
    if let Some(more) = more {
        doc.para(say!("{} more cost less than these.", more));
    }
}

/// `a → b → c`.
pub(super) fn path(cx: &Cx<'_>, path: &[ServiceId]) -> Inline {
    let names = path
        .iter()
        .map(|s| Inline::code(&cx.plan.model.service(*s).name));
    Inline::join(names, " → ")
}
