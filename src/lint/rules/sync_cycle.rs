//! `sync-cycle`: services wait for each other in a circle.
//!
//! Groups of services in which every one reaches every other by synchronous calls, and services
//! that call themselves. One finding a group, with a shortest circle. Two services that call each other in
//! different requests are left to `bidirectional-sync`.

use super::prelude::*;

rule! {
    id: "sync-cycle",
    severity: Error,
    section: Interactions,
    summary: "services wait for each other in a circle",
    what: "Groups of services in which every one reaches every other by synchronous calls, and services that call themselves. One finding a group, with a shortest circle. Two services that call each other in different requests are left to `bidirectional-sync`.",
    why: "A request that comes round holds a thread in each service while it waits for itself. One slow member slows all of them, none can be started or deployed before the others, and no order of timeouts is right.",
    limits: "It sees who calls whom, not which request causes which call: two operations that never meet in one request count as well, unless the flows show both and never together. Else say so with `allow` and its reason.",
    source: "Taibi and Lenarduzzi, On the Definition of Microservice Bad Smells, IEEE Software 2018: Cyclic Dependency",
}

fn check(facts: &Facts<'_>, report: &mut Report) {
    for circle in &facts.plan.coupling.circles {
        let (group, path) = (&circle.members, &circle.path);
        if circle.apart || facts.delivers(circle) {
            continue;
        }
        let mut calls: Vec<CallId> = Vec::new();
        for step in path.windows(2) {
            let to = |id: &&CallId| facts.model.call(**id).to == step[1];
            calls.extend(facts.outbound[step[0].0].iter().find(to));
        }
        let Some((&start, rest)) = calls.split_first() else {
            continue;
        };
        let names: Vec<&str> = path.iter().map(|s| facts.name(*s)).collect();
        let message = if rest.is_empty() {
            format!("`{}` calls itself", names[0])
        } else if group.len() + 1 > names.len() {
            format!(
                "{} services wait for each other; the shortest circle is {}",
                group.len(),
                names.join(" -> ")
            )
        } else {
            format!("{} wait for each other: {}", list(&names[1..]), names.join(" -> "))
        };
        let mut d = report.at(facts.model.call(start).span, message).at("the circle starts here");
        for id in rest {
            let c = facts.model.call(*id);
            d = d.label(c.span, format!("goes on to `{}`", facts.name(c.to)));
        }
        let back = names.len().saturating_sub(2);
        let d = d.help(format!(
            "let `{}` publish an event that `{}` consumes in place of the last call, or move what it asks for",
            names[back], names[0]
        ));
        let (subject, mut places) = facts.path(path);
        places.extend(group.iter().map(|&s| facts.name(s).to_owned()));
        report.add((subject, places), d);
    }
}
