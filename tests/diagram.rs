//! What every picture promises, whatever is in it.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

#[path = "support/diagrams.rs"]
mod diagrams;

use diagrams::name;
use msdesign::diagram::*;
use proptest::prelude::*;
use unicode_width::UnicodeWidthStr;

fn options(frame: svg::Frame) -> svg::Options<'static> {
    svg::Options {
        scope: "orders-1",
        frame,
        wish: layout::Wish::default(),
    }
}

/// Tags close in order, attributes are quoted, and every `&` begins a known entity.
fn well_formed(text: &str) {
    assert!(
        !text.contains(['\n', '\r', '\0', '\u{202E}']),
        "line break or worse in {text}"
    );
    assert!(!text.contains("url(") && !text.contains("{{"), "{text}");
    for part in text.split('&').skip(1) {
        let known = ["amp;", "lt;", "gt;", "quot;", "#123;"]
            .iter()
            .any(|e| part.starts_with(e));
        assert!(known, "&{}", &part[..part.len().min(12)]);
    }
    let mut open: Vec<&str> = Vec::new();
    let mut rest = text;
    while let Some(begin) = rest.find('<') {
        let tag = &rest[begin + 1..];
        let (mut quoted, mut end) = (false, None);
        for (i, c) in tag.char_indices() {
            match c {
                '"' => quoted = !quoted,
                '<' => panic!("`<` inside a tag: {}", &tag[..i]),
                '>' if !quoted => {
                    end = Some(i);
                    break;
                }
                _ => {}
            }
        }
        let end = end.unwrap();
        let body = &tag[..end];
        if let Some(name) = body.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name));
        } else if !body.ends_with('/') {
            open.push(body.split(' ').next().unwrap());
        }
        rest = &tag[end + 1..];
    }
    assert!(open.is_empty(), "{open:?} left open");
}

#[test]
fn hostile_names_stay_text() {
    for frame in [svg::Frame::Page, svg::Frame::File] {
        let all = [
            svg::interactions(&diagrams::scene(), &options(frame)).unwrap(),
            svg::sequence(&diagrams::sequence(), &options(frame)).unwrap(),
            svg::states(&diagrams::states(), &options(frame)).unwrap(),
        ];
        for picture in all {
            well_formed(&picture);
            assert!(!picture.contains("<script"));
            let begin = if frame == svg::Frame::Page {
                "<figure class="
            } else {
                "<svg xmlns="
            };
            assert!(picture.starts_with(begin));
            assert_eq!(picture.matches(" id=\"").count(), 2);
            assert_eq!(picture.matches(" id=\"orders-1-").count(), 2);
        }
    }
}

#[test]
fn text_keeps_every_label_within_its_columns() {
    let scene = diagrams::scene();
    let text = text_form::interactions(&scene);
    let all = [
        text.clone(),
        text_form::sequence(&diagrams::sequence()),
        text_form::states(&diagrams::states()),
    ];
    for line in all.iter().flat_map(|t| t.lines()) {
        assert!(line.width() <= text_form::COLUMNS, "{line}");
    }
    let flat: String = text.split_whitespace().collect();
    for node in &scene.nodes {
        let label: String = node
            .label
            .chars()
            .filter(|c| !c.is_whitespace() && !c.is_control() && *c != '\u{202E}')
            .collect();
        assert!(flat.contains(&label), "{label}");
    }
}

/// The characters that a reader sees, blanks apart: what notations write as codes is decoded.
fn seen(form: Form, text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let code = |open: &str, close: char, radix| {
            let inner = rest.strip_prefix(open)?;
            let end = inner.find(close)?;
            let c = char::from_u32(u32::from_str_radix(&inner[..end], radix).ok()?)?;
            Some((c, open.len() + end + close.len_utf8()))
        };
        let escape = |at: char| {
            let mut chars = rest.chars();
            (chars.next() == Some(at)).then(|| chars.next()).flatten()
        };
        let (c, len) = match form {
            Form::Mermaid => code("#", ';', 10),
            Form::PlantUml => code("<U+", '>', 16),
            Form::Dot if rest.starts_with("&amp;") => Some(('&', 5)),
            Form::Dot | Form::D2 => escape('\\').map(|c| match c {
                'n' => (' ', 2),
                c => (c, 1 + c.len_utf8()),
            }),
            _ => None,
        }
        .unwrap_or((c, c.len_utf8()));
        out.push(c);
        rest = &rest[len..];
    }
    out.retain(|c| !c.is_whitespace());
    out
}

/// Every name in `labels` can be read in each form of `picture`; SVG shortens long ones.
fn holds(picture: &Picture, labels: &[String]) {
    for form in picture.forms().filter(|f| *f != Form::Svg) {
        let text = picture.file(form, layout::Wish::default()).unwrap();
        let text = if form == Form::Json {
            let value: serde_json::Value = serde_json::from_str(&text).unwrap();
            let mut words = Vec::new();
            let mut open = vec![&value];
            while let Some(next) = open.pop() {
                match next {
                    serde_json::Value::String(s) => words.push(s.clone()),
                    serde_json::Value::Array(a) => open.extend(a),
                    serde_json::Value::Object(o) => open.extend(o.values()),
                    _ => {}
                }
            }
            seen(Form::Text, &words.join(" "))
        } else {
            seen(form, &text)
        };
        for label in labels {
            let want: String = label.chars().filter(|c| !c.is_whitespace()).collect();
            let hidden = |c: char| c.is_control() || c == '\u{202E}';
            let want = want.replace(hidden, "");
            assert!(
                text.replace(hidden, "").contains(&want),
                "{form:?} lacks {label:?}:\n{text}"
            );
        }
        if form == Form::Text {
            for line in picture.file(form, layout::Wish::default()).unwrap().lines() {
                assert!(line.width() <= text_form::COLUMNS, "{line}");
            }
        }
    }
}

#[test]
fn every_form_holds_every_label() {
    let scene = diagrams::scene();
    let mut labels: Vec<String> = scene.groups.iter().map(|g| g.label.clone()).collect();
    labels.extend(scene.nodes.iter().map(|n| n.label.clone()));
    labels.extend(scene.nodes.iter().filter_map(|n| n.sub.clone()));
    labels.extend(scene.edges.iter().flat_map(|e| e.labels.clone()));
    holds(&Picture::Interactions(scene), &labels);

    let all: Vec<String> = (0..diagrams::NAMES.len()).map(name).collect();
    holds(&Picture::Sequence(diagrams::sequence()), &all);
    holds(&Picture::States(diagrams::states()), &all);
    let matrix = Matrix {
        names: all.clone(),
        cells: (0..all.len())
            .map(|i| {
                (
                    (i, i * 7 % all.len()),
                    Counts {
                        sync: i + 1,
                        ..Counts::default()
                    },
                )
            })
            .collect(),
        ..Matrix::default()
    };
    holds(&Picture::Matrix(matrix), &all);
}

#[test]
fn an_answer_without_words_makes_no_noise() {
    let step = |from, to, kind, label: &str| {
        Step::Message(Message {
            from,
            to,
            kind,
            label: label.to_owned(),
            ..Message::default()
        })
    };
    let person = |label: &str| Participant {
        label: label.to_owned(),
        ..Participant::default()
    };
    let told = Sequence {
        participants: ["a", "b"].map(person).to_vec(),
        steps: vec![
            step(0, 0, MessageKind::Call, "think"),
            step(0, 0, MessageKind::Reply, ""),
            step(0, 1, MessageKind::Call, "ask"),
            step(1, 0, MessageKind::Reply, ""),
        ],
        ..Sequence::default()
    };
    let dot = dot::sequence(&told);
    assert!(dot.contains("2. ask") && !dot.contains("3."), "{dot}");
    assert!(dot.contains("p1 -> p0 [style=dotted]"), "{dot}");
    let d2 = d2::sequence(&told);
    assert_eq!(d2.matches("p0 -> p0").count(), 1, "{d2}");
    assert_eq!(d2.matches("p1 -> p0").count(), 1, "{d2}");
}

#[test]
fn empty_input_is_drawn() {
    well_formed(&svg::interactions(&Scene::default(), &options(svg::Frame::Page)).unwrap());
    well_formed(&svg::sequence(&Sequence::default(), &options(svg::Frame::Page)).unwrap());
    well_formed(&svg::states(&States::default(), &options(svg::Frame::Page)).unwrap());
}

#[test]
fn parallel_edges_are_folded_and_counted() {
    let node = |id: &str| Node {
        id: id.to_owned(),
        label: id.to_owned(),
        ..Node::default()
    };
    let edge = |i: usize| Edge {
        from: 0,
        to: 1,
        labels: vec![format!("op{i}")],
        ..Edge::default()
    };
    let scene = Scene {
        nodes: vec![node("a"), node("b")],
        edges: (0..5).map(edge).collect(),
        ..Scene::default()
    };
    let picture = svg::interactions(&scene, &options(svg::Frame::Page)).unwrap();
    assert!(picture.contains(">+3 more<") && picture.contains("op0, op1, op2, op3, op4"));
}

#[test]
fn too_much_is_refused() {
    let step = Step::Message(Message {
        to: 1,
        ..Message::default()
    });
    let two = vec![Participant::default(); 2];
    let long = Sequence {
        participants: two.clone(),
        steps: vec![step; MAX_STEPS + 1],
        ..Sequence::default()
    };
    assert_eq!(
        svg::sequence(&long, &options(svg::Frame::Page))
            .unwrap_err()
            .what,
        "steps"
    );
    // Deep nesting is neither refused nor does it recurse.
    let mut steps = Vec::new();
    for _ in 0..200 {
        steps = vec![Step::par(vec![steps])];
    }
    let deep = Sequence {
        participants: two,
        steps,
        ..Sequence::default()
    };
    well_formed(&svg::sequence(&deep, &options(svg::Frame::Page)).unwrap());
}

/// A scene, and the same one declared in another order.
fn twice() -> impl Strategy<Value = (Scene, Scene)> {
    let nodes = proptest::collection::vec(
        (
            0usize..6,
            proptest::option::of(0usize..4),
            0usize..diagrams::NAMES.len(),
        ),
        1..12,
    );
    let edges = proptest::collection::vec(
        (
            any::<u8>(),
            any::<u8>(),
            0usize..4,
            0usize..diagrams::NAMES.len(),
            any::<bool>(),
        ),
        0..20,
    );
    (nodes, edges, any::<u64>()).prop_map(|(nodes, edges, seed)| {
        let n = nodes.len();
        let groups: Vec<Group> = (0..4)
            .map(|g| Group {
                id: format!("{g}"),
                label: name(g * 3),
            })
            .collect();
        let scene = Scene {
            title: "t".to_owned(),
            description: "d".to_owned(),
            labels: Labels::Auto,
            groups: groups.clone(),
            nodes: nodes
                .iter()
                .enumerate()
                .map(|(i, &(kind, group, label))| Node {
                    id: format!("n{i}"),
                    label: name(label),
                    kind: NodeKind::ALL[kind],
                    group,
                    ..Node::default()
                })
                .collect(),
            edges: edges
                .iter()
                .map(|&(a, b, kind, label, soft)| Edge {
                    from: a as usize % n,
                    to: b as usize % n,
                    kind: EdgeKind::ALL[kind],
                    soft,
                    labels: vec![name(label)],
                    link: None,
                })
                .collect(),
        };
        let shuffle = |len: usize| {
            let mut order: Vec<usize> = (0..len).collect();
            order.sort_by_key(|&i| (i as u64 + 1).wrapping_mul(seed | 1).rotate_left(17));
            order
        };
        let (by, lanes, lines) = (shuffle(n), shuffle(4), shuffle(scene.edges.len()));
        let at = |order: &[usize], old: usize| order.iter().position(|&x| x == old).unwrap();
        let other = Scene {
            groups: lanes.iter().map(|&g| groups[g].clone()).collect(),
            nodes: by
                .iter()
                .map(|&i| Node {
                    group: scene.nodes[i].group.map(|g| at(&lanes, g)),
                    ..scene.nodes[i].clone()
                })
                .collect(),
            edges: lines
                .iter()
                .map(|&i| {
                    let e = &scene.edges[i];
                    Edge {
                        from: at(&by, e.from),
                        to: at(&by, e.to),
                        ..e.clone()
                    }
                })
                .collect(),
            ..scene.clone()
        };
        (scene, other)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_order_of_declaration_does_not_show((one, other) in twice()) {
        let picture = svg::interactions(&one, &options(svg::Frame::Page)).unwrap();
        well_formed(&picture);
        prop_assert_eq!(picture, svg::interactions(&other, &options(svg::Frame::Page)).unwrap());
        let labels: Vec<String> = one.edges.iter().flat_map(|e| e.labels.clone()).collect();
        let (one, other) = (Picture::Interactions(one), Picture::Interactions(other));
        for form in Form::ALL {
            let write = |p: &Picture| p.file(form, layout::Wish::default()).unwrap();
            prop_assert_eq!(write(&one), write(&other));
        }
        holds(&one, &labels);
    }
}

/// A figure in a page costs every reader its bytes; the reader book's largest design is the measure.
#[test]
fn a_large_design_is_a_small_picture() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let design = root.join("book-example/src/designs/opentelemetry-demo.md");
    let out = std::process::Command::new(env!("CARGO_BIN_EXE_mdbook-msdesign"))
        .args(["render", "--sections", "interactions"])
        .arg(design)
        .output()
        .unwrap();
    let page = String::from_utf8(out.stdout).unwrap();
    let figure = page.lines().find(|l| l.starts_with("<figure")).unwrap();
    assert!(figure.len() <= 12 * 1024, "{} bytes", figure.len());
    assert_eq!(page.matches(svg::style::STYLE).count(), 1);
}
