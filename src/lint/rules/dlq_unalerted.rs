//! `dlq-unalerted`: nobody hears of a dead letter.
//!
//! An event of which the author says `dead_letter = { alert = false }`.

use super::prelude::*;


rule! {
    id: "dlq-unalerted",
    severity: Warning,
    section: Async,
    summary: "nobody hears of a dead letter",
    what: "An event of which the author says `dead_letter = { alert = false }`.",
    why: "What nobody is told of stays there until it expires; then it is lost as if there were no dead letters.",
    limits: "Nothing said means that the design has an alert.",
    source: "domain heuristic",
}

fn check(facts: &Facts<'_>, report: &mut Report) {
    for id in facts.model.event_ids() {
        let e = facts.model.event(id);
        let Some(alert) = e.terms.dead_letter_alert.filter(|a| !a.value) else {
            continue;
        };
        let plan = facts.plan.event(id);
        let channels: Vec<&str> = plan.groups.iter().map(|g| g.dead_letter.as_str()).collect();
        let where_ = if channels.is_empty() { "there".to_owned() } else { list(&channels) };
        let d = report
            .at(alert.span, format!("a message of `{}` may lie in {where_} unseen", e.name))
            .at("no alert today")
            .help(format!(
                "alert the owner of the reader as soon as one message arrives in {where_}; it is kept for {}",
                plan.dead_letter_retention.value
            ));
        report.add(facts.event(id), d);
    }
}
