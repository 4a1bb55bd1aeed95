//! The same graphs drawn by Graphviz and by ELK, read back as pictures.

use super::measure::{Area, Picture, Point};
use msdesign::diagram::layout::{Direction, Graph};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Pieces that a curve is cut into.
const SAMPLES: usize = 8;

/// Runs a program on `input`; `None` if it is not there or fails.
fn run(program: &str, arguments: &[&str], input: &str) -> Option<(String, Duration)> {
    let start = Instant::now();
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let mut stdin = child.stdin.take()?;
    let text = input.to_owned();
    let feeder = std::thread::spawn(move || stdin.write_all(text.as_bytes()));
    let output = child.wait_with_output().ok()?;
    feeder.join().ok()?.ok()?;
    let time = start.elapsed();
    output
        .status
        .success()
        .then(|| (String::from_utf8_lossy(&output.stdout).into_owned(), time))
}

/// `graph` in Graphviz's language; labels are tables of fixed size, since only their room matters.
fn dot_text(graph: &Graph, direction: Direction, newrank: bool) -> String {
    let way = if direction == Direction::Down {
        "TB"
    } else {
        "LR"
    };
    let mut out = format!(
        "digraph g {{\nrankdir={way}\nnewrank={newrank}\nnode [shape=box, fixedsize=true, label=\"\"]\n"
    );
    let table = |w: i64, h: i64| {
        format!(
            "<<TABLE BORDER=\"0\" CELLBORDER=\"0\" CELLSPACING=\"0\" CELLPADDING=\"0\" FIXEDSIZE=\"TRUE\" WIDTH=\"{w}\" HEIGHT=\"{h}\"><TR><TD></TD></TR></TABLE>>"
        )
    };
    let node = |out: &mut String, v: usize| {
        let n = &graph.nodes[v];
        let inch = |px: i64| px as f64 / 72.0;
        let _ = writeln!(
            out,
            "n{v} [width={:.4}, height={:.4}]",
            inch(n.width),
            inch(n.height)
        );
    };
    for (k, title) in graph.groups.iter().enumerate() {
        let members: Vec<usize> = (0..graph.nodes.len())
            .filter(|&v| graph.nodes[v].group == Some(k))
            .collect();
        if members.is_empty() {
            continue;
        }
        let _ = writeln!(
            out,
            "subgraph cluster_{k} {{\nlabel={}",
            table((*title).max(1), 16)
        );
        for v in members {
            node(&mut out, v);
        }
        out.push_str("}\n");
    }
    for v in (0..graph.nodes.len()).filter(|&v| graph.nodes[v].group.is_none()) {
        node(&mut out, v);
    }
    for (i, e) in graph.edges.iter().enumerate() {
        let label = e
            .label
            .map_or(String::new(), |(w, h)| format!(", label={}", table(w, h)));
        let _ = writeln!(out, "n{} -> n{} [id=\"e{i}\"{label}]", e.from, e.to);
    }
    out.push_str("}\n");
    out
}

/// Drawn by `dot`, if it is installed.
pub fn dot(graph: &Graph, direction: Direction) -> Option<(Picture, Duration)> {
    // Some clustered graphs end in "trouble in init_rank" unless ranks ignore clusters.
    let (text, time) = [false, true]
        .iter()
        .find_map(|&newrank| run("dot", &["-Tjson0"], &dot_text(graph, direction, newrank)))?;
    let value: Value = serde_json::from_str(&text).ok()?;
    let mut out = Picture {
        nodes: vec![Area::default(); graph.nodes.len()],
        groups: vec![None; graph.groups.len()],
        lines: vec![Vec::new(); graph.edges.len()],
        labels: vec![None; graph.edges.len()],
    };
    let centred = |p: Point, w: f64, h: f64| Area {
        x: p[0] - w / 2.0,
        y: p[1] - h / 2.0,
        w,
        h,
    };
    for o in value["objects"].as_array()? {
        let name = o["name"].as_str()?;
        if let Some(k) = name.strip_prefix("cluster_") {
            let b = numbers(o["bb"].as_str()?);
            out.groups[k.parse::<usize>().ok()?] = Some(Area {
                x: b[0],
                y: b[1],
                w: b[2] - b[0],
                h: b[3] - b[1],
            });
        } else {
            let v: usize = name.strip_prefix('n')?.parse().ok()?;
            let p = numbers(o["pos"].as_str()?);
            let n = &graph.nodes[v];
            out.nodes[v] = centred([p[0], p[1]], n.width as f64, n.height as f64);
        }
    }
    for e in value["edges"].as_array()? {
        let i: usize = e["id"].as_str()?.strip_prefix('e')?.parse().ok()?;
        out.lines[i] = spline(e["pos"].as_str()?);
        if let (Some((w, h)), Some(at)) = (graph.edges[i].label, e["lp"].as_str()) {
            let p = numbers(at);
            out.labels[i] = Some(centred([p[0], p[1]], w as f64, h as f64));
        }
    }
    Some((out, time))
}

fn numbers(text: &str) -> Vec<f64> {
    text.split([',', ' '])
        .filter_map(|t| t.parse().ok())
        .collect()
}

/// Graphviz's `e,x,y a b c d …`: cubic Bézier pieces, with the arrow's tip apart.
fn spline(text: &str) -> Vec<Point> {
    let mut points: Vec<Point> = Vec::new();
    let (mut begin, mut end) = (None, None);
    for part in text.split(' ') {
        let n = numbers(part);
        let [x, y] = n[..] else { continue };
        match part.chars().next() {
            Some('e') => end = Some([x, y]),
            Some('s') => begin = Some([x, y]),
            _ => points.push([x, y]),
        }
    }
    let mut out: Vec<Point> = begin.into_iter().chain(points.first().copied()).collect();
    let mut at = 0;
    while at + 3 < points.len() {
        let p = &points[at..at + 4];
        for i in 1..=SAMPLES {
            let t = i as f64 / SAMPLES as f64;
            let u = 1.0 - t;
            let axis = |k: usize| {
                u * u * u * p[0][k]
                    + 3.0 * u * u * t * p[1][k]
                    + 3.0 * u * t * t * p[2][k]
                    + t * t * t * p[3][k]
            };
            out.push([axis(0), axis(1)]);
        }
        at += 3;
    }
    out.extend(end);
    out
}

/// Reads a graph from stdin, has ELK lay it out, and prints it with absolute positions.
const ELK: &str = r"
const ELK = require(process.argv[1]);
const graph = JSON.parse(require('fs').readFileSync(0, 'utf8'));
new ELK().layout(graph).then(g => {
  const out = {nodes: {}, edges: {}, time: 0}, at = {};
  const walk = (n, x, y) => {
    x += n.x || 0; y += n.y || 0; at[n.id] = [x, y];
    out.nodes[n.id] = [x, y, n.width, n.height];
    for (const c of n.children || []) walk(c, x, y);
  };
  walk(g, 0, 0);
  const lines = n => {
    for (const e of n.edges || []) {
      const [x, y] = at[e.container || n.id] || [0, 0];
      const pts = [];
      for (const s of e.sections || []) for (const p of [s.startPoint, ...(s.bendPoints || []), s.endPoint]) pts.push([p.x + x, p.y + y]);
      const l = (e.labels || [])[0];
      out.edges[e.id] = {pts, label: l && [l.x + x, l.y + y, l.width, l.height]};
    }
    for (const c of n.children || []) lines(c);
  };
  lines(g);
  console.log(JSON.stringify(out));
});";

/// Drawn by ELK's layered algorithm; `elk` is the path of `elk.bundled.js`, run by `node`.
pub fn elk(graph: &Graph, direction: Direction, elk: &str) -> Option<(Picture, Duration)> {
    let node = |v: usize| json!({"id": format!("n{v}"), "width": graph.nodes[v].width, "height": graph.nodes[v].height});
    let mut children: Vec<Value> = Vec::new();
    for (k, title) in graph.groups.iter().enumerate() {
        let members: Vec<Value> = (0..graph.nodes.len())
            .filter(|&v| graph.nodes[v].group == Some(k))
            .map(node)
            .collect();
        if !members.is_empty() {
            children.push(json!({"id": format!("g{k}"), "children": members,
                "labels": [{"text": "t", "width": title, "height": 16}],
                "layoutOptions": {"elk.padding": "[top=26,left=12,bottom=12,right=12]", "elk.nodeLabels.placement": "INSIDE V_TOP H_LEFT"}}));
        }
    }
    children.extend(
        (0..graph.nodes.len())
            .filter(|&v| graph.nodes[v].group.is_none())
            .map(node),
    );
    let edges: Vec<Value> = graph
        .edges
        .iter()
        .enumerate()
        .map(|(i, e)| {
            let labels: Vec<Value> =
                e.label.iter().map(|(w, h)| json!({"text": "l", "width": w, "height": h})).collect();
            json!({"id": format!("e{i}"), "sources": [format!("n{}", e.from)], "targets": [format!("n{}", e.to)], "labels": labels})
        })
        .collect();
    let way = if direction == Direction::Down {
        "DOWN"
    } else {
        "RIGHT"
    };
    let input = json!({"id": "root", "children": children, "edges": edges, "layoutOptions": {
        "elk.algorithm": "layered", "elk.direction": way, "elk.hierarchyHandling": "INCLUDE_CHILDREN",
        "elk.edgeRouting": "ORTHOGONAL", "elk.edgeLabels.inline": "true", "elk.layered.thoroughness": "20",
        "elk.spacing.nodeNode": "20", "elk.layered.spacing.nodeNodeBetweenLayers": "28",
        "elk.spacing.edgeNode": "12", "elk.spacing.edgeEdge": "10",
        "elk.layered.spacing.edgeEdgeBetweenLayers": "10", "elk.layered.spacing.edgeNodeBetweenLayers": "12"}});
    let (text, time) = run("node", &["-e", ELK, elk], &input.to_string())?;
    let value: Value = serde_json::from_str(&text).ok()?;
    let area = |v: &Value| -> Option<Area> {
        let n: Vec<f64> = v.as_array()?.iter().filter_map(Value::as_f64).collect();
        let [x, y, w, h] = n[..] else { return None };
        Some(Area { x, y, w, h })
    };
    let mut out = Picture::default();
    for v in 0..graph.nodes.len() {
        out.nodes.push(area(&value["nodes"][format!("n{v}")])?);
    }
    for k in 0..graph.groups.len() {
        out.groups.push(area(&value["nodes"][format!("g{k}")]));
    }
    for i in 0..graph.edges.len() {
        let e = &value["edges"][format!("e{i}")];
        let points = e["pts"].as_array()?.iter();
        out.lines.push(
            points
                .filter_map(|p| Some([p[0].as_f64()?, p[1].as_f64()?]))
                .collect(),
        );
        out.labels.push(area(&e["label"]));
    }
    Some((out, time))
}
