//! `nano-service`: a service is too small to stand alone.
//!
//! A service with one operation, one caller, no data, no events, streams or calls of its own, owned by
//! the same team and written in the same language as its caller, with no numbers of its own (rate,
//! replicas, promise).

use super::prelude::*;

rule! {
    id: "nano-service",
    severity: Info,
    section: Interactions,
    summary: "a service is too small to stand alone",
    what: "A service with one operation, one caller, no data, no events, streams or calls of its own, owned by the same team and written in the same language as its caller, with no numbers of its own (rate, replicas, promise).",
    why: "Each call of a function has become a network call with its timeouts and alerts, and nothing is gained: nobody else uses it or works on it.",
    limits: "A reason to stand alone that the spec does not state, such as a licence or a memory footprint, is not seen.",
    source: "Taibi and Lenarduzzi 2018: Microservice Greedy",
}

fn check(facts: &Facts<'_>, report: &mut Report) {
    let m = facts.model;
    let mut elsewhere = vec![false; m.services.len()];
    let mut see = |p: Party| {
        if let Party::Service(s) = p {
            elsewhere[s.0] = true;
        }
    };
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
    }
    for id in m.service_ids() {
        let s = m.service(id);
        let ([call], []) = (facts.inbound[id.0].as_slice(), facts.outbound[id.0].as_slice()) else {
            continue;
        };
        let Party::Service(from) = m.call(*call).from else { continue };
        let caller = m.service(from);
        let own = s.rate.is_some() || s.replicas.is_some() || s.slo.is_some() || s.availability.is_some();
        let data = !s.stores.is_empty() || !s.reads.is_empty() || s.public.is_some_and(|p| p.value);
        let apart = s.teams != caller.teams || s.language != caller.language;
        if own || data || apart || s.external || m.call(*call).soft() || elsewhere[id.0] {
            continue;
        }
        // What is not stated is not the same.
        let (Some(team), Some(_)) = (s.teams.first(), &s.language) else { continue };
        let name = &m.team(*team).name;
        let d = report
            .at(
                s.span,
                format!("only `{}` calls `{}`, for one operation, and `{name}` owns both", caller.name, s.name),
            )
            .at("no data, no other caller")
            .label(m.call(*call).span, "its only call")
            .help(format!("make `{}` a part of `{}`", s.name, caller.name));
        report.add(facts.service(id), d);
    }
}
