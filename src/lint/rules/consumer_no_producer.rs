//! `consumer-no-producer`: an event is read that nobody publishes.
//!
//! An event of which the author says that `none` publishes it.

use super::prelude::*;


rule! {
    id: "consumer-no-producer",
    severity: Error,
    section: Async,
    summary: "an event is read that nobody publishes",
    what: "An event of which the author says that `none` publishes it.",
    why: "The consumer waits for what never comes: a name that was changed, a publisher that was never built.",
    limits: "A reader has to be written with `none` as its source; where a publisher is named elsewhere the event has one.",
    source: "domain heuristic",
}

fn check(facts: &Facts<'_>, report: &mut Report) {
    for id in facts.model.event_ids() {
        let e = facts.model.event(id);
        let Some(span) = e.lacks_publisher.filter(|_| e.publishers.is_empty()) else {
            continue;
        };
        let readers: Vec<&str> = e.consumers.iter().map(|(p, _)| facts.model.party(*p)).collect();
        let who = if readers.is_empty() { "nobody".to_owned() } else { list(&readers) };
        let d = report
            .at(span, format!("`{}` is read by {who} and published by nobody", e.name))
            .at("no publisher");
        let names: Vec<&str> = facts
            .model
            .events
            .iter()
            .filter(|o| !o.publishers.is_empty())
            .map(|o| o.name.as_str())
            .collect();
        let help = match crate::diag::nearest(&e.name, names) {
            Some(near) => format!("read `{near}` if that is meant, or let the owner of the fact publish `{}`", e.name),
            None => format!("let the owner of the fact publish `{}`, or remove what waits for it", e.name),
        };
        report.add(facts.event(id), d.help(help));
    }
}
