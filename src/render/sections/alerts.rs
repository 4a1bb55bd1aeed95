//! Alerts: one table, the runbook entry of each, and the rules file.

use super::super::Cx;
use super::super::artefact;
use super::super::doc::{Doc, Inline, say};
use crate::model::{Section, TeamId};
use crate::plan::{Alert, AlertSeverity};

pub(super) fn write(cx: &Cx<'_>, doc: &mut Doc) {
    body(cx, doc);
}

/// The last part of observability: the alerts themselves, or a link to the section that shows them, so
/// that no anchor stands twice in a page.
pub(super) fn within_observability(cx: &Cx<'_>, doc: &mut Doc) {
    if cx.plan.model.sections.contains(&Section::Alerts) {
        doc.para(
            say!(
                "The {} alerts of {} stand in ",
                cx.plan.alerting().alerts.len(),
                cx.plan.model.title
            )
            .and(doc.link("Alert Conditions", "alerts"))
            .and(Inline::text(".")),
        );
        return;
    }
    doc.heading(1, "Alert Conditions", "observability-alerts");
    body(cx, doc);
}

/// The runbook of `alert`: the book's own, or else the entry in this chapter.
pub(crate) fn runbook_link(cx: &Cx<'_>, alert: &Alert) -> String {
    cx.options
        .links
        .runbook
        .as_deref()
        .and_then(|t| super::links::fill(t, &alert.name))
        .unwrap_or_else(|| format!("#{}-{}", cx.options.scope, alert.anchor))
}

/// The dashboard with the identity `uid`: where the book says, or else its path in Grafana.
pub(crate) fn dashboard_link(cx: &Cx<'_>, uid: &str) -> String {
    let template = cx.options.links.dashboard.as_deref();
    template
        .and_then(|t| super::links::fill(t, uid))
        .unwrap_or_else(|| format!("/d/{uid}"))
}

/// The name of a team, as a link where the book has a page for it.
pub(super) fn team(cx: &Cx<'_>, id: TeamId) -> Inline {
    let name = &cx.plan.model.team(id).name;
    match cx
        .options
        .links
        .team
        .as_deref()
        .and_then(|t| super::links::fill(t, name))
    {
        Some(url) => Inline::link(Inline::text(name.as_str()), url),
        None => Inline::text(name.as_str()),
    }
}

/// Who is told; nobody where the service has no owner.
fn teams(cx: &Cx<'_>, alert: &Alert) -> Inline {
    if alert.teams.is_empty() {
        Inline::text("nobody")
    } else {
        Inline::join(alert.teams.iter().map(|t| team(cx, *t)), ", ")
    }
}

fn body(cx: &Cx<'_>, doc: &mut Doc) {
    let plan = cx.plan;
    if plan.alerting().alerts.is_empty() {
        doc.para(say!(
            "{} has no alert: it has no entry point, SLO, event, stream or saga to measure.",
            plan.model.title
        ));
    } else {
        table(cx, doc);
    }
    if !plan.alerting().quiet.is_empty() {
        doc.para("Too quiet for some burn-rate alerts, which are left out:");
        doc.list(plan.alerting().quiet.iter().map(|q| {
            say!("`{}`: ", plan.model.service(q.service).name).and(Inline::quoted(&q.why))
        }));
    }
    if !plan.alerting().alerts.is_empty() {
        doc.details("Runbooks", |doc| runbooks(cx, doc));
    }
    for kind in ["prometheus", "alertmanager", "grafana"] {
        artefact::show(cx, doc, kind);
    }
}

fn table(cx: &Cx<'_>, doc: &mut Doc) {
    let plan = cx.plan;
    let unowned: std::collections::BTreeSet<&str> = plan
        .alerting()
        .alerts
        .iter()
        .filter(|a| a.teams.is_empty())
        .map(|a| plan.model.service(a.service).name.as_str())
        .collect();
    if !unowned.is_empty() {
        doc.para(say!("Alerts of ").and(Inline::names(&unowned)).and(say!(
            " reach nobody until `{}` names an owner.",
            "services.NAME.team"
        )));
    }
    let rows = plan
        .alerting()
        .alerts
        .iter()
        .map(|a| {
            let first = Inline::quoted(&a.action)
                .and(Inline::text(" ("))
                .and(doc.link("runbook", &a.anchor))
                .and(Inline::text(")"));
            vec![
                Inline::code(a.name.as_str()),
                Inline::code(a.expr.as_str()),
                Inline::code(artefact::hold(a.hold)),
                Inline::text(a.severity.name()),
                teams(cx, a),
                Inline::quoted(&a.meaning),
                first,
            ]
        })
        .collect();
    doc.table(
        &[
            "Alert",
            "Expression",
            "For",
            "Severity",
            "Team",
            "Meaning",
            "First action",
        ],
        rows,
    );
}

fn runbooks(cx: &Cx<'_>, doc: &mut Doc) {
    for a in &cx.plan.alerting().alerts {
        doc.entry_heading(&a.name, &a.anchor);
        runbook(cx, doc, a);
        if cx.options.links.runbook.is_some() {
            doc.para(Inline::link(
                say!("The full runbook of {}", a.name),
                runbook_link(cx, a),
            ));
        }
    }
}

/// What an alert means, how its threshold came about, and what to do.
pub(crate) fn runbook(cx: &Cx<'_>, doc: &mut Doc, a: &Alert) {
    // A name keeps its spelling at the start of a sentence as well.
    let name = &cx.plan.model.service(a.service).name;
    let sentence = if a.meaning.starts_with(name) {
        a.meaning.clone()
    } else {
        capital(&a.meaning)
    };
    doc.para(
        Inline::quoted(&sentence)
            .and(Inline::text(". Threshold: "))
            .and(Inline::quoted(&a.why))
            .and(say!("; it must hold for {}.", a.hold)),
    );
    if a.custom_metric {
        doc.para(say!(
            "No library exports this metric: `{}` must export it itself, or the alert never fires.",
            cx.plan.model.service(a.service).name
        ));
    }
    doc.numbered(steps(cx, a));
}

/// What to do, in order: the alert's own first action, then where its service's trouble can come from.
fn steps(cx: &Cx<'_>, a: &Alert) -> Vec<Inline> {
    let (plan, model) = (cx.plan, cx.plan.model);
    let service = plan.service(a.service);
    let name = &model.service(a.service).name;
    let mut out = vec![Inline::quoted(&capital(&a.action))];
    let explains = |o: &&Alert| match a.towards {
        Some(callee) => {
            o.name != a.name
                && (o.service == callee
                    || o.towards == Some(callee)
                    || plan.service(callee).depends_on.contains(&o.service))
        }
        None => service.depends_on.contains(&o.service),
    };
    let others: Vec<&str> = plan
        .alerting()
        .alerts
        .iter()
        .filter(|o| o.severity == AlertSeverity::Page)
        .filter(explains)
        .map(|o| o.name.as_str())
        .take(6)
        .collect();
    if !others.is_empty() {
        let lead = match a.towards {
            Some(callee) => say!(
                "See whether one of these fires too; if so, the fault is in `{}` or behind it: ",
                model.service(callee).name
            ),
            None => say!(
                "See whether one of these fires too; if so, `{}` only shows it: ",
                name
            ),
        };
        out.push(lead.and(Inline::names(&others)));
    }
    let stores: Vec<&str> = model
        .service(a.service)
        .stores
        .iter()
        .map(|s| model.store(*s).name.as_str())
        .collect();
    if !stores.is_empty() {
        out.push(say!("Look at the stores of `{}`: ", name).and(Inline::names(&stores)));
    }
    let waiting: Vec<&str> = service
        .used_by
        .iter()
        .map(|s| model.service(*s).name.as_str())
        .collect();
    let whom: Vec<Inline> = a
        .teams
        .iter()
        .map(|t| contact(cx, *t))
        .chain(a.teams.is_empty().then(|| Inline::text("nobody owns it")))
        .collect();
    let tell = if waiting.is_empty() || a.severity == AlertSeverity::Ticket {
        say!("Owner of `{}`: ", name)
    } else {
        say!("Tell those who call `{}` (", name)
            .and(Inline::names(&waiting))
            .and(Inline::text("). Owner: "))
    };
    out.push(tell.and(Inline::join(whom, "; ")));
    out
}

/// `text` as the start of a sentence.
fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |c| {
        c.to_uppercase().collect::<String>() + chars.as_str()
    })
}

/// A team and how it is reached.
pub(crate) fn contact(cx: &Cx<'_>, id: TeamId) -> Inline {
    let t = cx.plan.model.team(id);
    let ways: Vec<&str> = [&t.oncall, &t.channel, &t.email]
        .into_iter()
        .filter_map(Option::as_deref)
        .collect();
    if ways.is_empty() {
        team(cx, id)
    } else {
        team(cx, id).and(say!(" ({})", ways.join(", ")))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use crate::diag::{SourceFile, Sources};
    use crate::{Links, NoFiles, Options};

    /// The chapter of a design with one busy service without a team and one quiet one with a team.
    fn chapter(sections: &str, links: Links) -> String {
        let text = format!(
            "title = \"T\"\nsections = [{sections}]\nsync = [\n  {{ call = \"client --REST GET /a--> busy\", rate = \"100/s\" }},\n  {{ call = \"client --REST GET /b--> calm\", rate = \"0.001/s\" }},\n]\n[services.busy]\n[services.calm]\nteam = \"core team\"\n[teams.\"core team\"]\n"
        );
        let mut sources = Sources::default();
        let id = sources.add(SourceFile::whole("t".to_owned(), text));
        let options = Options {
            links,
            ..Options::default()
        };
        let done = crate::compile(&mut sources, id, &mut NoFiles, &options);
        done.chapter.unwrap().markdown()
    }

    #[test]
    fn every_anchor_stands_once() {
        for sections in [
            "\"alerts\"",
            "\"observability\"",
            "\"observability\", \"alerts\"",
        ] {
            let text = chapter(sections, Links::default());
            let id = "id=\"design-alert-busyerrorbudgetburnfast\"";
            assert_eq!(text.matches(id).count(), 1, "{sections}");
            assert!(text.contains("runbook: \"#design-alert-busyerrorbudgetburnfast\""));
        }
    }

    #[test]
    fn a_quiet_service_is_named_with_its_numbers() {
        let text = chapter("\"alerts\"", Links::default());
        assert!(
            text.contains("`CalmErrorBudgetBurnFast`: 3.6 requests expected in 1h"),
            "{text}"
        );
        assert!(!text.contains("alert: CalmErrorBudgetBurnFast"));
    }

    #[test]
    fn nobody_is_told_where_nobody_owns() {
        let text = chapter("\"alerts\"", Links::default());
        assert!(text.contains("|page|nobody|"), "{text}");
        assert!(text.contains("team: nobody"));
    }

    #[test]
    fn links_follow_the_templates() {
        let text = chapter(
            "\"alerts\", \"ownership\"",
            Links {
                team: Some("https://x.example/t/{name}".to_owned()),
                runbook: Some("https://x.example/r/{name}".to_owned()),
                dashboard: Some("https://x.example/d/{name}".to_owned()),
                rule: None,
            },
        );
        assert!(text.contains("https://x.example/t/core%20team"), "{text}");
        assert!(text.contains("runbook: https://x.example/r/BusyErrorBudgetBurnFast"));
    }
}
