//! Names as identifiers: in host names, topics, labels and anchors.

/// `name` in lower-case ASCII letters, digits and single `-`; never empty.
#[must_use]
pub fn slug(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for c in name.chars() {
        if c.is_ascii_alphanumeric() {
            out.push(c.to_ascii_lowercase());
        } else if c.is_alphanumeric() {
            // Other scripts keep their identity through their code point.
            let folded = c.to_lowercase().next().unwrap_or(c);
            out.push_str(&format!("u{:x}", folded as u32));
        } else if !out.is_empty() && !out.ends_with('-') {
            out.push('-');
        }
    }
    let out = out.trim_end_matches('-');
    if out.is_empty() {
        "unnamed".to_owned()
    } else {
        out.to_owned()
    }
}
