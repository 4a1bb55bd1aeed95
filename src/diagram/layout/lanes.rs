//! One order of the groups for all layers.

use super::Graph;

/// More groups than this keep their given order; the search is cubic.
const MAX_SEARCH: usize = 60;

/// For each group its place among the lanes, such that groups that talk much are near one another
/// (a linear arrangement, improved by moving single lanes while that helps).
pub(super) fn arrange(graph: &Graph) -> Vec<usize> {
    let k = graph.groups.len();
    let mut weight = vec![vec![0i64; k]; k];
    for e in &graph.edges {
        if let (Some(a), Some(b)) = (graph.nodes[e.from].group, graph.nodes[e.to].group)
            && a != b
        {
            weight[a][b] += 1;
            weight[b][a] += 1;
        }
    }
    let cost = |lanes: &[usize]| -> i64 {
        let mut sum = 0;
        for (i, &a) in lanes.iter().enumerate() {
            for (j, &b) in lanes.iter().enumerate().take(i) {
                sum += weight[a][b] * (i - j) as i64;
            }
        }
        sum
    };
    let mut lanes: Vec<usize> = (0..k).collect();
    if (2..=MAX_SEARCH).contains(&k) {
        let mut best = cost(&lanes);
        for _round in 0..k {
            let mut better = false;
            for from in 0..k {
                for to in 0..k {
                    if k > 24 && from.abs_diff(to) > 4 {
                        continue;
                    }
                    let mut tried = lanes.clone();
                    let lane = tried.remove(from);
                    tried.insert(to, lane);
                    let c = cost(&tried);
                    if c < best {
                        best = c;
                        lanes = tried;
                        better = true;
                    }
                }
            }
            if !better {
                break;
            }
        }
    }
    let mut place = vec![0; k];
    for (i, &g) in lanes.iter().enumerate() {
        place[g] = i;
    }
    place
}
