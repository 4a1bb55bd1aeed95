//! Network policies judged as Kubernetes judges them.

use std::collections::BTreeSet;

use msdesign::model::{Model, Party};
use msdesign::plan::Plan;
use serde_json::{Value, json};

/// Who connects to whom by the design: calls, streams, and who leads a saga.
pub(crate) fn edges(model: &Model, plan: &Plan<'_>) -> BTreeSet<(usize, usize)> {
    let mut out = BTreeSet::new();
    for c in &model.calls {
        if let Party::Service(from) = c.from {
            out.insert((from.0, c.to.0));
        }
    }
    for s in &model.streams {
        if let (Party::Service(from), Party::Service(to)) = (s.from, s.to) {
            out.insert((to.0, from.0));
        }
    }
    for (s, p) in model.sagas.iter().zip(&plan.sagas) {
        if let Some(lead) = &p.coordinator {
            out.extend(s.steps.iter().map(|step| (lead.value.0, step.service.0)));
        }
    }
    out
}

/// A pod or an address at one end of a connection.
pub(crate) struct End {
    pub(crate) labels: Value,
    pub(crate) namespace: Value,
    /// Outside of the cluster.
    pub(crate) outside: bool,
}

pub(crate) fn inside(slug: &str, namespace: &str) -> End {
    End {
        labels: json!({ "app.kubernetes.io/name": slug }),
        namespace: json!({ "kubernetes.io/metadata.name": namespace }),
        outside: false,
    }
}

fn selects(selector: &Value, labels: &Value) -> bool {
    let wanted = selector["matchLabels"].as_object();
    wanted.is_none_or(|m| m.iter().all(|(k, v)| &labels[k] == v))
}

/// Whether a rule of `policy` names the other end and the port, by its number or one of its names.
pub(crate) fn allows(
    policies: &[&Value],
    own: &End,
    other: &End,
    direction: &str,
    peers: &str,
    port: &[Value],
) -> bool {
    let home = own.namespace == other.namespace;
    policies
        .iter()
        .filter(|p| selects(&p["spec"]["podSelector"], &own.labels))
        .flat_map(|p| p["spec"][direction].as_array().into_iter().flatten())
        .any(|rule| {
            let named = rule[peers].as_array().is_none_or(|list| {
                list.iter().any(|peer| {
                    if peer.get("ipBlock").is_some() || other.outside {
                        return peer.get("ipBlock").is_some() && other.outside;
                    }
                    let there = match peer.get("namespaceSelector") {
                        Some(s) => selects(s, &other.namespace),
                        None => home,
                    };
                    there
                        && peer
                            .get("podSelector")
                            .is_none_or(|s| selects(s, &other.labels))
                })
            });
            let open = rule["ports"]
                .as_array()
                .is_none_or(|list| list.iter().any(|p| port.contains(&p["port"])));
            named && open
        })
}
