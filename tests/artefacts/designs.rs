//! The designs whose files are checked: those of the book on every infrastructure, and one whose words
//! try to leave their place.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use msdesign::diag::{Severity, SourceFile, Sources};
use msdesign::{NoFiles, Options, compile};

/// A file of a design.
#[derive(Clone, Debug)]
pub(crate) struct Exported {
    /// The design and its infrastructure, a name for a folder.
    pub(crate) design: String,
    pub(crate) kind: &'static str,
    pub(crate) path: String,
    pub(crate) text: String,
}

const INFRASTRUCTURES: [&str; 4] = ["aws", "azure", "gcp", "kubernetes"];

/// Names and descriptions that mean something to YAML, JSON, HCL, shells and templates.
const HOSTILE: &str = include_str!("hostile.toml");

/// Every file of every design.
pub(crate) fn exported() -> Vec<Exported> {
    let mut out = Vec::new();
    for (name, spec) in specs() {
        for infrastructure in INFRASTRUCTURES {
            let design = format!("{name}-{infrastructure}");
            for a in files(&design, &on(&spec, infrastructure)) {
                out.push(Exported {
                    design: design.clone(),
                    kind: a.kind,
                    path: a.path,
                    text: a.text,
                });
            }
        }
    }
    out
}

/// The files of designs that differ: contracts, say, are the same on every infrastructure.
pub(crate) fn distinct(files: &[Exported]) -> Vec<Exported> {
    let mut designs: BTreeMap<&str, Vec<(&str, &str)>> = BTreeMap::new();
    for f in files {
        designs
            .entry(&f.design)
            .or_default()
            .push((&f.path, &f.text));
    }
    let mut seen = BTreeSet::new();
    designs.retain(|_, files| seen.insert(files.clone()));
    let kept = files
        .iter()
        .filter(|f| designs.contains_key(f.design.as_str()));
    kept.cloned().collect()
}

/// The spec on another infrastructure; what the platform then chooses is the infrastructure's own.
fn on(spec: &str, infrastructure: &str) -> String {
    let mut spec: toml_edit::DocumentMut = spec.parse().unwrap();
    spec["infrastructure"] = toml_edit::value(infrastructure);
    if let Some(platform) = spec.get_mut("platform").and_then(|p| p.as_table_like_mut()) {
        for key in ["broker", "gateway", "mesh"] {
            platform.remove(key);
        }
    }
    spec.to_string()
}

fn files(name: &str, spec: &str) -> Vec<msdesign::Artefact> {
    let mut sources = Sources::default();
    let id = sources.add(SourceFile::whole(name, spec));
    let options = Options {
        artefacts: true,
        ..Options::default()
    };
    let done = compile(&mut sources, id, &mut NoFiles, &options);
    let Some(chapter) = done.chapter else {
        let errors = done
            .diagnostics
            .iter()
            .filter(|d| d.severity == Severity::Error);
        panic!("{name}: {:#?}", errors.collect::<Vec<_>>());
    };
    chapter.artefacts
}

/// Whether somebody else's designs are checked, which need not have files of every kind:
/// `MSDESIGN_SPECS=FOLDER` takes the specs of a folder in place of the book's.
pub(crate) fn foreign() -> bool {
    std::env::var_os("MSDESIGN_SPECS").is_some()
}

/// Name and text of every design.
fn specs() -> Vec<(String, String)> {
    if let Some(folder) = std::env::var_os("MSDESIGN_SPECS") {
        return specs_in(Path::new(&folder));
    }
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("book-example/src/designs");
    let mut out = vec![("hostile".to_owned(), HOSTILE.to_owned())];
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let name = path.file_stem().unwrap().to_str().unwrap();
        for (n, rest) in text.split("```msdesign").skip(1).enumerate() {
            let (_, body) = rest.split_once('\n').unwrap();
            let (block, _) = body.split_once("\n```").unwrap();
            out.push((format!("{name}{n}"), format!("{block}\n")));
        }
    }
    assert!(out.len() > 6, "the designs of the book are there");
    out.sort();
    out
}

fn specs_in(folder: &Path) -> Vec<(String, String)> {
    let mut out = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|e| e == "toml") {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            out.push((name, fs::read_to_string(&path).unwrap()));
        }
    }
    out.sort();
    out
}
