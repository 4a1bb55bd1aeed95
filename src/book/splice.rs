//! Puts text in the place of blocks and leaves every other byte of the chapter as it was.

use super::fences::Block;

/// `text` with each block replaced by the Markdown given for it; `None` leaves the block alone.
///
/// Blocks must be in order and not overlap, as [`super::fences::find`] gives them.
#[must_use]
pub fn splice(text: &str, blocks: &[Block], replacements: &[Option<String>]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for (block, replacement) in blocks.iter().zip(replacements) {
        let Some(markdown) = replacement else {
            continue;
        };
        let (Some(between), true) = (
            text.get(at..block.range.start),
            block.range.end >= block.range.start,
        ) else {
            continue;
        };
        out.push_str(between);
        out.push_str(&fit(text, block, markdown));
        at = block.range.end;
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out
}

/// The Markdown as it must be written in the block's place.
fn fit(text: &str, block: &Block, markdown: &str) -> String {
    let own = text.get(block.range.clone()).unwrap_or_default();
    let eol = if own
        .find('\n')
        .is_some_and(|i| i > 0 && own.as_bytes().get(i - 1) == Some(&b'\r'))
    {
        "\r\n"
    } else {
        "\n"
    };
    let blank = block.prefix.trim_end();
    let mut out = String::with_capacity(markdown.len() + markdown.len() / 8);
    if starts_line(text, block) {
        if follows_text(text, block) {
            out.push_str(blank);
            out.push_str(eol);
        }
        out.push_str(&block.prefix);
    }
    for (i, line) in markdown.trim_end_matches('\n').split('\n').enumerate() {
        let line = line.strip_suffix('\r').unwrap_or(line);
        if i > 0 {
            out.push_str(eol);
            // Blanks at the end of an empty line mean nothing and show in diffs.
            out.push_str(if line.is_empty() {
                blank
            } else {
                &block.prefix
            });
        }
        out.push_str(line);
    }
    let next = text[block.range.end..]
        .split('\n')
        .next()
        .unwrap_or_default();
    let last = block.range.end >= text.len();
    if own.ends_with('\n') {
        out.push_str(eol);
        if !last && !is_blank(next) {
            // Or the text that follows would go on the chapter's last paragraph, or underline it.
            out.push_str(blank);
            out.push_str(eol);
        }
    } else if !last {
        out.push_str(eol);
    }
    out
}

/// Whether the block takes its line from the first byte; otherwise its fence stands right behind a list
/// marker, and there is nothing before it in its container.
fn starts_line(text: &str, block: &Block) -> bool {
    let before = &text[..block.range.start];
    before.is_empty() || before.ends_with('\n')
}

/// Whether the line before the block holds text that the chapter's first line could join.
fn follows_text(text: &str, block: &Block) -> bool {
    text[..block.range.start]
        .lines()
        .next_back()
        .is_some_and(|line| !is_blank(line) && !is_marker(line))
}

/// A list marker alone on its line: a blank line after it would end its item.
fn is_marker(line: &str) -> bool {
    let word = line.trim_matches(|c: char| c == '>' || c.is_ascii_whitespace());
    matches!(word, "-" | "*" | "+" | ":")
        || word
            .strip_suffix(['.', ')'])
            .is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
}

/// A line with nothing on it but blanks and quotation markers.
fn is_blank(line: &str) -> bool {
    line.chars().all(|c| c == '>' || c.is_ascii_whitespace())
}
