//! Sagas and flows: what happens over several services, in an order that has meaning.

use toml::de::DeValue;

use super::arrow::piece;
use super::declare::{SloDecl, slo};
use super::table::{Context, Entry, Table, list_of_text, wrong_type};
use super::{Spanned, Text};
use crate::diag::{Diagnostic, Span};

/// A saga.
#[derive(Clone, Debug)]
pub struct SagaDecl {
    /// The whole table.
    pub span: Span,
    /// Its name.
    pub name: Text,
    /// `orchestration` or `choreography`.
    pub style: Option<Text>,
    /// The service that leads it.
    pub coordinator: Option<Text>,
    /// What it achieves.
    pub description: Option<Text>,
    /// `saga`, or `2pc` or `xa` for one transaction over all.
    pub transaction: Option<Text>,
    /// How long it may take as a whole.
    pub deadline: Option<Text>,
    /// Its steps, in order.
    pub steps: Vec<SagaStepDecl>,
}

/// One step of a saga.
#[derive(Clone, Debug)]
pub struct SagaStepDecl {
    /// The whole step.
    pub span: Span,
    /// Who does it.
    pub service: Text,
    /// What is done.
    pub action: Text,
    /// What takes it back.
    pub undo: Option<Text>,
    /// The go/no-go step.
    pub pivot: Option<Spanned<bool>>,
    /// Whether doing it twice does no more than doing it once.
    pub idempotent: Option<Spanned<bool>>,
    /// How long this step may take.
    pub timeout: Option<Text>,
}

/// A user journey.
#[derive(Clone, Debug)]
pub struct FlowDecl {
    /// The whole table.
    pub span: Span,
    /// Its name.
    pub name: Text,
    /// What the user does.
    pub description: Option<Text>,
    /// What it promises.
    pub slo: Option<SloDecl>,
    /// Peak rate.
    pub rate: Option<Text>,
    /// Its steps, in order.
    pub steps: Vec<StepDecl>,
    /// Groups of steps that happen at the same time.
    pub parallel: Vec<Vec<StepDecl>>,
}

/// `from -> to`, or `from -> to: operation`.
#[derive(Clone, Debug)]
pub struct StepDecl {
    /// The whole step.
    pub text: Text,
    /// Who acts, or an event that is handled.
    pub from: Text,
    /// Who is called, or the event that is published.
    pub to: Text,
    /// Which operation, where a pair has several.
    pub operation: Option<Text>,
}

pub(super) fn read_sagas(cx: &mut Context<'_>, root: &mut Table<'_>) -> Vec<SagaDecl> {
    let mut out = Vec::new();
    for Entry { value, span, .. } in root.list(cx, "sagas") {
        let DeValue::Table(table) = value else {
            cx.report(wrong_type("sagas", "a list of tables", value, span));
            continue;
        };
        let mut t = Table::at("a saga", table, span);
        let name = t.text(cx, "name");
        if name.is_none() && !t.has("name") {
            t.missing(cx, "name", "name = \"Place order\"");
        }
        let style = t.text(cx, "style");
        let coordinator = t.text(cx, "coordinator");
        let description = t.text(cx, "description");
        let transaction = t.text(cx, "transaction");
        let deadline = t.quantity(cx, "deadline", "30s");
        let listed = t.list(cx, "steps");
        if listed.is_empty() {
            t.missing(
                cx,
                "steps",
                "steps = [\"orders: create order / cancel order\"]",
            );
        }
        let steps = listed.iter().filter_map(|e| saga_step(cx, e)).collect();
        t.finish(cx);
        if let Some(name) = name {
            out.push(SagaDecl {
                span,
                name,
                style,
                coordinator,
                description,
                transaction,
                deadline,
                steps,
            });
        }
    }
    out
}

fn saga_step(cx: &mut Context<'_>, entry: &Entry<'_>) -> Option<SagaStepDecl> {
    let span = entry.span;
    match entry.value {
        DeValue::String(text) => {
            let text = Text::new(text.to_string(), span);
            let Some(colon) = text.value.find(':') else {
                cx.report(
                    Diagnostic::error("bad-arrow", span, "this is not a saga step")
                        .at("no `:` after the service")
                        .help("write `\"orders: create order / cancel order\"`"),
                );
                return None;
            };
            let rest = &text.value[colon + 1..];
            // A lone slash in ` / ` separates the undo; a slash inside a path does not.
            let slash = rest.find(" / ").map(|i| colon + 1 + i);
            let service = piece(cx, &text, 0, colon);
            let action = piece(cx, &text, colon + 1, slash.unwrap_or(text.value.len()));
            let undo = slash.map(|s| piece(cx, &text, s + 2, text.value.len()));
            if service.value.is_empty() || action.value.is_empty() {
                cx.report(
                    Diagnostic::error(
                        "bad-arrow",
                        span,
                        "a saga step names a service and an action",
                    )
                    .help("write `\"orders: create order / cancel order\"`"),
                );
                return None;
            }
            Some(SagaStepDecl {
                span,
                service,
                action,
                undo: undo.filter(|u| !u.value.is_empty()),
                pivot: None,
                idempotent: None,
                timeout: None,
            })
        }
        DeValue::Table(table) => {
            let mut t = Table::at("a saga step", table, span);
            let service = t.text(cx, "service");
            let action = t.text(cx, "action");
            let undo = t.text(cx, "undo");
            let pivot = t.flag(cx, "pivot");
            let idempotent = t.flag(cx, "idempotent");
            let timeout = t.quantity(cx, "timeout", "5s");
            for (key, found, example) in [
                ("service", service.is_some(), "service = \"orders\""),
                ("action", action.is_some(), "action = \"create order\""),
            ] {
                if !found && !t.has(key) {
                    t.missing(cx, key, example);
                }
            }
            t.finish(cx);
            Some(SagaStepDecl {
                span,
                service: service?,
                action: action?,
                undo,
                pivot,
                idempotent,
                timeout,
            })
        }
        other => {
            cx.report(
                wrong_type("steps", "a list of steps", other, span)
                    .help("write `\"orders: create order / cancel order\"`"),
            );
            None
        }
    }
}

pub(super) fn read_flows(cx: &mut Context<'_>, root: &mut Table<'_>) -> Vec<FlowDecl> {
    let mut out = Vec::new();
    for Entry { value, span, .. } in root.list(cx, "flows") {
        let DeValue::Table(table) = value else {
            cx.report(wrong_type("flows", "a list of tables", value, span));
            continue;
        };
        let mut t = Table::at("a flow", table, span);
        let name = t.text(cx, "name");
        if name.is_none() && !t.has("name") {
            t.missing(cx, "name", "name = \"Checkout\"");
        }
        let description = t.text(cx, "description");
        let slo = slo(cx, &mut t);
        let rate = t.quantity(cx, "rate", "50/s");
        let steps = t.texts(cx, "steps").unwrap_or_default();
        if steps.is_empty() && !t.has("steps") {
            t.missing(
                cx,
                "steps",
                "steps = [\"client -> web\", \"web -> orders\"]",
            );
        }
        let steps = steps.iter().filter_map(|s| step(cx, s)).collect();
        let mut parallel = Vec::new();
        for Entry { value, span, .. } in t.list(cx, "parallel") {
            if let DeValue::Array(items) = value {
                let texts = list_of_text(cx, "parallel", items);
                parallel.push(texts.iter().filter_map(|s| step(cx, s)).collect());
            } else {
                cx.report(
                    wrong_type("parallel", "a list of lists of steps", value, span)
                        .help("write `parallel = [[\"orders -> payments\", \"orders -> stock\"]]`"),
                );
            }
        }
        t.finish(cx);
        if let Some(name) = name {
            out.push(FlowDecl {
                span,
                name,
                description,
                slo,
                rate,
                steps,
                parallel,
            });
        }
    }
    out
}

fn step(cx: &mut Context<'_>, text: &Text) -> Option<StepDecl> {
    let s = text.value.as_str();
    let Some(arrow) = s.find("->") else {
        cx.report(
            Diagnostic::error("bad-arrow", text.span, "this is not a step of a flow")
                .at("no `->` found")
                .help("write `\"web -> orders\"`, or `\"orders -> order.placed\"` for an event"),
        );
        return None;
    };
    let colon = s[arrow..].find(": ").map(|i| arrow + i);
    let from = piece(cx, text, 0, arrow);
    let to = piece(cx, text, arrow + 2, colon.unwrap_or(s.len()));
    let operation = colon.map(|c| piece(cx, text, c + 1, s.len()));
    if from.value.is_empty() || to.value.is_empty() {
        cx.report(
            Diagnostic::error(
                "bad-arrow",
                text.span,
                "a step leads from one name to another",
            )
            .help("write `\"web -> orders\"`"),
        );
        return None;
    }
    Some(StepDecl {
        text: text.clone(),
        from,
        to,
        operation: operation.filter(|o| !o.value.is_empty()),
    })
}
