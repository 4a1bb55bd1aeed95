//! Every key of every table of the language, what it may hold, and what it says.

mod interactions;
mod journeys;
mod services;

use crate::schema::{
    Kind::{Count, Named, Of, Own, Part as Inner, Parts, Text, Texts, Word, Words as Several},
    Part,
    Quantity::{Rate, Share, Size, Time},
    Words::{From, These},
    key, one_or_more, rule, rule_settings, words,
};
use interactions::{
    AUTH, BACKOFF, BREAKER, CALL, DEAD_LETTER, EVENT, FEW, STREAM, some_broker, statements,
};
use journeys::{FLOW, SAGA, SAGA_STEP};
use services::{
    BROKER, INSTANCES, JWT, LISTED_SERVICE, PROBE, SERVICE, SLO, STORE, TEAM, services, teams,
};

pub(super) const ROOT: Part = Part {
    id: "design",
    keys: &[&[
        key("title", Text, "Heading of the chapter."),
        key(
            "description",
            Text,
            "One or more sentences about the system.",
        ),
        key(
            "architecture",
            Word(These(&["monolith", "microservices"])),
            "What exists today; a monolith gets a migration section.",
        ),
        key(
            "infrastructure",
            Several(From(words::infrastructures)),
            "Where it runs. The first of a list is the main one.",
        ),
        key(
            "language",
            Several(From(words::languages)),
            "Of the pattern code; a list gives one variant each.",
        ),
        key(
            "services",
            Own(services),
            "The services: a list of names, or a table each.",
        ),
        key(
            "actors",
            Texts,
            "Who calls from outside. `client` always exists.",
        ),
        key(
            "sync",
            Own(|| statements(&CALL)),
            "Calls that the caller waits for: `orders --gRPC Authorize--> payments`.",
        ),
        key(
            "async",
            Own(|| statements(&EVENT)),
            "Events: `orders --order.placed--> shipping, email`.",
        ),
        key(
            "realtime",
            Own(|| statements(&STREAM)),
            "Streams to who is connected: `orders --WebSocket /orders/{id}--> browser`.",
        ),
        key("teams", Own(teams), "Teams, each with its services."),
        key(
            "stores",
            Named(STORE),
            "Stores that are shared, described once.",
        ),
        key("brokers", Named(BROKER), "Brokers, described once."),
        key(
            "sagas",
            Parts(SAGA),
            "Business transactions over several services.",
        ),
        key(
            "flows",
            Parts(FLOW),
            "User journeys, each with a sequence diagram and a budget.",
        ),
        key("platform", Inner(PLATFORM), "Choices made by the author."),
        key("diagram", Inner(DIAGRAM), "How the diagram is shown."),
        key(
            "defaults",
            Inner(DEFAULTS),
            "Numbers used where a call or a service states none.",
        ),
        key(
            "lint",
            Inner(LINT),
            "What the linter lets pass or insists on.",
        ),
        key(
            "include",
            Texts,
            "Spec files that are merged under this one; relative to the chapter.",
        ),
        key(
            "sections",
            Several(From(words::sections)),
            "The sections that are shown, in this order.",
        ),
        key("depth", Count(1, 4), "Heading level to start from."),
    ]],
    needs: &[],
    or: &[],
};

pub(super) const PARTS: &[&Part] = &[
    &SERVICE,
    &LISTED_SERVICE,
    &SLO,
    &JWT,
    &PROBE,
    &TEAM,
    &STORE,
    &BROKER,
    &CALL,
    &BACKOFF,
    &BREAKER,
    &EVENT,
    &DEAD_LETTER,
    &STREAM,
    &SAGA,
    &SAGA_STEP,
    &FLOW,
    &PLATFORM,
    &DIAGRAM,
    &DEFAULTS,
    &LINT,
    &ALLOW,
];

const PLATFORM: Part = Part {
    id: "platform",
    keys: &[&[
        key("broker", Own(some_broker), "Message broker."),
        key("mesh", Word(From(words::meshes)), "Service mesh."),
        key("gateway", Word(From(words::gateways)), "API gateway."),
        key("auth", AUTH, "How services prove who they are."),
        key("jwt", Inner(JWT), "What every service checks of a token."),
        key(
            "rate_limit_scope",
            Word(These(&["local", "global"])),
            "`local`: each instance of the gateway counts for itself; `global`: they share a count.",
        ),
        key("gateway_replicas", INSTANCES, "Instances of the gateway."),
        key(
            "mesh_retries",
            FEW,
            "Attempts that the mesh adds to every call.",
        ),
        key(
            "gateway_retries",
            FEW,
            "Attempts that the gateway adds to every request.",
        ),
        key(
            "load_balancer",
            Word(From(words::load_balancers)),
            "What stands in front of the gateway.",
        ),
    ]],
    needs: &[],
    or: &[],
};

const DIAGRAM: Part = Part {
    id: "diagram",
    keys: &[&[
        key(
            "view",
            Word(These(&["auto", "full", "overview"])),
            "How much one picture shows.",
        ),
        key(
            "labels",
            Word(These(&["auto", "full", "wrapped", "numbers"])),
            "What stands at its lines.",
        ),
    ]],
    needs: &[],
    or: &[],
};

const DEFAULTS: Part = Part {
    id: "defaults",
    keys: &[&[
        key("rate", Of(Rate), "Peak rate of an entry point."),
        key("p50", Of(Time), "Median response time."),
        key("p99", Of(Time), "99th percentile of the response time."),
        key("timeout", Of(Time), "Of one attempt."),
        key(
            "retries",
            FEW,
            "Attempts after the first, where the design retries.",
        ),
        key("availability", Of(Share), "Of a service's own instances."),
        key("replicas", INSTANCES, "Instances of a service."),
        key("size", Of(Size), "Of an event."),
        key("retention", Of(Time), "How long a broker keeps an event."),
    ]],
    needs: &[],
    or: &[],
};

const LINT: Part = Part {
    id: "lint",
    keys: &[&[
        key("allow", Parts(ALLOW), "Findings that may stay."),
        key(
            "deny",
            Own(|| one_or_more(&rule())),
            "Rules whose findings are errors.",
        ),
        key(
            "warn",
            Own(|| one_or_more(&rule())),
            "Rules whose findings are warnings.",
        ),
        key(
            "rules",
            Own(rule_settings),
            "By rule: a severity, or a table of severity and thresholds.",
        ),
    ]],
    needs: &[],
    or: &[],
};

const ALLOW: Part = Part {
    id: "allow",
    keys: &[&[
        key("rule", Own(rule), "The rule."),
        key(
            "at",
            Text,
            "Only findings about this: a service, `a -> b`, an event.",
        ),
        key("reason", Text, "Why it may stay."),
    ]],
    needs: &["rule", "reason"],
    or: &[],
};
