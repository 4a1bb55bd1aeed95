//! A good design has no findings, and one injected fault of availability or capacity has exactly one.

#![allow(clippy::unwrap_used, clippy::panic)]

use msdesign::diag::{SourceFile, Sources};
use msdesign::plan::Plan;
use msdesign::{lint, model, spec};

const GOOD: &str = r#"
title = "Shop"
architecture = "microservices"
infrastructure = "kubernetes"
actors = ["browser"]

sync = [
  { call = "browser --REST GET /shop--> web", rate = "100/s", p99 = "400ms", rate_limit = "150/s" },
  { call = "web --gRPC Orders/Place--> orders", rate = "20/s", p99 = "300ms", timeout = "600ms", bulkhead = 10 },
  { call = "web --gRPC Search/Find--> search", rate = "80/s", p99 = "100ms", timeout = "200ms", optional = true, fallback = "yesterday's list" },
  { call = "web --gRPC Users/Get--> users", rate = "100/s", p99 = "50ms", timeout = "100ms" },
  { call = "orders --gRPC Users/Get--> users", rate = "20/s", p99 = "50ms", timeout = "100ms" },
  { call = "orders --REST POST /charges--> acquirer", rate = "20/s", p99 = "100ms", timeout = "200ms", idempotent = true },
]
async = [
  { event = "orders --order.placed--> shipping", rate = "20/s", retention = "7d", partitions = 6, key = "order_id", version = 1, outbox = true },
]

[services.web]
slo = { availability = "99.5%" }
availability = "99.95%"
rate = "100/s"
capacity = "200/s"
replicas = 3
grace = "30s"

[services.orders]
slo = { availability = "99.7%" }
availability = "99.95%"
stores = ["postgres:orders"]
replicas = 3
capacity = "60/s"
liveness = { path = "/livez" }

[services.search]
availability = "99%"
stores = ["opensearch:index"]
replicas = 2

[services.users]
slo = { availability = "99.9%" }
availability = "99.95%"
stores = ["postgres:users"]
replicas = 3

[services.shipping]
replicas = 2
capacity = "40/s"

[services.acquirer]
external = true
slo = { availability = "99.9%" }

[stores]
orders = { availability = "99.99%" }
users = { availability = "99.99%" }

[teams]
shop = ["web", "orders", "search", "users", "shipping"]

[[flows]]
name = "Order"
slo = { availability = "99.5%" }
steps = ["browser -> web", "web -> users", "web -> orders", "orders -> users", "orders -> acquirer"]

[platform]
mesh = "istio"
gateway_replicas = 3
rate_limit_scope = "global"
"#;

fn findings(text: &str) -> Vec<String> {
    let mut sources = Sources::default();
    let id = sources.add(SourceFile::whole("spec.toml".to_owned(), text.to_owned()));
    let mut out = Vec::new();
    let parsed = spec::parse(id, text, &mut out);
    let model = model::resolve(&parsed, id, &mut out);
    assert!(out.is_empty(), "{out:#?}");
    lint::check(&Plan::new(&model))
        .iter()
        .map(|f| {
            let at = f.diagnostic.primary.span;
            format!("{} at {}", f.diagnostic.rule, &text[at.start..at.end])
        })
        .collect()
}

#[test]
fn a_good_design_has_none_and_each_fault_has_one() {
    assert_eq!(findings(GOOD), Vec::<String>::new());
    let mut wrong = Vec::new();
    for (old, new, want) in [
        // A promise raised, of a leaf, of a service, of a flow.
        (
            "[services.web]\nslo = { availability = \"99.5%\"",
            "[services.web]\nslo = { availability = \"99.9%\"",
            "slo-above-dependencies at \"99.9%\"",
        ),
        (
            "orders]\nslo = { availability = \"99.7%\"",
            "orders]\nslo = { availability = \"99.99%\"",
            "slo-above-dependencies at \"99.99%\"",
        ),
        (
            "slo = { availability = \"99.9%\" }\navailability = \"99.95%\"\nstores = [\"postgres:users\"]",
            "slo = { availability = \"99.95%\" }\navailability = \"99.95%\"\nstores = [\"postgres:users\"]",
            "slo-above-dependencies at \"99.95%\"",
        ),
        (
            "\"Order\"\nslo = { availability = \"99.5%\"",
            "\"Order\"\nslo = { availability = \"99.9%\"",
            "slo-above-dependencies at \"99.9%\"",
        ),
        // A part made worse: who needs it directly is told, who needs that is not.
        (
            "users = { availability = \"99.99%\" }",
            "users = { availability = \"98%\" }",
            "slo-above-dependencies at \"99.9%\"",
        ),
        (
            "orders = { availability = \"99.99%\" }",
            "orders = { availability = \"98%\" }",
            "slo-above-dependencies at \"99.7%\"",
        ),
        (
            "external = true\nslo = { availability = \"99.9%\"",
            "external = true\nslo = { availability = \"99%\"",
            "slo-above-dependencies at \"99.7%\"",
        ),
        // A callee that promises less than its callers: one number, one finding at it.
        (
            "slo = { availability = \"99.9%\" }\navailability = \"99.95%\"\nstores = [\"postgres:users\"]",
            "slo = { availability = \"99%\" }\navailability = \"99.95%\"\nstores = [\"postgres:users\"]",
            "slo-above-dependencies at \"99%\"",
        ),
        // A soft dependency made hard.
        (
            "optional = true, fallback = \"yesterday's list\"",
            "optional = false",
            "slo-above-dependencies at \"99.5%\"",
        ),
        ("replicas = 3\ngrace", "replicas = 1\ngrace", ""),
        (
            "stores = [\"postgres:users\"]\nreplicas = 3",
            "stores = [\"postgres:users\"]\nreplicas = 1",
            "single-replica-slo at 1",
        ),
        (
            "stores = [\"postgres:users\"]",
            "stores = [\"postgres:users\", \"postgres:orders\"]",
            "shared-database at \"postgres:orders\"",
        ),
        (
            "retention = \"7d\"",
            "retention = \"1h\"",
            "retention-short at \"1h\"",
        ),
        (
            "outbox = true",
            "outbox = true, durable = false",
            "durability-low at false",
        ),
        ("outbox = true", "outbox = false", "dual-write at false"),
        (
            "grace = \"30s\"",
            "grace = \"30s\"\nhealth = \"none\"",
            "health-missing at \"none\"",
        ),
        (
            "rate = \"100/s\"\ncapacity",
            "rate = \"1/min\"\ncapacity",
            "slo-low-traffic at \"99.5%\"",
        ),
        (
            "mesh = \"istio\"",
            "mesh = \"none\"",
            "grpc-l4-pinning at \"none\"",
        ),
        (
            "mesh = \"istio\"",
            "mesh = \"app-mesh\"",
            "eol-platform at \"app-mesh\"",
        ),
        ("bulkhead = 10", "bulkhead = 2", "bulkhead-undersized at 2"),
        (
            "capacity = \"200/s\"",
            "capacity = \"120/s\"",
            "ratelimit-over-capacity at \"150/s\"",
        ),
        (
            "capacity = \"60/s\"",
            "capacity = \"10/s\"",
            "capacity-exceeded at \"10/s\"",
        ),
        ("partitions = 6", "partitions = 1", "partitions-low at 1"),
        (
            "scope = \"global\"",
            "scope = \"local\"",
            "ratelimit-local at \"local\"",
        ),
        (
            "path = \"/livez\" }",
            "path = \"/livez\", checks = [\"orders\"] }",
            "liveness-dependency at \"orders\"",
        ),
    ] {
        assert!(GOOD.contains(old), "{old}");
        let got = findings(&GOOD.replacen(old, new, 1));
        let wanted: Vec<&str> = Some(want).filter(|w| !w.is_empty()).into_iter().collect();
        if got != wanted {
            wrong.push(format!("{new}\n  want {wanted:?}\n  got {got:?}"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
