//! The worst case of a flow on a time line: when each call begins, each attempt and each wait.

use super::Plan;
use super::flows::FlowPlan;
use crate::model::units::Time;
use crate::model::{CallId, Party, Step};

/// What is repeated more often in one request is one piece.
const REPEATED: u32 = 8;

/// One call of a flow when everything takes as long as it may.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// The call.
    pub call: CallId,
    /// How deep it is below the entry point, from 0.
    pub depth: usize,
    /// Attempts: from and to, counted from the beginning of the flow. The last one may be cut by the
    /// deadline of the call. A call that is repeated in one request has all of them.
    pub attempts: Vec<(Time, Time)>,
    /// When the caller stops waiting for the call that this one is made for: what comes later is lost.
    pub until: Option<Time>,
}

impl Span {
    /// When it begins.
    #[must_use]
    pub fn start(&self) -> Time {
        self.attempts.first().map_or(Time::default(), |a| a.0)
    }

    /// When it is over.
    #[must_use]
    pub fn end(&self) -> Time {
        self.attempts.last().map_or(Time::default(), |a| a.1)
    }
}

impl Plan<'_> {
    /// Every step of `flow` that is a call, in its order. Calls of one service follow one another, those
    /// of one group begin together, and what a call causes begins with its first attempt.
    #[must_use]
    pub fn waterfall(&self, flow: &FlowPlan) -> Vec<Span> {
        let services = self.model.services.len();
        // Per service: when it may make its next call, when its caller gives up, and how deep it is.
        let mut free = vec![Time::default(); services];
        let mut until: Vec<Option<Time>> = vec![None; services];
        let mut depth = vec![0_usize; services];
        let mut outside = Time::default();
        let mut out = Vec::new();
        for group in &flow.steps {
            let mut ends: Vec<(Party, Time)> = Vec::new();
            for step in group {
                let Step::Call(id) = *step else { continue };
                let c = self.model.call(id);
                let (start, limit, level) = match c.from {
                    Party::Service(s) => (free[s.0], until[s.0], depth[s.0]),
                    Party::Actor(_) => (outside, None, 0),
                };
                let attempts = self.attempts(id, start);
                let first = attempts.first().map_or(start, |a| a.1);
                free[c.to.0] = start;
                until[c.to.0] = Some(first);
                depth[c.to.0] = level.saturating_add(1);
                let span = Span {
                    call: id,
                    depth: level,
                    attempts,
                    until: limit,
                };
                ends.push((c.from, span.end()));
                out.push(span);
            }
            for (who, end) in ends {
                let next = match who {
                    Party::Service(s) => &mut free[s.0],
                    Party::Actor(_) => &mut outside,
                };
                *next = (*next).max(end);
            }
        }
        out
    }

    fn attempts(&self, id: CallId, start: Time) -> Vec<(Time, Time)> {
        let plan = self.call(id);
        let times = plan.per_request.value;
        if times > REPEATED {
            return vec![(start, start.plus(plan.worst_case().times(times.into())))];
        }
        let mut out = Vec::new();
        for i in 0..times.max(1) {
            let start = start.plus(plan.worst_case().times(i.into()));
            out.extend(self.once(id, start));
        }
        out
    }

    /// The attempts of one call.
    fn once(&self, id: CallId, start: Time) -> Vec<(Time, Time)> {
        let plan = self.call(id);
        let last = start.plus(plan.worst_case());
        let mut out = Vec::new();
        let mut at = start;
        let waits = plan.backoff.iter().copied().map(Some).chain([None]);
        for wait in waits.take(usize::try_from(plan.attempts.value).unwrap_or(usize::MAX)) {
            let end = at.plus(plan.timeout.value).min(last);
            if end > at {
                out.push((at, end));
            }
            at = end.plus(wait.unwrap_or_default());
        }
        out
    }
}
