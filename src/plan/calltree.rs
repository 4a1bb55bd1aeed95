//! Which call of a flow happens inside which: the steps of one request as a tree.

use crate::model::{CallId, Model, Party, Step};

/// One step of the tree that waits for an answer.
#[derive(Clone, Debug)]
pub struct CallNode {
    /// The call; `None` for an actor's way in without a declared call, and for a handler of an event.
    pub call: Option<CallId>,
    /// The node that waits for it; `None` at the edge and for what runs after an event.
    pub parent: Option<usize>,
    /// Steps with the same number happen at the same time; numbers follow the flow's order.
    pub group: usize,
    /// `true` for work that nobody waits for: a handler of an event and all below it.
    pub detached: bool,
}

/// The tree of `steps`, callers before their callees. A call belongs to the latest earlier step that
/// reached its caller. Linear in the steps.
#[must_use]
pub fn call_tree(model: &Model, steps: &[Vec<Step>]) -> Vec<CallNode> {
    let mut nodes: Vec<CallNode> = Vec::new();
    let mut latest: std::collections::BTreeMap<usize, usize> = std::collections::BTreeMap::new();
    for (group, members) in steps.iter().enumerate() {
        for step in members {
            let (call, caller, reached, detached) = match *step {
                Step::Enter(_, s) => (None, None, s, false),
                Step::Call(id) => {
                    let c = model.call(id);
                    let caller = match c.from {
                        Party::Service(s) => Some(s),
                        Party::Actor(_) => None,
                    };
                    (Some(id), caller, c.to, false)
                }
                Step::Handle(_, Party::Service(s)) => (None, None, s, true),
                _ => continue,
            };
            let parent = caller.and_then(|s| latest.get(&s.0).copied());
            let detached = detached || parent.is_some_and(|p| nodes[p].detached);
            latest.insert(reached.0, nodes.len());
            nodes.push(CallNode {
                call,
                parent,
                group,
                detached,
            });
        }
    }
    nodes
}
