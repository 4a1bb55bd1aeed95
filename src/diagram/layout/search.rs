//! Which layer each box stands in, which order the lanes have, and which channel a box without a group takes,
//! such that few lines cross.
//!
//! All of it is first guessed by `cycles`, `rank` and `lanes`; the guesses are then ordered to the end, and the
//! best of them is changed one lane, one box or one group at a time while that helps. Work is counted in steps,
//! never in time.

use super::lanes::{self, Passing};
use super::order::{self, Layered};
use super::{Graph, Line};

/// Orders of lanes that are tried to the end.
const ORDERS: usize = 2;
/// In a picture of more items than this, the first order of lanes is taken.
pub(super) const MANY: usize = 20_000;
/// First orders inside the layers that are tried for each of them.
const STARTS: usize = 4;
/// Work units (visits of lines) for each of them.
const BUDGET: u64 = 2_000_000;
/// Work units of cutting the graph, for each item.
const CUT: u64 = 6;
/// Work units for all changes, for each box.
const CHANGES: u64 = 25_000;
/// Work units for all changes at most.
const MOST_CHANGES: u64 = 6_000_000;
/// Pictures of more boxes are not changed: each try costs too much.
const REFINED: usize = 300;
/// What a line through a foreign group costs.
const FOREIGN: u64 = 4 * CROSSING;
/// What a crossing costs; a bend or label costs 1.
const CROSSING: u64 = 4;
/// What a layer costs, so that a picture grows longer only for a gain.
const LAYER: u64 = 8;

/// What is searched for.
#[derive(Clone, Debug)]
struct Plan {
    /// The layer of each node: an even number.
    layers: Vec<usize>,
    /// The group of each lane.
    order: Vec<usize>,
    /// The lane or channel of each node.
    nodes: Vec<usize>,
}

/// A plan, what it costs, and the cut that it gives.
pub(super) struct Found {
    pub(super) cost: u64,
    pub(super) layered: Layered,
    plan: Plan,
}

/// A small change of a plan.
#[derive(Clone, Copy, Debug)]
enum Change {
    /// The lane at one place goes to another.
    Lane(usize, usize),
    /// A node without a group goes to a channel.
    Box(usize, usize),
    /// A node goes to another layer, and its lines turn round where they have to.
    Layer(usize, usize),
    /// A node goes to the next layer (or the one before), and pushes others on.
    Push(usize, bool),
    /// A group goes to the next layer (or the one before), and pushes others on.
    Group(usize, bool),
}

pub(super) struct Search<'a> {
    graph: &'a Graph,
    /// The neighbours of each node.
    near: Vec<Vec<usize>>,
    spent: u64,
}

/// Whether each edge leads from a higher to a lower layer.
fn turned(graph: &Graph, layers: &[usize]) -> Vec<bool> {
    let back = |e: &Line| layers[e.from] > layers[e.to];
    graph.edges.iter().map(back).collect()
}

/// What it costs that a line leads back: next to nothing for a pull of 1, three crossings for one of 3, and more
/// than a picture can save for one of 8, so that what stands at the beginning of the story stays there.
fn against(e: &Line) -> u64 {
    let pull = e.pull.clamp(1, 1_000).unsigned_abs();
    pull * pull * (8 + pull) / 8
}

impl<'a> Search<'a> {
    pub(super) fn new(graph: &'a Graph) -> Self {
        let mut near = vec![Vec::new(); graph.nodes.len()];
        for e in graph.edges.iter().filter(|e| e.from != e.to) {
            near[e.from].push(e.to);
            near[e.to].push(e.from);
        }
        Self {
            graph,
            near,
            spent: 0,
        }
    }

    /// The graph cut and ordered by `plan`, beginning with the orders of `from` if given; `None` if that soon
    /// turns out to be worse.
    fn tried(&mut self, plan: Plan, from: Option<&Found>) -> Option<Found> {
        let graph = self.graph;
        let passing = Passing::new(graph, &plan.layers);
        let reversed = turned(graph, &plan.layers);
        let mut layered = Layered::new(
            graph,
            &plan.layers,
            &reversed,
            (&plan.order, &plan.nodes),
            &passing,
        );
        let back = graph.edges.iter().zip(&reversed).filter(|e| *e.1);
        let back: u64 = back.map(|e| against(e.0)).sum();
        let bends = layered.items.len() - graph.nodes.len();
        let fixed = FOREIGN * layered.foreign(graph)
            + back
            + bends as u64
            + LAYER * layered.layers.len() as u64 / 2;
        self.spent += CUT * layered.items.len() as u64;
        let (crossings, spent) = match from {
            None => order::minimise(&mut layered, STARTS, BUDGET),
            Some(best) => {
                let most = best.cost.checked_sub(fixed)? / CROSSING;
                order::adapt(&mut layered, &best.layered, most)
            }
        };
        self.spent += spent;
        Some(Found {
            cost: fixed + CROSSING * crossings,
            layered,
            plan,
        })
    }

    /// What the guesses of lanes give for `layers`.
    pub(super) fn guess(&mut self, layers: &[usize], bends: usize) -> Option<Found> {
        let mut best: Option<Found> = None;
        let orders = if bends > MANY { 1 } else { ORDERS };
        let passing = Passing::new(self.graph, layers);
        let guessed = lanes::arrange(self.graph, layers, &passing);
        for order in guessed.into_iter().take(orders) {
            let plan = Plan {
                layers: layers.to_vec(),
                nodes: lanes::of_nodes(self.graph, layers, &order, &passing),
                order,
            };
            let found = self.tried(plan, None)?;
            if best.as_ref().is_none_or(|b| found.cost < b.cost) {
                best = Some(found);
            }
        }
        best
    }

    /// Changes what was found while that helps.
    pub(super) fn refine(&mut self, mut best: Found) -> Found {
        let n = self.graph.nodes.len();
        if n > REFINED {
            return best;
        }
        let lanes = best.plan.order.len();
        let depth = best.layered.layers.len();
        let free = (0..n).filter(|&v| self.graph.nodes[v].group.is_none());
        let both = [true, false];
        let mut moves: Vec<Change> = Vec::new();
        moves.extend((0..lanes).flat_map(|from| (0..lanes).map(move |to| Change::Lane(from, to))));
        moves
            .extend(free.flat_map(|v| (0..=lanes).map(move |channel| Change::Box(v, 2 * channel))));
        moves.extend((0..lanes).flat_map(|k| both.map(|up| Change::Group(k, up))));
        moves.extend((0..n).flat_map(|v| both.map(|up| Change::Push(v, up))));
        moves.extend((0..n).flat_map(|v| (0..depth).step_by(2).map(move |l| Change::Layer(v, l))));
        let budget = (CHANGES * n as u64).min(MOST_CHANGES);
        self.spent = 0;
        // A change has to save a crossing: where many pictures are nearly as good, a small change of the graph
        // should not lead from one to the other. Ends when every change was tried since the last that helped.
        let mut idle = 0;
        for change in moves.iter().cycle() {
            if idle >= moves.len() || self.spent >= budget {
                break;
            }
            idle += 1;
            self.spent += n as u64;
            let Some(plan) = self.changed(&best.plan, *change) else {
                continue;
            };
            if let Some(found) = self.tried(plan, Some(&best))
                && found.cost + CROSSING <= best.cost
            {
                best = found;
                idle = 0;
            }
        }
        best
    }

    /// `plan` with `change`; `None` if that changes nothing or cannot be.
    fn changed(&self, plan: &Plan, change: Change) -> Option<Plan> {
        let mut changed = plan.clone();
        match change {
            Change::Lane(from, to) => {
                // Neighbours change places in one of two ways.
                if from == to || from == to + 1 {
                    return None;
                }
                let lane = changed.order.remove(from);
                changed.order.insert(to, lane);
                let passing = Passing::new(self.graph, &plan.layers);
                changed.nodes = lanes::of_nodes(self.graph, &plan.layers, &changed.order, &passing);
            }
            Change::Box(v, channel) => {
                let at = changed.nodes.get_mut(v)?;
                (*at != channel).then(|| *at = channel)?;
            }
            Change::Layer(v, layer) => {
                let at = changed.layers.get_mut(v)?;
                (*at != layer).then(|| *at = layer)?;
            }
            Change::Push(v, up) => self.push(&mut changed.layers, vec![v], up),
            Change::Group(k, up) => {
                let of = |v: &usize| self.graph.nodes[*v].group == Some(k);
                let members = (0..self.graph.nodes.len()).filter(of).collect();
                self.push(&mut changed.layers, members, up);
            }
        }
        let flat = |e: &Line| e.from != e.to && changed.layers[e.from] == changed.layers[e.to];
        if self.graph.edges.iter().any(flat) {
            return None;
        }
        close(&mut changed.layers);
        if changed.layers == plan.layers
            && changed.order == plan.order
            && changed.nodes == plan.nodes
        {
            return None;
        }
        // A story says which edges lead back.
        if self.graph.story.is_some()
            && turned(self.graph, &changed.layers) != turned(self.graph, &plan.layers)
        {
            return None;
        }
        Some(changed)
    }

    /// Moves nodes by one rank, and those whose lines would no longer lead forwards as well.
    fn push(&self, layers: &mut [usize], nodes: Vec<usize>, up: bool) {
        // Room for ranks before the first.
        let deep = 2 * layers.len();
        let before: Vec<usize> = layers.iter().map(|l| l + deep).collect();
        let step = |l: usize| if up { l + 2 } else { l - 2 };
        let mut open: Vec<usize> = nodes;
        let mut moved = vec![false; layers.len()];
        for &v in &open {
            moved[v] = true;
        }
        while let Some(v) = open.pop() {
            for &w in &self.near[v] {
                if !moved[w] && before[w] == step(before[v]) {
                    moved[w] = true;
                    open.push(w);
                }
            }
        }
        for (v, layer) in layers.iter_mut().enumerate() {
            *layer = if moved[v] { step(before[v]) } else { before[v] };
        }
    }
}

/// Numbers the layers anew, so that none is left out.
fn close(layers: &mut [usize]) {
    let mut present = layers.to_vec();
    present.sort_unstable();
    present.dedup();
    for layer in layers {
        *layer = 2 * present.partition_point(|p| p < layer);
    }
}
