//! The limits of calls in the words of each library are the plan's.

use std::collections::BTreeMap;

use msdesign::Artefact;
use msdesign::diag::{SourceFile, Sources};
use msdesign::model;
use msdesign::plan::Plan;
use msdesign::spec;

use super::{artefacts, designs};

/// The words of limits in all languages, by what the plan calls them.
const WORDS: [(&str, &[&str]); 15] = [
    ("timeout", &["timeout", "timeoutms"]),
    ("deadline", &["deadline", "deadlinems"]),
    ("slots", &["slots"]),
    ("attempts", &["attempts"]),
    ("base", &["base", "basems"]),
    ("cap", &["cap", "capms"]),
    ("jitter", &["jitter"]),
    ("idempotent", &["idempotent"]),
    ("budget", &["budget"]),
    ("ratio", &["failureratio", "failure_ratio"]),
    ("window", &["window", "windowms"]),
    ("minimum", &["minimumcalls", "minimum_calls", "failures"]),
    ("open", &["open", "openms"]),
    ("probes", &["probes"]),
    ("slow", &["slow"]),
];

/// What a file of limits says of each call, by the name in the comment above it: numbers as they stand, times in
/// milliseconds, 1 for true.
fn limits(file: &Artefact) -> BTreeMap<String, BTreeMap<&'static str, f64>> {
    let mut out: BTreeMap<String, BTreeMap<&'static str, f64>> = BTreeMap::new();
    let (mut title, mut call) = (Vec::new(), None);
    let text = file
        .text
        .replace("Breaker(failures", "\nfailures")
        .replace(", open", "\nopen");
    for line in text.lines().map(str::trim) {
        let comment = ["///", "//", "*", "#"]
            .iter()
            .find_map(|m| line.strip_prefix(m));
        if let Some(said) = comment {
            if said.contains(": refused; ") {
                call = Some(title.join(" "));
            }
            title.push(said.trim());
            continue;
        }
        title.clear();
        let word: String = line
            .chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect();
        let word = word.to_lowercase();
        let known = WORDS
            .iter()
            .find(|(_, forms)| forms.contains(&word.as_str()));
        let (Some((key, _)), Some(call)) = (known, &call) else {
            continue;
        };
        let rest = line[word.len()..].replace('_', "");
        let number: String = rest
            .chars()
            .skip_while(|c| !c.is_ascii_digit())
            .take_while(|c| c.is_ascii_digit() || *c == '.')
            .collect();
        let value = match number.parse::<f64>() {
            Ok(n)
                if file.kind == "tenacity"
                    && ["timeout", "deadline", "base", "cap", "open"].contains(key) =>
            {
                n * 1000.0
            }
            Ok(n) => n,
            Err(_) => f64::from(u8::from(rest.to_lowercase().contains("true"))),
        };
        out.entry(call.clone()).or_default().insert(key, value);
    }
    out
}

/// Where a file of limits and the plan differ, and how many values were compared.
fn other_limits(plan: &Plan<'_>, file: &Artefact) -> (usize, Vec<String>) {
    let (mut compared, mut wrong) = (0, Vec::new());
    let names: BTreeMap<String, _> = plan
        .model
        .call_ids()
        .map(|id| (plan.model.call_name(id), id))
        .collect();
    for (call, told) in limits(file) {
        let Some(id) = names.get(&call) else {
            continue;
        };
        let p = plan.call(*id);
        let ms = |t: msdesign::model::units::Time| t.as_ms() as f64;
        let truth = |b: bool| f64::from(u8::from(b));
        let mut want = BTreeMap::from([
            ("timeout", ms(p.timeout.value)),
            ("deadline", ms(p.deadline.value)),
            ("slots", p.slots.value as f64),
        ]);
        if p.attempts.value > 1 {
            want.insert("attempts", f64::from(p.attempts.value));
            want.insert("base", ms(p.backoff_base.value));
            want.insert("cap", ms(p.backoff_cap.value));
            want.insert("jitter", truth(p.jitter.value));
            want.insert("idempotent", truth(p.idempotent.value));
            if matches!(file.kind, "tower" | "failsafe") {
                want.insert("budget", p.retry_budget.value.0);
            }
        }
        if let Ok(b) = &p.breaker {
            want.insert("minimum", b.minimum.value as f64);
            want.insert("open", ms(b.open.value));
            if file.kind != "tenacity" {
                want.insert("ratio", b.ratio.value.0);
                want.insert("window", ms(b.window.value));
            }
            if matches!(file.kind, "tower" | "failsafe") {
                want.insert("probes", b.half_open.value as f64);
            }
            if file.kind == "tower" {
                want.insert("slow", ms(b.slow.value));
            }
        }
        compared += want.len();
        let same = want.len() == told.len()
            && want
                .iter()
                .all(|(k, v)| told.get(k).is_some_and(|t| (t - v).abs() < 1e-9));
        if !same {
            wrong.push(format!("{} {call}: {told:?}, not {want:?}", file.path));
        }
    }
    (compared, wrong)
}

/// The line, with a tenfold number of slots if it tells of them.
fn more_slots(line: &str) -> String {
    let slots = line.trim_start().to_lowercase().starts_with("slots");
    match line.strip_suffix(',') {
        Some(value) if slots => format!("{value}0,\n"),
        _ => format!("{line}\n"),
    }
}

#[test]
fn libraries_have_the_limits_of_the_plan() {
    let kinds = ["polly", "cockatiel", "tenacity", "tower", "failsafe"];
    let mut compared: BTreeMap<&str, usize> = BTreeMap::new();
    for text in designs() {
        let mut sources = Sources::default();
        let id = sources.add(SourceFile::whole("s", text.as_str()));
        let mut out = Vec::new();
        let model = model::resolve(&spec::parse(id, &text, &mut out), id, &mut out);
        let plan = Plan::new(&model);
        let files = artefacts(&text);
        for file in files.iter().filter(|f| kinds.contains(&f.kind)) {
            let (n, wrong) = other_limits(&plan, file);
            assert!(wrong.is_empty(), "{}", wrong.join("\n"));
            *compared.entry(file.kind).or_default() += n;
            if n == 0 {
                continue; // the guard itself
            }
            // A file that says something else is noticed.
            let text: String = file.text.lines().map(more_slots).collect();
            let changed = Artefact {
                text,
                ..file.clone()
            };
            assert!(!other_limits(&plan, &changed).1.is_empty(), "{}", file.path);
        }
    }
    for kind in kinds {
        assert!(
            compared.get(kind).is_some_and(|n| *n > 10),
            "{kind}: {compared:?}"
        );
    }
}
