//! How one trace crosses this system, what its spans are called, how many are kept.

use super::super::Cx;
use super::super::doc::{Doc, Inline, say};
use super::overview::source;
use crate::model::{Call, CallId, EventId, Party, Protocol, ServiceId, Step, StreamId, Transport};
use crate::plan::FlowPlan;

/// The two headers of W3C Trace Context.
const CONTEXT: &str = "traceparent, tracestate";

pub(super) fn write(cx: &Cx<'_>, doc: &mut Doc) {
    let flow = cx.plan.tracing.flow.and_then(|i| cx.plan.flows.get(i));
    // Spans are of requests and messages of a broker; the messages of a stream have none.
    if flow.is_none() && cx.plan.tracing.spans.value.0 <= 0.0 {
        nothing(cx, doc);
        return;
    }
    if let Some(flow) = flow {
        doc.heading(1, "Trace propagation", "tracing-propagation");
        propagation(cx, doc, flow);
        doc.heading(1, "Span creation", "tracing-spans");
        spans(cx, doc, flow);
    } else {
        doc.para(say!(
            "Nothing comes to {} from outside and no flow is stated, so there is no request to follow: traces begin where a service publishes by itself.",
            cx.plan.model.title
        ));
    }
    doc.heading(1, "Trace context format", "tracing-context");
    context(cx, doc);
    doc.heading(1, "Sampling", "tracing-sampling");
    sampling(cx, doc);
}

/// Why there is no trace, in one line.
fn nothing(cx: &Cx<'_>, doc: &mut Doc) {
    let model = cx.plan.model;
    let mut servers: Vec<&str> = cx
        .plan
        .streams
        .iter()
        .filter_map(|s| Some(model.service(s.server?).name.as_str()))
        .collect();
    servers.sort_unstable();
    servers.dedup();
    let why = say!(
        "Left out: no request and no event of {} makes a span",
        model.title
    );
    doc.para(if servers.is_empty() {
        why.and(Inline::text("."))
    } else {
        why.and(say!(", and a stream is one connection for as long as it lives. A message that has to be followed carries its `traceparent` itself, as a field that its server writes: "))
            .and(Inline::names(servers))
            .and(Inline::text("."))
    });
}

/// The steps of `flow`, with the handlers of every published event that it does not name itself.
fn steps(cx: &Cx<'_>, flow: &FlowPlan) -> Vec<Step> {
    let stated: Vec<Step> = flow.steps.iter().flatten().copied().collect();
    let mut out = stated.clone();
    for step in &stated {
        let Step::Publish(_, event) = *step else {
            continue;
        };
        for (consumer, _) in &cx.plan.model.event(event).consumers {
            let handled = Step::Handle(event, *consumer);
            if !out.contains(&handled) {
                out.push(handled);
            }
        }
    }
    out
}

fn propagation(cx: &Cx<'_>, doc: &mut Doc, flow: &FlowPlan) {
    let model = cx.plan.model;
    doc.para(if flow.derived {
        say!("Every hop that can follow from **{}**:", flow.name)
    } else {
        say!(
            "The flow with the most steps, **{}**, hop by hop:",
            flow.name
        )
    });
    let mut rows = Vec::new();
    for step in steps(cx, flow) {
        let (hop, over, carrier) = match step {
            Step::Enter(actor, to) => (
                hop(&model.actor(actor).name, &model.service(to).name),
                say!("{}, HTTP", door(cx, to)),
                say!(
                    "HTTP headers `{}`; {} starts them if absent",
                    CONTEXT,
                    starter(cx)
                ),
            ),
            Step::Call(id) => {
                let c = model.call(id);
                let outside = matches!(c.from, Party::Actor(_));
                (
                    hop(model.party(c.from), &model.service(c.to).name),
                    Inline::code(c.label()),
                    carrier(cx, &c.protocol, outside),
                )
            }
            Step::Publish(from, id) => {
                let broker = &model.broker(model.event(id).broker).name;
                (
                    hop(&model.service(from).name, broker),
                    Inline::code(cx.plan.event(id).channel.as_str()),
                    message_carrier(cx, id),
                )
            }
            Step::Handle(id, to) => {
                let broker = &model.broker(model.event(id).broker).name;
                (
                    hop(broker, model.party(to)),
                    Inline::code(cx.plan.event(id).channel.as_str()),
                    say!("read from the message; the handler's span links to it"),
                )
            }
            Step::Push(id) => {
                let s = model.stream(id);
                (
                    hop(model.party(s.from), model.party(s.to)),
                    Inline::code(s.label()),
                    stream_carrier(cx, id),
                )
            }
        };
        rows.push(vec![
            Inline::text((rows.len() + 1).to_string()),
            hop,
            over,
            carrier,
        ]);
    }
    doc.table(&["#", "Hop", "Over", "Carried in"], rows);
}

fn hop(from: &str, to: &str) -> Inline {
    say!("`{}` → `{}`", from, to)
}

fn carrier(cx: &Cx<'_>, protocol: &Protocol, outside: bool) -> Inline {
    match (protocol, outside) {
        (Protocol::Rest(_) | Protocol::GraphQl, true) => {
            say!(
                "HTTP headers `{}`; {} starts them if absent",
                CONTEXT,
                starter(cx)
            )
        }
        (Protocol::Rest(_) | Protocol::GraphQl, false) => say!("HTTP headers `{}`", CONTEXT),
        (Protocol::Grpc, true) => {
            say!(
                "gRPC metadata `{}`; {} starts them if absent",
                CONTEXT,
                starter(cx)
            )
        }
        (Protocol::Grpc, false) => say!("gRPC metadata `{}`", CONTEXT),
        (Protocol::Other(name), _) => say!(
            "no carrier is defined for {}: the trace ends with the caller's CLIENT span",
            name
        ),
    }
}

/// What a request to an entry point of which no operation is known comes through.
fn door<'a>(cx: &'a Cx<'_>, to: ServiceId) -> &'a str {
    let mut routes = cx.plan.gateway.routes.iter().filter(|r| r.service == to);
    if routes.any(|r| r.past.is_none()) {
        &cx.plan.choices.gateway.name
    } else {
        cx.plan.choices.streams_by().0
    }
}

/// Who begins a trace that the client did not begin.
fn starter<'a>(cx: &'a Cx<'_>) -> &'a str {
    if cx.plan.tracing.gateway_starts {
        &cx.plan.choices.gateway.name
    } else {
        "the service"
    }
}

fn message_carrier(cx: &Cx<'_>, id: EventId) -> Inline {
    let model = cx.plan.model;
    let place = match model.broker(model.event(id).broker).kind.id.as_str() {
        "kafka" => "record headers",
        "rabbitmq" => "AMQP headers of the message",
        "sns-sqs" => "message attributes of SNS and SQS",
        "pubsub" => "attributes of the Pub/Sub message",
        "service-bus" => "application properties of the message",
        "nats" => "NATS headers",
        "eventbridge" => "the `detail` object of the entry, since attributes do not exist:",
        _ => "message headers",
    };
    say!(
        "{} `{}`, and the CloudEvents extension attributes of the same names on `{}`",
        place,
        CONTEXT,
        cx.plan.event(id).event_type
    )
}

fn stream_carrier(cx: &Cx<'_>, id: StreamId) -> Inline {
    match cx.plan.model.stream(id).transport {
        Transport::WebSocket => {
            say!("field `traceparent` of every message: frames have no headers")
        }
        Transport::Sse => {
            say!("field `traceparent` in the data of every event: events have no headers")
        }
        Transport::GrpcStream => say!(
            "gRPC metadata when the stream opens; field `traceparent` of every message after that"
        ),
    }
}

/// One line of the span tree.
struct Span {
    depth: usize,
    kind: &'static str,
    name: String,
    who: String,
    link: Option<usize>,
}

fn spans(cx: &Cx<'_>, doc: &mut Doc, flow: &FlowPlan) {
    let tree = tree(cx, flow);
    let mut text = String::new();
    for (i, s) in tree.iter().enumerate() {
        let link = s
            .link
            .map(|n| format!("  (new trace, link to span {})", n + 1))
            .unwrap_or_default();
        text.push_str(&format!(
            "{:>2}  {}{} [{}] {}{link}\n",
            i + 1,
            "  ".repeat(s.depth),
            clean(&s.name),
            s.kind,
            clean(&s.who),
        ));
    }
    doc.para(say!(
        "**{}** makes {} spans, each named by the OpenTelemetry conventions: HTTP `{method} {route}`, RPC `package.Service/Method`, messaging `{operation} {destination}`.",
        flow.name,
        tree.len(),
    ));
    doc.code("text", &text);
    let linked: Vec<Inline> = tree
        .iter()
        .enumerate()
        .filter_map(|(i, s)| Some(say!("{} of `{}` to {}", i + 1, s.who, s.link? + 1)))
        .collect();
    let why = "a message may be handled late, again, or in a batch";
    match linked.len() {
        0 => {}
        1 => doc.para(
            say!("One span starts a trace of its own and links to the one that sent its message, since {}: ", why)
                .and(Inline::join(linked, ", "))
                .and(Inline::text(".")),
        ),
        n => doc.para(
            say!("{} spans start traces of their own and link to the one that sent their message, since {}: ", n, why)
                .and(Inline::join(linked, ", "))
                .and(Inline::text(".")),
        ),
    }
}

fn clean(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

fn tree(cx: &Cx<'_>, flow: &FlowPlan) -> Vec<Span> {
    let model = cx.plan.model;
    let mut out: Vec<Span> = Vec::new();
    // Depth of the span under which each service does its work in this flow.
    let mut depth: Vec<Option<usize>> = vec![None; model.services.len()];
    let mut sent: Vec<Option<usize>> = vec![None; model.events.len()];

    let push = |out: &mut Vec<Span>, depth, kind, name, who: &str| {
        out.push(Span {
            depth,
            kind,
            name,
            who: who.to_owned(),
            link: None,
        });
        out.len() - 1
    };

    for step in steps(cx, flow) {
        match step {
            Step::Enter(_, to) => {
                let at = gateway(cx, &mut out, "{method} /");
                push(
                    &mut out,
                    at,
                    "SERVER",
                    "{method} /".to_owned(),
                    &model.service(to).name,
                );
                depth[to.0] = Some(at);
            }
            Step::Call(id) => {
                let c = model.call(id);
                let name = span_name(cx, id);
                let at = match c.from {
                    Party::Actor(_) => gateway(cx, &mut out, &name),
                    Party::Service(s) => {
                        let at = depth[s.0].map_or(0, |d| d + 1);
                        push(&mut out, at, "CLIENT", name.clone(), &model.service(s).name);
                        at + 1
                    }
                };
                if !model.service(c.to).external && propagates(c) {
                    push(&mut out, at, "SERVER", name, &model.service(c.to).name);
                    depth[c.to.0].get_or_insert(at);
                }
            }
            Step::Publish(s, e) => {
                let at = depth[s.0].map_or(0, |d| d + 1);
                let name = format!("send {}", cx.plan.event(e).channel);
                sent[e.0] = Some(push(&mut out, at, "PRODUCER", name, &model.service(s).name));
            }
            Step::Handle(e, to) => {
                let name = format!("process {}", cx.plan.event(e).channel);
                let i = push(&mut out, 0, "CONSUMER", name, model.party(to));
                if let Some(span) = out.get_mut(i) {
                    span.link = sent[e.0];
                }
                if let Party::Service(s) = to {
                    depth[s.0] = Some(0);
                }
            }
            Step::Push(id) => {
                let s = model.stream(id);
                if let Party::Service(from) = s.from {
                    let at = depth[from.0].map_or(0, |d| d + 1);
                    let name = format!("push {}", s.label());
                    push(&mut out, at, "INTERNAL", name, &model.service(from).name);
                }
            }
        }
    }
    out
}

/// The gateway's spans, if it makes any, and the depth of what stands behind it.
fn gateway(cx: &Cx<'_>, out: &mut Vec<Span>, name: &str) -> usize {
    if !cx.plan.tracing.gateway_spans {
        return 0;
    }
    for (depth, kind) in [(0, "SERVER"), (1, "CLIENT")] {
        out.push(Span {
            depth,
            kind,
            name: name.to_owned(),
            who: cx.plan.choices.gateway.name.clone(),
            link: None,
        });
    }
    2
}

fn propagates(call: &Call) -> bool {
    !matches!(call.protocol, Protocol::Other(_))
}

fn span_name(cx: &Cx<'_>, id: CallId) -> String {
    let c = cx.plan.model.call(id);
    match &c.protocol {
        Protocol::Rest(method) => {
            let path = c
                .operation
                .split_whitespace()
                .find(|p| p.starts_with('/'))
                .unwrap_or("/");
            match method {
                Some(m) => format!("{} {path}", m.name()),
                None => format!("{{method}} {path}"),
            }
        }
        Protocol::Grpc => cx
            .plan
            .rpc(id)
            .map_or_else(String::new, |rpc| rpc.full_method()),
        Protocol::GraphQl => "POST /graphql".to_owned(),
        Protocol::Other(name) => format!("{name} {}", c.operation).trim().to_owned(),
    }
}

/// FNV-1a with a seed of its own for every field, never zero: an all-zero id is invalid.
fn fold(title: &str, seed: u64) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64 ^ seed;
    for byte in title.bytes() {
        hash ^= u64::from(byte);
        hash = hash.wrapping_mul(0x0100_0000_01b3);
    }
    hash.max(1)
}

fn context(cx: &Cx<'_>, doc: &mut Doc) {
    let title = &cx.plan.model.title;
    let trace = format!("{:016x}{:016x}", fold(title, 1), fold(title, 2));
    let parent = format!("{:016x}", fold(title, 3));
    let begins: Inline = match cx
        .plan
        .tracing
        .entries
        .first()
        .filter(|_| cx.plan.tracing.requests)
    {
        Some((s, _)) => {
            let name: &str = &cx.plan.model.service(ServiceId(s.0)).name;
            say!("A request of this system on its way to `{}` carries:", name)
        }
        None => say!("A message of this system carries:"),
    };
    doc.para(begins);
    doc.code("http", &format!("traceparent: 00-{trace}-{parent}-01\n"));
    let row = |part: &str, bytes: &'static str, value: &str, meaning: Inline| {
        vec![
            Inline::text(part.to_owned()),
            Inline::code(value),
            Inline::text(bytes),
            meaning,
        ]
    };
    doc.table(
        &["Field", "Value", "Length", "Meaning here"],
        vec![
            row("version", "2 hex digits", "00", say!("the one version of W3C Trace Context in use; `ff` is invalid")),
            row("trace-id", "32 hex digits", &trace, say!("one for everything that follows from one {}; also `trace_id` in the logs; all zeros are invalid", if cx.plan.tracing.requests { "request from outside" } else { "message" })),
            row("parent-id", "16 hex digits", &parent, say!("the span of the caller; every service above replaces it with its own CLIENT or PRODUCER span")),
            row("trace-flags", "2 hex digits", "01", say!("bit 0 is set: this trace is among the {} that are kept; `00` for the others", cx.plan.tracing.ratio.value)),
        ],
    );
}

fn sampling(cx: &Cx<'_>, doc: &mut Doc) {
    let t = &cx.plan.tracing;
    let entries = t
        .entries
        .iter()
        .map(|(s, rate)| {
            vec![
                Inline::code(cx.plan.model.service(*s).name.as_str()),
                Inline::figure(rate),
            ]
        })
        .collect();
    doc.table(&["Traces start at", "Peak rate"], entries);
    let row = |what: &str, value: String, why: &str, key: &str| {
        vec![
            Inline::text(what.to_owned()),
            Inline::text(value),
            Inline::quoted(why),
            source(key),
        ]
    };
    let mut rows = vec![
        row(
            "Traces at peak",
            t.traces.value.to_string(),
            &t.traces.why,
            t.traces.source,
        ),
        row(
            "Spans at peak",
            t.spans.value.to_string(),
            &t.spans.why,
            t.spans.source,
        ),
    ];
    if let Some(each) = &t.spans_per_trace {
        rows.push(row(
            "Spans a trace, on average",
            each.value.clone(),
            &each.why,
            each.source,
        ));
    }
    rows.push(row(
        "Sampling ratio",
        t.ratio.value.to_string(),
        &t.ratio.why,
        t.ratio.source,
    ));
    rows.push(row(
        "Spans exported",
        t.kept.value.to_string(),
        &t.kept.why,
        t.kept.source,
    ));
    rows.push(row(
        "Stored in a day at constant peak",
        t.bytes_per_day.value.to_string(),
        &t.bytes_per_day.why,
        t.bytes_per_day.source,
    ));
    doc.table(&["Quantity", "Value", "Derivation", "Source"], rows);
    if t.traces.value.0 > 0.0 {
        doc.para(say!(
            "Where a trace starts ({}) its id decides (`traceidratio` of {}); every other service uses the `parentbased_traceidratio` sampler and keeps to that decision, so a kept trace is kept whole.{}",
            match (t.requests, t.gateway_starts) {
                (true, true) => cx.plan.choices.gateway.name.as_str(),
                (true, false) => "the entry points above",
                (false, _) => "the publishers above",
            },
            t.ratio.value,
            if cx.plan.model.events.is_empty() {
                ""
            } else {
                " A handler of a message starts a trace of its own and draws with the same ratio."
            }
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::fold;

    #[test]
    fn ids_differ_by_title_and_field_and_are_never_zero() {
        assert_ne!(fold("a", 1), fold("a", 2));
        assert_ne!(fold("a", 1), fold("b", 1));
        // The seed that cancels the start of the fold.
        assert_eq!(fold("", 0xcbf2_9ce4_8422_2325), 1);
    }
}
