//! AWS Step Functions: a state machine a saga, and the stack that runs it.
//!
//! A step is a command in the queue of its service, with a token; the service answers with the token. So a
//! service needs no public address, and time runs from the moment the command is sent, even while nobody
//! reads the queue. The error `Refused` says that a step has done nothing and will not, however often it is
//! tried. Any other error is tried again, and may have happened all the same, as a timeout: its own compensation
//! comes first, and without one the run ends as unknown, with nothing taken back.
//!
//! No state machine has a timeout of its own: that would end it without its compensations. Its states keep the
//! deadline of the saga together.

use serde_json::{Map, Value, json};

use super::super::broker::pretty;
use super::super::cloudformation::unique;
use super::{Back, Cx, File, back};
use crate::model::units::Time;
use crate::model::{Saga, ServiceId};
use crate::plan::{SagaPlan, StepClass};

/// The longest name of a state, in characters.
const NAME: usize = 80;

/// The end of a run after which nothing is left of it.
const TAKEN_BACK: &str = "Taken back";
/// The end of a run that needs a person.
const STUCK: &str = "Stuck";
/// Whether something is left.
const CHECK: &str = "Is anything left?";

/// The state machine of `saga` and its stack.
pub(super) fn files(cx: &Cx<'_>, saga: &Saga, plan: &SagaPlan) -> Vec<File> {
    let queues = Queues::new(cx, saga, plan);
    let mut notes = vec![
        format!(
            "The input of an execution of `{}` is a JSON object; each step adds its result below `$.results`.",
            saga.name
        ),
        "A service answers a command by `SendTaskSuccess` or `SendTaskFailure` with the command's token; the error \
         `Refused` says that nothing was done and ends the attempts of a step that may fail."
            .to_owned(),
    ];
    notes.push(format!(
        "The machine has no time limit of its own, which would end it without its compensations. {}",
        super::in_time(plan)
    ));
    if let Some(most) = plan
        .steps
        .iter()
        .find_map(|s| s.attempts.engine_most.as_ref())
    {
        notes.push(format!(
            "What has to succeed in the end is tried {} times at most ({}); the execution then ends as failed at that \
             state, and a redrive goes on from there.",
            most.value, most.why
        ));
    }
    vec![
        File {
            path: format!("saga/{}.asl.json", plan.slug),
            fence: "json",
            text: pretty(&definition(cx, saga, plan, &queues)),
            checked_by: Some("asl-validator and moto"),
            notes,
        },
        File {
            path: format!("saga/{}.template.json", plan.slug),
            fence: "json",
            text: pretty(&stack(cx, saga, plan, &queues)),
            checked_by: Some("cfn-lint"),
            notes: vec![format!(
                "`DefinitionBucket` is where the state machine was put as `{}.asl.json`; its queues are filled in from \
                 this stack.",
                plan.slug
            )],
        },
    ]
}

/// The queue of each participant, in the order of their first steps.
struct Queues(Vec<Queue>);

struct Queue {
    service: ServiceId,
    /// Its name in the template.
    id: String,
    /// Its own name.
    name: String,
    /// What one attempt may take, the longest of the service's steps.
    longest: Time,
}

impl Queues {
    fn new(cx: &Cx<'_>, saga: &Saga, plan: &SagaPlan) -> Self {
        let mut taken = Map::new();
        let mut out: Vec<Queue> = Vec::new();
        for (step, numbers) in saga.steps.iter().zip(&plan.steps) {
            let timeout = numbers.attempts.timeout.value;
            if let Some(known) = out.iter_mut().find(|q| q.service == step.service) {
                known.longest = known.longest.max(timeout);
                continue;
            }
            let service = &cx.plan.service(step.service).slug;
            let id = unique(&taken, "Commands", service);
            taken.insert(id.clone(), Value::Null);
            let taken = |name: &str| out.iter().any(|q| q.name == name);
            let name = queue_name(&plan.slug, service, taken);
            out.push(Queue {
                service: step.service,
                id,
                name,
                longest: timeout,
            });
        }
        Self(out)
    }

    /// What stands in the state machine for the address of the queue of `service`.
    fn url(&self, service: ServiceId) -> String {
        let queue = self.0.iter().find(|q| q.service == service);
        queue.map_or_else(String::new, |q| format!("${{{}}}", q.id))
    }
}

fn definition(cx: &Cx<'_>, saga: &Saga, plan: &SagaPlan, queues: &Queues) -> Value {
    let mut states = Map::new();
    let last = saga.steps.len().saturating_sub(1);
    for i in 0..saga.steps.len() {
        let next = (i < last).then(|| step_state(saga, i.saturating_add(1)));
        states.insert(
            step_state(saga, i),
            forward(cx, saga, plan, queues, i, next),
        );
    }
    // The way back begins at the last step that can turn the saga round, behind its own compensation.
    let turn = |i: &usize| plan.steps[*i].class != StepClass::Retriable;
    let Some(turns) = (0..plan.steps.len()).rev().find(turn) else {
        return machine(saga, plan, states);
    };
    let own = saga.steps[turns].undo.as_ref().map(|_| Back::Undo(turns));
    let way: Vec<Back> = own.into_iter().chain(back(saga, plan, turns)).collect();
    let left = way.iter().any(|b| matches!(b, Back::Left(_)));
    let end = if left { CHECK } else { TAKEN_BACK };
    for (n, at) in way.iter().enumerate() {
        let next = way
            .get(n.saturating_add(1))
            .map_or_else(|| end.to_owned(), |b| back_state(saga, *b));
        let state = match *at {
            Back::Undo(i) => backward(cx, saga, plan, queues, i, next),
            Back::Left(i) => json!({
                "Type": "Pass",
                "Comment": "Nothing takes this step back",
                "Parameters": { "step": saga.steps[i].action },
                "ResultPath": format!("$.left.step{}", i.saturating_add(1)),
                "Next": next,
            }),
        };
        states.insert(back_state(saga, *at), state);
    }
    ends(saga, plan, &way, &mut states);
    machine(saga, plan, states)
}

fn machine(saga: &Saga, plan: &SagaPlan, states: Map<String, Value>) -> Value {
    json!({
        "Comment": format!("{}. {}", saga.name, super::in_time(plan)),
        "StartAt": step_state(saga, 0),
        "States": states,
    })
}

/// The states in which a run ends that did not get through.
fn ends(saga: &Saga, plan: &SagaPlan, way: &[Back], states: &mut Map<String, Value>) {
    let left = way.iter().any(|b| matches!(b, Back::Left(_)));
    if left {
        states.insert(
            CHECK.into(),
            json!({
                "Type": "Choice",
                "Choices": [{ "Variable": "$.left", "IsPresent": true, "Next": STUCK }],
                "Default": TAKEN_BACK,
            }),
        );
    }
    states.insert(
        TAKEN_BACK.into(),
        json!({
            "Type": "Fail",
            "Error": "SagaTakenBack",
            "Cause": "A step failed for good; all that was changed before is taken back.",
        }),
    );
    if left || way.iter().any(|b| matches!(b, Back::Undo(_))) {
        states.insert(
            STUCK.into(),
            json!({
                "Type": "Fail",
                "Error": "SagaStuck",
                "Cause": "Something is done that should not be, and nothing takes it back: see the input of this state.",
            }),
        );
    }
    for i in (0..plan.steps.len()).filter(|i| unknown(saga, plan, *i)) {
        states.insert(
            unknown_state(saga, i),
            json!({
                "Type": "Fail",
                "Error": "SagaUnknown",
                "Cause": "The step failed and may have happened; nothing is taken back before somebody has looked.",
            }),
        );
    }
}

/// Whether step `i` may have happened although it failed, and nothing could take it back.
fn unknown(saga: &Saga, plan: &SagaPlan, i: usize) -> bool {
    let class = plan.steps[i].class;
    saga.steps[i].undo.is_none() && matches!(class, StepClass::Pivot | StepClass::Stuck)
}

/// A step on the way there.
fn forward(
    cx: &Cx<'_>,
    saga: &Saga,
    plan: &SagaPlan,
    queues: &Queues,
    i: usize,
    next: Option<String>,
) -> Value {
    let (step, numbers) = (&saga.steps[i], &plan.steps[i]);
    let mut state = task(cx, saga, plan, queues, i, &step.action);
    state.insert(
        "Comment".into(),
        json!(format!(
            "{}: {}",
            numbers.class.name(),
            numbers.attempts.timeout.why
        )),
    );
    let number = i.saturating_add(1);
    state.insert(
        "ResultPath".into(),
        json!(format!("$.results.step{number}")),
    );
    if numbers.class == StepClass::Retriable {
        let again = until_done(plan, i, &["States.ALL"]);
        state.insert("Retry".into(), json!([again]));
    } else {
        let most = numbers.attempts.most.value.unwrap_or(1).saturating_sub(1);
        let mut again = pauses(plan, &["States.TaskFailed", "States.Timeout"]);
        again.insert("MaxAttempts".into(), json!(most));
        state.insert("Retry".into(), json!([refused(), again]));
        let to =
            |at: Option<Back>| at.map_or_else(|| TAKEN_BACK.to_owned(), |b| back_state(saga, b));
        let before = to(back(saga, plan, i).next());
        let mut catch = Vec::new();
        if step.undo.is_some() {
            catch.push(caught("Refused", before));
            catch.push(caught("States.ALL", back_state(saga, Back::Undo(i))));
        } else if unknown(saga, plan, i) {
            catch.push(caught("Refused", before));
            catch.push(caught("States.ALL", unknown_state(saga, i)));
        } else {
            catch.push(caught("States.ALL", before));
        }
        state.insert("Catch".into(), json!(catch));
    }
    match next {
        Some(next) => state.insert("Next".into(), json!(next)),
        None => state.insert("End".into(), json!(true)),
    };
    Value::Object(state)
}

/// A compensation.
fn backward(
    cx: &Cx<'_>,
    saga: &Saga,
    plan: &SagaPlan,
    queues: &Queues,
    i: usize,
    next: String,
) -> Value {
    let undo = saga.steps[i].undo.as_deref().unwrap_or_default();
    let mut state = task(cx, saga, plan, queues, i, undo);
    let comment = format!("takes back \"{}\"", saga.steps[i].action);
    state.insert("Comment".into(), json!(comment));
    let number = i.saturating_add(1);
    state.insert("ResultPath".into(), json!(format!("$.undone.step{number}")));
    let again = until_done(plan, i, &["States.TaskFailed", "States.Timeout"]);
    state.insert("Retry".into(), json!([refused(), again]));
    state.insert("Catch".into(), json!([caught("States.ALL", STUCK.into())]));
    state.insert("Next".into(), json!(next));
    Value::Object(state)
}

/// What all commands have in common.
fn task(
    cx: &Cx<'_>,
    saga: &Saga,
    plan: &SagaPlan,
    queues: &Queues,
    i: usize,
    command: &str,
) -> Map<String, Value> {
    let service = saga.steps[i].service;
    let timeout = plan.steps[i].attempts.timeout.value;
    let mut state = Map::new();
    state.insert("Type".into(), json!("Task"));
    state.insert("Comment".into(), Value::Null);
    state.insert(
        "Resource".into(),
        json!("arn:aws:states:::sqs:sendMessage.waitForTaskToken"),
    );
    state.insert(
        "Parameters".into(),
        json!({
            "QueueUrl": queues.url(service),
            "MessageBody": {
                "service": cx.plan.model.service(service).name,
                "command": command,
                // Both together are the key by which a service drops repeats.
                "saga.$": "$$.Execution.Name",
                "step": i.saturating_add(1),
                "token.$": "$$.Task.Token",
                "input.$": "$",
            },
        }),
    );
    state.insert("TimeoutSeconds".into(), json!(seconds(timeout)));
    state
}

/// An answer that no further attempt would change.
fn refused() -> Value {
    json!({ "ErrorEquals": ["Refused"], "MaxAttempts": 0 })
}

fn pauses(plan: &SagaPlan, errors: &[&str]) -> Map<String, Value> {
    let b = &plan.backoff;
    let mut out = Map::new();
    out.insert("ErrorEquals".into(), json!(errors));
    out.insert("IntervalSeconds".into(), json!(seconds(b.base.value)));
    out.insert("BackoffRate".into(), json!(b.factor.value));
    out.insert("MaxDelaySeconds".into(), json!(seconds(b.cap.value)));
    out.insert("JitterStrategy".into(), json!("FULL"));
    out
}

fn until_done(plan: &SagaPlan, i: usize, errors: &[&str]) -> Map<String, Value> {
    let mut out = pauses(plan, errors);
    if let Some(most) = &plan.steps[i].attempts.engine_most {
        out.insert("MaxAttempts".into(), json!(most.value));
    }
    out
}

fn caught(error: &str, next: String) -> Value {
    json!({ "ErrorEquals": [error], "ResultPath": "$.failure", "Next": next })
}

fn stack(cx: &Cx<'_>, saga: &Saga, plan: &SagaPlan, queues: &Queues) -> Value {
    let model = cx.plan.model;
    let mut out = Map::new();
    let arn = |id: &str| json!({ "Fn::GetAtt": [id, "Arn"] });
    for queue in &queues.0 {
        let longest = seconds(queue.longest);
        out.insert(
            queue.id.clone(),
            json!({
                "Type": "AWS::SQS::Queue",
                "DeletionPolicy": "Delete",
                "UpdateReplacePolicy": "Delete",
                "Properties": {
                    "QueueName": queue.name,
                    "VisibilityTimeout": longest,
                    // A command that timed out is sent again; the old one had better be gone.
                    "MessageRetentionPeriod": longest.max(60),
                    "SqsManagedSseEnabled": true,
                },
            }),
        );
    }
    for queue in &queues.0 {
        let policy = unique(&out, "TakesCommands", &cx.plan.service(queue.service).slug);
        out.insert(
            policy,
            json!({ "Type": "AWS::IAM::ManagedPolicy", "Properties": {
                "Description": format!(
                    "{} takes part in the saga {}",
                    cx.plan.service(queue.service).slug, plan.slug
                ),
                "PolicyDocument": { "Version": "2012-10-17", "Statement": [
                    {
                        "Effect": "Allow",
                        "Action": ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"],
                        "Resource": arn(&queue.id),
                    },
                    {
                        "Effect": "Allow",
                        "Action": ["states:SendTaskSuccess", "states:SendTaskFailure"],
                        "Resource": { "Ref": "StateMachine" },
                    },
                ] },
            } }),
        );
    }
    let arns: Vec<Value> = queues.0.iter().map(|q| arn(&q.id)).collect();
    out.insert(
        "Role".into(),
        json!({ "Type": "AWS::IAM::Role", "Properties": {
            "AssumeRolePolicyDocument": { "Version": "2012-10-17", "Statement": [{
                "Effect": "Allow",
                "Principal": { "Service": "states.amazonaws.com" },
                "Action": "sts:AssumeRole",
                "Condition": { "StringEquals": { "aws:SourceAccount": { "Ref": "AWS::AccountId" } } },
            }] },
            "Policies": [{
                "PolicyName": "SendCommands",
                "PolicyDocument": { "Version": "2012-10-17", "Statement": [{
                    "Effect": "Allow", "Action": "sqs:SendMessage", "Resource": arns,
                }] },
            }],
        } }),
    );
    let substitutions: Map<String, Value> = queues
        .0
        .iter()
        .map(|q| (q.id.clone(), json!({ "Ref": q.id })))
        .collect();
    out.insert(
        "StateMachine".into(),
        json!({ "Type": "AWS::StepFunctions::StateMachine", "Properties": {
            "StateMachineType": "STANDARD",
            "DefinitionS3Location": {
                "Bucket": { "Ref": "DefinitionBucket" },
                "Key": { "Ref": "DefinitionKey" },
            },
            "DefinitionSubstitutions": substitutions,
            "RoleArn": arn("Role"),
        } }),
    );
    json!({
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": format!("{} of {}", plan.slug, crate::plan::slug(&model.title)),
        "Parameters": {
            "DefinitionBucket": { "Type": "String", "Description": "Bucket of the state machine's definition" },
            "DefinitionKey": { "Type": "String", "Default": format!("{}.asl.json", plan.slug) },
        },
        "Resources": out,
        "Outputs": {
            "StateMachineArn": {
                "Description": format!("Leads {} steps", saga.steps.len()),
                "Value": { "Ref": "StateMachine" },
            },
        },
    })
}

/// The name of a queue, within the 80 characters that SQS takes; a number keeps apart services whose names
/// begin alike or differ in signs alone.
fn queue_name(saga: &str, service: &str, taken: impl Fn(&str) -> bool) -> String {
    let part = |text: &str, most: usize| text.chars().take(most).collect::<String>();
    let base = format!("{}-{}", part(saga, 34), part(service, 32));
    let numbered = (2..).map(|n| format!("{base}-{n}-commands"));
    let mut names = std::iter::once(format!("{base}-commands")).chain(numbered);
    names.find(|n| !taken(n)).unwrap_or_default()
}

/// Whole seconds, as state machines and queues count.
fn seconds(time: Time) -> u64 {
    time.as_ms().div_ceil(1000)
}

/// `2. lock fare`, as in the tables of the chapter.
fn step_state(saga: &Saga, i: usize) -> String {
    state_name("", i, &saga.steps[i].action)
}

fn back_state(saga: &Saga, at: Back) -> String {
    match at {
        Back::Undo(i) => {
            let undo = saga.steps[i].undo.as_deref().unwrap_or_default();
            state_name("Undo ", i, undo)
        }
        Back::Left(i) => state_name("Left: ", i, &saga.steps[i].action),
    }
}

fn unknown_state(saga: &Saga, i: usize) -> String {
    state_name("Unknown: ", i, &saga.steps[i].action)
}

/// A name that the step's number makes unique, with nothing in it that a console could not show.
fn state_name(what: &str, i: usize, action: &str) -> String {
    let name = format!("{what}{}. {action}", i.saturating_add(1));
    let shown = |c: char| if c.is_control() { ' ' } else { c };
    name.chars().map(shown).take(NAME).collect()
}
