//! `visibility-short`: a message is delivered again while it is still worked on.
//!
//! A stated `ack_timeout` below `handler` × `prefetch`; or such a product above the longest that the broker waits.

use super::prelude::*;


rule! {
    id: "visibility-short",
    severity: Error,
    section: Async,
    summary: "a message is delivered again while it is still worked on",
    what: "A stated `ack_timeout` below `handler` × `prefetch`; or such a product above the longest that the broker waits.",
    why: "The broker takes the consumer for dead and gives the message to another: the work is done twice, and under load more and more often.",
    limits: "Compared only where `handler` is stated. A consumer that extends its lease while it works may wait longer than it says.",
    source: "documentation of the brokers as cited in the chapter; the product is derived",
}

fn check(facts: &Facts<'_>, report: &mut Report) {
    for id in facts.model.event_ids() {
        let e = facts.model.event(id);
        let Some(handler) = e.terms.handler else { continue };
        let broker = facts.model.broker(e.broker).kind;
        let taken = e.terms.prefetch.map_or(1, |p| p.value);
        let needed = handler.value.times(taken);
        let formula = if taken > 1 {
            format!("{taken} messages × {} = {needed}", handler.value)
        } else {
            needed.to_string()
        };
        let longest = Time::s(broker.ack_max_s);
        let (span, limit, what) = match e.terms.ack_timeout {
            Some(t) if t.value < needed => (t.span, t.value, "the stated timeout"),
            None if broker.ack_max_s > 0 && longest < needed => {
                (handler.span, longest, "the longest that it allows")
            }
            _ => continue,
        };
        let mut d = report
            .at(
                span,
                format!(
                    "{} delivers a message of `{}` again after {limit}, and its reader may need {formula}",
                    broker.name, e.name
                ),
            )
            .at(format!("{}: {what}", broker.ack));
        if span != handler.span {
            d = d.label(handler.span, "how long one message may take");
        }
        if let Some(p) = e.terms.prefetch.filter(|p| p.value > 1) {
            d = d.label(p.span, "as many wait for their turn");
        }
        let fits = broker.ack_max_s == 0 || needed < longest;
        let d = d.help(if fits {
            format!("raise `ack_timeout` to {}, twice of that, or take fewer messages at a time", needed.times(2))
        } else {
            "acknowledge at once, store the work and do it in steps that fit; or extend the lease while it runs".to_owned()
        });
        report.add(facts.event(id), d);
    }
}
