//! `ws-duration`: a session is longer than the platform lets a connection live.
//!
//! A stated `max_session` above the longest life of a connection on the platform, with `resume = false`.

use super::prelude::*;


rule! {
    id: "ws-duration",
    severity: Error,
    section: Realtime,
    summary: "a session is longer than the platform lets a connection live",
    what: "A stated `max_session` above the longest life of a connection on the platform, with `resume = false`.",
    why: "The platform closes the connection in the middle of the session, and what is sent until the client is back is lost.",
    limits: "A stream that resumes may be cut: its clients go on where they stopped. Known is that of Cloud Run; a load balancer has none.",
    source: "limits of the platforms as cited in the chapter",
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
        let d = report
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
        let d = d.help(format!(
            "let clients reconnect before {life} is over and go on where they stopped (`resume = true`), or run the service where connections may live as long"
        ));
        report.add(facts.stream(id), d);
    }
}
