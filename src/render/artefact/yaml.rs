//! YAML that every reader takes the same way.
//!
//! Readers follow YAML 1.1, 1.2 or something between: `on`, `no`, `1e3`, `12:30` and `2026-01-01` are
//! strings for one and a boolean, a number or a date for another. So a string stands without quotes only
//! where no version of YAML could read anything else in it, and all others stand in double quotes with the
//! escapes that JSON and YAML share.

use serde_json::{Map, Value};

/// `value` as a YAML document, keys in their order; ends with a newline.
pub(crate) fn yaml(value: &Value) -> String {
    let mut out = String::new();
    match value {
        Value::Object(map) if !map.is_empty() => mapping(&mut out, map, 0),
        Value::Array(items) if !items.is_empty() => sequence(&mut out, items, 0),
        other => {
            // Text of several lines is indented even where nothing is around it.
            scalar(&mut out, other, 2);
            out.push('\n');
        }
    }
    out
}

/// Several documents in one file.
pub(crate) fn documents(values: &[Value]) -> String {
    let texts: Vec<String> = values.iter().map(yaml).collect();
    texts.join("---\n")
}

fn mapping(out: &mut String, map: &Map<String, Value>, indent: usize) {
    for (i, (key, value)) in map.iter().enumerate() {
        // The first key of an item stands behind its dash.
        if i > 0 || !out.ends_with("- ") {
            blanks(out, indent);
        }
        text(out, key);
        out.push(':');
        after(out, value, indent);
    }
}

/// What stands behind `key:`.
fn after(out: &mut String, value: &Value, indent: usize) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            out.push('\n');
            mapping(out, map, indent + 2);
        }
        Value::Array(items) if !items.is_empty() => {
            out.push('\n');
            sequence(out, items, indent);
        }
        other => {
            out.push(' ');
            scalar(out, other, indent + 2);
            out.push('\n');
        }
    }
}

fn sequence(out: &mut String, items: &[Value], indent: usize) {
    for item in items {
        if !out.ends_with("- ") {
            blanks(out, indent);
        }
        out.push_str("- ");
        match item {
            Value::Object(map) if !map.is_empty() => mapping(out, map, indent + 2),
            Value::Array(inner) if !inner.is_empty() => sequence(out, inner, indent + 2),
            other => {
                scalar(out, other, indent + 2);
                out.push('\n');
            }
        }
    }
}

fn blanks(out: &mut String, n: usize) {
    out.extend(std::iter::repeat_n(' ', n));
}

fn scalar(out: &mut String, value: &Value, indent: usize) {
    match value {
        Value::String(s) if is_block(s) => block(out, s, indent),
        Value::String(s) => text(out, s),
        Value::Object(_) => out.push_str("{}"),
        Value::Array(_) => out.push_str("[]"),
        // Null, booleans and numbers are written by JSON as by YAML.
        other => out.push_str(&other.to_string()),
    }
}

/// Text of several lines that can stand as it is.
fn is_block(s: &str) -> bool {
    s.ends_with('\n')
        && !s.ends_with("\n\n")
        && s.trim_end_matches('\n').contains('\n')
        && !s.starts_with([' ', '\n'])
        && s.chars().all(|c| c == '\n' || plain_char(c))
        && s.lines().all(|l| !l.ends_with(' '))
}

fn block(out: &mut String, s: &str, indent: usize) {
    out.push('|');
    for line in s.lines() {
        out.push('\n');
        if !line.is_empty() {
            blanks(out, indent);
            out.push_str(line);
        }
    }
}

fn text(out: &mut String, s: &str) {
    if is_plain(s) {
        out.push_str(s);
        return;
    }
    out.push('"');
    for c in s.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if plain_char(c) => out.push(c),
            c => {
                let mut units = [0; 2];
                for unit in c.encode_utf16(&mut units) {
                    out.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
    }
    out.push('"');
}

/// A character that stands for itself in every reader.
fn plain_char(c: char) -> bool {
    !c.is_control() && !matches!(c, '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{feff}')
}

/// Whether no version of YAML reads anything but this string.
fn is_plain(s: &str) -> bool {
    let Some(first) = s.chars().next() else {
        return false;
    };
    // The booleans and nulls of YAML 1.1, in any case.
    let words = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"];
    (first.is_ascii_alphabetic() || matches!(first, '/' | '_' | '(') || is_duration(s))
        && s.chars().all(|c| c.is_ascii_graphic() || c == ' ')
        && !s.ends_with([' ', ':'])
        && !s.contains(": ")
        && !s.contains(" #")
        && !words.iter().any(|w| s.eq_ignore_ascii_case(w))
}

/// `30s`, `1h30m`: digits and units, which are no number in any version.
fn is_duration(s: &str) -> bool {
    s.ends_with(['s', 'm', 'h', 'd']) && s.chars().all(|c| c.is_ascii_digit() || "smhd".contains(c))
}

#[cfg(test)]
mod tests {
    use super::yaml;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    #[test]
    fn structure_is_indented_and_doubtful_words_are_quoted() {
        let text = yaml(&json!({
            "on": ["no", "1e3", "12:30", "2026-01-01", "~", "5m", "a: b", "a #b", ""],
            "nested": [[1, 2], [{ "a": 1, "b": { "c": null } }], {}, []],
            "expr": "sum(rate(x{job=\"y\"}[5m])) > 0.5",
            "script": "first {{ $x }}\n  second: 'y'\n",
        }));
        let want = "\"on\":\n- \"no\"\n- \"1e3\"\n- \"12:30\"\n- \"2026-01-01\"\n- \"~\"\n- 5m\n- \"a: b\"\n- \"a #b\"\n- \"\"\nnested:\n- - 1\n  - 2\n- - a: 1\n    b:\n      c: null\n- {}\n- []\nexpr: sum(rate(x{job=\"y\"}[5m])) > 0.5\nscript: |\n  first {{ $x }}\n    second: 'y'\n";
        assert_eq!(text, want);
        assert_eq!(yaml(&json!("a\n*\n")), "|\n  a\n  *\n");
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "\\PC*".prop_map(Value::from),
            "[a-z:#{}\\[\\],&*!|>'\"%@` \n\t-]{0,12}".prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec(("[a-zA-Z0-9:# -]{0,6}", inner), 0..4)
                    .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn another_reader_reads_what_was_written(value in value()) {
            let text = yaml(&value);
            let back: Value = serde_yaml_ng::from_str(&text).expect("it is YAML");
            prop_assert_eq!(back, value, "{}", text);
        }
    }
}
