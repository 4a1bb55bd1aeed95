//! `grpc-attempts-clamped`: a gRPC client makes fewer attempts than it is asked for.
//!
//! A gRPC call with more stated attempts than `most`, at which gRPC clients stop unless they are told
//! otherwise.

use super::prelude::*;

rule! {
    id: "grpc-attempts-clamped",
    severity: Info,
    section: Reliability,
    summary: "a gRPC client makes fewer attempts than it is asked for",
    what: "A gRPC call with more stated attempts than `most`, at which gRPC clients stop unless they are told otherwise.",
    why: "Whoever reads the number expects attempts that are never made; budgets and tests count them for nothing.",
    limits: "A client library may be given a higher bound. What follows from the retries by itself, such as a broken timeout, is told by other rules, and then this one is silent.",
    source: "gRPC proposal A6, client retries",
    thresholds: [("most", 5.0, "attempts")],
}

fn check(facts: &Facts<'_>, report: &mut Report<'_>) {
    let most = report.most("most");
    let stormy: std::collections::BTreeSet<CallId> =
        facts.storms().into_iter().flat_map(|s| s.calls).collect();
    for id in facts.model.call_ids() {
        let c = facts.model.call(id);
        let (Protocol::Grpc, Some(retries)) = (&c.protocol, c.retries) else {
            continue;
        };
        let asked = retries.value as usize + 1;
        if asked <= most || facts.unsafe_retries(id) || stormy.contains(&id) || outlasts(facts, id) {
            continue;
        }
        let d = report
            .at(
                retries.span,
                format!(
                    "`{}` asks for {asked} attempts at `{}`, but a gRPC client makes at most {most}",
                    facts.model.party(c.from),
                    facts.name(c.to)
                ),
            )
            .at(format!("{asked} attempts"))
            .label(c.span, "a gRPC call")
            .help(format!("set `retries = {}`: more are treated as that many", most.saturating_sub(1)))
            .fix(
                Fix::new(format!("set `retries = {}`", most.saturating_sub(1)))
                    .write(retries.span, most.saturating_sub(1).to_string()),
            );
        report.add(facts.call(id), d);
    }
}

/// Whether a caller of the calling service gives up before all these attempts are made.
fn outlasts(facts: &Facts<'_>, id: CallId) -> bool {
    let (Party::Service(s), Some(total)) = (facts.model.call(id).from, facts.total(id)) else {
        return false;
    };
    facts.inbound[s.0]
        .iter()
        .any(|outer| facts.patience(*outer).is_some_and(|(t, _)| t <= total.waited))
}
