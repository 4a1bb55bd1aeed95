//! Strings of a spec inside code: comments that cannot end early, literals that cannot be left,
//! names that every compiler takes.
//!
//! One set of rules serves all languages, because it is easier to check than one a language.

use super::languages::Case;

/// Longest label of a service or operation in a comment or message, in characters.
const LABEL: usize = 60;
/// Longest reason, in characters.
const REASON: usize = 240;
/// Longest identifier, in characters.
const NAME: usize = 40;

/// The text on one line with single spaces: no control characters, no characters that change the
/// direction of writing or are invisible (rustc refuses them even in comments), at most `limit`
/// characters.
///
/// `{{` is broken because mdBook's own preprocessor would read an `include` in it.
fn one_line(text: &str, limit: usize) -> String {
    let mut out = String::new();
    let mut length = 0;
    let mut space = false;
    for c in text.chars() {
        if c.is_whitespace() || c.is_control() {
            space = !out.is_empty();
            continue;
        }
        if invisible(c) {
            continue;
        }
        if length >= limit {
            out.push('…');
            break;
        }
        if space || (c == '{' && out.ends_with('{')) {
            out.push(' ');
            length += 1;
        }
        space = false;
        out.push(c);
        length += 1;
    }
    out
}

/// Format characters, private use and non-characters: nothing a reader could see.
fn invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{e000}'..='\u{f8ff}'
            | '\u{fdd0}'..='\u{fdef}'
            | '\u{feff}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{fffe}'..='\u{ffff}'
            | '\u{1fffe}'..
    )
}

/// Text that may stand in a line or block comment of any language.
pub(crate) fn comment(text: &str) -> String {
    guarded(one_line(text, REASON))
}

/// A short name in a comment; a dash if nothing is left of it.
pub(super) fn label(text: &str) -> String {
    let text = guarded(one_line(text, LABEL));
    if text.is_empty() {
        "–".to_owned()
    } else {
        text
    }
}

/// Breaks what ends or starts a block comment, and `\u`, which Java decodes before it sees comments.
fn guarded(mut text: String) -> String {
    for (from, to) in [("*/", "* /"), ("/*", "/ *"), ("\\u", "\\ u")] {
        if text.contains(from) {
            text = text.replace(from, to);
        }
    }
    text
}

/// A label for the inside of a string literal in double quotes.
pub(crate) fn literal(text: &str) -> String {
    let mut out = String::new();
    for c in label(text).chars() {
        if matches!(c, '"' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// Filter `dollars`: the inside of a string literal of a language (Kotlin) that fills in what follows a `$`.
#[allow(clippy::needless_pass_by_value)] // the template engine hands it over
pub(crate) fn dollars(literal: String) -> String {
    literal.replace('$', "\\$")
}

/// A reason as comment lines of at most `width` characters where its words allow.
///
/// No line starts with a character that gives a comment a meaning for some tool (`@ts-ignore`,
/// `+build`, a Markdown heading of a Go comment): such a word stays on the line of the one before it.
pub(super) fn wrap(reason: &str, width: usize) -> Vec<String> {
    let text = comment(reason);
    let text = text.trim_start_matches(|c: char| {
        c.is_ascii_punctuation() && !matches!(c, '(' | '\'' | '"' | '<' | '`')
    });
    let text = text.trim_start();
    let mut lines = vec![String::new()];
    let mut length = 0;
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let size = word.chars().count();
        let plain =
            word.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '(' | '\'' | '"' | '`'));
        if length > 0 && length + 1 + size > width && plain {
            lines.push(String::new());
            length = 0;
        }
        if let Some(line) = lines.last_mut() {
            if length > 0 {
                line.push(' ');
                length += 1;
            }
            line.push_str(word);
        }
        length += size;
    }
    if length == 0 {
        return vec!["As the design sets it.".to_owned()];
    }
    lines
}

/// An identifier made of the ASCII letters and digits of `name`: never empty, never one of the
/// `reserved` words (separated by spaces), never starting with a digit, at most 40 characters long. Accented Latin
/// letters lose their accents; other letters are dropped.
#[must_use]
pub fn identifier(name: &str, case: Case, reserved: &str) -> String {
    let mut words = words(name);
    if words.is_empty() {
        words.push("service".to_owned());
    }
    if words[0].starts_with(|c: char| c.is_ascii_digit()) {
        words.insert(0, "service".to_owned());
    }
    let mut out = String::new();
    for word in &words {
        let capital = match case {
            Case::Snake | Case::Package => false,
            Case::Camel => !out.is_empty(),
            Case::Pascal | Case::Exported => true,
        };
        let gap = case == Case::Snake && !out.is_empty();
        if out.len() + usize::from(gap) + word.len() > NAME && !out.is_empty() {
            break;
        }
        if gap {
            out.push('_');
        }
        if case == Case::Exported && INITIALS.contains(&word.as_str()) {
            out.push_str(&word.to_ascii_uppercase());
            continue;
        }
        let mut letters = word.chars().take(NAME);
        if let Some(first) = letters.next() {
            out.push(if capital {
                first.to_ascii_uppercase()
            } else {
                first
            });
        }
        out.extend(letters);
    }
    if reserved.split(' ').any(|word| word == out) {
        out.push_str(match case {
            Case::Snake => "_service",
            Case::Camel | Case::Pascal | Case::Exported => "Service",
            Case::Package => "service",
        });
    }
    out
}

/// What Go writes in capitals wherever it is a word of a name.
const INITIALS: [&str; 20] = [
    "api", "cpu", "css", "dns", "html", "http", "https", "id", "ip", "json", "rpc", "sql", "tcp",
    "tls", "ttl", "ui", "uri", "url", "uuid", "xml",
];

/// The words of a name in lower-case ASCII: split at everything else and before a capital that
/// follows a small letter.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut open = false;
    let mut small = false;
    for c in name.chars().take(256) {
        let plain = ascii(c);
        if plain.is_empty() {
            // A combining accent belongs to the letter before it; all else ends the word.
            open = open && matches!(c, '\u{300}'..='\u{36f}' | '\'' | '’');
            continue;
        }
        let capital = c.is_uppercase();
        if !open || (capital && small) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            word.push_str(&plain.to_ascii_lowercase());
        }
        open = true;
        small = c.is_lowercase() || c.is_ascii_digit();
    }
    words
}

/// A Latin letter or a digit without its accent; empty for any other character.
fn ascii(c: char) -> &'static str {
    const PLAIN: &str = "abcdefghijklmnopqrstuvwxyz0123456789";
    let small = c.to_lowercase().next().unwrap_or(c);
    if let Some(at) = PLAIN.find(small) {
        return &PLAIN[at..=at];
    }
    match small {
        'à'..='å' | 'ā' | 'ă' | 'ą' => "a",
        'æ' => "ae",
        'ç' | 'ć' | 'ĉ' | 'ċ' | 'č' => "c",
        'ð' | 'ď' | 'đ' => "d",
        'è'..='ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' => "e",
        'ĝ' | 'ğ' | 'ġ' | 'ģ' => "g",
        'ĥ' | 'ħ' => "h",
        'ì'..='ï' | 'ĩ' | 'ī' | 'ĭ' | 'į' | 'ı' => "i",
        'ĵ' => "j",
        'ķ' => "k",
        'ĺ' | 'ļ' | 'ľ' | 'ł' => "l",
        'ñ' | 'ń' | 'ņ' | 'ň' => "n",
        'ò'..='ö' | 'ø' | 'ō' | 'ŏ' | 'ő' => "o",
        'œ' => "oe",
        'ŕ' | 'ŗ' | 'ř' => "r",
        'ś' | 'ŝ' | 'ş' | 'š' | 'ș' => "s",
        'ß' => "ss",
        'ţ' | 'ť' | 'ŧ' | 'ț' => "t",
        'þ' => "th",
        'ù'..='ü' | 'ũ' | 'ū' | 'ŭ' | 'ů' | 'ű' | 'ų' => "u",
        'ŵ' => "w",
        'ý' | 'ÿ' | 'ŷ' => "y",
        'ź' | 'ż' | 'ž' => "z",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::{Case, comment, dollars, identifier, literal, wrap};

    #[test]
    fn names_are_identifiers() {
        let snake = |name| identifier(name, Case::Snake, "try type");
        assert_eq!(snake("payment-gateway"), "payment_gateway");
        assert_eq!(snake("PaymentGateway"), "payment_gateway");
        assert_eq!(snake("HTTPServer"), "httpserver");
        assert_eq!(snake("Größe & Straße"), "grosse_strasse");
        assert_eq!(snake("3ds"), "service_3ds");
        assert_eq!(snake("配送"), "service");
        assert_eq!(snake(""), "service");
        assert_eq!(snake("__"), "service");
        assert_eq!(snake("type"), "type_service");
        assert_eq!(
            identifier("payment-gateway", Case::Camel, ""),
            "paymentGateway"
        );
        assert_eq!(
            identifier("payment gateway", Case::Pascal, ""),
            "PaymentGateway"
        );
        assert_eq!(
            identifier("GET /api/idle/{id}", Case::Exported, ""),
            "GetAPIIdleID"
        );
        assert_eq!(
            identifier("Payment Gateway", Case::Package, ""),
            "paymentgateway"
        );
        assert!(identifier(&"x".repeat(1000), Case::Snake, "").len() <= 48);
        assert!(identifier(&"x-".repeat(1000), Case::Snake, "").len() <= 48);
    }

    #[test]
    fn comments_cannot_end_or_hide() {
        assert_eq!(comment("a\nb\r\n\u{2028}c */ d /* e"), "a b c * / d / * e");
        assert_eq!(comment("\u{202e}x\u{200b}\u{0}y"), "x y");
        assert_eq!(comment("\\u000a evil();"), "\\ u000a evil();");
        assert_eq!(comment("{{#include x}} {{{"), "{ {#include x}} { { {");
        assert!(comment(&"long ".repeat(10_000)).chars().count() <= 242);
    }

    #[test]
    fn literals_stay_closed() {
        assert_eq!(literal("a\"b\\"), "a\\\"b\\\\");
        assert_eq!(literal("\n"), "–");
        assert_eq!(dollars(literal("${x()}\"")), "\\${x()}\\\"");
    }

    #[test]
    fn reasons_wrap_and_start_with_a_word() {
        assert_eq!(wrap("one two three", 8), ["one two", "three"]);
        assert_eq!(wrap("one two +build", 8), ["one two +build"]);
        assert_eq!(wrap("@ts-ignore", 20), ["ts-ignore"]);
        assert_eq!(wrap("`defaults.retries` 1", 30), ["`defaults.retries` 1"]);
        assert_eq!(wrap("# \n", 20), ["As the design sets it."]);
    }
}
