//! A saga as a workflow function: the plain code that an engine such as Temporal makes durable, in the
//! language of whoever leads it.
//!
//! The same in every language: a step that may fail for good is tried as often as the plan says, one behind
//! the pivot and every compensation until it is done. `Refused` says that no further attempt would change the
//! answer. A step that timed out may have happened: its own compensation comes first, and without one the
//! run ends as unknown.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use minijinja::{Environment, UndefinedBehavior, Value, context};

use super::super::super::code::{Case, Language, comment, identifier, language, literal};
use super::{Cx, File};
use crate::model::units::Time;
use crate::model::{Saga, ServiceId};
use crate::plan::{SagaPlan, StepClass};

/// The languages with their templates, and the name of the file.
const TEMPLATES: [(&str, &str, &str); 3] = [
    (
        "go",
        include_str!("../../../../templates/code/go/saga.jinja"),
        "workflow.go",
    ),
    (
        "python",
        include_str!("../../../../templates/code/python/saga.jinja"),
        "workflow.py",
    ),
    (
        "typescript",
        include_str!("../../../../templates/code/typescript/saga.jinja"),
        "workflow.ts",
    ),
];

/// Names that the templates have for themselves.
const OWN: &str = "Pause Sleep attempt asyncio baseMs capMs delay factor random takeBack timedOut";

static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut env = Environment::empty();
    env.set_undefined_behavior(UndefinedBehavior::Strict);
    env.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    for (id, source, _) in TEMPLATES {
        // One that does not parse is missing afterwards, and then there is no file.
        let _ = env.add_template(id, source);
    }
    env
});

/// The workflow of `saga` in each language of the one that leads it.
pub(super) fn files(cx: &Cx<'_>, saga: &Saga, plan: &SagaPlan) -> Vec<File> {
    let Some(lead) = plan.coordinator.as_ref().map(|c| c.value) else {
        return Vec::new();
    };
    let mut out = Vec::new();
    for (id, _, file) in TEMPLATES {
        if !written_in(cx, lead, id) {
            continue;
        }
        let Some(language) = language(id) else {
            continue;
        };
        let values = values(cx, saga, plan, language, lead);
        let rendered = ENVIRONMENT.get_template(id).and_then(|t| t.render(values));
        let Ok(mut text) = rendered else { continue };
        text.push('\n');
        out.push(File {
            path: format!("saga/{}/{file}", plan.slug),
            fence: language.fence,
            text,
            checked_by: Some(match id {
                "go" => "go vet",
                "python" => "Python",
                _ => "tsc",
            }),
            notes: vec![format!(
                "{} makes such a function durable: its activities and pauses take the place of those here, which \
                 forget everything when the process ends.",
                plan.engine
            )],
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

fn values(
    cx: &Cx<'_>,
    saga: &Saga,
    plan: &SagaPlan,
    language: &Language,
    lead: ServiceId,
) -> Value {
    let model = cx.plan.model;
    let case = |upper: Case| {
        if language.id == "go" {
            Case::Pascal
        } else {
            upper
        }
    };
    let mut taken = BTreeSet::new();
    let mut name = |text: &str| {
        let base = identifier(text, case(language.case), language.reserved);
        let mut name = base.clone();
        let mut n = 2;
        while !taken.insert(name.clone()) {
            name = format!("{base}{n}");
            n += 1;
        }
        name
    };
    let steps: Vec<Value> = saga
        .steps
        .iter()
        .zip(&plan.steps)
        .enumerate()
        .map(|(i, (step, numbers))| {
            let attempts = &numbers.attempts;
            context! {
                number => i.saturating_add(1),
                action => literal(&step.action),
                service => comment(&model.service(step.service).name),
                act => name(&step.action),
                undo => step.undo.as_deref().map(&mut name),
                class => numbers.class.name(),
                timeout => seconds(attempts.timeout.value),
                why => comment(&attempts.timeout.why),
                most => attempts.most.value,
                most_why => comment(&attempts.most.why),
                changes => numbers.class != StepClass::Reads,
            }
        })
        .collect();
    let b = &plan.backoff;
    context! {
        saga => comment(&saga.name),
        lead => comment(&model.service(lead).name),
        package => identifier(&model.service(lead).name, Case::Package, language.reserved),
        function => identifier(&saga.name, case(language.case), &format!("{} {OWN}", language.reserved)),
        kind => identifier(&saga.name, Case::Pascal, language.reserved),
        steps,
        base => seconds(b.base.value),
        base_why => comment(&b.base.why),
        factor => b.factor.value,
        factor_why => comment(&b.factor.why),
        cap => seconds(b.cap.value),
        cap_why => comment(&b.cap.why),
    }
}

/// Whole seconds, as the plan counts them.
fn seconds(time: Time) -> u64 {
    time.as_ms().div_ceil(1000)
}
