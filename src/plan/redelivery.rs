//! What a broker is told so that a message that failed comes back, and where it lands in the end: names,
//! waits and limits, in one place for chapter, alerts and files.

use std::collections::BTreeSet;

use super::figure::Figure;
use super::slug::slug;
use crate::catalog::Broker;
use crate::model::units::Time;

/// A channel in which a message of one reader waits for its next delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetryChannel {
    /// Topic on Kafka, queue on RabbitMQ.
    pub name: String,
    /// How long a message waits in it.
    pub delay: Time,
}

/// The names of one event on its broker.
#[derive(Clone, Debug)]
pub(super) struct Channel {
    /// The channel.
    pub(super) name: String,
    /// What stores it: the stream on NATS, the channel itself elsewhere.
    pub(super) store: String,
    /// The channel without the ending that its kind demands.
    stem: String,
}

/// The names of one reader of an event.
#[derive(Clone, Debug)]
pub(super) struct Reading {
    pub(super) queue: String,
    pub(super) dead_letter: String,
    pub(super) retries: Vec<String>,
}

/// Gives out the names on one broker, no name twice and none longer than the broker takes.
#[derive(Debug)]
pub(super) struct Names {
    broker: &'static Broker,
    taken: BTreeSet<String>,
}

impl Names {
    pub(super) fn new(broker: &'static Broker) -> Self {
        Self {
            broker,
            taken: BTreeSet::new(),
        }
    }

    /// The names of an event; `wanted` is what it would be called alone, `ordered` whether its messages keep
    /// their order.
    pub(super) fn channel(&mut self, wanted: &str, ordered: bool) -> Channel {
        let id = self.broker.id.as_str();
        if id == "nats" {
            let store = self.take(&slug(wanted), "");
            return Channel {
                name: wanted.to_owned(),
                stem: store.clone(),
                store,
            };
        }
        let ending = self.ending(ordered);
        let name = self.take(wanted, ending);
        let stem = name.strip_suffix(ending).unwrap_or(&name).to_owned();
        Channel {
            store: name.clone(),
            stem,
            name,
        }
    }

    /// The names of the reader `group` of `channel`, which waits `waits` times in channels of its own.
    pub(super) fn reader(
        &mut self,
        channel: &Channel,
        group: &str,
        ordered: bool,
        waits: usize,
    ) -> Reading {
        let (id, suffix) = (
            self.broker.id.as_str(),
            self.broker.dead_letter_suffix.as_str(),
        );
        let ending = self.ending(ordered);
        let (name, stem) = (channel.name.as_str(), channel.stem.as_str());
        let own = match id {
            "kafka" => format!("{name}.{group}"),
            "rabbitmq" => format!("{group}.{name}"),
            _ => format!("{stem}-{group}"),
        };
        let queue = match id {
            "kafka" => name.to_owned(),
            "nats" => channel.store.clone(),
            // The names of subscriptions are short, and are those of their topic.
            "service-bus" => fit(group, "", self.broker.name_max),
            _ => self.take(&own, ending),
        };
        let dead_letter = match id {
            "service-bus" => format!("{name}/Subscriptions/{queue}{suffix}"),
            _ => self.take(&own, &format!("{suffix}{ending}")),
        };
        let retries = (1..=waits)
            .map(|n| self.take(&own, &format!(".retry-{n}")))
            .collect();
        Reading {
            queue,
            dead_letter,
            retries,
        }
    }

    /// What the names of topics and queues have to end in.
    fn ending(&self, ordered: bool) -> &'static str {
        if ordered && self.broker.id == "sns-sqs" {
            ".fifo"
        } else {
            ""
        }
    }

    /// `stem` and `ending`, numbered where that is somebody else's name.
    fn take(&mut self, stem: &str, ending: &str) -> String {
        let mut name = fit(stem, ending, self.broker.name_max);
        let mut n = 2_u64;
        // Some tools see no difference between large and small letters.
        while !self.taken.insert(name.to_ascii_lowercase()) {
            name = fit(stem, &format!("-{n}{ending}"), self.broker.name_max);
            n += 1;
        }
        name
    }
}

/// `stem` and `ending` in at most `max` bytes: what is cut off is replaced by its hash.
fn fit(stem: &str, ending: &str, max: usize) -> String {
    if stem.len() + ending.len() <= max {
        return format!("{stem}{ending}");
    }
    // FNV-1a: the same on every machine.
    let hash = stem.bytes().fold(0x811c_9dc5_u32, |h, b| {
        (h ^ u32::from(b)).wrapping_mul(0x0100_0193)
    });
    let room = max.saturating_sub(ending.len() + 9);
    let kept: String = stem
        .char_indices()
        .take_while(|(i, c)| i + c.len_utf8() <= room)
        .map(|(_, c)| c)
        .collect();
    format!("{kept}-{hash:08x}{ending}")
}

/// Whether the waits between deliveries are channels of the broker's: with the others it is the reader or
/// the broker itself that waits. A message that waits elsewhere is overtaken, so never where order counts.
pub(super) fn waits_in_channels(broker: &Broker, ordered: bool) -> bool {
    !ordered && matches!(broker.id.as_str(), "kafka" | "rabbitmq")
}

/// What the broker itself counts up to; `None` where it counts nothing.
pub(super) fn limit(broker: &'static Broker, deliveries: u32) -> Option<Figure<u32>> {
    if broker.limit.is_empty() {
        return None;
    }
    if broker.id == "rabbitmq" {
        return Some(Figure::derived(
            deliveries.saturating_sub(1),
            format!(
                "returns before it is given up: {deliveries} deliveries, of which the first is none"
            ),
            &broker.retry_source,
        ));
    }
    let most = match broker.limit_max {
        0 => u32::MAX,
        max => max,
    };
    let value = deliveries.max(broker.limit_min).min(most);
    let why = if value == deliveries {
        "the deliveries themselves".to_owned()
    } else {
        format!(
            "{deliveries} deliveries; {} takes {} to {}",
            broker.name, broker.limit_min, broker.limit_max
        )
    };
    Some(Figure::derived(value, why, &broker.retry_source))
}

/// How long the broker is told to keep messages and dead letters, of what is wanted: that, within its
/// bounds. `read` is whether anybody reads them, so that there can be dead letters.
pub(super) fn kept(
    broker: &'static Broker,
    retention: &Figure<Time>,
    dead: &Figure<Time>,
    read: bool,
) -> (Figure<Time>, Figure<Time>) {
    let (mut kept, mut dead) = (within(broker, retention), within(broker, dead));
    // A dead letter's age counts from when the message was first sent, so it has to be kept for longer.
    let from_first = matches!(broker.id.as_str(), "sns-sqs" | "eventbridge");
    if from_first && !dead.is_set() && dead.value <= kept.value {
        if kept.is_set() {
            let why = format!(
                "{} is the most of {}, counted from when the message was first sent: nothing is left of it for one \
                 that fails after {}",
                dead.value, broker.name, kept.value
            );
            dead = Figure::derived(dead.value, why, &broker.source);
        } else {
            let less = dead.value.minus(Time::h(24));
            let why = format!(
                "not {}: its dead letters are kept for {}, counted from when it was first sent",
                kept.value, dead.value
            );
            kept = Figure::derived(less, why, &broker.source);
        }
    }
    // What JetStream tells of a message that it gave up is where it stands in its stream: it is gone when
    // the stream drops it.
    if broker.id == "nats" && read && dead.value > kept.value {
        if retention.is_set() {
            let why = format!(
                "not {}: it stands in its stream, kept for {}",
                dead.value, kept.value
            );
            dead = Figure::derived(kept.value, why, &broker.source);
        } else {
            let why = format!(
                "not {}: its dead letters stand in it, kept for {}",
                kept.value, dead.value
            );
            kept = Figure::derived(dead.value, why, &broker.source);
            if !dead.is_set() {
                let why = "two weeks to look at a dead letter, and its message stands in the stream as long";
                dead = Figure::derived(dead.value, why, &broker.source);
            }
        }
    }
    (kept, dead)
}

fn within(broker: &'static Broker, wanted: &Figure<Time>) -> Figure<Time> {
    let least = Time::s(broker.retention_min_s);
    let most = match broker.retention_max_h {
        0 => wanted.value,
        max => Time::h(max),
    };
    let value = wanted.value.min(most).max(least);
    if value == wanted.value {
        return wanted.clone();
    }
    let bound = if value < wanted.value {
        "most"
    } else {
        "least"
    };
    Figure::derived(
        value,
        format!(
            "{}; {value} is the {bound} of {}",
            wanted.value, broker.name
        ),
        &broker.source,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::brokers;

    fn broker(id: &str) -> &'static Broker {
        brokers()
            .iter()
            .find(|b| b.id == id)
            .expect("in the catalog")
    }

    #[test]
    fn no_name_is_given_twice_and_none_is_too_long() {
        for broker in brokers() {
            for ordered in [false, true] {
                let mut names = Names::new(broker);
                let long = "a".repeat(300);
                let mut seen = BTreeSet::new();
                for wanted in ["order.placed", "order-placed", "Order.Placed", &long, &long] {
                    let channel = names.channel(wanted, ordered);
                    assert!(channel.store.len() <= broker.name_max, "{channel:?}");
                    assert!(seen.insert(channel.store.to_lowercase()), "{channel:?}");
                    let mut own = BTreeSet::new();
                    for group in ["stock", &long] {
                        let r = names.reader(&channel, group, ordered, 2);
                        for name in r.retries.iter().chain([&r.dead_letter]) {
                            assert!(own.insert(name.to_lowercase()), "{r:?}");
                        }
                        assert!(r.queue.len() <= broker.name_max, "{r:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn names_say_whose_they_are() {
        let mut names = Names::new(broker("kafka"));
        let channel = names.channel("order.placed.v1", false);
        let r = names.reader(&channel, "stock", false, 2);
        assert_eq!(r.queue, "order.placed.v1");
        assert_eq!(r.dead_letter, "order.placed.v1.stock.dlt");
        assert_eq!(
            r.retries,
            [
                "order.placed.v1.stock.retry-1",
                "order.placed.v1.stock.retry-2"
            ]
        );
        let mut names = Names::new(broker("sns-sqs"));
        let channel = names.channel("order-placed-v1", true);
        assert_eq!(channel.name, "order-placed-v1.fifo");
        let r = names.reader(&channel, "stock", true, 0);
        assert_eq!(r.queue, "order-placed-v1-stock.fifo");
        assert_eq!(r.dead_letter, "order-placed-v1-stock-dlq.fifo");
        let mut names = Names::new(broker("nats"));
        let channel = names.channel("order.placed.v1", false);
        assert_eq!(
            (channel.name.as_str(), channel.store.as_str()),
            ("order.placed.v1", "order-placed-v1")
        );
        let r = names.reader(&channel, "stock", false, 0);
        assert_eq!(
            (r.queue.as_str(), r.dead_letter.as_str()),
            ("order-placed-v1", "order-placed-v1-stock-dlq")
        );
    }

    #[test]
    fn a_broker_counts_within_its_bounds() {
        let of = |id: &str, n| limit(broker(id), n).map(|f| f.value);
        assert_eq!(of("kafka", 5), None);
        assert_eq!(of("rabbitmq", 5), Some(4));
        assert_eq!(of("rabbitmq", 0), Some(0));
        assert_eq!(of("nats", 5), Some(5));
        assert_eq!(of("pubsub", 3), Some(5));
        assert_eq!(of("pubsub", 500), Some(100));
        assert_eq!(of("sns-sqs", 3), Some(3));
    }

    #[test]
    fn a_broker_keeps_within_its_bounds() {
        let of = |id: &str, t: Time| within(broker(id), &Figure::set(t)).value;
        assert_eq!(of("sns-sqs", Time::h(24 * 30)), Time::h(336));
        assert_eq!(of("sns-sqs", Time::s(1)), Time::s(60));
        assert_eq!(of("kafka", Time::h(24 * 365)), Time::h(24 * 365));
        assert_eq!(of("rabbitmq", Time::h(24 * 365)), Time::h(1176));
    }

    #[test]
    fn a_stream_keeps_what_its_dead_letters_point_at() {
        let (week, fortnight) = (Time::h(168), Time::h(336));
        let derived = |t| Figure::derived(t, "", "");
        let of = |id, a: &Figure<Time>, b: &Figure<Time>| {
            let (kept, dead) = kept(broker(id), a, b, true);
            (kept.value, dead.value)
        };
        assert_eq!(
            of("nats", &derived(week), &derived(fortnight)),
            (fortnight, fortnight)
        );
        assert_eq!(
            of("nats", &Figure::set(week), &Figure::set(fortnight)),
            (week, week)
        );
        assert_eq!(
            of("nats", &derived(fortnight), &derived(week)),
            (fortnight, week)
        );
        assert_eq!(
            of("kafka", &derived(week), &derived(fortnight)),
            (week, fortnight)
        );
    }

    #[test]
    fn a_dead_letter_outlives_its_source_where_its_age_counts_from_the_first_sending() {
        let (month, fortnight) = (Time::h(720), Time::h(336));
        let derived = |t| Figure::derived(t, "", "");
        let of = |a: &Figure<Time>, b: &Figure<Time>| {
            let (kept, dead) = kept(broker("sns-sqs"), a, b, true);
            (kept.value, dead.value)
        };
        // More than SQS takes is lowered anyway; what it takes stays as it was set.
        let day_less = Time::h(312);
        assert_eq!(
            of(&derived(fortnight), &derived(month)),
            (day_less, fortnight)
        );
        assert_eq!(
            of(&Figure::set(month), &derived(month)),
            (day_less, fortnight)
        );
        assert_eq!(
            of(&Figure::set(fortnight), &derived(month)),
            (fortnight, fortnight)
        );
        assert_eq!(
            of(&derived(Time::h(96)), &derived(fortnight)),
            (Time::h(96), fortnight)
        );
    }
}
