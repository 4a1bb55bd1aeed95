//! `multi-owner`: a service has several teams.
//!
//! A service that more than one team owns.

use super::prelude::*;

rule! {
    id: "multi-owner",
    severity: Warning,
    section: Ownership,
    summary: "a service has several teams",
    what: "A service that more than one team owns.",
    why: "Each team waits for the other: for a decision, at night for the alert, and after an incident for the repair.",
    limits: "None.",
    source: "domain heuristic; Skelton and Pais, Team Topologies",
}

fn check(facts: &Facts<'_>, report: &mut Report) {
    for id in facts.model.service_ids() {
        let s = facts.model.service(id);
        if s.teams.len() < 2 {
            continue;
        }
        let names: Vec<&str> = s.teams.iter().map(|t| facts.model.team(*t).name.as_str()).collect();
        let mut d = report
            .at(s.span, format!("`{}` is owned by {}", s.name, list(&names)))
            .at(plural(names.len(), "owner"));
        for t in &s.teams {
            let team = facts.model.team(*t);
            d = d.label(team.span, format!("`{}` owns it", team.name));
        }
        let d = d.help(format!("keep one owner of `{}`, or split it along the line between the teams", s.name));
        report.add(facts.service(id), d);
    }
}
