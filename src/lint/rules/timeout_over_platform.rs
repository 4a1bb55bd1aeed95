//! `timeout-over-platform`: what stands in front gives up before the call does.
//!
//! A stated timeout of a call from outside, or where none is stated the stated calls behind the entry
//! point, that last as long as the gateway, the load balancer or the runtime which the author names
//! waits, or longer.

use super::prelude::*;

rule! {
    id: "timeout-over-platform",
    severity: Error,
    section: Reliability,
    summary: "what stands in front gives up before the call does",
    what: "A stated timeout of a call from outside, or where none is stated the stated calls behind the entry point, that last as long as the gateway, the load balancer or the runtime which the author names waits, or longer.",
    why: "The platform answers with an error of its own while the request still runs, and the timeout that was chosen never counts. A request that takes so long needs another form.",
    limits: "Only what the author names is compared: a gateway that comes with the infrastructure is not. Its limit is the default of the product; where it can be raised, raising it is a way out.",
    source: "limits of the vendors, each with its source in the catalogue",
}

/// Something that waits no longer than it does.
struct Limit {
    name: &'static str,
    time: Time,
    span: Span,
}

fn check(facts: &Facts<'_>, report: &mut Report<'_>) {
    let platform = &facts.model.platform;
    let gateway = platform.gateway.filter(|g| g.value.timeout_s > 0).map(|g| Limit {
        name: &g.value.name,
        time: Time::s(g.value.timeout_s),
        span: g.span,
    });
    let balancer = platform.load_balancer.map(|l| Limit {
        name: &l.value.name,
        time: Time::s(l.value.seconds),
        span: l.span,
    });
    // Of both the one that gives up first.
    let edge = [gateway, balancer].into_iter().flatten().min_by_key(|l| l.time);
    for (s, service) in facts.model.services.iter().enumerate() {
        let entries: Vec<CallId> = facts.inbound[s]
            .iter()
            .copied()
            .filter(|id| matches!(facts.model.call(*id).from, Party::Actor(_)))
            .collect();
        if let (Some(limit), false) = (&edge, service.external) {
            let stated: Vec<CallId> =
                entries.iter().copied().filter(|id| facts.patience(*id).is_some()).collect();
            for id in &stated {
                too_long(facts, report, *id, limit, facts.patience(*id));
            }
            if stated.is_empty() && facts.plan.service(ServiceId(s)).entry {
                behind(facts, report, s, limit);
            }
        }
        if let Some(runtime) = service.runtime {
            let limit = Limit {
                name: &runtime.value.name,
                time: Time::s(runtime.value.seconds),
                span: runtime.span,
            };
            behind(facts, report, s, &limit);
        }
    }
}

/// The slowest stated call of the service `s` against what waits for the service.
fn behind(facts: &Facts<'_>, report: &mut Report<'_>, s: usize, limit: &Limit) {
    let slowest = facts.outbound[s]
        .iter()
        .filter_map(|id| Some((facts.total(*id)?, *id)))
        .max_by_key(|(t, id)| (t.bare, std::cmp::Reverse(*id)));
    if let Some((total, id)) = slowest {
        too_long(facts, report, id, limit, Some((total.bare, total.span)));
    }
}

fn too_long(
    facts: &Facts<'_>,
    report: &mut Report<'_>,
    id: CallId,
    limit: &Limit,
    waits: Option<(Time, Span)>,
) {
    let Some((waits, span)) = waits.filter(|(t, _)| *t >= limit.time) else {
        return;
    };
    let c = facts.model.call(id);
    let (caller, callee) = (facts.model.party(c.from), facts.name(c.to));
    let d = report
        .at(
            span,
            format!(
                "`{caller}` waits {waits} for `{callee}`, but {} gives up after {}",
                limit.name, limit.time
            ),
        )
        .at(format!("{waits} here"))
        .label(limit.span, format!("gives up after {}", limit.time))
        .help(format!(
            "stay below {}, or answer at once (202 Accepted) and let the caller ask for the result or be told of it",
            limit.time
        ));
    report.add(facts.call(id), d);
}
