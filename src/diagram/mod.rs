//! Pictures of a design: interactions, message sequences and state machines, each as SVG, Mermaid,
//! DOT, D2, PlantUML, JSON or text.
//!
//! The input types ([`Scene`], [`Sequence`], [`States`]) know nothing of the spec. All output is a
//! pure function of them: the same bytes on every machine, and the same bytes whatever order the
//! nodes, groups and edges of a scene were declared in. Every name is treated as hostile.
//!
//! | room | does |
//! |---|---|
//! | `scene`, `sequence`, `states`, `matrix`, `chart` | what is to be drawn |
//! | `text` | cleaning, measuring, shortening and wrapping of strings |
//! | `layout` | boxes and lines without any text or colour |
//! | `svg` | layout → one line of SVG |
//! | `mermaid`, `dot`, `d2`, `plantuml`, `json`, `text_form` | the same input in other notations |
//! | `views` | smaller scenes of one that is too large to be read |
//! | `picture` | any of them in any form |
//! | `words` | the same input in sentences |

mod chart;
pub mod d2;
pub mod dot;
pub mod json;
pub mod layout;
mod matrix;
pub mod mermaid;
mod picture;
pub mod plantuml;
mod scene;
mod sequence;
mod states;
pub mod svg;
mod text;
pub mod text_form;
pub mod views;
pub mod words;

pub use chart::{Bar, Chart, MAX_BARS, Mark, Part, PartKind};
pub use layout::Direction;
pub use matrix::{Counts, Matrix};
pub use picture::{Form, Picture, Refusal};
pub use scene::{Edge, EdgeKind, Group, Labels, Node, NodeKind, Scene};
pub use sequence::{Branch, FrameKind, Message, MessageKind, Participant, Sequence, Step};
pub use states::{State, StateKind, States, Transition};
pub use svg::style::STYLE;

/// Most nodes a drawn scene or state machine may have.
pub const MAX_NODES: usize = 2_500;
/// Most edges, after folding, that a drawn scene or state machine may have.
pub const MAX_EDGES: usize = 8_000;
/// Most groups that a drawn scene may have.
pub const MAX_GROUPS: usize = 400;
/// Most bends and labels that a layout may have to place; long edges in deep graphs reach it.
pub const MAX_ITEMS: usize = 120_000;
/// Most participants of a drawn sequence.
pub const MAX_PARTICIPANTS: usize = 60;
/// Most rows of a drawn matrix.
pub const MAX_ROWS: usize = 200;
/// Most steps of a drawn sequence.
pub const MAX_STEPS: usize = 600;

/// The picture would be too large to draw or to read; show the text form instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLarge {
    /// What there is too much of, in the plural: `nodes`, `edges`, `groups`, `bends`, `participants`, `steps`,
    /// `rows`.
    pub what: &'static str,
    /// How many there are (at least).
    pub count: usize,
    /// How many can be drawn.
    pub limit: usize,
}

impl std::fmt::Display for TooLarge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { what, count, limit } = self;
        write!(f, "{count} {what} are too many to draw (limit {limit})")
    }
}

impl std::error::Error for TooLarge {}

/// Refuses `count` things when there are more than `limit`.
fn bounded(what: &'static str, count: usize, limit: usize) -> Result<(), TooLarge> {
    if count > limit {
        return Err(TooLarge { what, count, limit });
    }
    Ok(())
}
