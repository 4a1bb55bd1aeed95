//! `check-then-act`: what was checked may have changed when it is used.
//!
//! In one flow or saga the same service is first asked whether something may be done
//! (`CheckAvailability`, `GET /stock`, \"confirm stock\") and later told to do it (`MakeReservation`,
//! `POST …`, \"take stock\"). A step between them with a change of its own by that service, such as a
//! reservation, makes it sound.

use super::prelude::*;

rule! {
    id: "check-then-act",
    severity: Warning,
    section: Consistency,
    summary: "what was checked may have changed when it is used",
    what: "In one flow or saga the same service is first asked whether something may be done (`CheckAvailability`, `GET /stock`, \"confirm stock\") and later told to do it (`MakeReservation`, `POST …`, \"take stock\"). A step between them with a change of its own by that service, such as a reservation, makes it sound.",
    why: "Between the two another request may take the same room: both have seen that it was free, and both get it.",
    limits: "Known by the names of operations: check, verify, confirm, available, stock, balance, quota and their like, and a change of the same service behind it.",
    source: "Richardson, Microservices Patterns, chapter 4: countermeasures for the lack of isolation",
}

fn check(facts: &Facts<'_>, report: &mut Report) {
    let m = facts.model;
    for saga in &m.sagas {
        let pair = saga.steps.iter().enumerate().find_map(|(i, looked)| {
            if looked.undo.is_some() || !asks(&looked.action) {
                return None;
            }
            let mut later = saga.steps.iter().skip(i + 1).filter(|s| s.service == looked.service);
            let next = later.next()?;
            (takes(&next.action) && shared_word(&looked.action, &next.action)).then_some((looked, next))
        });
        let Some((looked, acts)) = pair else { continue };
        let name = facts.name(acts.service);
        let d = report
            .at(
                acts.span,
                format!(
                    "in the saga \"{}\" `{name}` does \"{}\" later than \"{}\", and others may come between",
                    saga.name, acts.action, looked.action
                ),
            )
            .at("acts on what may have changed")
            .label(looked.span, "looked here")
            .help(format!(
                "let \"{}\" reserve what it finds, with an `undo` that releases it, so that \"{}\" only settles it",
                looked.action, acts.action
            ));
        report.add((saga.name.clone(), vec![name.to_owned()]), d);
    }
    // A pair is reported once, however many flows show it.
    let mut told: std::collections::BTreeSet<(CallId, CallId)> = std::collections::BTreeSet::new();
    for flow in &m.flows {
        let mut looked: std::collections::BTreeMap<(Party, ServiceId), CallId> = std::collections::BTreeMap::new();
        for step in flow.steps.iter().flatten() {
            let Step::Call(id) = step else { continue };
            let c = m.call(*id);
            let last = c.operation.rsplit(['/', '.']).next().unwrap_or_default();
            let writes = matches!(&c.protocol, Protocol::Rest(Some(method)) if !method.reads());
            let reads = matches!(&c.protocol, Protocol::Rest(Some(method)) if method.reads());
            let pair = (c.from, c.to);
            if (!writes && asks(last)) || (reads && asks(&c.operation)) {
                looked.insert(pair, *id);
            } else if writes || takes(last) {
                let Some(before) = looked.remove(&pair) else { continue };
                if !told.insert((before, *id)) {
                    continue;
                }
                let name = facts.name(c.to);
                let d = report
                    .at(
                        c.span,
                        format!(
                            "in the flow \"{}\" `{}` of `{name}` follows `{}`, and others may come between",
                            flow.name,
                            c.label(),
                            m.call(before).label()
                        ),
                    )
                    .at("acts on what may have changed")
                    .label(m.call(before).span, "looked here")
                    .help(format!(
                        "let `{name}` check and write in one transaction with a lock or a version, and answer a conflict with 409 or `ABORTED`"
                    ));
                report.add(facts.call(*id), d);
            }
        }
    }
}

/// Words of names, in any spelling: `CheckAvailability`, `GET /stock/{sku}`, `confirm stock`.
fn words(name: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut word = String::new();
    let mut lower = false;
    for c in name.chars() {
        if !c.is_alphanumeric() || (c.is_uppercase() && lower) {
            out.push(std::mem::take(&mut word));
        }
        if c.is_alphanumeric() {
            word.extend(c.to_lowercase());
        }
        lower = c.is_lowercase();
    }
    out.push(word);
    out.retain(|w| !w.is_empty());
    out
}

/// Whether the name asks if something is there to be taken.
fn asks(name: &str) -> bool {
    const VERBS: [&str; 8] = ["check", "confirm", "verify", "validate", "is", "has", "can", "get"];
    const THINGS: [&str; 14] = [
        "availability", "available", "stock", "inventory", "balance", "quota", "limit", "capacity",
        "seats", "seat", "rooms", "room", "credit", "funds",
    ];
    let words = words(name);
    let verb = words.first().is_some_and(|w| VERBS.contains(&w.as_str()));
    verb && words.iter().any(|w| THINGS.contains(&w.as_str()))
}

/// Whether the name takes what may have been there.
fn takes(name: &str) -> bool {
    const VERBS: [&str; 16] = [
        "allocate", "book", "claim", "create", "debit", "decrease", "decrement", "deduct", "make", "order",
        "place", "purchase", "reserve", "take", "use", "withdraw",
    ];
    words(name).first().is_some_and(|w| VERBS.contains(&w.as_str()))
}

/// Whether both names speak of one thing.
fn shared_word(a: &str, b: &str) -> bool {
    let words = words(a);
    words.iter().skip(1).any(|w| self::words(b).contains(w))
}
