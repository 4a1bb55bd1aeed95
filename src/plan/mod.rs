//! Every derived number and choice of a design, each with its derivation.
//!
//! Pure: a model goes in, a [`Plan`] comes out. Nothing here writes prose or reads files; a derivation
//! is the formula with this system's numbers in it. A number stands here once; diagrams, tables, code,
//! configuration and the linter all read it here.

mod alerts;
mod amplification;
mod answers;
mod availability;
mod backlog;
mod breaker;
mod calls;
mod calltree;
mod capacity;
mod ceilings;
mod choices;
mod coupling;
mod distribution;
mod events;
mod figure;
mod flow_availability;
mod flows;
mod gateway;
mod graph;
mod in_request;
mod index;
mod journey;
mod lanes;
mod latency;
mod mend;
mod metrics;
mod migration;
mod ownership;
mod proof;
mod proxy;
mod queue;
mod reach;
mod recording;
mod redelivery;
mod saga_attempts;
mod saga_deadlines;
mod saga_links;
mod sagas;
mod services;
mod slo;
mod slug;
mod stored;
mod streams;
mod tracing;
mod traffic;
mod verbs;
mod waterfall;
mod whatif;
mod wire;

pub use alerts::{Alert, AlertSeverity, Alerting, Held, QuietService, RecordingRule};
pub use amplification::{AmplificationPlan, FlowLoad, PathLoad};
pub use answers::ErrorAnswer;
pub use availability::{Availability, AvailabilityPlan, Dependency, MINUTES_30_DAYS, minutes};
pub use backlog::CatchUp;
pub use breaker::{Breaker, chance_of_tripping};
pub use calls::{CallPlan, Idempotency, reads};
pub use calltree::{CallNode, call_tree};
pub use capacity::{CallLoad, CapacityPlan, ServiceLoad, StoreLoad};
pub use ceilings::Ceiling;
pub use choices::{Choice, Choices};
pub use coupling::{Agreement, Circle, CouplingPlan, Passage, percent};
pub use distribution::{Grid, LogNormal, Z99};
pub use events::{EventPlan, GroupPlan, event_type, is_past, is_past_tense, snake};
pub use figure::{Figure, Origin};
pub use flow_availability::{FlowAvailability, Likeness, Need, Softened};
pub use flows::{BudgetRow, FlowPlan};
pub use gateway::{GatewayPlan, Route, address};
pub use graph::Graph;
pub use journey::Tie;
pub use latency::{LatencyPart, LatencyPlan};
pub use mend::{Change, Mend};
pub use metrics::{
    Backlog, Requests, Resources, answered, asked, backlog, resources, throttled, to_record,
};
pub use migration::{MigrationPlan, MigrationStep};
pub use ownership::{Contract, OwnershipPlan, TeamPlan};
pub use proof::{Proof, ProofSeries, Shape};
pub use proxy::{Ejection, GRPC_MOST_ATTEMPTS, ProxyPlan, Retriers};
pub use recording::protocol;
pub use redelivery::RetryChannel;
pub use saga_attempts::{Backoff, StepAttempts};
pub use saga_links::{Hop, Lead, Links};
pub use sagas::{SagaEnd, SagaFailure, SagaOutcome, SagaPlan, SagaStepPlan, StepClass};
pub use services::{HealthPlan, ServicePlan};
pub use slo::Objective;
pub use slug::slug;
pub use stored::{Stored, together};
pub use streams::StreamPlan;
pub use tracing::TracingPlan;
pub use verbs::{ORDERS, ORDERS_IN_FRONT};
pub use waterfall::Span;
pub use whatif::{Effect, Failure, FailureRow, Reached, WhatIf};
pub use wire::Rpc;

use std::collections::BTreeSet;
use std::sync::OnceLock;

use crate::model::{CallId, EventId, Model, ServiceId, StreamId};

/// The design with every number in it.
#[derive(Clone, Debug)]
pub struct Plan<'m> {
    /// What the author said.
    pub model: &'m Model,
    /// Broker, gateway, mesh, authentication, infrastructure.
    pub choices: Choices,
    /// Calls, by [`CallId`].
    pub calls: Vec<CallPlan>,
    /// Services, by [`ServiceId`].
    pub services: Vec<ServicePlan>,
    /// Events, by [`EventId`].
    pub events: Vec<EventPlan>,
    /// Streams, by [`StreamId`].
    pub streams: Vec<StreamPlan>,
    /// The author's flows, or those derived from the entry points.
    pub flows: Vec<FlowPlan>,
    /// How available every part is, and who cannot do without whom.
    pub parts: Availability,
    /// How far retries multiply.
    pub amplification: AmplificationPlan,
    /// Routes and limits of the gateway.
    pub gateway: GatewayPlan,
    /// What tracing costs.
    pub tracing: TracingPlan,
    /// Sagas in the author's order.
    pub sagas: Vec<SagaPlan>,
    /// The order in which a monolith is cut up.
    pub migration: Option<MigrationPlan>,
    /// Chains, circles, hubs and agreements.
    pub coupling: CouplingPlan,
    /// Synchronous calls between services.
    pub graph: Graph,
    /// What was assumed because the author did not say it, one sentence each.
    pub assumptions: Vec<String>,
    index: OnceLock<index::Index>,
    mends: OnceLock<Vec<Mend>>,
    alerting: OnceLock<Alerting>,
    ownership: OnceLock<OwnershipPlan>,
}

impl<'m> Plan<'m> {
    /// The plan of `model`.
    #[must_use]
    pub fn new(model: &'m Model) -> Self {
        let mut choices = choices::choose(model);
        let graph = sync_graph(model);
        let traffic = traffic::carry(model);
        let entries = services::entries(model);
        let flows = flows::stated_or_derived(model, &entries);
        let replicas = services::replicas(model, &choices);
        let calls = calls::plan(model, &choices, &graph, &traffic, &flows, &replicas);
        let mut services = services::plan(model, &choices, &traffic, &calls, &entries, &replicas);
        let parts = Availability::new(model, choices.infrastructure, &services);
        let flows = flows::budgets(model, &choices, &calls, flows);
        let amplification = amplification::plan(model, &choices, &graph, &calls, &flows);
        let events = events::plan(model, &traffic, &services);
        choices.list.extend(choices::order(model, &events));
        let streams = streams::plan(model, &choices, &services);
        services::drain(&mut services, &streams);
        let gateway = gateway::plan(model, &choices, &calls, &services, &flows);
        let tracing = tracing::plan(
            model, &choices, &calls, &services, &events, &gateway, &flows,
        );
        let sagas = sagas::plan(model, &choices);
        let migration = migration::plan(model, &calls);
        let coupling = coupling::plan(model, &graph, &services);
        let mut plan = Self {
            model,
            choices,
            calls,
            services,
            events,
            streams,
            flows,
            parts,
            amplification,
            gateway,
            tracing,
            sagas,
            migration,
            coupling,
            graph,
            assumptions: Vec::new(),
            index: OnceLock::new(),
            mends: OnceLock::new(),
            alerting: OnceLock::new(),
            ownership: OnceLock::new(),
        };
        plan.assumptions = choices::assumptions(&plan);
        plan
    }

    /// The plan of the call `id`.
    #[must_use]
    pub fn call(&self, id: CallId) -> &CallPlan {
        &self.calls[id.0]
    }

    /// The plan of the service `id`.
    #[must_use]
    pub fn service(&self, id: ServiceId) -> &ServicePlan {
        &self.services[id.0]
    }

    /// The plan of the event `id`.
    #[must_use]
    pub fn event(&self, id: EventId) -> &EventPlan {
        &self.events[id.0]
    }

    /// The plan of the stream `id`.
    #[must_use]
    pub fn stream(&self, id: StreamId) -> &StreamPlan {
        &self.streams[id.0]
    }

    /// The calls that the service `id` makes.
    #[must_use]
    pub fn callees(&self, id: ServiceId) -> &[CallId] {
        &self.parts.calls[id.0]
    }

    /// The calls that are made to the service `id`.
    #[must_use]
    pub fn callers(&self, id: ServiceId) -> &[CallId] {
        &self.index().callers[id.0]
    }

    /// The services that open connections to the service `id`: its callers, who listens to its streams, who
    /// leads a saga through it.
    #[must_use]
    pub fn clients(&self, id: ServiceId) -> &BTreeSet<ServiceId> {
        &self.index().clients[id.0]
    }

    /// The services to which the service `id` opens connections.
    #[must_use]
    pub fn servers(&self, id: ServiceId) -> &BTreeSet<ServiceId> {
        &self.index().servers[id.0]
    }

    /// The groups by which the service `id` reads events: the event, and the index of the group in its plan.
    #[must_use]
    pub fn groups(&self, id: ServiceId) -> &[(EventId, usize)] {
        &self.index().groups[id.0]
    }

    fn index(&self) -> &index::Index {
        self.index
            .get_or_init(|| index::Index::new(self.model, &self.events, &self.streams, &self.sagas))
    }

    /// What is alerted on, worked out when asked for: no rule judges it, and it is mostly text.
    #[must_use]
    pub fn alerting(&self) -> &Alerting {
        self.alerting.get_or_init(|| {
            alerts::plan(&alerts::Input {
                model: self.model,
                infrastructure: &self.choices.infrastructure.id,
                namespace: &self.choices.namespace,
                outbound: &self.parts.calls,
                services: &self.services,
                calls: &self.calls,
                events: &self.events,
                streams: &self.streams,
                sagas: &self.sagas,
            })
        })
    }

    /// Who owns what, and who talks to whom, worked out when asked for.
    #[must_use]
    pub fn ownership(&self) -> &OwnershipPlan {
        self.ownership
            .get_or_init(|| ownership::plan(self.model, &self.alerting().alerts))
    }

    /// Our services that nobody owns.
    #[must_use]
    pub fn orphans(&self) -> Vec<ServiceId> {
        ownership::orphans(self.model)
    }

    /// The changes that mend the broken timeout budgets, worked out when asked for: each is one number, and
    /// the budgets were computed again with it. Empty where no budget is broken.
    #[must_use]
    pub fn mends(&self) -> &[Mend] {
        self.mends.get_or_init(|| mend::mends(self))
    }

    /// The response time of the flow `index` from the percentiles of its calls, worked out when asked for;
    /// `None` where nobody knows which calls happen in one request. A fraction of a millisecond each.
    #[must_use]
    pub fn latency(&self, index: usize) -> Option<LatencyPlan> {
        latency::latency(self.model, &self.calls, self.flows.get(index)?)
    }

    /// The same from the author's percentiles alone: no request can be faster.
    #[must_use]
    pub fn latency_as_stated(&self, index: usize) -> Option<LatencyPlan> {
        latency::latency_as_stated(self.model, &self.calls, self.flows.get(index)?)
    }

    /// The availability of the service `id`, worked out when it is asked for.
    #[must_use]
    pub fn availability(&self, id: ServiceId) -> AvailabilityPlan {
        self.parts.plan(id)
    }
}

/// Synchronous calls between services; actors are not part of it.
fn sync_graph(model: &Model) -> Graph {
    Graph::new(
        model.services.len(),
        model.calls.iter().filter_map(|c| match c.from {
            crate::model::Party::Service(from) => Some((from.0, c.to.0)),
            crate::model::Party::Actor(_) => None,
        }),
    )
}
