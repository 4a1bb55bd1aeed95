//! Turns edges round so that no circle is left (Eades, Lin, Smyth 1993).

use super::Graph;

/// For each edge whether it has to be read backwards. Self-loops are never turned.
///
/// Nodes are taken off one by one: sinks go to the end, sources to the front, and where there is
/// neither, the node with the largest surplus of outgoing pull goes to the front. Edges that then
/// point to the left are the ones to turn. Ties go to the smaller index.
pub(super) fn turn_round(graph: &Graph) -> Vec<bool> {
    if let Some(story) = &graph.story {
        let at = |v: usize| story.get(v).copied().unwrap_or(usize::MAX);
        return graph
            .edges
            .iter()
            .map(|e| (at(e.from), e.from) > (at(e.to), e.to))
            .collect();
    }
    let n = graph.nodes.len();
    let mut out = vec![Vec::new(); n];
    let mut inn = vec![Vec::new(); n];
    for e in graph.edges.iter().filter(|e| e.from != e.to) {
        out[e.from].push((e.to, e.pull.max(1)));
        inn[e.to].push((e.from, e.pull.max(1)));
    }
    let total = |v: &Vec<(usize, i64)>| v.iter().map(|e| e.1).sum();
    let mut out_degree: Vec<i64> = out.iter().map(total).collect();
    let mut in_degree: Vec<i64> = inn.iter().map(total).collect();
    let mut left: Vec<usize> = (0..n).collect();
    let (mut front, mut back) = (Vec::new(), Vec::new());
    while let Some((at, &v)) = left.iter().enumerate().min_by_key(|&(_, &v)| {
        let class = if out_degree[v] == 0 {
            0
        } else if in_degree[v] == 0 {
            1
        } else {
            2
        };
        (class, in_degree[v] - out_degree[v], v)
    }) {
        left.remove(at);
        if out_degree[v] == 0 && in_degree[v] > 0 {
            back.push(v);
        } else {
            front.push(v);
        }
        for &(w, pull) in &out[v] {
            in_degree[w] -= pull;
        }
        for &(u, pull) in &inn[v] {
            out_degree[u] -= pull;
        }
    }
    let mut place = vec![0; n];
    for (i, &v) in front.iter().chain(back.iter().rev()).enumerate() {
        place[v] = i;
    }
    graph
        .edges
        .iter()
        .map(|e| place[e.from] > place[e.to])
        .collect()
}
