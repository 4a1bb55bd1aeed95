//! How many messages of an event a reader has in hand at once, and how long it may take for each.
//!
//! Where order counts, a broker that does not tell keys apart by itself gets partitions: each key belongs to one, and a
//! reader has one message of each partition in hand.

use super::figure::Figure;
use crate::catalog::{Broker, numbers};
use crate::model::units::{Bytes, Rate, Time, float};
use crate::model::{Event, Set};

/// How an event is read.
#[derive(Clone, Debug)]
pub(super) struct Lanes {
    /// Partitions; `None` where the broker has none to choose, or where one is enough.
    pub(super) partitions: Option<Figure<u64>>,
    /// Queues or consumers that a reader has for them; 0 where the channel itself has the partitions, or none.
    pub(super) kept: u64,
    /// Time that a reader may take for a message.
    pub(super) handler: Figure<Time>,
    /// Messages in hand at once.
    pub(super) at_once: u64,
    /// Where order counts and the broker tells keys apart: as many of them have messages at the same time at the peak,
    /// or the order makes messages wait.
    pub(super) busy_keys: Option<Figure<u64>>,
    /// The channel has to be made for more messages in order than it takes otherwise.
    pub(super) fast: bool,
}

/// The lanes of `event` at `rate`, read by groups of which the largest has `largest` instances.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "float to integer casts saturate, partitions are few"
)]
pub(super) fn plan(
    event: &Event,
    broker: &'static Broker,
    rate: Rate,
    size: Bytes,
    largest: u64,
) -> Lanes {
    let n = numbers();
    let handler = handler(event.terms.handler);
    let per_handler = 1.0 / handler.value.as_s();
    let spare = rate.0 * (1.0 + n.headroom.value);
    let by_rate = ((spare / per_handler) - 1e-9).ceil().max(1.0) as u64;
    let usual = || {
        Figure::derived(
            by_rate.max(largest),
            format!(
                "max({rate} × {} ÷ {}/s a handler, {largest} instances of the largest group)",
                float(1.0 + n.headroom.value),
                float(per_handler)
            ),
            "derived",
        )
    };
    if broker.partitioned {
        let partitions = event
            .partitions
            .map_or_else(usual, |p| Figure::set(p.value));
        return Lanes {
            at_once: partitions.value,
            partitions: Some(partitions),
            kept: 0,
            handler,
            busy_keys: None,
            fast: false,
        };
    }
    let ordered = event.terms.ordered.is_some_and(|o| o.value);
    if !ordered || broker.lanes.is_empty() {
        return Lanes {
            partitions: None,
            kept: 0,
            at_once: by_rate.max(largest),
            busy_keys: ordered.then(|| busy_keys(broker, rate, size, &handler)),
            fast: ordered && broker.ordered_rate > 0 && spare > broker.ordered_rate as f64,
            handler,
        };
    }
    let most = n.ordered_lanes.value as u64;
    let partitions = match event.partitions {
        Some(p) => Figure::set(p.value),
        None if by_rate <= 1 => {
            return Lanes {
                partitions: None,
                kept: 0,
                handler,
                at_once: 1,
                busy_keys: None,
                fast: false,
            };
        }
        None if by_rate.max(largest) > most => Figure::derived(
            most,
            format!(
                "the most; {by_rate} would be needed for {rate} × {} at {} a message, and {}",
                float(1.0 + n.headroom.value),
                handler.value,
                n.ordered_lanes.why
            ),
            "derived",
        ),
        None => usual(),
    };
    let lanes = partitions.value;
    // What is left for a message where the usual time would be too long; a stated time stands.
    let handler = if handler.is_set() || by_rate <= lanes {
        handler
    } else {
        Figure::derived(
            rounded_down(((lanes as f64 / spare * 1e6) as u64).max(1)),
            format!(
                "{lanes} partitions ÷ ({rate} × {}), less than the usual {}",
                float(1.0 + n.headroom.value),
                handler.value
            ),
            "derived",
        )
    };
    Lanes {
        at_once: lanes,
        kept: if lanes > 1 {
            lanes.min(n.lanes_kept.value as u64)
        } else {
            0
        },
        partitions: (lanes > 1).then_some(partitions),
        handler,
        busy_keys: None,
        fast: false,
    }
}

/// Keys that have to be busy at once: one message of a key is handled at a time, and brokers take only so much of one.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "float to integer casts saturate, limits are small"
)]
fn busy_keys(
    broker: &'static Broker,
    rate: Rate,
    size: Bytes,
    handler: &Figure<Time>,
) -> Figure<u64> {
    let up = |n: f64| (n - 1e-9).ceil().max(1.0) as u64;
    let by_handler = (
        up(rate.0 * handler.value.as_s()),
        format!("{rate} × {} a message", handler.value),
        "derived",
    );
    let source = broker.source.as_str();
    let by_rate = (broker.key_rate > 0).then(|| {
        (
            up(rate.0 / broker.key_rate as f64),
            format!("{rate} ÷ {}/s of one key", broker.key_rate),
            source,
        )
    });
    let by_bytes = (broker.key_bytes > 0).then(|| {
        (
            up(rate.0 * size.0 as f64 / broker.key_bytes as f64),
            format!(
                "{rate} × {size} ÷ {} a second of one key",
                Bytes(broker.key_bytes)
            ),
            source,
        )
    });
    let (keys, why, source) = [by_rate, by_bytes]
        .into_iter()
        .flatten()
        .fold(by_handler, |a, b| if b.0 > a.0 { b } else { a });
    Figure::derived(keys, why, source)
}

fn handler(stated: Option<Set<Time>>) -> Figure<Time> {
    let n = &numbers().handler;
    stated.map_or_else(
        || Figure::assumed(Time::ms(1).scale(n.value), n.why.clone(), "derived"),
        |h| Figure::set(h.value),
    )
}

/// Microseconds as a time that is no longer than they are: whole milliseconds, if it is as much as one.
fn rounded_down(micros: u64) -> Time {
    match micros / 1000 {
        0 => Time(micros),
        ms => Time::ms(ms),
    }
}
