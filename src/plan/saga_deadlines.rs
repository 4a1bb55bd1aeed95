//! The deadline of a saga and those of its steps, which keep it together.
//!
//! No engine can end a whole run in time and take it back as well: a time limit of the run ends it without its
//! compensations. So the steps keep the deadline. One that states no time gets its part of what the others leave,
//! and the attempts of steps that state more than the saga has are cut to their shares.

use super::choices::assumed;
use super::figure::Figure;
use super::saga_attempts::{Backoff, StepAttempts};
use crate::catalog::numbers;
use crate::model::Saga;
use crate::model::units::Time;

/// The time of one step.
#[derive(Clone, Debug)]
pub(super) struct StepTime {
    /// How long it may take with its retries.
    pub(super) deadline: Figure<Time>,
    /// What of that its attempts may use up.
    pub(super) share: Time,
    /// Why that is not all, behind a formula; empty if it is.
    pub(super) cut: String,
}

/// The time of each step.
pub(super) fn steps(saga: &Saga) -> Vec<StepTime> {
    let stated = total(saga.steps.iter().filter_map(|s| s.timeout).map(|t| t.value));
    let open = saga.steps.iter().filter(|s| s.timeout.is_none()).count();
    let open = u64::try_from(open).unwrap_or(u64::MAX);
    let deadlines: Vec<Figure<Time>> = saga
        .steps
        .iter()
        .map(|step| match step.timeout {
            Some(t) => Figure::set(t.value),
            None => unstated(saga, stated, open),
        })
        .collect();
    let sum = total(deadlines.iter().map(|d| d.value));
    let limit = saga.deadline.map(|d| d.value).filter(|d| *d < sum);
    deadlines
        .into_iter()
        .map(|deadline| {
            let (share, cut) = match limit {
                None => (deadline.value, String::new()),
                Some(limit) => (
                    part(deadline.value, limit, sum),
                    format!("; steps of {sum} in all share {limit} of the saga"),
                ),
            };
            StepTime {
                deadline,
                share,
                cut,
            }
        })
        .collect()
}

/// The time of each of `open` steps that state none, beside others of `stated` in all.
fn unstated(saga: &Saga, stated: Time, open: u64) -> Figure<Time> {
    let number = &numbers().saga_step;
    let usual = Time::s(1).scale(number.value);
    let Some(deadline) = saga.deadline.map(|d| d.value) else {
        return assumed(usual, number);
    };
    // Whole seconds, as engines count.
    let seconds = deadline.minus(stated).as_ms() / 1000 / open.max(1);
    let left = Time::s(seconds.max(1));
    if left >= usual {
        return assumed(usual, number);
    }
    let why = if seconds == 0 {
        format!(
            "the least: {deadline} of the saga − {stated} of other steps leave no second for each of {open}"
        )
    } else {
        format!(
            "({deadline} of the saga − {stated} of other steps) / {open} steps, in whole seconds"
        )
    };
    Figure::derived(left, why, "derived")
}

/// `time` × `limit` / `sum`, in whole seconds from one on.
fn part(time: Time, limit: Time, sum: Time) -> Time {
    let product = u128::from(time.as_ms()) * u128::from(limit.as_ms());
    let ms = product / u128::from(sum.as_ms().max(1));
    let ms = u64::try_from(ms).unwrap_or(u64::MAX);
    if ms < 1000 {
        Time::ms(ms)
    } else {
        Time::s(ms / 1000)
    }
}

/// The deadline of the whole saga, whose steps may take `deadlines`.
pub(super) fn whole(saga: &Saga, deadlines: impl Iterator<Item = Time>) -> Figure<Time> {
    match saga.deadline {
        Some(d) => Figure::set(d.value),
        None => Figure::derived(
            total(deadlines),
            format!("{} steps, one after the other", saga.steps.len()),
            "derived",
        ),
    }
}

/// When a run has passed its pivot or turned back: all attempts and pauses of the steps that may fail.
pub(super) fn decided<'a>(
    attempts: impl Iterator<Item = &'a StepAttempts>,
    backoff: &Backoff,
) -> Figure<Time> {
    let mut sum = Time::default();
    let mut groups: Vec<((u32, Time), u32)> = Vec::new();
    for one in attempts {
        let Some(most) = one.most.value else { continue };
        let kind = (most, one.timeout.value);
        let pauses = backoff.between(most);
        sum = sum.plus(kind.1.times(u64::from(most))).plus(pauses);
        match groups.iter_mut().find(|(k, _)| *k == kind) {
            Some((_, n)) => *n += 1,
            None => groups.push((kind, 1)),
        }
    }
    let terms: Vec<String> = groups
        .iter()
        .map(|((most, timeout), steps)| {
            let pauses = backoff.between(*most);
            let one = match most {
                1 => timeout.to_string(),
                _ => format!("{most} × {timeout} + {pauses} of pauses"),
            };
            match (steps, most) {
                (1, _) => one,
                (_, 1) => format!("{steps} × {one}"),
                _ => format!("{steps} × ({one})"),
            }
        })
        .collect();
    Figure::derived(
        sum,
        format!("{}, of the steps that may fail", terms.join(" + ")),
        "derived",
    )
}

fn total(times: impl Iterator<Item = Time>) -> Time {
    times.fold(Time::default(), Time::plus)
}
