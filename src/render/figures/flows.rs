//! The sequence of a flow: each call with its time limit and its reply, its retries, what happens
//! without it, what happens at the same time, and what goes through a broker.

use super::super::Cx;
use super::super::doc::{Doc, count, say};
use super::cast::{Cast, message};
use super::parts;
use super::show;
use crate::diagram::{Branch, FrameKind, Message, MessageKind, Picture, Sequence, Step};
use crate::model::units::Time;
use crate::model::{self, CallId, Party};
use crate::plan::{CallPlan, FlowPlan};

/// Longer flows tell retries in the time limit: a frame around every call would bury the story.
const FRAMED: usize = 14;
/// More participants are shown in several pictures, where calls go deep enough.
const WIDE: usize = 14;
/// In them, a call below which so many take part has a picture of its own.
const LARGE: usize = 6;
/// Most of such pictures; flows that need more are shown whole, as text where that is too large.
const PARTS: usize = 8;

/// One user journey, message by message.
pub(in super::super) fn flow(cx: &Cx<'_>, doc: &mut Doc, index: usize, flow: &FlowPlan) {
    let mut parts = sequences(cx, Some(doc), flow).into_iter();
    let Some((_, first)) = parts.next() else {
        return;
    };
    let name = format!("picture-flow-{index}");
    show(cx, doc, &name, &Picture::Sequence(first));
    for (n, (part, sequence)) in parts.enumerate() {
        doc.para(say!("What `{}` does meanwhile:", part));
        let name = format!("{name}-{}", n + 2);
        show(cx, doc, &name, &Picture::Sequence(sequence));
    }
}

/// The messages of a flow, in one picture or, where it would be too wide, in several: the whole without what goes on
/// below some calls, then that by the name of who is called. Participants link to their rows where `doc` is a page that
/// has them.
pub(super) fn sequences(
    cx: &Cx<'_>,
    doc: Option<&Doc>,
    flow: &FlowPlan,
) -> Vec<(String, Sequence)> {
    let (whole, _) = tell(cx, doc, flow, false);
    if whole.participants.len() <= WIDE {
        return vec![(String::new(), whole)];
    }
    let (first, mut parts) = tell(cx, doc, flow, true);
    if parts.is_empty() || parts.len() > PARTS {
        return vec![(String::new(), whole)];
    }
    parts.sort_by_key(|p| p.at);
    let names: Vec<&str> = parts.iter().map(|p| p.name.as_str()).collect();
    let description = format!(
        "{}; in pictures of their own: {}",
        whole.description,
        names.join(", ")
    );
    let part = |title: String, description: String, steps| {
        parts::narrow(Sequence {
            title,
            description,
            participants: whole.participants.clone(),
            steps,
        })
    };
    let mut all = vec![(
        String::new(),
        part(flow.name.clone(), description, first.steps),
    )];
    for Part { name, steps, .. } in &parts {
        let title = format!("{}: {name}", flow.name);
        let description = format!("What {name} does meanwhile, one below the other in time");
        all.push((name.clone(), part(title, description, steps.clone())));
    }
    all
}

/// A flow as it is told, in one piece or `split`.
fn tell(cx: &Cx<'_>, doc: Option<&Doc>, flow: &FlowPlan, split: bool) -> (Sequence, Vec<Part>) {
    let mut story = Story {
        cx,
        flow,
        cast: Cast::new(cx, doc),
        framed: flow.rows.len() <= FRAMED,
        split,
        parts: Vec::new(),
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
    let sequence = Sequence {
        title: flow.name.clone(),
        description: format!(
            "{}; {}, one below the other in time",
            count(story.cast.participants.len(), "participant"),
            count(flow.steps.iter().map(Vec::len).sum(), "exchange")
        ),
        participants: story.cast.participants,
        steps,
    };
    (sequence, story.parts)
}

/// What goes on below one call of a flow, when it is told apart from the rest.
struct Part {
    /// Who is called, and which time if there are several.
    name: String,
    /// The step of the flow that calls.
    at: usize,
    /// The call, what happens until its answer, and that.
    steps: Vec<Step>,
}

/// A call whose reply is still to come, or (at the bottom, and below parallel branches) none.
#[derive(Default)]
struct Open {
    callee: Option<Party>,
    call: Option<CallId>,
    /// The call itself, from which its reply is made.
    message: Option<Message>,
    times: usize,
    /// The step of the flow that it is.
    at: usize,
    body: Vec<Step>,
}

/// A flow as it is told.
struct Story<'c> {
    cx: &'c Cx<'c>,
    flow: &'c FlowPlan,
    cast: Cast<'c>,
    framed: bool,
    /// Whether what goes on below large calls is told apart.
    split: bool,
    parts: Vec<Part>,
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
    fn told(&mut self, mut done: Open) -> Vec<Step> {
        let Some(call) = done.message else {
            return done.body;
        };
        let reply = message(call.to, call.from, String::new(), MessageKind::Reply);
        let (caller, callee) = (call.from, call.to);
        let whole = |body| {
            let mut steps = vec![Step::Message(call.clone())];
            steps.extend(body);
            steps.push(Step::Message(reply.clone()));
            steps
        };
        // What comes from outside is what the first picture tells.
        let inner = self.split && done.call.is_some() && self.open.len() > 1;
        if inner && parts::cast(&done.body, LARGE).len() >= LARGE {
            let name = self.part_name(callee);
            let note = Step::Note {
                over: vec![callee],
                text: format!("{name} in a picture of its own"),
            };
            let body = std::mem::replace(&mut done.body, vec![note]);
            self.parts.push(Part {
                name,
                at: done.at,
                steps: whole(body),
            });
        }
        let mut steps = whole(done.body);
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

    /// What the next part is called: by who does it.
    fn part_name(&self, callee: usize) -> String {
        let who = self.cast.participants.get(callee);
        let who = who.map_or("", |p| p.label.as_str());
        let named = |name: &str| self.parts.iter().any(|p| p.name == name);
        let mut name = who.to_owned();
        let mut time = 2;
        while named(&name) {
            name = format!("{who} ({time})");
            time += 1;
        }
        name
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
                    at,
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
                    at,
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
