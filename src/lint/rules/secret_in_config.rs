//! `secret-in-config`: a credential stands in the spec.
//!
//! A password in a URL (`postgres://user:password@host`), behind `password=`, `secret=`, `token=` or
//! `api_key=`, or a key known by its beginning (`AKIA…`, `ghp_…`, a private key), anywhere in the text
//! of the spec. Stand-ins such as `${DB_PASSWORD}` or `<password>` do not count.

use super::prelude::*;

rule! {
    id: "secret-in-config",
    severity: Error,
    section: Overview,
    summary: "a credential stands in the spec",
    what: "A password in a URL (`postgres://user:password@host`), behind `password=`, `secret=`, `token=` or `api_key=`, or a key known by its beginning (`AKIA…`, `ghp_…`, a private key), anywhere in the text of the spec. Stand-ins such as `${DB_PASSWORD}` or `<password>` do not count.",
    why: "Everybody who reads the book or its repository has it, for as long as the history is kept; it has to be changed now.",
    limits: "Words that look like prose are not guessed at.",
    source: "OWASP Secrets Management Cheat Sheet; CWE-798",
}

fn check(facts: &Facts<'_>, report: &mut Report) {
    for (i, span) in facts.model.secrets.iter().enumerate() {
        let d = report
            .at(*span, "a credential stands here for every reader of the design")
            .at("a literal credential")
            .help("change it, keep it in a secret store, and write a stand-in such as `${DB_PASSWORD}` or the name of the secret");
        // The subject is shown in the chapter, so it must not quote the secret.
        report.add((format!("credential {}", i + 1), Vec::new()), d);
    }
}
