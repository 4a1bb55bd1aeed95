//! A saga as a workflow function: the plain code that an engine such as Temporal makes durable, in the
//! language of whoever leads it.
//!
//! The same in every language: a step that may fail for good is tried as often as the plan says, one behind
//! the pivot and every compensation until it is done. `Refused` says that nothing was done and that no further
//! attempt would change that; every other error leaves open whether the step was done, also a timeout. So its own
//! compensation comes first, and without one the run ends as unknown. Whoever gives up a run before the pivot has
//! it taken back.
//!
//! Where Temporal runs sagas and has an SDK for the language that the tests can have, the file is a workflow of that
//! SDK. Its cancellation is looked for between two steps, and behind the pivot it goes on, because nothing is lost.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use minijinja::{Environment, UndefinedBehavior, Value, context};

use super::super::super::code::{
    Case, Language, comment, comment_lines, dollars, identifier, language, literal, ts, under,
};
use super::{Cx, File};
use crate::model::units::Time;
use crate::model::{Saga, ServiceId};
use crate::plan::{SagaPlan, StepClass};

/// A language of workflows.
struct Form {
    /// Its id, as in specs.
    id: &'static str,
    template: &'static str,
    /// The template for Temporal's SDK.
    temporal: Option<&'static str>,
    /// The name of the file; `*` stands for the name of the saga.
    file: &'static str,
    /// How it writes the names of activities and functions.
    case: Case,
    /// What reads the file in the tests.
    checked_by: &'static str,
}

/// A language and the folder of its template.
macro_rules! form {
    ($id:literal, $file:literal, $case:ident, $checked_by:literal) => {
        form!($id, $id, $file, $case, $checked_by, None)
    };
    ($id:literal, $folder:literal, $file:literal, $case:ident, $checked_by:literal, $temporal:expr) => {
        Form {
            id: $id,
            template: include_str!(concat!(
                "../../../../templates/code/",
                $folder,
                "/saga.jinja"
            )),
            temporal: $temporal,
            file: $file,
            case: Case::$case,
            checked_by: $checked_by,
        }
    };
}

const FORMS: [Form; 8] = [
    form!("rust", "workflow.rs", Snake, "rustc"),
    form!("go", "workflow.go", Exported, "go vet"),
    form!("java", "*Workflow.java", Camel, "javac"),
    form!("kotlin", "*Workflow.kt", Camel, "kotlinc"),
    form!("csharp", "*Workflow.cs", Pascal, "csc"),
    form!(
        "python",
        "python",
        "workflow.py",
        Snake,
        "Python",
        Some(include_str!(
            "../../../../templates/temporal/workflow.py.jinja"
        ))
    ),
    form!(
        "typescript",
        "typescript",
        "workflow.ts",
        Camel,
        "tsc",
        Some(TEMPORAL_TS)
    ),
    // TypeScript without its types: see the filter `ts`.
    form!(
        "javascript",
        "typescript",
        "workflow.js",
        Camel,
        "node",
        Some(TEMPORAL_TS)
    ),
];

const TEMPORAL_TS: &str = include_str!("../../../../templates/temporal/workflow.ts.jinja");

/// The engine whose SDK some templates are for.
const TEMPORAL: &str = "Temporal";

/// Names that the templates have for themselves.
const OWN: &str = "Pause Sleep attempt asyncio baseMs capMs delay ended factor isRefused key once options pause \
     proxyActivities random refused steps takeBack workflowInfo";

static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut env = Environment::empty();
    env.set_undefined_behavior(UndefinedBehavior::Strict);
    env.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    env.add_filter("dollars", dollars);
    env.add_filter("under", under);
    env.add_filter("ts", ts);
    for form in &FORMS {
        // One that does not parse is missing afterwards, and then there is no file.
        let _ = env.add_template(form.id, form.template);
        if let Some(temporal) = form.temporal {
            let _ = env.add_template_owned(format!("{TEMPORAL}/{}", form.id), temporal);
        }
    }
    env
});

/// The workflow of `saga` in each language of the one that leads it.
pub(super) fn files(cx: &Cx<'_>, saga: &Saga, plan: &SagaPlan) -> Vec<File> {
    let Some(lead) = plan.coordinator.as_ref().map(|c| c.value) else {
        return Vec::new();
    };
    let mut out = Vec::new();
    for form in &FORMS {
        if !written_in(cx, lead, form.id) {
            continue;
        }
        let Some(language) = language(form.id) else {
            continue;
        };
        let values = values(cx, saga, plan, form, language, lead);
        let durable = plan.engine == TEMPORAL && form.temporal.is_some();
        let template = if durable {
            format!("{TEMPORAL}/{}", form.id)
        } else {
            form.id.to_owned()
        };
        let rendered = ENVIRONMENT
            .get_template(&template)
            .and_then(|t| t.render(values));
        let Ok(mut text) = rendered else { continue };
        text.push('\n');
        let file = form.file.replace('*', &kind(saga, language));
        out.push(File {
            path: format!("saga/{}/{file}", plan.slug),
            fence: language.fence,
            text,
            checked_by: Some(if durable { TEMPORAL } else { form.checked_by }),
            notes: vec![if durable {
                format!(
                    "For {TEMPORAL}'s own SDK. Each service polls the task queue of its name. The engine draws no \
                     jitter: its pauses are the bounds themselves, {} at first and {} at most.",
                    plan.backoff.base.value, plan.backoff.cap.value
                )
            } else {
                format!(
                    "{} makes such a function durable: its activities and pauses take the place of those here, which \
                     forget everything when the process ends.",
                    plan.engine
                )
            }],
        });
    }
    out
}

/// Whether `service` is written in the language `id`: its own, or else one of the design's.
fn written_in(cx: &Cx<'_>, service: ServiceId, id: &str) -> bool {
    let model = cx.plan.model;
    match &model.service(service).language {
        Some(own) => own == id,
        None => model.languages.iter().any(|l| l.id == id),
    }
}

/// The name of `saga` as a type.
fn kind(saga: &Saga, language: &Language) -> String {
    identifier(&saga.name, Case::Pascal, language.reserved)
}

fn values(
    cx: &Cx<'_>,
    saga: &Saga,
    plan: &SagaPlan,
    form: &Form,
    language: &Language,
    lead: ServiceId,
) -> Value {
    let model = cx.plan.model;
    let mut taken = BTreeSet::new();
    let mut name = |text: &str| {
        let base = identifier(text, form.case, language.reserved);
        let name = free(base, |name| taken.contains(name));
        taken.insert(name.clone());
        name
    };
    let mut workers: Vec<Worker> = Vec::new();
    let steps: Vec<Value> = saga
        .steps
        .iter()
        .zip(&plan.steps)
        .enumerate()
        .map(|(i, (step, numbers))| {
            let attempts = &numbers.attempts;
            let number = i.saturating_add(1);
            let class = numbers.class.name();
            let note = format!(
                "{number}, {class}: {}; {}",
                attempts.timeout.why, attempts.most.why
            );
            let (act, undo) = (name(&step.action), step.undo.as_deref().map(&mut name));
            let service = &model.service(step.service).name;
            let worker = Worker::of(&mut workers, service, language);
            worker.acts.push(act.clone());
            worker.acts.extend(undo.clone());
            context! {
                note => comment_lines(&note, 84).join("\n"),
                action => literal(&step.action),
                service => comment(service),
                queue => literal(service),
                kind => &worker.kind,
                act, undo,
                timeout => seconds(attempts.timeout.value),
                most => attempts.most.value,
                all => attempts.all(&plan.backoff).map(seconds),
                changes => numbers.class != StepClass::Reads,
            }
        })
        .collect();
    let b = &plan.backoff;
    context! {
        typed => form.id != "javascript",
        saga => comment(&saga.name),
        in_time => comment_lines(&super::in_time(plan), 88).join("\n"),
        lead => comment(&model.service(lead).name),
        package => identifier(&model.service(lead).name, Case::Package, language.reserved),
        function => identifier(&saga.name, form.case, &format!("{} {OWN}", language.reserved)),
        kind => kind(saga, language),
        count => steps.len(),
        steps,
        services => workers.iter().map(Worker::value).collect::<Vec<_>>(),
        base => seconds(b.base.value),
        base_why => comment(&b.base.why),
        factor => b.factor.value,
        factor_why => comment(&b.factor.why),
        cap => seconds(b.cap.value),
        cap_why => comment(&b.cap.why),
    }
}

/// `base`, or with a number behind it where that is taken.
fn free(base: String, taken: impl Fn(&str) -> bool) -> String {
    let mut name = base.clone();
    let mut n = 2;
    while taken(&name) {
        name = format!("{base}{n}");
        n += 1;
    }
    name
}

/// What polls the task queue of a service.
struct Worker {
    service: String,
    /// The name of its type.
    kind: String,
    /// What it does, in the order of the steps.
    acts: Vec<String>,
}

impl Worker {
    /// The worker of `service`, which is new if it has none.
    fn of<'w>(workers: &'w mut Vec<Self>, service: &str, language: &Language) -> &'w mut Self {
        let at = workers.iter().position(|w| w.service == service);
        let at = at.unwrap_or_else(|| {
            let base = identifier(service, Case::Pascal, language.reserved);
            let kind = free(base, |kind| workers.iter().any(|w| w.kind == kind));
            workers.push(Self {
                service: service.to_owned(),
                kind,
                acts: Vec::new(),
            });
            workers.len() - 1
        });
        &mut workers[at]
    }

    fn value(&self) -> Value {
        context! { name => comment(&self.service), queue => literal(&self.service), kind => &self.kind, acts => &self.acts }
    }
}

/// Whole seconds, as the plan counts them.
fn seconds(time: Time) -> u64 {
    time.as_ms().div_ceil(1000)
}
