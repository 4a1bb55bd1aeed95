//! The design as the author means it: names resolved to ids, quantities to numbers.
//!
//! Nothing is derived here: what the author did not say is `None`, and the plan fills it. Everything
//! whose order has no meaning is sorted, so that two specs that say the same give the same model:
//! services, actors, calls, events, streams, stores, brokers and teams by name; sagas, flows, their
//! steps, the fields of a schema, infrastructures and languages in the author's order.

mod check;
mod choices;
mod classify;
mod design;
mod interactions;
mod journeys;
mod lookup;
mod messaging;
mod names;
mod policy;
mod probes;
mod resolve;
mod security;
mod settings;
mod stores;
pub mod units;

pub use choices::{LANGUAGES, Language, SECTIONS, Section, SectionInfo, known_language};
pub use classify::{Method, Protocol, Transport, is_known_store};
pub use design::{
    Actor, ActorId, Allow, Architecture, Auth, Balancing, Broker, BrokerId, Call, CallId, Checked,
    Defaults, Delivery, Event, EventId, Field, Flow, Labels, Lint, Model, Party, Platform, Probe,
    Publisher, RuleSetting, Saga, SagaStep, SagaStyle, Service, ServiceId, Set, Slo, Stated, Step,
    Store, StoreId, Stream, StreamId, Team, TeamId, View,
};
pub use messaging::{Backplane, Compatibility, SchemaCopy, StreamTerms, Terms};
pub use policy::{Backoff, BreakerPolicy, Policy};
pub use resolve::resolve;
pub use security::Token;

pub use crate::spec::Value as Written;
