//! Services, teams, stores and brokers.

use serde_json::{Value, json};

use crate::schema::{
    Key,
    Kind::{self, Count, Flag, Of, Own, Part as Inner, Text, Texts, Word, Words as Several},
    Part,
    Quantity::{Rate, Share, Time},
    Words::{From, These},
    key, text, words,
};

pub(super) const INSTANCES: Kind = Count(1, 100_000);
const ZONES: Kind = Count(1, 26);

const SERVICE_KEYS: &[Key] = &[
    key("description", Text, "What it does."),
    key("team", Text, "The team that owns it."),
    key("language", Text, "What it is written in."),
    key(
        "stores",
        Texts,
        "Its data as `kind:name`, such as `postgres:orders`.",
    ),
    key(
        "reads",
        Texts,
        "Stores of others that it reads directly, as `kind:name`.",
    ),
    key(
        "address",
        Text,
        "Where its callers find it: a name, or a host and port.",
    ),
    key(
        "public",
        Flag,
        "Reachable from outside, through the gateway.",
    ),
    key(
        "slo",
        Inner(SLO),
        "What it promises its callers, everything behind it included.",
    ),
    key(
        "availability",
        Of(Share),
        "Of its own instances, while all that it needs is up.",
    ),
    key(
        "external",
        Flag,
        "Somebody else's service, which is only called.",
    ),
    key("rate", Of(Rate), "Requests a second at peak."),
    key("replicas", INSTANCES, "Instances."),
    key(
        "contract",
        Text,
        "OpenAPI, .proto or AsyncAPI file, checked against the calls that name the service.",
    ),
    key(
        "health",
        Own(
            || json!({ "type": "string", "pattern": "^\\s*(/.*|[gG][rR][pP][cC]|[nN][oO][nN][eE])\\s*$", "examples": ["/health", "grpc", "none"] }),
        ),
        "What is asked whether it is well: a path or `grpc`; `none`: the existing service has no health check.",
    ),
    key(
        "liveness",
        Inner(PROBE),
        "What decides whether an instance is restarted.",
    ),
    key(
        "readiness",
        Inner(PROBE),
        "What decides whether an instance gets requests.",
    ),
    key(
        "capacity",
        Of(Rate),
        "Requests a second that all instances together can serve, as measured.",
    ),
    key("zones", ZONES, "Zones over which the instances are spread."),
    key(
        "grace",
        Of(Time),
        "Between the signal to stop and the kill.",
    ),
    key(
        "balancing",
        Word(These(&["l4", "l7", "client"])),
        "A connection at a time, a request at a time by a proxy, or by the caller itself.",
    ),
    key(
        "runtime",
        Word(From(words::runtimes)),
        "Runs it where that limits how long a request may take.",
    ),
    key("jwt", Inner(JWT), "What it checks of a token."),
];

pub(super) const SERVICE: Part = Part {
    id: "service",
    keys: &[SERVICE_KEYS],
    needs: &[],
    or: &[],
};

/// A service in a list carries its name itself.
pub(super) const LISTED_SERVICE: Part = Part {
    id: "listed-service",
    keys: &[&[key("name", Text, "Its name.")], SERVICE_KEYS],
    needs: &["name"],
    or: &[],
};

pub(super) const SLO: Part = Part {
    id: "slo",
    keys: &[&[
        key(
            "availability",
            Of(Share),
            "Share of good requests, below 100 %.",
        ),
        key("p99", Of(Time), "99th percentile of the response time."),
    ]],
    needs: &[],
    or: &[],
};

pub(super) const JWT: Part = Part {
    id: "jwt",
    keys: &[&[key(
        "checks",
        Several(These(&[
            "alg",
            "signature",
            "iss",
            "aud",
            "exp",
            "nbf",
            "sub",
            "typ",
            "scope",
        ])),
        "What is compared.",
    )]],
    needs: &["checks"],
    or: &[],
};

pub(super) const PROBE: Part = Part {
    id: "probe",
    keys: &[&[
        key("path", Text, "A path, or `grpc`."),
        key(
            "checks",
            Texts,
            "The stores, services and brokers that it looks at.",
        ),
    ]],
    needs: &[],
    or: &[],
};

pub(super) const TEAM: Part = Part {
    id: "team",
    keys: &[&[
        key("services", Texts, "Its services."),
        key("channel", Text, "Chat channel."),
        key("oncall", Text, "On-call rotation."),
        key("email", Text, "Mail address."),
    ]],
    needs: &[],
    or: &[],
};

pub(super) const STORE: Part = Part {
    id: "store",
    keys: &[&[
        key("kind", Text, "`postgres`, `redis`, …"),
        key("availability", Of(Share), "Share of time that it is up."),
        key("description", Text, "What it keeps."),
        key(
            "optional",
            Flag,
            "Its services answer without it, as without a cache.",
        ),
        key("zones", ZONES, "Zones over which it is spread."),
    ]],
    needs: &[],
    or: &[],
};

pub(super) const BROKER: Part = Part {
    id: "broker",
    keys: &[&[
        key(
            "kind",
            Word(From(words::brokers)),
            "The product. A broker called `kafka` is Kafka without it.",
        ),
        key("availability", Of(Share), "Share of time that it is up."),
        key("description", Text, "What it carries."),
        key("zones", ZONES, "Zones over which it is spread."),
    ]],
    needs: &[],
    or: &[],
};

/// A list of names and tables, or a table a service.
pub(super) fn services() -> Value {
    json!({ "anyOf": [
        { "type": "array", "items": { "anyOf": [text(), LISTED_SERVICE.refer()] } },
        { "type": "object", "additionalProperties": SERVICE.refer() },
    ] })
}

/// A team is a list of its services, or a table.
pub(super) fn teams() -> Value {
    let team = json!({ "anyOf": [{ "type": "array", "items": text() }, TEAM.refer()] });
    json!({ "type": "object", "additionalProperties": team })
}
