//! Merging an included spec, or the book's configuration, under a block.

use super::{Defaults, Platform, Spec};

impl Spec {
    /// Takes over from `other` what this spec does not say itself. Lists are put together, single
    /// values of this spec win.
    pub fn merge_under(&mut self, other: Self) {
        fill(&mut self.title, other.title);
        fill(&mut self.description, other.description);
        fill(&mut self.architecture, other.architecture);
        fill(&mut self.sections, other.sections);
        fill(&mut self.depth, other.depth);
        if self.infrastructure.is_empty() {
            self.infrastructure = other.infrastructure;
        }
        if self.language.is_empty() {
            self.language = other.language;
        }
        self.services.extend(other.services);
        self.services_unreadable |= other.services_unreadable;
        self.actors.extend(other.actors);
        self.sync.extend(other.sync);
        self.events.extend(other.events);
        self.realtime.extend(other.realtime);
        self.teams.extend(other.teams);
        self.stores.extend(other.stores);
        self.brokers.extend(other.brokers);
        self.sagas.extend(other.sagas);
        self.flows.extend(other.flows);
        self.platform.merge_under(other.platform);
        fill(&mut self.diagram.view, other.diagram.view);
        fill(&mut self.diagram.labels, other.diagram.labels);
        self.defaults.merge_under(other.defaults);
        self.lint.merge_under(other.lint);
        self.secrets.extend(other.secrets);
    }
}

impl Platform {
    fn merge_under(&mut self, other: Self) {
        fill(&mut self.broker, other.broker);
        fill(&mut self.mesh, other.mesh);
        fill(&mut self.gateway, other.gateway);
        fill(&mut self.auth, other.auth);
        fill(&mut self.jwt, other.jwt);
        fill(&mut self.rate_limit_scope, other.rate_limit_scope);
        fill(&mut self.gateway_replicas, other.gateway_replicas);
    }
}

impl Defaults {
    fn merge_under(&mut self, other: Self) {
        fill(&mut self.rate, other.rate);
        fill(&mut self.p50, other.p50);
        fill(&mut self.p99, other.p99);
        fill(&mut self.timeout, other.timeout);
        fill(&mut self.retries, other.retries);
        fill(&mut self.availability, other.availability);
        fill(&mut self.replicas, other.replicas);
        fill(&mut self.size, other.size);
        fill(&mut self.retention, other.retention);
    }
}

fn fill<T>(own: &mut Option<T>, other: Option<T>) {
    if own.is_none() {
        *own = other;
    }
}
