//! `mdbook-msdesign diagram`, and what chapters show of designs that one picture cannot.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

const SHOP: &str = "title = \"Shop\"\nservices = [\"web\", \"orders\", \"stock\"]\n\
    sync = [\"client --REST POST /orders--> web\", \"web --gRPC Place--> orders\"]\n\
    async = [\"orders --order.placed--> stock\"]\n\
    teams = { front = [\"web\"], back = [\"orders\", \"stock\"] }\n\
    [[sagas]]\nname = \"Buy\"\nsteps = [\"orders: create / cancel\", \"stock: take\"]\n";

fn run(dir: &Path, args: &[&str]) -> Output {
    let out = Command::new(env!("CARGO_BIN_EXE_mdbook-msdesign"))
        .arg("diagram")
        .args(args)
        .current_dir(dir)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(!said.contains("panicked"), "{said}");
    out
}

/// What is written to stdout; the command must succeed.
fn drawn(dir: &Path, args: &[&str]) -> String {
    let out = run(dir, args);
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{args:?}: {said}");
    String::from_utf8(out.stdout).unwrap()
}

/// What is said when the command cannot run.
fn refused(dir: &Path, args: &[&str]) -> String {
    let out = run(dir, args);
    assert_eq!(out.status.code(), Some(2), "{args:?}");
    assert!(out.stdout.is_empty());
    String::from_utf8(out.stderr).unwrap()
}

#[test]
fn every_picture_comes_in_every_form_that_it_has() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("shop.toml"), SHOP).unwrap();
    let list = drawn(dir.path(), &["shop.toml", "--list", "--format", "json"]);
    let list: Vec<Value> = serde_json::from_str(&list).unwrap();
    let kinds: Vec<&str> = list.iter().map(|k| k["kind"].as_str().unwrap()).collect();
    assert_eq!(
        kinds,
        [
            "interactions",
            "overview",
            "matrix",
            "matrix:teams",
            "flow:Request to web",
            "saga:Buy",
            "saga:Buy:create",
            "saga:Buy:take",
            "saga:Buy:take:cancel",
            "states:Buy",
            "breaker:web -> orders: gRPC Place",
            "availability:Request to web",
            "amplification"
        ]
    );
    for kind in kinds {
        for form in ["json", "text", "svg", "mermaid", "dot", "d2", "plantuml"] {
            let args = ["shop.toml", "--kind", kind, "--format", form];
            if kind.starts_with("matrix") && !matches!(form, "json" | "text") {
                assert!(refused(dir.path(), &args).contains("text or JSON"));
                continue;
            }
            let is_chart = kind.starts_with("availability") || kind == "amplification";
            if is_chart && !matches!(form, "json" | "text" | "svg") {
                assert!(refused(dir.path(), &args).contains("a chart as SVG"));
                continue;
            }
            let text = drawn(dir.path(), &args);
            assert!(
                text.ends_with('\n') && text.trim().len() > 20,
                "{kind} {form}"
            );
            let begin = match form {
                "json" => "{\n",
                "svg" => "<svg xmlns=",
                "plantuml" => "@startuml\n",
                "dot" => "digraph ",
                _ => "",
            };
            assert!(text.starts_with(begin), "{text}");
        }
    }
    // The same in a file whose name says the form.
    let plain = drawn(dir.path(), &["shop.toml", "--format", "plantuml"]);
    assert_eq!(drawn(dir.path(), &["shop.toml", "--out", "shop.puml"]), "");
    let written = std::fs::read_to_string(dir.path().join("shop.puml")).unwrap();
    assert_eq!(written, plain);
    assert!(refused(dir.path(), &["shop.toml", "--out", "shop.docx"]).contains("--format"));
    let schema: Value = serde_json::from_str(&drawn(dir.path(), &["--schema"])).unwrap();
    assert!(schema["oneOf"].is_array());
}

#[test]
fn mistakes_are_told_with_what_was_meant() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("shop.toml"), SHOP).unwrap();
    let said = |args: &[&str]| refused(dir.path(), &[&["shop.toml"], args].concat());
    assert!(said(&["--kind", "sates:Buy"]).contains("did you mean `states:Buy`?"));
    assert!(said(&["--kind", "pie"]).contains("there are `interactions`"));
    assert!(said(&["--focus", "ordres"]).contains("did you mean `orders`?"));
    assert!(said(&["--kind", "neighbourhood"]).contains("service or team"));
    assert!(said(&["--kind", "matrix", "--focus", "web"]).contains("only a `neighbourhood`"));
    assert!(said(&["--format", "mermiad"]).contains("did you mean `mermaid`?"));
    assert!(said(&["--block", "2"]).contains("a spec file is one design"));
    assert_eq!(run(dir.path(), &["none.toml"]).status.code(), Some(2));
    assert_eq!(run(dir.path(), &[]).status.code(), Some(2));
    std::fs::write(dir.path().join("bad.toml"), "title = 1\n").unwrap();
    assert_eq!(run(dir.path(), &["bad.toml"]).status.code(), Some(1));
}

#[test]
fn one_of_several_blocks_is_chosen() {
    let dir = tempfile::tempdir().unwrap();
    let block = |text: &str| format!("```msdesign\n{text}```\n\n");
    let text = format!(
        "# T\n\n{}{}",
        block(SHOP),
        block(&SHOP.replace("Shop", "Store"))
    );
    std::fs::write(dir.path().join("two.md"), text).unwrap();
    let several = refused(dir.path(), &["two.md"]);
    assert!(several.contains("1 (Shop), 2 (Store)"), "{several}");
    let title = |block: &str| {
        let json = drawn(
            dir.path(),
            &["two.md", "--block", block, "--format", "json"],
        );
        let json: Value = serde_json::from_str(&json).unwrap();
        json["title"].as_str().unwrap().to_owned()
    };
    assert!(title("1").ends_with("Shop") && title("2").ends_with("Store"));
    assert_eq!(title("Store"), title("2"));
    assert!(refused(dir.path(), &["two.md", "--block", "Stroe"]).contains("`Store`"));
}

#[test]
fn a_neighbourhood_is_what_touches_it() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("shop.toml"), SHOP).unwrap();
    let names = |focus: &str| {
        let json = drawn(
            dir.path(),
            &["shop.toml", "--focus", focus, "--format", "json"],
        );
        let json: Value = serde_json::from_str(&json).unwrap();
        let nodes = json["nodes"].as_array().unwrap();
        let names: Vec<&str> = nodes.iter().map(|n| n["label"].as_str().unwrap()).collect();
        names.join(" ")
    };
    assert!(!names("web").contains("stock") && names("web").contains("orders"));
    assert!(!names("stock").contains("web") && names("stock").contains("orders"));
    assert_eq!(names("team:front"), names("web"));
}

/// A design of `services` services, in teams of ten if `teams`.
fn large(services: usize, teams: bool, more: &str) -> String {
    let name = |i: usize| format!("s{i:04}");
    let mut spec = String::from("title = \"Large\"\nservices = [");
    for i in 0..services {
        let _ = write!(spec, "\"{}\",", name(i));
    }
    spec.push_str("]\nsync = [\n");
    for i in 1..services {
        for by in [1, 3, 7, 31] {
            if i >= by {
                let _ = writeln!(spec, "\"{} --gRPC Do{by}--> {}\",", name(i - by), name(i));
            }
        }
    }
    spec.push_str("]\n");
    spec.push_str(more);
    if teams {
        spec.push_str("[teams]\n");
        for t in 0..services.div_ceil(10) {
            let _ = write!(spec, "\"team {t}\" = [");
            for i in t * 10..(t * 10 + 10).min(services) {
                let _ = write!(spec, "\"{}\",", name(i));
            }
            spec.push_str("]\n");
        }
    }
    spec
}

fn chapter(dir: &Path, spec: &str) -> String {
    std::fs::write(dir.join("large.toml"), spec).unwrap();
    let out = Command::new(env!("CARGO_BIN_EXE_mdbook-msdesign"))
        .args(["render", "large.toml", "--sections", "interactions"])
        .current_dir(dir)
        .output()
        .unwrap();
    assert!(
        out.status.success(),
        "{}",
        String::from_utf8_lossy(&out.stderr)
    );
    // The sequences of the flows have pictures of their own.
    let page = String::from_utf8(out.stdout).unwrap();
    page.split("Flows { #").next().unwrap().to_owned()
}

#[test]
fn a_large_design_is_shown_in_parts() {
    let dir = tempfile::tempdir().unwrap();
    let small = chapter(dir.path(), &large(20, true, ""));
    assert!(!small.contains("Around each team"));
    let page = chapter(dir.path(), &large(90, true, ""));
    for part in [
        "would not be readable",
        "Dependencies",
        "Around each team",
        "Around each service",
    ] {
        assert!(page.contains(part), "{part}");
    }
    // The overview, nine teams and the 24 services with the most neighbours; the others are named.
    assert_eq!(page.matches("<figure").count(), 1 + 9 + 24);
    assert!(page.contains("66 services more") && page.contains("`s0089`"));
    // Nine teams fit a matrix with headers on both sides.
    assert!(page.contains("<th scope=\"row\">team 8</th>") && page.contains("<caption>"));
    let json = drawn(dir.path(), &["large.toml", "--format", "json"]);
    let json: Value = serde_json::from_str(&json).unwrap();
    let nodes = json["nodes"].as_array().unwrap();
    assert_eq!(nodes.iter().filter(|n| n["kind"] == "service").count(), 9);

    let bare = chapter(dir.path(), &large(90, false, ""));
    assert!(!bare.contains("Around each team") && bare.contains("Around each service"));
    let full = chapter(dir.path(), &large(90, true, "[diagram]\nview = \"full\"\n"));
    assert_eq!(full.matches("<figure").count(), 1);
    let parts = chapter(
        dir.path(),
        &large(20, true, "[diagram]\nview = \"overview\"\n"),
    );
    assert_eq!(parts.matches("<figure").count(), 1 + 2 + 20);
}

#[test]
fn beyond_every_bound_there_is_an_answer_and_no_hang() {
    let dir = tempfile::tempdir().unwrap();
    let page = chapter(dir.path(), &large(600, true, ""));
    assert!(page.contains("Around each team") && page.contains("576 services more"));
    let whole = refused(dir.path(), &["large.toml", "--kind", "interactions"]);
    assert!(
        whole.contains("too many") && whole.contains("--kind overview"),
        "{whole}"
    );
    // The notations of other tools and JSON have no such bound.
    let json = drawn(
        dir.path(),
        &["large.toml", "--kind", "interactions", "--format", "json"],
    );
    let json: Value = serde_json::from_str(&json).unwrap();
    assert!(json["layout"].is_null() && json["nodes"].as_array().unwrap().len() >= 600);
}
