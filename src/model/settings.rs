//! The author's choices, numbers for everything, and what the linter is told.

use super::check::{self, Out};
use super::design::{Allow, Defaults, Labels, Lint, Platform, RuleSetting, Set, View};
use super::security;
use crate::catalog;
use crate::spec::{Spec, Text};

/// The limit that `text` names.
pub(super) fn limit(
    what: &str,
    text: Option<&Text>,
    all: &'static [catalog::Limit],
    out: Out<'_>,
) -> Option<Set<&'static catalog::Limit>> {
    let text = text?;
    let ids: Vec<&str> = all.iter().map(|l| l.id.as_str()).collect();
    let id = check::choice(what, text, &ids, out)?;
    let value = all.iter().find(|l| l.id == id)?;
    Some(Set {
        value,
        span: text.span,
    })
}

/// What the diagram shows.
pub(super) fn view(text: Option<&Text>, out: Out<'_>) -> View {
    let word = text.and_then(|t| check::choice("a view", t, &["auto", "full", "overview"], out));
    match word {
        Some("full") => View::Full,
        Some("overview") => View::Overview,
        _ => View::Auto,
    }
}

/// What stands at the diagram's lines.
pub(super) fn labels(text: Option<&Text>, out: Out<'_>) -> Labels {
    let known = ["auto", "full", "wrapped", "numbers"];
    match text.and_then(|t| check::choice("a kind of labels", t, &known, out)) {
        Some("full") => Labels::Full,
        Some("wrapped") => Labels::Wrapped,
        Some("numbers") => Labels::Numbers,
        _ => Labels::Auto,
    }
}

pub(super) fn platform(spec: &Spec, out: Out<'_>) -> Platform {
    let p = &spec.platform;
    let find = |what: &str, text: Option<&Text>, known: Vec<&'static str>, out: Out<'_>| {
        let text = text.filter(|t| retired(t).is_none())?;
        check::choice(what, text, &known, out).map(|id| Set {
            value: id,
            span: text.span,
        })
    };
    let meshes = catalog::meshes().iter().map(|m| m.id.as_str()).collect();
    let gateways = catalog::gateways().iter().map(|m| m.id.as_str()).collect();
    let brokers = catalog::brokers().iter().map(|m| m.id.as_str()).collect();
    let mesh = find("a mesh", p.mesh.as_ref(), meshes, out);
    let gateway = find("a gateway", p.gateway.as_ref(), gateways, out);
    // `[platform] broker` may also name a `[brokers.NAME]`; `events` resolves that.
    let named = p
        .broker
        .as_ref()
        .is_some_and(|b| spec.brokers.iter().any(|d| d.name.value == b.value));
    let broker = if named {
        None
    } else {
        find("a broker", p.broker.as_ref(), brokers, out)
    };
    Platform {
        mesh: mesh.and_then(|s| {
            let value = catalog::meshes().iter().find(|m| m.id == s.value)?;
            Some(Set {
                value,
                span: s.span,
            })
        }),
        gateway: gateway.and_then(|s| {
            let value = catalog::gateways().iter().find(|m| m.id == s.value)?;
            Some(Set {
                value,
                span: s.span,
            })
        }),
        broker: broker.and_then(|s| {
            let value = catalog::brokers().iter().find(|m| m.id == s.value)?;
            Some(Set {
                value,
                span: s.span,
            })
        }),
        auth: check::auth(p.auth.as_ref(), out),
        lacks_auth: check::lacking(p.auth.as_ref()),
        jwt: security::jwt(p.jwt.as_ref(), out),
        local_limits: check::local(p.rate_limit_scope.as_ref(), out),
        gateway_replicas: check::count(p.gateway_replicas.as_ref()),
        retired: [&p.mesh, &p.gateway]
            .into_iter()
            .flatten()
            .filter_map(|t| {
                Some(Set {
                    value: retired(t)?,
                    span: t.span,
                })
            })
            .collect(),
        mesh_retries: check::small(p.mesh_retries.as_ref()),
        gateway_retries: check::small(p.gateway_retries.as_ref()),
        load_balancer: limit(
            "a load balancer",
            p.load_balancer.as_ref(),
            catalog::load_balancers(),
            out,
        ),
    }
}

/// What nobody maintains any more by that name. The design goes on with what the infrastructure brings.
fn retired(text: &Text) -> Option<&'static catalog::Retired> {
    catalog::retired()
        .iter()
        .find(|r| r.id.eq_ignore_ascii_case(text.value.trim()))
}

pub(super) fn defaults(spec: &Spec, out: Out<'_>) -> Defaults {
    let d = &spec.defaults;
    Defaults {
        rate: check::rate(d.rate.as_ref(), out),
        p50: check::time(d.p50.as_ref(), out),
        p99: check::time(d.p99.as_ref(), out),
        timeout: check::time(d.timeout.as_ref(), out),
        retries: check::small(d.retries.as_ref()),
        availability: check::ratio(d.availability.as_ref(), out),
        replicas: check::count(d.replicas.as_ref()),
        size: check::bytes(d.size.as_ref(), out),
        retention: check::time(d.retention.as_ref(), out),
    }
}

pub(super) fn lint(spec: &Spec) -> Lint {
    let set = |t: &Text| Set {
        value: t.value.clone(),
        span: t.span,
    };
    let words = |texts: &[Text]| {
        let mut words: Vec<Set<String>> = texts.iter().map(set).collect();
        words.sort_by(|a, b| a.value.cmp(&b.value));
        words
    };
    let mut lint = Lint {
        allow: spec
            .lint
            .allow
            .iter()
            .map(|a| Allow {
                span: a.span,
                rule: Set {
                    value: a.rule.value.clone(),
                    span: a.rule.span,
                },
                at: check::word(a.at.as_ref()),
                reason: a.reason.value.clone(),
            })
            .collect(),
        deny: words(&spec.lint.deny),
        warn: words(&spec.lint.warn),
        rules: spec
            .lint
            .rules
            .iter()
            .map(|r| RuleSetting {
                rule: set(&r.rule),
                severity: r.severity.as_ref().map(set),
                values: r
                    .values
                    .iter()
                    .map(|(name, v)| {
                        let value = Set {
                            value: v.value.clone(),
                            span: v.span,
                        };
                        (set(name), value)
                    })
                    .collect(),
            })
            .collect(),
    };
    lint.rules.sort_by(|a, b| a.rule.value.cmp(&b.rule.value));
    lint.allow.sort_by(|a, b| {
        let key = |x: &Allow| {
            let at = x.at.as_ref().map(|at| at.value.clone());
            (x.rule.value.clone(), at, x.reason.clone())
        };
        key(a).cmp(&key(b))
    });
    lint
}
