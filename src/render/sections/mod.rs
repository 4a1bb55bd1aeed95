//! The sections of the chapter, one file each.

mod alerts;
mod amplification;
mod asynchronous;
mod availability;
mod column;
mod consistency;
mod discovery;
mod gateway;
mod interactions;
mod links;
mod load;
mod metrics;
mod migration;
mod observability;
mod overview;
mod ownership;
mod realtime;
mod reliability;
mod sync;
mod timeouts;
mod tracing;
mod whatif;

pub(super) use alerts::{contact, dashboard_link, runbook, runbook_link};

use super::Cx;
use super::doc::Doc;
use crate::model::Section;

/// Writes the body of `section`; its heading stands already.
pub(super) fn write(section: Section, cx: &Cx<'_>, doc: &mut Doc) {
    match section {
        Section::Overview => overview::write(cx, doc),
        Section::Interactions => interactions::write(cx, doc),
        Section::Sync => sync::write(cx, doc),
        Section::Async => asynchronous::write(cx, doc),
        Section::Realtime => realtime::write(cx, doc),
        Section::Discovery => discovery::write(cx, doc),
        Section::Reliability => reliability::write(cx, doc),
        Section::Tracing => tracing::write(cx, doc),
        Section::Gateway => gateway::write(cx, doc),
        Section::Consistency => consistency::write(cx, doc),
        Section::Observability => observability::write(cx, doc),
        Section::Alerts => alerts::write(cx, doc),
        Section::Migration => migration::write(cx, doc),
        Section::Ownership => ownership::write(cx, doc),
    }
}
