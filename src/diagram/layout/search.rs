//! Which order of the lanes, and which channel for every box without a group, makes the fewest lines cross.
//!
//! Both are first guessed by `lanes`; the guesses are then tried to the end, and the best of them is changed
//! one lane or one box at a time while that helps. Work is counted in steps, never in time.

use super::Graph;
use super::lanes::{self, Passing};
use super::order::{self, Layered};

/// Orders of lanes that are tried to the end.
const ORDERS: usize = 4;
/// In a picture of more items than this, the first order of lanes is taken.
pub(super) const MANY: usize = 20_000;
/// First orders inside the layers that are tried for each of them.
const STARTS: usize = 6;
/// Work units (visits of lines) for each of them.
const BUDGET: u64 = 2_000_000;
/// First orders inside the layers for each change.
const AGAIN: usize = 2;
/// Work units for all changes: this times the square of the number of boxes.
const CHANGES: u64 = 300;
/// Pictures of more boxes are not changed: each try costs too much.
const REFINED: usize = 60;
/// What a line through a foreign group costs, in crossings.
const FOREIGN: u64 = 4;

/// What is searched for.
#[derive(Clone, Debug)]
struct Plan {
    /// The group of each lane.
    order: Vec<usize>,
    /// The lane or channel of each node.
    nodes: Vec<usize>,
}

pub(super) struct Search<'a> {
    graph: &'a Graph,
    layers: &'a [usize],
    reversed: &'a [bool],
    passing: &'a Passing,
    spent: u64,
}

impl Search<'_> {
    fn plan(&self, order: &[usize]) -> Plan {
        Plan {
            order: order.to_vec(),
            nodes: lanes::of_nodes(self.graph, self.layers, order, self.passing),
        }
    }

    /// The graph cut and ordered by `plan`.
    fn tried(&mut self, plan: Plan, starts: usize) -> Found {
        let mut layered = Layered::new(
            self.graph,
            self.layers,
            self.reversed,
            (&plan.order, &plan.nodes),
            self.passing,
        );
        let (crossings, spent) = order::minimise(&mut layered, starts, BUDGET);
        self.spent += spent + layered.items.len() as u64;
        let edges = self.graph.edges.iter().zip(self.reversed);
        let back = edges
            .filter(|e| *e.1)
            .map(|e| e.0.pull.max(1).unsigned_abs());
        Found {
            cost: crossings + FOREIGN * layered.foreign(self.graph) + back.sum::<u64>(),
            layered,
            plan,
        }
    }
}

/// A plan, what it costs in crossings, and the cut that it gives.
pub(super) struct Found {
    pub(super) cost: u64,
    pub(super) layered: Layered,
    plan: Plan,
}

impl<'a> Search<'a> {
    pub(super) fn new(
        graph: &'a Graph,
        layers: &'a [usize],
        reversed: &'a [bool],
        passing: &'a Passing,
    ) -> Self {
        Self {
            graph,
            layers,
            reversed,
            passing,
            spent: 0,
        }
    }

    /// What the guesses give. A line that leads back costs what it wants to lead forwards.
    pub(super) fn guess(&mut self, bends: usize) -> Option<Found> {
        let mut best: Option<Found> = None;
        let orders = if bends > MANY { 1 } else { ORDERS };
        let guessed = lanes::arrange(self.graph, self.layers, self.passing);
        for order in guessed.iter().take(orders) {
            let plan = self.plan(order);
            let found = self.tried(plan, STARTS);
            if best.as_ref().is_none_or(|b| found.cost < b.cost) {
                best = Some(found);
            }
        }
        best
    }

    /// Changes what was found while that helps.
    pub(super) fn refine(&mut self, mut best: Found) -> Found {
        if self.graph.nodes.len() > REFINED {
            return best;
        }
        let lanes = best.plan.order.len();
        let free = (0..self.graph.nodes.len()).filter(|&v| self.graph.nodes[v].group.is_none());
        let moves: Vec<Change> = (0..lanes)
            .flat_map(|from| (0..lanes).map(move |to| Change::Lane(from, to)))
            .chain(free.flat_map(|v| (0..=lanes).map(move |channel| Change::Box(v, 2 * channel))))
            .collect();
        let budget = CHANGES * (self.graph.nodes.len() as u64).pow(2);
        self.spent = 0;
        // Ends when every change was tried since the last that helped.
        let mut idle = 0;
        for change in moves.iter().cycle() {
            if idle >= moves.len() || self.spent >= budget || best.cost == 0 {
                break;
            }
            idle += 1;
            let Some(plan) = self.changed(&best.plan, *change) else {
                continue;
            };
            let found = self.tried(plan, AGAIN);
            if found.cost < best.cost {
                best = found;
                idle = 0;
            }
        }
        best
    }
}

/// A small change of a plan.
#[derive(Clone, Copy, Debug)]
enum Change {
    /// The lane at one place goes to another.
    Lane(usize, usize),
    /// A node without a group goes to a channel.
    Box(usize, usize),
}

impl Search<'_> {
    /// `plan` with `change`; `None` if that changes nothing.
    fn changed(&self, plan: &Plan, change: Change) -> Option<Plan> {
        match change {
            Change::Lane(from, to) => {
                // Neighbours change places in one of two ways.
                if from == to || from == to + 1 {
                    return None;
                }
                let mut order = plan.order.clone();
                let lane = order.remove(from);
                order.insert(to, lane);
                Some(self.plan(&order))
            }
            Change::Box(v, channel) => {
                let mut changed = plan.clone();
                let at = changed.nodes.get_mut(v)?;
                (*at != channel).then(|| *at = channel)?;
                Some(changed)
            }
        }
    }
}
