//! `slo-above-dependencies`: a promise above what the parts behind it allow.
//!
//! A stated availability objective, of a service or of a flow, above the product of the stated
//! availabilities of everything that it cannot do without, each counted once, or above what one of the
//! services among them promises.

use std::collections::BTreeMap;

use super::prelude::*;
use crate::diag::{Diagnostic, Span};

rule! {
    id: "slo-above-dependencies",
    severity: Error,
    section: Observability,
    summary: "a promise above what the parts behind it allow",
    what: "A stated availability objective, of a service or of a flow, above the product of the stated availabilities of everything that it cannot do without, each counted once, or above what one of the services among them promises. What the design assumes counts as always available. A warning where only `defaults.availability` breaks the promise. Several promises that break because of one number are one finding, at that number; a promise that breaks only because one behind it does is not reported again.",
    why: "The promise is broken although everybody keeps theirs.",
    limits: "It takes failures as independent. Calls that are `optional` or have a `fallback`, and stores that are `optional`, are left out; what happens without an outbox is left to `dual-write`.",
    source: "Treynor et al., The Calculus of Service Availability, ACM Queue 15(2), 2017",
}

fn check(facts: &Facts<'_>, report: &mut Report) {
    let mut broken: Vec<Option<Broken>> = facts.model.service_ids().map(|s| of_service(facts, s)).collect();
    // Who only suffers from somebody else's broken promise has nothing to mend.
    let fails: Vec<bool> = broken.iter().map(Option::is_some).collect();
    for (i, entry) in broken.iter_mut().enumerate() {
        if entry.as_ref().is_some_and(|b| without(facts, ServiceId(i), &fails).is_some_and(|left| b.goal.0 <= left + 1e-9)) {
            *entry = None;
        }
    }
    let mut roots: Vec<Broken> = broken.into_iter().flatten().collect();
    for flow in 0..facts.plan.flows.len() {
        roots.extend(of_flow(facts, flow, &fails));
    }
    // Several promises that one number breaks are one finding.
    let mut groups: BTreeMap<Key, Vec<Broken>> = BTreeMap::new();
    for b in roots {
        let key = match b.culprit(facts) {
            Some(span) => Key::Number(span.source, span.start),
            None => Key::Promise(b.subject.0.clone()),
        };
        groups.entry(key).or_default().push(b);
    }
    for group in groups.into_values() {
        if let [one] = group.as_slice() {
            single(facts, report, one);
        } else {
            several(facts, report, &group);
        }
    }
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Number(crate::diag::SourceId, usize),
    Promise(String),
}

/// A promise that cannot be kept.
struct Broken {
    subject: (String, Vec<String>),
    /// How a sentence calls who promises.
    name: String,
    service: Option<ServiceId>,
    goal: Ratio,
    span: Span,
    product: f64,
    /// The lowest promise of a service that it needs, if that is below its own.
    weaker: Option<(ServiceId, Ratio, Span)>,
    /// The stated factors, the lowest first.
    factors: Vec<(Dependency, Ratio, Span)>,
    /// Whether the numbers that are stated for their own parts break it, without `defaults`.
    explicit: bool,
}

/// One number that the author wrote, for one part or for many.
struct Number {
    product: f64,
    first: Dependency,
    span: Span,
    /// It is the promiser's own.
    own: bool,
}

impl Broken {
    /// The one stated number without which the promise would hold, if it is not the promiser's own.
    fn culprit(&self, facts: &Facts<'_>) -> Option<Span> {
        if let Some((_, _, span)) = self.weaker {
            let rest: f64 = self.factors.iter().map(|(_, a, _)| a.0).product();
            return (self.goal.0 <= rest + 1e-9).then_some(span);
        }
        let mut numbers: BTreeMap<(crate::diag::SourceId, usize), Number> = BTreeMap::new();
        for (d, a, span) in &self.factors {
            // A number for all services is nobody's own.
            let own = self.service.map(Dependency::Service) == Some(*d)
                && facts.availability(*d, false).is_some();
            let number = numbers.entry((span.source, span.start)).or_insert(Number {
                product: 1.0,
                first: *d,
                span: *span,
                own,
            });
            number.product *= a.0;
            number.own &= own;
        }
        // Of equals the first by name, wherever it is written.
        let Number { product, span, own, .. } = numbers
            .into_values()
            .min_by(|a, b| a.product.total_cmp(&b.product).then(a.first.cmp(&b.first)))?;
        (!own && self.goal.0 <= self.product / product + 1e-9).then_some(span)
    }
}

/// Whether what `id` needs breaks its promise.
pub(super) fn is_broken(facts: &Facts<'_>, id: ServiceId) -> bool {
    of_service(facts, id).is_some()
}

/// The promise of a service, if what it needs breaks it.
fn of_service(facts: &Facts<'_>, id: ServiceId) -> Option<Broken> {
    let service = facts.model.service(id);
    let goal = service.slo.and_then(|s| s.availability).filter(|_| !service.external)?;
    let needs = std::iter::once(Dependency::Service(id)).chain(facts.plan.parts.needs(id));
    broken(facts, facts.service(id), format!("`{}`", service.name), Some(id), (goal.value, goal.span), needs)
}

/// The promise of a flow, if what it needs breaks it and no service in it is broken already.
fn of_flow(facts: &Facts<'_>, flow: usize, fails: &[bool]) -> Option<Broken> {
    let index = facts.plan.flows[flow].index?;
    let stated = &facts.model.flows[index];
    let goal = stated.slo.and_then(|s| s.availability)?;
    let needs = facts.plan.flow_needs(flow);
    if needs.iter().any(|d| matches!(d, Dependency::Service(s) if fails[s.0])) {
        return None;
    }
    let services = needs.iter().filter(|d| matches!(d, Dependency::Service(_)));
    let places = services.map(|d| d.name(facts.model).to_owned()).collect();
    let name = format!("the flow `{}`", stated.name);
    broken(facts, (stated.name.clone(), places), name, None, (goal.value, goal.span), needs.into_iter())
}

fn broken(
    facts: &Facts<'_>,
    subject: (String, Vec<String>),
    name: String,
    service: Option<ServiceId>,
    (goal, span): (Ratio, Span),
    needs: impl Iterator<Item = Dependency>,
) -> Option<Broken> {
    let needs: Vec<Dependency> = needs.filter(|d| !matches!(d, Dependency::Broker(_))).collect();
    let weaker = needs
        .iter()
        .filter(|d| service.map(Dependency::Service) != Some(**d))
        // The members of a circle need each other: none of them is behind the other, and `sync-cycle` says so.
        .filter(|d| !matches!((d, service), (Dependency::Service(a), Some(b)) if facts.component[a.0] == facts.component[b.0]))
        .filter_map(|d| promise(facts, *d))
        .min_by(|a, b| a.1.0.total_cmp(&b.1.0).then(a.0.cmp(&b.0)))
        .filter(|(_, p, _)| goal.0 > p.0 + 1e-9);
    let mut factors: Vec<_> = needs
        .into_iter()
        .filter_map(|d| facts.availability(d, true).map(|(a, span)| (d, a, span)))
        .collect();
    factors.sort_by(|a, b| a.1.0.total_cmp(&b.1.0).then(a.0.cmp(&b.0)));
    let all: f64 = factors.iter().map(|(_, a, _)| a.0).product();
    // A number for all says less than one for each, so alone it makes no error.
    let explicit = weaker.is_some() || goal.0 > facts.explicit_product(&factors) + 1e-9;
    let product = weaker.map_or(all, |(_, p, _)| all.min(p.0));
    (goal.0 > product + 1e-9).then_some(Broken {
        subject,
        name,
        service,
        goal,
        span,
        product,
        weaker,
        factors,
        explicit,
    })
}

/// What one of the design's own services promises, everything behind it included.
fn promise(facts: &Facts<'_>, d: Dependency) -> Option<(ServiceId, Ratio, Span)> {
    let Dependency::Service(id) = d else { return None };
    let service = facts.model.service(id);
    let slo = service.slo.and_then(|s| s.availability).filter(|_| !service.external)?;
    Some((id, slo.value, slo.span))
}

/// What `id` could reach if the services whose promises are broken, and what only they need, were left
/// out; `None` if it needs no such service. Members of its own cycle suffer with it, not from it.
fn without(facts: &Facts<'_>, id: ServiceId, fails: &[bool]) -> Option<f64> {
    let mut seen = vec![false; fails.len()];
    seen[id.0] = true;
    let (mut stack, mut product, mut blamed) = (vec![id], 1.0_f64, false);
    let mut lowest = 1.0_f64;
    let mut stores = std::collections::BTreeSet::new();
    while let Some(s) = stack.pop() {
        let factor = |d| facts.availability(d, true).map_or(1.0, |(a, _)| a.0);
        product *= factor(Dependency::Service(s));
        if s != id && let Some((_, p, _)) = promise(facts, Dependency::Service(s)) {
            lowest = lowest.min(p.0);
        }
        for store in &facts.model.service(s).stores {
            if !facts.model.store(*store).optional && stores.insert(*store) {
                product *= factor(Dependency::Store(*store));
            }
        }
        for call in facts.outbound[s.0].iter().map(|c| facts.model.call(*c)).filter(|c| !c.soft()) {
            if std::mem::replace(&mut seen[call.to.0], true) {
                continue;
            }
            let apart = facts.component[call.to.0] != facts.component[id.0];
            if fails[call.to.0] && (apart || call.to < id) {
                blamed = true;
            } else {
                stack.push(call.to);
            }
        }
    }
    blamed.then_some(product.min(lowest))
}

/// What is stated for a factor, in words.
fn has(facts: &Facts<'_>, d: Dependency, a: Ratio) -> String {
    if facts.availability(d, false).is_none() {
        format!("every other service has {a}")
    } else {
        format!("`{}` has {a}", facts.dependency(d))
    }
}

fn labels(facts: &Facts<'_>, mut d: Diagnostic, factors: &[(Dependency, Ratio, Span)], spans: &mut Vec<Span>) -> Diagnostic {
    for (dependency, a, span) in factors.iter().take(8) {
        if !spans.contains(span) {
            spans.push(*span);
            d = d.label(*span, has(facts, *dependency, *a));
        }
    }
    d
}

fn single(facts: &Facts<'_>, report: &mut Report, b: &Broken) {
    let (name, goal, product) = (&b.name, b.goal, Ratio(b.product));
    let parts = plural(b.factors.len(), "part");
    let mut d = report
        .at(
            b.span,
            match b.weaker {
                Some((s, p, _)) => format!(
                    "{name} promises {goal}, but cannot do without `{}`, which promises {p}",
                    facts.name(s)
                ),
                None => format!(
                    "{name} promises {goal}, but can reach at most {product} with the {parts} that it needs"
                ),
            },
        )
        .at(format!("promises {goal}"));
    if let Some((s, p, span)) = b.weaker {
        d = d.label(span, format!("`{}` promises {p}", facts.name(s)));
        let d = d.help(format!(
            "make the calls to `{}` optional with a fallback, let it promise more, or promise no more than {product}",
            facts.name(s)
        ));
        report.add(b.subject.clone(), d);
        return;
    }
    if !b.explicit {
        d.severity = Severity::Warning;
    }
    let d = labels(facts, d, &b.factors, &mut vec![b.span]);
    let own = b.service.map(Dependency::Service);
    let first = match b.factors.iter().find(|(x, _, _)| Some(*x) != own) {
        None => "give it more instances".to_owned(),
        Some((Dependency::Service(s), _, _)) => format!("make the calls to `{}` optional with a fallback", facts.name(*s)),
        Some((x, a, _)) => format!("raise `{}` above {a}", facts.dependency(*x)),
    };
    report.add(b.subject.clone(), d.help(format!("{first}, or promise no more than {product}")));
}

/// Several promises that break because of one number: the finding stands at the number.
fn several(facts: &Facts<'_>, report: &mut Report, group: &[Broken]) {
    let Some((first, span)) = group.first().and_then(|b| Some((b, b.culprit(facts)?))) else {
        return;
    };
    let weaker = first.weaker.map(|(s, p, at)| (Dependency::Service(s), p, at));
    let mut numbers = weaker.iter().chain(&first.factors);
    let Some((dependency, a, _)) = numbers.find(|(_, _, s)| *s == span) else {
        return;
    };
    let names: Vec<String> = group.iter().map(|b| b.name.clone()).collect();
    let said = if names.len() > 6 {
        format!("{} and {} more", names[..6].join(", "), names.len() - 6)
    } else {
        names.join(", ")
    };
    let default = weaker.is_none() && facts.availability(*dependency, false).is_none();
    let what = match weaker {
        Some(_) => format!("`{}` promises {a}", facts.dependency(*dependency)),
        None => has(facts, *dependency, *a),
    };
    let mut d = report
        .at(span, format!("{what}, and so {} cannot be kept: {said}", plural(group.len(), "promise")))
        .at(what.clone());
    if group.iter().all(|b| !b.explicit) {
        d.severity = Severity::Warning;
    }
    for b in group.iter().take(8) {
        d = d.label(b.span, format!("{} promises {} and can reach {}", b.name, b.goal, Ratio(b.product)));
    }
    let lowest = group.iter().map(|b| b.product).fold(1.0, f64::min);
    let d = d.help(format!(
        "{}, or promise no more than {}",
        if default {
            "say what each service itself reaches, and make what can fail optional with a fallback".to_owned()
        } else {
            format!("make `{}` more available, or optional with a fallback", facts.dependency(*dependency))
        },
        Ratio(lowest)
    ));
    let mut places: Vec<String> = group.iter().map(|b| b.subject.0.clone()).collect();
    places.extend(group.iter().flat_map(|b| b.subject.1.iter().cloned()));
    let subject = if default { "defaults".to_owned() } else { facts.dependency(*dependency).to_owned() };
    report.add((subject, places), d);
}
