//! One defect in a good design gives the finding for it, and no other; the good design gives none.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeSet;

use msdesign::diag::{Severity, SourceFile, Sources};
use msdesign::lint;
use msdesign::model;
use msdesign::plan::Plan;
use msdesign::spec;

/// Three hops with budgets that hold, retries in the last layer, promises that can be kept.
const GOOD: &str = r#"
title = "Shop"
architecture = "microservices"
infrastructure = "kubernetes"
actors = ["browser"]
sync = [
  { call = "browser --REST POST /orders--> web", rate = "50/s", timeout = "5s", idempotent = true, p99 = "700ms" },
  { call = "web --REST POST /orders--> orders", rate = "50/s", timeout = "3s", idempotent = true, p99 = "500ms" },
  { call = "web --REST GET /stock--> stock", rate = "50/s", timeout = "1s", p99 = "200ms" },
  { call = "orders --gRPC Authorize--> payments", rate = "50/s", timeout = "600ms", retries = 2, idempotent = true, p99 = "150ms" },
  { call = "orders --gRPC Ship--> shipping", rate = "50/s", timeout = "800ms", p99 = "180ms" },
]

[services]
web = { public = true, replicas = 3 }
orders = { replicas = 3, slo = { p99 = "600ms" } }
stock = { replicas = 3 }
payments = { replicas = 3 }
shipping = { replicas = 3 }

[teams]
shop = ["web", "orders", "stock", "payments", "shipping"]

[[flows]]
name = "Order"
slo = { p99 = "1500ms" }
steps = ["browser -> web", "web -> stock", "web -> orders", "orders -> payments", "orders -> shipping"]

[platform]
mesh = "linkerd"
gateway = "nginx"
"#;

/// `rule line` of every finding above a remark, each once.
fn findings(text: &str) -> BTreeSet<(String, usize)> {
    let mut sources = Sources::default();
    let id = sources.add(SourceFile::whole("spec.toml", text));
    let mut out = Vec::new();
    let spec = spec::parse(id, text, &mut out);
    let model = model::resolve(&spec, id, &mut out);
    assert!(out.is_empty(), "{out:#?}");
    lint::check(&Plan::new(&model))
        .iter()
        .map(|f| {
            let d = &f.diagnostic;
            assert!(d.severity >= Severity::Info);
            (d.rule.to_owned(), sources.locate(d.primary.span).line)
        })
        .collect()
}

/// The line of `text` that holds `needle`.
fn line(text: &str, needle: &str) -> usize {
    let at = text.find(needle).unwrap_or_else(|| panic!("{needle}"));
    text[..at].lines().count() + usize::from(text[..at].ends_with('\n'))
}

#[test]
fn a_good_design_has_no_findings() {
    assert_eq!(findings(GOOD), BTreeSet::new());
}

#[test]
fn one_defect_gives_one_finding() {
    // What is changed, into what, the rule, and what stands on the line that it points at.
    let defects = [
        // A timeout that is missing, too short, too long, or outlasted.
        (
            "timeout = \"600ms\", retries",
            "timeout = \"none\", retries",
            "timeout-missing",
            "Authorize",
        ),
        (
            "timeout = \"800ms\"",
            "timeout = \"none\"",
            "timeout-missing",
            "Ship",
        ),
        (
            "timeout = \"600ms\"",
            "timeout = \"100ms\"",
            "timeout-below-p99",
            "Authorize",
        ),
        (
            "timeout = \"3s\"",
            "timeout = \"300ms\"",
            "timeout-below-p99",
            "web --REST POST",
        ),
        (
            "timeout = \"5s\"",
            "timeout = \"90s\"",
            "timeout-over-platform",
            "browser --",
        ),
        (
            "timeout = \"600ms\"",
            "timeout = \"2s\"",
            "timeout-inversion",
            "web --REST POST",
        ),
        (
            "timeout = \"800ms\"",
            "timeout = \"10s\"",
            "timeout-inversion",
            "web --REST POST",
        ),
        (
            "timeout = \"3s\"",
            "timeout = \"2s\"",
            "timeout-inversion",
            "web --REST POST",
        ),
        (
            "p99 = \"150ms\"",
            "p99 = \"900ms\"",
            "timeout-below-p99",
            "Authorize",
        ),
        (
            "p99 = \"180ms\"",
            "p99 = \"5s\"",
            "timeout-below-p99",
            "Ship",
        ),
        (
            "p99 = \"180ms\"",
            "p99 = \"180ms\", deadline = \"90ms\"",
            "timeout-below-p99",
            "Ship",
        ),
        // Promises.
        (
            "slo = { p99 = \"1500ms\" }",
            "slo = { p99 = \"300ms\" }",
            "latency-slo-impossible",
            "slo = { p99 = \"300ms\" }",
        ),
        (
            "slo = { p99 = \"600ms\" }",
            "slo = { p99 = \"100ms\" }",
            "latency-slo-impossible",
            "orders = {",
        ),
        // Retries.
        (
            "timeout = \"3s\", idem",
            "timeout = \"3s\", retries = 3, idem",
            "retry-storm",
            "web --REST POST",
        ),
        (
            "retries = 2, idempotent = true",
            "retries = 2, idempotent = false",
            "retry-nonidempotent",
            "Authorize",
        ),
        (
            "retries = 2, idempotent = true, ",
            "retries = 2, ",
            "retry-nonidempotent",
            "Authorize",
        ),
        (
            "retries = 2",
            "retries = 4",
            "timeout-inversion",
            "web --REST POST",
        ),
        (
            "mesh = \"linkerd\"",
            "mesh = \"istio\"",
            "mesh-double-retry",
            "Authorize",
        ),
        (
            "retries = 2",
            "retries = 2, retry_budget = \"none\"",
            "retry-no-budget",
            "Authorize",
        ),
        (
            "retries = 2",
            "retries = 2, backoff = \"none\"",
            "retry-no-jitter",
            "Authorize",
        ),
        (
            "retries = 2",
            "retries = 2, backoff = { jitter = false }",
            "retry-no-jitter",
            "Authorize",
        ),
        (
            "retries = 2",
            "retries = 2, retry_on = [\"unavailable\", \"not-found\"]",
            "retry-permanent",
            "Authorize",
        ),
        (
            "timeout = \"800ms\"",
            "timeout = \"800ms\", idempotent = false, hedge = \"300ms\"",
            "hedge-nonidempotent",
            "Ship",
        ),
        (
            "timeout = \"800ms\"",
            "timeout = \"400ms\", retries = 5, idempotent = true",
            "timeout-inversion",
            "web --REST POST",
        ),
        (
            "timeout = \"800ms\"",
            "timeout = \"200ms\", retries = 5, idempotent = true",
            "grpc-attempts-clamped",
            "Ship",
        ),
        // Breakers, deadlines, loops.
        (
            "timeout = \"800ms\"",
            "timeout = \"800ms\", breaker = \"none\"",
            "breaker-missing",
            "Ship",
        ),
        (
            "timeout = \"800ms\"",
            "timeout = \"800ms\", breaker = { window = \"1s\", minimum_calls = 100 }",
            "breaker-never-trips",
            "Ship",
        ),
        (
            "timeout = \"800ms\"",
            "timeout = \"800ms\", breaker = { slow = \"1s\" }",
            "breaker-slow-useless",
            "Ship",
        ),
        (
            "timeout = \"800ms\"",
            "timeout = \"800ms\", propagate_deadline = false",
            "deadline-dropped",
            "Ship",
        ),
        (
            "timeout = \"800ms\"",
            "timeout = \"200ms\", per_request = 3",
            "n-plus-one-calls",
            "Ship",
        ),
        (
            "timeout = \"800ms\"",
            "timeout = \"800ms\", fallback = \"the error is logged\"",
            "fallback-loses-data",
            "Ship",
        ),
    ];
    let mut wrong = String::new();
    for (from, to, rule, place) in defects {
        assert_eq!(GOOD.matches(from).count(), 1, "{from}");
        let text = GOOD.replace(from, to);
        let want = BTreeSet::from([(rule.to_owned(), line(&text, place))]);
        let got = findings(&text);
        if got != want {
            wrong += &format!("{from} -> {to}: want {want:?}, got {got:?}\n");
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn a_default_that_is_wrong_everywhere_is_told_once() {
    let without = |text: &str| -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(", timeout = \"") {
            out.push_str(&rest[..at]);
            let after = &rest[at + 13..];
            rest = &after[after.find('"').unwrap() + 1..];
        }
        out + rest
    };
    // Ten seconds at every hop, as in DeathStarBench.
    let text = without(GOOD) + "\n[defaults]\ntimeout = \"10s\"\n";
    let want = BTreeSet::from([(
        "timeout-inversion".to_owned(),
        line(&text, "timeout = \"10s\""),
    )]);
    assert_eq!(findings(&text), want);
    // A default below what the callees need.
    let text = without(GOOD) + "\n[defaults]\ntimeout = \"120ms\"\n";
    let want = BTreeSet::from([(
        "timeout-below-p99".to_owned(),
        line(&text, "timeout = \"120ms\""),
    )]);
    assert_eq!(findings(&text), want);
}

/// The same at every hop, said at every call: each caller that fails its callee is told.
#[test]
fn the_same_timeout_at_every_hop_fails_and_twice_as_long_passes() {
    let chain = |outer: &str, inner: &str| {
        format!(
            r#"
sync = [
  {{ call = "client --REST GET /--> gateway", timeout = "30s" }},
  {{ call = "gateway --REST GET /accounts--> accounts", timeout = "{outer}" }},
  {{ call = "accounts --REST GET /statistics--> statistics", timeout = "{inner}" }},
  {{ call = "accounts --REST GET /users--> auth", timeout = "{inner}" }},
]
services = ["gateway", "accounts", "statistics", "auth"]
teams = {{ all = ["gateway", "accounts", "statistics", "auth"] }}
"#
        )
    };
    assert_eq!(findings(&chain("20s", "10s")), BTreeSet::new());
    let same = findings(&chain("10s", "10s"));
    assert_eq!(same, BTreeSet::from([("timeout-inversion".to_owned(), 4)]));
}

/// Eight services with calls, events, a stream, teams, a saga and a flow.
const HOTEL: &str = include_str!("mutations/hotel.toml");

#[test]
fn one_defect_of_structure_gives_one_finding() {
    assert_eq!(findings(HOTEL), BTreeSet::new());
    let add = "  { call = \"payments --REST";
    let defects = [
        // An edge that closes a circle says nothing about promises or versions.
        (
            add,
            "  \"payments --gRPC Booking/Get--> booking\",\n  { call = \"payments --REST",
            "sync-cycle",
            "booking --gRPC Payments",
        ),
        (
            add,
            "  \"acquirer --REST GET /v1/x--> booking\",\n  { call = \"payments --REST",
            "sync-cycle",
            "acquirer --REST",
        ),
        (
            add,
            "  \"rooms --gRPC Web/Get--> web\",\n  { call = \"payments --REST",
            "sync-cycle",
            "rooms --gRPC Web",
        ),
        (
            add,
            "  \"payments --gRPC Payments/Again--> payments\",\n  { call = \"payments --REST",
            "sync-cycle",
            "Payments/Again",
        ),
        // A reader that is gone is told at the event, a service that is dead before its owner.
        (
            "event = \"rooms --room.released--> search\"",
            "event = \"room.released\", from = \"rooms\"",
            "event-no-consumer",
            "room.released",
        ),
        (
            "event = \"rooms --room.released--> search\"",
            "event = \"none --room.released--> search\"",
            "consumer-no-producer",
            "room.released",
        ),
        (
            "[services.mail]",
            "[services.ghost]\n[services.mail]",
            "orphan-service",
            "ghost",
        ),
        (
            "front = [\"web\", \"search\"]",
            "front = [\"web\"]",
            "missing-owner",
            "[services.search]",
        ),
        // What one has not and all others have.
        (
            "key = \"room_id\", ",
            "",
            "order-key-missing",
            "room.released",
        ),
        (
            "key = \"room_id\", version = 1",
            "key = \"room_id\"",
            "event-unversioned",
            "room.released",
        ),
        (
            "p99 = \"900ms\", auth = \"jwt\"",
            "p99 = \"900ms\"",
            "auth-missing",
            "POST /v1/bookings",
        ),
        // Stores and sagas.
        (
            "postgres:points",
            "postgres:bookings",
            "shared-database",
            "postgres:bookings",
        ),
        (
            "action = \"hold room\", undo = \"release room\"",
            "action = \"hold room\"",
            "saga-no-compensation",
            "hold room",
        ),
        (
            "action = \"send confirmation\"",
            "action = \"send confirmation\", pivot = true",
            "saga-pivot-count",
            "send confirmation",
        ),
        (
            "action = \"send confirmation\"",
            "action = \"send confirmation\", undo = \"unsend\"",
            "saga-late-compensable",
            "send confirmation",
        ),
        (
            "availability = \"99.95%\"\n\n[services.rooms]",
            "availability = \"99%\"\n\n[services.rooms]",
            "slo-above-dependencies",
            "99.5%",
        ),
    ];
    let mut wrong = String::new();
    for (from, to, rule, place) in defects {
        assert_eq!(HOTEL.matches(from).count(), 1, "{from}");
        let text = HOTEL.replace(from, to);
        let want = BTreeSet::from([(rule.to_owned(), line(&text, place))]);
        let got = findings(&text);
        if got != want {
            wrong += &format!("{from} -> {to}: want {want:?}, got {got:?}\n");
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

/// The author's limit of a storm is the limit of every rule that is silent beside one.
#[test]
fn a_storm_that_the_author_allows_hides_nothing() {
    let storm = HOTEL.replace(
        "auth = \"mtls\", idempotent = true },",
        "auth = \"mtls\", retries = 3 },",
    );
    let rules = |text: &str| findings(text).into_iter().map(|f| f.0).collect::<Vec<_>>();
    assert_eq!(rules(&storm), ["retry-storm"]);
    let allowed = storm + "\n[lint.rules]\nretry-storm = { most = 12 }\n";
    assert_eq!(
        rules(&allowed),
        ["retry-nonidempotent", "timeout-inversion"]
    );
}
