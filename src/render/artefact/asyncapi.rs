//! AsyncAPI 3.0: one document a service that publishes or reads, and one of the whole design.
//!
//! `send` and `receive` are seen from the service, as AsyncAPI means them. How often a message is tried, where
//! it waits meanwhile and where it lands then has no field in AsyncAPI yet; it stands in the extensions
//! `x-attempts`, `x-retries` and `x-dead-letter`.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::super::Cx;
use super::events::schema;
use super::{File, Kind, yaml};
use crate::model::{BrokerId, EventId, Party, ServiceId};
use crate::plan::{slug, snake};

pub(super) const KIND: Kind = Kind {
    id: "asyncapi",
    what: "an AsyncAPI 3.0 document a service with events, and one of the design",
    files,
};

/// What one service does with one event.
#[derive(Clone, Copy)]
struct Part {
    service: ServiceId,
    event: EventId,
    sends: bool,
}

/// Where the document `name` is kept.
pub(super) fn path(name: &str) -> String {
    format!("asyncapi/{name}.yaml")
}

/// The services that get a document.
pub(super) fn described(cx: &Cx<'_>) -> BTreeSet<ServiceId> {
    let parts = parts(cx).into_iter().map(|p| p.service);
    parts
        .filter(|s| !cx.plan.model.service(*s).external)
        .collect()
}

/// Who does what with which event.
fn parts(cx: &Cx<'_>) -> Vec<Part> {
    let model = cx.plan.model;
    let mut parts = Vec::new();
    for event in model.event_ids() {
        let e = model.event(event);
        let senders: BTreeSet<ServiceId> = e.publishers.iter().map(|p| p.service).collect();
        let receivers: BTreeSet<ServiceId> = e
            .consumers
            .iter()
            .filter_map(|(p, _)| match p {
                Party::Service(s) => Some(*s),
                Party::Actor(_) => None,
            })
            .collect();
        for (services, sends) in [(senders, true), (receivers, false)] {
            parts.extend(services.into_iter().map(|service| Part {
                service,
                event,
                sends,
            }));
        }
    }
    parts
}

fn files(cx: &Cx<'_>) -> Vec<File> {
    let model = cx.plan.model;
    let parts = parts(cx);
    if parts.is_empty() {
        return Vec::new();
    }
    let file = |name: String, value: &Value| File {
        path: path(&name),
        fence: "yaml",
        text: yaml(value),
        checked_by: Some("the AsyncAPI parser and Redocly"),
        notes: Vec::new(),
    };
    let mut out = Vec::new();
    for id in model.service_ids().filter(|s| !model.service(*s).external) {
        let own: Vec<Part> = parts.iter().filter(|p| p.service == id).copied().collect();
        if !own.is_empty() {
            let service = model.service(id);
            let value = document(
                cx,
                &service.name,
                service.description.as_deref(),
                &own,
                false,
            );
            out.push(file(cx.plan.service(id).slug.clone(), &value));
        }
    }
    let whole = document(cx, &model.title, model.description.as_deref(), &parts, true);
    out.push(file(
        format!("all-of-{}", cx.plan.choices.namespace),
        &whole,
    ));
    out
}

fn document(
    cx: &Cx<'_>,
    title: &str,
    description: Option<&str>,
    parts: &[Part],
    whole: bool,
) -> Value {
    let model = cx.plan.model;
    let mut info = Map::new();
    info.insert("title".into(), json!(title));
    info.insert("version".into(), json!("1.0.0"));
    if let Some(text) = description {
        info.insert("description".into(), json!(text));
    }
    let events: BTreeSet<EventId> = parts.iter().map(|p| p.event).collect();
    let brokers: BTreeSet<BrokerId> = events.iter().map(|e| model.event(*e).broker).collect();
    let servers: Map<String, Value> = brokers.iter().map(|b| server(cx, *b)).collect();
    let (mut channels, mut messages) = (Map::new(), Map::new());
    for &id in &events {
        channels.insert(key(cx, id), channel(cx, id));
        messages.insert(key(cx, id), message(cx, id));
    }
    let mut operations = Map::new();
    for part in parts {
        let verb = if part.sends { "send" } else { "receive" };
        let service = &cx.plan.service(part.service).slug;
        let name = if whole {
            format!("{service}-{verb}-{}", key(cx, part.event))
        } else {
            format!("{verb}-{}", key(cx, part.event))
        };
        operations.insert(name, operation(cx, part, verb));
    }
    json!({
        "asyncapi": "3.0.0",
        "info": info,
        "defaultContentType": "application/json",
        "servers": servers,
        "channels": channels,
        "operations": operations,
        "components": { "messages": messages },
    })
}

/// The event's name in the document.
fn key(cx: &Cx<'_>, id: EventId) -> String {
    slug(&cx.plan.event(id).event_type)
}

fn server(cx: &Cx<'_>, id: BrokerId) -> (String, Value) {
    let broker = cx.plan.model.broker(id);
    let (protocol, port) = match broker.kind.id.as_str() {
        "kafka" => ("kafka", ":9092"),
        "rabbitmq" => ("amqp", ":5672"),
        "nats" => ("nats", ":4222"),
        "pubsub" => ("googlepubsub", ""),
        "service-bus" => ("amqp1", ""),
        "sns-sqs" => ("sns", ""),
        _ => ("https", ""),
    };
    let mut value = json!({
        "host": format!("{}.example{port}", slug(&broker.name)),
        "protocol": protocol,
        "description": format!("{}; the host is to be replaced", broker.kind.name),
    });
    if broker.kind.id == "rabbitmq" {
        value["pathname"] = json!(format!("/{}", cx.plan.choices.namespace));
    }
    (slug(&broker.name), value)
}

fn channel(cx: &Cx<'_>, id: EventId) -> Value {
    let (e, p) = (cx.plan.model.event(id), cx.plan.event(id));
    let broker = cx.plan.model.broker(e.broker);
    let key = key(cx, id);
    let mut out = Map::new();
    if broker.kind.id == "nats" && p.partitions.is_some() {
        // The key is the last part of the subject.
        let parameter = snake(&p.key.value);
        out.insert(
            "address".into(),
            json!(format!("{}.{{{parameter}}}", p.channel)),
        );
        let what = format!("`{}` of the message: decides its partition", p.key.value);
        out.insert(
            "parameters".into(),
            json!({ parameter: { "description": what } }),
        );
    } else {
        out.insert("address".into(), json!(p.channel));
    }
    if let Some(text) = &e.description {
        out.insert("description".into(), json!(text));
    }
    out.insert(
        "servers".into(),
        json!([{ "$ref": format!("#/servers/{}", slug(&broker.name)) }]),
    );
    out.insert(
        "messages".into(),
        json!({ key.clone(): { "$ref": format!("#/components/messages/{key}") } }),
    );
    let bindings = match broker.kind.id.as_str() {
        "kafka" => p.partitions.as_ref().map(|partitions| {
            json!({ "kafka": {
                "topic": p.channel,
                "partitions": partitions.value,
                "topicConfiguration": { "retention.ms": p.kept.value.as_ms() },
            } })
        }),
        "rabbitmq" => Some(json!({ "amqp": {
            "is": "routingKey",
            "exchange": {
                "name": p.channel,
                "type": "fanout",
                "durable": true,
                "autoDelete": false,
                "vhost": cx.plan.choices.namespace,
            },
        } })),
        _ => None,
    };
    out.extend(bindings.map(|b| ("bindings".to_owned(), b)));
    Value::Object(out)
}

fn message(cx: &Cx<'_>, id: EventId) -> Value {
    let (e, p) = (cx.plan.model.event(id), cx.plan.event(id));
    let mut payload = schema(cx, id);
    if let Some(map) = payload.as_object_mut() {
        // Inside a document the schema has no address of its own, and AsyncAPI names the dialect.
        map.remove("$schema");
        map.remove("$id");
    }
    if let Some(file) = &e.schema_file {
        payload["properties"]["data"] =
            json!({ "type": "object", "description": format!("described by {}", file.value) });
    }
    json!({
        "name": p.event_type,
        "title": e.name,
        "contentType": "application/json",
        "correlationId": { "location": "$message.payload#/metadata/correlationId" },
        "payload": payload,
    })
}

fn operation(cx: &Cx<'_>, part: &Part, verb: &str) -> Value {
    let p = cx.plan.event(part.event);
    let key = key(cx, part.event);
    let mut out = Map::new();
    out.insert("action".into(), json!(verb));
    out.insert(
        "channel".into(),
        json!({ "$ref": format!("#/channels/{key}") }),
    );
    out.insert("summary".into(), json!(format!("at most {}", p.rate.value)));
    out.insert(
        "messages".into(),
        json!([{ "$ref": format!("#/channels/{key}/messages/{key}") }]),
    );
    let reader = Party::Service(part.service);
    if let Some(group) = p
        .groups
        .iter()
        .find(|g| !part.sends && g.consumer == reader)
    {
        out.insert("x-group".into(), json!(group.group));
        out.insert("x-attempts".into(), json!(p.attempts.value));
        let waits = group.retries.iter();
        let waits: Vec<Value> = waits
            .map(|w| json!({ "channel": w.name, "delay": w.delay.to_string() }))
            .collect();
        if !waits.is_empty() {
            out.insert("x-retries".into(), json!(waits));
        }
        out.insert("x-dead-letter".into(), json!(group.dead_letter));
    }
    Value::Object(out)
}
