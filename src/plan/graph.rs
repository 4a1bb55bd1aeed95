//! Orders and cycles of directed graphs, without recursion: a chain may be as long as a design is large.

/// Successors by node.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    next: Vec<Vec<usize>>,
}

impl Graph {
    /// The graph of `edges` over `nodes` nodes; parallel edges are one.
    #[must_use]
    pub fn new(nodes: usize, edges: impl IntoIterator<Item = (usize, usize)>) -> Self {
        let mut next = vec![Vec::new(); nodes];
        for (a, b) in edges {
            if a < nodes && b < nodes {
                next[a].push(b);
            }
        }
        for list in &mut next {
            list.sort_unstable();
            list.dedup();
        }
        Self { next }
    }

    /// Successors of `node`.
    #[must_use]
    pub fn next(&self, node: usize) -> &[usize] {
        &self.next[node]
    }

    /// Every node after all that it leads to, as far as cycles allow: successors first.
    #[must_use]
    pub fn successors_first(&self) -> Vec<usize> {
        let mut out = Vec::with_capacity(self.next.len());
        let mut seen = vec![false; self.next.len()];
        for root in 0..self.next.len() {
            if seen[root] {
                continue;
            }
            seen[root] = true;
            let mut stack = vec![(root, 0)];
            while let Some((node, i)) = stack.pop() {
                if let Some(&child) = self.next[node].get(i) {
                    stack.push((node, i + 1));
                    if !seen[child] {
                        seen[child] = true;
                        stack.push((child, 0));
                    }
                } else {
                    out.push(node);
                }
            }
        }
        out
    }

    /// The number of the strongly connected component of every node (Tarjan 1972, iterative).
    #[must_use]
    pub fn components(&self) -> Vec<usize> {
        const NEW: usize = usize::MAX;
        let n = self.next.len();
        let (mut index, mut low, mut component) = (vec![NEW; n], vec![0; n], vec![NEW; n]);
        let (mut counter, mut found) = (0, 0);
        let mut open = Vec::new();
        for root in 0..n {
            if index[root] != NEW {
                continue;
            }
            let mut stack = vec![(root, 0)];
            while let Some((node, i)) = stack.pop() {
                if i == 0 {
                    index[node] = counter;
                    low[node] = counter;
                    counter += 1;
                    open.push(node);
                }
                if let Some(&child) = self.next[node].get(i) {
                    stack.push((node, i + 1));
                    if index[child] == NEW {
                        stack.push((child, 0));
                    } else if component[child] == NEW {
                        low[node] = low[node].min(index[child]);
                    }
                    continue;
                }
                if low[node] == index[node] {
                    while let Some(member) = open.pop() {
                        component[member] = found;
                        if member == node {
                            break;
                        }
                    }
                    found += 1;
                }
                if let Some(&(parent, _)) = stack.last() {
                    low[parent] = low[parent].min(low[node]);
                }
            }
        }
        component
    }

    /// The members of every cycle: components of two or more nodes, or of one that leads to itself.
    #[must_use]
    pub fn cycles(&self) -> Vec<Vec<usize>> {
        let component = self.components();
        let mut groups: std::collections::BTreeMap<usize, Vec<usize>> =
            std::collections::BTreeMap::new();
        for (node, c) in component.iter().enumerate() {
            groups.entry(*c).or_default().push(node);
        }
        let mut cycles: Vec<Vec<usize>> = groups
            .into_values()
            .filter(|g| g.len() > 1 || g.first().is_some_and(|&n| self.next[n].contains(&n)))
            .collect();
        cycles.sort();
        cycles
    }
}

#[cfg(test)]
mod tests {
    use super::Graph;

    #[test]
    fn orders_cycles_and_paths() {
        let g = Graph::new(5, [(0, 1), (1, 2), (2, 1), (2, 3), (4, 4)]);
        let order = g.successors_first();
        let at = |n| order.iter().position(|&x| x == n);
        assert!(at(3) < at(2) && at(1) < at(0));
        assert_eq!(g.cycles(), vec![vec![1, 2], vec![4]]);
        let g = Graph::new(4, [(0, 1), (1, 2), (0, 2), (3, 2)]);
        assert_eq!(g.longest_chain(), vec![(0, 1), (1, 2)]);
        assert!(g.cycles().is_empty());
    }

    #[test]
    fn a_long_chain_needs_no_stack() {
        let g = Graph::new(100_000, (0..99_999).map(|i| (i, i + 1)));
        assert_eq!(g.longest_chain().len(), 99_999);
    }
}
