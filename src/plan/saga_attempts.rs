//! How the steps of a saga and their compensations are tried: timeouts, attempts and pauses of its workflow.

use super::choices::assumed;
use super::figure::Figure;
use super::sagas::StepClass;
use crate::catalog::numbers;
use crate::model::units::Time;
use crate::model::{Saga, SagaStep};

/// Events that an attempt leaves in the history of an execution: scheduled, started, submitted, ended.
const EVENTS_OF_AN_ATTEMPT: u64 = 4;

/// The pauses between attempts.
#[derive(Clone, Debug)]
pub struct Backoff {
    /// The first.
    pub base: Figure<Time>,
    /// How many times the last the next one is.
    pub factor: Figure<u64>,
    /// The longest.
    pub cap: Figure<Time>,
}

impl Default for Backoff {
    fn default() -> Self {
        let n = numbers();
        let base = Time::s(1).scale(n.saga_backoff_base.value);
        Self {
            base: assumed(base, &n.saga_backoff_base),
            factor: assumed(whole(n.saga_backoff_factor.value), &n.saga_backoff_factor),
            cap: assumed(base.scale(n.saga_backoff_cap.value), &n.saga_backoff_cap),
        }
    }
}

impl Backoff {
    /// All pauses between so many attempts, each at its bound.
    pub(super) fn between(&self, attempts: u32) -> Time {
        let (mut sum, mut pause) = (Time::default(), self.base.value);
        for _ in 1..attempts {
            sum = sum.plus(pause);
            pause = pause.times(self.factor.value).min(self.cap.value);
        }
        sum
    }
}

/// How one step is tried.
#[derive(Clone, Debug)]
pub struct StepAttempts {
    /// What one attempt may take, of the step and of its compensation: whole seconds, because engines
    /// count in them.
    pub timeout: Figure<Time>,
    /// Attempts of the step, the first included; `None` if it is repeated until it is done.
    pub most: Figure<Option<u32>>,
    /// Attempts of whatever is repeated until it is done, where the engine has a limit.
    pub engine_most: Option<Figure<u64>>,
}

impl StepAttempts {
    /// What all attempts of the step may take together, pauses at their bounds; `None` if it is repeated until it is
    /// done.
    #[must_use]
    pub fn all(&self, backoff: &Backoff) -> Option<Time> {
        let most = self.most.value?;
        let timeout = self.timeout.value.times(u64::from(most));
        Some(backoff.between(most).plus(timeout))
    }
}

/// The attempts of `step`, which may take `deadline` with all of them; `cut` is what else there is to say of that.
pub(super) fn of(
    step: &SagaStep,
    class: StepClass,
    (deadline, cut): (Time, &str),
    backoff: &Backoff,
    engine_most: Option<u64>,
) -> StepAttempts {
    let number = &numbers().saga_attempts;
    let second = Time::s(1);
    let once = class != StepClass::Retriable && step.idempotent.is_some_and(|i| !i.value);
    let wanted = if once {
        1
    } else {
        u32::try_from(whole(number.value)).unwrap_or(1)
    };
    // As many attempts as leave each a second at least.
    let fits = |n: &u32| backoff.between(*n).plus(second.times(u64::from(*n))) <= deadline;
    let attempts = (1..=wanted).rev().find(fits).unwrap_or(1);
    let pauses = backoff.between(attempts);
    let seconds = deadline.minus(pauses).as_ms() / 1000 / u64::from(attempts);
    let timeout = Time::s(seconds.max(1));
    let why = match attempts {
        _ if deadline < second => {
            format!("{deadline}, in the whole seconds that engines count in{cut}")
        }
        1 => format!("all of {deadline}: one attempt{cut}"),
        n => format!("({deadline} − {pauses} of pauses) / {n} attempts, in whole seconds{cut}"),
    };
    let most = match class {
        StepClass::Retriable => Figure::derived(
            None,
            "behind the pivot: it has to succeed in the end, so it is repeated until it does",
            "AzS",
        ),
        _ if once => Figure::derived(
            Some(1),
            "set as not safe to repeat: a second attempt could do it twice",
            "",
        ),
        _ if attempts < wanted => Figure::derived(
            Some(attempts),
            format!("more would not leave each a second of {deadline}"),
            "derived",
        ),
        _ => assumed(Some(attempts), number),
    };
    StepAttempts {
        timeout: Figure::derived(timeout, why, "derived"),
        most,
        engine_most: engine_most.map(|n| {
            Figure::derived(
                n,
                format!(
                    "{EVENTS_OF_AN_ATTEMPT} events an attempt; all that is repeated shares the engine's history"
                ),
                "SF",
            )
        }),
    }
}

/// How often each of what is repeated until it is done may be tried, so that all of them together fit into
/// a history of `events`, half of which is left for the rest.
pub(super) fn most(events: u64, saga: &Saga, classes: &[StepClass]) -> u64 {
    let steps = classes.iter().filter(|c| **c == StepClass::Retriable);
    let undos = saga.steps.iter().filter(|s| s.undo.is_some());
    // An execution goes forward or back, never both ways to the end.
    let repeated = steps.count().max(undos.count()).max(1);
    let each = u64::try_from(repeated).unwrap_or(u64::MAX);
    (events / 2 / EVENTS_OF_AN_ATTEMPT / each).max(1)
}

/// A number of the catalog as a count.
fn whole(value: f64) -> u64 {
    Time::ms(1).scale(value).as_ms()
}

#[cfg(test)]
mod tests {
    use super::Backoff;
    use crate::model::units::Time;

    #[test]
    fn pauses_double() {
        let backoff = Backoff::default();
        assert_eq!(backoff.between(1), Time::default());
        assert_eq!(backoff.between(2), Time::s(1));
        assert_eq!(backoff.between(4), Time::s(7));
        // 1 + 2 + … + 64 = 127, then 100 each.
        assert_eq!(backoff.between(9), Time::s(227));
    }
}
