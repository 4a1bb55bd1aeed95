//! `fallback-loses-data`: a write that fails is only logged.
//!
//! A call that changes something, with a `fallback` that says that the change is logged, ignored,
//! dropped or lost, and does not say that it is kept.

use super::prelude::*;

rule! {
    id: "fallback-loses-data",
    severity: Warning,
    section: Reliability,
    summary: "a write that fails is only logged",
    what: "A call that changes something, with a `fallback` that says that the change is logged, ignored, dropped or lost, and does not say that it is kept.",
    why: "The caller answers that all is well, and the callee never hears of it: the two disagree from then on, and nobody is told.",
    limits: "The words of the fallback are all there is to go by. Whether a call changes something is read off its method or name.",
    source: "Helland, Life beyond Distributed Transactions",
}

/// Words by which a fallback says that the change is gone.
const LOST: [&str; 25] = [
    "log", "logs", "logged", "logging", "ignore", "ignores", "ignored", "drop", "drops", "dropped",
    "discard", "discards", "discarded", "lose", "loses", "lost", "swallow", "swallows",
    "swallowed", "skip", "skips", "skipped", "nothing", "no-op", "noop",
];

/// Words by which it says that the change is kept for later.
const KEPT: [&str; 22] = [
    "queue", "queues", "queued", "retry", "retried", "retries", "later", "again", "outbox", "store",
    "stores", "stored", "persist", "persisted", "save", "saved", "event", "replay", "replayed",
    "buffer", "buffered", "reconciled",
];

/// The word in `text` that says that a change is lost, if nothing says that it is kept.
fn loses(text: &str) -> Option<&'static str> {
    let lower = text.to_lowercase();
    let words: Vec<&str> = lower
        .split(|c: char| !c.is_alphanumeric() && c != '-')
        .collect();
    if words.iter().any(|w| KEPT.contains(w)) {
        return None;
    }
    LOST.iter().copied().find(|l| words.contains(l))
}

fn check(facts: &Facts<'_>, report: &mut Report<'_>) {
    for id in facts.model.call_ids() {
        let c = facts.model.call(id);
        let reads = match &c.protocol {
            Protocol::Rest(Some(m)) => m.safe(),
            Protocol::Rest(None) => true,
            _ => c.operation.is_empty() || crate::plan::reads(&c.operation),
        };
        let (Some(fallback), false) = (&c.fallback, reads) else {
            continue;
        };
        let Some(word) = loses(fallback) else { continue };
        let (caller, callee) = (facts.model.party(c.from), facts.name(c.to));
        let d = report
            .at(
                c.span,
                format!("what `{caller}` tells `{callee}` with `{}` is gone when the call fails", c.label()),
            )
            .at(format!("its fallback says \"{word}\""))
            .help(format!(
                "keep the change where `{caller}` keeps its own (an outbox) and deliver it when `{callee}` is back, or tell it as an event"
            ));
        report.add(facts.call(id), d);
    }
}
