//! The texts that are read, and places in them.
//!
//! A spec is often a piece of something larger: a fenced block in a chapter, itself perhaps in a list
//! or a quotation whose markers are not part of the block. A [`SourceFile`] holds the whole file and
//! the piece (its *content*), with the segments that lead from one to the other, so that every report
//! speaks of the file that the author has open.

use std::ops::Range;
use std::sync::OnceLock;

/// Which text of a [`Sources`] a span lies in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct SourceId(u32);

/// A range of bytes of the *content* of one source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, PartialOrd, Ord)]
pub struct Span {
    /// The source.
    pub source: SourceId,
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

impl Span {
    /// The span of `range` in `source`.
    #[must_use]
    pub fn new(source: SourceId, range: Range<usize>) -> Self {
        Self {
            source,
            start: range.start,
            end: range.end.max(range.start),
        }
    }
}

/// From here on, content byte `content + i` is file byte `file + i`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Offset in the content.
    pub content: usize,
    /// Offset in the file.
    pub file: usize,
}

/// One text: a file, and the part of it that is the spec.
#[derive(Clone, Debug)]
pub struct SourceFile {
    name: String,
    text: String,
    content: String,
    segments: Vec<Segment>,
    /// Where the lines of `text` begin, the first left out; found when first asked for.
    breaks: OnceLock<Vec<usize>>,
}

impl SourceFile {
    /// A file that is a spec from its first byte to its last.
    #[must_use]
    pub fn whole(name: impl Into<String>, text: impl Into<String>) -> Self {
        let text = text.into();
        Self {
            name: name.into(),
            content: text.clone(),
            text,
            segments: vec![Segment {
                content: 0,
                file: 0,
            }],
            breaks: OnceLock::new(),
        }
    }

    /// A spec inside a larger file. `segments` must be sorted by content offset.
    #[must_use]
    pub fn part(
        name: impl Into<String>,
        text: impl Into<String>,
        content: impl Into<String>,
        segments: Vec<Segment>,
    ) -> Self {
        Self {
            name: name.into(),
            text: text.into(),
            content: content.into(),
            segments,
            breaks: OnceLock::new(),
        }
    }

    /// The path as reports show it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The whole file.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The spec alone.
    #[must_use]
    pub fn content(&self) -> &str {
        &self.content
    }

    /// What stands in the file before the content of the line of content byte `offset`: the markers of
    /// quotations and the indentation of lists.
    pub(super) fn line_prefix(&self, offset: usize) -> &str {
        let before = self.content.get(..offset).unwrap_or(&self.content);
        let line = self.to_file(before.rfind('\n').map_or(0, |i| i + 1));
        let start = self.text[..line].rfind('\n').map_or(0, |i| i + 1);
        &self.text[start..line]
    }

    /// The byte of the file that content byte `offset` stands at; always a character boundary.
    fn to_file(&self, offset: usize) -> usize {
        let i = self.segments.partition_point(|s| s.content <= offset);
        let at = match i.checked_sub(1).and_then(|i| self.segments.get(i)) {
            Some(s) => s.file + (offset - s.content),
            None => self.segments.first().map_or(0, |s| s.file),
        };
        floor_boundary(&self.text, at)
    }

    /// The line of byte `at` of the file, and the character in it, both from 1.
    fn line_column(&self, at: usize) -> (usize, usize) {
        let breaks = self.breaks.get_or_init(|| {
            memchr::memchr_iter(b'\n', self.text.as_bytes())
                .map(|i| i + 1)
                .collect()
        });
        let at = floor_boundary(&self.text, at);
        let above = breaks.partition_point(|start| *start <= at);
        let start = match above {
            0 => 0,
            n => breaks[n - 1],
        };
        (above + 1, self.text[start..at].chars().count() + 1)
    }
}

/// Every text of one run.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    files: Vec<SourceFile>,
}

/// A span in terms of the author's file; lines and columns count from 1, columns count characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// The path as given.
    pub file: String,
    /// Line of the first character.
    pub line: usize,
    /// Column of the first character.
    pub column: usize,
    /// Line of the end.
    pub end_line: usize,
    /// Column one past the last character.
    pub end_column: usize,
    /// The same as bytes of the file.
    pub bytes: Range<usize>,
}

impl Sources {
    /// Adds a text.
    pub fn add(&mut self, file: SourceFile) -> SourceId {
        let id = SourceId(u32::try_from(self.files.len()).unwrap_or(u32::MAX));
        self.files.push(file);
        id
    }

    /// Puts `file` in the place of the text `id`. The contents must be the same, or spans would lie.
    pub fn replace(&mut self, id: SourceId, file: SourceFile) {
        if let Some(slot) = self.files.get_mut(id.0 as usize) {
            *slot = file;
        }
    }

    /// The text `id`; an id of another run gives an empty text.
    #[must_use]
    pub fn get(&self, id: SourceId) -> &SourceFile {
        static EMPTY: SourceFile = SourceFile {
            name: String::new(),
            text: String::new(),
            content: String::new(),
            segments: Vec::new(),
            breaks: OnceLock::new(),
        };
        self.files.get(id.0 as usize).unwrap_or(&EMPTY)
    }

    /// Where `span` is in its file.
    #[must_use]
    pub fn locate(&self, span: Span) -> Location {
        let file = self.get(span.source);
        let start = file.to_file(span.start);
        // The end is mapped through its last byte: the byte after it may belong to the next line's
        // quotation marker.
        let end = match span.end.checked_sub(1) {
            Some(last) if span.end > span.start => {
                ceil_boundary(file.text(), file.to_file(last) + 1)
            }
            _ => start,
        };
        let end = end.max(start);
        self.locate_bytes(span.source, start..end)
    }

    /// The place of `bytes` of the whole file of `source`.
    #[must_use]
    pub fn locate_bytes(&self, source: SourceId, bytes: Range<usize>) -> Location {
        let file = self.get(source);
        let (line, column) = file.line_column(bytes.start);
        let (end_line, end_column) = file.line_column(bytes.end);
        Location {
            file: file.name.clone(),
            line,
            column,
            end_line,
            end_column,
            bytes,
        }
    }
}

fn floor_boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn ceil_boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quoted_block_is_located_in_its_chapter() {
        let chapter = "# T\n\n> ```msdesign\n> a = 1\n> bé = 2\n> ```\n";
        let first = chapter.find("a = 1").unwrap_or_default();
        let second = chapter.find("bé").unwrap_or_default();
        let mut sources = Sources::default();
        let id = sources.add(SourceFile::part(
            "x.md",
            chapter,
            "a = 1\nbé = 2\n",
            vec![
                Segment {
                    content: 0,
                    file: first,
                },
                Segment {
                    content: 6,
                    file: second,
                },
            ],
        ));
        let at = sources.locate(Span::new(id, 6..9));
        assert_eq!(
            (at.line, at.column, at.end_line, at.end_column),
            (5, 3, 5, 5)
        );
        let at = sources.locate(Span::new(id, 12..13));
        assert_eq!((at.line, at.column), (5, 8));
        // A span that ends with its line does not reach into the next line's marker.
        let at = sources.locate(Span::new(id, 0..6));
        assert_eq!((at.line, at.end_line, at.end_column), (4, 5, 1));
    }

    #[test]
    fn places_outside_the_text_are_clamped() {
        let mut sources = Sources::default();
        let id = sources.add(SourceFile::whole("x", "é"));
        let at = sources.locate(Span::new(id, 1..900));
        assert_eq!((at.line, at.column), (1, 1));
        assert_eq!(sources.locate(Span::new(SourceId(9), 1..2)).line, 1);
    }
}
