//! `path-shared-by-stream`: a stream and a REST operation have the same path.
//!
//! A WebSocket or SSE stream to an actor, and a REST operation that an actor calls, whose paths match the same
//! requests at one gateway; the operation is a GET, or names no method.

use super::prelude::*;
use crate::model::{Method, Protocol, Transport};
use crate::plan::address;

rule! {
    id: "path-shared-by-stream",
    severity: Warning,
    section: Gateway,
    summary: "a stream and a REST operation have the same path",
    what: "A WebSocket or SSE stream to an actor, and a REST operation that an actor calls, whose paths match the same requests at one gateway; the operation is a GET, or names no method.",
    why: "Both begin with a GET of that path: the gateway sends all of them to one of the two, and the other is never reached.",
    limits: "A gateway could look at the `Upgrade` header, which the files here do not do; SSE has none. Where a load balancer takes streams in beside the gateway, each may have its own host, and nothing is said. Paths with `*` are left out.",
    source: "RFC 6455, opening handshake: a GET request with `Upgrade`",
}

fn check(facts: &Facts<'_>, report: &mut Report) {
    let m = facts.model;
    if facts.plan.choices.gateway.balancer.is_some() {
        return;
    }
    let mut paths: std::collections::BTreeMap<String, CallId> = std::collections::BTreeMap::new();
    for id in m.call_ids() {
        let c = m.call(id);
        let (Party::Actor(_), Protocol::Rest(method)) = (c.from, &c.protocol) else { continue };
        if m.service(c.to).external || !matches!(method, None | Some(Method::Get)) {
            continue;
        }
        let (_, path, prefix) = address(&c.protocol, &c.operation);
        if !prefix {
            paths.entry(shape(&path)).or_insert(id);
        }
    }
    for id in m.stream_ids() {
        let s = m.stream(id);
        let (Party::Service(server), Party::Actor(_)) = (s.from, s.to) else { continue };
        if s.transport == Transport::GrpcStream {
            continue;
        }
        let Some(&call) = paths.get(&shape(&s.path)) else { continue };
        let c = m.call(call);
        let d = report
            .at(
                s.span,
                format!("`{}` of `{}` and `{}` of `{}` have one path", s.label(), m.service(server).name, c.label(), m.service(c.to).name),
            )
            .at("begins with a GET of this path")
            .label(c.span, "so does this")
            .help(format!("give the stream a path of its own, such as `{}/stream`", s.path.trim_end_matches('/')));
        report.add(facts.stream(id), d);
    }
}

/// The path with every parameter the same.
fn shape(path: &str) -> String {
    let parts = path.trim_matches('/').split('/');
    let parts: Vec<&str> = parts.map(|p| if p.starts_with(['{', ':']) { "{}" } else { p }).collect();
    parts.join("/")
}
