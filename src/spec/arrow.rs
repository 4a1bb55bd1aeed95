//! The arrow grammar: `source --LABEL--> target[, target …]`, for events with a broker on the way.

use super::table::Context;
use super::{Spanned, Text};
use crate::diag::{Diagnostic, Span};

/// An arrow taken apart; every piece keeps its own place inside the string.
pub(super) struct Arrow {
    pub(super) source: Text,
    pub(super) label: Text,
    pub(super) broker: Option<Text>,
    pub(super) targets: Vec<Text>,
    pub(super) span: Span,
}

/// How one kind of interaction is written.
pub(super) struct Form {
    /// The list it stands in.
    pub(super) list: &'static str,
    /// The key that holds it in a table of attributes.
    pub(super) attribute: &'static str,
    /// What such a table describes, with its article.
    pub(super) what: &'static str,
    pub(super) example: &'static str,
    /// Whether `--> broker -->` may stand in the middle.
    pub(super) broker: bool,
}

/// Takes `text` apart, or says at which place it stops being an arrow.
pub(super) fn parse(cx: &mut Context<'_>, text: &Text, form: &Form) -> Option<Arrow> {
    let s = text.value.as_str();
    let fail = |cx: &mut Context<'_>, start: usize, end: usize, message: &str, at: &str| {
        let span = cx.inside(text, start, end);
        cx.report(
            Diagnostic::error("bad-arrow", span, message)
                .at(at)
                .help(format!(
                    "an arrow in `{}` reads `\"{}\"`",
                    form.list, form.example
                )),
        );
        None
    };
    let Some(open) = s.find("--") else {
        return fail(cx, 0, s.len(), "this is not an arrow", "no `--` found");
    };
    if s[open..].starts_with("-->") {
        return fail(
            cx,
            open,
            open + 3,
            "the arrow has no label",
            "a label such as `--LABEL-->` belongs here",
        );
    }
    let label_start = open + 2;
    let Some(length) = s[label_start..].find("-->") else {
        return fail(
            cx,
            open,
            s.len(),
            "the arrow has no end",
            "no `-->` follows",
        );
    };
    let label_end = label_start + length;
    let mut rest = label_end + 3;
    let source = piece(cx, text, 0, open);
    let label = piece(cx, text, label_start, label_end);
    if source.value.is_empty() {
        return fail(
            cx,
            0,
            open + 2,
            "the arrow has no source",
            "a name belongs before it",
        );
    }
    if label.value.is_empty() {
        return fail(
            cx,
            open,
            label_end + 3,
            "the arrow has no label",
            "what is sent belongs between the dashes",
        );
    }
    let mut broker = None;
    if let Some(length) = s[rest..].find("-->") {
        let end = rest + length;
        if !form.broker {
            return fail(
                cx,
                end,
                end + 3,
                "a second arrow",
                "only an event may pass through a broker on its way",
            );
        }
        let middle = piece(cx, text, rest, end);
        if middle.value.is_empty() {
            return fail(
                cx,
                rest,
                end + 3,
                "no broker is named",
                "a broker belongs before this",
            );
        }
        broker = Some(middle);
        rest = end + 3;
        if let Some(length) = s[rest..].find("-->") {
            let at = rest + length;
            return fail(
                cx,
                at,
                at + 3,
                "a third arrow",
                "an event passes through one broker",
            );
        }
    }
    let mut targets = Vec::new();
    let mut at = rest;
    for part in s[rest..].split(',') {
        let target = piece(cx, text, at, at + part.len());
        if target.value.is_empty() {
            let (start, end) = if s[rest..].trim().is_empty() {
                (rest - 3, rest)
            } else {
                (at.saturating_sub(1), at + part.len())
            };
            return fail(
                cx,
                start,
                end,
                "a target is missing",
                "a name belongs after this",
            );
        }
        targets.push(target);
        at += part.len() + 1;
    }
    Some(Arrow {
        source,
        label,
        broker,
        targets,
        span: text.span,
    })
}

/// The trimmed bytes `start..end` of `text`, with their place.
pub(super) fn piece(cx: &Context<'_>, text: &Text, start: usize, end: usize) -> Text {
    let raw = text.value.get(start..end).unwrap_or_default();
    let lead = raw.len() - raw.trim_start().len();
    let trimmed = raw.trim();
    let start = start + lead;
    Spanned::new(
        trimmed.to_owned(),
        cx.inside(text, start, start + trimmed.len()),
    )
}

/// The first word of `text` and what follows it.
pub(super) fn split_word(text: &Text) -> (Text, Option<Text>) {
    let s = text.value.as_str();
    let end = s.find(char::is_whitespace).unwrap_or(s.len());
    let sub = |start: usize, stop: usize| {
        let raw = &s[start..stop];
        let lead = raw.len() - raw.trim_start().len();
        let trimmed = raw.trim();
        let start = start + lead;
        // The label's own span is exact only if its length is that of its value.
        let span = if text.span.end - text.span.start == s.len() {
            Span::new(
                text.span.source,
                text.span.start + start..text.span.start + start + trimmed.len(),
            )
        } else {
            text.span
        };
        Spanned::new(trimmed.to_owned(), span)
    };
    let first = sub(0, end);
    let rest = sub(end, s.len());
    (first, (!rest.value.is_empty()).then_some(rest))
}
