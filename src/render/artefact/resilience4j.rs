//! Resilience4j: the limits of all calls of a service that is written in Java or Kotlin, as its Spring Boot
//! starter reads them.
//!
//! What the library says in other words than the plan:
//! - Its jitter is a share of the wait on both sides, `w·(1 ± f)`. Half the bound with the largest share
//!   below one is the plan's full jitter, `U(0, bound)`.
//! - Slow calls have a share of their own; the plan counts them among the failed ones. Each share alone
//!   opens the breaker later than both together would.
//! - It has no retry budget and no deadline over all attempts.
//! - Every exception is a failure unless a list says otherwise, also those by which its own guards refuse a call.
//!   What the client throws is not ours to know: retries take a list of what every client throws, which errs on
//!   the side of too few; the breaker leaves out what the callee had no part in.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::super::Cx;
use super::super::code::replies;
use super::library::callers_in;
use super::{File, Kind, comment_line, yaml};
use crate::model::units::Time;
use crate::model::{CallId, ServiceId};
use crate::plan::slug;

pub(super) const KIND: Kind = Kind {
    id: "resilience4j",
    what: "the limits of the calls of a Java or Kotlin service, for Resilience4j",
    files,
};

/// The largest share of jitter: the library takes nothing from 1 on.
const JITTER: f64 = 0.99;

/// No call was made: no slot was free. The bulkhead is inside the breaker, which would count it.
const NO_SLOT: &str = "io.github.resilience4j.bulkhead.BulkheadFullException";

/// No connection was made, so nothing was processed: safe to send again for every call.
const REFUSED: &str = "java.net.ConnectException";

/// The callee or the way to it failed, the time limit among it: safe to send again for an idempotent call.
const FAILED: [&str; 2] = [
    "java.io.IOException",
    "java.util.concurrent.TimeoutException",
];

/// The languages whose services use the library.
const LANGUAGES: [&str; 2] = ["java", "kotlin"];

fn files(cx: &Cx<'_>) -> Vec<File> {
    callers_in(cx, &LANGUAGES)
        .into_iter()
        .map(|(service, calls)| File {
            path: format!(
                "resilience4j/{}/application.yml",
                cx.plan.service(service).slug
            ),
            fence: "yaml",
            text: text(cx, service, &calls),
            checked_by: None,
            notes: vec![
                "As the starter nests its annotations, the retry is outside and the bulkhead inside: a call gives its \
                 slot back while it pauses."
                    .to_owned(),
                "`retryExceptions` names what every client throws: add what yours throws for the answers that say \
                 refused, and for an idempotent call failed. The breaker counts every exception: add \
                 what yours throws for any other 4xx to its `ignoreExceptions`."
                    .to_owned(),
                "A time limiter only ends methods that return a `CompletionStage`; give a blocking client the same \
                 time itself."
                    .to_owned(),
                "Written after the documentation of Resilience4j 2; the library itself could not be had for our \
                 tests, so none has read it."
                    .to_owned(),
            ],
        })
        .collect()
}

fn text(cx: &Cx<'_>, service: ServiceId, calls: &[CallId]) -> String {
    let model = cx.plan.model;
    let mut kinds: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    let mut out = comment_line(
        "#",
        &format!("Limits of what {} calls.", model.service(service).name),
    );
    for (name, id) in named(cx, calls) {
        let p = cx.plan.call(id);
        let [refused, failed, _] = replies(model.call(id).protocol.name());
        out.push_str(&comment_line(
            "#",
            &format!(
                "{name}: {}; the caller has to end it after {}; {refused}: refused; {failed}: failed",
                model.call_name(id),
                p.deadline.value
            ),
        ));
        let mut put = |kind, value| {
            let instances = kinds.entry(kind).or_default();
            instances.insert(name.clone(), value);
        };
        put(
            "timelimiter",
            json!({ "timeoutDuration": duration(p.timeout.value) }),
        );
        put(
            "bulkhead",
            json!({ "maxConcurrentCalls": p.slots.value, "maxWaitDuration": duration(Time::default()) }),
        );
        if let Ok(b) = &p.breaker {
            let percent = b.ratio.value.0 * 100.0;
            put(
                "circuitbreaker",
                json!({
                    "slidingWindowType": "TIME_BASED",
                    "slidingWindowSize": b.window.value.as_ms().div_ceil(1000),
                    "minimumNumberOfCalls": b.minimum.value,
                    "failureRateThreshold": percent,
                    "slowCallDurationThreshold": duration(b.slow.value),
                    "slowCallRateThreshold": percent,
                    "waitDurationInOpenState": duration(b.open.value),
                    "permittedNumberOfCallsInHalfOpenState": b.half_open.value,
                    "ignoreExceptions": [NO_SLOT],
                }),
            );
        }
        if p.attempts.value > 1 {
            put("retry", retry(cx, id));
        }
    }
    let kinds: Map<String, Value> = kinds
        .into_iter()
        .map(|(kind, instances)| (kind.to_owned(), json!({ "instances": instances })))
        .collect();
    out.push_str(&yaml(&json!({ "resilience4j": kinds })));
    out
}

fn retry(cx: &Cx<'_>, id: CallId) -> Value {
    let p = cx.plan.call(id);
    let bound = |share: f64| duration(p.backoff_base.value.scale(share));
    let mut retry = Map::new();
    // Counts the first, as the plan does.
    retry.insert("maxAttempts".into(), json!(p.attempts.value));
    let safe: &[&str] = if p.idempotent.value {
        &FAILED
    } else {
        &[REFUSED]
    };
    retry.insert("retryExceptions".into(), json!(safe));
    retry.insert("enableExponentialBackoff".into(), json!(true));
    retry.insert("exponentialBackoffMultiplier".into(), json!(2));
    if p.jitter.value {
        retry.insert("waitDuration".into(), json!(bound(0.5)));
        retry.insert("enableRandomizedWait".into(), json!(true));
        retry.insert("randomizedWaitFactor".into(), json!(JITTER));
    } else {
        retry.insert("waitDuration".into(), json!(bound(1.0)));
    }
    // Only where the doubling reaches it. Half the bound: wherever the library cuts, before or after the
    // jitter, no wait is longer than the plan's.
    if p.backoff
        .iter()
        .filter(|w| **w == p.backoff_cap.value)
        .count()
        > 1
    {
        let share = if p.jitter.value { 0.5 } else { 1.0 };
        let most = p.backoff_cap.value.scale(share);
        retry.insert("exponentialMaxWaitDuration".into(), json!(duration(most)));
    }
    Value::Object(retry)
}

/// The calls with a name each: the callee's and the operation's.
fn named(cx: &Cx<'_>, calls: &[CallId]) -> BTreeMap<String, CallId> {
    let mut out = BTreeMap::new();
    for &id in calls {
        let c = cx.plan.model.call(id);
        let base = format!("{}-{}", cx.plan.service(c.to).slug, slug(&c.label()));
        let mut name = base.clone();
        let mut n = 2;
        while out.contains_key(&name) {
            name = format!("{base}-{n}");
            n += 1;
        }
        out.insert(name, id);
    }
    out
}

/// As Spring reads it: `400ms`.
fn duration(time: Time) -> String {
    format!("{}ms", time.as_ms())
}
