//! `schema`: the spec language as JSON Schema, for editors.

use anyhow::{Context as _, Result};

/// Prints the schema.
///
/// # Errors
///
/// The output cannot be written.
pub(super) fn run() -> Result<u8> {
    let mut text = serde_json::to_string_pretty(&msdesign::schema::json_schema())
        .context("the schema cannot be written")?;
    text.push('\n');
    super::out(&text)?;
    Ok(0)
}
