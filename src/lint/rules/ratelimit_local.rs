//! `ratelimit-local`: each instance of the gateway counts for itself.
//!
//! `rate_limit_scope = "local"` with more than one stated instance of the gateway and at least one stated
//! `rate_limit`.

use super::prelude::*;

rule! {
    id: "ratelimit-local",
    severity: Warning,
    section: Gateway,
    summary: "each instance of the gateway counts for itself",
    what: "`rate_limit_scope = \"local\"` with more than one stated instance of the gateway and at least one stated `rate_limit`.",
    why: "The limits that clients meet are the written ones times the instances, and change with every scaling of the gateway.",
    limits: "A limit that is only meant to protect one instance of the gateway itself is right as it is; allow the finding there.",
    source: "Envoy, local and global rate limiting; Kong, rate-limiting policy `local`",
}

fn check(facts: &Facts<'_>, report: &mut Report) {
    let platform = &facts.model.platform;
    let (Some(local), Some(replicas)) = (platform.local_limits, platform.gateway_replicas) else {
        return;
    };
    let mut limits = facts.model.calls.iter().filter_map(|c| Some((c, c.rate_limit?)));
    let Some((call, limit)) = limits.next().filter(|_| local.value && replicas.value > 1) else {
        return;
    };
    let all = crate::model::units::Rate(limit.value.0 * as_float(replicas.value));
    let d = report
        .at(
            local.span,
            format!(
                "{} instances of the gateway count apart, so `{}` lets {all} through, not {}",
                replicas.value,
                call.label(),
                limit.value
            ),
        )
        .at("each counts for itself")
        .label(replicas.span, format!("{} instances", replicas.value))
        .label(limit.span, format!("meant are {}", limit.value))
        .help("share the count, `rate_limit_scope = \"global\"`, or divide the limits by the instances");
    let d = d.fix(Fix::new("set `rate_limit_scope = \"global\"`").write(local.span, "\"global\""));
    report.add(("platform".to_owned(), Vec::new()), d);
}
