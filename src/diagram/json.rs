//! The pictures as JSON, for other programs. `picture.schema.json` beside this file is the contract.

use super::chart::Chart;
use super::layout::{Direction, Drawing, Rect, Wish};
use super::matrix::Matrix;
use super::scene::{EdgeKind, NodeKind, Scene};
use super::sequence::{Event, MessageKind, Sequence, flatten};
use super::states::{StateKind, States};
use super::svg;
use serde_json::{Map, Value, json};

/// The JSON Schema that every picture keeps to.
pub const SCHEMA: &str = include_str!("picture.schema.json");

/// The version of the contract; it grows when a reader of an older one could misread a picture.
const VERSION: u64 = 1;

/// An object that says what it is, with `more` in it.
fn picture(kind: &str, title: &str, description: &str, more: Value) -> String {
    let mut all = Map::new();
    all.insert("version".to_owned(), VERSION.into());
    all.insert("picture".to_owned(), kind.into());
    all.insert("title".to_owned(), title.into());
    all.insert("description".to_owned(), description.into());
    if let Value::Object(more) = more {
        all.extend(more);
    }
    format!("{:#}\n", Value::Object(all))
}

/// The interactions with the boxes, points and label boxes that the SVG has. Where the scene is too large to
/// be drawn, `layout` is `null`, and so are all boxes and points.
#[must_use]
pub fn interactions(scene: &Scene, wish: Wish) -> String {
    let scene = scene.canonical();
    let placed = svg::placed(&scene, wish).ok();
    let (drawing, numbers) = placed.as_ref().map(|p| (&p.0, &p.1)).unzip();
    let groups: Vec<Value> = scene
        .groups
        .iter()
        .enumerate()
        .map(|(k, g)| {
            let at = drawing.and_then(|d| d.groups.get(k).copied().flatten());
            json!({"id": g.id, "label": g.label, "box": at.map(rect)})
        })
        .collect();
    let nodes: Vec<Value> = scene
        .nodes
        .iter()
        .enumerate()
        .map(|(v, n)| {
            json!({
                "id": n.id,
                "label": n.label,
                "sub": n.sub,
                "kind": node_kind(n.kind),
                "focus": n.focus,
                "group": n.group.and_then(|g| scene.groups.get(g)).map(|g| &g.id),
                "box": drawing.and_then(|d| d.nodes.get(v)).copied().map(rect),
            })
        })
        .collect();
    let edges: Vec<Value> = scene
        .edges
        .iter()
        .enumerate()
        .map(|(i, e)| {
            let route = drawing.and_then(|d| d.edges.get(i));
            json!({
                "from": scene.nodes[e.from].id,
                "to": scene.nodes[e.to].id,
                "kind": edge_kind(e.kind),
                "optional": e.soft,
                "labels": e.labels,
                "points": route.map(|r| points(&r.points)),
                "label_box": route.and_then(|r| r.label).map(rect),
                "number": numbers.and_then(|n| n.get(i).copied().flatten()),
            })
        })
        .collect();
    let more = json!({
        "layout": drawing.map(size),
        "groups": groups,
        "nodes": nodes,
        "edges": edges,
    });
    picture("interactions", &scene.title, &scene.description, more)
}

fn rect(r: Rect) -> Value {
    json!({"x": r.x, "y": r.y, "width": r.w, "height": r.h})
}

fn size(d: &Drawing) -> Value {
    let direction = match d.direction {
        Direction::Right => "right",
        Direction::Down => "down",
    };
    json!({"width": d.width, "height": d.height, "direction": direction})
}

fn node_kind(kind: NodeKind) -> &'static str {
    match kind {
        NodeKind::Service => "service",
        NodeKind::Team => "team",
        NodeKind::External => "external",
        NodeKind::Actor => "actor",
        NodeKind::Gateway => "gateway",
        NodeKind::Broker => "broker",
        NodeKind::Store => "store",
    }
}

fn edge_kind(kind: EdgeKind) -> &'static str {
    match kind {
        EdgeKind::Sync => "sync",
        EdgeKind::Async => "async",
        EdgeKind::Realtime => "realtime",
        EdgeKind::Store => "store",
    }
}

/// The messages in time, with the boxes and points that the SVG has; frames are opened, divided and closed
/// in one flat list. Where there is too much to be drawn, `layout` is `null`, and so are all boxes and points.
#[must_use]
pub fn sequence(sequence: &Sequence, wish: Wish) -> String {
    let places = svg::places(sequence, wish.column).ok();
    let places = places.as_ref();
    let participants: Vec<Value> = sequence
        .participants
        .iter()
        .enumerate()
        .map(|(i, p)| {
            let head = places.and_then(|d| d.heads.get(i)).copied();
            json!({"label": p.label, "kind": node_kind(p.kind), "box": head.map(rect)})
        })
        .collect();
    let steps: Vec<Value> = flatten(sequence)
        .into_iter()
        .enumerate()
        .map(|(i, event)| (event, places.and_then(|d| d.events.get(i))))
        .map(|(event, drawn)| match event {
            Event::Message(m) => json!({
                "step": "message",
                "from": m.from,
                "to": m.to,
                "kind": match m.kind {
                    MessageKind::Call => "call",
                    MessageKind::Reply => "reply",
                    MessageKind::Event => "event",
                    MessageKind::Stream => "stream",
                },
                "label": m.label,
                "note": m.note,
                "limit_ms": m.limit_ms,
                "compensation": m.compensation,
                "failed": m.failed,
                "points": drawn.map(|d| points(&d.points)),
                "label_box": drawn.and_then(|d| d.area).map(rect),
                "work_box": drawn.and_then(|d| d.work).map(rect),
            }),
            Event::Note(over, text) => json!({
                "step": "note",
                "over": over,
                "text": text,
                "box": drawn.and_then(|d| d.area).map(rect),
            }),
            Event::Open(kind, title) => json!({
                "step": "open",
                "frame": kind.word(),
                "title": title,
                "box": drawn.and_then(|d| d.area).map(rect),
            }),
            Event::Divide(kind, title) => {
                json!({"step": "divide", "frame": kind.word(), "title": title})
            }
            Event::Close => json!({"step": "close"}),
        })
        .collect();
    let size = places.map(|d| json!({"width": d.size.0, "height": d.size.1}));
    let more = json!({"layout": size, "participants": participants, "steps": steps});
    picture("sequence", &sequence.title, &sequence.description, more)
}

fn points(points: &[(i64, i64)]) -> Vec<Value> {
    points.iter().map(|p| json!([p.0, p.1])).collect()
}

/// The states, and the transitions with all their causes.
#[must_use]
pub fn states(states: &States) -> String {
    let all: Vec<Value> = states
        .states
        .iter()
        .map(|s| {
            let kind = match s.kind {
                StateKind::Start => "start",
                StateKind::Normal => "normal",
                StateKind::End => "end",
                StateKind::Failed => "failed",
            };
            json!({"label": s.label, "kind": kind})
        })
        .collect();
    let transitions: Vec<Value> = states
        .folded()
        .into_iter()
        .map(|(from, to, labels)| json!({"from": from, "to": to, "labels": labels}))
        .collect();
    let more = json!({"states": all, "transitions": transitions});
    picture("states", &states.title, &states.description, more)
}

/// The pairs of the matrix that have interactions.
#[must_use]
pub fn matrix(matrix: &Matrix) -> String {
    let cells: Vec<Value> = matrix
        .cells
        .iter()
        .map(|(&(row, column), counts)| {
            json!({
                "from": row,
                "to": column,
                "sync": counts.sync,
                "async": counts.asynchronous,
                "realtime": counts.realtime,
            })
        })
        .collect();
    let blocks: Vec<Value> = matrix
        .blocks
        .iter()
        .map(|(label, count)| json!({"label": label, "count": count}))
        .collect();
    let more = json!({"names": matrix.names, "blocks": blocks, "cells": cells});
    picture("matrix", &matrix.title, &matrix.description, more)
}

/// The bars of the chart; numbers beyond all bounds are `null`.
#[must_use]
pub fn chart(chart: &Chart) -> String {
    let bars: Vec<Value> = chart
        .bars
        .iter()
        .map(|b| {
            let parts: Vec<Value> = b
                .parts
                .iter()
                .map(|p| json!({"from": p.from, "to": p.to, "kind": p.kind.word()}))
                .collect();
            json!({"label": b.label, "depth": b.depth, "value": b.value, "parts": parts})
        })
        .collect();
    let marks: Vec<Value> = chart
        .marks
        .iter()
        .map(|m| json!({"at": m.at, "label": m.label}))
        .collect();
    let legend: Map<String, Value> = chart
        .legend()
        .map(|(kind, words)| (kind.word().to_owned(), words.into()))
        .collect();
    let more = json!({
        "measure": chart.measure,
        "scale": if chart.log { "logarithmic" } else { "linear" },
        "legend": legend,
        "bars": bars,
        "marks": marks,
    });
    picture("chart", &chart.title, &chart.description, more)
}
