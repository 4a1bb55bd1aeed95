//! Changes every value of a document, one at a time, and asks a check whether it notices.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// A document of a file.
#[derive(Clone, Debug)]
pub(crate) struct Doc {
    pub(crate) value: Value,
}

/// What is said otherwise than it should be.
#[derive(Default)]
pub(crate) struct Wrong(pub(crate) Vec<String>);

impl Wrong {
    pub(crate) fn want(&mut self, at: &str, is: &Value, should: impl Into<Value>) {
        let should = should.into();
        if *is != should {
            self.0.push(format!("{at}: {is}, not {should}"));
        }
    }

    /// Two lists with the same entries, in whatever order.
    pub(crate) fn same(&mut self, what: &str, is: &Value, should: &Value) {
        let texts = |list: &Value| -> Vec<String> {
            let list = list.as_array().map_or(&[][..], Vec::as_slice);
            let mut texts: Vec<String> = list.iter().map(canonical).collect();
            texts.sort();
            texts
        };
        let (is, should) = (texts(is), texts(should));
        if is != should {
            let more = is.iter().filter(|e| !should.contains(e));
            let less = should.iter().filter(|e| !is.contains(e));
            let (more, less): (Vec<_>, Vec<_>) = (more.collect(), less.collect());
            self.0
                .push(format!("{what}: there is {more:#?}, not {less:#?}"));
        }
    }

    pub(crate) fn that(&mut self, holds: bool, what: &str) {
        if !holds {
            self.0.push(what.to_owned());
        }
    }
}

/// The same text for values that differ in the order of keys alone.
pub(crate) fn canonical(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let map: BTreeMap<&String, String> =
                map.iter().map(|(k, v)| (k, canonical(v))).collect();
            let parts: Vec<String> = map.iter().map(|(k, v)| format!("{k:?}: {v}")).collect();
            format!("{{{}}}", parts.join(", "))
        }
        Value::Array(list) => {
            let parts: Vec<String> = list.iter().map(canonical).collect();
            format!("[{}]", parts.join(", "))
        }
        other => other.to_string(),
    }
}

/// The places of all values that hold no others.
pub(crate) fn leaves(value: &Value, at: &str, out: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            for (key, inner) in map {
                let key = key.replace('~', "~0").replace('/', "~1");
                leaves(inner, &format!("{at}/{key}"), out);
            }
        }
        Value::Array(list) => {
            for (i, inner) in list.iter().enumerate() {
                leaves(inner, &format!("{at}/{i}"), out);
            }
        }
        _ => out.push(at.to_owned()),
    }
}

/// A place without numbers of lists, behind the kind of its document.
pub(crate) fn named(document: &Value, place: &str, before: &str) -> String {
    let kind = document["kind"].as_str().unwrap_or_default();
    let parts = place.split('/').filter(|p| p.parse::<u32>().is_err());
    let place = parts.collect::<Vec<_>>().join("/");
    format!("{before}{kind}{place}")
}

/// Another value of the same kind.
fn other(value: &Value) -> Value {
    match value {
        Value::Bool(b) => json!(!b),
        Value::Number(n) => json!(n.as_f64().unwrap() as i64 + 1),
        Value::String(s) => match s.strip_suffix("ms").or(s.strip_suffix('s')) {
            Some(n) if n.parse::<u64>().is_ok() => json!(format!("9{s}")),
            _ => json!(format!("{s}x")),
        },
        _ => json!("x"),
    }
}

/// Changes each value of each document: places whose change nobody notices, without numbers of lists, each with
/// how often. The number is how many were changed.
pub(crate) fn survivors(
    docs: &[Doc],
    check: impl Fn(&[Doc]) -> Wrong,
) -> (usize, BTreeMap<String, usize>) {
    let base = check(docs).0;
    assert!(base.is_empty(), "{}", base.join("\n"));
    let mut docs = docs.to_vec();
    let (mut changed, mut out) = (0, BTreeMap::new());
    for i in 0..docs.len() {
        let mut places = Vec::new();
        leaves(&docs[i].value, "", &mut places);
        for place in places {
            let slot = docs[i].value.pointer_mut(&place).unwrap();
            let was = slot.clone();
            *slot = other(&was);
            changed += 1;
            if check(&docs).0.is_empty() {
                *out.entry(named(&docs[i].value, &place, "")).or_default() += 1;
            }
            *docs[i].value.pointer_mut(&place).unwrap() = was;
        }
    }
    (changed, out)
}

/// Nothing but `free` may change unnoticed, and no entry of `free` is there in vain.
pub(crate) fn only(found: &BTreeMap<String, usize>, free: &[&str]) {
    let unknown: Vec<_> = found
        .iter()
        .filter(|(p, _)| !free.contains(&p.as_str()))
        .collect();
    assert!(unknown.is_empty(), "changed and not noticed: {unknown:#?}");
    let idle: Vec<_> = free.iter().filter(|f| !found.contains_key(**f)).collect();
    assert!(idle.is_empty(), "noticed after all: {idle:?}");
}
