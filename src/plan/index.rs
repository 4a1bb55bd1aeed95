//! Who calls a service and what it reads, by service, so that a file a service does not look through the
//! whole design.

use super::events::EventPlan;
use crate::model::{CallId, EventId, Model, Party};

/// Calls and subscriptions by the service at their end.
#[derive(Clone, Debug)]
pub(super) struct Index {
    pub(super) callers: Vec<Vec<CallId>>,
    pub(super) groups: Vec<Vec<(EventId, usize)>>,
}

impl Index {
    pub(super) fn new(model: &Model, events: &[EventPlan]) -> Self {
        let mut callers = vec![Vec::new(); model.services.len()];
        for id in model.call_ids() {
            callers[model.call(id).to.0].push(id);
        }
        let mut groups = vec![Vec::new(); model.services.len()];
        for id in model.event_ids() {
            for (i, group) in events[id.0].groups.iter().enumerate() {
                if let Party::Service(s) = group.consumer {
                    groups[s.0].push((id, i));
                }
            }
        }
        Self { callers, groups }
    }
}
