//! `shared-database`: several services use one store.
//!
//! A store that more than one service names. In a monolith, whose store is shared today, it is a
//! warning: the migration has to end it.

use super::prelude::*;

rule! {
    id: "shared-database",
    severity: Error,
    section: Consistency,
    summary: "several services use one store",
    what: "A store that more than one service names. In a monolith, whose store is shared today, it is a warning: the migration has to end it.",
    why: "Nobody can change a table without asking the others, no service can be deployed alone, and one slow query takes all of them down.",
    limits: "Schemas of one server that are used by one service each can be declared as stores of their own.",
    source: "Taibi and Lenarduzzi 2018: Shared Persistency",
}

fn check(facts: &Facts<'_>, report: &mut Report) {
    let monolith = facts.model.architecture == Some(crate::model::Architecture::Monolith);
    for (i, store) in facts.model.stores.iter().enumerate() {
        let Some(((owner, first), rest)) = store.users.split_first() else {
            continue;
        };
        if rest.is_empty() {
            continue;
        }
        let names: Vec<&str> = store.users.iter().map(|(s, _)| facts.name(*s)).collect();
        let mut d = report
            .at(*first, format!("{} share the store `{}`", list(&names), store.name))
            .at(format!("`{}` uses it", facts.name(*owner)));
        if monolith {
            d.severity = Severity::Warning;
        }
        for (s, span) in rest {
            d = d.label(*span, format!("`{}` uses it too", facts.name(*s)));
        }
        let d = d.help(format!(
            "make one of them the owner of `{}`, and let the others call it or keep their own copy fed by its events",
            store.name
        ));
        report.add(facts.store(StoreId(i)), d);
    }
}
