//! The key below a picture whose labels are numbers: what each of them stands for.

use super::super::scene::EdgeKind;
use super::super::text;
use super::writer::Svg;
use super::{SMALL, SMALL_LINE};

/// Width of an entry's lines, unless one of its operations is longer.
const USUAL: i64 = 300;
/// Widest line of an entry.
const WIDEST: i64 = 640;
/// Between two columns.
const GAP: i64 = 24;
/// Above the entries: a heading.
const HEAD: i64 = 24;
/// Between a number and its operations.
const INDENT: i64 = 24;
/// Lines of one entry; more than any list of operations that can be read.
const LINES: usize = 60;

/// The lines of an entry; nothing of it is left out.
fn entry(named: &[String]) -> Vec<String> {
    let longest = named.iter().map(|n| text::width(n, SMALL)).max();
    let room = longest.unwrap_or(0) + text::width(",", SMALL);
    if room > WIDEST {
        return text::wrap_path(&named.join(", "), SMALL, WIDEST, LINES);
    }
    // A line ends behind an operation, not within.
    let whole: Vec<String> = named.iter().map(|n| n.replace(' ', "\u{a0}")).collect();
    text::wrap(&whole.join(", "), SMALL, room.max(USUAL), LINES)
}

/// Entries in columns, read downwards.
pub(super) struct Key {
    /// Left edge and base line of each entry's number, from the key's upper left corner, and its lines.
    entries: Vec<(i64, i64, Vec<String>)>,
    pub(super) width: i64,
    pub(super) height: i64,
}

impl Key {
    /// The key to `all`, in a picture that is `room` pixels wide.
    pub(super) fn new(all: &[(EdgeKind, Vec<String>)], room: i64) -> Self {
        let lines: Vec<Vec<String>> = all.iter().map(|(_, named)| entry(named)).collect();
        let widest = lines.iter().flatten().map(|l| text::width(l, SMALL)).max();
        let column = INDENT + widest.unwrap_or(0);
        let columns = ((room + GAP) / (column + GAP)).max(1);
        // As many lines in each column but the last.
        let total: i64 = lines.iter().map(|l| l.len() as i64).sum();
        let most = (total + columns - 1) / columns;
        let mut key = Self {
            entries: Vec::new(),
            width: 0,
            height: 0,
        };
        let (mut x, mut row) = (0, 0);
        for lines in lines {
            if row >= most {
                (x, row) = (x + column + GAP, 0);
            }
            let count = lines.len() as i64;
            key.entries.push((x, HEAD + 12 + row * SMALL_LINE, lines));
            row += count;
            key.width = key.width.max(x + column);
            key.height = key.height.max(HEAD + row * SMALL_LINE + 4);
        }
        key
    }

    pub(super) fn draw(&self, svg: &mut Svg, below: i64) {
        if self.entries.is_empty() {
            return;
        }
        svg.anchored("h");
        svg.text("", 0, below + 18, "The numbers on the lines");
        svg.close();
        svg.anchored("s");
        for (i, (x, y, lines)) in self.entries.iter().enumerate() {
            let y = y + below;
            let mut lines = lines.iter();
            let first = lines.next().map_or("", String::as_str);
            svg.text("", *x, y, &format!("{} {first}", i + 1));
            for (line, i) in lines.zip(1..) {
                svg.text("", x + INDENT, y + i * SMALL_LINE, line);
            }
        }
        svg.close();
    }
}
