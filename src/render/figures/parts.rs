//! Parts of a sequence: who takes part in some steps, and a picture with them alone.

use std::collections::BTreeMap;

use crate::diagram::{Sequence, Step};

/// Everybody who sends, receives or is spoken of in `steps`, in the order of their first appearance.
/// Stops when there are `most`.
pub(super) fn cast(steps: &[Step], most: usize) -> Vec<usize> {
    let mut at = BTreeMap::new();
    let mut open = vec![steps.iter()];
    while let Some(list) = open.last_mut() {
        let Some(step) = list.next().filter(|_| at.len() < most) else {
            open.pop();
            continue;
        };
        let here: &[usize] = match step {
            Step::Message(m) => &[m.from, m.to],
            Step::Note { over, .. } => over,
            Step::Frame { branches, .. } => {
                open.extend(branches.iter().rev().map(|b| b.steps.iter()));
                &[]
            }
        };
        for who in here {
            let next = at.len();
            at.entry(*who).or_insert(next);
        }
    }
    let mut all: Vec<(usize, usize)> = at.into_iter().map(|(who, place)| (place, who)).collect();
    all.sort_unstable();
    all.into_iter().map(|(_, who)| who).collect()
}

/// The sequence with those alone who have a part in it, in the order in which they appear.
pub(super) fn narrow(mut sequence: Sequence) -> Sequence {
    let kept = cast(&sequence.steps, usize::MAX);
    let at: BTreeMap<usize, usize> = kept.iter().zip(0..).map(|(old, new)| (*old, new)).collect();
    let moved = |p: &mut usize| *p = at.get(p).copied().unwrap_or_default();
    let mut open = vec![&mut sequence.steps];
    while let Some(list) = open.pop() {
        for step in list {
            match step {
                Step::Message(m) => {
                    moved(&mut m.from);
                    moved(&mut m.to);
                }
                Step::Note { over, .. } => over.iter_mut().for_each(moved),
                Step::Frame { branches, .. } => {
                    open.extend(branches.iter_mut().map(|b| &mut b.steps));
                }
            }
        }
    }
    let all = &sequence.participants;
    sequence.participants = kept.iter().filter_map(|p| all.get(*p).cloned()).collect();
    sequence
}

#[cfg(test)]
mod tests {
    use super::{cast, narrow};
    use crate::diagram::{Message, Participant, Sequence, Step};

    #[test]
    fn who_has_no_part_is_left_out() {
        let call = |from, to| {
            Step::Message(Message {
                from,
                to,
                ..Message::default()
            })
        };
        let steps = vec![
            call(3, 1),
            Step::par(vec![vec![call(1, 4)], vec![call(1, 0)]]),
            Step::Note {
                over: vec![5],
                text: String::new(),
            },
        ];
        assert_eq!(cast(&steps, 9), [3, 1, 4, 0, 5]);
        assert_eq!(cast(&steps, 2), [3, 1]);
        let named = |name: &str| Participant {
            label: name.to_owned(),
            ..Participant::default()
        };
        let narrowed = narrow(Sequence {
            participants: ["a", "b", "c", "d", "e", "f"].map(named).to_vec(),
            steps,
            ..Sequence::default()
        });
        let names: Vec<&str> = narrowed
            .participants
            .iter()
            .map(|p| p.label.as_str())
            .collect();
        assert_eq!(names, ["d", "b", "e", "a", "f"]);
        let expected = vec![
            call(0, 1),
            Step::par(vec![vec![call(1, 2)], vec![call(1, 3)]]),
        ];
        assert_eq!(narrowed.steps[..2], expected);
        assert!(matches!(&narrowed.steps[2], Step::Note { over, .. } if over == &[4]));
    }
}
