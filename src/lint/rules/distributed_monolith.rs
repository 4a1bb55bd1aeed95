//! `distributed-monolith`: almost every service calls almost every other.
//!
//! Five or more services of this design of which more than 30% of the pairs call, both with and without
//! those at the edge (what clients call, gateways, front ends).

use super::prelude::*;

rule! {
    id: "distributed-monolith",
    severity: Warning,
    section: Interactions,
    summary: "almost every service calls almost every other",
    what: "Five or more services of this design of which more than 30% of the pairs call, both with and without those at the edge (what clients call, gateways, front ends).",
    why: "Nothing can be changed, deployed or scaled alone: the price of a network is paid, and the boundaries buy nothing.",
    limits: "Calls only; what is shared in stores or libraries is not seen. Circles are left to `sync-cycle`.",
    source: "domain heuristic; Newman, Building Microservices",
    thresholds: [("services", 5.0, "services"), ("share", 30.0, "%")],
}

fn check(facts: &Facts<'_>, report: &mut Report) {
    let (m, coupling) = (facts.model, &facts.plan.coupling);
    let share = report.threshold("share");
    let few = coupling.own < report.most("services");
    if few || coupling.density() * 100.0 <= share || !coupling.circles.is_empty() {
        return;
    }
    let inner: Vec<ServiceId> =
        m.service_ids().filter(|s| !m.service(*s).external && !facts.edge(*s)).collect();
    let inside = |s: &ServiceId| inner.binary_search(s).is_ok();
    let pairs: usize = inner
        .iter()
        .map(|s| facts.plan.service(*s).depends_on.iter().filter(|c| inside(c)).count())
        .sum();
    let possible = inner.len() * inner.len().saturating_sub(1);
    if possible == 0 || as_float(pairs as u64) * 100.0 <= as_float(possible as u64) * share {
        return;
    }
    let busiest = inner.iter().max_by_key(|s| {
        let p = facts.plan.service(**s);
        (p.depends_on.len() + p.used_by.len(), std::cmp::Reverse(**s))
    });
    let Some(&busiest) = busiest else { return };
    let s = m.service(busiest);
    let mut d = report
        .at(
            s.span,
            format!(
                "{} of {} pairs of the {} services call: {}",
                coupling.pairs,
                coupling.own * (coupling.own - 1),
                coupling.own,
                percent(coupling.density())
            ),
        )
        .at("has most of these ties");
    for id in facts.outbound[busiest.0].iter().chain(&facts.inbound[busiest.0]).take(7) {
        d = d.label(m.call(*id).span, "one of them");
    }
    let d = d.help(format!(
        "begin with `{}`: merge it with what it cannot work without, and replace its other calls by events or copies",
        s.name
    ));
    report.add((m.title.clone(), inner.iter().map(|s| facts.name(*s).to_owned()).collect()), d);
}
