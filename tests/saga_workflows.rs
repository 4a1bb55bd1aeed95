//! The state machines of sagas are run: whatever fails, they take back what the chapter says, in its order.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "support/mutated.rs"]
mod mutated;
#[path = "support/saga_runs.rs"]
mod saga_runs;
#[path = "support/specs.rs"]
mod specs;

use msdesign::diag::{SourceFile, Sources};
use msdesign::plan::{Plan, StepClass};
use msdesign::{NoFiles, Options, compile};
use mutated::{Doc, Wrong, only, survivors};
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
    file(spec, "saga/s.asl.json")
}

fn file(spec: &str, path: &str) -> Value {
    let mut sources = Sources::default();
    let id = sources.add(SourceFile::whole("s", spec));
    let options = Options {
        artefacts: true,
        ..Options::default()
    };
    let chapter = compile(&mut sources, id, &mut NoFiles, &options)
        .chapter
        .unwrap();
    let file = chapter.artefacts.iter().find(|a| a.path == path).unwrap();
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

/// A saga with every class of step, each at another service.
const EVERY: &str = r#"
title = "Trip"
infrastructure = "aws"
services = ["trips", "seats", "cards", "mails"]
[[sagas]]
name = "s"
steps = [
  { service = "trips", action = "write", undo = "erase", timeout = "6s" },
  { service = "seats", action = "check seats" },
  { service = "mails", action = "announce" },
  { service = "seats", action = "hold", undo = "release", idempotent = false },
  { service = "cards", action = "charge", pivot = true, timeout = "40s" },
  { service = "mails", action = "tell" },
]
"#;

#[test]
fn each_changed_value_of_a_state_machine_is_noticed() {
    let machine = Doc {
        value: machine(EVERY),
    };
    let (changed, found) = survivors(&[machine], |docs| states(&docs[0].value));
    let said: Vec<&String> = found
        .keys()
        .filter(|p| !p.ends_with("/Comment") && !p.ends_with("/Cause"))
        .collect();
    assert!(said.is_empty(), "{said:#?}");
    assert!(changed > 200, "{changed}");
}

/// What a state machine says otherwise than the plan: each command by its words and numbers, and the way between
/// them by running it.
fn states(machine: &Value) -> Wrong {
    let mut w = Wrong::default();
    let model = model(EVERY);
    let plan = Plan::new(&model);
    let (saga, numbers) = (&model.sagas[0], &plan.sagas[0]);
    let s = |t: msdesign::model::units::Time| t.as_ms().div_ceil(1000);
    for (name, state) in machine["States"]
        .as_object()
        .unwrap()
        .iter()
        .filter(|(_, s)| s["Resource"].is_string())
    {
        w.want(name, &state["Type"], "Task");
        w.want(
            name,
            &state["Resource"],
            "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
        );
        let undoes = name.starts_with("Undo ");
        let number: usize = name
            .trim_start_matches("Undo ")
            .split('.')
            .next()
            .unwrap()
            .parse()
            .unwrap();
        let (step, n) = (&saga.steps[number - 1], &numbers.steps[number - 1]);
        let service = &plan.service(step.service).slug;
        let words = if undoes {
            step.undo.as_ref().unwrap()
        } else {
            &step.action
        };
        let mut queue = service.clone();
        queue[..1].make_ascii_uppercase();
        w.same(
            name,
            &json!([state["Parameters"]]),
            &json!([{
                "QueueUrl": format!("${{{queue}Commands}}"),
                "MessageBody": {
                    "service": service, "command": words, "step": number,
                    "saga.$": "$$.Execution.Name", "token.$": "$$.Task.Token", "input.$": "$",
                },
            }]),
        );
        w.want(name, &state["TimeoutSeconds"], s(n.attempts.timeout.value));
        let results = if undoes { "undone" } else { "results" };
        w.want(
            name,
            &state["ResultPath"],
            format!("$.{results}.step{number}"),
        );
        // What has to be done in the end is tried as often as the engine's history allows.
        let until_done = undoes || n.class == StepClass::Retriable;
        let most = if until_done {
            n.attempts.engine_most.as_ref().unwrap().value
        } else {
            u64::from(n.attempts.most.value.unwrap() - 1)
        };
        let forward = !undoes && n.class == StepClass::Retriable;
        let errors = if forward {
            json!(["States.ALL"])
        } else {
            json!(["States.TaskFailed", "States.Timeout"])
        };
        let b = &numbers.backoff;
        let again = json!({
            "ErrorEquals": errors, "MaxAttempts": most, "JitterStrategy": "FULL",
            "IntervalSeconds": s(b.base.value), "BackoffRate": b.factor.value, "MaxDelaySeconds": s(b.cap.value),
        });
        let refused = json!({ "ErrorEquals": ["Refused"], "MaxAttempts": 0 });
        let retry = if forward {
            json!([again])
        } else {
            json!([refused, again])
        };
        w.same(name, &state["Retry"], &retry);
        for catcher in state["Catch"].as_array().into_iter().flatten() {
            w.want(name, &catcher["ResultPath"], "$.failure");
        }
    }
    for (i, step) in saga.steps.iter().enumerate() {
        if let Some(left) = machine["States"].get(format!("Left: {}. {}", i + 1, step.action)) {
            w.want("left", &left["Parameters"], json!({ "step": step.action }));
            w.want("left", &left["ResultPath"], format!("$.left.step{}", i + 1));
        }
    }
    if !w.0.is_empty() {
        return w;
    }
    for promised in saga_runs::runs(saga, numbers) {
        let machine = machine.clone();
        let told = promised.clone();
        // A machine that is no machine ends the run with a panic.
        let done = std::panic::catch_unwind(move || {
            run(&machine, |command, attempt| {
                let mut answers = told.answers.iter();
                let found = answers.find(|(c, _, times)| c == command && attempt <= *times);
                found.map_or(Ok(()), |(_, answer, _)| Err(error(*answer)))
            })
        });
        let same = done.is_ok_and(|done| {
            let sent: Vec<String> = done.commands.into_iter().map(|(_, c)| c).collect();
            (sent, done.error.as_deref()) == (promised.sent, promised.error)
        });
        w.that(same, &promised.name);
    }
    w
}

#[test]
fn each_changed_value_of_its_stack_is_noticed() {
    let stack = Doc {
        value: file(EVERY, "saga/s.template.json"),
    };
    let (changed, found) = survivors(&[stack], |docs| resources(&docs[0].value));
    only(
        &found,
        &[
            "/Description",
            "/Outputs/StateMachineArn/Description",
            "/Parameters/DefinitionBucket/Description",
        ],
    );
    assert!(changed > 80, "{changed}");
}

fn resources(stack: &Value) -> Wrong {
    let mut w = Wrong::default();
    let model = model(EVERY);
    let plan = Plan::new(&model);
    let (saga, numbers) = (&model.sagas[0], &plan.sagas[0]);
    w.want("version", &stack["AWSTemplateFormatVersion"], "2010-09-09");
    w.want(
        "key",
        &stack["Parameters"]["DefinitionKey"],
        json!({ "Type": "String", "Default": "s.asl.json" }),
    );
    w.want(
        "bucket",
        &stack["Parameters"]["DefinitionBucket"]["Type"],
        "String",
    );
    w.want(
        "output",
        &stack["Outputs"]["StateMachineArn"]["Value"],
        json!({ "Ref": "StateMachine" }),
    );
    let arn = |id: &str| json!({ "Fn::GetAtt": [id, "Arn"] });
    let document = |statements: Value| json!({ "Version": "2012-10-17", "Statement": statements });
    let mut should = serde_json::Map::new();
    let (mut arns, mut addresses) = (Vec::new(), serde_json::Map::new());
    for step in &saga.steps {
        let service = &plan.service(step.service).slug;
        let mut stem = service.clone();
        stem[..1].make_ascii_uppercase();
        let queue = format!("{stem}Commands");
        if should.contains_key(&queue) {
            continue;
        }
        let of = saga
            .steps
            .iter()
            .zip(&numbers.steps)
            .filter(|(s, _)| s.service == step.service);
        let longest = of
            .map(|(_, n)| n.attempts.timeout.value.as_ms().div_ceil(1000))
            .max()
            .unwrap();
        should.insert(queue.clone(), json!({
            "Type": "AWS::SQS::Queue", "DeletionPolicy": "Delete", "UpdateReplacePolicy": "Delete",
            "Properties": {
                "QueueName": format!("s-{service}-commands"), "VisibilityTimeout": longest,
                "MessageRetentionPeriod": longest.max(60), "SqsManagedSseEnabled": true,
            },
        }));
        let read =
            ["ReceiveMessage", "DeleteMessage", "GetQueueAttributes"].map(|a| format!("sqs:{a}"));
        let answer = ["SendTaskSuccess", "SendTaskFailure"].map(|a| format!("states:{a}"));
        should.insert(
            format!("{stem}TakesCommands"),
            json!({ "Type": "AWS::IAM::ManagedPolicy", "Properties": {
            "Description": format!("{service} takes part in the saga s"),
            "PolicyDocument": document(json!([
                { "Effect": "Allow", "Action": read, "Resource": arn(&queue) },
                { "Effect": "Allow", "Action": answer, "Resource": { "Ref": "StateMachine" } },
            ])),
        } }),
        );
        arns.push(arn(&queue));
        addresses.insert(queue.clone(), json!({ "Ref": queue }));
    }
    should.insert("Role".into(), json!({ "Type": "AWS::IAM::Role", "Properties": {
        "AssumeRolePolicyDocument": document(json!([{
            "Effect": "Allow", "Principal": { "Service": "states.amazonaws.com" }, "Action": "sts:AssumeRole",
            "Condition": { "StringEquals": { "aws:SourceAccount": { "Ref": "AWS::AccountId" } } },
        }])),
        "Policies": [{ "PolicyName": "SendCommands", "PolicyDocument": document(json!([
            { "Effect": "Allow", "Action": "sqs:SendMessage", "Resource": arns },
        ])) }],
    } }));
    should.insert("StateMachine".into(), json!({ "Type": "AWS::StepFunctions::StateMachine", "Properties": {
        "StateMachineType": "STANDARD", "RoleArn": arn("Role"), "DefinitionSubstitutions": addresses,
        "DefinitionS3Location": { "Bucket": { "Ref": "DefinitionBucket" }, "Key": { "Ref": "DefinitionKey" } },
    } }));
    w.same("resources", &json!([stack["Resources"]]), &json!([should]));
    w
}
