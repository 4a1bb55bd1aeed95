//! Placeholder.
pub mod style { /** s. */ pub const STYLE: &str = ""; }
