//! The state machines of sagas are run: whatever fails, they take back what the chapter says, in its order.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "support/saga_runs.rs"]
mod saga_runs;
#[path = "support/specs.rs"]
mod specs;

use msdesign::diag::{SourceFile, Sources};
use msdesign::plan::Plan;
use msdesign::{NoFiles, Options, compile};
use proptest::prelude::*;
use saga_runs::Answer;
use serde_json::{Value, json};
use specs::model;

/// A saga of steps that each may have an undo, may only look, and may be the pivot.
fn text(steps: &[(bool, bool)], pivot: Option<usize>) -> String {
    let mut text = "infrastructure = \"aws\"\nservices = [\"a\", \"b\", \"c\"]\n[[sagas]]\nname = \"s\"\nsteps = [\n".to_owned();
    for (i, (undo, looks)) in steps.iter().enumerate() {
        let (service, verb) = (
            ["a", "b", "c"][i % 3],
            if *looks { "check" } else { "write" },
        );
        let undo = if *undo {
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

fn machine(spec: &str) -> Value {
    let mut sources = Sources::default();
    let id = sources.add(SourceFile::whole("s", spec));
    let options = Options {
        artefacts: true,
        ..Options::default()
    };
    let chapter = compile(&mut sources, id, &mut NoFiles, &options)
        .chapter
        .unwrap();
    let file = chapter
        .artefacts
        .iter()
        .find(|a| a.path == "saga/s.asl.json")
        .unwrap();
    serde_json::from_str(&file.text).unwrap()
}

/// What a run did: every command in order with how often it was sent, and the error that it ended with.
#[derive(Debug, PartialEq, Eq)]
struct Run {
    commands: Vec<(u64, String)>,
    error: Option<String>,
}

impl Run {
    /// The commands without their repeats.
    fn order(&self) -> Vec<String> {
        let mut out: Vec<String> = self.commands.iter().map(|(_, c)| c.clone()).collect();
        out.dedup();
        out
    }
}

fn matches(entry: &Value, error: &str) -> bool {
    entry["ErrorEquals"]
        .as_array()
        .unwrap()
        .iter()
        .any(|e| match e.as_str().unwrap() {
            "States.ALL" => true,
            // As the language has it: every error of a task but its timeout.
            "States.TaskFailed" => error != "States.Timeout",
            name => name == error,
        })
}

/// Runs the machine; `answer` gets a command and the number of its attempt, and gives its error.
fn run(machine: &Value, answer: impl Fn(&str, u64) -> Result<(), &'static str>) -> Run {
    let mut data = json!({ "order": 1 });
    let mut at = machine["StartAt"].as_str().unwrap().to_owned();
    let mut commands = Vec::new();
    for _ in 0..10_000 {
        let state = &machine["States"][&at];
        let next = match state["Type"].as_str().unwrap() {
            "Task" => {
                let body = &state["Parameters"]["MessageBody"];
                let step = body["step"].as_u64().unwrap();
                let command = format!("{step}. {}", body["command"].as_str().unwrap());
                match attempts(state, &command, &mut commands, &answer) {
                    Ok(()) => {
                        put(&mut data, state["ResultPath"].as_str().unwrap(), json!({}));
                        &state["Next"]
                    }
                    Err(error) => {
                        let catchers = state["Catch"].as_array().map_or(&[][..], Vec::as_slice);
                        let Some(catcher) = catchers.iter().find(|c| matches(c, error)) else {
                            return Run {
                                commands,
                                error: Some(error.to_owned()),
                            };
                        };
                        put(
                            &mut data,
                            catcher["ResultPath"].as_str().unwrap(),
                            json!({ "Error": error }),
                        );
                        &catcher["Next"]
                    }
                }
            }
            "Pass" => {
                put(
                    &mut data,
                    state["ResultPath"].as_str().unwrap(),
                    state["Parameters"].clone(),
                );
                &state["Next"]
            }
            "Choice" => {
                let choice = &state["Choices"][0];
                let variable = choice["Variable"]
                    .as_str()
                    .unwrap()
                    .strip_prefix("$.")
                    .unwrap();
                if data.get(variable).is_some() == choice["IsPresent"].as_bool().unwrap() {
                    &choice["Next"]
                } else {
                    &state["Default"]
                }
            }
            "Fail" => {
                let error = state["Error"].as_str().map(str::to_owned);
                return Run { commands, error };
            }
            other => panic!("{other}"),
        };
        match next.as_str() {
            Some(next) => at = next.to_owned(),
            None => {
                assert_eq!(state["End"], true, "{at}");
                return Run {
                    commands,
                    error: None,
                };
            }
        }
    }
    panic!("it does not end");
}

/// The attempts of one task by its retriers, each of which counts its own.
fn attempts(
    state: &Value,
    command: &str,
    commands: &mut Vec<(u64, String)>,
    answer: impl Fn(&str, u64) -> Result<(), &'static str>,
) -> Result<(), &'static str> {
    let retriers = state["Retry"].as_array().unwrap();
    let mut used = vec![0; retriers.len()];
    for attempt in 1.. {
        commands.push((attempt, command.to_owned()));
        let Err(error) = answer(command, attempt) else {
            return Ok(());
        };
        let Some(n) = retriers.iter().position(|r| matches(r, error)) else {
            return Err(error);
        };
        if used[n] >= retriers[n]["MaxAttempts"].as_u64().unwrap_or(3) {
            return Err(error);
        }
        used[n] += 1;
    }
    unreachable!()
}

fn put(data: &mut Value, path: &str, value: Value) {
    let mut at = data;
    for key in path.strip_prefix("$.").unwrap().split('.') {
        at = at.as_object_mut().unwrap().entry(key).or_insert(json!({}));
    }
    *at = value;
}

fn steps() -> impl Strategy<Value = (Vec<(bool, bool)>, Option<usize>)> {
    let step = (any::<bool>(), any::<bool>());
    proptest::collection::vec(step, 1..8).prop_flat_map(|steps| {
        let pivot = proptest::option::of(0..steps.len());
        (Just(steps), pivot)
    })
}

/// Every run that the plan promises.
fn holds(steps: &[(bool, bool)], pivot: Option<usize>) {
    let spec = text(steps, pivot);
    let model = model(&spec);
    let plan = Plan::new(&model);
    let machine = machine(&spec);
    for promised in saga_runs::runs(&model.sagas[0], &plan.sagas[0]) {
        let done = run(&machine, |command, attempt| {
            let mut answers = promised.answers.iter();
            let found = answers.find(|(c, _, times)| c == command && attempt <= *times);
            found.map_or(Ok(()), |(_, answer, _)| Err(error(*answer)))
        });
        let sent: Vec<String> = done.commands.into_iter().map(|(_, c)| c).collect();
        assert_eq!(
            (sent, done.error.as_deref()),
            (promised.sent, promised.error),
            "{}",
            promised.name
        );
    }
}

/// The error by which a state machine learns of it.
fn error(answer: Answer) -> &'static str {
    match answer {
        Answer::Refused => "Refused",
        Answer::Unavailable => "Unavailable",
        Answer::Silent => "States.Timeout",
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn whatever_fails_the_chapter_s_compensations_run((steps, pivot) in steps()) {
        holds(&steps, pivot);
    }
}

#[test]
fn a_booking_is_taken_back_in_reverse() {
    holds(
        &[
            (true, false),
            (false, true),
            (true, false),
            (false, false),
            (false, false),
        ],
        Some(3),
    );
}

#[test]
fn a_compensation_is_tried_until_it_is_done() {
    let machine = machine(&text(
        &[(true, false), (true, false), (false, false)],
        Some(2),
    ));
    let done = run(&machine, |c, n| match c {
        "3. write 2" => Err("Refused"),
        "2. undo 1" if n < 200 => Err("States.Timeout"),
        _ => Ok(()),
    });
    assert_eq!(
        done.order(),
        [
            "1. write 0",
            "2. write 1",
            "3. write 2",
            "2. undo 1",
            "1. undo 0"
        ]
    );
    assert_eq!(done.error.as_deref(), Some("SagaTakenBack"));
}

#[test]
fn attempts_and_their_pauses_fit_into_the_deadline_of_their_step() {
    for (timeout, most, each) in [
        ("30s", 3, 9),
        ("6s", 3, 1),
        ("5s", 2, 2),
        ("1500ms", 1, 1),
        ("200ms", 1, 1),
    ] {
        let spec = format!(
            "infrastructure = \"aws\"\nservices = [\"a\", \"b\"]\n[[sagas]]\nname = \"s\"\nsteps = [\n\
             {{ service = \"a\", action = \"write\", undo = \"unwrite\", timeout = \"{timeout}\" }},\n\
             {{ service = \"b\", action = \"book\", pivot = true, idempotent = false }}]\n"
        );
        let machine = machine(&spec);
        let first = &machine["States"]["1. write"];
        assert_eq!(first["TimeoutSeconds"], each, "{timeout}");
        assert_eq!(first["Retry"][1]["MaxAttempts"], most - 1, "{timeout}");
        // What must not be done twice is tried once.
        let second = &machine["States"]["2. book"];
        assert_eq!(
            (
                &second["TimeoutSeconds"],
                &second["Retry"][1]["MaxAttempts"]
            ),
            (&json!(30), &json!(0))
        );
    }
}

/// How long the machine may take to its pivot, all attempts and pauses at their bounds, in seconds.
fn longest(machine: &Value) -> f64 {
    let mut at = machine["StartAt"].as_str();
    let mut sum = 0.0;
    while let Some(name) = at {
        let state = &machine["States"][name];
        // What has to succeed is caught nowhere.
        if state["Catch"].is_null() {
            break;
        }
        let again = &state["Retry"][1];
        let mut pause = again["IntervalSeconds"].as_f64().unwrap();
        for attempt in 0..=again["MaxAttempts"].as_u64().unwrap() {
            if attempt > 0 {
                sum += pause;
                let next = pause * again["BackoffRate"].as_f64().unwrap();
                pause = next.min(again["MaxDelaySeconds"].as_f64().unwrap());
            }
            sum += state["TimeoutSeconds"].as_f64().unwrap();
        }
        at = state["Next"].as_str();
    }
    sum
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Whatever is stated, a saga turns back in time, unless its deadline leaves a step less than a second.
    #[test]
    fn a_machine_keeps_the_deadline_of_its_saga(
        timeouts in proptest::collection::vec(proptest::option::of(1_u64..90), 1..7),
        deadline in 1_u64..300,
        pivot in 0_usize..7,
    ) {
        let pivot = pivot.min(timeouts.len() - 1);
        let mut spec = format!(
            "infrastructure = \"aws\"\nservices = [\"a\"]\n[[sagas]]\nname = \"s\"\ndeadline = \"{deadline}s\"\nsteps = [\n"
        );
        for (i, timeout) in timeouts.iter().enumerate() {
            let undo = if i < pivot { ", undo = \"undo\"" } else { "" };
            let mark = if i == pivot { ", pivot = true" } else { "" };
            let time = timeout.map_or(String::new(), |t| format!(", timeout = \"{t}s\""));
            spec += &format!("{{ service = \"a\", action = \"write {i}\"{undo}{mark}{time} }},\n");
        }
        spec += "]\n";
        let model = model(&spec);
        let plan = &Plan::new(&model).sagas[0];
        let machine = machine(&spec);
        prop_assert_eq!(longest(&machine), plan.decided.value.as_s());
        let kept = plan.decided.value <= plan.deadline.value;
        let sum: u64 = plan.steps.iter().map(|s| s.deadline.value.as_ms() / 1000).sum();
        let smallest = plan.steps.iter().map(|s| s.deadline.value.as_s()).fold(f64::MAX, f64::min);
        let share = smallest * (deadline as f64 / sum as f64).min(1.0);
        prop_assert!(kept || share < 1.0, "{} {}", plan.decided.value, plan.decided.why);
        let comment = machine["Comment"].as_str().unwrap();
        prop_assert_eq!(comment.contains("and so within"), kept);
    }
}

#[test]
fn a_choreography_has_no_state_machine() {
    let spec = text(&[(true, false), (false, false)], Some(1))
        .replace("name = \"s\"", "name = \"s\"\nstyle = \"choreography\"");
    let mut sources = Sources::default();
    let id = sources.add(SourceFile::whole("s", spec));
    let options = Options {
        artefacts: true,
        ..Options::default()
    };
    let chapter = compile(&mut sources, id, &mut NoFiles, &options)
        .chapter
        .unwrap();
    assert!(chapter.artefacts.iter().all(|a| a.kind != "saga"));
}
