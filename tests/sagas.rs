//! The ends of a saga against a state machine that tries every success and failure.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "support/specs.rs"]
mod specs;

use std::collections::BTreeSet;

use msdesign::model::{Model, ServiceId};
use msdesign::plan::{Lead, Links, Plan, SagaEnd, SagaFailure, StepClass};
use proptest::prelude::*;
use specs::model;

/// One step of a random saga.
#[derive(Clone, Copy, Debug)]
struct Part {
    undo: bool,
    looks: bool,
}

fn text(parts: &[Part], pivot: Option<usize>) -> String {
    let mut text =
        "services = [\"a\", \"b\", \"c\"]\n[[sagas]]\nname = \"s\"\nsteps = [\n".to_owned();
    for (i, part) in parts.iter().enumerate() {
        let service = ["a", "b", "c"][i % 3];
        let verb = if part.looks { "check" } else { "write" };
        let undo = if part.undo {
            format!(", undo = \"undo {i}\"")
        } else {
            String::new()
        };
        let pivot = if pivot == Some(i) {
            ", pivot = true"
        } else {
            ""
        };
        text +=
            &format!("  {{ service = \"{service}\", action = \"{verb} {i}\"{undo}{pivot} }},\n");
    }
    text + "]\n"
}

/// Where the machine stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum At {
    /// About to run the step.
    Forward(usize),
    /// About to take back the step, if there is anything to take back; counts down to 0.
    Back(usize),
}

/// Every end that a run can have, and what has been changed for good then.
///
/// It knows three rules only: behind the pivot a step is tried until it is done; any other step that
/// fails turns the saga round; going back, a change with an undo is undone or stops the way back.
fn simulate(parts: &[Part], pivot: Option<usize>) -> BTreeSet<(SagaEnd, BTreeSet<usize>)> {
    let mut seen = BTreeSet::new();
    let mut ends = BTreeSet::new();
    let mut open = vec![(At::Forward(0), BTreeSet::new())];
    while let Some((at, changed)) = open.pop() {
        if !seen.insert((at.clone(), changed.clone())) {
            continue;
        }
        match at {
            At::Forward(i) if i == parts.len() => {
                ends.insert((SagaEnd::Committed, changed));
            }
            At::Forward(i) => {
                // A step with an undo changes something, whatever its name.
                let acts = parts[i].undo || !parts[i].looks || pivot.is_some_and(|p| i >= p);
                let mut after = changed.clone();
                if acts {
                    after.insert(i);
                }
                open.push((At::Forward(i + 1), after));
                if pivot.is_none_or(|p| i <= p) {
                    open.push((At::Back(i), changed));
                }
            }
            At::Back(0) => {
                let end = if changed.is_empty() {
                    SagaEnd::Compensated
                } else {
                    SagaEnd::Stuck
                };
                ends.insert((end, changed));
            }
            At::Back(i) => {
                if parts[i - 1].undo {
                    ends.insert((SagaEnd::Stuck, changed.clone()));
                    let mut after = changed;
                    after.remove(&(i - 1));
                    open.push((At::Back(i - 1), after));
                } else {
                    open.push((At::Back(i - 1), changed));
                }
            }
        }
    }
    ends
}

/// The ends that the plan lists, together with the one without a failure.
fn enumerated(model: &Model) -> BTreeSet<(SagaEnd, BTreeSet<usize>)> {
    let plan = Plan::new(model);
    let (saga, numbers) = (&model.sagas[0], &plan.sagas[0]);
    let mut ends: BTreeSet<_> = numbers
        .failures()
        .map(|f| {
            let o = numbers.outcome(saga, f);
            (o.end, o.standing.into_iter().collect())
        })
        .collect();
    let all = (0..saga.steps.len()).filter(|i| numbers.steps[*i].class != StepClass::Reads);
    ends.insert((SagaEnd::Committed, all.collect()));
    ends
}

fn parts() -> impl Strategy<Value = (Vec<Part>, Option<usize>)> {
    let part = (any::<bool>(), any::<bool>()).prop_map(|(undo, looks)| Part { undo, looks });
    proptest::collection::vec(part, 1..9).prop_flat_map(|parts| {
        let pivot = proptest::option::of(0..parts.len());
        (Just(parts), pivot)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn the_ends_are_those_that_a_simulation_reaches((parts, pivot) in parts()) {
        let model = model(&text(&parts, pivot));
        let pivot = Plan::new(&model).sagas[0].pivot.value;
        prop_assert_eq!(enumerated(&model), simulate(&parts, pivot));
    }

    #[test]
    fn only_a_failing_compensation_strands_a_saga_with_all_of_them((mut parts, pivot) in parts()) {
        let last = pivot.unwrap_or(parts.len());
        for part in parts.iter_mut().take(last) {
            part.undo = true;
        }
        let model = model(&text(&parts, pivot));
        let plan = Plan::new(&model);
        let numbers = &plan.sagas[0];
        for failure in numbers.failures() {
            let outcome = numbers.outcome(&model.sagas[0], failure);
            let mended = matches!(failure, SagaFailure::Step(_));
            prop_assert_eq!(outcome.end == SagaEnd::Stuck, !mended, "{:?}", failure);
            // Whoever is stuck has somebody to call.
            prop_assert!(outcome.end != SagaEnd::Stuck || !outcome.acts.is_empty());
        }
    }

    #[test]
    fn nothing_is_taken_back_once_the_pivot_is_done((parts, pivot) in parts()) {
        let model = model(&text(&parts, pivot));
        let plan = Plan::new(&model);
        let numbers = &plan.sagas[0];
        for failure in numbers.failures() {
            let (SagaFailure::Step(i) | SagaFailure::Undo { step: i, .. }) = failure;
            let outcome = numbers.outcome(&model.sagas[0], failure);
            if numbers.pivot.value.is_some_and(|p| i > p) {
                prop_assert!(outcome.undone.is_empty());
                prop_assert_eq!(outcome.end, SagaEnd::Committed);
            }
            // The way back is the way there, reversed, and never passes the failure.
            prop_assert!(outcome.undone.windows(2).all(|w| w[0] > w[1]));
            prop_assert!(outcome.undone.iter().all(|j| *j < i));
        }
    }
}

#[test]
fn a_saga_worked_out_by_hand() {
    // write 0 / undo, write 1 without, check 2, write 3 (pivot), write 4.
    let part = |undo, looks| Part { undo, looks };
    let parts = [
        part(true, false),
        part(false, false),
        part(false, true),
        part(false, false),
        part(false, false),
    ];
    let model = model(&text(&parts, Some(3)));
    let plan = Plan::new(&model);
    let (saga, numbers) = (&model.sagas[0], &plan.sagas[0]);
    let end = |f| {
        let o = numbers.outcome(saga, f);
        let acts: Vec<&str> = o
            .acts
            .iter()
            .map(|s| model.service(*s).name.as_str())
            .collect();
        (o.end, o.undone, o.standing, acts.join(" "))
    };
    use SagaEnd::{Committed, Compensated, Stuck};
    assert_eq!(
        end(SagaFailure::Step(0)),
        (Compensated, vec![], vec![], String::new())
    );
    assert_eq!(
        end(SagaFailure::Step(1)),
        (Compensated, vec![0], vec![], String::new())
    );
    assert_eq!(
        end(SagaFailure::Step(2)),
        (Stuck, vec![0], vec![1], "b".to_owned())
    );
    assert_eq!(
        end(SagaFailure::Step(3)),
        (Stuck, vec![0], vec![1], "b".to_owned())
    );
    assert_eq!(
        end(SagaFailure::Undo { step: 3, undo: 0 }),
        (Stuck, vec![], vec![0, 1], "a b".to_owned())
    );
    assert_eq!(
        end(SagaFailure::Step(4)),
        (Committed, vec![], vec![0, 1, 3, 4], "b".to_owned())
    );
    assert_eq!(numbers.failures().count(), 5 + 3);
}

#[test]
fn two_hundred_steps_are_enumerated_at_once() {
    let model = model(&text(
        &[Part {
            undo: true,
            looks: false,
        }; 200],
        Some(199),
    ));
    let plan = Plan::new(&model);
    assert_eq!(plan.sagas[0].failures().count(), 200 + 200 * 199 / 2);
}

/// The picture of a choreography and its step table read who leads to a step in one place.
#[test]
fn a_step_follows_whoever_publishes_to_it_or_else_calls_it() {
    let model = model(
        r#"
services = ["orders", "stock", "billing", "mail", "audit"]
sync = ["stock --REST POST /bills--> billing", "billing --REST POST /mails--> mail"]
async = ["orders --order.placed--> stock, mail"]
[[sagas]]
name = "s"
style = "choreography"
steps = [
  { service = "orders", action = "place", undo = "cancel" },
  { service = "orders", action = "number", undo = "forget" },
  { service = "stock", action = "take", undo = "return" },
  { service = "billing", action = "bill", pivot = true },
  { service = "mail", action = "tell" },
  { service = "audit", action = "write" },
]
"#,
    );
    let plan = Plan::new(&model);
    let links = Links::new(&plan);
    let name = |s: ServiceId| model.service(s).name.as_str();
    let leads: Vec<Option<(&str, bool)>> = (0..6)
        .map(|i| {
            let hop = links.lead(&model.sagas[0], i)?;
            Some((name(hop.from), matches!(hop.by, Lead::Event(_))))
        })
        .collect();
    // `billing` is the last before `mail` that reaches it, though only by a call.
    let told = [
        None,
        None,
        Some(("orders", true)),
        Some(("stock", false)),
        Some(("billing", false)),
        None,
    ];
    assert_eq!(leads, told);
}
