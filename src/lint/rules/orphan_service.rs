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
    limits: "Infrastructure under another name looks like an orphan. Declare its calls, or allow the finding. Where as many events have no reader, `event-no-consumer` names the service.",
    source: "domain heuristic",
}

fn check(facts: &Facts<'_>, report: &mut Report) {
    let m = facts.model;
    let idle = idle(facts);
    // Who takes part in nothing while events are read by nobody is likely to be their reader.
    let unread = m.events.iter().filter(|e| e.consumers.is_empty() && !e.publishers.is_empty()).count();
    if idle.len() <= unread {
        return;
    }
    for id in idle {
        let s = m.service(id);
        let d = report
            .at(s.span, format!("`{}` takes part in no interaction", s.name))
            .at("no call, event or stream")
            .help(format!("state what calls `{}` or what it consumes, or remove it", s.name));
        report.add(facts.service(id), d);
    }
}

/// The services that take part in nothing, in order.
pub(super) fn idle(facts: &Facts<'_>) -> Vec<ServiceId> {
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
    m.service_ids()
        .filter(|id| {
            let public = m.service(*id).public.is_some_and(|p| p.value);
            !seen[id.0] && !public && !facts.infrastructure(*id)
        })
        .collect()
}
