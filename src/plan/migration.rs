//! The order in which a monolith is cut up.

use super::calls::CallPlan;
use crate::model::units::float;
use crate::model::{Architecture, EventId, Model, Party, ServiceId, StoreId};

/// One service to cut out.
#[derive(Clone, Debug)]
pub struct MigrationStep {
    /// The service.
    pub service: ServiceId,
    /// Services that call it: each call becomes a remote one.
    pub inbound: Vec<ServiceId>,
    /// Services that it calls.
    pub outbound: Vec<ServiceId>,
    /// Stores that it shares with others: each has to be split.
    pub shared: Vec<StoreId>,
    /// Stores that are its own already.
    pub owned: Vec<StoreId>,
    /// Events that it publishes, and that can carry its data to those left behind.
    pub events: Vec<EventId>,
    /// What cutting it costs: lower goes first.
    pub score: f64,
    /// How the score came about.
    pub why: String,
}

/// The whole cut.
#[derive(Clone, Debug)]
pub struct MigrationPlan {
    /// Steps in order.
    pub steps: Vec<MigrationStep>,
}

/// Costs that a score adds up: a shared store is the hardest to undo, a caller has to be changed, a
/// call has to be made safe against a network.
const SHARED: f64 = 3.0;
const INBOUND: f64 = 2.0;
const OUTBOUND: f64 = 1.0;

/// The cheapest cut first; each cut removes its calls from the cost of those that follow, since they
/// are remote by then.
pub(super) fn plan(model: &Model, calls: &[CallPlan]) -> Option<MigrationPlan> {
    if model.architecture != Some(Architecture::Monolith) {
        return None;
    }
    debug_assert_eq!(calls.len(), model.calls.len());
    let mut left: Vec<ServiceId> = model
        .service_ids()
        .filter(|s| !model.service(*s).external)
        .collect();
    let mut cut = vec![false; model.services.len()];
    let mut pairs: Vec<(ServiceId, ServiceId)> = model
        .calls
        .iter()
        .filter_map(|c| match c.from {
            // Somebody else's service was remote before.
            Party::Service(s) if s != c.to && !model.service(c.to).external => Some((s, c.to)),
            _ => None,
        })
        .collect();
    pairs.sort_unstable();
    pairs.dedup();
    let mut steps = Vec::new();
    while !left.is_empty() {
        let mut candidates: Vec<MigrationStep> = left
            .iter()
            .map(|&s| measure(model, &pairs, &cut, s))
            .collect();
        candidates.sort_by(|a, b| a.score.total_cmp(&b.score).then(a.service.cmp(&b.service)));
        let best = candidates.swap_remove(0);
        cut[best.service.0] = true;
        left.retain(|s| *s != best.service);
        steps.push(best);
        // A design with hundreds of services is planned a wave at a time.
        if steps.len() >= 100 {
            break;
        }
    }
    Some(MigrationPlan { steps })
}

fn measure(
    model: &Model,
    pairs: &[(ServiceId, ServiceId)],
    cut: &[bool],
    s: ServiceId,
) -> MigrationStep {
    let inbound: Vec<ServiceId> = pairs
        .iter()
        .filter(|(a, b)| *b == s && !cut[a.0])
        .map(|(a, _)| *a)
        .collect();
    let outbound: Vec<ServiceId> = pairs
        .iter()
        .filter(|(a, b)| *a == s && !cut[b.0])
        .map(|(_, b)| *b)
        .collect();
    let service = model.service(s);
    let (shared, owned): (Vec<StoreId>, Vec<StoreId>) = service.stores.iter().partition(|id| {
        model
            .store(**id)
            .users
            .iter()
            .any(|(u, _)| *u != s && !cut[u.0])
    });
    let count = super::traffic::count;
    let score = SHARED * count(shared.len())
        + INBOUND * count(inbound.len())
        + OUTBOUND * count(outbound.len());
    MigrationStep {
        service: s,
        events: model
            .event_ids()
            .filter(|e| model.event(*e).publishers.iter().any(|p| p.service == s))
            .collect(),
        why: format!(
            "{} × {} (stores shared) + {} × {} (callers inside) + {} × {} (calls inside)",
            float(SHARED),
            shared.len(),
            float(INBOUND),
            inbound.len(),
            float(OUTBOUND),
            outbound.len()
        ),
        inbound,
        outbound,
        shared,
        owned,
        score,
    }
}
