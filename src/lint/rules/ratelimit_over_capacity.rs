//! `ratelimit-over-capacity`: a rate limit lets through more than can be served.
//!
//! A stated `rate_limit` above the stated capacity of the service that it protects, or, times the calls that
//! a stated flow makes for each request, of a service behind it.

use super::prelude::*;
use std::collections::BTreeMap;

rule! {
    id: "ratelimit-over-capacity",
    severity: Error,
    section: Gateway,
    summary: "a rate limit lets through more than can be served",
    what: "A stated `rate_limit` above the stated capacity of the service that it protects, or, times the calls that a stated flow makes for each request, of a service behind it.",
    why: "The limit never acts: the service is overloaded before anybody is refused.",
    limits: "Behind the first service it counts the calls of stated flows, each once, or as often as the stated rates of the call and of the route say.",
    source: "Envoy, local rate limiting; limit × calls a request ≤ capacity",
}

fn check(facts: &Facts<'_>, report: &mut Report) {
    for id in facts.model.call_ids() {
        let c = facts.model.call(id);
        let Some(limit) = c.rate_limit else { continue };
        let mut calls: BTreeMap<ServiceId, f64> = BTreeMap::from([(c.to, 1.0)]);
        for flow in &facts.model.flows {
            let steps: Vec<CallId> = flow
                .steps
                .iter()
                .flatten()
                .filter_map(|s| match s {
                    Step::Call(call) => Some(*call),
                    _ => None,
                })
                .collect();
            if steps.first() != Some(&id) {
                continue;
            }
            let mut here: BTreeMap<ServiceId, f64> = BTreeMap::new();
            for step in steps {
                // Not every request need come so far: stated rates say how many do.
                let call = facts.model.call(step);
                let share = match (call.rate, c.rate) {
                    (Some(inner), Some(outer)) if outer.value.0 > 0.0 => {
                        inner.value.0 / outer.value.0
                    }
                    _ => 1.0,
                };
                *here.entry(call.to).or_default() += share;
            }
            for (s, n) in here {
                let most = calls.entry(s).or_default();
                *most = most.max(n);
            }
        }
        // The service that is exceeded most.
        let worst = calls
            .iter()
            // What is too much already is told by `capacity-exceeded`.
            .filter(|(s, _)| super::capacity_exceeded::exceeded(facts, **s, &[]).is_none())
            .filter_map(|(s, n)| Some((*s, *n, facts.model.service(*s).capacity?)))
            .map(|(s, n, capacity)| (limit.value.0 * n, s, n, capacity))
            .filter(|(rate, _, _, capacity)| *rate > capacity.value.0 + 1e-9)
            .max_by(|a, b| (a.0 / a.3.value.0).total_cmp(&(b.0 / b.3.value.0)).then(b.1.cmp(&a.1)));
        let Some((rate, s, n, capacity)) = worst else { continue };
        let name = facts.name(s);
        let times = if (n - 1.0).abs() > 1e-9 {
            format!(" with {} calls each to it", float((n * 100.0).round() / 100.0))
        } else {
            String::new()
        };
        let d = report
            .at(
                limit.span,
                format!(
                    "the limit lets {} through{times}, but `{name}` can serve {}",
                    limit.value, capacity.value
                ),
            )
            .at(format!("{} reach `{name}`", crate::model::units::Rate(rate)))
            .label(capacity.span, format!("`{name}` serves {}", capacity.value))
            .help(format!(
                "lower it to `rate_limit = \"{}/s\"`",
                float((capacity.value.0 / n).floor().max(1.0))
            ));
        report.add(facts.call(id), d);
    }
}
