//! `handler-sync-unbounded`: a handler waits for a call longer than the broker waits for the handler.
//!
//! A service that only reads events and makes a call whose stated attempts and timeouts last longer than the stated `ack_timeout` of such an event, or than the longest that its broker allows.

use super::prelude::*;
use crate::model::Event;

rule! {
    id: "handler-sync-unbounded",
    severity: Error,
    section: Async,
    summary: "a handler waits for a call longer than the broker waits for the handler",
    what: "A service that only reads events and makes a call whose stated attempts and timeouts last longer than the stated `ack_timeout` of such an event, or than the longest that its broker allows.",
    why: "While the handler waits, the broker delivers the message to another instance, which makes the same call.",
    limits: "Only services that nobody calls, since of the others nobody knows which calls belong to a handler; a call with `timeout = \"none\"` is a case of `timeout-missing`.",
    source: "documentation of the brokers as cited in the chapter",
}

fn check(facts: &Facts<'_>, report: &mut Report) {
    let model = facts.model;
    // The event of each reader whose broker waits the shortest.
    let mut tightest: Vec<Option<(Time, &Event)>> = vec![None; model.services.len()];
    for e in &model.events {
        let broker = model.broker(e.broker).kind;
        let limit = match e.terms.ack_timeout {
            Some(t) => t.value,
            None if broker.ack_max_s > 0 => Time::s(broker.ack_max_s),
            None => continue,
        };
        for (p, _) in &e.consumers {
            let Party::Service(s) = p else { continue };
            let best = &mut tightest[s.0];
            if best.is_none_or(|(t, _)| limit < t) {
                *best = Some((limit, e));
            }
        }
    }
    for id in model.call_ids() {
        let Party::Service(from) = model.call(id).from else { continue };
        let reads_only = facts.inbound[from.0].is_empty()
            && !model.service(from).public.is_some_and(|p| p.value);
        let (Some((limit, e)), Some(total)) = (tightest[from.0], facts.total(id)) else {
            continue;
        };
        if !reads_only || total.bare <= limit {
            continue;
        }
        let name = facts.name(from);
        let mut d = report
            .at(
                total.span,
                format!(
                    "`{name}` may wait {} for `{}` while it handles `{}`, which is delivered again after {limit}",
                    total.formula(),
                    facts.name(model.call(id).to),
                    e.name
                ),
            )
            .at("longer than the broker waits");
        if let Some(retries) = total.retries {
            d = d.label(retries, format!("{} attempts", total.attempts));
        }
        let broker = model.broker(e.broker).kind;
        d = match e.terms.ack_timeout {
            Some(t) => d.label(t.span, "the broker waits this long"),
            None => d.label(e.span, format!("{} waits at most {limit}", broker.name)),
        };
        let d = d.help(format!(
            "bound the call below {limit}, all attempts together, or raise the {} above {}",
            broker.ack, total.bare
        ));
        report.add(facts.call(id), d);
    }
}
