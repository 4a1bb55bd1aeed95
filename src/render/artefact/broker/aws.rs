//! What SNS and EventBridge have in common: the queue of each reader with its dead letters, and who may
//! publish and read.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::super::cloudformation::{MOST_RESOURCES, unique};
use super::{Cx, File};
use crate::model::units::Time;
use crate::model::{EventId, Party, ServiceId};
use crate::plan::{EventPlan, GroupPlan};

/// The most characters of a managed policy, white space left out, as IAM takes them:
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>.
const MOST_CHARACTERS: usize = 6144;

/// A stack in the making.
#[derive(Default)]
pub(super) struct Stack {
    pub(super) resources: Map<String, Value>,
    pub(super) rights: Rights,
}

impl Stack {
    /// Whether `resources` more fit in, with the policies of `services` more.
    fn takes(&self, resources: usize, services: usize) -> bool {
        // Rights of one service seldom fill a policy; two are made room for.
        let policies = 2 * (self.rights.0.len() + services);
        self.resources.len() + resources + policies <= MOST_RESOURCES
    }
}

/// The stacks that `events` take, each with what `add` makes of its events: `for_event` and `for_reader` resources.
pub(super) fn stacks(
    cx: &Cx<'_>,
    events: &[EventId],
    [for_event, for_reader]: [usize; 2],
    mut begin: impl FnMut(usize) -> Stack,
    mut add: impl FnMut(&mut Stack, usize, EventId),
) -> Vec<Stack> {
    let mut all: Vec<Stack> = Vec::new();
    for &id in events {
        let readers = cx.plan.event(id).groups.len();
        let services = readers + cx.plan.model.event(id).publishers.len();
        let fits = all
            .last()
            .is_some_and(|s| s.takes(for_event + for_reader * readers, services));
        if !fits {
            all.push(begin(all.len()));
        }
        let n = all.len() - 1;
        if let Some(stack) = all.last_mut() {
            add(stack, n, id);
        }
    }
    all
}

/// The templates of `stacks` as the files of the broker `name`.
pub(super) fn templates(
    cx: &Cx<'_>,
    name: &str,
    description: &str,
    stacks: Vec<Stack>,
) -> Vec<File> {
    let count = stacks.len();
    let mut files = Vec::new();
    for (n, stack) in stacks.into_iter().enumerate() {
        let mut resources = stack.resources;
        stack.rights.write(cx, &mut resources);
        let (description, path) = match count {
            1 => (
                description.to_owned(),
                format!("broker/{name}.template.json"),
            ),
            // No slug has a `_`.
            _ => (
                format!("{description}, stack {} of {count}", n + 1),
                format!("broker/{name}_{}.template.json", n + 1),
            ),
        };
        let template = json!({
            "AWSTemplateFormatVersion": "2010-09-09",
            "Description": description,
            "Resources": resources,
        });
        let mut notes = vec![
            "In this project's tests the stack is also created in moto, an imitation of AWS: an event that its reader \
             does not delete lands among the dead letters after as many deliveries as the table says."
                .to_owned(),
        ];
        if count > 1 && n == 0 {
            notes.push(format!(
                "CloudFormation takes {MOST_RESOURCES} resources in a stack, so the design takes {count}, created in \
                 the order of their numbers."
            ));
        }
        files.push(File {
            path,
            fence: "json",
            text: super::pretty(&template),
            checked_by: Some("cfn-lint"),
            notes,
        });
    }
    files
}

/// The queue of a reader and its dead letters, by their names in the template.
pub(super) struct Queues {
    pub(super) queue: String,
    pub(super) dead: String,
}

/// Adds the queue of `group` and the one for its dead letters.
pub(super) fn queues(out: &mut Map<String, Value>, p: &EventPlan, group: &GroupPlan) -> Queues {
    let queue = unique(out, "Queue", &group.queue);
    let dead = unique(out, "DeadLetters", &group.queue);
    let fifo = group.queue.ends_with(".fifo");
    out.insert(
        dead.clone(),
        queue_of(
            &group.dead_letter,
            p.dead_letter_kept.value,
            fifo,
            Map::new(),
        ),
    );
    let mut more = Map::new();
    more.insert(
        "VisibilityTimeout".into(),
        json!(seconds(p.ack_timeout.value)),
    );
    more.insert(
        "RedrivePolicy".into(),
        json!({
            "deadLetterTargetArn": arn(&dead),
            "maxReceiveCount": p.limit.as_ref().unwrap_or(&p.attempts).value,
        }),
    );
    if p.fast_order {
        more.insert("DeduplicationScope".into(), json!("messageGroup"));
        more.insert("FifoThroughputLimit".into(), json!("perMessageGroupId"));
    }
    out.insert(
        queue.clone(),
        queue_of(&group.queue, p.kept.value, fifo, more),
    );
    Queues { queue, dead }
}

/// Lets `service`, on behalf of `source` alone, send to the queues.
pub(super) fn admit(
    out: &mut Map<String, Value>,
    group: &GroupPlan,
    queues: &[&str],
    service: &str,
    source: &Value,
) {
    for (n, queue) in queues.iter().enumerate() {
        let what = if n == 0 {
            "Policy"
        } else {
            "DeadLettersPolicy"
        };
        let policy = unique(out, what, &group.queue);
        out.insert(
            policy,
            json!({ "Type": "AWS::SQS::QueuePolicy", "Properties": {
                "Queues": [{ "Ref": queue }],
                "PolicyDocument": { "Version": "2012-10-17", "Statement": [{
                    "Effect": "Allow",
                    "Principal": { "Service": service },
                    "Action": "sqs:SendMessage",
                    "Resource": arn(queue),
                    "Condition": { "ArnEquals": { "aws:SourceArn": source } },
                }] },
            } }),
        );
    }
}

/// What each service may do, as policies to attach to its role.
#[derive(Default)]
pub(super) struct Rights(BTreeMap<ServiceId, Vec<Right>>);

/// One thing that a service may do: the statement that allows it, apart from the one place that `at` leads to.
struct Right {
    statement: Value,
    at: &'static str,
    what: Value,
    /// Characters of what `what` becomes, at most.
    length: usize,
}

/// Of an ARN apart from the name at its end: partition, service, region and account.
const LONGEST_ARN: usize = 52;

impl Rights {
    /// Lets everybody who publishes `event` do so by `statement`, which names `what`, by the name `name`, at `at`.
    pub(super) fn publish(
        &mut self,
        cx: &Cx<'_>,
        event: EventId,
        (statement, at): (&Value, &'static str),
        (what, name): (&Value, &str),
    ) {
        for publisher in &cx.plan.model.event(event).publishers {
            self.0.entry(publisher.service).or_default().push(Right {
                statement: statement.clone(),
                at,
                what: what.clone(),
                length: LONGEST_ARN + name.len(),
            });
        }
    }

    /// Lets the reader of `group` read its queue.
    pub(super) fn read(&mut self, group: &GroupPlan, queue: &str) {
        if let Party::Service(reader) = group.consumer {
            self.0.entry(reader).or_default().push(Right {
                statement: json!({
                    "Effect": "Allow",
                    "Action": [
                        "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility",
                        "sqs:GetQueueAttributes",
                    ],
                }),
                at: "/Resource",
                what: arn(queue),
                length: LONGEST_ARN + group.queue.len(),
            });
        }
    }

    fn write(self, cx: &Cx<'_>, out: &mut Map<String, Value>) {
        for (service, rights) in self.0 {
            let slug = &cx.plan.service(service).slug;
            for statements in policies(&rights) {
                let id = unique(out, "Messages", slug);
                out.insert(
                    id,
                    json!({ "Type": "AWS::IAM::ManagedPolicy", "Properties": {
                        "Description": format!("What {slug} may publish and read"),
                        "PolicyDocument": { "Version": "2012-10-17", "Statement": statements },
                    } }),
                );
            }
        }
    }
}

/// The statements of each policy that `rights` take: those alike in one, and no policy longer than IAM takes.
fn policies(rights: &[Right]) -> Vec<Vec<Value>> {
    // The frame of a policy, and that of a statement with what all of ours say.
    const FRAME: usize = 60;
    const STATEMENT: usize = 400;
    let mut all: Vec<Vec<(&Right, Vec<&Value>)>> = Vec::new();
    let mut length = usize::MAX;
    for right in rights {
        if length.saturating_add(right.length + STATEMENT) > MOST_CHARACTERS {
            all.push(Vec::new());
            length = FRAME;
        }
        let Some(policy) = all.last_mut() else {
            continue;
        };
        let alike = |(first, _): &&mut (&Right, Vec<&Value>)| first.statement == right.statement;
        match policy.iter_mut().find(alike) {
            Some((_, names)) => names.push(&right.what),
            None => {
                policy.push((right, vec![&right.what]));
                length += STATEMENT;
            }
        }
        length += right.length;
    }
    let statement = |(right, names): (&Right, Vec<&Value>)| {
        let mut statement = right.statement.clone();
        let names = match names.as_slice() {
            [one] => (*one).clone(),
            more => json!(more),
        };
        put(&mut statement, right.at, names);
        statement
    };
    all.into_iter()
        .map(|policy| policy.into_iter().map(statement).collect())
        .collect()
}

/// Puts `value` at the end of the path `at`, whose objects are made where they are missing.
fn put(statement: &mut Value, at: &str, value: Value) {
    let mut place = statement;
    for key in at.split('/').skip(1) {
        place = &mut place[key];
    }
    *place = value;
}

/// The ARN of a resource of the template.
pub(super) fn arn(id: &str) -> Value {
    json!({ "Fn::GetAtt": [id, "Arn"] })
}

/// Whole seconds, as queues count.
fn seconds(time: Time) -> u64 {
    time.as_ms().div_ceil(1000)
}

/// A queue that is encrypted with its own key and keeps messages as long as the plan says.
fn queue_of(name: &str, keeps: Time, fifo: bool, more: Map<String, Value>) -> Value {
    let mut properties = Map::new();
    properties.insert("QueueName".into(), json!(name));
    if fifo {
        properties.insert("FifoQueue".into(), json!(true));
    }
    properties.insert("MessageRetentionPeriod".into(), json!(seconds(keeps)));
    properties.insert("SqsManagedSseEnabled".into(), json!(true));
    properties.extend(more);
    json!({
        "Type": "AWS::SQS::Queue",
        "DeletionPolicy": "Retain",
        "UpdateReplacePolicy": "Retain",
        "Properties": properties,
    })
}
