//! `timeout-below-p99`: a timeout cuts off answers that would have come.
//!
//! A stated timeout or deadline that is shorter than the stated 99th percentile of the same call, of
//! the callee's promise, or of `defaults`. One number that cuts off several calls is told once.

use super::prelude::*;

rule! {
    id: "timeout-below-p99",
    severity: Error,
    section: Reliability,
    summary: "a timeout cuts off answers that would have come",
    what: "A stated timeout or deadline that is shorter than the stated 99th percentile of the same call, of the callee's promise, or of `defaults`. One number that cuts off several calls is told once.",
    why: "More than one in a hundred calls fails although the callee works as it should; with retries they come back as load.",
    limits: "A percentile that the design assumes is not compared.",
    source: "AWS Builders' Library, Timeouts, retries, and backoff with jitter",
}

/// A call that is cut off: what its caller waits, and what its callee needs, each with its place.
struct Cut {
    id: CallId,
    waits: (Time, Span),
    needs: (Time, Span, &'static str),
}

fn check(facts: &Facts<'_>, report: &mut Report<'_>) {
    let cuts: Vec<Cut> = facts
        .model
        .call_ids()
        .filter(|id| facts.cut_off(*id))
        .filter_map(|id| {
            Some(Cut {
                id,
                waits: facts.patience(id)?,
                needs: facts.p99(id)?,
            })
        })
        .collect();
    // By the place that several calls share: the timeout, or else the percentile.
    let mut uses: std::collections::BTreeMap<Span, usize> = std::collections::BTreeMap::new();
    for c in &cuts {
        *uses.entry(c.waits.1).or_default() += 1;
        *uses.entry(c.needs.1).or_default() += 1;
    }
    let shared = |span: Span| uses.get(&span).is_some_and(|n| *n > 1);
    let mut groups: std::collections::BTreeMap<Span, Vec<&Cut>> = std::collections::BTreeMap::new();
    for c in &cuts {
        let key = if shared(c.waits.1) {
            c.waits.1
        } else if shared(c.needs.1) {
            c.needs.1
        } else {
            c.waits.1
        };
        groups.entry(key).or_default().push(c);
    }
    for (at, group) in groups {
        match group.as_slice() {
            [one] => single(facts, report, one),
            many => several(facts, report, at, many),
        }
    }
}

/// A timeout that the 99th percentile fits into.
fn enough(p99: Time) -> Time {
    p99.scale(crate::catalog::numbers().timeout_padding.value).round_up()
}

fn single(facts: &Facts<'_>, report: &mut Report<'_>, cut: &Cut) {
    let c = facts.model.call(cut.id);
    let ((waits, span), (p99, at, what)) = (cut.waits, cut.needs);
    let key = if c.deadline.is_some_and(|d| d.span == span) { "deadline" } else { "timeout" };
    let wanted = enough(p99);
    let mut d = report
        .at(
            span,
            format!(
                "`{}` gives up on `{}` after {waits}, but one answer in a hundred takes longer than {p99}",
                facts.model.party(c.from),
                facts.name(c.to)
            ),
        )
        .at(format!("gives up after {waits}"))
        .label(at, format!("{what} is {p99}"))
        .help(format!(
            "raise the {key} to about {wanted} ({} × the 99th percentile), or make the callee faster",
            float(crate::catalog::numbers().timeout_padding.value)
        ));
    // A default speaks of every call, so it is not raised for one.
    if c.timeout.is_some_and(|t| t.span == span) || key == "deadline" {
        let text = format!("\"{}\"", wanted.compact());
        d = d.fix(Fix::new(format!("set `{key} = {text}`")).write(span, text));
    }
    report.add(facts.call(cut.id), d);
}

/// One number cuts off several calls.
fn several(facts: &Facts<'_>, report: &mut Report<'_>, at: Span, cuts: &[&Cut]) {
    let longest = cuts.iter().map(|c| c.needs.0).max().unwrap_or_default();
    let percentile = cuts.iter().all(|c| c.needs.1 == at);
    let (first, count) = (cuts[0], plural(cuts.len(), "call"));
    let mut d = if percentile {
        report
            .at(
                at,
                format!(
                    "{count} give up before {}, which one answer in a hundred exceeds",
                    first.needs.0
                ),
            )
            .at(format!("{} is {}", first.needs.2, first.needs.0))
    } else {
        report
            .at(
                at,
                format!(
                    "{count} give up after {}, although one answer in a hundred takes longer, up to {longest}",
                    first.waits.0
                ),
            )
            .at(format!("gives up after {}", first.waits.0))
    };
    let mut places = Vec::new();
    for c in cuts {
        let (name, mut parts) = facts.call(c.id);
        let span = if percentile { c.waits.1 } else { c.needs.1 };
        if span != at && places.len() < 24 {
            let said = if percentile {
                format!("`{name}` waits {}", c.waits.0)
            } else {
                format!("{} of `{name}` is {}", c.needs.2, c.needs.0)
            };
            d = d.label(span, said);
        }
        places.push(name);
        places.append(&mut parts);
    }
    let d = d.help(format!(
        "raise what these calls wait to about {} ({} × the 99th percentile), or make the callees faster",
        enough(longest),
        float(crate::catalog::numbers().timeout_padding.value)
    ));
    report.add((facts.call(first.id).0, places), d);
}
