//! `timeout-below-p99`: a timeout cuts off answers that would have come.
//!
//! A stated timeout that is shorter than the stated 99th percentile of the same call, of the
//! callee's promise, or of `defaults`.

use super::prelude::*;

rule! {
    id: "timeout-below-p99",
    severity: Error,
    section: Reliability,
    summary: "a timeout cuts off answers that would have come",
    what: "A stated timeout that is shorter than the stated 99th percentile of the same call, of the callee's promise, or of `defaults`.",
    why: "More than one in a hundred calls fails although the callee works as it should; with retries they come back as load.",
    limits: "A percentile that the design assumes is not compared.",
    source: "AWS Builders' Library, Timeouts, retries, and backoff with jitter",
}

fn check(facts: &Facts<'_>, report: &mut Report) {
    for id in facts.model.call_ids() {
        let (Some((timeout, span)), Some((p99, at, what))) = (facts.timeout(id), facts.p99(id)) else {
            continue;
        };
        if timeout >= p99 {
            continue;
        }
        let c = facts.model.call(id);
        let d = report
            .at(
                span,
                format!(
                    "`{}` gives up on `{}` after {timeout}, but one answer in a hundred takes longer than {p99}",
                    facts.model.party(c.from),
                    facts.name(c.to)
                ),
            )
            .at(format!("gives up after {timeout}"))
            .label(at, format!("{what} is {p99}"))
            .help(format!(
                "raise the timeout to about {} ({} × the 99th percentile), or make the callee faster",
                p99.scale(crate::catalog::numbers().timeout_padding.value).round_up(),
                float(crate::catalog::numbers().timeout_padding.value)
            ));
        report.add(facts.call(id), d);
    }
}
