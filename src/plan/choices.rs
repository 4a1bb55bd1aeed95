//! The platform of the design: what the author chose, what the infrastructure brings.

use super::Plan;
use super::events::EventPlan;
use super::figure::{Figure, Origin};
use crate::catalog::{self, Broker, Gateway, Infrastructure, Mesh};
use crate::model::units::Time;
use crate::model::{Auth, Model, Party};

/// One choice, for the overview.
#[derive(Clone, Debug)]
pub struct Choice {
    /// What was chosen: `Message broker`.
    pub what: &'static str,
    /// The choice.
    pub chosen: String,
    /// Why.
    pub why: String,
    /// A key of the catalog's sources, or empty.
    pub source: &'static str,
    /// Who made it.
    pub origin: Origin,
}

/// The platform.
#[derive(Clone, Debug)]
pub struct Choices {
    /// Where it mainly runs.
    pub infrastructure: &'static Infrastructure,
    /// The broker where an event names none; `None` if there are no events.
    pub broker: Option<&'static Broker>,
    /// In front of everything.
    pub gateway: &'static Gateway,
    /// Between the services.
    pub mesh: &'static Mesh,
    /// How services prove who they are.
    pub auth: Auth,
    /// Kubernetes namespace, ECS cluster, … of the design: a slug of its title.
    pub namespace: String,
    /// Every choice with its reason.
    pub list: Vec<Choice>,
}

impl Choices {
    /// Who takes in a stream or a gRPC call from outside, and after how long a silence it closes a connection.
    #[must_use]
    pub fn streams_by(&self) -> (&'static str, Time) {
        match &self.gateway.balancer {
            Some(b) => (&b.name, Time::s(b.idle_s)),
            None => (&self.gateway.name, Time::s(self.gateway.idle_s)),
        }
    }
}

pub(super) fn choose(model: &Model) -> Choices {
    let main = model
        .infrastructures
        .first()
        .copied()
        .unwrap_or(&catalog::infrastructures()[0]);
    // A design over several infrastructures takes each part from the first that brings one: a mesh
    // from Kubernetes even where the managed services of a cloud come first.
    let mesh = model.platform.mesh.map_or_else(
        || {
            let id = model
                .infrastructures
                .iter()
                .map(|i| i.mesh.as_str())
                .find(|m| *m != "none")
                .unwrap_or("none");
            find(catalog::meshes(), |m| m.id == id)
        },
        |s| s.value,
    );
    let gateway = model.platform.gateway.map_or_else(
        || find(catalog::gateways(), |g| g.id == main.gateway),
        |s| s.value,
    );
    let broker = model.brokers.first().map(|b| b.kind);
    let auth = model.platform.auth.map_or_else(
        || {
            let usual = Auth::parse(&main.auth).unwrap_or(Auth::Mtls);
            match usual {
                _ if mesh.mtls => Auth::Mtls,
                // Without a mesh nobody issues the certificates, and a token needs nothing more to run.
                Auth::Mtls => Auth::Jwt,
                other => other,
            }
        },
        |s| s.value,
    );
    let mut list = Vec::new();
    let origin = |set: bool| if set { Origin::Set } else { Origin::Derived };
    let names: Vec<&str> = model
        .infrastructures
        .iter()
        .map(|i| i.name.as_str())
        .collect();
    list.push(Choice {
        what: "Infrastructure",
        chosen: names.join(", "),
        why: if model.infrastructure_set {
            "set".to_owned()
        } else {
            "none is named; the design assumes it".to_owned()
        },
        source: "",
        origin: if model.infrastructure_set {
            Origin::Set
        } else {
            Origin::Assumed
        },
    });
    list.push(Choice {
        what: "Service discovery",
        chosen: main.discovery.clone(),
        why: main.discovery_why.clone(),
        source: &main.balancing_source,
        origin: Origin::Derived,
    });
    for broker in &model.brokers {
        let carried = model
            .events
            .iter()
            .filter(|e| model.broker(e.broker).name == broker.name)
            .count();
        list.push(Choice {
            what: "Message broker",
            chosen: broker.kind.name.clone(),
            why: if broker.span.is_some() {
                format!("set; carries {}", events(carried))
            } else {
                format!("comes with {}; carries {}", main.name, events(carried))
            },
            source: &broker.kind.source,
            origin: origin(broker.span.is_some()),
        });
    }
    list.push(Choice {
        what: "API gateway",
        chosen: gateway.name.clone(),
        why: if model.platform.gateway.is_some() {
            format!("set; {}", gateway.timeout_note)
        } else {
            format!("comes with {}; {}", main.name, gateway.timeout_note)
        },
        source: &gateway.source,
        origin: origin(model.platform.gateway.is_some()),
    });
    list.push(Choice {
        what: "Service mesh",
        chosen: mesh.name.clone(),
        why: if model.platform.mesh.is_some() {
            format!("set; {}", mesh.retries_note)
        } else if mesh.id == "none" {
            format!("{} balances and encrypts without one", main.name)
        } else {
            format!(
                "mutual TLS and balancing a call at a time without code; {}",
                mesh.retries_note
            )
        },
        source: &mesh.source,
        origin: origin(model.platform.mesh.is_some()),
    });
    list.push(Choice {
        what: "Authentication between services",
        chosen: auth_name(auth).to_owned(),
        why: if model.platform.auth.is_some() {
            "set".to_owned()
        } else if mesh.mtls {
            format!("{} issues and rotates the certificates", mesh.certificates)
        } else {
            format!(
                "{} issues the identity: {}",
                main.name,
                identity(main, mesh, auth)
            )
        },
        source: if auth == Auth::Mtls { "Spf" } else { "" },
        origin: origin(model.platform.auth.is_some()),
    });
    Choices {
        infrastructure: main,
        broker,
        gateway,
        mesh,
        auth,
        namespace: super::slug(&model.title),
        list,
    }
}

/// How the messages of a key stay in order where one at a time would not keep up, a row a broker that has to be told.
pub(super) fn order(model: &Model, events: &[EventPlan]) -> Vec<Choice> {
    let mut rows = Vec::new();
    for broker in &model.brokers {
        let of = model.events.iter().zip(events).filter(|(e, p)| {
            model.broker(e.broker).name == broker.name
                && p.ordered
                && p.partitions.is_some()
                && !broker.kind.partitioned
        });
        let (mut parts, mut why) = (Vec::new(), Vec::new());
        for (e, p) in of {
            let Some(n) = &p.partitions else { continue };
            parts.push(format!(
                "`{}` in {} partitions by `{}`",
                e.name, n.value, p.key.value
            ));
            let hurry = if p.handler.origin == Origin::Derived {
                format!("; so a reader has {} for a message", p.handler.value)
            } else {
                String::new()
            };
            why.push(format!("`{}`: {} is {}{hurry}", e.name, n.value, n.why));
        }
        if parts.is_empty() {
            continue;
        }
        rows.push(Choice {
            what: "Order of messages",
            chosen: format!(
                "one {} a partition: {}",
                broker.kind.lanes,
                parts.join(", ")
            ),
            why: format!(
                "{} orders a whole {}, and one message at a time would not keep up. {}",
                broker.kind.name,
                broker.kind.lanes,
                why.join("; ")
            ),
            source: "derived",
            origin: Origin::Derived,
        });
    }
    rows
}

/// What a service proves its identity by.
fn identity(main: &'static Infrastructure, mesh: &Mesh, auth: Auth) -> &'static str {
    let plain = match auth {
        Auth::Mtls => &main.workload_certificate,
        _ => &main.workload_token,
    };
    if mesh.mtls || plain.is_empty() {
        &main.workload_identity
    } else {
        plain
    }
}

/// The name of a way to authenticate.
pub(super) fn auth_name(auth: Auth) -> &'static str {
    match auth {
        Auth::Jwt => "JSON Web Tokens",
        Auth::Mtls => "mutual TLS",
        Auth::Oauth2 => "OAuth 2.0 client credentials",
        Auth::Iam => "the platform's workload identity",
    }
}

impl Choices {
    /// What a service proves its identity by on this platform.
    #[must_use]
    pub fn identity(&self) -> &'static str {
        identity(self.infrastructure, self.mesh, self.auth)
    }

    /// The name of the chosen way to authenticate.
    #[must_use]
    pub fn auth_name(&self) -> &'static str {
        auth_name(self.auth)
    }
}

fn events(n: usize) -> String {
    if n == 1 {
        "1 event".to_owned()
    } else {
        format!("{n} events")
    }
}

fn find<T>(all: &'static [T], is: impl Fn(&T) -> bool) -> &'static T {
    all.iter().find(|x| is(x)).unwrap_or(&all[0])
}

/// What was assumed, one sentence for each kind of silence.
pub(super) fn assumptions(plan: &Plan<'_>) -> Vec<String> {
    let model = plan.model;
    let numbers = catalog::numbers();
    let mut out = Vec::new();
    if !model.infrastructure_set {
        out.push(format!(
            "It runs on {}: no infrastructure is named.",
            plan.choices.infrastructure.name
        ));
    }
    if model.architecture.is_none() {
        out.push("The services exist already: no `architecture` is given.".to_owned());
    }
    let entries: Vec<&str> = plan
        .services
        .iter()
        .zip(&model.services)
        .filter(|(p, s)| p.entry && s.public.is_none() && !p.called_by_actor)
        .map(|(_, s)| s.name.as_str())
        .collect();
    if !entries.is_empty() {
        out.push(format!(
            "{} reachable from outside, since no service calls {} and none is marked `public`.",
            list(&entries, "is", "are"),
            if entries.len() == 1 { "it" } else { "them" },
        ));
    }
    let assumed = |figures: &mut dyn Iterator<Item = (String, bool)>| -> Vec<String> {
        figures.filter(|(_, a)| *a).map(|(n, _)| n).collect()
    };
    let rates = assumed(
        &mut model
            .services
            .iter()
            .zip(&plan.services)
            .map(|(s, p)| (s.name.clone(), p.rate.origin == Origin::Assumed)),
    );
    push(
        &mut out,
        &rates,
        &format!("receives at most {}", unit(&numbers.rate)),
        &format!("receive at most {} each", unit(&numbers.rate)),
    );
    let asked = plan
        .calls
        .iter()
        .zip(&model.calls)
        .filter(|(p, c)| matches!(c.from, Party::Actor(_)) && p.rate.origin == Origin::Assumed)
        .count();
    if asked > 0 {
        let all = model
            .calls
            .iter()
            .filter(|c| matches!(c.from, Party::Actor(_)))
            .count();
        out.push(match (asked, all) {
            (1, 1) => format!(
                "The one call from outside comes {} at the peak: no `rate` is given for it.",
                unit(&numbers.rate)
            ),
            (1, n) => format!(
                "1 of the {n} calls from outside comes {} at the peak: no `rate` is given for it.",
                unit(&numbers.rate)
            ),
            (some, n) => format!(
                "{some} of the {n} calls from outside come {} each at the peak: no `rate` is given for them.",
                unit(&numbers.rate)
            ),
        });
    }
    let silent = plan
        .calls
        .iter()
        .filter(|c| c.p99.origin == Origin::Assumed)
        .count();
    if silent > 0 {
        out.push(format!(
            "{silent} of {} {} within {} at the 99th percentile: no `p99` is given for {}.",
            if plan.calls.len() == 1 {
                "1 call".to_owned()
            } else {
                format!("{} calls", plan.calls.len())
            },
            if silent == 1 { "answers" } else { "answer" },
            unit(&numbers.p99),
            if silent == 1 { "it" } else { "them" }
        ));
    }
    let replicas = assumed(
        &mut model
            .services
            .iter()
            .zip(&plan.services)
            .filter(|(s, _)| !s.external)
            .map(|(s, p)| (s.name.clone(), p.replicas.origin == Origin::Assumed)),
    );
    if !replicas.is_empty() {
        push(
            &mut out,
            &replicas,
            &format!("runs {} instances", numbers.replicas.value),
            &format!("run {} instances each", numbers.replicas.value),
        );
    }
    let guessed: Vec<&str> = plan
        .calls
        .iter()
        .zip(&model.calls)
        .filter(|(p, c)| {
            p.idempotent.origin == Origin::Assumed && p.idempotent.value && c.idempotent.is_none()
        })
        .map(|(_, c)| c.operation.as_str())
        .collect();
    if !guessed.is_empty() {
        out.push(format!(
            "{} read and change nothing, judging by {}; `idempotent` says otherwise.",
            list(&guessed, "is taken to", "are taken to"),
            if guessed.len() == 1 {
                "its name"
            } else {
                "their names"
            },
        ));
    }
    out
}

fn push(out: &mut Vec<String>, names: &[String], one: &str, many: &str) {
    if names.is_empty() {
        return;
    }
    let refs: Vec<&str> = names.iter().map(String::as_str).collect();
    out.push(format!("{}.", list(&refs, one, many)));
}

/// `a, b and c VERB`, shortened where the list is long.
fn list(names: &[&str], one: &str, many: &str) -> String {
    let quoted: Vec<String> = names.iter().take(8).map(|n| format!("`{n}`")).collect();
    let verb = if names.len() == 1 { one } else { many };
    let text = match (quoted.as_slice(), names.len()) {
        ([only], 1) => only.clone(),
        ([init @ .., last], n) if n <= 8 => format!("{} and {last}", init.join(", ")),
        (all, n) => format!("{} and {} more", all.join(", "), n - all.len()),
    };
    format!("{text} {verb}")
}

fn unit(n: &catalog::Number) -> String {
    if n.unit.starts_with('/') {
        format!("{}{}", n.value, n.unit)
    } else {
        format!("{} {}", n.value, n.unit)
    }
}

/// Kept here so that every caller marks a catalog number the same way.
pub(super) fn assumed<T>(value: T, number: &'static catalog::Number) -> Figure<T> {
    Figure::assumed(value, number.why.clone(), &number.source)
}
