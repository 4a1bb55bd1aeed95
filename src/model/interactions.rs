//! Calls, events and streams with their names resolved.

use std::collections::BTreeMap;

use super::check::{self, Out};
use super::classify::{Protocol, Transport};
use super::design::{BrokerId, Call, Event, Field, Party, Publisher, Set, Stream};
use super::messaging::{self, SchemaCopy};
use super::names::{Names, short};
use super::policy;
use super::security;
use crate::diag::{Diagnostic, SourceId, Span, nearest};
use crate::spec::{AsyncDecl, RealtimeDecl, SyncDecl, Text};

/// The calls, sorted; the same call stated twice is reported and kept once.
pub(super) fn calls(decls: &[SyncDecl], names: &Names, out: Out<'_>) -> Vec<Call> {
    let mut calls = Vec::new();
    for d in decls {
        let from = names.party(&d.from, out);
        let operation = d
            .operation
            .as_ref()
            .map(|o| normal_operation(&o.value))
            .unwrap_or_default();
        let protocol = Protocol::parse(&d.protocol.value, &operation);
        let operation = match &protocol {
            Protocol::Rest(Some(method)) => rest_operation(method.name(), &operation),
            _ => operation,
        };
        let mut call = Call {
            span: d.span,
            from: Party::Actor(super::ActorId(0)),
            to: super::ServiceId(0),
            protocol,
            operation,
            rate: check::rate(d.rate.as_ref(), out),
            p50: check::time(d.p50.as_ref(), out),
            p99: check::time(d.p99.as_ref(), out),
            timeout: check::time_or_none(d.timeout.as_ref(), out),
            retries: check::small(d.retries.as_ref()),
            deadline: check::time(d.deadline.as_ref(), out),
            idempotent: check::flag(d.idempotent.as_ref()),
            // Who has something in its place can do without the answer.
            optional: d
                .optional
                .as_ref()
                .map_or(d.fallback.is_some(), |o| o.value),
            fallback: check::plain(d.fallback.as_ref()),
            auth: check::auth(d.auth.as_ref(), out),
            lacks_auth: check::lacking(d.auth.as_ref()),
            token: security::token(d.token.as_ref(), out),
            traceparent: check::flag(d.traceparent.as_ref()),
            payload: check::bytes(d.payload.as_ref(), out),
            contract: check::word(d.contract.as_ref()),
            description: check::plain(d.description.as_ref()),
            bulkhead: check::count(d.bulkhead.as_ref()),
            rate_limit: check::rate(d.rate_limit.as_ref(), out),
            policy: policy::policy(&d.policy, out),
        };
        if let (Some(p50), Some(p99)) = (call.p50, call.p99)
            && p50.value > p99.value
        {
            out.push(
                Diagnostic::error(
                    "invalid-value",
                    p50.span,
                    format!(
                        "a median of {} is above the 99th percentile of {}",
                        p50.value, p99.value
                    ),
                )
                .at("the median")
                .label(p99.span, "the 99th percentile")
                .help("half of the calls cannot be slower than all but one in a hundred"),
            );
        }
        for target in &d.to {
            let to = names.service(target, out);
            if let (Some(from), Some(to)) = (from, to) {
                call.from = from;
                call.to = to;
                calls.push(call.clone());
            }
        }
    }
    calls.sort_by(|a, b| {
        (a.from, a.to, &a.protocol, &a.operation).cmp(&(b.from, b.to, &b.protocol, &b.operation))
    });
    calls.dedup_by(|b, a| {
        let same =
            (a.from, a.to, &a.protocol, &a.operation) == (b.from, b.to, &b.protocol, &b.operation);
        if same {
            let (first, second) = if place(a.span) <= place(b.span) {
                (&a, &b)
            } else {
                (&b, &a)
            };
            out.push(
                Diagnostic::warning(
                    "duplicate-call",
                    second.span,
                    format!("the call `{}` is stated twice", short(&first.label())),
                )
                .at("again here; only the first counts")
                .label(first.span, "first stated here")
                .help("remove one of the two"),
            );
            if place(b.span) < place(a.span) {
                std::mem::swap(a, b);
            }
        }
        same
    });
    calls
}

/// Where something stands among all texts: a block comes before what it includes.
pub(super) fn place(span: Span) -> (SourceId, usize) {
    (span.source, span.start)
}

/// Runs of white space are one space, so that arrows and tables cannot differ by them.
fn normal_operation(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The method in capitals, whatever its spelling.
fn rest_operation(method: &str, operation: &str) -> String {
    match operation.split_once(' ') {
        Some((_, path)) => format!("{method} {path}"),
        None => method.to_owned(),
    }
}

/// The events by name. Several statements about one event are put together.
pub(super) fn events(
    decls: &[AsyncDecl],
    names: &Names,
    broker_of: &mut dyn FnMut(Option<&Text>, Out<'_>) -> BrokerId,
    out: Out<'_>,
) -> Vec<Event> {
    let mut all: BTreeMap<String, Event> = BTreeMap::new();
    // An event has one broker, whichever of its statements names it.
    let stated = stated_brokers(decls, out);
    let mut brokers: BTreeMap<String, BrokerId> = BTreeMap::new();
    // In the order of the text, so that "stated again" points the right way.
    for d in decls {
        // `none` is nobody, unless somebody is called so.
        let nobody = |name: &Text| check::is_none(name) && names.find(&name.value).is_none();
        let unpublished = nobody(&d.from).then_some(d.from.span);
        let publisher = match unpublished {
            Some(_) => None,
            None => names.service(&d.from, out),
        };
        let mut consumers = Vec::new();
        for target in d.to.iter().filter(|t| !nobody(t)) {
            if let Some(party) = names.party(target, out) {
                consumers.push((party, target.span));
            }
        }
        let name = event_name(d);
        let broker = *brokers
            .entry(name.clone())
            .or_insert_with(|| broker_of(stated.get(&name).copied(), out));
        let mut new = event(
            d,
            name,
            broker,
            publisher.map(|s| Publisher {
                service: s,
                span: d.from.span,
            }),
            consumers,
            out,
        );
        if publisher.is_none() && unpublished.is_none() {
            continue;
        }
        new.lacks_publisher = unpublished;
        match all.get_mut(&new.name) {
            None => {
                all.insert(new.name.clone(), new);
            }
            Some(old) => unite(old, new, out),
        }
    }
    let mut events: Vec<Event> = all.into_values().collect();
    for e in &mut events {
        e.publishers.sort_by_key(|p| (p.service, p.span.start));
        e.publishers.dedup_by_key(|p| p.service);
        e.consumers.sort_by_key(|(p, s)| (*p, s.start));
        e.consumers.dedup_by_key(|(p, _)| *p);
        let statements = std::mem::take(&mut e.copies);
        (e.schema, e.schema_span, e.copies) = messaging::settle(statements);
    }
    events
}

fn event_name(d: &AsyncDecl) -> String {
    d.event.as_ref().map_or_else(
        || format!("{}.event", d.from.value),
        |e| normal_operation(&e.value),
    )
}

/// The broker that the statements about each event name; two different ones are reported.
fn stated_brokers<'d>(decls: &'d [AsyncDecl], out: Out<'_>) -> BTreeMap<String, &'d Text> {
    let mut stated: BTreeMap<String, &Text> = BTreeMap::new();
    for d in decls {
        let Some(broker) = &d.broker else { continue };
        let name = event_name(d);
        match stated.get(&name) {
            None => {
                stated.insert(name, broker);
            }
            Some(first) if first.value != broker.value => {
                out.push(twice(&name, "broker", first.span, broker.span));
            }
            Some(_) => {}
        }
    }
    stated
}

/// An event of which two statements say different things.
fn twice(name: &str, key: &str, first: Span, second: Span) -> Diagnostic {
    Diagnostic::error(
        "duplicate-name",
        second,
        format!(
            "`{key}` of the event `{}` is set twice, and differently",
            short(name)
        ),
    )
    .at("again here")
    .label(first, "first set here")
    .help("state it once: every statement about an event describes the same event")
}

fn event(
    d: &AsyncDecl,
    name: String,
    broker: BrokerId,
    publisher: Option<Publisher>,
    consumers: Vec<(Party, Span)>,
    out: Out<'_>,
) -> Event {
    if let Some(name) = &d.event {
        super::names::check("an event", name, out);
    }
    let lacks =
        |flag: Option<&crate::spec::Spanned<bool>>| flag.filter(|f| !f.value).map(|f| f.span);
    let mut terms = messaging::terms(&d.terms, out);
    terms.lacks_key = check::lacking(d.key.as_ref());
    terms.lacks_version = check::lacking(d.version.as_ref());
    let mut lacks_acks = None;
    if let Some(text) = &d.acks
        && check::choice("an acknowledgement", text, &["none", "leader", "all"], out)
            == Some("none")
    {
        lacks_acks = Some(text.span);
    }
    let schema: Vec<Field> = d
        .schema
        .iter()
        .map(|f| Field {
            name: f.name.value.clone(),
            kind: f.kind.value.clone(),
        })
        .collect();
    for field in &d.pii {
        if !schema.is_empty() && !schema.iter().any(|f| f.name == field.value) {
            let near = nearest(&field.value, schema.iter().map(|f| f.name.as_str()));
            out.push(
                Diagnostic::error(
                    "unknown-field",
                    field.span,
                    format!("the schema has no field `{}`", short(&field.value)),
                )
                .at("not a field of this event")
                .help(match near {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "name a field of `schema`, or add it there".to_owned(),
                }),
            );
        }
    }
    // The schemas of all statements are compared once all are known.
    let copies = d
        .schema_span
        .filter(|_| !schema.is_empty())
        .map(|span| SchemaCopy {
            fields: schema,
            span,
            readers: consumers.iter().map(|(p, _)| *p).collect(),
        })
        .into_iter()
        .collect();
    Event {
        name,
        named: d.event.is_some(),
        name_span: d.event.as_ref().map_or(d.span, |e| e.span),
        span: d.span,
        publishers: publisher.into_iter().collect(),
        consumers,
        broker,
        rate: check::rate(d.rate.as_ref(), out),
        size: check::bytes(d.size.as_ref(), out),
        key: check::word(d.key.as_ref().filter(|k| !check::is_none(k))),
        version: check::version(d.version.as_ref().filter(|v| !check::is_none(v)), out),
        delivery: check::delivery(d.delivery.as_ref(), out),
        retention: check::time(d.retention.as_ref(), out),
        retries: check::small(d.retries.as_ref()),
        schema: Vec::new(),
        schema_span: None,
        copies,
        schema_file: check::word(d.schema_file.as_ref()),
        pii: {
            let mut fields: Vec<String> = d.pii.iter().map(|f| f.value.clone()).collect();
            fields.sort();
            fields.dedup();
            fields
        },
        contract: check::word(d.contract.as_ref()),
        description: check::plain(d.description.as_ref()),
        terms,
        lacks_publisher: None,
        lacks_outbox: lacks(d.outbox.as_ref()),
        has_outbox: d.outbox.as_ref().is_some_and(|o| o.value),
        lacks_durability: lacks(d.durable.as_ref()),
        lacks_acks,
        partitions: check::count(d.partitions.as_ref()),
    }
}

/// Takes over what a further statement about the same event adds; a contradiction is an error.
fn unite(old: &mut Event, new: Event, out: Out<'_>) {
    fn take<T: PartialEq>(
        name: &str,
        key: &str,
        old: &mut Option<Set<T>>,
        new: Option<Set<T>>,
        out: Out<'_>,
    ) {
        match (&old, new) {
            (None, new) => *old = new,
            (Some(o), Some(n)) if o.value != n.value => {
                out.push(twice(name, key, o.span, n.span));
            }
            _ => {}
        }
    }
    let name = old.name.clone();
    old.publishers.extend(new.publishers);
    old.consumers.extend(new.consumers);
    take(&name, "rate", &mut old.rate, new.rate, out);
    take(&name, "size", &mut old.size, new.size, out);
    take(&name, "key", &mut old.key, new.key, out);
    take(&name, "version", &mut old.version, new.version, out);
    take(&name, "delivery", &mut old.delivery, new.delivery, out);
    take(&name, "retention", &mut old.retention, new.retention, out);
    take(&name, "retries", &mut old.retries, new.retries, out);
    take(
        &name,
        "partitions",
        &mut old.partitions,
        new.partitions,
        out,
    );
    take(&name, "schema", &mut old.schema_file, new.schema_file, out);
    take(&name, "contract", &mut old.contract, new.contract, out);
    old.copies.extend(new.copies);
    old.terms.unite(new.terms, &mut |key, first, second| {
        out.push(twice(&name, key, first, second));
    });
    // Whatever a statement calls personal is.
    old.pii.extend(new.pii);
    old.pii.sort();
    old.pii.dedup();
    match (&old.description, new.description) {
        (Some(o), Some(n)) if *o != n => {
            out.push(twice(&name, "description", old.span, new.span));
        }
        (None, n) => old.description = n,
        _ => {}
    }
    old.lacks_publisher = old.lacks_publisher.or(new.lacks_publisher);
    old.lacks_outbox = old.lacks_outbox.or(new.lacks_outbox);
    old.has_outbox |= new.has_outbox;
    old.lacks_durability = old.lacks_durability.or(new.lacks_durability);
    old.lacks_acks = old.lacks_acks.or(new.lacks_acks);
}

/// The streams, sorted.
pub(super) fn streams(decls: &[RealtimeDecl], names: &Names, out: Out<'_>) -> Vec<Stream> {
    let mut streams = Vec::new();
    for d in decls {
        let from = names.party(&d.from, out);
        let transport = Transport::parse(&d.protocol.value);
        if transport.is_none() {
            // One report for any wrong word; the list of right ones is short.
            let _ = check::choice(
                "a transport of streams",
                &d.protocol,
                &Transport::NAMES,
                out,
            );
        }
        let mut stream = Stream {
            span: d.span,
            from: Party::Actor(super::ActorId(0)),
            to: Party::Actor(super::ActorId(0)),
            transport: transport.unwrap_or(Transport::WebSocket),
            path: d
                .path
                .as_ref()
                .map(|p| normal_operation(&p.value))
                .unwrap_or_default(),
            connections: check::count(d.connections.as_ref()),
            rate: check::rate(d.rate.as_ref(), out),
            size: check::bytes(d.size.as_ref(), out),
            heartbeat: check::time(d.heartbeat.as_ref(), out),
            resume: check::flag(d.resume.as_ref()),
            auth: check::auth(d.auth.as_ref(), out),
            lacks_auth: check::lacking(d.auth.as_ref()),
            terms: messaging::stream_terms(&d.terms, out),
            description: check::plain(d.description.as_ref()),
        };
        for target in &d.to {
            let to = names.party(target, out);
            if let (Some(from), Some(to), Some(_)) = (from, to, transport) {
                stream.from = from;
                stream.to = to;
                streams.push(stream.clone());
            }
        }
    }
    streams.sort_by(|a, b| {
        (a.from, a.to, a.transport, &a.path, place(a.span)).cmp(&(
            b.from,
            b.to,
            b.transport,
            &b.path,
            place(b.span),
        ))
    });
    streams.dedup_by(|b, a| {
        let same = (a.from, a.to, a.transport, &a.path) == (b.from, b.to, b.transport, &b.path);
        if same {
            out.push(
                Diagnostic::warning(
                    "duplicate-call",
                    b.span,
                    format!("the stream `{}` is stated twice", short(&a.label())),
                )
                .at("again here; only the first counts")
                .label(a.span, "first stated here")
                .help("remove one of the two"),
            );
        }
        same
    });
    streams
}
