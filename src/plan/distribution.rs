//! Distributions of response times on a grid: fitted to percentiles, added, raced, read off.
//!
//! A response time is taken to be log-normal: `ln X ~ N(μ, σ)` with `μ = ln p50` and
//! `σ = ln(p99 ÷ p50) ÷ z(0.99)`. On the grid every stretch of it is shared between its two ends so that
//! its mean stays (local moment matching); sums are then exact convolutions of the grid's masses.

use crate::model::units::Time;

/// `z(0.99)`, the standard normal quantile of the 99th percentile.
pub const Z99: f64 = 2.326_347_874_040_841;

/// Points of a grid. 512 keep a percentile within about half a per cent of the longest sum.
const POINTS: usize = 512;

/// A log-normal response time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LogNormal {
    /// Mean of the logarithm of seconds.
    pub mu: f64,
    /// Standard deviation of it; zero for a time that never varies.
    pub sigma: f64,
}

impl LogNormal {
    /// The one with this median and 99th percentile, in seconds; both must be above zero. A median above
    /// the percentile, which no data can have, is lowered to it.
    #[must_use]
    pub fn fit(p50: f64, p99: f64) -> Self {
        let p50 = p50.min(p99);
        Self {
            mu: p50.ln(),
            sigma: (p99 / p50).ln() / Z99,
        }
    }

    /// The one with these percentiles, which may be zero: a logarithm is taken of a microsecond at least.
    #[must_use]
    pub fn between(p50: Time, p99: Time) -> Self {
        let seconds = |t: Time| t.as_s().max(1e-6);
        Self::fit(seconds(p50), seconds(p99))
    }

    /// `P(X ≤ x)`.
    #[must_use]
    pub fn cdf(&self, x: f64) -> f64 {
        if x <= 0.0 {
            return 0.0;
        }
        if self.sigma <= 0.0 {
            return if x.ln() >= self.mu - 1e-12 { 1.0 } else { 0.0 };
        }
        phi((x.ln() - self.mu) / self.sigma)
    }

    /// `E[X; X ≤ x]`, the part of the mean below `x`.
    fn mean_below(&self, x: f64) -> f64 {
        if x <= 0.0 {
            return 0.0;
        }
        let mean = (self.mu + self.sigma * self.sigma / 2.0).exp();
        if self.sigma <= 0.0 {
            return if x.ln() >= self.mu - 1e-12 { mean } else { 0.0 };
        }
        mean * phi((x.ln() - self.mu) / self.sigma - self.sigma)
    }

    /// About the sum of `n` of them that are independent: the log-normal time with the same mean and variance
    /// (L. Fenton, "The sum of log-normal probability distributions in scatter transmission systems", 1960), which is
    /// good in the upper tail.
    #[must_use]
    pub fn times(&self, n: u32) -> Self {
        let n = f64::from(n.max(1));
        let mean = n * (self.mu + self.sigma * self.sigma / 2.0).exp();
        let variance = ((self.sigma * self.sigma).exp_m1() / n).ln_1p();
        Self {
            mu: mean.ln() - variance / 2.0,
            sigma: variance.sqrt(),
        }
    }

    /// The time that a share of `1 − tail` stays below, for a small `tail`.
    #[must_use]
    pub fn above(&self, tail: f64) -> f64 {
        (self.mu + self.sigma * z_above(tail)).exp()
    }
}

/// The standard normal distribution function, by the rational approximation 26.2.17 of Abramowitz and
/// Stegun; its error is below 7.5·10⁻⁸.
#[must_use]
pub(super) fn phi(z: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.231_641_9 * z.abs());
    let poly = t
        * (0.319_381_530
            + t * (-0.356_563_782
                + t * (1.781_477_937 + t * (-1.821_255_978 + t * 1.330_274_429))));
    let tail = (-z * z / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt() * poly;
    if z >= 0.0 { 1.0 - tail } else { tail }
}

/// The standard normal quantile of `1 − tail` for a `tail` up to one half, by 26.2.23 of Abramowitz and
/// Stegun; its error is below 4.5·10⁻⁴.
fn z_above(tail: f64) -> f64 {
    let t = (-2.0 * tail.clamp(1e-300, 0.5).ln()).sqrt();
    let top = 2.515_517 + t * (0.802_853 + t * 0.010_328);
    let bottom = 1.0 + t * (1.432_788 + t * (0.189_269 + t * 0.001_308));
    t - top / bottom
}

/// Masses at `0, step, 2·step, …`; what lies beyond the last point has been let go, so they may add up to
/// less than one.
#[derive(Clone, Debug, PartialEq)]
pub struct Grid {
    step: f64,
    mass: Vec<f64>,
}

impl Grid {
    /// The step of a grid that reaches up to `longest` seconds.
    #[must_use]
    pub fn step_to(longest: f64) -> f64 {
        #[allow(clippy::cast_precision_loss, reason = "a few hundred")]
        let points = (POINTS - 1) as f64;
        (longest / points).max(1e-9)
    }

    /// Seconds between two points.
    #[must_use]
    pub fn step(&self) -> f64 {
        self.step
    }

    /// A time that never varies.
    #[must_use]
    pub fn constant(seconds: f64, step: f64) -> Self {
        let at = (seconds / step).max(0.0);
        let low = index(at.floor());
        let mut mass = vec![0.0; (low + 2).min(POINTS)];
        let high = at - at.floor();
        if let Some(m) = mass.get_mut(low) {
            *m += 1.0 - high;
        }
        if let Some(m) = mass.get_mut(low + 1) {
            *m += high;
        }
        Self { step, mass }.trimmed()
    }

    /// A log-normal time.
    #[must_use]
    pub fn log_normal(x: &LogNormal, step: f64) -> Self {
        if x.sigma <= 0.0 {
            return Self::constant(x.mu.exp(), step);
        }
        let mut mass = vec![0.0; POINTS];
        let (mut below, mut mean) = (0.0, 0.0);
        for i in 1..=POINTS {
            #[allow(clippy::cast_precision_loss, reason = "a few hundred")]
            let (from, to) = ((i - 1) as f64 * step, i as f64 * step);
            let (now, now_mean) = (x.cdf(to), x.mean_below(to));
            let (m, part) = ((now - below).max(0.0), now_mean - mean);
            // The stretch's mass goes to its two ends so that its mean stays.
            let up = ((part - from * m) / step).clamp(0.0, m);
            mass[i - 1] += m - up;
            if let Some(next) = mass.get_mut(i) {
                *next += up;
            }
            (below, mean) = (now, now_mean);
            if now > 1.0 - 1e-9 {
                break;
            }
        }
        Self { step, mass }.trimmed()
    }

    /// One after the other.
    #[must_use]
    pub fn then(&self, other: &Self) -> Self {
        let (a, b) = if self.mass.len() <= other.mass.len() {
            (&self.mass, &other.mass)
        } else {
            (&other.mass, &self.mass)
        };
        if a.is_empty() || b.is_empty() {
            return Self {
                step: self.step,
                mass: Vec::new(),
            };
        }
        let mut mass = vec![0.0; (a.len() + b.len() - 1).min(POINTS)];
        for (i, x) in a.iter().enumerate().filter(|(_, x)| **x > 0.0) {
            for (sum, y) in mass[i..].iter_mut().zip(b) {
                *sum += x * y;
            }
        }
        Self {
            step: self.step,
            mass,
        }
        .trimmed()
    }

    /// `n` of them, one after the other.
    #[must_use]
    pub fn times(&self, n: u32) -> Self {
        let (mut out, mut power, mut left) = (Self::constant(0.0, self.step), self.clone(), n);
        while left > 0 {
            if left & 1 == 1 {
                out = out.then(&power);
            }
            left >>= 1;
            if left > 0 {
                power = power.then(&power);
            }
        }
        out
    }

    /// At the same time, until the last has answered: the distribution functions multiply.
    #[must_use]
    pub fn race(&self, other: &Self) -> Self {
        let length = self.mass.len().max(other.mass.len());
        let (mut f, mut g, mut before) = (0.0, 0.0, 0.0);
        let mass = (0..length)
            .map(|i| {
                f += self.mass.get(i).copied().unwrap_or(0.0);
                g += other.mass.get(i).copied().unwrap_or(0.0);
                let now = f * g;
                let m = now - before;
                before = now;
                m
            })
            .collect();
        Self {
            step: self.step,
            mass,
        }
        .trimmed()
    }

    /// The time that a share `q` of requests stays below, in seconds; infinite where the grid does not
    /// reach so far.
    #[must_use]
    pub fn quantile(&self, q: f64) -> f64 {
        let mut sum = 0.0;
        for (i, m) in self.mass.iter().enumerate() {
            if sum + m >= q && *m > 0.0 {
                // The mass of a point is spread evenly over half a step to either side.
                #[allow(clippy::cast_precision_loss, reason = "a few hundred")]
                let at = i as f64 - 0.5 + (q - sum) / m;
                return (at * self.step).max(0.0);
            }
            sum += m;
        }
        f64::INFINITY
    }

    /// The share of requests that stay below `x` seconds.
    #[must_use]
    pub fn cdf(&self, x: f64) -> f64 {
        let at = x / self.step + 0.5;
        let whole = index(at.floor());
        let sum: f64 = self.mass.iter().take(whole).sum();
        sum + self.mass.get(whole).copied().unwrap_or(0.0) * (at - at.floor())
    }

    /// Without the points at the end that hold nothing.
    fn trimmed(mut self) -> Self {
        let last = self.mass.iter().rposition(|m| *m > 1e-15);
        self.mass.truncate(last.map_or(0, |i| i + 1));
        self
    }
}

/// The index of a point; what lies beyond the grid has the first index behind it.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "held within the grid"
)]
fn index(at: f64) -> usize {
    if at.is_nan() || at < 0.0 {
        return 0;
    }
    (at as usize).min(POINTS)
}

#[cfg(test)]
mod tests {
    use super::{Grid, LogNormal, Z99, phi};

    #[test]
    fn the_normal_distribution_agrees_with_its_table() {
        for (z, p) in [
            (0.0, 0.5),
            (1.0, 0.841_344_746),
            (-1.96, 0.024_997_895),
            (Z99, 0.99),
        ] {
            assert!((phi(z) - p).abs() < 1e-7, "{z}: {}", phi(z));
        }
    }

    #[test]
    fn a_fit_gives_its_percentiles_back() {
        let x = LogNormal::fit(0.05, 0.2);
        assert!((x.cdf(0.05) - 0.5).abs() < 1e-7);
        assert!((x.cdf(0.2) - 0.99).abs() < 1e-7);
        let grid = Grid::log_normal(&x, Grid::step_to(x.above(0.001)));
        assert!((grid.quantile(0.5) / 0.05 - 1.0).abs() < 0.01);
        assert!((grid.quantile(0.99) / 0.2 - 1.0).abs() < 0.01);
    }

    #[test]
    fn a_sum_of_many_is_near_what_the_grid_counts() {
        for (p50, n) in [(0.05, 2), (0.05, 10), (0.1, 30), (0.02, 5)] {
            let x = LogNormal::fit(p50, 0.2);
            let sum = x.times(n);
            let exact = Grid::log_normal(&x, Grid::step_to(1.5 * sum.above(0.001))).times(n);
            let (fast, slow) = (sum.above(0.01), exact.quantile(0.99));
            assert!(
                (fast / slow - 1.0).abs() < 0.04,
                "{n} × {p50}: {fast}, {slow}"
            );
        }
        let constant = LogNormal::fit(0.2, 0.2).times(7);
        assert!((constant.above(0.01) - 1.4).abs() < 1e-9);
        assert!((LogNormal::fit(0.05, 0.2).times(1).above(0.01) - 0.2).abs() < 1e-3);
    }

    #[test]
    fn constants_add_and_race_exactly() {
        let step = Grid::step_to(1.0);
        let (a, b) = (Grid::constant(0.1, step), Grid::constant(0.25, step));
        for q in [0.01, 0.5, 0.99] {
            assert!((a.then(&b).quantile(q) - 0.35).abs() < 2.0 * step);
            assert!((a.race(&b).quantile(q) - 0.25).abs() < 2.0 * step);
            assert!((a.times(5).quantile(q) - 0.5).abs() < 3.0 * step);
        }
        assert!(a.times(100).quantile(0.5).is_infinite());
    }
}
