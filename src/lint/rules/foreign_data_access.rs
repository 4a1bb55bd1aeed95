//! `foreign-data-access`: a service reads the data of another behind its back.
//!
//! A store under `reads` of a service that another service owns: that names it under `stores`.

use super::prelude::*;

rule! {
    id: "foreign-data-access",
    severity: Error,
    section: Consistency,
    summary: "a service reads the data of another behind its back",
    what: "A store under `reads` of a service that another service owns: that names it under `stores`.",
    why: "The owner cannot change a table without breaking a reader that it does not know of, and what is read misses what the owner's code makes of it.",
    limits: "Only what `reads` states. Several services that have a store under `stores` are `shared-database`.",
    source: "Taibi and Lenarduzzi 2018: Inappropriate Service Intimacy",
}

fn check(facts: &Facts<'_>, report: &mut Report) {
    for (i, store) in facts.model.stores.iter().enumerate() {
        let Some(((owner, owned), readers)) = store.users.first().zip(Some(&store.readers)) else {
            continue;
        };
        let owner = facts.name(*owner);
        for (reader, span) in readers {
            let reader = facts.name(*reader);
            let d = report
                .at(*span, format!("`{reader}` reads `{}`, the data of `{owner}`, directly", store.name))
                .at("reads it")
                .label(*owned, format!("`{owner}` owns it"))
                .help(format!(
                    "let `{reader}` ask `{owner}`, or keep its own copy of what it needs, fed by events of `{owner}`"
                ));
            let (_, mut places) = facts.store(StoreId(i));
            places.push(reader.to_owned());
            places.push(store.name.clone());
            report.add((format!("{reader}: {}", store.name), places), d);
        }
    }
}
