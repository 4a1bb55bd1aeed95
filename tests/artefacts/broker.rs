//! Kafka's resources are held against Strimzi's types, the stack of SNS and SQS against CloudFormation's.

use std::process::Command;

use crate::Check;
use crate::tool;

pub(crate) const STRIMZI: Check = Check {
    kind: "broker",
    tool: "types of Strimzi's API",
    version: || tool::npm_version("@kubernetes-models/strimzi-kafka-operator"),
    reads: |path| path.ends_with(".yaml"),
    run: |files| tool::typed(files, "strimzi-kafka-operator"),
    spoil: |text| text.replacen("partitions: ", "portions: ", 1),
};

pub(crate) const CLOUDFORMATION: Check = Check {
    kind: "broker",
    tool: "cfn-lint",
    version: || tool::version(Command::new("cfn-lint").arg("--version")),
    reads: |path| path.ends_with(".template.json"),
    run: |files| {
        tool::on_all(files, |paths| {
            tool::run(Command::new("cfn-lint").arg("--").args(paths))
        })
    },
    spoil: |text| text.replacen("maxReceiveCount", "mostReceiveCount", 1),
};
