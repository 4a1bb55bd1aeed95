//! What the Envoy beside a caller is told of each call is the plan's; and only one of code and Envoy retries.

use std::collections::BTreeMap;

use msdesign::diag::{SourceFile, Sources};
use msdesign::model::{self, Party};
use msdesign::plan::{CallPlan, Plan, address};
use msdesign::{Artefact, spec};
use serde_json::Value;

use super::{artefacts, designs, ms};

/// The bootstraps of a design, by their paths.
fn bootstraps(files: &[Artefact]) -> BTreeMap<&str, Value> {
    let of = files.iter().filter(|f| f.path.starts_with("envoy/"));
    of.map(|f| (f.path.as_str(), serde_yaml_ng::from_str(&f.text).unwrap()))
        .collect()
}

/// The routes of the host that stands for `to`.
fn routes<'v>(file: &'v Value, to: &str) -> &'v [Value] {
    let listeners = file["static_resources"]["listeners"].as_array().unwrap();
    let out = listeners.iter().find(|l| l["name"] == "outbound").unwrap();
    let config = &out["filter_chains"][0]["filters"][0]["typed_config"];
    let hosts = config["route_config"]["virtual_hosts"].as_array().unwrap();
    let host = hosts.iter().find(|h| h["name"] == to).unwrap();
    host["routes"].as_array().unwrap()
}

/// Whether Envoy sends a request here.
fn takes(route: &Value, method: &str, path: &str, grpc: bool) -> bool {
    let m = &route["match"];
    let place = match (m["path"].as_str(), m["prefix"].as_str()) {
        (Some(p), _) => p == path,
        (_, Some(p)) => path.starts_with(p),
        _ => match m["path_separated_prefix"].as_str() {
            Some(p) => path == p || path.starts_with(&format!("{p}/")),
            None => fits(m["safe_regex"]["regex"].as_str().unwrap(), path),
        },
    };
    let wanted = m["headers"][0]["string_match"]["exact"].as_str();
    place && wanted.is_none_or(|w| w == method) && (m.get("grpc").is_none() || grpc)
}

/// The patterns that we write: letters, escaped dots, and `[^/]+` for a parameter.
fn fits(pattern: &str, path: &str) -> bool {
    // `[^/]+` itself has a slash in it.
    let pattern = pattern.replace("[^/]+", "*");
    let (mut want, mut have) = (pattern.split('/'), path.split('/'));
    loop {
        match (want.next(), have.next()) {
            (None, None) => return true,
            (Some(w), Some(h)) if w == "*" && !h.is_empty() => {}
            (Some(w), Some(h)) if w.replace('\\', "") == h => {}
            _ => return false,
        }
    }
}

/// What the files of one caller say of a call that the plan does not.
fn told_otherwise(
    plain: &Value,
    retrying: Option<&Value>,
    q: &Request,
    plan: &Plan<'_>,
) -> Vec<String> {
    let p: &CallPlan = plan.call(q.id);
    let mut wrong = Vec::new();
    let mut compare = |what: &str, is: Option<u64>, want: Option<u64>| {
        if is != want {
            wrong.push(format!("{}: {what} {is:?}, not {want:?}", q.name));
        }
    };
    let route_of = |file| {
        let routes: &[Value] = routes(file, &q.to);
        let route = routes.iter().find(|r| takes(r, &q.method, &q.path, q.grpc));
        route.unwrap()["route"].clone()
    };
    let cluster_of = |file: &Value, name: &Value| {
        let clusters = file["static_resources"]["clusters"].as_array().unwrap();
        clusters
            .iter()
            .find(|c| c["name"] == *name)
            .unwrap()
            .clone()
    };
    let time = |v: &Value| v.as_str().map(ms);
    let at_least = |t: msdesign::model::units::Time| Some(t.as_ms().max(1));
    let route = route_of(plain);
    let cluster = cluster_of(plain, &route["cluster"]);
    compare(
        "time limit",
        time(&route["timeout"]),
        at_least(p.timeout.value),
    );
    let limits = &cluster["circuit_breakers"]["thresholds"][0];
    for key in ["max_requests", "max_pending_requests"] {
        compare(key, limits[key].as_u64(), Some(p.slots.value));
    }
    let outlier = &cluster["outlier_detection"];
    let breaker = p.breaker.as_ref().ok().filter(|_| !q.external);
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss
    )]
    let failures =
        breaker.map(|b| ((b.ratio.value.0 * b.minimum.value as f64).ceil() as u64).max(1));
    compare("failures", outlier["consecutive_5xx"].as_u64(), failures);
    let open = breaker.map(|b| b.open.value.as_ms());
    compare("time out", time(&outlier["base_ejection_time"]), open);
    compare(
        "connection",
        time(&cluster["connect_timeout"]),
        at_least(plan.proxy(q.callee).connect.value),
    );
    let Some(file) = retrying else {
        compare(
            "attempts of code alone",
            Some(1),
            Some(p.attempts.value.into()),
        );
        return wrong;
    };
    let route = route_of(file);
    let again = &route["retry_policy"];
    let attempts = again["num_retries"].as_u64().map_or(1, |n| n + 1);
    compare("attempts", Some(attempts), Some(p.attempts.value.into()));
    if attempts > 1 {
        compare(
            "limit of an attempt",
            time(&again["per_try_timeout"]),
            at_least(p.timeout.value),
        );
        let wait = &again["retry_back_off"];
        compare(
            "first wait",
            time(&wait["base_interval"]),
            at_least(p.backoff_base.value),
        );
        compare(
            "largest wait",
            time(&wait["max_interval"]),
            at_least(p.backoff_cap.value),
        );
        let cluster = cluster_of(file, &route["cluster"]);
        let budget = &cluster["circuit_breakers"]["thresholds"][0]["retry_budget"];
        let share = budget["budget_percent"]["value"].as_f64().unwrap();
        assert!(
            (share / 100.0 - p.retry_budget.value.0).abs() < 1e-9,
            "{}",
            q.name
        );
    }
    compare(
        "deadline",
        time(&route["timeout"]),
        at_least(p.worst_case()),
    );
    wrong
}

/// A request that is one call.
struct Request {
    id: model::CallId,
    callee: model::ServiceId,
    external: bool,
    name: String,
    to: String,
    method: String,
    path: String,
    grpc: bool,
}

#[test]
fn the_sidecar_has_the_limits_of_the_plan() {
    let (mut compared, mut caught) = (0, 0);
    for text in designs() {
        let mut toml: toml_edit::DocumentMut = text.parse().unwrap();
        toml["platform"]["mesh"] = toml_edit::value("envoy");
        let text = toml.to_string();
        let mut sources = Sources::default();
        let id = sources.add(SourceFile::whole("s", text.as_str()));
        let mut out = Vec::new();
        let model = model::resolve(&spec::parse(id, &text, &mut out), id, &mut out);
        let plan = Plan::new(&model);
        let files = artefacts(&text);
        let files = bootstraps(&files);
        for (path, file) in &files {
            let retries = file.to_string().contains("retry_policy");
            assert_eq!(retries, path.ends_with(".retrying.yaml"), "{path}");
        }
        for id in model.call_ids() {
            let c = model.call(id);
            let Party::Service(from) = c.from else {
                continue;
            };
            let (method, path) = match plan.rpc(id) {
                Some(rpc) => ("POST".to_owned(), format!("/{}", rpc.full_method())),
                None => match address(&c.protocol, &c.operation) {
                    (Some(method), path, false) => (method.to_owned(), path),
                    _ => continue,
                },
            };
            let same = |o: &model::CallId| {
                let o = model.call(*o);
                (o.from, o.to, address(&o.protocol, &o.operation).1) == (c.from, c.to, path.clone())
            };
            let rpc = plan.rpc(id);
            if rpc.as_ref().is_some_and(|r| r.method.is_none())
                || (rpc.is_none() && plan.callees(from).iter().filter(|o| same(o)).count() > 1)
            {
                continue;
            }
            let q = Request {
                id,
                callee: c.to,
                external: model.service(c.to).external,
                name: model.call_name(id),
                to: plan.service(c.to).slug.clone(),
                method,
                path: sample(&path),
                grpc: rpc.is_some(),
            };
            let slug = &plan.service(from).slug;
            let plain = &files[format!("envoy/{slug}.yaml").as_str()];
            let retrying = files.get(format!("envoy/{slug}.retrying.yaml").as_str());
            let wrong = told_otherwise(plain, retrying, &q, &plan);
            assert!(wrong.is_empty(), "{}", wrong.join("\n"));
            compared += 1;
            // A file that says something else is noticed.
            let limit = format!("\"max_requests\":{}", plan.call(id).slots.value);
            let other = plain.to_string().replace(&limit, "\"max_requests\":977");
            let other = serde_json::from_str(&other).unwrap();
            caught += usize::from(!told_otherwise(&other, retrying, &q, &plan).is_empty());
        }
    }
    assert!(compared > 40 && caught == compared, "{compared} {caught}");
}

/// The path with a word in place of each parameter.
fn sample(path: &str) -> String {
    let word = |s: &str| match s.starts_with(['{', ':']) {
        true => "x1".to_owned(),
        false => s.to_owned(),
    };
    path.split('/').map(word).collect::<Vec<_>>().join("/")
}
