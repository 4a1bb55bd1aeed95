//! The numbers of small designs, against numbers worked out by hand.
//!
//! The defaults in them: own work 20 ms, timeout 2 × p99, two retries, waits of 50 ms and 100 ms, 30 %
//! headroom, two instances.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "support/specs.rs"]
mod specs;

use msdesign::model::units::{Rate, Time};
use msdesign::model::{CallId, Model, ServiceId};
use msdesign::plan::{Links, Plan, Rpc};
use specs::model;

/// The call between the two services.
fn call(model: &Model, from: &str, to: &str) -> CallId {
    model
        .call_ids()
        .find(|id| {
            let c = model.call(*id);
            model.party(c.from) == from && model.service(c.to).name == to
        })
        .unwrap_or_else(|| panic!("no call from {from} to {to}"))
}

/// A calls B, which reads C with a 99th percentile of 100 ms: 200 ms an attempt.
fn chain(outer: &str, inner: &str) -> Model {
    model(&format!(
        r#"
services = ["a", "b", "c"]
sync = [
  {{ call = "a --gRPC Do--> b"{outer} }},
  {{ call = "b --gRPC GetIt--> c", p99 = "100ms"{inner} }},
]
"#
    ))
}

#[test]
fn derived_attempts_fit_what_callers_wait() {
    // 3 × 200 + 50 + 100 = 750, 2 × 200 + 50 = 450, 1 × 200; each needs 20 of own work beside it.
    for (waited, attempts, worst) in [
        ("", 3, 750),
        (", timeout = \"770ms\"", 3, 750),
        (", timeout = \"769ms\"", 2, 450),
        (", timeout = \"470ms\"", 2, 450),
        (", timeout = \"469ms\"", 1, 200),
        (", timeout = \"100ms\"", 1, 200),
        (", timeout = \"5s\", deadline = \"500ms\"", 2, 450),
        (", timeout = \"none\"", 3, 750),
    ] {
        let model = chain(waited, "");
        let plan = Plan::new(&model);
        let inner = plan.call(call(&model, "b", "c"));
        assert_eq!(inner.timeout.value, Time::ms(200), "{waited}");
        assert_eq!(inner.attempts.value, attempts, "{waited}");
        assert_eq!(inner.backoff.len() + 1, attempts as usize, "{waited}");
        assert_eq!(inner.worst_case(), Time::ms(worst), "{waited}");
        if attempts < 3 {
            assert!(inner.attempts.why.contains("`a`"), "{}", inner.attempts.why);
        }
    }
    // Without a stated timeout the caller waits as long as it takes: 20 + 750.
    let model = chain("", "");
    let plan = Plan::new(&model);
    let outer = plan.call(call(&model, "a", "b"));
    assert_eq!(outer.timeout.value, Time::ms(770));
    assert_eq!(outer.behind, Time::ms(770));
}

#[test]
fn stated_retries_stand_even_where_they_do_not_fit() {
    let model = chain(", timeout = \"300ms\"", ", retries = 2");
    let plan = Plan::new(&model);
    assert_eq!(plan.call(call(&model, "b", "c")).attempts.value, 3);
}

#[test]
fn a_stated_deadline_ends_a_call() {
    let model = chain(
        "",
        ", timeout = \"200ms\", retries = 2, deadline = \"500ms\"",
    );
    let plan = Plan::new(&model);
    let inner = plan.call(call(&model, "b", "c"));
    assert_eq!(
        (inner.attempts.value, inner.worst_case()),
        (3, Time::ms(500))
    );
    assert_eq!(
        plan.call(call(&model, "a", "b")).timeout.value,
        Time::ms(520)
    );
    // Derived attempts fit into it: 450 does, 750 does not.
    let model = chain("", ", deadline = \"500ms\"");
    let plan = Plan::new(&model);
    let inner = plan.call(call(&model, "b", "c"));
    assert_eq!(
        (inner.attempts.value, inner.worst_case()),
        (2, Time::ms(450))
    );
    // And so does a derived timeout.
    let model = chain("", ", deadline = \"150ms\"");
    let plan = Plan::new(&model);
    let inner = plan.call(call(&model, "b", "c"));
    assert_eq!(inner.timeout.value, Time::ms(150));
    assert_eq!(
        (inner.attempts.value, inner.worst_case()),
        (1, Time::ms(150))
    );
}

#[test]
fn calls_are_repeated_in_the_last_layer_and_only_where_that_is_safe() {
    let model = model(
        r#"
services = ["web", "a", "b", "c", "d"]
actors = ["browser"]
sync = [
  "browser --REST GET /a--> web",
  "web --REST GET /a--> a",
  "web --REST GET /b--> b",
  "web --REST POST /c--> c",
  { call = "web --REST PUT /d--> d", retries = 4 },
  "a --REST GET /b--> b",
]
"#,
    );
    let plan = Plan::new(&model);
    for (from, to, attempts) in [
        ("browser", "web", 1),
        ("web", "a", 1),
        ("web", "b", 3),
        ("web", "c", 1),
        ("web", "d", 5),
        ("a", "b", 3),
    ] {
        let planned = plan.call(call(&model, from, to)).attempts.value;
        assert_eq!(planned, attempts, "{from} -> {to}");
    }
    // 50, 100, 200, 400 between five attempts.
    let waits: Vec<u64> = plan
        .call(call(&model, "web", "d"))
        .backoff
        .iter()
        .map(|t| t.0 / 1000)
        .collect();
    assert_eq!(waits, [50, 100, 200, 400]);
}

const JOURNEY: &str = r#"
services = ["a", "b", "c", "d", "e"]
sync = [
  { call = "a --gRPC Do--> b", p99 = "300ms" },
  { call = "b --gRPC Do--> c", p99 = "100ms" },
  { call = "a --gRPC Do--> d", p99 = "50ms" },
  { call = "a --gRPC Do--> e", p99 = "70ms" },
ACTOR]
async = ["a --done--> e"]
[[flows]]
name = "Journey"
steps = ["client -> a", "a -> b", "b -> c", "a -> d", "a -> e", "a -> done"]
"#;

#[test]
fn only_outermost_percentiles_add_up() {
    let sum = |text: &str| {
        let model = model(text);
        let plan = Plan::new(&model);
        let l = plan.latency(0).unwrap();
        (l.sum_of_p99.value, l.parts.len(), l.stated)
    };
    // What `b` waits for `c` is part of what `a` waits for `b`: 20 of own work + 300 + 50 + 70.
    assert_eq!(sum(&JOURNEY.replace("ACTOR", "")), (Time::ms(440), 3, None));
    // At the same time: 20 + 300 + max(50, 70).
    let parallel = JOURNEY.replace("ACTOR", "") + "parallel = [[\"a -> d\", \"a -> e\"]]\n";
    assert_eq!(sum(&parallel), (Time::ms(390), 3, None));
    // The call from outside contains them all; what it consists of is shown beside it.
    let outside = "  { call = \"client --REST POST /a--> a\", p99 = \"400ms\" },\n";
    assert_eq!(
        sum(&JOURNEY.replace("ACTOR", outside)),
        (Time::ms(440), 3, Some(Time::ms(400)))
    );
}

#[test]
fn only_stated_calls_break_a_budget() {
    for (timeout, slack, over) in [
        ("25s", Some(Time::ms(4980)), Time::default()),
        // Ten and ten seconds fit; the callee's own 20 ms is nobody's statement.
        ("20s", Some(Time::default()), Time::default()),
        ("19s", None, Time::s(1)),
    ] {
        let model = model(&format!(
            r#"
services = ["web", "all", "x", "y"]
sync = [
  {{ call = "web --gRPC Do--> all", timeout = "{timeout}" }},
  {{ call = "all --gRPC Do--> x", timeout = "10s" }},
  {{ call = "all --gRPC Do--> y", timeout = "10s" }},
]
[[flows]]
name = "Both"
steps = ["client -> web", "web -> all", "all -> x", "all -> y"]
"#
        ));
        let plan = Plan::new(&model);
        let flow = &plan.flows[0];
        let id = call(&model, "web", "all");
        let row = flow.rows.iter().find(|r| r.call == id).unwrap();
        assert_eq!(row.behind, Time::ms(20_020), "{timeout}");
        assert_eq!((row.slack, row.over), (slack, over), "{timeout}");
    }
}

#[test]
fn concurrency_follows_littles_law() {
    let model = model(
        r#"
[services.a]
replicas = 5
rate = "50/s"
[services.b]
rate = "10/s"
[services.c]
[[sync]]
from = "a"
to = "c"
protocol = "grpc"
operation = "Do"
p99 = "120ms"
[[sync]]
from = "b"
to = "c"
protocol = "grpc"
operation = "Do"
p99 = "100ms"
"#,
    );
    let plan = Plan::new(&model);
    // 50/s × 0.12 s × 1.3 = 7.8, on the four of five instances that are left: 2 each. With 0.45 calls in flight
    // on each, Erlang's formula needs 5 slots to refuse less than one of a thousand.
    let a = plan.call(call(&model, "a", "c"));
    assert_eq!((a.concurrency.value, a.slots.value), (8, 5));
    // 10/s × 0.1 s × 1.3 = 1.3, all on the one of two that is left; 0.3 in flight need 4.
    let b = plan.call(call(&model, "b", "c"));
    assert_eq!((b.concurrency.value, b.slots.value), (2, 4));
    assert_eq!(
        plan.service(model.call(call(&model, "a", "c")).to)
            .rate
            .value,
        Rate(60.0)
    );
}

#[test]
fn instances_follow_from_the_connections_they_hold() {
    let spec = |infrastructure: &str, more: &str| {
        model(&format!(
            r#"
infrastructure = "{infrastructure}"
realtime = [
  {{ stream = "rooms --WebSocket /rooms--> client", connections = 40000 }},
  {{ stream = "rooms --SSE /news--> client", connections = 8000 }},
]
[services.rooms]
{more}
"#
        ))
    };
    let holds = |model: &Model| {
        let plan = Plan::new(model);
        let s = &plan.streams[0];
        assert_eq!(plan.streams[1].together.value, s.together.value);
        // Clients that come back must not be refused at the edge.
        for route in &plan.gateway.routes {
            let in_time = route.limit.value.0 * s.reconnect.value.as_s();
            assert!(in_time >= 48000.0, "{}", route.limit.why);
        }
        let alerts = &plan.alerting().alerts;
        let high: Vec<&str> = alerts
            .iter()
            .map(|a| a.name.as_str())
            .filter(|n| n.contains("ConnectionsHigh"))
            .collect();
        assert_eq!(high, ["RoomsConnectionsHigh"]);
        // No alert stands above what the platform lets through.
        let alert = alerts.iter().find(|a| a.name == high[0]).unwrap();
        let most = s.most.as_ref().map_or(u64::MAX, |(most, _)| most.0);
        let limit = s.together.value.0.min(most) * 4 / 5;
        assert!(
            alert.expr.ends_with(&format!("> {limit}")),
            "{}",
            alert.expr
        );
        (plan.services[0].replicas.value, s.together.value.0)
    };
    // ⌈48000 ÷ 5000⌉ + 1 and 48000 ÷ 10; Cloud Run holds 1000 an instance.
    assert_eq!(holds(&spec("kubernetes", "")), (11, 4800));
    assert_eq!(holds(&spec("gcp", "")), (49, 1000));
    // What the author sets stands.
    assert_eq!(holds(&spec("gcp", "replicas = 3")), (3, 24000));
}

#[test]
fn an_entry_of_which_nothing_is_said_serves_what_it_is_said_to_send() {
    let model = model(
        r#"
infrastructure = "kubernetes"
platform = { broker = "nats", mesh = "none" }
actors = ["device"]
services = ["adapter", "things", "sensor", "writer"]
sync = [{ call = "adapter --gRPC Check--> things", rate = "6000/s" }]
async = [{ event = "sensor --reading.taken--> writer", rate = "500/s" }]
realtime = ["adapter --WebSocket /mqtt--> device"]
"#,
    );
    let plan = Plan::new(&model);
    let rate = |name: &str| {
        let id = model
            .service_ids()
            .find(|s| model.service(*s).name == name)
            .unwrap();
        plan.service(id).rate.value
    };
    assert_eq!(rate("adapter"), Rate(6000.0));
    assert_eq!(rate("sensor"), Rate(500.0));
    // Who connects is who was declared to listen, not somebody else.
    let actor = plan.flows[0].actor.map(|a| model.actor(a).name.as_str());
    assert_eq!(actor, Some("device"));
    // The stream keeps messages as long as their dead letters, and readers remember as long as it does.
    let event = &plan.events[0];
    assert_eq!(event.kept.value, Time::h(14 * 24));
    assert!(event.dedupe.value > event.kept.value);
    // Nobody issues certificates here.
    assert_eq!(plan.choices.auth, msdesign::model::Auth::Jwt);
    assert!(!plan.choices.identity().contains("mesh"));
}

#[test]
fn what_is_not_http_goes_past_the_gateway() {
    let model = model(
        r#"
platform = { gateway = "nginx" }
actors = ["camera"]
services = ["entry", "api"]
sync = [
  "camera --MQTT cars/entered--> entry",
  "camera --SOAP Report--> api",
]
"#,
    );
    let plan = Plan::new(&model);
    let routed: Vec<&str> = plan
        .gateway
        .routes
        .iter()
        .map(|r| model.service(r.service).name.as_str())
        .collect();
    assert_eq!(routed, ["api"]);
    assert_eq!(plan.gateway.past, [call(&model, "camera", "entry")]);
    // Its timeout is not the gateway's to cut.
    for flow in &plan.flows {
        let entry = flow.entry.map(|s| model.service(s).name.as_str());
        assert_eq!(
            flow.ceilings.is_empty(),
            entry == Some("entry"),
            "{entry:?}"
        );
    }
}

#[test]
fn availability_is_the_product_of_what_is_needed() {
    let model = model(
        r#"
services = [
  { name = "a", availability = "99.9%" },
  { name = "b", availability = "99.5%" },
  { name = "c", availability = "99%", stores = ["postgres:kept"] },
  { name = "d", availability = "50%" },
]
stores = { kept = { availability = "99.99%" } }
sync = [
  "a --gRPC Do--> b",
  "b --gRPC Do--> c",
  "a --gRPC Do--> c",
  { call = "a --gRPC Do--> d", optional = true },
]
"#,
    );
    let plan = Plan::new(&model);
    let reachable: Vec<f64> = model
        .service_ids()
        .map(|s| plan.availability(s).reachable.value.0)
        .collect();
    // Each dependency once: 0.999 × 0.995 × 0.99 × 0.9999, 0.995 × 0.99 × 0.9999, 0.99 × 0.9999.
    for (got, want) in reachable
        .iter()
        .zip([0.983_966_543_5, 0.984_951_495, 0.989_901, 0.5])
    {
        assert!((got - want).abs() < 1e-9, "{got} is not {want}");
    }
    assert_eq!(plan.availability(ServiceId(0)).needs.len(), 3);
}

#[test]
fn what_is_said_about_handling_is_what_the_plan_reckons_with() {
    let broker = |terms: &str| {
        model(&format!(
            "services = [\"a\", \"b\"]\nasync = [{{ event = \"a --x.done--> b\", rate = \"100/s\"{terms} }}]\n"
        ))
    };
    // Kafka waits 300 s; 50 ms a message fit. 20 messages of 10 s need 200 s, so 400 s.
    for (terms, ack, partitions) in [
        ("", Time::s(300), 7),
        (", handler = \"100ms\"", Time::s(300), 13),
        (", handler = \"10s\", prefetch = 20", Time::s(400), 1300),
        (", ack_timeout = \"45s\"", Time::s(45), 7),
    ] {
        let m = broker(terms);
        let plan = Plan::new(&m);
        let e = plan.event(msdesign::model::EventId(0));
        assert_eq!(e.ack_timeout.value, ack, "{terms}");
        // 100/s × 1.3 × the handler's time.
        assert_eq!(e.partitions.as_ref().unwrap().value, partitions, "{terms}");
    }
    // 2 × 10 min are more than Pub/Sub ever waits.
    let m = broker(", handler = \"10m\", broker = \"pubsub\"");
    let plan = Plan::new(&m);
    let e = plan.event(msdesign::model::EventId(0));
    assert_eq!(e.ack_timeout.value, Time::s(600));
    let m = broker(", dedupe = \"1h\", dead_letter = { retention = \"3d\" }");
    let plan = Plan::new(&m);
    let e = plan.event(msdesign::model::EventId(0));
    assert_eq!(e.dedupe.value, Time::s(3600));
    assert_eq!(e.dead_letter_retention.value, Time::s(3 * 86_400));
}

#[test]
fn the_schema_of_an_event_does_not_depend_on_the_order_of_its_statements() {
    let statements = [
        "{ event = \"a --x.done--> b\", schema = { id = \"string\", n = \"integer\" } }",
        "{ event = \"a --x.done--> c\", schema = { n = \"string\" } }",
        "{ from = \"a\", event = \"x.done\", schema = { n = \"number\" } }",
    ];
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
        let [x, y, z] = order.map(|i| statements[i]);
        let m = model(&format!(
            "services = [\"a\", \"b\", \"c\"]\nasync = [{x}, {y}, {z}]\n"
        ));
        let e = m.event(msdesign::model::EventId(0));
        // The publisher's own statement counts, however short.
        assert_eq!(e.schema.len(), 1, "{order:?}");
        assert_eq!(e.schema[0].kind, "number");
        let copies: Vec<usize> = e.copies.iter().map(|c| c.fields.len()).collect();
        assert_eq!(copies, [2, 1], "{order:?}");
    }
}

#[test]
fn a_grpc_method_keeps_what_is_said_of_its_name() {
    let model = model("title = \"Web shop\"\nservices = [\"payment-service\"]\n");
    let full = |operation| Rpc::new(&model, "web-shop", ServiceId(0), operation).full_method();
    let derived = "web_shop.payment_service.v1";
    for (operation, method) in [
        ("shop.v1.Cart/Get", "shop.v1.Cart/Get".to_owned()),
        ("shop.v1.Cart.Get", "shop.v1.Cart/Get".to_owned()),
        (
            "CartService/GetCart",
            format!("{derived}.CartService/GetCart"),
        ),
        ("Authorize", format!("{derived}.PaymentService/Authorize")),
        ("", format!("{derived}.PaymentService")),
        (
            "reserve stock",
            format!("{derived}.PaymentService/ReserveStock"),
        ),
        ("1e3.Über/do it", "n1e3.Ufcber/DoIt".to_owned()),
    ] {
        assert_eq!(full(operation), method);
    }
}

/// The codes of the errors of every call, in the order of the calls.
fn codes(spec: &str) -> Vec<Vec<&'static str>> {
    let model = model(spec);
    let plan = Plan::new(&model);
    model
        .call_ids()
        .map(|id| plan.errors(id).iter().map(|e| e.code).collect())
        .collect()
}

#[test]
fn errors_follow_from_the_request_the_proof_and_what_is_behind_the_callee() {
    // The first callee waits for the second; certificates need no 401; nothing limits inner calls.
    let codes = codes(
        r#"
services = ["a", "b", "c"]
platform.auth = "mtls"
sync = [
  "client --REST POST /orders--> a",
  "a --REST GET /stock/{sku}--> b",
  "b --REST GET /rates--> c",
]
"#,
    );
    let of = |has: &str| codes.iter().filter(|c| c.contains(&has)).count();
    assert_eq!(codes.len(), 3);
    assert!(codes.contains(&vec!["403", "500", "503"]), "{codes:?}");
    assert!(
        codes.contains(&vec!["400", "403", "404", "500", "503", "504"]),
        "{codes:?}"
    );
    assert!(
        codes.contains(&vec![
            "400", "401", "403", "409", "422", "429", "500", "503", "504"
        ]),
        "{codes:?}"
    );
    assert_eq!((of("429"), of("504"), of("404")), (1, 2, 1));
}

#[test]
fn errors_of_remote_procedures_follow_from_the_verb() {
    let codes = codes(
        r#"
services = ["a", "b"]
platform.auth = "mtls"
sync = ["a --gRPC ListItems--> b", "a --gRPC CreateItem--> b", "a --gRPC GetItem--> b"]
"#,
    );
    let end = ["INTERNAL", "PERMISSION_DENIED", "UNAVAILABLE"];
    for own in [
        vec!["INVALID_ARGUMENT"],
        vec!["ALREADY_EXISTS", "INVALID_ARGUMENT"],
        vec!["INVALID_ARGUMENT", "NOT_FOUND"],
    ] {
        let mut all = [&["DEADLINE_EXCEEDED"], own.as_slice(), &end].concat();
        all.sort_unstable();
        assert!(codes.contains(&all), "{all:?} in {codes:?}");
    }
}

#[test]
fn one_client_gets_ten_even_shares_where_it_is_known_how_many_they_are() {
    let of = |connections: &str| {
        let model = model(&format!(
            r#"
services = ["api", "push"]
actors = ["device"]
sync = [{{ call = "device --REST POST /readings--> api", rate = "1000/s" }}]
realtime = [{{ stream = "push --WebSocket /push--> device"{connections} }}]
"#
        ));
        let plan = Plan::new(&model);
        let route = plan.gateway.routes.iter().find(|r| r.call.is_some());
        let route = route.unwrap();
        (route.client_limit.value.0, route.burst.value)
    };
    // The peak of 1,000/s with 30 % headroom; a tenth of it, or ten shares; at least one a second, and five at once.
    assert_eq!(of(""), (130.0, 130));
    assert_eq!(of(", connections = 1000"), (13.0, 13));
    assert_eq!(of(", connections = 50"), (130.0, 130));
    assert_eq!(of(", connections = 250000"), (1.0, 5));
}

#[test]
fn traces_start_where_a_service_publishes_by_itself_if_nothing_comes_in() {
    let model = model(
        r#"
services = ["meter", "bill", "mail"]
async = [
  { event = "meter --usage.read--> bill", rate = "40/s" },
  { event = "bill --bill.made--> mail", rate = "2/s" },
]
"#,
    );
    let tracing = Plan::new(&model).tracing;
    assert!(!tracing.requests);
    let starts: Vec<(&str, f64)> = tracing
        .entries
        .iter()
        .map(|(s, r)| (model.service(*s).name.as_str(), r.value.0))
        .collect();
    assert_eq!(starts, [("meter", 40.0)]);
    // 40/s published and handled, 2/s published and handled; of 40 traces a second 10 are kept.
    assert!((tracing.spans.value.0 - 84.0).abs() < 1e-9);
    assert!((tracing.kept.value.0 - 21.0).abs() < 1e-9);
}

#[test]
fn steps_are_joined_through_services_that_are_none() {
    let model = model(
        r#"
services = ["fraud", "stock", "gather", "relay", "mail"]
async = [
  "fraud --fraud.checked--> stock, gather",
  "stock --stock.taken--> gather",
  "gather --order.judged--> relay",
  "relay --order.passed--> mail",
]
"#,
    );
    let plan = Plan::new(&model);
    let links = Links::new(&plan);
    let id = |name: &str| ServiceId(model.services.iter().position(|s| s.name == name).unwrap());
    let steps = |names: &[&str]| names.iter().map(|n| id(n)).collect();
    let by = |from: &str, to: &str, of: &[&str]| {
        let way = links.way(id(from), id(to), &steps(of));
        way.map(|hops| {
            hops.iter()
                .map(|h| model.service(h.from).name.clone())
                .collect::<Vec<_>>()
        })
    };
    assert_eq!(
        by("fraud", "mail", &["fraud", "stock", "mail"]).unwrap(),
        ["fraud", "gather", "relay"]
    );
    // Nothing leads around a step.
    assert_eq!(by("fraud", "mail", &["fraud", "relay", "mail"]), None);
    assert_eq!(by("mail", "fraud", &["fraud", "mail"]), None);
}

#[test]
fn entry_points_that_need_the_same_are_alike() {
    let model = model(
        r#"
services = ["a", "b", "c", "stock"]
actors = ["shopper"]
sync = [
  "shopper --REST GET /a--> a",
  "shopper --REST GET /b--> b",
  "shopper --REST GET /c--> c",
  "a --gRPC Take--> stock",
  "b --gRPC Take--> stock",
  { call = "c --gRPC Take--> stock", optional = true },
]
"#,
    );
    let plan = Plan::new(&model);
    let like = |entry: &str| {
        let i = plan.flows.iter().position(|f| {
            f.entry
                .is_some_and(|s| model.service(s).name.as_str() == entry)
        });
        plan.flow_availability(i.unwrap())
            .unwrap()
            .likeness()
            .unwrap()
    };
    assert_eq!(like("a"), like("b"));
    assert_ne!(like("a"), like("c"));
}
