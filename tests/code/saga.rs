//! The sagas whose workflows the tests run, and what the plan says that each run does.

use std::path::Path;

use msdesign::diag::{SourceFile, Sources};
use msdesign::model::{self, Model, Saga};
use msdesign::plan::{Plan, SagaEnd, SagaFailure, SagaPlan, StepClass};
use msdesign::{NoFiles, Options, compile, spec};

/// The saga that the drivers run, with every class of step: compensatable, only looking, without an undo, pivot,
/// retriable. The others only have to compile.
const SPEC: &str = r#"
infrastructure = "{on}"
language = ["rust", "go", "java", "kotlin", "csharp", "python", "typescript", "javascript"]
services = ["trips", "fares"]
[[sagas]]
name = "Book a trip"
coordinator = "trips"
steps = [
  "trips: create trip / cancel trip",
  "trips: check rider",
  { service = "fares", action = "lock fare", undo = "release fare", timeout = "1s" },
  "fares: log entry",
  { service = "trips", action = "assign driver", pivot = true },
  "trips: confirm trip",
]
[[sagas]]
name = "only the pivot"
steps = [{ service = "trips", action = "pay", pivot = true }]
[[sagas]]
name = "class"
steps = [
  { service = "trips", action = "a\"; evil(); \"", undo = "${x()} */ \\ y" },
  { service = "fares", action = "type", undo = "run" },
]
[[sagas]]
name = "3 looks"
steps = ["trips: check", "fares: check"]
"#;

const COMMANDS: [&str; 8] = [
    "create trip",
    "check rider",
    "lock fare",
    "log entry",
    "assign driver",
    "confirm trip",
    "cancel trip",
    "release fare",
];

/// How a run is given up, in a language or by an engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cancelling {
    /// It cannot be.
    Never,
    /// In the middle of a step; behind the pivot it stops.
    InAStep,
    /// Between one step and the next; behind the pivot it goes on.
    BetweenSteps,
}

impl Cancelling {
    /// Where sagas are run so.
    fn infrastructure(self) -> &'static str {
        match self {
            Self::Never | Self::InAStep => "gcp",
            Self::BetweenSteps => "kubernetes",
        }
    }

    /// So often a command fails that never succeeds where attempts are limited. A real engine takes its time.
    pub(crate) fn many(self) -> &'static str {
        match self {
            Self::Never | Self::InAStep => "1000",
            Self::BetweenSteps => "8",
        }
    }
}

/// Where runs are of an engine, the step behind the pivot has an undo too, which nothing may ever call.
fn spec_on(infrastructure: &str) -> String {
    let spec = SPEC.replace("{on}", infrastructure);
    if infrastructure == Cancelling::BetweenSteps.infrastructure() {
        return spec.replace("confirm trip", "confirm trip / revoke trip");
    }
    spec
}

/// Writes the workflows of plain code whose file ends with `end` into a folder each; what the drivers run is in `trips`.
pub(crate) fn write(dir: &Path, end: &str) {
    write_for(Cancelling::InAStep, dir, end);
}

/// As [`write`], for whatever runs them.
pub(crate) fn write_for(cancelling: Cancelling, dir: &Path, end: &str) {
    let mut sources = Sources::default();
    let spec = spec_on(cancelling.infrastructure());
    let id = sources.add(SourceFile::whole("s", &spec));
    let options = Options {
        artefacts: true,
        ..Options::default()
    };
    let done = compile(&mut sources, id, &mut NoFiles, &options);
    let chapter = done.chapter.unwrap();
    let files = chapter.artefacts.iter().filter(|a| a.path.ends_with(end));
    let mut count = 0;
    for file in files.filter(|a| a.kind == "saga") {
        let mut parts = file.path.split('/').skip(1);
        let folder = match parts.next().unwrap() {
            "book-a-trip" => "trips".to_owned(),
            odd => format!("odd_{}", odd.replace('-', "_")),
        };
        let folder = dir.join(folder);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(parts.next().unwrap()), &file.text).unwrap();
        count += 1;
    }
    assert_eq!(count, 4, "{end}");
}

/// What a run does in which `command` fails by `error` so many times, and `refusing` is refused; and how often
/// `command` was tried.
fn told(
    (saga, plan): (&Saga, &SagaPlan),
    (error, command, times): (&str, &str, u32),
    refusing: Option<&str>,
) -> String {
    let action = |i: usize| saga.steps[i].action.as_str();
    let undo = |i: &usize| saga.steps[*i].undo.as_deref().unwrap();
    let (mut order, mut tries) = (Vec::new(), 0);
    let mut failed = None;
    for (i, step) in plan.steps.iter().enumerate() {
        order.push(action(i));
        let done = action(i) != command;
        if Some(action(i)) == refusing {
            tries += u32::from(!done);
            failed = Some((i, true));
        } else if done {
            continue;
        } else if let Some(most) = step.attempts.most.value {
            tries += if error == "refused" { 1 } else { most };
            failed = Some((i, error == "refused"));
        } else {
            tries += times + 1;
        }
        if failed.is_some() {
            break;
        }
    }
    let Some((at, refused)) = failed else {
        return format!("{} done {tries}", order.join(" "));
    };
    let mut own = None;
    if !refused && plan.steps[at].class != StepClass::Reads {
        own = saga.steps[at].undo.as_deref();
        if own.is_none() {
            return format!("{} Unknown {tries}", order.join(" "));
        }
    }
    let outcome = plan.outcome(saga, SagaFailure::Step(at));
    for undo in own.into_iter().chain(outcome.undone.iter().map(undo)) {
        order.push(undo);
        if undo == command && error == "refused" {
            return format!("{} Stuck 1", order.join(" "));
        }
        tries += if undo == command { times + 1 } else { 0 };
    }
    let end = match outcome.end {
        SagaEnd::Compensated => "TakenBack",
        SagaEnd::Stuck => "Stuck",
        SagaEnd::Committed => panic!("{}", action(at)),
    };
    format!("{} {end} {tries}", order.join(" "))
}

fn model(infrastructure: &str) -> Model {
    let mut sources = Sources::default();
    let text = spec_on(infrastructure);
    let id = sources.add(SourceFile::whole("s", &text));
    let mut out = Vec::new();
    let spec = spec::parse(id, &text, &mut out);
    let model = model::resolve(&spec, id, &mut out);
    assert!(out.is_empty(), "{out:#?}");
    model
}

/// All runs that a driver makes, as the plan tells them, without the marks between words.
fn expected(cancelling: Cancelling) -> Vec<String> {
    let model = model(cancelling.infrastructure());
    let plan = Plan::new(&model);
    let of = (&model.sagas[0], &plan.sagas[0]);
    let mut out = Vec::new();
    for error in ["refused", "unavailable", "timeout"] {
        for command in COMMANDS {
            let once = told(of, (error, command, 3), None);
            out.push(format!("{error} {command} 3 > {once}"));
            let many = cancelling.many();
            let times = many.parse().unwrap();
            let back = told(of, (error, command, times), Some("assign driver"));
            out.push(format!("{error} {command} {many} > {back}"));
        }
    }
    // An activity that does not answer is given up when its time is up.
    let slow = told(of, ("timeout", "lock fare", 1), None);
    out.push(format!("slow lock fare 1 > {slow}"));
    // One who cancels a run has all taken back; behind the pivot nothing is.
    let to = |end: usize| COMMANDS[..end].join(" ");
    let back = format!("{} release fare cancel trip TakenBack 1", to(3));
    let [driver, trip] = match cancelling {
        Cancelling::Never => return out.iter().map(|line| plain(line)).collect(),
        Cancelling::InAStep => [
            format!("{} Unknown 1", to(5)),
            format!("{} stopped 1", to(6)),
        ],
        Cancelling::BetweenSteps => [to(6), to(6)].map(|all| format!("{all} done 1")),
    };
    out.push(format!("cancelled lock fare 1 > {back}"));
    out.push(format!("cancelled assign driver 1 > {driver}"));
    out.push(format!("cancelled confirm trip 1 > {trip}"));
    if cancelling == Cancelling::BetweenSteps {
        // An engine tries nothing again whose error says so. That is no refusal: it may have happened.
        out.push(format!("fatal lock fare 1 > {back}"));
        out.push(format!("fatal confirm trip 1 > {} Unknown 1", to(6)));
        out.push(format!(
            "fatal release fare 1 > {} release fare Stuck 1",
            to(5)
        ));
    }
    out.iter().map(|line| plain(line)).collect()
}

fn plain(line: &str) -> String {
    let word = |c: &char| c.is_ascii_alphanumeric() || *c == '>';
    line.to_ascii_lowercase().chars().filter(word).collect()
}

/// Holds what a driver printed against the plan.
pub(crate) fn hold(printed: &str, cancelling: Cancelling) {
    let runs: Vec<String> = printed
        .lines()
        .filter(|l| l.contains(" > "))
        .map(plain)
        .collect();
    let expected = expected(cancelling);
    for (run, expected) in runs.iter().zip(&expected) {
        assert_eq!(run, expected);
    }
    assert_eq!(runs.len(), expected.len(), "{printed}");
}
