//! `retry-no-budget`: nothing limits the retries of a call.
//!
//! A call with retries of which the author says `retry_budget = "none"`.

use super::prelude::*;

rule! {
    id: "retry-no-budget",
    severity: Warning,
    section: Reliability,
    summary: "nothing limits the retries of a call",
    what: "A call with retries of which the author says `retry_budget = \"none\"`.",
    why: "While the callee fails every call is repeated, so that it gets several times its load just when it can bear least.",
    limits: "A call about whose budget nothing is said is not reported: the design gives it one.",
    source: "Site Reliability Engineering, chapter 21",
}

fn check(facts: &Facts<'_>, report: &mut Report<'_>) {
    for id in facts.model.call_ids() {
        let c = facts.model.call(id);
        let Some(budget) = c.policy.retry_budget.filter(|b| b.value == Stated::Lacking) else {
            continue;
        };
        let (attempts, span) = facts.attempts(id);
        if attempts < 2 {
            continue;
        }
        let (caller, callee) = (facts.model.party(c.from), facts.name(c.to));
        let mut d = report
            .at(
                budget.span,
                format!("when `{callee}` fails, `{caller}` sends it up to {attempts} times its load"),
            )
            .at("nothing limits the retries today");
        if let Some(span) = span {
            d = d.label(span, format!("{attempts} attempts"));
        }
        let share = facts.plan.call(id).retry_budget.value;
        let d = d
            .help(format!(
                "let retries add at most {share} to the calls of the last seconds, and set `retry_budget = \"{share}\"`"
            ))
            .fix(Fix::new(format!("set `retry_budget = \"{share}\"`")).write(budget.span, format!("\"{share}\"")));
        report.add(facts.call(id), d);
    }
}
