//! Paths of requests, taken apart once for every format that writes them.

use std::collections::BTreeSet;

/// A piece of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// Characters that may stand in a URL, the slashes included.
    Text(String),
    /// A parameter with a name of letters, digits and `_`.
    Param(String),
}

/// `/orders/{id}` taken apart. What may not stand in a path is percent-encoded.
pub(crate) fn pieces(path: &str) -> Vec<Piece> {
    let mut out = vec![Piece::Text(String::new())];
    let mut seen = BTreeSet::new();
    let mut rest = path;
    while let Some(c) = rest.chars().next() {
        let after_slash = matches!(out.last(), Some(Piece::Text(t)) if t.ends_with('/'));
        let param = if c == '{' {
            rest.split_once('}')
                .filter(|(name, _)| !name.contains('/'))
                .map(|(name, after)| (name.trim_start_matches('{'), after))
        } else if c == ':' && after_slash && rest.len() > 1 {
            let end = rest.find('/').unwrap_or(rest.len());
            Some((&rest[1..end], &rest[end..]))
        } else {
            None
        };
        if let Some((name, after)) = param {
            let mut name: String = name
                .chars()
                .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
                .take(40)
                .collect();
            if !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
                name.insert(0, 'p');
            }
            while !seen.insert(name.clone()) {
                name.push('_');
            }
            out.push(Piece::Param(name));
            out.push(Piece::Text(String::new()));
            rest = after;
            continue;
        }
        rest = &rest[c.len_utf8()..];
        if let Some(Piece::Text(text)) = out.last_mut() {
            if c.is_ascii_alphanumeric() || "/-_.~@:".contains(c) {
                text.push(c);
            } else {
                let mut bytes = [0; 4];
                for b in c.encode_utf8(&mut bytes).bytes() {
                    text.push_str(&format!("%{b:02X}"));
                }
            }
        }
    }
    out.retain(|p| !matches!(p, Piece::Text(t) if t.is_empty()));
    out
}

/// The path with every parameter spelled the same.
pub(crate) fn shape(path: &[Piece]) -> String {
    path.iter()
        .map(|p| match p {
            Piece::Text(t) => t.as_str(),
            Piece::Param(_) => "{}",
        })
        .collect()
}

/// The path with its parameters in braces.
pub(crate) fn template(path: &[Piece]) -> String {
    path.iter()
        .map(|p| match p {
            Piece::Text(t) => t.clone(),
            Piece::Param(name) => format!("{{{name}}}"),
        })
        .collect()
}

/// The path as it stands, if it has no parameters.
pub(crate) fn literal(path: &[Piece]) -> Option<String> {
    path.iter()
        .all(|p| matches!(p, Piece::Text(_)))
        .then(|| template(path))
}

/// A regular expression for the whole path, without anchors.
pub(crate) fn regex(path: &[Piece]) -> String {
    path.iter()
        .map(|p| match p {
            Piece::Text(t) => spellings(t),
            Piece::Param(_) => "[^/]+".to_owned(),
        })
        .collect()
}

/// A pattern for every spelling of `text` that means the same: escapes in either case, and the signs that
/// need none also as they are.
fn spellings(text: &str) -> String {
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            if c == '.' {
                out.push('\\');
            }
            out.push(c);
            continue;
        }
        let hex: String = chars.by_ref().take(2).collect();
        let digit = |c: char| match c {
            'A'..='F' => format!("[{c}{}]", c.to_ascii_lowercase()),
            _ => c.to_string(),
        };
        let escape: String = hex.chars().map(digit).collect();
        match u8::from_str_radix(&hex, 16) {
            Ok(b) if b"!$&'()*+,;=".contains(&b) => {
                out.push_str(&format!("(%{escape}|\\x{hex})"));
            }
            _ => out.push_str(&format!("%{escape}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_come_apart_and_keep_strange_characters_out() {
        assert_eq!(template(&pieces("/a/{id}/b/:key")), "/a/{id}/b/{key}");
        assert_eq!(regex(&pieces("/v1.0/{id}")), "/v1\\.0/[^/]+");
        assert_eq!(regex(&pieces("/a\";")), "/a%22(%3[Bb]|\\x3B)");
        assert_eq!(template(&pieces("/{id}/{id}")), "/{id}/{id_}");
        assert_eq!(template(&pieces("/a\";}$")), "/a%22%3B%7D%24");
        assert_eq!(template(&pieces("/{open")), "/%7Bopen");
        assert_eq!(template(&pieces("/é")), "/%C3%A9");
        assert_eq!(shape(&pieces("/a/{x}")), shape(&pieces("/a/{y}")));
    }
}
