//! Runbooks: one Markdown file an alert, for those who are woken and do not have the chapter open.

use super::super::Cx;
use super::super::doc::{Doc, Inline, say};
use super::super::sections::{contact, runbook};
use super::{File, Kind};
use crate::Format;
use crate::plan::Alert;

pub(super) const KIND: Kind = Kind {
    id: "runbooks",
    what: "a page an alert: what it means, what to do, whom to tell",
    files,
};

fn files(cx: &Cx<'_>) -> Vec<File> {
    // An alert's name is letters and digits, so it is safe in a path, and the book's `links.runbook` can
    // lead here.
    let page = |a: &Alert| File {
        path: format!("runbooks/{}.md", a.name),
        fence: "markdown",
        text: page(cx, a),
        checked_by: None,
        notes: Vec::new(),
    };
    cx.plan.alerting().alerts.iter().map(page).collect()
}

fn page(cx: &Cx<'_>, a: &Alert) -> String {
    let mut doc = Doc::new(Format::Markdown, "", 1);
    doc.heading(0, a.name.as_str(), "");
    let told = match a.teams.as_slice() {
        [] => Inline::text("nobody: no team owns it"),
        teams => Inline::join(teams.iter().map(|t| contact(cx, *t)), "; "),
    };
    let service = &cx.plan.model.service(a.service).name;
    doc.para(
        say!(
            "A {} about `{}` of {}. It goes to ",
            a.severity.name(),
            service,
            cx.plan.model.title
        )
        .and(told)
        .and(Inline::text(".")),
    );
    runbook(cx, &mut doc, a);
    doc.para("It fires while this holds:");
    doc.code("promql", &format!("{}\n", a.expr));
    let dashboard = super::grafana::link(cx, a);
    doc.para(say!("Dashboard of `{}`: `{}`.", service, dashboard));
    doc.finish()
}
