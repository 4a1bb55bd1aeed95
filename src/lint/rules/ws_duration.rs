//! `ws-duration`: a session is longer than the gateway lets a connection live.
//!
//! A stated `max_session` above the longest life of a connection at the gateway, with `resume = false`.

use super::prelude::*;


rule! {
    id: "ws-duration",
    severity: Error,
    section: Realtime,
    summary: "a session is longer than the gateway lets a connection live",
    what: "A stated `max_session` above the longest life of a connection at the gateway, with `resume = false`.",
    why: "The gateway closes the connection in the middle of the session, and what is sent until the client is back is lost.",
    limits: "A stream that resumes may be cut: its clients go on where they stopped. Only gateways with such a limit are known.",
    source: "limits of the gateways as cited in the chapter",
}

fn check(facts: &Facts<'_>, report: &mut Report) {
    for id in facts.model.stream_ids() {
        let (s, plan) = (facts.model.stream(id), facts.plan.stream(id));
        let (Some(session), Some(resume), Some((life, whose))) = (
            s.terms.max_session,
            s.resume.filter(|r| !r.value),
            plan.lifetime.as_ref(),
        )
        else {
            continue;
        };
        if session.value <= *life {
            continue;
        }
        let mut d = report
            .at(
                session.span,
                format!(
                    "{whose} closes a connection after {life}, and a session of `{}` lasts {}",
                    facts.model.party(s.to),
                    session.value
                ),
            )
            .at(format!("longer than {life}"))
            .label(resume.span, "what passes meanwhile is gone");
        if let Some(g) = facts.model.platform.gateway
            && *whose == facts.plan.choices.gateway.name
        {
            d = d.label(g.span, "the gateway on the path");
        }
        let d = d.help(format!(
            "let clients reconnect before {life} is over and go on where they stopped (`resume = true`), or lead this stream past {whose} over a network load balancer"
        ));
        report.add(facts.stream(id), d);
    }
}
