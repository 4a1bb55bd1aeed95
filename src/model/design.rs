//! The types of the model.

use std::collections::BTreeSet;

use super::choices::{Language, Section};
use super::classify::{Protocol, Transport};
use super::messaging::{SchemaCopy, StreamTerms, Terms};
use super::policy::Policy;
use super::security::Token;
use super::units::{Bytes, Rate, Ratio, Time};
use crate::catalog;
use crate::diag::Span;

macro_rules! ids {
    ($($name:ident $what:literal),* $(,)?) => {$(
        #[doc = concat!("Index of a ", $what, " in the model.")]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub usize);
    )*};
}

ids!(
    ServiceId "service",
    ActorId "actor",
    StoreId "store",
    BrokerId "broker",
    TeamId "team",
    CallId "call",
    EventId "event",
    StreamId "stream",
);

/// A value that the author set, and where.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Set<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub span: Span,
}

/// A value that the author set, or that the author says the existing system lacks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Stated<T> {
    /// Set.
    Value(T),
    /// `"none"`: known to be missing today.
    Lacking,
}

/// What exists today.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Architecture {
    /// One deployable that the design cuts up.
    Monolith,
    /// Services already.
    Microservices,
}

/// How much of the design its diagram shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum View {
    /// Everything, as long as that is readable.
    #[default]
    Auto,
    /// Everything.
    Full,
    /// The teams.
    Overview,
}

/// How much the diagram of interactions says at its lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Labels {
    /// As much as leaves it readable.
    #[default]
    Auto,
    /// Operations, side by side with their protocol.
    Full,
    /// Operations in narrow lines.
    Wrapped,
    /// Numbers and a key to them.
    Numbers,
}

/// How services prove who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Auth {
    /// A JSON Web Token a call.
    Jwt,
    /// Certificates on both ends.
    Mtls,
    /// Client credentials of an identity provider.
    Oauth2,
    /// The cloud's own workload identity.
    Iam,
}

/// Who takes part in an interaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Party {
    /// One of the design's services.
    Service(ServiceId),
    /// Somebody outside.
    Actor(ActorId),
}

/// A service.
#[derive(Clone, Debug)]
pub struct Service {
    /// Its name.
    pub name: String,
    /// Where it is declared.
    pub span: Span,
    /// What it does.
    pub description: Option<String>,
    /// Its owners; more than one is a fault that the linter reports.
    pub teams: Vec<TeamId>,
    /// What it is written in, in the author's words.
    pub language: Option<String>,
    /// Its stores.
    pub stores: Vec<StoreId>,
    /// Stores of others that it reads directly.
    pub reads: Vec<StoreId>,
    /// Where its callers find it.
    pub address: Option<Set<String>>,
    /// Said to be reachable from outside.
    pub public: Option<Set<bool>>,
    /// What it promises.
    pub slo: Option<Slo>,
    /// Availability of its own instances.
    pub availability: Option<Set<Ratio>>,
    /// Somebody else's.
    pub external: bool,
    /// Peak requests.
    pub rate: Option<Set<Rate>>,
    /// Instances.
    pub replicas: Option<Set<u64>>,
    /// Contract file.
    pub contract: Option<Set<String>>,
    /// Health endpoint; `Lacking` if there is none today.
    pub health: Option<Set<Stated<String>>>,
    /// What decides whether an instance is restarted.
    pub liveness: Option<Probe>,
    /// What decides whether an instance gets requests.
    pub readiness: Option<Probe>,
    /// Requests that all its instances together can serve.
    pub capacity: Option<Set<Rate>>,
    /// Zones over which its instances are spread.
    pub zones: Option<Set<u64>>,
    /// Time between the signal to stop and the kill.
    pub grace: Option<Set<Time>>,
    /// How requests are spread over its instances.
    pub balancing: Option<Set<Balancing>>,
    /// What runs it, where that limits a request.
    pub runtime: Option<Set<&'static catalog::Limit>>,
    /// What it checks of a token.
    pub jwt: Option<Set<BTreeSet<&'static str>>>,
}

/// A health probe that the author describes.
#[derive(Clone, Debug, PartialEq)]
pub struct Probe {
    /// The whole probe.
    pub span: Span,
    /// A path, or `grpc`.
    pub path: Option<Set<String>>,
    /// What it looks at besides the process itself.
    pub checks: Vec<Set<Checked>>,
}

/// What a health probe looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "each names what it holds")]
pub enum Checked {
    Service(ServiceId),
    Store(StoreId),
    Broker(BrokerId),
}

/// How requests are spread over the instances of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Balancing {
    /// A connection at a time.
    L4,
    /// A request at a time, by a proxy.
    L7,
    /// A request at a time, by the caller.
    Client,
}

/// A promise.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Slo {
    /// The whole promise.
    pub span: Span,
    /// Share of good requests.
    pub availability: Option<Set<Ratio>>,
    /// 99th percentile of the response time.
    pub p99: Option<Set<Time>>,
}

/// Somebody outside.
#[derive(Clone, Debug)]
pub struct Actor {
    /// The name.
    pub name: String,
    /// Where it is declared; `None` for `client`, which always exists.
    pub span: Option<Span>,
}

/// A data store.
#[derive(Clone, Debug)]
pub struct Store {
    /// Its name.
    pub name: String,
    /// `postgres`, `redis`, …; empty if not said.
    pub kind: String,
    /// Where it is first named.
    pub span: Span,
    /// Its availability.
    pub availability: Option<Set<Ratio>>,
    /// What it keeps.
    pub description: Option<String>,
    /// Its services can do without it, as without a cache.
    pub optional: bool,
    /// Zones over which it is spread.
    pub zones: Option<Set<u64>>,
    /// The services that use it, and where they say so.
    pub users: Vec<(ServiceId, Span)>,
    /// The services that read it though it is not theirs, and where they say so.
    pub readers: Vec<(ServiceId, Span)>,
}

/// A message broker of the design.
#[derive(Clone, Debug)]
pub struct Broker {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: &'static catalog::Broker,
    /// Where it is named; `None` for the one that the infrastructure brings.
    pub span: Option<Span>,
    /// Its availability.
    pub availability: Option<Set<Ratio>>,
    /// What it carries.
    pub description: Option<String>,
    /// Zones over which it is spread.
    pub zones: Option<Set<u64>>,
}

/// A team.
#[derive(Clone, Debug)]
pub struct Team {
    /// Its name.
    pub name: String,
    /// Where it is declared.
    pub span: Span,
    /// Chat channel.
    pub channel: Option<String>,
    /// On-call rotation.
    pub oncall: Option<String>,
    /// Mail address.
    pub email: Option<String>,
}

/// One operation that one party calls on one service.
#[derive(Clone, Debug)]
pub struct Call {
    /// The statement.
    pub span: Span,
    /// Who calls.
    pub from: Party,
    /// Who is called.
    pub to: ServiceId,
    /// How.
    pub protocol: Protocol,
    /// The operation, or empty for a bare protocol.
    pub operation: String,
    /// Peak rate.
    pub rate: Option<Set<Rate>>,
    /// Median response time as the caller sees it.
    pub p50: Option<Set<Time>>,
    /// 99th percentile of it.
    pub p99: Option<Set<Time>>,
    /// Of one attempt.
    pub timeout: Option<Set<Stated<Time>>>,
    /// Attempts after the first.
    pub retries: Option<Set<u32>>,
    /// Of the whole logical call.
    pub deadline: Option<Set<Time>>,
    /// Safe to repeat.
    pub idempotent: Option<Set<bool>>,
    /// A soft dependency: said to be `optional`, or with a `fallback` and not said to be needed.
    pub optional: bool,
    /// What the caller does when it fails.
    pub fallback: Option<String>,
    /// How the caller proves who it is.
    pub auth: Option<Set<Auth>>,
    /// The caller does not prove who it is today.
    pub lacks_auth: Option<Span>,
    /// Whose token it carries.
    pub token: Option<Set<Token>>,
    /// Whether it carries the trace context.
    pub traceparent: Option<Set<bool>>,
    /// Size of request or answer.
    pub payload: Option<Set<Bytes>>,
    /// Contract file.
    pub contract: Option<Set<String>>,
    /// What it is for.
    pub description: Option<String>,
    /// Concurrent calls that one instance of the caller allows.
    pub bulkhead: Option<Set<u64>>,
    /// What the callee, or the gateway in front of it, lets through.
    pub rate_limit: Option<Set<Rate>>,
    /// What it states about failure.
    pub policy: Policy,
}

impl Call {
    /// Whether the caller can do without the answer.
    #[must_use]
    pub fn soft(&self) -> bool {
        self.optional
    }
}

/// A service that publishes an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Publisher {
    /// Who.
    pub service: ServiceId,
    /// The statement.
    pub span: Span,
}

/// What a broker promises about delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// Duplicates are possible.
    AtLeastOnce,
    /// Losses are possible.
    AtMostOnce,
    /// The broker claims neither; consumers still see a publisher's duplicates.
    ExactlyOnce,
}

/// One field of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Its type as written.
    pub kind: String,
}

/// An event type.
#[derive(Clone, Debug)]
pub struct Event {
    /// Its name as written; `<publisher>.event` where only `Event` was written.
    pub name: String,
    /// `false` where the author wrote only `Event`.
    pub named: bool,
    /// Where its name first stands; the whole statement if it has none.
    pub name_span: Span,
    /// The first statement about it.
    pub span: Span,
    /// Who publishes it; more than one is a fault that the linter reports.
    pub publishers: Vec<Publisher>,
    /// Who reads it.
    pub consumers: Vec<(Party, Span)>,
    /// The broker it passes through.
    pub broker: BrokerId,
    /// Peak rate.
    pub rate: Option<Set<Rate>>,
    /// Size of a message.
    pub size: Option<Set<Bytes>>,
    /// Ordering key.
    pub key: Option<Set<String>>,
    /// Schema version.
    pub version: Option<Set<u32>>,
    /// Delivery promise.
    pub delivery: Option<Set<Delivery>>,
    /// Retention.
    pub retention: Option<Set<Time>>,
    /// Redeliveries.
    pub retries: Option<Set<u32>>,
    /// Fields of its data, in the author's order.
    pub schema: Vec<Field>,
    /// Where they stand.
    pub schema_span: Option<Span>,
    /// Statements that give it other fields: the copies of its readers.
    pub copies: Vec<SchemaCopy>,
    /// JSON Schema file in place of fields.
    pub schema_file: Option<Set<String>>,
    /// Fields with personal data.
    pub pii: Vec<String>,
    /// Contract file.
    pub contract: Option<Set<String>>,
    /// What it tells.
    pub description: Option<String>,
    /// How its messages are handled.
    pub terms: Terms,
    /// Nobody publishes it today.
    pub lacks_publisher: Option<Span>,
    /// No outbox today.
    pub lacks_outbox: Option<Span>,
    /// An outbox exists today.
    pub has_outbox: bool,
    /// Not durable today.
    pub lacks_durability: Option<Span>,
    /// The publisher does not wait for the broker today.
    pub lacks_acks: Option<Span>,
    /// Partitions of its topic.
    pub partitions: Option<Set<u64>>,
}

/// A real-time stream.
#[derive(Clone, Debug)]
pub struct Stream {
    /// The statement.
    pub span: Span,
    /// Who pushes.
    pub from: Party,
    /// Who listens.
    pub to: Party,
    /// How.
    pub transport: Transport,
    /// Path or method; empty if not said.
    pub path: String,
    /// Peak of concurrent connections.
    pub connections: Option<Set<u64>>,
    /// Messages.
    pub rate: Option<Set<Rate>>,
    /// Size of a message.
    pub size: Option<Set<Bytes>>,
    /// Heartbeat interval.
    pub heartbeat: Option<Set<Time>>,
    /// Whether a client can go on where it stopped.
    pub resume: Option<Set<bool>>,
    /// How the client proves who it is.
    pub auth: Option<Set<Auth>>,
    /// The client does not prove who it is today.
    pub lacks_auth: Option<Span>,
    /// How it reaches its clients.
    pub terms: StreamTerms,
    /// What it is for.
    pub description: Option<String>,
}

/// Who knows the state of a saga.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SagaStyle {
    /// One coordinator tells everybody.
    Orchestration,
    /// Everybody reacts to events.
    Choreography,
}

/// A saga.
#[derive(Clone, Debug)]
pub struct Saga {
    /// Its name.
    pub name: String,
    /// The statement.
    pub span: Span,
    /// Who knows its state; `None` if not said.
    pub style: Option<SagaStyle>,
    /// Who leads it; `None` if not said.
    pub coordinator: Option<ServiceId>,
    /// What it achieves.
    pub description: Option<String>,
    /// Said to be one transaction over all steps, by two-phase commit.
    pub two_phase: Option<Span>,
    /// Of the whole saga.
    pub deadline: Option<Set<Time>>,
    /// Said to have no deadline today.
    pub lacks_deadline: Option<Span>,
    /// Steps in order.
    pub steps: Vec<SagaStep>,
}

/// One step of a saga.
#[derive(Clone, Debug)]
pub struct SagaStep {
    /// The statement.
    pub span: Span,
    /// Who does it.
    pub service: ServiceId,
    /// What is done.
    pub action: String,
    /// What takes it back.
    pub undo: Option<String>,
    /// Said to be the go/no-go step.
    pub pivot: bool,
    /// Safe to repeat.
    pub idempotent: Option<Set<bool>>,
    /// How long it may take.
    pub timeout: Option<Set<Time>>,
    /// Said to have no timeout today.
    pub lacks_timeout: Option<Span>,
}

/// A user journey.
#[derive(Clone, Debug)]
pub struct Flow {
    /// Its name.
    pub name: String,
    /// The statement.
    pub span: Span,
    /// What the user does.
    pub description: Option<String>,
    /// What it promises.
    pub slo: Option<Slo>,
    /// Peak rate.
    pub rate: Option<Set<Rate>>,
    /// Steps in order; each inner list happens at the same time.
    pub steps: Vec<Vec<Step>>,
}

/// One step of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// An actor reaches an entry point for which no call is declared.
    Enter(ActorId, ServiceId),
    /// A call.
    Call(CallId),
    /// A publication.
    Publish(ServiceId, EventId),
    /// A consumer handles an event.
    Handle(EventId, Party),
    /// A message of a stream.
    Push(StreamId),
}

/// The author's choices.
#[derive(Clone, Debug, Default)]
pub struct Platform {
    /// Mesh.
    pub mesh: Option<Set<&'static catalog::Mesh>>,
    /// Gateway.
    pub gateway: Option<Set<&'static catalog::Gateway>>,
    /// Broker.
    pub broker: Option<Set<&'static catalog::Broker>>,
    /// Authentication between services.
    pub auth: Option<Set<Auth>>,
    /// Services do not prove who they are today.
    pub lacks_auth: Option<Span>,
    /// What every service checks of a token.
    pub jwt: Option<Set<BTreeSet<&'static str>>>,
    /// Every instance of the gateway counts requests for itself.
    pub local_limits: Option<Set<bool>>,
    /// Instances of the gateway.
    pub gateway_replicas: Option<Set<u64>>,
    /// What the author runs today and nobody maintains any more, and where that is said.
    pub retired: Vec<Set<&'static catalog::Retired>>,
    /// Attempts that the mesh adds to every call.
    pub mesh_retries: Option<Set<u32>>,
    /// Attempts that the gateway adds to every request.
    pub gateway_retries: Option<Set<u32>>,
    /// In front of the gateway.
    pub load_balancer: Option<Set<&'static catalog::Limit>>,
}

/// The author's numbers where a call or service states none.
#[derive(Clone, Copy, Debug, Default)]
#[allow(missing_docs, reason = "the fields are the spec's `[defaults]` keys")]
pub struct Defaults {
    pub rate: Option<Set<Rate>>,
    pub p50: Option<Set<Time>>,
    pub p99: Option<Set<Time>>,
    pub timeout: Option<Set<Time>>,
    pub retries: Option<Set<u32>>,
    pub availability: Option<Set<Ratio>>,
    pub replicas: Option<Set<u64>>,
    pub size: Option<Set<Bytes>>,
    pub retention: Option<Set<Time>>,
}

/// A finding that may stay.
#[derive(Clone, Debug)]
pub struct Allow {
    /// The whole entry.
    pub span: Span,
    /// The rule's id and its place.
    pub rule: Set<String>,
    /// Only findings about this.
    pub at: Option<Set<String>>,
    /// Why.
    pub reason: String,
}

/// What the linter lets pass or insists on.
#[derive(Clone, Debug, Default)]
pub struct Lint {
    /// Findings that may stay.
    pub allow: Vec<Allow>,
    /// Rules that count as errors.
    pub deny: Vec<Set<String>>,
    /// Rules that count as warnings.
    pub warn: Vec<Set<String>>,
    /// What is set for single rules, by id.
    pub rules: Vec<RuleSetting>,
}

/// What is set for one rule. Which rules and thresholds there are is the linter's affair.
#[derive(Clone, Debug)]
pub struct RuleSetting {
    /// The rule's id and its place.
    pub rule: Set<String>,
    /// How bad its findings are.
    pub severity: Option<Set<String>>,
    /// Its thresholds: the name, and the value as written.
    pub values: Vec<(Set<String>, Set<crate::spec::Value>)>,
}

/// The whole design.
#[derive(Clone, Debug)]
pub struct Model {
    /// Title of the chapter.
    pub title: String,
    /// About the system.
    pub description: Option<String>,
    /// What exists today; `None` if not said.
    pub architecture: Option<Architecture>,
    /// Where it runs; never empty, the first is the main one.
    pub infrastructures: Vec<&'static catalog::Infrastructure>,
    /// `false` where the author named no infrastructure.
    pub infrastructure_set: bool,
    /// Languages of pattern code; never empty.
    pub languages: Vec<Language>,
    /// `false` where the author named no language.
    pub language_set: bool,
    /// Sections to show, in order.
    pub sections: Vec<Section>,
    /// Services by name.
    pub services: Vec<Service>,
    /// Actors by name; `client` is always there.
    pub actors: Vec<Actor>,
    /// Stores by name.
    pub stores: Vec<Store>,
    /// Brokers by name; the first that `platform` or the infrastructure names is always there.
    pub brokers: Vec<Broker>,
    /// Teams by name.
    pub teams: Vec<Team>,
    /// Calls by caller, callee, protocol and operation.
    pub calls: Vec<Call>,
    /// Events by name.
    pub events: Vec<Event>,
    /// Streams by sender, receiver and path.
    pub streams: Vec<Stream>,
    /// Sagas in the author's order.
    pub sagas: Vec<Saga>,
    /// Flows in the author's order; empty if none is stated.
    pub flows: Vec<Flow>,
    /// The author's choices.
    pub platform: Platform,
    /// What the diagram shows.
    pub view: View,
    /// What stands at its lines.
    pub labels: Labels,
    /// The author's numbers.
    pub defaults: Defaults,
    /// What the linter lets pass.
    pub lint: Lint,
    /// Where credentials stand in the spec.
    pub secrets: Vec<Span>,
}
