//! Finds the `msdesign` fences of a chapter exactly where CommonMark sees code blocks.

use std::ops::Range;

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use crate::diag::{Segment, SourceFile};

/// The word that starts the info string of a block.
pub const WORD: &str = "msdesign";

/// One `msdesign` fence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// The bytes of the chapter that the block takes: from its fence to the end of its last line,
    /// the line's end included. Indentation and quotation markers before the fence belong to it where
    /// nothing else stands there.
    pub range: Range<usize>,
    /// What each line after the first one needs before it to stay in the block's container: list
    /// indentation and quotation markers.
    pub prefix: String,
    /// Whether the fence stands outside every list, quotation, footnote and definition.
    pub top_level: bool,
    /// Where the info string is, trimmed.
    pub info: Range<usize>,
    /// The text between the fences, without the container's markers.
    pub content: String,
    /// Leads from `content` to the chapter.
    pub segments: Vec<Segment>,
    /// Level of the nearest heading before the block in the same container or one around it.
    pub heading: Option<u8>,
}

impl Block {
    /// The block's content as a piece of the chapter `text` called `name`.
    #[must_use]
    pub fn source(&self, name: &str, text: &str) -> SourceFile {
        SourceFile::part(name, text, self.content.clone(), self.segments.clone())
    }

    /// The block's info string as a piece of the chapter `text` called `name`.
    #[must_use]
    pub fn info_source(&self, name: &str, text: &str) -> SourceFile {
        let start = Segment {
            content: 0,
            file: self.info.start,
        };
        SourceFile::part(name, text, self.info_text(text), vec![start])
    }

    /// The info string itself.
    #[must_use]
    pub fn info_text<'a>(&self, text: &'a str) -> &'a str {
        text.get(self.info.clone()).unwrap_or_default()
    }
}

/// The extensions that mdBook parses with. Smart punctuation is left out: it changes text, never
/// blocks, and events that are not changed are slices of the chapter.
#[must_use]
pub fn extensions() -> Options {
    Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_HEADING_ATTRIBUTES
        | Options::ENABLE_DEFINITION_LIST
        | Options::ENABLE_GFM
}

/// Whether `text` can hold a block at all.
#[must_use]
pub fn mentions(text: &str) -> bool {
    memchr::memmem::find(text.as_bytes(), WORD.as_bytes()).is_some()
}

/// All blocks of the chapter `text`, in order. A text without the word is not parsed.
#[must_use]
pub fn find(text: &str) -> Vec<Block> {
    if !mentions(text) {
        return Vec::new();
    }
    let front = front_matter(text);
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    // One entry a container, the chapter itself being the first: the nearest heading seen in it.
    let mut headings: Vec<Option<u8>> = vec![None];
    for (event, range) in Parser::new_ext(text, extensions()).into_offset_iter() {
        match event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(_))) => {
                let heading = headings.last().copied().flatten();
                open = begin(text, range, headings.len() == 1, heading);
            }
            Event::Text(piece) => {
                if let Some(block) = &mut open {
                    block.segments.push(Segment {
                        content: block.content.len(),
                        file: range.start,
                    });
                    block.content.push_str(&piece);
                }
            }
            Event::End(TagEnd::CodeBlock) => blocks.extend(open.take().map(|b| finish(text, b))),
            Event::Start(Tag::Heading { level, .. }) if range.start >= front => {
                if let Some(last) = headings.last_mut() {
                    *last = Some(number(level));
                }
            }
            Event::Start(tag) if is_container(&tag) => {
                headings.push(headings.last().copied().flatten());
            }
            Event::End(tag) if ends_container(tag) && headings.len() > 1 => {
                headings.pop();
            }
            _ => {}
        }
    }
    blocks
}

fn number(level: HeadingLevel) -> u8 {
    match level {
        HeadingLevel::H1 => 1,
        HeadingLevel::H2 => 2,
        HeadingLevel::H3 => 3,
        HeadingLevel::H4 => 4,
        HeadingLevel::H5 => 5,
        HeadingLevel::H6 => 6,
    }
}

fn is_container(tag: &Tag<'_>) -> bool {
    matches!(
        tag,
        Tag::BlockQuote(_) | Tag::Item | Tag::FootnoteDefinition(_) | Tag::DefinitionListDefinition
    )
}

fn ends_container(tag: TagEnd) -> bool {
    matches!(
        tag,
        TagEnd::BlockQuote(_)
            | TagEnd::Item
            | TagEnd::FootnoteDefinition
            | TagEnd::DefinitionListDefinition
    )
}

/// Where YAML front matter ends (0 if there is none): `title: x` over `---` is no heading.
fn front_matter(text: &str) -> usize {
    let mut at = 0;
    for (i, line) in text.split_inclusive('\n').enumerate() {
        let bare = line.trim_end();
        if i == 0 && bare != "---" {
            return 0;
        }
        at += line.len();
        if i > 0 && (bare == "---" || bare == "...") {
            return at;
        }
    }
    0
}

/// The block whose fence stands at `range`, if its info string is ours.
fn begin(text: &str, range: Range<usize>, top_level: bool, heading: Option<u8>) -> Option<Block> {
    let bytes = text.as_bytes();
    let mut start = range.start;
    while matches!(bytes.get(start), Some(b' ' | b'\t')) {
        start += 1;
    }
    let fence = *bytes.get(start)?;
    let run = bytes[start..].iter().take_while(|&&b| b == fence).count();
    let rest = text.get(start + run..)?;
    let line = &rest[..rest.find(['\n', '\r']).unwrap_or(rest.len())];
    let info = line.trim();
    let after = info.strip_prefix(WORD)?;
    if !after.is_empty() && !after.starts_with([',', ' ', '\t']) {
        return None;
    }
    let info_start = start + run + (line.len() - line.trim_start().len());
    let line_start = text[..start].rfind('\n').map_or(0, |i| i + 1);
    let prefix = if top_level {
        String::new()
    } else {
        continuation(&text[line_start..start])
    };
    let bare = text[line_start..start]
        .bytes()
        .all(|b| matches!(b, b' ' | b'\t' | b'>'));
    Some(Block {
        range: if bare { line_start } else { start }..range.end,
        prefix,
        top_level,
        info: info_start..info_start + info.len(),
        content: String::new(),
        segments: Vec::new(),
        heading,
    })
}

/// The prefix of the lines after the first, from what stands before the fence on its own line:
/// quotation markers stay, list markers become the indentation they stand for.
fn continuation(before: &str) -> String {
    let mut out = String::new();
    let mut rest = before;
    let mut note = None;
    while let Some(c) = rest.chars().next() {
        if rest.starts_with("[^")
            && let Some(end) = rest.find("]:")
        {
            // A footnote's further lines are indented by four, however long its label is; a footnote that
            // starts in another one ends it.
            out.truncate(*note.get_or_insert(out.len()));
            out.push_str("    ");
            rest = rest[end + 2..].trim_start_matches([' ', '\t']);
            continue;
        }
        if c == '\t' {
            // Parsers differ about a tab that a marker takes only a part of; blanks mean the same.
            out.push_str(&"    "[out.len() % 4..]);
        } else {
            out.push(if c == '>' { c } else { ' ' });
        }
        rest = &rest[c.len_utf8()..];
        if c == '>' && !rest.starts_with([' ', '\t']) {
            // One blank after the marker belongs to it: without it, the next one would be lost.
            out.push(' ');
        }
    }
    out
}

/// Extends the block to the end of its last line.
fn finish(text: &str, mut block: Block) -> Block {
    let tail = text.get(block.range.end..).unwrap_or_default();
    if !text[..block.range.end].ends_with('\n') {
        let line = tail.find('\n').map_or(tail.len(), |i| i + 1);
        // Nothing but the closing fence's own blanks may follow on its line.
        if tail[..line].trim().is_empty() {
            block.range.end += line;
        }
    }
    block
}
