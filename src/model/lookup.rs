//! What the parts of a model are called, and how they are found by id.

use super::classify::Protocol;
use super::design::{
    Actor, ActorId, Auth, Broker, BrokerId, Call, CallId, Event, EventId, Model, Party, Service,
    ServiceId, Store, StoreId, Stream, StreamId, Team, TeamId,
};

impl Model {
    /// The service `id`.
    #[must_use]
    pub fn service(&self, id: ServiceId) -> &Service {
        &self.services[id.0]
    }

    /// The call `id`.
    #[must_use]
    pub fn call(&self, id: CallId) -> &Call {
        &self.calls[id.0]
    }

    /// The event `id`.
    #[must_use]
    pub fn event(&self, id: EventId) -> &Event {
        &self.events[id.0]
    }

    /// The stream `id`.
    #[must_use]
    pub fn stream(&self, id: StreamId) -> &Stream {
        &self.streams[id.0]
    }

    /// The store `id`.
    #[must_use]
    pub fn store(&self, id: StoreId) -> &Store {
        &self.stores[id.0]
    }

    /// The broker `id`.
    #[must_use]
    pub fn broker(&self, id: BrokerId) -> &Broker {
        &self.brokers[id.0]
    }

    /// The team `id`.
    #[must_use]
    pub fn team(&self, id: TeamId) -> &Team {
        &self.teams[id.0]
    }

    /// The actor `id`.
    #[must_use]
    pub fn actor(&self, id: ActorId) -> &Actor {
        &self.actors[id.0]
    }

    /// The name of `party`.
    #[must_use]
    pub fn party(&self, party: Party) -> &str {
        match party {
            Party::Service(id) => &self.service(id).name,
            Party::Actor(id) => &self.actor(id).name,
        }
    }

    /// Every service with its id.
    pub fn service_ids(&self) -> impl Iterator<Item = ServiceId> + use<> {
        (0..self.services.len()).map(ServiceId)
    }

    /// Every call with its id.
    pub fn call_ids(&self) -> impl Iterator<Item = CallId> + use<> {
        (0..self.calls.len()).map(CallId)
    }

    /// Every event with its id.
    pub fn event_ids(&self) -> impl Iterator<Item = EventId> + use<> {
        (0..self.events.len()).map(EventId)
    }

    /// Every stream with its id.
    pub fn stream_ids(&self) -> impl Iterator<Item = StreamId> + use<> {
        (0..self.streams.len()).map(StreamId)
    }

    /// `from -> to: operation`, as findings and tables name a call.
    #[must_use]
    pub fn call_name(&self, id: CallId) -> String {
        let c = self.call(id);
        let ends = format!("{} -> {}", self.party(c.from), self.service(c.to).name);
        let label = c.label();
        if label.is_empty() {
            ends
        } else {
            format!("{ends}: {label}")
        }
    }
}

impl Call {
    /// Protocol and operation: `POST /orders`, `gRPC Authorize`, `SMTP`.
    #[must_use]
    pub fn label(&self) -> String {
        let protocol = self.protocol.name();
        match (&self.protocol, self.operation.is_empty()) {
            (_, true) => protocol.to_owned(),
            (Protocol::Rest(m), false) if m.is_some() => self.operation.clone(),
            (_, false) => format!("{protocol} {}", self.operation),
        }
    }
}

impl Stream {
    /// Transport and path.
    #[must_use]
    pub fn label(&self) -> String {
        if self.path.is_empty() {
            self.transport.name().to_owned()
        } else {
            format!("{} {}", self.transport.name(), self.path)
        }
    }
}

impl Auth {
    /// What a spec calls it.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::Jwt => "jwt",
            Self::Mtls => "mtls",
            Self::Oauth2 => "oauth2",
            Self::Iam => "iam",
        }
    }

    /// The method called `id`.
    #[must_use]
    pub fn parse(id: &str) -> Option<Self> {
        [Self::Jwt, Self::Mtls, Self::Oauth2, Self::Iam]
            .into_iter()
            .find(|a| a.id().eq_ignore_ascii_case(id))
    }
}
