//! `bulkhead-overcommit`: callers may hold more calls than the callee can serve.
//!
//! The stated bulkheads of all callers of a service, each times its stated instances, together above what
//! the service's stated capacity holds in flight: capacity · p99.

use super::prelude::*;

rule! {
    id: "bulkhead-overcommit",
    severity: Warning,
    section: Reliability,
    summary: "callers may hold more calls than the callee can serve",
    what: "The stated bulkheads of all callers of a service, each times its stated instances, together above what the service's stated capacity holds in flight: capacity · p99.",
    why: "The bulkheads do not protect it: all callers together can still push it over.",
    limits: "It speaks only where every service that calls it states a bulkhead and its instances.",
    source: "Little 1961: L = λ · W at the capacity of the callee",
}

fn check(facts: &Facts<'_>, report: &mut Report) {
    for id in facts.model.service_ids() {
        let s = facts.model.service(id);
        let Some(capacity) = s.capacity else { continue };
        let calls: Vec<CallId> = facts.inbound[id.0]
            .iter()
            .copied()
            .filter(|c| matches!(facts.model.call(*c).from, Party::Service(_)))
            .collect();
        let held: Option<Vec<(u64, crate::diag::Span)>> = calls
            .iter()
            .map(|c| {
                let call = facts.model.call(*c);
                let Party::Service(caller) = call.from else { return None };
                let slots = call.bulkhead?;
                Some((slots.value.saturating_mul(facts.replicas(caller)?.0), slots.span))
            })
            .collect();
        let slowest = calls.iter().filter_map(|c| facts.p99(*c)).max_by_key(|p| p.0);
        let (Some(held), Some((p99, p99_span, _))) = (held.filter(|h| h.len() > 1), slowest) else {
            continue;
        };
        let total = held.iter().fold(0_u64, |sum, h| sum.saturating_add(h.0));
        let holds = capacity.value.0 * p99.as_s();
        if as_float(total) <= holds + 1e-9 {
            continue;
        }
        let mut d = report
            .at(
                capacity.span,
                format!(
                    "callers of `{}` may have {total} calls in flight, but it serves {} × {p99} = {}",
                    s.name,
                    capacity.value,
                    float((holds * 100.0).round() / 100.0)
                ),
            )
            .at(format!("serves {}", capacity.value))
            .label(p99_span, "the 99th percentile");
        for (slots, span) in held.iter().take(8) {
            d = d.label(*span, format!("{slots} over all instances"));
        }
        let d = d.help(format!("let the bulkheads add up to {} or less", float(holds.floor())));
        report.add(facts.service(id), d);
    }
}
