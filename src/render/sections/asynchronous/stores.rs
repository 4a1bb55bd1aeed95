//! Which store of a service can hold its outbox or what it has handled, and how.

use crate::model::{Model, ServiceId, Store};

/// What a store can do in one step.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Ability {
    /// Several tables in one transaction.
    Transaction,
    /// Several documents in one transaction or conditional write.
    Document,
    /// Several keys in one command or script.
    Keys,
    /// Nothing is known about it.
    Unknown,
}

fn ability(kind: &str) -> Ability {
    match kind.to_ascii_lowercase().as_str() {
        "postgres" | "postgresql" | "mysql" | "mariadb" | "mssql" | "sqlserver" | "oracle"
        | "spanner" | "cockroachdb" | "sqlite" | "aurora" | "alloydb" => Ability::Transaction,
        "mongodb" | "mongo" | "dynamodb" | "cosmosdb" | "firestore" => Ability::Document,
        "redis" | "valkey" => Ability::Keys,
        _ => Ability::Unknown,
    }
}

/// The store of `service` that does the most in one step.
pub(super) fn best(model: &Model, service: ServiceId) -> Option<(&Store, Ability)> {
    model
        .service(service)
        .stores
        .iter()
        .map(|id| model.store(*id))
        .map(|s| (s, ability(&s.kind)))
        .min_by_key(|(_, a)| *a)
}
