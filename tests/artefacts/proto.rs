//! Protocol Buffers are linted and built by two compilers; service configurations by a gRPC client.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use crate::Check;
use crate::designs::Exported;
use crate::tool;

pub(crate) const BUF: Check = Check {
    kind: "proto",
    tool: "buf lint, buf build",
    version: || tool::version(Command::new("buf").arg("--version")),
    reads: |_| true,
    run: buf,
    spoil: |text| text.replacen("Request) returns", "Question) returns", 1),
};

pub(crate) const PROTOC: Check = Check {
    kind: "proto",
    tool: "protoc",
    version: || tool::version(Command::new("protoc").arg("--version")),
    reads: |path| path.ends_with(".proto"),
    run: protoc,
    spoil: |text| text.replacen("message ", "massage ", 1),
};

pub(crate) const SERVICE_CONFIG: Check = Check {
    kind: "grpc",
    tool: "grpc-js service config",
    version: || tool::npm_version("@grpc/grpc-js"),
    reads: |_| true,
    run: |files| tool::on_all(files, |paths| tool::node("service_config.js", paths)),
    spoil: |text| text.replacen("\"timeout\": \"", "\"timeout\": \"soon ", 1),
};

/// Every design is a module of its own, as a repository would have it.
fn buf(files: &[Exported]) -> Result<(), String> {
    for_each_design(files, |dir| {
        // Its cache has no place in a home folder.
        let run = |verb: &str| {
            tool::run(
                Command::new("buf")
                    .current_dir(dir)
                    .env("BUF_CACHE_DIR", dir.join("cache"))
                    .arg(verb),
            )
        };
        run("lint")?;
        run("build")
    })
}

fn protoc(files: &[Exported]) -> Result<(), String> {
    for_each_design(files, |dir| {
        let paths = tool::files_below(dir, "proto");
        tool::run(
            Command::new("protoc")
                .current_dir(dir)
                .arg("-I.")
                .arg("--descriptor_set_out=/dev/null")
                .args(paths),
        )
    })
}

fn for_each_design(
    files: &[Exported],
    check: impl Fn(&Path) -> Result<String, String>,
) -> Result<(), String> {
    let designs: BTreeSet<&str> = files.iter().map(|f| f.design.as_str()).collect();
    tool::on_all(files, |paths| {
        let root = paths[0].ancestors().find(|a| a.ends_with("proto")).unwrap();
        let root = root.parent().unwrap().parent().unwrap();
        for design in designs {
            check(&root.join(design).join("proto"))?;
        }
        Ok(String::new())
    })
}
