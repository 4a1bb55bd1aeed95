//! Rates, calls in flight and backlogs: by hand, conserved over random designs, and stepped through.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "support/specs.rs"]
mod specs;

use std::fmt::Write as _;

use msdesign::model::Party;
use msdesign::model::units::{Rate, Time};
use msdesign::plan::Plan;
use proptest::prelude::*;
use specs::model;

#[track_caller]
fn close(got: f64, expected: f64) {
    assert!(
        (got - expected).abs() < 1e-6 * expected.abs().max(1.0),
        "{got} is not {expected}"
    );
}

const CHAIN: &str = r#"
infrastructure = "aws"
sync = [
  { call = "client --REST GET /--> web", rate = "50/s", p99 = "200ms" },
  { call = "web --gRPC Get--> orders", retries = 2, p99 = "120ms", p50 = "60ms" },
  { call = "orders --gRPC Get--> stock", retries = 1, p99 = "40ms", bulkhead = 3 },
]
async = [{ event = "orders --order.seen--> audit", partitions = 4 }]
[services]
web = { replicas = 3 }
orders = { replicas = 2, stores = ["postgres:orders"], capacity = "200/s" }
stock = {}
audit = { capacity = "60/s" }
[platform]
broker = "kafka"
"#;

/// The files of the design switch the mesh's own retries off, so no load counts them.
#[test]
fn a_mesh_that_is_told_not_to_retry_adds_no_load() {
    let model = model(
        "infrastructure = \"kubernetes\"\nservices = [\"web\", \"orders\"]\n\
         sync = [{ call = \"web --gRPC Get--> orders\", rate = \"50/s\", retries = 2 }]\n\
         platform = { mesh = \"istio\" }",
    );
    let plan = Plan::new(&model);
    assert_eq!(plan.amplification.mesh_retries, 2);
    assert_eq!(plan.amplification.paths[0].with_platform, 9);
    close(plan.capacity().calls[0].worst.value.0, 150.0);
}

#[test]
fn worked_out_by_hand() {
    let model = model(CHAIN);
    let plan = Plan::new(&model);
    let load = plan.capacity();
    let by_name = |a: &str, b: &str| {
        let found = model.call_ids().find(|id| {
            let c = model.call(*id);
            model.party(c.from) == a && model.service(c.to).name == b
        });
        load.calls[found.unwrap().0].clone()
    };
    let service = |name: &str| {
        let i = model.services.iter().position(|s| s.name == name).unwrap();
        load.services[i].clone()
    };
    // 50/s everywhere at peak; 3 attempts, then 3 × 2 where everything fails.
    close(by_name("web", "orders").worst.value.0, 150.0);
    close(by_name("orders", "stock").worst.value.0, 300.0);
    close(service("stock").worst.value.0, 300.0);
    close(load.stores[0].rate.value.0, 50.0);
    close(load.stores[0].worst.0, 150.0);
    close(load.events[0].value.0, 150.0);
    // Little: 50/s × 120 ms = 6, over 2 instances 3 each.
    close(by_name("web", "orders").in_flight.value, 6.0);
    close(service("orders").in_flight.value, 6.0);
    close(service("orders").each, 3.0);
    close(service("orders").used.unwrap().value.0, 0.25);
    close(service("orders").used_without_one.unwrap().value.0, 0.5);
    // The bulkhead is as set; half of the 50/s on the one instance that is left of two: a = 50 × 13.9 ms.
    let stock = by_name("orders", "stock");
    let sigma = 4.0_f64.ln() / 2.326_347_9;
    let a = 50.0 * 0.01 * (sigma * sigma / 2.0).exp();
    let b = (a.powi(3) / 6.0) / (1.0 + a + a * a / 2.0 + a.powi(3) / 6.0);
    close(stock.refused.unwrap().value.0, b);
    // 50/s for 4 h are 720,000; 10/s are left to catch up: 20 h.
    let group = &plan.events[0].groups[0];
    assert_eq!(plan.events[0].partitions.as_ref().map(|p| p.value), Some(4));
    close(group.catch_up.backlog, 720_000.0);
    assert_eq!(
        group.catch_up.drain.as_ref().map(|d| d.value),
        Some(Time::h(20))
    );
}

#[test]
fn a_consumer_without_room_never_catches_up() {
    let model = model(&CHAIN.replace("60/s", "50/s"));
    let plan = Plan::new(&model);
    assert!(plan.events[0].groups[0].catch_up.drain.is_none());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// The drain time is when a queue that is stepped second by second becomes empty.
    #[test]
    fn stepping_through_an_outage_agrees(arrival in 1..100_u32, spare in 1..100_u32) {
        let capacity = arrival + spare;
        let model = model(&format!(
            "async = [{{ event = \"a --x.done--> b\", rate = \"{arrival}/s\" }}]\n[services]\na = {{}}\nb = {{ capacity = \"{capacity}/s\" }}\n"
        ));
        let plan = Plan::new(&model);
        let catch_up = &plan.events[0].groups[0].catch_up;
        let outage = catch_up.outage.as_s();
        let (mut waiting, mut second) = (0.0_f64, 0.0);
        loop {
            second += 1.0;
            waiting += f64::from(arrival);
            if second > outage {
                waiting -= f64::from(capacity);
            }
            if waiting <= 0.0 {
                break;
            }
            if second % 997.0 == 0.0 {
                close(catch_up.waiting(Time::s(1).scale(second)), waiting);
            }
        }
        let drain = catch_up.drain.as_ref().unwrap().value.as_s();
        prop_assert!((drain - (second - outage)).abs() <= 1.0, "{drain} {second}");
    }

    /// What flows out of the callers flows into the callees; without retries the worst is the usual, and
    /// more retries never make it less.
    #[test]
    fn flow_is_conserved(
        edges in prop::collection::btree_set((0..7_usize, 0..7_usize), 1..14),
        retries in prop::collection::vec(0..3_u32, 14),
        rate in 1..500_u32,
    ) {
        let text = |with: bool| {
            let mut t = format!("infrastructure = \"aws\"\nservices = [{}]\nsync = [\n{{ call = \"client --REST GET /--> s0\", rate = \"{rate}/s\" }},\n",
                (0..7).map(|i| format!("\"s{i}\"")).collect::<Vec<_>>().join(", "));
            for (i, (a, b)) in edges.iter().enumerate() {
                if a < b {
                    let n = if with { retries[i] } else { 0 };
                    writeln!(t, "{{ call = \"s{a} --gRPC Op--> s{b}\", retries = {n} }},").unwrap();
                }
            }
            t + "]\n"
        };
        let (plain, retried) = (model(&text(false)), model(&text(true)));
        let (p, r) = (Plan::new(&plain), Plan::new(&retried));
        let (pl, rl) = (p.capacity(), r.capacity());
        for id in plain.service_ids() {
            let into = |plan: &Plan<'_>, load: Option<&msdesign::plan::CapacityPlan>| -> f64 {
                plain
                    .call_ids()
                    .filter(|c| plain.call(*c).to == id)
                    .map(|c| load.map_or(plan.call(c).rate.value.0, |l| l.calls[c.0].worst.value.0))
                    .sum()
            };
            let usual = into(&p, None);
            if usual > 0.0 {
                close(p.service(id).rate.value.0, usual);
                close(pl.services[id.0].worst.value.0, usual);
                close(rl.services[id.0].worst.value.0, into(&r, Some(&rl)));
            }
            prop_assert!(rl.services[id.0].worst.value.0 >= pl.services[id.0].worst.value.0 - 1e-9);
            // Each request makes each call once.
            for c in plain.call_ids().filter(|c| plain.call(*c).from == Party::Service(id)) {
                let Rate(out) = p.call(c).rate.value;
                close(out, p.service(id).rate.value.0);
            }
        }
    }
}
