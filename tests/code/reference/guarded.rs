//! Retry, budget and guarded call as `src/render/code.rs` states them, and scripts of such calls.

use super::super::PAYMENT;
use super::machine::Outcome::{
    Broken, Cancelled, Fault, Invalid, Lost, Ok, Refused, Timeout, Unavailable,
};
use super::machine::{Breaker, OUTCOMES, Outcome};
use super::{MS, Table};

const COST: u64 = 1000;
const BUDGET: u64 = 10 * COST;

/// A guarded call's three guards.
struct Guarded {
    breaker: Breaker,
    idempotent: bool,
    taken: u32,
    budget: u64,
}

/// How one attempt goes.
#[derive(Clone, Debug)]
struct Reply {
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

impl Table {
    fn guarded(&mut self, idempotent: bool) -> Guarded {
        self.pass(1000 * MS);
        let sample = if idempotent { "orders" } else { "once" };
        self.row(["guarded", sample, "-", "-", "-", "-", "-", "closed", "-"]);
        Guarded {
            breaker: Breaker::new(self.now),
            idempotent,
            taken: 0,
            budget: BUDGET,
        }
    }

    /// One logical call; `replies` are its attempts' in order, and the last one's again if there are more.
    fn call(&mut self, g: &mut Guarded, replies: &[Reply]) {
        let state = g.breaker.name(self.now);
        self.row(["call", "-", "-", "-", "-", "-", state, state, "-"]);
        let result = if g.taken == PAYMENT.slots.value {
            Err("bulkhead-full")
        } else {
            g.taken += 1;
            let result = self.attempts(g, replies);
            g.taken -= 1;
            result
        };
        let (decision, asked) = match result {
            Result::Ok(outcome) => (outcome.name(), outcome.unserved()),
            Err(refusal) => (refusal, true),
        };
        let fallback = if asked { "asked" } else { "-" };
        let state = g.breaker.name(self.now);
        self.row(["done", fallback, "-", "-", "-", "-", state, state, decision]);
    }

    /// The last outcome, or which guard refused.
    fn attempts(&mut self, g: &mut Guarded, replies: &[Reply]) -> Result<Outcome, &'static str> {
        let earned = (PAYMENT.retry_budget_ratio.value * 1000.0).round();
        g.budget = BUDGET.min(g.budget + earned as u64);
        let due = self.now + u64::from(PAYMENT.deadline_ms.value) * MS;
        let cap = u64::from(PAYMENT.backoff_cap_ms.value) * MS;
        let mut ceiling = cap.min(u64::from(PAYMENT.backoff_base_ms.value) * MS);
        for tries in 1.. {
            let given = (due - self.now).min(u64::from(PAYMENT.attempt_timeout_ms.value) * MS);
            let before = g.breaker.name(self.now);
            let Some(permit) = g.breaker.admit(self.now) else {
                return Err("breaker-open");
            };
            self.row([
                "attempt",
                "-",
                "-",
                "-",
                "-",
                &given.to_string(),
                before,
                g.breaker.name(self.now),
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
            let state = g.breaker.name(self.now);
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
                return Result::Ok(outcome);
            }
            g.budget -= COST;
            self.now += pause;
            ceiling = cap.min(2 * ceiling);
        }
        unreachable!("attempts end")
    }

    pub(super) fn guarded_edges(&mut self) {
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

    pub(super) fn random_guarded(&mut self, idempotent: bool) {
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
