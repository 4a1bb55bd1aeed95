//! TOML text → spanned raw spec.
//!
//! This room knows the *shape* of the language: which keys exist, which hold text, numbers or lists,
//! and how arrows are written. It keeps words as they were written, each with its place; what they
//! mean is the model's business. It collects every error and keeps what it could read.

mod arrow;
mod declare;
mod interactions;
mod journeys;
mod lint;
mod merge;
mod messaging;
mod parse;
mod policy;
mod secrets;
mod security;
mod table;

pub use declare::{
    BrokerDecl, Defaults, DiagramDecl, Platform, ProbeDecl, ServiceDecl, SloDecl, StoreDecl,
    TeamDecl,
};
pub use interactions::{AsyncDecl, Field, HTTP_METHODS, RealtimeDecl, SyncDecl};
pub use journeys::{FlowDecl, SagaDecl, SagaStepDecl, StepDecl};
pub use lint::{Allow, LintDecl, RuleDecl, Value};
pub use messaging::{StreamTermsDecl, TermsDecl};
pub use parse::{parse, parse_book};
pub use policy::{BackoffDecl, BreakerDecl, OrNone, PolicyDecl};

pub use security::JwtDecl;

use crate::diag::Span;

/// A value and the place where it was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub span: Span,
}

impl<T> Spanned<T> {
    /// `value`, written at `span`.
    pub fn new(value: T, span: Span) -> Self {
        Self { value, span }
    }
}

/// A word or sentence of the author's.
pub type Text = Spanned<String>;

/// Everything one block says, words not yet resolved.
#[derive(Clone, Debug, Default)]
pub struct Spec {
    /// Title of the chapter.
    pub title: Option<Text>,
    /// One or more sentences about the system.
    pub description: Option<Text>,
    /// `monolith` or `microservices`.
    pub architecture: Option<Text>,
    /// Where it runs; the first is the main one.
    pub infrastructure: Vec<Text>,
    /// Languages of the pattern code; the first is the main one.
    pub language: Vec<Text>,
    /// Sections to show, in this order.
    pub sections: Option<Vec<Text>>,
    /// Spec files to merge under this one.
    pub include: Vec<Text>,
    /// Heading level of the title.
    pub depth: Option<Spanned<i64>>,
    /// Services.
    pub services: Vec<ServiceDecl>,
    /// Whether `services` is there but nothing in it could be read, which has been reported.
    pub services_unreadable: bool,
    /// People and systems outside.
    pub actors: Vec<Text>,
    /// Synchronous calls.
    pub sync: Vec<SyncDecl>,
    /// Events.
    pub events: Vec<AsyncDecl>,
    /// Real-time streams.
    pub realtime: Vec<RealtimeDecl>,
    /// Teams.
    pub teams: Vec<TeamDecl>,
    /// Stores that are described on their own.
    pub stores: Vec<StoreDecl>,
    /// Brokers that are described on their own.
    pub brokers: Vec<BrokerDecl>,
    /// Sagas, in the author's order.
    pub sagas: Vec<SagaDecl>,
    /// User journeys, in the author's order.
    pub flows: Vec<FlowDecl>,
    /// Choices made by the author.
    pub platform: Platform,
    /// How the diagram of the design is shown.
    pub diagram: DiagramDecl,
    /// Numbers used where a call or service states none.
    pub defaults: Defaults,
    /// What the linter should let pass or insist on.
    pub lint: LintDecl,
    /// Where credentials stand in the text.
    pub secrets: Vec<Span>,
}
