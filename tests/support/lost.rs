//! Takes parts out of documents, after every value was changed.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::mutated::{self, Doc, Wrong, leaves, named};

/// Parts of one document that differ by their numbers in lists alone are taken out so many times.
const MOST_ALIKE: usize = 4;

/// Changes each value of each document, and takes parts out: places whose change or loss nobody notices, without
/// numbers of lists, each with how often. The number is how many were changed or taken out.
pub(crate) fn survivors(
    docs: &[Doc],
    check: impl Fn(&[Doc]) -> Wrong,
) -> (usize, BTreeMap<String, usize>) {
    let (mut changed, mut out) = mutated::survivors(docs, &check);
    let free = out.clone();
    let mut docs = docs.to_vec();
    for i in 0..docs.len() {
        let whole = docs[i].value.clone();
        let (mut gone, mut values) = (Vec::new(), Vec::new());
        parts(&whole, "", &mut gone);
        leaves(&whole, "", &mut values);
        let mut alike: BTreeMap<String, usize> = BTreeMap::new();
        for place in gone {
            let times = alike.entry(named(&whole, &place, "")).or_default();
            *times += 1;
            // What holds nothing but what may be anything may be missing as well.
            let inside = |p: &&String| **p == place || p.starts_with(&format!("{place}/"));
            let mut held = values.iter().filter(inside).peekable();
            let idle = |p: &String| free.contains_key(&named(&whole, p, ""));
            if *times > MOST_ALIKE || (held.peek().is_some() && held.all(idle)) {
                continue;
            }
            remove(&mut docs[i].value, &place);
            changed += 1;
            if check(&docs).0.is_empty() {
                *out.entry(named(&whole, &place, "without ")).or_default() += 1;
            }
            docs[i].value = whole.clone();
        }
    }
    (changed, out)
}

/// The places of everything that stands in something else.
fn parts(value: &Value, at: &str, out: &mut Vec<String>) {
    let mut add = |key: &str, inner: &Value| {
        let place = format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
        parts(inner, &place, out);
        out.push(place);
    };
    match value {
        Value::Object(map) => map.iter().for_each(|(key, inner)| add(key, inner)),
        Value::Array(list) => {
            let numbered = list.iter().enumerate();
            numbered.for_each(|(i, inner)| add(&i.to_string(), inner));
        }
        _ => {}
    }
}

/// Takes the part at `place` out.
fn remove(value: &mut Value, place: &str) {
    let (around, last) = place.rsplit_once('/').unwrap();
    match value.pointer_mut(around).unwrap() {
        Value::Object(map) => drop(map.remove(&last.replace("~1", "/").replace("~0", "~"))),
        Value::Array(list) => drop(list.remove(last.parse().unwrap())),
        other => panic!("nothing stands in {other}"),
    }
}
