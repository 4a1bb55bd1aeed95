//! What comes in, how fast, who may, what is changed on the way, and the configuration that does it.

use super::super::Cx;
use super::super::artefact::gateway::{
    AUDIENCE, COLLECTOR, Edge, EdgeRoute, ISSUER, PORT, PUBLIC_HOST, REMOVED, Token,
};
use super::super::artefact::path::template;
use super::super::doc::{Doc, Inline, say};
use super::overview::source;
use crate::catalog;
use crate::model::{Auth, Transport};
use crate::plan::{Origin, Route};

pub(super) fn write(cx: &Cx<'_>, doc: &mut Doc) {
    let edge = Edge::new(cx.plan);
    if edge.routes.is_empty() {
        if cx.plan.gateway.past.is_empty() {
            doc.para("No actor calls or listens to any service of this design: there is nothing for a gateway to route.");
        } else {
            doc.para(say!("Nothing that comes to {} from outside is HTTP, so there is nothing for a gateway to route.", cx.plan.model.title));
        }
        past(cx, doc);
        return;
    }
    routes(cx, doc, &edge);
    limits(cx, doc, &edge);
    authentication(cx, doc, &edge);
    transformation(cx, doc, &edge);
    configuration(cx, doc, &edge);
}

fn plan_of<'a>(cx: &'a Cx<'_>, r: &EdgeRoute) -> &'a Route {
    &cx.plan.gateway.routes[r.index]
}

fn address(r: &EdgeRoute) -> String {
    let path = template(&r.path);
    let path = match (r.prefix, path.trim_end_matches('/')) {
        (true, base) => format!("{base}/*"),
        _ => path,
    };
    match (r.grpc, r.method) {
        (true, _) => format!("gRPC {path}"),
        (false, Some(method)) => format!("{method} {path}"),
        (false, None) => path,
    }
}

fn routes(cx: &Cx<'_>, doc: &mut Doc, edge: &Edge<'_>) {
    let gateway = cx.plan.choices.gateway;
    doc.heading(1, "Routing rules", "gateway-routes");
    if own(cx, edge).next().is_none() {
        beside(cx, doc, edge);
        hidden(cx, doc, edge);
        past(cx, doc);
        return;
    }
    doc.para(
        say!(
            "{} takes the most specific of these routes that matches; what none of them matches is answered with 404{}. ",
            gateway.name,
            match gateway.id.as_str() {
                "envoy" | "nginx" => ", another method on one of these paths with 405 and `Allow`, and a path with an empty segment, `.`, `..` or an escaped slash with 400",
                _ => "",
            }
        )
        .and(match cx.plan.gateway.ceiling {
            Some(ceiling) => say!("Without a timeout of its own a route would wait {} ({}).", ceiling, gateway.timeout_note),
            None => say!("Its timeout: {}.", gateway.timeout_note),
        }),
    );
    let rows = own(cx, edge).map(|r| row(cx, r)).collect();
    doc.table(&["Route", "Name", "Actors", "Service", "Timeout"], rows);
    beside(cx, doc, edge);
    hidden(cx, doc, edge);
    past(cx, doc);
}

/// The routes that the gateway itself takes.
fn own<'e>(cx: &'e Cx<'_>, edge: &'e Edge<'_>) -> impl Iterator<Item = &'e EdgeRoute> {
    edge.routes.iter().filter(|r| plan_of(cx, r).past.is_none())
}

/// Names of the routes that a load balancer takes in beside the gateway.
fn balanced<'e>(cx: &Cx<'_>, edge: &'e Edge<'_>) -> Vec<&'e str> {
    edge.routes
        .iter()
        .filter(|r| plan_of(cx, r).past.is_some())
        .map(|r| r.name.as_str())
        .collect()
}

fn row(cx: &Cx<'_>, r: &EdgeRoute) -> Vec<Inline> {
    let p = plan_of(cx, r);
    vec![
        Inline::code(address(r)),
        Inline::code(r.name.as_str()),
        Inline::names(&p.actors),
        Inline::code(cx.plan.model.service(p.service).name.as_str()),
        timeout(cx, r, p),
    ]
}

/// What a load balancer takes in, since the gateway cannot.
fn beside(cx: &Cx<'_>, doc: &mut Doc, edge: &Edge<'_>) {
    let Some(balancer) = &cx.plan.choices.gateway.balancer else {
        return;
    };
    let rows: Vec<Vec<Inline>> = edge
        .routes
        .iter()
        .filter(|r| plan_of(cx, r).past.is_some())
        .map(|r| row(cx, r))
        .collect();
    if rows.is_empty() {
        return;
    }
    let takes = if own(cx, edge).next().is_some() {
        format!("these in beside {}", cx.plan.choices.gateway.name)
    } else {
        "all routes in".to_owned()
    };
    doc.para(say!(
        "The {} takes {}: {}.",
        balancer.name,
        takes,
        balancer.why
    ));
    doc.table(&["Route", "Name", "Actors", "Service", "Timeout"], rows);
}

/// Routes that another one leaves nothing for.
fn hidden(cx: &Cx<'_>, doc: &mut Doc, edge: &Edge<'_>) {
    let hidden = edge.hidden.iter().map(|(lost, winner)| {
        let (lost, winner) = (&cx.plan.gateway.routes[*lost], &cx.plan.gateway.routes[*winner]);
        let name = |r: &Route| cx.plan.model.service(r.service).name.clone();
        if lost.service == winner.service {
            return say!(
                "`{}` and `{}` of `{}` are one route; the limit is that of the first.",
                said(cx, winner),
                said(cx, lost),
                name(winner)
            );
        }
        say!(
            "`{}` of `{}` cannot be told from `{}` of `{}`, which gets all of its requests: one of them needs another path.",
            said(cx, lost),
            name(lost),
            said(cx, winner),
            name(winner)
        )
    });
    doc.list(hidden);
}

/// A route as its author knows it.
fn said(cx: &Cx<'_>, r: &Route) -> String {
    match r.stream {
        Some(id) => cx.plan.model.stream(id).label(),
        None => format!("{} {}", r.method.unwrap_or("any method"), r.path),
    }
}

/// What the gateway cannot take, and what takes it.
fn past(cx: &Cx<'_>, doc: &mut Doc) {
    let model = cx.plan.model;
    let infra = cx.plan.choices.infrastructure;
    doc.list(cx.plan.gateway.past.iter().filter_map(|id| {
        let c = model.call(*id);
        let wire = catalog::not_http(c.protocol.name())?;
        let port = match wire.port {
            0 => say!("its {} port", wire.transport),
            port => say!("{} port {}", wire.transport, port),
        };
        Some(
            say!(
                "`{}` of `{}` goes past {} to `{}`, since {} is not HTTP: {} with ",
                c.label(),
                model.party(c.from),
                cx.plan.choices.gateway.name,
                model.service(c.to).name,
                c.protocol.name(),
                infra.l4
            )
            .and(port)
            .and(say!(
                " takes it in, and `{}` itself checks who connects and how often. ",
                model.service(c.to).name
            ))
            .and(if infra.id == "kubernetes" {
                say!("`kubernetes/{}.yaml` has it.", cx.plan.service(c.to).slug)
            } else {
                Inline::text("No file of this design makes it.")
            }),
        )
    }));
}

fn timeout(cx: &Cx<'_>, r: &EdgeRoute, p: &Route) -> Inline {
    match (&p.timeout, r.stream) {
        (None, stream) => say!(
            "none: a {} stream; closed after {} of silence",
            stream.map_or("long", Transport::name),
            cx.plan.choices.streams_by().1
        ),
        (Some(t), _) if r.timeout.is_some_and(|cut| cut < t.value) => say!(
            "{}, cut from {} by the gateway's ceiling",
            r.timeout.unwrap_or_default(),
            t.value
        )
        .and(Inline::why(t)),
        (Some(t), _) => Inline::figure(t),
    }
}

fn limits(cx: &Cx<'_>, doc: &mut Doc, edge: &Edge<'_>) {
    let gateway = cx.plan.choices.gateway;
    doc.heading(1, "Rate limiting", "gateway-limits");
    let through_gateway = own(cx, edge).next().is_some();
    if through_gateway {
        doc.para(
            say!(
                "Limited by {}. Counted where: {}. Source: ",
                gateway.rate_limit,
                gateway.limit_scope
            )
            .and(source(&gateway.source))
            .and(Inline::text(".")),
        );
    }
    let beside = balanced(cx, edge);
    if let Some(b) = gateway.balancer.as_ref().filter(|_| !beside.is_empty()) {
        doc.para(
            say!(
                "What the {} takes in is limited by {}, for each address: ",
                b.name,
                b.limit
            )
            .and(Inline::names(&beside))
            .and(Inline::text(".")),
        );
    }
    let rows = edge
        .routes
        .iter()
        .map(|r| {
            let p = plan_of(cx, r);
            let behind = cx.plan.service(p.service);
            let capacity = match r.stream {
                Some(_) => {
                    let held = p.stream.map(|id| cx.plan.stream(id));
                    held.map_or_else(Inline::new, |s| {
                        say!("{} connections an instance", s.per_replica.value)
                    })
                }
                None => say!(
                    "{} instances at a peak of {}",
                    behind.replicas.value,
                    behind.rate.value
                ),
            };
            vec![
                Inline::code(r.name.as_str()),
                Inline::figure(&p.limit),
                Inline::figure(&p.at_once),
                Inline::figure(&p.client_limit),
                Inline::figure(&p.burst),
                say!("`{}`: ", cx.plan.model.service(p.service).name).and(capacity),
            ]
        })
        .collect();
    doc.table(
        &[
            "Route",
            "Limit",
            "At once",
            "Of one client",
            "Burst of one client",
            "Behind it",
        ],
        rows,
    );
    if through_gateway {
        refusals(cx, doc, edge);
    }
    let assumed: Vec<&str> = edge
        .routes
        .iter()
        .filter(|r| {
            plan_of(cx, r)
                .call
                .is_some_and(|c| cx.plan.call(c).rate.origin == Origin::Assumed)
        })
        .map(|r| r.name.as_str())
        .collect();
    if !assumed.is_empty() {
        doc.para(
            say!("The peak behind these limits is assumed, not stated; a `rate` on the call replaces it: ")
                .and(Inline::names(assumed)),
        );
    }
}

/// What the gateway answers above the limits of its own routes.
fn refusals(cx: &Cx<'_>, doc: &mut Doc, edge: &Edge<'_>) {
    let gateway = cx.plan.choices.gateway;
    let answer = match gateway.id.as_str() {
        "envoy" | "nginx" | "kong" | "azure-apim" => say!(
            "Above a limit {} answers `429 Too Many Requests` with `Retry-After` in whole seconds.",
            gateway.name
        ),
        "gateway-api" => say!(
            "Above a limit the answer has to be `429 Too Many Requests` with `Retry-After`; the policy of the implementation sets it."
        ),
        _ => say!(
            "Above a limit {} answers `429 Too Many Requests` without `Retry-After`: clients wait a second, and longer each time.",
            gateway.name
        ),
    };
    let grpc: Vec<&str> = own(cx, edge)
        .filter(|r| r.grpc)
        .map(|r| r.name.as_str())
        .collect();
    doc.para(if grpc.is_empty() {
        answer
    } else {
        answer
            .and(say!(" A gRPC client sees `UNAVAILABLE` instead, on "))
            .and(Inline::names(grpc))
            .and(Inline::text("."))
    });
}

fn authentication(cx: &Cx<'_>, doc: &mut Doc, edge: &Edge<'_>) {
    doc.heading(1, "Authentication", "gateway-authentication");
    let rows = edge
        .routes
        .iter()
        .map(|r| {
            let p = plan_of(cx, r);
            let stated = p
                .call
                .and_then(|c| cx.plan.model.call(c).auth)
                .or_else(|| p.stream.and_then(|s| cx.plan.model.stream(s).auth));
            let shown = match (stated.map(|a| a.value), r.token) {
                (Some(Auth::Mtls), _) => say!("a client certificate (set), checked where TLS ends, and a token"),
                (Some(Auth::Oauth2), _) => say!("an access token of the actor's own client credentials (set)"),
                (Some(Auth::Iam), _) => say!("an identity of the platform (set), as a token"),
                (Some(Auth::Jwt), _) => say!("a token (set)"),
                (None, Token::Required) => say!("a token; 401 without one"),
                (None, Token::IfPresent) => say!(
                    "a token if there is one, since a catch-all carries pages for everyone; `{}` decides about requests without",
                    cx.plan.model.service(p.service).name
                ),
            };
            vec![Inline::code(r.name.as_str()), Inline::names(&p.actors), shown]
        })
        .collect();
    doc.table(&["Route", "Actors", "Must show"], rows);
    let beside = balanced(cx, edge);
    if let Some(b) = cx
        .plan
        .choices
        .gateway
        .balancer
        .as_ref()
        .filter(|_| !beside.is_empty())
    {
        doc.para(
            say!(
                "The {} passes tokens on and checks none, so the services behind check them on ",
                b.name
            )
            .and(Inline::names(&beside))
            .and(say!(" before anything else, and take the user from there.")),
        );
    }
    if own(cx, edge).next().is_none() {
        return;
    }
    let unstated = |r: &EdgeRoute| {
        let p = plan_of(cx, r);
        r.token == Token::Required
            && p.call.is_none_or(|c| cx.plan.model.call(c).auth.is_none())
            && p.stream
                .is_none_or(|s| cx.plan.model.stream(s).auth.is_none())
    };
    if edge.routes.iter().any(unstated) {
        doc.para("The spec marks no operation as open to everyone, so each named one asks for a token; a login or a public page among them has to be taken out by hand.");
    }
    doc.table(
        &["Checked in the token", "Against"],
        vec![
            vec![Inline::text("signature"), say!("the keys of `{}`", ISSUER)],
            vec![Inline::code("iss"), say!("`{}`", ISSUER)],
            vec![Inline::code("aud"), say!("`{}`", AUDIENCE)],
            vec![Inline::code("exp"), say!("now; an expired token gets 401")],
        ],
    );
    let services: Vec<&str> = {
        let mut all: Vec<&str> = own(cx, edge)
            .map(|r| cx.plan.model.service(plan_of(cx, r).service).name.as_str())
            .collect();
        all.sort_unstable();
        all.dedup();
        all
    };
    let how = match cx.plan.choices.auth {
        Auth::Jwt => {
            say!("The token itself goes on in `Authorization`, and is checked again there, to ")
        }
        Auth::Mtls => say!(
            "The token ends at the gateway. Its subject goes on as `x-user-id` over mutual TLS ({}), and only the gateway's certificate is believed about it, to ",
            cx.plan.choices.identity()
        ),
        Auth::Oauth2 => say!(
            "The token ends at the gateway. Its subject goes on as `x-user-id` with an access token of the gateway's own client ({}), to ",
            cx.plan.choices.identity()
        ),
        Auth::Iam => say!(
            "The token ends at the gateway. Its subject goes on as `x-user-id`, and the gateway shows its own identity ({}), to ",
            cx.plan.choices.identity()
        ),
    };
    doc.para(how.and(Inline::names(services)).and(Inline::text(".")));
}

/// What the gateway itself can do to a header; the rest is told in the notes beside its file.
struct Means {
    removes: bool,
    removes_token: bool,
    /// The header with the user, and what it holds.
    user: Option<(&'static str, &'static str)>,
    request_id: bool,
    starts_trace: bool,
}

fn means(cx: &Cx<'_>, edge: &Edge<'_>) -> Means {
    let id = cx.plan.choices.gateway.id.as_str();
    let istio = cx.plan.choices.mesh.id == "istio";
    let bare = id == "gateway-api" && !istio;
    Means {
        removes: id != "gcp-api-gateway",
        removes_token: !edge.forwards_token()
            && !bare
            && !matches!(id, "gcp-api-gateway" | "aws-api-gateway"),
        user: match id {
            "gcp-api-gateway" => Some((
                "x-apigateway-api-userinfo",
                "the claims of the token, base64url encoded",
            )),
            "kong" => Some(("x-consumer-username", "the issuer's consumer, not the user")),
            _ if bare => None,
            _ => Some(("x-user-id", "`sub` of the token")),
        },
        request_id: id != "gcp-api-gateway" && !bare,
        starts_trace: cx.plan.tracing.gateway_starts,
    }
}

fn transformation(cx: &Cx<'_>, doc: &mut Doc, edge: &Edge<'_>) {
    let gateway = cx.plan.choices.gateway;
    if own(cx, edge).next().is_none() {
        return;
    }
    doc.heading(1, "Request transformation", "gateway-transformation");
    let beside = balanced(cx, edge);
    if let Some(b) = gateway.balancer.as_ref().filter(|_| !beside.is_empty()) {
        doc.para(
            say!(
                "The {} changes no header of a request: the services behind ignore those below on ",
                b.name
            )
            .and(Inline::names(&beside))
            .and(Inline::text(".")),
        );
    }
    let means = means(cx, edge);
    let entry = edge.routes.first().map_or("", |r| {
        cx.plan.model.service(plan_of(cx, r).service).name.as_str()
    });
    let why = |header: &str| match header {
        "x-user-id" => say!(
            "`{}` would take the user from it; nobody outside may write it",
            entry
        ),
        "x-internal-caller" => say!("names a service of this system; nobody outside is one"),
        "x-forwarded-client-cert" => say!("the certificate of a caller inside"),
        "tracestate" => say!(
            "the state of somebody else's tracing, on every hop behind `{}`",
            entry
        ),
        _ => say!(
            "pairs of key and value that `{}` would copy to whatever it calls",
            entry
        ),
    };
    let mut rows: Vec<Vec<Inline>> = Vec::new();
    let mut row = |header: &str, what: &str, place: Inline, reason: Inline| {
        rows.push(vec![
            Inline::code(header),
            Inline::text(what.to_owned()),
            place,
            reason,
        ]);
    };
    for header in REMOVED {
        let what = if means.removes {
            "removed"
        } else {
            "comes through; ignored behind"
        };
        row(header, what, Inline::text("every route"), why(header));
    }
    if means.removes_token {
        row(
            "authorization",
            "removed after the check",
            Inline::text("every route"),
            say!(
                "services prove themselves by {}",
                cx.plan.choices.auth_name()
            ),
        );
    }
    if let Some((header, holds)) = means.user {
        row(
            header,
            "added",
            Inline::text("routes with a valid token"),
            Inline::quoted(holds),
        );
    }
    if means.request_id {
        row(
            "x-request-id",
            "added",
            Inline::text("every route"),
            say!(
                "joins the log lines of {} with those of the services behind",
                gateway.name
            ),
        );
    }
    row(
        "traceparent",
        if means.starts_trace {
            "added if absent"
        } else {
            "passed on"
        },
        Inline::text("every route"),
        if means.starts_trace {
            say!("sampled at {}", cx.plan.tracing.ratio.value)
        } else {
            say!(
                "`{}` and the other services behind start it if absent, sampled at {}",
                entry,
                cx.plan.tracing.ratio.value
            )
        },
    );
    let left_out = edge.file().left_out;
    let served = |r: &&EdgeRoute| !left_out.iter().any(|(name, _)| *name == r.name);
    for r in edge.routes.iter().filter(served) {
        if r.stream == Some(Transport::WebSocket) {
            row(
                "connection, upgrade",
                "kept",
                Inline::code(r.name.as_str()),
                say!("so that the connection is upgraded"),
            );
        } else if r.grpc && r.stream.is_none() {
            row(
                "grpc-timeout",
                "kept",
                Inline::code(r.name.as_str()),
                say!("the deadline of the client, for the service behind"),
            );
        }
    }
    doc.table(&["Header", "What happens", "Where", "Why"], rows);
    doc.para(say!(
        "Paths are passed on as they came: `{}` sees the path of its route.",
        entry
    ));
}

fn configuration(cx: &Cx<'_>, doc: &mut Doc, edge: &Edge<'_>) {
    let gateway = cx.plan.choices.gateway;
    let file = edge.file();
    doc.heading(1, "Configuration", "gateway-configuration");
    if edge.routes.len() == file.left_out.len() {
        doc.para(say!(
            "{} can serve none of these routes, so there is no file for it.",
            gateway.name
        ));
        doc.list(
            file.left_out_by_reason()
                .into_iter()
                .map(|(why, names)| Inline::names(names).and(say!(": {}.", why))),
        );
        return;
    }
    let checked = match file.checked_by {
        Some(tool) => say!(
            "`{}` for {}. This project's tests have such files read by {}. To be replaced before it is used:",
            file.name,
            gateway.name,
            tool
        ),
        None => say!(
            "`{}` for {}. Not checked by a real {} in this project's tests. To be replaced before it is used:",
            file.name,
            gateway.name,
            gateway.name
        ),
    };
    doc.para(checked);
    let places = [
        (
            ISSUER.to_owned(),
            "issuer of the users' tokens, and the address of its keys",
        ),
        (
            AUDIENCE.to_owned(),
            "audience that the tokens are issued for",
        ),
        (
            PUBLIC_HOST.to_owned(),
            "name under which clients reach the gateway",
        ),
        (COLLECTOR.to_owned(), "host that takes spans by OTLP"),
        (PORT.to_string(), "port on which the services listen"),
        (
            "token-check.example".to_owned(),
            "service that checks tokens for `auth_request`",
        ),
        (
            "redis.example".to_owned(),
            "Redis that counts the limits of all nodes together",
        ),
        (
            "VpcLinkId".to_owned(),
            "VPC link into the network of the services, a parameter of the stack",
        ),
        (
            "edge-certificate".to_owned(),
            "Secret with the certificate of the listener",
        ),
        (
            "example-gateway-class".to_owned(),
            "GatewayClass of the implementation",
        ),
        ("10.96.0.10".to_owned(), "address of the cluster's DNS"),
    ];
    doc.list(
        places
            .iter()
            .filter(|(p, _)| {
                // The audience holds the name of the host as well.
                let text = file.text.replace(AUDIENCE, "");
                (if p == AUDIENCE { &file.text } else { &text }).contains(p.as_str())
            })
            .map(|(place, what)| say!("`{}`: ", place).and(Inline::quoted(what))),
    );
    let cannot = file.cannot.iter().map(|(_, n)| *n);
    let mut apart: Vec<Inline> = cannot
        .chain(file.notes.iter().copied())
        .map(Inline::quoted)
        .collect();
    apart.extend(
        file.left_out_by_reason().into_iter().map(|(why, names)| {
            say!("Not in this file, since {}: ", why).and(Inline::names(names))
        }),
    );
    if !apart.is_empty() {
        doc.para(say!(
            "Where `{}` differs from the tables above, and what else to know:",
            file.name
        ));
        doc.list(apart);
    }
    doc.details(&file.name.clone(), |d| d.code(file.fence, &file.text));
}
