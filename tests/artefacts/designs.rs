//! The designs whose files are checked: those of the book on every infrastructure, one whose words try to
//! leave their place, and some over every broker.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

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

const SOCK_SHOP: &str = include_str!("sock-shop.toml");

/// Every broker of the catalog.
const BROKERS: [&str; 7] = [
    "kafka",
    "rabbitmq",
    "nats",
    "sns-sqs",
    "eventbridge",
    "pubsub",
    "service-bus",
];

/// Every gateway of the catalog.
const GATEWAYS: [&str; 7] = [
    "gateway-api",
    "envoy",
    "nginx",
    "kong",
    "aws-api-gateway",
    "gcp-api-gateway",
    "azure-apim",
];

/// What differs between brokers.
const OF_BROKERS: [&str; 2] = ["broker", "asyncapi"];

/// What differs between meshes.
const OF_MESHES: [&str; 2] = ["mesh", "kubernetes"];

/// A design that sends all its events over one broker, and its chapter.
#[derive(Clone, Debug)]
pub(crate) struct OverBroker {
    pub(crate) broker: &'static str,
    pub(crate) chapter: String,
    pub(crate) files: Vec<Exported>,
}

/// Designs over each broker, whatever their infrastructure would choose.
pub(crate) fn over_brokers() -> Vec<OverBroker> {
    let mut chosen = specs();
    if !foreign() {
        chosen.retain(|(name, _)| ["eshop0", "ride-hailing0", "hostile"].contains(&name.as_str()));
        assert_eq!(chosen.len(), 3, "the book's designs with the most events");
    }
    // Its files are also the ones that are broken to see whether anybody notices.
    chosen.push(("sock-shop".to_owned(), SOCK_SHOP.to_owned()));
    let mut out = Vec::new();
    for (name, spec) in chosen {
        for broker in BROKERS {
            let design = format!("{name}-over-{broker}");
            let chapter = chapter(&design, &over(&spec, broker));
            let text = chapter.markdown();
            let files = exports(&design, chapter);
            out.push(OverBroker {
                broker,
                chapter: text,
                files: files
                    .into_iter()
                    .filter(|f| OF_BROKERS.contains(&f.kind))
                    .collect(),
            });
        }
    }
    out
}

/// A small shop behind `gateway`; no files but the gateway's.
pub(crate) fn shop_behind(gateway: &str) -> Vec<Exported> {
    let mut spec: toml_edit::DocumentMut = SOCK_SHOP.parse().unwrap();
    spec["platform"]["gateway"] = toml_edit::value(gateway);
    let mut files = exports(gateway, chapter(gateway, &spec.to_string()));
    files.retain(|f| f.kind == "gateway");
    files
}

/// Designs behind each gateway, whatever their infrastructure would choose; no files but the gateway's.
fn behind_gateways() -> Vec<Exported> {
    let mut out = Vec::new();
    for (name, text) in specs() {
        for gateway in GATEWAYS {
            let mut spec: toml_edit::DocumentMut = text.parse().unwrap();
            spec["platform"]["gateway"] = toml_edit::value(gateway);
            let design = format!("{name}-behind-{gateway}");
            let files = exports(&design, chapter(&design, &spec.to_string()));
            out.extend(files.into_iter().filter(|f| f.kind == "gateway"));
        }
    }
    out
}

/// The spec with all events on one broker.
fn over(spec: &str, broker: &str) -> String {
    let mut spec: toml_edit::DocumentMut = spec.parse().unwrap();
    spec["platform"]["broker"] = toml_edit::value(broker);
    let events = spec.get_mut("async").and_then(|a| a.as_array_mut());
    for event in events.into_iter().flat_map(toml_edit::Array::iter_mut) {
        if let Some(table) = event.as_inline_table_mut() {
            table.remove("broker");
        }
    }
    spec.to_string()
}

/// Every file of every design, made once for all tests.
pub(crate) fn exported() -> &'static [Exported] {
    static ALL: LazyLock<Vec<Exported>> = LazyLock::new(export_all);
    &ALL
}

fn export_all() -> Vec<Exported> {
    let mut out = Vec::new();
    for (name, spec) in specs() {
        for infrastructure in INFRASTRUCTURES {
            let design = format!("{name}-{infrastructure}");
            out.extend(exports(
                &design,
                chapter(&design, &on(&spec, infrastructure)),
            ));
        }
    }
    out.retain(|f: &Exported| f.kind != "gateway");
    out.extend(over_brokers().into_iter().flat_map(|d| d.files));
    out.extend(behind_gateways());
    out.extend(in_other_meshes());
    out
}

/// What depends on the mesh, of designs on Kubernetes in the meshes that it does not bring.
fn in_other_meshes() -> Vec<Exported> {
    let mut out = Vec::new();
    for (name, spec) in specs() {
        for mesh in ["linkerd", "envoy"] {
            // Each file of Envoy's is a start of the whole program.
            let many = ["eshop0", "hotel-reservation0", "hostile", "ride-hailing0"];
            if mesh == "envoy" && !foreign() && !many.contains(&name.as_str()) {
                continue;
            }
            let design = format!("{name}-in-{mesh}");
            let mut spec: toml_edit::DocumentMut = on(&spec, "kubernetes").parse().unwrap();
            spec["platform"]["mesh"] = toml_edit::value(mesh);
            let files = exports(&design, chapter(&design, &spec.to_string()));
            out.extend(files.into_iter().filter(|f| OF_MESHES.contains(&f.kind)));
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
pub(crate) fn on(spec: &str, infrastructure: &str) -> String {
    let mut spec: toml_edit::DocumentMut = spec.parse().unwrap();
    spec["infrastructure"] = toml_edit::value(infrastructure);
    if let Some(platform) = spec.get_mut("platform").and_then(|p| p.as_table_like_mut()) {
        for key in ["broker", "gateway", "mesh"] {
            platform.remove(key);
        }
    }
    spec.to_string()
}

pub(crate) fn exports(design: &str, chapter: msdesign::Chapter) -> Vec<Exported> {
    let exported = |a: msdesign::Artefact| Exported {
        design: design.to_owned(),
        kind: a.kind,
        path: a.path,
        text: a.text,
    };
    chapter.artefacts.into_iter().map(exported).collect()
}

pub(crate) fn chapter(name: &str, spec: &str) -> msdesign::Chapter {
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
    chapter
}

/// Whether somebody else's designs are checked, which need not have files of every kind:
/// `MSDESIGN_SPECS=FOLDER` takes the specs of a folder in place of the book's.
pub(crate) fn foreign() -> bool {
    std::env::var_os("MSDESIGN_SPECS").is_some()
}

/// Name and text of every design.
pub(crate) fn specs() -> Vec<(String, String)> {
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
