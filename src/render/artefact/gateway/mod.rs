//! The gateway's configuration, in the gateway's own format.
//!
//! [`Edge`] is the plan's routes made fit for every format: names are identifiers, paths are taken apart,
//! and of two routes that match the same requests only the first is left.

mod aws;
mod azure;
mod envoy;
mod gateway_api;
mod gcp;
mod kong;
mod nginx;
#[cfg(all(test, feature = "conformance"))]
mod real;
#[cfg(test)]
mod same;

use std::collections::BTreeSet;

use super::path::{Piece, literal, pieces, regex, shape, template};
use super::{Kind, yaml};
use crate::model::units::{Bytes, Rate, Time};
use crate::model::{Auth, Protocol, Transport};
use crate::plan::{Plan, Route, slug};

/// Who issues the users' tokens; to be replaced by the team.
pub(crate) const ISSUER: &str = "https://issuer.example";
/// Where the issuer publishes its keys; to be replaced by the team.
pub(crate) const KEYS: &str = "https://issuer.example/.well-known/jwks.json";
/// Host of the issuer.
pub(crate) const ISSUER_HOST: &str = "issuer.example";
/// What the tokens must be issued for; to be replaced by the team.
pub(crate) const AUDIENCE: &str = "https://api.example";
/// The name under which clients reach the gateway; to be replaced by the team.
pub(crate) const PUBLIC_HOST: &str = "api.example";
/// Where spans go; to be replaced by the team.
pub(crate) const COLLECTOR: &str = "otel-collector.example";
/// The port on which every service listens; to be replaced by the team.
pub(crate) const PORT: u16 = 8080;

/// Headers that must not come in from outside: an identity, or the state of somebody else's trace.
pub(crate) const REMOVED: [&str; 5] = [
    "x-user-id",
    "x-internal-caller",
    "x-forwarded-client-cert",
    "tracestate",
    "baggage",
];

/// A pattern for what makes a path ambiguous, whatever the case: an empty segment, one or two dots, a hidden
/// slash, a null or a fragment.
const ODD: &str = "//|/(\\.|%2e){1,2}(/|$)|%2f|%5c|%00|\\\\|#";

/// Whether a request needs a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Token {
    /// No token, no answer.
    Required,
    /// A token that is there must be valid; the service behind decides about requests without one.
    IfPresent,
}

/// A route as the formats need it.
#[derive(Clone, Debug)]
pub(crate) struct EdgeRoute {
    /// Name in the configuration and in the chapter: letters, digits and `-`, unique.
    pub(crate) name: String,
    /// Index in the plan's routes.
    pub(crate) index: usize,
    pub(crate) method: Option<&'static str>,
    pub(crate) path: Vec<Piece>,
    pub(crate) prefix: bool,
    /// Identifier of the service behind.
    pub(crate) service: String,
    pub(crate) host: String,
    pub(crate) grpc: bool,
    pub(crate) stream: Option<Transport>,
    /// `None` for a stream.
    pub(crate) timeout: Option<Time>,
    pub(crate) limit: Rate,
    pub(crate) client_limit: Rate,
    pub(crate) burst: u64,
    /// Requests of all clients at once.
    pub(crate) at_once: u64,
    /// `None` if nothing limits it.
    pub(crate) body: Option<Bytes>,
    pub(crate) token: Token,
}

/// Everything that a configuration is written from.
pub(crate) struct Edge<'a> {
    pub(crate) plan: &'a Plan<'a>,
    /// Most specific first: gateways that take the first match take the right one.
    pub(crate) routes: Vec<EdgeRoute>,
    /// Plan routes that match what another one takes already: (hidden, winner).
    pub(crate) hidden: Vec<(usize, usize)>,
}

pub(super) const KIND: Kind = Kind {
    id: "gateway",
    what: "the gateway's configuration",
    files: |cx| {
        let edge = Edge::new(cx.plan);
        if edge.routes.is_empty() {
            return Vec::new();
        }
        let file = edge.file();
        if file.left_out.len() == edge.routes.len() {
            return Vec::new();
        }
        let left_out = file.left_out_by_reason().into_iter().map(|(why, names)| {
            let names: Vec<String> = names.iter().map(|n| format!("`{n}`")).collect();
            format!("Not in this file, since {why}: {}.", names.join(", "))
        });
        vec![super::File {
            path: format!("gateway/{}", file.name),
            fence: file.fence,
            notes: left_out
                .chain(file.cannot.iter().map(|(_, n)| (*n).to_owned()))
                .chain(file.notes.iter().map(|n| (*n).to_owned()))
                .collect(),
            text: file.text,
            checked_by: file.checked_by,
        }]
    },
};

/// What the plan says about a route beside where it leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rule {
    /// No token, no answer; a token that is there must be valid.
    Token,
    /// The time a request may take.
    Timeout,
    /// Requests of all clients together.
    Limit,
    /// Requests of one client.
    ClientLimit,
    /// Requests at once.
    Burst,
    /// The largest body.
    Body,
    /// A path of the design with another method is answered 405, with `Allow`.
    Method,
    /// Headers that are not let in.
    Headers,
}

/// A configuration file.
pub(crate) struct File {
    pub(crate) name: String,
    pub(crate) fence: &'static str,
    pub(crate) text: String,
    /// What a real reader of this format has checked it in the project's tests; `None` if none could.
    pub(crate) checked_by: Option<&'static str>,
    /// Routes that this gateway cannot serve, by name, with the reason.
    pub(crate) left_out: Vec<(String, &'static str)>,
    /// Rules that this gateway cannot hold as the plan says, with what happens instead; both the file and the
    /// chapter say so.
    pub(crate) cannot: Vec<(&'static [Rule], &'static str)>,
    /// What else to know beside the file.
    pub(crate) notes: Vec<&'static str>,
}

impl File {
    /// The names of the routes that this gateway cannot serve, by reason, in the order of the routes.
    pub(crate) fn left_out_by_reason(&self) -> Vec<(&'static str, Vec<&str>)> {
        let mut all: Vec<(&'static str, Vec<&str>)> = Vec::new();
        for (name, why) in &self.left_out {
            match all.iter_mut().find(|(known, _)| known == why) {
                Some((_, names)) => names.push(name),
                None => all.push((why, vec![name])),
            }
        }
        all
    }
}

impl File {
    fn cannot(&mut self, rules: &'static [Rule], instead: &'static str) {
        self.cannot.push((rules, instead));
    }
}

impl<'a> Edge<'a> {
    pub(crate) fn new(plan: &'a Plan<'a>) -> Self {
        let (mut routes, mut hidden) = (Vec::<EdgeRoute>::new(), Vec::new());
        let mut names = BTreeSet::new();
        for (index, r) in plan.gateway.routes.iter().enumerate() {
            let route = route(plan, index, r);
            let same = |o: &EdgeRoute| {
                shape(&o.path) == shape(&route.path)
                    && o.prefix == route.prefix
                    && o.grpc == route.grpc
                    && o.method == route.method
            };
            if let Some(winner) = routes.iter().find(|o| same(o)) {
                hidden.push((index, winner.index));
                continue;
            }
            // Formats that key on the path want one spelling of it.
            let twin = routes.iter().find(|o| shape(&o.path) == shape(&route.path));
            let path = twin.map_or_else(|| route.path.clone(), |o| o.path.clone());
            let base: String = route.name.chars().take(48).collect();
            let base = base.trim_end_matches('-').to_owned();
            let mut name = base.clone();
            let mut n = 2;
            while !names.insert(name.clone()) {
                name = format!("{base}-{n}");
                n += 1;
            }
            routes.push(EdgeRoute {
                name,
                path,
                ..route
            });
        }
        routes.sort_by_key(|r| {
            let params = r.path.iter().filter(|p| matches!(p, Piece::Param(_)));
            let length = std::cmp::Reverse(template(&r.path).len());
            // Among prefixes the longer one is the more specific, whatever stands in it.
            let params = if r.prefix { 0 } else { params.count() };
            (r.prefix, params, length, r.method.is_none(), r.index)
        });
        Self {
            plan,
            routes,
            hidden,
        }
    }

    /// The configuration for the chosen gateway.
    pub(crate) fn file(&self) -> File {
        let gateway = self.plan.choices.gateway;
        let mut file = match gateway.id.as_str() {
            "envoy" => envoy::file(self),
            "nginx" => nginx::file(self),
            "kong" => kong::file(self),
            "aws-api-gateway" => aws::file(self),
            "gcp-api-gateway" => gcp::file(self),
            "azure-apim" => azure::file(self),
            _ => gateway_api::file(self),
        };
        file.name.clone_from(&gateway.file);
        file.fence = &gateway.fence;
        let instead = file.cannot.iter().map(|(_, n)| *n);
        let instead: String = match file.fence {
            // A template keeps them in its metadata.
            "json" => String::new(),
            "xml" => instead.map(|n| format!("<!-- {n} -->\n")).collect(),
            _ => instead.map(|n| super::comment_line("#", n)).collect(),
        };
        file.text.insert_str(0, &instead);
        file
    }

    /// Whether the service behind sees the user's token itself.
    pub(crate) fn forwards_token(&self) -> bool {
        self.plan.choices.auth == Auth::Jwt
    }
}

fn route(plan: &Plan<'_>, index: usize, r: &Route) -> EdgeRoute {
    let model = plan.model;
    let service = plan.service(r.service);
    let path = pieces(&r.path);
    let stream = r.stream.map(|s| model.stream(s).transport);
    let grpc = r.grpc || stream == Some(Transport::GrpcStream);
    // A catch-all in front of a whole service carries pages for people without a token as well.
    let open = match r.call {
        Some(call) => r.prefix && matches!(model.call(call).protocol, Protocol::Rest(None)),
        None => r.stream.is_none(),
    };
    let timeout = r.timeout.as_ref().map(|t| match plan.gateway.ceiling {
        // Only a managed gateway refuses a longer time; elsewhere the number is a default.
        Some(ceiling) if plan.choices.gateway.id == "aws-api-gateway" => t.value.min(ceiling),
        _ => t.value,
    });
    EdgeRoute {
        name: slug(&format!(
            "{} {} {}",
            service.slug,
            r.method.unwrap_or("any"),
            r.path
        )),
        index,
        // Every gRPC call is a POST, the opening of a stream included.
        method: if grpc { Some("POST") } else { r.method },
        path,
        prefix: r.prefix,
        service: service.slug.clone(),
        host: service.address.clone(),
        grpc,
        stream,
        timeout,
        limit: r.limit.value,
        client_limit: r.client_limit.value,
        burst: r.burst.value,
        at_once: r.at_once.value,
        body: if stream.is_none() {
            r.body.as_ref().map(|b| b.value)
        } else {
            None
        },
        token: if open {
            Token::IfPresent
        } else {
            Token::Required
        },
    }
}

impl EdgeRoute {
    /// A regular expression for every path of the route, without anchors.
    fn pattern(&self) -> String {
        let path = regex(&self.path);
        match (self.prefix, path.trim_end_matches('/')) {
            (true, base) => format!("{base}(/.*)?"),
            (false, _) => path,
        }
    }

    /// The path itself, where no other spelling of it means the same.
    fn exact(&self) -> Option<String> {
        literal(&self.path).filter(|p| !p.contains('%'))
    }

    /// Milliseconds, at least one.
    fn timeout_ms(&self) -> Option<u64> {
        self.timeout.map(|t| t.as_ms().max(1))
    }
}

/// `rate` as whole requests in as many milliseconds, a second or a little more.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "float to integer casts saturate"
)]
fn fill(rate: Rate) -> (u64, u64) {
    let whole = (rate.0 - 1e-9).ceil().max(1.0);
    let ms = (whole * 1000.0 / rate.0.max(1.0 / 60.0)).round();
    (whole as u64, ms as u64)
}

/// `rate` as whole requests a minute, rounded up.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "float to integer casts saturate"
)]
fn per_minute(rate: Rate) -> u64 {
    (rate.0.mul_add(60.0, -1e-6)).ceil().max(1.0) as u64
}

/// `2s`, `1s500ms`: durations as the Gateway API writes them.
fn gep_duration(ms: u64) -> String {
    match (ms / 1000, ms % 1000) {
        (0, ms) => format!("{ms}ms"),
        (s, 0) => format!("{}s", s.min(99_999)),
        (s, ms) => format!("{}s{ms}ms", s.min(99_999)),
    }
}

/// Paths of routes with a method, each with all methods that it takes: another one is answered with 405.
fn allowed<'e>(edge: &'e Edge<'_>) -> Vec<(&'e EdgeRoute, String)> {
    let http = || edge.routes.iter().filter(|r| !r.grpc);
    let mut seen = BTreeSet::new();
    let mut out = Vec::new();
    for r in http().filter(|r| r.method.is_some()) {
        if !seen.insert((shape(&r.path), r.prefix)) {
            continue;
        }
        let methods: BTreeSet<&str> = http()
            .filter(|o| covers(o, r))
            .filter_map(|o| o.method)
            .collect();
        let methods: Vec<&str> = methods.into_iter().collect();
        out.push((r, methods.join(", ")));
    }
    out
}

/// Whether `a` matches the path of `b` as it is written, segment by segment.
fn covers(a: &EdgeRoute, b: &EdgeRoute) -> bool {
    let (a_shape, b_shape) = (shape(&a.path), shape(&b.path));
    let mut theirs = b_shape.trim_end_matches('/').split('/');
    let mut ours = a_shape.trim_end_matches('/').split('/');
    for part in ours.by_ref() {
        match theirs.next() {
            Some(other) if part == other || (part == "{}" && !other.is_empty()) => {}
            _ => return false,
        }
    }
    a.prefix || (theirs.next().is_none() && a_shape.ends_with('/') == b_shape.ends_with('/'))
}

/// Comment lines for YAML and NGINX.
fn comment(lines: &[String]) -> String {
    lines.iter().map(|l| super::comment_line("#", l)).collect()
}

/// The limits of each route, for formats that keep them elsewhere.
fn limits(edge: &Edge<'_>) -> Vec<String> {
    edge.routes
        .iter()
        .map(|r| {
            format!(
                "  {}: {} in all, {} at once; {} a client, {} at once",
                r.name, r.limit, r.at_once, r.client_limit, r.burst
            )
        })
        .collect()
}

fn new_file(text: String, checked_by: Option<&'static str>) -> File {
    File {
        name: String::new(),
        fence: "text",
        text,
        checked_by,
        left_out: Vec::new(),
        cannot: Vec::new(),
        notes: Vec::new(),
    }
}

/// One entry for each service behind, in order of its name: identifier, host, whether it gets gRPC.
fn upstreams(edge: &Edge<'_>) -> Vec<(String, String, bool)> {
    let all: BTreeSet<(String, String, bool)> = edge
        .routes
        .iter()
        .map(|r| (r.service.clone(), r.host.clone(), r.grpc))
        .collect();
    all.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A route of an HTTP API.
    fn at(path: &str, prefix: bool) -> EdgeRoute {
        EdgeRoute {
            name: "r".to_owned(),
            index: 0,
            method: Some("GET"),
            path: pieces(path),
            prefix,
            service: "s".to_owned(),
            host: "s".to_owned(),
            grpc: false,
            stream: None,
            timeout: None,
            limit: Rate(1.0),
            client_limit: Rate(1.0),
            burst: 1,
            at_once: 1,
            body: None,
            token: Token::Required,
        }
    }

    #[test]
    fn a_route_covers_what_it_matches() {
        let exact = at("/orders/open", false);
        assert!(covers(&at("/orders/{id}", false), &exact));
        assert!(covers(&at("/orders", true), &exact));
        assert!(covers(&at("/", true), &exact));
        assert!(!covers(&exact, &at("/orders/{id}", false)));
        assert!(!covers(&at("/order", true), &exact));
        assert!(!covers(&at("/orders/open/", false), &exact));
    }

    #[test]
    fn rates_are_whole_and_never_zero() {
        assert_eq!(fill(Rate(13.0)), (13, 1000));
        assert_eq!(fill(Rate(1.3)), (2, 1538));
        assert_eq!(fill(Rate(0.0)), (1, 60_000));
        assert_eq!(per_minute(Rate(0.0)), 1);
        assert_eq!(per_minute(Rate(1.3)), 78);
        assert_eq!(gep_duration(1500), "1s500ms");
        assert_eq!(gep_duration(60_000), "60s");
    }
}
