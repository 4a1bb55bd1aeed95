//! Circuit breakers: windows and thresholds that can trip, and do not trip by chance.

use super::figure::Figure;
use crate::catalog::numbers;
use crate::model::units::{Rate, Ratio, Time, float};

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

/// The breaker of a call that is made `rate` times a second by each instance of its caller, or the
/// reason why none would ever judge.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "whole positive numbers of the catalog"
)]
pub(super) fn plan(
    rate: Rate,
    replicas: u64,
    timeout: Time,
    restart: (Time, &str),
    slots: u64,
) -> Result<Breaker, String> {
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
    let (minimum, window) = [&n.breaker_minimum, &n.breaker_minimum_low]
        .into_iter()
        .find_map(|m| {
            let window = needed(m.value)?.max(shortest);
            (window <= longest).then_some((m, window))
        })
        .ok_or_else(|| {
            format!(
                "{}/s from each of {replicas} instances gives fewer than {} calls in {longest}, too few to judge by",
                float(per_instance),
                n.breaker_minimum_low.value
            )
        })?;
    let why_window = if window > shortest {
        format!(
            "{} calls ÷ {}/s an instance",
            minimum.value,
            float(per_instance)
        )
    } else {
        format!(
            "{}/s an instance fill the minimum of {shortest}",
            float(per_instance)
        )
    };
    let chance = chance_of_tripping(
        minimum.value as u64,
        n.breaker_ratio.value,
        n.breaker_base_error.value,
    );
    let half_open = (n.breaker_half_open.value as u64).min(slots).max(1);
    Ok(Breaker {
        ratio: Figure::assumed(
            Ratio(n.breaker_ratio.value),
            n.breaker_ratio.why.clone(),
            "R4J",
        ),
        window: Figure::derived(window, why_window, "derived"),
        minimum: Figure::derived(
            minimum.value as u64,
            format!("trips by chance with probability {chance:.1e} a window at 5% base errors"),
            "derived",
        ),
        slow: Figure::derived(
            timeout.scale(n.breaker_slow_share.value),
            format!("{} × timeout {timeout}", n.breaker_slow_share.value),
            "R4J",
        ),
        open: Figure::derived(restart.0, restart.1.to_owned(), "K8s"),
        half_open: Figure::derived(
            half_open,
            format!(
                "{}, and no more than the {slots} slots",
                n.breaker_half_open.value
            ),
            "R4J",
        ),
        chance,
    })
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
