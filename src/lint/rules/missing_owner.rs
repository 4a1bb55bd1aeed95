//! `missing-owner`: a service has no team.
//!
//! A service of this design that no team owns, where the design has teams. A design that names no
//! team at all gets one note.

use super::prelude::*;

rule! {
    id: "missing-owner",
    severity: Error,
    section: Ownership,
    summary: "a service has no team",
    what: "A service of this design that no team owns, where the design has teams. A design that names no team at all gets one note.",
    why: "Its alerts go to nobody, and nobody decides about its contract.",
    limits: "None.",
    source: "domain heuristic; Skelton and Pais, Team Topologies",
}

fn check(facts: &Facts<'_>, report: &mut Report) {
    let orphans = facts.plan.orphans();
    if facts.model.teams.is_empty() {
        if let Some(first) = orphans.first() {
            let mut d = report
                .at(
                    facts.model.service(*first).span,
                    match orphans.len() {
                        1 => format!("nobody owns `{}`", facts.model.service(*first).name),
                        n => format!("nobody owns any of the {}", plural(n, "service")),
                    },
                )
                .at(if orphans.len() == 1 {
                    "has no team"
                } else {
                    "has no team, like the others"
                })
                .help("name the teams: `teams = { checkout = [\"orders\"] }`");
            d.severity = Severity::Info;
            report.add((facts.model.title.clone(), Vec::new()), d);
        }
        return;
    }
    let idle = super::orphan_service::idle(facts);
    for id in orphans {
        // What takes part in nothing is told to go, or to be connected: who owns it comes after.
        if idle.binary_search(&id).is_ok() {
            continue;
        }
        let s = facts.model.service(id);
        let neighbours = &facts.plan.service(id).used_by;
        let near = neighbours
            .iter()
            .chain(&facts.plan.service(id).depends_on)
            .find_map(|n| facts.model.service(*n).teams.first());
        let team = near.map_or("a team".to_owned(), |t| {
            format!("a team, for example `{}`, which owns a neighbour", facts.model.team(*t).name)
        });
        let d = report
            .at(s.span, format!("nobody owns `{}`", s.name))
            .at("no team")
            .help(format!("give it to {team}"));
        report.add(facts.service(id), d);
    }
}
