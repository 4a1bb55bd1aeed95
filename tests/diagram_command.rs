//! `mdbook-msdesign diagram`, and what chapters show of designs that one picture cannot.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Output};

use msdesign::diag::{SourceFile, Sources};
use msdesign::diagram::layout::Wish;
use msdesign::diagram::{Form, Picture};
use msdesign::{Drawn, Format, NoFiles, Options, Wanted};
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

/// A picture of `spec` without the command, which would be a process for each.
fn drawn_here(spec: &str, kind: Option<&str>, focus: Option<&str>) -> Drawn {
    let mut sources = Sources::default();
    let id = sources.add(SourceFile::whole("shop.toml", spec.to_owned()));
    let wanted = Wanted {
        kind: kind.map(str::to_owned),
        focus: focus.map(str::to_owned),
    };
    let (drawn, found) =
        msdesign::draw(&mut sources, id, &mut NoFiles, &Options::default(), &wanted);
    drawn.unwrap_or_else(|| panic!("{found:?}"))
}

fn json(picture: &Picture) -> Value {
    serde_json::from_str(&picture.file(Form::Json, Wish::default()).unwrap()).unwrap()
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
    let kinds: Vec<String> = drawn_here(SHOP, None, None)
        .kinds
        .into_iter()
        .map(|k| k.0)
        .collect();
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
    for kind in &kinds {
        let picture = drawn_here(SHOP, Some(kind), None).picture.unwrap();
        for form in Form::ALL {
            let refused = |why: &str| {
                let said = picture.file(form, Wish::default()).unwrap_err().to_string();
                assert!(said.contains(why), "{kind} {form:?}: {said}");
            };
            let table = ["matrix", "availability", "amplification"].iter();
            let graph = !table.into_iter().any(|k| kind.starts_with(k));
            if !graph && !matches!(form, Form::Json | Form::Text | Form::Svg) {
                refused("is written as SVG, JSON or text");
                continue;
            }
            let text = picture.file(form, Wish::default()).unwrap();
            assert!(
                text.ends_with('\n') && text.trim().len() > 20,
                "{kind} {form:?}"
            );
            let begin = match form {
                Form::Json => "{\n",
                Form::Svg => "<svg xmlns=",
                Form::PlantUml => "@startuml\n",
                Form::Dot => "digraph ",
                _ => "",
            };
            assert!(text.starts_with(begin), "{text}");
        }
    }
}

#[test]
fn the_command_writes_what_the_library_draws() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("shop.toml"), SHOP).unwrap();
    let list = drawn(dir.path(), &["shop.toml", "--list", "--format", "json"]);
    let list: Vec<Value> = serde_json::from_str(&list).unwrap();
    let here = drawn_here(SHOP, Some("states:Buy"), None);
    assert_eq!(list.len(), here.kinds.len());
    let args = ["shop.toml", "--kind", "states:Buy", "--format", "mermaid"];
    let text = here.picture.unwrap().file(Form::Mermaid, Wish::default());
    assert_eq!(drawn(dir.path(), &args), text.unwrap());
    let matrix = ["shop.toml", "--kind", "matrix", "--format", "d2"];
    assert!(refused(dir.path(), &matrix).contains("SVG, JSON or text"));
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
    let none = |kind: Option<&str>, focus: Option<&str>, why: &str| {
        let said = drawn_here(SHOP, kind, focus).picture.unwrap_err();
        assert!(said.contains(why), "{said}");
    };
    none(Some("sates:Buy"), None, "did you mean `states:Buy`?");
    none(Some("pie"), None, "there are `interactions`");
    none(None, Some("ordres"), "did you mean `orders`?");
    none(Some("neighbourhood"), None, "service or team");
    none(Some("matrix"), Some("web"), "only a `neighbourhood`");
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("shop.toml"), SHOP).unwrap();
    let said = |args: &[&str]| refused(dir.path(), &[&["shop.toml"], args].concat());
    assert!(said(&["--kind", "sates:Buy"]).contains("did you mean `states:Buy`?"));
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
    let names = |focus: &str| {
        let json = json(&drawn_here(SHOP, None, Some(focus)).picture.unwrap());
        let nodes = json["nodes"].as_array().unwrap();
        let names: Vec<&str> = nodes.iter().map(|n| n["label"].as_str().unwrap()).collect();
        names.join(" ")
    };
    assert!(!names("web").contains("stock") && names("web").contains("orders"));
    assert!(!names("stock").contains("web") && names("stock").contains("orders"));
    assert_eq!(names("team:front"), names("web"));
}

#[test]
fn a_wide_flow_is_told_in_parts() {
    let mut spec = String::from(
        "title = \"Wide\"\nactors = [\"browser\"]\nsync = [\n\"browser --REST GET /--> web\",\n",
    );
    for hub in 0..3 {
        let _ = writeln!(spec, "\"web --gRPC Ask--> hub{hub}\",");
        for leaf in 0..6 {
            let _ = writeln!(
                spec,
                "\"hub{hub} --gRPC Do{hub}{leaf}--> leaf{hub}{leaf}\","
            );
        }
    }
    let mut names: Vec<String> = (0..3).map(|h| format!("\"hub{h}\"")).collect();
    names.extend((0..18).map(|l| format!("\"leaf{}{}\"", l / 6, l % 6)));
    let spec = format!("services = [\"web\", {}]\n{spec}]\n", names.join(", "));
    let kinds: Vec<String> = drawn_here(&spec, None, None)
        .kinds
        .into_iter()
        .map(|k| k.0)
        .collect();
    let flows: Vec<&String> = kinds.iter().filter(|k| k.starts_with("flow:")).collect();
    assert_eq!(flows.len(), 4, "{flows:?}");
    let mut calls = Vec::new();
    for (i, kind) in flows.iter().enumerate() {
        let picture = json(&drawn_here(&spec, Some(kind), None).picture.unwrap());
        let count = picture["participants"].as_array().unwrap().len();
        assert_eq!(count, if i == 0 { 5 } else { 8 }, "{kind}");
        let steps = picture["steps"].as_array().unwrap();
        let told = steps.iter().filter(|s| s["kind"] == "call");
        calls.extend(told.map(|s| s["label"].as_str().unwrap().to_owned()));
        let notes = steps
            .iter()
            .filter(|s| s.to_string().contains("in a picture of its own"));
        assert_eq!(notes.count(), if i == 0 { 3 } else { 0 }, "{kind}");
    }
    // Everything once, but what leads from one picture to the next.
    for hub in 0..3 {
        for leaf in 0..6 {
            let label = format!("gRPC Do{hub}{leaf}");
            assert_eq!(
                calls.iter().filter(|c| **c == label).count(),
                1,
                "{label} in {calls:?}"
            );
        }
    }
    assert_eq!(calls.iter().filter(|c| *c == "gRPC Ask").count(), 6);
    let page = interactions(&spec);
    assert!(page.contains("What `hub1` does meanwhile:"));
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
        for by in [1, 3, 7, 91] {
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

/// The section of the interactions, flows included.
fn interactions(spec: &str) -> String {
    let mut sources = Sources::default();
    let id = sources.add(SourceFile::whole("large.toml", spec.to_owned()));
    let options = Options {
        format: Format::Html,
        sections: Some(vec!["interactions".to_owned()]),
        ..Options::default()
    };
    let compiled = msdesign::compile(&mut sources, id, &mut NoFiles, &options);
    compiled.chapter.unwrap().markdown()
}

fn chapter(spec: &str) -> String {
    // The sequences of the flows have pictures of their own.
    let page = interactions(spec);
    page.split("Flows { #").next().unwrap().to_owned()
}

#[test]
fn a_large_design_is_shown_in_parts() {
    let small = chapter(&large(20, true, ""));
    assert!(!small.contains("Around each team"));
    let page = chapter(&large(90, true, ""));
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
    // Each team's box leads to its part, and each part marks what it is of.
    let boxes = page.split("<figure").nth(1).unwrap_or_default();
    for team in 0..9 {
        let link = boxes
            .split("href=\"#")
            .find(|l| l.contains(&format!("around-team-{team}\"")));
        let id = link.and_then(|l| l.split('"').next()).unwrap_or_default();
        assert!(link.is_some_and(|l| l.contains(&format!(">team {team}<"))));
        assert_eq!(page.matches(&format!("id=\"{id}\"")).count(), 1, "{id}");
    }
    let around = page
        .split("<figure")
        .skip(2)
        .map(|f| f.split("</figure>").next().unwrap());
    for (part, marked) in around.zip([10; 9].into_iter().chain([1; 24])) {
        // The legend has one more.
        assert_eq!(part.matches(" class=\"b\"").count(), marked + 1, "{part}");
        assert_eq!(part.matches(">in focus<").count(), 1);
    }
    // Nine teams fit a matrix with headers on both sides.
    assert!(page.contains("<th scope=\"row\">team 8</th>") && page.contains("<caption>"));
    let overview = drawn_here(&large(90, true, ""), None, None);
    let json = json(&overview.picture.unwrap());
    let nodes = json["nodes"].as_array().unwrap();
    assert_eq!(nodes.iter().filter(|n| n["kind"] == "team").count(), 9);

    let bare = chapter(&large(90, false, ""));
    assert!(!bare.contains("Around each team") && bare.contains("Around each service"));
    let full = chapter(&large(90, true, "[diagram]\nview = \"full\"\n"));
    assert_eq!(full.matches("<figure").count(), 1);
    let parts = chapter(&large(20, true, "[diagram]\nview = \"overview\"\n"));
    assert_eq!(parts.matches("<figure").count(), 1 + 2 + 20);
}

#[test]
fn beyond_every_bound_there_is_an_answer_and_no_hang() {
    let spec = large(700, true, "[diagram]\nview = \"full\"\n");
    let page = chapter(&spec);
    assert!(page.contains("asks for one picture of everything, but"));
    assert!(page.contains("bends are too many to draw"));
    assert!(page.contains("Around each team") && page.contains("676 services more"));
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("large.toml"), &spec).unwrap();
    let whole = refused(dir.path(), &["large.toml", "--kind", "interactions"]);
    assert!(
        whole.contains("too many") && whole.contains("--kind overview"),
        "{whole}"
    );
    // The notations of other tools and JSON have no such bound.
    let whole = drawn_here(&spec, Some("interactions"), None);
    let json = json(&whole.picture.unwrap());
    assert!(json["layout"].is_null() && json["nodes"].as_array().unwrap().len() >= 700);
}
