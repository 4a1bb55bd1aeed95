//! Budgets, retry amplification and response times against counters, evaluators and samplers that share no
//! code with the plan: each walks the calls one by one where the plan computes.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "support/specs.rs"]
mod specs;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use msdesign::model::units::Time;
use msdesign::model::{CallId, Model, Party, ServiceId};
use msdesign::plan::{Change, Plan};
use proptest::prelude::*;
use specs::model;

/// A call of a random design: ends by number, timeout in ms, retries, how often a request makes it, p50 and
/// p99 in ms, and whether it may be repeated.
#[derive(Clone, Debug)]
struct Call {
    from: usize,
    to: usize,
    timeout: u64,
    retries: u32,
    times: u32,
    p50: u64,
    p99: u64,
}

/// Calls of a design without circles: every one leads to a later service.
fn calls(services: usize, most: usize) -> impl Strategy<Value = Vec<Call>> {
    let call = (
        0..services - 1,
        1..services,
        1_u64..400,
        0_u32..4,
        1_u32..4,
        (1_u64..40, 1_u64..8),
    );
    proptest::collection::vec(call, 1..most).prop_map(move |raw| {
        let mut seen = BTreeMap::new();
        for (from, step, timeout, retries, times, (p50, factor)) in raw {
            let to = (from + step).min(services - 1);
            let call = Call {
                from,
                to,
                timeout: timeout * 10,
                retries,
                times,
                p50,
                p99: p50 * factor,
            };
            seen.entry((from, to)).or_insert(call);
        }
        seen.into_values().collect()
    })
}

/// The design of `calls`, with the mesh named and `tail` behind it.
fn text(services: usize, calls: &[Call], mesh: &str, tail: &str) -> String {
    let names: Vec<String> = (0..services).map(|i| format!("\"s{i}\"")).collect();
    let mut out = format!("services = [{}]\nsync = [\n", names.join(", "));
    for c in calls {
        writeln!(
            out,
            "  {{ call = \"s{} --gRPC Do{}--> s{}\", timeout = \"{}ms\", retries = {}, per_request = {}, idempotent = true, p50 = \"{}ms\", p99 = \"{}ms\" }},",
            c.from, c.to, c.to, c.timeout, c.retries, c.times, c.p50, c.p99
        )
        .unwrap();
    }
    write!(out, "]\nplatform = {{ mesh = \"{mesh}\" }}\n{tail}").unwrap();
    out
}

/// The largest product of attempts on any path from a service that nobody calls to `leaf`, with what the
/// mesh adds in the second number, by walking every path.
fn walk(calls: &[Call], at: usize, mesh: u64) -> (u64, u64) {
    let mut best: Option<(u64, u64)> = None;
    for c in calls.iter().filter(|c| c.to == at) {
        let (a, b) = walk(calls, c.from, mesh);
        let n = u64::from(c.retries) + 1;
        let here = (a * n, b * n * (mesh + 1));
        best = Some(best.map_or(here, |x| x.max(here)));
    }
    best.unwrap_or((1, 1))
}

/// Makes every attempt of a failing request at `service` and counts what arrives at each service.
fn fail(calls: &[Call], service: usize, arrived: &mut BTreeMap<usize, u64>) {
    for c in calls.iter().filter(|c| c.from == service) {
        for _ in 0..c.times * (c.retries + 1) {
            *arrived.entry(c.to).or_default() += 1;
            fail(calls, c.to, arrived);
        }
    }
}

/// The steps of one request that makes every call below `service`, in depth-first order.
fn journey(calls: &[Call], service: usize, steps: &mut Vec<String>) {
    for c in calls.iter().filter(|c| c.from == service) {
        if steps.len() < 60 {
            steps.push(format!("\"s{} -> s{}\"", c.from, c.to));
            journey(calls, c.to, steps);
        }
    }
}

fn flow(calls: &[Call]) -> String {
    let mut steps = vec!["\"client -> s0\"".to_owned()];
    journey(calls, 0, &mut steps);
    format!(
        "[[flows]]\nname = \"All\"\nsteps = [{}]\n",
        steps.join(", ")
    )
}

fn id(model: &Model, from: usize, to: usize) -> CallId {
    model
        .call_ids()
        .find(|id| {
            let c = model.call(*id);
            model.party(c.from) == format!("s{from}")
                && model.service(c.to).name == format!("s{to}")
        })
        .unwrap()
}

fn number(model: &Model, s: ServiceId) -> usize {
    model.service(s).name[1..].parse().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_worst_path_is_the_one_that_a_walk_over_all_paths_finds(calls in calls(8, 16)) {
        for mesh in ["none", "istio"] {
            let model = model(&text(8, &calls, mesh, ""));
            let plan = Plan::new(&model);
            for p in &plan.amplification.paths {
                let leaf = number(&model, p.leaf);
                let (product, _) = walk(&calls, leaf, 0);
                prop_assert_eq!(p.product, product);
                // The path that is shown is one, and has the product that is said.
                let mut all = 1;
                for pair in p.path.windows(2) {
                    prop_assert_eq!(Party::Service(model.call(pair[0]).to), model.call(pair[1]).from);
                }
                for c in &p.path {
                    all *= u64::from(plan.call(*c).attempts.value);
                }
                prop_assert_eq!(all, product);
                let added = if mesh == "istio" { 3_u64 } else { 1 };
                let length = u32::try_from(p.path.len()).unwrap();
                prop_assert_eq!(p.with_platform, product * added.pow(length));
                // One layer alone is never worse.
                prop_assert!(p.after <= p.product);
            }
            // Every service that calls nobody and is called has its path.
            let ends = (0..8).filter(|s| {
                calls.iter().any(|c| c.to == *s) && calls.iter().all(|c| c.from != *s)
            });
            prop_assert_eq!(plan.amplification.paths.len(), ends.count());
        }
    }

    #[test]
    fn one_request_makes_as_many_calls_as_a_failing_one_really_makes(calls in calls(6, 9)) {
        let tail = flow(&calls);
        prop_assume!(tail.matches("->").count() < 50);
        let model = model(&text(6, &calls, "none", &tail));
        let plan = Plan::new(&model);
        let mut arrived = BTreeMap::new();
        fail(&calls, 0, &mut arrived);
        for load in &plan.amplification.flows {
            let leaf = number(&model, load.leaf);
            prop_assert_eq!(Some(&load.worst), arrived.get(&leaf), "s{}", leaf);
            prop_assert!(load.usual <= load.worst);
        }
        // A service that the request reaches and that calls on is no leaf.
        for s in arrived.keys() {
            let end = calls.iter().all(|c| c.from != *s);
            let shown = plan.amplification.flows.iter().any(|l| number(&model, l.leaf) == *s);
            prop_assert_eq!(end, shown);
        }
    }

    #[test]
    fn budgets_are_those_of_an_evaluator_that_waits_for_every_call(calls in calls(6, 9)) {
        let tail = flow(&calls);
        prop_assume!(tail.matches("->").count() < 50);
        let model = model(&text(6, &calls, "none", &tail));
        let plan = Plan::new(&model);
        // How long one request at a service waits, step by step of the journey.
        let mut steps = Vec::new();
        journey(&calls, 0, &mut steps);
        let mut waits: BTreeMap<usize, u64> = BTreeMap::new();
        let mut single: BTreeMap<usize, u64> = BTreeMap::new();
        for step in &steps {
            let (from, to) = step.trim_matches('"').split_once(" -> ").unwrap();
            let (from, to) = (from[1..].parse().unwrap(), to[1..].parse().unwrap());
            let c = calls.iter().find(|c| (c.from, c.to) == (from, to)).unwrap();
            let mut once = 0;
            for attempt in 0..=c.retries {
                once += c.timeout;
                if attempt < c.retries {
                    once += (50_u64 << attempt).min(1000);
                }
            }
            let all = once * u64::from(c.times);
            *waits.entry(from).or_default() += all;
            let most = single.entry(from).or_default();
            *most = (*most).max(all);
        }
        for row in &plan.flows[0].rows {
            let c = model.call(row.call);
            let to = number(&model, c.to);
            let timeout = row.timeout.as_ms();
            let (wait, one) = (
                waits.get(&to).copied().unwrap_or(0),
                single.get(&to).copied().unwrap_or(0),
            );
            let broken = wait > timeout || (one > 0 && one >= timeout);
            prop_assert_eq!(row.slack.is_none(), broken, "{:?} {} {}", row, wait, one);
            prop_assert_eq!(row.over.as_ms(), wait.saturating_sub(timeout));
            if wait > 0 {
                prop_assert_eq!(row.behind.as_ms(), wait + 20);
            }
        }
    }

    #[test]
    fn a_proposed_change_mends_what_it_names_and_breaks_nothing(calls in calls(5, 7)) {
        let tail = flow(&calls);
        prop_assume!(tail.matches("->").count() < 50);
        let before = model(&text(5, &calls, "none", &tail));
        let plan = Plan::new(&before);
        let broken = |plan: &Plan<'_>| -> Vec<CallId> {
            plan.flows[0].rows.iter().filter(|r| r.slack.is_none()).map(|r| r.call).collect()
        };
        let was = broken(&plan);
        prop_assert!(!was.is_empty() || plan.mends().is_empty());
        // The author makes every proposed change in the text.
        let mut changed = calls.clone();
        for mend in plan.mends() {
            let c = changed.iter_mut().find(|c| id(&before, c.from, c.to) == mend.call).unwrap();
            match mend.change {
                Change::Timeout { from, to } => {
                    prop_assert_eq!(from.as_ms(), c.timeout);
                    prop_assert_ne!(from, to);
                    c.timeout = to.as_ms();
                }
                Change::Retries { from, to } => {
                    prop_assert_eq!(from, c.retries);
                    prop_assert!(to < from);
                    c.retries = to;
                }
            }
        }
        let after = model(&text(5, &changed, "none", &tail));
        let still = broken(&Plan::new(&after));
        for mend in plan.mends() {
            prop_assert!(!still.contains(&mend.broken), "{:?}", mend);
        }
        for id in still {
            prop_assert!(was.contains(&id));
        }
    }

    #[test]
    fn more_retries_never_make_fewer_calls(calls in calls(7, 12), which in any::<prop::sample::Index>()) {
        let product = |calls: &[Call]| {
            let model = model(&text(7, calls, "none", ""));
            let plan = Plan::new(&model);
            let of: BTreeMap<usize, u64> =
                plan.amplification.paths.iter().map(|p| (number(&model, p.leaf), p.product)).collect();
            of
        };
        let before = product(&calls);
        let mut more = calls.clone();
        let at = which.index(more.len());
        more[at].retries += 1;
        for (leaf, n) in product(&more) {
            prop_assert!(n >= before[&leaf]);
        }
    }
}

/// A generator of random numbers with a seed (xorshift64*), and normal ones by Box and Muller.
struct Random(u64);

impl Random {
    fn uniform(&mut self) -> f64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        #[allow(clippy::cast_precision_loss)]
        let x = (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11) as f64;
        (x + 0.5) / 9_007_199_254_740_992.0
    }

    /// A log-normal time in ms with this median and 99th percentile.
    fn time(&mut self, p50: f64, p99: f64) -> f64 {
        let z =
            (-2.0 * self.uniform().ln()).sqrt() * (std::f64::consts::TAU * self.uniform()).cos();
        p50 * (z * (p99 / p50).ln() / 2.326_347_874).exp()
    }
}

/// The share `q` of `sorted`.
fn at(sorted: &[f64], q: f64) -> f64 {
    #[allow(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss
    )]
    sorted[(q * sorted.len() as f64) as usize]
}

fn close(got: Time, want: f64, tolerance: f64, what: &str) {
    let got = got.as_s() * 1000.0;
    assert!(
        (got / want - 1.0).abs() < tolerance,
        "{what}: {got} ms, but sampling gives {want} ms"
    );
}

/// Percentiles by convolution agree with 100,000 sampled requests within 2 %, over sequence, parallel calls,
/// repetition and nesting, with light tails and heavy ones.
#[test]
fn convolution_agrees_with_sampling() {
    for (seed, spread) in [(1_u64, 2.0_f64), (2, 4.0), (3, 30.0), (4, 200.0)] {
        let p = |ms: f64| format!("p50 = \"{}ms\", p99 = \"{}ms\"", ms, ms * spread);
        let text = format!(
            r#"
services = ["a", "b", "c", "d", "e"]
sync = [
  {{ call = "a --gRPC GetB--> b" }},
  {{ call = "b --gRPC GetE--> e", {}, per_request = 3 }},
  {{ call = "a --gRPC GetC--> c", {} }},
  {{ call = "a --gRPC GetD--> d", {} }},
]
[[flows]]
name = "All"
steps = ["client -> a", "a -> b", "b -> e", "a -> c", "a -> d"]
parallel = [["a -> c", "a -> d"]]
"#,
            p(10.0),
            p(40.0),
            p(25.0)
        );
        let model = model(&text);
        let plan = Plan::new(&model);
        let l = plan.latency(0).unwrap();
        let mut random = Random(seed);
        let mut samples: Vec<f64> = (0..100_000)
            .map(|_| {
                let e: f64 = (0..3).map(|_| random.time(10.0, 10.0 * spread)).sum();
                let (c, d) = (
                    random.time(40.0, 40.0 * spread),
                    random.time(25.0, 25.0 * spread),
                );
                // Own work of `a` and of `b`.
                20.0 + 20.0 + e + c.max(d)
            })
            .collect();
        samples.sort_by(f64::total_cmp);
        // Sampling itself wavers at the 99th percentile of a heavy tail.
        let tolerance = if spread > 10.0 { 0.06 } else { 0.02 };
        close(l.p50, at(&samples, 0.5), 0.02, "p50");
        close(l.p95, at(&samples, 0.95), tolerance, "p95");
        close(l.p99, at(&samples, 0.99), tolerance, "p99");
        let sum = 40.0 + 30.0 * spread + 40.0 * spread;
        assert!(
            (l.sum_of_p99.value.as_s() * 1000.0 - sum).abs() < 0.1,
            "{l:?}"
        );
        // Too high where tails are light; where they are heavy even the sum is not enough.
        assert_eq!(l.excess.0 > 0.0, at(&samples, 0.99) < sum, "{spread}");
        let below = samples.iter().filter(|x| **x <= sum).count();
        #[allow(clippy::cast_precision_loss)]
        let share = below as f64 / 100_000.0;
        assert!((l.sum_is.0 - share).abs() < 0.002, "{} {share}", l.sum_is);
    }
}

#[test]
fn percentiles_are_in_order_and_grow_with_what_is_added() {
    let flow = |steps: &str| {
        let model = model(&format!(
            r#"
services = ["a", "b", "c"]
sync = [
  {{ call = "a --gRPC GetB--> b", p99 = "200ms" }},
  {{ call = "a --gRPC GetC--> c", p50 = "30ms", p99 = "30ms" }},
]
[[flows]]
name = "F"
steps = ["client -> a", {steps}]
"#
        ));
        Plan::new(&model).latency(0)
    };
    let one = flow("\"a -> b\"").unwrap();
    let both = flow("\"a -> b\", \"a -> c\"").unwrap();
    let twice = flow("\"a -> b\", \"a -> b\", \"a -> c\"").unwrap();
    for l in [&one, &both, &twice] {
        assert!(l.p50 < l.p95 && l.p95 < l.p99, "{l:?}");
        assert!(l.p99.as_s() < l.sum_of_p99.value.as_s() * 1.002, "{l:?}");
    }
    // One call: its own percentiles, 20 ms later. And a time that never varies only moves them.
    close(one.p50, 70.0, 0.01, "p50");
    close(one.p99, 220.0, 0.01, "p99");
    close(both.p50, 100.0, 0.01, "p50");
    close(both.p99, 250.0, 0.01, "p99");
    assert!(twice.p99 > both.p99);
}

/// Nobody knows which calls of a derived flow happen in one request, and what follows an event is no part
/// of an answer.
#[test]
fn only_what_a_user_waits_for_counts() {
    let derived = model("services = [\"a\", \"b\"]\nsync = [\"a --gRPC GetB--> b\"]\n");
    assert_eq!(Plan::new(&derived).latency(0), None);
    let model = model(
        r#"
services = ["a", "b", "c"]
sync = [
  { call = "a --gRPC GetB--> b", p99 = "100ms" },
  { call = "c --gRPC GetB--> b", p99 = "900ms" },
]
async = ["a --done--> c"]
[[flows]]
name = "F"
steps = ["client -> a", "a -> b", "a -> done", "done -> c", "c -> b"]
"#,
    );
    let l = Plan::new(&model).latency(0).unwrap();
    assert_eq!(l.parts.len(), 1);
    close(l.p99, 120.0, 0.01, "p99");
}

#[test]
fn what_stands_over_a_flow_is_compared_with_it() {
    let model = model(
        r#"
infrastructure = "aws"
services = { web = { public = true }, report = { runtime = "lambda" } }
sync = [
  { call = "client --REST GET /report--> web", timeout = "40s" },
  { call = "web --REST GET /report--> report", timeout = "35s" },
]
platform = { gateway = "envoy", load_balancer = "alb" }
"#,
    );
    let plan = Plan::new(&model);
    let got: Vec<(&str, Time, Option<Time>)> = plan.flows[0]
        .ceilings
        .iter()
        .map(|c| (c.name.as_str(), c.limit.value, c.slack))
        .collect();
    assert_eq!(
        got,
        [
            (
                "AWS Application Load Balancer",
                Time::s(60),
                Some(Time::s(20))
            ),
            ("Envoy", Time::s(15), None),
            (
                "AWS Lambda",
                Time::s(900),
                Some(Time::s(900).minus(Time::ms(20)))
            ),
        ]
    );
}

/// What an author states about failure is what the plan has, marked as set.
#[test]
fn stated_values_are_used() {
    let model = model(
        r#"
services = ["a", "b"]
sync = [{ call = "a --gRPC GetB--> b", rate = "100/s", timeout = "100ms", retries = 3, backoff = { base = "20ms", max = "50ms", jitter = true }, retry_budget = "20%", hedge = "60ms", per_request = 2, breaker = { window = "30s", minimum_calls = 50, failure_rate = "25%", slow = "70ms", open = "5s", half_open = 2 } }]
"#,
    );
    let plan = Plan::new(&model);
    let p = plan.call(CallId(0));
    // 4 × 100 + 20 + 40 + 50, twice a request.
    assert_eq!(p.backoff, [Time::ms(20), Time::ms(40), Time::ms(50)]);
    assert_eq!(p.worst_case(), Time::ms(510));
    assert_eq!(p.of_request(), Time::ms(1020));
    assert!((p.retry_budget.value.0 - 0.2).abs() < 1e-12 && p.retry_budget.is_set());
    assert_eq!(p.hedge.as_ref().map(|h| h.value), Some(Time::ms(60)));
    let b = p.breaker.as_ref().unwrap();
    assert_eq!(
        (
            b.window.value,
            b.minimum.value,
            b.slow.value,
            b.open.value,
            b.half_open.value
        ),
        (Time::s(30), 50, Time::ms(70), Time::s(5), 2)
    );
    assert!((b.ratio.value.0 - 0.25).abs() < 1e-12);
    assert!(b.window.is_set() && b.minimum.is_set() && b.slow.is_set() && b.ratio.is_set());
}

/// Two thousand services in a ladder have more paths than atoms in the world; one pass counts them.
#[test]
fn a_ladder_of_two_thousand_services_costs_one_pass() {
    let mut text = String::from("services = [");
    for i in 0..2000 {
        write!(text, "\"s{i}\", ").unwrap();
    }
    text.push_str("]\nsync = [\n");
    for i in 0..1998 {
        for step in [1, 2] {
            writeln!(
                text,
                "  {{ call = \"s{i} --gRPC Do--> s{}\", retries = 1, timeout = \"1s\" }},",
                i + step
            )
            .unwrap();
        }
    }
    text.push_str("]\n");
    let model = model(&text);
    let start = std::time::Instant::now();
    let plan = Plan::new(&model);
    let worst = plan.amplification.paths.iter().map(|p| p.product).max();
    assert_eq!(worst, Some(u64::MAX));
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
}

/// By hand: `a` calls `b` (one attempt of 100 ms), which calls `c` twice in one request, each with two
/// attempts of 40 ms and a wait of at most 50 ms between them: 130 ms a call, so that the second begins
/// when `a` has given up.
#[test]
fn a_waterfall_begins_each_attempt_where_the_one_before_ends() {
    let model = model(
        "title = \"W\"\nservices = [\"a\", \"b\", \"c\"]\n\
        sync = [\n\
        { call = \"a --REST GET /b--> b\", timeout = \"100ms\", retries = 0, p99 = \"20ms\" },\n\
        { call = \"b --REST GET /c--> c\", timeout = \"40ms\", retries = 1, p99 = \"10ms\", per_request = 2 },\n\
        ]\n[[flows]]\nname = \"f\"\nsteps = [\"a -> b\", \"b -> c\"]\n",
    );
    let plan = Plan::new(&model);
    let spans = plan.waterfall(&plan.flows[0]);
    let ms = |from, to| (Time::ms(from), Time::ms(to));
    assert_eq!(spans[0].attempts, [ms(0, 100)]);
    assert_eq!((spans[0].depth, spans[0].until), (0, None));
    assert_eq!(
        spans[1].attempts,
        [ms(0, 40), ms(90, 130), ms(130, 170), ms(220, 260)]
    );
    assert_eq!((spans[1].depth, spans[1].until), (1, Some(Time::ms(100))));
}
