//! How calls end, and the circuit breaker as `src/render/code.rs` states it.

use super::super::PAYMENT;
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

    pub(super) fn retried(self, idempotent: bool) -> bool {
        match self {
            Refused | Unsent => true,
            Unavailable | Lost | Timeout => idempotent,
            Ok | Invalid | Fault | Broken | Cancelled => false,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Closed,
    Open { since: u64 },
    HalfOpen { admitted: u32, succeeded: u32 },
}

pub(super) struct Breaker {
    pub(super) state: State,
    period: u64,
    /// Start, calls, failures.
    buckets: Vec<(u64, u32, u32)>,
}

/// What an admitted call carries until it ends.
#[derive(Clone, Copy)]
pub(super) struct Permit {
    period: u64,
    start: u64,
}

impl Breaker {
    pub(super) fn new() -> Self {
        Self {
            state: State::Closed,
            period: 0,
            buckets: Vec::new(),
        }
    }

    pub(super) fn name(&self) -> &'static str {
        match self.state {
            State::Closed => "closed",
            State::Open { .. } => "open",
            State::HalfOpen { .. } => "half-open",
        }
    }

    pub(super) fn enter(&mut self, state: State) {
        self.state = state;
        self.period += 1;
        self.buckets.clear();
    }

    pub(super) fn admit(&mut self, now: u64) -> Option<Permit> {
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

    pub(super) fn record(&mut self, permit: Permit, outcome: Outcome, now: u64) {
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
