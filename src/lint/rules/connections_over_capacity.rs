//! `connections-over-capacity`: more connections than the instances hold.
//!
//! A service with stated `replicas` whose streams have more stated connections than that many instances hold, one
//! of which may be gone.

use super::prelude::*;
use crate::model::units::Count;

rule! {
    id: "connections-over-capacity",
    severity: Warning,
    section: Realtime,
    summary: "more connections than the instances hold",
    what: "A service with stated `replicas` whose streams have more stated `connections` than that many instances hold while one of them is gone.",
    why: "A connection stays where it was opened, so a full instance cannot pass any on: who comes then is refused, and after the loss of an instance its clients find no room at the others.",
    limits: "Streams that do not say how many connections they have are left out.",
    source: "limits of the platforms as cited in the chapter",
}

fn check(facts: &Facts<'_>, report: &mut Report) {
    let mut seen = vec![false; facts.model.services.len()];
    for id in facts.model.stream_ids() {
        let plan = facts.plan.stream(id);
        let Some(server) = plan.server else { continue };
        if std::mem::replace(&mut seen[server.0], true) {
            continue;
        }
        let Some((has, span)) = facts.replicas(server) else {
            continue;
        };
        // Only what the author says: a number of connections that was assumed proves nothing.
        let stated: Vec<_> = facts
            .model
            .stream_ids()
            .filter(|s| facts.plan.stream(*s).server == Some(server))
            .map(|s| facts.model.stream(s).connections)
            .collect();
        let needed = &plan.replicas_needed;
        if has >= needed.value || stated.iter().any(Option::is_none) {
            continue;
        }
        let name = facts.name(server);
        let all = Count(stated.iter().flatten().map(|c| c.value).sum());
        let mut d = report
            .at(
                span,
                format!(
                    "{} of `{name}` cannot hold {all} connections; {} are needed: {}",
                    plural(usize::try_from(has).unwrap_or(usize::MAX), "instance"),
                    needed.value,
                    needed.why
                ),
            )
            .at("too few");
        for c in stated.iter().flatten().take(8) {
            d = d.label(c.span, format!("{} of them", Count(c.value)));
        }
        let d = d.help(format!(
            "give `{name}` {} instances, or let fewer clients hold a connection",
            needed.value
        ));
        report.add(facts.service(server), d);
    }
}
