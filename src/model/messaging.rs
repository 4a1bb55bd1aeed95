//! What an author may say about how messages are handled and how streams reach their clients.

use super::check::{self, Out};
use super::design::{Field, Party, Set};
use super::names::short;
use super::units::Time;
use crate::diag::{Diagnostic, Span};
use crate::spec::{StreamTermsDecl, TermsDecl, Text};

/// What a new version of a schema may change, in the words of schema registries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Compatibility {
    /// Readers of the new schema read what the last one wrote.
    Backward,
    /// Readers of the last schema read what the new one writes.
    Forward,
    /// Both.
    Full,
    /// The same against every version, not only the last.
    BackwardTransitive,
    /// See [`Compatibility::Forward`].
    ForwardTransitive,
    /// See [`Compatibility::Full`].
    FullTransitive,
    /// Nothing is checked today.
    Unchecked,
}

impl Compatibility {
    const ALL: [(&'static str, Self); 7] = [
        ("backward", Self::Backward),
        ("forward", Self::Forward),
        ("full", Self::Full),
        ("backward-transitive", Self::BackwardTransitive),
        ("forward-transitive", Self::ForwardTransitive),
        ("full-transitive", Self::FullTransitive),
        ("none", Self::Unchecked),
    ];

    fn parse(text: &Text, out: Out<'_>) -> Option<Self> {
        let known: Vec<&str> = Self::ALL.iter().map(|(w, _)| *w).collect();
        let word = check::choice("a compatibility of schemas", text, &known, out)?;
        Self::ALL.iter().find(|(w, _)| *w == word).map(|(_, c)| *c)
    }
}

/// The word of schema registries: `BACKWARD_TRANSITIVE`.
impl std::fmt::Display for Compatibility {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let word = Self::ALL.iter().find(|(_, c)| c == self);
        let word = word.map_or("", |(w, _)| w).to_uppercase();
        f.write_str(&word.replace('-', "_"))
    }
}

/// What the author says about how the messages of an event are handled.
#[derive(Clone, Debug, Default)]
pub struct Terms {
    /// What a new version of its schema may change.
    pub compatibility: Option<Set<Compatibility>>,
    /// Whether its consumers need the messages of one key in order.
    pub ordered: Option<Set<bool>>,
    /// Whether a message that is handled twice has the effect of one.
    pub idempotent: Option<Set<bool>>,
    /// How long it is remembered what was handled.
    pub dedupe: Option<Set<Time>>,
    /// `true`: taken for handled as soon as it is delivered.
    pub auto_ack: Option<Set<bool>>,
    /// After which a message that is not acknowledged is delivered again.
    pub ack_timeout: Option<Set<Time>>,
    /// The longest that a consumer works on one message.
    pub handler: Option<Set<Time>>,
    /// Messages that a consumer takes at a time.
    pub prefetch: Option<Set<u64>>,
    /// Whether its personal data is encrypted.
    pub encrypted: Option<Set<bool>>,
    /// Whether its messages carry the trace context.
    pub traceparent: Option<Set<bool>>,
    /// How long dead letters are kept.
    pub dead_letter_retention: Option<Set<Time>>,
    /// Whether somebody is told of a dead letter.
    pub dead_letter_alert: Option<Set<bool>>,
    /// No dead letter today.
    pub lacks_dead_letter: Option<Span>,
    /// Published without a key today.
    pub lacks_key: Option<Span>,
    /// Without a version today.
    pub lacks_version: Option<Span>,
}

pub(super) fn terms(d: &TermsDecl, out: Out<'_>) -> Terms {
    let mut lacks_dead_letter = None;
    if let Some(text) = &d.dead_letter {
        if check::is_none(text) {
            lacks_dead_letter = Some(text.span);
        } else {
            out.push(
                Diagnostic::error(
                    "invalid-value",
                    text.span,
                    format!("`{}` is not a statement about dead letters", short(&text.value)),
                )
                .at("not known")
                .help("the design names dead letters itself; `dead_letter = \"none\"` states that there is none today"),
            );
        }
    }
    let ack = d.ack.as_ref().and_then(|text| {
        let word = check::choice("a way to acknowledge", text, &["auto", "manual"], out)?;
        Some(Set {
            value: word == "auto",
            span: text.span,
        })
    });
    Terms {
        compatibility: d.compatibility.as_ref().and_then(|text| {
            Some(Set {
                value: Compatibility::parse(text, out)?,
                span: text.span,
            })
        }),
        ordered: check::flag(d.ordered.as_ref()),
        idempotent: check::flag(d.idempotent.as_ref()),
        dedupe: check::time(d.dedupe.as_ref(), out),
        auto_ack: ack,
        ack_timeout: check::time(d.ack_timeout.as_ref(), out),
        handler: check::time(d.handler.as_ref(), out),
        prefetch: check::count(d.prefetch.as_ref()),
        encrypted: check::flag(d.encrypted.as_ref()),
        traceparent: check::flag(d.traceparent.as_ref()),
        dead_letter_retention: check::time(d.dead_letter_retention.as_ref(), out),
        dead_letter_alert: check::flag(d.dead_letter_alert.as_ref()),
        lacks_dead_letter,
        lacks_key: None,
        lacks_version: None,
    }
}

impl Terms {
    /// Takes over what a further statement adds; `twice` reports a key that two statements set
    /// differently.
    pub(super) fn unite(&mut self, new: Self, twice: &mut dyn FnMut(&str, Span, Span)) {
        macro_rules! take {
            ($($field:ident $key:literal),* $(,)?) => {$(
                match (&self.$field, new.$field) {
                    (None, set) => self.$field = set,
                    (Some(old), Some(set)) if old.value != set.value => {
                        twice($key, old.span, set.span);
                    }
                    _ => {}
                }
            )*};
        }
        take!(
            compatibility "compatibility",
            ordered "ordered",
            idempotent "idempotent",
            dedupe "dedupe",
            auto_ack "ack",
            ack_timeout "ack_timeout",
            handler "handler",
            prefetch "prefetch",
            encrypted "encrypted",
            traceparent "traceparent",
            dead_letter_retention "dead_letter.retention",
            dead_letter_alert "dead_letter.alert",
        );
        self.lacks_dead_letter = self.lacks_dead_letter.or(new.lacks_dead_letter);
        self.lacks_key = self.lacks_key.or(new.lacks_key);
        self.lacks_version = self.lacks_version.or(new.lacks_version);
    }
}

/// The schema of an event as one statement gives it.
#[derive(Clone, Debug)]
pub struct SchemaCopy {
    /// Its fields, in the author's order.
    pub fields: Vec<Field>,
    /// Where it stands.
    pub span: Span,
    /// Who reads the event by that statement.
    pub readers: Vec<Party>,
}

impl SchemaCopy {
    /// Fields by name, since their order means nothing between copies.
    fn sorted(&self) -> Vec<(&str, &str)> {
        let mut all: Vec<(&str, &str)> = self
            .fields
            .iter()
            .map(|f| (f.name.as_str(), f.kind.as_str()))
            .collect();
        all.sort_unstable();
        all
    }
}

/// The schema of an event out of all that its statements give, and the copies that differ from it.
///
/// The publisher's own statement, which names no reader, comes first, then the one with the most fields;
/// the order of the text does not count.
pub(super) fn settle(mut all: Vec<SchemaCopy>) -> (Vec<Field>, Option<Span>, Vec<SchemaCopy>) {
    for copy in &mut all {
        copy.readers.sort_unstable();
    }
    let order = |c: &SchemaCopy| -> Vec<(String, String)> {
        let pairs = c.fields.iter();
        pairs.map(|f| (f.name.clone(), f.kind.clone())).collect()
    };
    all.sort_by_cached_key(|c| {
        (
            !c.readers.is_empty(),
            std::cmp::Reverse(c.fields.len()),
            order(c),
            c.readers.clone(),
        )
    });
    let mut rest = all.into_iter();
    let Some(first) = rest.next() else {
        return (Vec::new(), None, Vec::new());
    };
    let copies = rest.filter(|c| c.sorted() != first.sorted()).collect();
    (first.fields, Some(first.span), copies)
}

/// What carries messages from one instance of a server to the clients of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backplane {
    /// Delivers at most once.
    RedisPubSub,
    /// A log that a client can go on reading.
    RedisStreams,
    /// A log.
    Kafka,
    /// Delivers at most once, unless it is JetStream.
    Nats,
    /// Queues a server.
    RabbitMq,
    /// A service of the platform that holds the connections.
    Managed,
    /// Nothing does today.
    Lacking,
}

impl Backplane {
    const ALL: [(&'static str, Self); 7] = [
        ("redis-pubsub", Self::RedisPubSub),
        ("redis-streams", Self::RedisStreams),
        ("kafka", Self::Kafka),
        ("nats", Self::Nats),
        ("rabbitmq", Self::RabbitMq),
        ("managed", Self::Managed),
        ("none", Self::Lacking),
    ];

    /// Its name in a sentence.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::RedisPubSub => "Redis Pub/Sub",
            Self::RedisStreams => "Redis Streams",
            Self::Kafka => "Kafka",
            Self::Nats => "NATS",
            Self::RabbitMq => "RabbitMQ",
            Self::Managed => "the platform's connection service",
            Self::Lacking => "none",
        }
    }

    /// Whether a message is gone for who is not connected when it passes.
    #[must_use]
    pub fn forgets(self) -> bool {
        matches!(self, Self::RedisPubSub | Self::Nats)
    }
}

/// What the author says about how a stream reaches its clients.
#[derive(Clone, Debug, Default)]
pub struct StreamTerms {
    /// What carries messages between instances.
    pub backplane: Option<Set<Backplane>>,
    /// Whether a client's requests all reach the same instance.
    pub sticky: Option<Set<bool>>,
    /// What clients use where the transport does not work; `None` inside: nothing.
    pub fallback: Option<Set<Option<&'static str>>>,
    /// Whether no message may be lost.
    pub lossless: Option<Set<bool>>,
    /// How long a client stays connected.
    pub max_session: Option<Set<Time>>,
}

pub(super) fn stream_terms(d: &StreamTermsDecl, out: Out<'_>) -> StreamTerms {
    StreamTerms {
        backplane: d.backplane.as_ref().and_then(|text| {
            let known: Vec<&str> = Backplane::ALL.iter().map(|(w, _)| *w).collect();
            let word = check::choice("a backplane", text, &known, out)?;
            let (_, value) = Backplane::ALL.iter().find(|(w, _)| *w == word)?;
            Some(Set {
                value: *value,
                span: text.span,
            })
        }),
        sticky: check::flag(d.sticky.as_ref()),
        fallback: d.fallback.as_ref().and_then(|text| {
            let known = ["long-polling", "sse", "none"];
            let word = check::choice("a transport to fall back to", text, &known, out)?;
            Some(Set {
                value: known.into_iter().find(|k| *k == word && word != "none"),
                span: text.span,
            })
        }),
        lossless: check::flag(d.lossless.as_ref()),
        max_session: check::time(d.max_session.as_ref(), out),
    }
}
