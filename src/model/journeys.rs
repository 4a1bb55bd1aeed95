//! Sagas and flows with their names resolved.

use super::check::{self, Out};
use super::design::{
    Call, CallId, Event, EventId, Flow, Party, Saga, SagaStep, SagaStyle, Set, Stated, Step,
    Stream, StreamId,
};
use super::names::{Names, short};
use crate::diag::{Diagnostic, Span, nearest};
use crate::spec::{FlowDecl, SagaDecl, StepDecl, Text};
use std::cmp::Reverse;

/// The most steps that a flow or saga may have: a journey that no reader can follow is no journey, and
/// the drawing stays bounded.
const MAX_STEPS: usize = 200;

pub(super) fn sagas(decls: &[SagaDecl], names: &Names, out: Out<'_>) -> Vec<Saga> {
    unique("saga", decls.iter().map(|d| &d.name), out);
    decls
        .iter()
        .map(|d| {
            let style = d.style.as_ref().and_then(|s| {
                check::choice(
                    "a style of saga",
                    s,
                    &["orchestration", "choreography"],
                    out,
                )
            });
            let (deadline, lacks_deadline) = stated(check::time_or_none(d.deadline.as_ref(), out));
            let transaction = d.transaction.as_ref().and_then(|t| {
                check::choice("a transaction of a saga", t, &["saga", "2pc", "xa"], out)
                    .filter(|word| *word != "saga")
                    .map(|_| t.span)
            });
            too_many("saga", d.steps.len(), &d.name, out);
            Saga {
                name: d.name.value.clone(),
                span: d.span,
                style: style.map(|s| match s {
                    "choreography" => SagaStyle::Choreography,
                    _ => SagaStyle::Orchestration,
                }),
                coordinator: d.coordinator.as_ref().and_then(|c| names.service(c, out)),
                description: check::plain(d.description.as_ref()),
                two_phase: transaction,
                deadline,
                lacks_deadline,
                steps: d
                    .steps
                    .iter()
                    .take(MAX_STEPS)
                    .filter_map(|s| {
                        let (timeout, lacks_timeout) =
                            stated(check::time_or_none(s.timeout.as_ref(), out));
                        Some(SagaStep {
                            span: s.span,
                            service: names.service(&s.service, out)?,
                            action: s.action.value.clone(),
                            undo: check::plain(s.undo.as_ref()),
                            pivot: s.pivot.as_ref().is_some_and(|p| p.value),
                            idempotent: check::flag(s.idempotent.as_ref()),
                            timeout,
                            lacks_timeout,
                        })
                    })
                    .collect(),
            }
        })
        .collect()
}

/// A value, or where it is said to be missing.
fn stated<T: Copy>(set: Option<Set<Stated<T>>>) -> (Option<Set<T>>, Option<Span>) {
    match set {
        None => (None, None),
        Some(set) => match set.value {
            Stated::Value(value) => (
                Some(Set {
                    value,
                    span: set.span,
                }),
                None,
            ),
            Stated::Lacking => (None, Some(set.span)),
        },
    }
}

fn too_many(what: &str, steps: usize, name: &Text, out: Out<'_>) {
    if steps > MAX_STEPS {
        out.push(
            Diagnostic::error(
                "too-large",
                name.span,
                format!("this {what} has {steps} steps; at most {MAX_STEPS} can be shown"),
            )
            .help("cut it into journeys that a reader can follow"),
        );
    }
}

fn unique<'n>(what: &str, names: impl Iterator<Item = &'n Text>, out: Out<'_>) {
    let mut seen: Vec<&Text> = Vec::new();
    for name in names {
        if let Some(first) = seen.iter().find(|s| s.value == name.value) {
            out.push(
                Diagnostic::error(
                    "duplicate-name",
                    name.span,
                    format!("there are two {what}s called `{}`", short(&name.value)),
                )
                .at("again here")
                .label(first.span, "first here")
                .help("give each its own name"),
            );
        }
        seen.push(name);
    }
}

/// What a flow's steps can refer to.
pub(super) struct Interactions<'m> {
    pub(super) calls: &'m [Call],
    pub(super) events: &'m [Event],
    pub(super) streams: &'m [Stream],
}

pub(super) fn flows(
    decls: &[FlowDecl],
    names: &Names,
    all: &Interactions<'_>,
    out: Out<'_>,
) -> Vec<Flow> {
    unique("flow", decls.iter().map(|d| &d.name), out);
    decls
        .iter()
        .map(|d| {
            too_many("flow", d.steps.len(), &d.name, out);
            let steps: Vec<(Step, String)> = d
                .steps
                .iter()
                .take(MAX_STEPS)
                .filter_map(|s| Some((step(s, &d.name.value, names, all, out)?, key(s))))
                .collect();
            Flow {
                name: d.name.value.clone(),
                span: d.span,
                description: check::plain(d.description.as_ref()),
                slo: check::slo(d.slo.as_ref(), out),
                rate: check::rate(d.rate.as_ref(), out),
                steps: group(d, steps, names, all, out),
            }
        })
        .collect()
}

/// A step as `parallel` names it.
fn key(s: &StepDecl) -> String {
    let operation = s.operation.as_ref().map_or("", |o| o.value.as_str());
    format!("{} -> {}: {operation}", s.from.value, s.to.value)
}

/// Puts the steps that `parallel` names beside each other. Members that stand in `steps` are taken from
/// there (the group stands where its first member stood); members that do not are added after the step
/// that reaches their caller.
fn group(
    d: &FlowDecl,
    steps: Vec<(Step, String)>,
    names: &Names,
    all: &Interactions<'_>,
    out: Out<'_>,
) -> Vec<Vec<Step>> {
    let mut groups: Vec<Vec<(Step, String)>> = steps.into_iter().map(|s| vec![s]).collect();
    for members in &d.parallel {
        let mut together: Vec<(Step, String)> = Vec::new();
        let mut at: Option<usize> = None;
        for member in members.iter().take(MAX_STEPS) {
            let wanted = key(member);
            let found = groups
                .iter()
                .position(|g| g.len() == 1 && g.first().is_some_and(|s| s.1 == wanted));
            if let Some(i) = found {
                let mut taken = groups.remove(i);
                at = Some(at.map_or(i, |a| a.min(i)));
                together.append(&mut taken);
            } else if let Some(step) = step(member, &d.name.value, names, all, out) {
                together.push((step, wanted));
            }
        }
        let at = at.unwrap_or_else(|| {
            let caller = together.first().and_then(|(s, _)| source(*s, all));
            groups
                .iter()
                .rposition(|g| {
                    g.iter()
                        .any(|(s, _)| target(*s, all) == caller && caller.is_some())
                })
                .map_or(groups.len(), |i| i + 1)
        });
        if !together.is_empty() {
            groups.insert(at.min(groups.len()), together);
        }
    }
    groups
        .into_iter()
        .map(|g| g.into_iter().map(|(s, _)| s).collect())
        .collect()
}

fn source(step: Step, all: &Interactions<'_>) -> Option<Party> {
    match step {
        Step::Enter(actor, _) => Some(Party::Actor(actor)),
        Step::Call(id) => all.calls.get(id.0).map(|c| c.from),
        Step::Publish(service, _) => Some(Party::Service(service)),
        Step::Handle(_, party) => Some(party),
        Step::Push(id) => all.streams.get(id.0).map(|s| s.from),
    }
}

fn target(step: Step, all: &Interactions<'_>) -> Option<Party> {
    match step {
        Step::Enter(_, service) => Some(Party::Service(service)),
        Step::Call(id) => all.calls.get(id.0).map(|c| Party::Service(c.to)),
        Step::Publish(..) => None,
        Step::Handle(_, party) => Some(party),
        Step::Push(id) => all.streams.get(id.0).map(|s| s.to),
    }
}

fn step(
    s: &StepDecl,
    flow: &str,
    names: &Names,
    all: &Interactions<'_>,
    out: Out<'_>,
) -> Option<Step> {
    let event = |name: &str| all.events.iter().position(|e| e.name == name).map(EventId);
    // The name of a service wins over that of an event.
    let from = names.find(&s.from.value);
    if from.is_none()
        && let Some(id) = event(&s.from.value)
    {
        let party = names.party(&s.to, out)?;
        let consumes = all.events[id.0].consumers.iter().any(|(p, _)| *p == party);
        if consumes {
            return Some(Step::Handle(id, party));
        }
        out.push(unknown_step(
            s,
            &format!(
                "`{}` does not read `{}`",
                short(&s.to.value),
                short(&s.from.value)
            ),
            format!(
                "declare it: `async = [\"… --{}--> {}\"]`",
                s.from.value, s.to.value
            ),
        ));
        return None;
    }
    let Some(from) = from else {
        // Reports the unknown name with its suggestion.
        let _ = names.party(&s.from, out);
        return None;
    };
    let to = names.find(&s.to.value);
    if to.is_none()
        && let Some(id) = event(&s.to.value)
    {
        let Party::Service(service) = from else {
            out.push(unknown_step(
                s,
                "an actor publishes no events",
                "let a service publish it".to_owned(),
            ));
            return None;
        };
        if all.events[id.0]
            .publishers
            .iter()
            .any(|p| p.service == service)
        {
            return Some(Step::Publish(service, id));
        }
        out.push(unknown_step(
            s,
            &format!(
                "`{}` does not publish `{}`",
                short(&s.from.value),
                short(&s.to.value)
            ),
            format!(
                "declare it: `async = [\"{} --{}--> …\"]`",
                s.from.value, s.to.value
            ),
        ));
        return None;
    }
    let Some(to) = to else {
        out.push(unknown_target(s, names, all));
        return None;
    };
    interaction(s, flow, from, to, all, out)
}

/// The call or stream between two parties.
fn interaction(
    s: &StepDecl,
    flow: &str,
    from: Party,
    to: Party,
    all: &Interactions<'_>,
    out: Out<'_>,
) -> Option<Step> {
    let between: Vec<usize> = (0..all.calls.len())
        .filter(|&i| all.calls[i].from == from && Party::Service(all.calls[i].to) == to)
        .collect();
    if let Some(operation) = &s.operation {
        let wanted = operation
            .value
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        let found = between.iter().copied().find(|&i| {
            let c = &all.calls[i];
            c.operation == wanted
                || c.label() == wanted
                || c.operation.rsplit(['/', '.']).next() == Some(wanted.as_str())
        });
        if let Some(i) = found {
            return Some(Step::Call(CallId(i)));
        }
        let labels: Vec<String> = between.iter().map(|&i| all.calls[i].label()).collect();
        let near = nearest(&wanted, labels.iter().map(String::as_str));
        let help = match (near, labels.is_empty()) {
            (Some(near), _) => format!("did you mean `{near}`?"),
            (None, false) => format!("declared are: {}", labels.join(", ")),
            (None, true) => "declare the call in `sync`".to_owned(),
        };
        out.push(
            Diagnostic::error(
                "flow-unknown-step",
                operation.span,
                format!(
                    "`{}` makes no call `{}` to `{}`",
                    short(&s.from.value),
                    short(&operation.value),
                    short(&s.to.value)
                ),
            )
            .at("not declared")
            .help(help),
        );
        return None;
    }
    // Of several, the one that speaks most of what the flow is called; else the first.
    let likely = between
        .iter()
        .copied()
        .max_by_key(|&i| (likeness(flow, &all.calls[i].operation), Reverse(i)));
    if let Some(i) = likely {
        return Some(Step::Call(CallId(i)));
    }
    let stream = all
        .streams
        .iter()
        .position(|x| (x.from == from && x.to == to) || (x.from == to && x.to == from));
    if let Some(i) = stream {
        return Some(Step::Push(StreamId(i)));
    }
    match (from, to) {
        // Whoever is outside may enter where the author says so.
        (Party::Actor(actor), Party::Service(service)) => Some(Step::Enter(actor, service)),
        _ => {
            let help = format!(
                "declare the call in `sync`, such as `\"{} --gRPC Do--> {}\"`",
                s.from.value, s.to.value
            );
            out.push(unknown_step(s, "no such interaction is declared", help));
            None
        }
    }
}

/// How much of the name of a flow an operation repeats: `processBooking` speaks of `Book a flight`. The first word
/// of the name counts most, since it is mostly the verb.
fn likeness(flow: &str, operation: &str) -> usize {
    let (name, said) = (stems(flow), stems(operation));
    let weighted = name.iter().enumerate();
    let found = weighted.filter(|(_, word)| said.contains(word));
    found.map(|(at, _)| name.len() - at).sum()
}

/// The words of a name in any spelling, cut to four letters so that endings do not matter; shorter ones say little.
fn stems(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut lower = false;
    for c in text.chars() {
        if !c.is_alphanumeric() || (c.is_uppercase() && lower) {
            words.push(String::new());
        }
        lower = c.is_lowercase();
        if let (true, Some(word)) = (c.is_alphanumeric(), words.last_mut()) {
            word.extend(c.to_lowercase());
        }
    }
    let long = words.into_iter().filter(|w| w.chars().count() > 3);
    long.map(|w| w.chars().take(4).collect()).collect()
}

fn unknown_step(s: &StepDecl, why: &str, help: String) -> Diagnostic {
    Diagnostic::error(
        "flow-unknown-step",
        s.text.span,
        format!(
            "`{} -> {}` is no step of this design: {why}",
            short(&s.from.value),
            short(&s.to.value)
        ),
    )
    .at("not declared")
    .help(help)
}

fn unknown_target(s: &StepDecl, names: &Names, all: &Interactions<'_>) -> Diagnostic {
    let mut reports = Vec::new();
    let _ = names.party(&s.to, &mut reports);
    let near_event = nearest(&s.to.value, all.events.iter().map(|e| e.name.as_str()));
    match (reports.pop(), near_event) {
        (Some(d), Some(near))
            if d.help
                .as_ref()
                .is_none_or(|h| !h.starts_with("did you mean")) =>
        {
            Diagnostic::error(
                "unknown-event",
                s.to.span,
                format!("there is no service or event `{}`", short(&s.to.value)),
            )
            .at("not declared")
            .help(format!("did you mean `{near}`?"))
        }
        (Some(d), _) => d,
        (None, _) => unknown_step(
            s,
            "it leads nowhere",
            "name a service or an event".to_owned(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::likeness;

    #[test]
    fn operations_are_told_apart_by_the_name_of_the_flow() {
        let best = |flow: &str, operations: &[&'static str]| {
            let like = |o: &&&str| likeness(flow, o);
            operations.iter().rev().max_by_key(like).copied()
        };
        let graph = ["getLoyalty", "listFlights", "processBooking"];
        assert_eq!(best("Book a flight", &graph), Some("processBooking"));
        assert_eq!(best("Loyalty points", &graph), Some("getLoyalty"));
        let rest = ["GET /orders/{id}", "POST /checkout"];
        assert_eq!(best("Checkout", &rest), Some("POST /checkout"));
        assert_eq!(best("See an order", &rest), Some("GET /orders/{id}"));
        // Nothing alike: the first.
        assert_eq!(best("Zoo", &rest), Some("GET /orders/{id}"));
    }
}
