//! `single-replica-slo`: one instance cannot keep what it promises.
//!
//! A service that promises 99.9 % or more and is said to have one instance, by itself or by
//! `defaults.replicas`.

use super::prelude::*;

rule! {
    id: "single-replica-slo",
    severity: Warning,
    section: Discovery,
    summary: "one instance cannot keep what it promises",
    what: "A service that promises 99.9 % or more and is said to have one instance, by itself or by `defaults.replicas`.",
    why: "Every deployment, restart and lost node is an outage; 99.9 % leaves 43.2 minutes of 30 days for all of them.",
    limits: "An instance that is replaced without a gap, such as a function that scales from zero, can be more available than this; allow the finding there.",
    source: "Kubernetes documentation, Disruptions; Treynor et al. 2017",
    thresholds: [("goal", 99.9, "%")],
}

fn check(facts: &Facts<'_>, report: &mut Report) {
    let least = report.threshold("goal") / 100.0;
    for id in facts.model.service_ids() {
        let s = facts.model.service(id);
        let Some(goal) = s.slo.and_then(|o| o.availability).filter(|g| g.value.0 >= least - 1e-9) else {
            continue;
        };
        let Some((1, span)) = facts.replicas(id).filter(|_| !s.external) else {
            continue;
        };
        let minutes = (1.0 - goal.value.0) * crate::plan::MINUTES_30_DAYS;
        let d = report
            .at(span, format!("one instance of `{}` has to keep a promise of {}", s.name, goal.value))
            .at("one instance")
            .label(goal.span, format!("{} are {} min in 30 days", goal.value, float((minutes * 10.0).round() / 10.0)))
            .help("run at least two instances in two zones: `replicas = 2`");
        let d = match s.replicas {
            Some(own) => d.fix(Fix::new("set `replicas = 2`").write(own.span, "2")),
            None => d,
        };
        report.add(facts.service(id), d);
    }
}
