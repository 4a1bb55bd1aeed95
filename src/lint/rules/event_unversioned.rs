//! `event-unversioned`: an event has no version.
//!
//! An event of which the author says `version = "none"`; or the few without a version, in their name or as `version`, where the others of the design have one.

use super::prelude::*;


rule! {
    id: "event-unversioned",
    severity: Error,
    section: Async,
    summary: "an event has no version",
    what: "An event of which the author says `version = \"none\"`; or the few without a version, in their name or as `version`, where the others of the design have one.",
    why: "A schema changes sooner or later; without a version in the envelope no reader can tell the old form from the new one.",
    limits: "Nothing said about versions anywhere means that the design gives them.",
    source: "CloudEvents, versioning of the type attribute",
}

fn check(facts: &Facts<'_>, report: &mut Report) {
    let model = facts.model;
    let versioned = |e: &crate::model::Event| e.version.is_some() || named_with_version(&e.name);
    let with = model.events.iter().filter(|e| versioned(e)).count();
    // Two events with a version and fewer without are a custom that somebody forgot.
    let custom = with >= 2 && (model.events.len() - with) < with;
    let example = model.events.iter().find_map(|e| e.version);
    for id in model.event_ids() {
        let e = model.event(id);
        let mut d = match e.terms.lacks_version {
            Some(span) => report
                .at(span, format!("`{}` has no version", e.name))
                .at("no version today"),
            None if custom && !versioned(e) => {
                let d = report
                    .at(
                        e.name_span,
                        format!("`{}` has no version, as {} have", e.name, plural(with, "other event")),
                    )
                    .at("no version");
                match example {
                    Some(v) => d.label(v.span, "another event has one"),
                    None => d,
                }
            }
            None => continue,
        };
        let plan = facts.plan.event(id);
        d = d.help(format!(
            "set `version = {}` and send it in the envelope as the type `{}`",
            plan.version.value, plan.event_type
        ));
        report.add(facts.event(id), d);
    }
}

/// Whether the name ends in a version: `order.placed.v2`.
fn named_with_version(name: &str) -> bool {
    let last = name
        .rsplit(|c: char| !c.is_alphanumeric())
        .next()
        .unwrap_or_default()
        .to_lowercase();
    let digits = last.trim_start_matches(|c: char| c != 'v');
    digits
        .strip_prefix('v')
        .is_some_and(|d| !d.is_empty() && d.chars().all(|c| c.is_ascii_digit()))
}
