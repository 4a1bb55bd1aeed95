//! Kubernetes manifests are held against the API's schemas, and Istio's against its types.

use std::process::Command;

use crate::Check;
use crate::designs::Exported;
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
    run: istio,
    spoil: |text| text.replacen("timeout: ", "timeOut: ", 1),
};

/// All documents in one TypeScript file: the type of each is known by its kind.
fn istio(files: &[Exported]) -> Result<(), String> {
    let mut code = String::new();
    let mut n = 0;
    for file in files {
        for document in serde_yaml_ng::Deserializer::from_str(&file.text) {
            let value: serde_json::Value = serde::Deserialize::deserialize(document).unwrap();
            let api = value["apiVersion"].as_str().unwrap();
            let kind = value["kind"].as_str().unwrap();
            code.push_str(&format!(
                "import type {{ I{kind} as T{n} }} from '@kubernetes-models/istio/{api}/{kind}';\n\
                 // {} {}\nexport const d{n}: T{n} = {value};\n",
                file.design, file.path
            ));
            n += 1;
        }
    }
    tool::typescript(&code)
}
