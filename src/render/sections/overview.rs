//! What was asked, what was chosen and why, what was assumed, what the linter found.

use super::super::Cx;
use super::super::doc::{Doc, Inline, count, counts, say};
use crate::catalog;
use crate::diag::Severity;
use crate::lint::Finding;
use crate::model::{Architecture, Section};
use crate::plan::Origin;

pub(super) fn write(cx: &Cx<'_>, doc: &mut Doc) {
    let model = cx.plan.model;
    if let Some(description) = &model.description {
        doc.para(description.as_str());
    }
    asked(cx, doc);
    choices(cx, doc);
    assumptions(cx, doc);
    findings(cx, doc);
}

fn asked(cx: &Cx<'_>, doc: &mut Doc) {
    let model = cx.plan.model;
    let services: Vec<&str> = model
        .services
        .iter()
        .filter(|s| !s.external)
        .map(|s| s.name.as_str())
        .collect();
    let external: Vec<&str> = model
        .services
        .iter()
        .filter(|s| s.external)
        .map(|s| s.name.as_str())
        .collect();
    let mut rows = vec![vec![
        Inline::text("Services"),
        Inline::text(format!("{}: ", services.len())).and(Inline::names(&services)),
    ]];
    if !external.is_empty() {
        rows.push(vec![
            Inline::text("Services of others"),
            Inline::names(&external),
        ]);
    }
    let used: Vec<&str> = model
        .actors
        .iter()
        .enumerate()
        .filter(|(i, a)| a.span.is_some() || uses(cx, *i))
        .map(|(_, a)| a.name.as_str())
        .collect();
    if !used.is_empty() {
        rows.push(vec![Inline::text("Actors"), Inline::names(&used)]);
    }
    rows.push(vec![
        Inline::text("Today"),
        Inline::text(match model.architecture {
            Some(Architecture::Monolith) => "a monolith, to be cut into these services",
            Some(Architecture::Microservices) => "microservices",
            None => "not said; taken to be microservices",
        }),
    ]);
    rows.push(vec![
        Inline::text("Interactions"),
        Inline::text(counts([
            (model.calls.len(), "synchronous call"),
            (model.events.len(), "event"),
            (model.streams.len(), "real-time stream"),
            (model.sagas.len(), "saga"),
        ])),
    ]);
    if !model.teams.is_empty() {
        let teams: Vec<&str> = model.teams.iter().map(|t| t.name.as_str()).collect();
        rows.push(vec![Inline::text("Teams"), Inline::names(&teams)]);
    }
    doc.table(&["Asked", "Answer"], rows);
}

fn uses(cx: &Cx<'_>, actor: usize) -> bool {
    let party = crate::model::Party::Actor(crate::model::ActorId(actor));
    let model = cx.plan.model;
    model.calls.iter().any(|c| c.from == party)
        || model
            .streams
            .iter()
            .any(|s| s.from == party || s.to == party)
        || cx
            .plan
            .flows
            .iter()
            .any(|f| f.actor.is_some_and(|a| a.0 == actor))
}

fn choices(cx: &Cx<'_>, doc: &mut Doc) {
    doc.heading(1, "Choices", "choices");
    let rows = cx
        .plan
        .choices
        .list
        .iter()
        .map(|c| {
            vec![
                Inline::text(c.what),
                Inline::quoted(&c.chosen),
                Inline::text(match c.origin {
                    Origin::Set => "author",
                    Origin::Derived => "design",
                    Origin::Assumed => "assumed",
                }),
                Inline::quoted(&c.why),
                source(c.source),
            ]
        })
        .collect();
    doc.table(&["Part", "Choice", "By", "Reason", "Source"], rows);
}

/// A source's title, or a dash.
pub(super) fn source(key: &str) -> Inline {
    match key {
        "" => Inline::text("–"),
        "derived" => Inline::text("reasoned here"),
        key => Inline::text(catalog::source_title(key)),
    }
}

fn assumptions(cx: &Cx<'_>, doc: &mut Doc) {
    if cx.plan.assumptions.is_empty() {
        return;
    }
    doc.heading(1, "Assumptions", "assumptions");
    doc.para("The spec is silent here; each of these can be set in it.");
    doc.list(cx.plan.assumptions.iter().map(|a| Inline::quoted(a)));
}

fn findings(cx: &Cx<'_>, doc: &mut Doc) {
    // A host that hides findings must not say that there are none.
    if !cx.options.show_warnings {
        return;
    }
    let shown = cx.findings;
    doc.heading(1, "Findings", "findings");
    if shown.is_empty() {
        doc.para("The linter found no fault in this design.");
        return;
    }
    let counts: Vec<String> = [
        (Severity::Error, "error"),
        (Severity::Warning, "warning"),
        (Severity::Info, "note"),
    ]
    .into_iter()
    .map(|(s, word)| {
        (
            shown.iter().filter(|f| f.diagnostic.severity == s).count(),
            word,
        )
    })
    .filter(|(n, _)| *n > 0)
    .map(|(n, word)| count(n, word))
    .collect();
    if shown.len() > 1 {
        doc.para(format!("{}, the worst first.", counts.join(", ")));
    }
    let (mut open, mut rest) = (Vec::new(), Vec::new());
    for alike in by_rule(shown) {
        let Some((first, others)) = alike.split_first() else {
            continue;
        };
        // Two of a kind are read faster in full.
        if open.len() == OPEN_FINDINGS || others.len() < 2 {
            for f in alike {
                let to = if open.len() == OPEN_FINDINGS {
                    &mut rest
                } else {
                    &mut open
                };
                to.push(finding(cx, doc, f));
            }
            continue;
        }
        let subjects = Inline::names(others.iter().map(|f| &f.subject));
        open.push(
            finding(cx, doc, first)
                .and(say!(" And {} of its kind: ", others.len()))
                .and(subjects),
        );
        rest.extend(others.iter().map(|f| finding(cx, doc, f)));
    }
    doc.list(open);
    if !rest.is_empty() {
        doc.details(
            &format!("{} more in full", count(rest.len(), "finding")),
            |d| {
                d.list(rest);
            },
        );
    }
}

/// The findings of each rule together, in the order of the first of each.
fn by_rule(shown: &[Finding]) -> Vec<Vec<&Finding>> {
    let mut groups: Vec<Vec<&Finding>> = Vec::new();
    for f in shown {
        let same = |g: &&mut Vec<&Finding>| {
            let d = &g[0].diagnostic;
            (d.rule, d.severity) == (f.diagnostic.rule, f.diagnostic.severity)
        };
        match groups.iter_mut().find(same) {
            Some(group) => group.push(f),
            None => groups.push(vec![f]),
        }
    }
    groups
}

/// How many kinds of findings stand open, the worst first; the others fold.
const OPEN_FINDINGS: usize = 10;

/// `error rule: what is wrong. What to do instead. Where the chapter speaks of it.`
fn finding(cx: &Cx<'_>, doc: &Doc, f: &Finding) -> Inline {
    let d = &f.diagnostic;
    let info = f.section.info();
    let heading = if f.section == Section::Overview {
        "Overview"
    } else {
        info.heading
    };
    let section = if cx.plan.model.sections.contains(&f.section) {
        doc.link(heading, info.id)
    } else {
        Inline::text(heading)
    };
    let rule = match cx
        .options
        .links
        .rule
        .as_deref()
        .and_then(|t| super::links::fill(t, d.rule))
    {
        Some(url) => Inline::link(Inline::code(d.rule), url),
        None => Inline::code(d.rule),
    };
    let mut out = say!("**{}** ", d.severity.name())
        .and(rule)
        .and(say!(": {}.", d.message));
    if let Some(help) = &d.help {
        out = out.and(say!(" Instead: {}.", help.trim_end_matches('.')));
    }
    out.and(Inline::text(" → ")).and(section)
}
