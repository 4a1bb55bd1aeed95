//! State machines run in moto, over the queues of their stacks: whatever step fails, the compensations run that
//! the plan promises, in its order, after its pauses and within its times.

use std::collections::BTreeMap;

use msdesign::diag::{SourceFile, Sources};
use msdesign::model::{self, Saga, SagaStyle};
use msdesign::plan::{Plan, SagaPlan};
use serde_json::{Value, json};

use crate::designs;
use crate::saga_runs::{self, Run};
use crate::table;
use crate::tool;

/// A saga with every class of step, and two that say the same.
const TRIP: &str = r#"
title = "Trip"
infrastructure = "aws"
services = ["trips", "seats", "cards"]
[[sagas]]
name = "Book a trip"
coordinator = "trips"
steps = [
  { service = "trips", action = "write", undo = "erase", timeout = "6s" },
  { service = "seats", action = "check seats" },
  { service = "seats", action = "hold", undo = "erase", idempotent = false },
  { service = "cards", action = "charge", pivot = true },
  { service = "seats", action = "tell" },
  { service = "trips", action = "tell" },
]
"#;

/// A saga that leaves something behind.
const LEAVES: &str = r#"
title = "Leaves"
infrastructure = "aws"
services = ["a", "b"]
[[sagas]]
name = "Leaves"
steps = [
  { service = "a", action = "begin", undo = "end" },
  { service = "b", action = "send" },
  { service = "a", action = "book", undo = "unbook" },
  { service = "b", action = "pay", pivot = true },
]
"#;

/// One state machine: what it is, and what is promised of it.
struct Machine {
    design: String,
    machine: String,
    template: String,
    /// By step.
    services: Vec<String>,
    promised: Vec<Run>,
    /// The upper ends of the pauses between attempts, in seconds, and by command what one attempt may take.
    pauses: Vec<u64>,
    times: BTreeMap<String, u64>,
}

fn seconds(time: msdesign::model::units::Time) -> u64 {
    time.as_ms().div_ceil(1000)
}

/// The pauses of more attempts than any run makes.
fn pauses(plan: &SagaPlan) -> Vec<u64> {
    let (base, cap) = (
        seconds(plan.backoff.base.value),
        seconds(plan.backoff.cap.value),
    );
    let longer = |pause: &u64| Some(pause * plan.backoff.factor.value);
    let all = std::iter::successors(Some(base), longer);
    all.map(|pause| pause.min(cap)).take(12).collect()
}

/// The state machines of `spec`.
fn machines(design: &str, spec: &str) -> Vec<Machine> {
    let files = designs::exports(design, designs::chapter(design, spec));
    let text = |path: String| files.iter().find(|f| f.path == path).unwrap().text.clone();
    let mut sources = Sources::default();
    let id = sources.add(SourceFile::whole(design, spec));
    let mut out = Vec::new();
    let model = model::resolve(&msdesign::spec::parse(id, spec, &mut out), id, &mut out);
    let plan = Plan::new(&model);
    let all: Vec<(&Saga, &SagaPlan)> = model.sagas.iter().zip(&plan.sagas).collect();
    let led = all.into_iter().filter(|(saga, plan)| {
        plan.style.value == SagaStyle::Orchestration && !saga.steps.is_empty()
    });
    led.map(|(saga, numbers)| {
        let mut times = BTreeMap::new();
        for (i, (step, n)) in saga.steps.iter().zip(&numbers.steps).enumerate() {
            for words in [Some(&step.action), step.undo.as_ref()]
                .into_iter()
                .flatten()
            {
                times.insert(
                    saga_runs::command(i, words),
                    seconds(n.attempts.timeout.value),
                );
            }
        }
        let slug = |s: &model::SagaStep| plan.service(s.service).slug.clone();
        Machine {
            design: format!("{design}, {}", saga.name),
            machine: text(format!("saga/{}.asl.json", numbers.slug)),
            template: text(format!("saga/{}.template.json", numbers.slug)),
            services: saga.steps.iter().map(slug).collect(),
            promised: saga_runs::runs(saga, numbers),
            pauses: pauses(numbers),
            times,
        }
    })
    .collect()
}

/// Runs everything that is promised of `machines`, and says what went otherwise with each.
fn play(machines: &[Machine]) -> Vec<Vec<String>> {
    let told = |run: &Run| {
        let answers = run.answers.iter();
        let answers = answers.map(|(c, how, times)| json!([c, format!("{how:?}"), times]));
        json!({ "answers": answers.collect::<Vec<_>>() })
    };
    let plays: Vec<Value> = machines
        .iter()
        .map(|m| {
            json!({
                "machine": m.machine,
                "template": m.template,
                "services": m.services,
                "runs": m.promised.iter().map(told).collect::<Vec<_>>(),
            })
        })
        .collect();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("plays.json");
    std::fs::write(&file, json!(plays).to_string()).unwrap();
    let said = tool::python("sagas.py", &[file.as_os_str()]).unwrap_or_else(|e| panic!("{e}"));
    let answer = said.lines().find(|l| l.starts_with('[')).unwrap();
    let done: Vec<Value> = serde_json::from_str(answer).unwrap();
    assert_eq!(done.len(), machines.len());
    let wrong = |(m, done): (&Machine, &Value)| match done.as_array() {
        None => vec![done.to_string()],
        Some(runs) => {
            let runs = m.promised.iter().zip(runs);
            runs.flat_map(|(run, done)| otherwise(m, run, done))
                .collect()
        }
    };
    machines.iter().zip(&done).map(wrong).collect()
}

/// What of a run is not as promised.
fn otherwise(machine: &Machine, run: &Run, done: &Value) -> Vec<String> {
    let mut out = Vec::new();
    let mut want = |what: &str, is: &Value, should: Value| {
        if *is != should {
            out.push(format!("{}: {what} {is}, not {should}", run.name));
        }
    };
    want("sent", &done["sent"], json!(run.sent));
    want(
        "ends as",
        &done["error"],
        json!(run.error.unwrap_or("SUCCEEDED")),
    );
    want("wrong", &done["wrong"], json!([]));
    if run.error.is_none() {
        let mut steps = run.sent.clone();
        steps.dedup();
        let results: serde_json::Map<String, Value> = steps
            .iter()
            .enumerate()
            .map(|(i, command)| (format!("step{}", i + 1), json!({ "did": command })))
            .collect();
        want("gives", &done["output"]["results"], json!(results));
    }
    // Each attempt but the first of a command begins after its pause.
    let mut pauses = Vec::new();
    let mut before = 0;
    for pair in run.sent.windows(2) {
        before = if pair[0] == pair[1] { before + 1 } else { 0 };
        if before > 0 {
            pauses.push(machine.pauses[before - 1]);
        }
    }
    let asked: Vec<f64> = done["pauses"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| p.as_f64().unwrap())
        .collect();
    let due: Vec<f64> = pauses.iter().map(|p| *p as f64).collect();
    if asked != due {
        out.push(format!("{}: pauses of {asked:?}, not {due:?}", run.name));
    }
    for (state, time) in done["timeouts"].as_object().unwrap() {
        let command = state.strip_prefix("Undo ").unwrap_or(state);
        // A long name is cut.
        let due = machine.times.iter().find(|(c, _)| c.starts_with(command));
        if due.is_none_or(|(_, due)| time != due) {
            out.push(format!(
                "{}: {state} may take {time} s, not {due:?}",
                run.name
            ));
        }
    }
    out
}

#[test]
fn state_machines_do_what_the_plan_promises() {
    let mut all = machines("trip", TRIP);
    all.extend(machines("leaves", LEAVES));
    for (name, spec) in designs::specs() {
        all.extend(machines(&name, &designs::on(&spec, "aws")));
    }
    let sound = all.len();
    let row = table::row(
        "saga",
        "moto",
        tool::python("sagas.py", &["version"])
            .unwrap_or_default()
            .trim()
            .to_owned(),
    );
    // What breaks one promise each has to be noticed, by the run that it is about.
    let broken = [
        (
            "\"Next\": \"Undo 1. erase\"",
            "\"Next\": \"Taken back\"",
            "step 0 is Unavailable",
        ),
        (
            "\"MaxAttempts\": 0",
            "\"MaxAttempts\": 1",
            "Step(0), refused",
        ),
        (
            "\"BackoffRate\": 2",
            "\"BackoffRate\": 3",
            "step 0 is Silent",
        ),
        (
            "\"JitterStrategy\": \"FULL\"",
            "\"JitterStrategy\": \"NONE\"",
            "step 0 is Silent",
        ),
        ("$.results.step2", "$.results.step1", "all succeed"),
        (
            "\"TimeoutSeconds\": 1",
            "\"TimeoutSeconds\": 2",
            "all succeed",
        ),
        ("${SeatsCommands}", "${CardsCommands}", "all succeed"),
        ("\"SagaUnknown\"", "\"SagaStuck\"", "step 3 is Unavailable"),
    ];
    for (from, to, run) in broken {
        let mut machine = machines("trip", TRIP).remove(0);
        let changed = machine.machine.replacen(from, to, 1);
        assert!(changed != machine.machine, "{from}");
        machine.machine = changed;
        machine.promised.retain(|r| r.name == run);
        assert_eq!(machine.promised.len(), 1, "{run}");
        all.push(machine);
    }
    let wrong = play(&all);
    for (machine, wrong) in all.iter().zip(&wrong).take(sound) {
        assert!(
            wrong.is_empty(),
            "{}:\n{}",
            machine.design,
            wrong.join("\n")
        );
    }
    for ((from, to, _), wrong) in broken.iter().zip(&wrong[sound..]) {
        assert!(!wrong.is_empty(), "{to} in place of {from}: nobody noticed");
    }
    let runs: usize = all.iter().take(sound).map(|m| m.promised.len()).sum();
    assert!(runs > 40, "{runs}");
    row.ends(sound, "runs as promised");
}
