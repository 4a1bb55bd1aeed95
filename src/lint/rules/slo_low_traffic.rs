//! `slo-low-traffic`: too few requests for the objective to be measured.
//!
//! A service with a stated objective and a stated rate at which `failures` (5) in an hour are more than the
//! fastest burn alert allows: R < 5 ÷ (14.4 · (1 − S)) requests an hour.

use super::prelude::*;

rule! {
    id: "slo-low-traffic",
    severity: Warning,
    section: Observability,
    summary: "too few requests for the objective to be measured",
    what: "A service with a stated objective and a stated rate at which `failures` (5) in an hour are more than the fastest burn alert allows: R < 5 ÷ (14.4 · (1 − S)) requests an hour.",
    why: "One failed request in a quiet hour burns days of the budget: the alert wakes people for noise, or is left out.",
    limits: "It knows only the peak, so a service that is quiet at night may need the same.",
    source: "The Site Reliability Workbook, chapter 5, low-traffic services",
    thresholds: [("failures", 5.0, "failures an hour")],
}

/// Burn factor of the fastest alert.
const BURN: f64 = 14.4;

fn check(facts: &Facts<'_>, report: &mut Report) {
    let failures = report.threshold("failures");
    for id in facts.model.service_ids() {
        let s = facts.model.service(id);
        let (Some(goal), Some(rate)) = (s.slo.and_then(|o| o.availability), s.rate) else {
            continue;
        };
        if s.external {
            continue;
        }
        let hour = rate.value.0 * 3600.0;
        let needed = failures / (BURN * (1.0 - goal.value.0));
        if hour >= needed - 1e-6 {
            continue;
        }
        let reachable = 1.0 - failures / (BURN * hour);
        let lower = if reachable > 0.5 {
            format!(", or promise no more than {}", Ratio((reachable * 1000.0).floor() / 1000.0))
        } else {
            String::new()
        };
        let d = report
            .at(
                goal.span,
                format!(
                    "`{}` has {} requests an hour at most, but {} needs {} for {failures} failures to count",
                    s.name,
                    float(hour.round()),
                    goal.value,
                    float(needed.ceil())
                ),
            )
            .at(format!("promises {}", goal.value))
            .label(rate.span, "the peak rate")
            .help(format!("add synthetic requests, measure it together with what calls it, or over a longer window{lower}"));
        report.add(facts.service(id), d);
    }
}
