//! The preprocessor as mdBook runs it: a whole process, fed a generated book on stdin.
//!
//! Prints medians and ratios of one run; absolute times depend on the machine, ratios hardly do. The
//! baseline is this very program run with `--baseline`: it reads the same bytes, parses them as JSON,
//! serialises them and writes them once.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    missing_docs
)]

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const CHAPTERS: usize = 1000;
const RUNS: usize = 9;

fn main() {
    if std::env::args().any(|a| a == "--baseline") {
        baseline();
        return;
    }
    let ours = env!("CARGO_BIN_EXE_mdbook-msdesign");
    let this = std::env::current_exe().unwrap();
    let plain = book(CHAPTERS, |_| String::new());
    let blocks = book(CHAPTERS, |i| format!("```msdesign\n{}```\n", spec(i)));
    println!("{CHAPTERS} chapters; median of {RUNS} runs, in turn");
    println!(
        "{:<44} {:>9} {:>9} {:>10}",
        "process", "ms", "ratio", "peak MiB"
    );
    let (base, base_mem) = measure(this.to_str().unwrap(), &["--baseline"], &plain);
    row("read, parse, serialise (no blocks)", base, base, base_mem);
    let (none, none_mem) = measure(ours, &[], &plain);
    row("mdbook-msdesign, no blocks", none, base, none_mem);
    let (all, all_mem) = measure(ours, &[], &blocks);
    row("mdbook-msdesign, 1,000 blocks", all, base, all_mem);
    println!(
        "a block, diagram included: {:.3} ms",
        (all.as_secs_f64() - none.as_secs_f64()) * 1000.0 / CHAPTERS as f64
    );
}

fn row(name: &str, time: Duration, base: Duration, memory: u64) {
    println!(
        "{name:<44} {:>9.1} {:>9.2} {:>10.1}",
        time.as_secs_f64() * 1000.0,
        time.as_secs_f64() / base.as_secs_f64(),
        memory as f64 / 1024.0
    );
}

fn baseline() {
    let mut input = Vec::new();
    std::io::stdin().read_to_end(&mut input).unwrap();
    let value: serde_json::Value = serde_json::from_slice(&input).unwrap();
    let output = serde_json::to_vec(&value[1]).unwrap();
    std::io::stdout().write_all(&output).unwrap();
}

/// Median wall time, and the highest resident size seen while polling, in KiB (0 where /proc is missing).
fn measure(program: &str, arguments: &[&str], input: &[u8]) -> (Duration, u64) {
    let mut times = Vec::new();
    let mut peak = 0;
    for run in 0..=RUNS {
        let start = Instant::now();
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let bytes = input.to_vec();
        let feeder = std::thread::spawn(move || stdin.write_all(&bytes).unwrap());
        let mut stdout = child.stdout.take().unwrap();
        let id = child.id();
        // The high-water mark is read when the whole answer is there and the process not yet gone.
        let mut answer = Vec::new();
        let mut buffer = vec![0; 1 << 20];
        loop {
            peak = peak.max(high_water(id));
            let n = stdout.read(&mut buffer).unwrap();
            if n == 0 {
                break;
            }
            answer.extend_from_slice(&buffer[..n]);
        }
        feeder.join().unwrap();
        assert!(child.wait().unwrap().success(), "{program} failed");
        assert!(!answer.is_empty());
        // The first run warms caches and is not counted.
        if run > 0 {
            times.push(start.elapsed());
        }
    }
    times.sort();
    (times[times.len() / 2], peak)
}

fn high_water(id: u32) -> u64 {
    let Ok(status) = std::fs::read_to_string(format!("/proc/{id}/status")) else {
        return 0;
    };
    status
        .lines()
        .find_map(|l| l.strip_prefix("VmHWM:"))
        .and_then(|l| l.trim().trim_end_matches(" kB").trim().parse().ok())
        .unwrap_or(0)
}

/// A book of 6 MB as mdBook 0.5 sends it, every chapter with `insert` in its middle.
fn book(chapters: usize, insert: impl Fn(usize) -> String) -> Vec<u8> {
    let items: Vec<serde_json::Value> = (0..chapters)
        .map(|i| {
            let mut content = format!("# Chapter {i}\n\n");
            for p in 0..12 {
                let _ = write!(
                    content,
                    "Paragraph {p} of chapter {i} says what the service of this chapter does, with a \
                     [link](chapter-{i}.md), some `code`, a list and enough *words* to be read.\n\n\
                     - first point of paragraph {p}\n- second point, a little longer than the first one\n\n"
                );
                if p == 6 {
                    content.push_str(&insert(i));
                    content.push('\n');
                }
            }
            content.push_str("| a | b |\n|---|---|\n| 1 | 2 |\n");
            let path = format!("chapter-{i}.md");
            serde_json::json!({"Chapter": {
                "name": format!("Chapter {i}"), "content": content, "number": [i + 1], "sub_items": [],
                "path": path, "source_path": path, "parent_names": []
            }})
        })
        .collect();
    let context = serde_json::json!({
        "root": "/nowhere", "renderer": "html", "mdbook_version": "0.5.4",
        "config": {"book": {"title": "Bench"}, "preprocessor": {"msdesign": {}}}
    });
    serde_json::to_vec(&serde_json::json!([context, {"items": items}])).unwrap()
}

/// A small design, different in every chapter.
fn spec(i: usize) -> String {
    format!(
        r#"title = "Shop {i}"
infrastructure = "kubernetes"
language = "go"
services = ["web", "orders", "payments", "shipping", "email"]
sync = [
  {{ call = "web --REST POST /orders--> orders", rate = "{rate}/s" }},
  "orders --gRPC Authorize--> payments",
]
async = ["orders --order.placed--> shipping, email"]
realtime = ["orders --WebSocket /orders/{{id}}/status--> web"]
teams = {{ checkout = ["web", "orders"], money = ["payments"], logistics = ["shipping", "email"] }}
"#,
        rate = 10 + i % 50
    )
}
