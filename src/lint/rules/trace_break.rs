//! `trace-break`: a trace ends where an event is published.
//!
//! An event of which the author says `traceparent = false`.

use super::prelude::*;


rule! {
    id: "trace-break",
    severity: Warning,
    section: Tracing,
    summary: "a trace ends where an event is published",
    what: "An event of which the author says `traceparent = false`.",
    why: "What a request sets off behind the broker cannot be found from the request, nor the request from the failure that it caused.",
    limits: "Nothing said means that the design carries the context.",
    source: "W3C Trace Context; OpenTelemetry semantic conventions for messaging",
}

fn check(facts: &Facts<'_>, report: &mut Report) {
    for id in facts.model.event_ids() {
        let e = facts.model.event(id);
        let Some(set) = e.terms.traceparent.filter(|t| !t.value) else {
            continue;
        };
        let readers: Vec<&str> = e.consumers.iter().map(|(p, _)| facts.model.party(*p)).collect();
        let who = if readers.is_empty() { "its readers".to_owned() } else { list(&readers) };
        let d = report
            .at(set.span, format!("what {who} does about `{}` belongs to no trace", e.name))
            .at("no trace context today")
            .help("put `traceparent` and `tracestate` into the headers of the message; the span that handles it links to the one that published it");
        report.add(facts.event(id), d);
    }
}
