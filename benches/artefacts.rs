//! What all files of a design and its whole chapter, pattern code included, cost as the design grows.
//!
//! Prints medians, and for each doubling of the services how many times dearer it is: two where the cost is
//! linear in the number of calls.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    missing_docs
)]

#[path = "support/layered.rs"]
mod layered;

use std::time::{Duration, Instant};

use layered::design;
use msdesign::diag::{SourceFile, Sources};
use msdesign::{NoFiles, Options, compile};

const SIZES: [usize; 5] = [10, 20, 40, 80, 160];
const INFRASTRUCTURES: [&str; 2] = ["kubernetes", "aws"];
const RUNS: usize = 9;

fn main() {
    println!("median of {RUNS} runs");
    for infrastructure in INFRASTRUCTURES {
        println!(
            "\n{infrastructure:<12}{:>7}{:>9}{:>9}{:>12}{:>9}{:>12}{:>9}{:>12}{:>9}",
            "calls", "files", "KiB", "files ms", "ratio", "with code", "ratio", "with all", "ratio"
        );
        let (mut last_files, mut last_code, mut last_all) = (None, None, None);
        for services in SIZES {
            let text = format!(
                "infrastructure = \"{infrastructure}\"\n{}",
                design(services, 1)
            );
            let calls = text.matches("{ call").count();
            // Without a section there are the files alone, with reading, planning and checking.
            let (files, list) = timed(&text, Some(Vec::new()));
            let (code, _) = timed(&text, Some(vec!["reliability".to_owned()]));
            let (all, _) = timed(&text, None);
            println!(
                "{services:<12}{calls:>7}{:>9}{:>9}{:>12.1}{:>9}{:>12.1}{:>9}{:>12.1}{:>9}",
                list.0,
                list.1 / 1024,
                ms(files),
                ratio(files, &mut last_files),
                ms(code),
                ratio(code, &mut last_code),
                ms(all),
                ratio(all, &mut last_all)
            );
        }
    }
}

/// The median time of a compilation, and the number and bytes of its files.
fn timed(text: &str, sections: Option<Vec<String>>) -> (Duration, (usize, usize)) {
    let options = Options {
        artefacts: true,
        sections,
        ..Options::default()
    };
    let mut times = Vec::new();
    let mut size = (0, 0);
    for _ in 0..RUNS {
        let mut sources = Sources::default();
        let id = sources.add(SourceFile::whole("bench", text));
        let start = Instant::now();
        let done = compile(&mut sources, id, &mut NoFiles, &options);
        times.push(start.elapsed());
        let files = done.chapter.unwrap().artefacts;
        size = (files.len(), files.iter().map(|f| f.text.len()).sum());
    }
    times.sort();
    (times[times.len() / 2], size)
}

fn ratio(time: Duration, last: &mut Option<Duration>) -> String {
    let text = last.map_or_else(String::new, |l| {
        format!("{:.1}x", time.as_secs_f64() / l.as_secs_f64())
    });
    *last = Some(time);
    text
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
