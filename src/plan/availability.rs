//! Availability: what a service can reach with everything it needs.

use super::figure::{Figure, Origin};
use super::graph::Graph;
use super::services::ServicePlan;
use crate::catalog::numbers;
use crate::model::units::Ratio;
use crate::model::{Model, Party, ServiceId, StoreId};

/// Something that a service cannot do without.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dependency {
    /// Another service.
    Service(ServiceId),
    /// A store.
    Store(StoreId),
}

/// The availability of a service and of what it needs.
#[derive(Clone, Debug)]
pub struct AvailabilityPlan {
    /// Of its own instances.
    pub own: Figure<Ratio>,
    /// Every hard dependency at any depth, each once, with its own availability.
    pub needs: Vec<(Dependency, Ratio)>,
    /// `A_own · Π A_i`.
    pub reachable: Figure<Ratio>,
}

pub(super) fn plan(model: &Model, services: &[ServicePlan]) -> Vec<AvailabilityPlan> {
    let own: Vec<Figure<Ratio>> = (0..model.services.len())
        .map(|s| own(model, services, s))
        .collect();
    // Hard dependencies only: a pair with at least one call that is not optional.
    let hard = Graph::new(
        model.services.len(),
        model.calls.iter().filter_map(|c| match c.from {
            Party::Service(from) if !c.soft() => Some((from.0, c.to.0)),
            _ => None,
        }),
    );
    let mut mark = vec![usize::MAX; model.services.len()];
    let mut store_mark = vec![usize::MAX; model.stores.len()];
    (0..model.services.len())
        .map(|s| {
            mark[s] = s;
            let mut stack = vec![s];
            let mut reached = Vec::new();
            while let Some(x) = stack.pop() {
                for &y in hard.next(x) {
                    if mark[y] != s {
                        mark[y] = s;
                        stack.push(y);
                        reached.push(y);
                    }
                }
            }
            reached.sort_unstable();
            let mut needs: Vec<(Dependency, Ratio)> = Vec::new();
            for &x in &reached {
                needs.push((Dependency::Service(ServiceId(x)), own[x].value));
            }
            for x in std::iter::once(s).chain(reached.iter().copied()) {
                for store in &model.services[x].stores {
                    if store_mark[store.0] != s {
                        store_mark[store.0] = s;
                        needs.push((Dependency::Store(*store), store_availability(model, *store)));
                    }
                }
            }
            needs.sort_by_key(|(d, _)| *d);
            let product: f64 = needs.iter().map(|(_, a)| a.0).product::<f64>() * own[s].value.0;
            let why = if needs.is_empty() {
                "nothing else is needed".to_owned()
            } else {
                formula(&own[s], &needs)
            };
            AvailabilityPlan {
                own: own[s].clone(),
                reachable: Figure::derived(Ratio(product), why, "Calc"),
                needs,
            }
        })
        .collect()
}

/// `A_own · Π A_i` with equal factors counted together.
fn formula(own: &Figure<Ratio>, needs: &[(Dependency, Ratio)]) -> String {
    let mut factors: Vec<(Ratio, usize)> = Vec::new();
    for (_, a) in needs {
        match factors.iter_mut().find(|(f, _)| f == a) {
            Some((_, n)) => *n += 1,
            None => factors.push((*a, 1)),
        }
    }
    factors.sort_by(|a, b| a.0.0.total_cmp(&b.0.0));
    let parts: Vec<String> = factors
        .iter()
        .map(|(a, n)| {
            if *n == 1 {
                a.to_string()
            } else {
                format!("({a})^{n}")
            }
        })
        .collect();
    format!("own {} × {}", own.value, parts.join(" × "))
}

fn own(model: &Model, services: &[ServicePlan], s: usize) -> Figure<Ratio> {
    let n = numbers();
    let service = &model.services[s];
    if let Some(a) = service.availability {
        return Figure::set(a.value);
    }
    if service.external {
        if let Some(a) = service.slo.and_then(|s| s.availability) {
            return Figure::derived(a.value, format!("what `{}` promises", service.name), "");
        }
        return Figure::assumed(
            Ratio(n.external_availability.value),
            n.external_availability.why.clone(),
            "derived",
        );
    }
    if let Some(a) = model.defaults.availability {
        return Figure::derived(a.value, "`defaults.availability`", "");
    }
    let one = n.instance_availability.value;
    let ceiling = n.platform_availability.value;
    let replicas = services[s].replicas.value;
    let together = 1.0 - (1.0 - one).powi(i32::try_from(replicas).unwrap_or(i32::MAX));
    let why = if together > ceiling {
        format!(
            "1 − (1 − {})^{replicas}, at most {} in one region",
            Ratio(one),
            Ratio(ceiling)
        )
    } else {
        format!("1 − (1 − {})^{replicas}", Ratio(one))
    };
    Figure {
        origin: Origin::Assumed,
        ..Figure::derived(Ratio(together.min(ceiling)), why, "derived")
    }
}

fn store_availability(model: &Model, id: StoreId) -> Ratio {
    model
        .store(id)
        .availability
        .map_or(Ratio(numbers().store_availability.value), |a| a.value)
}
