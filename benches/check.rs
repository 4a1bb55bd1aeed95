//! `check` of a large book as a whole process, and what planning and each rule cost as a design grows.
//!
//! Prints medians and, since absolute times depend on the machine, ratios of one run: eight times the
//! services cost about eight times the time where a cost is linear, and sixty-four times where it is
//! quadratic.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    missing_docs
)]

#[path = "support/layered.rs"]
mod layered;

use std::fmt::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use layered::design;
use msdesign::diag::{SourceFile, Sources};
use msdesign::lint;
use msdesign::model::{self, Model};
use msdesign::plan::Plan;
use msdesign::spec;

const DESIGNS: usize = 300;
const SERVICES: usize = 40;
const SIZES: [usize; 4] = [250, 500, 1000, 2000];
const RUNS: usize = 5;

fn main() {
    book();
    growth();
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn timed<T>(mut work: impl FnMut() -> T) -> Duration {
    let runs = (0..RUNS).map(|_| {
        let start = Instant::now();
        std::hint::black_box(work());
        start.elapsed()
    });
    median(runs.collect())
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// A book of many designs, by the binary itself.
fn book() {
    let dir = tempfile::tempdir().unwrap();
    let src = dir.path().join("src");
    std::fs::create_dir(&src).unwrap();
    std::fs::write(dir.path().join("book.toml"), "[book]\ntitle = \"T\"\n").unwrap();
    for i in 0..DESIGNS {
        let text = format!("# {i}\n\n```msdesign\n{}```\n", design(SERVICES, i));
        std::fs::write(src.join(format!("{i}.md")), text).unwrap();
    }
    let empty = tempfile::tempdir().unwrap();
    std::fs::write(empty.path().join("x.md"), "# Nothing\n").unwrap();
    let run = |dir: &std::path::Path| {
        Command::new(env!("CARGO_BIN_EXE_mdbook-msdesign"))
            .args(["check", "--format", "json", "."])
            .current_dir(dir)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .unwrap()
    };
    let nothing = timed(|| run(empty.path()));
    let all = timed(|| run(dir.path()));
    println!("median of {RUNS} runs");
    println!(
        "check of nothing                        {:>8.1} ms",
        ms(nothing)
    );
    println!(
        "check of {DESIGNS} designs of {SERVICES} services     {:>8.1} ms, {:.2} ms a design",
        ms(all),
        ms(all - nothing) / DESIGNS as f64
    );
}

fn read(text: &str) -> Model {
    let mut sources = Sources::default();
    let id = sources.add(SourceFile::whole("bench", text));
    let mut found = Vec::new();
    let spec = spec::parse(id, text, &mut found);
    model::resolve(&spec, id, &mut found)
}

/// The settings that leave `rule` alone running, or none.
fn alone(rule: Option<&str>) -> String {
    let mut out = String::from("\n[lint.rules]\n");
    for r in lint::rules().iter().filter(|r| Some(r.id) != rule) {
        writeln!(out, "{} = \"off\"", r.id).unwrap();
    }
    out
}

fn growth() {
    let texts = SIZES.map(|n| design(n, 1));
    print!("\n{:<32}", "ms by services");
    SIZES.iter().for_each(|n| print!("{n:>10}"));
    println!("{:>10}", "growth");
    row("spec and model", &texts, |text| timed(|| read(text)));
    row("plan", &texts, |text| {
        let model = read(text);
        timed(|| Plan::new(&model).calls.len())
    });
    let linted = |text: &str, rule: Option<&str>| {
        let model = read(&format!("{text}{}", alone(rule)));
        // A plan works some things out when they are first asked for; that is a cost of the rule.
        let runs = (0..RUNS).map(|_| {
            let plan = Plan::new(&model);
            let start = Instant::now();
            std::hint::black_box(lint::check(&plan));
            start.elapsed()
        });
        median(runs.collect())
    };
    row("no rule", &texts, |text| linted(text, None));
    let none: Vec<Duration> = texts.iter().map(|t| linted(t, None)).collect();
    for r in lint::rules() {
        let mut at = none.iter();
        row(r.id, &texts, |text| {
            linted(text, Some(r.id)).saturating_sub(*at.next().unwrap())
        });
    }
}

/// One line: the times, and how many times the first the last is.
fn row(name: &str, texts: &[String], mut time: impl FnMut(&str) -> Duration) {
    let times: Vec<f64> = texts.iter().map(|t| ms(time(t))).collect();
    print!("{name:<32}");
    times.iter().for_each(|t| print!("{t:>10.2}"));
    let (first, last) = (times[0], times[times.len() - 1]);
    // Below this the clock is all that is measured.
    if last < 0.2 {
        println!("{:>10}", "-");
    } else {
        println!("{:>9.1}x", last / first.max(0.01));
    }
}
