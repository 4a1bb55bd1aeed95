//! `unversioned-api`: some operations of an API have a version and others have none.
//!
//! A service of this design of which more than one operation carries a version (`/v1/` in a path,
//! `.v1.` in a gRPC package) and at most as many carry none, REST and gRPC each for itself. Paths of health, metrics and well-known
//! documents do not count.

use super::prelude::*;

rule! {
    id: "unversioned-api",
    severity: Warning,
    section: Sync,
    summary: "some operations of an API have a version and others have none",
    what: "A service of this design of which more than one operation carries a version (`/v1/` in a path, `.v1.` in a gRPC package) and at most as many carry none, REST and gRPC each for itself. Paths of health, metrics and well-known documents do not count.",
    why: "A client that moves to the next version does not know what moves with it, and the operation without one can never change.",
    limits: "A version in a header is not seen. An API without any version is not reported: nobody says that it needs one.",
    source: "Taibi and Lenarduzzi 2018: No API Versioning",
}

fn check(facts: &Facts<'_>, report: &mut Report) {
    let m = facts.model;
    for id in m.service_ids() {
        let s = m.service(id);
        if s.external {
            continue;
        }
        // A path and a gRPC package carry their versions each in its own way.
        for grpc in [false, true] {
            of_protocol(facts, report, id, grpc);
        }
    }
}

fn of_protocol(facts: &Facts<'_>, report: &mut Report, id: ServiceId, grpc: bool) {
    let (m, s) = (facts.model, facts.model.service(id));
        let (mut with, mut without): (Vec<CallId>, Vec<CallId>) = (Vec::new(), Vec::new());
        let mut seen: Vec<&str> = Vec::new();
        for &c in &facts.inbound[id.0] {
            let call = m.call(c);
            if matches!(call.protocol, Protocol::Grpc) != grpc {
                continue;
            }
            let Some(versioned) = versioned(&call.protocol, &call.operation) else { continue };
            if seen.len() < 200 && !seen.contains(&call.operation.as_str()) {
                seen.push(&call.operation);
                if versioned { &mut with } else { &mut without }.push(c);
            }
        }
        if with.len() < 2 || with.len() < without.len() {
            return;
        }
        let Some((&first, rest)) = without.split_first() else { return };
        let call = m.call(first);
        let mut d = report
            .at(
                call.span,
                format!(
                    "`{}` of `{}` has no version, and {} of its operations have one",
                    call.label(),
                    s.name,
                    with.len()
                ),
            )
            .at("no version");
        for c in rest.iter().take(5) {
            d = d.label(m.call(*c).span, "no version either");
        }
        if let Some(c) = with.first() {
            d = d.label(m.call(*c).span, "has one");
        }
        let d = d.help(format!("give it the version of the others: `{}`", m.call(with[0]).label()));
        let (_, mut places) = facts.call(first);
        places.push(s.name.clone());
        report.add((m.call_name(first), places), d);
}

/// Whether an operation carries a version; `None` where none is to be expected.
fn versioned(protocol: &Protocol, operation: &str) -> Option<bool> {
    let is_version = |w: &str| {
        let digits = w.strip_prefix(['v', 'V']).unwrap_or_default();
        let digits = digits.split(['b', 'a']).next().unwrap_or_default();
        !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit() || c == '.')
    };
    match protocol {
        Protocol::Rest(_) => {
            let path = operation.split_whitespace().last().filter(|p| p.starts_with('/'))?;
            let first = path.split('/').find(|w| !w.is_empty())?;
            let plumbing = ["health", "healthz", "livez", "readyz", "metrics", ".well-known", "status", "ping"];
            (!plumbing.contains(&first)).then(|| path.split('/').any(is_version))
        }
        Protocol::Grpc => operation.contains('/').then(|| operation.split(['.', '/']).any(is_version)),
        _ => None,
    }
}
