//! Every artefact of every design is accepted by the program that reads it in production, and each
//! check is shown to fail on a broken file. Each is a row of `target/conformance.txt`.
#![cfg(feature = "conformance")]
#![allow(clippy::unwrap_used, clippy::panic)]

mod apply;
mod asyncapi;
mod broker;
mod chapter;
mod cloud;
mod designs;
mod events;
mod gateway;
mod grafana;
mod kubernetes;
mod library;
mod nats;
mod openapi;
mod prometheus;
mod proto;
mod rabbitmq;
mod saga;
#[path = "../support/saga_runs.rs"]
mod saga_runs;
mod sagas;
#[path = "../support/table.rs"]
mod table;
mod terraform;
mod tool;

use designs::Exported;

/// One kind of artefact and the program that reads it.
struct Check {
    /// The kind's id.
    kind: &'static str,
    /// The program's name in the table.
    tool: &'static str,
    /// Its version.
    version: fn() -> String,
    /// Which of the kind's files it reads.
    reads: fn(&str) -> bool,
    /// Reads all files at once; an error is what the program said.
    run: fn(&[Exported]) -> Result<(), String>,
    /// Breaks a file so that the program must refuse it; gives back what it cannot break.
    spoil: fn(&str) -> String,
}

/// What services say to each other, and the code for it.
const CONTRACTS: &[Check] = &[
    openapi::VALIDATOR,
    openapi::REDOCLY,
    proto::BUF,
    proto::PROTOC,
    proto::SERVICE_CONFIG,
    events::SCHEMAS,
    events::EXAMPLES,
    events::CLOUD_EVENTS,
    asyncapi::PARSER,
    asyncapi::REDOCLY,
    broker::STRIMZI,
    broker::SCHEMAS,
    broker::CLOUDFORMATION,
    cloud::MOTO,
    terraform::NAMES,
    rabbitmq::DEFINITIONS,
    nats::JETSTREAM,
    saga::STATE_MACHINES,
    saga::STACKS,
    saga::GO,
    saga::PYTHON,
    saga::TYPESCRIPT,
];

/// What runs and watches them. Two lists, because each is read by a test of its own: they take equally long.
const OPERATIONS: &[Check] = &[
    kubernetes::MANIFESTS,
    kubernetes::ISTIO,
    kubernetes::LINKERD,
    kubernetes::ENVOY,
    library::COCKATIEL,
    library::TENACITY,
    library::TOWER,
    library::FAILSAFE,
    library::POLLY,
    gateway::GATEWAY_API,
    gateway::ENVOY,
    gateway::NGINX,
    gateway::KONG,
    gateway::AWS,
    gateway::GCP,
    gateway::AZURE,
    prometheus::RULES,
    prometheus::TESTS,
    prometheus::ALERTMANAGER,
    grafana::TYPES,
    grafana::QUERIES,
];

/// Kinds without a check in the lists: runbooks are for people, and only the forges themselves read `CODEOWNERS`;
/// `tests/export.rs` holds both against the other files. Nothing of Maven's can be had here, so `tests/one_value.rs`
/// reads what is for Resilience4j. What the page about the files says is run by `apply.rs`.
const ELSEWHERE: &[&str] = &["runbooks", "codeowners", "resilience4j", "apply"];

#[test]
fn every_kind_is_read_by_its_program_contracts() {
    every_kind(CONTRACTS);
}

#[test]
fn every_kind_is_read_by_its_program_operations() {
    every_kind(OPERATIONS);
}

fn every_kind(checks: &[Check]) {
    let all = designs::exported();
    let mut failed = Vec::new();
    // While working on one kind, `MSDESIGN_KIND=proto` leaves out the others.
    let only = std::env::var("MSDESIGN_KIND").ok();
    let wanted = |c: &&Check| only.as_ref().is_none_or(|k| k == c.kind);
    for check in checks.iter().filter(wanted) {
        let files: Vec<Exported> = all
            .iter()
            .filter(|f| f.kind == check.kind && (check.reads)(&f.path))
            .cloned()
            .collect();
        let files = designs::distinct(&files);
        if files.is_empty() && designs::foreign() {
            continue;
        }
        assert!(
            !files.is_empty(),
            "no file of {} for {}",
            check.kind,
            check.tool
        );
        let version = std::panic::catch_unwind(check.version);
        let version = version.unwrap_or_else(|_| "missing".to_owned());
        let row = table::row(check.kind, check.tool, version);
        let said = (check.run)(&files);
        let refuses = (check.run)(&spoilt(check, &files)).is_err();
        let result = match (&said, refuses) {
            (Ok(()), true) => "accepted",
            (Ok(()), false) => "ACCEPTS ANYTHING",
            (Err(_), _) => "REFUSED",
        };
        row.ends(files.len(), result);
        if let Err(why) = said {
            failed.push(format!("{} {}:\n{why}", check.kind, check.tool));
        } else if !refuses {
            failed.push(format!("{} {} accepts anything", check.kind, check.tool));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
}

/// The files of one design with one of them broken: a check that takes anything proves nothing.
fn spoilt(check: &Check, files: &[Exported]) -> Vec<Exported> {
    let bad = files.iter().find(|f| (check.spoil)(&f.text) != f.text);
    let bad = bad.unwrap_or_else(|| panic!("{}: no file can be spoilt", check.tool));
    let design = files.iter().filter(|f| f.design == bad.design);
    let spoil = |f: &Exported| {
        let mut f = f.clone();
        if f.path == bad.path {
            f.text = (check.spoil)(&f.text);
        }
        f
    };
    design.map(spoil).collect()
}

#[test]
fn every_kind_has_a_check() {
    for (kind, _) in msdesign::artefact_kinds() {
        assert!(
            CONTRACTS.iter().chain(OPERATIONS).any(|c| c.kind == kind) || ELSEWHERE.contains(&kind),
            "nothing reads the files of `{kind}`"
        );
    }
}
