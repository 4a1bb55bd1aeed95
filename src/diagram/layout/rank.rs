//! Gives every node its layer.

use super::Graph;
use super::simplex::{Constraint, solve};

/// Steps that the search may take; far above what graphs within the limits need.
const BUDGET: u64 = 4_000_000;
/// What a rank more of a group costs, in ranks of a line.
const COMPACT: i64 = 5;

/// The rank of each node, from 0: every edge (read backwards if `reversed`) goes up by at least one,
/// and the sum of the lengths is small; edges inside a group count double.
///
/// Nodes without any edge are spread over the ranks, so that they do not pile up in one layer.
pub(super) fn assign(graph: &Graph, reversed: &[bool], compact: bool) -> Vec<usize> {
    let n = graph.nodes.len();
    let mut joined = vec![false; n];
    let mut constraints = Vec::with_capacity(graph.edges.len());
    for (e, &turn) in graph.edges.iter().zip(reversed) {
        if e.from == e.to {
            continue;
        }
        let (from, to) = if turn { (e.to, e.from) } else { (e.from, e.to) };
        joined[from] = true;
        joined[to] = true;
        let inside =
            graph.nodes[from].group.is_some() && graph.nodes[from].group == graph.nodes[to].group;
        constraints.push(Constraint {
            from,
            to,
            length: 1,
            weight: if inside { 2 } else { 1 },
        });
    }
    let mut next = n;
    if compact {
        for group in 0..graph.groups.len() {
            let (first, last) = (next, next + 1);
            let members = (0..n).filter(|&v| joined[v] && graph.nodes[v].group == Some(group));
            let mut any = false;
            for v in members {
                any = true;
                let keep = |from, to| Constraint {
                    from,
                    to,
                    length: 0,
                    weight: 0,
                };
                constraints.extend([keep(first, v), keep(v, last)]);
            }
            if any {
                constraints.push(Constraint {
                    from: first,
                    to: last,
                    length: 0,
                    weight: COMPACT,
                });
                next += 2;
            }
        }
    }
    let mut ranks: Vec<usize> = solve(next, &constraints, BUDGET)
        .into_iter()
        .take(n)
        .map(|r| usize::try_from(r).unwrap_or(0))
        .collect();

    let lone: Vec<usize> = (0..n).filter(|&v| !joined[v]).collect();
    let deepest = (0..n)
        .filter(|&v| joined[v])
        .map(|v| ranks[v] + 1)
        .max()
        .unwrap_or(0);
    let spread = deepest.max(lone.len().isqrt()).max(1);
    let mut used = vec![0; graph.groups.len() + 1];
    for v in lone {
        let slot = graph.nodes[v].group.unwrap_or(graph.groups.len());
        ranks[v] = used[slot] % spread;
        used[slot] += 1;
    }
    // Components need not begin at 0 after the spreading; close the gaps.
    let mut present: Vec<usize> = ranks.clone();
    present.sort_unstable();
    present.dedup();
    ranks
        .iter()
        .map(|r| present.partition_point(|p| p < r))
        .collect()
}
