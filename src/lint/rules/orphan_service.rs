//! `orphan-service`: a service takes part in nothing.
//!
//! A service of this design that no call, event, stream, flow or saga names and that is not said to
//! be public. Infrastructure that everybody uses, told by its name, is left out.

use super::prelude::*;

rule! {
    id: "orphan-service",
    severity: Warning,
    section: Interactions,
    summary: "a service takes part in nothing",
    what: "A service of this design that no call, event, stream, flow or saga names and that is not said to be public. Infrastructure that everybody uses, told by its name (configuration, registry, discovery, monitoring, …), is left out.",
    why: "Either an interaction is missing from the design, or the service can go.",
    limits: "Infrastructure under another name looks like an orphan. Declare its calls, or allow the finding.",
    source: "domain heuristic",
}

fn check(facts: &Facts<'_>, report: &mut Report) {
    let m = facts.model;
    let mut seen = vec![false; m.services.len()];
    let mut see = |p: Party| {
        if let Party::Service(s) = p {
            seen[s.0] = true;
        }
    };
    for c in &m.calls {
        see(c.from);
        see(Party::Service(c.to));
    }
    for e in &m.events {
        e.publishers.iter().for_each(|p| see(Party::Service(p.service)));
        e.consumers.iter().for_each(|(p, _)| see(*p));
    }
    for s in &m.streams {
        see(s.from);
        see(s.to);
    }
    for s in &m.sagas {
        s.steps.iter().for_each(|x| see(Party::Service(x.service)));
        s.coordinator.into_iter().for_each(|x| see(Party::Service(x)));
    }
    for step in m.flows.iter().flat_map(|f| f.steps.iter().flatten()) {
        if let Step::Enter(_, s) = step {
            see(Party::Service(*s));
        }
    }
    for id in m.service_ids() {
        let s = m.service(id);
        if seen[id.0] || s.public.is_some_and(|p| p.value) || facts.infrastructure(id) {
            continue;
        }
        let d = report
            .at(s.span, format!("`{}` takes part in no interaction", s.name))
            .at("no call, event or stream")
            .help(format!("state what calls `{}` or what it consumes, or remove it", s.name));
        report.add(facts.service(id), d);
    }
}
