//! A number of the plan is the same number in every file that carries it.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;
use std::path::Path;

use msdesign::diag::{SourceFile, Sources};
use msdesign::model::{self, Party, Protocol};
use msdesign::plan::Plan;
use msdesign::{Artefact, NoFiles, Options, compile, spec};
use serde_json::Value;

/// Milliseconds of `1.5s` and `1500ms`.
fn ms(text: &str) -> u64 {
    let (number, factor) = match text.strip_suffix("ms") {
        Some(n) => (n, 1.0),
        None => (text.strip_suffix('s').unwrap(), 1000.0),
    };
    format!("{:.0}", number.parse::<f64>().unwrap() * factor)
        .parse()
        .unwrap()
}

fn artefacts(text: &str) -> Vec<Artefact> {
    let mut sources = Sources::default();
    let id = sources.add(SourceFile::whole("s", text));
    let options = Options {
        artefacts: true,
        ..Options::default()
    };
    let done = compile(&mut sources, id, &mut NoFiles, &options);
    done.chapter.unwrap().artefacts
}

/// Timeouts of `package.Service/Method` in the service configurations of one caller and callee.
fn service_config(file: &Artefact) -> BTreeMap<String, u64> {
    let value: Value = serde_json::from_str(&file.text).unwrap();
    let methods = value["methodConfig"].as_array().unwrap();
    methods
        .iter()
        .map(|m| {
            let name = &m["name"][0];
            let [service, method] = ["service", "method"].map(|k| name[k].as_str().unwrap());
            (
                format!("{service}/{method}"),
                ms(m["timeout"].as_str().unwrap()),
            )
        })
        .collect()
}

/// Timeouts of the routes of a VirtualService, by caller and path.
fn routes(file: &Artefact) -> BTreeMap<(String, String), u64> {
    let first = file.text.split("---\n").next().unwrap();
    let value: Value = serde_yaml_ng::from_str(first).unwrap();
    let routes = value["spec"]["http"].as_array().unwrap();
    routes
        .iter()
        .filter_map(|r| {
            let m = r.get("match")?.get(0)?;
            let path = m["uri"]["exact"].as_str()?.to_owned();
            let caller = m["sourceLabels"]["app.kubernetes.io/name"].as_str()?;
            let timeout = ms(r["timeout"].as_str().unwrap());
            Some(((caller.to_owned(), path), timeout))
        })
        .collect()
}

#[test]
fn the_time_limit_of_a_call_is_one_number_everywhere() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("book-example/src/designs");
    let mut compared = 0;
    for entry in std::fs::read_dir(dir).unwrap() {
        let page = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        let Some((_, rest)) = page.split_once("```msdesign\n") else {
            continue;
        };
        let block = rest.split_once("\n```").unwrap().0;
        let mut toml: toml_edit::DocumentMut = block.parse().unwrap();
        toml["infrastructure"] = toml_edit::value("kubernetes");
        toml.remove("platform");
        let text = toml.to_string();

        let mut sources = Sources::default();
        let id = sources.add(SourceFile::whole("s", text.as_str()));
        let mut out = Vec::new();
        let model = model::resolve(&spec::parse(id, &text, &mut out), id, &mut out);
        let plan = Plan::new(&model);
        let files = artefacts(&text);
        let file = |path: String| files.iter().find(|f| f.path == path);
        for id in model.call_ids() {
            let c = model.call(id);
            let (Party::Service(from), Protocol::Grpc) = (c.from, &c.protocol) else {
                continue;
            };
            if c.operation.is_empty() || model.service(c.to).external {
                continue;
            }
            let method = plan.rpc(id).unwrap().full_method();
            let [from, to] = [from, c.to].map(|s| plan.service(s).slug.clone());
            let want = plan.call(id).worst_case().as_ms().max(1);
            let config = file(format!("grpc/{from}/{to}.service-config.json")).unwrap();
            assert_eq!(service_config(config)[&method], want, "{from} {method}");
            let mesh = routes(file(format!("istio/{to}.yaml")).unwrap());
            assert_eq!(
                mesh[&(from.clone(), format!("/{method}"))],
                want,
                "{from} {method}"
            );
            compared += 1;
        }
    }
    assert!(compared > 20, "only {compared} calls were compared");
}
