//! A number of the plan is the same number in every file that carries it.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "one_value/envoy.rs"]
mod envoy;
#[path = "one_value/library.rs"]
mod library;
#[path = "one_value/sagas.rs"]
mod sagas;

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

/// Time limits and attempts of `package.Service/Method` in the service configurations of one caller and callee.
fn service_config(file: &Artefact) -> BTreeMap<String, (u64, u64)> {
    let value: Value = serde_json::from_str(&file.text).unwrap();
    let methods = value["methodConfig"].as_array().unwrap();
    methods
        .iter()
        .map(|m| {
            let name = &m["name"][0];
            let [service, method] = ["service", "method"].map(|k| name[k].as_str().unwrap());
            (
                format!("{service}/{method}"),
                (
                    ms(m["timeout"].as_str().unwrap()),
                    m["retryPolicy"]["maxAttempts"].as_u64().unwrap_or(1),
                ),
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

/// Rows of the tables of a Markdown chapter whose heads start with `head`, cell by cell, without marks.
fn rows(chapter: &str, head: &[&str]) -> Vec<Vec<String>> {
    let cells = |line: &str| -> Vec<String> {
        line.trim_matches('|')
            .split('|')
            .map(|c| {
                let c = c.replace(['`', '·'], "");
                c.split(" (").next().unwrap().trim().to_owned()
            })
            .collect()
    };
    let mut out = Vec::new();
    let mut inside = false;
    for line in chapter.lines() {
        if !line.starts_with('|') {
            inside = false;
        } else if cells(line).iter().zip(head).all(|(c, h)| c == h) {
            inside = true;
        } else if inside && !line.starts_with("|-") {
            out.push(cells(line));
        }
    }
    out
}

/// What a chapter's tables say that the plan does not: time limits, attempts and breakers. The number
/// is how many values were compared.
fn told_otherwise(plan: &Plan<'_>, chapter: &str) -> (usize, Vec<String>) {
    let model = plan.model;
    let calls: BTreeMap<(String, String, String), _> = model
        .call_ids()
        .map(|id| {
            let c = model.call(id);
            let (from, to) = (model.party(c.from), &model.service(c.to).name);
            ((from.to_owned(), to.clone(), c.label()), id)
        })
        .collect();
    let (mut compared, mut wrong) = (0, Vec::new());
    let mut compare = |row: &[String], what: &str, want: String, got: &str| {
        compared += 1;
        if want != got {
            wrong.push(format!("{what} of {row:?}: {want} in the plan, {got} told"));
        }
    };
    for row in rows(chapter, &["From", "To", "Operation", "Timeout", "Attempts"]) {
        let Some(id) = calls.get(&(row[0].clone(), row[1].clone(), row[2].clone())) else {
            continue;
        };
        let p = plan.call(*id);
        compare(&row, "time limit", p.timeout.value.to_string(), &row[3]);
        compare(&row, "attempts", p.attempts.value.to_string(), &row[4]);
    }
    for row in rows(chapter, &["From", "To", "Operation", "Opens at"]) {
        let Some(id) = calls.get(&(row[0].clone(), row[1].clone(), row[2].clone())) else {
            continue;
        };
        let Ok(b) = &plan.call(*id).breaker else {
            continue;
        };
        let ratio = b.ratio.value.to_string();
        // The table of the pattern has the first three of these alone.
        let want = [
            ratio,
            b.window.value.to_string(),
            b.minimum.value.to_string(),
            b.slow.value.to_string(),
            b.open.value.to_string(),
        ];
        for (want, got) in want.into_iter().zip(&row[3..]) {
            compare(&row, "breaker", want, got);
        }
    }
    (compared, wrong)
}

fn chapter(text: &str) -> String {
    let mut sources = Sources::default();
    let id = sources.add(SourceFile::whole("s", text));
    let options = Options {
        format: msdesign::Format::Markdown,
        sections: Some(vec!["sync".to_owned(), "reliability".to_owned()]),
        ..Options::default()
    };
    let done = compile(&mut sources, id, &mut NoFiles, &options);
    let parts = done.chapter.unwrap().parts;
    parts.iter().map(|p| p.markdown.as_str()).collect()
}

#[test]
fn the_tables_say_what_the_plan_says() {
    let (mut compared, mut caught) = (0, 0);
    for text in designs() {
        let mut sources = Sources::default();
        let id = sources.add(SourceFile::whole("s", text.as_str()));
        let mut out = Vec::new();
        let model = model::resolve(&spec::parse(id, &text, &mut out), id, &mut out);
        let plan = Plan::new(&model);
        let told = chapter(&text);
        let (n, wrong) = told_otherwise(&plan, &told);
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        compared += n;
        // A table that says something else is noticed.
        let other = told.replace(" ms|3|", " ms|4|").replace("|50%|", "|40%|");
        caught += usize::from(!told_otherwise(&plan, &other).1.is_empty());
    }
    assert!(compared > 100, "only {compared} values were compared");
    assert!(caught > 5, "only {caught} changed chapters were noticed");
}

/// The designs of the book, on Kubernetes.
fn designs() -> Vec<String> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("book-example/src/designs");
    let mut out = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let page = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        let Some((_, rest)) = page.split_once("```msdesign\n") else {
            continue;
        };
        let block = rest.split_once("\n```").unwrap().0;
        let mut toml: toml_edit::DocumentMut = block.parse().unwrap();
        toml["infrastructure"] = toml_edit::value("kubernetes");
        toml.remove("platform");
        out.push(toml.to_string());
    }
    out
}

#[test]
fn the_time_limit_of_a_call_is_one_number_everywhere() {
    let mut compared = 0;
    for text in designs() {
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
            let p = plan.call(id);
            let want = p.timeout.value.as_ms().max(1);
            let config = file(format!("grpc/{from}/{to}.service-config.json")).unwrap();
            assert_eq!(
                service_config(config)[&method],
                (want, 1),
                "{from} {method}"
            );
            if p.attempts.value > 1 {
                // gRPC makes five of more attempts.
                let attempts = u64::from(p.attempts.value.min(5));
                let path = format!("grpc/{from}/{to}.retrying.service-config.json");
                let whole = p.worst_case().as_ms().max(1);
                let config = service_config(file(path).unwrap());
                assert_eq!(config[&method], (whole, attempts), "{from} {method}");
            }
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

/// The settings of `name` for one kind of guard.
fn instance<'v>(file: &'v Value, kind: &str, name: &str) -> Option<&'v Value> {
    file["resilience4j"][kind]["instances"].get(name)
}

#[test]
fn resilience4j_has_the_limits_of_the_plan() {
    let mut compared = 0;
    for text in designs() {
        let mut sources = Sources::default();
        let id = sources.add(SourceFile::whole("s", text.as_str()));
        let mut out = Vec::new();
        let model = model::resolve(&spec::parse(id, &text, &mut out), id, &mut out);
        let plan = Plan::new(&model);
        for file in artefacts(&text).iter().filter(|f| f.kind == "resilience4j") {
            let value: Value = serde_yaml_ng::from_str(&file.text).unwrap();
            let of =
                |kind, name: &str, key: &str| instance(&value, kind, name).map(|v| v[key].clone());
            let told = file
                .text
                .lines()
                .filter_map(|l| l.strip_prefix("# ")?.split_once(": "));
            for (name, rest) in told {
                let (call, _) = rest.rsplit_once("; the caller").unwrap();
                let id = model
                    .call_ids()
                    .find(|id| model.call_name(*id) == call)
                    .unwrap();
                let p = plan.call(id);
                let limit = of("timelimiter", name, "timeoutDuration").unwrap();
                assert_eq!(
                    ms(limit.as_str().unwrap()),
                    p.timeout.value.as_ms(),
                    "{call}"
                );
                let slots = of("bulkhead", name, "maxConcurrentCalls").unwrap();
                assert_eq!(slots, p.slots.value, "{call}");
                let attempts = of("retry", name, "maxAttempts").map_or(1, |a| a.as_u64().unwrap());
                assert_eq!(attempts, u64::from(p.attempts.value), "{call}");
                // What is sent again after a failure that may have been processed is idempotent.
                if let Some(list) = of("retry", name, "retryExceptions") {
                    let late = "java.util.concurrent.TimeoutException";
                    let again = list.as_array().unwrap().iter().any(|e| e == late);
                    assert_eq!(again, p.idempotent.value, "{call}");
                }
                let open = of("circuitbreaker", name, "waitDurationInOpenState");
                let open = open.map(|o| ms(o.as_str().unwrap()));
                assert_eq!(
                    open,
                    p.breaker.as_ref().ok().map(|b| b.open.value.as_ms()),
                    "{call}"
                );
                let share = of("circuitbreaker", name, "failureRateThreshold");
                let share = share.map(|s| s.as_f64().unwrap() / 100.0);
                assert_eq!(
                    share,
                    p.breaker.as_ref().ok().map(|b| b.ratio.value.0),
                    "{call}"
                );
                compared += 1;
            }
        }
    }
    assert!(compared > 5, "only {compared} calls were compared");
}

/// The text of a label of Mermaid, without its entities.
fn plain(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('#') {
        out.push_str(before);
        let entity = after.split_once(';');
        match entity.and_then(|(n, r)| Some((char::from_u32(n.parse().ok()?)?, r))) {
            Some((c, r)) => {
                out.push(c);
                rest = r;
            }
            None => {
                out.push('#');
                rest = after;
            }
        }
    }
    (out + rest).replace('\u{a0}', " ")
}

/// Chapter with pictures as Mermaid, and code in every language.
fn shown(text: &str) -> String {
    let mut toml: toml_edit::DocumentMut = text.parse().unwrap();
    let languages = [
        "go",
        "java",
        "kotlin",
        "typescript",
        "python",
        "rust",
        "csharp",
    ];
    toml["language"] = toml_edit::value(toml_edit::Array::from_iter(languages));
    let mut sources = Sources::default();
    let id = sources.add(SourceFile::whole("s", toml.to_string()));
    let options = Options {
        format: msdesign::Format::Markdown,
        sections: Some(vec!["interactions".to_owned(), "reliability".to_owned()]),
        diagram: Some(msdesign::DiagramForm::Mermaid),
        ..Options::default()
    };
    let done = compile(&mut sources, id, &mut NoFiles, &options);
    let parts = done.chapter.unwrap().parts;
    parts.iter().map(|p| p.markdown.as_str()).collect()
}

/// What sequences say that the plan does not: time limits and attempts of calls.
fn drawn_otherwise(plan: &Plan<'_>, chapter: &str) -> (usize, Vec<String>) {
    let model = plan.model;
    let (mut compared, mut wrong) = (0, Vec::new());
    let mut names = BTreeMap::new();
    let (mut attempts, mut call) = (None, None);
    for line in chapter.lines().map(str::trim) {
        let participant = line
            .strip_prefix("participant ")
            .or(line.strip_prefix("actor "));
        if let Some((id, name)) = participant.and_then(|p| p.split_once(" as ")) {
            names.insert(id.to_owned(), plain(name));
        }
        if let Some(told) = line.strip_prefix("loop retry up to ") {
            attempts = told.split(' ').next().map(str::to_owned);
            continue;
        }
        let Some((ends, text)) = line.split_once(": ") else {
            continue;
        };
        if let Some((from, to)) = ends.split_once("->>") {
            // A sign before the receiver tells that its work begins.
            call = Some((from, to.trim_start_matches('+'), text));
            continue;
        }
        // How long the sender waits stands beside it.
        let (Some(limit), Some((from, to, label))) =
            (text.split_once('≤').map(|t| t.1), call.take())
        else {
            continue;
        };
        let is = |id: &model::CallId| {
            let c = model.call(*id);
            names.get(from).is_some_and(|n| n == model.party(c.from))
                && names.get(to) == Some(&model.service(c.to).name)
                && plain(label) == c.label()
        };
        let told = attempts.take();
        let Some(id) = model.call_ids().find(is) else {
            continue;
        };
        let p = plan.call(id);
        compared += 1;
        if plain(limit).trim() != p.timeout.value.to_string() {
            wrong.push(format!(
                "{}: {limit}, not {}",
                model.call_name(id),
                p.timeout.value
            ));
        }
        if told.is_some_and(|n| n != p.attempts.value.to_string()) {
            wrong.push(format!(
                "{}: not {} attempts",
                model.call_name(id),
                p.attempts.value
            ));
        }
    }
    (compared, wrong)
}

/// What the state diagrams of breakers, and the code of the shown call, say that the plan does not.
fn coded_otherwise(plan: &Plan<'_>, chapter: &str) -> (usize, Vec<String>) {
    let find = |name: &str| {
        let is = |id: &model::CallId| plan.model.call_name(*id) == name;
        plan.model.call_ids().find(is).map(|id| plan.call(id))
    };
    let (mut compared, mut wrong) = (0, Vec::new());
    for part in chapter.split("The breaker of `").skip(1) {
        let name = part.split_once('`').unwrap().0;
        let b = find(name).unwrap().breaker.as_ref().unwrap();
        // Sentences elsewhere begin like this as well.
        let Some(states) = part.split("stateDiagram").nth(1) else {
            continue;
        };
        let states = plain(states.split("```").next().unwrap());
        let opens = format!(
            "≥ {} of ≥ {} calls in {} fail or take ≥ {}\n",
            b.ratio.value, b.minimum.value, b.window.value, b.slow.value
        );
        if !states.contains(&opens) || !states.contains(&format!("after {}\n", b.open.value)) {
            wrong.push(format!("{name}: {opens}, not {states}"));
        }
        compared += 1;
    }
    let shown = chapter.split("`, standard library only:").next().unwrap();
    let name = shown.rsplit('`').next().unwrap();
    let Some(p) = find(name) else {
        return (compared, wrong);
    };
    let Ok(b) = &p.breaker else {
        return (compared, wrong);
    };
    let want = BTreeMap::from([
        ("attempts", f64::from(p.attempts.value)),
        ("attempttimeout", p.timeout.value.as_ms() as f64),
        ("failureratio", b.ratio.value.0),
        ("openfor", b.open.value.as_ms() as f64),
    ]);
    for fence in chapter.split("\n```").skip(1).step_by(2) {
        let (language, code) = fence.split_once('\n').unwrap();
        let mut found = BTreeMap::new();
        for line in code.lines() {
            let line = line.trim().trim_start_matches(['/', '*', ' ']);
            let end = line.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            let (word, value) = line.split_at(end.unwrap_or(line.len()));
            let word = word.replace('_', "").to_lowercase();
            let word = match word.as_str() {
                "openms" => "openfor",
                "attempttimeoutms" => "attempttimeout",
                other => other,
            };
            let mut value = value.trim_start_matches([' ', '=', ':', '*', '/']);
            for made in [
                "Duration.ofMillis(",
                "Duration::from_millis(",
                "TimeSpan.FromMilliseconds(",
            ] {
                value = value.strip_prefix(made).unwrap_or(value);
            }
            let end = value.find(|c: char| !c.is_ascii_digit() && c != '.' && c != '_');
            let value = value[..end.unwrap_or(value.len())].replace('_', "");
            let Ok(value) = value.trim_end_matches('.').parse::<f64>() else {
                continue;
            };
            let seconds = language == "python" && matches!(word, "attempttimeout" | "openfor");
            let value = if seconds { value * 1000.0 } else { value };
            found.entry(word.to_owned()).or_insert(value);
        }
        // The settings of a retry and of a breaker; a lone word is a variable's.
        for pair in [["attempts", "attempttimeout"], ["failureratio", "openfor"]] {
            let [Some(x), Some(y)] = pair.map(|word| found.get(word)) else {
                continue;
            };
            for (word, value) in pair.into_iter().zip([x, y]) {
                compared += 1;
                let plan = want[word];
                if (value - plan).abs() > 1e-6 {
                    wrong.push(format!("{name} in {language}: {word} {value}, not {plan}"));
                }
            }
        }
    }
    (compared, wrong)
}

#[test]
fn pictures_and_code_say_what_the_plan_says() {
    let (mut drawn, mut coded, mut caught) = (0, 0, [0; 3]);
    for text in designs() {
        let mut sources = Sources::default();
        let id = sources.add(SourceFile::whole("s", text.as_str()));
        let mut out = Vec::new();
        let model = model::resolve(&spec::parse(id, &text, &mut out), id, &mut out);
        let plan = Plan::new(&model);
        let chapter = shown(&text);
        let (n, wrong) = drawn_otherwise(&plan, &chapter);
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        drawn += n;
        let (n, wrong) = coded_otherwise(&plan, &chapter);
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        coded += n;
        // What says something else is noticed.
        let longer = chapter.replace('≤', "≤ 9");
        caught[0] += usize::from(!drawn_otherwise(&plan, &longer).1.is_empty());
        let opens = chapter.replace("calls in", "calls within");
        caught[1] += usize::from(!coded_otherwise(&plan, &opens).1.is_empty());
        let more = chapter.replace("attempts=3", "attempts=4");
        caught[2] += usize::from(!coded_otherwise(&plan, &more).1.is_empty());
    }
    assert!(drawn > 50 && coded > 7 * 4 * 3, "{drawn} {coded}");
    assert!(caught.iter().all(|n| *n > 2), "{caught:?}");
}

/// The designs in Linkerd, whose routes cannot tell callers apart.
#[test]
fn meshes_eject_by_the_breaker_and_wait_as_long_as_the_callers() {
    let (mut ejected, mut limited) = (0, 0);
    for text in designs() {
        for mesh in ["istio", "linkerd"] {
            let mut toml: toml_edit::DocumentMut = text.parse().unwrap();
            toml["platform"]["mesh"] = toml_edit::value(mesh);
            let text = toml.to_string();
            let mut sources = Sources::default();
            let id = sources.add(SourceFile::whole("s", text.as_str()));
            let mut out = Vec::new();
            let model = model::resolve(&spec::parse(id, &text, &mut out), id, &mut out);
            let plan = Plan::new(&model);
            let files = artefacts(&text);
            let documents = |path: String| -> Vec<Value> {
                let text = files
                    .iter()
                    .find(|f| f.path == path)
                    .map_or("", |f| &f.text);
                let parts = text.split("---\n").filter(|t| !t.trim().is_empty());
                parts.map(|t| serde_yaml_ng::from_str(t).unwrap()).collect()
            };
            for to in model.service_ids().filter(|s| !model.service(*s).external) {
                let slug = &plan.service(to).slug;
                let breakers: Vec<_> = plan
                    .callers(to)
                    .iter()
                    .filter_map(|c| plan.call(*c).breaker.as_ref().ok())
                    .map(|b| {
                        let failures = (b.ratio.value.0 * b.minimum.value as f64).ceil() as u64;
                        (failures.max(1), b.open.value.as_ms())
                    })
                    .collect();
                let want = breakers.into_iter().max();
                let kubernetes = documents(format!("kubernetes/{slug}.yaml"));
                let routes = documents(format!("{mesh}/{slug}.yaml"));
                let found = if mesh == "istio" {
                    let rule = routes.iter().find(|d| d["kind"] == "DestinationRule");
                    rule.and_then(|r| {
                        let o = &r["spec"]["trafficPolicy"]["outlierDetection"];
                        let open = ms(o["baseEjectionTime"].as_str()?);
                        Some((o["consecutive5xxErrors"].as_u64()?, open))
                    })
                } else {
                    let service = kubernetes.iter().find(|d| d["kind"] == "Service").unwrap();
                    let key = |k: &str| {
                        let key = format!("balancer.linkerd.io/failure-accrual-consecutive-{k}");
                        service["metadata"]["annotations"][key].as_str()
                    };
                    let read = |f: &str, o: &str| (f.parse().unwrap(), ms(o));
                    key("max-failures")
                        .zip(key("min-penalty"))
                        .map(|(f, o)| read(f, o))
                };
                assert_eq!(found, want, "{mesh} {slug}");
                ejected += usize::from(want.is_some());
                // Limits of exact paths and methods, the longest of all callers.
                let mut told = std::collections::BTreeSet::new();
                for rule in routes
                    .iter()
                    .filter(|d| d["kind"] == "HTTPRoute")
                    .flat_map(|d| d["spec"]["rules"].as_array().unwrap())
                {
                    if let Some(t) = rule["timeouts"]["request"].as_str() {
                        told.insert(ms(t));
                    }
                }
                for call in plan.callers(to).iter().filter(|_| mesh == "linkerd") {
                    let c = model.call(*call);
                    let plain = matches!(c.protocol, Protocol::Rest(Some(_)));
                    if !plain || c.operation.contains(['{', ':', '?']) {
                        continue;
                    }
                    let same = plan.callers(to).iter().filter(|o| {
                        let o = model.call(**o);
                        o.protocol == c.protocol && o.operation == c.operation
                    });
                    let longest = same.map(|o| plan.call(*o).timeout.value.as_ms()).max();
                    assert!(told.contains(&longest.unwrap()), "{slug}: {told:?}");
                    limited += 1;
                }
            }
        }
    }
    assert!(ejected > 20 && limited > 10, "{ejected} {limited}");
}
