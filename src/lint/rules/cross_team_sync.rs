//! `cross-team-sync`: most calls leave their team.
//!
//! More than half of the pairs of services that call, behind the edge and not optional, belong to
//! different teams; at least eight pairs.

use super::prelude::*;

rule! {
    id: "cross-team-sync",
    severity: Warning,
    section: Ownership,
    summary: "most calls leave their team",
    what: "More than half of the pairs of services that call, behind the edge and not optional, belong to different teams; at least eight pairs.",
    why: "Almost every change needs two teams at once: the services are cut along other lines than the teams.",
    limits: "Calls of gateways and front ends are left out: they call every team. It does not see how often a contract changes.",
    source: "domain heuristic; Skelton and Pais, Team Topologies",
    thresholds: [("pairs", 8.0, "pairs of services"), ("share", 50.0, "%")],
}

fn check(facts: &Facts<'_>, report: &mut Report) {
    let m = facts.model;
    let mut pairs: std::collections::BTreeMap<(ServiceId, ServiceId), CallId> = std::collections::BTreeMap::new();
    for id in m.call_ids() {
        let c = m.call(id);
        let Party::Service(from) = c.from else { continue };
        let owned = !m.service(from).teams.is_empty() && !m.service(c.to).teams.is_empty();
        if owned && !c.soft() && from != c.to && !facts.edge(from) && !facts.infrastructure(c.to) {
            pairs.entry((from, c.to)).or_insert(id);
        }
    }
    let team = |s: ServiceId| m.service(s).teams.first().copied();
    let cross: Vec<CallId> =
        pairs.iter().filter(|((a, b), _)| team(*a) != team(*b)).map(|(_, id)| *id).collect();
    let share = as_float(cross.len() as u64) * 100.0;
    if pairs.len() < report.most("pairs")
        || share <= report.threshold("share") * as_float(pairs.len() as u64)
    {
        return;
    }
    let Some((first, rest)) = cross.split_first() else { return };
    let mut by_pair: std::collections::BTreeMap<_, usize> = std::collections::BTreeMap::new();
    for id in &cross {
        let c = m.call(*id);
        if let Party::Service(from) = c.from {
            *by_pair.entry((team(from), team(c.to))).or_default() += 1;
        }
    }
    let most = by_pair.iter().max_by_key(|(pair, n)| (**n, std::cmp::Reverse(**pair)));
    let Some(((Some(a), Some(b)), n)) = most else { return };
    let (a, b) = (&m.team(*a).name, &m.team(*b).name);
    let mut d = report
        .at(
            m.call(*first).span,
            format!("{} of {} pairs of services that call belong to different teams", cross.len(), pairs.len()),
        )
        .at("leaves its team");
    for id in rest.iter().take(7) {
        d = d.label(m.call(*id).span, "leaves its team");
    }
    let d = d.help(format!(
        "begin with {} from `{a}` to `{b}`: move a service to the team that changes with it, or let events replace the calls",
        plural(*n, "pair")
    ));
    report.add((m.title.clone(), vec![a.clone(), b.clone()]), d);
}
