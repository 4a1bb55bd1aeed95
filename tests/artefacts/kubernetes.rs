//! Kubernetes manifests are held against the API's schemas, and Istio's and Linkerd's against
//! types.

use std::process::Command;

use crate::Check;
use crate::tool;

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
