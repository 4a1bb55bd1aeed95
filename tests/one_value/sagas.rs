//! The times and attempts of a saga's steps are the plan's in every file that leads it, and in the chapter.

use std::collections::BTreeMap;

use msdesign::diag::{SourceFile, Sources};
use msdesign::model::{self, Saga};
use msdesign::plan::{Plan, SagaPlan, StepClass};
use msdesign::{Artefact, NoFiles, Options, compile, spec};
use serde_json::Value;

use super::{artefacts, designs, rows};

/// Steps of every class, with times that are stated, shared and cut.
const SPEC: &str = r#"
services = ["flights", "hotels", "payments"]
language = ["rust", "go", "java", "kotlin", "csharp", "python", "typescript", "javascript"]
[[sagas]]
name = "Book a holiday"
deadline = "3m"
steps = [
  { service = "flights", action = "reserve seat", undo = "release seat", timeout = "40s" },
  { service = "hotels", action = "reserve room", undo = "release room" },
  "payments: check card",
  { service = "payments", action = "charge card", pivot = true, idempotent = false },
  { service = "flights", action = "issue ticket", timeout = "90s" },
]
[[sagas]]
name = "Change a seat"
deadline = "20s"
steps = [
  { service = "flights", action = "free seat", undo = "take seat", timeout = "15s" },
  { service = "flights", action = "assign seat", timeout = "17s" },
]
"#;

/// What a file says: seconds, numbers of attempts (0: until it is done) and factors, by what they are of.
type Told = BTreeMap<String, f64>;

fn wanted(saga: &Saga, plan: &SagaPlan) -> Told {
    let mut out = Told::new();
    for (step, numbers) in saga.steps.iter().zip(&plan.steps) {
        let a = &numbers.attempts;
        out.insert(format!("{} timeout", step.action), a.timeout.value.as_s());
        out.insert(
            format!("{} attempts", step.action),
            f64::from(a.most.value.unwrap_or(0)),
        );
    }
    out.insert("base".to_owned(), plan.backoff.base.value.as_s());
    out.insert("factor".to_owned(), plan.backoff.factor.value as f64);
    out.insert("cap".to_owned(), plan.backoff.cap.value.as_s());
    out
}

/// The words of Temporal's SDK for its pauses in milliseconds.
const PAUSES: [(&str, &str, f64); 3] = [
    ("base", "initialInterval: ", 0.001),
    ("factor", "backoffCoefficient: ", 1.0),
    ("cap", "maximumInterval: ", 0.001),
];

/// What a workflow of Temporal's SDK says besides: the time of all attempts, and in TypeScript that of what takes a
/// step back.
fn durable(saga: &Saga, plan: &SagaPlan, end: &str) -> Told {
    let mut out = wanted(saga, plan);
    for (step, numbers) in saga.steps.iter().zip(&plan.steps) {
        let a = &numbers.attempts;
        if let Some(all) = a.all(&plan.backoff) {
            out.insert(format!("{} within", step.action), all.as_s());
        }
        if step.undo.is_some() && end != "py" {
            out.insert(format!("{} undo", step.action), a.timeout.value.as_s());
        }
    }
    out
}

/// The first number of a line, behind `from`.
fn number(line: &str, from: &str) -> Option<f64> {
    let rest = line.split_once(from)?.1.replace('_', "");
    let digits: String = rest
        .chars()
        .skip_while(|c| !c.is_ascii_digit())
        .take_while(|c| c.is_ascii_digit() || *c == '.')
        .collect();
    digits.trim_end_matches('.').parse().ok()
}

/// What a workflow in any language says, and the numbers of the lines that say it.
fn code(saga: &Saga, text: &str) -> (Told, Vec<usize>) {
    let (mut told, mut lines, mut step) = (Told::new(), Vec::new(), None);
    for (at, line) in text.lines().enumerate() {
        let line = line.trim();
        let word = line.to_lowercase().replace('_', "");
        if ["//", "#", "*", "/**"].iter().any(|c| line.starts_with(c)) {
            continue;
        }
        // `/* attempts= */ 3` in Java.
        let line = line.replace("/* attempts= */", "attempts =");
        let constants: [(&str, &[&str]); 3] = [
            ("base", &["firstpause", "basems", "base ="]),
            ("factor", &["pausefactor", "factor ="]),
            ("cap", &["longestpause", "capms", "cap ="]),
        ];
        for (key, names) in constants {
            let here = names.iter().any(|n| word.contains(n)) && line.contains('=');
            if let Some(n) = number(&line, "=").filter(|_| here && !told.contains_key(key)) {
                let factor = if word.contains("ms =") { 0.001 } else { 1.0 };
                told.insert(key.to_owned(), n * factor);
                lines.push(at);
            }
        }
        for (key, word, factor) in PAUSES {
            if let Some(n) = number(&line, word).filter(|_| line.starts_with(word)) {
                told.insert(key.to_owned(), n * factor);
                lines.push(at);
            }
        }
        if let Some(s) = saga
            .steps
            .iter()
            .find(|s| line.contains(&format!("\"{}\"", s.action)))
        {
            step = Some(&s.action);
            told.insert(format!("{} attempts", s.action), 0.0);
            continue;
        }
        let Some(action) = step else { continue };
        if line.starts_with(['}', ')']) {
            step = None;
        } else if line.starts_with("act: on") || line.starts_with("undo: on") {
            // `onTrips(9, [3, 30])`: the seconds of an attempt, and where it may fail their number and their time.
            let numbers = line.split_once('(').unwrap().1.split_once(')').unwrap().0;
            let numbers = numbers.split(|c: char| !c.is_ascii_digit());
            let numbers: Vec<f64> = numbers.filter_map(|n| n.parse().ok()).collect();
            let what = if line.starts_with("act") {
                ["timeout", "attempts", "within"]
            } else {
                ["undo", "undo attempts", "undo within"]
            };
            for (what, n) in what.iter().zip(&numbers) {
                told.insert(format!("{action} {what}"), *n);
            }
            lines.push(at);
        } else if word.starts_with("within=") {
            if let Some(n) = number(&line, "=") {
                told.insert(format!("{action} within"), n);
                lines.push(at);
            }
        } else if word.contains("timeout") || word.contains("ofseconds") {
            let from = if word.contains("timeoutms") {
                "timeoutMs"
            } else {
                ""
            };
            let factor = if from.is_empty() { 1.0 } else { 0.001 };
            if let Some(n) = number(&line, from) {
                told.insert(format!("{action} timeout"), n * factor);
                lines.push(at);
            }
        } else if word.contains("attempts")
            && let Some(n) = number(&line, "ttempts")
        {
            told.insert(format!("{action} attempts"), n);
            lines.push(at);
        }
    }
    (told, lines)
}

/// What a state machine says; a panic if its compensations say anything else than their steps.
fn machine(saga: &Saga, plan: &SagaPlan, text: &str) -> Result<Told, String> {
    let value: Value = serde_json::from_str(text).unwrap();
    let states = value["States"].as_object().unwrap();
    let mut told = Told::new();
    let mut put = |key: String, value: f64| match told.insert(key.clone(), value) {
        Some(other) if other != value => Err(format!("{key} is {other} and {value}")),
        _ => Ok(()),
    };
    for (name, state) in states.iter().filter(|(_, s)| s["Type"] == "Task") {
        let number: usize = name
            .trim_start_matches("Undo ")
            .split('.')
            .next()
            .unwrap()
            .parse()
            .unwrap();
        let (step, numbers) = (&saga.steps[number - 1], &plan.steps[number - 1]);
        let retries = state["Retry"].as_array().unwrap();
        let (refused, again) = retries.split_at(retries.len() - 1);
        if refused.iter().any(|r| r["MaxAttempts"] != 0) {
            return Err(format!("{name}: a refusal is tried again"));
        }
        put(
            format!("{} timeout", step.action),
            state["TimeoutSeconds"].as_f64().unwrap(),
        )?;
        let again = &again[0];
        let most = again["MaxAttempts"].as_u64();
        let until_done = name.starts_with("Undo ") || numbers.class == StepClass::Retriable;
        let engine = numbers.attempts.engine_most.as_ref().map(|n| n.value);
        if !until_done {
            let attempts = (most.unwrap() + 1) as f64;
            put(format!("{} attempts", step.action), attempts)?;
        } else if most != engine {
            return Err(format!("{name}: {most:?} attempts"));
        } else if numbers.class == StepClass::Retriable {
            put(format!("{} attempts", step.action), 0.0)?;
        }
        for (key, word) in [
            ("base", "IntervalSeconds"),
            ("factor", "BackoffRate"),
            ("cap", "MaxDelaySeconds"),
        ] {
            put(key.to_owned(), again[word].as_f64().unwrap())?;
        }
    }
    Ok(told)
}

/// What the chapter's table and the line below it say of `saga`.
fn chapter(saga: &Saga, text: &str) -> Told {
    let seconds = |text: &str| {
        let (n, unit) = text.split_once(' ').unwrap();
        let factor = match unit {
            "s" => 1.0,
            "min" => 60.0,
            other => panic!("{other}"),
        };
        n.parse::<f64>().unwrap() * factor
    };
    let mut told = Told::new();
    for row in rows(text, &["Saga", "Step", "One attempt", "Attempts"]) {
        if row[0] != saga.name {
            continue;
        }
        let action = row[1].split_once(". ").unwrap().1;
        told.insert(format!("{action} timeout"), seconds(&row[2]));
        told.insert(
            format!("{action} attempts"),
            match row[3].as_str() {
                "until it is done" => 0.0,
                n => n.parse().unwrap_or(-1.0),
            },
        );
    }
    let start = format!("`{}`: between attempts a pause of up to ", saga.name);
    let line = text.split_once(&start).unwrap().1;
    let (base, rest) = line.split_once(", then ").unwrap();
    let (factor, rest) = rest.split_once(" times as much and so on up to ").unwrap();
    let cap = rest.split_once(';').unwrap().0;
    told.insert("base".to_owned(), seconds(base));
    told.insert("factor".to_owned(), factor.parse().unwrap());
    told.insert("cap".to_owned(), seconds(cap));
    told
}

/// The file with another number in line `at`, which is the last of the line.
fn other(text: &str, at: usize) -> String {
    let change = |(n, line): (usize, &str)| match line.rfind(|c: char| c.is_ascii_digit()) {
        Some(digit) if n == at => {
            let first = line[..=digit]
                .rfind(|c: char| !c.is_ascii_digit() && c != '_' && c != '.')
                .map_or(0, |i| i + 1);
            format!("{}7{}\n", &line[..first], &line[first..])
        }
        _ => format!("{line}\n"),
    };
    text.lines().enumerate().map(change).collect()
}

fn markdown(text: &str) -> String {
    let mut sources = Sources::default();
    let id = sources.add(SourceFile::whole("s", text));
    let options = Options {
        format: msdesign::Format::Markdown,
        sections: Some(vec!["consistency".to_owned()]),
        ..Options::default()
    };
    let done = compile(&mut sources, id, &mut NoFiles, &options);
    let parts = done.chapter.unwrap().parts;
    parts.iter().map(|p| p.markdown.as_str()).collect()
}

#[test]
fn sagas_have_the_times_and_attempts_of_the_plan() {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut specs: Vec<String> = designs();
    specs.extend(["kubernetes", "aws"].map(|i| format!("infrastructure = \"{i}\"\n{SPEC}")));
    for text in specs {
        let mut sources = Sources::default();
        let id = sources.add(SourceFile::whole("s", text.as_str()));
        let mut out = Vec::new();
        let model = model::resolve(&spec::parse(id, &text, &mut out), id, &mut out);
        let plan = Plan::new(&model);
        let files: Vec<Artefact> = artefacts(&text);
        let told = markdown(&text);
        for (saga, numbers) in model.sagas.iter().zip(&plan.sagas) {
            let want = wanted(saga, numbers);
            let of_saga = |f: &&Artefact| {
                f.path.starts_with(&format!("saga/{}/", numbers.slug))
                    || f.path == format!("saga/{}.asl.json", numbers.slug)
            };
            let mut any = false;
            for file in files.iter().filter(of_saga) {
                any = true;
                let end = file.path.rsplit('.').next().unwrap().to_owned();
                if end == "json" {
                    let read = |text: &str| machine(saga, numbers, text);
                    assert_eq!(read(&file.text), Ok(want.clone()), "{}", file.path);
                    // Whatever number is another one is noticed.
                    let words = [
                        "TimeoutSeconds",
                        "Attempts\"",
                        "Interval",
                        "BackoffRate",
                        "MaxDelay",
                    ];
                    for (at, line) in file.text.lines().enumerate() {
                        if words.iter().any(|w| line.contains(w)) {
                            let changed = other(&file.text, at);
                            assert_ne!(read(&changed), Ok(want.clone()), "{line}");
                            *seen.entry(end.clone()).or_default() += 1;
                        }
                    }
                } else {
                    let mut want = want.clone();
                    if file.text.contains("as a Temporal workflow") {
                        want = durable(saga, numbers, &end);
                        *seen.entry(format!("temporal {end}")).or_default() += 1;
                    }
                    let (told, lines) = code(saga, &file.text);
                    assert_eq!(told, want, "{}\n{}", file.path, file.text);
                    for at in lines {
                        let changed = other(&file.text, at);
                        assert_ne!(code(saga, &changed).0, want, "{} {at}", file.path);
                        *seen.entry(end.clone()).or_default() += 1;
                    }
                }
            }
            if any {
                assert_eq!(chapter(saga, &told), want, "{}", saga.name);
                for (at, line) in told.lines().enumerate() {
                    let row = line.starts_with(&format!("|{}|", saga.name));
                    if row && line.split('|').count() == 6 {
                        let (cells, _) = line.rsplit_once('|').unwrap();
                        let (start, attempts) = cells.rsplit_once('|').unwrap();
                        let changed = told.replace(line, &format!("{start}|1{attempts}|"));
                        assert_ne!(chapter(saga, &changed), want, "{at}: {line}");
                        *seen.entry("chapter".to_owned()).or_default() += 1;
                    }
                }
            }
        }
    }
    let kinds = [
        "rs", "go", "java", "kt", "cs", "py", "ts", "js", "json", "chapter",
    ];
    for kind in kinds {
        assert!(seen.get(kind).is_some_and(|n| *n >= 7), "{kind}: {seen:?}");
    }
    for kind in ["temporal py", "temporal ts", "temporal js"] {
        assert!(seen.contains_key(kind), "{kind}: {seen:?}");
    }
}
