//! `trace-break`: a trace ends on the way.
//!
//! An event or a call of which the author says `traceparent = false`.

use super::prelude::*;


rule! {
    id: "trace-break",
    severity: Warning,
    section: Tracing,
    summary: "a trace ends on the way",
    what: "An event or a call of which the author says `traceparent = false`.",
    why: "What a request sets off behind that point cannot be found from the request, nor the request from the failure that it caused.",
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
    for id in facts.model.call_ids() {
        let c = facts.model.call(id);
        let Some(set) = c.traceparent.filter(|t| !t.value) else {
            continue;
        };
        let (from, to) = (facts.model.party(c.from), facts.name(c.to));
        let d = report
            .at(set.span, format!("what `{to}` does for `{from}` belongs to no trace"))
            .at("no trace context today")
            .help(format!(
                "send `traceparent` and `tracestate` with the request: in `{from}`, make the call on the context of the request that it serves"
            ));
        report.add(facts.call(id), d);
    }
}
