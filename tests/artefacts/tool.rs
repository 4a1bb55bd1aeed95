//! Runs the programs; one that is missing fails the test.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::designs::Exported;

/// What `command` printed, as an error where it did not end well.
pub(crate) fn run(command: &mut Command) -> Result<String, String> {
    let done = command
        .output()
        .unwrap_or_else(|e| panic!("{:?} must be installed: {e}", command.get_program()));
    let said =
        String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr);
    if done.status.success() {
        Ok(said)
    } else {
        Err(said)
    }
}

/// The first thing in what `command` prints that looks like a version.
pub(crate) fn version(command: &mut Command) -> String {
    let said = run(command).unwrap_or_else(|said| said);
    let numbers = said.split(|c: char| !c.is_ascii_digit() && c != '.');
    let found = numbers
        .map(|w| w.trim_matches('.'))
        .find(|w| w.contains('.') && w.len() > 2);
    found.unwrap_or("?").to_owned()
}

/// Writes `files` below `dir`, a folder a design, and returns where each stands.
pub(crate) fn lay(dir: &Path, files: &[Exported]) -> Vec<PathBuf> {
    files
        .iter()
        .map(|f| {
            let path = dir.join(&f.design).join(&f.path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, &f.text).unwrap();
            path
        })
        .collect()
}

/// Lays `files` in a folder and hands their places to `check`.
pub(crate) fn on_all(
    files: &[Exported],
    check: impl FnOnce(&[PathBuf]) -> Result<String, String>,
) -> Result<(), String> {
    let dir = tempfile::tempdir().unwrap();
    let paths = lay(dir.path(), files);
    check(&paths).map(|_| ())
}

/// Runs a script of this folder with the packages that `tools/install.sh` brought from npm.
pub(crate) fn node<A: AsRef<std::ffi::OsStr>>(
    script: &str,
    arguments: &[A],
) -> Result<String, String> {
    run(Command::new("node")
        .env("NODE_PATH", packages())
        .arg(here(script))
        .args(arguments))
}

/// Runs a script of this folder with the Python that `tools/install.sh` prepared.
pub(crate) fn python<A: AsRef<std::ffi::OsStr>>(
    script: &str,
    arguments: &[A],
) -> Result<String, String> {
    run(Command::new("python3")
        // Nothing is left beside the script.
        .arg("-B")
        .arg(here(script))
        .args(arguments))
}

/// Runs the script of a broker with `plays`, whose answer is what went wrong in each play: nothing in those that come
/// first and are named by `sound`, something in those of `broken`. On a busy machine a message may be late, but what is
/// wrong in a file is wrong each time: up to three tries.
pub(crate) fn plays(script: &str, plays: &serde_json::Value, sound: &[&str], broken: &[&str]) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("plays.json");
    std::fs::write(&file, plays.to_string()).unwrap();
    let mut faults = Vec::new();
    for _ in 0..3 {
        match python(script, &["play".as_ref(), file.as_os_str()]) {
            Ok(said) => {
                let wrong: Vec<Vec<String>> = serde_json::from_str(&said).unwrap();
                assert_eq!(wrong.len(), sound.len() + broken.len());
                let (of_sound, of_broken) = wrong.split_at(sound.len());
                let late = sound.iter().zip(of_sound).filter(|(_, w)| !w.is_empty());
                let unseen = broken.iter().zip(of_broken).filter(|(_, w)| w.is_empty());
                let before = faults.len();
                faults.extend(late.map(|(name, wrong)| format!("{name}: {wrong:#?}")));
                faults.extend(unseen.map(|(name, _)| format!("{name}: nobody noticed")));
                if faults.len() == before {
                    return;
                }
            }
            Err(said) => faults.push(said),
        }
    }
    panic!("{}", faults.join("\n"));
}

/// The version of an npm package that was brought.
pub(crate) fn npm_version(package: &str) -> String {
    let file = packages().join(package).join("package.json");
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let value: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
    value["version"].as_str().unwrap_or("?").to_owned()
}

pub(crate) fn packages() -> PathBuf {
    let root = std::env::var_os("MSDESIGN_NPM").expect("tools/install.sh has run");
    PathBuf::from(root).join("node_modules")
}

pub(crate) fn here(script: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/artefacts")
        .join(script)
}

/// `redocly lint` of OpenAPI and AsyncAPI documents, by the rules of the specifications alone.
pub(crate) fn redocly(paths: &[PathBuf]) -> Result<String, String> {
    let mut redocly = Command::new("redocly");
    // It asks its registry for a newer version otherwise.
    redocly.env("REDOCLY_TELEMETRY", "off").env("CI", "true");
    redocly.env("REDOCLY_SUPPRESS_UPDATE_NOTICE", "true");
    run(redocly.args(["lint", "--extends=spec"]).args(paths))
}

/// Every file with this ending below `dir`, relative to it.
pub(crate) fn files_below(dir: &Path, ending: &str) -> Vec<PathBuf> {
    let mut out = Vec::new();
    let mut folders = vec![dir.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == ending) {
                out.push(path.strip_prefix(dir).unwrap().to_path_buf());
            }
        }
    }
    out.sort();
    out
}

/// Compiles `code` strictly beside the packages from npm.
pub(crate) fn typescript(code: &str) -> Result<(), String> {
    let packages = packages();
    let dir = tempfile::tempdir_in(packages.parent().unwrap()).unwrap();
    let path = dir.path().join("code.ts");
    std::fs::write(&path, code).unwrap();
    let options = "--noEmit --strict --skipLibCheck --module nodenext --moduleResolution nodenext";
    let mut tsc = Command::new(packages.join(".bin/tsc"));
    run(tsc.args(options.split(' ')).arg(path)).map(|_| ())
}

/// Holds every YAML document against its type in `@kubernetes-models/<package>`, all in one TypeScript
/// file: the type of each is known by its kind.
pub(crate) fn typed(files: &[Exported], package: &str) -> Result<(), String> {
    typed_beside(files, package, None)
}

/// The same; what is of the group of `own` has its type there: the group, what its types' names begin with,
/// and their code.
pub(crate) fn typed_beside(
    files: &[Exported],
    package: &str,
    own: Option<(&str, &str, &str)>,
) -> Result<(), String> {
    let mut code = own.map_or(String::new(), |(_, _, types)| types.to_owned());
    let mut n = 0;
    for file in files {
        for document in serde_yaml_ng::Deserializer::from_str(&file.text) {
            let value: serde_json::Value = serde::Deserialize::deserialize(document).unwrap();
            let api = value["apiVersion"].as_str().unwrap();
            let kind = value["kind"].as_str().unwrap();
            // A gateway's file holds Istio's policies beside its routes.
            let package = if api.contains(".istio.io/") {
                "istio"
            } else {
                package
            };
            let ours = own.filter(|(group, ..)| api.starts_with(&format!("{group}/")));
            let name = match ours {
                Some((_, prefix, _)) => format!("{prefix}{kind}"),
                None => format!("T{n}"),
            };
            if ours.is_none() {
                code.push_str(&format!(
                    "import type {{ I{kind} as T{n} }} from '@kubernetes-models/{package}/{api}/{kind}';\n"
                ));
            }
            code.push_str(&format!(
                "// {} {}\nexport const d{n}: {name} = {value};\n",
                file.design, file.path
            ));
            n += 1;
        }
    }
    typescript(&code)
}
