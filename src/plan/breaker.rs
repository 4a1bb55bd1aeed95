//! Circuit breakers: windows and thresholds that can trip, and do not trip by chance.

use super::figure::Figure;
use crate::catalog::numbers;
use crate::model::units::{Rate, Ratio, Time, float};
use crate::model::{BreakerPolicy, Set};

/// A breaker on one call.
#[derive(Clone, Debug)]
pub struct Breaker {
    /// Share of failed or slow calls that opens it.
    pub ratio: Figure<Ratio>,
    /// Sliding window that it looks at.
    pub window: Figure<Time>,
    /// Calls in the window before it judges.
    pub minimum: Figure<u64>,
    /// Slower than this counts as failed; below the attempt timeout.
    pub slow: Figure<Time>,
    /// How long it stays open.
    pub open: Figure<Time>,
    /// Probes it lets through when half open.
    pub half_open: Figure<u64>,
    /// Chance that it trips within one window although only the base error rate holds.
    pub chance: f64,
}

/// What the breaker of a call depends on.
pub(super) struct Input<'a> {
    /// Calls of all instances of the caller together.
    pub(super) rate: Rate,
    /// Instances of the caller.
    pub(super) replicas: u64,
    /// Of one attempt.
    pub(super) timeout: Time,
    /// How long the callee needs to come back, and why.
    pub(super) restart: (Time, &'a str),
    /// Concurrent calls of one instance.
    pub(super) slots: u64,
    /// What the author says.
    pub(super) stated: BreakerPolicy,
}

/// The breaker of a call, or the reason why none would ever judge. What the author states stands, even
/// where it never judges; the linter speaks of that.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "whole positive numbers of the catalog"
)]
pub(super) fn plan(input: &Input<'_>) -> Result<Breaker, String> {
    let &Input {
        rate,
        replicas,
        timeout,
        restart,
        slots,
        stated,
    } = input;
    let n = numbers();
    let ms = |v: f64| Time(1).scale(v * 1000.0);
    let (shortest, longest) = (ms(n.breaker_window.value), ms(n.breaker_window_max.value));
    #[allow(clippy::cast_precision_loss, reason = "replicas are few")]
    let per_instance = rate.0 / replicas.max(1) as f64;
    let needed = |calls: f64| {
        if per_instance <= 0.0 {
            None
        } else {
            Some(Time::s(1).scale((calls / per_instance).ceil()))
        }
    };
    #[allow(clippy::cast_precision_loss, reason = "windows hold few calls")]
    let stated_minimum = stated.minimum_calls.map(|m| m.value as f64);
    let usual = [n.breaker_minimum.value, n.breaker_minimum_low.value];
    let tried: &[f64] = stated_minimum.as_ref().map_or(&usual, std::slice::from_ref);
    let stated_window = stated.window.map(|w| w.value);
    let fitting = tried.iter().find_map(|&m| {
        let window = needed(m)?.max(shortest);
        match stated_window {
            Some(stated) => (needed(m)? <= stated).then_some((m, stated)),
            None => (window <= longest).then_some((m, window)),
        }
    });
    let (minimum, window) = match (fitting, stated_minimum, stated_window) {
        (Some(both), _, _) => both,
        (None, Some(m), window) => (m, window.unwrap_or(longest)),
        (None, None, Some(window)) => (usual[1], window),
        (None, None, None) => {
            return Err(format!(
                "{}/s from each of {replicas} instances gives fewer than {} calls in {longest}, too few to judge by",
                float(per_instance),
                usual[1]
            ));
        }
    };
    let why_window = if window > shortest {
        format!("{minimum} calls ÷ {}/s an instance", float(per_instance))
    } else {
        format!(
            "the shortest in use: {} calls at {}/s an instance",
            float((per_instance * shortest.as_s()).floor()),
            float(per_instance)
        )
    };
    let ratio = stated
        .failure_rate
        .map_or(n.breaker_ratio.value, |r| r.value.0);
    let chance = chance_of_tripping(minimum as u64, ratio, n.breaker_base_error.value);
    let half_open = (n.breaker_half_open.value as u64).min(slots).max(1);
    Ok(Breaker {
        ratio: set_or(stated.failure_rate, || {
            Figure::assumed(Ratio(ratio), n.breaker_ratio.why.clone(), "R4J")
        }),
        window: set_or(stated.window, || {
            Figure::derived(window, why_window, "derived")
        }),
        minimum: set_or(stated.minimum_calls, || {
            Figure::derived(
                minimum as u64,
                format!("trips by chance with probability {chance:.1e} a window at 5% base errors"),
                "derived",
            )
        }),
        slow: set_or(stated.slow, || {
            Figure::derived(
                timeout.scale(n.breaker_slow_share.value),
                format!("{} × timeout {timeout}", n.breaker_slow_share.value),
                "R4J",
            )
        }),
        open: set_or(stated.open, || {
            Figure::derived(restart.0, restart.1.to_owned(), "K8s")
        }),
        half_open: set_or(stated.half_open, || {
            Figure::derived(
                half_open,
                format!(
                    "{}, and no more than the {slots} slots",
                    n.breaker_half_open.value
                ),
                "R4J",
            )
        }),
        chance,
    })
}

/// What the author set, or what follows.
fn set_or<T>(set: Option<Set<T>>, other: impl FnOnce() -> Figure<T>) -> Figure<T> {
    match set {
        Some(set) => Figure::set(set.value),
        None => other(),
    }
}

/// The probability that at least `ceil(calls × ratio)` of `calls` fail when each fails with
/// probability `base`: the upper tail of the binomial distribution.
#[must_use]
pub fn chance_of_tripping(calls: u64, ratio: f64, base: f64) -> f64 {
    #[allow(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "windows hold few calls"
    )]
    let least = (calls as f64 * ratio).ceil() as u64;
    // With so many calls chance plays no part any more.
    if calls > 10_000 {
        return if ratio > base { 0.0 } else { 1.0 };
    }
    let mut tail = 0.0;
    let mut term = (1.0 - base).powi(i32::try_from(calls).unwrap_or(i32::MAX));
    for k in 0..=calls {
        if k >= least {
            tail += term;
        }
        #[allow(clippy::cast_precision_loss, reason = "windows hold few calls")]
        {
            term *= (calls - k) as f64 / (k + 1) as f64 * base / (1.0 - base);
        }
    }
    tail
}

#[cfg(test)]
mod tests {
    use super::chance_of_tripping;

    #[test]
    fn the_binomial_tail_agrees_with_known_values() {
        let ten = chance_of_tripping(10, 0.5, 0.05);
        assert!((ten - 6.4e-5).abs() < 2e-6, "{ten}");
        let twenty = chance_of_tripping(20, 0.5, 0.05);
        assert!((twenty - 1.1e-8).abs() < 1e-9, "{twenty}");
        assert!((chance_of_tripping(4, 0.0, 0.3) - 1.0).abs() < 1e-12);
    }
}
