//! Diagnostics as the JSON that other programs read (`check --format json`).

use serde_json::{Value, json};

use super::{Diagnostic, Fixer, Location, Sources, Span};

/// `{"version": 1, "diagnostics": […]}`; the shape is a public contract.
#[must_use]
pub fn to_json(sources: &Sources, diagnostics: &[Diagnostic]) -> Value {
    let mut fixer = Fixer::new(sources);
    let all: Vec<Value> = diagnostics
        .iter()
        .map(|d| one(sources, &mut fixer, d))
        .collect();
    json!({ "version": 1, "diagnostics": all })
}

fn one(sources: &Sources, fixer: &mut Fixer<'_>, d: &Diagnostic) -> Value {
    let mut out = json!({
        "rule": d.rule,
        "severity": d.severity.name(),
        "message": d.message,
    });
    merge(&mut out, place(sources, d.primary.span));
    let labels: Vec<Value> = d
        .labels
        .iter()
        .map(|l| {
            let mut label = json!({ "message": l.message });
            merge(&mut label, place(sources, l.span));
            label
        })
        .collect();
    let fix = d.fix.as_ref().and_then(|f| {
        let edits: Vec<Value> = fixer
            .replacements(f)?
            .into_iter()
            .map(|r| {
                let mut edit = at(sources.locate_bytes(r.source, r.bytes));
                merge(&mut edit, json!({ "replacement": r.text }));
                edit
            })
            .collect();
        Some(json!({ "description": f.description, "edits": edits }))
    });
    merge(
        &mut out,
        json!({ "labels": labels, "help": d.help, "fix": fix }),
    );
    out
}

fn place(sources: &Sources, span: Span) -> Value {
    at(sources.locate(span))
}

fn at(at: Location) -> Value {
    json!({
        "file": at.file,
        "line": at.line,
        "column": at.column,
        "end_line": at.end_line,
        "end_column": at.end_column,
    })
}

fn merge(into: &mut Value, from: Value) {
    if let (Some(into), Value::Object(from)) = (into.as_object_mut(), from) {
        into.extend(from);
    }
}
