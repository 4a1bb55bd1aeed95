//! How good and how fast the layout is: what is counted in every sample graph's drawing, beside Graphviz
//! (if `dot` is installed) and ELK (if `tools/install.sh` installed it, or `--elk` names its `elk.bundled.js`);
//! growth of time with size; and how far boxes move after a small change.
//!
//! `--graphs FOLDER` takes graphs from JSON files, `--only WORD` those whose name has it, `--alone` leaves
//! the other engines out, `--baseline` prints the lines that `tests/layout.rs` holds drawings against.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    missing_docs
)]

#[path = "../tests/support/layout/mod.rs"]
mod layout;

use layout::measure::{Counts, Picture, count};
use layout::{DIRECTIONS, others, samples, towards, unrest};
use msdesign::diagram::layout::{Direction, Drawing, Graph, Line, Shape, draw};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Graphs above this size are drawn by us alone.
const COMPARED: usize = 100;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let given = |flag: &str| arguments.iter().any(|a| a == flag);
    let after = |flag: &str| {
        let at = arguments.iter().position(|a| a == flag)?;
        arguments.get(at + 1).cloned()
    };
    if given("--baseline") {
        print!("{}", layout::baseline());
        return;
    }
    let mut graphs = after("--graphs").map_or_else(samples::seeded, |f| from_files(&f));
    if let Some(word) = after("--only") {
        graphs.retain(|g| g.0.contains(&word));
    }
    let elk = after("--elk").or_else(installed_elk);
    report(&graphs, !given("--alone"), elk.as_deref());
    if after("--graphs").is_none() && after("--only").is_none() {
        growth();
    }
}

/// ELK as `tools/install.sh` installs it.
fn installed_elk() -> Option<String> {
    let npm = std::env::var("MSDESIGN_NPM")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/.tools/npm").to_owned());
    let path = format!("{npm}/node_modules/elkjs/lib/elk.bundled.js");
    std::path::Path::new(&path).is_file().then_some(path)
}

/// One engine's drawing against ours.
struct Ratio {
    engine: String,
    of: [f64; 3],
}

fn report(graphs: &[(String, Graph)], compare: bool, elk: Option<&str>) {
    let (nodes, thru) = ("boxes", "through");
    println!(
        "{:<20} {:<10} {:>7} {:>7} {:>5} {thru:>7} {:>6} {:>6} {:>6} {:>6} {:>7} {:>6} {:>5} {:>7} {:>8} {:>10} {:>6} {:>6}",
        "graph",
        "engine",
        "ms",
        "cross",
        nodes,
        "labels",
        "struck",
        "shared",
        "strays",
        "foreign",
        "bends",
        "jogs",
        "detours",
        "length",
        "size",
        "Mpx²",
        "unrest"
    );
    let mut ratios: Vec<Ratio> = Vec::new();
    for (name, graph) in graphs {
        for (word, direction) in DIRECTIONS {
            let Some((drawing, time)) = timed(graph, direction) else {
                println!("{name:<20} {word:<10} too large");
                continue;
            };
            let mine = count(graph, &Picture::from(&drawing));
            let moved = (graph.nodes.len() <= COMPARED).then(|| unrest(graph, direction));
            row(name, word, time, &mine, moved);
            if !compare || graph.nodes.len() > COMPARED {
                continue;
            }
            let dot = ("dot", others::dot(graph, direction));
            let elk = (
                "elk",
                elk.and_then(|path| others::elk(graph, direction, path)),
            );
            for (engine, found) in [dot, elk] {
                let Some((picture, time)) = found else {
                    continue;
                };
                let theirs = count(graph, &picture);
                let engine = format!("{engine}-{word}");
                row(name, &engine, time, &theirs, None);
                // One more on both sides, so that none to none is 1.
                let of = |a: usize, b: usize| (a + 1) as f64 / (b + 1) as f64;
                ratios.push(Ratio {
                    engine,
                    of: [
                        of(mine.crossings, theirs.crossings),
                        mine.area() / theirs.area(),
                        of(mine.foreign, theirs.foreign),
                    ],
                });
            }
        }
    }
    let mut engines: Vec<&str> = ratios.iter().map(|r| r.engine.as_str()).collect();
    engines.sort_unstable();
    engines.dedup();
    if !engines.is_empty() {
        println!(
            "\ngeometric means of ours to theirs\n{:<10} {:>6} {:>9} {:>6} {:>7}",
            "engine", "graphs", "crossings", "area", "foreign"
        );
    }
    for engine in engines {
        let all: Vec<[f64; 3]> = ratios
            .iter()
            .filter(|r| r.engine == engine)
            .map(|r| r.of)
            .collect();
        let n = all.len() as f64;
        let mean = [0, 1, 2].map(|k| (all.iter().map(|r| r[k].ln()).sum::<f64>() / n).exp());
        println!(
            "{engine:<10} {n:>6} {:>9.3} {:>6.3} {:>7.3}",
            mean[0], mean[1], mean[2]
        );
    }
}

/// Our drawing, and the best time of three.
fn timed(graph: &Graph, direction: Direction) -> Option<(Drawing, Duration)> {
    let mut best: Option<(Drawing, Duration)> = None;
    for _ in 0..3 {
        let start = Instant::now();
        let drawing = draw(graph, towards(direction)).ok()?;
        let time = start.elapsed();
        if best.as_ref().is_none_or(|b| time < b.1) {
            best = Some((drawing, time));
        }
    }
    best
}

fn row(name: &str, engine: &str, time: Duration, c: &Counts, moved: Option<f64>) {
    let size = format!("{:.0}x{:.0}", c.width, c.height);
    let moved = moved.map_or(String::new(), |m| format!("{:.1}%", m * 100.0));
    println!(
        "{name:<20} {engine:<10} {:>7.1} {:>7} {:>5} {:>7} {:>6} {:>6} {:>6} {:>6} {:>7} {:>6} {:>5} {:>7} {:>8.0} {size:>10} {:>6.2} {moved:>6}",
        time.as_secs_f64() * 1e3,
        c.crossings,
        c.nodes,
        c.through,
        c.labels,
        c.struck,
        c.shared,
        c.strays,
        c.foreign,
        c.bends,
        c.jogs,
        c.detours,
        c.length,
        c.area() / 1e6
    );
}

/// Time against size.
fn growth() {
    println!(
        "\n{:>6} {:>6} {:>9} {:>9}",
        "nodes", "lines", "ms", "crossings"
    );
    for nodes in [12, 25, 50, 100, 200, 300, 500, 1_000, 2_000] {
        let graph = samples::system(nodes as u64, nodes, 200, 12);
        let lines = graph.edges.len();
        match timed(&graph, Direction::Right) {
            Some((drawing, time)) => {
                let c = count(&graph, &Picture::from(&drawing));
                println!(
                    "{nodes:>6} {lines:>6} {:>9.1} {:>9}",
                    time.as_secs_f64() * 1e3,
                    c.crossings
                );
            }
            None => println!("{nodes:>6} {lines:>6} too large"),
        }
    }
}

/// Graphs from JSON files: `groups` with `id` and `label`, `nodes` with `id`, `group`, `w` and `h`, `edges`
/// with `from`, `to` and the label's size `lw`, `lh`.
fn from_files(folder: &str) -> Vec<(String, Graph)> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|f| f.unwrap().path())
        .collect();
    files.retain(|f| f.extension().is_some_and(|e| e == "json"));
    files.sort();
    let read = |file: &PathBuf| {
        let text = std::fs::read_to_string(file).unwrap();
        let v: serde_json::Value = serde_json::from_str(&text).unwrap();
        let list = |key: &str| v[key].as_array().unwrap();
        let find =
            |key: &str, id: &serde_json::Value| list(key).iter().position(|x| x["id"] == *id);
        let px = |v: &serde_json::Value| v.as_f64().map_or(0, |v| v.ceil() as i64);
        let graph = Graph {
            groups: list("groups")
                .iter()
                .map(|g| 8 * g["label"].as_str().unwrap().len() as i64)
                .collect(),
            nodes: list("nodes")
                .iter()
                .map(|n| Shape {
                    width: px(&n["w"]),
                    height: px(&n["h"]),
                    group: find("groups", &n["group"]),
                })
                .collect(),
            edges: list("edges")
                .iter()
                .map(|e| Line {
                    from: find("nodes", &e["from"]).unwrap(),
                    to: find("nodes", &e["to"]).unwrap(),
                    label: (px(&e["lw"]) > 0).then(|| (px(&e["lw"]), px(&e["lh"]))),
                    pull: if e["kind"] == "event" { 1 } else { 3 },
                })
                .collect(),
            story: None,
        };
        (
            file.file_stem().unwrap().to_string_lossy().into_owned(),
            graph,
        )
    };
    files.iter().map(read).collect()
}
