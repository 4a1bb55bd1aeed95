//! `auth-missing`: anybody may call.
//!
//! A call, a stream or the platform of which the author says `auth = "none"`; or the few public calls without `auth` where most others state one and `[platform] auth` is not set. Reads that everybody may make are warnings; signing in, signing up and health checks are left alone.

use super::prelude::*;
use crate::model::{Call, Method, Stream};

rule! {
    id: "auth-missing",
    severity: Error,
    section: Sync,
    summary: "anybody may call",
    what: "A call, a stream or the platform of which the author says `auth = \"none\"`; or the few public calls without `auth` where most others state one and `[platform] auth` is not set. Reads that everybody may make are warnings; signing in, signing up and health checks are left alone.",
    why: "Without an identity there is nothing to decide by: whoever reaches the address may do what the service does.",
    limits: "Operations for signing in are known by their words. Nothing said means that the design has every caller prove who it is.",
    source: "OWASP API Security Top 10, API2 Broken Authentication",
}

fn check(facts: &Facts<'_>, report: &mut Report) {
    let model = facts.model;
    if let Some(span) = model.platform.lacks_auth {
        let d = report
            .at(span, format!("no service of {} learns who calls it", model.title))
            .at("no identity today")
            .help(format!(
                "let services prove who they are: {}",
                facts.plan.choices.identity()
            ));
        // What a call says beside this says nothing more.
        report.add(("platform".to_owned(), Vec::new()), d);
        return;
    }
    calls(facts, report);
    for id in model.stream_ids() {
        let s = model.stream(id);
        let Some(span) = s.lacks_auth else { continue };
        let d = report
            .at(
                span,
                format!("`{}` does not learn who listens to `{}`", model.party(s.from), s.label()),
            )
            .at("no identity today")
            .help("check a token when the connection is opened, and close it when the token expires");
        report.add(facts.stream(id), d);
    }
}

fn calls(facts: &Facts<'_>, report: &mut Report) {
    let model = facts.model;
    let public = |c: &&Call| matches!(c.from, Party::Actor(_)) && !signs_in(c);
    let opened = |s: &&Stream| matches!((s.from, s.to), (Party::Actor(_), _) | (_, Party::Actor(_)));
    let streams = model.streams.iter().filter(opened).filter(|s| s.auth.is_some()).count();
    let stated = streams + model.calls.iter().filter(public).filter(|c| c.auth.is_some()).count();
    let silent = |c: &Call| c.auth.is_none() && c.lacks_auth.is_none();
    let forgotten = model.calls.iter().filter(public).filter(|c| silent(c)).count();
    let custom = model.platform.auth.is_none() && stated >= 2 && forgotten < stated;
    let mut told = std::collections::BTreeSet::new();
    for id in model.call_ids() {
        let c = model.call(id);
        if signs_in(c) {
            continue;
        }
        let (from, to) = (model.party(c.from), facts.name(c.to));
        let actor = matches!(c.from, Party::Actor(_));
        let mut d = match c.lacks_auth {
            // One statement may stand for several calls.
            Some(span) if told.insert((span.source, span.start)) => report
                .at(span, format!("`{to}` does not learn that it is `{from}` who calls"))
                .at("no identity today"),
            None if custom && actor && silent(c) => report
                .at(
                    c.span,
                    format!(
                        "`{from}` may call `{to}` without an identity, and the other {} may not",
                        plural(stated, "public one")
                    ),
                )
                .at("no `auth` here"),
            _ => continue,
        };
        let reads = matches!(&c.protocol, Protocol::Rest(Some(Method::Get | Method::Head)));
        if actor && reads && c.lacks_auth.is_some() {
            d.severity = Severity::Warning;
        }
        let d = d.help(if actor {
            format!("have the gateway check a token of `{from}`; what everybody may read deserves an `allow` with its reason")
        } else {
            format!("let `{from}` prove who it is: {}", facts.plan.choices.identity())
        });
        report.add(facts.call(id), d);
    }
}

/// Operations that make an identity or tell nothing of anybody.
fn signs_in(c: &Call) -> bool {
    const WORDS: [&str; 18] = [
        "login", "logout", "signin", "signup", "register", "registration", "token", "oauth", "oauth2",
        "password", "health", "healthz", "livez", "readyz", "ready", "ping", "jwks", "known",
    ];
    c.operation
        .to_lowercase()
        .split(|c: char| !c.is_alphanumeric())
        .any(|w| WORDS.contains(&w))
}
