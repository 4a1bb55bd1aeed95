//! Credentials that stand in the text of a spec, wherever that is: a secret in a comment is told as well.

use crate::diag::{SourceId, Span};

/// Words before `=` whose value is a secret.
const NAMES: [&str; 9] = [
    "password",
    "passwd",
    "pwd",
    "secret",
    "client_secret",
    "api_key",
    "apikey",
    "access_key",
    "token",
];

/// Values that stand for a secret and are none.
const STAND_INS: [&str; 8] = [
    "password",
    "passwd",
    "secret",
    "pass",
    "changeme",
    "redacted",
    "placeholder",
    "none",
];

/// What gives a kind of key away, and how long such keys are at least.
const KEYS: [(&str, usize); 6] = [
    ("AKIA", 20),
    ("ghp_", 36),
    ("glpat-", 20),
    ("sk_live_", 24),
    ("xoxb-", 24),
    ("-----BEGIN PRIVATE KEY", 22),
];

/// Where credentials stand in `content`, in order.
pub(super) fn find(source: SourceId, content: &str) -> Vec<Span> {
    let mut found: Vec<std::ops::Range<usize>> = Vec::new();
    for (at, _) in content.match_indices("://") {
        let from = at.saturating_add(3);
        let authority = piece(content, from, |c| c == '/' || c == '?' || c == '#');
        // The last `@` ends it: a password may hold one itself.
        let user = authority.rfind('@').and_then(|i| authority.get(..i));
        if let Some((_, password)) = user.and_then(|u| u.split_once(':'))
            && secret(password)
        {
            let start = content.get(..at).map_or(at, |before| {
                at - before
                    .chars()
                    .rev()
                    .take_while(|c| c.is_ascii_alphanumeric())
                    .count()
            });
            found.push(start..from.saturating_add(piece(content, from, |_| false).len()));
        }
    }
    for (at, _) in content.match_indices('=') {
        let before = content.get(..at).unwrap_or_default();
        let name: String = {
            let of_name = |c: &char| c.is_ascii_alphanumeric() || *c == '_' || *c == '-';
            before.chars().rev().take_while(of_name).collect()
        };
        let word: String = name
            .chars()
            .rev()
            .collect::<String>()
            .to_lowercase()
            .replace('-', "_");
        let value = piece(content, at.saturating_add(1), |c| {
            c == '&' || c == ';' || c == ')'
        });
        if NAMES.contains(&word.as_str()) && secret(value) && value.chars().count() > 3 {
            found.push(
                at.saturating_sub(name.len())..at.saturating_add(1).saturating_add(value.len()),
            );
        }
    }
    for (mark, least) in KEYS {
        for (at, _) in content.match_indices(mark) {
            let value = piece(content, at, |_| false);
            if value.len() >= least || mark.contains(' ') {
                found.push(at..at.saturating_add(value.len().max(mark.len())));
            }
        }
    }
    found.sort_by_key(|r| (r.start, std::cmp::Reverse(r.end)));
    let mut end = 0;
    found.retain(|r| {
        let new = r.start >= end;
        end = end.max(r.end);
        new
    });
    found.into_iter().map(|r| Span::new(source, r)).collect()
}

/// The text from `from` to a blank, a quote, or what `stops` at; bounded, for a text of one line.
fn piece(content: &str, from: usize, stops: impl Fn(char) -> bool) -> &str {
    let rest = content.get(from..).unwrap_or_default();
    let ends = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ',' | '`' | '|') || stops(c);
    let end = rest.char_indices().take(400).find(|(_, c)| ends(*c));
    match end {
        Some((end, _)) => rest.get(..end).unwrap_or_default(),
        None if rest.len() < 400 => rest,
        None => "",
    }
}

/// Whether `value` is a secret and not what stands for one: `${DB_PASSWORD}`, `<password>`, `****`.
fn secret(value: &str) -> bool {
    let marked = value.contains(['$', '<', '{', '%', '[']);
    let starred = value
        .chars()
        .all(|c| matches!(c, '*' | '.' | 'x' | 'X' | '…'));
    let named = STAND_INS.contains(&value.to_lowercase().as_str());
    !value.is_empty() && !marked && !starred && !named
}

#[cfg(test)]
mod tests {
    use super::find;
    use crate::diag::{SourceFile, Sources};

    fn found(text: &str) -> Vec<&str> {
        let id = Sources::default().add(SourceFile::whole("x", text));
        find(id, text)
            .iter()
            .map(|s| &text[s.start..s.end])
            .collect()
    }

    #[test]
    fn secrets_are_told_from_their_names() {
        assert_eq!(
            found("stores = [\"postgres://app:s3cr3t@db:5432/orders\"]"),
            ["postgres://app:s3cr3t@db:5432/orders"]
        );
        assert_eq!(
            found("x = \"amqp://guest:gu@est@mq\" # y"),
            ["amqp://guest:gu@est@mq"]
        );
        assert_eq!(
            found("d = \"db?user=a&password=hunter22&x=1\""),
            ["password=hunter22"]
        );
        assert_eq!(
            found("# AKIAIOSFODNN7EXAMPLE in a comment"),
            ["AKIAIOSFODNN7EXAMPLE"]
        );
        for sound in [
            "\"postgres://app:${DB_PASSWORD}@db/orders\"",
            "\"postgres://app@db/orders\"",
            "\"https://shop.example.com/a:b@c\"",
            "\"http://host:8080/path\"",
            "schema = { password = \"string\", token = \"string\" }",
            "password=\"\"",
            "GET /login?token={token}",
            "\"amqp://user:password@mq\"",
            "token = abc",
        ] {
            assert!(found(sound).is_empty(), "{sound}: {:?}", found(sound));
        }
    }
}
