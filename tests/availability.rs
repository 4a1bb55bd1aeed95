//! Availability and the failure matrix against the enumeration of all states, chance, and a walk of the graph.

#![allow(clippy::unwrap_used, clippy::panic, clippy::cast_precision_loss)]

#[path = "support/specs.rs"]
mod specs;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use msdesign::model::{Model, ServiceId};
use msdesign::plan::{Dependency, Effect, Failure, Plan, Tie};
use proptest::prelude::*;
use specs::model;

fn service(model: &Model, name: &str) -> ServiceId {
    let i = model.services.iter().position(|s| s.name == name);
    ServiceId(i.unwrap_or_else(|| panic!("no service {name}")))
}

/// `expected` to ten digits.
#[track_caller]
fn close(got: f64, expected: f64) {
    assert!((got - expected).abs() < 1e-10, "{got} is not {expected}");
}

/// A design of parts `0..services` (services), then stores, then one broker; every part has its number.
#[derive(Clone, Debug)]
struct Design {
    services: usize,
    /// Owner, and whether the owner can do without it.
    stores: Vec<(usize, bool)>,
    /// Caller, callee, optional.
    calls: Vec<(usize, usize, bool)>,
    /// Publisher, consumer, without an outbox.
    events: Vec<(usize, usize, bool)>,
    entries: Vec<usize>,
    availability: Vec<f64>,
}

impl Design {
    fn parts(&self) -> usize {
        self.services + self.stores.len() + 1
    }

    fn broker(&self) -> usize {
        self.parts() - 1
    }

    fn toml(&self) -> String {
        let mut t = String::from("title = \"Random\"\n");
        let percent = |i: usize| format!("{:.2}%", self.availability[i] * 100.0);
        let mut list = |key: &str, lines: Vec<String>| {
            writeln!(t, "{key} = [\n{}\n]", lines.join(",\n")).unwrap();
        };
        list(
            "sync",
            self.calls
                .iter()
                .enumerate()
                .map(|(i, (a, b, soft))| {
                    format!("{{ call = \"s{a} --gRPC Op{i}--> s{b}\", optional = {soft} }}")
                })
                .collect(),
        );
        list(
            "async",
            self.events
                .iter()
                .enumerate()
                .map(|(i, (a, b, bare))| {
                    format!(
                        "{{ event = \"s{a} --e{i}.done--> s{b}\", outbox = {} }}",
                        !bare
                    )
                })
                .collect(),
        );
        for s in 0..self.services {
            let stores: Vec<String> = self
                .stores
                .iter()
                .enumerate()
                .filter(|(_, (owner, _))| *owner == s)
                .map(|(i, _)| format!("\"postgres:d{i}\""))
                .collect();
            writeln!(
                t,
                "[services.s{s}]\navailability = \"{}\"\nstores = [{}]",
                percent(s),
                stores.join(", ")
            )
            .unwrap();
        }
        for (i, (_, soft)) in self.stores.iter().enumerate() {
            let a = percent(self.services + i);
            writeln!(
                t,
                "[stores.d{i}]\navailability = \"{a}\"\noptional = {soft}"
            )
            .unwrap();
        }
        writeln!(
            t,
            "[brokers.kafka]\navailability = \"{}\"",
            percent(self.broker())
        )
        .unwrap();
        let steps: Vec<String> = self
            .entries
            .iter()
            .map(|e| format!("\"client -> s{e}\""))
            .collect();
        writeln!(
            t,
            "[[flows]]\nname = \"All\"\nsteps = [{}]",
            steps.join(", ")
        )
        .unwrap();
        t
    }

    /// Which services answer, by asking again and again who has lost something.
    fn answering(&self, up: &[bool]) -> Vec<bool> {
        let mut ok: Vec<bool> = up[..self.services].to_vec();
        for (i, (owner, soft)) in self.stores.iter().enumerate() {
            ok[*owner] &= *soft || up[self.services + i];
        }
        for (publisher, _, bare) in &self.events {
            ok[*publisher] &= !bare || up[self.broker()];
        }
        loop {
            let before = ok.clone();
            for (a, b, soft) in &self.calls {
                ok[*a] &= *soft || ok[*b];
            }
            if ok == before {
                return ok;
            }
        }
    }

    fn flow_answers(&self, up: &[bool]) -> bool {
        let ok = self.answering(up);
        self.entries.iter().all(|e| ok[*e])
    }

    /// Services that a request can come to, by calls alone or by events as well.
    fn visited(&self, events: bool) -> BTreeSet<usize> {
        // Whoever handles a message is seen; what it calls is, too, if only its messages can be the reason.
        let called = |s: usize| self.calls.iter().any(|(a, b, _)| *b == s && *a != s);
        let mut seen: BTreeSet<usize> = self.entries.iter().copied().collect();
        let mut calling = seen.clone();
        loop {
            let before = (seen.len(), calling.len());
            for (a, b, _) in &self.calls {
                if calling.contains(a) {
                    seen.insert(*b);
                    calling.insert(*b);
                }
            }
            for (a, b, _) in self.events.iter().filter(|_| events) {
                if seen.contains(a) && seen.insert(*b) && !called(*b) {
                    calling.insert(*b);
                }
            }
            if (seen.len(), calling.len()) == before {
                return seen;
            }
        }
    }

    /// 0 works, 1 degraded, 2 down, by walking: down if the entry does not answer, degraded if anything
    /// on the way, events included, is gone.
    fn badness(&self, up: &[bool]) -> u8 {
        if !self.flow_answers(up) {
            return 2;
        }
        let seen = self.visited(true);
        let lost = seen.iter().any(|s| !up[*s])
            || (self.stores.iter().enumerate())
                .any(|(i, (owner, _))| seen.contains(owner) && !up[self.services + i])
            || (self.events.iter()).any(|(a, _, _)| seen.contains(a) && !up[self.broker()]);
        u8::from(lost)
    }

    fn number(&self, part: Dependency, model: &Model) -> usize {
        let name = part.name(model);
        match part {
            Dependency::Service(_) => name[1..].parse().unwrap(),
            Dependency::Store(_) => self.services + name[1..].parse::<usize>().unwrap(),
            Dependency::Broker(_) => self.broker(),
        }
    }
}

fn designs() -> impl Strategy<Value = Design> {
    (2..6_usize, 0..4_usize).prop_flat_map(|(services, stores)| {
        let service = 0..services;
        (
            prop::collection::vec((service.clone(), any::<bool>()), stores),
            prop::collection::vec((service.clone(), service.clone(), any::<bool>()), 0..9),
            prop::collection::vec((service.clone(), service.clone(), any::<bool>()), 0..3),
            prop::collection::btree_set(service, 1..3),
            prop::collection::vec(9000..10_000_u32, services + stores + 1),
        )
            .prop_map(
                move |(stores, calls, events, entries, availability)| Design {
                    services,
                    stores,
                    calls,
                    events,
                    entries: entries.into_iter().collect(),
                    availability: availability
                        .iter()
                        .map(|a| f64::from(*a) / 10_000.0)
                        .collect(),
                },
            )
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    /// Over all 2^n states of all parts, the flow and each service answer as often as the plan says.
    #[test]
    fn enumeration_of_all_states_agrees(d in designs()) {
        let model = model(&d.toml());
        let plan = Plan::new(&model);
        let n = d.parts();
        let (mut flow, mut whole) = (0.0, 0.0);
        let mut each = vec![0.0; d.services];
        let seen = d.visited(false);
        for state in 0..1_u32 << n {
            let up: Vec<bool> = (0..n).map(|i| state >> i & 1 == 1).collect();
            let chance: f64 = (0..n)
                .map(|i| if up[i] { d.availability[i] } else { 1.0 - d.availability[i] })
                .product();
            let ok = d.answering(&up);
            for (s, sum) in each.iter_mut().enumerate() {
                *sum += if ok[s] { chance } else { 0.0 };
            }
            if d.flow_answers(&up) {
                flow += chance;
                let all = seen.iter().all(|s| ok[*s] && up[*s])
                    && (d.stores.iter().enumerate())
                        .all(|(i, (o, _))| !seen.contains(o) || up[d.services + i]);
                whole += if all { chance } else { 0.0 };
            }
        }
        let f = plan.flow_availability(0).unwrap();
        close(f.reachable.value.0, flow);
        close(f.complete.value.0, whole);
        for (s, answered) in each.iter().enumerate() {
            let got = plan.availability(service(&model, &format!("s{s}")));
            close(got.reachable.value.0, *answered);
        }
        // Multiplying the entries' own figures can only count shared parts again.
        prop_assert!(f.naive.is_none_or(|n| n.0 <= flow + 1e-12));
        // Needing less never hurts, and what is said to come of it does.
        for s in &f.softened {
            let mut softer = d.clone();
            let ends = (plan_name(&model, s.from), plan_name(&model, s.to));
            for call in &mut softer.calls {
                call.2 |= (call.0, call.1) == ends;
            }
            let model = self::model(&softer.toml());
            let again = Plan::new(&model).flow_availability(0).unwrap();
            close(again.reachable.value.0, s.reachable.0);
            prop_assert!(s.reachable.0 > f.reachable.value.0);
        }
    }

    /// Every row of the matrix says what a walk over the graph says, and of two failures at once the
    /// second never improves anything.
    #[test]
    fn the_matrix_is_what_a_walk_finds(d in designs(), second in any::<prop::sample::Index>()) {
        let model = model(&d.toml());
        let plan = Plan::new(&model);
        let w = plan.what_if();
        let mut told = BTreeSet::new();
        for row in &w.rows {
            let Failure::Part(part) = row.failure else { continue };
            let mut up = vec![true; d.parts()];
            let failed = d.number(part, &model);
            told.insert(failed);
            up[failed] = false;
            prop_assert_eq!(row.effects[0].badness(), d.badness(&up), "{:?}\n{}", part, d.toml());
            // The path is one that the design has, and it begins where the flow enters.
            if let Effect::Down(r) | Effect::Degraded(r) = &row.effects[0] {
                let first = plan_name(&model, *r.path.first().unwrap());
                prop_assert!(d.entries.contains(&first));
                for pair in r.path.windows(2) {
                    let (a, b) = (plan_name(&model, pair[0]), plan_name(&model, pair[1]));
                    let called = d.calls.iter().any(|c| (c.0, c.1) == (a, b));
                    prop_assert!(called || d.events.iter().any(|e| (e.0, e.1) == (a, b)));
                }
                if let Tie::Fallback(id) = r.tie {
                    prop_assert!(model.call(id).soft());
                }
            }
            let before = d.badness(&up);
            up[second.index(d.parts())] = false;
            prop_assert!(d.badness(&up) >= before);
        }
        for part in 0..d.parts() {
            let mut up = vec![true; d.parts()];
            up[part] = false;
            prop_assert!(told.contains(&part) || d.badness(&up) == 0);
        }
    }
}

fn plan_name(model: &Model, id: ServiceId) -> usize {
    model.service(id).name[1..].parse().unwrap()
}

/// A hundred thousand days drawn at random agree with the product, for two entries that share a store.
#[test]
fn chance_agrees() {
    let d = Design {
        services: 4,
        stores: vec![(3, false), (0, true)],
        calls: vec![(0, 2, false), (1, 2, false), (2, 3, false), (0, 3, true)],
        events: vec![(2, 1, true)],
        entries: vec![0, 1],
        availability: vec![0.97, 0.95, 0.98, 0.96, 0.94, 0.9, 0.99],
    };
    let model = model(&d.toml());
    let f = Plan::new(&model).flow_availability(0).unwrap();
    close(f.reachable.value.0, 0.97 * 0.95 * 0.98 * 0.96 * 0.94 * 0.99);
    close(
        f.naive.unwrap().0,
        0.97 * 0.95 * (0.98_f64 * 0.96 * 0.94 * 0.99).powi(2),
    );
    let mut seed = 0x9E37_79B9_7F4A_7C15_u64;
    let mut random = || {
        // SplitMix64.
        seed = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = seed;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    };
    let days = 100_000;
    let good = (0..days)
        .filter(|_| {
            let up: Vec<bool> = d.availability.iter().map(|a| random() < *a).collect();
            d.flow_answers(&up)
        })
        .count();
    // Five standard deviations of the share.
    let p = f.reachable.value.0;
    let error = (good as f64 / f64::from(days) - p).abs();
    assert!(
        error < 5.0 * (p * (1.0 - p) / f64::from(days)).sqrt(),
        "{error}"
    );
}

const SHOP: &str = r#"
actors = ["browser"]
sync = [
  "browser --REST GET /--> web",
  "browser --REST GET /me--> accounts",
  "web --gRPC GetCart--> cart",
  "web --gRPC GetUser--> accounts",
  { call = "web --gRPC GetAds--> ads", fallback = "no ads" },
  { call = "web --gRPC GetTips--> tips", optional = false, fallback = "an error page" },
]
async = [{ event = "cart --cart.changed--> mail", outbox = false }]
[services]
web = { availability = "99.9%", slo = { availability = "99.4%" } }
cart = { availability = "99.8%", stores = ["redis:carts", "memcached:hot"] }
accounts = { availability = "99.95%", stores = ["postgres:users"] }
ads = { availability = "90%" }
tips = { external = true, slo = { availability = "99%" } }
mail = { replicas = 1 }
[stores]
carts = { availability = "99.99%" }
hot = { availability = "95%", optional = true }
[brokers.kafka]
availability = "99.9%"
"#;

#[test]
fn worked_out_by_hand() {
    let model = model(SHOP);
    let plan = Plan::new(&model);
    // cart waits for the broker, since it has no outbox; the cache can be gone.
    let cart = plan.availability(service(&model, "cart"));
    close(cart.reachable.value.0, 0.998 * 0.9999 * 0.999);
    assert_eq!(cart.reachable.why, "own 99.8% × 99.9% × 99.99%");
    // `users` says nothing: 99.95 % is assumed. ads has a fallback, tips is said to be needed.
    let web = plan.availability(service(&model, "web"));
    close(
        web.reachable.value.0,
        0.999 * (0.998 * 0.9999 * 0.999) * (0.9995 * 0.9995) * 0.99,
    );
    // One instance has 99.5 %.
    let mail = plan.availability(service(&model, "mail"));
    close(mail.reachable.value.0, 0.995);
    // Derived flows: one for each entry, `accounts` in both.
    let f = plan.flow_availability(1).unwrap();
    close(f.reachable.value.0, web.reachable.value.0);
    close(f.complete.value.0, web.reachable.value.0 * 0.9 * 0.95);
    assert_eq!(f.goal.map(|g| g.0), Some(0.994));
    let worst = &f.needs[0];
    assert_eq!(worst.part.name(&model), "tips");
    close(worst.minutes, 432.0);
    // Without tips it reaches 99.49 % and keeps its promise of 99.4 %.
    let best = &f.softened[0];
    assert_eq!(model.service(best.to).name, "tips");
    close(best.reachable.0, web.reachable.value.0 / 0.99);
    assert!(best.mends && best.calls.len() == 1);
}

#[test]
fn a_flow_that_names_its_calls_needs_no_others() {
    let text = format!(
        "{SHOP}\n[[flows]]\nname = \"Who am I\"\nsteps = [\"browser -> web\", \"web -> accounts\"]\n"
    );
    let model = model(&text);
    let plan = Plan::new(&model);
    let f = plan.flow_availability(0).unwrap();
    close(f.reachable.value.0, 0.999 * 0.9995 * 0.9995);
    let w = plan.what_if();
    let cart = Dependency::Service(service(&model, "cart"));
    assert!(w.untouched.contains(&cart));
}

#[test]
fn a_zone_takes_what_has_one_instance_or_is_said_to_be_in_it() {
    let text = SHOP.replace("ads = {", "ads = { zones = 1,");
    let model = model(&text);
    let plan = Plan::new(&model);
    let w = plan.what_if();
    let row = w
        .rows
        .iter()
        .find(|r| matches!(r.failure, Failure::Zone(_)))
        .unwrap();
    let Failure::Zone(parts) = &row.failure else {
        panic!()
    };
    let names: Vec<&str> = parts.iter().map(|p| p.name(&model)).collect();
    assert_eq!(names, ["ads", "mail"]);
    assert_eq!((row.down, row.degraded), (0, 1));
}

#[test]
fn large_designs_are_planned_at_once() {
    // A chain of 2,000 services, each with a store, each promising something.
    let mut t = String::from("sync = [\n");
    for i in 0..1999 {
        writeln!(t, "\"s{i} --gRPC Op--> s{}\",", i + 1).unwrap();
    }
    t.push_str("]\n");
    for i in 0..2000 {
        writeln!(
            t,
            "[services.s{i}]\nstores = [\"postgres:d{i}\"]\nslo = {{ availability = \"99%\" }}"
        )
        .unwrap();
    }
    let model = model(&t);
    let plan = Plan::new(&model);
    assert_eq!(plan.availability(service(&model, "s0")).needs.len(), 3999);
    assert_eq!(plan.availability(service(&model, "s1999")).needs.len(), 1);
    assert!(plan.what_if().rows.len() <= 200);
}
