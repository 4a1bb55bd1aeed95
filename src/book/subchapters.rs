//! `subchapters = true`: the sections of a design as chapters of the sidebar.
//!
//! mdBook trusts the paths and numbers of chapters blindly: a path with `..` writes outside the
//! book, a repeated path overwrites a page, a number of the wrong length makes it panic.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path};

use pulldown_cmark::{Event, Parser, Tag};
use serde_json::{Map, Value, json};

use super::design::Design;
use super::fences::extensions;
use crate::Chapter;

/// The page paths of a book, each once; compared without case, as some file systems do.
#[derive(Debug, Default)]
pub(super) struct Paths {
    taken: BTreeSet<String>,
}

impl Paths {
    /// Marks `path` as used.
    pub(super) fn take(&mut self, path: &str) {
        self.taken.insert(path.to_lowercase());
    }

    /// `folder/stem.md`, or the first of `folder/stem-2.md`, … that is free.
    fn free(&mut self, folder: &str, stem: &str) -> String {
        let mut path = format!("{folder}/{stem}.md");
        let mut n = 2;
        while !self.taken.insert(path.to_lowercase()) {
            path = format!("{folder}/{stem}-{n}.md");
            n += 1;
        }
        path
    }
}

/// A design taken apart.
#[derive(Debug)]
pub(super) struct Split {
    /// What stays in the chapter, with a list of links to the rest.
    pub(super) overview: String,
    /// The new chapters' JSON; [`adopt`] numbers them.
    pub(super) children: Vec<Map<String, Value>>,
}

/// Takes the design of one block of `chapter` apart. `designs` is how many blocks the chapter has.
///
/// `None` where the design must stay whole: inside a list or quotation, in a draft, in a chapter
/// whose path leads elsewhere, or where the block shows no overview or nothing else.
#[must_use]
pub(super) fn split(
    chapter: &Map<String, Value>,
    design: &Design,
    compiled: &Chapter,
    designs: usize,
    paths: &mut Paths,
) -> Option<Split> {
    let path = chapter.get("path")?.as_str()?;
    let plain = Path::new(path)
        .components()
        .all(|c| matches!(c, Component::Normal(_)));
    if !design.block.top_level || !plain || path.is_empty() {
        return None;
    }
    let (first, rest) = compiled.parts.split_first()?;
    if first.id != "overview" || rest.is_empty() {
        return None;
    }
    // A page other than the block's first has lost its style to the block before it, but a
    // sub-chapter is a page of its own.
    let preamble = design.chapter.as_ref().map_or("", |c| c.preamble.as_str());
    let path = path.replace('\\', "/");
    let folder = path.strip_suffix(".md").unwrap_or(&path).to_owned();
    let files: Vec<String> = std::iter::once(path.clone())
        .chain(rest.iter().map(|p| paths.free(&folder, p.id)))
        .collect();
    let mut homes = BTreeMap::new();
    for (part, file) in compiled.parts.iter().zip(&files) {
        for id in ids(&part.markdown) {
            homes.entry(id).or_insert(file.as_str());
        }
    }
    let stem = folder.rsplit('/').next().unwrap_or(&folder);

    let mut overview = compiled.preamble.clone();
    if !overview.is_empty() {
        overview.push('\n');
    }
    overview.push_str(&relink(&first.markdown, |link| {
        let id = link.strip_prefix('#')?;
        let home = homes.get(id).filter(|home| **home != path)?;
        let file = home.rsplit('/').next().unwrap_or(home);
        Some(format!("{}/{}#{id}", encode(stem), encode(file)))
    }));
    overview.push('\n');
    let mut children = Vec::new();
    let parents = {
        let mut names: Vec<Value> = chapter
            .get("parent_names")
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default();
        names.extend(chapter.get("name").cloned());
        names
    };
    for (part, own) in rest.iter().zip(files.iter().skip(1)) {
        let file = own.rsplit('/').next().unwrap_or(own);
        overview.push_str(&format!(
            "- [{}]({}/{})\n",
            escape(&part.heading),
            encode(stem),
            encode(file)
        ));
        let body = relink(&part.markdown, |link| {
            if let Some(id) = link.strip_prefix('#') {
                let home = homes.get(id).filter(|home| *home != own)?;
                let file = home.rsplit('/').next().unwrap_or(home);
                let up = if *home == path { "../" } else { "" };
                return Some(format!("{up}{}#{id}", encode(file)));
            }
            // One folder deeper, a relative link needs one step more.
            is_relative(link).then(|| format!("../{link}"))
        });
        let mut content = preamble.to_owned();
        if !content.is_empty() {
            content.push('\n');
        }
        content.push_str(&raise(&body, usize::from(design.depth)));
        let name = if designs > 1 {
            format!("{}: {}", compiled.title, part.heading)
        } else {
            part.heading.clone()
        };
        let child = json!({
            "name": name,
            "content": content,
            "number": null,
            "sub_items": [],
            "path": own,
            "source_path": null,
            "parent_names": parents,
        });
        children.extend(child.as_object().cloned());
    }
    Some(Split { overview, children })
}

/// Puts `children` after the sub-chapters that `chapter` has, numbered on from the last of them;
/// children of an unnumbered chapter have no number.
pub(super) fn adopt(chapter: &mut Map<String, Value>, children: Vec<Map<String, Value>>) {
    if children.is_empty() {
        return;
    }
    let number = chapter.get("number").and_then(Value::as_array).cloned();
    let Some(items) = chapter
        .entry("sub_items")
        .or_insert_with(|| Value::Array(Vec::new()))
        .as_array_mut()
    else {
        return;
    };
    let mut last = items
        .iter()
        .filter_map(|i| i.pointer("/Chapter/number")?.as_array()?.last()?.as_u64())
        .max()
        .unwrap_or(0);
    for mut child in children {
        if let Some(number) = &number {
            last += 1;
            let mut own = number.clone();
            own.push(Value::from(last));
            child.insert("number".to_owned(), Value::Array(own));
        }
        items.push(json!({ "Chapter": child }));
    }
}

/// The ids that a part defines: of headings, and of its HTML.
fn ids(markdown: &str) -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    for (event, range) in Parser::new_ext(markdown, extensions()).into_offset_iter() {
        match event {
            Event::Start(Tag::Heading { id: Some(id), .. }) => {
                out.insert(id.to_string());
            }
            Event::Html(_) | Event::InlineHtml(_) => {
                let html = &markdown[range];
                for (at, mark) in html.match_indices(" id=\"") {
                    let rest = &html[at + mark.len()..];
                    out.extend(rest.split_once('"').map(|(id, _)| id.to_owned()));
                }
            }
            _ => {}
        }
    }
    out
}

/// `markdown` with the destinations of its links (`](…)` and `href="…"`) changed where `change`
/// gives a new one. Code is left alone.
fn relink(markdown: &str, change: impl Fn(&str) -> Option<String>) -> String {
    let mut edits: Vec<(std::ops::Range<usize>, String)> = Vec::new();
    for (event, range) in Parser::new_ext(markdown, extensions()).into_offset_iter() {
        let piece = &markdown[range.clone()];
        match event {
            Event::Start(Tag::Link { .. } | Tag::Image { .. }) => {
                // The destination follows the last `](` of the link; its text may hold others.
                if let Some(at) = piece.rfind("](") {
                    let mut start = at + 2;
                    let angle = piece[start..].starts_with('<');
                    start += usize::from(angle);
                    let ends: &[char] = if angle { &['>'] } else { &[')', ' ', '\n'] };
                    let end = start + piece[start..].find(ends).unwrap_or(piece.len() - start);
                    edits.extend(
                        change(&piece[start..end])
                            .map(|new| (range.start + start..range.start + end, new)),
                    );
                }
            }
            Event::Html(_) | Event::InlineHtml(_) => {
                for (at, mark) in piece.match_indices(" href=\"") {
                    let start = at + mark.len();
                    let end = start + piece[start..].find('"').unwrap_or(piece.len() - start);
                    edits.extend(
                        change(&piece[start..end])
                            .map(|new| (range.start + start..range.start + end, new)),
                    );
                }
            }
            _ => {}
        }
    }
    edits.sort_by_key(|(range, _)| range.start);
    let mut out = String::with_capacity(markdown.len());
    let mut at = 0;
    for (range, new) in edits {
        if range.start < at {
            continue;
        }
        out.push_str(&markdown[at..range.start]);
        out.push_str(&new);
        at = range.end;
    }
    out.push_str(&markdown[at..]);
    out
}

fn is_relative(link: &str) -> bool {
    let head = &link[..link.find(['/', '?', '#']).unwrap_or(link.len())];
    !link.is_empty() && !link.starts_with(['/', '#', '?']) && !head.contains(':')
}

/// Headings raised by `levels`, so that a section on a page of its own starts at the first level.
fn raise(markdown: &str, levels: usize) -> String {
    let mut cuts = Vec::new();
    for (event, range) in Parser::new_ext(markdown, extensions()).into_offset_iter() {
        if let Event::Start(Tag::Heading { .. }) = event {
            let marks = markdown[range.clone()]
                .bytes()
                .take_while(|&b| b == b'#')
                .count();
            let cut = levels.min(marks.saturating_sub(1));
            cuts.push(range.start..range.start + cut);
        }
    }
    let mut out = String::with_capacity(markdown.len());
    let mut at = 0;
    for cut in cuts {
        out.push_str(&markdown[at..cut.start]);
        at = cut.end;
    }
    out.push_str(&markdown[at..]);
    out
}

/// A path element as it may stand in a link.
fn encode(name: &str) -> String {
    let mut out = String::new();
    for b in name.bytes() {
        if b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'~') {
            out.push(char::from(b));
        } else {
            out.push_str(&format!("%{b:02X}"));
        }
    }
    out
}

/// Text as Markdown that shows it as it is.
fn escape(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if matches!(
            c,
            '\\' | '[' | ']' | '*' | '_' | '`' | '<' | '>' | '&' | '!' | '~' | '$'
        ) {
            out.push('\\');
        }
        out.push(if c.is_control() { ' ' } else { c });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_change_and_code_does_not() {
        let text = "[a](#x) `[a](#x)` <a class=\"n\" href=\"#x\">b</a>\n\n```\n[a](#x)\n```\n";
        let out = relink(text, |l| (l == "#x").then(|| "y.md#x".to_owned()));
        assert_eq!(
            out,
            "[a](y.md#x) `[a](#x)` <a class=\"n\" href=\"y.md#x\">b</a>\n\n```\n[a](#x)\n```\n"
        );
    }

    #[test]
    fn headings_rise_and_code_does_not() {
        let text = "## A {#a}\n\n### B\n\n```\n## c\n```\n\n# D\n";
        assert_eq!(
            raise(text, 1),
            "# A {#a}\n\n## B\n\n```\n## c\n```\n\n# D\n"
        );
    }

    #[test]
    fn ids_of_headings_and_html_are_known() {
        let found = ids("## A {#s-a}\n\n<a id=\"s-b\"></a>\n\n`id=\"no\"`\n");
        assert_eq!(found.into_iter().collect::<Vec<_>>(), ["s-a", "s-b"]);
    }

    #[test]
    fn numbers_go_on_from_the_last_child() {
        let child = || {
            json!({"name": "n"})
                .as_object()
                .cloned()
                .unwrap_or_default()
        };
        let mut parent =
            json!({"number": [2], "sub_items": [{"Chapter": {"number": [2, 3]}}, "Separator"]})
                .as_object()
                .cloned()
                .unwrap_or_default();
        adopt(&mut parent, vec![child(), child()]);
        let v = Value::Object(parent);
        assert_eq!(
            v.pointer("/sub_items/3/Chapter/number"),
            Some(&json!([2, 5]))
        );
    }
}
