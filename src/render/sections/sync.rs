//! Contracts, authentication, timeouts and circuit breakers of calls.

use std::collections::{BTreeMap, BTreeSet};

use super::super::artefact;
use super::super::doc::{Doc, Inline, say};
use super::super::{Cx, figures};
use super::column::Column;
use crate::model::{Auth, CallId, Party, Protocol, Set, Stated, Token};

pub(super) fn write(cx: &Cx<'_>, doc: &mut Doc) {
    if cx.plan.model.calls.is_empty() {
        doc.para(say!(
            "Left out: no service of {} calls another synchronously.",
            cx.plan.model.title
        ));
        return;
    }
    contracts(cx, doc);
    authentication(cx, doc);
    super::timeouts::write(cx, doc);
    breakers(cx, doc);
}

/// `caller → callee`, as two cells would read.
pub(super) fn ends(cx: &Cx<'_>, id: CallId) -> [Inline; 2] {
    let c = cx.plan.model.call(id);
    [
        Inline::code(cx.plan.model.party(c.from)),
        Inline::code(&cx.plan.model.service(c.to).name),
    ]
}

fn contracts(cx: &Cx<'_>, doc: &mut Doc) {
    let plan = cx.plan;
    let model = plan.model;
    doc.heading(1, "REST/gRPC Design", "sync-contracts");
    let mut callers = BTreeSet::new();
    let (mut safe, mut rates) = (Column::default(), Column::default());
    let rows = model
        .call_ids()
        .map(|id| {
            let c = model.call(id);
            let p = plan.call(id);
            let [mut from, to] = ends(cx, id);
            if callers.insert(c.from) {
                from = doc.anchor(&figures::calls_anchor(cx, c.from)).and(from);
            }
            let to = doc.anchor(&figures::call_anchor(id)).and(to);
            let errors: Vec<_> = plan.errors(id).iter().map(|e| e.code).collect();
            let errors = if errors.is_empty() {
                Inline::text("timeout, lost connection")
            } else {
                Inline::text(errors.join(", "))
            };
            vec![
                from,
                to,
                Inline::code(c.label()),
                c.description
                    .as_deref()
                    .map_or_else(|| Inline::text("–"), Inline::text),
                c.payload
                    .map_or_else(|| Inline::text("–"), |b| Inline::text(b.value.to_string())),
                Inline::text(if p.idempotent.value { "yes" } else { "no" })
                    .and(safe.why(&p.idempotent)),
                errors,
                rates.cell(&p.rate),
            ]
        })
        .collect();
    doc.table(
        &[
            "From",
            "To",
            "Operation",
            "For",
            "Payload",
            "Idempotent",
            "Errors",
            "Peak rate",
        ],
        rows,
    );
    errors(cx, doc);
    let keyed: Vec<Inline> = model
        .call_ids()
        .filter(|id| {
            let c = model.call(*id);
            matches!(c.protocol, Protocol::Rest(Some(m)) if !m.idempotent())
                && !plan.call(*id).idempotent.value
        })
        .map(|id| Inline::code(model.call_name(id)))
        .collect();
    if !keyed.is_empty() {
        doc.para(
            Inline::text("These would do their work twice if repeated; with an ")
                .and(Inline::code("Idempotency-Key"))
                .and(Inline::text(
                    " header that the callee stores with its answer they could be retried: ",
                ))
                .and(Inline::join(keyed, ", "))
                .and(Inline::text(".")),
        );
    }
    let contracts: Vec<Inline> = model
        .call_ids()
        .filter_map(|id| {
            let c = model.call(id);
            let own = c
                .contract
                .as_ref()
                .or(model.service(c.to).contract.as_ref())?;
            Some(say!(
                "`{}` is described by `{}`",
                model.call_name(id),
                own.value
            ))
        })
        .collect();
    doc.list(contracts);
    for kind in ["openapi", "proto", "grpc"] {
        artefact::show(cx, doc, kind);
    }
}

/// When each error is answered, and what the caller makes of it.
fn errors(cx: &Cx<'_>, doc: &mut Doc) {
    let plan = cx.plan;
    let mut by_code: BTreeMap<&str, (BTreeSet<String>, Vec<CallId>)> = BTreeMap::new();
    for id in plan.model.call_ids() {
        for error in plan.errors(id) {
            let (when, again) = by_code.entry(error.code).or_default();
            when.insert(error.when);
            if error.transient && plan.call(id).attempts.value > 1 {
                again.push(id);
            }
        }
    }
    if by_code.is_empty() {
        return;
    }
    let rows = by_code
        .into_iter()
        .map(|(code, (when, again))| {
            let again = again.into_iter().map(|id| plan.model.call_name(id));
            vec![
                Inline::text(code),
                Inline::join(when.iter().map(|w| Inline::quoted(w)), "; "),
                Inline::names(again),
            ]
        })
        .collect();
    doc.details(
        "When each error is answered, and which calls are made again",
        |d| {
            d.table(&["Error", "When", "Made again"], rows);
            d.para("REST bodies of errors are problem details (RFC 9457). A lost connection and a timeout of the caller count like the errors that are made again.");
        },
    );
}

fn authentication(cx: &Cx<'_>, doc: &mut Doc) {
    let plan = cx.plan;
    let model = plan.model;
    doc.heading(1, "Authentication", "sync-auth");
    doc.para(say!(
        "Between services: {}. The identity of each comes from {}.",
        plan.choices.auth_name(),
        if plan.choices.mesh.mtls {
            format!(
                "{}, which issues and rotates its certificate",
                plan.choices.mesh.certificates
            )
        } else {
            plan.choices.identity().to_owned()
        }
    ));
    let mut rows: Vec<Vec<Inline>> = Vec::new();
    let mut seen: Vec<(Party, crate::model::ServiceId, Auth)> = Vec::new();
    for id in model.call_ids() {
        let c = model.call(id);
        let auth = c.auth.map_or(plan.choices.auth, |a| a.value);
        if seen.contains(&(c.from, c.to, auth)) {
            continue;
        }
        seen.push((c.from, c.to, auth));
        let [from, to] = ends(cx, id);
        let external = model.service(c.to).external;
        let callee = &plan.service(c.to).slug;
        let namespace = &plan.choices.namespace;
        let proof = match (c.from, auth) {
            (Party::Actor(_), _) if plan.gateway.past.contains(&id) => {
                say!(
                    "what `{}` itself asks for: {} goes past the gateway",
                    model.service(c.to).name,
                    c.protocol.name()
                )
            }
            (Party::Actor(_), Auth::Iam | Auth::Mtls) if c.auth.is_none() => {
                say!(
                    "a user token that the gateway checks: issuer, audience `{}`, expiry, signature",
                    namespace
                )
            }
            (Party::Actor(_), _) => {
                say!(
                    "a token that the gateway checks: issuer, audience `{}`, expiry, signature",
                    namespace
                )
            }
            (_, _) if external => {
                Inline::text("the credential that its owner issued, from the secret store")
            }
            (Party::Service(s), Auth::Mtls) => say!(
                "its certificate for `spiffe://cluster.local/ns/{}/sa/{}`",
                namespace,
                plan.service(s).slug
            ),
            (Party::Service(s), Auth::Jwt) => say!(
                "a JWT with subject `{}` and audience `{}`, both checked, expiring within minutes",
                plan.service(s).slug,
                callee
            ),
            (Party::Service(s), Auth::Oauth2) => say!(
                "an access token by client credentials of `{}` for audience `{}`",
                plan.service(s).slug,
                callee
            ),
            (Party::Service(s), Auth::Iam) => say!(
                "the platform identity of `{}`, which the policy of `{}` names",
                plan.service(s).slug,
                callee
            ),
        };
        rows.push(vec![
            from,
            to,
            proof,
            Inline::text(match (c.auth, c.lacks_auth.or(model.platform.lacks_auth)) {
                (Some(_), _) => "set",
                (None, Some(_)) => "none today; proposed",
                (None, None) => "platform",
            }),
        ]);
    }
    doc.table(&["From", "To", "Proof", "By"], rows);
    let checked = |who: Inline, jwt: &BTreeSet<&'static str>| {
        who.and(Inline::names(jwt.iter().copied()))
            .and(Inline::text(" (set)"))
    };
    let mut items = Vec::new();
    if let Some(jwt) = &model.platform.jwt {
        items.push(checked(
            Inline::text("Every service checks of a token: "),
            &jwt.value,
        ));
    }
    for s in &model.services {
        if let Some(jwt) = &s.jwt {
            items.push(checked(
                say!("`{}` checks of a token: ", s.name),
                &jwt.value,
            ));
        }
    }
    for c in &model.calls {
        let (from, to) = (model.party(c.from), &model.service(c.to).name);
        items.push(match c.token.map(|t| t.value) {
            Some(Token::Exchange) => say!(
                "`{}` exchanges the token that it was called with for one with the audience `{}` (set)",
                from,
                to
            ),
            Some(Token::Relay) => say!(
                "`{}` hands the token that it was called with on to `{}` today; proposed: it is exchanged for one with the audience `{}`",
                from,
                to,
                to
            ),
            _ => continue,
        });
    }
    doc.list(items);
}

/// That the existing system has nothing of the kind, where the author says so.
pub(super) fn today<T>(stated: Option<&Set<Stated<T>>>) -> Inline {
    match stated {
        Some(set) if matches!(set.value, Stated::Lacking) => Inline::text("; today there is none"),
        _ => Inline::new(),
    }
}

fn breakers(cx: &Cx<'_>, doc: &mut Doc) {
    let plan = cx.plan;
    let model = plan.model;
    doc.heading(1, "Circuit breakers", "sync-breakers");
    let mut rows = Vec::new();
    let mut without: Vec<Inline> = Vec::new();
    let (mut windows, mut pauses) = (Column::default(), Column::default());
    for id in model.call_ids() {
        let c = model.call(id);
        let p = plan.call(id);
        if matches!(c.from, Party::Actor(_)) {
            continue;
        }
        let [from, to] = ends(cx, id);
        match &p.breaker {
            Ok(b) => rows.push(vec![
                from,
                to,
                Inline::code(c.label()).and(today(c.policy.breaker.as_ref())),
                Inline::text(b.ratio.value.to_string()),
                windows.cell(&b.window),
                Inline::text(b.minimum.value.to_string()),
                Inline::text(b.slow.value.to_string()),
                pauses.cell(&b.open),
                Inline::text(b.half_open.value.to_string()),
                Inline::quoted(&p.fallback.value),
            ]),
            Err(why) => without.push(say!("`{}`: {}", model.call_name(id), why)),
        }
    }
    doc.table(
        &[
            "From",
            "To",
            "Operation",
            "Opens at",
            "Window",
            "Minimum calls",
            "Slow from",
            "Open for",
            "Probes",
            "Meanwhile the caller",
        ],
        rows,
    );
    if !without.is_empty() {
        doc.para("Without a breaker; timeout and bulkhead protect these:");
        doc.list(without);
    }
}
