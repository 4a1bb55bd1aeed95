//! The envelope, its CloudEvents form, and an example and a JSON Schema for every event.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::super::super::Cx;
use super::super::super::doc::{Doc, Inline, say};
use super::super::column::Column;
use crate::model::{Compatibility, EventId, Field};
use crate::plan::slug;

const TIME: &str = "2026-01-01T00:00:00Z";

pub(super) fn write(cx: &Cx<'_>, doc: &mut Doc) {
    doc.heading(1, "Event schema", "async-schema");
    envelope_table(cx, doc);
    versions(cx, doc);
    for id in cx.plan.model.event_ids() {
        let event = cx.plan.model.event(id);
        doc.details(
            &format!("{}: example, CloudEvents form and JSON Schema", event.name),
            |doc| one(cx, doc, id),
        );
    }
}

fn envelope_table(cx: &Cx<'_>, doc: &mut Doc) {
    let model = cx.plan.model;
    let Some(id) = model.event_ids().next() else {
        return;
    };
    let plan = cx.plan.event(id);
    doc.para(say!(
        "Every event of {} travels in one envelope; in CloudEvents 1.0 each field has the attribute beside it. `{}` stands as the example.",
        model.title,
        model.event(id).name
    ));
    let row = |field: &str, attribute: &str, held: Inline| {
        vec![Inline::code(field), Inline::code(attribute), held]
    };
    doc.table(
        &["Envelope", "CloudEvents", "What it holds here"],
        vec![
            row("eventType", "type", say!("`{}`: the event and its version", plan.event_type)),
            row(
                "eventId",
                "id",
                Inline::text("a UUID, drawn once by the publisher and the same in every redelivery; each consumer drops what it has handled by it"),
            ),
            row(
                "timestamp",
                "time",
                Inline::text("when it happened, RFC 3339 in UTC; not when it was sent"),
            ),
            row("data", "data", say!("the fields of `{}`", model.event(id).name)),
            row("metadata.source", "source", say!("`{}`: with `eventId` the key of duplicates", source(cx, id))),
            row(
                "metadata.dataSchema",
                "dataschema",
                say!("`{}`; the host stands for the schema registry of {}", schema_uri(cx, id), model.title),
            ),
            row(
                "metadata.correlationId",
                "correlationid",
                say!("the same for everything that one request to {} sets off", model.title),
            ),
            row("metadata.causationId", "causationid", say!("the `eventId` that this event answers; absent where a request of a user set it off")),
            row("metadata.partitionKey", "partitionkey", say!("the value of `{}`", plan.key.value).and(Inline::why(&plan.key))),
            row("metadata.traceparent", "traceparent", Inline::text("the publisher's span, W3C Trace Context")),
            row("metadata.dataClassification", "dataclassification", classified(cx)),
            vec![Inline::text("–"), Inline::code("specversion"), say!("`1.0`, only in the CloudEvents form")],
            vec![Inline::text("–"), Inline::code("datacontenttype"), say!("`application/json`, only in the CloudEvents form")],
        ],
    );
}

fn classified(cx: &Cx<'_>) -> Inline {
    let model = cx.plan.model;
    let marked: Vec<&str> = model
        .events
        .iter()
        .filter(|e| !e.pii.is_empty())
        .map(|e| e.name.as_str())
        .collect();
    if marked.is_empty() {
        say!(
            "absent: the spec marks no personal data in an event of {}",
            model.title
        )
    } else {
        say!("`personal` in ")
            .and(Inline::names(marked))
            .and(Inline::text("; absent elsewhere"))
    }
}

fn versions(cx: &Cx<'_>, doc: &mut Doc) {
    let model = cx.plan.model;
    let modes: BTreeSet<Compatibility> = model
        .event_ids()
        .map(|id| cx.plan.event(id).compatibility.value)
        .collect();
    for mode in modes {
        doc.para(say!("Compatibility **{}**: {}", mode, may_change(mode)));
    }
    doc.para(say!(
        "Whatever breaks that (a new required field, another type) is a new version of `eventType`, which the publisher sends beside the old one until every reader of {} has moved.",
        model.title
    ));
    let mut compatible = Column::default();
    let rows = model
        .event_ids()
        .map(|id| {
            let plan = cx.plan.event(id);
            let consumers = &model.event(id).consumers;
            let readers = if consumers.is_empty() {
                Inline::text("nobody reads it")
            } else {
                Inline::names(consumers.iter().map(|(p, _)| model.party(*p)))
            };
            let publishers = Inline::names(super::publishers(cx, id));
            let (first, last) = match plan.compatibility.value {
                Compatibility::Forward | Compatibility::ForwardTransitive => (publishers, readers),
                Compatibility::Full | Compatibility::FullTransitive => {
                    (Inline::text("any"), Inline::text("any"))
                }
                _ => (readers, publishers),
            };
            vec![
                Inline::code(model.event(id).name.as_str()),
                Inline::figure(&plan.version),
                compatible.cell(&plan.compatibility),
                first,
                last,
                say!(
                    "every version of the last {}, as old messages are still read",
                    plan.retention.value
                ),
            ]
        })
        .collect();
    doc.table(
        &[
            "Event",
            "Version",
            "Compatibility",
            "Deploys first",
            "Deploys last",
            "Checked against",
        ],
        rows,
    );
}

/// What a mode of a schema registry lets a new schema change.
fn may_change(mode: Compatibility) -> &'static str {
    match mode {
        Compatibility::Backward | Compatibility::BackwardTransitive => {
            "a field may be removed, an optional one added; so the readers deploy a new schema before the publisher writes it."
        }
        Compatibility::Forward | Compatibility::ForwardTransitive => {
            "a field may be added, an optional one removed; so the publisher deploys a new schema before the readers use it."
        }
        Compatibility::Full | Compatibility::FullTransitive => {
            "only optional fields may be added or removed; publisher and readers deploy in any order."
        }
        Compatibility::Unchecked => "nothing is checked.",
    }
}

fn one(cx: &Cx<'_>, doc: &mut Doc, id: EventId) {
    let event = cx.plan.model.event(id);
    if let Some(text) = &event.description {
        doc.para(text.as_str());
    }
    if let Some(file) = &event.schema_file {
        doc.para(say!(
            "The fields of `{}` are in `{}`; the example carries only its key.",
            event.name,
            file.value
        ));
    } else if event.schema.is_empty() {
        doc.para(say!(
            "The spec gives no fields for `{}`; only its key is known, so `data` is open.",
            event.name
        ));
    }
    doc.para(say!("As the publisher sends it:"));
    doc.code("json", &pretty(&example(cx, id)));
    doc.para(say!("The same event as CloudEvents 1.0 (structured mode):"));
    doc.code("json", &pretty(&cloud_event(cx, id)));
    doc.para(say!(
        "JSON Schema 2020-12 of `{}`:",
        cx.plan.event(id).event_type
    ));
    doc.code("json", &pretty(&schema(cx, id)));
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

fn source(cx: &Cx<'_>, id: EventId) -> String {
    let name = super::publishers(cx, id)
        .first()
        .copied()
        .unwrap_or("unknown");
    format!("/services/{}", slug(name))
}

fn schema_uri(cx: &Cx<'_>, id: EventId) -> String {
    format!(
        "https://schemas.example/{}/{}.json",
        cx.plan.choices.namespace,
        slug(&cx.plan.event(id).event_type)
    )
}

/// The envelope with made-up values; the same bytes for the same event.
fn example(cx: &Cx<'_>, id: EventId) -> Value {
    let (event, plan) = (cx.plan.model.event(id), cx.plan.event(id));
    let mut data = Map::new();
    if event.schema.is_empty() {
        data.insert(plan.key.value.clone(), json!(sample_id(&plan.key.value)));
    }
    for field in &event.schema {
        data.insert(field.name.clone(), sample(field));
    }
    let key = data.get(&plan.key.value).map_or_else(
        || sample_id(&plan.key.value),
        |v| match v {
            Value::String(s) => s.clone(),
            other => other.to_string(),
        },
    );
    let trace = uuid(&plan.event_type).replace('-', "");
    let span = uuid(&source(cx, id)).replace('-', "");
    let mut metadata = Map::new();
    metadata.insert("source".into(), json!(source(cx, id)));
    metadata.insert("dataSchema".into(), json!(schema_uri(cx, id)));
    metadata.insert(
        "correlationId".into(),
        json!(uuid(&cx.plan.choices.namespace)),
    );
    metadata.insert(
        "causationId".into(),
        json!(uuid(&format!("cause of {}", event.name))),
    );
    metadata.insert("partitionKey".into(), json!(key));
    // A UUID's variant bits stand in its second half, so neither id can be all zero.
    metadata.insert(
        "traceparent".into(),
        json!(format!(
            "00-{trace}-{}-01",
            span.get(16..32).unwrap_or("00f067aa0ba902b7")
        )),
    );
    if !event.pii.is_empty() {
        metadata.insert("dataClassification".into(), json!("personal"));
    }
    json!({
        "eventType": plan.event_type,
        "eventId": uuid(&event.name),
        "timestamp": TIME,
        "data": data,
        "metadata": metadata,
    })
}

/// The same event with CloudEvents' attribute names.
fn cloud_event(cx: &Cx<'_>, id: EventId) -> Value {
    let from = example(cx, id);
    let mut out = Map::new();
    out.insert("specversion".into(), json!("1.0"));
    for (name, value) in [
        ("type", &from["eventType"]),
        ("id", &from["eventId"]),
        ("time", &from["timestamp"]),
    ] {
        out.insert(name.into(), value.clone());
    }
    out.insert("datacontenttype".into(), json!("application/json"));
    if let Some(metadata) = from["metadata"].as_object() {
        for (name, value) in metadata {
            out.insert(name.to_ascii_lowercase(), value.clone());
        }
    }
    out.insert("data".into(), from["data"].clone());
    Value::Object(out)
}

fn schema(cx: &Cx<'_>, id: EventId) -> Value {
    let (event, plan) = (cx.plan.model.event(id), cx.plan.event(id));
    let data = if let Some(file) = &event.schema_file {
        json!({ "$ref": reference(&file.value) })
    } else {
        let mut properties = Map::new();
        if event.schema.is_empty() {
            properties.insert(plan.key.value.clone(), json!({ "type": "string" }));
        }
        for field in &event.schema {
            let mut kind = kind(&field.kind);
            if event.pii.contains(&field.name) {
                let before = kind
                    .get("description")
                    .and_then(Value::as_str)
                    .map(|d| format!("{d}; "));
                let text = format!("{}personal data", before.unwrap_or_default());
                kind.insert("description".into(), json!(text));
            }
            properties.insert(field.name.clone(), Value::Object(kind));
        }
        let required: Vec<&String> = properties.keys().collect();
        json!({ "type": "object", "required": required, "properties": properties })
    };
    let mut metadata = Map::new();
    let text = json!({ "type": "string", "minLength": 1 });
    metadata.insert(
        "source".into(),
        json!({ "type": "string", "format": "uri-reference" }),
    );
    metadata.insert(
        "dataSchema".into(),
        json!({ "type": "string", "format": "uri" }),
    );
    metadata.insert("correlationId".into(), text.clone());
    metadata.insert("causationId".into(), text.clone());
    metadata.insert("partitionKey".into(), text);
    metadata.insert(
        "traceparent".into(),
        json!({ "type": "string", "pattern": "^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$" }),
    );
    let mut required = vec![
        "source",
        "dataSchema",
        "correlationId",
        "partitionKey",
        "traceparent",
    ];
    if !event.pii.is_empty() {
        metadata.insert("dataClassification".into(), json!({ "const": "personal" }));
        required.push("dataClassification");
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": schema_uri(cx, id),
        "title": plan.event_type,
        "type": "object",
        "required": ["eventType", "eventId", "timestamp", "data", "metadata"],
        "properties": {
            "eventType": { "const": plan.event_type },
            "eventId": { "type": "string", "format": "uuid" },
            "timestamp": { "type": "string", "format": "date-time" },
            "data": data,
            "metadata": { "type": "object", "required": required, "properties": metadata },
        },
    })
}

/// A file's path as a URI reference.
fn reference(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for b in path.bytes() {
        if b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'~' | b'/' | b'#') {
            out.push(char::from(b));
        } else {
            out.push_str(&format!("%{b:02X}"));
        }
    }
    out
}

/// What a type of the spec is in JSON: type, format, and whether the word is known.
fn json_type(word: &str) -> (&'static str, Option<&'static str>, bool) {
    match word.trim().to_ascii_lowercase().as_str() {
        "string" | "text" | "str" => ("string", None, true),
        "uuid" | "guid" => ("string", Some("uuid"), true),
        "integer" | "int" | "int32" | "int64" | "long" => ("integer", None, true),
        "number" | "float" | "double" => ("number", None, true),
        "boolean" | "bool" => ("boolean", None, true),
        "date-time" | "datetime" | "timestamp" => ("string", Some("date-time"), true),
        "date" => ("string", Some("date"), true),
        "uri" | "url" => ("string", Some("uri"), true),
        "email" => ("string", Some("email"), true),
        "object" | "map" => ("object", None, true),
        "array" | "list" => ("array", None, true),
        _ => ("string", None, false),
    }
}

fn kind(word: &str) -> Map<String, Value> {
    let (name, format, known) = json_type(word);
    let mut out = Map::new();
    out.insert("type".into(), json!(name));
    if let Some(format) = format {
        out.insert("format".into(), json!(format));
    }
    if !known {
        out.insert("description".into(), json!(format!("`{word}` in the spec")));
    }
    out
}

fn sample(field: &Field) -> Value {
    match json_type(&field.kind) {
        ("integer", ..) => json!(1),
        ("number", ..) => json!(1.5),
        ("boolean", ..) => json!(true),
        ("object", ..) => json!({}),
        ("array", ..) => json!([]),
        (_, Some("uuid"), _) => json!(uuid(&field.name)),
        (_, Some("date-time"), _) => json!(TIME),
        (_, Some("date"), _) => json!("2026-01-01"),
        (_, Some("uri"), _) => json!(format!("https://example.com/{}", slug(&field.name))),
        (_, Some("email"), _) => json!("user@example.com"),
        _ if field.name.to_ascii_lowercase().ends_with("id") => json!(sample_id(&field.name)),
        _ => json!(format!("some {}", field.name)),
    }
}

fn sample_id(name: &str) -> String {
    let slug = slug(name);
    let stem = slug
        .strip_suffix("id")
        .unwrap_or(&slug)
        .trim_end_matches('-');
    format!("{}-1", if stem.is_empty() { "id" } else { stem })
}

/// A UUID of the form of version 4, made from the bytes of `name`.
fn uuid(name: &str) -> String {
    let mut bytes = [0_u8; 16];
    for (i, b) in slug(name).bytes().enumerate() {
        let slot = &mut bytes[i % 16];
        *slot = slot.rotate_left(3) ^ b;
    }
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let mut out = String::with_capacity(36);
    for (i, b) in bytes.iter().enumerate() {
        if matches!(i, 4 | 6 | 8 | 10) {
            out.push('-');
        }
        out.push_str(&format!("{b:02x}"));
    }
    out
}

#[cfg(test)]
mod tests;
