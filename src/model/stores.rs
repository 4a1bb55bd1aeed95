//! Stores: who owns them, and who reads them besides.

use std::collections::BTreeMap;

use super::check::{self, Out};
use super::design::{Model, ServiceId, Store, StoreId};
use super::is_known_store;
use super::names::{self, short};
use crate::diag::Diagnostic;
use crate::spec::{ServiceDecl, Spec};

/// Stores by name, from the services that use them and from `[stores.NAME]`.
pub(super) fn place(spec: &Spec, model: &mut Model, out: Out<'_>) {
    let mut by_name: BTreeMap<String, Store> = BTreeMap::new();
    for d in &spec.stores {
        names::check("a store", &d.name, out);
        let store = Store {
            name: d.name.value.clone(),
            kind: d.kind.as_ref().map(|k| k.value.clone()).unwrap_or_default(),
            span: d.name.span,
            availability: check::ratio(d.availability.as_ref(), out),
            description: check::plain(d.description.as_ref()),
            optional: d.optional.as_ref().is_some_and(|o| o.value),
            zones: check::count(d.zones.as_ref()),
            users: Vec::new(),
            readers: Vec::new(),
        };
        by_name.insert(d.name.value.clone(), store);
    }
    let mut order: Vec<(ServiceId, &ServiceDecl)> = Vec::new();
    for (i, service) in model.services.iter().enumerate() {
        order.extend(
            spec.services
                .iter()
                .find(|d| d.name.span == service.span)
                .map(|d| (ServiceId(i), d)),
        );
    }
    for (id, d) in order {
        let owned = d.stores.iter().map(|text| (text, true));
        for (text, owns) in owned.chain(d.reads.iter().map(|text| (text, false))) {
            let (kind, name) = store_name(&text.value);
            if !names::valid(name) {
                out.push(
                    Diagnostic::error(
                        "bad-name",
                        text.span,
                        format!("`{}` does not name a store", short(&text.value)),
                    )
                    .at("its name is missing, or is none")
                    .help("write `\"postgres:orders\"`: its kind, a colon and its name"),
                );
                continue;
            }
            let store = by_name.entry(name.to_owned()).or_insert_with(|| Store {
                name: name.to_owned(),
                kind: kind.to_owned(),
                span: text.span,
                availability: None,
                description: None,
                optional: false,
                zones: None,
                users: Vec::new(),
                readers: Vec::new(),
            });
            if store.kind.is_empty() {
                kind.clone_into(&mut store.kind);
            }
            let users = store.users.iter().any(|(s, _)| *s == id);
            let list = if owns {
                &mut store.users
            } else {
                &mut store.readers
            };
            if !users && !list.iter().any(|(s, _)| *s == id) {
                list.push((id, text.span));
            }
        }
    }
    model.stores = by_name.into_values().collect();
    for (i, store) in model.stores.iter().enumerate() {
        for (service, _) in &store.users {
            model.services[service.0].stores.push(StoreId(i));
        }
        for (service, _) in &store.readers {
            model.services[service.0].reads.push(StoreId(i));
        }
    }
}

/// Kind and name: `postgres:orders`, `redis`, `orders`, or of a connection URL its scheme and its path.
fn store_name(text: &str) -> (&str, &str) {
    let text = text.trim();
    if let Some((kind, rest)) = text.split_once("://") {
        let kind = kind.rsplit(':').next().unwrap_or(kind);
        let address = rest.split(['?', '#']).next().unwrap_or(rest);
        let (host, path) = address.split_once('/').unwrap_or((address, ""));
        let name = match path.trim_matches('/').rsplit('/').next() {
            Some(name) if !name.is_empty() => name,
            _ => host
                .rsplit('@')
                .next()
                .and_then(|h| h.split(':').next())
                .unwrap_or(host),
        };
        return (kind, name);
    }
    match text.split_once(':') {
        Some((kind, name)) => (kind.trim(), name.trim()),
        None if is_known_store(text) => (text, text),
        None => ("", text),
    }
}
