//! `token-relay`: a token goes on to a service that it was not made for.
//!
//! A call of one service to another of which the author says `token = "relay"`; to a service of somebody else's it is an error.

use super::prelude::*;
use crate::model::Token;

rule! {
    id: "token-relay",
    severity: Warning,
    section: Sync,
    summary: "a token goes on to a service that it was not made for",
    what: "A call of one service to another of which the author says `token = \"relay\"`; to a service of somebody else's it is an error.",
    why: "Every service on the way can do all that the user can do, and a callee that checks `aud` has to accept tokens of others.",
    limits: "A gateway that is not drawn as a service may pass the user's token to the first service: it was made for that one.",
    source: "RFC 8693, OAuth 2.0 Token Exchange; RFC 8725, section 3.9",
}

fn check(facts: &Facts<'_>, report: &mut Report) {
    for id in facts.model.call_ids() {
        let c = facts.model.call(id);
        let relayed = c.token.filter(|t| t.value == Token::Relay);
        let (Party::Service(from), Some(set)) = (c.from, relayed) else {
            continue;
        };
        let (name, to) = (facts.name(from), facts.name(c.to));
        let external = facts.model.service(c.to).external;
        let message = if external {
            format!("`{name}` hands the token of its caller to `{to}`, which belongs to others")
        } else {
            format!("`{name}` hands the token of its caller on to `{to}`")
        };
        let mut d = report.at(set.span, message).at("made for another audience");
        if external {
            d.severity = Severity::Error;
        }
        let d = d.help(format!(
            "exchange it for a token with the audience `{to}` and only the rights of this call (RFC 8693), or call as `{name}` itself"
        ));
        report.add(facts.call(id), d);
    }
}
