//! What a chapter shows of a design that is too large for one readable picture: the teams, who depends on whom,
//! and what is around each team and service.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::super::Cx;
use super::super::doc::{Doc, Inline, count, say};
use super::{gallery, matrix, show};
use crate::diagram::{Matrix, Node, NodeKind, Picture, Refusal, Scene, text_form, views};

/// Most rows of a matrix as a table; above it the pairs are listed.
const MATRIX: usize = 40;
/// Most neighbourhoods of services in a chapter, and most of teams; the others are named with the command
/// that draws them.
const AROUND: usize = 24;

/// Writes the views of `whole`, whose `overview` may not exist for want of teams. `refused` says why the one
/// picture that was asked for cannot be drawn.
pub(super) fn write(
    cx: &Cx<'_>,
    doc: &mut Doc,
    whole: &Scene,
    overview: Option<Scene>,
    refused: Option<Refusal>,
) {
    let model = cx.plan.model;
    let canonical = whole.canonical();
    let (nodes, edges) = (canonical.nodes.len(), canonical.edges.len());
    let first = match (&overview, model.teams.len()) {
        (Some(_), _) => "the diagram shows the teams first",
        (None, 0 | 1) => {
            "each service is shown with its neighbours; with `teams`, there would be an overview too"
        }
        (None, _) => {
            "each team and service is shown with its neighbours; even the teams exchange too much for one picture"
        }
    };
    if let Some(why) = refused {
        doc.para(say!(
            "`view = \"full\"` asks for one picture of everything, but {}. So {}.",
            why,
            first
        ));
    } else if views::is_readable(&canonical) {
        doc.para(say!(
            "The diagram shows the teams, as `[diagram] view` asks; the parts of it follow."
        ));
    } else {
        doc.para(say!(
            "One picture of all {} and {} would not be readable (the bounds are {} and {}), so {}. `view = \"full\"` under `[diagram]` shows it all the same.",
            count(nodes, "box").replace("boxs", "boxes"),
            count(edges, "line"),
            views::READABLE_NODES,
            views::READABLE_EDGES,
            first
        ));
    }
    if let Some(mut overview) = overview {
        link_teams(cx, doc, &mut overview);
        show(
            cx,
            doc,
            "picture-overview",
            &Picture::Interactions(overview),
        );
    }
    doc.heading(1, "Dependencies", "dependencies");
    write_matrix(doc, &matrix::matrix(cx, matrix_of_teams(cx)));
    if !model.teams.is_empty() {
        doc.heading(1, "Around each team", "around-teams");
        for (i, team) in model.teams.iter().enumerate().take(AROUND) {
            doc.details(&team.name, |d| {
                let members = model.services.iter();
                let members = members.filter(|s| s.teams.iter().any(|t| t.0 == i));
                let names = Inline::names(members.map(|s| s.name.clone()));
                let anchor = d.anchor(&team_anchor(i));
                d.para(anchor.and(Inline::text("Its services: ")).and(names));
                let view = gallery::around_team(cx, whole, i);
                around(cx, d, &format!("picture-team-{i}"), view);
            });
        }
        let others = model.teams.iter().skip(AROUND).map(|t| t.name.as_str());
        rest(doc, "team", others.collect());
    }
    doc.heading(1, "Around each service", "around-services");
    let busiest = busiest(whole, model.services.len());
    let (shown, others): (Vec<_>, Vec<_>) = model
        .services
        .iter()
        .enumerate()
        .partition(|(i, _)| busiest.contains(i));
    for (i, service) in shown {
        doc.details(&service.name, |d| {
            let view = gallery::around_service(cx, whole, i);
            let name = format!("picture-around-{}", cx.plan.services[i].slug);
            around(cx, d, &name, view);
        });
    }
    let others = others.iter().map(|(_, s)| s.name.as_str());
    rest(doc, "service", others.collect());
}

/// The anchor of what is around the team with index `team`.
fn team_anchor(team: usize) -> String {
    format!("around-team-{team}")
}

/// Each team's box leads to what is around the team.
fn link_teams(cx: &Cx<'_>, doc: &Doc, overview: &mut Scene) {
    if !doc.html() {
        return;
    }
    for (i, team) in cx.plan.model.teams.iter().enumerate().take(AROUND) {
        let boxes = overview.nodes.iter_mut();
        let of = |n: &&mut Node| n.kind == NodeKind::Team && n.label == team.name;
        if let Some(node) = boxes.into_iter().find(of) {
            node.link = Some(format!("#{}", doc.id(&team_anchor(i))));
        }
    }
}

/// Whether the matrix that stands for the whole design is one of teams.
pub(super) fn matrix_of_teams(cx: &Cx<'_>) -> bool {
    let model = cx.plan.model;
    model.services.len() > MATRIX && model.teams.len() > 1
}

/// A neighbourhood: as a picture if that is readable, else as text.
fn around(cx: &Cx<'_>, doc: &mut Doc, name: &str, view: Scene) {
    if views::is_readable(&view.canonical()) {
        show(cx, doc, name, &Picture::Interactions(view));
    } else {
        doc.para("There is too much for a readable picture; the same as text:");
        doc.code("text", &text_form::interactions(&view));
    }
}

/// The services that exchange something with the most others; the first nodes of a scene are its services.
fn busiest(whole: &Scene, services: usize) -> BTreeSet<usize> {
    let mut ends: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); services];
    for edge in &whole.edges {
        for (one, other) in [(edge.from, edge.to), (edge.to, edge.from)] {
            if let Some(ends) = ends.get_mut(one) {
                ends.insert(other);
            }
        }
    }
    let mut order: Vec<usize> = (0..services).collect();
    order.sort_by_key(|i| Reverse(ends.get(*i).map_or(0, BTreeSet::len)));
    order.into_iter().take(AROUND).collect()
}

/// The teams or services without a picture, folded.
fn rest(doc: &mut Doc, what: &str, names: Vec<&str>) {
    if names.is_empty() {
        return;
    }
    doc.details(&format!("{} more", count(names.len(), what)), |d| {
        d.para(say!(
            "`mdbook-msdesign diagram FILE --focus NAME` draws what is around each of them:"
        ));
        d.para(Inline::join(names.into_iter().map(Inline::code), ", "));
    });
}

fn write_matrix(doc: &mut Doc, matrix: &Matrix) {
    doc.para(matrix.description.as_str());
    if matrix.cells.is_empty() {
        doc.para("None depends on another.");
    } else if matrix.names.len() <= MATRIX {
        doc.para(say!(
            "`s` counts synchronous calls, `a` asynchronous events, `r` real-time streams."
        ));
        doc.matrix(matrix);
    } else {
        let mut rows: Vec<Vec<Inline>> = Vec::new();
        for (&(from, to), counts) in &matrix.cells {
            let name = |i: usize| Inline::code(matrix.names.get(i).map_or("", String::as_str));
            rows.push(vec![name(from), name(to), Inline::text(counts.words())]);
        }
        doc.details(
            &count(rows.len(), "dependency").replace("dependencys", "dependencies"),
            |d| {
                d.table(&["From", "To", "Exchanged"], rows);
            },
        );
    }
}
