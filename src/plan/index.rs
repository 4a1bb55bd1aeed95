//! Who calls a service, what it reads and whom it has to reach, by service, so that a file a service does
//! not look through the whole design.

use std::collections::BTreeSet;

use super::events::EventPlan;
use super::sagas::SagaPlan;
use super::streams::StreamPlan;
use crate::model::{CallId, EventId, Model, Party, ServiceId};

/// Calls and subscriptions by the service at their end.
#[derive(Clone, Debug)]
pub(super) struct Index {
    pub(super) callers: Vec<Vec<CallId>>,
    pub(super) groups: Vec<Vec<(EventId, usize)>>,
    pub(super) clients: Vec<BTreeSet<ServiceId>>,
    pub(super) servers: Vec<BTreeSet<ServiceId>>,
}

impl Index {
    pub(super) fn new(
        model: &Model,
        events: &[EventPlan],
        streams: &[StreamPlan],
        sagas: &[SagaPlan],
    ) -> Self {
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
        let mut clients = vec![BTreeSet::new(); model.services.len()];
        let mut servers = vec![BTreeSet::new(); model.services.len()];
        let mut connects = |from: ServiceId, to: ServiceId| {
            if from != to {
                clients[to.0].insert(from);
                servers[from.0].insert(to);
            }
        };
        for c in &model.calls {
            if let Party::Service(from) = c.from {
                connects(from, c.to);
            }
        }
        // Who listens to a stream opens it.
        for (s, plan) in model.streams.iter().zip(streams) {
            if let (Some(server), Party::Service(client)) = (plan.server, s.to) {
                connects(client, server);
            }
        }
        for (s, plan) in model.sagas.iter().zip(sagas) {
            if let Some(lead) = &plan.coordinator {
                s.steps
                    .iter()
                    .for_each(|step| connects(lead.value, step.service));
            }
        }
        Self {
            callers,
            groups,
            clients,
            servers,
        }
    }
}
