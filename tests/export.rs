//! `export` through the real binary: what it writes, what it refuses to lose, and how it tells drift.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

const SPEC: &str = "title = \"Shop\"\nservices = [\"web\", \"orders\"]\nsync = [\n  \
    { call = \"client --REST GET /orders--> web\", rate = \"100/s\" },\n  \
    \"web --REST GET /orders--> orders\",\n]\n";

fn folder(files: &[(&str, &str)]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    dir
}

fn run(dir: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_mdbook-msdesign"))
        .args(args)
        .current_dir(dir)
        .output()
        .unwrap()
}

fn code(out: &Output) -> i32 {
    out.status.code().unwrap()
}

fn err(out: &Output) -> String {
    String::from_utf8(out.stderr.clone()).unwrap()
}

/// Every file below `dir`, by path.
fn all(dir: &Path) -> Vec<String> {
    let mut out = Vec::new();
    let mut folders = vec![dir.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let path = path.strip_prefix(dir).unwrap();
                out.push(path.to_str().unwrap().replace('\\', "/"));
            }
        }
    }
    out.sort();
    out
}

#[test]
fn what_was_written_is_the_designs_until_one_of_the_two_changes() {
    let dir = folder(&[("shop.toml", SPEC)]);
    let export = |more: &[&str]| {
        let args = [&["export", "shop.toml", "--out", "out"], more].concat();
        run(dir.path(), &args)
    };
    assert_eq!(code(&export(&["--check"])), 1, "nothing is there yet");
    assert_eq!(code(&export(&[])), 0);
    let files = all(&dir.path().join("out"));
    assert!(
        files.contains(&"gateway/httproute.yaml".to_owned()),
        "{files:?}"
    );
    assert!(files.contains(&"prometheus/shop.rules.yaml".to_owned()));
    assert_eq!(code(&export(&["--check"])), 0);
    let again = export(&[]);
    assert!(err(&again).contains(": 0 written"), "{}", err(&again));

    let rules = dir.path().join("out/prometheus/shop.rules.yaml");
    let text = fs::read_to_string(&rules).unwrap();
    fs::write(&rules, text.replace("severity: page", "severity: ticket")).unwrap();
    let drift = export(&["--check"]);
    assert_eq!(code(&drift), 1);
    let diff = String::from_utf8(drift.stdout).unwrap();
    assert!(diff.contains("+++ prometheus/shop.rules.yaml"), "{diff}");
    assert!(diff.contains("-      severity: ticket"), "{diff}");
    assert!(diff.contains("+      severity: page"), "{diff}");

    let refused = export(&[]);
    assert_eq!(code(&refused), 2);
    assert!(err(&refused).contains("changed since it was written"));
    assert_eq!(code(&export(&["--force"])), 0);
    assert_eq!(fs::read_to_string(&rules).unwrap(), text);
}

#[test]
fn a_file_of_somebody_else_is_never_lost_and_nothing_is_written_beside_it() {
    let dir = folder(&[
        ("shop.toml", SPEC),
        ("out/gateway/httproute.yaml", "mine\n"),
    ]);
    let out = run(dir.path(), &["export", "shop.toml", "--out", "out"]);
    assert_eq!(code(&out), 2);
    assert!(err(&out).contains("gateway/httproute.yaml (not written by this command)"));
    assert_eq!(all(&dir.path().join("out")), ["gateway/httproute.yaml"]);
}

#[test]
fn a_file_that_the_design_no_longer_has_is_removed_if_nobody_touched_it() {
    let dir = folder(&[("shop.toml", SPEC)]);
    let args = ["export", "shop.toml", "--out", "out"];
    assert_eq!(code(&run(dir.path(), &args)), 0);
    // Without an entry point there is no gateway.
    fs::write(
        dir.path().join("shop.toml"),
        "title = \"Shop\"\nservices = [\"web\"]\n",
    )
    .unwrap();
    let narrow = run(dir.path(), &[&args[..], &["--only", "prometheus"]].concat());
    assert_eq!(code(&narrow), 0, "{}", err(&narrow));
    assert!(!dir.path().join("out/gateway/httproute.yaml").exists());
    let check = run(
        dir.path(),
        &[&args[..], &["--check", "--only", "prometheus"]].concat(),
    );
    assert_eq!(code(&check), 0, "{}", err(&check));
}

#[test]
fn only_some_kinds_leaves_the_others_alone() {
    let dir = folder(&[("shop.toml", SPEC)]);
    let args = ["export", "shop.toml", "--out", "out"];
    assert_eq!(code(&run(dir.path(), &args)), 0);
    let before = all(&dir.path().join("out"));
    let only = run(dir.path(), &[&args[..], &["--only", "gateway"]].concat());
    assert_eq!(code(&only), 0);
    assert_eq!(all(&dir.path().join("out")), before);
    let wrong = run(dir.path(), &[&args[..], &["--only", "gatewy"]].concat());
    assert_eq!(code(&wrong), 2);
    assert!(err(&wrong).contains("the kinds are"), "{}", err(&wrong));
}

#[test]
fn a_book_has_a_folder_a_design_and_a_broken_one_writes_nothing() {
    let block = |title: &str| format!("# x\n\n```msdesign\n{}```\n", SPEC.replace("Shop", title));
    let dir = folder(&[
        ("book.toml", "[book]\ntitle = \"b\"\n"),
        ("src/a.md", &block("Shop")),
        ("src/b.md", &block("Shop")),
        ("src/c.md", &block("../../etc/passwd")),
    ]);
    let out = run(dir.path(), &["export", ".", "--out", "out"]);
    assert_eq!(code(&out), 0, "{}", err(&out));
    let files = all(&dir.path().join("out"));
    for folder in ["shop/", "shop-2/", "etc-passwd/"] {
        assert!(
            files.iter().any(|f| f.starts_with(folder)),
            "{folder}: {files:?}"
        );
    }
    let before = fs::read(dir.path().join("out/shop/gateway/httproute.yaml")).unwrap();
    fs::write(
        dir.path().join("src/b.md"),
        "```msdesign\nservices = [\n```\n",
    )
    .unwrap();
    let out = run(dir.path(), &["export", ".", "--out", "out"]);
    assert_eq!(code(&out), 1);
    assert!(err(&out).contains("src/b.md:"), "{}", err(&out));
    assert_eq!(
        fs::read(dir.path().join("out/shop/gateway/httproute.yaml")).unwrap(),
        before
    );
}

#[cfg(unix)]
#[test]
fn a_link_is_not_followed_out_of_the_folder() {
    let dir = folder(&[
        ("shop.toml", SPEC),
        ("elsewhere/keep", ""),
        ("out/keep", ""),
    ]);
    std::os::unix::fs::symlink("../elsewhere", dir.path().join("out/gateway")).unwrap();
    let out = run(dir.path(), &["export", "shop.toml", "--out", "out"]);
    assert_eq!(code(&out), 2, "{}", err(&out));
    assert_eq!(all(&dir.path().join("elsewhere")), ["keep"]);
}

#[test]
fn a_list_that_leads_out_of_the_folder_is_refused() {
    let dir = folder(&[
        ("shop.toml", SPEC),
        ("out/.msdesign-export.sha256", "00  ../shop.toml\n"),
    ]);
    let out = run(dir.path(), &["export", "shop.toml", "--out", "out"]);
    assert_eq!(code(&out), 2);
    assert!(dir.path().join("shop.toml").exists());
}

#[test]
fn every_alert_has_its_runbook_and_every_contract_its_owner() {
    let spec = "title = \"Shop\"\nservices = [\"web\", \"orders\", \"stock\"]\nsync = [\n  \
        { call = \"client --REST GET /orders--> web\", rate = \"100/s\" },\n  \
        \"web --gRPC GetOrder--> orders\",\n  \"web --REST GET /stock--> stock\",\n]\n\
        async = [\"orders --order.placed--> stock\"]\n\
        teams = { shop = [\"web\"], \"Back Office\" = [\"orders\"] }\n";
    let dir = folder(&[("shop.toml", spec)]);
    assert_eq!(
        code(&run(dir.path(), &["export", "shop.toml", "--out", "out"])),
        0
    );
    let out = dir.path().join("out");
    let files = all(&out);
    let rules = files.iter().find(|f| f.ends_with(".rules.yaml")).unwrap();
    let rules = fs::read_to_string(out.join(rules)).unwrap();
    let alerts: Vec<&str> = rules
        .lines()
        .filter_map(|l| l.trim_start_matches([' ', '-']).strip_prefix("alert: "))
        .map(|l| l.trim_matches('"'))
        .collect();
    let books: Vec<&str> = files
        .iter()
        .filter_map(|f| f.strip_prefix("runbooks/")?.strip_suffix(".md"))
        .collect();
    assert!(alerts.len() > 5, "{alerts:?}");
    for alert in &alerts {
        assert!(books.contains(alert), "no runbook of {alert}");
        let text = fs::read_to_string(out.join(format!("runbooks/{alert}.md"))).unwrap();
        assert!(text.starts_with(&format!("# {alert}\n")), "{text}");
    }
    assert_eq!(alerts.len(), books.len());

    let owners = fs::read_to_string(out.join("CODEOWNERS")).unwrap();
    for line in owners.lines().filter(|l| l.starts_with('/')) {
        let (path, _) = line.split_once(' ').unwrap();
        assert!(files.contains(&path[1..].to_owned()), "{path} is no file");
    }
    assert!(owners.contains("\n/openapi/web.yaml @shop\n"), "{owners}");
    assert!(
        owners.contains(
            "# to agree as well: @shop\n/proto/shop/orders/v1/orders_service.proto @back-office\n"
        ),
        "{owners}"
    );
    assert!(
        owners.contains("# /openapi/stock.yaml has no owner: no team owns stock\n"),
        "{owners}"
    );
    let contracts = ["openapi/", "asyncapi/"];
    for file in files
        .iter()
        .filter(|f| contracts.iter().any(|c| f.starts_with(c)))
    {
        let whole = file.starts_with("asyncapi/all-of");
        assert!(
            whole || owners.contains(&format!("/{file} ")),
            "{file} is not listed"
        );
    }
}

#[test]
fn what_is_to_be_applied_is_there_and_what_it_needs_comes_first() {
    for (platform, order) in [
        (
            "infrastructure = \"kubernetes\"\n[platform]\nmesh = \"envoy\"\nbroker = \"rabbitmq\"\n",
            &[
                "kubernetes/00-namespace.yaml",
                "rabbitmq-plugins enable",
                "broker/rabbitmq-definitions.json",
                "configmap web-envoy",
                "kubectl apply -f kubernetes/\n",
                "gateway/",
                "promtool test rules",
            ][..],
        ),
        (
            "infrastructure = \"kubernetes\"\n[platform]\nbroker = \"nats\"\n",
            &["nats stream add", "nats consumer add"],
        ),
        (
            "infrastructure = \"aws\"\n",
            &[
                "broker/sns-sqs.template.json",
                "VpcLinkId=REPLACE WebArn=REPLACE",
            ],
        ),
        (
            "infrastructure = \"azure\"\n",
            &["terraform -chdir=broker apply", "policies.xml"],
        ),
        (
            "infrastructure = \"gcp\"\n",
            &["apis create", "api-configs create"],
        ),
    ] {
        let spec = format!(
            "title = \"Shop\"\nservices = [\"web\", \"orders\"]\nsync = [\"client --REST GET /a--> web\", \"web --REST GET /o--> orders\"]\n\
             async = [{{ event = \"orders --order.placed--> web\", ordered = true, rate = \"200/s\", handler = \"50ms\" }}]\n{platform}"
        );
        let dir = folder(&[("shop.toml", spec.as_str())]);
        let done = run(dir.path(), &["export", "shop.toml", "--out", "out"]);
        assert_eq!(code(&done), 0, "{}", err(&done));
        let out = dir.path().join("out");
        let text = fs::read_to_string(out.join("APPLY.md")).unwrap();
        let mut from = 0;
        for what in order {
            let at = text[from..].find(what);
            from += at.unwrap_or_else(|| panic!("{what} is not there or too early: {text}"));
        }
        let files = all(&out);
        let kept = |word: &str| {
            files
                .iter()
                .any(|f| f.starts_with(word.trim_end_matches("*.json")))
        };
        let words = text.split(|c: char| c.is_whitespace() || matches!(c, '"' | ';' | '=' | ':'));
        let folders: Vec<&str> = files.iter().filter_map(|f| f.split('/').next()).collect();
        let named: Vec<&str> = words
            .map(|w| w.trim_start_matches("$PWD/"))
            .filter(|w| w.split_once('/').is_some_and(|(f, _)| folders.contains(&f)))
            .collect();
        assert!(named.len() > 3, "{named:?}");
        for word in named {
            assert!(kept(word), "{word} is no file");
        }
        // What has to be replaced really stands there.
        assert!(text.contains("|`issuer.example`|"), "{text}");
    }
}

/// A large template comes from a bucket, and stacks have names that CloudFormation takes.
#[test]
fn stacks_of_many_events_are_applied_one_after_the_other() {
    let events: Vec<String> = (0..150)
        .map(|n| format!("\"a --thing-{n}.made--> b\""))
        .collect();
    let spec = format!(
        "title = \"Many\"\ninfrastructure = \"aws\"\nservices = [\"a\", \"b\"]\nasync = [{}]\n",
        events.join(", ")
    );
    let dir = folder(&[("many.toml", spec.as_str())]);
    let done = run(dir.path(), &["export", "many.toml", "--out", "out"]);
    assert_eq!(code(&done), 0, "{}", err(&done));
    let text = fs::read_to_string(dir.path().join("out/APPLY.md")).unwrap();
    for n in 1..=2 {
        let line = format!(
            "--stack-name many-sns-sqs-{n} --template-file broker/sns-sqs_{n}.template.json --capabilities CAPABILITY_IAM --s3-bucket REPLACE"
        );
        assert!(text.contains(&line), "{text}");
    }
}

#[test]
fn a_gateway_that_can_serve_no_route_gets_no_file() {
    for infrastructure in ["aws", "gcp"] {
        let spec = format!(
            "title = \"Rooms\"\ninfrastructure = \"{infrastructure}\"\nservices = [\"room\"]\n\
             realtime = [\"room --WebSocket /rooms--> client\"]\n"
        );
        let dir = folder(&[("rooms.toml", &spec)]);
        let out = run(dir.path(), &["export", "rooms.toml", "--out", "out"]);
        assert_eq!(code(&out), 0, "{}", err(&out));
        let files = all(&dir.path().join("out"));
        assert!(files.iter().any(|f| f.starts_with("prometheus/")));
        assert!(
            !files.iter().any(|f| f.starts_with("gateway/")),
            "{files:?}"
        );
        let chapter = run(dir.path(), &["render", "rooms.toml"]);
        let chapter = String::from_utf8(chapter.stdout).unwrap();
        assert!(chapter.contains("can serve none of these routes"));
    }
}

/// Each route is an integration, and an HTTP API takes 300.
#[test]
fn a_gateway_with_too_many_routes_says_so() {
    for (many, said) in [(300, false), (301, true)] {
        let calls: Vec<String> = (0..many)
            .map(|n| format!("\"user --REST GET /things/{n}--> shop\""))
            .collect();
        let spec = format!(
            "title = \"Wide\"\ninfrastructure = \"aws\"\nactors = [\"user\"]\nservices = [\"shop\"]\nsync = [{}]\n",
            calls.join(", ")
        );
        let dir = folder(&[("wide.toml", &spec)]);
        let chapter = String::from_utf8(run(dir.path(), &["render", "wide.toml"]).stdout).unwrap();
        assert!(chapter.contains("`api-gateway.json` for Amazon API Gateway"));
        assert_eq!(chapter.contains("300 integrations"), said, "{many}");
    }
}
