//! Graphs to be laid out, grown from seeds: layers of services in teams, with hubs, events that lead
//! back, self-loops, two-way pairs and boxes without a team.

use msdesign::diagram::layout::{Graph, Line, Shape};

/// A small generator of numbers (Steele, Lea, Flood 2014: SplitMix64); the same on every machine.
pub struct Seed(pub u64);

impl Seed {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number from `low` to `high`, both included.
    pub fn within(&mut self, low: usize, high: usize) -> usize {
        low + (self.next() % (high - low + 1) as u64) as usize
    }

    pub fn percent(&mut self, chance: usize) -> bool {
        self.within(0, 99) < chance
    }
}

/// A system of `nodes` boxes with about `density` percent lines a box, in teams of about `team`.
pub fn system(seed: u64, nodes: usize, density: usize, team: usize) -> Graph {
    let mut s = Seed(seed);
    let groups = nodes.div_ceil(team).max(2);
    let depth = 4 + nodes.ilog2() as usize / 2;
    let mut layer = Vec::new();
    let mut graph = Graph {
        groups: (0..groups).map(|_| s.within(60, 130) as i64).collect(),
        ..Graph::default()
    };
    for v in 0..nodes {
        layer.push(if v < depth { v } else { s.within(0, depth - 1) });
        // Services of a team stand near one another in the chain of calls; some boxes have no team.
        let group =
            (!s.percent(6)).then(|| (v * groups / nodes + usize::from(s.percent(15))) % groups);
        graph.nodes.push(Shape {
            width: s.within(60, 165) as i64,
            height: if s.percent(60) { 44 } else { 34 },
            group,
        });
    }
    let mut seen = std::collections::BTreeSet::new();
    let hubs: Vec<usize> = (0..nodes / 12 + 1)
        .map(|_| s.within(0, nodes - 1))
        .collect();
    let mut tries = 0;
    while seen.len() < nodes * density / 100 && tries < nodes * density {
        tries += 1;
        let from = s.within(0, nodes - 1);
        let to = match s.within(0, 99) {
            0..20 => hubs[s.within(0, hubs.len() - 1)],
            20..65 => near(&mut s, &graph, from),
            _ => s.within(0, nodes - 1),
        };
        let forward = layer[from] < layer[to];
        if from == to && !s.percent(20) || !forward && !s.percent(8) || !seen.insert((from, to)) {
            continue;
        }
        let lines = if s.percent(80) {
            1
        } else {
            s.within(2, 3) as i64
        };
        let label = s
            .percent(90)
            .then(|| (s.within(36, 150) as i64, 14 * lines + 2));
        graph.edges.push(Line {
            from,
            to,
            label,
            pull: if forward { 3 } else { 1 },
        });
        if s.percent(3) && seen.insert((to, from)) {
            graph.edges.push(Line {
                from: to,
                to: from,
                label,
                pull: 1,
            });
        }
    }
    graph
}

/// Another node of the same group, if there is one.
fn near(s: &mut Seed, graph: &Graph, from: usize) -> usize {
    let group = graph.nodes[from].group;
    let same: Vec<usize> = (0..graph.nodes.len())
        .filter(|&v| v != from && graph.nodes[v].group == group)
        .collect();
    if same.is_empty() {
        from
    } else {
        same[s.within(0, same.len() - 1)]
    }
}

/// The seeded graphs of the report and the baseline: name and graph.
pub fn seeded() -> Vec<(String, Graph)> {
    let plan = [
        (12, 140, 4),
        (18, 160, 5),
        (25, 150, 5),
        (25, 200, 6),
        (37, 250, 7),
        (50, 180, 8),
        (60, 200, 12),
        (75, 200, 9),
        (100, 200, 12),
        (100, 150, 20),
    ];
    plan.iter()
        .enumerate()
        .map(|(i, &(n, density, team))| {
            (
                format!("seeded-{n}-{density}-{team}"),
                system(i as u64 + 1, n, density, team),
            )
        })
        .collect()
}
