//! What a gRPC operation is called on the wire.
//!
//! gRPC sends every call to `/package.Service/Method`. A spec may say all of it, or only the method; what
//! is missing follows from the design, so that the gateway's route, the span, the service configuration
//! and the `.proto` file all name the same method.

use super::slug::slug;
use crate::model::{Model, Protocol, ServiceId};

/// A gRPC method.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rpc {
    /// Package: lower-case words with dots.
    pub package: String,
    /// Service, without its package.
    pub service: String,
    /// Method; `None` where the spec names none.
    pub method: Option<String>,
    /// Whether the spec names the package.
    pub package_stated: bool,
}

impl Rpc {
    /// The method that `operation` of `callee` is, in the design with this namespace.
    ///
    /// `[package.]Service/Method` is taken as it stands; without a package it is
    /// `<namespace>.<callee>.v1`, without a service `<Callee>Service`.
    #[must_use]
    pub fn new(model: &Model, namespace: &str, callee: ServiceId, operation: &str) -> Self {
        let name = &model.service(callee).name;
        // What follows a blank is the author's remark, unless the blank is inside the method.
        let (service, method) = match operation.rsplit_once(['/', '.']) {
            Some((service, method)) => (Some(service.trim_matches('/')), method),
            None => (None, operation),
        };
        let (package, service) = match service.map(|s| s.rsplit_once('.').unwrap_or(("", s))) {
            Some((package, service)) => (package, camel(service)),
            None => ("", format!("{}Service", camel(strip_service(name)))),
        };
        let stated: Vec<String> = package
            .split('.')
            .filter(|w| !w.is_empty())
            .map(word)
            .collect();
        let method = Some(camel(method)).filter(|_| !method.trim().is_empty());
        Self {
            package_stated: !stated.is_empty(),
            package: if stated.is_empty() {
                format!("{}.{}.v1", word(namespace), word(name))
            } else {
                stated.join(".")
            },
            service,
            method,
        }
    }

    /// `package.Service`.
    #[must_use]
    pub fn full_service(&self) -> String {
        format!("{}.{}", self.package, self.service)
    }

    /// `package.Service/Method`, or `package.Service` without a method.
    #[must_use]
    pub fn full_method(&self) -> String {
        match &self.method {
            Some(method) => format!("{}/{method}", self.full_service()),
            None => self.full_service(),
        }
    }
}

impl super::Plan<'_> {
    /// The gRPC method of a call; `None` for other protocols.
    #[must_use]
    pub fn rpc(&self, id: crate::model::CallId) -> Option<Rpc> {
        let c = self.model.call(id);
        (c.protocol == Protocol::Grpc)
            .then(|| Rpc::new(self.model, &self.choices.namespace, c.to, &c.operation))
    }

    /// The gRPC method of a stream that `service` serves.
    #[must_use]
    pub fn stream_rpc(&self, service: ServiceId, path: &str) -> Rpc {
        Rpc::new(self.model, &self.choices.namespace, service, path)
    }
}

/// `payments-service` without the word that the name of its service ends in anyway.
fn strip_service(name: &str) -> &str {
    let ending = name.len().saturating_sub("service".len());
    match name.get(ending..) {
        Some(end) if ending > 0 && end.eq_ignore_ascii_case("service") => &name[..ending],
        _ => name,
    }
}

/// A package's word: lower case, digits and `_`, starting with a letter.
fn word(text: &str) -> String {
    let word = slug(text).replace('-', "_");
    if word.starts_with(|c: char| c.is_ascii_digit()) {
        format!("n{word}")
    } else {
        word
    }
}

/// A name in `PascalCase`: `payment-service` as `PaymentService`; `OrderCreated` stays as it is.
pub(super) fn camel(text: &str) -> String {
    // Other scripts are spelled by their code points.
    let spelled = if text.is_ascii() && text.contains(|c: char| c.is_ascii_alphanumeric()) {
        text.to_owned()
    } else {
        slug(text)
    };
    let words: Vec<&str> = spelled
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|w| !w.is_empty())
        .collect();
    let shouted = words.len() > 1 && !spelled.contains(|c: char| c.is_ascii_lowercase());
    let mut out = String::new();
    for word in words {
        let (first, rest) = word.split_at(1);
        out.push_str(&first.to_ascii_uppercase());
        if shouted {
            out.push_str(&rest.to_ascii_lowercase());
        } else {
            out.push_str(rest);
        }
    }
    if out.starts_with(|c: char| c.is_ascii_digit()) {
        out.insert(0, 'N');
    }
    out
}
