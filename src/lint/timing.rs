//! What several rules about time and retries share, so that one defect is told once.

use crate::diag::Span;
use crate::model::units::Time;
use crate::model::{CallId, Party, Stated};
use crate::plan::Idempotency;

use super::facts::Facts;

/// A path on which more than one layer retries.
pub(super) struct Storm {
    /// The first call that retries, and every call behind it on the worst path.
    pub(super) calls: Vec<CallId>,
    /// The attempts, multiplied.
    pub(super) product: u64,
}

impl Facts<'_> {
    /// The longest that the caller waits for one attempt, by its own words: the timeout, or the deadline of
    /// the whole call where that is shorter or alone.
    pub(super) fn patience(&self, id: CallId) -> Option<(Time, Span)> {
        let deadline = self.model.call(id).deadline.map(|d| (d.value, d.span));
        match (self.timeout(id), deadline) {
            (Some(t), Some(d)) if d.0 < t.0 => Some(d),
            (None, d) if !self.endless(id) => d,
            (t, _) => t,
        }
    }

    /// Whether the author says that the call waits for ever.
    pub(super) fn endless(&self, id: CallId) -> bool {
        matches!(self.model.call(id).timeout, Some(t) if t.value == Stated::Lacking)
    }

    /// Whether the caller gives up before its callee usually answers: `timeout-below-p99` speaks of it,
    /// and whatever else follows from the same number is an echo.
    pub(super) fn cut_off(&self, id: CallId) -> bool {
        matches!((self.patience(id), self.p99(id)), (Some((t, _)), Some((p, _, _))) if t < p)
    }

    /// Whether stated retries may do the work twice for sure: `retry-nonidempotent` speaks of them, and
    /// for every other rule the call is tried once.
    pub(super) fn unsafe_retries(&self, id: CallId) -> bool {
        let p = self.plan.call(id);
        self.model.call(id).retries.is_some_and(|r| r.value > 0)
            && !p.idempotent.value
            && matches!(p.idempotency, Idempotency::Stated | Idempotency::Method)
    }

    /// Whether the author asks for more than one attempt that stands.
    pub(super) fn retried(&self, id: CallId) -> bool {
        self.attempts(id).0 > 1
    }

    /// The paths on which at least two layers retry and attempts multiply to more than `retry-storm` allows. Of all
    /// paths with the same first retry only the worst.
    pub(super) fn storms(&self) -> Vec<Storm> {
        let n = self.model.services.len();
        // The worst product behind every service, and the call that leads there; successors first.
        let mut worst: Vec<(u64, Option<CallId>)> = vec![(1, None); n];
        let order = self.plan.graph.successors_first();
        for &s in &order {
            for id in self.outbound[s].iter().filter(|id| !self.in_cycle(**id)) {
                let to = self.model.call(*id).to.0;
                let product = worst[to].0.saturating_mul(self.attempts(*id).0.into());
                if product > worst[s].0 {
                    worst[s] = (product, Some(*id));
                }
            }
        }
        // Whether something before a service retries already: then its paths are part of a longer one.
        let mut before = vec![false; n];
        for &s in order.iter().rev() {
            before[s] = self.inbound[s].iter().any(|id| {
                let caller = matches!(self.model.call(*id).from, Party::Service(c) if before[c.0]);
                !self.in_cycle(*id) && (self.retried(*id) || caller)
            });
        }
        let mut out = Vec::new();
        for id in self.model.call_ids() {
            let c = self.model.call(id);
            let (attempts, _) = self.attempts(id);
            let product = worst[c.to.0].0.saturating_mul(attempts.into());
            let inner = match c.from {
                // Of one caller's calls only the worst.
                Party::Service(s) => before[s.0] || worst[s.0].1 != Some(id),
                Party::Actor(_) => false,
            };
            let alone = attempts < 2 || worst[c.to.0].0 < 2;
            if alone || product <= self.storm || inner || self.in_cycle(id) {
                continue;
            }
            let mut calls = vec![id];
            let mut at = c.to;
            while let Some(next) = worst[at.0].1 {
                calls.push(next);
                at = self.model.call(next).to;
            }
            out.push(Storm { calls, product });
        }
        out
    }

    /// Calls whose retries multiply with others' and are not the innermost: without them a storm is over.
    pub(super) fn layers_to_drop(&self) -> Vec<bool> {
        let mut drop = vec![false; self.model.calls.len()];
        for storm in self.storms() {
            let layers: Vec<CallId> = storm
                .calls
                .into_iter()
                .filter(|id| self.retried(*id))
                .collect();
            for id in layers.iter().rev().skip(1) {
                drop[id.0] = true;
            }
        }
        drop
    }
}
