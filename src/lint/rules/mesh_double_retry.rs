//! `mesh-double-retry`: mesh and application both retry.
//!
//! A mesh that the author names and that retries by itself (Istio: twice), around calls with stated
//! retries between services inside it.

use super::prelude::*;

rule! {
    id: "mesh-double-retry",
    severity: Warning,
    section: Reliability,
    summary: "mesh and application both retry",
    what: "A mesh that the author names and that retries by itself (Istio: twice), around calls with stated retries between services inside it.",
    why: "The mesh repeats every attempt of the application: three attempts become nine when the callee fails, and the timeouts of the application count none of it.",
    limits: "Retries of a mesh are taken to be its defaults until `platform.mesh_retries` says otherwise. Calls to and from the outside are not in the mesh.",
    source: "Istio API, VirtualService, HTTPRetry",
}

fn check(facts: &Facts<'_>, report: &mut Report<'_>) {
    let (Some(mesh), platform) = (facts.model.platform.mesh, &facts.model.platform) else {
        return;
    };
    let both: Vec<CallId> = facts
        .model
        .call_ids()
        .filter(|id| facts.plan.call(*id).mesh_retries > 0 && facts.retried(*id))
        .collect();
    // The call that is tried most often; of several the first by name.
    let Some(&worst) = both.iter().max_by_key(|id| (facts.attempts(**id).0, std::cmp::Reverse(**id)))
    else {
        return;
    };
    let (attempts, span) = facts.attempts(worst);
    let added = facts.plan.call(worst).mesh_retries;
    let c = facts.model.call(worst);
    let all = u64::from(attempts).saturating_mul(u64::from(added) + 1);
    let said = span.unwrap_or(c.span);
    let mut d = report
        .at(
            said,
            format!(
                "{} repeats each of the {attempts} attempts of `{}` to `{}`: {all} in all",
                mesh.value.name,
                facts.model.party(c.from),
                facts.name(c.to)
            ),
        )
        .at(format!("{} of the application", plural(attempts as usize, "attempt")))
        .label(
            platform.mesh_retries.map_or(mesh.span, |m| m.span),
            format!("{} of the mesh for each", plural(added as usize + 1, "attempt")),
        );
    let mut places = Vec::new();
    for id in &both {
        let (name, mut parts) = facts.call(*id);
        if let (Some(span), true) = (facts.attempts(*id).1, places.len() < 24)
            && span != said
        {
            d = d.label(span, format!("`{name}` is repeated as well"));
        }
        places.push(name);
        places.append(&mut parts);
    }
    let d = d.help(
        "let one of them retry: set `mesh_retries = 0` in `[platform]` and switch the mesh's retries off for these routes, or set `retries = 0` here",
    );
    report.add((facts.call(worst).0, places), d);
}
