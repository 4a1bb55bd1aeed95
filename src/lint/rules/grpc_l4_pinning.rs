//! `grpc-l4-pinning`: gRPC connections stay on one instance.
//!
//! gRPC calls to a service that is said to be balanced a connection at a time (`balancing = "l4"`), or that
//! runs on Kubernetes with `mesh = "none"` and says nothing about its balancing.

use super::prelude::*;
use crate::model::Balancing;

rule! {
    id: "grpc-l4-pinning",
    severity: Warning,
    section: Discovery,
    summary: "gRPC connections stay on one instance",
    what: "gRPC calls to a service that is said to be balanced a connection at a time (`balancing = \"l4\"`), or that runs on Kubernetes with `mesh = \"none\"` and says nothing about its balancing.",
    why: "A gRPC client keeps one connection for all its calls: one instance gets everything, and a new one gets nothing.",
    limits: "A service that is said to have one instance is left out.",
    source: "grpc.io blog, gRPC load balancing; Linkerd documentation, load balancing",
}

fn check(facts: &Facts<'_>, report: &mut Report) {
    let mut called: Vec<(ServiceId, CallId)> = Vec::new();
    for id in facts.model.call_ids() {
        let c = facts.model.call(id);
        let alone = facts.replicas(c.to).is_some_and(|(n, _)| n < 2);
        let own = matches!(c.from, Party::Service(_)) && !facts.model.service(c.to).external;
        if c.protocol == Protocol::Grpc && own && !alone {
            called.push((c.to, id));
        }
    }
    called.sort_unstable();
    called.dedup_by_key(|(s, _)| *s);
    let mut silent: Vec<(ServiceId, CallId)> = Vec::new();
    for (s, call) in called {
        let Some(balancing) = facts.model.service(s).balancing else {
            silent.push((s, call));
            continue;
        };
        if balancing.value == Balancing::L4 {
            let d = report
                .at(balancing.span, format!("all gRPC calls of a client to `{}` stay on one instance", facts.name(s)))
                .at("balances connections")
                .label(facts.model.call(call).span, "calls it over gRPC")
                .help("balance requests: `balancing = \"l7\"` behind a proxy or a mesh, or `\"client\"` with a headless Service and `round_robin`");
            report.add(facts.service(s), d);
        }
    }
    let mesh = facts.model.platform.mesh.filter(|m| !m.value.l7);
    let (Some(mesh), Some((_, call))) = (mesh, silent.first()) else { return };
    if !facts.model.infrastructure_set || !facts.plan.choices.infrastructure.grpc_l4 {
        return;
    }
    let names: Vec<&str> = silent.iter().map(|(s, _)| facts.name(*s)).collect();
    let d = report
        .at(
            mesh.span,
            format!(
                "without a mesh {} balances connections, so gRPC clients of {} stay on one instance each",
                facts.plan.choices.infrastructure.name,
                list(&names)
            ),
        )
        .at("nothing balances calls")
        .label(facts.model.call(*call).span, "such a call")
        .help("take a mesh, or balance in the clients over a headless Service and say so: `balancing = \"client\"` on each of them");
    let places = names.iter().map(|n| (*n).to_owned()).collect();
    report.add(("platform".to_owned(), places), d);
}
