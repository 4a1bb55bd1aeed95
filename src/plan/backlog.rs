//! What an outage of a consumer leaves waiting, and how long it takes to catch up.
//!
//! Backlog grows with the arrival rate while nobody reads, and shrinks with what the consumer can do beyond
//! that rate afterwards: `drain = λ · outage ÷ (capacity − λ)`. `tests/capacity.rs` steps through it.

use super::figure::Figure;
use super::services::ServicePlan;
use crate::catalog::numbers;
use crate::model::units::{Rate, Time, float};
use crate::model::{Model, Party};

/// A consumer after the longest outage that it has to survive.
#[derive(Clone, Debug)]
pub struct CatchUp {
    /// Messages that arrive.
    pub arrival: Rate,
    /// Messages that the consumer can handle.
    pub capacity: Figure<Rate>,
    /// The outage.
    pub outage: Time,
    /// Messages that wait at its end.
    pub backlog: f64,
    /// How long they take beside what goes on arriving; `None` where the consumer never catches up.
    pub drain: Option<Figure<Time>>,
}

impl CatchUp {
    /// Messages that wait `after` the outage has begun.
    #[must_use]
    pub fn waiting(&self, after: Time) -> f64 {
        if after <= self.outage {
            return self.arrival.0 * after.as_s();
        }
        let spare = self.capacity.value.0 - self.arrival.0;
        (self.backlog - spare * after.minus(self.outage).as_s()).max(0.0)
    }
}

pub(super) fn plan(
    model: &Model,
    services: &[ServicePlan],
    consumer: Party,
    arrival: Rate,
    handling: &Figure<Rate>,
) -> CatchUp {
    let capacity = capacity(model, services, consumer, arrival, handling);
    let outage = Time::s(3600).scale(numbers().outage.value);
    let backlog = arrival.0 * outage.as_s();
    let spare = capacity.value.0 - arrival.0;
    let drain = (spare > 0.0).then(|| {
        Figure::derived(
            Time::s(1).scale((backlog / spare).ceil()),
            format!(
                "{arrival} × {outage} waiting ÷ ({} − {arrival})",
                capacity.value
            ),
            "derived",
        )
    });
    CatchUp {
        arrival,
        capacity,
        outage,
        backlog,
        drain,
    }
}

/// What the author says that the consumer can do, less what else it does; or what its handlers manage.
fn capacity(
    model: &Model,
    services: &[ServicePlan],
    consumer: Party,
    arrival: Rate,
    handling: &Figure<Rate>,
) -> Figure<Rate> {
    let Party::Service(id) = consumer else {
        return handling.clone();
    };
    let Some(all) = model.service(id).capacity else {
        return handling.clone();
    };
    let other = (services[id.0].rate.value.0 - arrival.0).max(0.0);
    if other <= 0.0 {
        return Figure::set(all.value);
    }
    Figure::derived(
        Rate((all.value.0 - other).max(0.0)),
        format!("capacity {} − {}/s of other work", all.value, float(other)),
        "derived",
    )
}
