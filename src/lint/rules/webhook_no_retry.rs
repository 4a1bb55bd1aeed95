//! `webhook-no-retry`: a webhook that fails once is never delivered.
//!
//! A call with `retries = 0` of a service whose name speaks of hooks or callbacks.

use super::prelude::*;

rule! {
    id: "webhook-no-retry",
    severity: Warning,
    section: Sync,
    summary: "a webhook that fails once is never delivered",
    what: "A call with `retries = 0` of a service whose name speaks of hooks or callbacks.",
    why: "The receiver belongs to somebody else and will be away at times; what is sent once, and not again, is lost for it without a trace.",
    limits: "Hooks are known by their names: `hook`, `webhook` or `callback` in the caller's name. Nothing said about retries means that the design decides.",
    source: "Standard Webhooks specification, reliability",
}

fn check(facts: &Facts<'_>, report: &mut Report) {
    for id in facts.model.call_ids() {
        let c = facts.model.call(id);
        let (Party::Service(from), Some(retries)) = (c.from, c.retries.filter(|r| r.value == 0)) else {
            continue;
        };
        if !sends_hooks(facts.name(from)) {
            continue;
        }
        let (from, to) = (facts.name(from), facts.name(c.to));
        let mut d = report
            .at(
                retries.span,
                format!("what `{from}` sends to `{to}` while it is away is lost"),
            )
            .at("sent once, and never again");
        d = d.label(c.span, "the hook");
        let d = d.help(format!(
            "let `{from}` queue one message a receiver and send it again with growing waits for hours, with an id by which `{to}` drops what it has",
        ));
        report.add(facts.call(id), d);
    }
}
