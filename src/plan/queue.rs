//! Queues: calls in flight, and how many find no slot.

/// The most slots that are stepped through.
const MOST_SLOTS: u64 = 10_000;

/// The share of calls that find all `slots` taken and are refused, at `load` calls in flight on average
/// (Erlang's loss formula, independent of how long the calls take): `B_0 = 1`,
/// `B_k = a·B_{k−1} ÷ (k + a·B_{k−1})`. `None` where there are too many slots to step through.
pub(super) fn refused(load: f64, slots: u64) -> Option<f64> {
    if slots > MOST_SLOTS || !load.is_finite() {
        return None;
    }
    let mut b = 1.0;
    let mut k = 0.0;
    for _ in 0..slots {
        k += 1.0;
        b = load * b / (k + load * b);
    }
    Some(b)
}

/// The fewest slots, at least `from`, that refuse no more than `most` of the calls at `load` calls in flight on
/// average. `None` where there are too many to step through.
pub(super) fn slots(load: f64, from: u64, most: f64) -> Option<u64> {
    if from > MOST_SLOTS || !load.is_finite() {
        return None;
    }
    let mut b = 1.0;
    let mut k = 0.0;
    for slots in 1..=MOST_SLOTS {
        k += 1.0;
        b = load * b / (k + load * b);
        if slots >= from && b <= most {
            return Some(slots);
        }
    }
    None
}

/// The mean of a log-normal time with the given median and 99th percentile, in seconds: `m · e^(σ²/2)` with
/// `σ = ln(p99 ÷ p50) ÷ 2.326`.
pub(super) fn mean(p50: f64, p99: f64) -> f64 {
    if p50 <= 0.0 || p99 <= p50 {
        return p99.max(0.0);
    }
    let sigma = (p99 / p50).ln() / 2.326_347_9;
    // A tail so long that its mean lies beyond the 99th percentile says more than two numbers can.
    (p50 * (sigma * sigma / 2.0).exp()).min(p99)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_the_fewest_that_refuse_little_enough() {
        assert_eq!(slots(0.14, 1, 0.001), Some(3));
        assert_eq!(slots(0.0, 1, 0.001), Some(1));
        assert_eq!(slots(5.0, 40, 0.001), Some(40));
        assert_eq!(slots(1.0, MOST_SLOTS + 1, 0.001), None);
        assert_eq!(slots(f64::INFINITY, 1, 0.001), None);
        for tenths in 1..200_u32 {
            let load = f64::from(tenths) / 10.0;
            let n = slots(load, 1, 0.001).unwrap_or(0);
            assert!(refused(load, n).unwrap_or(1.0) <= 0.001);
            assert!(refused(load, n - 1).unwrap_or(0.0) > 0.001, "{load}");
        }
    }

    #[test]
    fn known_cases_of_erlang() {
        let close = |a: f64, b: f64| assert!((a - b).abs() < 5e-4, "{a} is not {b}");
        close(refused(1.0, 1).unwrap_or(0.0), 0.5);
        // a³/6 ÷ (1 + a + a²/2 + a³/6) with a = 2.
        close(refused(2.0, 3).unwrap_or(0.0), 4.0 / 19.0);
        // Erlang C of 8 in flight on 10: 0.409, from B ÷ (1 − ρ(1 − B)).
        let b = refused(8.0, 10).unwrap_or(0.0);
        close(b / (1.0 - 0.8 * (1.0 - b)), 0.409);
        close(refused(0.0, 4).unwrap_or(1.0), 0.0);
        assert_eq!(refused(1.0, u64::MAX), None);
    }

    #[test]
    fn a_log_normal_mean() {
        // σ = ln 4 ÷ 2.326 = 0.596; 50 ms × e^0.1776 = 59.7 ms.
        assert!((mean(0.05, 0.2) - 0.0597).abs() < 1e-4);
        assert!((mean(0.2, 0.2) - 0.2).abs() < 1e-12);
    }
}
