//! Protocol Buffers: one file a gRPC service, the health service, and what `buf` needs to know.
//!
//! What the spec does not know, the fields of messages, is left for the team: a message is empty but for
//! the idempotency key of what is repeated and must not be done twice.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::super::Cx;
use super::{File, Kind, comment_line};
use crate::model::{CallId, Party, ServiceId, Transport};
use crate::plan::{Idempotency, Rpc, snake};

pub(super) const KIND: Kind = Kind {
    id: "proto",
    what: "a .proto a gRPC service, with the health service",
    files,
};

/// One method and everybody who calls it.
#[derive(Default)]
struct Method {
    calls: Vec<CallId>,
    /// The server answers with a stream.
    streams: bool,
}

/// A gRPC service: who serves it, and its methods by name.
#[derive(Default)]
struct Service {
    servers: BTreeSet<ServiceId>,
    methods: BTreeMap<String, Method>,
    package_stated: bool,
}

fn files(cx: &Cx<'_>) -> Vec<File> {
    let services = services(cx);
    if services.is_empty() {
        return Vec::new();
    }
    // A request's name must stand once in its package, whatever service it belongs to.
    let mut uses: BTreeMap<(&str, &str), u32> = BTreeMap::new();
    for ((package, _), service) in &services {
        for method in service.methods.keys() {
            *uses.entry((package, method)).or_default() += 1;
        }
    }
    let mut out: Vec<File> = services
        .iter()
        .map(|((package, name), service)| {
            let long = |method: &str| uses.get(&(package.as_str(), method)) > Some(&1);
            file(path(package, name), text(cx, package, name, service, long))
        })
        .collect();
    out.push(file(
        "grpc/health/v1/health.proto".to_owned(),
        HEALTH.to_owned(),
    ));
    out.push(File {
        fence: "yaml",
        ..file("buf.yaml".to_owned(), BUF.to_owned())
    });
    out
}

fn path(package: &str, name: &str) -> String {
    format!("{}/{}.proto", package.replace('.', "/"), snake_case(name))
}

/// The path of every gRPC contract and who serves it.
pub(super) fn served(cx: &Cx<'_>) -> Vec<(String, BTreeSet<ServiceId>)> {
    services(cx)
        .into_iter()
        .map(|((package, name), s)| (format!("proto/{}", path(&package, &name)), s.servers))
        .collect()
}

fn file(path: String, text: String) -> File {
    File {
        path: format!("proto/{path}"),
        fence: "protobuf",
        text,
        checked_by: Some("buf lint, buf build and protoc"),
        notes: Vec::new(),
    }
}

/// The services by package and name. What others own, or brings its own contract, is not ours to write.
fn services(cx: &Cx<'_>) -> BTreeMap<(String, String), Service> {
    let model = cx.plan.model;
    let mut out: BTreeMap<(String, String), Service> = BTreeMap::new();
    let mut add = |rpc: Rpc, server: ServiceId, call: Option<CallId>| {
        let service = out.entry((rpc.package, rpc.service)).or_default();
        service.servers.insert(server);
        service.package_stated |= rpc.package_stated;
        if let Some(method) = rpc.method {
            let method = service.methods.entry(method).or_default();
            method.streams |= call.is_none();
            method.calls.extend(call);
        }
    };
    for id in model.call_ids() {
        let c = model.call(id);
        let owned = model.service(c.to).external || model.service(c.to).contract.is_some();
        if owned || c.contract.is_some() {
            continue;
        }
        if let Some(rpc) = cx.plan.rpc(id).filter(|rpc| rpc.method.is_some()) {
            add(rpc, c.to, Some(id));
        }
    }
    for s in model
        .streams
        .iter()
        .filter(|s| s.transport == Transport::GrpcStream)
    {
        if let Party::Service(server) = s.from {
            let rpc = cx.plan.stream_rpc(server, &s.path);
            if rpc.method.is_some() && model.service(server).contract.is_none() {
                add(rpc, server, None);
            }
        }
    }
    out
}

fn text(
    cx: &Cx<'_>,
    package: &str,
    name: &str,
    service: &Service,
    long: impl Fn(&str) -> bool,
) -> String {
    let model = cx.plan.model;
    let servers: Vec<&str> = service
        .servers
        .iter()
        .map(|s| model.service(*s).name.as_str())
        .collect();
    let mut out = String::new();
    out.push_str(&comment_line(
        "//",
        &format!("{name} as {} serves it.", servers.join(" and ")),
    ));
    if !service.package_stated {
        out.push_str(&comment_line(
            "//",
            "The spec names no package, so this one follows from the design; write package.Service/Method to set it.",
        ));
    }
    out.push_str("syntax = \"proto3\";\n\n");
    if !versioned(package) {
        out.push_str("// buf:lint:ignore PACKAGE_VERSION_SUFFIX\n");
    }
    let _ = writeln!(out, "package {package};\n");
    if !name.ends_with("Service") {
        out.push_str("// buf:lint:ignore SERVICE_SUFFIX\n");
    }
    let _ = writeln!(out, "service {name} {{");
    for (i, (method, of)) in service.methods.iter().enumerate() {
        if i > 0 {
            out.push('\n');
        }
        for line in told(cx, of) {
            out.push_str(&comment_line("  //", &line));
        }
        let (request, response) = messages(name, method, long(method));
        let stream = if of.streams { "stream " } else { "" };
        let idempotent =
            !of.calls.is_empty() && of.calls.iter().all(|id| cx.plan.call(*id).idempotent.value);
        if idempotent {
            let _ = writeln!(
                out,
                "  rpc {method}({request}) returns ({stream}{response}) {{"
            );
            out.push_str("    option idempotency_level = IDEMPOTENT;\n  }\n");
        } else {
            let _ = writeln!(
                out,
                "  rpc {method}({request}) returns ({stream}{response});"
            );
        }
    }
    out.push_str("}\n");
    for (method, of) in &service.methods {
        let (request, response) = messages(name, method, long(method));
        let repeated = of.calls.iter().any(|id| {
            let p = cx.plan.call(*id);
            p.attempts.value > 1 && p.idempotency != Idempotency::Name
        });
        if repeated {
            let _ = write!(
                out,
                "\nmessage {request} {{\n  // The same for every repetition of one request; the answer is stored under it.\n  string idempotency_key = 1;\n}}\n"
            );
        } else {
            let _ = write!(out, "\nmessage {request} {{}}\n");
        }
        let _ = write!(out, "\nmessage {response} {{}}\n");
    }
    out
}

/// Who calls the method, how often and how long each waits.
fn told(cx: &Cx<'_>, method: &Method) -> Vec<String> {
    let model = cx.plan.model;
    let mut lines: Vec<String> = method
        .calls
        .iter()
        .filter_map(|id| model.call(*id).description.clone())
        .collect();
    lines.extend(method.calls.iter().map(|id| {
        let p = cx.plan.call(*id);
        format!(
            "{} calls it at most {} and waits {} in all.",
            model.party(model.call(*id).from),
            p.rate.value,
            p.deadline.value
        )
    }));
    lines
}

/// Names of the request and the answer.
fn messages(service: &str, method: &str, long: bool) -> (String, String) {
    let stem = if long {
        format!("{service}{method}")
    } else {
        method.to_owned()
    };
    (format!("{stem}Request"), format!("{stem}Response"))
}

/// `v1`, `v2beta1`, … at the end.
fn versioned(package: &str) -> bool {
    let last = package.rsplit('.').next().unwrap_or_default();
    package.contains('.')
        && last.strip_prefix('v').is_some_and(|rest| {
            rest.starts_with(|c: char| ('1'..='9').contains(&c))
                && rest.chars().all(|c| c.is_ascii_digit())
        })
}

/// `CartService`: `cart_service`.
fn snake_case(name: &str) -> String {
    let mut out = String::new();
    for (i, c) in name.chars().enumerate() {
        if c.is_ascii_uppercase() && i > 0 && !out.ends_with('_') {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    snake(&out)
}

/// The health service that gRPC's own tools and Kubernetes ask; its names and numbers are the protocol's.
const HEALTH: &str = r#"// Health of a server and of each of its services, as gRPC defines the protocol.
syntax = "proto3";

package grpc.health.v1;

service Health {
  // The state now; an empty service name asks about the whole server.
  rpc Check(HealthCheckRequest) returns (HealthCheckResponse);

  // The state now and each time that it changes; clients that balance by themselves listen here.
  rpc Watch(HealthCheckRequest) returns (stream HealthCheckResponse);
}

message HealthCheckRequest {
  string service = 1;
}

message HealthCheckResponse {
  enum ServingStatus {
    UNKNOWN = 0;
    SERVING = 1;
    NOT_SERVING = 2;
    // Only from Watch.
    SERVICE_UNKNOWN = 3;
  }

  ServingStatus status = 1;
}
"#;

/// The names of the health protocol are older than the rules of the linter.
const BUF: &str = "version: v2\nmodules:\n  - path: .\nlint:\n  use:\n    - STANDARD\n  ignore:\n    - grpc/health\n";
