//! `dlq-missing`: a message that cannot be handled is lost or blocks the rest.
//!
//! An event of which the author says `dead_letter = "none"`.

use super::prelude::*;

rule! {
    id: "dlq-missing",
    severity: Error,
    section: Async,
    summary: "a message that cannot be handled is lost or blocks the rest",
    what: "An event of which the author says `dead_letter = \"none\"`.",
    why: "One message that always fails is either dropped in silence or delivered for ever before all others.",
    limits: "Nothing said means that the design plans a dead-letter channel.",
    source: "domain heuristic; broker documentation as cited in the chapter",
}

fn check(facts: &Facts<'_>, report: &mut Report) {
    for id in facts.model.event_ids() {
        let e = facts.model.event(id);
        let Some(span) = e.terms.lacks_dead_letter else { continue };
        let names: Vec<&str> = e.consumers.iter().map(|(p, _)| facts.model.party(*p)).collect();
        let plan = facts.plan.event(id);
        let channels: Vec<&str> = plan.groups.iter().map(|g| g.dead_letter.as_str()).collect();
        let who = if names.is_empty() { "a consumer".to_owned() } else { list(&names) };
        let mut d = report
            .at(span, format!("a message of `{}` that {who} cannot handle has nowhere to go", e.name))
            .at("no dead letter today");
        for (p, span) in e.consumers.iter().filter(|(_, s)| *s != e.span).take(6) {
            d = d.label(*span, format!("`{}` reads it", facts.model.party(*p)));
        }
        let d = d.help(format!(
            "give up after {} deliveries and move the message to {}",
            plan.attempts.value,
            if channels.is_empty() { "a dead-letter channel".to_owned() } else { list(&channels) }
        ));
        report.add(facts.event(id), d);
    }
}
