//! The reference state machine of the patterns, and the trace table that every language replays.
//!
//! The machine knows nothing of the samples: it follows the rules that `src/render/code.rs` states, in
//! whole microseconds. Scripts of events run through it and leave one row an event; the driver of each
//! language makes the same events happen to its sample and compares. Columns:
//!
//! | column | meaning |
//! |---|---|
//! | row | number that a mismatch is reported with |
//! | time | microseconds since the table's start |
//! | op | `breaker`, `guarded`: a new object; `begin`, `end`: a call of a breaker; `call`, `attempt`, `reply`, `done`: a guarded call |
//! | id | which call of a breaker; for a new object the sample, `orders` or `once`; of a `done`: whether the fallback was `asked`, which ends with the error |
//! | outcome | how the call or the attempt ends |
//! | after | microseconds of the reply's `Retry-After` |
//! | jitter | what the random source gives next, in quarters |
//! | given | microseconds that the attempt may take |
//! | before, state | of the breaker, before and after the event |
//! | decision | of a `begin`: `admitted` or `refused`; of a `done`: what the caller gets |
//!
//! A driver makes `begin`, `end`, `call` and `reply` happen at their times; when an `attempt` or a `done` comes
//! is the sample's own doing, and the driver compares the time.

mod breaker;
mod guarded;
mod machine;

use std::fmt::Write as _;

const MS: u64 = 1000;

/// The rows so far and the time.
struct Table {
    rows: Vec<String>,
    now: u64,
    seed: u64,
}

/// The table as text: a heading and one line a row, with tabs.
pub(crate) fn table() -> String {
    let mut t = Table {
        rows: Vec::new(),
        now: 0,
        seed: 20_240_229,
    };
    t.thresholds();
    t.probes();
    t.window();
    t.guarded_edges();
    for _ in 0..12 {
        t.random_breaker();
    }
    for index in 0..16 {
        t.random_guarded(index % 2 == 0);
    }
    let mut text =
        "row\ttime\top\tid\toutcome\tafter\tjitter\tgiven\tbefore\tstate\tdecision\n".to_owned();
    for (index, row) in t.rows.iter().enumerate() {
        writeln!(text, "{}\t{row}", index + 1).unwrap();
    }
    text
}

impl Table {
    /// A number below `below`: xorshift, so that the table is the same everywhere.
    fn random(&mut self, below: u64) -> u64 {
        self.seed ^= self.seed << 13;
        self.seed ^= self.seed >> 7;
        self.seed ^= self.seed << 17;
        self.seed % below
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        let index = self.random(of.len() as u64);
        of[usize::try_from(index).unwrap()]
    }

    fn pass(&mut self, microseconds: u64) {
        self.now += microseconds;
    }

    fn row(&mut self, columns: [&str; 9]) {
        let now = self.now;
        let [op, rest @ ..] = columns;
        self.rows.push(format!("{now}\t{op}\t{}", rest.join("\t")));
    }
}
