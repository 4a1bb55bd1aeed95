//! The words that a key may choose from, read where the model reads them.

use crate::catalog;
use crate::lint;
use crate::model::{LANGUAGES, SECTIONS};

pub(super) fn infrastructures() -> Vec<&'static str> {
    catalog::infrastructures()
        .iter()
        .map(|i| i.id.as_str())
        .collect()
}

pub(super) fn languages() -> Vec<&'static str> {
    LANGUAGES.iter().map(|l| l.id).collect()
}

pub(super) fn sections() -> Vec<&'static str> {
    SECTIONS.iter().map(|s| s.id).collect()
}

pub(super) fn brokers() -> Vec<&'static str> {
    catalog::brokers().iter().map(|b| b.id.as_str()).collect()
}

pub(super) fn gateways() -> Vec<&'static str> {
    with_retired(catalog::gateways().iter().map(|g| g.id.as_str()))
}

pub(super) fn meshes() -> Vec<&'static str> {
    with_retired(catalog::meshes().iter().map(|m| m.id.as_str()))
}

/// The words of today, and those that may be named as what runs today and is at its end.
fn with_retired(now: impl Iterator<Item = &'static str>) -> Vec<&'static str> {
    now.chain(catalog::retired().iter().map(|r| r.id.as_str()))
        .collect()
}

pub(super) fn load_balancers() -> Vec<&'static str> {
    catalog::load_balancers()
        .iter()
        .map(|l| l.id.as_str())
        .collect()
}

pub(super) fn runtimes() -> Vec<&'static str> {
    catalog::runtimes().iter().map(|l| l.id.as_str()).collect()
}

pub(super) fn auths() -> Vec<&'static str> {
    catalog::AUTHS.iter().copied().chain(["none"]).collect()
}

pub(super) fn rules() -> Vec<&'static str> {
    lint::rules().iter().map(|r| r.id).collect()
}
