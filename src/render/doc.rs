//! The chapter as Markdown events, and the one place where they become text.
//!
//! Sections say *what* stands in the chapter; this file decides how it looks for the renderer. Words of
//! the author only ever enter as text or code events, so they cannot become markup: escaping is the
//! writer's work (`pulldown-cmark-to-cmark`), not that of every section.

use std::fmt::Display;

use pulldown_cmark::{
    Alignment, CodeBlockKind, CowStr, Event, HeadingLevel, LinkType, Tag, TagEnd,
};

use crate::Format;
use crate::diagram::{Counts, Matrix};
use crate::plan::Figure;

/// A run of text within a paragraph, a list item or a cell.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Inline(Vec<Event<'static>>);

/// `say!("`{}` calls `{}` within **{}**.", a, b, time)`: a sentence with values in it.
///
/// The sentence itself may use `` `code` `` and `**strong**`; values never are markup.
macro_rules! say {
    ($template:literal $(, $value:expr)* $(,)?) => {
        $crate::render::doc::Inline::say($template, &[$(&$value as &dyn std::fmt::Display),*])
    };
}
pub(crate) use say;

impl Inline {
    /// Nothing.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Plain text.
    pub(crate) fn text(text: impl Into<String>) -> Self {
        let mut out = Self::new();
        out.push_text(&text.into());
        out
    }

    /// Text in a monospaced face.
    pub(crate) fn code(text: impl Into<String>) -> Self {
        let mut out = Self::new();
        out.push_code(&text.into());
        out
    }

    /// The sentence `template` with `values` in place of its `{}`; see [`say!`].
    pub(crate) fn say(template: &'static str, values: &[&dyn Display]) -> Self {
        let mut out = Self::new();
        let mut values = values.iter();
        let (mut buffer, mut code, mut strong) = (String::new(), false, false);
        let mut chars = template.chars().peekable();
        while let Some(c) = chars.next() {
            match c {
                '`' => {
                    if code {
                        out.push_code(&buffer);
                    } else {
                        out.push_text(&buffer);
                    }
                    buffer.clear();
                    code = !code;
                }
                '*' if !code && chars.peek() == Some(&'*') => {
                    chars.next();
                    out.push_text(&buffer);
                    buffer.clear();
                    out.0.push(if strong {
                        Event::End(TagEnd::Strong)
                    } else {
                        Event::Start(Tag::Strong)
                    });
                    strong = !strong;
                }
                '{' if chars.peek() == Some(&'}') => {
                    chars.next();
                    if let Some(value) = values.next() {
                        let value = value.to_string();
                        if code {
                            buffer.push_str(&value);
                        } else {
                            // Derivations quote names in backticks; those are code here as well.
                            out.push_text(&buffer);
                            buffer.clear();
                            out.push_quoted(&value);
                        }
                    }
                }
                c => buffer.push(c),
            }
        }
        if code {
            out.push_code(&buffer);
        } else {
            out.push_text(&buffer);
        }
        if strong {
            out.0.push(Event::End(TagEnd::Strong));
        }
        debug_assert!(
            values.next().is_none(),
            "more values than places: {template}"
        );
        out
    }

    /// A value with its reason: `1.2 s` and, smaller, how it came about.
    pub(crate) fn figure<T: Display>(figure: &Figure<T>) -> Self {
        Self::text(figure.value.to_string()).and(Self::why(figure))
    }

    /// The reason of a figure, in parentheses; its source is left to the reader's list of sources.
    pub(crate) fn why<T>(figure: &Figure<T>) -> Self {
        let mut out = Self::new();
        if figure.why.is_empty() {
            return out;
        }
        out.push_text(" (");
        out.push_quoted(&figure.why);
        out.push_text(")");
        out
    }

    /// Text in which backticks mark names.
    pub(crate) fn quoted(text: &str) -> Self {
        let mut out = Self::new();
        out.push_quoted(text);
        out
    }

    /// `self` followed by `other`.
    pub(crate) fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// `items` with `separator` between them.
    pub(crate) fn join(items: impl IntoIterator<Item = Self>, separator: &str) -> Self {
        let mut out = Self::new();
        for (i, item) in items.into_iter().enumerate() {
            if i > 0 {
                out.push_text(separator);
            }
            out.0.extend(item.0);
        }
        out
    }

    /// Names in code, separated by commas; an en dash where there are none.
    pub(crate) fn names<S: AsRef<str>>(names: impl IntoIterator<Item = S>) -> Self {
        let all: Vec<Self> = names.into_iter().map(|n| Self::code(n.as_ref())).collect();
        if all.is_empty() {
            Self::text("–")
        } else {
            Self::join(all, ", ")
        }
    }

    /// A link around `text`. The destination must have been made or checked by us.
    pub(crate) fn link(text: Self, destination: impl Into<String>) -> Self {
        let mut out = vec![Event::Start(Tag::Link {
            link_type: LinkType::Inline,
            dest_url: CowStr::from(destination.into()),
            title: CowStr::Borrowed(""),
            id: CowStr::Borrowed(""),
        })];
        out.extend(text.0);
        out.push(Event::End(TagEnd::Link));
        Self(out)
    }

    fn push_text(&mut self, text: &str) {
        // A line break in a value would end a table row or a heading.
        let clean: String = text
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        if !clean.is_empty() {
            if let Some(Event::Text(last)) = self.0.last_mut() {
                *last = CowStr::from(format!("{last}{clean}"));
            } else {
                self.0.push(Event::Text(CowStr::from(clean)));
            }
        }
    }

    fn push_code(&mut self, text: &str) {
        let clean: String = text
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        if !clean.trim().is_empty() {
            self.0.push(Event::Code(CowStr::from(clean)));
        }
    }

    fn push_quoted(&mut self, text: &str) {
        for (i, part) in text.split('`').enumerate() {
            if i % 2 == 1 {
                self.push_code(part);
            } else {
                self.push_text(part);
            }
        }
    }
}

impl From<&str> for Inline {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

impl From<String> for Inline {
    fn from(text: String) -> Self {
        Self::text(text)
    }
}

/// One section being written.
pub(crate) struct Doc {
    events: Vec<Event<'static>>,
    format: Format,
    scope: String,
    /// Heading level of the section itself.
    level: u8,
    /// Level of the heading that what is written now stands under.
    under: u8,
}

impl Doc {
    pub(crate) fn new(format: Format, scope: &str, level: u8) -> Self {
        Self {
            events: Vec::new(),
            format,
            scope: scope.to_owned(),
            level,
            under: level,
        }
    }

    /// Whether the page can hold HTML.
    pub(crate) fn html(&self) -> bool {
        self.format == Format::Html
    }

    /// The id of `name` in the page, unique in the book.
    pub(crate) fn id(&self, name: &str) -> String {
        format!("{}-{name}", self.scope)
    }

    /// An invisible target of links with the id `name`, inside a cell or paragraph.
    pub(crate) fn anchor(&self, name: &str) -> Inline {
        if !self.html() {
            return Inline::new();
        }
        let id = escape_html(&self.id(name));
        Inline(vec![
            Event::InlineHtml(CowStr::from(format!("<span id=\"{id}\">"))),
            Event::InlineHtml(CowStr::Borrowed("</span>")),
        ])
    }

    /// A heading `below` levels under the section's own (0 is the section's), with the id `name`.
    pub(crate) fn heading(&mut self, below: u8, text: impl Into<Inline>, name: &str) {
        self.under = (self.level + below).clamp(1, 6);
        let level = HeadingLevel::try_from(usize::from(self.under)).unwrap_or(HeadingLevel::H6);
        let id = self.html().then(|| CowStr::from(self.id(name)));
        self.events.push(Event::Start(Tag::Heading {
            level,
            id,
            classes: Vec::new(),
            attrs: Vec::new(),
        }));
        self.events.extend(text.into().0);
        self.events.push(Event::End(TagEnd::Heading(level)));
    }

    /// A paragraph.
    pub(crate) fn para(&mut self, text: impl Into<Inline>) {
        let text = text.into();
        if text.0.is_empty() {
            return;
        }
        self.events.push(Event::Start(Tag::Paragraph));
        self.events.extend(text.0);
        self.events.push(Event::End(TagEnd::Paragraph));
    }

    /// A bulleted list; nothing where there are no items.
    pub(crate) fn list(&mut self, items: impl IntoIterator<Item = Inline>) {
        self.any_list(None, items);
    }

    /// A numbered list; nothing where there are no items.
    pub(crate) fn numbered(&mut self, items: impl IntoIterator<Item = Inline>) {
        self.any_list(Some(1), items);
    }

    fn any_list(&mut self, start: Option<u64>, items: impl IntoIterator<Item = Inline>) {
        let mut items = items.into_iter().peekable();
        if items.peek().is_none() {
            return;
        }
        self.events.push(Event::Start(Tag::List(start)));
        for item in items {
            self.events.push(Event::Start(Tag::Item));
            self.events.extend(item.0);
            self.events.push(Event::End(TagEnd::Item));
        }
        self.events.push(Event::End(TagEnd::List(start.is_some())));
    }

    /// A table; nothing where there are no rows. Every row has as many cells as `head`. A column that says
    /// nothing in any row is left out: it would only push the others off a narrow page.
    pub(crate) fn table(&mut self, head: &[&str], rows: Vec<Vec<Inline>>) {
        if rows.is_empty() {
            return;
        }
        let nothing = Inline::text("–");
        let says: Vec<bool> = (0..head.len())
            .map(|i| rows.iter().any(|row| row.get(i) != Some(&nothing)))
            .collect();
        let columns = says.iter().filter(|s| **s).count();
        self.events
            .push(Event::Start(Tag::Table(vec![Alignment::None; columns])));
        self.events.push(Event::Start(Tag::TableHead));
        for (cell, _) in head.iter().zip(&says).filter(|(_, says)| **says) {
            self.cell(Inline::text(*cell));
        }
        self.events.push(Event::End(TagEnd::TableHead));
        for row in rows {
            debug_assert_eq!(row.len(), head.len(), "{head:?}");
            self.events.push(Event::Start(Tag::TableRow));
            for (cell, _) in row.into_iter().zip(&says).filter(|(_, says)| **says) {
                self.cell(cell);
            }
            self.events.push(Event::End(TagEnd::TableRow));
        }
        self.events.push(Event::End(TagEnd::Table));
    }

    /// A dependency matrix. In HTML its rows have headers and its cells say in full what they count.
    pub(crate) fn matrix(&mut self, matrix: &Matrix) {
        let names = &matrix.names;
        if !self.html() {
            let mut head = vec!["from, to"];
            head.extend(names.iter().map(String::as_str));
            let rows = names.iter().enumerate().map(|(row, name)| {
                let mut cells = vec![Inline::code(name)];
                cells.extend((0..names.len()).map(|column| {
                    let counts = matrix.cells.get(&(row, column));
                    Inline::text(counts.map(Counts::short).unwrap_or_default())
                }));
                cells
            });
            let rows = rows.collect();
            self.table(&head, rows);
            return;
        }
        let mut html = format!(
            "<div class=\"table-wrapper\"><table class=\"msd-matrix\"><caption>{}</caption><thead><tr><td></td>",
            escape_html(&matrix.title)
        );
        for name in names {
            html.push_str(&format!("<th scope=\"col\">{}</th>", escape_html(name)));
        }
        html.push_str("</tr></thead><tbody>");
        for (row, name) in names.iter().enumerate() {
            html.push_str(&format!("<tr><th scope=\"row\">{}</th>", escape_html(name)));
            for column in 0..names.len() {
                html.push_str(&match matrix.cells.get(&(row, column)) {
                    Some(counts) => format!(
                        "<td><abbr title=\"{}\">{}</abbr></td>",
                        counts.words(),
                        counts.short()
                    ),
                    None if row == column => "<td class=\"msd-same\"></td>".to_owned(),
                    None => "<td></td>".to_owned(),
                });
            }
            html.push_str("</tr>");
        }
        html.push_str("</tbody></table></div>");
        self.raw(html);
    }

    fn cell(&mut self, mut cell: Inline) {
        // A backslash in front of the bar would hide it from readers of tables; a word joiner takes no room.
        if let Some(Event::Text(text)) = cell.0.last_mut()
            && text.ends_with('\\')
        {
            *text = format!("{text}\u{2060}").into();
        }
        self.events.push(Event::Start(Tag::TableCell));
        self.events.extend(cell.0);
        self.events.push(Event::End(TagEnd::TableCell));
    }

    /// A fenced block. `language` is what highlighters know it by.
    pub(crate) fn code(&mut self, language: &'static str, text: &str) {
        let mut text = text.to_owned();
        if !text.ends_with('\n') {
            text.push('\n');
        }
        self.events
            .push(Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(
                CowStr::Borrowed(language),
            ))));
        self.events.push(Event::Text(CowStr::from(text)));
        self.events.push(Event::End(TagEnd::CodeBlock));
    }

    /// A part that folds in HTML; elsewhere its summary is a paragraph in strong.
    pub(crate) fn details(&mut self, summary: &str, body: impl FnOnce(&mut Self)) {
        if self.html() {
            self.raw(format!(
                "<details class=\"msd-details\"><summary>{}</summary>",
                escape_html(summary)
            ));
            body(self);
            self.raw("</details>".to_owned());
        } else {
            self.strong_line(summary);
            body(self);
        }
    }

    /// Parts of which HTML shows the one whose tab is chosen, without a script: each tab is a radio button
    /// with its label, and the style shows the panel behind the one that is checked. Paper and renderers
    /// without the style show all of them, one after another; so do formats that are not HTML.
    ///
    /// `name` makes the ids, `label` says what there is to choose. A tab is a key, by which the same choice
    /// is known in other groups of tabs, and its label. A single part needs no tab.
    pub(crate) fn tabs(
        &mut self,
        name: &str,
        label: &str,
        tabs: &[(&str, &str)],
        mut body: impl FnMut(&mut Self, usize),
    ) {
        if tabs.len() < 2 {
            for n in 0..tabs.len() {
                body(self, n);
            }
            return;
        }
        if !self.html() {
            for (n, (_, title)) in tabs.iter().enumerate() {
                self.strong_line(title);
                body(self, n);
            }
            return;
        }
        let group = escape_html(&self.id(name));
        let mut open = format!(
            "<div class=\"msd-tabs\" role=\"group\" aria-label=\"{}\">",
            escape_html(label)
        );
        for (n, (key, title)) in tabs.iter().enumerate() {
            let (key, title) = (escape_html(key), escape_html(title));
            // With a value, or an EPUB by pandoc is no XML.
            let checked = if n == 0 { " checked=\"checked\"" } else { "" };
            self.raw(format!(
                "{open}<input type=\"radio\" name=\"{group}\" id=\"{group}-{key}\" value=\"{key}\"{checked}/>\
                 <label for=\"{group}-{key}\">{title}</label><div class=\"msd-panel\">"
            ));
            body(self, n);
            "</div>".clone_into(&mut open);
        }
        self.raw("</div></div>".to_owned());
    }

    /// A paragraph in strong, where a heading would be too much.
    fn strong_line(&mut self, text: &str) {
        self.events.push(Event::Start(Tag::Paragraph));
        self.events.push(Event::Start(Tag::Strong));
        self.events.extend(Inline::text(text).0);
        self.events.push(Event::End(TagEnd::Strong));
        self.events.push(Event::End(TagEnd::Paragraph));
    }

    /// A heading with an id that stays out of the sidebar: for entries of long lists that something
    /// outside links to.
    pub(crate) fn entry_heading(&mut self, text: &str, name: &str) {
        if self.html() {
            let level = (self.under + 1).min(6);
            self.raw(format!(
                "<h{level} id=\"{}\" class=\"msd-entry\">{}</h{level}>",
                escape_html(&self.id(name)),
                escape_html(text)
            ));
        } else {
            self.strong_line(text);
        }
    }

    /// A figure of one line that our own drawing code has made; left out where HTML cannot stand.
    pub(crate) fn figure(&mut self, svg: String) {
        if self.html() {
            self.raw(svg);
        }
    }

    /// One line of HTML as a block of its own.
    fn raw(&mut self, html: String) {
        debug_assert!(!html.contains('\n'), "{html}");
        self.events.push(Event::Start(Tag::HtmlBlock));
        self.events.push(Event::Html(CowStr::from(html + "\n")));
        self.events.push(Event::End(TagEnd::HtmlBlock));
    }

    /// A link within the chapter; plain text where ids do not exist.
    pub(crate) fn link(&self, text: impl Into<Inline>, name: &str) -> Inline {
        if self.html() {
            Inline::link(text.into(), format!("#{}", self.id(name)))
        } else {
            text.into()
        }
    }

    /// The section as Markdown; ends with a newline.
    pub(crate) fn finish(self) -> String {
        let mut out = String::with_capacity(self.events.len() * 24);
        let options = pulldown_cmark_to_cmark::Options {
            code_block_token_count: pulldown_cmark_to_cmark::calculate_code_block_token_count(
                self.events.iter(),
            )
            .unwrap_or(3)
            .max(3),
            ..Default::default()
        };
        // Writing to a String cannot fail, and every start above has its end.
        let written = pulldown_cmark_to_cmark::cmark_with_options(
            self.events,
            &mut out,
            parser_options(),
            options,
        );
        debug_assert!(written.is_ok(), "{:?}", written.err());
        if !out.ends_with('\n') {
            out.push('\n');
        }
        plain_ampersands(&out)
    }
}

/// Headings with `&` and not `&amp;`: an ampersand before a space never starts an entity, and readers of
/// the Markdown look for `Monitoring & Observability`.
fn plain_ampersands(text: &str) -> String {
    text.split_inclusive('\n')
        .map(|line| {
            if line.starts_with('#') {
                line.replace("&amp; ", "& ")
            } else {
                line.to_owned()
            }
        })
        .collect()
}

/// The dialect that mdBook reads.
pub(crate) fn parser_options() -> pulldown_cmark::Options {
    use pulldown_cmark::Options;
    Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_HEADING_ATTRIBUTES
        | Options::ENABLE_DEFINITION_LIST
        | Options::ENABLE_GFM
}

/// `1 event`, `2 events`.
pub(crate) fn count(n: usize, one: &str) -> String {
    if n == 1 {
        format!("1 {one}")
    } else {
        format!("{n} {one}s")
    }
}

/// What there is of several kinds, those left out of which there is none: `13 calls, 2 events and 1 stream`.
pub(crate) fn counts<const N: usize>(kinds: [(usize, &str); N]) -> String {
    let mut there: Vec<String> = kinds
        .into_iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, one)| count(n, one))
        .collect();
    match there.pop() {
        None => "nothing".to_owned(),
        Some(only) if there.is_empty() => only,
        Some(last) => format!("{} and {last}", there.join(", ")),
    }
}

/// Text as it may stand in HTML, in an element or in a quoted attribute.
pub(crate) fn escape_html(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backslash_at_the_end_of_a_cell_keeps_the_table_whole() {
        let mut doc = Doc::new(Format::Markdown, "s", 2);
        let row = vec![Inline::text("x \\"), say!("**{}** y", "b")];
        doc.table(&["One", "Two"], vec![row]);
        doc.para("behind");
        let text = doc.finish();
        assert!(
            text.contains("**b** y|") && text.contains("behind"),
            "{text}"
        );
    }

    #[test]
    fn tabs_are_radio_buttons_in_html_and_sections_elsewhere() {
        let written = |format, tabs: &[(&str, &str)]| {
            let mut doc = Doc::new(format, "s", 2);
            doc.tabs("retry", "Retry in <each>", tabs, |d, n| {
                d.code("text", &format!("part {n}"));
            });
            doc.finish()
        };
        let two = [("go", "Go"), ("csharp", "C#")];
        let html = written(Format::Html, &two);
        assert!(
            html.contains("aria-label=\"Retry in &lt;each&gt;\""),
            "{html}"
        );
        assert_eq!(html.matches("name=\"s-retry\"").count(), 2, "{html}");
        assert_eq!(html.matches(" checked=\"checked\"/>").count(), 1, "{html}");
        assert!(
            html.contains("<label for=\"s-retry-csharp\">C#</label>"),
            "{html}"
        );
        assert_eq!(html.matches("<div").count(), html.matches("</div>").count());
        // The code inside is Markdown still.
        assert_eq!(html.matches("\n```text\n").count(), 2, "{html}");
        let plain = written(Format::Markdown, &two);
        assert!(!plain.contains('<'), "{plain}");
        let order = ["**Go**", "part 0", "**C#**", "part 1"].map(|w| plain.find(w));
        assert!(order.is_sorted() && order[0].is_some(), "{plain}");
        assert!(!written(Format::Html, &two[..1]).contains("<div"));
    }

    #[test]
    fn words_of_the_author_never_become_markup() {
        let hostile =
            "a|b *c* `d` <script> [x](y) # 1. \\ _e_ ~~f~~ &amp; {{#include x}} ![i](j) <!-- -->";
        let mut doc = Doc::new(Format::Html, "s", 2);
        doc.heading(0, hostile, "h");
        doc.para(say!("{} and `{}`", hostile, hostile));
        doc.list([
            Inline::text("1. x"),
            Inline::text("- y"),
            Inline::text("+ z"),
        ]);
        doc.table(
            &["a", "b"],
            vec![vec![Inline::text(hostile), Inline::code(hostile)]],
        );
        doc.details(hostile, |d| d.code("text", "```\n</details>\n````"));
        let text = doc.finish();
        let mut seen = Vec::new();
        for event in pulldown_cmark::Parser::new_ext(&text, parser_options()) {
            match event {
                Event::Start(
                    Tag::Link { .. } | Tag::Image { .. } | Tag::Emphasis | Tag::Strikethrough,
                )
                | Event::InlineHtml(_) => {
                    seen.push(format!("{event:?}"));
                }
                Event::Html(html) => assert!(html.contains("details"), "{html}"),
                _ => {}
            }
        }
        assert!(seen.is_empty(), "{seen:?} in\n{text}");
    }
}
