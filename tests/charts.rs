//! What charts and state diagrams draw is what the plan says: the bars' ends by the scale that is drawn, the lines
//! across them, the values beside them, the thresholds on the arrows and the limits on the lifelines.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::path::Path;

use msdesign::diag::{SourceFile, Sources};
use msdesign::diagram::Form;
use msdesign::diagram::layout::Wish;
use msdesign::model;
use msdesign::plan::Plan;
use msdesign::{NoFiles, Options, Wanted, spec};

/// Names and specs: the book's designs, those made for pictures, and the real systems.
fn designs() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = [
        "book-example/src/designs",
        "tests/pictures",
        "tests/systems",
    ];
    let files = folders
        .iter()
        .flat_map(|f| fs::read_dir(root.join(f)).unwrap());
    let mut all: Vec<(String, String)> = files
        .map(|f| f.unwrap().path())
        .filter_map(|path| {
            let kind = path.extension()?.to_str()?.to_owned();
            let text = fs::read_to_string(&path).ok()?;
            let spec = match kind.as_str() {
                "toml" => text,
                "md" => text
                    .split("```msdesign\n")
                    .nth(1)?
                    .split("\n```")
                    .next()?
                    .to_owned(),
                _ => return None,
            };
            Some((path.display().to_string(), spec))
        })
        .collect();
    all.sort();
    assert!(all.len() > 12, "{}", all.len());
    all
}

/// The drawn picture `kind` of a spec; `None` if the design has none.
fn drawn(spec: &str, kind: &str) -> Option<String> {
    let mut sources = Sources::default();
    let id = sources.add(SourceFile::whole("spec.toml", spec.to_owned()));
    let wanted = Wanted {
        kind: Some(kind.to_owned()),
        focus: None,
    };
    let options = Options::default();
    let (drawn, _) = msdesign::draw(&mut sources, id, &mut NoFiles, &options, &wanted);
    let picture = drawn?.picture.ok()?;
    Some(picture.file(Form::Svg, Wish::default()).unwrap())
}

/// The attribute `name` of the element that `tag` begins.
fn attribute<'t>(tag: &'t str, name: &str) -> Option<&'t str> {
    let tag = tag.split('>').next()?;
    tag.split(&format!(" {name}=\"")).nth(1)?.split('"').next()
}

fn number(tag: &str, name: &str) -> f64 {
    attribute(tag, name).map_or(0.0, |n| n.parse().unwrap())
}

fn elements<'t>(svg: &'t str, name: &'t str) -> impl Iterator<Item = &'t str> {
    // Behind the style and the frame.
    let body = svg.split_once("</desc>").unwrap().1;
    let body = body.split_once("</style>").map_or(body, |b| b.1);
    body.split('<')
        .filter(move |e| e.strip_prefix(name).is_some_and(|e| e.starts_with(' ')))
}

/// Place and words of every text.
fn texts(svg: &str) -> Vec<(f64, f64, String)> {
    elements(svg, "text")
        .map(|t| {
            let words = t
                .split_once('>')
                .unwrap()
                .1
                .replace('\u{a0}', " ")
                .replace("&gt;", ">");
            (number(t, "x"), number(t, "y"), words)
        })
        .collect()
}

/// `1.5 s`, `50 min`, `20%` or `5 calls` in seconds, minutes, as a share, or counted.
fn value(words: &str) -> f64 {
    let end = words
        .find(|c: char| !(c.is_ascii_digit() || c == '.'))
        .unwrap_or(words.len());
    let number: f64 = words[..end].parse().unwrap_or_else(|_| panic!("{words}"));
    match words[end..].trim() {
        "ms" => number / 1_000.0,
        "s" | "min" | "call" | "calls" => number,
        "%" => number / 100.0,
        other => panic!("{other} of {words}"),
    }
}

/// A chart as a reader with a ruler takes it from the picture.
struct Read {
    /// Pixels and value of each number on the scale.
    ticks: Vec<(f64, f64)>,
    log: bool,
    /// From top to bottom: class, and pixels from and to of each piece.
    bars: Vec<Vec<(String, f64, f64)>>,
    /// The lines across the bars.
    marks: Vec<f64>,
    all: Vec<(f64, f64, String)>,
}

impl Read {
    fn new(svg: &str, log: bool) -> Self {
        let path = |class: &str| {
            elements(svg, "path")
                .filter(|p| attribute(p, "class") == Some(class))
                .map(|p| attribute(p, "d").unwrap().to_owned())
                .collect::<Vec<String>>()
        };
        let places = |d: &str| -> Vec<f64> {
            let parts = d.split('M').filter(|p| !p.is_empty());
            parts
                .map(|p| p.split([' ', 'V']).next().unwrap().parse().unwrap())
                .collect()
        };
        let grid = path("k j").concat();
        let bottom: f64 = grid.rsplit('V').next().unwrap().parse().unwrap();
        let all = texts(svg);
        let at = |x: f64| {
            all.iter()
                .find(|t| t.0 == x && t.1 == bottom + 16.0)
                .unwrap()
        };
        let ticks = places(&grid)
            .into_iter()
            .map(|x| (x, value(&at(x).2)))
            .collect();
        let mut pieces: Vec<(f64, String, f64, f64)> = elements(svg, "rect")
            .filter_map(|r| {
                let class = attribute(r, "class")?;
                let (x, y) = (number(r, "x"), number(r, "y"));
                let bar = class.starts_with('a') && y < bottom;
                bar.then(|| (y, class.to_owned(), x, x + number(r, "width")))
            })
            .collect();
        pieces.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.2.total_cmp(&b.2)));
        let mut bars: Vec<Vec<(String, f64, f64)>> = Vec::new();
        let mut row = f64::NAN;
        for (y, class, from, to) in pieces {
            if y != row {
                bars.push(Vec::new());
                row = y;
            }
            bars.last_mut().unwrap().push((class, from, to));
        }
        Self {
            ticks,
            log,
            bars,
            marks: places(&path("k m").concat()),
            all,
        }
    }

    /// Where `value` stands by the first and the last number on the scale.
    fn place(&self, value: f64) -> f64 {
        let of = |v: f64| if self.log { v.max(1.0).ln() } else { v };
        let (first, last) = (self.ticks[0], self.ticks[self.ticks.len() - 1]);
        let share = (of(value) - of(first.1)) / (of(last.1) - of(first.1));
        first.0 + share * (last.0 - first.0)
    }

    /// That `pixels` show `value`, within the pixel that they are rounded to.
    fn shows(&self, pixels: f64, value: f64, what: &str) {
        let place = self.place(value);
        assert!(
            (pixels - place).abs() <= 1.01,
            "{what}: {value} belongs at {place}, not at {pixels}"
        );
    }

    /// That the numbers on the scale stand where they belong, and one line across for each of `marks`.
    fn is_true(&self, marks: &[f64], what: &str) {
        for (pixels, value) in &self.ticks {
            self.shows(*pixels, *value, &format!("{what}: scale"));
        }
        assert_eq!(self.marks.len(), marks.len(), "{what}: lines across");
        for (pixels, value) in self.marks.iter().zip(marks) {
            self.shows(*pixels, *value, &format!("{what}: line across"));
        }
    }

    /// That a bar has pieces of these classes and ends, and `words` stand behind it.
    fn bar(&self, i: usize, pieces: &[(&str, f64, f64)], words: &str, what: &str) {
        let what = format!("{what}: bar {i}");
        let bar = self
            .bars
            .get(i)
            .unwrap_or_else(|| panic!("{what} is missing"));
        assert_eq!(bar.len(), pieces.len(), "{what}: {bar:?} for {pieces:?}");
        for ((class, from, to), (wanted, begins, ends)) in bar.iter().zip(pieces) {
            assert_eq!(class, wanted, "{what}");
            self.shows(*from, *begins, &what);
            // The thinnest piece has two pixels.
            if to - from > 2.0 {
                self.shows(*to, *ends, &what);
            }
        }
        assert!(
            self.all.iter().any(|t| t.2 == words),
            "{what}: {words} is not told"
        );
    }
}

/// Runs `check` over every design that has a plan; how often it compared something.
fn over(check: impl Fn(&str, &str, &Plan<'_>) -> usize) -> usize {
    let mut compared = 0;
    for (name, text) in designs() {
        let mut sources = Sources::default();
        let id = sources.add(SourceFile::whole("spec.toml", text.clone()));
        let mut out = Vec::new();
        let model = model::resolve(&spec::parse(id, &text, &mut out), id, &mut out);
        assert!(out.is_empty(), "{name}: {out:?}");
        compared += check(&name, &text, &Plan::new(&model));
    }
    compared
}

/// Pieces without length are not drawn.
fn seen<'c>(pieces: impl IntoIterator<Item = (&'c str, f64, f64)>) -> Vec<(&'c str, f64, f64)> {
    pieces.into_iter().filter(|p| p.2 > p.1).collect()
}

#[test]
fn a_waterfall_begins_and_ends_as_planned() {
    let compared = over(|name, text, plan| {
        let mut compared = 0;
        for flow in plan.flows.iter().filter(|f| !f.derived) {
            let what = format!("{name}: budget of {}", flow.name);
            let Some(svg) = drawn(text, &format!("budget:{}", flow.name)) else {
                assert!(plan.waterfall(flow).is_empty(), "{what}");
                continue;
            };
            let read = Read::new(&svg, false);
            let promised = flow.slo.and_then(|s| s.p99).map(|p| p.value.as_s());
            read.is_true(promised.as_slice(), &what);
            let spans = plan.waterfall(flow);
            assert_eq!(read.bars.len(), spans.len(), "{what}");
            for (i, span) in spans.iter().enumerate() {
                let mut pieces = Vec::new();
                let mut before = None;
                for (from, to) in span.attempts.iter().map(|a| (a.0.as_s(), a.1.as_s())) {
                    let given_up = span.until.map_or(to, |u| u.as_s().clamp(from, to));
                    pieces.push(("a2", before.unwrap_or(from), from));
                    pieces.push(("a1", from, given_up));
                    pieces.push(("a3", given_up, to));
                    before = Some(to);
                }
                let length = span.end().minus(span.start()).to_string();
                read.bar(i, &seen(pieces), &length, &what);
                compared += 1;
            }
        }
        compared
    });
    assert!(compared > 40, "{compared}");
}

#[test]
fn downtimes_add_up_to_what_the_plan_says() {
    let compared = over(|name, text, plan| {
        let mut compared = 0;
        for (i, flow) in plan.flows.iter().enumerate() {
            let what = format!("{name}: availability of {}", flow.name);
            let found = plan.flow_availability(i).filter(|f| !f.needs.is_empty());
            let Some(found) = found else { continue };
            let svg = drawn(text, &format!("availability:{}", flow.name)).unwrap();
            let read = Read::new(&svg, false);
            read.is_true(found.budget.as_slice(), &what);
            assert_eq!(read.bars.len(), found.needs.len().min(16), "{what}");
            let mut down = 0.0;
            for (i, need) in found.needs.iter().take(16).enumerate() {
                let (from, to) = (down, down + need.minutes);
                down = to;
                let kept = found.budget.map_or(to, |b| b.clamp(from, to));
                let pieces = seen([("a1", from, kept), ("a3", kept, to)]);
                let words = format!("{} min", model::units::float(need.minutes));
                read.bar(i, &pieces, &words, &what);
                compared += 1;
            }
        }
        compared
    });
    assert!(compared > 60, "{compared}");
}

#[test]
fn multiplied_calls_and_full_services_are_as_long_as_counted() {
    let compared = over(|name, text, plan| {
        let mut compared = 0;
        let paths = plan
            .amplification
            .paths
            .iter()
            .filter(|p| p.with_platform > 1);
        let paths: Vec<_> = paths.take(60).collect();
        if !paths.is_empty() {
            let what = format!("{name}: amplification");
            let log = paths.iter().any(|p| p.with_platform.max(p.product) > 30);
            let read = Read::new(&drawn(text, "amplification").unwrap(), log);
            read.is_true(&[1.0], &what);
            for (i, p) in paths.iter().enumerate() {
                let (own, all) = (p.product as f64, p.with_platform as f64);
                let begin = if log { 1.0 } else { 0.0 };
                let pieces = seen([("a1", begin, own), ("a3", own, all.max(own))]);
                let words = match p.with_platform.max(p.product) {
                    1 => "1 call".to_owned(),
                    n => format!("{n} calls"),
                };
                read.bar(i, &pieces, &words, &what);
                compared += 1;
            }
        }
        if let Some(svg) = drawn(text, "capacity") {
            let what = format!("{name}: capacity");
            let read = Read::new(&svg, false);
            read.is_true(&[1.0], &what);
            let load = plan.capacity();
            let known = load.services.iter().filter_map(|s| {
                let used = s.used.as_ref()?.value.0;
                Some((
                    used,
                    s.used_without_one.as_ref().map_or(used, |u| u.value.0),
                ))
            });
            let mut known: Vec<(f64, f64)> = known.collect();
            known.sort_by(|a, b| b.1.total_cmp(&a.1));
            assert_eq!(read.bars.len(), known.len(), "{what}");
            for (i, (used, without)) in known.into_iter().enumerate() {
                let percent = |share: f64| format!("{}%", model::units::float(share * 100.0));
                let words = match without > used {
                    true => format!("{} → {}", percent(used), percent(without)),
                    false => percent(used),
                };
                let pieces = seen([("a1", 0.0, used), ("a2", used, without)]);
                read.bar(i, &pieces, &words, &what);
                compared += 1;
            }
        }
        compared
    });
    assert!(compared > 30, "{compared}");
}

/// The words of a picture in one line, however they are wrapped.
fn line(svg: &str) -> String {
    let words: Vec<String> = texts(svg).into_iter().map(|t| t.2).collect();
    words.join(" ")
}

#[test]
fn arrows_say_the_thresholds_of_the_plan() {
    let compared = over(|name, text, plan| {
        let mut compared = 0;
        for call in plan.model.call_ids() {
            let Ok(b) = &plan.call(call).breaker else {
                continue;
            };
            let kind = format!("breaker:{}", plan.model.call_name(call));
            let said = line(&drawn(text, &kind).unwrap());
            let (slow, half) = (b.slow.value, b.half_open.value);
            let opens = format!(
                "≥ {} of ≥ {} calls in {}",
                b.ratio.value, b.minimum.value, b.window.value
            );
            for wanted in [
                format!("{opens} fail or take ≥ {slow}"),
                format!("after {}", b.open.value),
                format!("a probe fails or takes ≥ {slow}"),
                match half {
                    1 => "the probe succeeds".to_owned(),
                    n => format!("{n} probes in a row succeed"),
                },
            ] {
                assert!(said.contains(&wanted), "{name}: {kind}: {wanted} in {said}");
                compared += 1;
            }
        }
        for (saga, s) in plan.model.sagas.iter().enumerate() {
            let Some(svg) = drawn(text, &format!("states:{}", s.name)) else {
                continue;
            };
            let said = line(&svg);
            for (step, planned) in s.steps.iter().zip(&plan.sagas[saga].steps) {
                let who = &plan.model.service(step.service).name;
                let wanted = format!("{who}, ≤ {}", planned.deadline.value);
                assert!(
                    said.contains(&wanted),
                    "{name}: {}: {wanted} in {said}",
                    s.name
                );
                compared += 1;
            }
        }
        compared
    });
    assert!(compared > 200, "{compared}");
}

#[test]
fn lifelines_wait_as_long_as_the_plan_says() {
    let compared = over(|name, text, plan| {
        let mut compared = 0;
        for flow in plan.flows.iter().filter(|f| f.rows.len() <= 14) {
            let svg = drawn(text, &format!("flow:{}", flow.name)).unwrap();
            let texts = texts(&svg);
            for step in flow.steps.iter().flatten() {
                let model::Step::Call(id) = step else {
                    continue;
                };
                let wanted = format!("≤ {}", plan.call(*id).timeout.value);
                let there = texts.iter().any(|t| t.2 == wanted);
                assert!(there, "{name}: {}: {wanted}", flow.name);
                compared += 1;
            }
        }
        compared
    });
    assert!(compared > 60, "{compared}");
}
