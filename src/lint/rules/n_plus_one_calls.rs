//! `n-plus-one-calls`: one call is made again for every item.
//!
//! A call that one request makes more than `most` times, by its stated `per_request`.

use super::prelude::*;

rule! {
    id: "n-plus-one-calls",
    severity: Warning,
    section: Sync,
    summary: "one call is made again for every item",
    what: "A call that one request makes more than `most` times, by its stated `per_request`.",
    why: "Latency, load and the chance of a failure grow with the number of items: ten items at 99.9 % each are 99 %, and ten times the 50 ms.",
    limits: "A loop that the spec does not tell is not seen.",
    source: "Microsoft, Azure Architecture Center, Chatty I/O antipattern",
    thresholds: [("most", 2.0, "calls a request")],
}

fn check(facts: &Facts<'_>, report: &mut Report<'_>) {
    let most = report.most("most");
    for id in facts.model.call_ids() {
        let c = facts.model.call(id);
        let Some(times) = c.policy.per_request.filter(|n| n.value as usize > most) else {
            continue;
        };
        let (caller, callee) = (facts.model.party(c.from), facts.name(c.to));
        let mut d = report
            .at(
                times.span,
                format!(
                    "one request makes `{caller}` call `{}` at `{callee}` {} times, one after the other",
                    c.label(),
                    times.value
                ),
            )
            .at("in a loop");
        if let Some((p99, span, what)) = facts.p99(id) {
            d = d.label(span, format!("{what} is {p99}"));
        }
        let d = d.help(format!(
            "let `{callee}` take all items in one call, keep what seldom changes in `{caller}`, or make the calls at the same time and bound how many"
        ));
        report.add(facts.call(id), d);
    }
}
