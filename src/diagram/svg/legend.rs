//! Where the samples of a legend stand: in rows that are as wide as the picture.

use super::super::text;
use super::SMALL;

/// Length of a sample.
pub(super) const SAMPLE: i64 = 34;
/// Above the first row.
const HEAD: i64 = 18;
/// From one row to the next.
const ROW: i64 = 24;
/// Between two entries.
const GAP: i64 = 18;

/// The places of a legend's entries.
pub(super) struct Rows {
    /// Upper left corner of each sample; its word follows.
    pub(super) places: Vec<(i64, i64)>,
    pub(super) width: i64,
    /// 0 without an entry.
    pub(super) height: i64,
}

impl Rows {
    /// Entries with these words, in rows of at most `room` pixels.
    pub(super) fn new<'w>(words: impl Iterator<Item = &'w str>, room: i64) -> Self {
        let mut rows = Self {
            places: Vec::new(),
            width: 0,
            height: 0,
        };
        let (mut x, mut y) = (0, HEAD);
        for word in words {
            let w = SAMPLE + 6 + text::width(word, SMALL);
            if x > 0 && x + w > room {
                x = 0;
                y += ROW;
            }
            rows.places.push((x, y));
            rows.width = rows.width.max(x + w);
            rows.height = y + ROW - 4;
            x += w + GAP;
        }
        rows
    }
}
