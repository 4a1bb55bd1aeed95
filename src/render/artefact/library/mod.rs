//! The limits of calls for the library that teams of a language take: one file of code a language that builds
//! the guard of a call from its limits, and one a service with the limits of what it calls.
//!
//! The values are the plan's own, so that a reader finds them in the tables; where a library counts otherwise,
//! the guard translates. What a library cannot say stands beside each call ([`Library::gaps`]).
//!
//! A library is an entry of [`libraries`] and a folder of `templates/library`.

mod libraries;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use minijinja::{Environment, UndefinedBehavior, Value, context};

use super::super::Cx;
use super::super::code::{
    Case, comment_lines, digits, identifier, language, name_in_comment, replies, seconds,
};
use super::File;
use crate::model::{CallId, Party, Protocol, ServiceId, known_language};
use crate::plan::{CallPlan, slug};

pub(super) use libraries::{COCKATIEL, FAILSAFE, POLLY, TENACITY, TOWER};

/// A library of a language.
pub(super) struct Library {
    /// The kind of artefact and the folder of its files.
    id: &'static str,
    /// Its name for readers.
    name: &'static str,
    /// The languages whose services use it, with the forms that their files take.
    forms: &'static [Form],
    /// The program that has compiled and run the files in the project's tests.
    checked_by: Option<&'static str>,
    /// What to know beside every file.
    note: &'static str,
    /// What it cannot say of a call: what that is, and the design's value.
    gaps: fn(&CallPlan) -> Vec<(&'static str, String)>,
}

/// How the files of a language look.
struct Form {
    /// The language, as a spec names it.
    language: &'static str,
    fence: &'static str,
    /// The file of the guard.
    guard: &'static str,
    /// The ending of the file of a service, and how its name is written before it.
    ending: &'static str,
    case: FileName,
    /// The templates of both.
    templates: [&'static str; 2],
}

/// How a language's community names files.
enum FileName {
    /// `order-service-limits`
    Kebab,
    /// `order_service_limits`
    Snake,
    /// `OrderServiceLimits`
    Pascal,
}

/// Longest line of a comment.
const WIDTH: usize = 90;

/// All files of `library` for the design: per language the guard, and the limits of each service.
fn files(cx: &Cx<'_>, library: &Library) -> Vec<File> {
    let mut out = Vec::new();
    for form in library.forms {
        let callers = callers_in(cx, &[form.language]);
        if callers.is_empty() {
            continue;
        }
        let (mut classes, mut stems) = (BTreeSet::new(), BTreeSet::new());
        let typed = form.language != "javascript";
        let ending = form.ending;
        out.push(File {
            path: format!("{}/{}", library.id, form.guard),
            fence: form.fence,
            text: fill(form.templates[0], context! { typed, ending }),
            checked_by: library.checked_by,
            notes: vec![library.note.to_owned()],
        });
        for (service, calls) in callers {
            let name = &cx.plan.model.service(service).name;
            // Names that differ in signs only have the same slug.
            let stem = unique(&mut stems, cx.plan.service(service).slug.replace('-', "_"));
            let class = unique(
                &mut classes,
                identifier(&format!("{name} limits"), Case::Pascal, ""),
            );
            let named = named(cx, &class, &calls);
            let retried = calls.iter().any(|id| cx.plan.call(*id).attempts.value > 1);
            let broken = calls.iter().any(|id| cx.plan.call(*id).breaker.is_ok());
            out.push(File {
                path: format!("{}/{}.{ending}", library.id, form.case.of(&stem, &class)),
                fence: form.fence,
                text: fill(
                    form.templates[1],
                    context! {
                        typed, ending, class,
                        service => name_in_comment(name),
                        imports => imports(form.language, broken, retried),
                        calls => named.iter().map(|(names, id)| call(cx, library, *id, names)).collect::<Vec<_>>(),
                    },
                ),
                checked_by: library.checked_by,
                notes: missing(cx, library, &calls),
            });
        }
    }
    out
}

/// The services of ours that are written in one of `languages` and call something, with their calls. A
/// service says its own language; the others take the design's.
pub(super) fn callers_in(cx: &Cx<'_>, languages: &[&str]) -> BTreeMap<ServiceId, Vec<CallId>> {
    let model = cx.plan.model;
    let written_in = |id: ServiceId| {
        let service = model.service(id);
        let own = service.language.as_deref();
        !service.external
            && match own {
                Some(own) => spoken(own).iter().any(|l| languages.contains(l)),
                None => {
                    model.language_set && model.languages.iter().any(|l| languages.contains(&l.id))
                }
            }
    };
    let mut callers: BTreeMap<ServiceId, Vec<CallId>> = BTreeMap::new();
    for id in model.call_ids() {
        if let Party::Service(from) = model.call(id).from
            && written_in(from)
        {
            callers.entry(from).or_default().push(id);
        }
    }
    callers
}

/// The languages that a service's own words name: `Node.js 22 (TypeScript)` is two.
fn spoken(own: &str) -> Vec<&'static str> {
    own.split(|c: char| !c.is_alphanumeric() && !matches!(c, '#' | '.'))
        .filter_map(|word| known_language(word.trim_end_matches('.')))
        .map(|l| l.id)
        .collect()
}

impl FileName {
    /// The name of a service's file, from its name with `_` and the name of its class.
    fn of(&self, stem: &str, class: &str) -> String {
        match self {
            Self::Kebab => format!("{}-limits", stem.replace('_', "-")),
            Self::Snake => format!("{stem}_limits"),
            Self::Pascal => class.to_owned(),
        }
    }
}

/// The types of the guard that the limits of a service name, as the language imports them.
fn imports(language: &str, breaker: bool, retry: bool) -> String {
    let mut names = Vec::new();
    names.extend(breaker.then_some("Breaker"));
    names.push("Limits");
    names.extend(retry.then_some("Retry"));
    let list = names.join(", ");
    if language == "rust" && names.len() > 1 {
        format!("{{{list}}}")
    } else {
        list
    }
}

/// The name of a call in each of the spellings that templates use.
struct Names {
    camel: String,
    pascal: String,
    /// In capitals with `_`.
    constant: String,
    /// With the caller's name before it, where names are one package's.
    exported: String,
    key: String,
}

/// The calls with their names: the callee's and the operation's, none twice.
fn named(cx: &Cx<'_>, class: &str, calls: &[CallId]) -> Vec<(Names, CallId)> {
    let caller = class.strip_suffix("Limits").unwrap_or(class);
    let caller = identifier(caller, Case::Exported, "");
    let reserved = language("typescript").map_or("", |l| l.reserved);
    let mut taken = BTreeSet::new();
    let mut out: Vec<(Names, CallId)> = calls
        .iter()
        .map(|&id| {
            let c = cx.plan.model.call(id);
            let operation = match c.protocol {
                // The method: its service is the callee's.
                Protocol::Grpc => c
                    .operation
                    .rsplit('/')
                    .next()
                    .unwrap_or_default()
                    .to_owned(),
                _ => c.label(),
            };
            let words = format!("{} {operation}", cx.plan.model.service(c.to).name);
            let snake = unique(&mut taken, identifier(&words, Case::Snake, ""));
            let pascal = identifier(&snake, Case::Pascal, "");
            let names = Names {
                camel: identifier(&snake, Case::Camel, reserved),
                constant: snake.to_ascii_uppercase(),
                exported: format!("{caller}{}", identifier(&snake, Case::Exported, "")),
                pascal,
                key: slug(&words),
            };
            (names, id)
        })
        .collect();
    out.sort_by(|a, b| a.0.constant.cmp(&b.0.constant));
    out
}

/// `name`, with a number behind it if it is taken.
fn unique(taken: &mut BTreeSet<String>, name: String) -> String {
    let mut free = name.clone();
    let mut n = 2;
    while !taken.insert(free.clone()) {
        free = format!("{name}_{n}");
        n += 1;
    }
    free
}

/// What the templates say of a call.
fn call(cx: &Cx<'_>, library: &Library, id: CallId, names: &Names) -> Value {
    let p = cx.plan.call(id);
    let c = cx.plan.model.call(id);
    let [refused, failed, _] = replies(c.protocol.name());
    let mut about = comment_lines(&cx.plan.model.call_name(id), WIDTH);
    about.push(format!("{refused}: refused; {failed}: failed"));
    let gaps = (library.gaps)(p);
    if !gaps.is_empty() {
        let gaps: Vec<String> = gaps
            .into_iter()
            .map(|(what, value)| format!("{what} ({value})"))
            .collect();
        about.extend(comment_lines(
            &format!("Not in {}: {}", library.name, gaps.join("; ")),
            WIDTH,
        ));
    }
    let retry = (p.attempts.value > 1).then(|| {
        context! {
            attempts => p.attempts.value,
            base_ms => p.backoff_base.value.as_ms(),
            cap_ms => p.backoff_cap.value.as_ms(),
            jitter => p.jitter.value.to_string(),
            idempotent => p.idempotent.value.to_string(),
            budget => share(p.retry_budget.value.0),
        }
    });
    let breaker = p.breaker.as_ref().ok().map(|b| {
        context! {
            ratio => share(b.ratio.value.0),
            window_ms => b.window.value.as_ms(),
            minimum => b.minimum.value,
            open_ms => b.open.value.as_ms(),
            probes => b.half_open.value,
            slow_ms => b.slow.value.as_ms(),
        }
    });
    context! {
        about, retry, breaker,
        name => &names.camel,
        pascal => &names.pascal,
        constant => &names.constant,
        exported => &names.exported,
        key => &names.key,
        timeout_ms => p.timeout.value.as_ms(),
        deadline_ms => p.deadline.value.as_ms(),
        slots => p.slots.value,
    }
}

/// A share as a decimal number that every language takes.
fn share(value: f64) -> String {
    format!("{value:?}")
}

/// One line for the chapter: what the library cannot say of these calls, with their values.
fn missing(cx: &Cx<'_>, library: &Library, calls: &[CallId]) -> Vec<String> {
    let mut all: Vec<(&str, Vec<String>)> = Vec::new();
    for id in calls {
        for (what, value) in (library.gaps)(cx.plan.call(*id)) {
            match all.iter_mut().find(|(w, _)| *w == what) {
                Some((_, values)) if values.contains(&value) => {}
                Some((_, values)) => values.push(value),
                None => all.push((what, vec![value])),
            }
        }
    }
    if all.is_empty() {
        return Vec::new();
    }
    let all: Vec<String> = all
        .into_iter()
        .map(|(what, values)| format!("{what} ({})", values.join(", ")))
        .collect();
    vec![format!(
        "{} has no word for: {}.",
        library.name,
        all.join("; ")
    )]
}

fn fill(template: &str, values: Value) -> String {
    let filled = TEMPLATES
        .get_template(template)
        .and_then(|t| t.render(values));
    match filled {
        Ok(mut text) => {
            // The engine drops the newline that ends a template.
            text.truncate(text.trim_end().len());
            text.push('\n');
            text
        }
        // Every template is part of the program, and the tests fill each of them.
        Err(error) => format!("This file could not be written: {error}\n"),
    }
}

static TEMPLATES: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut env = Environment::empty();
    env.set_undefined_behavior(UndefinedBehavior::Strict);
    env.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    env.add_filter("digits", digits);
    env.add_filter("seconds", seconds);
    for (name, source) in libraries::TEMPLATES {
        // One that does not parse is missing afterwards, and `fill` reports that.
        let _ = env.add_template(name, source);
    }
    env
});
