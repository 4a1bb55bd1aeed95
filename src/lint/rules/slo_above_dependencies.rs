//! `slo-above-dependencies`: a service promises more than what it needs allows.
//!
//! A stated availability objective above the product of the stated availabilities of the service
//! itself and of every hard dependency at any depth, each counted once. What the design assumes
//! counts as always available. A warning where only `defaults.availability` breaks the promise.

use super::prelude::*;

rule! {
    id: "slo-above-dependencies",
    severity: Error,
    section: Observability,
    summary: "a service promises more than what it needs allows",
    what: "A stated availability objective above the product of the stated availabilities of the service itself and of every hard dependency at any depth, each counted once. What the design assumes counts as always available. A warning where only `defaults.availability` breaks the promise.",
    why: "The promise is broken although everybody keeps theirs.",
    limits: "It takes failures as independent. A dependency whose calls are all `optional` is left out.",
    source: "Treynor et al., The Calculus of Service Availability, ACM Queue 15(2), 2017",
}

fn check(facts: &Facts<'_>, report: &mut Report) {
    for id in facts.model.service_ids() {
        if let Some(found) = broken(facts, id) {
            let (goal, goal_span, product, factors) = found;
            let name = facts.name(id);
            let mut d = report
                .at(
                    goal_span,
                    format!(
                        "`{name}` promises {goal}, but can reach at most {product} with the {} that it needs",
                        plural(factors.len(), "part")
                    ),
                )
                .at(format!("promises {goal}"));
            // A number for all says less than one for each, so alone it makes no error.
            let own = facts.explicit_product(&factors);
            if goal.0 <= own + 1e-9 {
                d.severity = Severity::Warning;
            }
            let mut spans = vec![goal_span];
            for (dependency, a, span) in factors.iter().take(8) {
                if spans.contains(span) {
                    continue;
                }
                spans.push(*span);
                let default = facts.availability(*dependency, false).is_none();
                let who = if default {
                    "every other service has".to_owned()
                } else {
                    format!("`{}` has", facts.dependency(*dependency))
                };
                d = d.label(*span, format!("{who} {a}"));
            }
            let worst = factors
                .iter()
                .find(|(x, _, _)| *x != Dependency::Service(id))
                .map_or_else(
                    || "give it more instances".to_owned(),
                    |(x, _, _)| format!("make `{}` optional with a fallback", facts.dependency(*x)),
                );
            let d = d.help(format!("{worst}, or promise no more than {product}"));
            report.add(facts.service(id), d);
        }
    }
}

type Broken = (Ratio, crate::diag::Span, Ratio, Vec<(Dependency, Ratio, crate::diag::Span)>);

/// The broken promise of a service: objective, its place, what is reachable, and the stated factors,
/// worst first.
pub(super) fn broken(facts: &Facts<'_>, id: ServiceId) -> Option<Broken> {
    let goal = facts.model.service(id).slo.and_then(|s| s.availability)?;
    if facts.model.service(id).external {
        return None;
    }
    let needs = facts.plan.parts.needs(id);
    let mut factors: Vec<_> = std::iter::once(Dependency::Service(id))
        .chain(needs)
        .filter_map(|d| facts.availability(d, true).map(|(a, span)| (d, a, span)))
        .collect();
    factors.sort_by(|a, b| a.1.0.total_cmp(&b.1.0).then(a.0.cmp(&b.0)));
    let product: f64 = factors.iter().map(|(_, a, _)| a.0).product();
    (!factors.is_empty() && goal.value.0 > product + 1e-9)
        .then_some((goal.value, goal.span, Ratio(product), factors))
}
