//! The schema for editors knows what the reader knows: the same keys in every table, the same bounds, the same words;
//! and the guide tells of every key.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeSet;

use msdesign::diag::{Diagnostic, SourceFile, Sources};
use msdesign::{model, spec};
use serde_json::Value;

/// No word of the language, nor near to one.
const NOTHING: &str = "qqqqqqqqqqqq";

/// A design in which `@` stands where the keys of the table called `id` do.
fn place(id: &str) -> &'static str {
    match id {
        "design" => "@\n",
        "service" => "[services.orders]\n@\n",
        "listed-service" => "services = [{ name = \"orders\", @ }]",
        "slo" => "[services.orders]\nslo = { @ }",
        "jwt" => "[platform]\njwt = { @ }",
        "probe" => "[services.orders]\nliveness = { @ }",
        "team" => "services = [\"orders\"]\n[teams.checkout]\n@\n",
        "store" => "[stores.orders]\n@\n",
        "broker" => "[brokers.main]\n@\n",
        "call" => "sync = [{ from = \"web\", to = \"orders\", protocol = \"grpc\", @ }]",
        "backoff" => "sync = [{ call = \"web --gRPC Ask--> orders\", backoff = { @ } }]",
        "breaker" => "sync = [{ call = \"web --gRPC Ask--> orders\", breaker = { @ } }]",
        "event" => "async = [{ from = \"web\", event = \"order.placed\", to = \"orders\", @ }]",
        "dead-letter" => {
            "async = [{ event = \"web --order.placed--> orders\", dead_letter = { @ } }]"
        }
        "stream" => "realtime = [{ from = \"web\", to = \"client\", protocol = \"SSE\", @ }]",
        "saga" => "[[sagas]]\n@\n",
        "saga-step" => "[[sagas]]\nname = \"Place order\"\nsteps = [{ @ }]",
        "flow" => "[[flows]]\n@\n",
        "platform" => "[platform]\n@\n",
        "diagram" => "[diagram]\n@\n",
        "defaults" => "[defaults]\n@\n",
        "lint" => "[lint]\n@\n",
        "allow" => "[lint]\nallow = [{ @ }]",
        other => panic!("no design has a `{other}`"),
    }
}

/// What reader and model report where `line` stands in a table called `id`.
fn reports(id: &str, line: &str) -> Vec<Diagnostic> {
    let mut text = place(id).replace('@', line);
    for name in ["web", "orders"] {
        if !text.contains("services") && !line.starts_with("services") {
            text.push_str(&format!("\n[services.{name}]\n"));
        } else if text.contains("[services.orders]") && name == "web" {
            text.push_str("\n[services.web]\n");
        }
    }
    let mut sources = Sources::default();
    let source = sources.add(SourceFile::whole("spec.toml".to_owned(), text.clone()));
    let mut out = Vec::new();
    let spec = spec::parse(source, &text, &mut out);
    let _ = model::resolve(&spec, source, &mut out);
    assert!(out.iter().all(|d| d.rule != "syntax"), "{text}\n{out:#?}");
    out
}

/// Every table of the schema by its name, with its keys.
fn tables() -> Vec<(String, serde_json::Map<String, Value>)> {
    let schema = msdesign::schema::json_schema();
    let mut out = vec![(
        "design".to_owned(),
        schema["properties"].as_object().unwrap().clone(),
    )];
    for (id, table) in schema["definitions"].as_object().unwrap() {
        if let Some(keys) = table["properties"].as_object() {
            out.push((id.clone(), keys.clone()));
        }
    }
    assert!(out.len() > 20);
    out
}

fn help_after<'h>(reports: &'h [Diagnostic], rule: &str, start: &str) -> Option<&'h str> {
    reports.iter().filter(|d| d.rule == rule).find_map(|d| {
        let help = d.help.as_deref()?;
        let at = help.find(start)?;
        Some(&help[at + start.len()..])
    })
}

fn words(list: &str) -> BTreeSet<&str> {
    list.split(',').map(str::trim).collect()
}

#[test]
fn each_table_has_the_keys_that_the_reader_knows() {
    for (id, keys) in tables() {
        let found = reports(&id, &format!("{NOTHING} = 1"));
        let known = help_after(&found, "unknown-key", "it may have: ")
            .unwrap_or_else(|| panic!("{id}: {found:#?}"));
        let ours: BTreeSet<&str> = keys.keys().map(String::as_str).collect();
        assert_eq!(ours, words(known), "{id}");
    }
}

#[test]
fn each_count_has_the_bounds_that_the_reader_sets() {
    let mut seen = 0;
    for (id, keys) in tables() {
        for (name, key) in keys {
            let (Some(least), Some(most)) = (key["minimum"].as_i64(), key["maximum"].as_i64())
            else {
                continue;
            };
            let bounds = format!("must be from {least} to {most}, not");
            for outside in [least - 1, most + 1] {
                let found = reports(&id, &format!("{name} = {outside}"));
                assert!(
                    found.iter().any(|d| d.message.contains(&bounds)),
                    "{id}: {name} = {outside}: {found:#?}"
                );
            }
            seen += 1;
        }
    }
    assert!(seen > 20, "{seen} counts");
}

/// The words of a key, where it takes words alone.
fn choices(key: &Value) -> Option<BTreeSet<&str>> {
    let list = key["enum"]
        .as_array()
        .or_else(|| key["anyOf"][0]["enum"].as_array())?;
    Some(list.iter().filter_map(Value::as_str).collect())
}

#[test]
fn each_choice_has_the_words_that_the_model_knows() {
    let retired: BTreeSet<&str> = msdesign::catalog::retired()
        .iter()
        .map(|r| r.id.as_str())
        .collect();
    let mut seen = 0;
    for (id, keys) in tables() {
        for (name, key) in keys {
            let Some(ours) = choices(&key) else { continue };
            let needs = match id.as_str() {
                "saga" => "\nname = \"Order\"\nsteps = [\"orders: take\"]",
                _ => "",
            };
            let found = reports(&id, &format!("{name} = \"{NOTHING}\"{needs}"));
            let known = help_after(&found, "invalid-value", "known are: ")
                .or_else(|| help_after(&found, "unknown-section", "known are: "))
                .unwrap_or_else(|| panic!("{id}: {name}: {found:#?}"));
            let known = words(known);
            // `none` is told in a sentence of its own; what is at its end is not proposed.
            let missing: Vec<&&str> = known.difference(&ours).collect();
            let more: Vec<&&str> = ours
                .difference(&known)
                .filter(|w| **w != "none" && !retired.contains(*w))
                .collect();
            assert!(
                missing.is_empty() && more.is_empty(),
                "{id}: {name}: {missing:?} {more:?}"
            );
            for word in ours {
                let found = reports(&id, &format!("{name} = \"{word}\"{needs}"));
                assert!(
                    found.iter().all(|d| d.rule != "invalid-value"),
                    "{id}: {name} = {word}: {found:#?}"
                );
            }
            seen += 1;
        }
    }
    assert!(seen > 15, "{seen} choices");
}

/// The section of the guide's page of the language that tells of the table called `id`.
fn section(id: &str) -> &'static str {
    match id {
        "design" | "diagram" => "## The top level",
        "service" | "listed-service" | "slo" | "jwt" | "probe" => "## Services",
        "team" => "## Teams",
        "store" | "broker" => "## Stores and brokers",
        "call" | "backoff" | "breaker" => "### Calls",
        "event" | "dead-letter" => "### Events",
        "stream" => "### Streams",
        "saga" | "saga-step" => "## Sagas",
        "flow" => "## Flows",
        "platform" => "## Platform",
        "defaults" => "## Defaults",
        "lint" | "allow" => "## Lint",
        other => panic!("no section tells of `{other}`"),
    }
}

#[test]
fn the_guide_tells_of_every_key() {
    let guide = std::fs::read_to_string("book-example/src/guide/spec-language.md").unwrap();
    let mut untold = Vec::new();
    for (id, keys) in tables() {
        let (_, text) = guide.split_once(&format!("\n{}\n", section(&id))).unwrap();
        let text = text.split("\n## ").next().unwrap();
        let text = text.split("\n### ").next().unwrap();
        for key in keys.keys() {
            let told = [
                "`KEY`", "`KEY = ", "\nKEY = ", "{ KEY = ", ", KEY = ", "{ KEY,", ", KEY,",
                ", KEY }",
            ]
            .iter()
            .any(|form| text.contains(&form.replace("KEY", key)));
            if !told {
                untold.push(format!("{id}: {key}"));
            }
        }
    }
    assert!(untold.is_empty(), "{untold:#?}");
}
