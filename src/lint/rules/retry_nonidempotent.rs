//! `retry-nonidempotent`: a call is repeated that may do its work twice.
//!
//! Stated retries on a call that is said not to be idempotent, or on POST or PATCH without
//! `idempotent = true`. A warning where the protocol tells nothing and neither does the author.

use super::prelude::*;

rule! {
    id: "retry-nonidempotent",
    severity: Error,
    section: Reliability,
    summary: "a call is repeated that may do its work twice",
    what: "Stated retries on a call that is said not to be idempotent, or on POST or PATCH without `idempotent = true`. A warning where the protocol tells nothing and neither does the author.",
    why: "A timeout does not tell whether the work was done. Repeating it may charge a card or send a mail twice.",
    limits: "That an operation is idempotent is the author's word. A method whose name reads like a query is believed.",
    source: "RFC 9110, section 9.2.2",
}

fn check(facts: &Facts<'_>, report: &mut Report) {
    // Where nothing but the name speaks, a storm on the same retries is the louder fault.
    let stormy: std::collections::BTreeSet<CallId> =
        facts.storms().into_iter().flat_map(|s| s.calls).collect();
    for id in facts.model.call_ids() {
        let c = facts.model.call(id);
        let Some(retries) = c.retries.filter(|r| r.value > 0) else {
            continue;
        };
        let plan = facts.plan.call(id);
        let told = plan.idempotency != Idempotency::Unknown;
        if plan.idempotent.value || (!told && stormy.contains(&id)) {
            continue;
        }
        let (caller, callee) = (facts.model.party(c.from), facts.name(c.to));
        let mut d = report
            .at(
                retries.span,
                format!(
                    "`{caller}` may do `{}` at `{callee}` up to {} times: {}",
                    c.label(),
                    u64::from(retries.value) + 1,
                    match plan.idempotency {
                        Idempotency::Stated => "it is stated not to be idempotent",
                        Idempotency::Method => "its method is not idempotent",
                        _ => "nothing says that it may be repeated",
                    }
                ),
            )
            .at(format!("{} after the first attempt", plural(retries.value as usize, "attempt")));
        if !told {
            d.severity = Severity::Warning;
        }
        d = match c.idempotent {
            Some(i) => d.label(i.span, "said here"),
            None => d.label(c.span, "this call"),
        };
        let d = d.help(match c.protocol {
            Protocol::Rest(_) => format!(
                "let `{caller}` send an `Idempotency-Key` that `{callee}` remembers and set `idempotent = true`, or set `retries = 0`"
            ),
            _ => format!(
                "give the request an id by which `{callee}` knows a repetition and set `idempotent = true`, or set `retries = 0`"
            ),
        });
        let fix = Fix::new("set `retries = 0`").write(retries.span, "0");
        report.add(facts.call(id), d.fix(fix));
    }
}
