//! Naming conventions, checked against every event of the design.

use super::super::super::Cx;
use super::super::super::doc::{Doc, Inline, say};

pub(super) fn write(cx: &Cx<'_>, doc: &mut Doc) {
    let model = cx.plan.model;
    doc.heading(1, "Naming conventions", "async-naming");
    let good = cx.plan.events.iter().filter(|e| e.conforms).count();
    doc.para(say!(
        "The convention of {} is `<entity>.<past tense>`, with `.v<version>` added in `eventType`: {} of {} events follow it.",
        model.title,
        good,
        cx.plan.events.len()
    ));
    if good < cx.plan.events.len() {
        doc.para("An event that does not follow it keeps the channel that its readers know; a new name would be a new channel beside the old one.");
    }
    let rows = model
        .event_ids()
        .map(|id| {
            let (event, plan) = (model.event(id), cx.plan.event(id));
            vec![
                if event.named {
                    Inline::code(event.name.as_str())
                } else {
                    Inline::code(event.name.as_str()).and(Inline::text(" (no name is given)"))
                },
                Inline::code(plan.event_type.as_str()),
                Inline::code(plan.channel.as_str()),
                Inline::text(if plan.conforms { "yes" } else { "no" }),
                match &plan.suggested {
                    Some(name) => Inline::code(name.as_str()),
                    None => Inline::text("as it is"),
                },
            ]
        })
        .collect();
    doc.table(
        &[
            "Event",
            "Type in the envelope",
            "Channel",
            "Follows",
            "By the convention",
        ],
        rows,
    );
}
