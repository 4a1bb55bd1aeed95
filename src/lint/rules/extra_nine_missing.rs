//! `extra-nine-missing`: one part uses up most of an error budget.
//!
//! A store or another service that a service calls and cannot do without, whose own stated failures use up
//! more than `share` (half) of the service's error budget, as long as not everything that the service needs
//! is stated. The rule of the extra nine asks for a tenth: 1 − (1 − S) ÷ 10.

use super::prelude::*;

rule! {
    id: "extra-nine-missing",
    severity: Warning,
    section: Observability,
    summary: "one part uses up most of an error budget",
    what: "A store or another service that a service calls and cannot do without, whose own stated failures use up more than `share` (half) of the service's error budget, as long as not everything that the service needs is stated. The rule of the extra nine asks for a tenth: 1 − (1 − S) ÷ 10.",
    why: "With more parts than the spec names, each may use up only a small share of the error budget; the rule of the extra nine gives a tenth to each.",
    limits: "Where the availability of all parts is stated the product decides, and this rule is silent; so it is where `slo-above-dependencies` speaks.",
    source: "Treynor et al., The Calculus of Service Availability, ACM Queue 15(2), 2017",
    thresholds: [("share", 50.0, "%")],
}

fn check(facts: &Facts<'_>, report: &mut Report) {
    let most = report.threshold("share") / 100.0;
    for id in facts.model.service_ids() {
        let s = facts.model.service(id);
        let Some(goal) = s.slo.and_then(|o| o.availability).filter(|_| !s.external) else {
            continue;
        };
        let nine = 1.0 - (1.0 - goal.value.0) / 10.0;
        let needed = 1.0 - (1.0 - goal.value.0) * most;
        let own = std::iter::once(Dependency::Service(id));
        let proved = own
            .chain(facts.plan.parts.needs(id))
            .filter(|d| !matches!(d, Dependency::Broker(_)))
            .all(|d| facts.availability(d, true).is_some());
        if proved || super::slo_above_dependencies::is_broken(facts, id) {
            continue;
        }
        let direct = |d: &Dependency| match *d {
            Dependency::Store(x) => s.stores.contains(&x),
            Dependency::Service(x) => facts.outbound[id.0].iter().any(|c| {
                let c = facts.model.call(*c);
                c.to == x && !c.soft()
            }),
            Dependency::Broker(_) => false,
        };
        let mut weak: Vec<_> = facts
            .plan
            .parts
            .needs(id)
            .filter(direct)
            .filter_map(|d| Some((d, facts.availability(d, false)?)))
            .filter(|(_, (a, _))| a.0 < needed - 1e-9)
            .collect();
        weak.sort_by(|a, b| a.1.0.0.total_cmp(&b.1.0.0).then(a.0.cmp(&b.0)));
        let Some((first, (a, _))) = weak.first() else { continue };
        let name = facts.dependency(*first);
        let share = (1.0 - a.0) / (1.0 - goal.value.0);
        let mut d = report
            .at(goal.span, format!("`{}` promises {} and cannot do without `{name}`, which has {a}", s.name, goal.value))
            .at(format!("a part of it should have {} or more", Ratio(nine)));
        for (part, (a, span)) in weak.iter().take(8) {
            d = d.label(*span, format!("`{}` has {a}", facts.dependency(*part)));
        }
        let d = d.help(format!(
            "`{name}` alone uses {}% of the error budget: make it optional with a fallback, or say what everything else reaches",
            (share * 100.0).round()
        ));
        report.add(facts.service(id), d);
    }
}
