//! Replays the trace table of the reference state machine; panics at the first row that differs.
use std::cell::Cell;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use crate::bulkhead::payment_bulkhead;
use crate::circuit_breaker::{CircuitBreaker, payment_breaker};
use crate::guarded_call::{CallError, GuardedCall};
use crate::retry::payment_retry;

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

thread_local! {
    static NOW: Cell<u64> = const { Cell::new(0) };
    static JITTER: Cell<u64> = const { Cell::new(0) };
}

fn clock() -> Instant {
    *START + Duration::from_micros(NOW.get())
}

/// The caller gives up: a call without a verdict. Nothing but a panic ends a call of `std` like that.
struct GivenUp;

struct Row {
    number: usize,
    columns: Vec<String>,
}

impl Row {
    fn get(&self, column: usize) -> &str {
        &self.columns[column]
    }

    fn micros(&self, column: usize) -> u64 {
        self.get(column).parse().unwrap()
    }

    fn equal(&self, what: &str, got: &str, want: &str) {
        assert!(got == want, "row {}: {what} is {got}, the table says {want}", self.number);
    }

    fn now_is(&self) {
        self.equal("the time", &NOW.get().to_string(), self.get(1));
    }
}

struct Player {
    rows: Vec<Row>,
    next: Cell<usize>,
}

impl Player {
    fn peek(&self) -> &str {
        self.rows.get(self.next.get()).map_or("end", |row| row.get(2))
    }

    fn take(&self, op: &str) -> &Row {
        let row = &self.rows[self.next.get()];
        self.next.set(self.next.get() + 1);
        row.equal("what comes next", op, row.get(2));
        row
    }

    fn breaker(&self, breaker: &CircuitBreaker) {
        let mut permits = HashMap::new();
        while ["begin", "end"].contains(&self.peek()) {
            let row = self.take(self.peek());
            NOW.set(row.micros(1));
            row.equal("the state before", breaker.state(), row.get(8));
            if row.get(2) == "begin" {
                let permit = breaker.admit();
                row.equal("the decision", permit.as_ref().map_or("refused", |_| "admitted"), row.get(10));
                permits.insert(row.get(3), permit);
            } else {
                let permit = permits.remove(row.get(3)).unwrap().unwrap();
                match row.get(4) {
                    "cancelled" => drop(permit),
                    outcome => permit.done(!["ok", "invalid", "fault", "refused"].contains(&outcome)),
                }
            }
            row.equal("the state", breaker.state(), row.get(9));
        }
    }

    fn call(&self, guarded: &GuardedCall) {
        let row = self.take("call");
        NOW.set(row.micros(1));
        row.equal("the state before", guarded.breaker.state(), row.get(8));
        let mut last = "";
        let mut asked = "-";
        let result = catch_unwind(AssertUnwindSafe(|| {
            let send = |given: Duration| {
                let row = self.take("attempt");
                row.now_is();
                row.equal("the time given", &given.as_micros().to_string(), row.get(7));
                row.equal("the state", guarded.breaker.state(), row.get(9));
                while self.peek() == "call" {
                    self.call(guarded);
                }
                let row = self.take("reply");
                NOW.set(row.micros(1));
                JITTER.set(row.micros(6));
                let after = Duration::from_micros(row.micros(5));
                last = row.get(4);
                Err(match last {
                    "ok" => return Ok(()),
                    "invalid" | "fault" => CallError::Final,
                    "refused" => CallError::Refused(after),
                    "broken" => CallError::Broken,
                    "unsent" => CallError::Unsent,
                    "unavailable" | "lost" | "timeout" => CallError::Failed(after),
                    _ => resume_unwind(Box::new(GivenUp)),
                })
            };
            guarded.run(send, |error| {
                asked = "asked";
                Err(error)
            })
        }));
        let result = match result {
            Ok(Ok(())) => "ok",
            Ok(Err(CallError::BreakerOpen)) => "breaker-open",
            Ok(Err(CallError::BulkheadFull)) => "bulkhead-full",
            Ok(Err(_)) => last,
            Err(panic) if panic.is::<GivenUp>() => "cancelled",
            Err(panic) => resume_unwind(panic),
        };
        let row = self.take("done");
        row.now_is();
        row.equal("the result", result, row.get(10));
        row.equal("the fallback", asked, row.get(3));
        row.equal("the state", guarded.breaker.state(), row.get(9));
    }
}

pub fn play(text: &str) {
    let rows = text.lines().enumerate().skip(1).map(|(number, line)| Row {
        number,
        columns: line.split('\t').map(str::to_owned).collect(),
    });
    let player = Player { rows: rows.collect(), next: Cell::new(0) };
    while player.peek() != "end" {
        let row = player.take(player.peek());
        NOW.set(row.micros(1));
        let breaker = payment_breaker(clock);
        if row.get(2) == "breaker" {
            player.breaker(&breaker);
            continue;
        }
        let mut retry = payment_retry();
        retry.idempotent = row.get(3) == "orders";
        retry.clock = clock;
        retry.sleep = |pause| NOW.set(NOW.get() + pause.as_micros() as u64);
        retry.random = || JITTER.get() as f64 / 4.0;
        let guarded = GuardedCall { bulkhead: payment_bulkhead(), retry, breaker };
        while player.peek() == "call" {
            player.call(&guarded);
        }
    }
}
