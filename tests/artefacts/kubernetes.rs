//! Kubernetes manifests are held against the API's schemas, and Istio's and Linkerd's against
//! types.

use std::process::Command;

use crate::{Check, gateway, tool};

pub(crate) const MANIFESTS: Check = Check {
    kind: "kubernetes",
    tool: "kubernetes-validate --strict",
    version: || tool::version(Command::new("kubernetes-validate").arg("--version")),
    reads: |_| true,
    run: |files| {
        tool::on_all(files, |paths| {
            tool::run(
                Command::new("kubernetes-validate")
                    .arg("--strict")
                    .args(paths),
            )
        })
    },
    spoil: |text| text.replacen("periodSeconds", "periodInSeconds", 1),
};

pub(crate) const ISTIO: Check = Check {
    kind: "mesh",
    tool: "types of Istio's API",
    version: || tool::npm_version("@kubernetes-models/istio"),
    reads: |path| path.starts_with("istio/"),
    run: |files| tool::typed(files, "istio"),
    spoil: |text| text.replacen("timeout: ", "timeOut: ", 1),
};

/// Routes are the Gateway API's; for the policies the types are ours, after Linkerd's definitions.
pub(crate) const LINKERD: Check = Check {
    kind: "mesh",
    tool: "types of Gateway API, Linkerd",
    version: || tool::npm_version("@kubernetes-models/gateway-api"),
    reads: |path| path.starts_with("linkerd/"),
    run: |files| {
        let own = ("policy.linkerd.io", "Linkerd", include_str!("linkerd.ts"));
        tool::typed_beside(files, "gateway-api", Some(own))
    },
    spoil: |text| text.replacen("accessPolicy", "accesspolicy", 1),
};

/// How they treat calls is tested where they are made (`src/render/artefact/mesh/real.rs`).
pub(crate) const ENVOY: Check = Check {
    kind: "mesh",
    tool: "envoy --mode validate",
    version: gateway::envoy_version,
    reads: |path| path.starts_with("envoy/"),
    run: gateway::envoy_reads,
    spoil: |text| text.replacen("max_pending_requests", "max_waiting_requests", 1),
};
