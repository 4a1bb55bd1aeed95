//! The states of a circuit breaker, with the thresholds of the call that it guards.

use super::super::Cx;
use super::super::doc::Doc;
use super::show;
use crate::diagram::{Picture, State, StateKind, States, Transition};
use crate::model::CallId;
use crate::model::units::Time;

/// The states of the breaker of `call`, if it has one.
pub(in super::super) fn breaker(cx: &Cx<'_>, doc: &mut Doc, call: CallId) {
    if let Some(states) = states(cx, call) {
        show(cx, doc, "picture-breaker", &Picture::States(states));
    }
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
                format!("{} probes in a row succeed", b.half_open.value),
            ),
            transition(
                2,
                1,
                format!("a probe fails or takes ≥ {}", time(b.slow.value)),
            ),
        ],
    })
}
