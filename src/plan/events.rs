//! Events: channels, partitions, retention, redelivery, dead letters, consumer groups.

use super::backlog::{self, CatchUp};
use super::figure::Figure;
use super::lanes;
use super::redelivery::{self, Names, RetryChannel};
use super::services::ServicePlan;
use super::slug::slug;
use super::stored::{self, Stored};
use super::traffic::Traffic;
use super::verbs;
use crate::catalog::{self, numbers};
use crate::model::units::{Bytes, Rate, Time, float};
use crate::model::{Compatibility, Delivery, Event, Model, Party};

/// What reads an event, as the broker sees it.
#[derive(Clone, Debug)]
pub struct GroupPlan {
    /// Who reads.
    pub consumer: Party,
    /// Consumer group on Kafka, durable consumer on NATS, owner of the queue or subscription elsewhere.
    pub group: String,
    /// The consumer's own queue or subscription; the channel on Kafka and the stream on NATS.
    pub queue: String,
    /// Queues or consumers of its own for each partition, where order counts and the broker does not tell keys
    /// apart by itself; 0 where `queue` and `group` are all there is. A number that is stated may be larger.
    pub lanes: u64,
    /// Where a message waits after each failed delivery but the last, in this order; empty where the reader
    /// or the broker itself waits.
    pub retries: Vec<RetryChannel>,
    /// Where its dead letters land: a topic on Kafka, a queue, a stream on NATS, on Pub/Sub a topic with a
    /// subscription of the same name, a subqueue on Service Bus.
    pub dead_letter: String,
    /// Waiting messages at which it is late.
    pub lag_limit: Figure<u64>,
    /// What an outage leaves waiting, and how long that takes.
    pub catch_up: CatchUp,
}

impl GroupPlan {
    /// What reads the partition `at`: the consumer of that partition on NATS, its queue elsewhere.
    #[must_use]
    pub fn lane(&self, broker: &catalog::Broker, at: u64) -> String {
        // No slug has a `_`, and no name of a channel a `#`: nobody else is called so.
        match broker.id.as_str() {
            "nats" => format!("{}_{at}", self.group),
            _ => format!("{}#{at}", self.queue),
        }
    }
}

/// Every number of one event.
#[derive(Clone, Debug)]
pub struct EventPlan {
    /// The channel's name on the broker.
    pub channel: String,
    /// What stores the channel: its stream on NATS, the channel itself elsewhere.
    pub store: String,
    /// The author says that its readers need the messages of one key in order.
    pub ordered: bool,
    /// The event's type in its envelope: dotted, lower case, with the version.
    pub event_type: String,
    /// The name follows the convention `<entity>.<past tense>`.
    pub conforms: bool,
    /// What the name would be by the convention, where it does not follow it.
    pub suggested: Option<String>,
    /// Schema version.
    pub version: Figure<u32>,
    /// Peak rate.
    pub rate: Figure<Rate>,
    /// Size of a message.
    pub size: Figure<Bytes>,
    /// Ordering key.
    pub key: Figure<String>,
    /// Partitions; `None` where the broker has none to choose, or where one is enough.
    pub partitions: Option<Figure<u64>>,
    /// Queues or consumers of each reader that the partitions are read by; 0 where they are the channel's own.
    pub lanes: u64,
    /// Time that a reader may take for a message.
    pub handler: Figure<Time>,
    /// Where order counts and the broker tells keys apart: as many keys have messages at the same time at the peak.
    pub busy_keys: Option<Figure<u64>>,
    /// More messages in order than the channel takes unless it is told.
    pub fast_order: bool,
    /// What it takes on the broker's disks.
    pub stored: Stored,
    /// How long it is to be kept.
    pub retention: Figure<Time>,
    /// How long the broker is told to keep it: `retention` within the broker's bounds.
    pub kept: Figure<Time>,
    /// Deliveries before it is given up.
    pub attempts: Figure<u32>,
    /// Waits between deliveries.
    pub backoff: Vec<Time>,
    /// What the broker is told to count up to, by the setting that the catalog names; `None` where only
    /// the reader counts.
    pub limit: Option<Figure<u32>>,
    /// How long a dead letter is to be kept.
    pub dead_letter_retention: Figure<Time>,
    /// How long the broker is told to keep a dead letter.
    pub dead_letter_kept: Figure<Time>,
    /// How long a consumer remembers what it has handled.
    pub dedupe: Figure<Time>,
    /// After which a message that is not acknowledged is delivered again.
    pub ack_timeout: Figure<Time>,
    /// What a new version of the schema may change.
    pub compatibility: Figure<Compatibility>,
    /// What the broker promises.
    pub delivery: Delivery,
    /// Its readers.
    pub groups: Vec<GroupPlan>,
    /// How long readers of the consumers' data may see the old state.
    pub staleness: Figure<Time>,
    /// Fields that carry personal data.
    pub pii: Vec<String>,
}

pub(super) fn plan(model: &Model, traffic: &Traffic, services: &[ServicePlan]) -> Vec<EventPlan> {
    let mut names: Vec<Names> = model.brokers.iter().map(|b| Names::new(b.kind)).collect();
    model
        .events
        .iter()
        .enumerate()
        .map(|(i, e)| {
            let names = &mut names[e.broker.0];
            one(model, e, &traffic.events[i], services, names)
        })
        .collect()
}

fn hours(h: u64) -> Time {
    Time::h(h)
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "float to integer casts saturate, counts are small"
)]
fn one(
    model: &Model,
    e: &Event,
    rate: &Figure<Rate>,
    services: &[ServicePlan],
    names: &mut Names,
) -> EventPlan {
    let n = numbers();
    let broker = model.broker(e.broker).kind;
    let version = match e.version {
        Some(v) => Figure::set(v.value),
        None => Figure::assumed(1, "first version; none is given", "derived"),
    };
    let dotted = event_type(&e.name);
    let conforms = e.name == dotted && is_past_tense(&dotted);
    let event_type = format!("{dotted}.v{}", version.value);
    // What exists keeps its name on the broker; the version is part of the name only where the name
    // follows the convention, since a new one would have to be introduced anyway.
    let wanted = match (broker.id.as_str(), conforms) {
        ("sns-sqs" | "eventbridge" | "pubsub" | "service-bus", true) => slug(&event_type),
        ("sns-sqs" | "eventbridge" | "pubsub" | "service-bus", false) => slug(&e.name),
        (_, true) => event_type.clone(),
        (_, false) => channel_name(&e.name),
    };
    let ordered = e.terms.ordered.is_some_and(|o| o.value);
    let channel = names.channel(&wanted, ordered);
    let size = match (e.size, model.defaults.size) {
        (Some(s), _) => Figure::set(s.value),
        (None, Some(s)) => Figure::derived(s.value, "`defaults.size`", ""),
        _ => Figure::assumed(
            Bytes(n.event_size.value as u64),
            n.event_size.why.clone(),
            "derived",
        ),
    };
    let key = match &e.key {
        Some(k) => Figure::set(k.value.clone()),
        None => match e
            .schema
            .iter()
            .find(|f| f.name.to_ascii_lowercase().ends_with("id"))
        {
            Some(f) => Figure::derived(f.name.clone(), "first identifier of its schema", "derived"),
            None => Figure::assumed(
                format!("{}Id", entity(&dotted)),
                "no key is given: the identifier of what the event is about",
                "derived",
            ),
        },
    };
    let retention = retention(model, e, broker);
    let attempts = attempts(e, broker);
    let backoff = backoff(attempts.value);
    let horizon = backoff.iter().fold(Time::default(), |a, b| a.plus(*b));
    let dead_letter_retention = if let Some(kept) = e.terms.dead_letter_retention {
        Figure::set(kept.value)
    } else {
        let days = Time::s(86_400).scale(n.dead_letter_retention.value);
        if retention.value >= days {
            Figure::derived(
                retention.value.plus(Time::s(86_400)),
                format!(
                    "a day longer than the source keeps it ({})",
                    retention.value
                ),
                "SQS",
            )
        } else {
            Figure::assumed(days, n.dead_letter_retention.why.clone(), "SQS")
        }
    };
    let (kept, dead_letter_kept) = redelivery::kept(
        broker,
        &retention,
        &dead_letter_retention,
        !e.consumers.is_empty(),
    );
    let dedupe = match e.terms.dedupe {
        Some(d) => Figure::set(d.value),
        None => {
            // A reader may be set back to the oldest message that there is.
            let held = retention.value.max(kept.value);
            Figure::derived(
                held.plus(horizon),
                format!("retention {held} + redelivery {horizon}"),
                "derived",
            )
        }
    };
    let instances = |p: Party| match p {
        Party::Service(s) => services[s.0].replicas.value,
        Party::Actor(_) => 1,
    };
    let largest = e.consumers.iter().map(|(p, _)| instances(*p)).max();
    let lanes = lanes::plan(e, broker, rate.value, size.value, largest.unwrap_or(1));
    let handler = lanes.handler.value;
    let ack_timeout = ack_timeout(e, broker, handler);
    let compatibility = match e.terms.compatibility {
        Some(c) if c.value != Compatibility::Unchecked => Figure::set(c.value),
        _ => Figure::assumed(
            Compatibility::Backward,
            "the default of schema registries: readers move first",
            "SR",
        ),
    };
    let per_handler = 1.0 / handler.as_s();
    let handling = Figure::derived(
        Rate(lanes.at_once as f64 * per_handler),
        format!(
            "{} at a time × {}/s a handler",
            lanes.at_once,
            float(per_handler)
        ),
        "derived",
    );
    let lag_seconds = n.lag_seconds.value;
    let lag = ((rate.value.0 * lag_seconds) - 1e-9).ceil().max(1.0) as u64;
    let groups = e
        .consumers
        .iter()
        .map(|(p, _)| {
            let catch_up = backlog::plan(model, services, *p, rate.value, &handling);
            let group = match p {
                Party::Service(s) => services[s.0].slug.clone(),
                Party::Actor(_) => slug(model.party(*p)),
            };
            let waits: &[Time] = if redelivery::waits_in_channels(broker, ordered) {
                &backoff
            } else {
                &[]
            };
            let reading = names.reader(&channel, &group, ordered, waits.len());
            let retries = reading.retries.into_iter().zip(waits);
            GroupPlan {
                consumer: *p,
                group,
                queue: reading.queue,
                lanes: lanes.kept,
                retries: retries
                    .map(|(name, delay)| RetryChannel {
                        name,
                        delay: *delay,
                    })
                    .collect(),
                dead_letter: reading.dead_letter,
                lag_limit: Figure::derived(
                    lag,
                    format!("{} × {} s", catch_up.arrival, float(lag_seconds)),
                    "derived",
                ),
                catch_up,
            }
        })
        .collect();
    let stored = stored::plan(
        broker,
        &stored::Input {
            rate,
            size: &size,
            kept: &kept,
            partitions: lanes.partitions.as_ref(),
            readers: e.consumers.len(),
        },
    );
    let staleness = Figure::derived(
        handler.plus(Time::ms(1000)).plus(horizon),
        format!("outbox poll 1 s + handler {handler}; with every redelivery up to {horizon} more"),
        "derived",
    );
    EventPlan {
        channel: channel.name,
        store: channel.store,
        ordered,
        event_type,
        conforms,
        suggested: (!conforms).then(|| suggest(&dotted)),
        version,
        rate: rate.clone(),
        size,
        key,
        stored,
        partitions: lanes.partitions,
        lanes: lanes.kept,
        handler: lanes.handler,
        busy_keys: lanes.busy_keys,
        fast_order: lanes.fast,
        kept,
        retention,
        limit: redelivery::limit(broker, attempts.value),
        attempts,
        backoff,
        dead_letter_kept,
        dead_letter_retention,
        dedupe,
        ack_timeout,
        compatibility,
        delivery: e.delivery.map_or(Delivery::AtLeastOnce, |d| d.value),
        groups,
        staleness,
        pii: e.pii.clone(),
    }
}

fn retention(model: &Model, e: &Event, broker: &'static catalog::Broker) -> Figure<Time> {
    let n = numbers();
    if let Some(r) = e.retention {
        return Figure::set(r.value);
    }
    if let Some(r) = model.defaults.retention {
        return Figure::derived(r.value, "`defaults.retention`", "");
    }
    let outage = Time::s(3600).scale(n.outage.value);
    if broker.retention_h == 0 {
        // Queues keep a message until it is consumed; what counts is the longest outage.
        return Figure::derived(
            Time::s(86_400).times(7),
            format!("kept until consumed, at most a week; outlasts an outage of {outage}"),
            &broker.source,
        );
    }
    Figure::derived(
        hours(broker.retention_h),
        format!(
            "default of {}; outlasts an outage of {outage} and its drain",
            broker.name
        ),
        &broker.source,
    )
}

/// The broker's own default, or twice what the messages that a consumer has in hand need.
fn ack_timeout(e: &Event, broker: &'static catalog::Broker, handler: Time) -> Figure<Time> {
    if let Some(t) = e.terms.ack_timeout {
        return Figure::set(t.value);
    }
    let prefetch = e.terms.prefetch.map_or(1, |p| p.value);
    let twice = handler.times(prefetch).times(2);
    let usual = Time::s(broker.ack_s);
    if twice <= usual {
        return Figure::derived(
            usual,
            format!(
                "{}, default of {}; two rounds of {prefetch} × {handler} fit",
                broker.ack, broker.name
            ),
            &broker.source,
        );
    }
    let capped = match broker.ack_max_s {
        0 => twice,
        max => twice.min(Time::s(max)),
    };
    Figure::derived(
        capped,
        format!(
            "{}: 2 × {prefetch} messages in hand × {handler}",
            broker.ack
        ),
        "derived",
    )
}

fn attempts(e: &Event, broker: &'static catalog::Broker) -> Figure<u32> {
    if let Some(r) = e.retries {
        return Figure::set(1 + r.value);
    }
    let n = &numbers().consumer_attempts;
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a small whole number"
    )]
    let usual = n.value as u32;
    Figure::assumed(usual, n.why.clone(), &broker.retry_source)
}

/// The waits between deliveries; at most ten minutes each, as the slowest broker allows.
fn backoff(attempts: u32) -> Vec<Time> {
    let n = numbers();
    let base = Time::ms(1).scale(n.consumer_backoff_base.value);
    (0..attempts.saturating_sub(1).min(1000))
        .map(|k| {
            let factor = n
                .consumer_backoff_factor
                .value
                .powi(i32::try_from(k.min(20)).unwrap_or(20));
            base.scale(factor).min(Time::s(600))
        })
        .collect()
}

/// `OrderPlacedIntegrationEvent`, `order_placed` and `order.placed` are all `order.placed`.
#[must_use]
pub fn event_type(name: &str) -> String {
    let mut words: Vec<String> = Vec::new();
    for part in name.split(|c: char| !c.is_alphanumeric()) {
        let mut word = String::new();
        let mut last_lower = false;
        for c in part.chars() {
            if c.is_uppercase() && last_lower {
                words.push(std::mem::take(&mut word));
            }
            last_lower = c.is_lowercase() || c.is_ascii_digit();
            word.extend(c.to_lowercase());
        }
        if !word.is_empty() {
            words.push(word);
        }
    }
    while words.len() > 1
        && matches!(
            words.last().map(String::as_str),
            Some("event" | "integration" | "message")
        )
    {
        words.pop();
    }
    // A version belongs to the version.
    if words.len() > 1
        && words.last().is_some_and(|w| {
            w.strip_prefix('v')
                .is_some_and(|d| !d.is_empty() && d.chars().all(|c| c.is_ascii_digit()))
        })
    {
        words.pop();
    }
    if words.is_empty() {
        "event".to_owned()
    } else if name.contains('.') || words.len() < 3 {
        words.join(".")
    } else {
        // Camel case has no dots: the last word is what happened, the others are to whom.
        let (verb, entity) = words
            .split_last()
            .map_or(("", &words[..]), |(v, e)| (v.as_str(), e));
        format!("{}.{verb}", entity.join("_"))
    }
}

/// Whether `word` tells what has happened: `placed`, `sent`.
#[must_use]
pub fn is_past(word: &str) -> bool {
    const IRREGULAR: [&str; 22] = [
        "sent",
        "paid",
        "made",
        "built",
        "lost",
        "won",
        "sold",
        "bought",
        "begun",
        "done",
        "taken",
        "given",
        "written",
        "chosen",
        "broken",
        "withdrawn",
        "set",
        "put",
        "met",
        "held",
        "left",
        "found",
    ];
    // No verb of the past is this short but `fed` and `led`; `feed` and `speed` are things.
    let regular = word.len() > 4 && word.ends_with("ed") && !word.ends_with("eed");
    regular || matches!(word, "used" | "agreed") || IRREGULAR.contains(&word)
}

/// Whether the last word of a dotted name tells what has happened.
#[must_use]
pub fn is_past_tense(dotted: &str) -> bool {
    let Some((entity, verb)) = dotted.rsplit_once('.') else {
        return false;
    };
    !entity.is_empty() && is_past(verb.rsplit('_').next().unwrap_or(verb))
}

/// A name by the convention, for one that does not follow it: `policy.updated` for `update.policy`,
/// `payment.authorized` for `payment.authorize`, and `decision.recorded` where no verb is known.
fn suggest(dotted: &str) -> String {
    if is_past_tense(dotted) {
        return dotted.to_owned();
    }
    let mut words: Vec<&str> = dotted.split(['.', '_']).filter(|w| !w.is_empty()).collect();
    if words.len() > 1 && matches!(words.last(), Some(&"command" | &"cmd" | &"event")) {
        words.pop();
    }
    let verb = match words.as_slice() {
        [first, _, ..] if verbs::is_verb(first) => Some(words.remove(0)),
        [_, .., last] if verbs::is_verb(last) => words.pop(),
        _ => None,
    };
    if let Some(last) = words.last_mut() {
        *last = singular(last);
    }
    let past = verb.map_or_else(|| "recorded".to_owned(), verbs::past);
    format!("{}.{past}", words.join("_"))
}

fn entity(dotted: &str) -> String {
    let words: Vec<&str> = dotted.split(['.', '_']).collect();
    singular(words.first().copied().unwrap_or("entity")).to_owned()
}

/// The word without its plural's `s`; an address or a status has none.
fn singular(word: &str) -> &str {
    word.strip_suffix('s')
        .filter(|s| s.len() > 2 && !s.ends_with(['s', 'u', 'i']))
        .unwrap_or(word)
}

/// A name as a topic or queue may be called: letters, digits, `.`, `_` and `-`.
fn channel_name(name: &str) -> String {
    let ok = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if name.chars().all(ok) && !name.is_empty() {
        name.to_owned()
    } else {
        slug(name)
    }
}

/// `order.placed` as an identifier: `order_placed`.
#[must_use]
pub fn snake(name: &str) -> String {
    slug(name).replace('-', "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_brought_to_the_convention() {
        for (name, dotted, past) in [
            ("order.placed", "order.placed", true),
            ("OrderStartedIntegrationEvent", "order.started", true),
            (
                "OrderStatusChangedToPaidIntegrationEvent",
                "order_status_changed_to.paid",
                true,
            ),
            ("orders", "orders", false),
            ("hystrix stream", "hystrix.stream", false),
            ("payment.authorize", "payment.authorize", false),
            ("trip.completed.v2", "trip.completed", true),
        ] {
            assert_eq!(event_type(name), dotted, "{name}");
            assert_eq!(is_past_tense(dotted), past, "{name}");
        }
        assert_eq!(suggest("payment.authorize"), "payment.authorized");
        assert_eq!(suggest("orders"), "order.recorded");
        for (name, fact) in [
            ("UpdatePolicyEvent", "policy.updated"),
            ("SendEmail", "email.sent"),
            ("ship order", "order.shipped"),
            ("ProcessPaymentCommand", "payment.processed"),
            ("write-home-timeline", "home_timeline.written"),
            ("CustomerDecisionEvent", "customer_decision.recorded"),
            ("order.update", "order.updated"),
        ] {
            assert_eq!(suggest(&event_type(name)), fact, "{name}");
        }
        assert_eq!(entity("address.changed"), "address");
        assert_eq!(entity("status.changed"), "status");
    }
}
