//! `fan-out-wide`: a request waits for the slowest of many calls.
//!
//! A `parallel` group of a stated flow with so many calls that one of them is slower than its 99th
//! percentile in more than `most` of the requests: 1 − 0.99^n.

use super::prelude::*;

rule! {
    id: "fan-out-wide",
    severity: Warning,
    section: Reliability,
    summary: "a request waits for the slowest of many calls",
    what: "A `parallel` group of a stated flow with so many calls that one of them is slower than its 99th percentile in more than `most` of the requests: 1 − 0.99^n.",
    why: "With n calls at once the request is as slow as the slowest: of eleven calls one is beyond its 99th percentile in every tenth request.",
    limits: "Calls are taken to be independent. Only a stated flow says which calls one request makes at the same time.",
    source: "Dean and Barroso, The Tail at Scale, CACM 2013",
    thresholds: [("most", 0.1, "share of requests")],
}

fn check(facts: &Facts<'_>, report: &mut Report<'_>) {
    let most = report.threshold("most");
    for flow in facts.plan.flows.iter().filter(|f| !f.derived) {
        let Some(stated) = flow.index.and_then(|i| facts.model.flows.get(i)) else {
            continue;
        };
        for group in &flow.steps {
            let calls: Vec<CallId> = group
                .iter()
                .filter_map(|s| match s {
                    Step::Call(id) => Some(*id),
                    _ => None,
                })
                .collect();
            let n: u32 = calls
                .iter()
                .map(|id| facts.plan.call(*id).per_request.value)
                .fold(0, u32::saturating_add);
            let slow = 1.0 - 0.99_f64.powi(i32::try_from(n).unwrap_or(i32::MAX));
            let (Some(&first), true) = (calls.first(), calls.len() > 1 && slow > most) else {
                continue;
            };
            let mut d = report
                .at(
                    stated.span,
                    format!(
                        "in \"{}\" {} of requests wait for one of {n} parallel calls that is slower than its 99th percentile",
                        flow.name,
                        Ratio((slow * 1000.0).round() / 1000.0)
                    ),
                )
                .at(format!("{n} calls at the same time"));
            for id in calls.iter().take(8) {
                d = d.label(facts.model.call(*id).span, "one of them");
            }
            let d = d.help("answer with what has come by then, send a second copy of slow reads with `hedge`, or ask for several things in one call");
            let mut places: Vec<String> = Vec::new();
            for id in &calls {
                let (name, mut parts) = facts.call(*id);
                places.push(name);
                places.append(&mut parts);
            }
            places.push(flow.name.clone());
            report.add((facts.call(first).0, places), d);
        }
    }
}
