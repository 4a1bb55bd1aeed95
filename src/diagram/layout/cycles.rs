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
    let place = sequence(graph.nodes.len(), pulls(graph));
    graph
        .edges
        .iter()
        .map(|e| place[e.from] > place[e.to])
        .collect()
}

/// As [`turn_round`], but such that groups, with the lines between them, run in no circle either: their boxes
/// can then stand side by side, and no group reaches past another. `None` if the graph says which edges lead
/// back, or has no groups.
pub(super) fn turn_groups(graph: &Graph) -> Option<Vec<bool>> {
    let used = graph.nodes.iter().any(|n| n.group.is_some());
    if graph.story.is_some() || !used {
        return None;
    }
    let k = graph.groups.len();
    // A node without a group is one of its own.
    let of = |v: usize| graph.nodes[v].group.unwrap_or(k + v);
    let between = pulls(graph).map(|(from, to, pull)| (of(from), of(to), pull));
    let outer = sequence(k + graph.nodes.len(), between);
    let within = pulls(graph).filter(|&(from, to, _)| of(from) == of(to));
    let inner = sequence(graph.nodes.len(), within);
    let at = |v: usize| (outer[of(v)], inner[v]);
    Some(graph.edges.iter().map(|e| at(e.from) > at(e.to)).collect())
}

/// The edges with what each wants to lead forwards.
fn pulls(graph: &Graph) -> impl Iterator<Item = (usize, usize, i64)> + '_ {
    graph.edges.iter().map(|e| match e.pull {
        pull if pull < 0 => (e.to, e.from, pull.saturating_neg()),
        pull => (e.from, e.to, pull.max(1)),
    })
}

/// A place for each of `n` nodes such that little pull leads from a later to an earlier one.
pub(in crate::diagram) fn sequence(
    n: usize,
    edges: impl Iterator<Item = (usize, usize, i64)>,
) -> Vec<usize> {
    let mut out = vec![Vec::new(); n];
    let mut inn = vec![Vec::new(); n];
    for (from, to, pull) in edges.filter(|e| e.0 != e.1) {
        out[from].push((to, pull));
        inn[to].push((from, pull));
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
    place
}
