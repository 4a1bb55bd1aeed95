//! The pictures before their real readers: Mermaid's parser, an XML parser, Graphviz, D2, PlantUML.
#![cfg(feature = "conformance")]
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

#[path = "support/diagrams.rs"]
mod diagrams;

use diagrams::{NAMES, name};
use msdesign::diagram::*;
use serde_json::json as value;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// Runs a tool on `input`; a missing tool is a failure.
fn run(command: &mut Command, input: &str) {
    let shown = format!("{command:?}");
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|e| panic!("{shown}: {e}"));
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
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

#[test]
fn mermaid_and_xml_are_accepted() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tools/mermaid");
    if !folder.join("node_modules").is_dir() {
        let status = Command::new("npm")
            .arg("ci")
            .arg("--silent")
            .current_dir(&folder)
            .status();
        assert!(status.unwrap().success(), "npm ci");
    }
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
    let jar = std::env::var("PLANTUML_JAR")
        .expect("PLANTUML_JAR names plantuml.jar; see tools/install.sh");
    run(
        Command::new("java")
            .args([
                "-Djava.awt.headless=true",
                "-jar",
                &jar,
                "--svg",
                "--no-error-image",
            ])
            .arg(dir.path()),
        "",
    );
}
