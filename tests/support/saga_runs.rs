//! The runs of an orchestrated saga that its plan promises: whatever fails, what is sent and how it ends.

use msdesign::model::Saga;
use msdesign::plan::{SagaEnd, SagaFailure, SagaPlan, StepClass};

/// What a service does with a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It says that nothing was done, and will not be.
    Refused,
    /// It fails; nobody knows what was done.
    Unavailable,
    /// It says nothing.
    Silent,
}

/// One run.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    /// For messages of a test.
    pub(crate) name: String,
    /// Commands that do not succeed: each with its answer, and for how many attempts; then it succeeds.
    pub(crate) answers: Vec<(String, Answer, u64)>,
    /// Every command, as often as it is sent.
    pub(crate) sent: Vec<String>,
    /// The error at its end; none where it got through.
    pub(crate) error: Option<&'static str>,
}

/// More attempts than any step has that may fail.
const ALWAYS: u64 = u64::MAX;
/// Attempts that fail of a command that has to succeed: more than an engine makes unasked.
const A_WHILE: u64 = 5;

/// A command of the saga, by the number of its step: two steps may say the same.
pub(crate) fn command(step: usize, words: &str) -> String {
    format!("{}. {words}", step + 1)
}

/// Every run that ends in its own way.
pub(crate) fn runs(saga: &Saga, plan: &SagaPlan) -> Vec<Run> {
    let forward = |i: usize| command(i, &saga.steps[i].action);
    let back = |i: usize| command(i, saga.steps[i].undo.as_deref().unwrap());
    let all: Vec<String> = (0..saga.steps.len()).map(forward).collect();
    let mut out = vec![Run {
        name: "all succeed".to_owned(),
        answers: Vec::new(),
        sent: all.clone(),
        error: None,
    }];
    for failure in plan.failures() {
        let outcome = plan.outcome(saga, failure);
        let (SagaFailure::Step(step) | SagaFailure::Undo { step, .. }) = failure;
        if plan.steps[step].class == StepClass::Retriable {
            let mut sent = all.clone();
            sent.splice(step..step, (0..A_WHILE).map(|_| forward(step)));
            out.push(Run {
                name: format!("{failure:?}, which has to succeed"),
                answers: vec![(forward(step), Answer::Unavailable, A_WHILE)],
                sent,
                error: None,
            });
            continue;
        }
        let mut sent: Vec<String> = (0..=step).map(forward).collect();
        sent.extend(outcome.undone.iter().map(|i| back(*i)));
        let mut answers = vec![(forward(step), Answer::Refused, ALWAYS)];
        if let SagaFailure::Undo { undo, .. } = failure {
            sent.push(back(undo));
            answers.push((back(undo), Answer::Refused, ALWAYS));
            out.push(late(saga, plan, step, undo));
        }
        out.push(Run {
            name: format!("{failure:?}, refused"),
            answers,
            sent,
            error: Some(end(outcome.end)),
        });
    }
    for step in 0..saga.steps.len() {
        if plan.steps[step].class != StepClass::Retriable {
            out.push(in_the_dark(saga, plan, step, Answer::Unavailable));
            out.push(in_the_dark(saga, plan, step, Answer::Silent));
        }
    }
    out
}

/// `step` is refused, and taking back `undo` fails for a while.
fn late(saga: &Saga, plan: &SagaPlan, step: usize, undo: usize) -> Run {
    let outcome = plan.outcome(saga, SagaFailure::Step(step));
    let back = |i: usize| command(i, saga.steps[i].undo.as_deref().unwrap());
    let mut sent: Vec<String> = (0..=step)
        .map(|i| command(i, &saga.steps[i].action))
        .collect();
    for i in &outcome.undone {
        let times = if *i == undo { A_WHILE + 1 } else { 1 };
        sent.extend((0..times).map(|_| back(*i)));
    }
    let how = if (step + undo).is_multiple_of(2) {
        Answer::Unavailable
    } else {
        Answer::Silent
    };
    Run {
        name: format!("step {step}, whose compensation of step {undo} is late"),
        answers: vec![
            (
                command(step, &saga.steps[step].action),
                Answer::Refused,
                ALWAYS,
            ),
            (back(undo), how, A_WHILE),
        ],
        sent,
        error: Some(end(outcome.end)),
    }
}

/// `step` fails in all its attempts, and may have happened all the same.
fn in_the_dark(saga: &Saga, plan: &SagaPlan, step: usize, how: Answer) -> Run {
    let numbers = &plan.steps[step];
    let own = saga.steps[step].undo.as_deref();
    let failing = command(step, &saga.steps[step].action);
    let mut sent: Vec<String> = (0..step)
        .map(|i| command(i, &saga.steps[i].action))
        .collect();
    sent.extend((0..numbers.attempts.most.value.unwrap()).map(|_| failing.clone()));
    // Nothing is taken back before somebody has looked.
    let blind = own.is_none() && numbers.class != StepClass::Reads;
    let error = if blind {
        "SagaUnknown"
    } else {
        sent.extend(own.map(|words| command(step, words)));
        let undone = &numbers.undoes;
        sent.extend(
            undone
                .iter()
                .map(|i| command(*i, saga.steps[*i].undo.as_deref().unwrap())),
        );
        end(plan.outcome(saga, SagaFailure::Step(step)).end)
    };
    Run {
        name: format!("step {step} is {how:?}"),
        answers: vec![(failing, how, ALWAYS)],
        sent,
        error: Some(error),
    }
}

fn end(end: SagaEnd) -> &'static str {
    match end {
        SagaEnd::Compensated => "SagaTakenBack",
        SagaEnd::Stuck => "SagaStuck",
        SagaEnd::Committed => panic!("a saga that failed got through"),
    }
}
