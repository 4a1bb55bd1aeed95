//! `CODEOWNERS`: the team that provides a contract reviews each change to it; beside each, who has to agree.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::super::Cx;
use super::{File, Kind, asyncapi, comment_line, events, openapi, proto};
use crate::model::{Party, ServiceId, TeamId};
use crate::plan::slug;

pub(super) const KIND: Kind = Kind {
    id: "codeowners",
    what: "which team reviews a change to which contract",
    files,
};

/// One contract file: who provides it and who relies on it.
#[derive(Default)]
struct Contract {
    providers: BTreeSet<ServiceId>,
    readers: BTreeSet<ServiceId>,
}

fn files(cx: &Cx<'_>) -> Vec<File> {
    let model = cx.plan.model;
    if model.teams.is_empty() {
        return Vec::new();
    }
    let mut text = comment_line(
        "#",
        &format!("Who reviews a change to a contract of {}.", model.title),
    );
    text.push_str("# GitHub and GitLab read this file in the root of a repository. The last line that matches counts.\n");
    for (path, contract) in contracts(cx) {
        let owners = teams(cx, &contract.providers);
        let agree: BTreeSet<TeamId> = &teams(cx, &contract.readers) - &owners;
        text.push('\n');
        if !agree.is_empty() {
            text.push_str(&comment_line(
                "#",
                &format!("to agree as well: {}", handles(cx, &agree)),
            ));
        }
        if owners.is_empty() {
            let of: Vec<&str> = names(cx, &contract.providers);
            text.push_str(&comment_line(
                "#",
                &format!("/{path} has no owner: no team owns {}", of.join(", ")),
            ));
        } else {
            let _ = writeln!(text, "/{path} {}", handles(cx, &owners));
        }
    }
    vec![File {
        path: "CODEOWNERS".to_owned(),
        fence: "text",
        text,
        checked_by: None,
        notes: vec![
            "On GitHub a team is written with its organisation: `@example/checkout`. Put yours in front of each name."
                .to_owned(),
        ],
    }]
}

/// Every contract file of the design.
fn contracts(cx: &Cx<'_>) -> BTreeMap<String, Contract> {
    let model = cx.plan.model;
    let mut callers: BTreeMap<ServiceId, BTreeSet<ServiceId>> = BTreeMap::new();
    for id in model.call_ids() {
        let c = model.call(id);
        if let Party::Service(from) = c.from {
            callers.entry(c.to).or_default().insert(from);
        }
    }
    let called = |providers: BTreeSet<ServiceId>| Contract {
        readers: providers
            .iter()
            .filter_map(|s| callers.get(s))
            .flatten()
            .copied()
            .collect(),
        providers,
    };
    let mut out = BTreeMap::new();
    for (service, _) in openapi::documented(cx) {
        out.insert(openapi::path(cx, service), called([service].into()));
    }
    for (path, servers) in proto::served(cx) {
        out.insert(path, called(servers));
    }
    for service in asyncapi::described(cx) {
        let providers = [service].into();
        out.insert(
            asyncapi::path(&cx.plan.service(service).slug),
            Contract {
                providers,
                readers: BTreeSet::new(),
            },
        );
    }
    for id in model.event_ids() {
        let e = model.event(id);
        let readers = e.consumers.iter().filter_map(|(p, _)| match p {
            Party::Service(s) => Some(*s),
            Party::Actor(_) => None,
        });
        out.insert(
            events::path(&events::name(cx, id), "schema"),
            Contract {
                providers: e.publishers.iter().map(|p| p.service).collect(),
                readers: readers.collect(),
            },
        );
    }
    out
}

fn teams(cx: &Cx<'_>, services: &BTreeSet<ServiceId>) -> BTreeSet<TeamId> {
    let of = |s: &ServiceId| cx.plan.model.service(*s).teams.iter().copied();
    services.iter().flat_map(of).collect()
}

fn names<'c>(cx: &Cx<'c>, services: &BTreeSet<ServiceId>) -> Vec<&'c str> {
    let name = |s: &ServiceId| cx.plan.model.service(*s).name.as_str();
    services.iter().map(name).collect()
}

/// `@checkout @warehouse`: the names of teams as a forge takes them.
fn handles(cx: &Cx<'_>, teams: &BTreeSet<TeamId>) -> String {
    let handle = |t: &TeamId| format!("@{}", slug(&cx.plan.model.team(*t).name));
    teams.iter().map(handle).collect::<Vec<_>>().join(" ")
}
