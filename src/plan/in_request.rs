//! How long one request waits for a call that it makes several times in a row.

use super::calls::CallPlan;
use super::distribution::LogNormal;
use crate::model::units::Time;

/// The time that one request of a service takes for one of its calls.
#[derive(Clone, Copy, Default)]
pub(super) struct InRequest {
    /// Its 99th percentile, to whole milliseconds where it is a sum.
    pub(super) p99: Time,
    /// Its median, where it is a sum: that varies far less than one call.
    pub(super) p50: Option<Time>,
    /// How often the call is made.
    pub(super) times: u32,
    /// The 99th percentile of one such call.
    pub(super) one: Time,
}

impl InRequest {
    /// What one request of the caller waits for `call`, made as often as it is there, one after the other. The times are
    /// taken to be independent: percentiles do not add.
    pub(super) fn of(call: &CallPlan) -> Self {
        let (times, one) = (call.per_request.value, call.p99.value);
        if times <= 1 {
            return Self {
                p99: one,
                p50: None,
                times,
                one,
            };
        }
        let sum = LogNormal::between(call.p50.value, one).times(times);
        let whole = |s: f64| Time::ms(1).scale((s * 1000.0).ceil());
        Self {
            p99: whole(sum.above(0.01)),
            p50: Some(whole(sum.mu.exp())),
            times,
            one,
        }
    }
}
