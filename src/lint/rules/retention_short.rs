//! `retention-short`: messages are gone before a stopped consumer has read them.
//!
//! An event whose stated retention is below the longest outage that the design survives (4 h), or, where
//! rate and capacity are stated, below that outage and the time in which the slowest consumer catches up. A
//! warning if only the catching up does not fit.

use super::prelude::*;

rule! {
    id: "retention-short",
    severity: Error,
    section: Async,
    summary: "messages are gone before a stopped consumer has read them",
    what: "An event whose stated retention is below the longest outage that the design survives (4 h), or, where rate and capacity are stated, below that outage and the time in which the slowest consumer catches up. A warning if only the catching up does not fit.",
    why: "A consumer that is down over a night loses what nobody kept, without an error anywhere.",
    limits: "Events that are said to be delivered at most once may be lost and are left out.",
    source: "Retention ≥ outage + backlog ÷ (capacity − arrival); Apache Kafka, log retention",
    thresholds: [("outage", 4.0, "h")],
}

fn check(facts: &Facts<'_>, report: &mut Report) {
    let outage = Time::h(1).scale(report.threshold("outage"));
    // A day, unless outages are longer than half of one.
    let day = Time::h(24).max(outage.times(2));
    for id in facts.model.event_ids() {
        let e = facts.model.event(id);
        let Some(kept) = e.retention.filter(|_| !e.consumers.is_empty()) else { continue };
        if e.delivery.is_some_and(|d| d.value == crate::model::Delivery::AtMostOnce) {
            continue;
        }
        if kept.value < outage {
            let d = report
                .at(kept.span, format!("`{}` is kept for {}, less than a consumer may be down ({outage})", e.name, kept.value))
                .at("kept for too short a time")
                .help(format!("keep it for at least {day}, so that there is time to catch up as well"));
            let wanted = format!("\"{}\"", day.compact());
            let fix = Fix::new(format!("set `retention = {wanted}`")).write(kept.span, wanted);
            let d = d.fix(fix);
            report.add(facts.event(id), d);
            continue;
        }
        // The slowest consumer of which both rate and capacity are stated.
        let Some(rate) = e.rate else { continue };
        let slowest = e
            .consumers
            .iter()
            .filter_map(|(p, _)| match p {
                Party::Service(s) => Some((*s, facts.model.service(*s).capacity?)),
                Party::Actor(_) => None,
            })
            .min_by(|a, b| a.1.value.0.total_cmp(&b.1.value.0).then(a.0.cmp(&b.0)));
        let Some((consumer, capacity)) = slowest.filter(|(_, c)| c.value.0 > rate.value.0) else {
            continue;
        };
        let drain = Time::s(1).scale((rate.value.0 * outage.as_s() / (capacity.value.0 - rate.value.0)).ceil());
        if kept.value >= outage.plus(drain) {
            continue;
        }
        let name = facts.name(consumer);
        let mut d = report
            .at(
                kept.span,
                format!(
                    "`{}` is kept for {}, but `{name}` needs {drain} to catch up after {outage}",
                    e.name, kept.value
                ),
            )
            .at("kept for too short a time")
            .label(rate.span, format!("{} arrive", rate.value))
            .label(capacity.span, format!("`{name}` manages {}", capacity.value))
            .help(format!("keep it for {} or more, or give `{name}` more capacity", outage.plus(drain)));
        d.severity = Severity::Warning;
        report.add(facts.event(id), d);
    }
}
