//! `hedge-nonidempotent`: a second copy is sent of a call that may do its work twice.
//!
//! A `hedge` on a call that is said not to be idempotent, or on POST or PATCH without `idempotent =
//! true`. A warning where the protocol tells nothing and neither does the author.

use super::prelude::*;

rule! {
    id: "hedge-nonidempotent",
    severity: Error,
    section: Reliability,
    summary: "a second copy is sent of a call that may do its work twice",
    what: "A `hedge` on a call that is said not to be idempotent, or on POST or PATCH without `idempotent = true`. A warning where the protocol tells nothing and neither does the author.",
    why: "Both copies usually arrive, not only after a failure: the work is done twice whenever the callee is slow.",
    limits: "That an operation is idempotent is the author's word. A method whose name reads like a query is believed.",
    source: "gRPC proposal A6, client retries; Dean and Barroso, The Tail at Scale",
}

fn check(facts: &Facts<'_>, report: &mut Report<'_>) {
    for id in facts.model.call_ids() {
        let c = facts.model.call(id);
        let plan = facts.plan.call(id);
        let Some(hedge) = c.policy.hedge.filter(|_| !plan.idempotent.value) else {
            continue;
        };
        let (caller, callee) = (facts.model.party(c.from), facts.name(c.to));
        let mut d = report
            .at(
                hedge.span,
                format!(
                    "`{caller}` sends `{}` to `{callee}` twice whenever the answer takes longer than {}: {}",
                    c.label(),
                    hedge.value,
                    match plan.idempotency {
                        Idempotency::Stated => "it is stated not to be idempotent",
                        Idempotency::Method => "its method is not idempotent",
                        _ => "nothing says that it may be repeated",
                    }
                ),
            )
            .at(format!("a second copy after {}", hedge.value));
        if plan.idempotency == Idempotency::Unknown {
            d.severity = Severity::Warning;
        }
        d = match c.idempotent {
            Some(i) => d.label(i.span, "said here"),
            None => d.label(c.span, "this call"),
        };
        let d = d.help(format!(
            "remove `hedge`, or give the request an id by which `{callee}` knows the copy and set `idempotent = true`"
        ));
        report.add(facts.call(id), d);
    }
}
