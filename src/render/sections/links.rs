//! Link templates of the book: `https://wiki.example/teams/{name}`.

/// The template with `name` in it, percent-encoded; `None` for a template with a scheme that could run
/// code in the reader's browser.
pub(super) fn fill(template: &str, name: &str) -> Option<String> {
    let lower = template.trim().to_ascii_lowercase();
    let scheme = lower.split(['/', '?', '#']).next().unwrap_or_default();
    let safe = !scheme.contains(':')
        || ["http:", "https:", "mailto:"]
            .iter()
            .any(|s| lower.starts_with(s));
    safe.then(|| template.trim().replace("{name}", &encode(name)))
}

fn encode(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for b in name.bytes() {
        if b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'~') {
            out.push(char::from(b));
        } else {
            out.push_str(&format!("%{b:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::fill;

    #[test]
    fn only_harmless_links_are_made() {
        assert_eq!(
            fill("https://x/{name}", "a b").as_deref(),
            Some("https://x/a%20b")
        );
        assert_eq!(
            fill("teams.html#{name}", "ü").as_deref(),
            Some("teams.html#%C3%BC")
        );
        assert_eq!(fill("javascript:alert({name})", "1"), None);
        assert_eq!(fill(" JavaScript:x", "1"), None);
    }
}
