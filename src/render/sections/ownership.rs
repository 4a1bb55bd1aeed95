//! Who owns what, and which teams have to talk.

use super::super::Cx;
use super::super::artefact;
use super::super::doc::{Doc, Inline, say};
use super::alerts::team;
use crate::model::{Party, TeamId};
use crate::plan::{Contract, TeamPlan};

pub(super) fn write(cx: &Cx<'_>, doc: &mut Doc) {
    let plan = cx.plan;
    if plan.model.teams.is_empty() {
        doc.para(say!(
            "The spec names no teams, so {} of {} has no owner to show.",
            match plan.model.services.iter().filter(|s| !s.external).count() {
                1 => "the one service".to_owned(),
                n => format!("each of the {n} services"),
            },
            plan.model.title
        ));
        return;
    }
    if !plan.ownership().orphans.is_empty() {
        let names = plan
            .ownership()
            .orphans
            .iter()
            .map(|s| plan.model.service(*s).name.as_str());
        doc.para(say!("**Nobody owns** ").and(Inline::names(names)).and(say!(
            ": their {} alerts reach nobody.",
            plan.alerting().alerts
                .iter()
                .filter(|a| plan.ownership().orphans.contains(&a.service))
                .count()
        )));
    }
    teams(cx, doc);
    matrix(cx, doc);
    doc.heading(1, "Who Agrees to a Change", "ownership-changes");
    changes(cx, doc);
    artefact::show(cx, doc, "codeowners");
}

fn teams(cx: &Cx<'_>, doc: &mut Doc) {
    let model = cx.plan.model;
    doc.heading(1, "Teams", "ownership-teams");
    let rows = cx
        .plan
        .ownership()
        .teams
        .iter()
        .map(|t| {
            let (out, inn) = (split(&t.provides), split(&t.consumes));
            let said = model.team(t.team);
            let contact: Vec<Inline> = [
                ("channel", &said.channel),
                ("on call", &said.oncall),
                ("mail", &said.email),
            ]
            .into_iter()
            .filter_map(|(what, value)| value.as_ref().map(|v| Inline::text(format!("{what} {v}"))))
            .collect();
            vec![
                team(cx, t.team),
                if contact.is_empty() {
                    Inline::text("none given")
                } else {
                    Inline::join(contact, ", ")
                },
                Inline::names(services(cx, t)),
                Inline::text(out.0.to_string()),
                Inline::text(inn.0.to_string()),
                Inline::text(out.1.to_string()),
                Inline::text(inn.1.to_string()),
                Inline::text(t.alerts.len().to_string()),
            ]
        })
        .collect();
    doc.table(
        &[
            "Team",
            "Contact",
            "Services",
            "Calls provided",
            "Calls consumed",
            "Events provided",
            "Events consumed",
            "Alerts",
        ],
        rows,
    );
    doc.details("Contracts of each team", |doc| {
        for t in &cx.plan.ownership().teams {
            if t.provides.is_empty() && t.consumes.is_empty() {
                continue;
            }
            let name = &model.team(t.team).name;
            doc.entry_heading(name, &format!("ownership-team-{}", t.team.0));
            let line = |what: &'static str, list: &[Contract]| {
                (!list.is_empty()).then(|| {
                    Inline::text(what)
                        .and(Inline::names(list.iter().map(|c| contract_name(cx, *c))))
                })
            };
            doc.list(
                [
                    line("provides ", &t.provides),
                    line("relies on ", &t.consumes),
                ]
                .into_iter()
                .flatten(),
            );
        }
    });
}

fn services<'a>(cx: &Cx<'a>, t: &TeamPlan) -> Vec<&'a str> {
    t.services
        .iter()
        .map(|s| cx.plan.model.service(*s).name.as_str())
        .collect()
}

/// How many calls and how many events.
fn split(list: &[Contract]) -> (usize, usize) {
    let calls = list
        .iter()
        .filter(|c| matches!(c, Contract::Call(_)))
        .count();
    (calls, list.len() - calls)
}

fn contract_name(cx: &Cx<'_>, contract: Contract) -> String {
    match contract {
        Contract::Call(id) => cx.plan.model.call_name(id),
        Contract::Event(id) => cx.plan.model.event(id).name.clone(),
    }
}

fn matrix(cx: &Cx<'_>, doc: &mut Doc) {
    let (plan, model) = (cx.plan, cx.plan.model);
    doc.heading(1, "Coupling between Teams", "ownership-coupling");
    let (cross, all) = plan.ownership().cross_calls;
    doc.para(say!(
        "{} of the {} calls between owned services cross a team boundary. A row relies on a column: calls plus event subscriptions; the diagonal stays within one team.",
        cross,
        all
    ));
    let mut head = vec!["Relies on"];
    head.extend(model.teams.iter().map(|t| t.name.as_str()));
    let rows = plan
        .ownership()
        .matrix
        .iter()
        .enumerate()
        .map(|(i, row)| {
            let mut cells = vec![team(cx, TeamId(i))];
            cells.extend(row.iter().map(|n| match n {
                0 => Inline::text("–"),
                n => Inline::text(n.to_string()),
            }));
            cells
        })
        .collect();
    doc.table(&head, rows);
}

/// Every contract over a team boundary: whose it is, and who relies on it.
fn changes(cx: &Cx<'_>, doc: &mut Doc) {
    let (plan, model) = (cx.plan, cx.plan.model);
    let rows: Vec<Vec<Inline>> = plan
        .coupling
        .agreements
        .iter()
        .map(|a| {
            let outside = a.outsiders.iter().map(|p| match p {
                Party::Actor(id) => say!("clients: {}", model.actor(*id).name),
                Party::Service(s) => say!("`{}` (no team)", model.service(*s).name),
            });
            vec![
                Inline::code(contract_name(cx, a.contract)),
                Inline::text(match a.contract {
                    Contract::Call(_) => "call",
                    Contract::Event(_) => "event",
                }),
                team(cx, a.provider),
                Inline::join(a.teams.iter().map(|t| team(cx, *t)).chain(outside), ", "),
            ]
        })
        .collect();
    if rows.is_empty() {
        doc.para(say!(
            "No contract of {} crosses a team boundary: every team changes its own alone.",
            model.title
        ));
        return;
    }
    doc.table(&["Contract", "Kind", "Owner", "Must agree"], rows);
}
