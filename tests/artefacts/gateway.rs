//! Gateways' configuration is read by the gateway itself, or by the nearest thing to it that can be had here:
//! for Kong and Azure API Management that is a schema of our own, and the table says so. How Envoy and
//! NGINX answer with these files is tested where they are made (`src/render/artefact/gateway/real.rs`).

use std::path::PathBuf;
use std::process::Command;

use crate::Check;
use crate::designs::{self, Exported};
use crate::tool;

/// Runs `command` with each file.
fn each(paths: &[PathBuf], command: impl Fn() -> Command) -> Result<String, String> {
    for path in paths {
        tool::run(command().arg(path)).map_err(|said| format!("{}: {said}", path.display()))?;
    }
    Ok(String::new())
}

pub(crate) const GATEWAY_API: Check = Check {
    kind: "gateway",
    tool: "types of Gateway API, Istio",
    version: || tool::npm_version("@kubernetes-models/gateway-api"),
    reads: |path| path.ends_with("httproute.yaml"),
    run: |files| tool::typed(files, "gateway-api"),
    spoil: |text| text.replacen("matches:", "matchez:", 1),
};

pub(crate) fn envoy_version() -> String {
    // `envoy version: COMMIT/1.40.0/…`
    let said = tool::run(Command::new("envoy").arg("--version")).unwrap_or_default();
    let version = said.split('/').find(|w| w.matches('.').count() == 2);
    version.unwrap_or("?").to_owned()
}

/// Two at a time: each file is a start of the whole program.
pub(crate) fn envoy_reads(files: &[Exported]) -> Result<(), String> {
    tool::on_all(files, |paths| {
        let (some, others) = paths.split_at(paths.len() / 2);
        let read = |paths: &[PathBuf]| {
            each(paths, || {
                let mut envoy = Command::new("envoy");
                envoy.args(["--mode", "validate", "-l", "error", "-c"]);
                envoy
            })
        };
        std::thread::scope(|s| {
            let other = s.spawn(|| read(others));
            let one = read(some);
            one.and(other.join().unwrap())
        })
    })
}

pub(crate) const ENVOY: Check = Check {
    kind: "gateway",
    tool: "envoy --mode validate",
    version: envoy_version,
    reads: |path| path.ends_with("envoy.yaml"),
    run: envoy_reads,
    spoil: |text| text.replacen("fill_interval", "fill_intervall", 1),
};

pub(crate) const NGINX: Check = Check {
    kind: "gateway",
    tool: "nginx -t",
    version: || tool::version(Command::new("nginx").arg("-v")),
    reads: |path| path.ends_with("nginx.conf"),
    run: |files| {
        tool::on_all(files, |paths| {
            each(paths, || {
                let mut nginx = Command::new("nginx");
                nginx.args(["-q", "-t", "-g", "pid /dev/null;", "-c"]);
                nginx
            })
        })
    },
    spoil: |text| text.replacen("auth_request ", "auth_requests ", 1),
};

/// Kong and the schema of its declarations are in no registry that is within reach: the schema is ours, after
/// its documentation.
pub(crate) const KONG: Check = Check {
    kind: "gateway",
    tool: "a schema of our own, not Kong",
    version: || "-".to_owned(),
    reads: |path| path.ends_with("kong.yaml"),
    run: |files| own_schema("kong", files),
    spoil: |text| text.replacen("read_timeout:", "reed_timeout:", 1),
};

fn own_schema(format: &str, files: &[Exported]) -> Result<(), String> {
    tool::on_all(files, |paths| {
        let mut arguments = vec![PathBuf::from(format)];
        arguments.extend_from_slice(paths);
        tool::python("gateways.py", &arguments)
    })
}

/// The schemas of our own notice what the products would refuse.
#[test]
fn each_fault_of_a_declaration_is_found() {
    for (format, gateway, faults) in [
        (
            "kong",
            "kong",
            [
                ("retries: 0", "retries: none"),
                ("port: 8080", "port: 80800"),
                ("limit_by: ip", "limit_by: address"),
                ("- name: jwt", "- name: jwt-auth"),
                ("- \"~/", "- \"~"),
                ("minute: ", "minutes: "),
                ("algorithm: RS256", "algorithm: RS255"),
                ("_format_version: \"3.0\"", "_format_version: 3.0"),
            ],
        ),
        (
            "azure",
            "azure-apim",
            [
                ("exists-action=\"delete\"", "exists-action=\"remove\""),
                ("  <backend>\n", "  <backend>\n    <base />\n"),
                ("renewal-period=\"60\"", "renewal-period=\"600\""),
                ("timeout-ms=", "timeout_ms="),
                ("<set-status code=\"404\"", "<set-status code=\"four\""),
                ("<openid-config", "<openid"),
                (".Operation.Id == ", ".Operation.Id) == "),
                ("<otherwise>", "<value>x</value><otherwise>"),
            ],
        ),
    ] {
        let file = &designs::shop_behind(gateway)[0];
        for (from, to) in faults {
            let mut broken = file.clone();
            broken.text = broken.text.replacen(from, to, 1);
            assert_ne!(broken.text, file.text, "{from}");
            assert!(own_schema(format, &[broken]).is_err(), "{format}: {to}");
        }
    }
}

pub(crate) const AWS: Check = Check {
    kind: "gateway",
    tool: "cfn-lint",
    version: || tool::version(Command::new("cfn-lint").arg("--version")),
    reads: |path| path.ends_with("api-gateway.json"),
    run: |files| {
        tool::on_all(files, |paths| {
            tool::run(Command::new("cfn-lint").arg("--").args(paths))
        })
    },
    spoil: |text| text.replacen("AutoDeploy", "AutomaticDeploy", 1),
};

/// It knows nothing of Google's extensions.
pub(crate) const GCP: Check = Check {
    kind: "gateway",
    tool: "openapi-spec-validator (2.0)",
    version: || tool::version(Command::new("openapi-spec-validator").arg("--version")),
    reads: |path| path.ends_with("gateway/openapi.yaml"),
    run: |files| {
        tool::on_all(files, |paths| {
            tool::run(Command::new("openapi-spec-validator").args(paths))
        })
    },
    spoil: |text| text.replacen("responses:", "answers:", 1),
};

/// Azure publishes no schema for policies: this one is ours, after its documentation.
pub(crate) const AZURE: Check = Check {
    kind: "gateway",
    tool: "a schema of our own, not Azure",
    version: || "-".to_owned(),
    reads: |path| path.ends_with("policies.xml"),
    run: |files| own_schema("azure", files),
    spoil: |text| text.replacen("exists-action=", "exists=", 1),
};
