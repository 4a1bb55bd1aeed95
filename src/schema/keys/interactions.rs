//! Calls, events and streams.

use serde_json::{Value, json};

use crate::schema::{
    Key,
    Kind::{self, Count, Flag, List, Of, OrNone, Own, PartOrNone, Text, Texts, Word},
    Part,
    Quantity::{Rate, Share, Size, Time},
    Words::{From, These},
    key, text, words,
};

/// Attempts beside the first.
pub(super) const FEW: Kind = Count(0, 100);

/// A call with attributes: an arrow, or its parts.
pub(super) const CALL: Part = Part {
    id: "call",
    keys: &[
        &[key(
            "call",
            Own(|| arrow(false)),
            "`source --PROTOCOL OPERATION--> target`.",
        )],
        ENDS,
        CALL_KEYS,
    ],
    needs: &[],
    or: &[&["call"], &["from", "to", "protocol"]],
};

/// An event with attributes: an arrow, or its parts.
pub(super) const EVENT: Part = Part {
    id: "event",
    keys: &[
        &[
            key(
                "event",
                Text,
                "`source --NAME--> target[, target …]`, or beside `from` its name.",
            ),
            key("from", Text, "Who publishes it; `none`: nobody does."),
            key("to", Texts, "Who reads it; `none`: nobody does."),
        ],
        EVENT_KEYS,
    ],
    needs: &["event"],
    or: &[],
};

/// A stream with attributes: an arrow, or its parts.
pub(super) const STREAM: Part = Part {
    id: "stream",
    keys: &[
        &[key(
            "stream",
            Own(|| arrow(false)),
            "`source --WebSocket /path--> target`.",
        )],
        ENDS,
        &[key("path", Text, "Its path, in place of `operation`.")],
        STREAM_KEYS,
    ],
    needs: &[],
    or: &[&["stream"], &["from", "to", "protocol"]],
};

const CALL_KEYS: &[Key] = &[
    key("rate", Of(Rate), "Calls a second at peak."),
    key(
        "p50",
        Of(Time),
        "Median response time of the callee as its caller sees it.",
    ),
    key(
        "p99",
        Of(Time),
        "99th percentile of the callee's response time as its caller sees it.",
    ),
    key(
        "timeout",
        OrNone(Time),
        "Of one attempt; `none`: the existing system sets no limit.",
    ),
    key("retries", FEW, "Attempts after the first."),
    key(
        "deadline",
        Of(Time),
        "Of the whole logical call, all attempts and waits included.",
    ),
    key("idempotent", Flag, "Whether it may be repeated."),
    key(
        "optional",
        Flag,
        "A soft dependency: the caller answers without it.",
    ),
    key("fallback", Text, "What the caller does meanwhile."),
    key("auth", AUTH, "How the caller proves who it is."),
    key(
        "token",
        Word(These(&["relay", "exchange", "own"])),
        "Whose token goes along: the one that the caller got, one exchanged for it, or the caller's own.",
    ),
    key(
        "traceparent",
        Flag,
        "`false`: the existing call carries no trace context.",
    ),
    key(
        "payload",
        Of(Size),
        "Size of the request or the answer, whichever is larger.",
    ),
    key(
        "contract",
        Text,
        "OpenAPI or .proto file, checked against the call.",
    ),
    key("description", Text, "What the call is for."),
    key(
        "bulkhead",
        Count(1, 1_000_000),
        "Concurrent calls that one instance of the caller allows.",
    ),
    key(
        "rate_limit",
        Of(Rate),
        "What is let through to the callee, of all callers together.",
    ),
    key(
        "backoff",
        PartOrNone(BACKOFF),
        "Waits between attempts; `none`: repeated at once.",
    ),
    key(
        "retry_budget",
        OrNone(Share),
        "Retries as a share of calls; `none`: nothing limits them.",
    ),
    key(
        "retry_on",
        Texts,
        "Failures that are tried again: status codes, gRPC codes or names such as `connect-failure`.",
    ),
    key(
        "hedge",
        Of(Time),
        "When a second copy of the request is sent while the first still runs.",
    ),
    key(
        "per_request",
        Count(1, 10_000),
        "How often one request of the caller makes the call, one after the other.",
    ),
    key(
        "breaker",
        PartOrNone(BREAKER),
        "The circuit breaker; `none`: there is none today.",
    ),
    key(
        "propagate_deadline",
        Flag,
        "`false`: the deadline of the caller's own request is not handed on.",
    ),
];

pub(super) const AUTH: Kind = Word(From(words::auths));

/// What stands in the table form of calls and streams in place of an arrow.
const ENDS: &[Key] = &[
    key("from", Text, "Who starts it."),
    key("to", Texts, "Who is addressed."),
    key("protocol", Text, "The protocol."),
    key(
        "operation",
        Text,
        "What is asked for: `POST /orders`, `Payments/Authorize`.",
    ),
];

pub(super) const BACKOFF: Part = Part {
    id: "backoff",
    keys: &[&[
        key("base", Of(Time), "Bound of the first wait."),
        key("max", Of(Time), "Bound of every wait."),
        key(
            "jitter",
            Flag,
            "Whether a wait is drawn at random below its bound.",
        ),
    ]],
    needs: &[],
    or: &[],
};

pub(super) const BREAKER: Part = Part {
    id: "breaker",
    keys: &[&[
        key("window", Of(Time), "What it looks back at."),
        key(
            "minimum_calls",
            Count(1, 1_000_000),
            "Calls in the window before it judges.",
        ),
        key(
            "failure_rate",
            Of(Share),
            "Share of failed calls that opens it.",
        ),
        key(
            "slow",
            Of(Time),
            "A call that takes longer counts as failed.",
        ),
        key("open", Of(Time), "How long it stays open."),
        key(
            "half_open",
            Count(1, 1000),
            "Calls that it lets through when half open.",
        ),
    ]],
    needs: &[],
    or: &[],
};

const EVENT_KEYS: &[Key] = &[
    key("broker", Own(some_broker), "Where it is published."),
    key("rate", Of(Rate), "Messages a second at peak."),
    key("size", Of(Size), "Of one message."),
    key(
        "key",
        Text,
        "Field that orders and partitions; `none`: it is published without a key today.",
    ),
    key(
        "version",
        Own(
            || json!({ "type": ["integer", "string"], "pattern": "^([vV]*[0-9]|[nN][oO][nN][eE]$)" }),
        ),
        "Of its schema; `none`: it is published without a version today.",
    ),
    key(
        "delivery",
        Word(These(&["at-least-once", "at-most-once", "exactly-once"])),
        "What the broker promises.",
    ),
    key("retention", Of(Time), "How long messages are kept."),
    key(
        "retries",
        Count(0, 1000),
        "Attempts of a consumer after the first.",
    ),
    key(
        "schema",
        Own(
            || json!({ "anyOf": [{ "type": "string" }, { "type": "object", "additionalProperties": text() }] }),
        ),
        "The fields of its data and their types, or the path of a JSON Schema file.",
    ),
    key("pii", List, "Fields that hold personal data."),
    key(
        "contract",
        Text,
        "AsyncAPI file, checked against the event.",
    ),
    key("description", Text, "What it tells."),
    key(
        "compatibility",
        Word(These(&[
            "backward",
            "forward",
            "full",
            "backward-transitive",
            "forward-transitive",
            "full-transitive",
            "none",
        ])),
        "What a new schema may change; `none`: nothing checks it today.",
    ),
    key(
        "ordered",
        Flag,
        "Whether its readers need the messages of one key in order.",
    ),
    key(
        "idempotent",
        Flag,
        "Whether a message that is handled twice has the effect of one.",
    ),
    key(
        "dedupe",
        Of(Time),
        "How long readers or broker remember what was handled.",
    ),
    key(
        "ack",
        Word(These(&["auto", "manual"])),
        "`auto`: a message counts as handled when it is delivered.",
    ),
    key(
        "ack_timeout",
        Of(Time),
        "After which a message that is not acknowledged is delivered again.",
    ),
    key(
        "handler",
        Of(Time),
        "The longest that a reader works on one message.",
    ),
    key(
        "prefetch",
        Count(1, 100_000),
        "Messages that a reader takes at a time.",
    ),
    key(
        "encrypted",
        Flag,
        "`false`: its `pii` fields travel in the clear.",
    ),
    key(
        "traceparent",
        Flag,
        "`false`: its messages carry no trace context.",
    ),
    key(
        "dead_letter",
        PartOrNone(DEAD_LETTER),
        "Its dead letters; `none`: there are none today.",
    ),
    key("outbox", Flag, "Whether it is published through an outbox."),
    key(
        "durable",
        Flag,
        "`false`: messages do not outlive the broker.",
    ),
    key(
        "acks",
        Word(These(&["none", "leader", "all"])),
        "`none`: the publisher does not wait for the broker today.",
    ),
    key(
        "partitions",
        Count(1, 1_000_000),
        "Partitions of its topic.",
    ),
];

pub(super) const DEAD_LETTER: Part = Part {
    id: "dead-letter",
    keys: &[&[
        key("retention", Of(Time), "How long dead letters are kept."),
        key("alert", Flag, "Whether somebody is told of one."),
    ]],
    needs: &[],
    or: &[],
};

const STREAM_KEYS: &[Key] = &[
    key(
        "connections",
        Count(1, 1_000_000_000),
        "Open at once, at peak.",
    ),
    key("rate", Of(Rate), "Messages a second over all connections."),
    key("size", Of(Size), "Of one message."),
    key("heartbeat", Of(Time), "How often a sign of life is sent."),
    key("resume", Flag, "Whether a client goes on where it stopped."),
    key("auth", AUTH, "How the client proves who it is."),
    key(
        "backplane",
        Word(These(&[
            "redis-pubsub",
            "redis-streams",
            "kafka",
            "nats",
            "rabbitmq",
            "managed",
            "none",
        ])),
        "What carries messages from one instance to the clients of another; `none`: nothing does today.",
    ),
    key(
        "sticky",
        Flag,
        "Whether all requests of a client reach one instance.",
    ),
    key(
        "fallback",
        Word(These(&["long-polling", "sse", "none"])),
        "What a client uses where the transport does not work.",
    ),
    key("lossless", Flag, "Whether no message may be lost."),
    key(
        "max_session",
        Of(Time),
        "How long a client stays connected.",
    ),
    key("description", Text, "What it is for."),
];

/// A list of arrows and tables.
pub(super) fn statements(table: &Part) -> Value {
    let mut arrow = arrow(table.id == "event");
    arrow["examples"] = json!([match table.id {
        "call" => "orders --gRPC Authorize--> payments",
        "event" => "orders --order.placed--> shipping, email",
        _ => "orders --WebSocket /orders/{id}/status--> browser",
    }]);
    json!({ "type": "array", "items": { "anyOf": [arrow, table.refer()] } })
}

/// `source --LABEL--> target`, for events with a broker on the way.
fn arrow(broker: bool) -> Value {
    // Neither a name nor a label holds `-->`.
    let piece = "(?:(?!-->)[^\\n])*";
    let name = format!("\\s*(?!-->)\\S{piece}");
    let way = if broker {
        format!("(?:{name}-->)?")
    } else {
        String::new()
    };
    json!({
        "type": "string",
        "pattern": format!("^\\s*(?!--)\\S(?:(?!--)[^\\n])*--{name}-->{way}{name}$"),
    })
}

/// A product, or a broker by its own name.
pub(super) fn some_broker() -> Value {
    json!({ "anyOf": [{ "enum": words::brokers() }, text()] })
}
