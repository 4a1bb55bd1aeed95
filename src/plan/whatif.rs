//! What if: every part and every zone that can fail against every flow.

use super::Plan;
use super::availability::Dependency;
use super::journey::{Journey, Tie, Variant, rank};
use crate::model::{BrokerId, ServiceId, StoreId};

/// Something that can fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// One part, all its instances.
    Part(Dependency),
    /// One zone, in the worst case with everything in it that runs in one zone only.
    Zone(Vec<Dependency>),
}

/// What a failure does to a flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The flow does not touch it.
    Works,
    /// The flow answers, but not with everything or not at once.
    Degraded(Reached),
    /// The flow gives no answer.
    Down(Reached),
}

/// How a failure reaches a flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reached {
    /// How the flow depends on what failed.
    pub tie: Tie,
    /// What failed: for a zone the part that hurts most.
    pub part: Dependency,
    /// The services from the entry of the flow to it, or to the service that uses it.
    pub path: Vec<ServiceId>,
}

impl Effect {
    /// 0 works, 1 degraded, 2 down.
    #[must_use]
    pub fn badness(&self) -> u8 {
        match self {
            Self::Works => 0,
            Self::Degraded(_) => 1,
            Self::Down(_) => 2,
        }
    }
}

/// One failure and what it does to each flow.
#[derive(Clone, Debug)]
pub struct FailureRow {
    /// What fails.
    pub failure: Failure,
    /// By flow of the plan, as many as the table shows.
    pub effects: Vec<Effect>,
    /// Flows that are down, of all of them.
    pub down: usize,
    /// Flows that are degraded, of all of them.
    pub degraded: usize,
}

/// The matrix of failures and flows.
#[derive(Clone, Debug)]
pub struct WhatIf {
    /// What hurts most first; parts that no flow touches are left out.
    pub rows: Vec<FailureRow>,
    /// Failures that hurt less than those in `rows` and were left out.
    pub more: usize,
    /// Flows that `effects` speaks of.
    pub flows: usize,
    /// Parts that no flow touches.
    pub untouched: Vec<Dependency>,
    /// How the infrastructure places instances in zones.
    pub zones_why: String,
    /// Its source.
    pub zones_source: &'static str,
}

/// The most rows and columns.
const MOST_ROWS: usize = 200;
const MOST_FLOWS: usize = 24;

impl Plan<'_> {
    /// Whether all instances of `part` are in one zone. A single instance is; so is what the author puts
    /// into one zone. Managed stores and brokers are taken to have a standby in another.
    #[must_use]
    pub fn in_one_zone(&self, part: Dependency) -> bool {
        match part {
            Dependency::Service(id) => {
                let s = self.model.service(id);
                !s.external
                    && (s.zones.is_some_and(|z| z.value < 2) || self.service(id).replicas.value < 2)
            }
            Dependency::Store(id) => self.model.store(id).zones.is_some_and(|z| z.value < 2),
            Dependency::Broker(id) => self.model.broker(id).zones.is_some_and(|z| z.value < 2),
        }
    }

    /// Every part that can fail.
    fn everything(&self) -> impl Iterator<Item = Dependency> + use<> {
        let (services, stores, brokers) = (
            self.model.services.len(),
            self.model.stores.len(),
            self.model.brokers.len(),
        );
        (0..services)
            .map(|i| Dependency::Service(ServiceId(i)))
            .chain((0..stores).map(|i| Dependency::Store(StoreId(i))))
            .chain((0..brokers).map(|i| Dependency::Broker(BrokerId(i))))
    }

    /// The matrix of failures and flows, worked out when it is asked for: linear in parts × flows.
    #[must_use]
    pub fn what_if(&self) -> WhatIf {
        let journeys: Vec<Journey> = self
            .flows
            .iter()
            .map(|f| Journey::new(self.model, &self.parts, f, Variant::Whole))
            .collect();
        let shown = journeys.len().min(MOST_FLOWS);
        let row = |failure: Failure, parts: &[Dependency]| {
            let (mut down, mut degraded) = (0, 0);
            for j in &journeys {
                match worst(j, parts) {
                    Some((Tie::Needed, _)) => down += 1,
                    Some(_) => degraded += 1,
                    None => {}
                }
            }
            FailureRow {
                effects: journeys
                    .iter()
                    .take(shown)
                    .map(|j| effect(j, parts))
                    .collect(),
                failure,
                down,
                degraded,
            }
        };
        let mut rows = Vec::new();
        let mut untouched = Vec::new();
        for part in self.everything() {
            let row = row(Failure::Part(part), &[part]);
            if row.down + row.degraded == 0 {
                untouched.push(part);
            } else {
                rows.push(row);
            }
        }
        let zone: Vec<Dependency> = self.everything().filter(|p| self.in_one_zone(*p)).collect();
        if !zone.is_empty() {
            let row = row(Failure::Zone(zone.clone()), &zone);
            if row.down + row.degraded > 0 {
                rows.push(row);
            }
        }
        // Stable: what hurts the same stays in the order of the parts, the zone last.
        rows.sort_by_key(|r| std::cmp::Reverse((r.down, r.degraded)));
        let more = rows.len().saturating_sub(MOST_ROWS);
        rows.truncate(MOST_ROWS);
        let main = self.choices.infrastructure;
        WhatIf {
            rows,
            more,
            flows: shown,
            untouched,
            zones_why: main.zones_why.clone(),
            zones_source: &main.zones_source,
        }
    }
}

/// The part whose failure hurts the flow most, and how it is tied.
fn worst(journey: &Journey, parts: &[Dependency]) -> Option<(Tie, Dependency)> {
    parts
        .iter()
        .filter_map(|p| Some((journey.tie(*p)?, *p)))
        .min_by_key(|(tie, p)| (rank(*tie), *p))
}

fn effect(journey: &Journey, parts: &[Dependency]) -> Effect {
    let Some((tie, part)) = worst(journey, parts) else {
        return Effect::Works;
    };
    let reached = Reached {
        tie,
        part,
        path: journey.path(part),
    };
    match tie {
        Tie::Needed => Effect::Down(reached),
        _ => Effect::Degraded(reached),
    }
}
