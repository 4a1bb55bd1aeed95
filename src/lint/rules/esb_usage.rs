//! `esb-usage`: almost everything passes through one service.
//!
//! A service, neither at the edge nor at the end, that three or more services call, that calls three or
//! more, and through which more than 70% of the ways from a service that none calls to one that calls
//! none lead.

use super::prelude::*;
use crate::lint::roles::{BUS, SPOKES};

rule! {
    id: "esb-usage",
    severity: Warning,
    section: Interactions,
    summary: "almost everything passes through one service",
    what: "A service, neither at the edge nor at the end, that three or more services call, that calls three or more, and through which more than 70% of the ways from a service that none calls to one that calls none lead.",
    why: "It is a bus with logic in it: every change of two services is a change of the third, and it fails for all of them.",
    limits: "Gateways, front ends and what clients call are left out. Circles count as one service.",
    source: "Taibi and Lenarduzzi 2018: ESB Usage; the share is a heuristic",
    thresholds: [("share", BUS, "%"), ("spokes", SPOKES, "callers and callees")],
}

fn check(facts: &Facts<'_>, report: &mut Report) {
    let bus = facts.bus(report.threshold("share"), report.most("spokes"));
    let (Some(bus), Some(p)) = (bus, facts.plan.coupling.passage) else {
        return;
    };
    let s = facts.model.service(bus);
    let plan = facts.plan.service(bus);
    let (into, out) = (plan.used_by.len(), plan.depends_on.len());
    let mut d = report
        .at(
            s.span,
            format!(
                "{} of the ways through the system pass `{}`: {into} services call it, and it calls {out}",
                percent(p.share),
                s.name
            ),
        )
        .at("a bus");
    let ends = facts.inbound[bus.0].iter().take(4).chain(facts.outbound[bus.0].iter().take(4));
    for id in ends {
        d = d.label(facts.model.call(*id).span, "passes it");
    }
    let d = d.help(format!(
        "let the callers of `{}` call {} themselves, or react to their events, and keep only what is its own",
        s.name,
        list(&plan.depends_on.iter().map(|x| facts.name(*x)).collect::<Vec<_>>())
    ));
    report.add(facts.service(bus), d);
}
