//! `--format sarif`: SARIF 2.1.0, as code scanning services read it.

use std::collections::BTreeMap;

use msdesign::diag::{Diagnostic, Fixer, Location, Severity};
use msdesign::lint;
use serde_json::{Value, json};

use super::Found;

/// One run with the rules that speak in it.
pub(super) fn report(found: &[Found<'_>]) -> Value {
    let ids: BTreeMap<&str, usize> = {
        let mut ids: Vec<&str> = found.iter().map(|f| f.diagnostic.rule).collect();
        ids.sort_unstable();
        ids.dedup();
        ids.into_iter().enumerate().map(|(i, id)| (id, i)).collect()
    };
    let rules: Vec<Value> = ids.keys().map(|id| rule(id, found)).collect();
    let mut results = Vec::with_capacity(found.len());
    for group in found.chunk_by(|a, b| std::ptr::eq(a.sources, b.sources)) {
        let Some(first) = group.first() else { continue };
        let mut fixer = Fixer::new(first.sources);
        for f in group {
            let index = ids.get(f.diagnostic.rule).copied().unwrap_or_default();
            results.push(result(f, index, &mut fixer));
        }
    }
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "mdbook-msdesign",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            } },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn rule(id: &str, found: &[Found<'_>]) -> Value {
    let (summary, what, severity, page) = match lint::rule(id) {
        Some(r) => (r.summary, r.what, r.severity, lint::page(id)),
        None => {
            let fault = lint::fault(id);
            let worst = found.iter().filter(|f| f.diagnostic.rule == id);
            let worst = worst.map(|f| f.diagnostic.severity).max();
            (
                fault.map_or(id, |f| f.summary),
                fault.map_or(id, |f| f.what),
                worst.unwrap_or(Severity::Error),
                lint::page(id),
            )
        }
    };
    let page = page.unwrap_or_else(|| what.to_owned());
    json!({
        "id": id,
        "shortDescription": { "text": summary },
        "fullDescription": { "text": what },
        "help": { "text": page, "markdown": page },
        "defaultConfiguration": { "level": level(severity) },
    })
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "note",
    }
}

fn result(f: &Found<'_>, index: usize, fixer: &mut Fixer<'_>) -> Value {
    let d: &Diagnostic = f.diagnostic;
    let text = match &d.help {
        Some(help) => format!("{}. Instead: {help}.", d.message),
        None => format!("{}.", d.message),
    };
    let mut out = json!({
        "ruleId": d.rule,
        "ruleIndex": index,
        "level": level(d.severity),
        "message": { "text": text },
        "locations": [{ "physicalLocation": place(&f.at) }],
        "partialFingerprints": { "msdesign/v1": f.fingerprint },
    });
    let related: Vec<Value> = d
        .labels
        .iter()
        .enumerate()
        .map(|(i, l)| {
            json!({
                "id": i + 1,
                "message": { "text": l.message },
                "physicalLocation": place(&f.sources.locate(l.span)),
            })
        })
        .collect();
    let fix = d.fix.as_ref().and_then(|fix| {
        let mut files: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for r in fixer.replacements(fix)? {
            let at = f.sources.locate_bytes(r.source, r.bytes);
            files.entry(at.file.clone()).or_default().push(json!({
                "deletedRegion": region(&at),
                "insertedContent": { "text": r.text },
            }));
        }
        let changes: Vec<Value> = files
            .into_iter()
            .map(|(file, replacements)| {
                json!({ "artifactLocation": { "uri": uri(&file) }, "replacements": replacements })
            })
            .collect();
        Some(json!([{ "description": { "text": fix.description }, "artifactChanges": changes }]))
    });
    if let Some(result) = out.as_object_mut() {
        if !related.is_empty() {
            result.insert("relatedLocations".to_owned(), related.into());
        }
        if let Some(fix) = fix {
            result.insert("fixes".to_owned(), fix);
        }
    }
    out
}

fn place(at: &Location) -> Value {
    json!({ "artifactLocation": { "uri": uri(&at.file) }, "region": region(at) })
}

fn region(at: &Location) -> Value {
    json!({
        "startLine": at.line,
        "startColumn": at.column,
        "endLine": at.end_line,
        "endColumn": at.end_column,
    })
}

/// A path as a URI: relative ones stay so, what a URI may not hold is percent-encoded.
fn uri(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    if path.starts_with('/') {
        out.push_str("file://");
    }
    for b in path.bytes() {
        if b.is_ascii_alphanumeric() || b"-_.~/".contains(&b) {
            out.push(char::from(b));
        } else {
            out.push_str(&format!("%{b:02X}"));
        }
    }
    out
}
