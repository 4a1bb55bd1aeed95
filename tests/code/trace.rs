//! What the pattern code of every language has to decide: tables of time, outcome, state and decision,
//! computed by the state machines below, which each language's replay holds its code against.
//!
//! A table is lines of words. Times are microseconds since the script began.
//!
//! | line | means |
//! |---|---|
//! | `script breaker NAME` | a new breaker, its clock at 0 |
//! | `T begin admitted STATE`, `T begin refused STATE` | a call starts, and is made or not; the breaker's state after it |
//! | `T end OUTCOME STATE` | the innermost call under way ends: `ok`, `failed`, `rejected` (a 4xx) or `cancelled` |
//! | `script bulkhead NAME` | a new bulkhead in which nobody waits; `begin` and `end` as above, without a state |
//! | `script retry NAME` | a new policy with a full budget, its clock at 0; `script once NAME` for a call that is not idempotent |
//! | `T call` | a logical call starts |
//! | `T attempt TIMEOUT TAKES OUTCOME AFTER U` | an attempt starts, may take TIMEOUT, takes TAKES and ends as `ok`, `unknown`, `refused` (not processed) or `final`; the callee's Retry-After is AFTER, the next random number U / 100 |
//! | `T done OUTCOME` | the logical call ends with the outcome of its last attempt |

use std::fmt::Write as _;

use msdesign::render::code::{BreakerValues, CallSample};

/// Every script for the values of `call`.
pub(crate) fn table(call: &CallSample<'_>) -> String {
    let mut out = String::new();
    breaker_by_hand(call, &mut out);
    bulkhead(call, &mut out);
    retry_by_hand(call, &mut out);
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    for n in 0..40 {
        breaker_at_random(call, &format!("random {n}"), &mut dice, &mut out);
    }
    for n in 0..20 {
        retry_at_random(call, n, &mut dice, &mut out);
    }
    out
}

/// The table with one line turned round, in several ways: a replay must refuse each.
pub(crate) fn spoilt(table: &str) -> Vec<String> {
    let turned = |kind: &str, right: &str, wrong: &str| {
        let start = table.find(kind).unwrap();
        let at = start + table[start..].find(right).unwrap();
        format!("{}{wrong}{}", &table[..at], &table[at + right.len()..])
    };
    // The second attempt of the first logical call begins a millisecond later.
    let retry = table.find("script retry").unwrap();
    let second = table[retry..]
        .lines()
        .find(|line| line.contains(" attempt ") && !line.starts_with("0 "))
        .unwrap();
    let (time, rest) = second.split_once(' ').unwrap();
    let later = time.parse::<u64>().unwrap() + MS;
    vec![
        turned("script breaker", " refused ", " admitted "),
        turned("script breaker", " admitted ", " refused "),
        turned("script bulkhead", " refused", " admitted"),
        turned("script retry", " done unknown", " done ok"),
        turned("script retry", second, &format!("{later} {rest}")),
        turned("script once", " done unknown", " attempt 300000 0 ok 0 0"),
    ]
}

/// A generator whose numbers are the same everywhere (xorshift).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % sides
    }

    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.roll(choices.len())]
    }
}

const MS: u64 = 1000;

#[derive(Clone, Copy, PartialEq)]
enum State {
    Closed,
    Open,
    HalfOpen,
}

impl State {
    fn word(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half-open",
        }
    }
}

/// A circuit breaker as a table of results, the calls under way on a stack.
struct Breaker<'a> {
    values: BreakerValues<'a>,
    now: u64,
    state: State,
    since: u64,
    period: u32,
    admitted: u32,
    succeeded: u32,
    /// Start of the bucket and whether it failed, of each result in the window.
    results: Vec<(u64, bool)>,
    /// Start and period of each call under way.
    calls: Vec<(u64, u32)>,
    rows: String,
}

impl<'a> Breaker<'a> {
    fn new(call: &CallSample<'a>, name: &str) -> Self {
        Self {
            values: call.breaker,
            now: 0,
            state: State::Closed,
            since: 0,
            period: 0,
            admitted: 0,
            succeeded: 0,
            results: Vec::new(),
            calls: Vec::new(),
            rows: format!("script breaker {name}\n"),
        }
    }

    fn wait(&mut self, micros: u64) {
        self.now += micros;
    }

    fn open_us(&self) -> u64 {
        u64::from(self.values.open_ms.value) * MS
    }

    fn enter(&mut self, state: State) {
        (self.state, self.since) = (state, self.now);
        (self.admitted, self.succeeded) = (0, 0);
        self.period += 1;
        self.results.clear();
    }

    fn begin(&mut self) -> bool {
        if self.state == State::Open && self.now - self.since >= self.open_us() {
            self.enter(State::HalfOpen);
        }
        let admitted = match self.state {
            State::Closed => true,
            State::Open => false,
            State::HalfOpen => self.admitted < self.values.half_open_calls.value,
        };
        if admitted {
            self.admitted += 1;
            self.calls.push((self.now, self.period));
        }
        let word = if admitted { "admitted" } else { "refused" };
        writeln!(self.rows, "{} begin {word} {}", self.now, self.state.word()).unwrap();
        admitted
    }

    fn end(&mut self, outcome: &str) {
        let (start, period) = self.calls.pop().unwrap();
        if period == self.period {
            if outcome == "cancelled" {
                self.admitted -= 1;
            } else {
                let slow = self.now - start >= u64::from(self.values.slow_call_ms.value) * MS;
                self.count(outcome == "failed" || slow);
            }
        }
        writeln!(
            self.rows,
            "{} end {outcome} {}",
            self.now,
            self.state.word()
        )
        .unwrap();
    }

    fn count(&mut self, failed: bool) {
        if self.state == State::HalfOpen {
            self.succeeded += u32::from(!failed);
            if failed {
                self.enter(State::Open);
            } else if self.succeeded == self.values.half_open_calls.value {
                self.enter(State::Closed);
            }
            return;
        }
        let window = u64::from(self.values.window_s.value) * 1000 * MS;
        self.results.retain(|(start, _)| self.now - start < window);
        let bucket = match self.results.last() {
            Some((start, _)) if self.now - start < window / 10 => *start,
            _ => self.now,
        };
        self.results.push((bucket, failed));
        let failures = self.results.iter().filter(|(_, failed)| *failed).count();
        #[allow(clippy::cast_precision_loss, reason = "a few hundred")]
        let ratio = failures as f64 / self.results.len() as f64;
        if self.results.len() >= self.values.minimum_calls.value as usize
            && ratio >= self.values.failure_ratio.value
        {
            self.enter(State::Open);
        }
    }

    /// Calls that take no time.
    fn calls(&mut self, n: u32, outcome: &str) {
        for _ in 0..n {
            if self.begin() {
                self.end(outcome);
            }
        }
    }

    fn finish(mut self, out: &mut String) {
        while !self.calls.is_empty() {
            self.end("ok");
        }
        out.push_str(&self.rows);
    }
}

fn breaker_by_hand(call: &CallSample<'_>, out: &mut String) {
    let values = call.breaker;
    let (minimum, probes) = (values.minimum_calls.value, values.half_open_calls.value);
    let window = u64::from(values.window_s.value) * 1000 * MS;
    let open = u64::from(values.open_ms.value) * MS;
    let slow = u64::from(values.slow_call_ms.value) * MS;
    let opened = |name: &str| {
        let mut b = Breaker::new(call, name);
        b.calls(minimum, "failed");
        b
    };

    let mut b = Breaker::new(call, "opens at the ratio, not below the minimum");
    b.calls(minimum - 1, "failed");
    b.calls(1, "rejected");
    b.calls(2, "ok");
    b.finish(out);

    let mut b = Breaker::new(call, "stays closed below the ratio");
    b.calls(minimum, "ok");
    b.calls(minimum - 1, "failed");
    b.calls(2, "failed");
    b.finish(out);

    let mut b = Breaker::new(call, "forgets what is a window old");
    b.calls(minimum - 1, "failed");
    b.wait(window - 1);
    b.calls(1, "cancelled");
    b.wait(1);
    b.calls(minimum - 1, "failed");
    b.calls(2, "failed");
    b.finish(out);

    let mut b = Breaker::new(call, "the window slides by tenths");
    for _ in 0..13 {
        b.calls(1, "failed");
        b.wait(window / 10);
    }
    b.finish(out);

    let mut b = Breaker::new(call, "counts slow calls");
    for n in 0..minimum {
        b.begin();
        b.wait(slow - u64::from(n % 2));
        b.end("ok");
    }
    b.calls(1, "ok");
    b.finish(out);

    let mut b = opened("stays open, then lets probes in");
    b.wait(open - 1);
    b.calls(2, "ok");
    b.wait(1);
    b.calls(probes, "ok");
    b.calls(minimum, "ok");
    b.finish(out);

    let mut b = opened("a failed probe opens it again");
    b.wait(open);
    b.calls(probes - 1, "ok");
    b.calls(1, "failed");
    b.calls(1, "ok");
    b.wait(open);
    b.calls(1, "ok");
    b.finish(out);

    let mut b = opened("a slow probe opens it again");
    b.wait(open);
    b.begin();
    b.wait(slow);
    b.end("ok");
    b.calls(1, "ok");
    b.finish(out);

    let mut b = opened("no more probes at a time, and a cancelled one gives its place back");
    b.wait(open);
    for _ in 0..=probes {
        b.begin();
    }
    b.end("cancelled");
    b.begin();
    b.begin();
    b.end("rejected");
    b.finish(out);

    let mut b = Breaker::new(call, "results from before it opened do not count");
    b.begin();
    b.begin();
    b.calls(minimum, "failed");
    b.wait(open);
    b.begin();
    b.end("ok");
    b.end("failed");
    b.calls(probes - 1, "ok");
    b.end("failed");
    b.calls(minimum, "ok");
    b.finish(out);
}

fn breaker_at_random(call: &CallSample<'_>, name: &str, dice: &mut Dice, out: &mut String) {
    let values = call.breaker;
    let [window, open, slow] = [
        u64::from(values.window_s.value) * 1000 * MS,
        u64::from(values.open_ms.value) * MS,
        u64::from(values.slow_call_ms.value) * MS,
    ];
    let waits = [
        1,
        MS,
        slow - 1,
        slow,
        slow / 3,
        window / 10 - 1,
        window / 10,
        window / 3,
        open - 1,
        open,
        window - 1,
        window,
    ];
    let mut b = Breaker::new(call, name);
    // Some scripts have a sick callee, some a healthy one.
    let sick = dice.roll(9);
    for _ in 0..120 {
        match dice.roll(10) {
            0..=4 if b.calls.len() < 12 => {
                b.begin();
            }
            0..=7 if !b.calls.is_empty() => {
                let outcome = if dice.roll(10) <= sick {
                    "failed"
                } else {
                    dice.of(&["ok", "ok", "ok", "rejected", "cancelled"])
                };
                b.end(outcome);
            }
            8 => b.wait(dice.of(&waits)),
            _ => {}
        }
    }
    b.finish(out);
}

fn bulkhead(call: &CallSample<'_>, out: &mut String) {
    let slots = call.bulkhead.slots.value;
    let mut under_way = 0;
    let mut rows = "script bulkhead fills, refuses and gives back\n".to_owned();
    for step in "bbbbbbebbeebebbbeeeeebb".chars() {
        if step == 'b' {
            let admitted = under_way < slots;
            under_way += u32::from(admitted);
            let word = if admitted { "admitted" } else { "refused" };
            writeln!(rows, "0 begin {word}").unwrap();
        } else if under_way > 0 {
            under_way -= 1;
            rows.push_str("0 end ok\n");
        }
    }
    rows.push_str(&"0 end ok\n".repeat(under_way as usize));
    out.push_str(&rows);
}

/// One attempt as the callee sees it.
#[derive(Clone, Copy)]
struct Attempt {
    takes: u64,
    outcome: &'static str,
    after: u64,
    u: u64,
}

const fn attempt(takes: u64, outcome: &'static str) -> Attempt {
    Attempt {
        takes,
        outcome,
        after: 0,
        u: 50,
    }
}

/// A retry policy, its clock and its budget in thousandths of a retry.
struct Retry<'a> {
    call: &'a CallSample<'a>,
    idempotent: bool,
    now: u64,
    budget: u64,
    rows: String,
}

const COST: u64 = 1000;

impl<'a> Retry<'a> {
    fn new(call: &'a CallSample<'a>, kind: &str, name: &str) -> Self {
        Self {
            call,
            idempotent: kind == "retry",
            now: 0,
            budget: 10 * COST,
            rows: format!("script {kind} {name}\n"),
        }
    }

    /// A logical call, whose callee answers as `next` says.
    fn logical(&mut self, mut next: impl FnMut(u32) -> Attempt) {
        let us = |ms: u32| u64::from(ms) * MS;
        let call = self.call;
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "0 to 1000"
        )]
        let earned = (call.retry_budget_ratio.value * 1000.0).round() as u64;
        writeln!(self.rows, "{} call", self.now).unwrap();
        self.budget = (self.budget + earned).min(10 * COST);
        let end = self.now + us(call.deadline_ms.value);
        let cap = us(call.backoff_cap_ms.value);
        let mut ceiling = us(call.backoff_base_ms.value).min(cap);
        for tries in 1.. {
            let mut one = next(tries);
            let timeout = us(call.attempt_timeout_ms.value).min(end - self.now);
            if one.takes >= timeout {
                (one.takes, one.outcome, one.after) = (timeout, "unknown", 0);
            }
            writeln!(
                self.rows,
                "{} attempt {timeout} {} {} {} {}",
                self.now, one.takes, one.outcome, one.after, one.u
            )
            .unwrap();
            self.now += one.takes;
            let safe = match one.outcome {
                "refused" => true,
                "unknown" => self.idempotent,
                _ => false,
            };
            let pause = one.after + ceiling * one.u / 100;
            let fits = tries < call.attempts.value && pause < end - self.now;
            if !safe || !fits || self.budget < COST {
                writeln!(self.rows, "{} done {}", self.now, one.outcome).unwrap();
                return;
            }
            self.budget -= COST;
            self.now += pause;
            ceiling = (2 * ceiling).min(cap);
        }
    }
}

fn retry_by_hand(call: &CallSample<'_>, out: &mut String) {
    let most = u64::from(call.attempt_timeout_ms.value) * MS;
    let deadline = u64::from(call.deadline_ms.value) * MS;
    for kind in ["retry", "once"] {
        let mut one = |name: &str, answers: &dyn Fn(u32) -> Attempt, calls: u32| {
            let mut r = Retry::new(call, kind, name);
            for _ in 0..calls {
                r.logical(answers);
                r.now += 10 * MS;
            }
            out.push_str(&r.rows);
        };
        one(
            "ends with the attempts",
            &|_| attempt(10 * MS, "unknown"),
            1,
        );
        one("was not processed", &|_| attempt(0, "refused"), 1);
        one("a 4xx is final", &|_| attempt(5 * MS, "final"), 1);
        let third = |tries| attempt(MS, if tries == 3 { "ok" } else { "unknown" });
        one("the third succeeds", &third, 1);
        one(
            "timeouts end at the deadline",
            &|_| attempt(most, "unknown"),
            1,
        );
        for u in [0, 25, 75] {
            let jitter = |_| Attempt {
                u,
                ..attempt(0, "refused")
            };
            one(&format!("waits {u} % of the bound"), &jitter, 1);
        }
        let waits = |after| {
            move |_| Attempt {
                after,
                ..attempt(0, "refused")
            }
        };
        one("waits as long as the callee says", &waits(400 * MS), 1);
        one("a wait beyond the deadline is none", &waits(deadline), 1);
        let long = |tries| match tries {
            1 => Attempt {
                after: deadline - 100 * MS,
                u: 0,
                ..attempt(0, "refused")
            },
            _ => attempt(most, "ok"),
        };
        one("the last attempt gets what is left", &long, 1);
        one(
            "the budget runs dry and is earned again",
            &|_| attempt(0, "refused"),
            30,
        );
    }
}

fn retry_at_random(call: &CallSample<'_>, n: usize, dice: &mut Dice, out: &mut String) {
    let kind = if n.is_multiple_of(3) { "once" } else { "retry" };
    let most = u64::from(call.attempt_timeout_ms.value) * MS;
    let mut r = Retry::new(call, kind, &format!("random {n}"));
    for _ in 0..25 {
        r.logical(|_| Attempt {
            takes: dice.of(&[0, MS, most / 3, most - 1, most, 2 * most]),
            outcome: dice.of(&["ok", "unknown", "unknown", "refused", "final"]),
            after: dice.of(&[0, 0, 0, 20 * MS, 500 * MS]),
            u: dice.of(&[0, 25, 50, 75]),
        });
        r.now += dice.of(&[0, MS, 3000 * MS]);
    }
    out.push_str(&r.rows);
}
