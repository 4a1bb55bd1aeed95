//! `retry-permanent`: a failure is repeated that will not go away.
//!
//! A `retry_on` that names a status which says that the request itself is wrong: HTTP 4xx other than
//! 408, 425 and 429, HTTP 501 and 505, or a gRPC code such as INVALID_ARGUMENT.

use super::prelude::*;

rule! {
    id: "retry-permanent",
    severity: Error,
    section: Reliability,
    summary: "a failure is repeated that will not go away",
    what: "A `retry_on` that names a status which says that the request itself is wrong: HTTP 4xx other than 408, 425 and 429, HTTP 501 and 505, or a gRPC code such as INVALID_ARGUMENT.",
    why: "The same request fails the same way every time: the retries are load without hope, and the user waits for an answer that was there at the first attempt.",
    limits: "Words that are neither a status nor a gRPC code are believed.",
    source: "RFC 9110, section 15; grpc.io, Status codes",
}

/// gRPC codes that a repetition does not change.
const PERMANENT: [&str; 9] = [
    "INVALID_ARGUMENT",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "FAILED_PRECONDITION",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

/// Whether a request that failed with `word` fails again.
fn permanent(word: &str) -> bool {
    let upper = word.to_ascii_uppercase().replace(['-', ' '], "_");
    if PERMANENT.contains(&upper.as_str()) {
        return true;
    }
    // Envoy's `retriable-4xx` is 409 alone, which a later attempt may pass.
    match upper.as_str() {
        "4XX" => true,
        number => match number.parse::<u16>() {
            Ok(408 | 409 | 425 | 429) => false,
            Ok(code) => (400..500).contains(&code) || code == 501 || code == 505,
            Err(_) => false,
        },
    }
}

fn check(facts: &Facts<'_>, report: &mut Report<'_>) {
    for id in facts.model.call_ids() {
        let c = facts.model.call(id);
        let wrong: Vec<&crate::model::Set<String>> =
            c.policy.retry_on.iter().filter(|w| permanent(&w.value)).collect();
        let Some((first, rest)) = wrong.split_first() else {
            continue;
        };
        let names: Vec<&str> = wrong.iter().map(|w| w.value.as_str()).collect();
        let mut d = report
            .at(
                first.span,
                format!(
                    "`{}` repeats a call to `{}` that fails with {}, which it will again",
                    facts.model.party(c.from),
                    facts.name(c.to),
                    list(&names)
                ),
            )
            .at("a failure of the request itself");
        for w in rest.iter().take(8) {
            d = d.label(w.span, "this one as well");
        }
        let d = d.help(match c.protocol {
            Protocol::Grpc => "retry on UNAVAILABLE alone, and leave these to the caller",
            _ => "retry on 502, 503 and 504, and on 429 after its Retry-After; leave these to the caller",
        });
        report.add(facts.call(id), d);
    }
}
