//! Events as files: the JSON Schema of each, an example in the design's envelope, and the same event as
//! CloudEvents.

use serde_json::{Map, Value, json};

use super::super::Cx;
use super::{File, Kind};
use crate::model::{EventId, Field};
use crate::plan::slug;

pub(super) const KIND: Kind = Kind {
    id: "events",
    what: "a JSON Schema an event, with an example as envelope and as CloudEvents",
    files,
};

/// When every example happened.
const TIME: &str = "2026-01-01T00:00:00Z";

fn files(cx: &Cx<'_>) -> Vec<File> {
    let mut out = Vec::new();
    for id in cx.plan.model.event_ids() {
        let name = name(cx, id);
        let forms = [
            ("schema", schema(cx, id), "check-jsonschema"),
            ("example", example(cx, id), "check-jsonschema"),
            ("cloudevent", cloud_event(cx, id), "the CloudEvents SDK"),
        ];
        for (form, value, reader) in forms {
            out.push(File {
                path: path(&name, form),
                fence: "json",
                text: format!("{}\n", pretty(&value)),
                checked_by: Some(reader),
                notes: Vec::new(),
            });
        }
    }
    out
}

/// What the files of an event are called.
pub(super) fn name(cx: &Cx<'_>, id: EventId) -> String {
    slug(&cx.plan.event(id).event_type)
}

/// Where a form of the event `name` is kept.
pub(super) fn path(name: &str, form: &str) -> String {
    format!("events/{name}.{form}.json")
}

/// The value as people read it.
pub(crate) fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

/// `/services/<publisher>`, the `source` of CloudEvents.
pub(crate) fn source(cx: &Cx<'_>, id: EventId) -> String {
    let model = cx.plan.model;
    let first = model.event(id).publishers.first();
    let name = first.map_or("unknown", |p| model.service(p.service).name.as_str());
    format!("/services/{}", slug(name))
}

/// Where the schema is published; the host stands for the registry.
pub(crate) fn schema_uri(cx: &Cx<'_>, id: EventId) -> String {
    format!(
        "https://schemas.example/{}/{}.json",
        cx.plan.choices.namespace,
        slug(&cx.plan.event(id).event_type)
    )
}

/// The envelope with made-up values; the same bytes for the same event.
pub(crate) fn example(cx: &Cx<'_>, id: EventId) -> Value {
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
pub(crate) fn cloud_event(cx: &Cx<'_>, id: EventId) -> Value {
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

/// The JSON Schema of the envelope with this event in it.
pub(crate) fn schema(cx: &Cx<'_>, id: EventId) -> Value {
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

pub(crate) fn kind(word: &str) -> Map<String, Value> {
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
