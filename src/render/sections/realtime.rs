//! Real-time communication: per stream how many connections, how they are kept and how they move.

use super::super::Cx;
use super::super::doc::{Doc, Inline, say};
use crate::model::{Backplane, Party, Stream, StreamId, Transport};
use crate::plan::StreamPlan;

pub(super) fn write(cx: &Cx<'_>, doc: &mut Doc) {
    let model = cx.plan.model;
    if model.streams.is_empty() {
        doc.para(say!(
            "Left out: {} pushes nothing over a stream.",
            model.title
        ));
        return;
    }
    for id in model.stream_ids() {
        one(cx, doc, id);
    }
}

fn one(cx: &Cx<'_>, doc: &mut Doc, id: StreamId) {
    let model = cx.plan.model;
    let (stream, plan) = (model.stream(id), cx.plan.stream(id));
    let (from, to) = (model.party(stream.from), model.party(stream.to));
    doc.heading(
        1,
        Inline::text(format!("{from} to {to}: {}", stream.label())),
        &format!("realtime-{}", id.0),
    );
    if let Some(text) = &stream.description {
        doc.para(text.as_str());
    }
    let server = plan
        .server
        .map(|s| model.service(s).name.as_str())
        .unwrap_or(from);
    let row = |part: &str, value: Inline| vec![Inline::text(part), value];
    let mut rows = vec![
        row("Transport", transport(cx, stream, plan)),
        row("Holds the connections", Inline::code(server)),
        row("Connections at the peak", Inline::figure(&plan.connections)),
        row("Of one instance", of_one(plan)),
        row("Instances needed", needed(cx, plan)),
        row("Memory of one instance", Inline::figure(&plan.memory)),
        row("Messages", Inline::figure(&plan.rate)),
        row("Heartbeat", heartbeat(stream, plan)),
    ];
    if let Some((life, whose)) = &plan.lifetime {
        rows.push(row(
            "Longest life",
            say!(
                "{} at {}; `{}` closes each connection before that and the client comes back as below",
                *life,
                whose.as_str(),
                server
            ),
        ));
    }
    if let Some(session) = stream.terms.max_session {
        rows.push(row("A client stays", say!("up to {} (set)", session.value)));
    }
    rows.push(row(
        "Reconnect",
        say!("after a random wait between 0 and {}", plan.reconnect.value)
            .and(Inline::why(&plan.reconnect)),
    ));
    rows.push(row("Resume", resume(cx, stream, plan, server)));
    rows.push(row("Backplane", backplane(cx, stream, plan, server)));
    if let Some(fallback) = stream.terms.fallback {
        rows.push(row(
            "Where that does not work",
            match fallback.value {
                Some(other) => say!(
                    "{} (set); every request of a client has to reach the instance of `{}` that knows it{}",
                    other,
                    server,
                    match stream.terms.sticky.map(|s| s.value) {
                        Some(true) => ": the gateway keeps it there (set)",
                        Some(false) => ", and today it does not; proposed: affinity by cookie",
                        None => ": affinity by cookie",
                    }
                ),
                None => Inline::text("nothing (set)"),
            },
        ));
    }
    rows.push(row("Drain on deploy", drain(stream, plan, server)));
    doc.table(&["Part", "Design"], rows);
}

fn transport(cx: &Cx<'_>, stream: &Stream, plan: &StreamPlan) -> Inline {
    let outside = [stream.from, stream.to]
        .into_iter()
        .find(|p| matches!(p, Party::Actor(_)));
    match (stream.transport, outside) {
        // The plan's reason speaks of two services.
        (Transport::GrpcStream, Some(actor)) => say!(
            "gRPC-stream (set); `{}` is no service: a page in a browser reaches it only by gRPC-Web, which streams from the server alone",
            cx.plan.model.party(actor)
        ),
        (t, _) => Inline::text(t.name()).and(say!(" ({})", plan.transport_why)),
    }
}

/// The connections of this stream on one instance, and of all streams where the server has others.
fn of_one(plan: &StreamPlan) -> Inline {
    let own = Inline::figure(&plan.per_replica);
    if plan.siblings < 2 {
        return own;
    }
    own.and(say!(
        "; of all {} streams {}",
        plan.siblings,
        plan.together.value
    ))
    .and(Inline::why(&plan.together))
}

fn needed(cx: &Cx<'_>, plan: &StreamPlan) -> Inline {
    let base = Inline::figure(&plan.replicas_needed);
    let Some(server) = plan.server else {
        return base;
    };
    let name = cx.plan.model.service(server).name.as_str();
    let has = &cx.plan.service(server).replicas;
    let verdict = if has.value < plan.replicas_needed.value {
        say!("; `{}` has {}, which is **too few**", name, has.value)
    } else {
        say!("; `{}` has {}", name, has.value)
    };
    base.and(verdict)
}

fn heartbeat(stream: &Stream, plan: &StreamPlan) -> Inline {
    let (limit, whose) = &plan.idle_limit;
    let how = match stream.transport {
        Transport::WebSocket => "a ping frame",
        Transport::Sse => "a comment line",
        Transport::GrpcStream => "an HTTP/2 keepalive ping",
    };
    let base = say!("{} every ", how).and(Inline::figure(&plan.heartbeat));
    if plan.heartbeat.value < *limit {
        base.and(say!(
            "; the shortest idle limit on the path is {} ({})",
            limit,
            whose
        ))
    } else {
        base.and(say!("; **not below** the shortest idle limit on the path, {} ({}), which closes a quiet connection first", limit, whose))
    }
}

fn resume(cx: &Cx<'_>, stream: &Stream, plan: &StreamPlan, server: &str) -> Inline {
    if !plan.resume.value {
        return say!(
            "no: `{}` sends what is current after a reconnect, and what passed meanwhile is gone",
            server
        )
        .and(Inline::why(&plan.resume));
    }
    let how = match stream.transport {
        Transport::Sse => "the `id:` of the last event comes back as `Last-Event-ID`",
        Transport::WebSocket => {
            "the client sends the number of the last message when it opens the connection"
        }
        Transport::GrpcStream => "the client sends the number of the last message in its request",
    };
    say!("yes: {}; ", how)
        .and(match log_store(cx, plan) {
            Some(store) => say!("`{}` keeps the messages in `{}` for more than the {} in which clients come back", server, store, plan.reconnect.value),
            None => say!("`{}` has no store of that kind and needs a log that keeps the messages for more than the {} in which clients come back", server, plan.reconnect.value),
        })
        .and(Inline::why(&plan.resume))
}

/// A store of the server in which messages can be kept in order and listened to.
fn log_store<'a>(cx: &Cx<'a>, plan: &StreamPlan) -> Option<&'a str> {
    let model = cx.plan.model;
    let stores = &model.service(plan.server?).stores;
    stores
        .iter()
        .map(|s| model.store(*s))
        .find(|s| matches!(s.kind.to_ascii_lowercase().as_str(), "redis" | "valkey"))
        .map(|s| s.name.as_str())
}

fn backplane(cx: &Cx<'_>, stream: &Stream, plan: &StreamPlan, server: &str) -> Inline {
    let model = cx.plan.model;
    let stated = stream.terms.backplane.map(|b| b.value);
    if let Some(kind) = stated.filter(|b| *b != Backplane::Lacking) {
        return say!("{} (set)", kind.name());
    }
    if !plan.backplane {
        return say!(
            "none: `{}` is one instance, so a message arises where its listener is",
            server
        );
    }
    let lossless = stream.terms.lossless.is_some_and(|l| l.value);
    let kind = if plan.resume.value || lossless {
        "Redis Streams: a message must outlive a broken connection, and Redis Pub/Sub delivers at most once"
    } else {
        "Redis Pub/Sub: it delivers at most once, which a stream without resume can bear"
    };
    let today = match stated {
        Some(_) => "none today; proposed: ",
        None => "",
    };
    let place = match log_store(cx, plan) {
        Some(store) => say!("{}{}; in `{}` of `{}`", today, kind, store, server),
        None => say!(
            "{}{}; `{}` has no Redis today and needs one",
            today,
            kind,
            server
        ),
    };
    let read: Vec<&str> = model
        .events
        .iter()
        .filter(|e| {
            e.consumers
                .iter()
                .any(|(p, _)| plan.server.is_some_and(|s| *p == Party::Service(s)))
        })
        .map(|e| e.name.as_str())
        .collect();
    if read.is_empty() {
        place
    } else {
        place
            .and(say!(". Each of these reaches one instance of `{}` only, so it goes over the backplane: ", server))
            .and(Inline::names(read))
    }
}

fn drain(stream: &Stream, plan: &StreamPlan, server: &str) -> Inline {
    let how = match stream.transport {
        Transport::WebSocket => "close code 1012 to its clients",
        Transport::Sse => "the end of the response to its clients, after a `retry:` line",
        Transport::GrpcStream => "GOAWAY to its clients",
    };
    say!(
        "an instance of `{}` that stops takes no new connection and sends {}, spread over {}",
        server,
        how,
        plan.drain.value
    )
    .and(Inline::why(&plan.drain))
}
