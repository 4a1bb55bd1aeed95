//! `single-point-of-failure`: every flow stops with one service.
//!
//! A service with one stated instance without which every flow of at least two gives no answer; or a service
//! that at least `askers` (3) others ask about the token of each request.

use super::prelude::*;

rule! {
    id: "single-point-of-failure",
    severity: Warning,
    section: Reliability,
    summary: "every flow stops with one service",
    what: "A service with one stated instance without which every flow of at least two gives no answer; or a service that at least `askers` (3) others ask about the token of each request.",
    why: "One restart of it stops everything.",
    limits: "Flows that the design derives count where none is stated. A service that promises 99.9 % or more is left to `single-replica-slo`.",
    source: "Nygard, Release It!, chapter 4; RFC 7662 and RFC 9068 on remote and local validation of tokens",
    thresholds: [("askers", 3.0, "services")],
}

/// Operations by which a service asks somebody else whether a token is good; compared without signs.
const CHECKS: [&str; 8] = [
    "introspect",
    "checktoken",
    "validatetoken",
    "verifytoken",
    "tokeninfo",
    "userinfo",
    "userscurrent",
    "validatesession",
];

fn check(facts: &Facts<'_>, report: &mut Report) {
    let askers = report.most("askers").max(1);
    let mut asked: Vec<Vec<CallId>> = vec![Vec::new(); facts.model.services.len()];
    for id in facts.model.call_ids() {
        let c = facts.model.call(id);
        let word: String = c.operation.chars().filter(char::is_ascii_alphanumeric).collect();
        let word = word.to_ascii_lowercase();
        if !c.soft() && matches!(c.from, Party::Service(_)) && CHECKS.iter().any(|w| word.contains(w)) {
            asked[c.to.0].push(id);
        }
    }
    // Flows are walked only where somebody has one instance.
    let alone: Vec<ServiceId> = facts
        .model
        .service_ids()
        .filter(|s| {
            let service = facts.model.service(*s);
            let promise = service.slo.and_then(|o| o.availability).is_some_and(|a| a.value.0 >= 0.999 - 1e-9);
            service.replicas.is_some_and(|r| r.value == 1) && !service.external && !promise
        })
        .collect();
    let flows = facts.plan.flows.len();
    let mut needed = vec![0_usize; facts.model.services.len()];
    if !alone.is_empty() && flows > 1 {
        for flow in 0..flows {
            for part in facts.plan.flow_needs(flow) {
                if let Dependency::Service(s) = part {
                    needed[s.0] += 1;
                }
            }
        }
    }
    for id in facts.model.service_ids() {
        let name = facts.name(id);
        let calls = &asked[id.0];
        let mut callers: Vec<Party> = calls.iter().map(|c| facts.model.call(*c).from).collect();
        callers.dedup();
        if let Some((first, rest)) = calls.split_first().filter(|_| callers.len() >= askers) {
            let names: Vec<&str> = callers.iter().map(|p| facts.model.party(*p)).collect();
            let mut d = report
                .at(
                    facts.model.call(*first).span,
                    format!("{} ask `{name}` about the token of each request: when it is down, all of them are", list(&names)),
                )
                .at("asks about a token");
            for call in rest.iter().take(7) {
                d = d.label(facts.model.call(*call).span, "so does this");
            }
            let d = d.help(format!(
                "let `{name}` sign the tokens, and check signature, issuer, audience and expiry in each service with its cached keys"
            ));
            let mut places: Vec<String> = names.iter().map(|n| (*n).to_owned()).collect();
            places.extend(names.iter().map(|n| format!("{n} -> {name}")));
            report.add((name.to_owned(), places), d);
        } else if let Some(replicas) = facts.model.service(id).replicas
            && flows > 1
            && needed[id.0] == flows
            && alone.contains(&id)
        {
            let d = report
                .at(replicas.span, format!("all {flows} flows stop with the one instance of `{name}`"))
                .at("one instance")
                .help("run at least two instances in two zones: `replicas = 2`");
            report.add(facts.service(id), d);
        }
    }
}
