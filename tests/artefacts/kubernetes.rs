//! Kubernetes manifests are held against the API's schemas, and Istio's against its types.

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
    reads: |_| true,
    run: |files| tool::typed(files, "istio"),
    spoil: |text| text.replacen("timeout: ", "timeOut: ", 1),
};
