//! Who takes part in a sequence, and single messages between them.

use super::super::Cx;
use super::super::doc::Doc;
use super::service_link;
use crate::diagram::{Message, MessageKind, NodeKind, Participant};
use crate::model::{self, Party};

/// Participants by party or broker, in the order in which they first speak.
pub(super) struct Cast<'c> {
    cx: &'c Cx<'c>,
    doc: Option<&'c Doc>,
    keys: Vec<Key>,
    pub(super) participants: Vec<Participant>,
}

#[derive(PartialEq, Eq)]
enum Key {
    Party(Party),
    Broker(model::BrokerId),
}

impl<'c> Cast<'c> {
    pub(super) fn new(cx: &'c Cx<'c>, doc: Option<&'c Doc>) -> Self {
        Self {
            cx,
            doc,
            keys: Vec::new(),
            participants: Vec::new(),
        }
    }

    /// The column of `party`; the next free one where it has none yet.
    pub(super) fn index(&self, party: Party) -> usize {
        let known = self.keys.iter().position(|k| *k == Key::Party(party));
        known.unwrap_or(self.keys.len())
    }

    fn add(&mut self, key: Key, label: &str, kind: NodeKind, link: Option<String>) -> usize {
        if let Some(i) = self.keys.iter().position(|k| *k == key) {
            return i;
        }
        self.keys.push(key);
        self.participants.push(Participant {
            label: label.to_owned(),
            kind,
            link,
        });
        self.participants.len() - 1
    }

    pub(super) fn party(&mut self, party: Party) -> usize {
        let model = self.cx.plan.model;
        let (kind, link) = match party {
            Party::Service(s) => {
                let kind = if model.service(s).external {
                    NodeKind::External
                } else {
                    NodeKind::Service
                };
                (kind, service_link(self.cx, self.doc, s))
            }
            Party::Actor(_) => (NodeKind::Actor, None),
        };
        self.add(Key::Party(party), model.party(party), kind, link)
    }

    pub(super) fn broker(&mut self, id: model::BrokerId) -> usize {
        let name = &self.cx.plan.model.broker(id).name;
        self.add(Key::Broker(id), name, NodeKind::Broker, None)
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
