//! `APPLY.md` beside the files: what to replace in them, and in which order they are applied.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::super::Cx;
use super::super::doc::{Doc, Inline, say};
use super::Kind;
use crate::{Artefact, Format};

/// Made after all others, from what they are.
pub(super) const KIND: Kind = Kind {
    id: "apply",
    what: "what to replace in the files, and in which order they are applied",
    files: |_| Vec::new(),
};

/// Where it stands: a repository has its own `README.md`.
const PATH: &str = "APPLY.md";
/// What names end in that a spec cannot know.
const EXAMPLE: &str = ".example";

/// The page about `made`; `None` where there is nothing to say.
pub(super) fn about(cx: &Cx<'_>, made: &[Artefact]) -> Option<Artefact> {
    if made.is_empty() {
        return None;
    }
    let mut doc = Doc::new(Format::Markdown, "", 1);
    doc.heading(0, say!("Files of {}", cx.plan.model.title), "");
    doc.para(say!(
        "Each follows from the design: change its spec and export again. A file that is changed by hand is one that `{}` reports.",
        "export --check"
    ));
    replaced(&mut doc, made);
    let steps = steps(cx, made);
    if !steps.is_empty() {
        doc.heading(1, "In this order", "");
        for (n, step) in steps.iter().enumerate() {
            doc.heading(2, say!("Step {}: {}", n + 1, step.title), "");
            if !step.about.is_empty() {
                doc.para(step.about);
            }
            doc.code("sh", &format!("{}\n", step.lines.join("\n")));
        }
    }
    Some(Artefact {
        kind: KIND.id,
        path: PATH.to_owned(),
        text: doc.finish(),
    })
}

/// Names that nobody but the team knows, each with where it stands.
fn replaced(doc: &mut Doc, made: &[Artefact]) {
    let mut names: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for file in made.iter().filter(|f| f.kind != "runbooks") {
        let place = file.path.split('/').next().unwrap_or_default();
        for name in examples(&file.text) {
            names.entry(name).or_default().insert(place);
        }
    }
    if names.is_empty() {
        return;
    }
    doc.heading(1, "To replace first", "");
    doc.para("The spec cannot know these; no file holds a password.");
    let rows = names.into_iter().map(|(name, places)| {
        let places = places.into_iter().map(str::to_owned);
        vec![Inline::code(name), Inline::names(places)]
    });
    doc.table(&["Name", "In"], rows.collect());
}

/// The host names in `text` that end in `.example`.
fn examples(text: &str) -> BTreeSet<&str> {
    let part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
    text.match_indices(EXAMPLE)
        .filter_map(|(at, _)| {
            let (before, after) = (text.get(..at)?, text.get(at + EXAMPLE.len()..)?);
            // `.example` is no name yet, and `.example.json` is that of a file.
            if after.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '-')
                || after.starts_with(".json")
            {
                return None;
            }
            let start = before.rfind(|c| !part(c)).map_or(0, |i| {
                i + before[i..].chars().next().map_or(1, char::len_utf8)
            });
            let name = text.get(start..at + EXAMPLE.len())?;
            (name.len() > EXAMPLE.len()).then_some(name)
        })
        .collect()
}

/// What is done at a time.
struct Step {
    title: &'static str,
    about: &'static str,
    lines: Vec<String>,
}

fn steps(cx: &Cx<'_>, made: &[Artefact]) -> Vec<Step> {
    let space = cx.plan.choices.namespace.as_str();
    let files = |kind: &'static str| made.iter().filter(move |f| f.kind == kind);
    let paths = |kind: &'static str| files(kind).map(|f| f.path.as_str());
    let mut out = Vec::new();
    let mut add = |title, about, lines: Vec<String>| {
        if !lines.is_empty() {
            out.push(Step {
                title,
                about,
                lines,
            });
        }
    };
    let first: Vec<&str> = paths("kubernetes").filter(|p| is_first(p)).collect();
    add(
        "the namespace",
        "Everything else on Kubernetes belongs in it.",
        first.iter().map(|p| apply(p)).collect(),
    );
    add(
        "channels, dead letters and access",
        "Before the services: what publishes and reads starts only where its channel is.",
        messages(space, files("broker")),
    );
    let mut mesh: BTreeSet<String> = BTreeSet::new();
    for path in paths("mesh") {
        mesh.insert(match path.strip_prefix("envoy/") {
            // Of the two files of a service, the one whose code retries.
            Some(file) if file.ends_with(".retrying.yaml") => continue,
            Some(file) if !first.is_empty() => {
                let slug = file.trim_end_matches(".yaml");
                format!(
                    "kubectl -n {space} create configmap {slug}-envoy --from-file=envoy.yaml={path}"
                )
            }
            Some(_) => format!("envoy --mode validate -c {path}"),
            None => apply(&format!("{}/", path.split('/').next().unwrap_or_default())),
        });
    }
    add(
        "the mesh",
        "Its policies before the services that they guard.",
        mesh.into_iter().collect(),
    );
    let services = paths("kubernetes").any(|p| !is_first(p));
    let all = services.then(|| apply("kubernetes/"));
    add("the services", "", all.into_iter().collect());
    let machines = paths("saga").filter(|p| p.ends_with(".asl.json"));
    let mut sagas: Vec<String> = machines
        .map(|p| format!("aws s3 cp {p} s3://REPLACE/"))
        .collect();
    let stacks = files("saga").filter(|f| f.path.ends_with(".template.json"));
    sagas.extend(stacks.map(|f| deploy(space, f)));
    add(
        "the sagas",
        "Beside the workflows, which are code of their coordinator.",
        sagas,
    );
    add(
        "the gateway",
        "Last of what takes requests: behind it everything answers by now.",
        files("gateway").map(|f| gateway(space, f)).collect(),
    );
    let rules = paths("prometheus").filter(|p| p.ends_with(".rules.yaml"));
    let mut watched: Vec<String> = rules.map(|p| format!("promtool check rules {p}")).collect();
    let tests = paths("prometheus").filter(|p| p.ends_with(".test.yaml"));
    watched.extend(tests.map(|p| format!("promtool test rules {p}")));
    watched.extend(paths("alertmanager").map(|p| format!("amtool check-config {p}")));
    add(
        "rules, routes of alerts and dashboards",
        "Checked, then where Prometheus, Alertmanager and Grafana read them; each alert has its page among the runbooks.",
        watched,
    );
    out
}

/// Whether a manifest goes before all others.
fn is_first(path: &str) -> bool {
    path.starts_with("kubernetes/00-")
}

fn apply(path: &str) -> String {
    format!("kubectl apply -f {path}")
}

/// The largest template that travels in the request itself, in bytes, as CloudFormation takes it; a larger one comes
/// from a bucket.
const MOST_IN_REQUEST: usize = 51_200;

/// The template `file` as a stack, with each of its parameters.
fn deploy(space: &str, file: &Artefact) -> String {
    let path = file.path.as_str();
    let name = path.rsplit('/').next().unwrap_or(path);
    // Names of stacks are letters, digits and `-`.
    let stem = name.split('.').next().unwrap_or(name).replace('_', "-");
    let bucket = if file.text.len() > MOST_IN_REQUEST {
        " --s3-bucket REPLACE"
    } else {
        ""
    };
    let template: Value = serde_json::from_str(&file.text).unwrap_or_default();
    let parameters = template["Parameters"].as_object().into_iter().flatten();
    let given: Vec<String> = parameters
        .filter(|(_, p)| p.get("Default").is_none())
        .map(|(name, _)| format!(" {name}=REPLACE"))
        .collect();
    let given = match given.concat() {
        none if none.is_empty() => none,
        some => format!(" --parameter-overrides{some}"),
    };
    format!(
        "aws cloudformation deploy --stack-name {space}-{stem} --template-file {path} --capabilities CAPABILITY_IAM{bucket}{given}"
    )
}

/// What brings the files of brokers in, each by the program that reads it.
fn messages<'p>(space: &str, files: impl Iterator<Item = &'p Artefact>) -> Vec<String> {
    let (mut out, mut seen) = (Vec::new(), BTreeSet::new());
    for of in files {
        let path = of.path.as_str();
        let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
        let line = if file.ends_with(".template.json") {
            deploy(space, of)
        } else if file.ends_with(".tf") {
            format!("terraform -chdir={folder} init && terraform -chdir={folder} apply")
        } else if file.ends_with("-definitions.json") {
            if of.text.contains("x-consistent-hash") {
                out.push("rabbitmq-plugins enable rabbitmq_consistent_hash_exchange".to_owned());
            }
            format!("rabbitmqctl import_definitions {path}")
        } else if file.ends_with(".yaml") {
            apply(path)
        } else if folder.ends_with("/streams") {
            format!("for f in {folder}/*.json; do nats stream add --config \"$f\"; done")
        } else if folder.ends_with("/consumers") {
            format!(
                "for f in {folder}/*.json; do nats consumer add \"$(basename \"$f\" | cut -d. -f1)\" --config \"$f\"; done"
            )
        } else {
            continue;
        };
        if seen.insert(line.clone()) {
            out.push(line);
        }
    }
    // A consumer reads a stream that is there.
    out.sort_by_key(|l| l.contains("nats consumer"));
    out
}

fn gateway(space: &str, file: &Artefact) -> String {
    let path = file.path.as_str();
    match path.rsplit('/').next().unwrap_or(path) {
        "envoy.yaml" => format!("envoy -c {path}"),
        "nginx.conf" => format!("nginx -t -c \"$PWD/{path}\" && nginx -c \"$PWD/{path}\""),
        "kong.yaml" => format!("deck gateway sync {path}"),
        "api-gateway.json" => deploy(space, file),
        "openapi.yaml" => format!(
            "gcloud api-gateway apis create {space} && gcloud api-gateway api-configs create {space} --api={space} --openapi-spec={path}"
        ),
        "policies.xml" => format!(
            "# {path}: the policy of the API, in the portal or by the resource azurerm_api_management_api_policy"
        ),
        _ => apply(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_end_in_example_and_nothing_else() {
        let text = "a: https://issuer.example/x, ü.example.json orders.example.json registry.example:1 .example a.example-b";
        let found: Vec<&str> = examples(text).into_iter().collect();
        assert_eq!(found, ["issuer.example", "registry.example"]);
    }
}
