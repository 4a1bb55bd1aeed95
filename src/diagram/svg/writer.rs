//! The one place that writes SVG: closes what was opened, escapes what is foreign, on one line.

use super::{Frame, MARGIN, Options};
use crate::diagram::layout::Rect;
use std::fmt::Write;

/// Wider pictures than the narrowest phone's page scroll inside themselves.
const PHONE: i64 = 280;
/// Wider pictures than a page's column can be seen at full size.
const COLUMN: i64 = 750;

/// Sheets of paper for pictures that a page's column would shrink below three quarters: class, and the
/// room within the margins in pixels. The style has the pages. The last takes whatever is larger.
const SHEETS: [(&str, i64, i64); 8] = [
    ("msd-a4", 1047, 660),
    ("msd-a4t", 718, 996),
    ("msd-a3", 1511, 960),
    ("msd-a3t", 1047, 1460),
    ("msd-a2", 2169, 1430),
    ("msd-a2t", 1511, 2120),
    ("msd-a1", 3103, 2090),
    ("msd-a1t", 2169, 3050),
];
/// What a page of text has room for.
const PAGE: (i64, i64) = (718, 900);

/// The sheet that a picture of this size gets on paper.
fn sheet(w: i64, h: i64) -> Option<&'static str> {
    let fits = |room: (i64, i64)| w * 3 <= room.0 * 4 && h * 3 <= room.1 * 4;
    if fits(PAGE) {
        return None;
    }
    let found = SHEETS.iter().find(|s| fits((s.1, s.2)));
    let largest = if w >= h { "msd-a1" } else { "msd-a1t" };
    Some(found.map_or(largest, |s| s.0))
}

/// A picture being written.
pub(super) struct Svg {
    out: String,
    open: Vec<&'static str>,
    /// Whether the last start tag still lacks its `>`.
    in_tag: bool,
    frame: Frame,
    /// Where a file's style belongs.
    style_at: usize,
}

impl Svg {
    /// Starts a picture of `width` × `height`; the margin comes on top. `linked` says whether it will
    /// hold links: then an inner group that the caller has to close is the image, and the links stand
    /// behind it, or readers could not reach them.
    pub(super) fn new(
        options: &Options<'_>,
        (title, description): (&str, &str),
        (width, height): (i64, i64),
        linked: bool,
    ) -> Self {
        let mut svg = Self {
            out: String::with_capacity(4096),
            open: Vec::new(),
            in_tag: false,
            frame: options.frame,
            style_at: 0,
        };
        let scope: String = options
            .scope
            .chars()
            .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
            .collect();
        let (w, h) = (width + 2 * MARGIN, height + 2 * MARGIN);
        let title = super::text::clean(title);
        if svg.frame == Frame::Page {
            let mut class = "msd-figure".to_owned();
            if let Some(sheet) = sheet(w, h) {
                class.push_str(" msd-sheet ");
                class.push_str(sheet);
            }
            svg.open("figure").attr("class", &class);
            if w > PHONE {
                // A checkbox needs no script: checked, it lifts what follows it over the page. What a column has room
                // for needs one on a narrow screen only.
                let narrow = w <= COLUMN;
                svg.open("input")
                    .attr("type", "checkbox")
                    .attr("class", if narrow { "msd-full msd-n" } else { "msd-full" })
                    // Where the style is not read, the box would lift nothing; where it is, it shows the box.
                    .attr("style", "display:none")
                    .attr("aria-label", &format!("Full size: {title}"))
                    .close();
            }
            if w > PHONE {
                // What scrolls must be reachable by keyboard, and then needs a name. A `div` would make
                // mdBook break the line.
                svg.open("span")
                    .attr("class", "msd-pan")
                    .attr("tabindex", "0")
                    .attr("role", "group")
                    .attr("aria-label", &title);
            }
        }
        // An EPUB is XML, where only the namespace makes this a picture.
        svg.open("svg").attr("xmlns", "http://www.w3.org/2000/svg");
        if svg.frame != Frame::Page {
            svg.attr("class", "msd");
        }
        let names = format!("{scope}-t {scope}-d");
        if !linked {
            svg.attr("role", "img").attr("aria-labelledby", &names);
        }
        if svg.frame == Frame::Page {
            // Makers of PDF that give a page's style to no picture draw outlines then, and no black areas, and words of
            // the size that they have room for.
            svg.attr("fill", "none")
                .attr("stroke", "currentColor")
                .attr("font-size", "11")
                .attr("text-anchor", "middle");
        }
        svg.attr("width", &w.to_string())
            .attr("height", &h.to_string())
            .attr("viewBox", &format!("-{MARGIN} -{MARGIN} {w} {h}"));
        svg.open("title")
            .attr("id", &format!("{scope}-t"))
            .content(&title)
            .close();
        let description = super::text::clean(description);
        svg.open("desc")
            .attr("id", &format!("{scope}-d"))
            .content(&description)
            .close();
        if svg.frame != Frame::Page {
            svg.end_tag();
            svg.style_at = svg.out.len();
            svg.rect(
                "p",
                Rect {
                    x: -MARGIN,
                    y: -MARGIN,
                    w,
                    h,
                },
                0,
            );
        }
        if linked {
            // An image must not contain links, so the image is what lies under them.
            svg.open("g")
                .attr("role", "img")
                .attr("aria-labelledby", &names);
        }
        svg
    }

    /// The finished line.
    pub(super) fn finish(mut self) -> String {
        while !self.open.is_empty() {
            self.close();
        }
        // Only own text, free of `<` and `&`; a reader of XML takes it as it is. Last, for only now it is known what
        // occurs.
        let style = match self.frame {
            Frame::Page => return self.out,
            Frame::File => super::style::file(&self.out),
            Frame::Plain => super::style::plain(&self.out),
        };
        let style = format!("<style>{style}</style>");
        self.out.insert_str(self.style_at, &style);
        self.out
    }

    pub(super) fn open(&mut self, name: &'static str) -> &mut Self {
        self.end_tag();
        self.out.push('<');
        self.out.push_str(name);
        self.open.push(name);
        self.in_tag = true;
        self
    }

    pub(super) fn attr(&mut self, name: &str, value: &str) -> &mut Self {
        debug_assert!(self.in_tag, "attribute {name} outside a tag");
        self.out.push(' ');
        self.out.push_str(name);
        self.out.push_str("=\"");
        self.escape(value);
        self.out.push('"');
        self
    }

    fn class(&mut self, class: &str) -> &mut Self {
        if class.is_empty() {
            return self;
        }
        self.attr("class", class)
    }

    fn number(&mut self, name: &str, value: i64) -> &mut Self {
        let _ = write!(self.out, " {name}=\"{value}\"");
        self
    }

    pub(super) fn content(&mut self, text: &str) -> &mut Self {
        self.end_tag();
        self.escape(text);
        self
    }

    pub(super) fn close(&mut self) {
        let Some(name) = self.open.pop() else { return };
        if self.in_tag
            && !matches!(
                name,
                "figure" | "span" | "svg" | "a" | "g" | "title" | "desc"
            )
        {
            self.out.push_str("/>");
        } else {
            self.end_tag();
            let _ = write!(self.out, "</{name}>");
        }
        self.in_tag = false;
    }

    /// An element with text only.
    pub(super) fn leaf(&mut self, name: &'static str, text: &str) {
        self.open(name).content(text).close();
    }

    /// A line of text; without a class it is small and centred.
    pub(super) fn text(&mut self, class: &str, x: i64, y: i64, text: &str) {
        self.open("text").class(class);
        // Nothing said is 0.
        if x != 0 {
            self.number("x", x);
        }
        self.number("y", y).content(text).close();
    }

    /// Begins a group of texts that begin, or with `g` end, where they stand, also for readers that know no style.
    pub(super) fn anchored(&mut self, class: &str) {
        let end = class.starts_with('g');
        self.open("g").class(class);
        if self.frame == Frame::Page {
            self.attr("text-anchor", if end { "end" } else { "start" });
        }
    }

    /// A rectangle; without a class it is a box.
    pub(super) fn rect(&mut self, class: &str, r: Rect, radius: i64) {
        self.open("rect")
            .class(class)
            .number("x", r.x)
            .number("y", r.y);
        self.number("width", r.w).number("height", r.h);
        if radius > 0 {
            self.number("rx", radius);
        }
        self.close();
    }

    pub(super) fn circle(&mut self, class: &str, (x, y): (i64, i64), radius: i64) {
        self.open("circle")
            .attr("class", class)
            .number("cx", x)
            .number("cy", y);
        self.number("r", radius).close();
    }

    /// A path; without a class it is a box.
    pub(super) fn path(&mut self, class: &str, d: &str) {
        self.open("path").class(class).attr("d", d).close();
    }

    fn end_tag(&mut self) {
        if std::mem::replace(&mut self.in_tag, false) {
            self.out.push('>');
        }
    }

    fn escape(&mut self, text: &str) {
        for c in text.chars() {
            match c {
                '&' => self.out.push_str("&amp;"),
                '<' => self.out.push_str("&lt;"),
                '>' => self.out.push_str("&gt;"),
                '"' => self.out.push_str("&quot;"),
                // mdBook looks for `{{#…}}` in chapters before and after us.
                '{' => self.out.push_str("&#123;"),
                '\n' | '\r' | '\t' => self.out.push(' '),
                c => self.out.push(c),
            }
        }
    }
}

/// A rectangle as a piece of a path.
pub(super) fn outline(r: Rect) -> String {
    format!("M{} {}h{}v{}h-{}z", r.x, r.y, r.w, r.h, r.w)
}

/// Radius of the corners of lines.
pub(super) const CORNER: i64 = 5;

/// A right-angled path, its corners rounded by `most`. `cut` is left out of it: the label stands there.
pub(super) fn polyline(points: &[(i64, i64)], cut: Option<Rect>, most: i64) -> String {
    let mut d = String::new();
    let Some(&first) = points.first() else {
        return d;
    };
    let mut pen = Pen {
        out: &mut d,
        at: first,
    };
    let _ = write!(pen.out, "M{} {}", first.0, first.1);
    for (i, &p) in points.iter().enumerate().skip(1) {
        let Some(&next) = points.get(i + 1) else {
            pen.line(p, cut);
            break;
        };
        let before = points[i - 1];
        let room = |a: (i64, i64), b: (i64, i64)| (a.0 - b.0).abs() + (a.1 - b.1).abs();
        let radius = (room(before, p) / 2).min(room(p, next) / 2).min(most);
        let toward = |from: (i64, i64)| {
            (
                (from.0 - p.0).signum() * radius,
                (from.1 - p.1).signum() * radius,
            )
        };
        let (back, on) = (toward(before), toward(next));
        pen.line((p.0 + back.0, p.1 + back.1), cut);
        if radius > 0 {
            let (bend, end) = ((-back.0, -back.1), (on.0 - back.0, on.1 - back.1));
            let _ = write!(pen.out, "q{}", pairs(&[bend, end]));
            pen.at = (p.0 + on.0, p.1 + on.1);
        }
    }
    d
}

/// Pairs of numbers with as few separators as SVG allows.
pub(super) fn pairs(list: &[(i64, i64)]) -> String {
    let mut out = String::new();
    for value in list.iter().flat_map(|p| [p.0, p.1]) {
        if !out.is_empty() && value >= 0 {
            out.push(' ');
        }
        let _ = write!(out, "{value}");
    }
    out
}

struct Pen<'a> {
    out: &'a mut String,
    at: (i64, i64),
}

impl Pen<'_> {
    /// A straight piece to `to`, broken where it would run through `cut`.
    fn line(&mut self, to: (i64, i64), cut: Option<Rect>) {
        if let Some(r) = cut {
            let flat = self.at.1 == to.1;
            let (low, high, across, begin, end) = if flat {
                (
                    r.x,
                    r.x + r.w,
                    self.at.1 > r.y && self.at.1 < r.y + r.h,
                    self.at.0,
                    to.0,
                )
            } else {
                (
                    r.y,
                    r.y + r.h,
                    self.at.0 > r.x && self.at.0 < r.x + r.w,
                    self.at.1,
                    to.1,
                )
            };
            if across && begin.min(end) <= low && begin.max(end) >= high {
                let (near, far) = if begin < end {
                    (low, high)
                } else {
                    (high, low)
                };
                self.straight(flat, near);
                self.jump(flat, far);
            }
        }
        let flat = self.at.1 == to.1;
        if to != self.at {
            self.straight(flat, if flat { to.0 } else { to.1 });
        }
    }

    fn straight(&mut self, flat: bool, value: i64) {
        let from = if flat { &mut self.at.0 } else { &mut self.at.1 };
        let by = value - *from;
        *from = value;
        // A rounded corner may end just where the label begins. Relative steps are shorter.
        if by != 0 {
            let _ = write!(self.out, "{}{by}", if flat { 'h' } else { 'v' });
        }
    }

    fn jump(&mut self, flat: bool, value: i64) {
        let by = if flat {
            (value - self.at.0, 0)
        } else {
            (0, value - self.at.1)
        };
        let _ = write!(self.out, "m{}", pairs(&[by]));
        self.at = (self.at.0 + by.0, self.at.1 + by.1);
    }
}

/// The tips of lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tip {
    /// A filled triangle.
    Full,
    /// Two strokes.
    Open,
    /// Two pairs of strokes.
    Double,
    /// A hollow triangle.
    Hollow,
}

/// The tip at the end of a path that comes from `from`.
pub(super) fn tip(from: (i64, i64), at: (i64, i64), tip: Tip) -> String {
    // Unit vector along the line; across it is (-uy, ux).
    let u = ((at.0 - from.0).signum(), (at.1 - from.1).signum());
    let point = |along: i64, across: i64| {
        (
            at.0 - u.0 * along - u.1 * across,
            at.1 - u.1 * along + u.0 * across,
        )
    };
    let step = |a: (i64, i64), b: (i64, i64)| (b.0 - a.0, b.1 - a.1);
    let strokes = |shift: i64| {
        let (a, b, c) = (
            point(8 + shift, -4),
            point(1 + shift, 0),
            point(8 + shift, 4),
        );
        format!("M{}l{}", pairs(&[a]), pairs(&[step(a, b), step(b, c)]))
    };
    match tip {
        Tip::Full | Tip::Hollow => {
            let (b, c) = (point(9, -4), point(9, 4));
            // Its back is upright or flat, which has a shorter word.
            let back = step(b, c);
            let back = if back.0 == 0 {
                format!("v{}", back.1)
            } else {
                format!("h{}", back.0)
            };
            format!("M{}l{}{back}z", pairs(&[at]), pairs(&[step(at, b)]))
        }
        Tip::Open => strokes(0),
        Tip::Double => strokes(0) + &strokes(5),
    }
}

#[cfg(test)]
mod tests {
    use super::{CORNER, Rect, polyline, sheet};

    #[test]
    fn a_line_stops_at_its_label_even_right_behind_a_corner() {
        let label = |y| {
            Some(Rect {
                x: 80,
                y,
                w: 40,
                h: 16,
            })
        };
        let points = [(0, 0), (100, 0), (100, 60)];
        let behind = polyline(&points, label(CORNER), CORNER);
        assert_eq!(behind, "M0 0h95q5 0 5 5m0 16v39");
        let further = polyline(&points, label(20), CORNER);
        assert_eq!(further, "M0 0h95q5 0 5 5v15m0 16v24");
        let before_the_end = polyline(&points, label(44), CORNER);
        assert_eq!(before_the_end, "M0 0h95q5 0 5 5v39m0 16");
    }

    #[test]
    fn paper_grows_with_the_picture() {
        assert_eq!(sheet(700, 1100), None);
        assert_eq!(sheet(1300, 800), Some("msd-a4"));
        assert_eq!(sheet(940, 1300), Some("msd-a4t"));
        assert_eq!(sheet(2288, 1297), Some("msd-a2"));
        assert_eq!(sheet(3987, 1640), Some("msd-a1"));
        assert_eq!(sheet(1000, 9000), Some("msd-a1t"));
    }
}
