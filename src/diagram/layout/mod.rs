//! Layered layout: boxes in lanes, labelled lines between them, all in whole pixels.
//!
//! The steps, each in its own file:
//! 1. `cycles`: some edges are turned round so that none runs in a circle;
//! 2. `rank`: every node gets a layer; odd layers are kept for labels (`simplex` minimises lengths);
//! 3. `lanes`: groups get one order for all layers, and lines their way between them;
//! 4. `order`: items are ordered inside the layers so that few lines cross
//!    (`search` does 1 to 4; `improve` then changes the outcome while that helps: it takes boxes and lines off the
//!    `board`, and `insert` finds out where they are put back best);
//! 5. `coords`: positions across the layers (`simplex` again);
//!    (downwards, `begin` has the beginning of the story near the left end, which is seen first);
//! 6. `straight`: small bends are taken out where a line may end or pass a little aside;
//! 7. `route`: right-angled lines in tracks between the layers;
//! 8. `compact`: positions along the layers (`simplex` again), each thing as near to the one before it as may be.
//!
//! Inside, *main* is the axis along which layers follow one another and *cross* the other one; only
//! the end of `route` knows which of them is x. What holds for every input: boxes do not overlap, no line
//! runs through a box that it does not belong to, labels overlap neither boxes nor labels nor foreign
//! lines, and two lines never share a stretch unless they share an end.

mod begin;
mod board;
mod compact;
mod coords;
pub(super) mod cycles;
mod improve;
mod insert;
mod lanes;
mod order;
mod rank;
mod route;
mod search;
mod simplex;
mod straight;
#[cfg(test)]
mod tests;

use super::{MAX_EDGES, MAX_GROUPS, MAX_ITEMS, MAX_NODES, TooLarge, bounded};
use order::Layered;

/// What is to be placed.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    /// Boxes.
    pub nodes: Vec<Shape>,
    /// Lines.
    pub edges: Vec<Line>,
    /// Lanes: the width of each title in pixels; 0 for none.
    pub groups: Vec<i64>,
    /// If given, one number a node: edges from a larger to a smaller one lead back. Otherwise the
    /// layout chooses few edges to lead back.
    pub story: Option<Vec<usize>>,
}

/// A box to be placed; it may come out larger if many lines end at it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Shape {
    /// Width in pixels.
    pub width: i64,
    /// Height in pixels.
    pub height: i64,
    /// Index into [`Graph::groups`].
    pub group: Option<usize>,
}

/// A line to be drawn.
#[derive(Clone, Copy, Debug, Default)]
pub struct Line {
    /// Index of the node it leaves.
    pub from: usize,
    /// Index of the node it enters.
    pub to: usize,
    /// Width and height of its label in pixels, if it has one.
    pub label: Option<(i64, i64)>,
    /// How much it wants to lead forwards, or back if negative; 0 counts as 1.
    pub pull: i64,
}

/// Where the layers grow to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Direction {
    /// Left to right.
    #[default]
    Right,
    /// Top to bottom.
    Down,
}

/// How the drawing should turn out.
#[derive(Clone, Copy, Debug)]
pub struct Wish {
    /// The direction; `None` takes the one that suits the width better.
    pub direction: Option<Direction>,
    /// The width of the column that the picture stands in, in pixels.
    pub column: i64,
}

impl Default for Wish {
    fn default() -> Self {
        Self {
            direction: None,
            column: 750,
        }
    }
}

/// A rectangle in pixels, y downwards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rect {
    /// Left edge.
    pub x: i64,
    /// Upper edge.
    pub y: i64,
    /// Width.
    pub w: i64,
    /// Height.
    pub h: i64,
}

/// A placed line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Route {
    /// Corners from sender to receiver, x and y in pixels; consecutive ones differ in one of them.
    pub points: Vec<(i64, i64)>,
    /// The label's box.
    pub label: Option<Rect>,
}

/// A finished layout. All coordinates are at least 0.
#[derive(Clone, Debug, Default)]
pub struct Drawing {
    /// Width in pixels.
    pub width: i64,
    /// Height in pixels.
    pub height: i64,
    /// The direction it has.
    pub direction: Direction,
    /// One box a node.
    pub nodes: Vec<Rect>,
    /// One box a group; `None` for a group without nodes.
    pub groups: Vec<Option<Rect>>,
    /// One route an edge.
    pub edges: Vec<Route>,
}

/// Places `graph`.
///
/// # Errors
///
/// [`TooLarge`] if the graph is above the limits of the [module](super); the work below them is
/// bounded.
pub fn draw(graph: &Graph, wish: Wish) -> Result<Drawing, TooLarge> {
    Ok(Arrangement::new(graph)?.draw(graph, wish))
}

/// The layer of each box, and the order in each layer: what depends on no size, and takes most of the time.
#[derive(Clone, Debug)]
pub(super) struct Arrangement {
    /// `None` if there are no boxes.
    layered: Option<Layered>,
}

impl Arrangement {
    /// Arranges `graph`.
    pub(super) fn new(graph: &Graph) -> Result<Self, TooLarge> {
        bounded("nodes", graph.nodes.len(), MAX_NODES)?;
        bounded("edges", graph.edges.len(), MAX_EDGES)?;
        bounded("groups", graph.groups.len(), MAX_GROUPS)?;
        if graph.nodes.is_empty() {
            return Ok(Self { layered: None });
        }
        let layered = search::arrange(graph)?;
        Ok(Self {
            layered: Some(layered),
        })
    }

    /// Places `graph`, which is the one that was arranged, but for the sizes of its boxes, labels and titles.
    pub(super) fn draw(&self, graph: &Graph, wish: Wish) -> Drawing {
        let Some(arranged) = &self.layered else {
            return Drawing {
                groups: vec![None; graph.groups.len()],
                ..Drawing::default()
            };
        };
        let place = |direction| {
            let mut layered = arranged.clone();
            layered.label(graph, direction);
            let mut frame = coords::Frame::new(graph, &layered, direction);
            let mut cross = coords::assign(graph, &layered, &frame, &[]);
            if direction == Direction::Down {
                let first = begin::first(graph, &layered);
                let late = begin::is_late(&cross, &first);
                if late {
                    begin::mirror(&mut layered);
                    frame = coords::Frame::new(graph, &layered, direction);
                }
                if late || !begin::is_seen(&frame, &cross, &first) {
                    cross = coords::assign(graph, &layered, &frame, &first);
                }
            }
            straight::straighten(graph, &layered, &mut frame, &mut cross);
            route::finish(graph, &layered, &frame, &cross)
        };
        if let Some(direction) = wish.direction {
            return place(direction);
        }
        let right = place(Direction::Right);
        // Wide pictures scroll; a pixel of that costs the reader more than one of height.
        let cost = |d: &Drawing| d.height + 3 * (d.width - wish.column).max(0);
        if right.width <= wish.column && right.height <= wish.column {
            return right;
        }
        let down = place(Direction::Down);
        if cost(&down) < cost(&right) {
            down
        } else {
            right
        }
    }
}
