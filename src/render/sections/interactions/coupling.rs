//! How the services hang together: chain, circles, hubs, one-sided events.

use super::super::super::Cx;
use super::super::super::doc::{Doc, Inline, count, say};
use crate::model::{EventId, ServiceId};
use crate::plan::percent;

/// Services with many callers that the table shows.
const MOST_HUBS: usize = 5;
/// Circles that are told.
const MOST_CIRCLES: usize = 10;

pub(super) fn write(cx: &Cx<'_>, doc: &mut Doc) {
    let (plan, model) = (cx.plan, cx.plan.model);
    let coupling = &plan.coupling;
    if coupling.chain.is_empty() && coupling.circles.is_empty() {
        return;
    }
    doc.heading(1, "Coupling", "coupling");
    let name = |s: ServiceId| model.service(s).name.as_str();
    let mut items = vec![say!(
        "{} of its own; calls lead directly between {}, {} of those possible.",
        count(coupling.own, "service"),
        count(coupling.pairs, "pair"),
        percent(coupling.density())
    )];
    items.extend(chain(cx));
    if let Some(p) = coupling.passage {
        items.push(say!(
            "Most passed through: `{}`, by {} of the ways from a service that none calls to one that calls none.",
            name(p.service),
            percent(p.share)
        ));
    }
    for circle in coupling.circles.iter().take(MOST_CIRCLES) {
        let path = Inline::join(circle.path.iter().map(|s| Inline::code(name(*s))), " → ");
        let size = circle.members.len();
        let note = if circle.apart {
            Inline::text(", in different flows")
        } else {
            Inline::text("")
        };
        items.push(
            say!("A circle of {}: ", count(size, "service"))
                .and(path)
                .and(note),
        );
    }
    items.extend(one_sided("Read by nobody here: ", cx, &coupling.unread));
    items.extend(one_sided(
        "Published by nobody here: ",
        cx,
        &coupling.unpublished,
    ));
    doc.list(items);
    hubs(cx, doc);
}

fn chain(cx: &Cx<'_>) -> Option<Inline> {
    let model = cx.plan.model;
    let chain = &cx.plan.coupling.chain;
    let (first, _) = chain.first()?;
    let name = |s: &ServiceId| Inline::code(model.service(*s).name.as_str());
    let way = std::iter::once(first).chain(chain.iter().map(|(_, to)| to));
    Some(
        say!("Longest chain: {}, ", count(chain.len(), "call"))
            .and(Inline::join(way.map(name), " → ")),
    )
}

fn one_sided(what: &'static str, cx: &Cx<'_>, events: &[EventId]) -> Option<Inline> {
    let names = events.iter().map(|e| cx.plan.model.event(*e).name.as_str());
    (!events.is_empty()).then(|| Inline::text(what).and(Inline::names(names)))
}

fn hubs(cx: &Cx<'_>, doc: &mut Doc) {
    let (plan, model) = (cx.plan, cx.plan.model);
    let rows: Vec<Vec<Inline>> = plan
        .coupling
        .hubs
        .iter()
        .take(MOST_HUBS)
        .map(|s| {
            let p = plan.service(*s);
            vec![
                Inline::code(model.service(*s).name.as_str()),
                Inline::text(p.used_by.len().to_string()),
                Inline::names(p.used_by.iter().map(|c| &model.service(*c).name)),
                Inline::text(p.depends_on.len().to_string()),
            ]
        })
        .collect();
    if !rows.is_empty() {
        doc.table(&["Called by most", "Callers", "Which", "Callees"], rows);
    }
}
