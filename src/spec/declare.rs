//! Services, actors, teams, stores, brokers, and the author's choices.

use toml::de::DeValue;

use super::security::{JwtDecl, jwt};
use super::table::{Context, Entry, Table, entries, list_of_names, read_name, wrong_type};
use super::{Spanned, Text};
use crate::diag::Span;

/// A service, in the short or the long form.
#[derive(Clone, Debug)]
pub struct ServiceDecl {
    /// Its name.
    pub name: Text,
    /// What it does.
    pub description: Option<Text>,
    /// The team that owns it.
    pub team: Option<Text>,
    /// What it is written in.
    pub language: Option<Text>,
    /// Stores as written: `kind:name` or a name.
    pub stores: Vec<Text>,
    /// Stores of others that it reads directly: `kind:name` or a name.
    pub reads: Vec<Text>,
    /// Where its callers find it: a name, or a host and port.
    pub address: Option<Text>,
    /// Reachable from outside, through the gateway.
    pub public: Option<Spanned<bool>>,
    /// What it promises its callers.
    pub slo: Option<SloDecl>,
    /// Availability of its own instances.
    pub availability: Option<Text>,
    /// Somebody else's service.
    pub external: Option<Spanned<bool>>,
    /// Peak requests.
    pub rate: Option<Text>,
    /// Instances.
    pub replicas: Option<Spanned<i64>>,
    /// A contract file.
    pub contract: Option<Text>,
    /// `none` states that there is no health check today; else a path or `grpc`.
    pub health: Option<Text>,
    /// What decides whether an instance is restarted.
    pub liveness: Option<ProbeDecl>,
    /// What decides whether an instance gets requests.
    pub readiness: Option<ProbeDecl>,
    /// Requests that all instances together can serve.
    pub capacity: Option<Text>,
    /// Zones over which the instances are spread.
    pub zones: Option<Spanned<i64>>,
    /// Time between the signal to stop and the kill.
    pub grace: Option<Text>,
    /// `l4`, `l7` or `client`: how its requests are spread over its instances.
    pub balancing: Option<Text>,
    /// What runs it where that limits a request: `lambda`, `azure-functions`, …
    pub runtime: Option<Text>,
    /// How it checks tokens.
    pub jwt: Option<JwtDecl>,
}

/// A health probe.
#[derive(Clone, Debug, PartialEq)]
pub struct ProbeDecl {
    /// The whole probe.
    pub span: Span,
    /// A path, or `grpc`.
    pub path: Option<Text>,
    /// What it looks at: stores, services, brokers.
    pub checks: Vec<Text>,
}

/// A promise about availability and latency.
#[derive(Clone, Debug, PartialEq)]
pub struct SloDecl {
    /// The whole promise.
    pub span: Span,
    /// Share of good requests.
    pub availability: Option<Text>,
    /// 99th percentile of the response time.
    pub p99: Option<Text>,
}

/// A team and what it owns.
#[derive(Clone, Debug)]
pub struct TeamDecl {
    /// Its name.
    pub name: Text,
    /// Names of its services.
    pub services: Vec<Text>,
    /// Chat channel.
    pub channel: Option<Text>,
    /// On-call rotation.
    pub oncall: Option<Text>,
    /// Mail address.
    pub email: Option<Text>,
}

/// A store that is described on its own.
#[derive(Clone, Debug)]
pub struct StoreDecl {
    /// Its name.
    pub name: Text,
    /// `postgres`, `redis`, …
    pub kind: Option<Text>,
    /// Its availability.
    pub availability: Option<Text>,
    /// What it keeps.
    pub description: Option<Text>,
    /// Its services can do without it, as without a cache.
    pub optional: Option<Spanned<bool>>,
    /// Zones over which it is spread.
    pub zones: Option<Spanned<i64>>,
}

/// A broker that is described on its own.
#[derive(Clone, Debug)]
pub struct BrokerDecl {
    /// Its name.
    pub name: Text,
    /// `kafka`, `rabbitmq`, …
    pub kind: Option<Text>,
    /// Its availability.
    pub availability: Option<Text>,
    /// What it carries.
    pub description: Option<Text>,
    /// Zones over which it is spread.
    pub zones: Option<Spanned<i64>>,
}

/// Choices that the design would make by itself.
#[derive(Clone, Debug, Default)]
pub struct Platform {
    /// Message broker.
    pub broker: Option<Text>,
    /// Service mesh.
    pub mesh: Option<Text>,
    /// API gateway.
    pub gateway: Option<Text>,
    /// How services prove who they are; `none` states that they do not today.
    pub auth: Option<Text>,
    /// How every service checks tokens.
    pub jwt: Option<JwtDecl>,
    /// `local` where every instance of the gateway counts for itself, `global` where they share a count.
    pub rate_limit_scope: Option<Text>,
    /// Instances of the gateway.
    pub gateway_replicas: Option<Spanned<i64>>,
    /// Attempts that the mesh adds to every call.
    pub mesh_retries: Option<Spanned<i64>>,
    /// Attempts that the gateway adds to every request.
    pub gateway_retries: Option<Spanned<i64>>,
    /// What stands between the outside and the gateway.
    pub load_balancer: Option<Text>,
}

/// How the diagram of the design is shown.
#[derive(Clone, Debug, Default)]
pub struct DiagramDecl {
    /// `auto`, `full` or `overview`.
    pub view: Option<Text>,
    /// `auto`, `full`, `wrapped` or `numbers`.
    pub labels: Option<Text>,
}

/// Numbers used where nothing is stated.
#[derive(Clone, Debug, Default)]
pub struct Defaults {
    /// Peak rate of an entry point.
    pub rate: Option<Text>,
    /// Median response time.
    pub p50: Option<Text>,
    /// 99th percentile of the response time.
    pub p99: Option<Text>,
    /// Timeout of one attempt.
    pub timeout: Option<Text>,
    /// Attempts after the first, where the design retries.
    pub retries: Option<Spanned<i64>>,
    /// Availability of a service's own instances.
    pub availability: Option<Text>,
    /// Instances of a service.
    pub replicas: Option<Spanned<i64>>,
    /// Size of an event.
    pub size: Option<Text>,
    /// How long a broker keeps an event.
    pub retention: Option<Text>,
}

pub(super) fn read_services(cx: &mut Context<'_>, root: &mut Table<'_>) -> Vec<ServiceDecl> {
    let Some(Entry { value, span, .. }) = root.entry(cx, "services") else {
        return Vec::new();
    };
    let mut out = Vec::new();
    match value {
        DeValue::Array(items) => {
            for Entry { value, span, .. } in entries(cx, span, items) {
                match value {
                    DeValue::String(_) => {
                        if let Some(name) = read_name(cx, "services", value, span) {
                            out.push(ServiceDecl::named(name));
                        }
                    }
                    DeValue::Table(table) => {
                        let mut table = Table::at("a service", table, span);
                        let name = table.text(cx, "name");
                        if name.is_none() && !table.has("name") {
                            table.missing(cx, "name", "name = \"orders\"");
                        }
                        let mut decl = ServiceDecl::named(
                            name.clone().unwrap_or(Text::new(String::new(), span)),
                        );
                        service(cx, table, &mut decl);
                        if name.is_some() {
                            out.push(decl);
                        }
                    }
                    other => cx.report(
                        wrong_type("services", "a list of names or tables", other, span)
                            .help("write a name in quotes: `\"orders\"`"),
                    ),
                }
            }
        }
        DeValue::Table(table) => {
            let mut all = Table::at("services", table, span);
            for (name, entry) in all.all(cx) {
                match entry.value {
                    DeValue::Table(table) => {
                        let mut decl = ServiceDecl::named(name);
                        // A header has no extent of its own beyond its name.
                        let table = Table::at("a service", table, decl.name.span);
                        service(cx, table, &mut decl);
                        out.push(decl);
                    }
                    other => cx.report(wrong_type("a service", "a table", other, entry.span).help(
                        format!(
                            "write `[services.{}]` with the service's keys below it",
                            name.value
                        ),
                    )),
                }
            }
        }
        other => cx.report(
            wrong_type("services", "a list of names, or tables", other, span)
                .help("write `services = [\"web\", \"orders\"]`, or `[services.orders]` tables"),
        ),
    }
    out
}

impl ServiceDecl {
    fn named(name: Text) -> Self {
        Self {
            name,
            description: None,
            team: None,
            language: None,
            stores: Vec::new(),
            reads: Vec::new(),
            address: None,
            public: None,
            slo: None,
            availability: None,
            external: None,
            rate: None,
            replicas: None,
            contract: None,
            health: None,
            liveness: None,
            readiness: None,
            capacity: None,
            zones: None,
            grace: None,
            balancing: None,
            runtime: None,
            jwt: None,
        }
    }
}

fn service(cx: &mut Context<'_>, mut t: Table<'_>, d: &mut ServiceDecl) {
    d.description = t.text(cx, "description");
    d.team = t.text(cx, "team");
    d.language = t.text(cx, "language");
    d.stores = t.texts(cx, "stores").unwrap_or_default();
    d.reads = t.texts(cx, "reads").unwrap_or_default();
    d.address = t.text(cx, "address");
    d.public = t.flag(cx, "public");
    d.slo = slo(cx, &mut t);
    d.availability = t.quantity(cx, "availability", "99.95%");
    d.external = t.flag(cx, "external");
    d.rate = t.quantity(cx, "rate", "200/s");
    d.replicas = t.number(cx, "replicas", 1..=100_000);
    d.contract = t.text(cx, "contract");
    d.health = t.text(cx, "health");
    d.liveness = probe(cx, &mut t, "liveness");
    d.readiness = probe(cx, &mut t, "readiness");
    d.capacity = t.quantity(cx, "capacity", "500/s");
    d.zones = t.number(cx, "zones", ZONES);
    d.grace = t.quantity(cx, "grace", "30s");
    d.balancing = t.text(cx, "balancing");
    d.runtime = t.text(cx, "runtime");
    d.jwt = jwt(cx, &mut t);
    t.finish(cx);
}

/// No region has more.
const ZONES: std::ops::RangeInclusive<i64> = 1..=26;

fn probe(cx: &mut Context<'_>, t: &mut Table<'_>, key: &'static str) -> Option<ProbeDecl> {
    let mut t = t.table(cx, key, "a probe")?;
    let out = ProbeDecl {
        span: t.span,
        path: t.text(cx, "path"),
        checks: t.texts(cx, "checks").unwrap_or_default(),
    };
    t.finish(cx);
    Some(out)
}

pub(super) fn slo(cx: &mut Context<'_>, t: &mut Table<'_>) -> Option<SloDecl> {
    let mut t = t.table(cx, "slo", "an SLO")?;
    let out = SloDecl {
        span: t.span,
        availability: t.quantity(cx, "availability", "99.9%"),
        p99: t.quantity(cx, "p99", "300ms"),
    };
    t.finish(cx);
    Some(out)
}

pub(super) fn read_teams(cx: &mut Context<'_>, root: &mut Table<'_>) -> Vec<TeamDecl> {
    let Some(mut teams) = root.table(cx, "teams", "teams") else {
        return Vec::new();
    };
    let mut out = Vec::new();
    for (name, entry) in teams.all(cx) {
        match entry.value {
            DeValue::Array(items) => out.push(TeamDecl {
                name,
                services: list_of_names(cx, "a team's services", items),
                channel: None,
                oncall: None,
                email: None,
            }),
            DeValue::Table(table) => {
                let mut t = Table::at("a team", table, name.span);
                out.push(TeamDecl {
                    name,
                    services: t.names(cx, "services").unwrap_or_default(),
                    channel: t.text(cx, "channel"),
                    oncall: t.text(cx, "oncall"),
                    email: t.text(cx, "email"),
                });
                t.finish(cx);
            }
            other => cx.report(
                wrong_type("a team", "a list of services or a table", other, entry.span)
                    .help(format!("write `{} = [\"orders\"]`", name.value)),
            ),
        }
    }
    out
}

pub(super) fn read_stores(cx: &mut Context<'_>, root: &mut Table<'_>) -> Vec<StoreDecl> {
    named_tables(cx, root, "stores", "a store", |cx, name, t| StoreDecl {
        name,
        kind: t.text(cx, "kind"),
        availability: t.quantity(cx, "availability", "99.95%"),
        description: t.text(cx, "description"),
        optional: t.flag(cx, "optional"),
        zones: t.number(cx, "zones", ZONES),
    })
}

pub(super) fn read_brokers(cx: &mut Context<'_>, root: &mut Table<'_>) -> Vec<BrokerDecl> {
    named_tables(cx, root, "brokers", "a broker", |cx, name, t| BrokerDecl {
        name,
        kind: t.text(cx, "kind"),
        availability: t.quantity(cx, "availability", "99.95%"),
        description: t.text(cx, "description"),
        zones: t.number(cx, "zones", ZONES),
    })
}

/// The tables under `key`, each named by its own key.
fn named_tables<'t, T>(
    cx: &mut Context<'_>,
    root: &mut Table<'t>,
    key: &'static str,
    what: &'static str,
    read: impl Fn(&mut Context<'_>, Text, &mut Table<'t>) -> T,
) -> Vec<T> {
    let Some(mut all) = root.table(cx, key, key) else {
        return Vec::new();
    };
    let mut out = Vec::new();
    for (name, entry) in all.all(cx) {
        if let DeValue::Table(table) = entry.value {
            let mut t = Table::at(what, table, name.span);
            out.push(read(cx, name, &mut t));
            t.finish(cx);
        } else {
            cx.report(wrong_type(what, "a table", entry.value, entry.span));
        }
    }
    out
}

pub(super) fn read_diagram(cx: &mut Context<'_>, root: &mut Table<'_>) -> DiagramDecl {
    let Some(mut t) = root.table(cx, "diagram", "`[diagram]`") else {
        return DiagramDecl::default();
    };
    let diagram = DiagramDecl {
        view: t.text(cx, "view"),
        labels: t.text(cx, "labels"),
    };
    t.finish(cx);
    diagram
}

pub(super) fn read_platform(cx: &mut Context<'_>, root: &mut Table<'_>) -> Platform {
    let Some(mut t) = root.table(cx, "platform", "`[platform]`") else {
        return Platform::default();
    };
    let out = Platform {
        broker: t.text(cx, "broker"),
        mesh: t.text(cx, "mesh"),
        gateway: t.text(cx, "gateway"),
        auth: t.text(cx, "auth"),
        jwt: jwt(cx, &mut t),
        rate_limit_scope: t.text(cx, "rate_limit_scope"),
        gateway_replicas: t.number(cx, "gateway_replicas", 1..=100_000),
        mesh_retries: t.number(cx, "mesh_retries", 0..=100),
        gateway_retries: t.number(cx, "gateway_retries", 0..=100),
        load_balancer: t.text(cx, "load_balancer"),
    };
    t.finish(cx);
    out
}

pub(super) fn read_defaults(cx: &mut Context<'_>, root: &mut Table<'_>) -> Defaults {
    let Some(mut t) = root.table(cx, "defaults", "`[defaults]`") else {
        return Defaults::default();
    };
    let out = Defaults {
        rate: t.quantity(cx, "rate", "10/s"),
        p50: t.quantity(cx, "p50", "50ms"),
        p99: t.quantity(cx, "p99", "200ms"),
        timeout: t.quantity(cx, "timeout", "500ms"),
        retries: t.number(cx, "retries", 0..=100),
        availability: t.quantity(cx, "availability", "99.9%"),
        replicas: t.number(cx, "replicas", 1..=100_000),
        size: t.quantity(cx, "size", "2KiB"),
        retention: t.quantity(cx, "retention", "7d"),
    };
    t.finish(cx);
    out
}
