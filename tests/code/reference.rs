//! The reference state machine of the patterns, and the trace table that every language replays.
//!
//! The machine knows nothing of the samples: it follows the rules that `src/render/code.rs` states, in
//! whole microseconds. Scripts of events run through it and leave one row an event; the driver of each
//! language makes the same events happen to its sample and compares. Columns:
//!
//! | column | meaning |
//! |---|---|
//! | row | number that a mismatch is reported with |
//! | time | microseconds since the table's start |
//! | op | `breaker`, `guarded`: a new object; `begin`, `end`: a call of a breaker; `call`, `attempt`, `reply`, `done`: a guarded call |
//! | id | which call of a breaker; for a new object the sample, `orders` or `once` |
//! | outcome | how the call or the attempt ends |
//! | after | microseconds of the reply's `Retry-After` |
//! | jitter | what the random source gives next, in quarters |
//! | given | microseconds that the attempt may take |
//! | before, state | of the breaker, before and after the event |
//! | decision | of a `begin`: `admitted` or `refused`; of a `done`: what the caller gets |
//!
//! A driver makes `begin`, `end`, `call` and `reply` happen at their times; when an `attempt` or a `done` comes
//! is the sample's own doing, and the driver compares the time.

use std::fmt::Write as _;

use super::PAYMENT;

const MS: u64 = 1000;
const COST: u64 = 1000;
const BUDGET: u64 = 10 * COST;

/// How a call or an attempt ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Ok,
    /// A reply that blames the caller.
    Invalid,
    /// A fault of the caller's own program.
    Fault,
    /// 429.
    Refused,
    /// 500.
    Broken,
    /// 503.
    Unavailable,
    /// The connection was refused.
    Unsent,
    /// The connection was lost.
    Lost,
    Timeout,
    /// The caller gave up.
    Cancelled,
}

use Outcome::{Broken, Cancelled, Fault, Invalid, Lost, Ok, Refused, Timeout, Unavailable, Unsent};

const OUTCOMES: [Outcome; 10] = [
    Ok,
    Invalid,
    Fault,
    Refused,
    Broken,
    Unavailable,
    Unsent,
    Lost,
    Timeout,
    Cancelled,
];

impl Outcome {
    fn name(self) -> &'static str {
        match self {
            Ok => "ok",
            Invalid => "invalid",
            Fault => "fault",
            Refused => "refused",
            Broken => "broken",
            Unavailable => "unavailable",
            Unsent => "unsent",
            Lost => "lost",
            Timeout => "timeout",
            Cancelled => "cancelled",
        }
    }

    /// Whether it counts against the callee; `None`: it says nothing.
    fn failed(self) -> Option<bool> {
        match self {
            Cancelled => None,
            Broken | Unavailable | Unsent | Lost | Timeout => Some(true),
            Ok | Invalid | Fault | Refused => Some(false),
        }
    }

    fn retried(self, idempotent: bool) -> bool {
        match self {
            Refused | Unsent => true,
            Unavailable | Lost | Timeout => idempotent,
            Ok | Invalid | Fault | Broken | Cancelled => false,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Closed,
    Open { since: u64 },
    HalfOpen { admitted: u32, succeeded: u32 },
}

struct Breaker {
    state: State,
    period: u64,
    /// Start, calls, failures.
    buckets: Vec<(u64, u32, u32)>,
}

/// What an admitted call carries until it ends.
#[derive(Clone, Copy)]
struct Permit {
    period: u64,
    start: u64,
}

impl Breaker {
    fn new() -> Self {
        Self {
            state: State::Closed,
            period: 0,
            buckets: Vec::new(),
        }
    }

    fn name(&self) -> &'static str {
        match self.state {
            State::Closed => "closed",
            State::Open { .. } => "open",
            State::HalfOpen { .. } => "half-open",
        }
    }

    fn enter(&mut self, state: State) {
        self.state = state;
        self.period += 1;
        self.buckets.clear();
    }

    fn admit(&mut self, now: u64) -> Option<Permit> {
        let values = PAYMENT.breaker;
        if let State::Open { since } = self.state
            && now >= since + u64::from(values.open_ms.value) * MS
        {
            self.enter(State::HalfOpen {
                admitted: 0,
                succeeded: 0,
            });
        }
        match &mut self.state {
            State::Closed => {}
            State::Open { .. } => return None,
            State::HalfOpen { admitted, .. } => {
                if *admitted == values.half_open_calls.value {
                    return None;
                }
                *admitted += 1;
            }
        }
        Some(Permit {
            period: self.period,
            start: now,
        })
    }

    fn record(&mut self, permit: Permit, outcome: Outcome, now: u64) {
        let values = PAYMENT.breaker;
        if permit.period != self.period {
            return;
        }
        let slow = now - permit.start >= u64::from(values.slow_call_ms.value) * MS;
        let failed = outcome.failed().map(|failed| failed || slow);
        match (&mut self.state, failed) {
            (State::HalfOpen { admitted, .. }, None) => *admitted -= 1,
            (_, None) => {}
            (State::HalfOpen { .. }, Some(true)) => self.enter(State::Open { since: now }),
            (State::HalfOpen { succeeded, .. }, Some(false)) => {
                *succeeded += 1;
                if *succeeded == values.half_open_calls.value {
                    self.enter(State::Closed);
                }
            }
            (_, Some(failed)) => {
                let window = u64::from(values.window_s.value) * 1000 * MS;
                self.buckets.retain(|bucket| now - bucket.0 < window);
                if self
                    .buckets
                    .last()
                    .is_none_or(|last| now - last.0 >= window / 10)
                {
                    self.buckets.push((now, 0, 0));
                }
                let last = self.buckets.last_mut().unwrap();
                last.1 += 1;
                last.2 += u32::from(failed);
                let calls: u32 = self.buckets.iter().map(|bucket| bucket.1).sum();
                let failures: u32 = self.buckets.iter().map(|bucket| bucket.2).sum();
                let ratio = f64::from(failures) / f64::from(calls);
                if calls >= values.minimum_calls.value && ratio >= values.failure_ratio.value {
                    self.enter(State::Open { since: now });
                }
            }
        }
    }
}

/// A guarded call's three guards.
struct Guarded {
    breaker: Breaker,
    idempotent: bool,
    taken: u32,
    budget: u64,
}

/// How one attempt goes.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    outcome: Outcome,
    takes: u64,
    after: u64,
    jitter: u64,
    /// Logical calls that are made while this attempt is under way.
    inside: Vec<Vec<Reply>>,
}

fn reply(outcome: Outcome, takes: u64) -> Reply {
    Reply {
        outcome,
        takes,
        after: 0,
        jitter: 4,
        inside: Vec::new(),
    }
}

/// The rows so far and the time.
struct Table {
    rows: Vec<String>,
    now: u64,
    seed: u64,
}

/// The table as text: a heading and one line a row, with tabs.
pub(crate) fn table() -> String {
    let mut t = Table {
        rows: Vec::new(),
        now: 0,
        seed: 20_240_229,
    };
    t.thresholds();
    t.probes();
    t.window();
    t.guarded_edges();
    for _ in 0..12 {
        t.random_breaker();
    }
    for index in 0..16 {
        t.random_guarded(index % 2 == 0);
    }
    let mut text =
        "row\ttime\top\tid\toutcome\tafter\tjitter\tgiven\tbefore\tstate\tdecision\n".to_owned();
    for (index, row) in t.rows.iter().enumerate() {
        writeln!(text, "{}\t{row}", index + 1).unwrap();
    }
    text
}

impl Table {
    /// A number below `below`: xorshift, so that the table is the same everywhere.
    fn random(&mut self, below: u64) -> u64 {
        self.seed ^= self.seed << 13;
        self.seed ^= self.seed >> 7;
        self.seed ^= self.seed << 17;
        self.seed % below
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        let index = self.random(of.len() as u64);
        of[usize::try_from(index).unwrap()]
    }

    fn pass(&mut self, microseconds: u64) {
        self.now += microseconds;
    }

    fn row(&mut self, columns: [&str; 9]) {
        let now = self.now;
        let [op, rest @ ..] = columns;
        self.rows.push(format!("{now}\t{op}\t{}", rest.join("\t")));
    }

    fn breaker(&mut self) -> Breaker {
        self.pass(1000 * MS);
        self.row(["breaker", "orders", "-", "-", "-", "-", "-", "closed", "-"]);
        Breaker::new()
    }

    fn begin(&mut self, b: &mut Breaker, id: usize) -> Option<Permit> {
        let before = b.name();
        let permit = b.admit(self.now);
        let decision = if permit.is_some() {
            "admitted"
        } else {
            "refused"
        };
        self.row([
            "begin",
            &id.to_string(),
            "-",
            "-",
            "-",
            "-",
            before,
            b.name(),
            decision,
        ]);
        permit
    }

    fn end(&mut self, b: &mut Breaker, id: usize, permit: Permit, outcome: Outcome) {
        let before = b.name();
        b.record(permit, outcome, self.now);
        self.row([
            "end",
            &id.to_string(),
            outcome.name(),
            "-",
            "-",
            "-",
            before,
            b.name(),
            "-",
        ]);
    }

    /// Calls one after the other; those that are refused do not end.
    fn calls(&mut self, b: &mut Breaker, n: usize, outcome: Outcome) {
        for id in 0..n {
            if let Some(permit) = self.begin(b, id) {
                self.end(b, id, permit, outcome);
            }
        }
    }

    /// It opens at the ratio and at the minimum, not before.
    fn thresholds(&mut self) {
        let b = &mut self.breaker();
        self.calls(b, 9, Lost);
        self.calls(b, 2, Timeout);
        let b = &mut self.breaker();
        self.calls(b, 5, Ok);
        self.calls(b, 4, Unavailable);
        self.calls(b, 2, Broken);
        let b = &mut self.breaker();
        for outcome in [
            Ok, Invalid, Fault, Refused, Cancelled, Ok, Ok, Unsent, Lost, Timeout,
        ] {
            self.calls(b, 1, outcome);
        }
        self.calls(b, 8, Unsent);
        // Slow calls count as failed; one that is a moment short of it does not.
        let b = &mut self.breaker();
        for index in 0..12 {
            if let Some(permit) = self.begin(b, index) {
                self.pass(240 * MS - 1000 * (index as u64 % 2));
                self.end(b, index, permit, Ok);
            }
        }
    }

    /// Which calls an open and a half-open breaker admits, and what their ends do to it.
    fn probes(&mut self) {
        let b = &mut self.breaker();
        let late = self.begin(b, 90).unwrap();
        let later = self.begin(b, 91).unwrap();
        self.calls(b, 10, Lost);
        self.pass(4999 * MS);
        self.calls(b, 2, Ok);
        self.pass(MS);
        // Results from before it opened say nothing about the callee of now.
        self.end(b, 90, late, Lost);
        let probes: Vec<Permit> = (0..3).map(|id| self.begin(b, id).unwrap()).collect();
        assert!(self.begin(b, 3).is_none());
        self.end(b, 91, later, Lost);
        // A cancelled probe gives its place back.
        self.end(b, 1, probes[1], Cancelled);
        let another = self.begin(b, 4).unwrap();
        assert!(self.begin(b, 5).is_none());
        self.end(b, 0, probes[0], Ok);
        self.end(b, 4, another, Refused);
        assert!(self.begin(b, 6).is_none());
        self.end(b, 2, probes[2], Invalid);
        // Closed with an empty window.
        self.calls(b, 9, Lost);
        let straggler = self.begin(b, 7).unwrap();
        self.calls(b, 1, Lost);
        self.pass(5000 * MS);
        let slow = self.begin(b, 8).unwrap();
        let probe = self.begin(b, 9).unwrap();
        self.end(b, 7, straggler, Ok);
        self.pass(240 * MS);
        // A slow probe opens it again, and the other one's result is late.
        self.end(b, 8, slow, Ok);
        self.end(b, 9, probe, Ok);
        self.pass(4999 * MS);
        self.calls(b, 1, Ok);
        self.pass(MS);
        self.calls(b, 3, Ok);
        self.calls(b, 10, Broken);
    }

    /// Old results leave the window a bucket at a time.
    fn window(&mut self) {
        let b = &mut self.breaker();
        self.calls(b, 9, Lost);
        self.pass(10_000 * MS);
        self.calls(b, 9, Lost);
        self.pass(9999 * MS);
        self.calls(b, 1, Lost);
        let b = &mut self.breaker();
        for _ in 0..4 {
            self.calls(b, 1, Lost);
            self.pass(999 * MS);
            self.calls(b, 2, Ok);
            self.pass(MS);
        }
        self.pass(5999 * MS);
        self.calls(b, 2, Lost);
        self.pass(MS);
        self.calls(b, 4, Lost);
    }

    /// Many calls under way at once, in any order, ended in any way at any time.
    fn random_breaker(&mut self) {
        let b = &mut self.breaker();
        let failing = self.random(10);
        let mut under_way: Vec<(usize, Permit)> = Vec::new();
        for id in 0..110 {
            let begins = under_way.is_empty() || under_way.len() < 6 && self.random(2) == 0;
            if begins {
                if let Some(permit) = self.begin(b, id) {
                    under_way.push((id, permit));
                }
            } else {
                let count = under_way.len() as u64;
                let at = usize::try_from(self.random(count)).unwrap();
                let (id, permit) = under_way.swap_remove(at);
                let any = self.pick(&OUTCOMES);
                let outcome = if self.random(10) < failing { any } else { Ok };
                self.end(b, id, permit, outcome);
            }
            let pause = self.pick(&[0, 0, 0, 1, 50, 239, 240, 1000, 2500, 5000]);
            self.pass(pause * MS);
        }
        while let Some((id, permit)) = under_way.pop() {
            self.end(b, id, permit, Ok);
        }
    }

    fn guarded(&mut self, idempotent: bool) -> Guarded {
        self.pass(1000 * MS);
        let sample = if idempotent { "orders" } else { "once" };
        self.row(["guarded", sample, "-", "-", "-", "-", "-", "closed", "-"]);
        Guarded {
            breaker: Breaker::new(),
            idempotent,
            taken: 0,
            budget: BUDGET,
        }
    }

    /// One logical call; `replies` are its attempts' in order, and the last one's again if there are more.
    fn call(&mut self, g: &mut Guarded, replies: &[Reply]) {
        let state = g.breaker.name();
        self.row(["call", "-", "-", "-", "-", "-", state, state, "-"]);
        let decision = if g.taken == PAYMENT.bulkhead.slots.value {
            "bulkhead-full"
        } else {
            g.taken += 1;
            let decision = self.attempts(g, replies);
            g.taken -= 1;
            decision
        };
        let state = g.breaker.name();
        self.row(["done", "-", "-", "-", "-", "-", state, state, decision]);
    }

    fn attempts(&mut self, g: &mut Guarded, replies: &[Reply]) -> &'static str {
        let earned = (PAYMENT.retry_budget_ratio.value * 1000.0).round();
        g.budget = BUDGET.min(g.budget + earned as u64);
        let due = self.now + u64::from(PAYMENT.deadline_ms.value) * MS;
        let cap = u64::from(PAYMENT.backoff_cap_ms.value) * MS;
        let mut ceiling = cap.min(u64::from(PAYMENT.backoff_base_ms.value) * MS);
        for tries in 1.. {
            let given = (due - self.now).min(u64::from(PAYMENT.attempt_timeout_ms.value) * MS);
            let before = g.breaker.name();
            let Some(permit) = g.breaker.admit(self.now) else {
                return "breaker-open";
            };
            self.row([
                "attempt",
                "-",
                "-",
                "-",
                "-",
                &given.to_string(),
                before,
                g.breaker.name(),
                "-",
            ]);
            let reply = replies.get(tries - 1).or(replies.last()).unwrap();
            let start = self.now;
            if given >= 100 * MS {
                for inner in &reply.inside {
                    self.call(g, inner);
                }
            }
            assert!(self.now - start < given, "inner calls must leave time");
            let mut outcome = reply.outcome;
            if outcome == Timeout || self.now - start + reply.takes >= given {
                // An attempt ends when its time is up.
                outcome = Timeout;
                self.now = start + given;
            } else {
                self.now += reply.takes;
            }
            let state = g.breaker.name();
            let after = if matches!(outcome, Refused | Unavailable) {
                reply.after
            } else {
                0
            };
            let (shown, jitter) = (after.to_string(), reply.jitter.to_string());
            self.row([
                "reply",
                "-",
                outcome.name(),
                &shown,
                &jitter,
                "-",
                state,
                state,
                "-",
            ]);
            g.breaker.record(permit, outcome, self.now);
            let pause = after + ceiling * reply.jitter / 4;
            if !outcome.retried(g.idempotent)
                || tries == usize::try_from(PAYMENT.attempts.value).unwrap()
                || self.now + pause >= due
                || g.budget < COST
            {
                return outcome.name();
            }
            g.budget -= COST;
            self.now += pause;
            ceiling = cap.min(2 * ceiling);
        }
        unreachable!("attempts end")
    }

    fn guarded_edges(&mut self) {
        // What is tried again, for a call that may be repeated and for one that may not.
        for idempotent in [true, false] {
            for outcome in OUTCOMES {
                let g = &mut self.guarded(idempotent);
                self.call(g, &[reply(outcome, 5 * MS)]);
                self.call(g, &[reply(outcome, 5 * MS), reply(Ok, 5 * MS)]);
            }
        }
        // Five calls at a time, of which four have slots.
        let g = &mut self.guarded(false);
        let mut nested = vec![reply(Ok, MS)];
        for _ in 0..4 {
            let mut outer = reply(Ok, MS);
            outer.inside = vec![nested, vec![reply(Fault, MS)]];
            nested = vec![outer];
        }
        self.call(g, &nested);
        self.call(g, &[reply(Ok, MS)]);
        // The deadline cuts the last attempt, and ends the retries when a pause does not fit.
        for (takes, jitter) in [(400, 4), (300, 0), (299, 4), (290, 2), (250, 4), (200, 4)] {
            let g = &mut self.guarded(true);
            let mut slow = reply(Lost, takes * MS);
            slow.jitter = jitter;
            self.call(g, &[slow]);
        }
        // Retry-After comes before the jitter, and must fit as well.
        for after in [0, 100, 400, 500, 900, 950, 999, 1000, 60_000] {
            let g = &mut self.guarded(false);
            let mut busy = reply(Refused, 0);
            busy.after = after * MS;
            self.call(g, &[busy]);
        }
        // The budget runs dry and is earned again; a refusal does not open the breaker.
        let g = &mut self.guarded(true);
        for _ in 0..60 {
            self.call(g, &[reply(Refused, 0)]);
        }
        // Each attempt counts for the breaker, and an open breaker ends the retries.
        let g = &mut self.guarded(true);
        for _ in 0..5 {
            self.call(g, &[reply(Unavailable, MS)]);
        }
        self.pass(5000 * MS);
        self.call(g, &[reply(Cancelled, MS)]);
        self.call(g, &[reply(Refused, MS), reply(Ok, MS)]);
        self.call(g, &[reply(Ok, MS)]);
        self.call(g, &[reply(Ok, MS)]);
    }

    fn random_reply(&mut self, failing: u64, depth: u32, idempotent: bool) -> Reply {
        let outcome = if self.random(10) < failing {
            self.pick(&OUTCOMES)
        } else {
            Ok
        };
        let mut made = reply(outcome, self.pick(&[0, 1, 20, 120, 239, 240, 299]) * MS);
        made.after = self.pick(&[0, 0, 0, 40, 300, 800]) * MS;
        made.jitter = self.random(5);
        // The inner calls end at their first attempt, and soon.
        if depth < if idempotent { 3 } else { 5 } && self.random(6) == 0 {
            for _ in 0..=self.random(2) {
                let outcome = self.pick(&[Ok, Invalid, Fault, Broken, Cancelled]);
                let mut inner = self.random_reply(0, depth + 1, idempotent);
                (inner.outcome, inner.takes) = (outcome, self.random(3) * MS);
                made.inside.push(vec![inner]);
            }
            if outcome != Timeout {
                made.takes = made.takes.min(20 * MS);
            }
        }
        made
    }

    fn random_guarded(&mut self, idempotent: bool) {
        let g = &mut self.guarded(idempotent);
        let failing = 1 + self.random(9);
        for _ in 0..25 {
            let replies: Vec<Reply> = (0..4)
                .map(|_| self.random_reply(failing, 0, idempotent))
                .collect();
            self.call(g, &replies);
            let pause = self.pick(&[0, 0, 10, 400, 2500, 5000]);
            self.pass(pause * MS);
        }
    }
}
