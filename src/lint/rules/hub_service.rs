//! `hub-service`: too many services depend on one.
//!
//! A service of this design that at least five services and at least half of its own services call, or
//! that every other service which takes part in calls does, if these are four or more. Optional calls
//! do not count, nor documents that are fetched once and kept (`/.well-known/…`), nor infrastructure
//! such as configuration servers and registries.

use super::prelude::*;
use crate::lint::roles::{BUS, SPOKES};

rule! {
    id: "hub-service",
    severity: Warning,
    section: Interactions,
    summary: "too many services depend on one",
    what: "A service of this design that at least five services and at least half of its own services call, or that every other service which takes part in calls does, if these are four or more. Optional calls do not count, nor documents that are fetched once and kept (`/.well-known/…`), nor infrastructure such as configuration servers and registries.",
    why: "When it is slow everything is, and each of its changes needs all of its callers.",
    limits: "What callers keep in a cache is not seen unless the call is `optional`. A service that everything also passes through is `esb-usage`.",
    source: "domain heuristic; Arcan, Hub-Like Dependency",
    thresholds: [("callers", 5.0, "callers"), ("share", 50.0, "%")],
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a small whole number"
)]
fn check(facts: &Facts<'_>, report: &mut Report) {
    let m = facts.model;
    let own = facts.plan.coupling.own;
    // What everything also passes through is a bus.
    let bus = facts.bus(BUS, SPOKES as usize);
    let (least, share) = (report.most("callers"), report.threshold("share"));
    let mut takes_part = vec![false; m.services.len()];
    for c in &m.calls {
        if let Party::Service(s) = c.from {
            takes_part[s.0] = true;
            takes_part[c.to.0] = true;
        }
    }
    let others = m.service_ids().filter(|s| takes_part[s.0] && !m.service(*s).external).count();
    for id in m.service_ids() {
        let s = m.service(id);
        if s.external || facts.infrastructure(id) || bus == Some(id) {
            continue;
        }
        let mut calls: Vec<CallId> = Vec::new();
        for &c in &facts.inbound[id.0] {
            let call = m.call(c);
            let Party::Service(from) = call.from else { continue };
            let known = calls.last().is_some_and(|l| m.call(*l).from == call.from);
            if from != id && !known && !call.soft() && !call.operation.contains("/.well-known/") {
                calls.push(c);
            }
        }
        let n = calls.len();
        let half = n >= least && as_float(n as u64) * 100.0 >= share * as_float(own as u64);
        let all = n + 1 >= least && n + 1 >= others;
        if !half && !all {
            continue;
        }
        let mut d = report
            .at(s.span, format!("{n} of the other {} services call `{}`", own.saturating_sub(1), s.name))
            .at("they all need it");
        for c in calls.iter().take(7) {
            let call = m.call(*c);
            d = d.label(call.span, format!("`{}` calls it", m.party(call.from)));
        }
        let d = d.help(format!(
            "split `{}` by what its callers need, or let them keep a copy of what they only read, fed by its events",
            s.name
        ));
        report.add(facts.service(id), d);
    }
}
