//! `jwt-checks`: a token is believed that was not made for this.
//!
//! A `jwt = { checks = […] }`, of a service or the platform, without `alg`, `iss`, `aud` or `exp`.

use super::prelude::*;
use std::collections::BTreeSet;
use crate::model::Set;

rule! {
    id: "jwt-checks",
    severity: Error,
    section: Sync,
    summary: "a token is believed that was not made for this",
    what: "A `jwt = { checks = […] }`, of a service or the platform, without `alg`, `iss`, `aud` or `exp`.",
    why: "Each check closes a way in: a token signed with an algorithm of the attacker's, of another issuer, for another service, or from last year.",
    limits: "Nothing said means that the design checks all of them.",
    source: "RFC 8725, JSON Web Token Best Current Practices, section 3",
}

fn check(facts: &Facts<'_>, report: &mut Report) {
    let model = facts.model;
    let platform = model.platform.jwt.as_ref().map(|jwt| (None, jwt));
    let services = model
        .service_ids()
        .filter_map(|s| Some((Some(s), model.service(s).jwt.as_ref()?)));
    for (service, jwt) in platform.into_iter().chain(services) {
        let missing = missing(jwt);
        if missing.is_empty() {
            continue;
        }
        let who = service.map_or_else(
            || "every service".to_owned(),
            |s| format!("`{}`", facts.name(s)),
        );
        let d = report
            .at(jwt.span, format!("{who} accepts a token without looking at {}", list(&missing)))
            .at("incomplete")
            .help(format!("check {} as well: {}", list(&missing), reasons(&missing)));
        let subject = match service {
            Some(s) => facts.service(s),
            None => ("platform".to_owned(), Vec::new()),
        };
        report.add(subject, d);
    }
}

const NEEDED: [(&str, &str); 4] = [
    ("alg", "one algorithm a key, never the one that the token names"),
    ("iss", "the issuer that you trust"),
    ("aud", "the name of the service that is called"),
    ("exp", "now"),
];

fn missing(jwt: &Set<BTreeSet<&'static str>>) -> Vec<&'static str> {
    let words = NEEDED.iter().map(|(word, _)| *word);
    words.filter(|w| !jwt.value.contains(w)).collect()
}

fn reasons(missing: &[&str]) -> String {
    let told: Vec<String> = NEEDED
        .iter()
        .filter(|(word, _)| missing.contains(word))
        .map(|(word, against)| format!("`{word}` against {against}"))
        .collect();
    told.join(", ")
}
