//! How calls end, and the circuit breaker as `src/render/code.rs` states it.

use super::super::PAYMENT_BREAKER;
use super::MS;

/// How a call or an attempt ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
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

pub(super) const OUTCOMES: [Outcome; 10] = [
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
    pub(super) fn name(self) -> &'static str {
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
    pub(super) fn failed(self) -> Option<bool> {
        match self {
            Cancelled => None,
            Broken | Unavailable | Unsent | Lost | Timeout => Some(true),
            Ok | Invalid | Fault | Refused => Some(false),
        }
    }

    /// Whether the callee, if this is a call's last outcome, has not served it.
    pub(super) fn unserved(self) -> bool {
        match self {
            Refused | Broken | Unavailable | Unsent | Lost | Timeout => true,
            Ok | Invalid | Fault | Cancelled => false,
        }
    }

    pub(super) fn retried(self, idempotent: bool) -> bool {
        match self {
            Refused | Unsent => true,
            Unavailable | Lost | Timeout => idempotent,
            Ok | Invalid | Fault | Broken | Cancelled => false,
        }
    }
}

pub(super) struct Breaker {
    phase: Phase,
    /// Number of the phase.
    number: u64,
}

/// From one opening or closing to the next.
#[derive(Default)]
struct Phase {
    open: bool,
    since: u64,
    admitted: u32,
    succeeded: u32,
    /// Number of a tenth of the window since the phase began, whether the result failed.
    results: Vec<(u64, bool)>,
}

/// What an admitted call carries until it ends.
#[derive(Clone, Copy)]
pub(super) struct Permit {
    number: u64,
    start: u64,
}

impl Breaker {
    pub(super) fn new(now: u64) -> Self {
        Self {
            phase: Phase {
                since: now,
                ..Phase::default()
            },
            number: 0,
        }
    }

    fn half_open(&self, now: u64) -> bool {
        now >= self.phase.since + u64::from(PAYMENT_BREAKER.open_ms.value) * MS
    }

    pub(super) fn name(&self, now: u64) -> &'static str {
        match (self.phase.open, self.half_open(now)) {
            (false, _) => "closed",
            (true, false) => "open",
            (true, true) => "half-open",
        }
    }

    fn enter(&mut self, open: bool, now: u64) {
        self.phase = Phase {
            open,
            since: now,
            ..Phase::default()
        };
        self.number += 1;
    }

    pub(super) fn admit(&mut self, now: u64) -> Option<Permit> {
        if self.phase.open {
            if !self.half_open(now) || self.phase.admitted == PAYMENT_BREAKER.half_open_calls.value
            {
                return None;
            }
            self.phase.admitted += 1;
        }
        Some(Permit {
            number: self.number,
            start: now,
        })
    }

    pub(super) fn record(&mut self, permit: Permit, outcome: Outcome, now: u64) {
        let values = PAYMENT_BREAKER;
        if permit.number != self.number {
            return;
        }
        let slow = now - permit.start >= u64::from(values.slow_call_ms.value) * MS;
        let failed = outcome.failed().map(|failed| failed || slow);
        let phase = &mut self.phase;
        match (phase.open, failed) {
            (true, None) => phase.admitted -= 1,
            (false, None) => {}
            (true, Some(true)) => self.enter(true, now),
            (true, Some(false)) => {
                phase.succeeded += 1;
                if phase.succeeded == values.half_open_calls.value {
                    self.enter(false, now);
                }
            }
            (false, Some(failed)) => {
                let tenth = u64::from(values.window_s.value) * 1000 * MS / 10;
                let this = (now - phase.since) / tenth;
                phase.results.push((this, failed));
                phase.results.retain(|(number, _)| number + 10 > this);
                let calls = phase.results.len();
                let failures = phase.results.iter().filter(|(_, failed)| *failed).count();
                let enough = calls >= usize::try_from(values.minimum_calls.value).unwrap();
                if enough && failures as f64 / calls as f64 >= values.failure_ratio.value {
                    self.enter(true, now);
                }
            }
        }
    }
}
