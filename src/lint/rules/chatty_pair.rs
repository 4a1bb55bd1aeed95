//! `chatty-pair`: one request makes many calls between the same two services.
//!
//! A stated flow in which one request makes `operations` or more different calls from one service to
//! another, or more than `calls` calls in all.

use super::prelude::*;

rule! {
    id: "chatty-pair",
    severity: Warning,
    section: Sync,
    summary: "one request makes many calls between the same two services",
    what: "A stated flow in which one request makes `operations` or more different calls from one service to another, or more than `calls` calls in all.",
    why: "Every call pays the network, a queue and a chance to fail; what belongs together can be asked for together.",
    limits: "Only a stated flow says what one request makes. A call that is repeated in a loop is left to `n-plus-one-calls`.",
    source: "Azure Architecture Center, Chatty I/O antipattern",
    thresholds: [("operations", 5.0, "operations"), ("calls", 10.0, "calls")],
}

fn check(facts: &Facts<'_>, report: &mut Report<'_>) {
    let (operations, calls) = (report.most("operations"), report.most("calls"));
    // A pair is told once, in the first flow that shows it.
    let mut told: std::collections::BTreeSet<(ServiceId, ServiceId)> =
        std::collections::BTreeSet::new();
    for flow in facts.plan.flows.iter().filter(|f| !f.derived) {
        let mut pairs: std::collections::BTreeMap<(ServiceId, ServiceId), Vec<CallId>> =
            std::collections::BTreeMap::new();
        for step in flow.steps.iter().flatten() {
            let Step::Call(id) = *step else { continue };
            let c = facts.model.call(id);
            if let Party::Service(from) = c.from {
                pairs.entry((from, c.to)).or_default().push(id);
            }
        }
        for ((from, to), steps) in pairs {
            let mut different = steps.clone();
            different.sort_unstable();
            different.dedup();
            let (Some(&first), true) = (
                different.first(),
                different.len() >= operations || steps.len() > calls,
            ) else {
                continue;
            };
            if !told.insert((from, to)) {
                continue;
            }
            let (caller, callee) = (facts.name(from), facts.name(to));
            let mut d = report
                .at(
                    facts.model.call(first).span,
                    format!(
                        "in \"{}\" one request makes {} from `{caller}` to `{callee}`",
                        flow.name,
                        plural(steps.len(), "call")
                    ),
                )
                .at("one of them");
            for id in different.iter().skip(1).take(8) {
                d = d.label(facts.model.call(*id).span, "another");
            }
            if let Some(stated) = flow.index.and_then(|i| facts.model.flows.get(i)) {
                d = d.label(stated.span, "in this flow");
            }
            let d = d.help(format!(
                "let `{callee}` answer with all of it in one operation, or move what is asked for so often to `{caller}`"
            ));
            let places = vec![caller.to_owned(), callee.to_owned(), flow.name.clone()];
            report.add((format!("{caller} -> {callee}"), places), d);
        }
    }
}
