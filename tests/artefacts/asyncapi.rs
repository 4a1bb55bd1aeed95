//! AsyncAPI documents are read by the reference parser and by another linter.

use std::process::Command;

use crate::Check;
use crate::tool;

pub(crate) const PARSER: Check = Check {
    kind: "asyncapi",
    tool: "@asyncapi/parser",
    version: || tool::npm_version("@asyncapi/parser"),
    reads: |_| true,
    run: |files| tool::on_all(files, |paths| tool::node("asyncapi.js", paths)),
    spoil,
};

pub(crate) const REDOCLY: Check = Check {
    kind: "asyncapi",
    tool: "redocly lint",
    version: || tool::version(Command::new("redocly").arg("--version")),
    reads: |_| true,
    run: |files| tool::on_all(files, tool::redocly),
    spoil,
};

fn spoil(text: &str) -> String {
    text.replacen("action: ", "act: ", 1)
}
