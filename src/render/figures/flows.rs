//! The sequence of a flow: each call with its time limit and its reply, its retries, what happens
//! without it, what happens at the same time, and what goes through a broker.

use super::super::Cx;
use super::super::doc::{Doc, count};
use super::cast::{Cast, message};
use super::show;
use crate::diagram::{Branch, FrameKind, Message, MessageKind, Picture, Sequence, Step};
use crate::model::units::Time;
use crate::model::{self, CallId, Party};
use crate::plan::{CallPlan, FlowPlan};

/// Longer flows tell retries in the time limit: a frame around every call would bury the story.
const FRAMED: usize = 14;

/// One user journey, message by message.
pub(in super::super) fn flow(cx: &Cx<'_>, doc: &mut Doc, index: usize, flow: &FlowPlan) {
    let picture = Picture::Sequence(sequence(cx, Some(doc), flow));
    show(cx, doc, &format!("picture-flow-{index}"), &picture);
}

/// The messages of a flow. Participants link to their rows where `doc` is a page that has them.
pub(super) fn sequence(cx: &Cx<'_>, doc: Option<&Doc>, flow: &FlowPlan) -> Sequence {
    let mut story = Story {
        cx,
        flow,
        cast: Cast::new(cx, doc),
        framed: flow.rows.len() <= FRAMED,
        open: vec![Open::default()],
    };
    let mut at = 0;
    while let Some(group) = flow.steps.get(at) {
        at = match group.as_slice() {
            [step] => {
                let same = flow.steps[at..].iter().take_while(|g| *g == group).count();
                let times = if matches!(step, model::Step::Call(_)) {
                    same
                } else {
                    1
                };
                story.act(*step, at, times, 1);
                at + times
            }
            _ => story.parallel(group, at),
        };
    }
    story.close_to(1);
    let steps = story.open.pop().map_or_else(Vec::new, |o| o.body);
    Sequence {
        title: flow.name.clone(),
        description: format!(
            "{}; {}, one below the other in time",
            count(story.cast.participants.len(), "participant"),
            count(flow.steps.iter().map(Vec::len).sum(), "exchange")
        ),
        participants: story.cast.participants,
        steps,
    }
}

/// A call whose reply is still to come, or (at the bottom, and below parallel branches) none.
#[derive(Default)]
struct Open {
    callee: Option<Party>,
    call: Option<CallId>,
    /// The call itself, from which its reply is made.
    message: Option<Message>,
    times: usize,
    body: Vec<Step>,
}

/// A flow as it is told.
struct Story<'c> {
    cx: &'c Cx<'c>,
    flow: &'c FlowPlan,
    cast: Cast<'c>,
    framed: bool,
    open: Vec<Open>,
}

/// Who acts in a step.
fn actor(cx: &Cx<'_>, step: model::Step) -> Party {
    let model = cx.plan.model;
    match step {
        model::Step::Enter(a, _) => Party::Actor(a),
        model::Step::Call(id) => model.call(id).from,
        model::Step::Publish(s, _) => Party::Service(s),
        model::Step::Handle(_, p) => p,
        model::Step::Push(id) => model.stream(id).from,
    }
}

impl Story<'_> {
    fn put(&mut self, step: Step) {
        if let Some(open) = self.open.last_mut() {
            open.body.push(step);
        }
    }

    /// Gives the replies that are due before `party` acts: those of the calls made by others since it
    /// was called itself. Nothing is due where it is not among those at work.
    fn settle(&mut self, party: Party, floor: usize) {
        let floor = floor.max(1);
        let called = self.open.iter().rposition(|o| o.callee == Some(party));
        let column = self.cast.index(party);
        let calls = self
            .open
            .iter()
            .position(|o| o.message.as_ref().is_some_and(|m| m.from == column));
        // At the floor of a branch stands whoever the branches have in common.
        if let Some(at) = called.filter(|at| at + 1 >= floor) {
            self.close_to(at + 1);
        } else if let Some(at) = calls.filter(|at| *at >= floor) {
            self.close_to(at);
        }
    }

    fn close_to(&mut self, length: usize) {
        while self.open.len() > length.max(1) {
            let Some(done) = self.open.pop() else { return };
            let steps = self.told(done);
            if let Some(open) = self.open.last_mut() {
                open.body.extend(steps);
            }
        }
    }

    /// A finished call: itself, what happened meanwhile, its reply, and the frames around them.
    fn told(&self, done: Open) -> Vec<Step> {
        let Some(call) = done.message else {
            return done.body;
        };
        let reply = message(call.to, call.from, String::new(), MessageKind::Reply);
        let caller = call.from;
        let mut steps = vec![Step::Message(call)];
        steps.extend(done.body);
        steps.push(Step::Message(reply));
        let frame = |kind, title: String, steps| {
            let branches = vec![Branch { title, steps }];
            vec![Step::Frame { kind, branches }]
        };
        let Some(id) = done.call else { return steps };
        let plan = self.cx.plan.call(id);
        if self.framed && plan.attempts.value > 1 {
            steps = frame(FrameKind::Retry, retry(plan), steps);
        }
        if self.cx.plan.model.call(id).soft() {
            let note = Step::Note {
                over: vec![caller],
                text: plan.fallback.value.replace('`', ""),
            };
            let branch = |title: &str, steps| Branch {
                title: title.to_owned(),
                steps,
            };
            steps = vec![Step::Frame {
                kind: FrameKind::Alt,
                branches: vec![
                    branch("answered", steps),
                    branch("failed or too late", vec![note]),
                ],
            }];
        }
        let times = u64::from(plan.per_request.value).saturating_mul(done.times as u64);
        if times > 1 {
            steps = frame(FrameKind::Loop, format!("{times} times"), steps);
        }
        steps
    }

    /// One step; `times` says how often a call is repeated. Nothing below `floor` gets its reply.
    fn act(&mut self, step: model::Step, at: usize, times: usize, floor: usize) {
        let cx = self.cx;
        let model = cx.plan.model;
        match step {
            model::Step::Enter(who, service) => {
                let from = self.cast.party(Party::Actor(who));
                let to = self.cast.party(Party::Service(service));
                let limit = (!self.flow.derived).then(|| format!("≤ {}", self.flow.total.value));
                self.open.push(Open {
                    callee: Some(Party::Service(service)),
                    message: Some(Message {
                        limit_ms: limit.as_ref().map(|_| self.flow.total.value.as_ms()),
                        note: limit,
                        ..message(from, to, "request".to_owned(), MessageKind::Call)
                    }),
                    ..Open::default()
                });
            }
            model::Step::Call(id) => {
                let c = model.call(id);
                let plan = cx.plan.call(id);
                self.settle(c.from, floor);
                let from = self.cast.party(c.from);
                let to = self.cast.party(Party::Service(c.to));
                let limit = if self.framed || plan.attempts.value == 1 {
                    format!("≤ {}", plan.timeout.value)
                } else {
                    format!("{} × ≤ {}", plan.attempts.value, plan.timeout.value)
                };
                self.open.push(Open {
                    callee: Some(Party::Service(c.to)),
                    call: Some(id),
                    message: Some(Message {
                        note: Some(limit),
                        limit_ms: Some(plan.timeout.value.as_ms()),
                        ..message(from, to, c.label(), MessageKind::Call)
                    }),
                    times,
                    body: Vec::new(),
                });
            }
            model::Step::Publish(service, event) => {
                self.settle(Party::Service(service), floor);
                let e = model.event(event);
                let from = self.cast.party(Party::Service(service));
                let broker = self.cast.broker(e.broker);
                self.event(from, broker, &e.name);
                for (consumer, _) in &e.consumers {
                    // Who handles it in a later step gets it then.
                    let later = self.flow.steps.iter().skip(at + 1).flatten();
                    let handled = later
                        .copied()
                        .any(|s| s == model::Step::Handle(event, *consumer));
                    if !handled {
                        let to = self.cast.party(*consumer);
                        self.event(broker, to, &e.name);
                    }
                }
            }
            model::Step::Handle(event, party) => {
                // Nobody waits for a consumer: whoever has nothing more to do has answered by now.
                while self.open.len() > floor.max(1)
                    && self.open.last().is_some_and(|o| !self.acts_after(o, at))
                {
                    let length = self.open.len() - 1;
                    self.close_to(length);
                }
                let e = model.event(event);
                let broker = self.cast.broker(e.broker);
                let to = self.cast.party(party);
                self.event(broker, to, &e.name);
            }
            model::Step::Push(id) => {
                let s = model.stream(id);
                self.settle(s.from, floor);
                let (from, to) = (self.cast.party(s.from), self.cast.party(s.to));
                self.put(Step::Message(message(
                    from,
                    to,
                    s.label(),
                    MessageKind::Stream,
                )));
            }
        }
    }

    fn event(&mut self, from: usize, to: usize, name: &str) {
        let step = message(from, to, name.to_owned(), MessageKind::Event);
        self.put(Step::Message(step));
    }

    /// Whether the one who was called by `open` acts in a step behind `at`.
    fn acts_after(&self, open: &Open, at: usize) -> bool {
        let later = self.flow.steps.iter().skip(at + 1).flatten();
        later
            .copied()
            .any(|s| Some(actor(self.cx, s)) == open.callee)
    }

    /// Steps at the same time, each with the calls that follow from it. Returns the first step that is
    /// not among them.
    fn parallel(&mut self, group: &[model::Step], at: usize) -> usize {
        let cx = self.cx;
        if let Some(first) = group.first() {
            self.settle(actor(cx, *first), 1);
        }
        // Who is at work in each branch, and its steps with their places in the flow.
        type Told = (Vec<Party>, Vec<(model::Step, usize)>);
        let mut branches: Vec<Told> = group
            .iter()
            .map(|s| (callee(cx, *s).into_iter().collect(), vec![(*s, at)]))
            .collect();
        let mut next = at + 1;
        while let Some([step]) = self.flow.steps.get(next).map(Vec::as_slice) {
            let who = actor(cx, *step);
            let Some((reached, steps)) = branches.iter_mut().find(|b| b.0.contains(&who)) else {
                break;
            };
            reached.extend(callee(cx, *step));
            steps.push((*step, next));
            next += 1;
        }
        let mut told = Vec::new();
        for (_, steps) in branches {
            self.open.push(Open::default());
            let floor = self.open.len();
            for (step, at) in steps {
                self.act(step, at, 1, floor);
            }
            self.close_to(floor);
            told.extend(self.open.pop().map(|o| o.body));
        }
        self.put(Step::par(told));
        next
    }
}

/// Who is at work because of a step, and may act because of it.
fn callee(cx: &Cx<'_>, step: model::Step) -> Option<Party> {
    match step {
        model::Step::Enter(_, s) => Some(Party::Service(s)),
        model::Step::Call(id) => Some(Party::Service(cx.plan.model.call(id).to)),
        model::Step::Handle(_, p) => Some(p),
        model::Step::Publish(..) | model::Step::Push(_) => None,
    }
}

/// `≤ 3 attempts in ≤ 240 ms; waits ≤ 50 ms, 100 ms`.
fn retry(plan: &CallPlan) -> String {
    // A number and its unit stay on one line.
    let time = |t: &Time| t.to_string().replace(' ', "\u{a0}");
    let waits: Vec<String> = plan.backoff.iter().take(4).map(time).collect();
    format!(
        "≤\u{a0}{}\u{a0}attempts in\u{a0}≤\u{a0}{}; waits\u{a0}≤\u{a0}{}",
        plan.attempts.value,
        time(&plan.worst_case()),
        waits.join(", ")
    )
}
