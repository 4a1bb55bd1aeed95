//! Texts that are no documents of keys and values, changed and compared word by word.

use serde_json::{Value, json};

use crate::mutated::{Doc, Wrong};

/// A text as the words of its lines; without its comments, and without
/// indentation and empty lines, which say nothing either.
pub(crate) fn words(text: &str, comment: impl Fn(&str) -> bool) -> Doc {
    let lines = text.lines().map(str::trim);
    let lines = lines.filter(|l| !l.is_empty() && !comment(l));
    let lines = lines.map(|l| l.split_whitespace().collect::<Vec<_>>());
    Doc {
        value: lines.map(|l| json!(l)).collect(),
    }
}

/// Says each line of `is` that is not as it should be.
pub(crate) fn compare(w: &mut Wrong, is: &Value, should: &Value) {
    let lines = |v: &Value| v.as_array().map_or(0, Vec::len);
    for at in 0..lines(is).max(lines(should)) {
        w.want(&format!("line {at}"), &is[at], should[at].clone());
    }
}
