//! `distributed-tx`: one transaction spans several services.
//!
//! A saga over two or more services with `transaction = \"2pc\"` or `\"xa\"`, and a call between
//! services whose protocol or operation is named so (`XA`, `2PC`).

use super::prelude::*;

rule! {
    id: "distributed-tx",
    severity: Error,
    section: Consistency,
    summary: "one transaction spans several services",
    what: "A saga over two or more services with `transaction = \"2pc\"` or `\"xa\"`, and a call between services whose protocol or operation is named so (`XA`, `2PC`).",
    why: "Every participant holds its locks until the slowest has voted; when the coordinator fails in between, they hold them until it is back, and all are as available as all together.",
    limits: "Transactions that the spec does not name are not seen.",
    source: "Azure Architecture Center, Saga pattern; Gray and Lamport, Consensus on Transaction Commit",
}

fn check(facts: &Facts<'_>, report: &mut Report) {
    let m = facts.model;
    for saga in &m.sagas {
        let Some(span) = saga.two_phase else { continue };
        let mut names: Vec<&str> = Vec::new();
        for step in &saga.steps {
            let name = facts.name(step.service);
            if !names.contains(&name) {
                names.push(name);
            }
        }
        if names.len() < 2 {
            continue;
        }
        let mut d = report
            .at(span, format!("the transaction \"{}\" holds locks in {} at once", saga.name, list(&names)))
            .at("two-phase commit");
        for step in saga.steps.iter().take(7) {
            d = d.label(step.span, format!("`{}` waits for the vote of the others", facts.name(step.service)));
        }
        let d = d.help("make it a saga: a local transaction a step, an `undo` for each step before the pivot");
        report.add((saga.name.clone(), names.iter().map(|n| (*n).to_owned()).collect()), d);
    }
    for id in m.call_ids() {
        let c = m.call(id);
        let Party::Service(_) = c.from else { continue };
        let words = [c.protocol.name(), &c.operation];
        if !words.iter().any(|w| w.split(|x: char| !x.is_alphanumeric()).any(two_phase)) {
            continue;
        }
        let (from, to) = (m.party(c.from), facts.name(c.to));
        let d = report
            .at(c.span, format!("`{from}` and `{to}` share one transaction"))
            .at("two-phase commit")
            .help(format!("let `{from}` and `{to}` commit each on its own, as steps of a saga with an `undo`"));
        report.add(facts.call(id), d);
    }
}

fn two_phase(word: &str) -> bool {
    ["xa", "2pc"].iter().any(|w| w.eq_ignore_ascii_case(word))
}
