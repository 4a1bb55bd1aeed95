//! `gateway-bypass`: clients reach a service past the gateway.
//!
//! A call of a client to a service that a gateway of this design (by its name: gateway, BFF, edge
//! proxy) also calls, where clients call that gateway too and the service is not said to be public; and
//! a call of a client to a service with `public = false`.

use super::prelude::*;

rule! {
    id: "gateway-bypass",
    severity: Error,
    section: Gateway,
    summary: "clients reach a service past the gateway",
    what: "A call of a client to a service that a gateway of this design (by its name: gateway, BFF, edge proxy) also calls, where clients call that gateway too and the service is not said to be public; and a call of a client to a service with `public = false`.",
    why: "Whatever the gateway does for every request, such as proving who asks, limits and logs, is not done for these.",
    limits: "Without a gateway among the services, what clients call is taken to be behind the gateway of the platform.",
    source: "Taibi and Lenarduzzi 2018: No API Gateway",
}

fn check(facts: &Facts<'_>, report: &mut Report) {
    let m = facts.model;
    // Calls by which clients reach gateways.
    let mut entered: Vec<Option<CallId>> = vec![None; m.services.len()];
    for id in m.call_ids() {
        let c = m.call(id);
        if matches!(c.from, Party::Actor(_)) && facts.gateway(c.to) {
            entered[c.to.0].get_or_insert(id);
        }
    }
    for id in m.call_ids() {
        let c = m.call(id);
        let Party::Actor(_) = c.from else { continue };
        let s = m.service(c.to);
        let (actor, name) = (m.party(c.from), s.name.as_str());
        if let Some(denied) = s.public.filter(|p| !p.value) {
            let d = report
                .at(c.span, format!("`{actor}` calls `{name}`, which is not public"))
                .at("from outside")
                .label(denied.span, "said not to be public")
                .help(format!("route it through the gateway, or say that `{name}` is public"));
            report.add(facts.call(id), d);
            continue;
        }
        if facts.gateway(c.to) || s.public.is_some() {
            continue;
        }
        let through = facts.inbound[c.to.0].iter().find_map(|g| match m.call(*g).from {
            Party::Service(from) => entered[from.0].map(|way| (way, *g)),
            Party::Actor(_) => None,
        });
        let Some((way, onward)) = through else { continue };
        let gateway = facts.name(m.call(way).to);
        let d = report
            .at(c.span, format!("`{actor}` calls `{name}` past `{gateway}`"))
            .at("past the gateway")
            .label(m.call(way).span, format!("clients enter through `{gateway}`"))
            .label(m.call(onward).span, format!("`{gateway}` reaches `{name}`"))
            .help(format!("call `{gateway}` instead, and let it route to `{name}`"));
        report.add(facts.call(id), d);
    }
}
