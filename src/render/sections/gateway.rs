//! What comes in, how fast, who may, what is changed on the way, and the configuration that does it.

use super::super::Cx;
use super::super::artefact::gateway::{
    AUDIENCE, COLLECTOR, Edge, EdgeRoute, ISSUER, PORT, PUBLIC_HOST, REMOVED, Token, template,
};
use super::super::doc::{Doc, Inline, say};
use super::overview::source;
use crate::model::{Auth, Transport};
use crate::plan::{Origin, Route};

pub(super) fn write(cx: &Cx<'_>, doc: &mut Doc) {
    let edge = Edge::new(cx.plan);
    if edge.routes.is_empty() {
        doc.para("No actor calls or listens to any service of this design: there is nothing for a gateway to route.");
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
    doc.para(
        say!(
            "{} tries these {} routes in this order; what none of them matches is answered with 404. ",
            gateway.name,
            edge.routes.len()
        )
        .and(match cx.plan.gateway.ceiling {
            Some(ceiling) => say!("Without a timeout of its own a route would wait {} ({}).", ceiling, gateway.timeout_note),
            None => say!("Its timeout: {}.", gateway.timeout_note),
        }),
    );
    let rows = edge
        .routes
        .iter()
        .map(|r| {
            let p = plan_of(cx, r);
            vec![
                Inline::code(address(r)),
                Inline::code(r.name.as_str()),
                Inline::names(&p.actors),
                Inline::code(cx.plan.model.service(p.service).name.as_str()),
                timeout(cx, r, p),
            ]
        })
        .collect();
    doc.table(&["Route", "Name", "Actors", "Service", "Timeout"], rows);
    let hidden = edge.hidden.iter().map(|(lost, winner)| {
        let (lost, winner) = (&cx.plan.gateway.routes[*lost], &cx.plan.gateway.routes[*winner]);
        let name = |r: &Route| cx.plan.model.service(r.service).name.clone();
        say!(
            "`{}` of `{}` cannot be told from `{}` of `{}`, which gets all of its requests: one of them needs another path.",
            format!("{} {}", lost.method.unwrap_or("any method"), lost.path),
            name(lost),
            format!("{} {}", winner.method.unwrap_or("any method"), winner.path),
            name(winner)
        )
    });
    doc.list(hidden);
}

fn timeout(cx: &Cx<'_>, r: &EdgeRoute, p: &Route) -> Inline {
    match (&p.timeout, r.stream) {
        (None, stream) => say!(
            "none: a {} stream; closed after {} s of silence",
            stream.map_or("long", Transport::name),
            cx.plan.choices.gateway.idle_s
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
    doc.para(
        say!(
            "Limited by {}. Counted where: {}. Source: ",
            gateway.rate_limit,
            gateway.limit_scope
        )
        .and(source(&gateway.source))
        .and(Inline::text(".")),
    );
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
            "Of one client",
            "Burst of one client",
            "Behind it",
        ],
        rows,
    );
    if let Some(first) = edge.routes.first() {
        doc.para(say!(
            "Above a limit the answer is `429 Too Many Requests` with `Retry-After` in whole seconds; a gRPC client of this gateway sees `RESOURCE_EXHAUSTED` or `UNAVAILABLE`. A client of `{}` that repeats earlier spends its next {} requests on answers of the same kind.",
            first.name,
            first.burst
        ));
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
                (Some(Auth::Mtls), _) => say!("a client certificate (set), and a token"),
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
    if edge.routes.iter().any(|r| r.token == Token::Required) {
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
        let mut all: Vec<&str> = edge
            .routes
            .iter()
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
            cx.plan.choices.infrastructure.workload_identity
        ),
        Auth::Oauth2 => say!(
            "The token ends at the gateway. Its subject goes on as `x-user-id` with an access token of the gateway's own client ({}), to ",
            cx.plan.choices.infrastructure.workload_identity
        ),
        Auth::Iam => say!(
            "The token ends at the gateway. Its subject goes on as `x-user-id`, and the gateway shows its own identity ({}), to ",
            cx.plan.choices.infrastructure.workload_identity
        ),
    };
    doc.para(how.and(Inline::names(services)).and(Inline::text(".")));
}

fn transformation(cx: &Cx<'_>, doc: &mut Doc, edge: &Edge<'_>) {
    doc.heading(1, "Request transformation", "gateway-transformation");
    let entry = edge.routes.first().map_or("", |r| {
        cx.plan.model.service(plan_of(cx, r).service).name.as_str()
    });
    let why = |header: &str| match header {
        "x-user-id" => say!(
            "`{}` takes the user from it; only the gateway may write it",
            entry
        ),
        "x-internal-caller" => say!("names a service of this system; nobody outside is one"),
        "x-forwarded-client-cert" => say!("certificate of a caller inside"),
        "tracestate" => {
            say!("state of somebody else's tracing; may be 512 bytes on every hop of this system")
        }
        _ => {
            say!("key and value pairs that every service of this system would copy to its callees")
        }
    };
    let mut rows: Vec<Vec<Inline>> = REMOVED
        .iter()
        .map(|h| {
            vec![
                Inline::code(*h),
                Inline::text("removed from outside"),
                Inline::text("every route"),
                why(h),
            ]
        })
        .collect();
    if !edge.forwards_token() {
        rows.push(vec![
            Inline::code("authorization"),
            Inline::text("removed after the check"),
            Inline::text("every route"),
            say!(
                "services prove themselves by {}",
                cx.plan.choices.auth_name()
            ),
        ]);
    }
    rows.push(vec![
        Inline::code("x-user-id"),
        Inline::text("added"),
        Inline::text("routes with a valid token"),
        say!("`sub` of the token"),
    ]);
    rows.push(vec![
        Inline::code("x-request-id"),
        Inline::text("added"),
        Inline::text("every route"),
        say!("one for each request, also in the answer to a complaint"),
    ]);
    rows.push(vec![
        Inline::code("traceparent"),
        Inline::text("added if absent"),
        Inline::text("every route"),
        say!("sampled at {}", cx.plan.tracing.ratio.value),
    ]);
    for r in &edge.routes {
        let extra = match r.stream {
            Some(Transport::WebSocket) => say!("passed on, so that the connection is upgraded"),
            _ => continue,
        };
        rows.push(vec![
            Inline::code("connection, upgrade"),
            Inline::text("kept"),
            Inline::code(r.name.as_str()),
            extra,
        ]);
    }
    for r in edge.routes.iter().filter(|r| r.grpc && r.stream.is_none()) {
        rows.push(vec![
            Inline::code("grpc-timeout"),
            Inline::text("kept"),
            Inline::code(r.name.as_str()),
            say!("the client's deadline; the shorter of it and the route's timeout counts"),
        ]);
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
            .filter(|(p, _)| file.text.contains(p.as_str()))
            .map(|(place, what)| say!("`{}`: ", place).and(Inline::quoted(what))),
    );
    doc.list(file.notes.iter().map(|n| Inline::quoted(n)));
    doc.list(
        file.left_out
            .iter()
            .map(|(name, why)| say!("`{}` is not in this file: {}.", name, why)),
    );
    doc.details(&file.name.clone(), |d| d.code(file.fence, &file.text));
}
