//! The mdBook adapter: finds the fences of a book, has them compiled, puts the chapters in their
//! place and decides what a broken one means.
//!
//! | file | does |
//! |---|---|
//! | `protocol` | JSON of mdBook 0.4 and 0.5 in and out, edited in place |
//! | `config` | `[preprocessor.msdesign]` |
//! | `fences`, `info` | where the blocks are, and what their info strings say |
//! | `design` | compiles the blocks of many pages in parallel |
//! | `page`, `splice` | the page with its blocks replaced, all other bytes as they were |
//! | `subchapters` | sections as chapters of the sidebar |
//! | `origin` | findings led back to the author's file |
//! | `loader` | the guarded reader of included files |

pub mod config;
pub mod design;
pub mod fences;
pub mod info;
pub mod loader;
mod origin;
pub mod page;
mod protocol;
pub mod splice;
mod subchapters;

pub use protocol::{Outcome, edit, format_of, preprocess};
