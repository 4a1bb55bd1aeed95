//! Examples against their schemas and against CloudEvents.
#![allow(clippy::unwrap_used, clippy::panic)]

use serde_json::Value;

const SPEC: &str = r#"
title = "Shop"
architecture = "microservices"
infrastructure = "kubernetes"
services = ["orders", "mail"]
async = [
  { event = "orders --order.placed--> mail", schema = { order_id = "uuid", total = "Money", lines = "array", paid = "boolean", at = "date-time", n = "integer" }, pii = ["total"] },
  { event = "orders --order.closed--> mail", description = "a \" } ``` <b>", schema = { "x \" } ```" = "uuid" } },
]
"#;

fn blocks() -> Vec<Value> {
    use crate::diag::{SourceFile, Sources};
    let mut sources = Sources::default();
    let id = sources.add(SourceFile::whole("s.toml".to_owned(), SPEC.to_owned()));
    let done = crate::compile(
        &mut sources,
        id,
        &mut crate::NoFiles,
        &crate::Options::default(),
    );
    let text = done.chapter.unwrap().markdown();
    let mut out = Vec::new();
    let mut json: Option<String> = None;
    for event in pulldown_cmark::Parser::new_ext(&text, crate::render::doc::parser_options()) {
        use pulldown_cmark::{CodeBlockKind, Event, Tag, TagEnd};
        match event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(l))) if &*l == "json" => {
                json = Some(String::new());
            }
            Event::Text(t) => {
                if let Some(j) = &mut json {
                    j.push_str(&t);
                }
            }
            Event::End(TagEnd::CodeBlock) => {
                out.extend(
                    json.take()
                        .map(|j| serde_json::from_str::<Value>(&j).unwrap()),
                );
            }
            _ => {}
        }
    }
    out.into_iter()
        .filter(|v| {
            ["eventType", "specversion", "$schema"]
                .iter()
                .any(|k| v.get(k).is_some())
        })
        .collect()
}

/// As much of JSON Schema as our schemas use, formats left out.
fn check(schema: &Value, value: &Value) {
    for name in schema["required"].as_array().into_iter().flatten() {
        assert!(
            value.get(name.as_str().unwrap()).is_some(),
            "{name} in {value}"
        );
    }
    if let Some(fixed) = schema.get("const") {
        assert_eq!(fixed, value);
    }
    let fits = match schema["type"].as_str() {
        Some("string") => value.is_string(),
        Some("integer") => value.is_i64() || value.is_u64(),
        Some("number") => value.is_number(),
        Some("boolean") => value.is_boolean(),
        Some("array") => value.is_array(),
        Some("object") => value.is_object(),
        _ => true,
    };
    assert!(fits, "{schema} against {value}");
    for (name, part) in schema["properties"].as_object().into_iter().flatten() {
        if let Some(value) = value.get(name) {
            check(part, value);
        }
    }
}

#[test]
fn every_example_is_what_its_schema_and_cloudevents_ask_for() {
    let blocks = blocks();
    assert_eq!(blocks.len() % 3, 0);
    assert!(blocks.len() >= 3);
    for part in blocks.chunks(3) {
        let [example, cloud, schema] = part else {
            panic!()
        };
        check(schema, example);
        for name in ["specversion", "id", "source", "type"] {
            assert!(
                cloud[name].as_str().is_some_and(|s| !s.is_empty()),
                "{name}"
            );
        }
        assert_eq!(cloud["specversion"], "1.0");
        for name in cloud.as_object().unwrap().keys() {
            let ok = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
            assert!(name.chars().all(ok) && name.len() <= 20, "{name}");
        }
        let trace: Vec<&str> = cloud["traceparent"].as_str().unwrap().split('-').collect();
        assert_eq!(
            trace.iter().map(|p| p.len()).collect::<Vec<_>>(),
            [2, 32, 16, 2]
        );
        assert!(trace[1].contains(|c| c != '0') && trace[2].contains(|c| c != '0'));
        assert_eq!(cloud["id"].as_str().unwrap().len(), 36);
    }
}
