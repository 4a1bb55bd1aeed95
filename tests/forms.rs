//! The order in which a spec says things, and the form it says them in, change nothing in the chapter.

#![allow(clippy::unwrap_used, clippy::panic)]

use msdesign::diag::{SourceFile, Sources};
use msdesign::plan::Plan;
use msdesign::{Format, NoFiles, Options, compile, model, spec};
use proptest::prelude::*;
use toml::{Table, Value};

const SYSTEMS: [&str; 4] = ["boutique", "eshop", "otel-demo", "ride-hailing"];
const FORMATS: [Format; 2] = [Format::Html, Format::Markdown];

fn read(system: &str, form: &str) -> String {
    std::fs::read_to_string(format!("tests/forms/{system}/{form}.toml")).unwrap()
}

/// The chapter of `spec` and, sorted, what is said about it.
fn chapter(spec: &str, format: Format) -> (String, Vec<String>) {
    let mut sources = Sources::default();
    let id = sources.add(SourceFile::whole("spec.toml".to_owned(), spec.to_owned()));
    let options = Options {
        format,
        ..Options::default()
    };
    let compiled = compile(&mut sources, id, &mut NoFiles, &options);
    let mut said: Vec<String> = compiled
        .diagnostics
        .iter()
        .map(|d| format!("{} {} {:?}", d.rule, d.message, d.help))
        .collect();
    said.sort();
    let Some(chapter) = compiled.chapter else {
        panic!("no chapter: {said:#?}\n{spec}");
    };
    // The plan is compared too: not everything in it shows in every chapter.
    let mut text = chapter.markdown();
    text.push_str(&plan(spec));
    (text, said)
}

/// The plan of `spec` and the model in it, without the places of things.
fn plan(spec: &str) -> String {
    let mut sources = Sources::default();
    let id = sources.add(SourceFile::whole("spec.toml".to_owned(), spec.to_owned()));
    let mut out = Vec::new();
    let model = model::resolve(&spec::parse(id, spec, &mut out), id, &mut out);
    let whole = format!("{:#?}", Plan::new(&model));
    let mut lines = whole.lines();
    let mut kept = String::new();
    while let Some(line) = lines.next() {
        if line.ends_with("Span {") {
            for inner in lines.by_ref() {
                if inner.trim() == "}," {
                    break;
                }
            }
        } else {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept
}

/// Panics with the first lines that differ, since whole chapters are too long to read.
fn same(what: &str, left: &(String, Vec<String>), right: &(String, Vec<String>)) {
    for (n, (a, b)) in left.0.lines().zip(right.0.lines()).enumerate() {
        if a != b {
            let from = a
                .bytes()
                .zip(b.bytes())
                .take_while(|(x, y)| x == y)
                .count()
                .saturating_sub(80);
            let cut = |s: &str| {
                String::from_utf8_lossy(&s.as_bytes()[from..])
                    .chars()
                    .take(400)
                    .collect::<String>()
            };
            panic!("{what}: line {} differs\n  {}\n  {}", n + 1, cut(a), cut(b));
        }
    }
    assert!(left.0 == right.0, "{what}: one chapter is longer");
    assert_eq!(left.1, right.1, "{what}: the findings differ");
}

#[test]
fn every_system_is_there() {
    let mut found: Vec<String> = std::fs::read_dir("tests/forms")
        .unwrap()
        .map(|e| e.unwrap())
        .filter(|e| e.path().is_dir())
        .map(|e| e.file_name().to_string_lossy().into_owned())
        .collect();
    found.sort();
    assert_eq!(found, SYSTEMS);
}

#[test]
fn arrows_tables_and_both_mixed_give_one_chapter() {
    for system in SYSTEMS {
        for format in FORMATS {
            let arrows = chapter(&read(system, "arrows"), format);
            assert!(arrows.0.len() > 2000, "{system}");
            for form in ["mixed", "tables"] {
                let other = chapter(&read(system, form), format);
                same(&format!("{system}/{form} {format:?}"), &arrows, &other);
            }
        }
    }
}

/// Numbers that look drawn by lot, always the same for the same seed.
struct Lot(u64);

impl Lot {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % (n as u64)) as usize
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i + 1));
        }
    }
}

/// Lists whose order the language gives a meaning.
const ORDERED: [&str; 9] = [
    "sagas",
    "flows",
    "steps",
    "parallel",
    "infrastructure",
    "language",
    "sections",
    "include",
    "schema",
];

fn shuffle(value: Value, lot: &mut Lot) -> Value {
    match value {
        Value::Table(table) => {
            let mut items: Vec<(String, Value)> = table
                .into_iter()
                .map(|(key, value)| {
                    let ordered = ORDERED.contains(&key.as_str());
                    let value = if ordered { value } else { shuffle(value, lot) };
                    (key, value)
                })
                .collect();
            lot.shuffle(&mut items);
            Value::Table(items.into_iter().collect::<Table>())
        }
        Value::Array(items) => {
            let mut items: Vec<Value> = items.into_iter().map(|v| shuffle(v, lot)).collect();
            lot.shuffle(&mut items);
            Value::Array(items)
        }
        // The targets of an arrow are a list as well.
        Value::String(text) => match text.rsplit_once("--> ") {
            Some((head, targets)) if targets.contains(',') => {
                let mut targets: Vec<&str> = targets.split(',').map(str::trim).collect();
                lot.shuffle(&mut targets);
                Value::String(format!("{head}--> {}", targets.join(", ")))
            }
            _ => Value::String(text),
        },
        other => other,
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 24,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_order_of_a_spec_changes_nothing(seed: u64, system in 0..SYSTEMS.len(), form in 0..3_usize) {
        let system = SYSTEMS[system];
        let form = ["arrows", "mixed", "tables"][form];
        let spec = read(system, form);
        let table: Table = toml::from_str(&spec).unwrap();
        let shuffled = shuffle(Value::Table(table), &mut Lot(seed));
        let other = toml::to_string(&shuffled).unwrap();
        for format in FORMATS {
            let what = format!("{system}/{form} seed {seed} {format:?}");
            same(&what, &chapter(&spec, format), &chapter(&other, format));
        }
    }
}

#[test]
fn statements_about_one_event_add_up_in_any_order() {
    let head = "services = [\"a\", \"b\", \"c\", \"d\"]\ninfrastructure = \"kubernetes\"\n";
    let statements = [
        "\"a --order.placed--> rabbitmq --> b\"",
        "{ event = \"c --order.placed--> d\", pii = [\"mail\", \"name\"] }",
        "{ event = \"a --order.placed--> c\", pii = [\"address\"], rate = \"7/s\" }",
    ];
    let spec = |order: [usize; 3]| {
        let list: Vec<&str> = order.iter().map(|i| statements[*i]).collect();
        format!("{head}async = [{}]\n", list.join(", "))
    };
    let first = chapter(&spec([0, 1, 2]), Format::Html);
    assert!(first.0.contains("RabbitMQ") || first.0.contains("rabbitmq"));
    for order in [[0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        same(
            &format!("{order:?}"),
            &first,
            &chapter(&spec(order), Format::Html),
        );
    }
}
