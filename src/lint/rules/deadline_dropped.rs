//! `deadline-dropped`: a call goes on although nobody waits for it any more.
//!
//! A call of a service of which the author says `propagate_deadline = false`.

use super::prelude::*;

rule! {
    id: "deadline-dropped",
    severity: Warning,
    section: Sync,
    summary: "a call goes on although nobody waits for it any more",
    what: "A call of a service of which the author says `propagate_deadline = false`.",
    why: "The caller of the caller gives up, but the call and all behind it run to their end: work without a reader, most of it when everything is slow already. A context that is dropped usually loses its trace as well.",
    limits: "What is started on purpose to outlive its request is better told as an event.",
    source: "grpc.io, Deadlines",
}

fn check(facts: &Facts<'_>, report: &mut Report<'_>) {
    for id in facts.model.call_ids() {
        let c = facts.model.call(id);
        let (Some(set), Party::Service(from)) =
            (c.policy.propagate_deadline.filter(|p| !p.value), c.from)
        else {
            continue;
        };
        let (caller, callee) = (facts.name(from), facts.name(c.to));
        let mut d = report
            .at(
                set.span,
                format!("`{caller}` goes on waiting for `{callee}` when whoever called `{caller}` has given up"),
            )
            .at("the deadline is not handed on today");
        for outer in facts.inbound[from.0].iter().take(4) {
            if let Some((t, span)) = facts.patience(*outer) {
                let who = facts.model.party(facts.model.call(*outer).from);
                d = d.label(span, format!("`{who}` gives up after {t}"));
            }
        }
        let d = d
            .help(format!(
                "make the call on the context of the request, with what is left of its deadline but at most {}",
                facts.plan.call(id).timeout.value
            ))
            .fix(Fix::new("set `propagate_deadline = true`").write(set.span, "true"));
        report.add(facts.call(id), d);
    }
}
