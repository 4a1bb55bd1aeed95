//! Placeholder.
use super::Options;
use crate::diagram::{Sequence, TooLarge};
/// p
pub fn sequence(_: &Sequence, _: &Options<'_>) -> Result<String, TooLarge> {
    Ok(String::new())
}
