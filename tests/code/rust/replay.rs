//! Replays the table of decisions, line by line, with a clock that it moves.

use std::cell::{Cell, RefCell};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use super::circuit_breaker::payment_breaker;
use super::once::bulkhead::payment_bulkhead;
use super::retry::{Retry, Verdict, payment_retry};

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

thread_local! {
    static NOW: Cell<u64> = const { Cell::new(0) };
    /// What the generator gives next, in hundredths.
    static U: Cell<u64> = const { Cell::new(0) };
    static LINES: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
    /// Lines played.
    static AT: Cell<usize> = const { Cell::new(0) };
}

fn now() -> Instant {
    *START + Duration::from_micros(NOW.get())
}

fn line(n: usize) -> Option<String> {
    LINES.with_borrow(|lines| lines.get(n).cloned())
}

fn next() -> Vec<String> {
    let text = line(AT.get()).unwrap_or_default();
    AT.set(AT.get() + 1);
    text.split(' ').map(str::to_owned).collect()
}

fn more() -> bool {
    line(AT.get()).is_some_and(|text| !text.starts_with("script"))
}

fn equal<T: PartialEq + std::fmt::Debug>(what: &str, got: T, want: T) {
    let at = AT.get();
    assert!(got == want, "line {at}, {:?}: {what}: got {got:?}, want {want:?}", line(at - 1));
}

fn number(word: &str) -> u64 {
    word.parse().unwrap()
}

fn micros(word: &str) -> Duration {
    Duration::from_micros(number(word))
}

pub fn play(text: &str) {
    LINES.set(text.lines().map(str::to_owned).collect());
    while line(AT.get()).is_some() {
        let kind = next()[1].clone();
        NOW.set(0);
        match kind.as_str() {
            "breaker" => {
                let mut breaker = payment_breaker();
                breaker.clock = now;
                calls(&|end: &mut dyn FnMut() -> String| {
                    let Some(permit) = breaker.admit() else { return false };
                    match end().as_str() {
                        "failed" => permit.done(true),
                        "cancelled" => drop(permit),
                        _ => permit.done(false),
                    }
                    true
                });
            }
            "bulkhead" => {
                let bulkhead = payment_bulkhead();
                calls(&|end: &mut dyn FnMut() -> String| bulkhead.enter().map(|_slot| end()).is_some());
            }
            kind => logical_calls(kind == "retry"),
        }
    }
}

/// Plays lines up to the end of the innermost call and returns how that ends. `guard` makes a call and says
/// whether it was admitted.
fn calls(guard: &dyn Fn(&mut dyn FnMut() -> String) -> bool) -> String {
    while more() {
        let words = next();
        NOW.set(number(&words[0]));
        if words[1] == "end" {
            return words[2].clone();
        }
        let admitted = guard(&mut || {
            equal("decision", "admitted", &words[2]);
            calls(guard)
        });
        if !admitted {
            equal("decision", "refused", &words[2]);
        }
    }
    "ok".to_owned()
}

fn logical_calls(idempotent: bool) {
    let retry = Retry {
        idempotent,
        clock: now,
        sleep: |pause| NOW.set(NOW.get() + pause.as_micros() as u64),
        random: || U.get() as f64 / 100.0,
        ..payment_retry()
    };
    while more() {
        NOW.set(number(&next()[0]));
        let mut outcome = String::new();
        let attempt = |timeout| {
            let words = next();
            equal("line", words[1].as_str(), "attempt");
            equal("start", NOW.get(), number(&words[0]));
            equal("timeout", timeout, micros(&words[2]));
            NOW.set(NOW.get() + number(&words[3]));
            U.set(number(&words[6]));
            outcome = words[4].clone();
            if outcome == "ok" { Ok(()) } else { Err((outcome.clone(), micros(&words[5]))) }
        };
        let result = retry.run(attempt, |(outcome, after)| match outcome.as_str() {
            "refused" => Verdict::NotProcessed(*after),
            "unknown" => Verdict::Unknown(*after),
            _ => Verdict::Final,
        });
        let done = next();
        equal("line", done[1].as_str(), "done");
        equal("outcome", &outcome, &done[2]);
        equal("success", result.is_ok(), outcome == "ok");
        equal("end", NOW.get(), number(&done[0]));
    }
}
