//! Strings for pictures: cleaned of what no picture can hold, measured without a font, shortened,
//! wrapped.
//!
//! The widths are the larger of Open Sans, Liberation Sans (metrically Arial) and DejaVu Sans, read
//! from the fonts' `hmtx` tables and rounded up, so that a label fits its box whichever the reader
//! has. Other characters take 1.1 em, as the widest Cyrillic letter does, or 1.2 em if they are wide
//! ones (CJK, emoji); combining marks take nothing.

use unicode_width::UnicodeWidthChar;

/// Advance widths of U+0020 to U+007E in hundredths of an em.
const ASCII: [u8; 95] = [
    32, 41, 46, 84, 64, 96, 78, 28, 40, 40, 56, 84, 32, 37, 32, 37, 64, 64, 64, 64, 64, 64, 64, 64,
    64, 64, 34, 34, 84, 84, 84, 56, 102, 69, 69, 73, 78, 67, 62, 78, 76, 30, 50, 67, 56, 91, 76,
    79, 67, 79, 73, 67, 62, 74, 69, 99, 69, 67, 69, 40, 37, 40, 84, 56, 58, 62, 64, 55, 64, 62, 36,
    64, 64, 28, 28, 58, 28, 98, 64, 62, 64, 64, 42, 53, 40, 64, 60, 82, 60, 60, 53, 64, 56, 64, 84,
];
/// Advance widths of U+00A0 to U+00FF in hundredths of an em.
const LATIN: [u8; 96] = [
    32, 41, 64, 64, 64, 64, 56, 56, 58, 100, 48, 62, 84, 37, 100, 56, 50, 84, 41, 41, 58, 64, 66,
    32, 50, 41, 48, 62, 97, 97, 97, 62, 69, 69, 69, 69, 69, 69, 100, 73, 67, 67, 67, 67, 30, 30,
    30, 30, 78, 76, 79, 79, 79, 79, 79, 84, 79, 74, 74, 74, 74, 67, 67, 63, 62, 62, 62, 62, 62, 62,
    99, 55, 62, 62, 62, 62, 28, 28, 28, 28, 62, 64, 62, 62, 62, 62, 62, 84, 62, 64, 64, 64, 64, 60,
    64, 60,
];

/// Width of one character in hundredths of an em.
fn advance(c: char) -> i64 {
    let code = c as usize;
    match code {
        0x20..0x7F => i64::from(ASCII[code - 0x20]),
        0xA0..=0xFF => i64::from(LATIN[code - 0xA0]),
        _ => match c.width() {
            None | Some(0) => 0,
            Some(1) => 110,
            Some(_) => 120,
        },
    }
}

/// Width of `text` in pixels at `size` pixels an em, rounded up.
pub(super) fn width(text: &str, size: i64) -> i64 {
    let hundredths: i64 = text.chars().map(advance).sum();
    (hundredths * size + 99) / 100
}

/// `text` on one line, without what XML or a reader cannot take: control characters, non-characters,
/// marks that turn the writing direction round. White space becomes single blanks.
pub(super) fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut marks = 0;
    for c in text.chars() {
        // A blank that holds number and unit together stays.
        if c.is_whitespace() && c != '\u{a0}' {
            if !out.is_empty() && !out.ends_with(' ') {
                out.push(' ');
            }
            continue;
        }
        let direction = matches!(c, '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{061C}');
        if c.is_control() || direction || matches!(c, '\u{FFFE}' | '\u{FFFF}' | '\u{FEFF}') {
            continue;
        }
        // A pile of combining marks would grow over its neighbours.
        marks = if c.width() == Some(0) { marks + 1 } else { 0 };
        if marks <= 4 {
            out.push(c);
        }
    }
    if out.ends_with(' ') {
        out.pop();
    }
    out
}

/// `text`, cleaned, and no wider than `max` pixels at `size`; what is cut off is an ellipsis.
pub(super) fn fit(text: &str, size: i64, max: i64) -> String {
    let text = clean(text);
    if width(&text, size) <= max {
        return text;
    }
    let room = max - width("…", size);
    let mut used = 0;
    let mut out = String::new();
    for c in text.chars() {
        used += advance(c) * size;
        if used > room * 100 {
            break;
        }
        out.push(c);
    }
    let kept = out.trim_end().len();
    out.truncate(kept);
    out.push('…');
    out
}

/// An operation as a picture names it: `gRPC shop.v1.Cart/AddItem` is `gRPC AddItem`, because the box at the line's end
/// says whose it is. Paths of HTTP stay whole.
pub(super) fn operation(text: &str) -> String {
    let whole = clean(text);
    if let Some((protocol, operation)) = whole.split_once(' ')
        && !operation.starts_with('/')
        && !operation.contains(' ')
        && let Some((_, end)) = operation.rsplit_once('/')
        && !end.is_empty()
    {
        return format!("{protocol} {end}");
    }
    whole
}

/// Like [`wrap`], for names and paths: a line may end before a `/` as well, and behind `-`, `_`, `.`
/// `:` and before the capitals of `LongNames` where it is too long otherwise.
pub(super) fn wrap_path(text: &str, size: i64, max: i64, lines: usize) -> Vec<String> {
    let text = clean(text);
    let coarse = wrap_pieces(&text, false, size, max, lines);
    if coarse.iter().any(|l| l.ends_with('…')) {
        return wrap_pieces(&text, true, size, max, lines);
    }
    coarse
}

fn wrap_pieces(text: &str, fine: bool, size: i64, max: i64, lines: usize) -> Vec<String> {
    let mut pieces: Vec<&str> = Vec::new();
    let mut begin = 0;
    let mut before = ' ';
    for (i, c) in text.char_indices() {
        let hump = fine && before.is_lowercase() && c.is_uppercase();
        before = c;
        let end = match c {
            // One that ends a path stays where it is.
            '/' if !matches!(text[i + 1..].chars().next(), None | Some(' ')) => i,
            ' ' => i + 1,
            // A number stays whole.
            '.' if text[i + 1..].starts_with(|c: char| c.is_ascii_digit()) => continue,
            '-' | '_' | '.' | ':' if fine => i + 1,
            _ if hump => i,
            _ => continue,
        };
        if end > begin {
            pieces.push(&text[begin..end]);
            begin = end;
        }
    }
    pieces.push(&text[begin..]);
    let mut out = vec![String::new()];
    for piece in pieces {
        let full = out.len() == lines.max(1);
        let Some(line) = out.last_mut() else { break };
        let room = max - width(piece.trim_end(), size);
        if line.is_empty() || full || width(line, size) <= room {
            line.push_str(piece);
        } else {
            out.push(piece.to_owned());
        }
    }
    for line in &mut out {
        *line = fit(line, size, max);
    }
    out
}

/// The least width, no more than `most`, in which [`wrap_path`] shortens nothing.
pub(super) fn narrowest(text: &str, size: i64, most: i64, lines: usize) -> i64 {
    let fits = |max| {
        !wrap_path(text, size, max, lines)
            .iter()
            .any(|l| l.ends_with('…'))
    };
    let (mut low, mut high) = (0, width(&clean(text), size).min(most));
    while high - low > 2 {
        let middle = i64::midpoint(low, high);
        if fits(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    high
}

/// `text`, cleaned, in at most `lines` lines no wider than `max` pixels at `size`. Never empty.
pub(super) fn wrap(text: &str, size: i64, max: i64, lines: usize) -> Vec<String> {
    let text = clean(text);
    let mut out = vec![String::new()];
    let mut words = text.split(' ');
    while let Some(word) = words.next() {
        let last = out.len() == lines.max(1);
        let Some(line) = out.last_mut() else { break };
        let joined = if line.is_empty() {
            word.to_owned()
        } else {
            format!("{line} {word}")
        };
        if line.is_empty() || width(&joined, size) <= max {
            *line = joined;
        } else if !last {
            out.push(word.to_owned());
        } else {
            line.push(' ');
            line.push_str(word);
            for rest in words.by_ref() {
                line.push(' ');
                line.push_str(rest);
            }
        }
    }
    for line in &mut out {
        *line = fit(line, size, max);
    }
    out
}

/// Like [`wrap`], with lines of about the same length.
pub(super) fn balance(text: &str, size: i64, max: i64, lines: usize) -> Vec<String> {
    let mut best = wrap(text, size, max, lines);
    let narrower = (1..).map(|i| max - i * size).take_while(|w| *w > max / 3);
    for room in narrower {
        let next = wrap(text, size, room, lines);
        if next.len() > best.len() || next.iter().any(|l| l.ends_with('…')) {
            break;
        }
        best = next;
    }
    best
}

/// The lines of a folded label: at most `most` operations, each in up to three lines, the last of them a count of what
/// is left out.
pub(super) fn folded(labels: &[String], size: i64, max: i64, most: usize) -> Vec<String> {
    let labels: Vec<&String> = labels.iter().filter(|l| !l.trim().is_empty()).collect();
    let shown = if labels.len() > most {
        most - 1
    } else {
        labels.len()
    };
    let mut named: Vec<String> = labels[..shown].iter().map(|l| operation(l)).collect();
    // Two services' operations of one name on one line are one word.
    named.dedup();
    named.retain(|l| !l.is_empty());
    let mut out: Vec<String> = named
        .iter()
        .flat_map(|l| wrap_path(l, size, max, 3))
        .collect();
    if shown < labels.len() {
        out.push(format!("+{} more", labels.len() - shown));
    }
    out
}

/// `link` if it may stand in a page: relative, `http:` or `https:`.
pub(super) fn safe_link(link: Option<&str>) -> Option<String> {
    let link = link?.trim();
    let bad = |c: char| {
        c.is_control()
            || c.is_whitespace()
            || matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\\')
    };
    if link.is_empty() || link.chars().any(bad) {
        return None;
    }
    let head = link.split(['/', '?', '#']).next().unwrap_or_default();
    let lower = link.to_ascii_lowercase();
    let web = lower.starts_with("http://") || lower.starts_with("https://");
    (web || (!head.contains(':') && !link.starts_with("//"))).then(|| link.to_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn measures_and_shortens() {
        assert_eq!(width("a", 100), 62);
        assert_eq!(width("é", 100), 62);
        assert_eq!(width("漢字", 10), 24);
        assert_eq!(width("e\u{301}", 100), 62);
        let short = fit("a very long name of a service", 13, 80);
        assert!(short.ends_with('…') && width(&short, 13) <= 80, "{short}");
    }

    #[test]
    fn operations_keep_their_end() {
        let long = "gRPC oteldemo.v1.ProductCatalogService/ListProducts";
        assert_eq!(operation(long), "gRPC ListProducts");
        assert_eq!(operation("POST /orders/new"), "POST /orders/new");
        assert_eq!(operation("and/or"), "and/or");
        let stream = ["WebSocket /api/v1/notifications/of/order".to_owned()];
        assert_eq!(
            folded(&stream, 11, 170, 3),
            ["WebSocket /api/v1", "/notifications/of/order"]
        );
    }

    #[test]
    fn cleans_what_pictures_cannot_hold() {
        assert_eq!(clean(" a\n\n b\u{202E}\u{0}c "), "a bc");
    }

    #[test]
    fn wraps_and_folds() {
        assert_eq!(wrap("one two three", 10, 45, 2), ["one two", "three"]);
        assert_eq!(wrap("", 10, 45, 2), [""]);
        let words = "a probe fails or takes 352 ms";
        assert_eq!(wrap(words, 10, 140, 4).len(), 2);
        let even = balance(words, 10, 140, 4);
        assert_eq!(even.len(), 2);
        assert!(even.iter().all(|l| width(l, 10) <= 105), "{even:?}");
        let many: Vec<String> = (0..9).map(|i| format!("op{i}")).collect();
        assert_eq!(folded(&many, 11, 100, 3), ["op0", "op1", "+7 more"]);
        assert_eq!(folded(&many[..3], 11, 100, 3), ["op0", "op1", "op2"]);
    }

    #[test]
    fn wraps_paths_where_they_divide() {
        let path = "POST /api/v1/preserveservice/preserve";
        assert_eq!(
            wrap_path(path, 11, 130, 2),
            ["POST /api/v1", "/preserveservice/preserve"].map(|l| fit(l, 11, 130))
        );
        assert_eq!(wrap_path("order-other", 11, 45, 2), ["order-", "other"]);
        let ended = wrap_path("GET /api/Orders/", 11, width("/api/Orders", 11), 3);
        assert!(ended.iter().all(|l| l != "/"), "{ended:?}");
        let event = "OrderStatusChangedToPaid";
        let lines = wrap_path(event, 11, 110, 2);
        assert_eq!(lines, ["OrderStatus", "ChangedToPaid"]);
        let number = "at most 12.15 s";
        let lines = wrap_path(number, 11, narrowest(number, 11, 240, 4), 4);
        assert_eq!(lines, ["at", "most", "12.15", "s"]);
        let room = narrowest(path, 11, 240, 3);
        let lines = wrap_path(path, 11, room, 3);
        assert!(room < 120 && lines.len() == 3, "{room} {lines:?}");
        assert_eq!(lines.concat().replace(' ', ""), path.replace(' ', ""));
        assert_eq!(narrowest("", 11, 240, 3), 0);
        assert_eq!(narrowest(&"x".repeat(99), 11, 240, 3), 240);
    }

    #[test]
    fn refuses_links_that_run() {
        for bad in [
            "javascript:alert(1)",
            " JaVaScRiPt:x",
            "data:text/html,x",
            "//evil",
            "a b",
            "",
        ] {
            assert_eq!(safe_link(Some(bad)), None, "{bad}");
        }
        for good in [
            "#orders",
            "a.md#x:y",
            "https://x.org/a?b=c&d",
            "../a/b.html",
        ] {
            assert_eq!(safe_link(Some(good)).as_deref(), Some(good));
        }
    }
}
