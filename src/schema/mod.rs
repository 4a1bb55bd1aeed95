//! The spec language as JSON Schema, for editors: what may stand where, with a sentence each.
//!
//! `keys` lists the keys in tables that read like the guide's; this file writes them as JSON. The reader in
//! `src/spec` stays the judge: `tests/schema.rs` asks it for the keys and the bounds it knows and holds the
//! lists here against them.

mod keys;
mod words;

use serde_json::{Map, Value, json};

use crate::lint;

/// What a key may hold.
#[derive(Clone, Copy)]
enum Kind {
    /// Text that is not empty.
    Text,
    /// A text, or a list of texts.
    Texts,
    /// A list of texts.
    List,
    /// `true` or `false`.
    Flag,
    /// A whole number in these bounds.
    Count(i64, i64),
    /// A quantity.
    Of(Quantity),
    /// A quantity, or `"none"`.
    OrNone(Quantity),
    /// One of these words.
    Word(Words),
    /// One of these words, or a list of them.
    Words(Words),
    /// A table with the keys of a part.
    Part(Part),
    /// A table with the keys of a part, or `"none"`.
    PartOrNone(Part),
    /// A list of tables with the keys of a part.
    Parts(Part),
    /// Tables with the keys of a part, by name.
    Named(Part),
    /// What no other kind says.
    Own(fn() -> Value),
}

/// A quantity with its unit.
#[derive(Clone, Copy)]
enum Quantity {
    Time,
    Rate,
    Share,
    Size,
}

/// Words to choose from.
#[derive(Clone, Copy)]
enum Words {
    These(&'static [&'static str]),
    From(fn() -> Vec<&'static str>),
}

/// One key of a table.
struct Key {
    name: &'static str,
    kind: Kind,
    says: &'static str,
}

const fn key(name: &'static str, kind: Kind, says: &'static str) -> Key {
    Key { name, kind, says }
}

/// A table of the language.
#[derive(Clone, Copy)]
struct Part {
    /// Its name under `definitions`.
    id: &'static str,
    /// What may stand in it.
    keys: &'static [&'static [Key]],
    /// What has to.
    needs: &'static [&'static str],
    /// Of these groups, one has to be there whole; none where there are no groups.
    or: &'static [&'static [&'static str]],
}

/// The JSON Schema (draft 7, which the editors' TOML extensions read) of a spec.
///
/// It knows shapes, units and words, written as the guide writes them. It does not know names: whether a service that is
/// called exists is for `check`.
#[must_use]
pub fn json_schema() -> Value {
    let mut definitions = Map::new();
    for part in keys::PARTS {
        definitions.insert(part.id.to_owned(), table(part));
    }
    for quantity in [
        Quantity::Time,
        Quantity::Rate,
        Quantity::Share,
        Quantity::Size,
    ] {
        definitions.insert(quantity.id().to_owned(), quantity.schema());
    }
    definitions.insert("rule".to_owned(), json!({ "enum": words::rules() }));
    definitions.insert("severity".to_owned(), json!({ "enum": lint::LEVELS }));
    let mut schema = json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "msdesign spec",
        // An extension of Tombi's: specs are TOML 1.1.
        "x-tombi-toml-version": "v1.1.0",
        "description": "How the microservices of a system communicate. mdbook-msdesign makes a design chapter of it.",
    });
    if let (Value::Object(schema), Value::Object(root)) = (&mut schema, table(&keys::ROOT)) {
        schema.extend(root);
        schema.insert("definitions".to_owned(), Value::Object(definitions));
    }
    schema
}

fn table(part: &Part) -> Value {
    let mut properties = Map::new();
    for key in part.keys.iter().copied().flatten() {
        let mut value = value(key.kind);
        if let Value::Object(fields) = &mut value {
            // Draft 7 ignores what stands beside a `$ref`.
            if let Some(target) = fields.remove("$ref") {
                fields.insert("allOf".to_owned(), json!([{ "$ref": target }]));
            }
            fields.insert("description".to_owned(), json!(key.says));
        }
        properties.insert(key.name.to_owned(), value);
    }
    let mut out = json!({
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
    });
    if !part.needs.is_empty() {
        out["required"] = json!(part.needs);
    }
    if !part.or.is_empty() {
        let groups = part.or.iter().map(|keys| json!({ "required": keys }));
        out["anyOf"] = groups.collect();
    }
    out
}

fn value(kind: Kind) -> Value {
    let none = json!({ "enum": ["none"] });
    match kind {
        Kind::Text => text(),
        Kind::List => json!({ "type": "array", "items": text() }),
        Kind::Texts => one_or_more(&text()),
        Kind::Flag => json!({ "type": "boolean" }),
        Kind::Count(least, most) => json!({ "type": "integer", "minimum": least, "maximum": most }),
        Kind::Of(quantity) => quantity.refer(),
        Kind::OrNone(quantity) => json!({ "anyOf": [quantity.refer(), none] }),
        Kind::Word(words) => json!({ "enum": words.list() }),
        Kind::Words(words) => one_or_more(&json!({ "enum": words.list() })),
        Kind::Part(part) => part.refer(),
        Kind::PartOrNone(part) => json!({ "anyOf": [part.refer(), none] }),
        Kind::Parts(part) => json!({ "type": "array", "items": part.refer() }),
        Kind::Named(part) => json!({ "type": "object", "additionalProperties": part.refer() }),
        Kind::Own(own) => own(),
    }
}

fn text() -> Value {
    json!({ "type": "string", "pattern": "\\S" })
}

fn one_or_more(item: &Value) -> Value {
    json!({ "anyOf": [item, { "type": "array", "items": item }] })
}

impl Part {
    fn refer(self) -> Value {
        json!({ "$ref": format!("#/definitions/{}", self.id) })
    }
}

impl Quantity {
    fn id(self) -> &'static str {
        match self {
            Self::Time => "duration",
            Self::Rate => "rate",
            Self::Share => "share",
            Self::Size => "size",
        }
    }

    fn refer(self) -> Value {
        json!({ "$ref": format!("#/definitions/{}", self.id()) })
    }

    fn schema(self) -> Value {
        let (units, says, examples) = match self {
            Self::Time => (
                "(us|µs|ms|s|sec|m|min|h|d|days?|w)",
                "A length of time with its unit: ms, s, min, h or d.",
                ["120ms", "2s", "7d"],
            ),
            Self::Rate => (
                "(/(s|sec|m|min|h|d|day)|rps)",
                "Events a second at peak.",
                ["50/s", "200/min", "0.5/s"],
            ),
            Self::Share => ("%", "A share up to 100 %.", ["99.9%", "50%", "99.95%"]),
            Self::Size => (
                "([kKmMgG]([iI])?)?[bB]",
                "A size with its unit: B, kB, KiB or MiB.",
                ["512B", "2KiB", "1MiB"],
            ),
        };
        json!({
            "type": "string",
            "description": says,
            "pattern": format!("^\\s*[0-9][0-9_]*(\\.[0-9_]*)?\\s*{units}\\s*$"),
            "examples": examples,
        })
    }
}

impl Words {
    fn list(self) -> Vec<&'static str> {
        match self {
            Self::These(words) => words.to_vec(),
            Self::From(list) => list(),
        }
    }
}

/// The id of a rule.
fn rule() -> Value {
    json!({ "$ref": "#/definitions/rule" })
}

/// `[lint.rules]`: a severity, or a table of severity and the rule's own thresholds.
fn rule_settings() -> Value {
    let severity = json!({ "$ref": "#/definitions/severity" });
    let mut properties = Map::new();
    for rule in lint::rules() {
        let mut own = Map::new();
        own.insert("severity".to_owned(), severity.clone());
        for t in rule.thresholds {
            let says = format!("In {}; {} where nothing is set.", t.unit, t.default);
            own.insert(
                t.name.to_owned(),
                json!({ "type": ["number", "string"], "description": says }),
            );
        }
        let table = json!({ "type": "object", "properties": own, "additionalProperties": false });
        properties.insert(
            rule.id.to_owned(),
            json!({ "description": rule.summary, "anyOf": [severity, table] }),
        );
    }
    json!({ "type": "object", "properties": properties, "additionalProperties": false })
}
