//! The dependency matrix: names at both edges, a cell a pair, in it what is exchanged and how often.

use super::super::layout::Rect;
use super::super::matrix::{Counts, Matrix};
use super::super::scene::EdgeKind;
use super::super::{MAX_ROWS, TooLarge, bounded, text};
use super::legend::Rows;
use super::writer::{Svg, outline};
use super::{Options, SMALL};
use std::fmt::Write;

/// Height of a cell, and its least width.
const CELL: i64 = 22;
/// Between a number and the sides of its part of a cell.
const AIR: i64 = 4;
/// Between names and cells.
const GAP: i64 = 8;
/// Rows from which on the names stand at the far edges as well: the eye does not find back so far.
const FAR: usize = 30;
/// Widest name.
const NAME: i64 = 260;
/// Widest label of a block.
const BLOCK: i64 = 150;
/// What the corner says: to its left are the rows, to its right the columns.
const CORNER: &str = "depends on →";

/// Draws `matrix`; one line without a line break.
///
/// # Errors
///
/// [`TooLarge`] if there are more than [`MAX_ROWS`] names.
pub fn matrix(matrix: &Matrix, options: &Options<'_>) -> Result<String, TooLarge> {
    bounded("rows", matrix.names.len(), MAX_ROWS)?;
    let count = matrix.names.len() as i64;
    let fitted = |all: &mut dyn Iterator<Item = &String>, most: i64| -> (Vec<String>, i64) {
        let all: Vec<String> = all.map(|n| text::fit(n, SMALL, most)).collect();
        let widest = all.iter().map(|n| text::width(n, SMALL)).max();
        (all, widest.unwrap_or(0))
    };
    let (names, name) = fitted(&mut matrix.names.iter(), NAME);
    let (blocks, block) = fitted(&mut matrix.blocks.iter().map(|b| &b.0), BLOCK);
    let block = if block > 0 { block + 2 * GAP } else { 0 };
    let name = name + GAP;
    // A column is as wide as its fullest cell.
    let mut widths = vec![CELL; matrix.names.len()];
    for (&(_, column), counts) in &matrix.cells {
        widths[column] = widths[column].max(parts(counts).1);
    }
    let left = (block + name).max(text::width(CORNER, SMALL) + GAP);
    let top = name.max(20);
    // The left edge of each column, and the right edge of the last.
    let mut edges = vec![left];
    for w in &widths {
        edges.push(edges[edges.len() - 1] + w);
    }
    let (right, bottom) = (edges[edges.len() - 1], top + count * CELL);
    let far = if matrix.names.len() > FAR { name } else { 0 };
    let kinds: Vec<EdgeKind> = matrix.kinds().collect();
    let framed = matrix.blocks.iter().any(|b| b.1 > 1 && !b.0.is_empty());
    let entries = kinds
        .iter()
        .map(|k| means(*k))
        .chain(framed.then_some(TOGETHER));
    let legend = Rows::new(entries.clone(), right + far);
    let size = (
        (right + far).max(legend.width),
        bottom + far + legend.height,
    );

    let title = (matrix.title.as_str(), matrix.description.as_str());
    let mut svg = Svg::new(options, title, size, false);
    let mut grid = String::new();
    for i in 0..=count {
        let _ = write!(grid, "M{left} {}H{right}", top + i * CELL);
    }
    for x in &edges {
        let _ = write!(grid, "M{x} {top}V{bottom}");
    }
    svg.path("m1", &grid);
    // The cells from one place on the diagonal to another.
    let square = |from: usize, to: usize| Rect {
        x: edges[from],
        y: top + from as i64 * CELL,
        w: edges[to] - edges[from],
        h: (to - from) as i64 * CELL,
    };
    let diagonal = (0..widths.len()).map(|i| outline(square(i, i + 1)));
    svg.path("m3", &diagonal.collect::<String>());
    let mut begin = 0;
    let mut frames = String::new();
    for (label, run) in blocks.iter().zip(matrix.blocks.iter().map(|b| b.1)) {
        if run > 1 && !label.is_empty() {
            frames += &outline(square(begin, begin + run));
        }
        begin += run;
    }
    if !frames.is_empty() {
        svg.path("m4", &frames);
    }
    for (&(row, column), counts) in &matrix.cells {
        let y = top + row as i64 * CELL;
        let (x, w, h) = (edges[column], widths[column], CELL);
        draw_cell(&mut svg, counts, Rect { x, y, w, h });
    }
    let row = |i: i64| top + i * CELL + 15;
    svg.anchored("s");
    let mut begin = 0;
    for (label, run) in blocks.iter().zip(matrix.blocks.iter().map(|b| b.1 as i64)) {
        if !label.is_empty() {
            svg.text("f", 0, row(begin), label);
        }
        begin += run;
    }
    if far > 0 {
        for (name, i) in names.iter().zip(0..) {
            svg.text("", right + GAP, row(i), name);
        }
    }
    svg.close();
    svg.anchored("g");
    svg.text("", left - GAP, top - 8, CORNER);
    for (name, i) in names.iter().zip(0..) {
        svg.text("", left - GAP, row(i), name);
    }
    svg.close();
    // Turned by a quarter, right is up and down is right.
    for (class, at) in [("s", GAP - top), ("g", -bottom - GAP)] {
        if class == "g" && far == 0 {
            continue;
        }
        svg.anchored(class);
        svg.attr("transform", "rotate(-90)");
        for (i, name) in names.iter().enumerate() {
            svg.text("", at, edges[i] + widths[i] / 2 + 4, name);
        }
        svg.close();
    }
    draw_legend(&mut svg, &kinds, entries, &legend, bottom + far);
    Ok(svg.finish())
}

/// The parts of a cell, each with its number and least width, and the width of all.
fn parts(counts: &Counts) -> (Vec<(EdgeKind, String, i64)>, i64) {
    let all: Vec<(EdgeKind, String, i64)> = counts
        .kinds()
        .map(|(kind, n)| (kind, n.to_string()))
        .map(|(kind, n)| {
            let w = text::width(&n, SMALL) + 2 * AIR;
            (kind, n, w)
        })
        .collect();
    let width = all.iter().map(|p| p.2).sum::<i64>() + 2;
    (all, width)
}

fn draw_cell(svg: &mut Svg, counts: &Counts, r: Rect) {
    let (parts, least) = parts(counts);
    let more = (r.w - least) / (parts.len() as i64).max(1);
    let last = parts.len().saturating_sub(1);
    let mut x = r.x + 1;
    for (i, (kind, n, w)) in parts.into_iter().enumerate() {
        let w = if i == last {
            r.x + r.w - 1 - x
        } else {
            w + more
        };
        let (y, h) = (r.y + 1, r.h - 2);
        svg.rect(
            class(kind),
            Rect {
                x: x + 1,
                y: y + 1,
                w: w - 2,
                h: h - 2,
            },
            0,
        );
        svg.text("", x + w / 2, r.y + 15, &n);
        x += w;
    }
}

/// A cell is edged as the kind's lines are drawn.
fn class(kind: EdgeKind) -> &'static str {
    match kind {
        EdgeKind::Sync | EdgeKind::Store => "m2",
        EdgeKind::Async => "m5 y",
        EdgeKind::Realtime => "m5 r",
    }
}

/// What a number in a cell of the kind counts.
fn means(kind: EdgeKind) -> &'static str {
    match kind {
        EdgeKind::Sync | EdgeKind::Store => "synchronous calls",
        EdgeKind::Async => "asynchronous events",
        EdgeKind::Realtime => "real-time streams",
    }
}

/// What a frame on the diagonal means.
const TOGETHER: &str = "within one team";

fn draw_legend<'w>(
    svg: &mut Svg,
    kinds: &[EdgeKind],
    entries: impl Iterator<Item = &'w str>,
    rows: &Rows,
    below: i64,
) {
    if rows.places.is_empty() {
        return;
    }
    svg.anchored("s");
    let classes = kinds.iter().map(|k| class(*k)).chain(["m4"]);
    for ((words, class), &(x, y)) in entries.zip(classes).zip(&rows.places) {
        let y = y + below;
        let r = Rect {
            x: x + 4,
            y,
            w: 26,
            h: 16,
        };
        if class == "m4" {
            svg.path(class, &outline(r));
        } else {
            svg.rect(class, r, 0);
            svg.text("", x + 14, y + 12, "n");
        }
        svg.text("", x + super::legend::SAMPLE + 6, y + 12, words);
    }
    svg.close();
}
