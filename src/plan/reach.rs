//! What every node of a graph leads to, as bits: one pass over the components, successors first.

use super::graph::Graph;

/// For every node the set of marks that it or anything behind it carries.
#[derive(Clone, Debug, Default)]
pub(super) struct Reach {
    /// The component of every node; members of a cycle lead to the same.
    component: Vec<usize>,
    /// Words of one component's set.
    words: usize,
    bits: Vec<u64>,
}

const WORD: usize = u64::BITS as usize;

impl Reach {
    /// `marks` names the marks below `count` that a node carries itself.
    pub(super) fn new<I: Iterator<Item = usize>>(
        graph: &Graph,
        count: usize,
        marks: impl Fn(usize) -> I,
    ) -> Self {
        let component = graph.components();
        let groups = component.iter().max().map_or(0, |m| m + 1);
        let mut members: Vec<Vec<usize>> = vec![Vec::new(); groups];
        for (node, c) in component.iter().enumerate() {
            members[*c].push(node);
        }
        let words = count.div_ceil(WORD);
        let mut bits = vec![0_u64; groups * words];
        // Tarjan's algorithm numbers a component after all that it leads to.
        for (c, nodes) in members.iter().enumerate() {
            let (done, rest) = bits.split_at_mut(c * words);
            let own = &mut rest[..words];
            for &node in nodes {
                for mark in marks(node).filter(|m| *m < count) {
                    own[mark / WORD] |= 1 << (mark % WORD);
                }
                for &next in graph.next(node) {
                    let behind = component[next];
                    if behind < c {
                        let from = behind * words;
                        for (o, b) in own.iter_mut().zip(&done[from..from + words]) {
                            *o |= b;
                        }
                    }
                }
            }
        }
        Self {
            component,
            words,
            bits,
        }
    }

    fn row(&self, node: usize) -> &[u64] {
        let at = self.component[node] * self.words;
        &self.bits[at..at + self.words]
    }

    /// The marks behind `node`, its own included, in ascending order.
    pub(super) fn from(&self, node: usize) -> impl Iterator<Item = usize> + '_ {
        self.row(node).iter().enumerate().flat_map(|(i, &word)| {
            let mut left = word;
            std::iter::from_fn(move || {
                if left == 0 {
                    return None;
                }
                let bit = left.trailing_zeros() as usize;
                left &= left - 1;
                Some(i * WORD + bit)
            })
        })
    }

    /// Whether `node` or anything behind it carries `mark`.
    pub(super) fn has(&self, node: usize, mark: usize) -> bool {
        self.row(node)[mark / WORD] >> (mark % WORD) & 1 == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_come_through_cycles_and_over_word_borders() {
        // 0 → 1 ⇄ 2 → 3, 4 alone; node n carries mark 40·n.
        let graph = Graph::new(5, [(0, 1), (1, 2), (2, 1), (2, 3)]);
        let reach = Reach::new(&graph, 200, |n| std::iter::once(40 * n));
        let of = |n| reach.from(n).collect::<Vec<_>>();
        assert_eq!(of(0), [0, 40, 80, 120]);
        assert_eq!(of(1), [40, 80, 120]);
        assert_eq!(of(2), [40, 80, 120]);
        assert_eq!(of(3), [120]);
        assert_eq!(of(4), [160]);
        assert!(reach.has(0, 120) && !reach.has(0, 160));
    }
}
