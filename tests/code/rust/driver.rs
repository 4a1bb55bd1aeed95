//! Exercises the three Rust samples with a clock that the test moves.
// A sample offers more than one driver uses.
#![allow(dead_code)]

mod bulkhead;
mod circuit_breaker;
mod guarded_call;
mod no_breaker {
    mod bulkhead;
    mod guarded_call;
    mod retry;
}
mod once {
    mod bulkhead;
    mod circuit_breaker;
    mod guarded_call;
    pub mod retry;
}
mod no_breaker_fails {
    mod bulkhead;
    mod guarded_call;
    mod retry;
}
mod replay;
mod retry;
mod tried_once {
    mod bulkhead;
    mod circuit_breaker;
    mod guarded_call;
}
mod tried_once_fails {
    mod bulkhead;
    mod circuit_breaker;
    mod guarded_call;
}

use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::sync::{Barrier, LazyLock};
use std::thread;
use std::time::{Duration, Instant};

use bulkhead::payment_bulkhead;
use circuit_breaker::{CircuitBreaker, payment_breaker};
use retry::{Retry, Verdict, payment_retry};

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

thread_local! {
    static NOW: Cell<u64> = const { Cell::new(0) };
    static PAUSES: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
}

fn now() -> Instant {
    *START + Duration::from_millis(NOW.get())
}

fn pass(milliseconds: u64) {
    NOW.set(NOW.get() + milliseconds);
}

fn breaker() -> CircuitBreaker {
    payment_breaker(now)
}

/// Makes `calls` calls with one outcome and says how many were admitted.
fn calls(breaker: &CircuitBreaker, calls: u32, failed: bool) -> u32 {
    (0..calls).filter(|_| breaker.admit().map(|permit| permit.done(failed)).is_some()).count() as u32
}

fn breaker_trips_probes_and_closes() {
    let breaker = breaker();
    assert_eq!(calls(&breaker, 5, false), 5);
    assert_eq!(calls(&breaker, 4, true), 4);
    assert!(breaker.admit().is_some(), "9 calls are below the minimum");
    assert_eq!(calls(&breaker, 1, true), 1);
    assert_eq!(calls(&breaker, 7, false), 0, "10 calls, half of them failed");
    pass(4999);
    assert!(breaker.admit().is_none(), "still open");
    pass(1);
    let first = breaker.admit().unwrap();
    let second = breaker.admit().unwrap();
    drop(breaker.admit().unwrap());
    let third = breaker.admit().expect("a cancelled probe gives its place back");
    assert!(breaker.admit().is_none(), "three probes are under way");
    first.done(false);
    second.done(false);
    assert!(breaker.admit().is_none(), "two successes do not close it");
    third.done(false);
    assert_eq!(calls(&breaker, 9, true), 9, "closed with an empty window");
    assert_eq!(calls(&breaker, 2, true), 1);
    pass(5000);
    assert_eq!(calls(&breaker, 3, true), 1, "a failed probe opens it again");
    pass(4999);
    assert!(breaker.admit().is_none());
    pass(1);
    assert_eq!(calls(&breaker, 3, false), 3);
    assert_eq!(calls(&breaker, 5, false), 5, "closed");
}

fn breaker_forgets_counts_slow_calls_and_drops_late_ones() {
    let forgetful = breaker();
    calls(&forgetful, 9, true);
    pass(9_999);
    calls(&forgetful, 0, true);
    pass(1);
    assert_eq!(calls(&forgetful, 9, true), 9, "a window later the first nine are gone");
    assert_eq!(calls(&forgetful, 2, true), 1);

    let slow = breaker();
    for milliseconds in [239, 240].into_iter().cycle().take(10) {
        let permit = slow.admit().unwrap();
        pass(milliseconds);
        permit.done(false);
    }
    assert!(slow.admit().is_none(), "five of ten calls were slow");

    let late = breaker();
    let old = late.admit().unwrap();
    calls(&late, 10, true);
    pass(5000);
    assert_eq!(calls(&late, 1, false), 1);
    old.done(true);
    assert_eq!(calls(&late, 2, false), 2, "a failure from before it opened does not count");
    assert!(late.admit().is_some());
}

fn breaker_is_shared_by_threads() {
    let mut breaker = payment_breaker(Instant::now);
    breaker.open_for = Duration::ZERO;
    calls(&breaker, 10, true);
    let (breaker, probes) = (&breaker, AtomicU32::new(0));
    let barrier = &Barrier::new(16);
    thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                barrier.wait();
                let permit = breaker.admit();
                probes.fetch_add(u32::from(permit.is_some()), SeqCst);
                barrier.wait();
            });
        }
    });
    assert_eq!(probes.load(SeqCst), 3, "probes of sixteen threads");
}

fn retry() -> Retry {
    let mut retry = payment_retry();
    retry.clock = now;
    retry.random = || 1.0;
    retry.sleep = |pause| {
        PAUSES.with_borrow_mut(|pauses| pauses.push(pause.as_millis() as u64));
        pass(pause.as_millis() as u64);
    };
    retry
}

/// Runs a call that always fails and takes `takes` ms; gives the attempts' times and the pauses.
fn failing(retry: &Retry, takes: u64, verdict: fn(&()) -> Verdict) -> (Vec<u64>, Vec<u64>) {
    let mut times = Vec::new();
    PAUSES.take();
    let result: Result<(), ()> = retry.run(
        |time| {
            times.push(time.as_millis() as u64);
            pass(takes.min(time.as_millis() as u64));
            Err(())
        },
        verdict,
    );
    assert!(result.is_err());
    (times, PAUSES.take())
}

const ZERO: Duration = Duration::ZERO;

fn retry_counts_pauses_and_keeps_the_deadline() {
    assert_eq!(failing(&retry(), 0, |()| Verdict::Unknown(ZERO)), (vec![300; 4], vec![50, 100, 150]));
    let (times, pauses) = failing(&retry(), 400, |()| Verdict::Unknown(ZERO));
    assert_eq!((times, pauses), (vec![300, 300, 250], vec![50, 100]), "the deadline cuts the third");
    assert_eq!(failing(&retry(), 0, |()| Verdict::Final).0.len(), 1);
    let (times, pauses) = failing(&retry(), 0, |()| Verdict::NotProcessed(Duration::from_millis(500)));
    assert_eq!((times, pauses), (vec![300; 2], vec![550]), "a second wait would pass the deadline");

    assert_eq!(failing(&retry(), 0, |()| Verdict::NotProcessed(Duration::MAX)).0.len(), 1, "a Retry-After of ages");

    let mut attempts = 0;
    let result = retry().run(
        |_| {
            attempts += 1;
            if attempts == 3 { Ok(attempts) } else { Err(()) }
        },
        |()| Verdict::Unknown(ZERO),
    );
    assert_eq!(result, Ok(3));
}

fn retry_of_a_call_that_is_not_idempotent() {
    let once = once::retry::payment_retry();
    let tries = Cell::new(0);
    let attempt = |_| -> Result<(), ()> {
        tries.set(tries.get() + 1);
        Err(())
    };
    assert!(once.run(attempt, |()| once::retry::Verdict::Unknown(ZERO)).is_err());
    assert_eq!(tries.take(), 1, "it may have been processed");
    assert!(once.run(attempt, |()| once::retry::Verdict::NotProcessed(ZERO)).is_err());
    assert_eq!(tries.take(), 4, "it was not processed");
}

fn retry_budget_runs_dry_and_is_earned_again() {
    let retry = retry();
    let attempts: Vec<usize> =
        (0..30).map(|_| failing(&retry, 0, |()| Verdict::Unknown(ZERO)).0.len()).collect();
    let retries: usize = attempts.iter().map(|attempts| attempts - 1).sum();
    assert_eq!(&attempts[..4], [4, 4, 4, 2], "ten in hand, of which the first call cannot add one");
    assert_eq!(retries, 12, "ten in hand and 30 calls × 0.1, less what did not fit at the start");
}

fn jitter_is_full() {
    let mut retry = retry();
    retry.random = payment_retry().random;
    retry.earned = 3000;
    let pauses: Vec<u64> =
        (0..500).flat_map(|_| failing(&retry, 0, |()| Verdict::Unknown(ZERO)).1).collect();
    let firsts: Vec<u64> = pauses.iter().copied().step_by(3).collect();
    assert!(pauses.iter().all(|pause| *pause <= 150) && firsts.iter().all(|pause| *pause <= 50));
    let mean = firsts.iter().sum::<u64>() as f64 / firsts.len() as f64;
    assert!((20.0..30.0).contains(&mean), "mean of U(0, 50) in whole ms: {mean}");
    assert!(firsts.contains(&0) && firsts.iter().any(|pause| *pause >= 48));
}

fn bulkhead_refuses_at_its_limit_and_gives_back() {
    let bulkhead = &payment_bulkhead();
    let held: Vec<_> = (0..4).map(|_| bulkhead.enter().unwrap()).collect();
    assert!(bulkhead.enter().is_none());
    drop(held);
    let _ = thread::scope(|scope| {
        scope
            .spawn(|| {
                let _slot = bulkhead.enter();
                std::panic::resume_unwind(Box::new(()));
            })
            .join()
    });
    let (running, most) = (&AtomicU32::new(0), &AtomicU32::new(0));
    thread::scope(|scope| {
        for _ in 0..32 {
            scope.spawn(move || {
                for _ in 0..50 {
                    if let Some(_slot) = bulkhead.enter() {
                        most.fetch_max(running.fetch_add(1, SeqCst) + 1, SeqCst);
                        thread::yield_now();
                        running.fetch_sub(1, SeqCst);
                    }
                }
            });
        }
    });
    assert!((1..=4).contains(&most.load(SeqCst)), "{most:?} at a time");
    let all: Vec<_> = (0..4).map(|_| bulkhead.enter()).collect();
    assert!(all.iter().all(Option::is_some), "every slot came back");
}

fn budget_is_shared_by_threads() {
    let shared = Retry { base: ZERO, sleep: |_| {}, ..payment_retry() };
    let made = AtomicU32::new(0);
    thread::scope(|scope| {
        for _ in 0..40 {
            scope.spawn(|| {
                let result: Result<(), ()> = shared.run(
                    |_| {
                        made.fetch_add(1, SeqCst);
                        Err(())
                    },
                    |()| Verdict::Unknown(ZERO),
                );
                assert!(result.is_err());
            });
        }
    });
    let retries = made.load(SeqCst) - 40;
    assert!((10..=14).contains(&retries), "{retries}: ten in hand and 40 × 0.1");
}

fn failures_inside_a_retry_open_the_breaker() {
    use guarded_call::{CallError, GuardedCall};
    let guarded = GuardedCall { bulkhead: payment_bulkhead(), retry: retry(), breaker: breaker() };
    let mut made = 0;
    let mut last = Ok(());
    for _ in 0..4 {
        let lost = |_| {
            made += 1;
            Err(CallError::Failed(ZERO))
        };
        last = guarded.run(lost, Err);
    }
    assert_eq!((made, &last), (10, &Err(CallError::BreakerOpen)));
    let error: Box<dyn std::error::Error> = Box::new(last.unwrap_err());
    assert_eq!(error.to_string(), "circuit breaker open");
    let answer = guarded.run(|_| Err(CallError::Failed(ZERO)), |error| {
        assert_eq!(error, CallError::BreakerOpen);
        Ok("later")
    });
    assert_eq!(answer, Ok("later"));
}

fn main() {
    if let Some(table) = std::env::args().nth(1) {
        return replay::play(&std::fs::read_to_string(table).unwrap());
    }
    failures_inside_a_retry_open_the_breaker();
    breaker_trips_probes_and_closes();
    breaker_forgets_counts_slow_calls_and_drops_late_ones();
    breaker_is_shared_by_threads();
    retry_counts_pauses_and_keeps_the_deadline();
    retry_of_a_call_that_is_not_idempotent();
    retry_budget_runs_dry_and_is_earned_again();
    budget_is_shared_by_threads();
    jitter_is_full();
    bulkhead_refuses_at_its_limit_and_gives_back();
}
