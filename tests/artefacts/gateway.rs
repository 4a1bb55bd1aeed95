//! Gateways' configuration is read by the gateway itself, or by the nearest thing to it that can be had here:
//! for Kong and Azure API Management that is no more than the syntax, and the table says so. How Envoy and
//! NGINX answer with these files is tested where they are made (`src/render/artefact/gateway/real.rs`).

use std::path::PathBuf;
use std::process::Command;

use crate::Check;
use crate::designs::Exported;
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

/// Kong and the schema of its declarations are in no registry that is within reach.
pub(crate) const KONG: Check = Check {
    kind: "gateway",
    tool: "YAML only, nothing of Kong",
    version: || "-".to_owned(),
    reads: |path| path.ends_with("kong.yaml"),
    run: |files| {
        for file in files {
            let read: Result<serde_json::Value, _> = serde_yaml_ng::from_str(&file.text);
            read.map_err(|e| format!("{}: {e}", file.design))?;
        }
        Ok(())
    },
    spoil: |text| text.replacen("services:", "services: [", 1),
};

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

/// Azure publishes no schema for policies.
pub(crate) const AZURE: Check = Check {
    kind: "gateway",
    tool: "XML only, nothing of Azure",
    version: || "-".to_owned(),
    reads: |path| path.ends_with("policies.xml"),
    run: |files| {
        tool::on_all(files, |paths| {
            let script =
                "import sys, xml.dom.minidom\nfor p in sys.argv[1:]: xml.dom.minidom.parse(p)";
            tool::run(Command::new("python3").args(["-c", script]).args(paths))
        })
    },
    spoil: |text| text.replacen("</inbound>", "", 1),
};
