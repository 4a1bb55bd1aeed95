//! Who takes part in a sequence, and single messages between them.

use super::super::Cx;
use crate::diagram::{Message, MessageKind, NodeKind, Participant};
use crate::model::{self, Party};

/// Participants by party or broker, in the order in which they first speak.
#[derive(Default)]
pub(super) struct Cast {
    keys: Vec<String>,
    pub(super) participants: Vec<Participant>,
}

impl Cast {
    fn add(&mut self, key: String, label: &str, kind: NodeKind) -> usize {
        if let Some(i) = self.keys.iter().position(|k| *k == key) {
            return i;
        }
        self.keys.push(key);
        self.participants.push(Participant {
            label: label.to_owned(),
            kind,
            link: None,
        });
        self.participants.len() - 1
    }

    pub(super) fn party(&mut self, cx: &Cx<'_>, party: Party) -> usize {
        let name = cx.plan.model.party(party);
        match party {
            Party::Service(s) if cx.plan.model.service(s).external => {
                self.add(format!("s {name}"), name, NodeKind::External)
            }
            Party::Service(_) => self.add(format!("s {name}"), name, NodeKind::Service),
            Party::Actor(_) => self.add(format!("a {name}"), name, NodeKind::Actor),
        }
    }

    pub(super) fn broker(&mut self, cx: &Cx<'_>, id: model::BrokerId) -> usize {
        let name = &cx.plan.model.broker(id).name;
        self.add(format!("b {name}"), name, NodeKind::Broker)
    }
}

/// A plain message.
pub(super) fn message(from: usize, to: usize, label: String, kind: MessageKind) -> Message {
    Message {
        from,
        to,
        label,
        kind,
        ..Message::default()
    }
}
