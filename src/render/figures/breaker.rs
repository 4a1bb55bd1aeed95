//! The states of a circuit breaker, with the thresholds of the call that it guards.

use std::collections::BTreeMap;

use super::super::Cx;
use super::super::doc::{Doc, Inline, count, say};
use super::show;
use crate::diagram::{Picture, State, StateKind, States, Transition};
use crate::model::CallId;
use crate::model::units::Time;

/// Most pictures of breakers in a chapter.
const DRAWN: usize = 8;

/// The states of the breakers of `calls`: that of `shown`, then each that has other numbers, with the calls
/// that it guards.
pub(in super::super) fn breakers(cx: &Cx<'_>, doc: &mut Doc, calls: &[CallId], shown: CallId) {
    let first = std::iter::once(shown).chain(calls.iter().copied().filter(|c| *c != shown));
    // The numbers are what the arrows say.
    let mut kinds: Vec<(States, Vec<CallId>)> = Vec::new();
    let mut at: BTreeMap<Vec<String>, usize> = BTreeMap::new();
    for call in first {
        let Some(states) = states(cx, call) else {
            continue;
        };
        let numbers = states.transitions.iter().map(|t| t.label.clone()).collect();
        let kind = *at.entry(numbers).or_insert(kinds.len());
        match kinds.get_mut(kind) {
            Some((_, calls)) => calls.push(call),
            None => kinds.push((states, vec![call])),
        }
    }
    let mut kinds = kinds.into_iter();
    let Some((states, guarded)) = kinds.next() else {
        return;
    };
    doc.para(of(cx, &guarded).and(Inline::text(":")));
    show(cx, doc, "picture-breaker", &Picture::States(states));
    let others = kinds.len();
    if others == 0 {
        return;
    }
    let summary = count(others, "breaker").replace("breaker", "more breaker");
    doc.details(&format!("{summary} with other numbers"), |d| {
        for (i, (states, guarded)) in kinds.by_ref().take(DRAWN - 1).enumerate() {
            d.para(of(cx, &guarded).and(Inline::text(":")));
            let name = format!("picture-breaker-{}", i + 2);
            show(cx, d, &name, &Picture::States(states));
        }
        let rest: Vec<Inline> = kinds.map(|(_, guarded)| of(cx, &guarded)).collect();
        if !rest.is_empty() {
            d.para(say!(
                "`mdbook-msdesign diagram FILE --kind \"breaker:CALL\"` draws the others:"
            ));
            d.list(rest);
        }
    });
}

/// Whose breaker it is.
fn of(cx: &Cx<'_>, guarded: &[CallId]) -> Inline {
    let names = guarded.iter().map(|c| cx.plan.model.call_name(*c));
    let one = if guarded.len() == 1 {
        "The breaker of "
    } else {
        "The same breaker guards each of "
    };
    Inline::text(one).and(Inline::names(names))
}

/// Closed, open, half open, and what leads from one to the other.
pub(super) fn states(cx: &Cx<'_>, call: CallId) -> Option<States> {
    let plan = cx.plan.call(call);
    let b = plan.breaker.as_ref().ok()?;
    let model = cx.plan.model;
    let state = |label: &str, kind| State {
        label: label.to_owned(),
        kind,
    };
    let transition = |from, to, label: String| Transition { from, to, label };
    // A number and its unit stay on one line.
    let time = |t: Time| t.to_string().replace(' ', "\u{a0}");
    Some(States {
        title: format!("Circuit breaker of {}", model.call_name(call)),
        description: format!(
            "Closed, open and half open; opens at {} failed or slow calls in {}, for {}",
            b.ratio.value, b.window.value, b.open.value
        ),
        states: vec![
            state("closed: calls pass", StateKind::Start),
            state("open: calls fail at once", StateKind::Normal),
            state("half open: probes pass", StateKind::Normal),
        ],
        transitions: vec![
            transition(
                0,
                1,
                format!(
                    "≥ {} of ≥ {} calls in {} fail or take ≥ {}",
                    b.ratio.value,
                    b.minimum.value,
                    time(b.window.value),
                    time(b.slow.value)
                ),
            ),
            transition(1, 2, format!("after {}", time(b.open.value))),
            transition(
                2,
                0,
                match b.half_open.value {
                    1 => "the probe succeeds".to_owned(),
                    n => format!("{n} probes in a row succeed"),
                },
            ),
            transition(
                2,
                1,
                format!("a probe fails or takes ≥ {}", time(b.slow.value)),
            ),
        ],
    })
}
