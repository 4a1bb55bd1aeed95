//! A spec → a model: the order in which names are resolved.

use std::collections::{BTreeMap, BTreeSet};

use super::check::{self, Out};
use super::choices::{LANGUAGES, Language, SECTIONS, Section, spelled};
use super::design::{
    Actor, ActorId, Architecture, Broker, BrokerId, Model, Service, ServiceId, Team, TeamId,
};
use super::interactions::place;
use super::journeys::Interactions;
use super::names::{Names, short};
use super::{interactions, journeys, names, probes, security, settings};
use crate::catalog;
use crate::diag::{Diagnostic, SourceId, Span};
use crate::spec::{ServiceDecl, Spec, Text};

/// The most services, calls and events that one design may have.
const MAX_SERVICES: usize = 2_000;
const MAX_INTERACTIONS: usize = 20_000;

/// The model of `spec`; everything that does not make sense is reported to `out`. `source` is where a
/// report about the whole block points.
pub fn resolve(spec: &Spec, source: SourceId, out: &mut Vec<Diagnostic>) -> Model {
    let whole = Span::new(source, 0..0);
    limits(spec, whole, out);
    let (services, service_names) = services(&spec.services, out);
    let (actors, actor_names) = actors(&spec.actors, &service_names, out);
    let names = Names::new(service_names, actor_names, spec.services.is_empty());
    let mut model = Model {
        title: spec
            .title
            .as_ref()
            .map_or_else(|| "Service design".to_owned(), |t| t.value.clone()),
        description: check::plain(spec.description.as_ref()),
        architecture: architecture(spec.architecture.as_ref(), out),
        infrastructures: infrastructures(&spec.infrastructure, out),
        infrastructure_set: !spec.infrastructure.is_empty(),
        languages: languages(&spec.language, out),
        language_set: !spec.language.is_empty(),
        sections: sections(spec.sections.as_deref(), out),
        services,
        actors,
        stores: Vec::new(),
        brokers: Vec::new(),
        teams: Vec::new(),
        calls: interactions::calls(&spec.sync, &names, out),
        events: Vec::new(),
        streams: interactions::streams(&spec.realtime, &names, out),
        sagas: journeys::sagas(&spec.sagas, &names, out),
        flows: Vec::new(),
        platform: settings::platform(spec, out),
        view: settings::view(spec.diagram.view.as_ref(), out),
        labels: settings::labels(spec.diagram.labels.as_ref(), out),
        defaults: settings::defaults(spec, out),
        lint: settings::lint(spec),
        secrets: spec.secrets.clone(),
    };
    super::stores::place(spec, &mut model, out);
    events(spec, &names, &mut model, out);
    probes::resolve(spec, &mut model, out);
    teams(spec, &names, &mut model, out);
    model.flows = journeys::flows(
        &spec.flows,
        &names,
        &Interactions {
            calls: &model.calls,
            events: &model.events,
            streams: &model.streams,
        },
        out,
    );
    if spec.services.is_empty() && !spec.services_unreadable {
        out.push(
            Diagnostic::error("missing-key", whole, "a design needs `services`")
                .at("none are declared")
                .help(format!("add `services = [{}]`", candidates(spec))),
        );
    }
    model
}

/// What `services` may have been meant to hold: the parties of all interactions but the actors.
fn candidates(spec: &Spec) -> String {
    const SHOWN: usize = 20;
    let ends = (spec.sync.iter().map(|c| (&c.from, &c.to)))
        .chain(spec.events.iter().map(|e| (&e.from, &e.to)))
        .chain(spec.realtime.iter().map(|s| (&s.from, &s.to)));
    let mut names: Vec<&str> = Vec::new();
    let mut seen: BTreeSet<&str> = spec.actors.iter().map(|a| a.value.as_str()).collect();
    seen.insert("client");
    for name in ends.flat_map(|(from, to)| std::iter::once(from).chain(to)) {
        if seen.insert(&name.value) {
            names.push(&name.value);
        }
    }
    if names.is_empty() {
        names = vec!["orders", "payments"];
    }
    let more = if names.len() > SHOWN { ", …" } else { "" };
    let shown: Vec<String> = names
        .iter()
        .take(SHOWN)
        .map(|n| format!("\"{}\"", short(n)))
        .collect();
    format!("{}{more}", shown.join(", "))
}

fn limits(spec: &Spec, whole: Span, out: Out<'_>) {
    let interactions = spec.sync.iter().map(|c| c.to.len()).sum::<usize>()
        + spec.events.iter().map(|e| e.to.len().max(1)).sum::<usize>()
        + spec.realtime.iter().map(|s| s.to.len()).sum::<usize>();
    for (what, n, max) in [
        ("services", spec.services.len(), MAX_SERVICES),
        ("interactions", interactions, MAX_INTERACTIONS),
    ] {
        if n > max {
            out.push(
                Diagnostic::error(
                    "too-large",
                    whole,
                    format!("{n} {what} are more than one design may have ({max})"),
                )
                .help("split the design into several blocks"),
            );
        }
    }
}

fn services(decls: &[ServiceDecl], out: Out<'_>) -> (Vec<Service>, BTreeMap<String, ServiceId>) {
    let mut sorted: Vec<&ServiceDecl> = decls.iter().collect();
    sorted.sort_by(|a, b| {
        (&a.name.value, place(a.name.span)).cmp(&(&b.name.value, place(b.name.span)))
    });
    let mut services: Vec<Service> = Vec::new();
    let mut ids = BTreeMap::new();
    for d in sorted {
        names::check("a service", &d.name, out);
        if let Some(&ServiceId(i)) = ids.get(&d.name.value) {
            let first: &Service = &services[i];
            out.push(
                Diagnostic::error(
                    "duplicate-name",
                    d.name.span,
                    format!("the service `{}` is declared twice", short(&d.name.value)),
                )
                .at("again here")
                .label(first.span, "first here")
                .help("keep one of the two declarations"),
            );
            continue;
        }
        ids.insert(d.name.value.clone(), ServiceId(services.len()));
        services.push(service(d, out));
    }
    (services, ids)
}

fn service(d: &ServiceDecl, out: Out<'_>) -> Service {
    Service {
        name: d.name.value.clone(),
        span: d.name.span,
        description: check::plain(d.description.as_ref()),
        teams: Vec::new(),
        language: check::plain(d.language.as_ref()),
        stores: Vec::new(),
        reads: Vec::new(),
        address: check::word(d.address.as_ref()),
        public: check::flag(d.public.as_ref()),
        slo: check::slo(d.slo.as_ref(), out),
        availability: check::ratio(d.availability.as_ref(), out),
        external: d.external.as_ref().is_some_and(|e| e.value),
        rate: check::rate(d.rate.as_ref(), out),
        replicas: check::count(d.replicas.as_ref()),
        contract: check::word(d.contract.as_ref()),
        health: check::health(d.health.as_ref(), out),
        liveness: None,
        readiness: None,
        capacity: check::rate(d.capacity.as_ref(), out),
        zones: check::count(d.zones.as_ref()),
        grace: check::time(d.grace.as_ref(), out),
        balancing: check::balancing(d.balancing.as_ref(), out),
        runtime: settings::limit("a runtime", d.runtime.as_ref(), catalog::runtimes(), out),
        jwt: security::jwt(d.jwt.as_ref(), out),
    }
}

fn actors(
    decls: &[Text],
    services: &BTreeMap<String, ServiceId>,
    out: Out<'_>,
) -> (Vec<Actor>, BTreeMap<String, ActorId>) {
    let mut by_name: BTreeMap<&str, Option<&Text>> = BTreeMap::from([("client", None)]);
    for d in decls {
        names::check("an actor", d, out);
        if services.contains_key(&d.value) {
            out.push(
                Diagnostic::error(
                    "duplicate-name",
                    d.span,
                    format!("`{}` is already a service", short(&d.value)),
                )
                .at("an actor is outside the system")
                .help("remove it here, or from `services`"),
            );
            continue;
        }
        match by_name.get(d.value.as_str()) {
            Some(Some(first)) => out.push(
                Diagnostic::error(
                    "duplicate-name",
                    d.span,
                    format!("the actor `{}` is declared twice", short(&d.value)),
                )
                .at("again here")
                .label(first.span, "first here")
                .help("name it once"),
            ),
            _ => {
                by_name.insert(&d.value, Some(d));
            }
        }
    }
    // A service may be called `client`; then there is no actor of that name.
    if services.contains_key("client") {
        by_name.remove("client");
    }
    let mut ids = BTreeMap::new();
    let actors = by_name
        .into_iter()
        .enumerate()
        .map(|(i, (name, decl))| {
            ids.insert(name.to_owned(), ActorId(i));
            Actor {
                name: name.to_owned(),
                span: decl.map(|d| d.span),
            }
        })
        .collect();
    (actors, ids)
}

fn architecture(text: Option<&Text>, out: Out<'_>) -> Option<Architecture> {
    let id = check::choice(
        "an architecture",
        text?,
        &["monolith", "microservices"],
        out,
    )?;
    Some(match id {
        "monolith" => Architecture::Monolith,
        _ => Architecture::Microservices,
    })
}

fn infrastructures(texts: &[Text], out: Out<'_>) -> Vec<&'static catalog::Infrastructure> {
    let known: Vec<&str> = catalog::infrastructures()
        .iter()
        .map(|i| i.id.as_str())
        .collect();
    let mut all: Vec<&'static catalog::Infrastructure> = Vec::new();
    for text in texts {
        if let Some(id) = check::choice("an infrastructure", text, &known, out) {
            all.extend(
                catalog::infrastructures()
                    .iter()
                    .filter(|i| i.id == id && !all.iter().any(|a| a.id == id))
                    .collect::<Vec<_>>(),
            );
        }
    }
    if all.is_empty() {
        all.extend(catalog::infrastructures().first());
    }
    all
}

fn languages(texts: &[Text], out: Out<'_>) -> Vec<Language> {
    let known: Vec<&str> = LANGUAGES.iter().map(|l| l.id).collect();
    let mut all: Vec<Language> = Vec::new();
    for text in texts {
        let word = spelled(&text.value);
        let shown = Text::new(word.clone(), text.span);
        let found = if known.contains(&word.as_str()) {
            Some(word.as_str())
        } else {
            check::choice("a language of pattern code", &shown, &known, out)
        };
        if let Some(language) = LANGUAGES.iter().find(|l| Some(l.id) == found)
            && !all.contains(language)
        {
            all.push(*language);
        }
    }
    if all.is_empty() {
        all.push(LANGUAGES[0]);
    }
    all
}

fn sections(texts: Option<&[Text]>, out: Out<'_>) -> Vec<Section> {
    let Some(texts) = texts else {
        // Alerts are part of observability unless asked for alone.
        return SECTIONS
            .iter()
            .map(|i| i.section)
            .filter(|s| *s != Section::Alerts)
            .collect();
    };
    let known: Vec<&str> = SECTIONS.iter().map(|i| i.id).collect();
    let mut all = Vec::new();
    for text in texts {
        let mut reports = Vec::new();
        let found = check::choice("a section", text, &known, &mut reports);
        out.extend(reports.into_iter().map(|d| Diagnostic {
            rule: "unknown-section",
            ..d
        }));
        if let Some(info) = SECTIONS.iter().find(|i| Some(i.id) == found)
            && !all.contains(&info.section)
        {
            all.push(info.section);
        }
    }
    all
}

/// Brokers and events.
fn events(spec: &Spec, names: &Names, model: &mut Model, out: Out<'_>) {
    let kinds: Vec<&str> = catalog::brokers().iter().map(|b| b.id.as_str()).collect();
    let kind_of = |id: &str| {
        catalog::brokers()
            .iter()
            .find(|b| b.id.eq_ignore_ascii_case(id))
    };
    let main = model
        .platform
        .broker
        .map(|s| s.value)
        .or_else(|| kind_of(&model.infrastructures.first()?.broker));
    let mut brokers: Vec<Broker> = Vec::new();
    for d in &spec.brokers {
        names::check("a broker", &d.name, out);
        // Without a kind, a broker called `kafka` is Kafka.
        let kind = match &d.kind {
            Some(k) => check::choice("a broker", k, &kinds, out).and_then(kind_of),
            None => kind_of(&d.name.value).or(main),
        };
        if let Some(kind) = kind {
            brokers.push(Broker {
                name: d.name.value.clone(),
                kind,
                span: Some(d.name.span),
                availability: check::ratio(d.availability.as_ref(), out),
                description: check::plain(d.description.as_ref()),
                zones: check::count(d.zones.as_ref()),
            });
        }
    }
    let mut broker_of = |text: Option<&Text>, out: Out<'_>| -> BrokerId {
        let wanted = text.or(spec.platform.broker.as_ref());
        let name = match wanted {
            Some(text) => text.value.clone(),
            None => main.map(|m| m.id.clone()).unwrap_or_default(),
        };
        if let Some(i) = brokers.iter().position(|b| b.name == name) {
            return BrokerId(i);
        }
        let kind = match (kind_of(&name), wanted) {
            (Some(kind), _) => Some(kind),
            (None, Some(text)) => {
                // Whether `[platform]` itself is wrong has been reported there.
                if spec.platform.broker.as_ref() != Some(text) {
                    let mut known: Vec<&str> = brokers.iter().map(|b| b.name.as_str()).collect();
                    // A broker that nobody declared is named as its kind.
                    known.extend(
                        kinds
                            .iter()
                            .filter(|kind| brokers.iter().all(|b| b.name != **kind)),
                    );
                    let _ = check::choice("a broker", text, &known, out);
                }
                main
            }
            (None, None) => main,
        };
        if let Some(kind) = kind {
            if let Some(i) = brokers.iter().position(|b| b.name == kind.id) {
                return BrokerId(i);
            }
            brokers.push(Broker {
                name: kind.id.clone(),
                kind,
                span: wanted.map(|t| t.span),
                availability: None,
                description: None,
                zones: None,
            });
        }
        BrokerId(brokers.len().saturating_sub(1))
    };
    let mut events = interactions::events(&spec.events, names, &mut broker_of, out);
    // Sorted by name, so that the order of declaration cannot show.
    let mut order: Vec<usize> = (0..brokers.len()).collect();
    order.sort_by(|a, b| brokers[*a].name.cmp(&brokers[*b].name));
    for e in &mut events {
        let at = order.iter().position(|&i| i == e.broker.0).unwrap_or(0);
        e.broker = BrokerId(at);
    }
    let mut sorted: Vec<Broker> = order.iter().map(|&i| brokers[i].clone()).collect();
    sorted.dedup_by(|a, b| a.name == b.name);
    model.brokers = sorted;
    model.events = events;
}

fn teams(spec: &Spec, names: &Names, model: &mut Model, out: Out<'_>) {
    let mut by_name: BTreeMap<String, Team> = BTreeMap::new();
    for d in &spec.teams {
        names::check("a team", &d.name, out);
        if let Some(first) = by_name.get(&d.name.value) {
            out.push(
                Diagnostic::error(
                    "duplicate-name",
                    d.name.span,
                    format!("the team `{}` is declared twice", short(&d.name.value)),
                )
                .at("again here")
                .label(first.span, "first here")
                .help("put its services into one list"),
            );
            continue;
        }
        by_name.insert(
            d.name.value.clone(),
            Team {
                name: d.name.value.clone(),
                span: d.name.span,
                channel: check::plain(d.channel.as_ref()),
                oncall: check::plain(d.oncall.as_ref()),
                email: check::plain(d.email.as_ref()),
            },
        );
    }
    // A team that only services name exists too, unless it looks like a slip of a declared one.
    for d in &spec.services {
        let Some(team) = &d.team else { continue };
        if by_name.contains_key(&team.value) {
            continue;
        }
        names::check("a team", team, out);
        if !spec.teams.is_empty() {
            let near = crate::diag::nearest(&team.value, by_name.keys().map(String::as_str));
            if let Some(near) = near {
                out.push(
                    Diagnostic::error(
                        "unknown-team",
                        team.span,
                        format!("there is no team `{}`", short(&team.value)),
                    )
                    .at("not declared in `teams`")
                    .help(format!("did you mean `{near}`?")),
                );
                continue;
            }
        }
        by_name.insert(
            team.value.clone(),
            Team {
                name: team.value.clone(),
                span: team.span,
                channel: None,
                oncall: None,
                email: None,
            },
        );
    }
    model.teams = by_name.into_values().collect();
    let id_of = |name: &str, teams: &[Team]| {
        let at = teams.binary_search_by(|t| t.name.as_str().cmp(name));
        at.ok().map(TeamId)
    };
    for d in &spec.teams {
        let id = id_of(&d.name.value, &model.teams);
        for service in &d.services {
            if let (Some(s), Some(id)) = (names.service(service, out), id) {
                model.services[s.0].teams.push(id);
            }
        }
    }
    for d in &spec.services {
        let (Some(team), Some(s)) = (&d.team, names.find_service(&d.name.value)) else {
            continue;
        };
        model.services[s.0]
            .teams
            .extend(id_of(&team.value, &model.teams));
    }
    for service in &mut model.services {
        service.teams.sort_unstable();
        service.teams.dedup();
    }
}
