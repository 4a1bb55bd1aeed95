//! Any picture of a design by name, for hosts that want one of them and no chapter.

use std::collections::BTreeSet;

use super::super::Cx;
use super::{Shown, breaker, charts, flows, large, matrix, sagas, scene, shown};
use crate::diag::nearest;
use crate::diagram::{Chart, MAX_BARS, Picture, Scene, views};
use crate::model::CallId;
use crate::plan::{PathLoad, SagaFailure, SagaPlan};
use crate::{Drawn, Wanted};

/// What a kind of picture is built from.
#[derive(Clone, Copy)]
enum Kind {
    Interactions,
    Overview,
    Matrix {
        teams: bool,
    },
    /// A flow, and which of its pictures.
    Flow(usize, usize),
    Saga(usize),
    Failure(usize, SagaFailure),
    Breaker(CallId),
    States(usize),
    Budget(usize),
    Availability(usize),
    Amplification,
    Capacity,
}

/// Most failures of one saga that have pictures of their own.
const FAILURES: usize = 200;

/// The kind that needs a service or team.
const NEIGHBOURHOOD: &str = "neighbourhood";

/// The picture that is wanted, and the names of all.
pub(in super::super) fn draw(cx: &Cx<'_>, wanted: &Wanted) -> Drawn {
    let all = kinds(cx);
    let picture = match (wanted.kind.as_deref(), wanted.focus.as_deref()) {
        (Some(NEIGHBOURHOOD) | None, Some(focus)) => around(cx, focus),
        (Some(NEIGHBOURHOOD), None) => {
            Err("a neighbourhood needs the service or team that it is of".to_owned())
        }
        (Some(kind), Some(_)) => Err(format!(
            "only a `{NEIGHBOURHOOD}` is of one service or team, not `{kind}`"
        )),
        (Some(kind), None) => match all.iter().find(|k| k.0 == kind) {
            Some((_, _, kind)) => build(cx, *kind),
            None => Err(unknown("picture", kind, all.iter().map(|k| k.0.as_str()))),
        },
        (None, None) => match shown(cx, &scene::scene(cx, None)) {
            Shown::Whole => build(cx, Kind::Interactions),
            Shown::Overview(overview) => Ok(Picture::Interactions(overview)),
            Shown::Pairs => {
                let teams = large::matrix_of_teams(cx);
                build(cx, Kind::Matrix { teams })
            }
        },
    };
    Drawn {
        title: cx.plan.model.title.clone(),
        kinds: all
            .into_iter()
            .map(|(name, title, _)| (name, title))
            .collect(),
        picture,
    }
}

/// Every picture but neighbourhoods: name, title, and how it is built.
fn kinds(cx: &Cx<'_>) -> Vec<(String, String, Kind)> {
    let model = cx.plan.model;
    let mut all = Vec::new();
    let mut add = |name: String, title: &str, kind: Kind| all.push((name, title.to_owned(), kind));
    add(
        "interactions".to_owned(),
        "Who talks to whom",
        Kind::Interactions,
    );
    if model.teams.len() > 1 {
        add("overview".to_owned(), "The teams", Kind::Overview);
    }
    add(
        "matrix".to_owned(),
        "Who depends on whom",
        Kind::Matrix { teams: false },
    );
    if model.teams.len() > 1 {
        add(
            "matrix:teams".to_owned(),
            "Which team depends on which",
            Kind::Matrix { teams: true },
        );
    }
    for (i, flow) in cx.plan.flows.iter().enumerate() {
        for (n, (part, sequence)) in flows::sequences(cx, None, flow).iter().enumerate() {
            let name = match n {
                0 => format!("flow:{}", flow.name),
                _ => format!("flow:{}:{part}", flow.name),
            };
            add(name, &sequence.title, Kind::Flow(i, n));
        }
    }
    for (saga, s) in model.sagas.iter().enumerate() {
        let name = &s.name;
        add(
            format!("saga:{name}"),
            &format!("{name}: all goes well"),
            Kind::Saga(saga),
        );
        let failures = cx.plan.sagas.get(saga).map(SagaPlan::failures);
        for failed in failures.into_iter().flatten().take(FAILURES) {
            let word = |step: usize, undo: bool| {
                let step = s.steps.get(step);
                let undo = step.filter(|_| undo).and_then(|s| s.undo.as_deref());
                undo.or(step.map(|s| s.action.as_str())).unwrap_or_default()
            };
            let (kind, title) = match failed {
                SagaFailure::Step(step) => {
                    let action = word(step, false);
                    (action.to_owned(), format!("{name}: {action} fails"))
                }
                SagaFailure::Undo { step, undo } => {
                    let (action, undo) = (word(step, false), word(undo, true));
                    (
                        format!("{action}:{undo}"),
                        format!("{name}: {action} fails, then {undo} fails"),
                    )
                }
            };
            let failed = Kind::Failure(saga, failed);
            add(format!("saga:{name}:{kind}"), &title, failed);
        }
        add(
            format!("states:{name}"),
            &format!("States of {name}"),
            Kind::States(saga),
        );
    }
    for call in model
        .call_ids()
        .filter(|c| cx.plan.call(*c).breaker.is_ok())
    {
        let name = model.call_name(call);
        let title = format!("Circuit breaker of {name}");
        add(format!("breaker:{name}"), &title, Kind::Breaker(call));
    }
    let flows = cx.plan.flows.iter().enumerate();
    let with_flow = flows.flat_map(|(i, flow)| {
        let name = &flow.name;
        [
            (
                format!("budget:{name}"),
                format!("Time budget of {name}"),
                Kind::Budget(i),
            ),
            (
                format!("availability:{name}"),
                format!("What keeps {name} from answering"),
                Kind::Availability(i),
            ),
        ]
    });
    let of_all = [
        ("amplification", "Retry amplification", Kind::Amplification),
        ("capacity", "Capacity used at the peak", Kind::Capacity),
    ];
    let of_all = of_all.map(|(name, title, kind)| (name.to_owned(), title.to_owned(), kind));
    all.extend(
        with_flow
            .chain(of_all)
            .filter(|(_, _, kind)| chart(cx, *kind).is_some()),
    );
    all
}

/// The chart of a kind that is one and has something to show.
fn chart(cx: &Cx<'_>, kind: Kind) -> Option<Chart> {
    let plan = cx.plan;
    match kind {
        Kind::Budget(i) => charts::budget_of(cx, plan.flows.get(i)?),
        Kind::Availability(i) => charts::availability_of(cx, i, &plan.flow_availability(i)?),
        Kind::Amplification => {
            let many = plan
                .amplification
                .paths
                .iter()
                .filter(|p| p.with_platform > 1);
            charts::amplification_of(cx, &many.take(MAX_BARS).collect::<Vec<&PathLoad>>())
        }
        Kind::Capacity => charts::capacity_of(cx, &plan.capacity()),
        _ => None,
    }
}

fn build(cx: &Cx<'_>, kind: Kind) -> Result<Picture, String> {
    let picture = match kind {
        Kind::Interactions => Some(Picture::Interactions(scene::scene(cx, None))),
        Kind::Overview => {
            let overview = views::overview(&scene::scene(cx, None));
            return overview
                .map(Picture::Interactions)
                .ok_or_else(|| "an overview needs services in at least two teams".to_owned());
        }
        Kind::Matrix { teams } => Some(Picture::Matrix(matrix::matrix(cx, teams))),
        Kind::Flow(i, part) => cx.plan.flows.get(i).and_then(|flow| {
            let parts = flows::sequences(cx, None, flow);
            let (_, sequence) = parts.into_iter().nth(part)?;
            Some(Picture::Sequence(sequence))
        }),
        Kind::Saga(saga) => sagas::success(cx, saga).map(Picture::Sequence),
        Kind::Failure(saga, failed) => {
            sagas::failure(cx, None, saga, failed).map(Picture::Sequence)
        }
        Kind::Breaker(call) => breaker::states(cx, call).map(Picture::States),
        Kind::States(saga) => sagas::states(cx, saga).map(Picture::States),
        Kind::Budget(_) | Kind::Availability(_) | Kind::Amplification | Kind::Capacity => {
            chart(cx, kind).map(Picture::Chart)
        }
    };
    picture.ok_or_else(|| "there is nothing to draw".to_owned())
}

/// What is around a service or a team. Where the two have one name, `team:NAME` and `service:NAME` tell them
/// apart.
fn around(cx: &Cx<'_>, focus: &str) -> Result<Picture, String> {
    let model = cx.plan.model;
    let is = |what: &str, name: &str| focus == name || focus.split_once(':') == Some((what, name));
    let service = model.services.iter().position(|s| is("service", &s.name));
    let team = model.teams.iter().position(|t| is("team", &t.name));
    let whole = scene::scene(cx, None);
    let view = match (service, team) {
        (Some(service), _) => around_service(cx, &whole, service),
        (None, Some(team)) => around_team(cx, &whole, team),
        (None, None) => {
            let services = model.services.iter().map(|s| s.name.as_str());
            let teams = model.teams.iter().map(|t| t.name.as_str());
            return Err(unknown("service or team", focus, services.chain(teams)));
        }
    };
    Ok(Picture::Interactions(view))
}

/// The scene around the service with index `service`; the first nodes of a scene are its services.
pub(super) fn around_service(cx: &Cx<'_>, whole: &Scene, service: usize) -> Scene {
    let name = cx.plan.model.services.get(service).map_or("", |s| &s.name);
    views::neighbourhood(whole, &BTreeSet::from([service]), &format!("Around {name}"))
}

/// The scene around the services of the team with index `team`.
pub(super) fn around_team(cx: &Cx<'_>, whole: &Scene, team: usize) -> Scene {
    let model = cx.plan.model;
    let name = model.teams.get(team).map_or("", |t| &t.name);
    let members = model.services.iter().enumerate();
    let members = members.filter(|(_, s)| s.teams.iter().any(|t| t.0 == team));
    let centre = members.map(|(i, _)| i).collect();
    views::neighbourhood(whole, &centre, &format!("Around the team {name}"))
}

/// That there is no `what` called `name`, with the nearest that there is or some of them.
fn unknown<'a>(what: &str, name: &str, known: impl Iterator<Item = &'a str> + Clone) -> String {
    const SHOWN: usize = 12;
    if let Some(near) = nearest(name, known.clone()) {
        return format!("there is no {what} `{name}`: did you mean `{near}`?");
    }
    let names: Vec<String> = known
        .clone()
        .take(SHOWN)
        .map(|n| format!("`{n}`"))
        .collect();
    let rest = known.count().saturating_sub(SHOWN);
    let rest = if rest > 0 {
        format!(" and {rest} more")
    } else {
        String::new()
    };
    format!(
        "there is no {what} `{name}`; there are {}{rest}",
        names.join(", ")
    )
}
