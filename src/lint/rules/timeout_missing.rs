//! `timeout-missing`: a call waits for ever.
//!
//! A call of which the author says `timeout = "none"`.

use super::prelude::*;

rule! {
    id: "timeout-missing",
    severity: Error,
    section: Reliability,
    summary: "a call waits for ever",
    what: "A call of which the author says `timeout = \"none\"`.",
    why: "A callee that hangs takes a thread or a connection of its caller for every request, until the caller hangs as well. gRPC sets no deadline by itself.",
    limits: "A call about which nothing is said is not reported: the design gives it a timeout.",
    source: "grpc.io, Deadlines",
}

fn check(facts: &Facts<'_>, report: &mut Report) {
    for id in facts.model.call_ids() {
        let c = facts.model.call(id);
        let Some(set) = c.timeout.filter(|t| t.value == Stated::Lacking) else {
            continue;
        };
        let plan = facts.plan.call(id);
        let from = facts.model.party(c.from);
        let mut d = report
            .at(
                set.span,
                format!(
                    "`{from}` waits for ever when `{}` hangs in `{}`",
                    facts.name(c.to),
                    c.label()
                ),
            )
            .at("no timeout today")
            .help(format!(
                "set `timeout = \"{}\"` ({})",
                plan.timeout.value.compact(),
                plan.timeout.why
            ));
        if let Some((p99, span, what)) = facts.p99(id) {
            d = d.label(span, format!("{what} is {p99}"));
        }
        let wanted = format!("\"{}\"", plan.timeout.value.compact());
        let fix = Fix::new(format!("set `timeout = {wanted}`")).write(set.span, wanted);
        report.add(facts.call(id), d.fix(fix));
    }
}
