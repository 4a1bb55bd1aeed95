//! `retry-storm`: retries multiply along a path.
//!
//! A path of calls on which at least two layers retry and the stated attempts multiply to more than
//! four; an error above nine.

use super::prelude::*;

rule! {
    id: "retry-storm",
    severity: Warning,
    section: Reliability,
    summary: "retries multiply along a path",
    what: "A path of calls on which at least two layers retry and the stated attempts multiply to more than four; an error above nine.",
    why: "When the last service fails, each layer repeats what the layer behind it has repeated already: three layers of three attempts are 27 calls for one request.",
    limits: "Retries of a mesh are left to `mesh-double-retry`. Of all paths with the same first retry only the worst is reported.",
    source: "Site Reliability Engineering, chapter 22",
    thresholds: [("most", 4.0, "calls"), ("error", 9.0, "calls")],
}

fn check(facts: &Facts<'_>, report: &mut Report<'_>) {
    let error = report.most("error") as u64;
    for storm in facts.storms() {
        let Some((&id, rest)) = storm.calls.split_first() else {
            continue;
        };
        let c = facts.model.call(id);
        let (attempts, span) = facts.attempts(id);
        let factors: Vec<String> = storm
            .calls
            .iter()
            .map(|i| facts.attempts(*i).0)
            .filter(|a| *a > 1)
            .map(|a| a.to_string())
            .collect();
        let last = facts.name(rest.last().map_or(c.to, |i| facts.model.call(*i).to));
        let mut d = report
            .at(
                span.unwrap_or(c.span),
                format!(
                    "one request may reach `{last}` {} times: {} attempts along the path",
                    storm.product,
                    factors.join(" × ")
                ),
            )
            .at(format!("{attempts} attempts to `{}`", facts.name(c.to)));
        if storm.product > error {
            d.severity = Severity::Error;
        }
        for i in rest.iter().filter(|i| facts.retried(**i)).take(8) {
            let (a, span) = facts.attempts(*i);
            if let Some(span) = span {
                d = d.label(span, format!("{a} attempts to `{}`", facts.name(facts.model.call(*i).to)));
            }
        }
        let mut fix = Fix::new("set `retries = 0` on all layers but the innermost");
        let layers: Vec<CallId> = storm.calls.iter().copied().filter(|i| facts.retried(*i)).collect();
        for i in layers.iter().rev().skip(1) {
            fix = match facts.model.call(*i).retries {
                Some(r) => fix.write(r.span, "0"),
                None => fix.add_to_call(facts.model.call(*i).span, "retries", "0"),
            };
        }
        let innermost = layers.last().map_or(last, |i| facts.name(facts.model.call(*i).to));
        let d = d.help(format!(
            "retry in one layer, the one next to `{innermost}`, and set `retries = 0` on the other calls of the path"
        ));
        let mut path: Vec<ServiceId> = storm.calls.iter().map(|i| facts.model.call(*i).to).collect();
        if let Party::Service(s) = c.from {
            path.insert(0, s);
        }
        report.add(facts.path(&path), d.fix(fix));
    }
}
