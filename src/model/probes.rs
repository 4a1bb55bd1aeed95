//! What a service's health probes look at, once stores and brokers have their ids.

use super::check::{self, Out};
use super::design::{BrokerId, Checked, Model, Probe, ServiceId, Set, StoreId};
use super::names::short;
use crate::diag::{Diagnostic, nearest};
use crate::spec::{ProbeDecl, Spec, Text};

pub(super) fn resolve(spec: &Spec, model: &mut Model, out: Out<'_>) {
    for d in &spec.services {
        if d.liveness.is_none() && d.readiness.is_none() {
            continue;
        }
        let Some(id) = model.services.iter().position(|s| s.span == d.name.span) else {
            continue;
        };
        let liveness = d.liveness.as_ref().map(|p| probe(p, model, id, out));
        let readiness = d.readiness.as_ref().map(|p| probe(p, model, id, out));
        model.services[id].liveness = liveness;
        model.services[id].readiness = readiness;
    }
}

fn probe(d: &ProbeDecl, model: &Model, service: usize, out: Out<'_>) -> Probe {
    let mut checks: Vec<Set<Checked>> = Vec::new();
    for text in &d.checks {
        match find(text, model, service) {
            Some(value) => checks.push(Set {
                value,
                span: text.span,
            }),
            None => {
                let names = (model.services.iter().map(|s| s.name.as_str()))
                    .chain(model.stores.iter().map(|s| s.name.as_str()))
                    .chain(model.brokers.iter().map(|b| b.name.as_str()));
                let name = text.value.rsplit(':').next().unwrap_or_default().trim();
                let near = nearest(name, names);
                out.push(
                    Diagnostic::error(
                        "unknown-name",
                        text.span,
                        format!(
                            "no service, store or broker is called `{}`",
                            short(&text.value)
                        ),
                    )
                    .at("not declared")
                    .help(match near {
                        Some(near) => format!("did you mean `{near}`?"),
                        None => "name a store of this service, a service or a broker".to_owned(),
                    }),
                );
            }
        }
    }
    checks.sort_by_key(|c| c.value);
    checks.dedup_by_key(|c| c.value);
    Probe {
        span: d.span,
        path: check::word(d.path.as_ref()),
        checks,
    }
}

/// `postgres:orders` is a store; a bare name is one of the service's own stores before anything else.
fn find(text: &Text, model: &Model, service: usize) -> Option<Checked> {
    let store = |name: &str| {
        let i = model.stores.iter().position(|s| s.name == name)?;
        Some(Checked::Store(StoreId(i)))
    };
    if let Some((_, name)) = text.value.split_once(':') {
        return store(name.trim());
    }
    let name = text.value.trim();
    let own = model.services[service]
        .stores
        .iter()
        .find(|id| model.stores[id.0].name == name);
    if let Some(id) = own {
        return Some(Checked::Store(*id));
    }
    let other = |i: usize| Checked::Service(ServiceId(i));
    (model
        .services
        .iter()
        .position(|s| s.name == name)
        .map(other))
    .or_else(|| store(name))
    .or_else(|| {
        let i = model.brokers.iter().position(|b| b.name == name)?;
        Some(Checked::Broker(BrokerId(i)))
    })
}
