//! Sagas: steps, states, failures and what makes up for the isolation that they do not have.

use std::collections::BTreeSet;

use super::super::super::artefact;
use super::super::super::doc::{Doc, Inline, say};
use super::super::super::{Cx, figures};
use super::super::column::Column;
use crate::model::{Party, Saga, SagaStyle, ServiceId};
use crate::plan::{Lead, Links, SagaPlan, StepClass};

pub(super) fn write(cx: &Cx<'_>, doc: &mut Doc) {
    let model = cx.plan.model;
    if model.sagas.is_empty() {
        doc.heading(1, "Sagas", "consistency-sagas");
        doc.para(say!(
            "Left out: no `[[sagas]]` of {} states a change that spans services.",
            model.title
        ));
        return;
    }
    for (i, (saga, plan)) in model.sagas.iter().zip(&cx.plan.sagas).enumerate() {
        // Two names may come down to one identifier.
        let first = cx.plan.sagas.iter().position(|p| p.slug == plan.slug) == Some(i);
        let id = if first {
            format!("consistency-saga-{}", plan.slug)
        } else {
            format!("consistency-saga-{}-{i}", plan.slug)
        };
        doc.heading(1, Inline::text(format!("Saga: {}", saga.name)), &id);
        if let Some(text) = &saga.description {
            doc.para(text.as_str());
        }
        led(cx, doc, saga, plan);
        steps(cx, doc, saga, plan);
        figures::saga_states(cx, doc, i);
        states(doc, saga, plan);
        super::ends::write(cx, doc, i, saga, plan);
        countermeasures(cx, doc, saga, plan);
    }
    workflows(cx, doc);
}

/// What leads the orchestrated sagas, as files.
fn workflows(cx: &Cx<'_>, doc: &mut Doc) {
    if !artefact::any(cx, "saga") {
        return;
    }
    doc.heading(1, "Workflows", "consistency-workflows");
    let model = cx.plan.model;
    let (mut rows, mut items) = (Vec::new(), Vec::new());
    let (mut timeouts, mut attempts) = (Column::default(), Column::default());
    for (saga, plan) in model.sagas.iter().zip(&cx.plan.sagas) {
        if plan.style.value != SagaStyle::Orchestration {
            items.push(say!("`{}` has none: nobody leads it.", saga.name));
            continue;
        }
        for (i, step) in plan.steps.iter().enumerate() {
            let most = &step.attempts.most;
            let said = most
                .value
                .map_or_else(|| "until it is done".to_owned(), |n| n.to_string());
            rows.push(vec![
                Inline::text(saga.name.as_str()),
                Inline::text(step_name(saga, i)),
                timeouts.cell(&step.attempts.timeout),
                Inline::text(said.as_str()).and(attempts.why_of(most, &said)),
            ]);
        }
        items.push(say!(
            "`{}`: between attempts a pause of up to {}, then {} times as much and so on up to {}; a compensation gets \
             the time of its step for each attempt, until it is done.",
            saga.name,
            plan.backoff.base.value,
            plan.backoff.factor.value,
            plan.backoff.cap.value
        ));
        items.extend(unsure(saga, plan));
    }
    doc.table(&["Saga", "Step", "One attempt", "Attempts"], rows);
    doc.list(items);
    artefact::show(cx, doc, "saga");
}

/// What happens after a failure that does not say whether the step was done: all but a refusal.
fn unsure(saga: &Saga, plan: &SagaPlan) -> Option<Inline> {
    let asks = |class: StepClass| matches!(class, StepClass::Pivot | StepClass::Stuck);
    let blind: Vec<Inline> = (0..saga.steps.len())
        .filter(|i| saga.steps[*i].undo.is_none() && asks(plan.steps[*i].class))
        .map(|i| Inline::text(step_name(saga, i)))
        .collect();
    let own = saga
        .steps
        .iter()
        .zip(&plan.steps)
        .position(|(s, p)| s.undo.is_some() && p.class != StepClass::Retriable);
    let undo = own.map(|i| {
        say!(
            "Only the error `Refused` says that a step has done nothing. After any other failure of {}, such as a timeout, \"{}\" runs before the others, as the step may have been done; it must do nothing where it was not",
            step_name(saga, i),
            saga.steps[i].undo.as_deref().unwrap_or_default()
        )
    });
    let look = (!blind.is_empty()).then(|| {
        say!("When all attempts of ")
            .and(Inline::join(blind, " or "))
            .and(say!(" fail without a `Refused`, `{}` ends as unknown, with nothing taken back: nobody can tell whether it was done", saga.name))
    });
    let said: Vec<Inline> = undo.into_iter().chain(look).collect();
    (!said.is_empty()).then(|| Inline::join(said, ". ").and(Inline::text(".")))
}

/// Whether a run keeps its deadline before the pivot.
fn kept(plan: &SagaPlan) -> String {
    if plan.decided.value <= plan.deadline.value {
        return String::new();
    }
    format!(
        ": later than the deadline of {}, which nothing ends a run at, because it leaves some step less than the second \
         that engines count in",
        plan.deadline.value
    )
}

/// `2. lock fare`: one name for a step in every table.
pub(super) fn step_name(saga: &Saga, i: usize) -> String {
    saga.steps.get(i).map_or_else(String::new, |s| {
        format!("{}. {}", i.saturating_add(1), s.action)
    })
}

fn led(cx: &Cx<'_>, doc: &mut Doc, saga: &Saga, plan: &SagaPlan) {
    let model = cx.plan.model;
    let mut rows = vec![vec![
        Inline::text("Style"),
        Inline::text(match plan.style.value {
            SagaStyle::Orchestration => "orchestration",
            SagaStyle::Choreography => "choreography",
        })
        .and(Inline::why(&plan.style)),
    ]];
    if let Some(c) = &plan.coordinator {
        rows.push(vec![
            Inline::text("Coordinator"),
            Inline::code(model.service(c.value).name.as_str()).and(Inline::why(c)),
        ]);
    }
    rows.push(vec![
        Inline::text("Run by"),
        match plan.style.value {
            SagaStyle::Orchestration => say!("{} ({})", plan.engine, plan.engine_limit),
            SagaStyle::Choreography => say!("nobody: each service of the {} steps reacts to events, and who is late shows only in the deadline of `{}`", saga.steps.len(), saga.name),
        },
    ]);
    rows.push(vec![
        Inline::text("Pivot"),
        plan.pivot
            .value
            .map_or_else(
                || Inline::text("none"),
                |p| Inline::text(step_name(saga, p)),
            )
            .and(Inline::why(&plan.pivot)),
    ]);
    rows.push(vec![
        Inline::text("Deadline"),
        Inline::figure(&plan.deadline),
    ]);
    if plan.style.value == SagaStyle::Orchestration {
        rows.push(vec![
            Inline::text("Turns back, if at all, within"),
            Inline::figure(&plan.decided).and(Inline::text(kept(plan))),
        ]);
    }
    doc.table(&["Part", "Design"], rows);
}

fn steps(cx: &Cx<'_>, doc: &mut Doc, saga: &Saga, plan: &SagaPlan) {
    let model = cx.plan.model;
    let mut deadlines = Column::default();
    let rows = saga
        .steps
        .iter()
        .zip(&plan.steps)
        .enumerate()
        .map(|(i, (step, numbers))| {
            vec![
                Inline::text(step_name(saga, i)),
                Inline::code(model.service(step.service).name.as_str()),
                reached(cx, saga, plan, i),
                Inline::text(numbers.class.name()),
                step.undo
                    .as_deref()
                    .map_or_else(|| Inline::text("–"), Inline::text),
                deadlines.cell(&numbers.deadline),
                match step.idempotent.map(|s| s.value) {
                    Some(true) => Inline::text("safe to repeat (set)"),
                    Some(false) => say!(
                        "**not** safe to repeat (set): `{}` has to drop repeats by saga and step",
                        model.service(step.service).name
                    ),
                    None => say!("`<saga>:{}` as the key", step.action),
                },
            ]
        })
        .collect();
    doc.table(
        &[
            "Step",
            "Service",
            "Reached by",
            "Class",
            "Undo",
            "Deadline",
            "Idempotency",
        ],
        rows,
    );
}

/// The declared call or event that leads to step `i`.
fn reached(cx: &Cx<'_>, saga: &Saga, plan: &SagaPlan, i: usize) -> Inline {
    let model = cx.plan.model;
    let to = saga.steps[i].service;
    let name = |s: ServiceId| model.service(s).name.as_str();
    // In a choreography any earlier participant may have caused the step, the last one first.
    let from: Vec<ServiceId> = match (plan.style.value, &plan.coordinator) {
        (SagaStyle::Orchestration, Some(c)) => vec![c.value],
        _ => saga.steps[..i].iter().rev().map(|s| s.service).collect(),
    };
    let Some(nearest) = from.first().copied() else {
        return Inline::text("starts the saga");
    };
    if nearest == to {
        return say!("a local transaction of `{}`", name(to));
    }
    // The picture of a choreography asks the same.
    let senders = match plan.style.value {
        SagaStyle::Orchestration => from,
        SagaStyle::Choreography => {
            let lead = Links::new(cx.plan).lead(saga, i);
            lead.map(|hop| hop.from).into_iter().collect()
        }
    };
    for from in senders.into_iter().filter(|f| *f != to) {
        let calls: Vec<Inline> = model
            .call_ids()
            .filter(|c| model.call(*c).from == Party::Service(from) && model.call(*c).to == to)
            .map(|c| Inline::code(model.call(c).label()))
            .take(4)
            .collect();
        let events: Vec<Inline> = model
            .events
            .iter()
            .filter(|e| {
                e.publishers.iter().any(|p| p.service == from)
                    && e.consumers.iter().any(|(p, _)| *p == Party::Service(to))
            })
            .map(|e| Inline::code(e.name.as_str()))
            .take(4)
            .collect();
        let (first, second) = match plan.style.value {
            SagaStyle::Orchestration => (calls, events),
            SagaStyle::Choreography => (events, calls),
        };
        let ways = if first.is_empty() { second } else { first };
        if !ways.is_empty() {
            let one_of = if ways.len() > 1 { "one of " } else { "" };
            return Inline::text(one_of)
                .and(Inline::join(ways, ", "))
                .and(say!(" from `{}`", name(from)));
        }
    }
    if let Some(way) = joined(cx, saga, plan, i) {
        return way;
    }
    let shared = model
        .service(to)
        .stores
        .iter()
        .find(|s| model.service(nearest).stores.contains(s));
    match shared {
        Some(store) => say!(
            "no call or event: `{}` and `{}` share `{}`",
            name(nearest),
            name(to),
            model.store(*store).name
        ),
        None => say!(
            "**not declared**: no call or event of the spec leads from `{}` to `{}`",
            name(nearest),
            name(to)
        ),
    }
}

/// What leads to step `i` of a choreography through services that are no steps.
fn joined(cx: &Cx<'_>, saga: &Saga, plan: &SagaPlan, i: usize) -> Option<Inline> {
    if plan.style.value != SagaStyle::Choreography {
        return None;
    }
    let model = cx.plan.model;
    let steps: BTreeSet<ServiceId> = saga.steps.iter().map(|s| s.service).collect();
    let links = Links::new(cx.plan);
    let to = saga.steps[i].service;
    let mut before = saga.steps[..i].iter().rev().map(|s| s.service);
    let way = before.find_map(|from| links.way(from, to, &steps).filter(|w| w.len() > 1))?;
    let hops = way.iter().map(|hop| {
        let by = match hop.by {
            Lead::Event(id) => model.event(id).name.clone(),
            Lead::Call(id) => model.call(id).label(),
        };
        say!("`{}` from `{}`", by, model.service(hop.from).name)
    });
    let between: Vec<&str> = way
        .iter()
        .skip(1)
        .map(|hop| model.service(hop.from).name.as_str())
        .collect();
    let word = if between.len() == 1 {
        ", which is no step of this saga"
    } else {
        ", which are no steps of this saga"
    };
    Some(
        Inline::join(hops, ", then ")
            .and(Inline::text("; through "))
            .and(Inline::names(between))
            .and(Inline::text(word)),
    )
}

fn states(doc: &mut Doc, saga: &Saga, plan: &SagaPlan) {
    let last = saga.steps.len().saturating_sub(1);
    let rows = plan
        .steps
        .iter()
        .enumerate()
        .map(|(i, step)| {
            let next = if i == last {
                Inline::text("completed")
            } else {
                Inline::text(step_name(saga, i.saturating_add(1)))
            };
            let failed = match (step.class, step.undoes.first(), step.stranded.is_empty()) {
                (StepClass::Retriable, ..) => say!(
                    "stays here and tries again; late after {}",
                    step.deadline.value
                ),
                (_, Some(j), _) => say!("taking back {}", step_name(saga, *j)),
                (_, None, true) => Inline::text("aborted: nothing was changed before"),
                (_, None, false) => Inline::text("stuck: nothing before can be taken back"),
            };
            vec![Inline::text(step_name(saga, i)), next, failed]
        })
        .collect();
    doc.table(&["State", "On success", "On failure for good"], rows);
}

/// Verbs of steps that change an amount.
const COMMUTES: [&str; 9] = [
    "add",
    "credit",
    "debit",
    "decrease",
    "decrement",
    "deduct",
    "deposit",
    "increase",
    "increment",
];

/// Where other sagas change what this one has changed and may still take back.
fn meetings(cx: &Cx<'_>, saga: &Saga) -> Vec<Inline> {
    let model = cx.plan.model;
    let mut mine = std::collections::BTreeMap::new();
    for (i, step) in saga.steps.iter().enumerate() {
        mine.entry(step.service).or_insert(i);
    }
    let mut items = Vec::new();
    for other in model.sagas.iter().filter(|o| o.name != saga.name) {
        let both = other
            .steps
            .iter()
            .find_map(|s| Some((*mine.get(&s.service)?, s)));
        if let Some((i, theirs)) = both {
            items.push(say!(
                "**Two sagas meet** at `{}`: step {} here and \"{}\" of `{}`. The one that comes second and finds the mark of the other waits, or fails and is taken back.",
                model.service(theirs.service).name,
                step_name(saga, i),
                theirs.action,
                other.name
            ));
        }
    }
    items
}

fn countermeasures(cx: &Cx<'_>, doc: &mut Doc, saga: &Saga, plan: &SagaPlan) {
    let model = cx.plan.model;
    let by = |i: usize| model.service(saga.steps[i].service).name.as_str();
    let mut items = Vec::new();
    let last = saga.steps.len().saturating_sub(1);
    if let Some(first) = plan
        .steps
        .iter()
        .position(|s| s.class == StepClass::Compensatable)
    {
        items.push(say!(
            "**Semantic lock**: what `{}` writes in step {} is marked pending; others that read it see the mark. Step {} or `{}` lifts it, after {} at the latest.",
            by(first),
            step_name(saga, first),
            step_name(saga, last),
            saga.steps[first].undo.as_deref().unwrap_or_default(),
            plan.deadline.value
        ));
    }
    items.extend(meetings(cx, saga));
    for (i, step) in saga.steps.iter().enumerate() {
        let word = step.action.split_whitespace().next().unwrap_or_default();
        if COMMUTES.iter().any(|w| w.eq_ignore_ascii_case(word)) {
            items.push(say!(
                "**Commutative update**: `{}` does step {} as a change by an amount, not to a new value, so that it and other changes give the same sum in any order.",
                by(i),
                step_name(saga, i)
            ));
        }
    }
    if let Some(pivot) = plan.pivot.value.filter(|p| *p > 0) {
        items.push(say!(
            "**Reread value**: `{}` reads again what the steps up to {} have decided, and that the saga still runs, in the transaction of step {}; nothing after it is taken back.",
            by(pivot),
            step_name(saga, pivot.saturating_sub(1)),
            step_name(saga, pivot)
        ));
    }
    // A service with two steps lets others change its data in between.
    for j in 0..saga.steps.len() {
        let before = (0..j)
            .rev()
            .find(|i| saga.steps[*i].service == saga.steps[j].service);
        if let Some(i) = before.filter(|i| i.saturating_add(1) < j) {
            items.push(say!(
                "**Version file**: between step {} and step {} others may change the same data of `{}`; the second writes only if the version that the first saw still stands, and otherwise decides again.",
                step_name(saga, i),
                step_name(saga, j),
                by(j)
            ));
        }
    }
    let stuck: Vec<Inline> = plan
        .steps
        .iter()
        .enumerate()
        .filter(|(_, s)| s.class == StepClass::Stuck)
        .map(|(i, _)| say!("{} of `{}`", step_name(saga, i), by(i)))
        .collect();
    if !stuck.is_empty() {
        items.push(
            say!("**By hand**: nothing takes these back, so unless they change nothing, a failure after them goes to a person with the id of the saga: ")
                .and(Inline::join(stuck, ", ")),
        );
    }
    if !items.is_empty() {
        doc.para(say!(
            "What makes up for the isolation that `{}` does not have:",
            saga.name
        ));
        doc.list(items);
    }
}
