//! The pictures before their real readers: Mermaid's parser, an XML parser, Graphviz, D2, PlantUML.
#![cfg(feature = "conformance")]
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

#[path = "support/diagrams.rs"]
mod diagrams;
#[path = "support/table.rs"]
mod table;

use diagrams::{NAMES, name};
use msdesign::diag::{SourceFile, Sources};
use msdesign::diagram::*;
use msdesign::{Drawn, NoFiles, Options, Wanted};
use serde_json::json as value;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// Runs a tool on `input`; a missing tool is a failure.
fn run(command: &mut Command, input: &str) {
    let shown = format!("{command:?}");
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|e| panic!("{shown}: {e}"));
    // A tool that stops before it has read everything says why below.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{shown}\n{said}");
}

/// One small input for each name, so that each meets the parser alone.
fn single(i: usize) -> (Scene, Sequence, States) {
    let node = |id: &str| Node {
        id: id.to_owned(),
        label: name(i),
        group: Some(0),
        ..Node::default()
    };
    let edge = Edge {
        from: 0,
        to: 1,
        labels: vec![name(i)],
        ..Edge::default()
    };
    let group = Group {
        id: "g".to_owned(),
        label: name(i),
    };
    let scene = Scene {
        nodes: vec![node("a"), node("b")],
        edges: vec![edge],
        groups: vec![group],
        ..Scene::default()
    };
    let message = Step::Message(Message {
        to: 1,
        label: name(i),
        ..Message::default()
    });
    let participant = Participant {
        label: name(i),
        ..Participant::default()
    };
    let frame = |kind| Step::Frame {
        kind,
        branches: vec![
            Branch {
                title: name(i),
                steps: vec![message.clone()]
            };
            2
        ],
    };
    let sequence = Sequence {
        participants: vec![participant.clone(), participant],
        steps: vec![
            message.clone(),
            frame(FrameKind::Par),
            frame(FrameKind::Alt),
            frame(FrameKind::Retry),
            Step::Note {
                over: vec![0, 1],
                text: name(i),
            },
        ],
        ..Sequence::default()
    };
    let state = State {
        label: name(i),
        kind: StateKind::Start,
    };
    let states = States {
        states: vec![state.clone(), state],
        transitions: vec![Transition {
            from: 0,
            to: 1,
            label: name(i),
        }],
        ..States::default()
    };
    (scene, sequence, states)
}

/// Where the readers of Mermaid and XML are; `npm ci` puts them there once.
fn mermaid_folder() -> PathBuf {
    static INSTALLED: OnceLock<PathBuf> = OnceLock::new();
    let install = || {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tools/mermaid");
        if !folder.join("node_modules").is_dir() {
            let status = Command::new("npm")
                .arg("ci")
                .arg("--silent")
                .current_dir(&folder)
                .status();
            assert!(status.unwrap().success(), "npm ci");
        }
        folder
    };
    INSTALLED.get_or_init(install).clone()
}

/// PlantUML without a screen.
fn plantuml() -> Command {
    let jar = std::env::var("PLANTUML_JAR")
        .expect("PLANTUML_JAR names plantuml.jar; see tools/install.sh");
    let mut command = Command::new("java");
    command.args(["-Djava.awt.headless=true", "-jar", &jar]);
    command
}

#[test]
fn mermaid_and_xml_are_accepted() {
    let folder = mermaid_folder();
    let mut list = Vec::new();
    let mut add = |name: &str, kind: &str, text: String| {
        list.push(value!({"name": name, "kind": kind, "text": text}));
    };
    add(
        "scene",
        "mermaid",
        mermaid::interactions(&diagrams::scene()),
    );
    add(
        "sequence",
        "mermaid",
        mermaid::sequence(&diagrams::sequence()),
    );
    add("states", "mermaid", mermaid::states(&diagrams::states()));
    for (i, shown) in NAMES.iter().enumerate() {
        let (scene, sequence, states) = single(i);
        add(
            &format!("scene {shown:?}"),
            "mermaid",
            mermaid::interactions(&scene),
        );
        add(
            &format!("sequence {shown:?}"),
            "mermaid",
            mermaid::sequence(&sequence),
        );
        add(
            &format!("states {shown:?}"),
            "mermaid",
            mermaid::states(&states),
        );
    }
    let options = svg::Options {
        scope: "s",
        frame: svg::Frame::File,
        wish: layout::Wish::default(),
    };
    let scene = svg::interactions(&diagrams::scene(), &options).unwrap();
    add(
        "sequence",
        "xml",
        svg::sequence(&diagrams::sequence(), &options).unwrap(),
    );
    add(
        "states",
        "xml",
        svg::states(&diagrams::states(), &options).unwrap(),
    );
    let holds = [
        "orders",
        "end",
        "a \"quoted\" name",
        "<b>&amp;&#x41;",
        "日本語のサービス",
    ];
    list.push(value!({"name": "scene", "kind": "xml", "text": scene, "holds": holds}));
    let input = serde_json::to_string(&list).unwrap();
    run(
        Command::new("node").arg("check.mjs").current_dir(folder),
        &input,
    );
}

#[test]
fn graphviz_accepts_dot() {
    // One process draws all graphs of its input, with straight lines: the routing of Graphviz 2.43 breaks down
    // on graphs that are as wild as these.
    let all: Vec<String> = pictures()
        .iter()
        .map(|(_, p)| p.file(Form::Dot, layout::Wish::default()).unwrap())
        .collect();
    run(
        Command::new("dot").args(["-Kneato", "-Tsvg"]),
        &all.concat(),
    );
}

/// Every fixture as a picture with a name.
fn pictures() -> Vec<(String, Picture)> {
    let mut all = vec![
        ("scene".to_owned(), Picture::Interactions(diagrams::scene())),
        (
            "sequence".to_owned(),
            Picture::Sequence(diagrams::sequence()),
        ),
        ("states".to_owned(), Picture::States(diagrams::states())),
    ];
    for i in 0..NAMES.len() {
        let (scene, sequence, states) = single(i);
        all.push((format!("scene-{i}"), Picture::Interactions(scene)));
        all.push((format!("sequence-{i}"), Picture::Sequence(sequence)));
        all.push((format!("states-{i}"), Picture::States(states)));
    }
    all
}

/// A design whose names are words and marks of the notations, as far as the language lets them through.
const HOSTILE: &str = r##"
title = "</svg>]]> \"&amp; {{#x}} $a @enduml"
services = ["end", "note", "class", "state.1"]
sync = [
  "client --POST /a/{id}--> end",
  { call = "end --GET /_x_/%20--> note", retries = 2 },
  { call = "note --gRPC Do--> class", retries = 3 },
]
async = ["end --order.placed--> state.1"]

[teams]
"over" = ["end"]
"par 1. x_y" = ["note", "class"]

[[sagas]]
name = "alt else_1"
steps = ["end: loop / end", "note: activate"]
"##;

/// Services that call one another by the bits of `seed`.
fn random(seed: u64) -> String {
    let mut bits = seed;
    let mut next = |below: u64| {
        bits = bits
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (bits >> 33) % below
    };
    let services: Vec<String> = (0..14).map(|i| format!("\"s{i:02}\"")).collect();
    let mut calls = vec!["\"client --REST GET /--> s00\"".to_owned()];
    for i in 1..14 {
        for word in ["gRPC Do", "POST /x", "GET /y/{id}"] {
            if next(2) == 0 {
                let (from, retries) = (next(i), next(4));
                let call = format!("s{from:02} --{word}{i}--> s{i:02}");
                calls.push(format!("{{ call = \"{call}\", retries = {retries} }}"));
            }
        }
    }
    let events: Vec<String> = (0..5)
        .map(|i| format!("\"s{:02} --thing{i}.done--> s{:02}\"", next(14), next(14)))
        .collect();
    format!(
        "title = \"Random {seed}\"\nservices = [{}]\nsync = [{}]\nasync = [{}]\n\
         [teams]\na = [{}]\nb = [{}]\n",
        services.join(", "),
        calls.join(", "),
        events.join(", "),
        services[..6].join(", "),
        services[6..].join(", "),
    )
}

/// Every picture of every design of the reader book, of the hostile one and of random ones.
fn of_designs() -> Vec<(String, Picture)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("book-example/src/designs");
    let mut specs: Vec<(String, String)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "md"))
        .map(|path| {
            let page = std::fs::read_to_string(&path).unwrap();
            let block = page.split("\n```msdesign\n").nth(1).unwrap();
            let spec = block.split("\n```").next().unwrap().to_owned();
            (path.display().to_string(), spec)
        })
        .collect();
    specs.sort();
    assert!(specs.len() >= 8);
    specs.push(("hostile".to_owned(), HOSTILE.to_owned()));
    specs.extend((1..5).map(|seed| (format!("random {seed}"), random(seed))));
    let mut all = Vec::new();
    for (name, spec) in specs {
        let draw = |kind: Option<&str>, focus: Option<&str>| -> Drawn {
            let mut sources = Sources::default();
            let id = sources.add(SourceFile::whole("design.toml", spec.clone()));
            let wanted = Wanted {
                kind: kind.map(str::to_owned),
                focus: focus.map(str::to_owned),
            };
            let options = Options::default();
            let (drawn, found) = msdesign::draw(&mut sources, id, &mut NoFiles, &options, &wanted);
            drawn.unwrap_or_else(|| panic!("{name}: {:?}", found.first()))
        };
        let whole = draw(None, None);
        for (kind, _) in &whole.kinds {
            let picture = draw(Some(kind), None).picture.unwrap();
            all.push((format!("{name}: {kind}"), picture));
        }
        if let Picture::Interactions(scene) = &whole.picture.unwrap() {
            let service = scene.nodes.iter().find(|n| n.kind == NodeKind::Service);
            let label = service.unwrap().label.clone();
            // A name that was cut for the picture leads nowhere.
            if let Ok(picture) = draw(None, Some(&label)).picture {
                all.push((format!("{name}: around {label}"), picture));
            }
        }
    }
    assert!(all.len() > 200, "{}", all.len());
    all
}

/// All pictures of designs in one file or process for each tool.
#[test]
fn every_picture_of_every_design_is_accepted() {
    let wish = layout::Wish::default();
    let all = of_designs();
    let dir = tempfile::tempdir().unwrap();
    let schema = dir.path().join("picture.schema.json");
    std::fs::write(&schema, json::SCHEMA).unwrap();
    let mut json = Command::new("check-jsonschema");
    json.arg("--schemafile").arg(&schema);
    let puml = dir.path().join("puml");
    std::fs::create_dir(&puml).unwrap();
    let mut nodes = Vec::new();
    let (mut dot, mut d2) = (String::new(), String::from("layers: {\n"));
    for (i, (name, picture)) in all.iter().enumerate() {
        for form in picture.forms() {
            let text = picture.file(form, wish).unwrap();
            match form {
                Form::Svg => nodes.push(value!({"name": name, "kind": "xml", "text": text})),
                Form::Mermaid => {
                    nodes.push(value!({"name": name, "kind": "mermaid", "text": text}));
                }
                Form::Json => {
                    let file = dir.path().join(format!("{i}.json"));
                    std::fs::write(&file, text).unwrap();
                    json.arg(file);
                }
                Form::Dot => dot.push_str(&text),
                Form::D2 => d2.push_str(&format!("l{i}: {{\n{text}}}\n")),
                Form::PlantUml => {
                    std::fs::write(puml.join(format!("{i}.puml")), text).unwrap();
                }
                Form::Text => {}
            }
        }
    }
    d2.push_str("}\n");
    let boards = dir.path().join("all.d2");
    std::fs::write(&boards, d2).unwrap();
    let count = |form: Form| {
        all.iter()
            .filter(|(_, p)| p.forms().any(|f| f == form))
            .count()
    };
    let row = table::row(
        "diagram json",
        "check-jsonschema",
        Command::new("check-jsonschema").arg("--version"),
    );
    run(&mut json, "");
    row.ends(count(Form::Json), "accepted");
    let row = table::row(
        "diagram d2",
        "d2 validate",
        Command::new("d2").arg("--version"),
    );
    run(Command::new("d2").arg("validate").arg(boards), "");
    row.ends(count(Form::D2), "accepted");
    // Laid out as a user would have it.
    let row = table::row("diagram dot", "dot", Command::new("dot").arg("-V"));
    run(Command::new("dot").arg("-Tcanon"), &dot);
    row.ends(count(Form::Dot), "accepted");
    let list = serde_json::to_string(&nodes).unwrap();
    let modules = mermaid_folder().join("node_modules");
    let rows = [
        (
            Form::Mermaid,
            table::row("diagram mmd", "mermaid", (&*modules, "mermaid")),
        ),
        (
            Form::Svg,
            table::row("diagram xml", "jsdom", (&*modules, "jsdom")),
        ),
    ];
    run(
        Command::new("node")
            .arg("check.mjs")
            .current_dir(mermaid_folder()),
        &list,
    );
    for (form, row) in rows {
        row.ends(count(form), "accepted");
    }
    let row = table::row(
        "diagram puml",
        "plantuml --check-syntax",
        plantuml().arg("-version"),
    );
    run(plantuml().arg("--check-syntax").arg(puml), "");
    row.ends(count(Form::PlantUml), "accepted");
}

/// Our JSON keeps to our own published schema.
#[test]
fn json_keeps_to_the_schema() {
    let dir = tempfile::tempdir().unwrap();
    let schema = dir.path().join("picture.schema.json");
    std::fs::write(&schema, json::SCHEMA).unwrap();
    run(
        Command::new("check-jsonschema")
            .arg("--check-metaschema")
            .arg(&schema),
        "",
    );
    let mut check = Command::new("check-jsonschema");
    check.arg("--schemafile").arg(&schema);
    for (name, picture) in pictures() {
        let file = dir.path().join(format!("{name}.json"));
        std::fs::write(
            &file,
            picture.file(Form::Json, layout::Wish::default()).unwrap(),
        )
        .unwrap();
        check.arg(file);
    }
    run(&mut check, "");
}

/// D2 compiles and draws each file.
#[test]
fn d2_draws_what_we_write() {
    for (name, picture) in pictures() {
        let text = picture.file(Form::D2, layout::Wish::default()).unwrap();
        run(
            Command::new("d2").args(["--stdout-format", "svg", "-", "-"]),
            &format!("# {name}\n{text}"),
        );
    }
}

/// PlantUML draws all files in one process; it fails if any of them has an error.
#[test]
fn plantuml_draws_what_we_write() {
    let dir = tempfile::tempdir().unwrap();
    for (name, picture) in pictures() {
        let text = picture
            .file(Form::PlantUml, layout::Wish::default())
            .unwrap();
        std::fs::write(dir.path().join(format!("{name}.puml")), text).unwrap();
    }
    run(
        plantuml()
            .args(["--svg", "--no-error-image"])
            .arg(dir.path()),
        "",
    );
}
