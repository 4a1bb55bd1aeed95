//! What a channel takes on its broker's disks: all that it keeps, or where a message is dropped once it is read, what
//! waits after the longest outage.

use super::figure::Figure;
use crate::catalog::{Broker, numbers};
use crate::model::units::{Bytes, Rate, Time, float};

/// Seconds of a day.
const DAY_S: f64 = 86_400.0;

/// The bytes of one channel.
#[derive(Clone, Debug)]
pub struct Stored {
    /// Written in a day at constant peak, before replication.
    pub a_day: Bytes,
    /// On the disks, replicas included.
    pub bytes: Figure<Bytes>,
    /// More than the broker takes, or than anybody wants to keep: what to do about it.
    pub too_much: Option<String>,
    /// At which a partition drops its oldest messages although they are young enough; `None` where rate or size are not
    /// stated, so that nothing is lost by a wrong guess, and where the broker would reserve the space at once.
    pub partition_limit: Option<Figure<Bytes>>,
}

/// What the bytes of a channel depend on.
pub(super) struct Input<'a> {
    pub(super) rate: &'a Figure<Rate>,
    pub(super) size: &'a Figure<Bytes>,
    pub(super) kept: &'a Figure<Time>,
    pub(super) partitions: Option<&'a Figure<u64>>,
    pub(super) readers: usize,
}

pub(super) fn plan(broker: &'static Broker, input: &Input<'_>) -> Stored {
    let n = numbers();
    let (rate, size, kept) = (
        input.rate.value.0,
        float_of(input.size.value.0),
        input.kept.value.as_s(),
    );
    let copies = float_of(broker.copies);
    let outage = Time::s(3600).scale(n.outage.value);
    let times = match broker.copies {
        0 | 1 => String::new(),
        n => format!(" × {n} replicas"),
    };
    let (once, bytes) = if broker.keeps_read {
        let once = rate * size * kept;
        let why = format!(
            "{} × {} × {}{times}",
            input.rate.value, input.size.value, input.kept.value
        );
        (once, Figure::derived(whole(once * copies), why, "derived"))
    } else {
        let waits = outage.min(input.kept.value);
        let queues = super::traffic::count(input.readers);
        let once = rate * size * waits.as_s();
        let why = format!(
            "what waits after an outage of {waits}: {} × {} × {waits} × {}{times}",
            input.rate.value,
            input.size.value,
            match input.readers {
                1 => "1 reader".to_owned(),
                n => format!("{n} readers"),
            }
        );
        (
            once,
            Figure::derived(whole(once * queues * copies), why, "derived"),
        )
    };
    let most = float_of(broker.stored_max);
    let too_much = if most > 0.0 && once > most {
        Some(format!(
            "more than {}, {}",
            Bytes(broker.stored_max),
            broker.stored_note
        ))
    } else if once > n.stored_much.value {
        // Whole hours read better.
        let hours = n.stored_much.value / (rate * size * 3600.0);
        let fitting = Time::h(1).scale(hours.floor());
        Some(format!(
            "{}; {}",
            n.stored_much.why,
            if broker.keeps_read && fitting >= outage {
                format!(
                    "`retention = \"{}\"` keeps a replica below {}",
                    fitting.compact(),
                    whole(n.stored_much.value)
                )
            } else {
                "a reference to the payload in an object store keeps the channel small".to_owned()
            }
        ))
    } else {
        None
    };
    let partition_limit = input
        .partitions
        .filter(|_| broker.partitioned && input.rate.is_set() && input.size.is_set())
        .map(|p| {
            let room = 1.0 + n.headroom.value;
            Figure::derived(
                whole(once * room / float_of(p.value.max(1))),
                format!(
                    "{} × {} × {} × {} ÷ {} partitions",
                    input.rate.value,
                    input.size.value,
                    input.kept.value,
                    float(room),
                    p.value
                ),
                "derived",
            )
        });
    Stored {
        a_day: whole(rate * size * DAY_S),
        bytes,
        too_much,
        partition_limit,
    }
}

/// Everything that `channels` take together.
#[must_use]
pub fn together<'a>(channels: impl Iterator<Item = &'a Stored>) -> Bytes {
    Bytes(channels.fold(0_u64, |sum, s| sum.saturating_add(s.bytes.value.0)))
}

#[allow(clippy::cast_precision_loss, reason = "an estimate of bytes")]
fn float_of(n: u64) -> f64 {
    n as f64
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "float to integer casts saturate"
)]
fn whole(bytes: f64) -> Bytes {
    Bytes(bytes.ceil() as u64)
}
