//! What each channel takes on its broker's disks.

use super::super::super::Cx;
use super::super::super::doc::{Doc, Inline, say};
use crate::model::{BrokerId, EventId};
use crate::plan;

pub(super) fn write(cx: &Cx<'_>, doc: &mut Doc, broker: BrokerId, events: &[EventId]) {
    let model = cx.plan.model;
    let kind = model.broker(broker).kind;
    let limited = events
        .iter()
        .any(|e| cx.plan.event(*e).stored.partition_limit.is_some());
    let mut head = vec!["Event", "Written a day", "Stored"];
    if limited {
        head.push("retention.bytes of a partition");
    }
    let rows = events
        .iter()
        .map(|id| {
            let stored = &cx.plan.event(*id).stored;
            let mut row = vec![
                Inline::code(model.event(*id).name.as_str()),
                Inline::text(stored.a_day.to_string()),
                Inline::figure(&stored.bytes),
            ];
            if limited {
                row.push(match &stored.partition_limit {
                    Some(limit) => Inline::figure(limit),
                    None => Inline::text("unset: its rate or size is not stated"),
                });
            }
            row
        })
        .collect();
    let all = plan::together(events.iter().map(|e| &cx.plan.event(*e).stored));
    doc.details(
        &format!("What {} stores at constant peak: {all}", kind.name),
        |d| d.table(&head, rows),
    );
    doc.list(events.iter().filter_map(|id| {
        let stored = &cx.plan.event(*id).stored;
        let why = stored.too_much.as_ref()?;
        Some(
            say!(
                "**`{}` would take {}**: ",
                model.event(*id).name,
                stored.bytes.value
            )
            .and(Inline::quoted(why))
            .and(Inline::text(".")),
        )
    }));
}
