//! Words of a spec → values, with a report where they are none.

use super::design::{Auth, Balancing, Delivery, Set, Slo, Stated};
use super::names::short;
use super::units::{self, Bytes, Rate, Ratio, Time, UnitError};
use crate::catalog;
use crate::diag::{Diagnostic, Span, nearest};
use crate::spec::{SloDecl, Spanned, Text};

pub(super) type Out<'o> = &'o mut Vec<Diagnostic>;

fn quantity<T>(
    text: Option<&Text>,
    parse: fn(&str) -> Result<T, UnitError>,
    out: Out<'_>,
) -> Option<Set<T>> {
    let text = text?;
    match parse(&text.value) {
        Ok(value) => Some(Set {
            value,
            span: text.span,
        }),
        Err(error) => {
            out.push(
                Diagnostic::error("invalid-value", text.span, error.message)
                    .at("not understood")
                    .help(error.help),
            );
            None
        }
    }
}

/// A length of time above zero.
pub(super) fn time(text: Option<&Text>, out: Out<'_>) -> Option<Set<Time>> {
    let set = quantity(text, units::time, out)?;
    if set.value.0 > 0 {
        return Some(set);
    }
    out.push(
        Diagnostic::error(
            "invalid-value",
            set.span,
            "a time of zero means nothing here",
        )
        .at("must be more than zero")
        .help("write a time such as `250ms`, or `\"none\"` for a timeout that does not exist"),
    );
    None
}

/// A length of time, or `none`.
pub(super) fn time_or_none(text: Option<&Text>, out: Out<'_>) -> Option<Set<Stated<Time>>> {
    let text = text?;
    if is_none(text) {
        return Some(Set {
            value: Stated::Lacking,
            span: text.span,
        });
    }
    time(Some(text), out).map(|s| Set {
        value: Stated::Value(s.value),
        span: s.span,
    })
}

pub(super) fn is_none(text: &Text) -> bool {
    text.value.eq_ignore_ascii_case("none")
}

pub(super) fn rate(text: Option<&Text>, out: Out<'_>) -> Option<Set<Rate>> {
    quantity(text, units::rate, out)
}

pub(super) fn bytes(text: Option<&Text>, out: Out<'_>) -> Option<Set<Bytes>> {
    quantity(text, units::bytes, out)
}

/// A share above zero.
pub(super) fn ratio(text: Option<&Text>, out: Out<'_>) -> Option<Set<Ratio>> {
    let set = quantity(text, units::ratio, out)?;
    if set.value.0 > 0.0 {
        return Some(set);
    }
    out.push(
        Diagnostic::error(
            "invalid-value",
            set.span,
            "an availability of 0% promises nothing",
        )
        .at("must be more than zero")
        .help("write a share such as `99.9%`"),
    );
    None
}

/// A share above zero under `key`.
pub(super) fn share(key: &str, text: Option<&Text>, out: Out<'_>) -> Option<Set<Ratio>> {
    let set = quantity(text, units::ratio, out)?;
    if set.value.0 > 0.0 {
        return Some(set);
    }
    out.push(
        Diagnostic::error(
            "invalid-value",
            set.span,
            format!("`{key}` of 0% means nothing"),
        )
        .at("must be more than zero")
        .help("write a share such as `10%`"),
    );
    None
}

/// A service objective: below 100 %, since 100 % leaves no error budget.
pub(super) fn slo(decl: Option<&SloDecl>, out: Out<'_>) -> Option<Slo> {
    let decl = decl?;
    let availability = ratio(decl.availability.as_ref(), out).filter(|a| {
        let ok = a.value.0 < 1.0;
        if !ok {
            out.push(
                Diagnostic::error(
                    "invalid-value",
                    a.span,
                    "an objective of 100% leaves no error budget",
                )
                .at("must be below 100%")
                .help("write what callers really need, such as `99.9%`"),
            );
        }
        ok
    });
    Some(Slo {
        span: decl.span,
        availability,
        p99: time(decl.p99.as_ref(), out),
    })
}

pub(super) fn count(number: Option<&Spanned<i64>>) -> Option<Set<u64>> {
    number.map(|n| Set {
        value: u64::try_from(n.value).unwrap_or(0),
        span: n.span,
    })
}

pub(super) fn small(number: Option<&Spanned<i64>>) -> Option<Set<u32>> {
    number.map(|n| Set {
        value: u32::try_from(n.value).unwrap_or(0),
        span: n.span,
    })
}

pub(super) fn flag(value: Option<&Spanned<bool>>) -> Option<Set<bool>> {
    value.map(|v| Set {
        value: v.value,
        span: v.span,
    })
}

pub(super) fn word(text: Option<&Text>) -> Option<Set<String>> {
    text.map(|t| Set {
        value: t.value.clone(),
        span: t.span,
    })
}

pub(super) fn plain(text: Option<&Text>) -> Option<String> {
    text.map(|t| t.value.clone())
}

/// One of the `known` words, compared without case; `what` names them in a report.
pub(super) fn choice<'k>(
    what: &str,
    text: &Text,
    known: &[&'k str],
    out: Out<'_>,
) -> Option<&'k str> {
    let found = known
        .iter()
        .find(|k| k.eq_ignore_ascii_case(text.value.trim()))
        .copied();
    if found.is_none() {
        let mut d = Diagnostic::error(
            "invalid-value",
            text.span,
            format!("`{}` is not {what}", short(&text.value)),
        )
        .at("not known");
        let all = known.join(", ");
        let meant: Vec<String> = catalog::meant(&text.value)
            .iter()
            .filter(|m| known.contains(&m.as_str()))
            .map(|m| format!("`{m}`"))
            .collect();
        let near = nearest(&text.value, known.iter().copied());
        d.help = Some(match near.or_else(|| part_of(&text.value, known)) {
            _ if !meant.is_empty() => {
                format!("did you mean {}? known are: {all}", meant.join(" or "))
            }
            Some(near) => format!("did you mean `{near}`? known are: {all}"),
            None => format!("known are: {all}"),
        });
        out.push(d);
    }
    found
}

/// The one name of which `word` is a part: `sns-sqs` for `sqs`.
fn part_of<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    let mut holding = known
        .iter()
        .filter(|k| k.split('-').any(|part| part.eq_ignore_ascii_case(word)));
    match (holding.next(), holding.next()) {
        (Some(only), None) => Some(only),
        _ => None,
    }
}

/// What answers whether a service is well: a path, `grpc`, or `none` where nothing does today.
pub(super) fn health(text: Option<&Text>, out: Out<'_>) -> Option<Set<Stated<String>>> {
    let text = text?;
    let word = text.value.trim();
    let value = if is_none(text) {
        Stated::Lacking
    } else if word.starts_with('/') || word.eq_ignore_ascii_case("grpc") {
        Stated::Value(word.to_owned())
    } else {
        out.push(
            Diagnostic::error(
                "invalid-value",
                text.span,
                format!("`{}` is not a health check", short(word)),
            )
            .at("not understood")
            .help("write its path, such as `\"/health\"`, or `\"grpc\"`, or `\"none\"` where there is none today"),
        );
        return None;
    };
    Some(Set {
        value,
        span: text.span,
    })
}

/// Where `none` stands in place of a value: what the existing system lacks.
pub(super) fn lacking(text: Option<&Text>) -> Option<Span> {
    text.filter(|t| is_none(t)).map(|t| t.span)
}

/// A way to authenticate; `none` is none.
pub(super) fn auth(text: Option<&Text>, out: Out<'_>) -> Option<Set<Auth>> {
    let text = text.filter(|t| !is_none(t))?;
    let id = choice("a way to authenticate", text, &catalog::AUTHS, out)?;
    Auth::parse(id).map(|value| Set {
        value,
        span: text.span,
    })
}

/// How requests are spread: a connection at a time, or a request at a time.
pub(super) fn balancing(text: Option<&Text>, out: Out<'_>) -> Option<Set<Balancing>> {
    let text = text?;
    let id = choice("a way to balance", text, &["l4", "l7", "client"], out)?;
    Some(Set {
        value: match id {
            "l4" => Balancing::L4,
            "l7" => Balancing::L7,
            _ => Balancing::Client,
        },
        span: text.span,
    })
}

/// Whether every instance of the gateway counts for itself.
pub(super) fn local(text: Option<&Text>, out: Out<'_>) -> Option<Set<bool>> {
    let text = text?;
    let id = choice("a scope of rate limits", text, &["local", "global"], out)?;
    Some(Set {
        value: id == "local",
        span: text.span,
    })
}

pub(super) fn delivery(text: Option<&Text>, out: Out<'_>) -> Option<Set<Delivery>> {
    let text = text?;
    let id = choice(
        "a delivery promise",
        text,
        &["at-least-once", "at-most-once", "exactly-once"],
        out,
    )?;
    Some(Set {
        value: match id {
            "at-most-once" => Delivery::AtMostOnce,
            "exactly-once" => Delivery::ExactlyOnce,
            _ => Delivery::AtLeastOnce,
        },
        span: text.span,
    })
}

/// A schema version: `1`, `v1` or `1.2` (only the major part counts).
pub(super) fn version(text: Option<&Text>, out: Out<'_>) -> Option<Set<u32>> {
    let text = text?;
    let digits: String = text
        .value
        .trim_start_matches(['v', 'V'])
        .chars()
        .take_while(char::is_ascii_digit)
        .collect();
    if let Ok(value) = digits.parse() {
        return Some(Set {
            value,
            span: text.span,
        });
    }
    out.push(
        Diagnostic::error(
            "invalid-value",
            text.span,
            format!("`{}` is not a version", short(&text.value)),
        )
        .at("not a number")
        .help("write the major version: `version = \"1\"`"),
    );
    None
}
