//! `realtime-lossy`: a stream that may lose nothing runs over what forgets.
//!
//! A stream with `lossless = true` over a backplane that delivers at most once (`redis-pubsub`, `nats`), or with `resume = false`.

use super::prelude::*;


rule! {
    id: "realtime-lossy",
    severity: Error,
    section: Realtime,
    summary: "a stream that may lose nothing runs over what forgets",
    what: "A stream with `lossless = true` over a backplane that delivers at most once (`redis-pubsub`, `nats`), or with `resume = false`.",
    why: "Whoever is not connected when a message passes never gets it, and every deployment and every tunnel disconnects somebody.",
    limits: "NATS with JetStream keeps messages; say then what the stream is read from.",
    source: "Redis documentation, Pub/Sub delivery semantics; MDN, Last-Event-ID",
}

fn check(facts: &Facts<'_>, report: &mut Report) {
    for id in facts.model.stream_ids() {
        let s = facts.model.stream(id);
        let Some(lossless) = s.terms.lossless.filter(|l| l.value) else {
            continue;
        };
        let forgets = s.terms.backplane.filter(|b| b.value.forgets());
        let no_resume = s.resume.filter(|r| !r.value);
        let to = facts.model.party(s.to);
        let mut d = match (forgets, no_resume) {
            (Some(b), _) => report
                .at(
                    b.span,
                    format!("`{to}` may lose nothing, and {} keeps nothing for who is away", b.value.name()),
                )
                .at("at most once"),
            (None, Some(r)) => report
                .at(r.span, format!("`{to}` may lose nothing, and cannot go on where it stopped"))
                .at("what passes meanwhile is gone"),
            (None, None) => continue,
        };
        d = d.label(lossless.span, "nothing may be lost");
        if let (Some(_), Some(r)) = (forgets, no_resume) {
            d = d.label(r.span, "and nothing is sent again");
        }
        let d = d.help(
            "keep the messages in a log such as Redis Streams, and let a client that comes back name the last one it has",
        );
        report.add(facts.stream(id), d);
    }
}
